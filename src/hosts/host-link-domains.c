/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The domains on a connection, all or one. */
#include "host-link.h"

#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>

#include "host-error.h"
#include "host-text.h"

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
