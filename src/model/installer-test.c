/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installer images, as libosinfo knows them by their volumes. */
#include <glib/gstdio.h>

#include "installer.h"

static void
note (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Of an ISO image that has a boot record and nothing else. NULL: none can be made here. */
static VitrineInstaller *
recognize (const char *volume, const char *publisher)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autofree char *folder = g_dir_make_tmp ("vitrine-installer-XXXXXX", NULL);
  g_autofree char *tree = g_build_filename (folder, "tree", NULL), *boot = g_build_filename (tree, "boot.img", NULL);
  g_autofree char *iso = g_build_filename (folder, "disc.iso", NULL);
  const char *argv[] = { "xorriso", "-as", "mkisofs", "-quiet", "-V", volume, "-publisher", publisher, "-b", "boot.img", "-no-emul-boot",
                         "-o", iso, tree, NULL };
  char sector[2048] = { 0 };
  int status = -1;

  g_mkdir (tree, 0700);
  g_file_set_contents (boot, sector, sizeof sector, NULL);
  if (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                    NULL, NULL, &status, NULL) && status == 0)
    {
      vitrine_installer_recognize_async (iso, NULL, note, &result);
      while (result == NULL)
        g_main_context_iteration (NULL, TRUE);
    }
  VitrineInstaller *installer = result != NULL ? vitrine_installer_recognize_finish (result, &error) : NULL;
  g_assert_no_error (error);
  g_unlink (iso);
  g_unlink (boot);
  g_rmdir (tree);
  g_rmdir (folder);
  return installer;
}

static void
windows_11_wants_a_tpm_and_others_do_not (void)
{
  static const struct { const char *volume, *publisher; gboolean wants; } cases[] = {
    { "CCCOMA_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION", TRUE },
    { "GRMSXVOL_EN_DVD", "MICROSOFT CORPORATION", FALSE },
    { "nobody knows this", "", FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(VitrineInstaller) installer = recognize (cases[i].volume, cases[i].publisher);
      if (installer == NULL)
        {
          g_test_skip ("xorriso is not installed");
          return;
        }
      if (cases[i].wants && installer->os_id == NULL)
        {
          g_test_skip ("the database of operating systems does not have it");
          return;
        }
      g_test_message ("%s: %s", cases[i].volume, installer->os_name);
      g_assert_cmpint (installer->wants_tpm, ==, cases[i].wants);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/installer/tpm", windows_11_wants_a_tpm_and_others_do_not);
  return g_test_run ();
}
