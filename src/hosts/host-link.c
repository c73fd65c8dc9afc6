/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to a libvirt host: credentials, keep-alive, events. */
#include "host-link.h"

#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "host-error.h"
#include "host-text.h"
#include "keyring.h"
#include "secret-text.h"

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_MISSES 3
#define MAX_ANSWERS 8

enum
{
  LIFECYCLE,
  METADATA,
  NETWORKS,
  POOLS,
  DEVICES,
  N_CALLBACKS
};

struct _VitrineHostLink
{
  gatomicrefcount              references;   /* each of libvirt's event callbacks has one */
  virConnectPtr                connection;
  const VitrineHostLinkEvents *events;
  GWeakRef                     owner;
  int                          callbacks[N_CALLBACKS];   /* -1: the host has no such events */
};

/* --- credentials ------------------------------------------------------------------------------------------------ */

enum
{
  NAME,
  PASSWORD,
  N_KINDS
};

static const char *const kinds[] = { [NAME] = "name", [PASSWORD] = "password" };   /* in the keyring */

/* One attempt to open. */
typedef struct
{
  const char                  *uri;
  const VitrineHostLinkEvents *events;
  GWeakRef                    *owner;
  char                        *given[N_KINDS];   /* by a person */
  gboolean                     asked, remember;
  gboolean                     again;            /* the last answers were wrong */
  gboolean                     kept;             /* the keyring answered */
  gboolean                     cancelled;
} Attempt;

static guint
kind_of (int type)
{
  return type == VIR_CRED_AUTHNAME || type == VIR_CRED_USERNAME ? NAME : PASSWORD;
}

static gboolean
is_secret (int type)
{
  return type == VIR_CRED_PASSPHRASE || type == VIR_CRED_NOECHOPROMPT;
}

/* What is asked in the host's own words and typed in the open may be anything, also good for one time only. */
static gboolean
is_kept (int type)
{
  return type != VIR_CRED_ECHOPROMPT;
}

static const char *
prompt_of (const virConnectCredential *credential)
{
  if (kind_of (credential->type) == NAME)
    return _("User name");
  return credential->type == VIR_CRED_PASSPHRASE ? _("Password") : credential->prompt;
}

/* libvirt frees what it is given with free(). */
static void
fill (virConnectCredentialPtr credential, const char *answer)
{
  credential->result = strdup (answer);
  credential->resultlen = (unsigned) strlen (answer);
}

/* All of them, or none. */
static gboolean
fill_from_keyring (Attempt *attempt, virConnectCredentialPtr credentials, guint n)
{
  char *answers[MAX_ANSWERS] = { NULL };
  gboolean all = TRUE;

  for (guint i = 0; i < n && all; i++)
    {
      if (is_kept (credentials[i].type))
        answers[i] = vitrine_keyring_look_up (attempt->uri, kinds[kind_of (credentials[i].type)]);
      all = answers[i] != NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      if (all)
        fill (&credentials[i], answers[i]);
      vitrine_keyring_free (answers[i]);
    }
  return all;
}

typedef struct
{
  const VitrineHostLinkEvents *events;
  GObject                     *owner;
  VitrineCredentials          *credentials;
} Question;

static gboolean
ask_in_main (gpointer data)
{
  Question *question = data;

  question->events->ask (question->owner, question->credentials);
  g_object_unref (question->owner);
  g_object_unref (question->credentials);
  g_free (question);
  return G_SOURCE_REMOVE;
}

/* FALSE: nobody is there to be asked. */
static gboolean
ask (Attempt *attempt, VitrineCredentials *credentials)
{
  GObject *owner = g_weak_ref_get (attempt->owner);

  if (owner == NULL)
    return FALSE;
  Question *question = g_new0 (Question, 1);
  question->events = attempt->events;
  question->owner = owner;
  question->credentials = g_object_ref (credentials);
  g_main_context_invoke (NULL, ask_in_main, question);
  return TRUE;
}

static int
answer (virConnectCredentialPtr credentials, unsigned n, void *data)
{
  Attempt *attempt = data;
  g_autoptr(VitrineCredentials) questions = vitrine_credentials_new (attempt->again);
  const char *const *answers;
  gboolean remember;

  if (n == 0 || n > MAX_ANSWERS)
    return -1;
  if (!attempt->again && fill_from_keyring (attempt, credentials, n))
    {
      attempt->kept = TRUE;
      return 0;
    }
  for (guint i = 0; i < n; i++)
    vitrine_credentials_add (questions, prompt_of (&credentials[i]), is_secret (credentials[i].type),
                             credentials[i].defresult);
  if (!ask (attempt, questions) || !vitrine_credentials_wait (questions, &answers, &remember))
    {
      attempt->cancelled = TRUE;
      return -1;
    }
  for (guint i = 0; i < n; i++)
    {
      char **given = &attempt->given[kind_of (credentials[i].type)];
      fill (&credentials[i], answers[i]);
      if (!is_kept (credentials[i].type))
        continue;
      vitrine_secret_text_free (*given);
      *given = g_strdup (answers[i]);
    }
  attempt->asked = TRUE;
  attempt->remember = remember;
  return 0;
}

static void
forget_answers (Attempt *attempt)
{
  for (guint i = 0; i < N_KINDS; i++)
    g_clear_pointer (&attempt->given[i], vitrine_secret_text_free);
  attempt->asked = attempt->kept = FALSE;
}

/* They opened the door. */
static void
remember_answers (Attempt *attempt)
{
  for (guint i = 0; attempt->remember && i < N_KINDS; i++)
    if (attempt->given[i] != NULL)
      vitrine_keyring_store (attempt->uri, kinds[i], attempt->given[i]);
}

static gboolean
was_refused (void)
{
  virErrorPtr last = virGetLastError ();

  return last != NULL && last->code == VIR_ERR_AUTH_FAILED;
}

static virConnectPtr
open_with_answers (Attempt *attempt, GCancellable *cancellable, GError **error)
{
  int types[]
      = { VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE, VIR_CRED_ECHOPROMPT, VIR_CRED_NOECHOPROMPT };
  virConnectAuth auth = { types, G_N_ELEMENTS (types), answer, attempt };

  for (;;)
    {
      forget_answers (attempt);
      virConnectPtr connection = virConnectOpenAuth (attempt->uri, &auth, 0);
      if (connection != NULL)
        {
          remember_answers (attempt);
          return connection;
        }
      if (attempt->cancelled)
        {
          g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_DENIED, _("No password was given."));
          return NULL;
        }
      if (!was_refused () || (!attempt->asked && !attempt->kept) || g_cancellable_is_cancelled (cancellable))
        return vitrine_host_set_error (error);
      attempt->again = TRUE;
    }
}

/* --- events ----------------------------------------------------------------------------------------------------- */

static void
link_unref (gpointer data)
{
  VitrineHostLink *link = data;

  if (!g_atomic_ref_count_dec (&link->references))
    return;
  g_weak_ref_clear (&link->owner);
  g_free (link);
}

static int
domain_event (virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
  VitrineHostLink *link = data;
  g_autoptr(GObject) owner = g_weak_ref_get (&link->owner);

  if (owner != NULL)
    link->events->domain_changed (owner, domain);
  return 0;
}

static void
metadata_event (virConnectPtr connection, virDomainPtr domain, int type, const char *uri, void *data)
{
  if (type == VIR_DOMAIN_METADATA_TITLE)
    domain_event (connection, domain, 0, 0, data);
}

static void
resources_event (VitrineHostLink *link, VitrineHostResourceKinds changed)
{
  g_autoptr(GObject) owner = g_weak_ref_get (&link->owner);

  if (owner != NULL)
    link->events->resources_changed (owner, changed);
}

static void
network_event (virConnectPtr connection, virNetworkPtr network, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_NETWORKS);
}

static void
pool_event (virConnectPtr connection, virStoragePoolPtr pool, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_POOLS);
}

static void
device_event (virConnectPtr connection, virNodeDevicePtr device, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_DEVICES);
}

typedef struct
{
  VitrineHostLink *link;
  const char      *reason;
} Loss;

static gboolean
tell_loss (gpointer data)
{
  const Loss *loss = data;
  g_autoptr(GObject) owner = g_weak_ref_get (&loss->link->owner);

  if (owner != NULL)
    loss->link->events->lost (owner, loss->reason);
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  link_unref (loss->link);
  g_free (loss);
}

/* libvirt holds locks here that whoever closes the connection or a stream of it would wait for. */
static void
closed (virConnectPtr connection, int why, void *data)
{
  static const char *const reasons[] = {
    [VIR_CONNECT_CLOSE_REASON_ERROR] = N_("The connection broke."),
    [VIR_CONNECT_CLOSE_REASON_EOF] = N_("The host closed the connection. Its libvirt may have been stopped."),
    [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = N_("The host does not answer any more."),
    [VIR_CONNECT_CLOSE_REASON_CLIENT] = N_("The connection was closed."),
  };
  Loss *loss = g_new0 (Loss, 1);

  loss->link = data;
  g_atomic_ref_count_inc (&loss->link->references);
  loss->reason = _(reasons[why >= 0 && why < (int) G_N_ELEMENTS (reasons) ? why : 0]);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_loss, loss, loss_free);
}

static void
took (VitrineHostLink *link, int which, int id)
{
  link->callbacks[which] = id;
  if (id >= 0)
    g_atomic_ref_count_inc (&link->references);
}

static gboolean
follow (VitrineHostLink *link, GError **error)
{
  virConnectPtr connection = link->connection;

  took (link, LIFECYCLE, virConnectDomainEventRegisterAny (connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                           VIR_DOMAIN_EVENT_CALLBACK (domain_event), link, link_unref));
  if (link->callbacks[LIFECYCLE] < 0)
    return vitrine_host_set_error (error) != NULL;
  took (link, METADATA,
        virConnectDomainEventRegisterAny (connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                          VIR_DOMAIN_EVENT_CALLBACK (metadata_event), link, link_unref));
  took (link, NETWORKS,
        virConnectNetworkEventRegisterAny (connection, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                           VIR_NETWORK_EVENT_CALLBACK (network_event), link, link_unref));
  took (link, POOLS,
        virConnectStoragePoolEventRegisterAny (connection, NULL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                               VIR_STORAGE_POOL_EVENT_CALLBACK (pool_event), link, link_unref));
  took (link, DEVICES,
        virConnectNodeDeviceEventRegisterAny (connection, NULL, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                              VIR_NODE_DEVICE_EVENT_CALLBACK (device_event), link, link_unref));
  /* Without a reference: drivers that never lose their host take the callback, and forget it. */
  virConnectRegisterCloseCallback (connection, closed, link, NULL);
  /* Local drivers and old hosts have no keep-alive, and are none the worse for it. */
  if (virConnectSetKeepAlive (connection, KEEPALIVE_SECONDS, KEEPALIVE_MISSES) < 0)
    virResetLastError ();
  return TRUE;
}

static void
stop_following (VitrineHostLink *link)
{
  virConnectPtr connection = link->connection;

  virConnectUnregisterCloseCallback (connection, closed);
  for (guint i = 0; i < N_CALLBACKS; i++)
    if (link->callbacks[i] >= 0)
      switch (i)
        {
        case NETWORKS:
          virConnectNetworkEventDeregisterAny (connection, link->callbacks[i]);
          break;
        case POOLS:
          virConnectStoragePoolEventDeregisterAny (connection, link->callbacks[i]);
          break;
        case DEVICES:
          virConnectNodeDeviceEventDeregisterAny (connection, link->callbacks[i]);
          break;
        default:
          virConnectDomainEventDeregisterAny (connection, link->callbacks[i]);
        }
}

/* --- open and close --------------------------------------------------------------------------------------------- */

VitrineHostLink *
vitrine_host_link_open (const char *uri, const VitrineHostLinkEvents *events, GObject *owner, GCancellable *cancellable,
                        GError **error)
{
  VitrineHostLink *link = g_new0 (VitrineHostLink, 1);
  Attempt attempt = { .uri = uri, .events = events, .owner = &link->owner };

  g_atomic_ref_count_init (&link->references);
  g_weak_ref_init (&link->owner, owner);
  link->events = events;
  for (guint i = 0; i < N_CALLBACKS; i++)
    link->callbacks[i] = -1;
  link->connection = open_with_answers (&attempt, cancellable, error);
  forget_answers (&attempt);
  if (link->connection == NULL)
    {
      link_unref (link);
      return NULL;
    }
  if (!follow (link, error))
    {
      vitrine_host_link_close (link);
      return NULL;
    }
  return link;
}

virConnectPtr
vitrine_host_link_get_connection (VitrineHostLink *link)
{
  return link->connection;
}

void
vitrine_host_link_close (VitrineHostLink *link)
{
  stop_following (link);
  virConnectClose (link->connection);
  link->connection = NULL;
  link_unref (link);
}

/* --- domains ---------------------------------------------------------------------------------------------------- */

void
vitrine_host_entry_free (VitrineHostEntry *entry)
{
  if (entry == NULL)
    return;
  if (entry->domain != NULL)
    virDomainFree (entry->domain);
  g_free (entry->uuid);
  g_free (entry->name);
  g_free (entry->title);
  g_free (entry->message);
  g_free (entry);
}

static VitrineHostEntry *
new_entry (virDomainPtr domain)
{
  VitrineHostEntry *entry = g_new0 (VitrineHostEntry, 1);
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  virDomainRef (domain);
  entry->domain = domain;
  virDomainGetUUIDString (domain, uuid);
  entry->uuid = g_strdup (uuid);
  entry->name = vitrine_host_text (virDomainGetName (domain), VITRINE_HOST_TITLE_CHARS);
  return entry;
}

static void
set_state (VitrineHostEntry *entry, int state, int reason)
{
  switch (state)
    {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:
      entry->state = VITRINE_STATE_RUNNING;
      break;
    case VIR_DOMAIN_PAUSED:
      entry->state = reason == VIR_DOMAIN_PAUSED_IOERROR ? VITRINE_STATE_BLOCKED : VITRINE_STATE_PAUSED;
      if (reason == VIR_DOMAIN_PAUSED_IOERROR)
        entry->message = g_strdup (_("One of its disks cannot be read or written; the host may be out of room."));
      break;
    case VIR_DOMAIN_PMSUSPENDED:
      entry->state = VITRINE_STATE_PAUSED;
      entry->message = g_strdup (_("The guest went to sleep."));
      break;
    case VIR_DOMAIN_CRASHED:
      entry->state = VITRINE_STATE_DIED;
      break;
    default:
      entry->state = VITRINE_STATE_OFF;
      if (reason == VIR_DOMAIN_SHUTOFF_CRASHED)
        entry->message = g_strdup (_("It crashed the last time."));
      else if (reason == VIR_DOMAIN_SHUTOFF_FAILED)
        entry->message = g_strdup (_("It did not start the last time."));
    }
}

char *
vitrine_host_link_read_title (virDomainPtr domain)
{
  char *raw = virDomainGetMetadata (domain, VIR_DOMAIN_METADATA_TITLE, NULL, 0);
  char *title = vitrine_host_text (raw, VITRINE_HOST_TITLE_CHARS);

  free (raw);
  if (title != NULL && *title == '\0')
    g_clear_pointer (&title, g_free);
  virResetLastError ();   /* most have none */
  return title;
}

VitrineHostEntry *
vitrine_host_link_read (virDomainPtr domain, GError **error)
{
  g_autoptr(VitrineHostEntry) entry = new_entry (domain);
  int state, reason, autostart = 0;

  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return vitrine_host_set_error (error);
  set_state (entry, state, reason);
  entry->active = virDomainIsActive (domain) == 1;
  entry->persistent = virDomainIsPersistent (domain) != 0;
  entry->saved = virDomainHasManagedSaveImage (domain, 0) == 1;
  entry->autostart = virDomainGetAutostart (domain, &autostart) == 0 && autostart != 0;
  entry->title = vitrine_host_link_read_title (domain);
  return g_steal_pointer (&entry);
}

static void
free_domains (virDomainPtr *domains)
{
  for (virDomainPtr *at = domains; at != NULL && *at != NULL; at++)
    virDomainFree (*at);
  free (domains);
}

/* UUIDs of those with a property: a set; NULL: the host cannot tell. */
static GHashTable *
those_with (virConnectPtr connection, unsigned flag)
{
  virDomainPtr *domains = NULL;

  if (virConnectListAllDomains (connection, &domains, flag) < 0)
    return NULL;
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (virDomainPtr *at = domains; *at != NULL; at++)
    {
      char uuid[VIR_UUID_STRING_BUFLEN] = "";
      virDomainGetUUIDString (*at, uuid);
      g_hash_table_add (set, g_strdup (uuid));
    }
  free_domains (domains);
  return set;
}

static gboolean
contains (GHashTable *set, const VitrineHostEntry *entry)
{
  return set != NULL && g_hash_table_contains (set, entry->uuid);
}

GPtrArray *
vitrine_host_link_list (virConnectPtr connection, GError **error)
{
  virDomainPtr *domains = NULL;

  if (virConnectListAllDomains (connection, &domains, 0) < 0)
    return vitrine_host_set_error (error);
  g_autoptr(GHashTable) running = those_with (connection, VIR_CONNECT_LIST_DOMAINS_RUNNING);
  g_autoptr(GHashTable) saved = those_with (connection, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE);
  g_autoptr(GHashTable) autostart = those_with (connection, VIR_CONNECT_LIST_DOMAINS_AUTOSTART);
  g_autoptr(GHashTable) persistent = those_with (connection, VIR_CONNECT_LIST_DOMAINS_PERSISTENT);
  g_autoptr(GHashTable) off = those_with (connection, VIR_CONNECT_LIST_DOMAINS_SHUTOFF);
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_entry_free);
  for (virDomainPtr *at = domains; *at != NULL; at++)
    {
      VitrineHostEntry *entry = new_entry (*at);
      int state = contains (running, entry) ? VIR_DOMAIN_RUNNING : VIR_DOMAIN_SHUTOFF, reason = 0;
      gboolean sure = contains (running, entry) || contains (off, entry);
      if (!sure && virDomainGetState (*at, &state, &reason, 0) < 0)
        virResetLastError ();
      set_state (entry, state, reason);
      entry->active = sure ? contains (running, entry) : virDomainIsActive (*at) == 1;
      entry->saved = contains (saved, entry);
      entry->autostart = contains (autostart, entry);
      entry->persistent = persistent == NULL || contains (persistent, entry);
      g_ptr_array_add (entries, entry);
    }
  free_domains (domains);
  return g_steal_pointer (&entries);
}
