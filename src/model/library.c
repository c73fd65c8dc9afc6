/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineLibrary: the folder of machines as a list. A machine's folder appears and disappears by rename only, so that whoever
 * watches never sees half of one. */
#include "library-private.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

static void vitrine_library_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineLibrary, vitrine_library, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, vitrine_library_model_init))

/* --- list ------------------------------------------------------------------------------------------------------- */

static GType
get_item_type (GListModel *model)
{
  return VITRINE_TYPE_MACHINE;
}

static guint
get_n_items (GListModel *model)
{
  return VITRINE_LIBRARY (model)->machines->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  VitrineLibrary *self = VITRINE_LIBRARY (model);

  return position < self->machines->len ? g_object_ref (self->machines->pdata[position]) : NULL;
}

static void
vitrine_library_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* "apple 9", "apple 10", "Zebra": as file managers sort, in every locale. */
static char *
sort_key (VitrineMachine *machine)
{
  g_autofree char *folded = g_utf8_casefold (vitrine_machine_get_title (machine), -1);
  return g_utf8_collate_key_for_filename (folded, -1);
}

static int
compare_titles (VitrineMachine *a, VitrineMachine *b)
{
  g_autofree char *key_a = sort_key (a);
  g_autofree char *key_b = sort_key (b);
  int order = strcmp (key_a, key_b);

  return order != 0 ? order : strcmp (vitrine_machine_get_uuid (a), vitrine_machine_get_uuid (b));
}

static guint
position_for (VitrineLibrary *self, VitrineMachine *machine)
{
  guint i = 0;

  while (i < self->machines->len && compare_titles (self->machines->pdata[i], machine) < 0)
    i++;
  return i;
}

static void
insert (VitrineLibrary *self, VitrineMachine *machine)
{
  guint position = position_for (self, machine);

  self->changes++;
  g_ptr_array_insert (self->machines, (gint) position, g_object_ref (machine));
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
}

void
vitrine_library_take_out (VitrineLibrary *self, guint position)
{
  g_autoptr(VitrineMachine) machine = g_object_ref (self->machines->pdata[position]);

  self->changes++;
  g_ptr_array_remove_index (self->machines, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static void
title_changed (VitrineLibrary *self, GParamSpec *pspec, VitrineMachine *machine)
{
  guint position;

  if (!g_ptr_array_find (self->machines, machine, &position))
    return;
  g_object_ref (machine);
  vitrine_library_take_out (self, position);
  insert (self, machine);
  g_object_unref (machine);
}

void
vitrine_library_adopt (VitrineLibrary *self, VitrineMachine *machine)
{
  g_signal_connect_object (machine, "notify::title", G_CALLBACK (title_changed), self, G_CONNECT_SWAPPED);
  insert (self, machine);
}

guint
vitrine_library_get_size (VitrineLibrary *self)
{
  return self->machines->len;
}

VitrineMachine *
vitrine_library_get (VitrineLibrary *self, guint position)
{
  return self->machines->pdata[position];
}

VitrineMachine *
vitrine_library_lookup (VitrineLibrary *self, const char *uuid)
{
  for (guint i = 0; i < self->machines->len; i++)
    if (g_ascii_strcasecmp (vitrine_machine_get_uuid (self->machines->pdata[i]), uuid) == 0)
      return self->machines->pdata[i];
  return NULL;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static VitrineMachine *
by_name (VitrineLibrary *self, const char *name)
{
  g_autofree char *wanted = g_utf8_casefold (name, -1);

  for (guint i = 0; i < self->machines->len; i++)
    {
      VitrineDomain *domain = vitrine_machine_get_domain (self->machines->pdata[i]);
      g_autofree char *other = domain != NULL ? vitrine_domain_get_name (domain) : NULL;
      g_autofree char *folded = other != NULL ? g_utf8_casefold (other, -1) : NULL;
      if (g_strcmp0 (folded, wanted) == 0)
        return self->machines->pdata[i];
    }
  return NULL;
}

static VitrineMachine *
by_uuid_start (VitrineLibrary *self, const char *words)
{
  VitrineMachine *match = NULL;

  for (guint i = 0; strlen (words) >= 4 && i < self->machines->len; i++)
    if (g_ascii_strncasecmp (vitrine_machine_get_uuid (self->machines->pdata[i]), words, strlen (words)) == 0)
      {
        if (match != NULL)
          return NULL;
        match = self->machines->pdata[i];
      }
  return match;
}

VitrineMachine *
vitrine_library_find (VitrineLibrary *self, const char *words, GError **error)
{
  VitrineMachine *machine = by_name (self, words);

  if (machine == NULL)
    machine = by_uuid_start (self, words);
  if (machine == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 _("There is no machine “%s”. “vitrinectl list” shows the machines there are."), words);
  return machine;
}

char *
vitrine_library_free_name (VitrineLibrary *self, const char *wish)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = i == 1 ? g_strdup (wish) : g_strdup_printf ("%s %u", wish, i);
      if (by_name (self, name) == NULL)
        return g_steal_pointer (&name);
    }
}

gboolean
vitrine_library_check_free_name (VitrineLibrary *self, const char *name, VitrineMachine *except, GError **error)
{
  VitrineMachine *other = by_name (self, name);

  if (!vitrine_domain_check_name (name, error))
    return FALSE;
  if (other == NULL || other == except)
    return TRUE;
  g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("There is a machine called “%s” already. Choose another name."), name);
  return FALSE;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_library_dispose (GObject *object)
{
  VitrineLibrary *self = VITRINE_LIBRARY (object);

  if (self->monitor != NULL)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);
  g_clear_handle_id (&self->rescan, g_source_remove);
  g_ptr_array_set_size (self->machines, 0);
  G_OBJECT_CLASS (vitrine_library_parent_class)->dispose (object);
}

static void
vitrine_library_finalize (GObject *object)
{
  g_ptr_array_unref (VITRINE_LIBRARY (object)->machines);
  G_OBJECT_CLASS (vitrine_library_parent_class)->finalize (object);
}

static void
vitrine_library_class_init (VitrineLibraryClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_library_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_library_finalize;
}

static void
vitrine_library_init (VitrineLibrary *self)
{
  self->machines = g_ptr_array_new_with_free_func (g_object_unref);
}

VitrineLibrary *
vitrine_library_new (void)
{
  return g_object_new (VITRINE_TYPE_LIBRARY, NULL);
}
