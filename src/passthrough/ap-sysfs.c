/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AP matrix as the kernel tells it under sys/bus/ap and sys/devices/vfio_ap. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "ap-matrix-private.h"

#define DEVICES "sys/bus/ap/devices"
#define MDEVCTL_FOLDER "etc/mdevctl.d/" VITRINE_AP_PARENT
#define FIRST_GENERATION 4   /* vfio_ap takes cards from CEX4 on */
#define MODULE_FOLDER "kernel/drivers/s390/crypto/vfio_ap.ko"

/* What is not there has its default: older kernels have fewer attributes. */
static gboolean
read_flag (VitrineHostTree *tree, const char *device, const char *name, gboolean otherwise)
{
  guint64 value;

  return vitrine_host_tree_read_number (tree, &value, DEVICES "/%s/%s", device, name) ? value != 0 : otherwise;
}

static void
read_card (VitrineHostTree *tree, VitrineApMatrix *matrix, const char *name, guint id)
{
  VitrineApCard *card = vitrine_ap_matrix_add_card (matrix, id);

  vitrine_ap_card_set_type (card, vitrine_host_tree_read (tree, DEVICES "/%s/type", name));
  card->online = read_flag (tree, name, "online", TRUE);
  card->configured = read_flag (tree, name, "config", TRUE);
  card->checkstopped = read_flag (tree, name, "chkstop", FALSE);
}

static void
read_queue (VitrineHostTree *tree, VitrineApMatrix *matrix, const char *name, guint card, guint domain)
{
  VitrineApQueue *queue = vitrine_ap_matrix_add_queue (matrix, card, domain);

  queue->driver = vitrine_host_tree_link (tree, DEVICES "/%s/driver", name);
  queue->usable = read_flag (tree, name, "online", TRUE) && read_flag (tree, name, "config", TRUE)
                  && !read_flag (tree, name, "chkstop", FALSE);
}

/* As many digits as the kernel writes, and nothing after them but @end. */
static gboolean
parse_hex (const char *text, guint digits, char end, guint *value)
{
  *value = 0;
  for (guint i = 0; i < digits; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);
      if (digit < 0)
        return FALSE;
      *value = *value << 4 | (guint) digit;
    }
  return text[digits] == end && *value < VITRINE_AP_BITS;
}

/* "card05" and "05.0047" */
static void
read_devices (VitrineHostTree *tree, VitrineApMatrix *matrix)
{
  g_auto(GStrv) names = vitrine_host_tree_list (tree, DEVICES);

  for (guint i = 0; names[i] != NULL; i++)
    {
      guint card, domain;
      if (g_str_has_prefix (names[i], "card") && parse_hex (names[i] + 4, 2, '\0', &card))
        read_card (tree, matrix, names[i], card);
      else if (parse_hex (names[i], 2, '.', &card) && parse_hex (names[i] + 3, 4, '\0', &domain))
        read_queue (tree, matrix, names[i], card, domain);
    }
}

/* --- mediated devices -------------------------------------------------------------------------------------------- */

/* "05.0047", and "05." or ".0047" while one half is missing. */
static void
read_matrix_line (VitrineApDevice *device, const char *line)
{
  const char *dot = strchr (line, '.');
  guint64 card, domain;

  if (dot == NULL)
    return;
  g_autofree char *left = g_strndup (line, (gsize) (dot - line));
  if (g_ascii_string_to_unsigned (left, 16, 0, VITRINE_AP_BITS - 1, &card, NULL))
    vitrine_ap_mask_set (&device->cards, (guint) card, TRUE);
  if (g_ascii_string_to_unsigned (dot + 1, 16, 0, VITRINE_AP_BITS - 1, &domain, NULL))
    vitrine_ap_mask_set (&device->domains, (guint) domain, TRUE);
}

static void
read_active (VitrineHostTree *tree, VitrineApDevice *device)
{
  g_autofree char *matrix = vitrine_host_tree_read (tree, VITRINE_AP_PARENT_PATH "/%s/matrix", device->uuid);
  g_autofree char *control = vitrine_host_tree_read (tree, VITRINE_AP_PARENT_PATH "/%s/control_domains", device->uuid);
  g_auto(GStrv) lines = g_strsplit (matrix != NULL ? matrix : "", "\n", -1);
  g_auto(GStrv) controls = g_strsplit (control != NULL ? control : "", "\n", -1);
  guint64 domain;

  device->active = TRUE;
  for (guint i = 0; lines[i] != NULL; i++)
    read_matrix_line (device, lines[i]);
  for (guint i = 0; controls[i] != NULL; i++)
    if (g_ascii_string_to_unsigned (controls[i], 16, 0, VITRINE_AP_BITS - 1, &domain, NULL))
      vitrine_ap_mask_set (&device->control, (guint) domain, TRUE);
}

static void
read_mediated (VitrineHostTree *tree, VitrineApMatrix *matrix)
{
  g_auto(GStrv) names = vitrine_host_tree_list (tree, VITRINE_AP_PARENT_PATH);

  for (guint i = 0; names[i] != NULL; i++)
    if (g_uuid_string_is_valid (names[i]))
      {
        VitrineApDevice *device = vitrine_ap_matrix_add_device (matrix, names[i]);
        read_active (tree, device);
        device->persistent = matrix->has_mdevctl && vitrine_host_tree_exists (tree, MDEVCTL_FOLDER "/%s", names[i]);
      }
}

/* --- can it be given away at all? -------------------------------------------------------------------------------- */

static gboolean
has_module (VitrineHostTree *tree)
{
  static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };
  g_autofree char *release = vitrine_host_tree_read (tree, "proc/sys/kernel/osrelease");

  for (guint i = 0; release != NULL && i < G_N_ELEMENTS (suffixes); i++)
    if (vitrine_host_tree_exists (tree, "lib/modules/%s/" MODULE_FOLDER "%s", release, suffixes[i]))
      return TRUE;
  return FALSE;
}

static gboolean
has_new_card (const VitrineApMatrix *matrix)
{
  for (guint i = 0; i < matrix->cards->len; i++)
    if (((VitrineApCard *) matrix->cards->pdata[i])->generation >= FIRST_GENERATION)
      return TRUE;
  return FALSE;
}

static const char *
why_not (VitrineHostTree *tree, const VitrineApMatrix *matrix)
{
  if (!vitrine_host_tree_exists (tree, "sys/bus/ap"))
    return _("This host has no crypto adapters: only IBM Z has the AP bus that they are on.");
  if (matrix->cards->len == 0)
    return _ (
        "No crypto card is configured for this system. Cards are given to it at the machine’s service element (HMC).");
  if (!has_new_card (matrix))
    return _("The crypto cards are too old: only CEX4 and newer ones can be given to a guest.");
  if (!matrix->driver_loaded && !has_module (tree))
    return _("The host’s kernel has no vfio_ap driver, which gives crypto queues to guests.");
  if (matrix->driver_loaded && !vitrine_host_tree_exists (tree, VITRINE_AP_PARENT_PATH))
    return _("The vfio_ap driver runs, but offers no matrix: this system’s processor does not share crypto queues "
             "with guests.");
  if (!matrix->has_masks)
    return _("The host’s kernel cannot reserve queues for guests: it has no apmask and aqmask.");
  return NULL;
}

static gboolean
read_masks (VitrineHostTree *tree, VitrineApMatrix *matrix)
{
  g_autofree char *apmask = vitrine_host_tree_read (tree, "sys/bus/ap/apmask");
  g_autofree char *aqmask = vitrine_host_tree_read (tree, "sys/bus/ap/aqmask");

  return vitrine_ap_mask_apply (&matrix->apmask, apmask) && vitrine_ap_mask_apply (&matrix->aqmask, aqmask);
}

static void
read_maximum (VitrineHostTree *tree, const char *name, guint *maximum)
{
  guint64 value;

  if (vitrine_host_tree_read_number (tree, &value, "sys/bus/ap/%s", name) && value < VITRINE_AP_BITS)
    *maximum = (guint) value;
}

VitrineApMatrix *
vitrine_ap_matrix_new_from_tree (VitrineHostTree *tree)
{
  VitrineApMatrix *matrix = vitrine_ap_matrix_new ();

  read_maximum (tree, "ap_max_adapter_id", &matrix->max_card);
  read_maximum (tree, "ap_max_domain_id", &matrix->max_domain);
  matrix->has_masks = read_masks (tree, matrix);
  matrix->driver_loaded = vitrine_host_tree_exists (tree, "sys/bus/ap/drivers/vfio_ap");
  matrix->has_mdevctl = vitrine_host_tree_has_program (tree, "mdevctl");
  read_devices (tree, matrix);
  read_mediated (tree, matrix);
  vitrine_ap_matrix_settle (matrix);
  matrix->why_not = g_strdup (why_not (tree, matrix));
  return matrix;
}
