/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineHost: a connection that comes and goes, and the list of what is behind it. */
#include "host.h"

#include <glib/gi18n-lib.h>
#include <libvirt-glib/libvirt-glib.h>
#include <string.h>

#include "host-private.h"
#include "host-text.h"

#define FIRST_RETRY_SECONDS 2
#define LAST_RETRY_SECONDS 120
#define WORKERS 4
#define MAX_NAMES_IN_ERROR 20

struct _VitrineHost
{
  GObject parent_instance;

  char            *id, *uri, *name, *reason;
  VitrineHostState state;
  VitrineHostLink *link;         /* NULL while away */
  GCancellable    *attempt;      /* a connection being made */
  guint            retry, wait_seconds;

  GPtrArray       *guests;       /* of VitrineHostGuest, sorted */
  GHashTable      *by_uuid;      /* borrowed from guests */
  GHashTable      *refreshing;   /* UUID -> is it to be read once more after that? */
  GPtrArray       *early;        /* domains that changed while the list was being read */

  GQueue           waiting;      /* of GTask: work */
  guint            working;
};

enum
{
  PROP_0,
  PROP_STATE,
  PROP_REASON,
  N_PROPS
};

enum
{
  ASK,
  RESOURCES_CHANGED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineHost, vitrine_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
set_state (VitrineHost *self, VitrineHostState state, const char *reason)
{
  if (g_strcmp0 (self->reason, reason) != 0)
    {
      g_free (self->reason);
      self->reason = g_strdup (reason);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REASON]);
    }
  if (self->state != state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
}

/* --- work ------------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHostWork work;
  gpointer        data;
  GDestroyNotify  free_data, free_result;
  virConnectPtr   connection;
  gboolean        counted;       /* among those that work */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  if (job->free_data != NULL)
    job->free_data (job->data);
  if (job->connection != NULL)
    virConnectClose (job->connection);
  g_free (job);
}

/* What holds the connection is let go here: the last of it closes the connection, which waits for the host. */
static void
work_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  GError *error = NULL;
  gpointer result = job->work (job->connection, job->data, cancellable, &error);

  if (job->free_data != NULL)
    job->free_data (g_steal_pointer (&job->data));
  job->free_data = NULL;
  virConnectClose (g_steal_pointer (&job->connection));
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, job->free_result);
}

static void
work_on (VitrineHost *self)
{
  while (self->working < WORKERS && !g_queue_is_empty (&self->waiting))
    {
      g_autoptr(GTask) task = g_queue_pop_head (&self->waiting);
      Job *job = g_task_get_task_data (task);
      if (self->link == NULL)
        {
          g_task_return_new_error (task, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_AWAY, _("“%s” is away: %s"), self->name,
                                   self->reason != NULL ? self->reason : _("not connected."));
          continue;
        }
      job->connection = vitrine_host_link_get_connection (self->link);
      virConnectRef (job->connection);
      job->counted = TRUE;
      self->working++;
      g_task_run_in_thread (task, work_in_thread);
    }
}

static void
work_done (GTask *task, GParamSpec *pspec, gpointer unused)
{
  VitrineHost *self = g_task_get_source_object (task);
  Job *job = g_task_get_task_data (task);

  if (job->counted)
    self->working--;
  work_on (self);
}

void
vitrine_host_run_async (VitrineHost *self, VitrineHostWork work, gpointer data, GDestroyNotify free_data,
                        GDestroyNotify free_result, GCancellable *cancellable, GAsyncReadyCallback done,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, done, user_data);
  Job *job = g_new0 (Job, 1);

  job->work = work;
  job->data = data;
  job->free_data = free_data;
  job->free_result = free_result;
  g_task_set_task_data (task, job, job_free);
  g_signal_connect (task, "notify::completed", G_CALLBACK (work_done), NULL);
  g_queue_push_tail (&self->waiting, task);
  work_on (self);
}

gpointer
vitrine_host_run_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
free_domain_in_thread (GTask *task, gpointer source, gpointer domain, GCancellable *cancellable)
{
  virDomainFree (domain);
  g_task_return_boolean (task, TRUE);
}

void
vitrine_host_free_domain_later (virDomainPtr domain)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, domain, NULL);
  g_task_run_in_thread (task, free_domain_in_thread);
}

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

static void
clear_guests (VitrineHost *self)
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

static void
fill_guests (VitrineHost *self, GPtrArray *entries)
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

static void refresh (VitrineHost *self, virDomainPtr domain);

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
    refresh (self, domain);
  vitrine_host_free_domain_later (domain);
}

static void
domain_unref (gpointer domain)
{
  virDomainFree (domain);
}

/* One read at a time for each: what changes meanwhile is read once more. */
static void
refresh (VitrineHost *self, virDomainPtr domain)
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

static void
ask_titles (VitrineHost *self)
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

/* --- the connection --------------------------------------------------------------------------------------------- */

static void
close_in_thread (GTask *task, gpointer source, gpointer link, GCancellable *cancellable)
{
  vitrine_host_link_close (link);
  g_task_return_boolean (task, TRUE);
}

static void
close_later (VitrineHostLink *link)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, link, NULL);
  g_task_run_in_thread (task, close_in_thread);
}

static void
drop_link (VitrineHost *self)
{
  if (self->link == NULL)
    return;
  close_later (g_steal_pointer (&self->link));
  clear_guests (self);
}

static gboolean
try_again (gpointer data)
{
  VitrineHost *self = data;

  self->retry = 0;
  vitrine_host_connect (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (VitrineHost *self)
{
  self->wait_seconds = CLAMP (self->wait_seconds * 2, FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS);
  self->retry = g_timeout_add_seconds (self->wait_seconds, try_again, self);
}

static void
link_domain_changed (gpointer owner, virDomainPtr domain)
{
  VitrineHost *self = owner;

  if (self->link != NULL)
    refresh (self, domain);
  else if (self->early != NULL)
    {
      virDomainRef (domain);
      g_ptr_array_add (self->early, domain);
    }
}

static void
link_resources_changed (gpointer owner)
{
  g_signal_emit (owner, signals[RESOURCES_CHANGED], 0);
}

static void
link_lost (gpointer owner, const char *reason)
{
  VitrineHost *self = owner;

  if (self->link == NULL)
    return;
  drop_link (self);
  set_state (self, VITRINE_HOST_AWAY, reason);
  retry_later (self);
}

static void
link_ask (gpointer owner, VitrineCredentials *credentials)
{
  gboolean taken = FALSE;

  g_signal_emit (owner, signals[ASK], 0, credentials, &taken);
  if (!taken)
    vitrine_credentials_cancel (credentials);
}

static const VitrineHostLinkEvents events = { link_domain_changed, link_resources_changed, link_lost, link_ask };

typedef struct
{
  VitrineHostLink *link;
  GPtrArray       *entries;
} Opened;

static void
opened_free (gpointer data)
{
  Opened *opened = data;

  if (opened->link != NULL)
    close_later (opened->link);
  g_clear_pointer (&opened->entries, g_ptr_array_unref);
  g_free (opened);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer uri, GCancellable *cancellable)
{
  g_autoptr(GError) error = NULL;
  Opened *opened = g_new0 (Opened, 1);

  opened->link = vitrine_host_link_open (uri, &events, source, cancellable, &error);
  if (opened->link != NULL)
    opened->entries = vitrine_host_link_list (vitrine_host_link_get_connection (opened->link), &error);
  if (opened->entries != NULL)
    {
      g_task_return_pointer (task, opened, opened_free);
      return;
    }
  opened_free (opened);
  g_task_return_error (task, g_steal_pointer (&error));
}

static void
begin (VitrineHost *self, Opened *opened)
{
  g_autoptr(GPtrArray) early = g_steal_pointer (&self->early);

  self->wait_seconds = 0;
  self->link = g_steal_pointer (&opened->link);
  fill_guests (self, opened->entries);
  opened_free (opened);
  set_state (self, VITRINE_HOST_CONNECTED, NULL);   /* who hears of it finds the list */
  ask_titles (self);
  for (guint i = 0; i < early->len; i++)
    refresh (self, early->pdata[i]);
}

static void
opened_or_not (GObject *source, GAsyncResult *result, gpointer unused)
{
  VitrineHost *self = VITRINE_HOST (source);
  g_autoptr(GError) error = NULL;
  Opened *opened = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_task_get_cancellable (G_TASK (result)) != self->attempt)
    {
      if (opened != NULL)   /* nobody wants it any more */
        opened_free (opened);
      return;
    }
  g_clear_object (&self->attempt);
  if (opened != NULL)
    {
      begin (self, opened);
      return;
    }
  g_clear_pointer (&self->early, g_ptr_array_unref);
  set_state (self, VITRINE_HOST_AWAY, error->message);
  if (!g_error_matches (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_DENIED))
    retry_later (self);
}

void
vitrine_host_connect (VitrineHost *self)
{
  if (self->link != NULL || self->attempt != NULL)
    return;
  g_clear_handle_id (&self->retry, g_source_remove);
  self->attempt = g_cancellable_new ();
  self->early = g_ptr_array_new_with_free_func (domain_unref);
  g_autoptr(GTask) task = g_task_new (self, self->attempt, opened_or_not, NULL);
  g_task_set_check_cancellable (task, FALSE);   /* what was opened is to be closed in any case */
  g_task_set_task_data (task, g_strdup (self->uri), g_free);
  set_state (self, VITRINE_HOST_CONNECTING, self->reason);
  g_task_run_in_thread (task, open_in_thread);
}

void
vitrine_host_disconnect (VitrineHost *self)
{
  g_clear_handle_id (&self->retry, g_source_remove);
  g_cancellable_cancel (self->attempt);
  g_clear_object (&self->attempt);
  g_clear_pointer (&self->early, g_ptr_array_unref);
  drop_link (self);
  self->wait_seconds = 0;
  set_state (self, VITRINE_HOST_AWAY, NULL);
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

static gpointer
define (virConnectPtr connection, gpointer xml, GCancellable *cancellable, GError **error)
{
  virDomainPtr domain = virDomainDefineXMLFlags (connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);

  if (domain == NULL)
    return vitrine_host_set_error (error);
  virDomainFree (domain);   /* an event brings it into the list */
  return VITRINE_HOST_DONE;
}

void
vitrine_host_define_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, define, g_strdup (xml), g_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_define_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
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

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* --- URIs ------------------------------------------------------------------------------------------------------- */

gboolean
vitrine_host_check_uri (const char *uri, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_NON_DNS | G_URI_FLAGS_HAS_PASSWORD, &problem);

  if (parsed == NULL || g_uri_get_scheme (parsed) == NULL)
    g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                 _("“%s” is not the URI of a host. Write for example qemu:///system or qemu+ssh://user@host/system."),
                 uri);
  else if (g_uri_get_password (parsed) != NULL)
    g_set_error_literal (
        error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
        _("Leave the password out of the URI: it would be written down. It is asked for when it is needed."));
  else
    return TRUE;
  return FALSE;
}

char *
vitrine_host_name_for_uri (const char *uri)
{
  g_autoptr(GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_NON_DNS, NULL);
  const char *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;

  if (host != NULL && *host != '\0')
    return vitrine_host_text (host, VITRINE_HOST_TITLE_CHARS);
  if (g_str_equal (uri, "qemu:///system"))
    return g_strdup (_("This computer (system)"));
  if (g_str_equal (uri, "qemu:///session"))
    return g_strdup (_("This computer (session)"));
  if (g_str_equal (uri, "test:///default"))
    return g_strdup (_("Test host"));
  return vitrine_host_text (uri, VITRINE_HOST_TITLE_CHARS);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

const char *
vitrine_host_get_id (VitrineHost *self)
{
  return self->id;
}

const char *
vitrine_host_get_uri (VitrineHost *self)
{
  return self->uri;
}

const char *
vitrine_host_get_name (VitrineHost *self)
{
  return self->name;
}

VitrineHostState
vitrine_host_get_state (VitrineHost *self)
{
  return self->state;
}

const char *
vitrine_host_get_reason (VitrineHost *self)
{
  return self->reason;
}

static void
vitrine_host_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VitrineHost *self = VITRINE_HOST (object);

  switch (id)
    {
    case PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case PROP_REASON:
      g_value_set_string (value, self->reason);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vitrine_host_dispose (GObject *object)
{
  vitrine_host_disconnect (VITRINE_HOST (object));
  G_OBJECT_CLASS (vitrine_host_parent_class)->dispose (object);
}

static void
vitrine_host_finalize (GObject *object)
{
  VitrineHost *self = VITRINE_HOST (object);

  g_ptr_array_unref (self->guests);
  g_hash_table_unref (self->by_uuid);
  g_hash_table_unref (self->refreshing);
  g_free (self->id);
  g_free (self->uri);
  g_free (self->name);
  g_free (self->reason);
  G_OBJECT_CLASS (vitrine_host_parent_class)->finalize (object);
}

static void
vitrine_host_class_init (VitrineHostClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  gvir_event_register ();
  vitrine_host_errors_begin ();
  object_class->get_property = vitrine_host_get_property;
  object_class->dispose = vitrine_host_dispose;
  object_class->finalize = vitrine_host_finalize;
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, VITRINE_HOST_CONNECTED, 0, flags);
  properties[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[ASK] = g_signal_new ("ask", VITRINE_TYPE_HOST, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled, NULL,
                               NULL, G_TYPE_BOOLEAN, 1, VITRINE_TYPE_CREDENTIALS);
  signals[RESOURCES_CHANGED] =
    g_signal_new ("resources-changed", VITRINE_TYPE_HOST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_host_init (VitrineHost *self)
{
  self->guests = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_uuid = g_hash_table_new (g_str_hash, g_str_equal);
  self->refreshing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->waiting);
}

VitrineHost *
vitrine_host_new (const char *id, const char *uri, const char *name)
{
  VitrineHost *self = g_object_new (VITRINE_TYPE_HOST, NULL);

  self->id = g_strdup (id);
  self->uri = g_strdup (uri);
  self->name = name != NULL && *name != '\0' ? vitrine_host_text (name, VITRINE_HOST_TITLE_CHARS)
                                             : vitrine_host_name_for_uri (uri);
  return self;
}
