/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: disks, boot order and video. */
#include <glib/gstdio.h>
#include <string.h>

#include "domain-private.h"

VitrineDisk *
vitrine_disk_new (const char *path, const char *format, const char *bus, gboolean cdrom)
{
  VitrineDisk *disk = g_new0 (VitrineDisk, 1);

  disk->path = g_strdup (path);
  disk->format = g_strdup (format);
  disk->bus = g_strdup (bus);
  disk->cdrom = cdrom;
  disk->readonly = cdrom;
  disk->floppy = g_strcmp0 (bus, "fdc") == 0;
  disk->encrypted = g_strcmp0 (format, "luks") == 0;
  return disk;
}

gboolean
vitrine_disk_is_removable (const VitrineDisk *disk)
{
  return disk->cdrom || disk->floppy;
}

const VitrineDisk *
vitrine_disk_find (GPtrArray *disks, const char *target)
{
  for (guint i = 0; i < disks->len; i++)
    if (g_strcmp0 (((const VitrineDisk *) disks->pdata[i])->target, target) == 0)
      return disks->pdata[i];
  return NULL;
}

void
vitrine_disk_free (VitrineDisk *disk)
{
  if (disk == NULL)
    return;
  g_free (disk->target);
  g_free (disk->path);
  g_free (disk->format);
  g_free (disk->bus);
  g_free (disk);
}

const char *
vitrine_disk_get_image_format (const VitrineDisk *disk)
{
  return disk->encrypted && g_strcmp0 (disk->format, "raw") == 0 ? "luks" : disk->format;
}

xmlNode *
vitrine_domain_devices (VitrineDomain *self)
{
  return vitrine_xml_ensure (vitrine_domain_root (self), "devices");
}

/* libvirt guesses the bus from the target's first letters when none is given. */
static const char *
bus_from_target (const char *target)
{
  static const struct { const char *prefix, *bus; } guesses[] = { { "vd", "virtio" }, { "hd", "ide" }, { "sd", "sata" }, { "fd", "fdc" } };

  for (guint i = 0; target != NULL && i < G_N_ELEMENTS (guesses); i++)
    if (g_str_has_prefix (target, guesses[i].prefix))
      return guesses[i].bus;
  return "virtio";
}

static guint
get_boot_order (const xmlNode *device)
{
  g_autofree char *text = vitrine_xml_attr (vitrine_xml_child (device, "boot"), "order");
  guint64 order = 0;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, 999, &order, NULL))
    order = 0;
  return (guint) order;
}

static char *
get_source (const xmlNode *node)
{
  const xmlNode *source = vitrine_xml_child (node, "source");
  char *path = vitrine_xml_attr (source, "file");
  return path != NULL ? path : vitrine_xml_attr (source, "dev");
}

/* --- NVMe: docs/decisions/0013-nvme-in-definitions.md --------------------------------------------------------------- */

#define NVME_ALIAS "ua-nvme-"

static gboolean
is_nvme (const xmlNode *node)
{
  g_autofree char *alias = vitrine_xml_attr (vitrine_xml_child (node, "alias"), "name");

  return alias != NULL && g_str_has_prefix (alias, NVME_ALIAS);
}

gboolean
vitrine_domain_is_on_virtio (const xmlNode *disk)
{
  return vitrine_xml_attr_is (vitrine_xml_child (disk, "target"), "bus", "virtio") && !is_nvme (disk);
}

/* What the document says for a bus of ours. */
static const char *
written_bus (const char *bus)
{
  return g_strcmp0 (bus, "nvme") == 0 ? "virtio" : bus;
}

static void
mark_nvme (xmlNode *node, gboolean nvme)
{
  if (nvme == is_nvme (node))
    return;
  if (!nvme)
    {
      vitrine_xml_remove (vitrine_xml_child (node, "alias"));
      return;
    }
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *alias = g_strconcat (NVME_ALIAS, uuid, NULL);
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "alias"), "name", alias);
}

/* --- Disks ---------------------------------------------------------------------------------------------------------- */

static VitrineDisk *
disk_from_node (const xmlNode *node)
{
  VitrineDisk *disk = g_new0 (VitrineDisk, 1);
  const xmlNode *target = vitrine_xml_child (node, "target");

  disk->cdrom = vitrine_xml_attr_is (node, "device", "cdrom");
  disk->floppy = vitrine_xml_attr_is (node, "device", "floppy");
  disk->path = get_source (node);
  disk->format = vitrine_xml_attr (vitrine_xml_child (node, "driver"), "type");
  disk->target = vitrine_xml_attr (target, "dev");
  disk->bus = is_nvme (node) ? g_strdup ("nvme") : vitrine_xml_attr (target, "bus");
  if (disk->format == NULL)
    disk->format = g_strdup ("raw");   /* libvirt's rule: never guessed from the content */
  if (disk->bus == NULL)
    disk->bus = g_strdup (bus_from_target (disk->target));
  disk->readonly = disk->cdrom || vitrine_xml_child (node, "readonly") != NULL;
  disk->transient = vitrine_xml_child (node, "transient") != NULL;
  disk->encrypted = vitrine_xml_child (node, "encryption") != NULL || vitrine_xml_find (node, "source/encryption") != NULL;
  disk->boot_order = get_boot_order (node);
  return disk;
}

gboolean
vitrine_domain_has_drive (VitrineDomain *self, const xmlNode *node)
{
  return !vitrine_xml_attr_is (node, "device", "floppy") || g_strcmp0 (vitrine_domain_get_board (self), "pc") == 0;
}

GPtrArray *
vitrine_domain_get_disks (VitrineDomain *self)
{
  GPtrArray *disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_disk_free);

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "disk")
    if (vitrine_domain_has_drive (self, node))
      g_ptr_array_add (disks, disk_from_node (node));
  return disks;
}

static xmlNode *
find_disk (VitrineDomain *self, const char *target)
{
  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "disk")
    if (vitrine_xml_attr_is (vitrine_xml_child (node, "target"), "dev", target))
      return node;
  return NULL;
}

char *
vitrine_domain_free_target (VitrineDomain *self, const char *bus)
{
  static const struct { const char *bus, *prefix; } prefixes[] = { { "virtio", "vd" }, { "ide", "hd" }, { "fdc", "fd" }, { "nvme", "vd" } };
  const char *prefix = "sd";

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_strcmp0 (bus, prefixes[i].bus) == 0)
      prefix = prefixes[i].prefix;

  for (char letter = 'a'; letter <= 'z'; letter++)
    {
      g_autofree char *name = g_strdup_printf ("%s%c", prefix, letter);
      if (find_disk (self, name) == NULL)
        return g_steal_pointer (&name);
    }
  return g_strdup_printf ("%szz", prefix);
}

static xmlNode *
add_element (xmlNode *parent, const char *name)
{
  return xmlNewChild (parent, NULL, (const xmlChar *) name, NULL);
}

/* As images name it: libvirt's LUKS image is a raw one that is encrypted. What a qcow2 image has inside, it says itself. */
static void
write_format (xmlNode *node, const char *format)
{
  gboolean luks = g_strcmp0 (format, "luks") == 0;

  vitrine_xml_set_attr (vitrine_xml_ensure (node, "driver"), "type", luks ? "raw" : format);
  vitrine_xml_remove (vitrine_xml_find (node, "source/encryption"));
  vitrine_xml_remove (vitrine_xml_child (node, "encryption"));
  if (luks)
    vitrine_xml_set_attr (add_element (node, "encryption"), "format", "luks");
}

/* A device that is not there now, such as a disk that is not plugged in, tells by its place. */
static gboolean
is_block_device (const char *path)
{
  GStatBuf status;

  return g_stat (path, &status) == 0 ? S_ISBLK (status.st_mode) : g_str_has_prefix (path, "/dev/");
}

/* libvirt wants file='' for files and dev='' for block devices, and the disk's type to agree. */
static void
set_source (xmlNode *node, const char *path)
{
  gboolean block = path != NULL && is_block_device (path);
  xmlNode *source = vitrine_xml_child (node, "source");

  vitrine_xml_set_attr (node, "type", block ? "block" : "file");
  if (path == NULL)
    {
      vitrine_xml_remove (source);
      return;
    }
  if (source == NULL)
    source = add_element (node, "source");
  vitrine_xml_set_attr (source, block ? "dev" : "file", path);
  vitrine_xml_set_attr (source, block ? "file" : "dev", NULL);
}

static void
set_boot_order (xmlNode *device, guint order)
{
  xmlNode *boot = vitrine_xml_child (device, "boot");
  g_autofree char *text = g_strdup_printf ("%u", order);

  if (order == 0)
    {
      vitrine_xml_remove (boot);
      return;
    }
  vitrine_xml_set_attr (boot != NULL ? boot : add_element (device, "boot"), "order", text);
}

void
vitrine_domain_add_disk (VitrineDomain *self, const VitrineDisk *disk)
{
  g_autofree char *target_name = disk->target != NULL ? g_strdup (disk->target) : vitrine_domain_free_target (self, disk->bus);
  xmlNode *parent = vitrine_domain_devices (self);
  xmlNode *node = xmlNewNode (NULL, (const xmlChar *) "disk");
  xmlNode *first = xmlFirstElementChild (parent);
  xmlNode *last_disk = NULL;

  VITRINE_XML_FOREACH (other, parent, "disk")
    last_disk = other;
  if (last_disk != NULL)
    xmlAddNextSibling (last_disk, node);
  else if (first != NULL)
    xmlAddPrevSibling (first, node);
  else
    xmlAddChild (parent, node);

  vitrine_xml_set_attr (node, "device", disk->cdrom ? "cdrom" : disk->floppy ? "floppy" : "disk");
  xmlNode *driver = add_element (node, "driver");
  vitrine_xml_set_attr (driver, "name", "qemu");   /* the only driver name that libvirt's QEMU driver takes */
  set_source (node, disk->path);
  xmlNode *target = add_element (node, "target");
  vitrine_xml_set_attr (target, "dev", target_name);
  vitrine_xml_set_attr (target, "bus", written_bus (disk->bus));
  if (disk->readonly)
    add_element (node, "readonly");
  if (disk->transient)
    add_element (node, "transient");
  set_boot_order (node, disk->boot_order);
  write_format (node, vitrine_disk_get_image_format (disk));
  mark_nvme (node, g_strcmp0 (disk->bus, "nvme") == 0);
}

gboolean
vitrine_domain_remove_disk (VitrineDomain *self, const char *target)
{
  xmlNode *node = find_disk (self, target);

  vitrine_xml_remove (node);
  return node != NULL;
}

gboolean
vitrine_domain_set_disk_path (VitrineDomain *self, const char *target, const char *path)
{
  xmlNode *node = find_disk (self, target);

  if (node != NULL)
    set_source (node, path);
  return node != NULL;
}

void
vitrine_domain_set_disk_format (VitrineDomain *self, const char *target, const char *format)
{
  xmlNode *node = find_disk (self, target);

  if (node != NULL)
    write_format (node, format);
}

void
vitrine_domain_set_disk_backing (VitrineDomain *self, const char *target, const char *path, const char *format)
{
  xmlNode *node = find_disk (self, target);

  if (node == NULL)
    return;
  vitrine_xml_remove (vitrine_xml_child (node, "backingStore"));
  if (path == NULL)
    return;
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "backingStore"), "type", "file");
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "backingStore/format"), "type", format);
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "backingStore/source"), "file", path);
}

void
vitrine_domain_set_disk_readonly (VitrineDomain *self, const char *target, gboolean readonly)
{
  xmlNode *node = find_disk (self, target);

  if (node == NULL)
    return;
  if (readonly)
    vitrine_xml_ensure (node, "readonly");
  else
    vitrine_xml_remove (vitrine_xml_child (node, "readonly"));
}

char *
vitrine_domain_set_disk_bus (VitrineDomain *self, const char *target, const char *bus)
{
  xmlNode *node = find_disk (self, target);
  xmlNode *element = vitrine_xml_child (node, "target");

  if (node == NULL)
    return g_strdup (target);
  mark_nvme (node, g_strcmp0 (bus, "nvme") == 0);
  if (vitrine_xml_attr_is (element, "bus", written_bus (bus)))
    return g_strdup (target);
  char *name = vitrine_domain_free_target (self, bus);
  vitrine_xml_set_attr (element, "dev", name);
  vitrine_xml_set_attr (element, "bus", written_bus (bus));
  vitrine_xml_remove (vitrine_xml_child (node, "address"));   /* a place on the old bus */
  return name;
}

void
vitrine_domain_set_boot_order (VitrineDomain *self, const char *const *targets)
{
  xmlNode *os = vitrine_xml_ensure (vitrine_domain_root (self), "os");

  for (xmlNode *boot; (boot = vitrine_xml_child (os, "boot")) != NULL;)   /* libvirt refuses both kinds together */
    vitrine_xml_remove (boot);
  for (xmlNode *device = vitrine_domain_devices (self)->children; device != NULL; device = device->next)
    if (device->type == XML_ELEMENT_NODE)
      set_boot_order (device, 0);
  for (guint i = 0, order = 1; targets != NULL && targets[i] != NULL; i++)
    {
      xmlNode *node = find_disk (self, targets[i]);
      if (node != NULL)
        set_boot_order (node, order++);
    }
}

/* --- video ------------------------------------------------------------------------------------------------------ */

char *
vitrine_domain_get_video (VitrineDomain *self)
{
  const xmlNode *model = vitrine_xml_find (vitrine_domain_root (self), "devices/video/model");
  char *type = vitrine_xml_attr (model, "type");
  return type != NULL ? type : g_strdup ("none");
}

void
vitrine_domain_set_video (VitrineDomain *self, const char *type)
{
  xmlNode *model = vitrine_xml_ensure (vitrine_domain_devices (self), "video/model");

  if (vitrine_xml_attr_is (model, "type", type))
    return;
  for (xmlAttr *attr = model->properties; attr != NULL; attr = model->properties)
    xmlRemoveProp (attr);   /* memory sizes and heads belong to the old model */
  vitrine_xml_set_attr (model, "type", type);
}

static guint
get_count (const xmlNode *node, const char *name)
{
  g_autofree char *text = vitrine_xml_attr (node, name);
  guint64 value = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, 16384, &value, NULL))
    return 0;
  return (guint) value;
}

void
vitrine_domain_get_resolution (VitrineDomain *self, guint *width, guint *height)
{
  const xmlNode *node = vitrine_xml_find (vitrine_domain_root (self), "devices/video/model/resolution");

  *width = get_count (node, "x");
  *height = get_count (node, "y");
}

void
vitrine_domain_set_resolution (VitrineDomain *self, guint width, guint height)
{
  g_autofree char *x = g_strdup_printf ("%u", width);
  g_autofree char *y = g_strdup_printf ("%u", height);

  if (width == 0 || height == 0)
    {
      vitrine_xml_remove (vitrine_xml_find (vitrine_domain_root (self), "devices/video/model/resolution"));
      return;
    }
  xmlNode *node = vitrine_xml_ensure (vitrine_domain_devices (self), "video/model/resolution");
  vitrine_xml_set_attr (node, "x", x);
  vitrine_xml_set_attr (node, "y", y);
}

/* --- network cards ---------------------------------------------------------------------------------------------- */

GStrv
vitrine_domain_get_macs (VitrineDomain *self)
{
  g_autoptr(GStrvBuilder) macs = g_strv_builder_new ();

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "interface")
    {
      g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (node, "mac"), "address");
      g_strv_builder_add (macs, mac != NULL ? mac : "");
    }
  return g_strv_builder_end (macs);
}

void
vitrine_domain_set_macs (VitrineDomain *self, const char *const *macs)
{
  xmlNode *parent = vitrine_domain_devices (self);

  for (xmlNode *node; (node = vitrine_xml_child (parent, "interface")) != NULL;)
    vitrine_xml_remove (node);
  for (guint i = 0; macs[i] != NULL; i++)
    {
      xmlNode *node = add_element (parent, "interface");
      vitrine_xml_set_attr (node, "type", "user");
      if (*macs[i] != '\0')
        vitrine_xml_set_attr (add_element (node, "mac"), "address", macs[i]);
      vitrine_xml_set_attr (add_element (node, "model"), "type", "virtio");
    }
}
