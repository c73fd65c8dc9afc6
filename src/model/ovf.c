/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading OVF. Elements are found by their local name: versions 1 and 2 differ in namespaces only, as far as we go. Numbers of resource
 * types are CIM's (DSP0243, CIM_ResourceAllocationSettingData). */
#include "appliance.h"

#include <glib/gi18n-lib.h>
#include <libxml/parser.h>
#include <string.h>
#include <vitrine/error.h>

#include "domain.h"

enum
{
  RESOURCE_CPU = 3, RESOURCE_MEMORY = 4, RESOURCE_IDE = 5, RESOURCE_SCSI = 6, RESOURCE_NIC = 10, RESOURCE_FLOPPY = 14, RESOURCE_CD = 15,
  RESOURCE_DVD = 16, RESOURCE_DISK = 17, RESOURCE_STORAGE = 20, RESOURCE_USB = 23, RESOURCE_GRAPHICS = 24, RESOURCE_SOUND = 35,
  DISKS_MOST = 26, NICS_MOST = 8,
};
#define MEMORY_DEFAULT G_GUINT64_CONSTANT (1 << 30)
#define MEMORY_LEAST   (G_GUINT64_CONSTANT (1) << 20)     /* and its unit */
#define MEMORY_MOST    (G_GUINT64_CONSTANT (1) << 40)

typedef struct
{
  VitrineAppliance *appliance;
  const char       *source;
  const xmlNode    *root;
} Reader;

/* --- XML --------------------------------------------------------------------------------------------------------- */

static gboolean
is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && strcmp ((const char *) node->name, name) == 0;
}

static const xmlNode *
next (const xmlNode *node, const char *name)
{
  while (node != NULL && !is_element (node, name))
    node = node->next;
  return node;
}

static const xmlNode *
child (const xmlNode *parent, const char *name)
{
  return parent != NULL ? next (parent->children, name) : NULL;
}

#define FOREACH(node, parent, name) for (const xmlNode *node = child (parent, name); node != NULL; node = next (node->next, name))

/* Of any namespace; NULL: not there. */
static char *
attribute (const xmlNode *node, const char *name)
{
  for (const xmlAttr *attr = node != NULL ? node->properties : NULL; attr != NULL; attr = attr->next)
    if (strcmp ((const char *) attr->name, name) == 0)
      {
        xmlChar *value = xmlNodeListGetString (node->doc, attr->children, 1);
        char *copy = g_strdup (value != NULL ? (const char *) value : "");
        xmlFree (value);
        return copy;
      }
  return NULL;
}

static char *
text (const xmlNode *node)
{
  if (node == NULL)
    return NULL;
  xmlChar *content = xmlNodeGetContent (node);
  char *copy = g_strstrip (g_strdup (content != NULL ? (const char *) content : ""));
  xmlFree (content);
  return copy;
}

static guint64
number (const xmlNode *item, const char *name)
{
  g_autofree char *word = text (child (item, name));
  return word != NULL ? g_ascii_strtoull (word, NULL, 10) : 0;
}

/* "byte * 2^20", and what older programs write. */
static guint
unit_shift (const char *unit, guint otherwise)
{
  const char *power = unit != NULL ? strstr (unit, "2^") : NULL;

  if (unit == NULL || *unit == '\0')
    return otherwise;
  if (power != NULL)
    return (guint) MIN (g_ascii_strtoull (power + 2, NULL, 10), 40);
  return g_str_has_prefix (unit, "Kilo") ? 10 : g_str_has_prefix (unit, "Mega") ? 20 : g_str_has_prefix (unit, "Giga") ? 30 : 0;
}

/* What does not fit is the most that does. */
static guint64
scaled (guint64 value, guint shift)
{
  return value > G_MAXUINT64 >> shift ? G_MAXUINT64 : value << shift;
}

static void G_GNUC_PRINTF (2, 3)
note (Reader *reader, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (reader->appliance->notes, g_strdup_vprintf (format, args));
  va_end (args);
}

static gboolean G_GNUC_PRINTF (3, 4)
refuse (Reader *reader, GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” cannot be imported: %s"), reader->source, what);
  return FALSE;
}

/* --- files and disks --------------------------------------------------------------------------------------------------- */

static const xmlNode *
find_by_id (const xmlNode *parent, const char *name, const char *key, const char *id)
{
  FOREACH (node, parent, name)
    {
      g_autofree char *value = attribute (node, key);
      if (g_strcmp0 (value, id) == 0)
        return node;
    }
  return NULL;
}

static gboolean
find_file (Reader *reader, const char *id, char **name, GError **error)
{
  const xmlNode *file = find_by_id (child (reader->root, "References"), "File", "id", id);
  g_autofree char *href = attribute (file, "href"), *compression = attribute (file, "compression"), *chunk = attribute (file, "chunkSize");

  if (href == NULL)
    return refuse (reader, error, _("it names a file that it does not describe."));
  if (!vitrine_appliance_is_plain_name (href))
    return refuse (reader, error, _("its file “%s” is in another place. Files must be beside the OVF."), href);
  if ((compression != NULL && *compression != '\0' && !g_str_equal (compression, "identity")) || chunk != NULL)
    return refuse (reader, error, _("its file “%s” is packed or in pieces. Unpack it first."), href);
  *name = g_steal_pointer (&href);
  return TRUE;
}

/* "ovf:/disk/vmdisk1" */
static gboolean
take_disk (Reader *reader, const char *resource, const char *bus, GError **error)
{
  const char *id = resource != NULL ? strrchr (resource, '/') : NULL;
  const xmlNode *disk = id != NULL ? find_by_id (child (reader->root, "DiskSection"), "Disk", "diskId", id + 1) : NULL;
  g_autofree char *capacity = attribute (disk, "capacity"), *unit = attribute (disk, "capacityAllocationUnits");
  g_autofree char *reference = attribute (disk, "fileRef"), *parent = attribute (disk, "parentRef"), *file = NULL;

  if (disk == NULL)
    return refuse (reader, error, _("a disk is not described."));
  if (parent != NULL && *parent != '\0')
    return refuse (reader, error, _("a disk is only the differences to another one."));
  if (reader->appliance->disks->len >= DISKS_MOST)
    return refuse (reader, error, _("it has more than %d disks."), DISKS_MOST);
  if (reference != NULL && *reference != '\0' && !find_file (reader, reference, &file, error))
    return FALSE;
  guint64 bytes = scaled (capacity != NULL ? g_ascii_strtoull (capacity, NULL, 10) : 0, unit_shift (unit, 0));
  if (file == NULL && (bytes == 0 || bytes > G_MAXINT64 / 2))
    return refuse (reader, error, _("an empty disk has no size."));
  vitrine_appliance_add_disk (reader->appliance, file, bus, FALSE, bytes);
  return TRUE;
}

/* --- hardware ----------------------------------------------------------------------------------------------------------- */

/* Our bus for the controller that an item hangs on. */
static const char *
choose_bus (Reader *reader, const xmlNode *section, const xmlNode *item)
{
  g_autofree char *parent = text (child (item, "Parent"));
  for (const xmlNode *node = section->children; node != NULL && parent != NULL; node = node->next)
    {
      g_autofree char *id = text (child (node, "InstanceID")), *type = text (child (node, "ResourceSubType"));
      if (g_strcmp0 (id, parent) != 0)
        continue;
      g_autofree char *small = type != NULL ? g_ascii_strdown (type, -1) : g_strdup ("");
      if (strstr (small, "virtio") != NULL)
        return "virtio";
      if (number (node, "ResourceType") != RESOURCE_STORAGE)
        note (reader, _("A disk on %s is on SATA here."), number (node, "ResourceType") == RESOURCE_IDE ? "IDE" : "SCSI");
    }
  return "sata";
}

static void
take_nic (Reader *reader, const xmlNode *item)
{
  g_autofree char *type = text (child (item, "ResourceSubType")), *address = text (child (item, "Address"));

  if (reader->appliance->macs->len >= NICS_MOST)
    {
      note (reader, _("More than %d network cards: the others are left out."), NICS_MOST);
      return;
    }
  if (type != NULL && g_ascii_strcasecmp (type, "virtio") != 0)
    note (reader, _("A network card “%s” is a virtio card here: the guest needs its driver."), type);
  gboolean is_mac = address != NULL && g_regex_match_simple ("^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$", address, G_REGEX_CASELESS, 0);
  g_ptr_array_add (reader->appliance->macs, g_strdup (is_mac ? address : ""));
}

static void
take_other (Reader *reader, const xmlNode *item, guint64 type)
{
  static const guint64 silent[] = { RESOURCE_IDE, RESOURCE_SCSI, RESOURCE_STORAGE, RESOURCE_USB, RESOURCE_GRAPHICS };
  g_autofree char *name = text (child (item, "ElementName"));

  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    if (silent[i] == type)
      return;
  note (reader, _("Left out: “%s”."), name != NULL ? name : "?");
}

static gboolean
take_item (Reader *reader, const xmlNode *section, const xmlNode *item, GError **error)
{
  VitrineAppliance *appliance = reader->appliance;
  guint64 type = number (item, "ResourceType"), quantity = number (item, "VirtualQuantity");
  g_autofree char *unit = text (child (item, "AllocationUnits")), *resource = text (child (item, "HostResource"));

  switch (type)
    {
    case RESOURCE_CPU:
      appliance->cpus = (guint) CLAMP (quantity, 1, VITRINE_DOMAIN_MAX_CPUS);
      if (quantity > VITRINE_DOMAIN_MAX_CPUS)
        note (reader, _("It had more processors than the %d of this machine."), VITRINE_DOMAIN_MAX_CPUS);
      return TRUE;
    case RESOURCE_MEMORY:
      appliance->memory_bytes = CLAMP (scaled (quantity, unit_shift (unit, 20)), MEMORY_LEAST, MEMORY_MOST) & ~(MEMORY_LEAST - 1);
      return TRUE;
    case RESOURCE_NIC:
      take_nic (reader, item);
      return TRUE;
    case RESOURCE_DISK:
      return take_disk (reader, resource, choose_bus (reader, section, item), error);
    case RESOURCE_CD:
    case RESOURCE_DVD:
      vitrine_appliance_add_disk (appliance, NULL, "sata", TRUE, 0);
      if (resource != NULL && *resource != '\0')
        note (reader, _("The CD drive is empty here."));
      return TRUE;
    default:
      take_other (reader, item, type);
      return TRUE;
    }
}

static gboolean
take_hardware (Reader *reader, const xmlNode *section, GError **error)
{
  for (const xmlNode *item = section->children; item != NULL; item = item->next)
    if (is_element (item, "Item") || is_element (item, "StorageItem") || is_element (item, "EthernetPortItem"))
      if (!take_item (reader, section, item, error))
        return FALSE;
  FOREACH (config, section, "Config")     /* VMware's */
    {
      g_autofree char *key = attribute (config, "key"), *value = attribute (config, "value");
      if (g_strcmp0 (key, "firmware") == 0 && g_strcmp0 (value, "efi") == 0)
        reader->appliance->uefi = TRUE;
    }
  return TRUE;
}

/* VirtualBox's own description of the machine, which has the firmware. */
static void
take_virtualbox (Reader *reader, const xmlNode *system)
{
  const xmlNode *hardware = child (child (system, "Machine"), "Hardware");
  const xmlNode *firmware = child (hardware, "Firmware");
  g_autofree char *type = attribute (firmware != NULL ? firmware : child (child (hardware, "BIOS"), "Firmware"), "type");

  if (type != NULL && g_str_has_prefix (type, "EFI"))
    reader->appliance->uefi = TRUE;
}

static gboolean
take_system (Reader *reader, const xmlNode *system, GError **error)
{
  VitrineAppliance *appliance = reader->appliance;
  const xmlNode *hardware = child (system, "VirtualHardwareSection");
  g_autofree char *id = attribute (system, "id");

  appliance->name = text (child (system, "Name"));
  if (appliance->name == NULL || *appliance->name == '\0')
    {
      g_free (appliance->name);
      appliance->name = g_steal_pointer (&id);
    }
  appliance->description = text (child (child (system, "AnnotationSection"), "Annotation"));
  if (hardware == NULL)
    return refuse (reader, error, _("it describes no hardware."));
  if (!take_hardware (reader, hardware, error))
    return FALSE;
  take_virtualbox (reader, system);
  return TRUE;
}

VitrineAppliance *
vitrine_appliance_new_from_ovf (const char *data, gsize length, const char *source, GError **error)
{
  g_autoptr(VitrineAppliance) appliance = vitrine_appliance_new ();
  Reader reader = { .appliance = appliance, .source = source };
  xmlDoc *document = length <= VITRINE_OVF_MAX_BYTES
                       ? xmlReadMemory (data, (int) length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING) : NULL;
  gboolean ok = FALSE;

  reader.root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  if (reader.root == NULL || !is_element (reader.root, "Envelope"))
    refuse (&reader, error, _("it is no OVF document."));
  else if (child (reader.root, "VirtualSystemCollection") != NULL)
    refuse (&reader, error, _("it has several machines. Import them one by one."));
  else if (child (reader.root, "VirtualSystem") == NULL)
    refuse (&reader, error, _("it describes no machine."));
  else
    ok = take_system (&reader, child (reader.root, "VirtualSystem"), error);
  g_clear_pointer (&document, xmlFreeDoc);
  return ok ? g_steal_pointer (&appliance) : NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

gboolean
vitrine_appliance_is_plain_name (const char *name)
{
  return *name != '\0' && *name != '.' && strlen (name) <= 255 && strpbrk (name, "/\\\n\r") == NULL && g_utf8_validate (name, -1, NULL);
}

static void
disk_free (gpointer data)
{
  VitrineApplianceDisk *disk = data;

  g_free (disk->file);
  g_free (disk->bus);
  g_free (disk);
}

VitrineAppliance *
vitrine_appliance_new (void)
{
  VitrineAppliance *appliance = g_new0 (VitrineAppliance, 1);

  appliance->cpus = 1;
  appliance->memory_bytes = MEMORY_DEFAULT;
  appliance->disks = g_ptr_array_new_with_free_func (disk_free);
  appliance->macs = g_ptr_array_new_with_free_func (g_free);
  appliance->notes = g_ptr_array_new_with_free_func (g_free);
  return appliance;
}

void
vitrine_appliance_free (VitrineAppliance *appliance)
{
  g_free (appliance->name);
  g_free (appliance->description);
  g_ptr_array_unref (appliance->disks);
  g_ptr_array_unref (appliance->macs);
  g_ptr_array_unref (appliance->notes);
  g_free (appliance);
}

VitrineApplianceDisk *
vitrine_appliance_add_disk (VitrineAppliance *appliance, const char *file, const char *bus, gboolean cdrom, guint64 capacity_bytes)
{
  VitrineApplianceDisk *disk = g_new0 (VitrineApplianceDisk, 1);

  *disk = (VitrineApplianceDisk) { .file = g_strdup (file), .bus = g_strdup (bus), .cdrom = cdrom, .capacity_bytes = capacity_bytes };
  g_ptr_array_add (appliance->disks, disk);
  return disk;
}
