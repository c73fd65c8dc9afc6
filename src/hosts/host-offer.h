/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host offers to a machine that would come to it: its own answer (domain capabilities), read once. Names are as
 * the host says them; show them through vitrine_host_text(). */
#pragma once

#include "host-resources.h"

typedef struct _xmlDoc VitrineHostXml;

typedef struct
{
  char    *host_uuid;            /* of the computer's libvirt; NULL: it does not say */
  char    *emulator, *machine;   /* machine: the board's name there, "pc-q35-7.2"; NULL: it has no such board */
  char    *no_machine;           /* then, why */
  gboolean kvm;                  /* else it emulates processors, too */
  guint64  free_memory_bytes;    /* 0: it does not say */
  VitrineHostXml       *domain;        /* domainCapabilities; NULL with @machine */
  GHashTable           *machines;      /* UUID -> name of those that are there */
  VitrineHostResources *resources;
} VitrineHostOffer;

void vitrine_host_offer_free (VitrineHostOffer *offer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostOffer, vitrine_host_offer_free)

/* @arch: "x86_64"; @board: "q35", or a full name. */
void              vitrine_host_read_offer_async (VitrineHost *self, const char *arch, const char *board,
                                                 GAsyncReadyCallback done, gpointer data);
VitrineHostOffer *vitrine_host_read_offer_finish (VitrineHost *self, GAsyncResult *result, GError **error);
/* Of what a host has said, for tests: no resources, no machines. */
VitrineHostOffer *vitrine_host_offer_new_from_xml (const char *domain_capabilities);

/* Is @value among those that @element ("devices/video") lists as @name ("modelType")? Also TRUE where the host gives no
 * such list: older ones do not. */
gboolean vitrine_host_offer_has (const VitrineHostOffer *offer, const char *element, const char *name,
                                 const char *value);
/* Does it say that it has no such device? ("devices/tpm") */
gboolean vitrine_host_offer_lacks (const VitrineHostOffer *offer, const char *element);
/* <cpu mode='custom'> with that model: usable there? */
gboolean vitrine_host_offer_has_cpu (const VitrineHostOffer *offer, const char *model);
gboolean vitrine_host_offer_has_cpu_mode (const VitrineHostOffer *offer, const char *mode);
/* A firmware's path there whose file has the same name as @path; NULL: none. */
char    *vitrine_host_offer_find_loader (const VitrineHostOffer *offer, const char *path);

/* Borrowed; NULL: there is none of that name. */
const VitrineHostPool    *vitrine_host_offer_find_pool (const VitrineHostOffer *offer, const char *name);
const VitrineHostNetwork *vitrine_host_offer_find_network (const VitrineHostOffer *offer, const char *name);
const VitrineHostVolume  *vitrine_host_offer_find_volume (const VitrineHostOffer *offer, const char *path);
/* The UUID of the machine that has that name; NULL: none. Borrowed. */
const char               *vitrine_host_offer_find_machine (const VitrineHostOffer *offer, const char *name);
