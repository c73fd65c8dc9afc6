/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports of this computer that lead into a machine, through a card on user networking: libvirt's <portForward>. */
#pragma once

#include "domain.h"

/* A port, or several in a row. */
typedef struct
{
  gboolean udp;            /* else TCP */
  char    *address;        /* of this computer, IPv4; never NULL */
  guint    first, last;    /* of this computer; 0: what was said is no port */
  guint    to;             /* in the machine, of the first; 0: likewise */
} VitrineForward;

#define VITRINE_FORWARD_ADDRESS "127.0.0.1"   /* programs of this computer alone */

/* @address: NULL or empty is VITRINE_FORWARD_ADDRESS. */
VitrineForward *vitrine_forward_new (gboolean udp, const char *address, guint first, guint last, guint to);
void            vitrine_forward_free (VitrineForward *forward);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineForward, vitrine_forward_free)

/* "tcp:8022:22", "udp:0.0.0.0:53:5353", "tcp:8000-8010:80". @whole: with the port in the machine; else it is "tcp:8022", at any
 * address, and that port is 0. The error says how to write it. */
VitrineForward *vitrine_forward_parse (const char *text, gboolean whole, GError **error);
/* The engine's form, "tcp:127.0.0.1:8022-:22"; NULL: it names an address in the guest. */
VitrineForward *vitrine_forward_from_rule (const char *rule);
char           *vitrine_forward_to_text (const VitrineForward *forward);
/* 1 to 65535, digits alone; else 0. */
guint           vitrine_forward_parse_port (const char *text);
/* "8022", or several as "8000-8010". FALSE: neither. */
gboolean        vitrine_forward_parse_ports (const char *text, guint *first, guint *last);
/* Could this computer listen there? */
gboolean        vitrine_forward_check (const VitrineForward *forward, GError **error);
/* Is that the same port of this computer, or one of the same? */
gboolean        vitrine_forward_meets (const VitrineForward *forward, const VitrineForward *other);
/* All forwards of a list, each port alone, for the engine; a little more than it takes of a list that is too long. */
GStrv           vitrine_forwards_to_rules (GPtrArray *forwards);

/* Of a card, by its place among them; VitrineForward, never NULL. What the document says of them that we do not know stays. */
GPtrArray *vitrine_domain_get_forwards (VitrineDomain *domain, guint card);
void       vitrine_domain_set_forwards (VitrineDomain *domain, guint card, GPtrArray *forwards);
/* Each by itself, and that no two meet, also of two cards. */
gboolean   vitrine_domain_check_forwards (VitrineDomain *domain, GError **error);
/* Cards of @domain that @now has, too, forward what they do there, and others nothing. */
void       vitrine_domain_keep_forwards (VitrineDomain *domain, VitrineDomain *now);
