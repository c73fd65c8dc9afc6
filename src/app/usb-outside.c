/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-outside.h"

#include "outside.h"
#include "usb-giving.h"

/* In the helper's process: what the definition names, as it was when the process was started. */
static GPtrArray *named;

static gboolean
is_permitted (const char *id)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_open ();
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (tree);

  for (guint i = 0; named != NULL && i < named->len; i++)
    {
      const VitrineUsbHostdev *hostdev = named->pdata[i];
      const VitrineUsbDevice *device = vitrine_usb_devices_find (devices, &hostdev->wanted, NULL);
      if (device != NULL && g_str_equal (device->id, id))
        return TRUE;
    }
  return FALSE;
}

void
vitrine_usb_outside_prepare (VitrineDomain *domain)
{
  static const VitrineOutsideUsb functions = { is_permitted, vitrine_usb_give };

  named = domain != NULL ? vitrine_domain_get_usb_hostdevs (domain) : NULL;
  vitrine_outside_set_usb (&functions);
}

static void
give_async (gpointer window, const char *id, GAsyncReadyCallback done, gpointer done_data)
{
  vitrine_outside_choose_async (VITRINE_OUTSIDE_USB, id, vitrine_machine_window_get_xid (window), done, done_data);
}

static int
give_finish (gpointer window, GAsyncResult *result, GError **error)
{
  int fd;
  g_autofree char *id = vitrine_outside_choose_finish (result, &fd, error);

  return fd;
}

VitrineUsbPlugs *
vitrine_usb_outside_new_plugs (VitrineMachineWindow *window)
{
  static const VitrineUsbGiver outside = { give_async, give_finish };
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_open ();

  return vitrine_usb_plugs_new (tree, vitrine_outside_is_there () ? &outside : &vitrine_usb_giver_direct, window);
}
