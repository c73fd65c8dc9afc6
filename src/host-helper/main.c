/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-host-helper takes no options: who starts it is the bus. */
#include <glib/gi18n.h>
#include <locale.h>

#include "helper.h"

#define IDLE_SECONDS 30

int
main (int argc, char **argv)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new ("/");
  const VitrineHelper helper = { .tree = tree, .bus = G_BUS_TYPE_SYSTEM, .idle_seconds = IDLE_SECONDS };

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, VITRINE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  return vitrine_helper_run (&helper);
}
