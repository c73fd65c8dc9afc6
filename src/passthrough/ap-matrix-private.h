/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a matrix is put together: from sysfs, and from what libvirt says. */
#pragma once

#include "ap-review.h"

VitrineApMatrix *vitrine_ap_matrix_new (void);
VitrineApCard   *vitrine_ap_matrix_add_card (VitrineApMatrix *matrix, guint id);
VitrineApQueue  *vitrine_ap_matrix_add_queue (VitrineApMatrix *matrix, guint card, guint domain);
VitrineApDevice *vitrine_ap_matrix_add_device (VitrineApMatrix *matrix, const char *uuid);
/* Type, mode and generation of "CEX7C". Takes it. */
void             vitrine_ap_card_set_type (VitrineApCard *card, char *type);
/* One attribute of a mediated device, as mdevctl and libvirt keep them: "assign_adapter", "5". */
void             vitrine_ap_device_assign (VitrineApDevice *device, const char *name, const char *value);
/* Once all is in: sorts, and says of each queue whose it is. */
void             vitrine_ap_matrix_settle (VitrineApMatrix *matrix);

/* ap-plan.c: what is written into a mediated device, of VitrineMdevAttribute, in that order. */
GArray *
vitrine_ap_list_attributes (const VitrineApMask *cards, const VitrineApMask *domains, const VitrineApMask *control);
/* Can it be made? The error is a sentence. */
gboolean vitrine_ap_check_new (const VitrineApMatrix *matrix, const VitrineApReview *review, gboolean take_all,
                               const char *uuid, GError **error);
