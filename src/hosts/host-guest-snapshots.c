/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots that the host keeps of a machine. */
#include <string.h>

#include "host-guest.h"
#include "host-private.h"
#include "host-text.h"
#include "host-xml.h"
#include "snapshot-store.h"

#define MAX_DEPTH 64
#define MAX_NAME_CHARS 250
#define MAX_DESCRIPTION_CHARS 1000

typedef struct
{
  GPtrArray *snapshots;
  char      *current;
} List;

static void
list_free (gpointer data)
{
  List *list = data;

  g_ptr_array_unref (list->snapshots);
  g_free (list->current);
  g_free (list);
}

/* --- list ------------------------------------------------------------------------------------------------------- */

/* NULL: it is gone again, is no XML, or has a name that cannot be shown as it is. */
static VitrineSnapshot *
read_snapshot (virDomainSnapshotPtr handle)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virDomainSnapshotGetXMLDesc (handle, 0));
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;

  g_autofree char *shown = vitrine_host_text (virDomainSnapshotGetName (handle), MAX_NAME_CHARS);
  if (root == NULL || g_strcmp0 (shown, virDomainSnapshotGetName (handle)) != 0)
    return NULL;
  VitrineSnapshot *snapshot = g_new0 (VitrineSnapshot, 1);
  g_autofree char *description = vitrine_xml_text (vitrine_xml_child (root, "description"));
  g_autofree char *created = vitrine_xml_text (vitrine_xml_child (root, "creationTime"));
  g_autofree char *state = vitrine_xml_text (vitrine_xml_child (root, "state"));
  snapshot->name = g_steal_pointer (&shown);
  snapshot->description = vitrine_host_text (description, MAX_DESCRIPTION_CHARS);
  snapshot->parent = vitrine_xml_text (vitrine_xml_find (root, "parent/name"));
  snapshot->created = created != NULL ? g_ascii_strtoll (created, NULL, 10) : 0;
  snapshot->has_state = state != NULL && !g_str_equal (state, "shutoff");
  return snapshot;
}

static int
compare_age (gconstpointer a, gconstpointer b)
{
  const VitrineSnapshot *first = *(gpointer *) a, *second = *(gpointer *) b;

  return (first->created > second->created) - (first->created < second->created);
}

/* Moves those that came of @parent, and what came of them, from @from to @to. What a host says may be no tree. */
static void
move_children (GPtrArray *from, GPtrArray *to, const char *parent, guint depth)
{
  for (guint i = 0; i < from->len && depth < MAX_DEPTH;)
    {
      VitrineSnapshot *snapshot = from->pdata[i];
      if (g_strcmp0 (snapshot->parent, parent) != 0)
        {
          i++;
          continue;
        }
      g_ptr_array_steal_index (from, i);
      snapshot->depth = depth;
      g_ptr_array_add (to, snapshot);
      move_children (from, to, snapshot->name, depth + 1);
      i = 0;   /* the ones below are gone from the list */
    }
}

static gpointer
list_snapshots (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  virDomainSnapshotPtr *handles = NULL;

  if (virDomainListAllSnapshots (domain, &handles, 0) < 0)
    return vitrine_host_set_error (error);
  List *list = g_new0 (List, 1);
  g_autoptr(GPtrArray) loose = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_snapshot_free);
  list->snapshots = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_snapshot_free);
  for (virDomainSnapshotPtr *at = handles; *at != NULL; at++)
    {
      VitrineSnapshot *snapshot = read_snapshot (*at);
      if (snapshot != NULL)
        g_ptr_array_add (loose, snapshot);
      if (virDomainSnapshotIsCurrent (*at, 0) == 1)
        list->current = g_strdup (virDomainSnapshotGetName (*at));
      virDomainSnapshotFree (*at);
    }
  free (handles);
  g_ptr_array_sort (loose, compare_age);
  move_children (loose, list->snapshots, NULL, 0);
  while (loose->len > 0)   /* their parents are nowhere */
    g_ptr_array_add (list->snapshots, g_ptr_array_steal_index (loose, 0));
  return list;
}

void
vitrine_host_guest_list_snapshots_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, list_snapshots, NULL, NULL, list_free, NULL, done, data);
}

GPtrArray *
vitrine_host_guest_list_snapshots_finish (VitrineHostGuest *self, GAsyncResult *result, char **current, GError **error)
{
  List *list = vitrine_host_guest_run_finish (self, result, error);

  if (list == NULL)
    return NULL;
  GPtrArray *snapshots = g_ptr_array_ref (list->snapshots);
  if (current != NULL)
    *current = g_steal_pointer (&list->current);
  list_free (list);
  return snapshots;
}

/* --- change ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHostSnapshotVerb verb;
  char                   *name, *description;
} Wish;

static void
wish_free (gpointer data)
{
  Wish *wish = data;

  g_free (wish->name);
  g_free (wish->description);
  g_free (wish);
}

static char *
describe (const Wish *wish)
{
  g_autofree char *name = g_markup_escape_text (wish->name, -1);
  g_autofree char *description = g_markup_escape_text (wish->description != NULL ? wish->description : "", -1);

  return g_strdup_printf ("<domainsnapshot><name>%s</name><description>%s</description></domainsnapshot>", name,
                          description);
}

static virDomainSnapshotPtr
take_or_find (virDomainPtr domain, const Wish *wish)
{
  if (wish->verb != VITRINE_HOST_SNAPSHOT_TAKE)
    return virDomainSnapshotLookupByName (domain, wish->name, 0);
  g_autofree char *xml = describe (wish);
  return virDomainSnapshotCreateXML (domain, xml, 0);
}

static gpointer
fulfil (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  const Wish *wish = data;
  virDomainSnapshotPtr snapshot = take_or_find (domain, wish);
  int status = snapshot != NULL ? 0 : -1;

  if (snapshot != NULL && wish->verb == VITRINE_HOST_SNAPSHOT_GO_BACK)
    status = virDomainRevertToSnapshot (snapshot, 0);
  else if (snapshot != NULL && wish->verb == VITRINE_HOST_SNAPSHOT_FORGET)
    status = virDomainSnapshotDelete (snapshot, 0);
  if (status < 0)
    vitrine_host_set_error (error);
  if (snapshot != NULL)
    virDomainSnapshotFree (snapshot);
  return status < 0 ? NULL : VITRINE_HOST_DONE;
}

void
vitrine_host_guest_snapshot_async (VitrineHostGuest *self, VitrineHostSnapshotVerb verb, const char *name,
                                   const char *description, GAsyncReadyCallback done, gpointer data)
{
  Wish *wish = g_new0 (Wish, 1);

  wish->verb = verb;
  wish->name = g_strdup (name);
  wish->description = g_strdup (description);
  vitrine_host_guest_run_async (self, fulfil, wish, wish_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_guest_snapshot_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}
