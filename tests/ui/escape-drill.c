/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-escape-drill: the whole application with a test card for a computer, whose guest "breaks out": a second after the start
 * it tries, from inside the machine's process, what such a guest would try, and says in the machine's log how far it came. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "application.h"
#include "fake-backend.h"

static int
open_in_home (void)
{
  g_autofree char *path = g_build_filename (g_get_home_dir (), "secret", NULL);
  return open (path, O_RDONLY);
}

static int
write_in_home (void)
{
  g_autofree char *path = g_build_filename (g_get_home_dir (), ".profile", NULL);
  return open (path, O_WRONLY | O_CREAT, 0600);
}

static int
list_home (void)
{
  return open (g_get_home_dir (), O_RDONLY | O_DIRECTORY);
}

static int
open_round_about (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/root%s/secret", g_get_home_dir ());
  return open (path, O_RDONLY);
}

static int
open_other_machine (void)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "vitrine", "machines", "other", "domain.xml", NULL);
  return open (path, O_RDONLY);
}

static int
open_parents_memory (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/mem", getppid ());
  return open (path, O_RDONLY);
}

static int
start_program (void)
{
  return execl ("/bin/true", "true", NULL);
}

static int
trace_parent (void)
{
  return (int) ptrace (PTRACE_ATTACH, getppid (), NULL, NULL);
}

static int
kill_parent (void)
{
  return kill (getppid (), 0);
}

static const struct
{
  const char *name;
  int       (*attempt) (void);
} drills[] = {
  { "open in home", open_in_home },         { "write in home", write_in_home },     { "list home", list_home },
  { "open round about", open_round_about }, { "open other machine", open_other_machine },
  { "open parent's memory", open_parents_memory },
  { "start a program", start_program },     { "trace parent", trace_parent },       { "kill parent", kill_parent },
};

/* In a thread of its own, as a virtual processor would. */
static gpointer
attempt_all (gpointer unused)
{
  for (guint i = 0; i < G_N_ELEMENTS (drills); i++)
    {
      int result = drills[i].attempt (), saved = errno;
      const char *end = result >= 0 ? "ALLOWED" : saved == EPERM || saved == EACCES ? "denied" : g_strerror (saved);
      fprintf (stderr, "drill: %s: %s\n", drills[i].name, end);
    }
  fprintf (stderr, "drill: over\n");
  return NULL;
}

static gboolean
break_out (gpointer unused)
{
  g_thread_unref (g_thread_new ("guest", attempt_all, NULL));
  return G_SOURCE_REMOVE;
}

static VitrineBackend *
open_backend (const VtConfig *config, GError **error)
{
  g_timeout_add_seconds (1, break_out, NULL);   /* the process is all set up by then */
  return vitrine_fake_backend_open (config, error);
}

int
main (int argc, char **argv)
{
  return vitrine_application_main (argc, argv, open_backend);
}
