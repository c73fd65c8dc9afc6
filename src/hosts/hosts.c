/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of hosts: one group of hosts.ini each, named by the host's id. */
#include "hosts.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "host-text.h"
#include "keyring.h"
#include "paths.h"

#define MAX_HOSTS 1000   /* what is beyond that in the file is no list that a person made */

struct _VitrineHosts
{
  GObject parent_instance;

  char         *path;
  GFileMonitor *monitor;
  GPtrArray    *hosts;
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineHosts, vitrine_hosts, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

guint
vitrine_hosts_get_size (VitrineHosts *self)
{
  return self->hosts->len;
}

VitrineHost *
vitrine_hosts_get (VitrineHosts *self, guint position)
{
  return g_ptr_array_index (self->hosts, position);
}

VitrineHost *
vitrine_hosts_lookup (VitrineHosts *self, const char *id)
{
  for (guint i = 0; i < self->hosts->len; i++)
    if (g_str_equal (vitrine_host_get_id (self->hosts->pdata[i]), id))
      return self->hosts->pdata[i];
  return NULL;
}

VitrineHost *
vitrine_hosts_find (VitrineHosts *self, const char *words, GError **error)
{
  VitrineHost *found = vitrine_hosts_lookup (self, words);
  g_autoptr(GString) names = g_string_new (NULL);

  for (guint i = 0; found == NULL && i < self->hosts->len; i++)
    {
      VitrineHost *host = self->hosts->pdata[i];
      if (g_str_equal (vitrine_host_get_name (host), words) || g_str_equal (vitrine_host_get_uri (host), words))
        found = host;
      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", vitrine_host_get_name (host));
    }
  if (found == NULL)
    g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID, _("There is no host “%s”. There are: %s"),
                 words, names->len > 0 ? names->str : _("none"));
  return found;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static gboolean
save (VitrineHosts *self, GError **error)
{
  g_autoptr(GKeyFile) file = g_key_file_new ();
  g_autofree char *folder = g_path_get_dirname (self->path);

  for (guint i = 0; i < self->hosts->len; i++)
    {
      VitrineHost *host = self->hosts->pdata[i];
      g_key_file_set_string (file, vitrine_host_get_id (host), "uri", vitrine_host_get_uri (host));
      g_key_file_set_string (file, vitrine_host_get_id (host), "name", vitrine_host_get_name (host));
    }
  g_mkdir_with_parents (folder, 0700);
  return g_key_file_save_to_file (file, self->path, error);
}

static VitrineHost *
read_host (GKeyFile *file, const char *id)
{
  g_autofree char *uri = g_key_file_get_string (file, id, "uri", NULL),
                  *name = g_key_file_get_string (file, id, "name", NULL);

  return uri != NULL && vitrine_host_check_uri (uri, NULL) ? vitrine_host_new (id, uri, name) : NULL;
}

static void
remove_at (VitrineHosts *self, guint at)
{
  vitrine_host_disconnect (self->hosts->pdata[at]);
  g_ptr_array_remove_index (self->hosts, at);
  g_list_model_items_changed (G_LIST_MODEL (self), at, 1, 0);
}

static void
append (VitrineHosts *self, VitrineHost *host)
{
  g_ptr_array_add (self->hosts, g_object_ref (host));
  g_list_model_items_changed (G_LIST_MODEL (self), self->hosts->len - 1, 0, 1);
}

/* A host's URI and name stay as they are for as long as it is in the list, so only who comes and who goes matters. */
static void
load (VitrineHosts *self)
{
  g_autoptr(GKeyFile) file = g_key_file_new ();
  gboolean there = g_key_file_load_from_file (file, self->path, G_KEY_FILE_NONE, NULL);

  if (!there && g_file_test (self->path, G_FILE_TEST_EXISTS))
    return;   /* half written, or by somebody else's hand: better the list that we have */
  for (guint i = self->hosts->len; i > 0; i--)
    if (!g_key_file_has_group (file, vitrine_host_get_id (self->hosts->pdata[i - 1])))
      remove_at (self, i - 1);
  g_auto(GStrv) ids = g_key_file_get_groups (file, NULL);
  for (guint i = 0; ids[i] != NULL && self->hosts->len < MAX_HOSTS; i++)
    {
      g_autoptr(VitrineHost) host = vitrine_hosts_lookup (self, ids[i]) == NULL ? read_host (file, ids[i]) : NULL;
      if (host != NULL)
        append (self, host);
    }
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

static gboolean
check_absent (VitrineHosts *self, const char *id, const char *uri, GError **error)
{
  for (guint i = 0; i < self->hosts->len; i++)
    {
      VitrineHost *host = self->hosts->pdata[i];
      if (!g_str_equal (vitrine_host_get_id (host), id) && !g_str_equal (vitrine_host_get_uri (host), uri))
        continue;
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID, _("This host is there already, as “%s”."),
                   vitrine_host_get_name (host));
      return FALSE;
    }
  return TRUE;
}

/* Windows of a host that was removed still go by its id, so that no other one may ever have it. */
VitrineHost *
vitrine_hosts_prepare (VitrineHosts *self, const char *uri, const char *name, GError **error)
{
  g_autofree char *clean = g_strstrip (g_strdup (uri));
  g_autofree char *id = g_uuid_string_random ();

  if (!vitrine_host_check_uri (clean, error) || !check_absent (self, id, clean, error))
    return NULL;
  return vitrine_host_new (id, clean, name);
}

VitrineHost *
vitrine_hosts_add (VitrineHosts *self, const char *uri, const char *name, GError **error)
{
  g_autoptr(VitrineHost) host = vitrine_hosts_prepare (self, uri, name, error);

  return host != NULL && vitrine_hosts_put_back (self, host, error) ? host : NULL;
}

gboolean
vitrine_hosts_put_back (VitrineHosts *self, VitrineHost *host, GError **error)
{
  if (!check_absent (self, vitrine_host_get_id (host), vitrine_host_get_uri (host), error))
    return FALSE;
  append (self, host);
  if (save (self, error))
    return TRUE;
  remove_at (self, self->hosts->len - 1);
  return FALSE;
}

gboolean
vitrine_hosts_remove (VitrineHosts *self, VitrineHost *host, GError **error)
{
  guint at;

  if (!g_ptr_array_find (self->hosts, host, &at))
    return TRUE;
  g_autoptr(VitrineHost) kept = g_object_ref (host);
  remove_at (self, at);
  if (save (self, error))
    return TRUE;
  append (self, kept);
  return FALSE;
}

static void
forget_in_thread (GTask *task, gpointer source, gpointer uri, GCancellable *cancellable)
{
  vitrine_keyring_forget (uri);
  g_task_return_boolean (task, TRUE);
}

void
vitrine_hosts_forget (VitrineHost *host)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, g_strdup (vitrine_host_get_uri (host)), g_free);
  g_task_run_in_thread (task, forget_in_thread);
}

/* --- GListModel ------------------------------------------------------------------------------------------------- */

static GType
get_item_type (GListModel *model)
{
  return VITRINE_TYPE_HOST;
}

static guint
get_n_items (GListModel *model)
{
  return VITRINE_HOSTS (model)->hosts->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  VitrineHosts *self = VITRINE_HOSTS (model);

  return position < self->hosts->len ? g_object_ref (self->hosts->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
file_changed (VitrineHosts *self, GFile *file, GFile *other, GFileMonitorEvent event)
{
  if (event == G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT || event == G_FILE_MONITOR_EVENT_RENAMED
      || event == G_FILE_MONITOR_EVENT_MOVED_IN || event == G_FILE_MONITOR_EVENT_CREATED)
    load (self);
}

static void
vitrine_hosts_dispose (GObject *object)
{
  VitrineHosts *self = VITRINE_HOSTS (object);

  if (self->monitor != NULL)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);
  for (guint i = 0; i < self->hosts->len; i++)
    vitrine_host_disconnect (self->hosts->pdata[i]);
  g_ptr_array_set_size (self->hosts, 0);
  G_OBJECT_CLASS (vitrine_hosts_parent_class)->dispose (object);
}

static void
vitrine_hosts_finalize (GObject *object)
{
  VitrineHosts *self = VITRINE_HOSTS (object);

  g_ptr_array_unref (self->hosts);
  g_free (self->path);
  G_OBJECT_CLASS (vitrine_hosts_parent_class)->finalize (object);
}

static void
vitrine_hosts_class_init (VitrineHostsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = vitrine_hosts_dispose;
  object_class->finalize = vitrine_hosts_finalize;
}

static void
vitrine_hosts_init (VitrineHosts *self)
{
  self->hosts = g_ptr_array_new_with_free_func (g_object_unref);
  self->path = vitrine_paths_hosts ();
}

VitrineHosts *
vitrine_hosts_new (void)
{
  VitrineHosts *self = g_object_new (VITRINE_TYPE_HOSTS, NULL);
  g_autoptr(GFile) file = g_file_new_for_path (self->path);

  load (self);
  self->monitor = g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor != NULL)
    g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (file_changed), self);
  return self;
}
