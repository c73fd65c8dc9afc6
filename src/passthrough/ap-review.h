/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is to be given to a guest, what speaks against it, and what the host loses. Nothing is changed here. */
#pragma once

#include "ap-matrix.h"

/* The guest gets every card with every domain: single queues cannot be left out. Control domains are those whose master
 * keys it may change. */
typedef struct
{
  VitrineApMask cards, domains, control;
} VitrineApSelection;

/* Two ways to take queues away from the host's drivers, which have those whose card and domain are both in their masks:
 * a card with all its domains, or a domain on all cards. */
typedef enum
{
  VITRINE_AP_RESERVE_CARDS,
  VITRINE_AP_RESERVE_DOMAINS,
} VitrineApReserve;

typedef struct
{
  char         *problem;          /* why it cannot be done: a sentence; NULL: it can */
  GPtrArray    *notes;            /* sentences: what to know before */
  GPtrArray    *lost;             /* of VitrineApQueue, borrowed from the matrix: what the host's drivers lose */
  guint         n_host_left;      /* queues that they keep */
  guint         n_guest;          /* queues that are there for the guest */
  VitrineApMask apmask, aqmask;   /* as they are to be */
} VitrineApReview;

/* Main thread or any other. The matrix must outlive the review. */
VitrineApReview *vitrine_ap_review (const VitrineApMatrix *matrix, const VitrineApSelection *selection,
                                    VitrineApReserve reserve);
void             vitrine_ap_review_free (VitrineApReview *review);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineApReview, vitrine_ap_review_free)

/* The host loses all that it had: nobody should do that without being asked. */
gboolean         vitrine_ap_review_takes_all (const VitrineApReview *review);
/* The one that costs the host fewer queues. */
VitrineApReserve vitrine_ap_cheaper_reserve (const VitrineApMatrix *matrix, const VitrineApSelection *selection);

/* The masks when a device is gone and its queues are the host's again, as far as no other device needs them. */
void vitrine_ap_masks_without (const VitrineApMatrix *matrix, const VitrineApDevice *device, VitrineApMask *apmask,
                               VitrineApMask *aqmask);
