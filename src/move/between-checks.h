/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Could this machine go from host to host? A pure function of what both have said. */
#pragma once

#include "checks.h"
#include "host-offer.h"
#include "move.h"

/* All borrowed. */
typedef struct
{
  const char               *xml;             /* the definition; as it runs, if it does */
  gboolean                  running;
  guint                     snapshots;
  const GPtrArray          *cargo;           /* of VitrineHostCargo, at the source */
  const VitrineHostOffer   *source, *target;
  const char               *source_name, *target_name, *target_uri;
  gboolean                  cpu_fits;
  const char               *cpu_why;         /* not NULL: why not, or why nobody knows */
  const char               *cpu_baseline;    /* a model that both have; NULL: none is known */
  const VitrineMoveOptions *options;
} VitrineBetweenFacts;

/* New strings; NULL where it does not say. */
void      vitrine_between_read_board (const char *xml, char **arch, char **board);
/* Storage for copies is the caller's, who knows which pool. @checks gets the sentences. */
void      vitrine_between_check (const VitrineBetweenFacts *facts, GPtrArray *checks);
/* Of VitrineMigrateDisk: the disks that would be copied into @pool. */
GPtrArray *vitrine_between_list_copies (const VitrineBetweenFacts *facts, const char *pool);
