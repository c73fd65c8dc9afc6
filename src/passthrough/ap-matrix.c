/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AP matrix, whoever described it. */
#include "ap-matrix-private.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

/* --- life -------------------------------------------------------------------------------------------------------- */

static void
card_free (gpointer data)
{
  VitrineApCard *card = data;

  g_free (card->type);
  g_free (card);
}

static void
queue_free (gpointer data)
{
  VitrineApQueue *queue = data;

  g_free (queue->driver);
  g_free (queue);
}

static void
device_free (gpointer data)
{
  VitrineApDevice *device = data;

  g_free (device->uuid);
  g_free (device);
}

VitrineApMatrix *
vitrine_ap_matrix_new (void)
{
  VitrineApMatrix *matrix = g_new0 (VitrineApMatrix, 1);

  matrix->cards = g_ptr_array_new_with_free_func (card_free);
  matrix->queues = g_ptr_array_new_with_free_func (queue_free);
  matrix->devices = g_ptr_array_new_with_free_func (device_free);
  matrix->max_card = matrix->max_domain = VITRINE_AP_BITS - 1;
  return matrix;
}

void
vitrine_ap_matrix_free (VitrineApMatrix *matrix)
{
  if (matrix == NULL)
    return;
  g_ptr_array_unref (matrix->cards);
  g_ptr_array_unref (matrix->queues);
  g_ptr_array_unref (matrix->devices);
  g_free (matrix->why_not);
  g_free (matrix);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

VitrineApCard *
vitrine_ap_matrix_add_card (VitrineApMatrix *matrix, guint id)
{
  VitrineApCard *card = g_new0 (VitrineApCard, 1);

  card->id = id;
  card->online = card->configured = TRUE;
  g_ptr_array_add (matrix->cards, card);
  return card;
}

VitrineApQueue *
vitrine_ap_matrix_add_queue (VitrineApMatrix *matrix, guint card, guint domain)
{
  VitrineApQueue *queue = g_new0 (VitrineApQueue, 1);

  queue->card = card;
  queue->domain = domain;
  queue->usable = TRUE;
  vitrine_ap_mask_set (&matrix->domains, domain, TRUE);
  g_ptr_array_add (matrix->queues, queue);
  return queue;
}

VitrineApDevice *
vitrine_ap_matrix_add_device (VitrineApMatrix *matrix, const char *uuid)
{
  VitrineApDevice *device = g_new0 (VitrineApDevice, 1);

  device->uuid = g_strdup (uuid);
  g_ptr_array_add (matrix->devices, device);
  return device;
}

void
vitrine_ap_card_set_type (VitrineApCard *card, char *type)
{
  card->type = type;
  if (type == NULL || !g_str_has_prefix (type, "CEX") || !g_ascii_isdigit (type[3]))
    return;
  card->generation = (guint) g_ascii_digit_value (type[3]);
  card->mode = type[4] == 'A'   ? VITRINE_AP_MODE_ACCELERATOR
               : type[4] == 'C' ? VITRINE_AP_MODE_CCA
               : type[4] == 'P' ? VITRINE_AP_MODE_EP11
                                : VITRINE_AP_MODE_UNKNOWN;
}

void
vitrine_ap_device_assign (VitrineApDevice *device, const char *name, const char *value)
{
  static const struct
  {
    const char *name;
    gsize       offset;
  } sets[] = {
    { "assign_adapter", offsetof (VitrineApDevice, cards) },
    { "assign_domain", offsetof (VitrineApDevice, domains) },
    { "assign_control_domain", offsetof (VitrineApDevice, control) },
  };
  VitrineApMask numbers;

  if (value == NULL || !vitrine_ap_mask_parse_list (&numbers, value, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    if (g_strcmp0 (name, sets[i].name) == 0)
      vitrine_ap_mask_add (G_STRUCT_MEMBER_P (device, sets[i].offset), &numbers);
}

static int
compare_cards (gconstpointer a, gconstpointer b)
{
  return (int) (*(VitrineApCard **) a)->id - (int) (*(VitrineApCard **) b)->id;
}

static int
compare_queues (gconstpointer a, gconstpointer b)
{
  const VitrineApQueue *first = *(VitrineApQueue **) a, *second = *(VitrineApQueue **) b;
  int order = (int) first->card - (int) second->card;

  return order != 0 ? order : (int) first->domain - (int) second->domain;
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(VitrineApDevice **) a)->uuid, (*(VitrineApDevice **) b)->uuid);
}

static const char *
device_of (const VitrineApMatrix *matrix, guint card, guint domain)
{
  for (guint i = 0; i < matrix->devices->len; i++)
    {
      const VitrineApDevice *device = matrix->devices->pdata[i];
      if (device->active && vitrine_ap_mask_test (&device->cards, card)
          && vitrine_ap_mask_test (&device->domains, domain))
        return device->uuid;
    }
  return NULL;
}

/* The masks say whose a queue is. Where nobody tells them, its driver does. */
static gboolean
is_hosts (const VitrineApMatrix *matrix, const VitrineApQueue *queue)
{
  if (!matrix->has_masks)
    return g_strcmp0 (queue->driver, "vfio_ap") != 0;
  return vitrine_ap_mask_test (&matrix->apmask, queue->card) && vitrine_ap_mask_test (&matrix->aqmask, queue->domain);
}

void
vitrine_ap_matrix_settle (VitrineApMatrix *matrix)
{
  g_ptr_array_sort (matrix->cards, compare_cards);
  g_ptr_array_sort (matrix->queues, compare_queues);
  g_ptr_array_sort (matrix->devices, compare_devices);
  for (guint i = 0; i < matrix->queues->len; i++)
    {
      VitrineApQueue *queue = matrix->queues->pdata[i];
      const VitrineApCard *card = vitrine_ap_matrix_find_card (matrix, queue->card);
      queue->device = device_of (matrix, queue->card, queue->domain);
      queue->owner = queue->device != NULL      ? VITRINE_AP_TAKEN
                     : is_hosts (matrix, queue) ? VITRINE_AP_HOST
                                                : VITRINE_AP_FREE;
      if (card != NULL && (!card->online || !card->configured || card->checkstopped))
        queue->usable = FALSE;
    }
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

const VitrineApCard *
vitrine_ap_matrix_find_card (const VitrineApMatrix *matrix, guint id)
{
  for (guint i = 0; i < matrix->cards->len; i++)
    if (((VitrineApCard *) matrix->cards->pdata[i])->id == id)
      return matrix->cards->pdata[i];
  return NULL;
}

/* Sorted, and up to 65536 of them. */
const VitrineApQueue *
vitrine_ap_matrix_find_queue (const VitrineApMatrix *matrix, guint card, guint domain)
{
  const VitrineApQueue wanted = { .card = card, .domain = domain }, *key = &wanted;
  VitrineApQueue **found = matrix->queues->len == 0 ? NULL
                                                    : bsearch (&key, matrix->queues->pdata, matrix->queues->len,
                                                               sizeof (gpointer), compare_queues);

  return found != NULL ? *found : NULL;
}

const VitrineApDevice *
vitrine_ap_matrix_find_device (const VitrineApMatrix *matrix, const char *uuid)
{
  for (guint i = 0; i < matrix->devices->len; i++)
    if (g_ascii_strcasecmp (((VitrineApDevice *) matrix->devices->pdata[i])->uuid, uuid) == 0)
      return matrix->devices->pdata[i];
  return NULL;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

const char *
vitrine_ap_mode_to_label (VitrineApMode mode)
{
  switch (mode)
    {
    case VITRINE_AP_MODE_ACCELERATOR:
      return _("Accelerator");
    case VITRINE_AP_MODE_CCA:
      return _("CCA coprocessor");
    case VITRINE_AP_MODE_EP11:
      return _("EP11 coprocessor");
    case VITRINE_AP_MODE_UNKNOWN:
      break;
    }
  return _("Unknown mode");
}

const char *
vitrine_ap_queue_to_label (const VitrineApQueue *queue)
{
  if (queue == NULL)
    return "";
  switch (queue->owner)
    {
    case VITRINE_AP_TAKEN:
      return _("Other guest");
    case VITRINE_AP_HOST:
      return queue->usable ? _("Host") : _("Offline");
    case VITRINE_AP_FREE:
      return queue->usable ? _("Free") : _("Offline");
    }
  return "";
}

char *
vitrine_ap_queue_name (guint card, guint domain)
{
  return g_strdup_printf ("%02x.%04x", card, domain);
}
