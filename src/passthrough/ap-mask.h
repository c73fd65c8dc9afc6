/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of adapters or of domains of the AP bus, as the kernel's masks write them: bit 0 is the leftmost.
 * Sources: Linux, Documentation/arch/s390/vfio-ap.rst ("apmask", "aqmask") and drivers' attributes. */
#pragma once

#include <glib.h>

#define VITRINE_AP_BITS 256

typedef struct
{
  guint64 words[VITRINE_AP_BITS / 64];   /* bit 0 is the highest of words[0] */
} VitrineApMask;

gboolean vitrine_ap_mask_test (const VitrineApMask *mask, guint bit);           /* FALSE for bits from 256 on */
void     vitrine_ap_mask_set (VitrineApMask *mask, guint bit, gboolean on);     /* @bit < 256 */
gboolean vitrine_ap_mask_is_empty (const VitrineApMask *mask);
guint    vitrine_ap_mask_count (const VitrineApMask *mask);
gboolean vitrine_ap_mask_equal (const VitrineApMask *a, const VitrineApMask *b);
gboolean vitrine_ap_mask_overlap (const VitrineApMask *a, const VitrineApMask *b);
void     vitrine_ap_mask_add (VitrineApMask *mask, const VitrineApMask *more);
void     vitrine_ap_mask_subtract (VitrineApMask *mask, const VitrineApMask *less);
/* The lowest bit from @from on; 256 when there is none. */
guint    vitrine_ap_mask_next (const VitrineApMask *mask, guint from);

/* What is written into a mask attribute: absolute ("0x…", padded with zeros at the right) or relative ("+0,-6,+0x47").
 * FALSE changes nothing. */
gboolean vitrine_ap_mask_apply (VitrineApMask *mask, const char *text);
/* As the kernel shows it: "0x" and 64 digits. */
char    *vitrine_ap_mask_to_text (const VitrineApMask *mask);
/* The relative form that makes @to of @from; NULL when they are equal. */
char    *vitrine_ap_mask_difference (const VitrineApMask *from, const VitrineApMask *to);

/* "4, 6, 71": a list of numbers for people, and for commands. "0x47" and "4-6" are read too; the error says what is
 * wrong. An empty text is an empty set. */
gboolean vitrine_ap_mask_parse_list (VitrineApMask *mask, const char *text, GError **error);
char    *vitrine_ap_mask_to_list (const VitrineApMask *mask);   /* "" when empty */
