/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vfio-user.h"

#include <glib/gi18n-lib.h>

/* The files that a process opens to have it: its group, and from Linux 6.2 on perhaps the device alone. */
static GStrv
list_nodes (VitrineHostTree *tree, const char *device)
{
  g_autofree char *group = vitrine_host_tree_link (tree, "%s/iommu_group", device);
  g_auto(GStrv) devices = vitrine_host_tree_list (tree, "%s/vfio-dev", device);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *group_node = g_strconcat ("/dev/vfio/", group != NULL ? group : "-", NULL);

  g_strv_builder_add (builder, group_node);
  for (guint i = 0; devices[i] != NULL; i++)
    {
      g_autofree char *node = g_strconcat ("/dev/vfio/devices/", devices[i], NULL);
      g_strv_builder_add (builder, node);
    }
  return g_strv_builder_end (builder);
}

static gboolean
has_open (VitrineHostTree *tree, const char *process, const char *const *nodes)
{
  g_auto(GStrv) files = vitrine_host_tree_list (tree, "proc/%s/fd", process);

  for (guint i = 0; files[i] != NULL; i++)
    {
      g_autofree char *target = vitrine_host_tree_target (tree, "proc/%s/fd/%s", process, files[i]);
      if (target != NULL && g_strv_contains (nodes, target))
        return TRUE;
    }
  return FALSE;
}

/* A process that has it open; NULL: there is none that we may see. */
static char *
find_user (VitrineHostTree *tree, const char *device)
{
  g_auto(GStrv) nodes = list_nodes (tree, device), processes = vitrine_host_tree_list (tree, "proc");

  for (guint i = 0; processes[i] != NULL; i++)
    if (g_ascii_isdigit (*processes[i]) && has_open (tree, processes[i], (const char *const *) nodes))
      return g_strdup (processes[i]);
  return NULL;
}

gboolean
vitrine_vfio_check_free (VitrineHostTree *tree, const char *device, const char *name, GError **error)
{
  g_autofree char *process = find_user (tree, device);

  if (process == NULL)
    return TRUE;
  g_autofree char *program = vitrine_host_tree_read (tree, "proc/%s/comm", process);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, _("%s is in use by %s (process %s): shut the machine down first."),
               name, program != NULL ? program : "?", process);
  return FALSE;
}
