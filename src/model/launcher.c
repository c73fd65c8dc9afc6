/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts machine processes. */
#include "launcher.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

/* The window program itself, or the one beside vitrinectl. After an upgrade under our feet the link says "(deleted)";
 * the new file of that name is the right one then. */
static char *
find_program (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  const char *wish = g_getenv ("VITRINE_PROGRAM");   /* for tests */

  if (wish != NULL)
    return g_strdup (wish);
  if (self == NULL)
    return g_find_program_in_path ("vitrine");
  if (g_str_has_suffix (self, " (deleted)"))
    self[strlen (self) - strlen (" (deleted)")] = '\0';
  g_autofree char *folder = g_path_get_dirname (self);
  g_autofree char *name = g_path_get_basename (self);
  if (g_str_has_prefix (name, "vitrine") && !g_str_equal (name, "vitrinectl"))
    return g_steal_pointer (&self);
  g_autofree char *sibling = g_build_filename (folder, "vitrine", NULL);
  if (g_file_test (sibling, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&sibling);
  return g_find_program_in_path ("vitrine");
}

static void
leave_session (gpointer unused)
{
  setsid ();
}

/* @host may be NULL. @log_path NULL: what it says goes where ours goes. */
static GSubprocess *
launch (const char *host, const char *uuid, const char *log_path, GError **error)
{
  g_autofree char *program = find_program ();
  g_autofree char *machine = g_strdup_printf ("--machine=%s", uuid);
  g_autofree char *where = host != NULL ? g_strdup_printf ("--host=%s", host) : NULL;

  if (program == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           _("The program “vitrine” is not installed beside this one, nor in PATH."));
      return NULL;
    }
  g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  if (log_path != NULL)
    {
      g_subprocess_launcher_set_flags (launcher, G_SUBPROCESS_FLAGS_STDERR_MERGE);
      g_subprocess_launcher_set_stdout_file_path (launcher, log_path);
    }
  g_subprocess_launcher_set_child_setup (launcher, leave_session, NULL, NULL);
  return g_subprocess_launcher_spawn (launcher, error, program, machine, where, NULL);
}

GSubprocess *
vitrine_launcher_start (const char *uuid, const char *log_path, GError **error)
{
  return launch (NULL, uuid, log_path, error);
}

GSubprocess *
vitrine_launcher_start_on_host (const char *host, const char *uuid, GError **error)
{
  return launch (host, uuid, NULL, error);
}
