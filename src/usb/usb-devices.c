/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes: Documentation/ABI/stable/sysfs-bus-usb and testing/sysfs-bus-usb of Linux. Classes: www.usb.org/defined-class-codes. */
#include "usb-devices.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "host-text.h"
#include "pci-ids.h"

#define DEVICES "sys/bus/usb/devices"

enum
{
  CLASS_HID = 0x03, PROTOCOL_KEYBOARD = 1, PROTOCOL_MOUSE = 2,
  CLASS_HUB = 0x09,
  CLASS_WIRELESS = 0xe0,
};

void
vitrine_usb_device_free (VitrineUsbDevice *device)
{
  g_free (device->id);
  g_free (device->port);
  g_free (device->name);
  g_free (device->loss);
  g_free (device);
}

static void
free_device (gpointer device)
{
  vitrine_usb_device_free (device);
}

/* Without a prefix, as sysfs has these. */
static guint
read_hex (VitrineHostTree *tree, const char *folder, const char *attribute)
{
  g_autofree char *text = vitrine_host_tree_read (tree, DEVICES "/%s/%s", folder, attribute);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 16) : 0;
}

/* --- What is lost with it ----------------------------------------------------------------------------------------- */

/* Is something of the kernel's class, such as a disk, part of the device? Its name, or NULL. */
static char *
find_part (VitrineHostTree *tree, const char *device, const char *class_name)
{
  g_autofree char *home = vitrine_host_tree_resolve (tree, DEVICES "/%s", device);
  g_autofree char *below = home != NULL ? g_strconcat (home, "/", NULL) : NULL;
  g_auto(GStrv) names = vitrine_host_tree_list (tree, "sys/class/%s", class_name);

  for (char **name = names; below != NULL && *name != NULL; name++)
    {
      g_autofree char *place = vitrine_host_tree_resolve (tree, "sys/class/%s/%s", class_name, *name);
      if (place != NULL && g_str_has_prefix (place, below))
        return g_strdup (*name);
    }
  return NULL;
}

/* Of the disk or one of its partitions. */
static char *
find_mount (VitrineHostTree *tree, const char *disk)
{
  g_autofree char *text = vitrine_host_tree_read (tree, "proc/self/mounts");
  g_autofree char *node = g_strconcat ("/dev/", disk, NULL);
  g_auto(GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto(GStrv) words = g_strsplit (*line, " ", 3);
      if (g_strv_length (words) == 3 && g_str_has_prefix (words[0], node))
        {
          g_autofree char *where = g_strcompress (words[1]);      /* a space is \040 */
          return vitrine_host_text (where, VITRINE_HOST_TITLE_CHARS);
        }
    }
  return NULL;
}

static char *
find_interface_loss (VitrineHostTree *tree, const char *interface)
{
  guint class_code = read_hex (tree, interface, "bInterfaceClass"), protocol = read_hex (tree, interface, "bInterfaceProtocol");
  g_autofree char *driver = vitrine_host_tree_link (tree, DEVICES "/%s/driver", interface);

  if (g_strcmp0 (driver, "usbfs") == 0)
    return g_strdup (_("Another program or machine uses it."));
  if (class_code == CLASS_HID && protocol == PROTOCOL_KEYBOARD)
    return g_strdup (_("It is a keyboard: you cannot type with it here while the guest has it."));
  if (class_code == CLASS_HID && protocol == PROTOCOL_MOUSE)
    return g_strdup (_("It is a mouse: you cannot point with it here while the guest has it."));
  if (class_code == CLASS_WIRELESS && driver != NULL)
    return g_strdup (_("It is this computer’s Bluetooth: keyboards and others that use it stop working here."));
  return NULL;
}

static char *
find_loss (VitrineHostTree *tree, const char *device, char **interfaces)
{
  for (; *interfaces != NULL; interfaces++)
    {
      char *loss = find_interface_loss (tree, *interfaces);
      if (loss != NULL)
        return loss;
    }
  g_autofree char *disk = find_part (tree, device, "block");
  g_autofree char *mount = disk != NULL ? find_mount (tree, disk) : NULL;
  g_autofree char *card = find_part (tree, device, "net");
  if (mount != NULL)
    return g_strdup_printf (_("It is in use at “%s”: eject it first, or data may be lost."), mount);
  if (card != NULL)
    return g_strdup_printf (_("It is this computer’s network card %s."), card);
  return NULL;
}

/* --- One device --------------------------------------------------------------------------------------------------- */

/* "1-4:1.0" is of "1-4". */
static GStrv
list_interfaces (char **all, const char *device)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *prefix = g_strconcat (device, ":", NULL);

  for (; *all != NULL; all++)
    if (g_str_has_prefix (*all, prefix))
      g_strv_builder_add (builder, *all);
  return g_strv_builder_end (builder);
}

/* The device's own words, or those of the list. A vendor's name that the product begins with is not said twice. */
static char *
make_name (VitrineHostTree *tree, const VitrinePciIds *ids, const VitrineUsbDevice *device)
{
  g_autofree char *said_vendor = vitrine_host_tree_read (tree, DEVICES "/%s/manufacturer", device->port);
  g_autofree char *said_product = vitrine_host_tree_read (tree, DEVICES "/%s/product", device->port);
  g_autofree char *listed_vendor = vitrine_pci_ids_vendor (ids, device->vendor);
  g_autofree char *listed_product = vitrine_pci_ids_device (ids, device->vendor, device->product);
  const char *vendor = said_vendor != NULL && *said_vendor != '\0' ? said_vendor : listed_vendor;
  const char *product = said_product != NULL && *said_product != '\0' ? said_product : listed_product;
  g_autofree char *both = g_str_has_prefix (product, vendor) ? g_strdup (product) : g_strconcat (vendor, " ", product, NULL);

  return vitrine_host_text (both, VITRINE_HOST_TITLE_CHARS);
}

static VitrineUsbDevice *
read_device (VitrineHostTree *tree, const VitrinePciIds *ids, char **all, const char *folder)
{
  guint64 bus, address;

  if (strchr (folder, ':') != NULL || !vitrine_host_tree_read_number (tree, &bus, DEVICES "/%s/busnum", folder)
      || !vitrine_host_tree_read_number (tree, &address, DEVICES "/%s/devnum", folder)
      || read_hex (tree, folder, "bDeviceClass") == CLASS_HUB)
    return NULL;
  VitrineUsbDevice *device = g_new0 (VitrineUsbDevice, 1);
  g_auto(GStrv) interfaces = list_interfaces (all, folder);
  device->bus = (guint) bus;
  device->address = (guint) address;
  device->id = g_strdup_printf ("%u:%u", device->bus, device->address);
  device->port = g_strdup (folder);
  device->vendor = (guint16) read_hex (tree, folder, "idVendor");
  device->product = (guint16) read_hex (tree, folder, "idProduct");
  device->name = make_name (tree, ids, device);
  device->loss = find_loss (tree, folder, interfaces);
  return device;
}

GPtrArray *
vitrine_usb_devices_list (VitrineHostTree *tree)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func (free_device);
  g_auto(GStrv) all = vitrine_host_tree_list (tree, DEVICES);
  g_autoptr(VitrinePciIds) ids = vitrine_pci_ids_new_for_usb (tree);

  for (char **folder = all; *folder != NULL; folder++)
    {
      VitrineUsbDevice *device = read_device (tree, ids, all, *folder);
      if (device != NULL)
        g_ptr_array_add (devices, device);
    }
  return devices;
}

/* --- Finding one -------------------------------------------------------------------------------------------------- */

static gboolean
parse_pair (const char *words, guint digits, guint base, guint64 limit, guint *first, guint *second)
{
  g_auto(GStrv) parts = g_strsplit (words, ":", -1);
  guint64 numbers[2];

  if (g_strv_length (parts) != 2)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if ((digits != 0 && strlen (parts[i]) != digits)
        || !g_ascii_string_to_unsigned (parts[i], base, 0, limit, &numbers[i], NULL))
      return FALSE;
  *first = (guint) numbers[0];
  *second = (guint) numbers[1];
  return TRUE;
}

gboolean
vitrine_usb_wanted_parse (VitrineUsbWanted *wanted, const char *words, GError **error)
{
  *wanted = (VitrineUsbWanted) { .has_product = FALSE };
  wanted->has_product = parse_pair (words, 4, 16, 0xffff, &wanted->vendor, &wanted->product);
  wanted->has_place = !wanted->has_product && parse_pair (words, 0, 10, 999, &wanted->bus, &wanted->address);
  if (wanted->has_product || wanted->has_place)
    return TRUE;
  if (g_ascii_isdigit (words[0]) && strchr (words, '-') != NULL && strspn (words, "0123456789.-") == strlen (words))
    {
      wanted->port = g_strdup (words);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               _("“%s” names no USB device: write for example 0781:5581 (vendor and product), 1:7 (bus and address) or 1-4.2 (port)."),
               words);
  return FALSE;
}

static gboolean
matches (const VitrineUsbDevice *device, const VitrineUsbWanted *wanted)
{
  return (!wanted->has_product || (device->vendor == wanted->vendor && device->product == wanted->product))
         && (!wanted->has_place || (device->bus == wanted->bus && device->address == wanted->address))
         && (wanted->port == NULL || g_str_equal (wanted->port, device->port));
}

const VitrineUsbDevice *
vitrine_usb_devices_find (const GPtrArray *devices, const VitrineUsbWanted *wanted, GError **error)
{
  const VitrineUsbDevice *found = NULL;
  g_autofree char *words = vitrine_usb_wanted_describe (wanted);

  for (guint i = 0; i < devices->len; i++)
    {
      if (!matches (devices->pdata[i], wanted))
        continue;
      if (found != NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("There are several USB devices %s: name one by its port, such as %s."),
                       words, found->port);
          return NULL;
        }
      found = devices->pdata[i];
    }
  if (found == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no USB device %s at this computer."), words);
  return found;
}
