/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libosinfo's database says of a medium: the volume descriptor is all that it looks at. */
#include "installer.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#define SECTOR 2048

static void
put (char *image, gsize at, const char *text, gsize room)
{
  memset (image + at, ' ', room);
  memcpy (image + at, text, strlen (text));
}

static char *
make_medium (const char *volume, const char *publisher)
{
  g_autofree char *image = g_malloc0 (20 * SECTOR);
  char *path = NULL;
  int   fd = g_file_open_tmp ("vitrine-XXXXXX.iso", &path, NULL);
  char *descriptor = image + 16 * SECTOR;

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  descriptor[0] = 1;                                   /* ECMA-119, 8.4 */
  memcpy (descriptor + 1, "CD001\1", 6);
  put (descriptor, 8, "", 32);
  put (descriptor, 40, volume, 32);
  put (descriptor, 318, publisher, 128);
  put (descriptor, 574, "", 128);
  memcpy (descriptor + SECTOR, "\0CD001\1EL TORITO SPECIFICATION", 30);   /* bootable */
  descriptor[80] = descriptor[87] = 20;
  descriptor[129] = descriptor[130] = SECTOR >> 8;
  g_assert_true (g_file_set_contents (path, image, 20 * SECTOR, NULL));
  return path;
}

typedef struct
{
  GMainLoop    *loop;
  GAsyncResult *result;
} Wait;

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->result = g_object_ref (result);
  g_main_loop_quit (wait->loop);
}

static VitrineInstaller *
recognize (const char *path)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  Wait wait = { .loop = loop };

  vitrine_installer_recognize_async (path, NULL, take_result, &wait);
  g_main_loop_run (loop);
  VitrineInstaller *installer = vitrine_installer_recognize_finish (wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  return installer;
}

static void
windows_11_wants_secure_boot_and_a_tpm_and_others_do_not (void)
{
  static const struct { const char *volume, *publisher, *id; VitrineFirmware firmware; gboolean tpm; } cases[] = {
    { "CCCOMA_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION", "http://microsoft.com/win/11", VITRINE_FIRMWARE_SECURE_BOOT, TRUE },
    { "SSS_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION", "http://microsoft.com/win/2k22", VITRINE_FIRMWARE_BIOS, FALSE },
    { "GRMSXVOL_EN_DVD", "MICROSOFT CORPORATION", NULL, VITRINE_FIRMWARE_BIOS, FALSE },
    { "NOBODY_KNOWS", "", NULL, VITRINE_FIRMWARE_BIOS, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = make_medium (cases[i].volume, cases[i].publisher);
      g_autoptr(VitrineInstaller) installer = recognize (path);
      g_unlink (path);
      if (cases[i].id != NULL && g_strcmp0 (installer->os_id, cases[i].id) != 0)
        {
          g_test_skip ("The database of operating systems (osinfo-db) does not know this medium");
          return;
        }
      g_assert_cmpint (installer->firmware, ==, cases[i].firmware);
      g_assert_cmpint (installer->wants_tpm, ==, cases[i].tpm);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/installer/Windows 11 wants Secure Boot and a TPM, and others do not", windows_11_wants_secure_boot_and_a_tpm_and_others_do_not);
  return g_test_run ();
}
