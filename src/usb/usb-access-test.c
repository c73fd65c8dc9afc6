/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a USB device, on a computer that answers as the test says. */
#include "usb-access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  int   answers[2];       /* errno of each attempt to open; 0: it succeeds */
  guint attempts, grants;
  int   grant_code;       /* of the error; -1: granted */
  char *node;
} Computer;

static int
fake_open (gpointer data, const char *node)
{
  Computer *computer = data;

  g_assert_cmpuint (computer->attempts, <, 2);
  g_free (computer->node);
  computer->node = g_strdup (node);
  errno = computer->answers[computer->attempts++];
  return errno == 0 ? open ("/dev/null", O_RDWR | O_CLOEXEC) : -1;
}

static gboolean
fake_grant (gpointer data, guint bus, guint address, GError **error)
{
  Computer *computer = data;

  computer->grants++;
  g_assert_cmpuint (bus, ==, 3);
  g_assert_cmpuint (address, ==, 12);
  if (computer->grant_code < 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, computer->grant_code, "not granted");
  return FALSE;
}

static int
try_open (Computer *computer, GError **error)
{
  const VitrineUsbAccess access = { fake_open, fake_grant, computer };
  int fd = vitrine_usb_access_open (&access, 3, 12, error);

  g_assert_cmpstr (computer->node, ==, "/dev/bus/usb/003/012");
  g_clear_pointer (&computer->node, g_free);
  if (fd >= 0)
    close (fd);
  return fd;
}

static void
what_may_be_opened_is_and_nobody_is_asked (void)
{
  Computer computer = { { 0 } };
  g_autoptr(GError) error = NULL;

  g_assert_cmpint (try_open (&computer, &error), >=, 0);
  g_assert_no_error (error);
  g_assert_cmpuint (computer.grants, ==, 0);
}

static void
a_right_that_is_granted_opens_it (void)
{
  Computer computer = { .answers = { EACCES, 0 }, .grant_code = -1 };
  g_autoptr(GError) error = NULL;

  g_assert_cmpint (try_open (&computer, &error), >=, 0);
  g_assert_no_error (error);
  g_assert_cmpuint (computer.grants, ==, 1);
}

static void
every_refusal_is_a_sentence (void)
{
  static const struct
  {
    int         answers[2], grant_code, code;
    const char *words;
  } cases[] = {
    { { ENOENT }, -1, G_IO_ERROR_NOT_FOUND, "not plugged in any more" },
    { { ENODEV }, -1, G_IO_ERROR_NOT_FOUND, "not plugged in any more" },
    { { EACCES }, G_IO_ERROR_NOT_FOUND, G_IO_ERROR_PERMISSION_DENIED, "spice-client-glib-usb-acl-helper" },
    { { EPERM }, G_IO_ERROR_NOT_FOUND, G_IO_ERROR_PERMISSION_DENIED, "udev" },
    { { EACCES }, G_IO_ERROR_CANCELLED, G_IO_ERROR_CANCELLED, "not granted" },
    { { EACCES }, G_IO_ERROR_FAILED, G_IO_ERROR_FAILED, "not granted" },
    { { EACCES, EACCES }, -1, G_IO_ERROR_PERMISSION_DENIED, "/dev/bus/usb/003/012" },
    { { EACCES, ENOENT }, -1, G_IO_ERROR_NOT_FOUND, "not plugged in any more" },
    { { EMFILE }, -1, G_IO_ERROR_TOO_MANY_OPEN_FILES, "/dev/bus/usb/003/012" },
    { { EBUSY }, -1, G_IO_ERROR_BUSY, "/dev/bus/usb/003/012" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Computer computer = { .grant_code = cases[i].grant_code };
      g_autoptr(GError) error = NULL;
      memcpy (computer.answers, cases[i].answers, sizeof computer.answers);
      g_assert_cmpint (try_open (&computer, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/usb-access/allowed", what_may_be_opened_is_and_nobody_is_asked);
  g_test_add_func ("/usb-access/granted", a_right_that_is_granted_opens_it);
  g_test_add_func ("/usb-access/refused", every_refusal_is_a_sentence);
  return g_test_run ();
}
