/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineHost: a connection that comes and goes. What is behind it is in host-list.c. */
#include "host.h"

#include <glib/gi18n-lib.h>
#include <libvirt-glib/libvirt-glib.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>

#include "host-private.h"
#include "host-text.h"
#include "host-xml.h"

#define FIRST_RETRY_SECONDS 2
#define LAST_RETRY_SECONDS 120
#define LAST_WORDS_SECONDS 2

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

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineHost, vitrine_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, vitrine_host_list_model_init))

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

/* --- the connection --------------------------------------------------------------------------------------------- */

/* Links that are being closed. A program that ends waits for them, for a little while: libvirtd 9.0 may crash when a client goes
 * away while it is still taking back its events. */
static struct
{
  GMutex mutex;
  GCond  none;
  guint  n;
} closing;

static void
wait_for_closing (void)
{
  gint64 deadline = g_get_monotonic_time () + LAST_WORDS_SECONDS * G_TIME_SPAN_SECOND;

  g_mutex_lock (&closing.mutex);
  while (closing.n > 0 && g_cond_wait_until (&closing.none, &closing.mutex, deadline))
    ;
  g_mutex_unlock (&closing.mutex);
}

static void
begin_closing (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      atexit (wait_for_closing);
      g_once_init_leave (&once, 1);
    }
  g_mutex_lock (&closing.mutex);
  closing.n++;
  g_mutex_unlock (&closing.mutex);
}

static void
close_in_thread (GTask *task, gpointer source, gpointer link, GCancellable *cancellable)
{
  vitrine_host_link_close (link);
  g_mutex_lock (&closing.mutex);
  if (--closing.n == 0)
    g_cond_broadcast (&closing.none);
  g_mutex_unlock (&closing.mutex);
  g_task_return_boolean (task, TRUE);
}

static void
close_later (VitrineHostLink *link)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  begin_closing ();
  g_task_set_task_data (task, link, NULL);
  g_task_run_in_thread (task, close_in_thread);
}

static void
drop_link (VitrineHost *self)
{
  if (self->link == NULL)
    return;
  close_later (g_steal_pointer (&self->link));
  vitrine_host_clear (self);
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
    vitrine_host_refresh (self, domain);
  else if (self->early != NULL)
    {
      virDomainRef (domain);
      g_ptr_array_add (self->early, domain);
    }
}

static void
link_resources_changed (gpointer owner, VitrineHostResourceKinds kinds)
{
  g_signal_emit (owner, signals[RESOURCES_CHANGED], 0, kinds);
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
  vitrine_host_fill (self, opened->entries);
  opened_free (opened);
  set_state (self, VITRINE_HOST_CONNECTED, NULL);   /* who hears of it finds the list */
  vitrine_host_ask_titles (self);
  for (guint i = 0; i < early->len; i++)
    vitrine_host_refresh (self, early->pdata[i]);
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
  self->early = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_free_domain_later);
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

/* --- defining -------------------------------------------------------------------------------------------------- */

/* libvirt would take the definition for another one of the machine that has its UUID. */
gboolean
vitrine_host_check_new (virConnectPtr connection, const char *xml, GError **error)
{
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  g_autofree char *uuid
      = document != NULL ? vitrine_xml_text (vitrine_xml_child (xmlDocGetRootElement (document), "uuid")) : NULL;
  virDomainPtr there = uuid != NULL ? virDomainLookupByUUIDString (connection, uuid) : NULL;

  if (document == NULL)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                           _("This is not XML: a tag may be open."));
      return FALSE;
    }
  if (there != NULL)
    {
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                   _("The machine “%s” has this UUID. Leave <uuid> out for a new machine, or edit that one."),
                   virDomainGetName (there));
      virDomainFree (there);
      return FALSE;
    }
  return uuid == NULL || virGetLastErrorCode () == VIR_ERR_NO_DOMAIN || vitrine_host_set_error (error) != NULL;
}

static gpointer
define (virConnectPtr connection, gpointer xml, GCancellable *cancellable, GError **error)
{
  if (!vitrine_host_check_new (connection, xml, error))
    return NULL;
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

gboolean
vitrine_host_is_here (VitrineHost *self)
{
  g_autoptr(GUri) uri = g_uri_parse (self->uri, G_URI_FLAGS_NON_DNS, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  /* libvirt's test driver has a computer of its own. */
  return uri != NULL && (host == NULL || *host == '\0') && !g_str_has_prefix (g_uri_get_scheme (uri), "test");
}

gboolean
vitrine_host_is_session (VitrineHost *self)
{
  g_autoptr(GUri) uri = g_uri_parse (self->uri, G_URI_FLAGS_NON_DNS, NULL);

  return uri != NULL && g_str_equal (g_uri_get_path (uri), "/session");
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
  signal (SIGPIPE, SIG_IGN);   /* libvirt writes to sockets whose other end may just have gone: that is an error, not the end */
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
    g_signal_new ("resources-changed", VITRINE_TYPE_HOST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  G_TYPE_UINT);
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
