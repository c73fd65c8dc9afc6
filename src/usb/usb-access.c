/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-access.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* Where Debian, Fedora and others have it. */
static const char *const helpers[] = {
  "/usr/libexec/spice-client-glib-usb-acl-helper",
  "/usr/lib/spice-gtk/spice-client-glib-usb-acl-helper",
  "/usr/lib/x86_64-linux-gnu/spice-gtk/spice-client-glib-usb-acl-helper",
  "/usr/bin/spice-client-glib-usb-acl-helper",
};

static int
real_open (gpointer data, const char *node)
{
  return open (node, O_RDWR | O_CLOEXEC);
}

/* One line: "SUCCESS", "CANCELED", or what went wrong. */
static gboolean
judge (const char *answer, GError **error)
{
  if (answer != NULL && g_str_has_prefix (answer, "SUCCESS"))
    return TRUE;
  if (answer != NULL && g_str_has_prefix (answer, "CANCELED"))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("You did not give the right to use the device."));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, _("The right to use the device was not given: %s"),
                 answer != NULL ? answer : _("SPICE’s helper has ended."));
  return FALSE;
}

/* The helper takes the right back when its standard input ends: that descriptor is kept. */
static gboolean
ask_helper (const char *helper, guint bus, guint address, GError **error)
{
  const char *argv[] = { helper, NULL };
  g_autofree char *question = g_strdup_printf ("%u %u\n", bus, address);
  char answer[256] = "";
  int in, out;

  if (!g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, NULL, &in, &out, NULL, error))
    return FALSE;
  gboolean asked = write (in, question, strlen (question)) == (gssize) strlen (question);
  gssize n = asked ? read (out, answer, sizeof answer - 1) : 0;
  close (out);
  return judge (n > 0 ? g_strchomp (answer) : NULL, error);
}

static gboolean
real_grant (gpointer data, guint bus, guint address, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (helpers); i++)
    if (access (helpers[i], X_OK) == 0)
      return ask_helper (helpers[i], bus, address, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no helper");
  return FALSE;
}

const VitrineUsbAccess *
vitrine_usb_access_real (void)
{
  static const VitrineUsbAccess real = { real_open, real_grant, NULL };

  return &real;
}

static void
explain (int problem, const char *node, GError **error)
{
  if (problem == ENOENT || problem == ENODEV || problem == ENXIO)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The USB device is not plugged in any more."));
  else if (problem == EACCES || problem == EPERM)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 _("You may not use the USB device (%s). Install the package spice-client-glib-usb-acl-helper, which asks for a password, "
                   "or have an administrator make a udev rule that gives the device to you (TAG+=\"uaccess\")."), node);
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (problem), _("The USB device cannot be opened (%s): %s"), node,
                 g_strerror (problem));
}

int
vitrine_usb_access_open (const VitrineUsbAccess *access, guint bus, guint address, GError **error)
{
  g_autofree char *node = g_strdup_printf ("/dev/bus/usb/%03u/%03u", bus, address);
  g_autoptr(GError) refusal = NULL;
  int fd = access->open (access->data, node), problem = errno;

  if (fd >= 0)
    return fd;
  if (problem == EACCES || problem == EPERM)
    {
      if (access->grant (access->data, bus, address, &refusal))
        {
          fd = access->open (access->data, node);
          problem = errno;
        }
      else if (!g_error_matches (refusal, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&refusal));
          return -1;
        }
    }
  if (fd < 0)
    explain (problem, node, error);
  return fd;
}
