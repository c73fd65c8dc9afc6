/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB ports for devices of somebody else, who speaks the usbredir protocol over a stream. */
#include "x86-board.h"

#include "usb-redir.h"
#include "vitrine/devices.h"
#include "xhci.h"

enum
{
  PORTS_AT_ONCE = 4,      /* where there is a controller, so many are there for whatever a person plugs in */
};

struct UsbPort
{
  VtMachine *machine;
  VtDevice  *dev;
  char      *id;          /* of what is plugged in; NULL: nothing */
};

const char *
x86_usb_path (unsigned port)
{
  static const char *const paths[] = { "usb/1", "usb/2", "usb/3", "usb/4", "usb/5", "usb/6", "usb/7", "usb/8" };
  return paths[port];
}

void
vt_usb_port_free (gpointer data)
{
  UsbPort *port = data;
  g_free (port->id);
  g_free (port);
}

static void
tell_left (Listeners *listeners, int value, const char *message)
{
  if (listeners->events.usb_left != NULL)
    listeners->events.usb_left (listeners->opaque, message);
}

/* Machine lock held. */
static void
left (void *opaque)
{
  UsbPort *port = opaque;
  if (port->id != NULL)
    vt_machine_tell (port->machine, tell_left, 0, port->id);
  g_clear_pointer (&port->id, g_free);
}

static bool
add_port (VtMachine *machine, VtChardev *chr, GError **error)
{
  X86Board *board = x86_board (machine);
  unsigned  number = board->next_usb_port++;
  UsbPort  *port = g_new0 (UsbPort, 1);
  port->machine = machine;
  g_ptr_array_add (machine->usb_ports, port);
  VtUsbRedirConfig config = { vt_xhci_place (board->xhci, number), vt_xhci_place (board->xhci, number + VT_XHCI_FIRST_SUPER), chr, left, port };
  port->dev = vt_machine_add (machine, &(DeviceSpec) { &vt_usb_redir, x86_usb_path (number), &config, NULL, 0 }, error);
  return port->dev != NULL;
}

bool
x86_add_usb_ports (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  if (board->xhci == NULL)
    return true;
  for (guint i = 0; i < machine->config.usb_sockets->len; i++)
    {
      VtChardev *chr = vt_chardev_socket_new (machine->loop, g_ptr_array_index (machine->config.usb_sockets, i), error);
      if (chr == NULL || !add_port (machine, chr, error))
        return false;
    }
  unsigned wanted = MIN (MAX (machine->config.usb_ports, PORTS_AT_ONCE), VT_XHCI_FIRST_SUPER - board->next_usb_port);
  for (unsigned i = 0; vt_usb_redir_is_built () && i < wanted; i++)
    if (!add_port (machine, NULL, error))
      return false;
  return true;
}

/* --- Devices come and go ------------------------------------------------------------------------------------------------ */

static UsbPort *
find_port (VtMachine *machine, const char *id)
{
  for (guint i = 0; i < machine->usb_ports->len; i++)
    {
      UsbPort *port = g_ptr_array_index (machine->usb_ports, i);
      if (g_strcmp0 (port->id, id) == 0 && (id != NULL || vt_usb_redir_is_free (port->dev)))
        return port;
    }
  return NULL;
}

static UsbPort *
find_free_port (VtMachine *machine, const char *id, GError **error)
{
  UsbPort *port = find_port (machine, NULL);
  if (!vt_usb_redir_is_built ())
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "USB devices cannot be given to a guest: this program was built without usbredir");
  else if (find_port (machine, id) != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The guest has this USB device already");
  else if (machine->usb_ports->len == 0)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "The machine has no USB controller with ports for devices of this computer");
  else if (port == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "All %u ports for USB devices are taken: take one away first", machine->usb_ports->len);
  else
    return port;
  return NULL;
}

bool
vt_machine_plug_usb (VtMachine *machine, const char *id, int fd, GError **error)
{
  vt_lock (&machine->lock);
  UsbPort   *port = find_free_port (machine, id, error);
  VtChardev *chr = port != NULL ? vt_chardev_connected_new (machine->loop, fd, error) : NULL;
  bool       ok = chr != NULL && vt_usb_redir_plug (port->dev, chr, error);
  if (ok)
    port->id = g_strdup (id);
  vt_unlock (&machine->lock);
  vt_descriptor_close (fd);
  return ok;
}

bool
vt_machine_unplug_usb (VtMachine *machine, const char *id, GError **error)
{
  vt_lock (&machine->lock);
  UsbPort *port = find_port (machine, id);
  if (port != NULL)
    {
      g_clear_pointer (&port->id, g_free);
      vt_usb_redir_unplug (port->dev);
    }
  vt_unlock (&machine->lock);
  if (port == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The guest has no USB device “%s”", id);
  return port != NULL;
}

unsigned
vt_machine_usb_ports (VtMachine *machine)
{
  return machine->usb_ports->len;
}

GPtrArray *
vt_machine_usb_devices (VtMachine *machine)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->usb_ports->len; i++)
    {
      const UsbPort *port = g_ptr_array_index (machine->usb_ports, i);
      if (port->id != NULL)
        g_ptr_array_add (ids, g_strdup (port->id));
    }
  vt_unlock (&machine->lock);
  return ids;
}
