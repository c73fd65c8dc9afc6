/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's machines: the list, and how it follows what the host says. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "host-private.h"

#define MAX_NAMES_IN_ERROR 20

/* --- the list --------------------------------------------------------------------------------------------------- */

static int
compare_guests (gconstpointer a, gconstpointer b)
{
  VitrineGuest *first = VITRINE_GUEST (*(gpointer *) a), *second = VITRINE_GUEST (*(gpointer *) b);
  int order = g_utf8_collate (vitrine_guest_get_title (first), vitrine_guest_get_title (second));

  return order != 0 ? order : strcmp (vitrine_guest_get_uuid (first), vitrine_guest_get_uuid (second));
}

static void
insert_guest (VitrineHost *self, VitrineHostGuest *guest)
{
  guint low = 0, high = self->guests->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      if (compare_guests (&guest, &self->guests->pdata[middle]) < 0)
        high = middle;
      else
        low = middle + 1;
    }
  g_ptr_array_insert (self->guests, (int) low, g_object_ref (guest));
  g_hash_table_insert (self->by_uuid, (gpointer) vitrine_guest_get_uuid (VITRINE_GUEST (guest)), guest);
  g_list_model_items_changed (G_LIST_MODEL (self), low, 0, 1);
}

static void
remove_guest (VitrineHost *self, VitrineHostGuest *guest)
{
  guint at;

  if (!g_ptr_array_find (self->guests, guest, &at))
    return;
  g_hash_table_remove (self->by_uuid, vitrine_guest_get_uuid (VITRINE_GUEST (guest)));
  g_ptr_array_remove_index (self->guests, at);
  g_list_model_items_changed (G_LIST_MODEL (self), at, 1, 0);
}

static void
resort_guest (VitrineHost *self, VitrineHostGuest *guest)
{
  g_autoptr(VitrineHostGuest) kept = g_object_ref (guest);

  remove_guest (self, kept);
  insert_guest (self, kept);
}

void
vitrine_host_clear (VitrineHost *self)
{
  guint n = self->guests->len;
  g_autoptr(GPtrArray) gone = g_steal_pointer (&self->guests);

  self->guests = g_ptr_array_new_with_free_func (g_object_unref);
  g_hash_table_remove_all (self->by_uuid);
  for (guint i = 0; i < n; i++)
    vitrine_host_guest_leave (gone->pdata[i]);
  if (n > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, n, 0);
}

void
vitrine_host_fill (VitrineHost *self, GPtrArray *entries)
{
  while (entries->len > 0)
    {
      VitrineHostEntry *entry = g_ptr_array_steal_index_fast (entries, entries->len - 1);
      VitrineHostGuest *guest = vitrine_host_guest_new (self, entry);
      g_ptr_array_add (self->guests, guest);
      g_hash_table_insert (self->by_uuid, (gpointer) vitrine_guest_get_uuid (VITRINE_GUEST (guest)), guest);
    }
  g_ptr_array_sort (self->guests, compare_guests);
  if (self->guests->len > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, 0, self->guests->len);
}

/* --- what changed ----------------------------------------------------------------------------------------------- */

static gpointer
read_domain (virConnectPtr connection, gpointer domain, GCancellable *cancellable, GError **error)
{
  return vitrine_host_link_read (domain, error);
}

static void
take_entry (VitrineHost *self, VitrineHostEntry *entry)
{
  VitrineHostGuest *guest = vitrine_host_lookup (self, entry->uuid);

  if (guest == NULL)
    {
      g_autoptr(VitrineHostGuest) made = vitrine_host_guest_new (self, entry);
      insert_guest (self, made);
    }
  else if (vitrine_host_guest_update (guest, entry))
    resort_guest (self, guest);
}

static void
domain_read (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineHost *self = VITRINE_HOST (source);
  virDomainPtr domain = data;
  g_autoptr(GError) error = NULL;
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  VitrineHostEntry *entry = vitrine_host_run_finish (self, result, &error);

  virDomainGetUUIDString (domain, uuid);
  VitrineHostGuest *guest = vitrine_host_lookup (self, uuid);
  gboolean again = GPOINTER_TO_INT (g_hash_table_lookup (self->refreshing, uuid)) > 1;
  g_hash_table_remove (self->refreshing, uuid);
  if (entry != NULL && self->link != NULL)
    take_entry (self, entry);
  else if (entry != NULL)
    vitrine_host_entry_free (entry);
  else if (guest != NULL && g_error_matches (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_GONE))
    {
      vitrine_host_guest_leave (guest);
      remove_guest (self, guest);
    }
  if (again && self->link != NULL)
    vitrine_host_refresh (self, domain);
  vitrine_host_free_domain_later (domain);
}

static void
domain_unref (gpointer domain)
{
  virDomainFree (domain);
}

/* One read at a time for each: what changes meanwhile is read once more. */
void
vitrine_host_refresh (VitrineHost *self, virDomainPtr domain)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  gboolean busy;

  virDomainGetUUIDString (domain, uuid);
  busy = g_hash_table_contains (self->refreshing, uuid);
  g_hash_table_insert (self->refreshing, g_strdup (uuid), GINT_TO_POINTER (busy ? 2 : 1));
  if (busy)
    return;
  virDomainRef (domain);
  virDomainRef (domain);
  vitrine_host_run_async (self, read_domain, domain, domain_unref, (GDestroyNotify) vitrine_host_entry_free, NULL,
                          domain_read, domain);
}

/* --- titles: one call for each machine, so they come after the list --- */

typedef struct
{
  char *uuid, *title;
} Title;

static void
title_free (gpointer data)
{
  Title *title = data;

  g_free (title->uuid);
  g_free (title->title);
  g_free (title);
}

static gpointer
read_titles (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  GPtrArray *domains = data, *titles = g_ptr_array_new_with_free_func (title_free);

  for (guint i = 0; i < domains->len && !g_cancellable_is_cancelled (cancellable); i++)
    {
      char *text = vitrine_host_link_read_title (domains->pdata[i]);
      if (text == NULL)
        continue;
      Title *title = g_new0 (Title, 1);
      char uuid[VIR_UUID_STRING_BUFLEN] = "";
      virDomainGetUUIDString (domains->pdata[i], uuid);
      title->uuid = g_strdup (uuid);
      title->title = text;
      g_ptr_array_add (titles, title);
    }
  return titles;
}

static void
titles_read (GObject *source, GAsyncResult *result, gpointer unused)
{
  VitrineHost *self = VITRINE_HOST (source);
  g_autoptr(GPtrArray) titles = vitrine_host_run_finish (self, result, NULL);

  for (guint i = 0; titles != NULL && i < titles->len; i++)
    {
      const Title *title = titles->pdata[i];
      VitrineHostGuest *guest = vitrine_host_lookup (self, title->uuid);
      if (guest != NULL && vitrine_host_guest_set_title (guest, title->title))
        resort_guest (self, guest);
    }
}

void
vitrine_host_ask_titles (VitrineHost *self)
{
  GPtrArray *domains = g_ptr_array_new_with_free_func (domain_unref);

  for (guint i = 0; i < self->guests->len; i++)
    {
      virDomainPtr domain = vitrine_host_guest_get_domain (self->guests->pdata[i]);
      virDomainRef (domain);
      g_ptr_array_add (domains, domain);
    }
  vitrine_host_run_async (self, read_titles, domains, (GDestroyNotify) g_ptr_array_unref,
                          (GDestroyNotify) g_ptr_array_unref, NULL, titles_read, NULL);
}

/* --- machines --------------------------------------------------------------------------------------------------- */

VitrineHostGuest *
vitrine_host_lookup (VitrineHost *self, const char *uuid)
{
  return g_hash_table_lookup (self->by_uuid, uuid);
}

static void
fail_to_find (VitrineHost *self, const char *words, GError **error)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < MIN (self->guests->len, MAX_NAMES_IN_ERROR); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", vitrine_guest_get_title (self->guests->pdata[i]));
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_GONE,
               _("There is no machine “%s” on “%s”. There are: %s"), words, self->name,
               names->len > 0 ? names->str : _("none"));
  g_string_free (names, TRUE);
}

VitrineHostGuest *
vitrine_host_find (VitrineHost *self, const char *words, GError **error)
{
  VitrineHostGuest *found = vitrine_host_lookup (self, words);

  for (guint i = 0; found == NULL && i < self->guests->len; i++)
    if (g_str_equal (vitrine_host_guest_get_name (self->guests->pdata[i]), words))
      found = self->guests->pdata[i];
  for (guint i = 0; found == NULL && i < self->guests->len; i++)
    if (g_str_equal (vitrine_guest_get_title (self->guests->pdata[i]), words))
      found = self->guests->pdata[i];
  if (found == NULL)
    fail_to_find (self, words, error);
  return found;
}

/* --- GListModel ------------------------------------------------------------------------------------------------- */

static GType
get_item_type (GListModel *model)
{
  return VITRINE_TYPE_HOST_GUEST;
}

static guint
get_n_items (GListModel *model)
{
  return VITRINE_HOST (model)->guests->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  VitrineHost *self = VITRINE_HOST (model);

  return position < self->guests->len ? g_object_ref (self->guests->pdata[position]) : NULL;
}

void
vitrine_host_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}
