/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What /sys tells of USB devices, on a computer of the test's making. */
#include "usb-devices.h"

#include <string.h>

#include "tree-rig.h"

#define DEVICES "sys/bus/usb/devices/"

static void
put (const char *root, const char *folder, const char *attribute, const char *text)
{
  g_autofree char *path = g_strconcat (DEVICES, folder, "/", attribute, NULL);

  tree_rig_file (root, path, text);
}

static void
put_device (const char *root, const char *folder, const char *bus, const char *address, const char *vendor, const char *product)
{
  put (root, folder, "busnum", bus);
  put (root, folder, "devnum", address);
  put (root, folder, "idVendor", vendor);
  put (root, folder, "idProduct", product);
  put (root, folder, "bDeviceClass", "00");
}

static void
put_interface (const char *root, const char *folder, const char *class_code, const char *protocol, const char *driver)
{
  put (root, folder, "bInterfaceClass", class_code);
  put (root, folder, "bInterfaceProtocol", protocol);
  if (driver == NULL)
    return;
  g_autofree char *link = g_strconcat (DEVICES, folder, "/driver", NULL);
  g_autofree char *target = g_strconcat ("../../../../bus/usb/drivers/", driver, NULL);
  tree_rig_link (root, link, target);
}

static char *
make_computer (void)
{
  char *root = tree_rig_make ();

  tree_rig_file (root, "usr/share/misc/usb.ids", "0781  SanDisk Corp.\n\t5581  Ultra\n046d  Logitech, Inc.\n\tc31c  Keyboard K120\n"
                                                  "AT 0101  Input\nHID 00  None");
  put_device (root, "usb1", "1", "1", "1d6b", "0002");
  put (root, "usb1", "bDeviceClass", "09");
  put_device (root, "1-1", "1", "5", "0781", "5581");
  put (root, "1-1", "manufacturer", "SanDisk");
  put (root, "1-1", "product", "SanDisk Ultra Fit");
  put_interface (root, "1-1:1.0", "08", "50", "usb-storage");
  put_device (root, "1-2", "1", "7", "046d", "c31c");
  put_interface (root, "1-2:1.0", "03", "01", "usbhid");
  put_device (root, "1-3.2", "1", "10", "ffff", "1234");
  return root;
}

static GPtrArray *
list (const char *root)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);

  return vitrine_usb_devices_list (tree);
}

static void
devices_have_names_and_hubs_are_not_among_them (void)
{
  char *root = make_computer ();
  g_autoptr(GPtrArray) devices = list (root);
  const VitrineUsbDevice *stick, *keyboard, *unknown;

  g_assert_cmpuint (devices->len, ==, 3);
  stick = devices->pdata[0];
  keyboard = devices->pdata[1];
  unknown = devices->pdata[2];
  g_assert_cmpstr (stick->id, ==, "1:5");
  g_assert_cmpstr (stick->name, ==, "SanDisk Ultra Fit");
  g_assert_null (stick->loss);
  g_assert_cmpstr (keyboard->name, ==, "Logitech, Inc. Keyboard K120");
  g_assert_cmpstr (unknown->port, ==, "1-3.2");
  g_assert_cmphex (unknown->vendor, ==, 0xffff);
  g_assert_cmpstr (unknown->name, ==, "Vendor ffff Device 1234");
  tree_rig_drop (root);
}

static const char *
loss_of (const char *root, guint i, GPtrArray **devices)
{
  g_clear_pointer (devices, g_ptr_array_unref);
  *devices = list (root);
  return ((const VitrineUsbDevice *) (*devices)->pdata[i])->loss;
}

static void
what_the_computer_would_lose_is_said (void)
{
  char *root = make_computer ();
  GPtrArray *devices = NULL;

  g_assert_nonnull (strstr (loss_of (root, 1, &devices), "keyboard"));
  put_interface (root, "1-2:1.0", "03", "02", NULL);
  g_assert_nonnull (strstr (loss_of (root, 1, &devices), "mouse"));
  tree_rig_file (root, DEVICES "1-1/1-1:1.0/host4/block/sdb/size", "1");
  tree_rig_link (root, "sys/class/block/sdb", "../../bus/usb/devices/1-1/1-1:1.0/host4/block/sdb");
  g_assert_null (loss_of (root, 0, &devices));
  tree_rig_file (root, "proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/my\\040stick vfat rw 0 0");
  g_assert_nonnull (strstr (loss_of (root, 0, &devices), "“/media/my stick”"));
  tree_rig_file (root, DEVICES "1-3.2/1-3.2:1.0/net/eth7/mtu", "1500");
  tree_rig_link (root, "sys/class/net/eth7", "../../bus/usb/devices/1-3.2/1-3.2:1.0/net/eth7");
  g_assert_nonnull (strstr (loss_of (root, 2, &devices), "eth7"));
  put_interface (root, "1-3.2:1.0", "ff", "00", "usbfs");
  g_assert_nonnull (strstr (loss_of (root, 2, &devices), "Another program"));
  g_clear_pointer (&devices, g_ptr_array_unref);
  tree_rig_drop (root);
}

static const char *
find (const GPtrArray *devices, const char *words, int code)
{
  VitrineUsbWanted wanted;
  g_autoptr(GError) error = NULL;
  const VitrineUsbDevice *device = vitrine_usb_wanted_parse (&wanted, words, &error)
                                       ? vitrine_usb_devices_find (devices, &wanted, &error) : NULL;

  vitrine_usb_wanted_clear (&wanted);
  if (code >= 0)
    g_assert_error (error, G_IO_ERROR, code);
  else
    g_assert_no_error (error);
  return device != NULL ? device->id : NULL;
}

static void
a_device_is_found_by_each_of_its_names (void)
{
  char *root = make_computer ();

  put_device (root, "2-1", "2", "5", "046d", "c31c");
  g_autoptr(GPtrArray) devices = list (root);
  g_assert_cmpstr (find (devices, "0781:5581", -1), ==, "1:5");
  g_assert_cmpstr (find (devices, "1:7", -1), ==, "1:7");
  g_assert_cmpstr (find (devices, "001:010", -1), ==, "1:10");
  g_assert_cmpstr (find (devices, "1-3.2", -1), ==, "1:10");
  g_assert_null (find (devices, "046d:c31c", G_IO_ERROR_FAILED));       /* two of them */
  g_assert_null (find (devices, "1:99", G_IO_ERROR_NOT_FOUND));
  g_assert_null (find (devices, "keyboard", G_IO_ERROR_INVALID_ARGUMENT));
  g_assert_null (find (devices, "1:7:3", G_IO_ERROR_INVALID_ARGUMENT));
  g_assert_null (find (devices, "-", G_IO_ERROR_INVALID_ARGUMENT));
  tree_rig_drop (root);
}

static void
a_computer_without_usb_has_none (void)
{
  char *root = tree_rig_make ();
  g_autoptr(GPtrArray) devices = list (root);

  g_assert_cmpuint (devices->len, ==, 0);
  tree_rig_drop (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/usb-devices/names", devices_have_names_and_hubs_are_not_among_them);
  g_test_add_func ("/usb-devices/losses", what_the_computer_would_lose_is_said);
  g_test_add_func ("/usb-devices/find", a_device_is_found_by_each_of_its_names);
  g_test_add_func ("/usb-devices/none", a_computer_without_usb_has_none);
  return g_test_run ();
}
