/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One change to the mediated and channel devices of this computer, named as vitrine-host-helper takes it: what is asked
 * for, never how it is done. Who asks and who does it make the same plan of it. */
#pragma once

#include "ap-review.h"
#include "host-plan.h"

typedef enum
{
  VITRINE_MEDIATED_CREATE_MATRIX,    /* crypto queues: uuid, selection, reserve, confirmed */
  VITRINE_MEDIATED_REMOVE_MATRIX,    /* uuid, give_back */
  VITRINE_MEDIATED_CREATE,           /* parent, type, uuid */
  VITRINE_MEDIATED_REMOVE,           /* uuid */
  VITRINE_MEDIATED_TAKE_CHANNEL,     /* from the host's driver to vfio_ccw: channel, confirmed */
  VITRINE_MEDIATED_GIVE_BACK_CHANNEL,   /* channel */
} VitrineMediatedVerb;

typedef struct
{
  VitrineMediatedVerb verb;
  const char         *uuid, *parent, *type, *channel;   /* borrowed */
  VitrineApSelection  selection;
  VitrineApReserve    reserve;
  gboolean            confirmed;   /* a person knows what the host loses, and wants it */
  gboolean            give_back;   /* reserved queues are the host's again */
} VitrineMediatedChange;

/* The computer as it is now is looked at for it. G_IO_ERROR_PERMISSION_DENIED: it would have to be confirmed. */
VitrineHostPlan *vitrine_mediated_change_plan (const VitrineMediatedChange *change, VitrineHostTree *tree,
                                               GError **error);

/* The helper's method, and its parameters: floating. */
const char *vitrine_mediated_change_get_method (const VitrineMediatedChange *change);
GVariant   *vitrine_mediated_change_to_parameters (const VitrineMediatedChange *change);
/* Back from those; strings are borrowed from @parameters. FALSE: a number is too large. */
gboolean vitrine_mediated_change_parse (VitrineMediatedChange *change, VitrineMediatedVerb verb, GVariant *parameters);
