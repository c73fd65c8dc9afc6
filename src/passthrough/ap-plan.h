/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the host is changed so that a guest can have crypto queues, and back. */
#pragma once

#include "ap-review.h"
#include "host-plan.h"

/* Loads vfio_ap, reserves the queues, makes the mediated device @uuid, and puts cards, domains and control domains into
 * it. NULL: it cannot be done, the error is the review's problem; also when the host would lose all of its queues and
 * @take_all does not say that a person agrees. */
VitrineHostPlan *vitrine_ap_plan_create (const VitrineApMatrix *matrix, const VitrineApSelection *selection,
                                         VitrineApReserve reserve, gboolean take_all, const char *uuid, GError **error);
/* Removes the device. @give_back: its queues are the host's again, as far as no other device needs them reserved. */
VitrineHostPlan *vitrine_ap_plan_remove (const VitrineApMatrix *matrix, const char *uuid, gboolean give_back,
                                         GError **error);

/* The same for a libvirt host, which cannot reserve queues: what virNodeDeviceDefineXML() takes. */
char *vitrine_ap_xml_create (const VitrineApMatrix *matrix, const VitrineApSelection *selection, const char *uuid,
                             GError **error);
