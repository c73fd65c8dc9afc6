/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of src/hosts share. */
#pragma once

#include "host-link.h"
#include "host-resources.h"

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

/* host-list.c */
void vitrine_host_list_model_init (GListModelInterface *iface);
void vitrine_host_fill (VitrineHost *self, GPtrArray *entries);      /* takes the entries out */
void vitrine_host_clear (VitrineHost *self);                         /* its guests leave */
void vitrine_host_refresh (VitrineHost *self, virDomainPtr domain);  /* reads it again, or for the first time */
void vitrine_host_ask_titles (VitrineHost *self);

/* host.c */
/* Is there no machine that has the name or the UUID of this definition? Blocks. */
gboolean vitrine_host_check_new (virConnectPtr connection, const char *xml, GError **error);

/* host-resources.c. Blocks. */
VitrineHostResources *vitrine_host_read_resources (virConnectPtr connection, VitrineHostResourceKinds kinds,
                                                   GError **error);

/* host-work.c */

/* Work for a host's connection, in a worker thread; a few at a time for each host, so that a slow one holds up no
 * other. Returns NULL and sets @error, or a result that the finish function hands on. */
typedef gpointer (*VitrineHostWork) (virConnectPtr connection, gpointer data, GCancellable *cancellable,
                                     GError **error);

#define VITRINE_HOST_DONE GINT_TO_POINTER (1)   /* the result of work that has none */

void     vitrine_host_run_async (VitrineHost *self, VitrineHostWork work, gpointer data, GDestroyNotify free_data,
                                 GDestroyNotify free_result, GCancellable *cancellable, GAsyncReadyCallback done,
                                 gpointer user_data);
gpointer vitrine_host_run_finish (VitrineHost *self, GAsyncResult *result, GError **error);

/* A domain's last reference may be the connection's last one, and closing that waits for the host: not in the main
 * thread. */
void     vitrine_host_free_domain_later (virDomainPtr domain);

/* host-guest.c */
VitrineHostGuest *vitrine_host_guest_new (VitrineHost *host, VitrineHostEntry *entry);          /* takes it */
/* TRUE: its title is another now. Takes the entry. */
gboolean          vitrine_host_guest_update (VitrineHostGuest *self, VitrineHostEntry *entry);
gboolean          vitrine_host_guest_set_title (VitrineHostGuest *self, const char *title);
/* Its host is away, or it is not there any more. */
void              vitrine_host_guest_leave (VitrineHostGuest *self);
virDomainPtr      vitrine_host_guest_get_domain (VitrineHostGuest *self);                        /* borrowed */

/* The same as vitrine_host_run_async(), for one domain. @work gets its pointer and @data. */
typedef gpointer (*VitrineHostDomainWork) (virDomainPtr domain, gpointer data, GCancellable *cancellable,
                                           GError **error);
void vitrine_host_guest_run_async (VitrineHostGuest *self, VitrineHostDomainWork work, gpointer data,
                                   GDestroyNotify free_data, GDestroyNotify free_result, GCancellable *cancellable,
                                   GAsyncReadyCallback done, gpointer user_data);
gpointer vitrine_host_guest_run_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);
