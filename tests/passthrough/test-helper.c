/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-host-helper on a session bus, with a tree of trees.py or of vitrine-z-host instead of this computer, and a fake kernel that
 * may fail once. */
#include <stdlib.h>

#include "fake-kernel.h"
#include "helper.h"
#include "z-host.h"

int
main (int argc, char **argv)
{
  g_autofree char *root = NULL;
  FakeKernel kernel = { 0 };
  int fail_at = 0, idle_seconds = 30;
  gboolean z = FALSE;
  const GOptionEntry entries[] = {
    { "root", 0, 0, G_OPTION_ARG_FILENAME, &root, "The tree", "DIR" },
    { "fail", 0, 0, G_OPTION_ARG_INT, &fail_at, "Which change fails, from 1", "N" },
    { "idle", 0, 0, G_OPTION_ARG_INT, &idle_seconds, "When to go away", "SECONDS" },
    { "z", 0, 0, G_OPTION_ARG_NONE, &z, "The tree is an IBM Z host's", NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) options = g_option_context_new (NULL);
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error) || root == NULL)
    {
      g_printerr ("%s\n", error != NULL ? error->message : "--root is missing");
      return EXIT_FAILURE;
    }
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  kernel.fail_at = (guint) fail_at;
  ZKernel z_kernel = { .root = root, .fail_at = fail_at };
  const VitrineHelper helper = {
    .tree = tree, .hands = z ? &z_kernel_hands : &fake_kernel_hands, .data = z ? (gpointer) &z_kernel : &kernel, .bus = G_BUS_TYPE_SESSION, .idle_seconds = (guint) idle_seconds,
  };
  return vitrine_helper_run (&helper);
}
