/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AP matrix as libvirt's node devices. Types of cards, the masks and the highest numbers are not among what it
 * tells: whose a queue is, its driver says. */
#include <glib/gi18n-lib.h>

#include "ap-matrix-private.h"
#include "ap-plan.h"
#include "mdev-private.h"
#include "node-xml.h"

typedef struct
{
  VitrineApMatrix *matrix;
  gboolean         offers;   /* mediated devices */
} Reading;

static void
read_card (Reading *reading, const xmlNode *capability)
{
  guint id;

  if (vitrine_node_read_number (capability, "ap-adapter", VITRINE_AP_BITS - 1, &id))
    vitrine_ap_matrix_add_card (reading->matrix, id);
}

static void
read_queue (Reading *reading, const xmlNode *device, const xmlNode *capability)
{
  guint card, domain;

  if (!vitrine_node_read_number (capability, "ap-adapter", VITRINE_AP_BITS - 1, &card)
      || !vitrine_node_read_number (capability, "ap-domain", VITRINE_AP_BITS - 1, &domain))
    return;
  VitrineApQueue *queue = vitrine_ap_matrix_add_queue (reading->matrix, card, domain);
  queue->driver = vitrine_xml_text (vitrine_xml_find (device, "driver/name"));
}

static void
read_mediated (Reading *reading, const xmlNode *device, const xmlNode *capability)
{
  g_autofree char *uuid = vitrine_xml_text (vitrine_xml_child (capability, "uuid"));
  g_autofree char *path = vitrine_xml_text (vitrine_xml_child (device, "path"));

  if (!vitrine_xml_attr_is (vitrine_xml_child (capability, "type"), "id", VITRINE_AP_TYPE) || uuid == NULL
      || !g_uuid_string_is_valid (uuid))
    return;
  VitrineApDevice *made = vitrine_ap_matrix_add_device (reading->matrix, uuid);
  made->active = path != NULL;   /* what is only defined has no place in sysfs */
  VITRINE_XML_FOREACH (attribute, capability, "attr")
    {
      g_autofree char *name = vitrine_xml_attr (attribute, "name"), *value = vitrine_xml_attr (attribute, "value");
      vitrine_ap_device_assign (made, name, value);
    }
}

static void
look (const xmlNode *device, gpointer data)
{
  Reading *reading = data;
  const xmlNode *card = vitrine_node_find_capability (device, "ap_card");
  const xmlNode *queue = vitrine_node_find_capability (device, "ap_queue");
  const xmlNode *mediated = vitrine_node_find_capability (device, "mdev");
  const xmlNode *matrix = vitrine_node_find_capability (device, "ap_matrix");

  if (card != NULL)
    read_card (reading, card);
  if (queue != NULL)
    read_queue (reading, device, queue);
  if (mediated != NULL)
    read_mediated (reading, device, mediated);
  if (vitrine_node_find_capability (matrix, "mdev_types") != NULL)
    reading->offers = TRUE;
}

VitrineApMatrix *
vitrine_ap_matrix_new_from_libvirt (const char *const *xml)
{
  Reading reading = { .matrix = vitrine_ap_matrix_new () };
  VitrineApMatrix *matrix = reading.matrix;

  vitrine_node_each (xml, look, &reading);
  vitrine_ap_matrix_settle (matrix);
  matrix->driver_loaded = reading.offers;
  matrix->has_mdevctl = TRUE;   /* libvirt makes mediated devices through it */
  if (matrix->cards->len == 0)
    matrix->why_not = g_strdup (_("The host has no crypto adapters: it is no IBM Z, or no card is configured for it."));
  else if (!reading.offers)
    matrix->why_not
        = g_strdup (_("The host offers no crypto matrix: its vfio_ap driver is not loaded (modprobe vfio_ap)."));
  return matrix;
}

char *
vitrine_ap_xml_create (const VitrineApMatrix *matrix, const VitrineApSelection *selection, const char *uuid,
                       GError **error)
{
  g_autoptr(VitrineApReview) review = vitrine_ap_review (matrix, selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(GArray) attributes
      = vitrine_ap_list_attributes (&selection->cards, &selection->domains, &selection->control);

  if (!vitrine_ap_check_new (matrix, review, FALSE, uuid, error))
    return NULL;
  return vitrine_mdev_to_libvirt (VITRINE_AP_PARENT_NODE, VITRINE_AP_TYPE, uuid, attributes);
}
