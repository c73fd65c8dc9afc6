/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb usb: devices of this computer for a running machine. */
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "machines.h"
#include "usb-devices.h"
#include "usb-giving.h"

#define SYNOPSIS "usb list [MACHINE] | attach MACHINE DEVICE | detach MACHINE DEVICE"

static void
print_device (const VitrineUsbDevice *device, gboolean taken)
{
  g_print ("%-8s %04x:%04x  %-10s %s%s\n", device->id, device->vendor, device->product, device->port, device->name,
           taken ? _("  (the guest has it)") : "");
  if (device->loss != NULL && !taken)
    g_print ("%33s%s\n", "", device->loss);
}

/* Ids of what the machine's guest has; NULL after a message. */
static GStrv
list_taken (const char *words)
{
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;
  GStrv taken = client != NULL ? vitrine_client_list_usb (client, &error) : NULL;

  if (client != NULL && taken == NULL)
    vitrine_ctl_fail ("%s", error->message);
  return taken;
}

static int
list (const char *words)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_open ();
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (tree);
  g_auto(GStrv) taken = words != NULL ? list_taken (words) : g_new0 (char *, 1);

  if (taken == NULL)
    return 1;
  for (guint i = 0; i < devices->len; i++)
    {
      const VitrineUsbDevice *device = devices->pdata[i];
      print_device (device, g_strv_contains ((const char *const *) taken, device->id));
    }
  if (devices->len == 0)
    g_printerr ("%s\n", _("There are no USB devices on this computer."));
  return 0;
}

/* NULL after a message. */
static VitrineUsbDevice *
find_device (const char *words)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_open ();
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (tree);
  g_autoptr(GError) error = NULL;
  VitrineUsbWanted wanted;
  guint i;

  if (!vitrine_usb_wanted_parse (&wanted, words, &error))
    {
      vitrine_ctl_fail ("%s", error->message);
      return NULL;
    }
  const VitrineUsbDevice *found = vitrine_usb_devices_find (devices, &wanted, &error);
  vitrine_usb_wanted_clear (&wanted);
  if (found != NULL && g_ptr_array_find (devices, found, &i))
    return g_ptr_array_steal_index (devices, i);
  vitrine_ctl_fail ("%s", error->message);
  return NULL;
}

static int
attach (const char *words, const char *device_words)
{
  g_autoptr(VitrineUsbDevice) device = find_device (device_words);
  g_autoptr(VitrineClient) client = device != NULL ? vitrine_ctl_connect (words) : NULL;
  g_autoptr(GError) error = NULL;

  if (client == NULL)
    return 1;
  int fd = vitrine_usb_give (device->id, &error);
  if (fd < 0)
    return vitrine_ctl_fail ("%s", error->message);
  gboolean ok = vitrine_client_call_with_file_sync (client, "AttachUsb", g_variant_new ("(sh)", device->id, 0), fd, &error);
  close (fd);
  if (!ok)
    return vitrine_ctl_fail ("%s", error->message);
  if (device->loss != NULL)
    g_printerr ("%s: %s\n", device->name, device->loss);
  return 0;
}

/* By its id also when it is plugged in no more. */
static int
detach (const char *words, const char *device_words)
{
  VitrineUsbWanted wanted;

  if (!vitrine_usb_wanted_parse (&wanted, device_words, NULL) || !wanted.has_place)
    {
      vitrine_usb_wanted_clear (&wanted);
      g_autoptr(VitrineUsbDevice) device = find_device (device_words);
      return device != NULL ? vitrine_ctl_call (words, "DetachUsb", g_variant_new ("(s)", device->id)) : 1;
    }
  g_autofree char *id = vitrine_usb_wanted_describe (&wanted);
  return vitrine_ctl_call (words, "DetachUsb", g_variant_new ("(s)", id));
}

int
vitrine_ctl_usb (int argc, char **argv)
{
  if ((argc == 2 || argc == 3) && g_str_equal (argv[1], "list"))
    return list (argc == 3 ? argv[2] : NULL);
  if (argc == 4 && g_str_equal (argv[1], "attach"))
    return attach (argv[2], argv[3]);
  if (argc == 4 && g_str_equal (argv[1], "detach"))
    return detach (argv[2], argv[3]);
  return vitrine_ctl_usage (SYNOPSIS);
}
