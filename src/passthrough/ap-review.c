/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What giving queues to a guest means. */
#include "ap-review.h"

#include <glib/gi18n-lib.h>

#define MAX_NAMES 6   /* of queues in a sentence */

void
vitrine_ap_review_free (VitrineApReview *review)
{
  if (review == NULL)
    return;
  g_free (review->problem);
  g_ptr_array_unref (review->notes);
  g_ptr_array_unref (review->lost);
  g_free (review);
}

G_GNUC_PRINTF (2, 3)
static void
note (VitrineApReview *review, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (review->notes, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static gboolean
is_selected (const VitrineApSelection *selection, guint card, guint domain)
{
  return vitrine_ap_mask_test (&selection->cards, card) && vitrine_ap_mask_test (&selection->domains, domain);
}

static gboolean
has_both (const VitrineApMask *apmask, const VitrineApMask *aqmask, guint card, guint domain)
{
  return vitrine_ap_mask_test (apmask, card) && vitrine_ap_mask_test (aqmask, domain);
}

/* "05.0004, 05.0047 and 3 more" */
static char *
name_queues (const GPtrArray *queues)
{
  GString *text = g_string_new (NULL);
  guint shown = MIN (queues->len, MAX_NAMES), more = queues->len - shown;

  for (guint i = 0; i < shown; i++)
    {
      const VitrineApQueue *queue = queues->pdata[i];
      g_autofree char *name = vitrine_ap_queue_name (queue->card, queue->domain);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", name);
    }
  if (more > 0)
    g_string_append_printf (text, g_dngettext (GETTEXT_PACKAGE, " and %u more", " and %u more", more), more);
  return g_string_free (text, FALSE);
}

/* --- what speaks against it -------------------------------------------------------------------------------------- */

static char *
find_beyond (const VitrineApMatrix *matrix, const VitrineApSelection *selection)
{
  guint card = vitrine_ap_mask_next (&selection->cards, matrix->max_card + 1);
  guint domain = vitrine_ap_mask_next (&selection->domains, matrix->max_domain + 1);
  guint control = vitrine_ap_mask_next (&selection->control, matrix->max_domain + 1);

  if (card < VITRINE_AP_BITS)
    return g_strdup_printf (_("There is no card %u: this machine can have cards 0 to %u."), card, matrix->max_card);
  domain = MIN (domain, control);
  if (domain < VITRINE_AP_BITS)
    return g_strdup_printf (_("There is no domain %u: this machine can have domains 0 to %u."), domain,
                            matrix->max_domain);
  return NULL;
}

/* What is assigned counts, be the queue there or not. */
static char *
find_overlap (const VitrineApMatrix *matrix, const VitrineApSelection *selection)
{
  for (guint i = 0; i < matrix->devices->len; i++)
    {
      const VitrineApDevice *device = matrix->devices->pdata[i];
      guint card = 0, domain = 0;
      if (!device->active || !vitrine_ap_mask_overlap (&device->cards, &selection->cards)
          || !vitrine_ap_mask_overlap (&device->domains, &selection->domains))
        continue;
      while (!vitrine_ap_mask_test (&selection->cards, card = vitrine_ap_mask_next (&device->cards, card)))
        card++;
      while (!vitrine_ap_mask_test (&selection->domains, domain = vitrine_ap_mask_next (&device->domains, domain)))
        domain++;
      g_autofree char *name = vitrine_ap_queue_name (card, domain);
      return g_strdup_printf (
          _("Queue %s is in the mediated device %s. A queue belongs to one guest, and single queues "
            "cannot be left out: leave out card %u or domain %u."),
          name, device->uuid, card, domain);
    }
  return NULL;
}

static char *
find_unreserved (const VitrineApMatrix *matrix, const VitrineApReview *review)
{
  if (matrix->has_masks || review->lost->len == 0)
    return NULL;
  g_autofree char *names = name_queues (review->lost);
  return g_strdup_printf (_("The host itself uses %s, and libvirt cannot take queues away from it. Reserve them on the "
                            "host first, through /sys/bus/ap/apmask or aqmask."),
                          names);
}

static char *
find_problem (const VitrineApMatrix *matrix, const VitrineApSelection *selection, const VitrineApReview *review)
{
  if (matrix->why_not != NULL)
    return g_strdup (matrix->why_not);
  if (vitrine_ap_mask_is_empty (&selection->cards))
    return g_strdup (_("Choose at least one card."));
  if (vitrine_ap_mask_is_empty (&selection->domains))
    return g_strdup (_("Choose at least one domain."));
  char *problem = find_beyond (matrix, selection);
  problem = problem != NULL ? problem : find_overlap (matrix, selection);
  return problem != NULL ? problem : find_unreserved (matrix, review);
}

/* --- what to know ------------------------------------------------------------------------------------------------ */

/* The kernel leaves out a card altogether as long as one of its queues is not there (vfio-ap.rst, "guest_matrix"). */
static void
note_missing (const VitrineApMatrix *matrix, const VitrineApSelection *selection, VitrineApReview *review)
{
  for (guint card = 0; (card = vitrine_ap_mask_next (&selection->cards, card)) < VITRINE_AP_BITS; card++)
    for (guint domain = 0; (domain = vitrine_ap_mask_next (&selection->domains, domain)) < VITRINE_AP_BITS; domain++)
      {
        const VitrineApQueue *queue = vitrine_ap_matrix_find_queue (matrix, card, domain);
        g_autofree char *name = vitrine_ap_queue_name (card, domain);
        if (queue != NULL && queue->usable)
          continue;
        if (queue != NULL)
          note (review, _("Queue %s is offline: the guest can use it once it is online."), name);
        else
          note (review, _("There is no queue %s: the guest does not see card %u until there is."), name, card);
        break;   /* one reason for a card is enough */
      }
}

static void
note_lost (const VitrineApMatrix *matrix, VitrineApReview *review)
{
  if (review->lost->len == 0)
    return;
  g_autofree char *names = name_queues (review->lost);
  note (review,
        g_dngettext (GETTEXT_PACKAGE, "The host’s own drivers lose %u queue: %s.",
                     "The host’s own drivers lose %u queues: %s.", review->lost->len),
        review->lost->len, names);
  if (vitrine_ap_review_takes_all (review))
    note (review,
          _("Nothing is left for the host: whatever uses its crypto cards, as encrypted disks with protected keys, "
            "stops working."));
}

static void
note_lifetime (const VitrineApMatrix *matrix, VitrineApReview *review)
{
  gboolean masks = matrix->has_masks
                   && !(vitrine_ap_mask_equal (&matrix->apmask, &review->apmask)
                        && vitrine_ap_mask_equal (&matrix->aqmask, &review->aqmask));

  if (masks)
    note (review, _("The reservation holds until the host restarts. “chzdev --type ap apmask=… aqmask=…” keeps it."));
  if (matrix->has_masks && !matrix->has_mdevctl)
    note (review, _("mdevctl is not installed on the host: the device is gone when the host restarts."));
}

/* --- review ------------------------------------------------------------------------------------------------------ */

/* Cards whose chosen domains are all reserved already need nothing, and the other way round. */
static void
set_masks (const VitrineApMatrix *matrix, const VitrineApSelection *selection, VitrineApReserve reserve,
           VitrineApReview *review)
{
  gboolean cards = reserve == VITRINE_AP_RESERVE_CARDS;

  review->apmask = matrix->apmask;
  review->aqmask = matrix->aqmask;
  if (cards && vitrine_ap_mask_overlap (&selection->domains, &matrix->aqmask))
    vitrine_ap_mask_subtract (&review->apmask, &selection->cards);
  else if (!cards && vitrine_ap_mask_overlap (&selection->cards, &matrix->apmask))
    vitrine_ap_mask_subtract (&review->aqmask, &selection->domains);
}

static void
count_queues (const VitrineApMatrix *matrix, const VitrineApSelection *selection, VitrineApReview *review)
{
  for (guint i = 0; i < matrix->queues->len; i++)
    {
      VitrineApQueue *queue = matrix->queues->pdata[i];
      gboolean selected = is_selected (selection, queue->card, queue->domain);
      gboolean keeps
          = matrix->has_masks ? has_both (&review->apmask, &review->aqmask, queue->card, queue->domain) : !selected;
      if (queue->owner == VITRINE_AP_HOST && !keeps)
        g_ptr_array_add (review->lost, queue);
      else if (queue->owner == VITRINE_AP_HOST)
        review->n_host_left++;
      if (selected && queue->usable)
        review->n_guest++;
    }
}

VitrineApReview *
vitrine_ap_review (const VitrineApMatrix *matrix, const VitrineApSelection *selection, VitrineApReserve reserve)
{
  VitrineApReview *review = g_new0 (VitrineApReview, 1);

  review->notes = g_ptr_array_new_with_free_func (g_free);
  review->lost = g_ptr_array_new ();
  set_masks (matrix, selection, reserve, review);
  count_queues (matrix, selection, review);
  review->problem = find_problem (matrix, selection, review);
  if (review->problem != NULL)
    return review;
  note_lost (matrix, review);
  note_missing (matrix, selection, review);
  note_lifetime (matrix, review);
  return review;
}

gboolean
vitrine_ap_review_takes_all (const VitrineApReview *review)
{
  return review->lost->len > 0 && review->n_host_left == 0;
}

VitrineApReserve
vitrine_ap_cheaper_reserve (const VitrineApMatrix *matrix, const VitrineApSelection *selection)
{
  g_autoptr(VitrineApReview) cards = vitrine_ap_review (matrix, selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(VitrineApReview) domains = vitrine_ap_review (matrix, selection, VITRINE_AP_RESERVE_DOMAINS);

  return domains->lost->len < cards->lost->len ? VITRINE_AP_RESERVE_DOMAINS : VITRINE_AP_RESERVE_CARDS;
}

/* --- giving back ------------------------------------------------------------------------------------------------- */

/* A queue of another device that would become the host's stays reserved by its card or, where that is not ours, by its
 * domain. */
static void
keep_reserved (const VitrineApMatrix *matrix, const VitrineApDevice *other, VitrineApMask *apmask,
               VitrineApMask *aqmask)
{
  for (guint card = 0; (card = vitrine_ap_mask_next (&other->cards, card)) < VITRINE_AP_BITS; card++)
    for (guint domain = 0; (domain = vitrine_ap_mask_next (&other->domains, domain)) < VITRINE_AP_BITS; domain++)
      {
        if (!has_both (apmask, aqmask, card, domain))
          continue;
        if (!vitrine_ap_mask_test (&matrix->apmask, card))
          vitrine_ap_mask_set (apmask, card, FALSE);
        else if (!vitrine_ap_mask_test (&matrix->aqmask, domain))
          vitrine_ap_mask_set (aqmask, domain, FALSE);
      }
}

void
vitrine_ap_masks_without (const VitrineApMatrix *matrix, const VitrineApDevice *device, VitrineApMask *apmask,
                          VitrineApMask *aqmask)
{
  *apmask = matrix->apmask;
  *aqmask = matrix->aqmask;
  vitrine_ap_mask_add (apmask, &device->cards);
  vitrine_ap_mask_add (aqmask, &device->domains);
  for (guint i = 0; i < matrix->devices->len; i++)
    {
      const VitrineApDevice *other = matrix->devices->pdata[i];
      if (other != device && other->active)
        keep_reserved (matrix, other, apmask, aqmask);
    }
}
