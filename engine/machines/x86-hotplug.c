/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cards that come and go while the machine runs, through the slots of its root ports.
 *
 * A card comes in on the control thread, while the processors stand: it is one step for the guest.  It goes in two: the
 * guest is asked and lets go of it, which may take it some seconds; then the control thread takes it out, once no request
 * of it is under way. */
#include "x86-board.h"

#include "file.h"
#include "pcie-root-port.h"
#include "vitrine/devices.h"

/* Of guest time. Drivers give a person five seconds to think again, and need some for letting go. */
#define PATIENCE_NS (INT64_C (30) * 1000 * 1000 * 1000)

struct HotPort
{
  VtMachine *machine;
  unsigned   number;          /* from 1 */
  VtDevice  *dev;             /* the port */
  VtDevice  *card;            /* NULL: the slot is empty */
  void      *config;          /* of the card, in machine->config.disks or .nets */
  VtTimer   *patience;
  VtRemoved  removed;         /* of whoever waits for the card; NULL: nobody does */
  void      *opaque;
};

/* --- Telling ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  VtRemoved removed;
  void     *opaque;
  GError   *error;
} News;

static gboolean
deliver (gpointer data)
{
  News *news = data;
  news->removed (news->opaque, news->error);
  return G_SOURCE_REMOVE;
}

static void
free_news (gpointer data)
{
  News *news = data;
  g_clear_error (&news->error);
  g_free (news);
}

/* Whoever waits is told, once; takes the error. Machine lock held. */
static void
answer (HotPort *port, GError *error)
{
  if (port->removed == NULL)
    {
      g_clear_error (&error);
      return;
    }
  News *news = g_new (News, 1);
  *news = (News) { g_steal_pointer (&port->removed), port->opaque, error };
  vt_timer_cancel (port->patience);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, news, free_news);
  g_source_attach (source, port->machine->context);
}

static void
lost_patience (void *opaque, int64_t late_ns)
{
  HotPort *port = opaque;
  vt_pcie_root_port_withdraw (port->dev);
  answer (port, g_error_new (VT_ERROR, VT_ERROR_BUSY, "The guest has not let go of the device in slot %u within %d seconds",
                             port->number, (int) (PATIENCE_NS / 1000000000)));
}

/* --- Ports --------------------------------------------------------------------------------------------------------------- */

static HotPort *
port_at (VtMachine *machine, unsigned number)
{
  return number >= 1 && number <= machine->ports->len ? g_ptr_array_index (machine->ports, number - 1) : NULL;
}

static void released (void *opaque);

bool
x86_add_port (VtMachine *machine, GError **error)
{
  HotPort *port = g_new0 (HotPort, 1);
  *port = (HotPort) { .machine = machine, .number = machine->ports->len + 1 };
  port->patience = vt_timer_new (machine->clock, "hot plug", 0, lost_patience, port);
  g_ptr_array_add (machine->ports, port);
  VtPcieRootPortConfig config = { .place = x86_place (machine, X86_PORTS_SLOT, port->number - 1, true), .number = (uint8_t) port->number,
                                  .released = released, .opaque = port };
  g_autofree char *path = g_strdup_printf ("pci/00:%02x.%u", X86_PORTS_SLOT, port->number - 1);
  port->dev = vt_machine_add (machine, &(DeviceSpec) { &vt_pcie_root_port, path, &config, NULL, 0 }, error);
  return port->dev != NULL;
}

void
vt_hot_port_free (gpointer data)
{
  HotPort *port = data;
  vt_timer_free (port->patience);
  g_free (port);
}

/* On the board, or in the slot of a port; NULL: that is taken. */
VtDevice *
x86_add_card (VtMachine *machine, unsigned port_number, const VtDeviceClass *cls, VtPciPlace *place, const void *config,
              GError **error)
{
  HotPort *port = port_at (machine, port_number);
  if (port == NULL)
    {
      unsigned         slot = x86_next_slot (machine);
      g_autofree char *path = g_strdup_printf ("pci/00:%02x.0", slot);
      *place = x86_place (machine, slot, 0, false);
      return vt_machine_add (machine, &(DeviceSpec) { cls, path, config, NULL, 0 }, error);
    }
  g_autofree char *path = g_strdup_printf ("%s/00.0", port->dev->path);
  *place = (VtPciPlace) { .bus = vt_pcie_root_port_bus (port->dev) };
  return port->card = vt_machine_add (machine, &(DeviceSpec) { cls, path, config, NULL, 0 }, error);
}

uint8_t
x86_port_devfn (unsigned port)
{
  return VT_PCI_DEVFN (X86_PORTS_SLOT, port - 1);
}

void
x86_card_added (VtMachine *machine, unsigned port_number, void *config, bool tell)
{
  HotPort *port = port_at (machine, port_number);
  if (port == NULL)
    return;
  port->config = config;
  vt_pcie_root_port_plugged (port->dev, tell);
}

/* The port that the configuration asks for, or the first free one. */
static HotPort *
choose_port (VtMachine *machine, unsigned wanted, GError **error)
{
  if (machine->ports->len == 0)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 "Machines of type “%s” have no slots for hot plug: add the device while the machine is off", machine->board->name);
  else if (wanted > machine->ports->len)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no slot %u for hot plug", wanted);
  if (wanted > machine->ports->len)
    return NULL;
  for (guint i = 0; i < machine->ports->len; i++)
    {
      HotPort *port = g_ptr_array_index (machine->ports, i);
      if (port->card == NULL && (wanted == 0 || wanted == port->number))
        return port;
    }
  if (machine->ports->len > 0)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY,
                 wanted != 0 ? "Slot %u for hot plug is taken" : "All %u slots for hot plug are taken: remove a device first",
                 wanted != 0 ? wanted : machine->ports->len);
  return NULL;
}

/* --- Coming -------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  HotPort  *port;
  guint     index;
  void     *config;         /* VtDiskConfig or VtNetConfig; the machine's once it is in */
  Drive     drive;
  VtNet    *net;
  GError  **error;
  bool      ok;
} Coming;

static void
disk_comes (VtMachine *machine, Coming *coming)
{
  g_ptr_array_insert (machine->config.disks, (gint) coming->index, coming->config);
  g_array_insert_val (machine->drives, coming->index, coming->drive);
  coming->ok = x86_add_disk (machine, coming->index, true, coming->error);
  if (coming->ok)
    return;
  g_array_remove_index (machine->drives, coming->index);
  g_ptr_array_steal_index (machine->config.disks, coming->index);
}

static void
net_comes (VtMachine *machine, Coming *coming)
{
  coming->net = vt_machine_open_net (machine, coming->config, coming->error);
  if (coming->net == NULL)
    return;
  g_ptr_array_insert (machine->config.nets, (gint) coming->index, coming->config);
  g_ptr_array_insert (machine->nets, (gint) coming->index, coming->net);
  coming->ok = x86_add_net (machine, coming->index, true, coming->error);
  if (coming->ok)
    return;
  g_ptr_array_remove_index (machine->nets, coming->index);
  g_ptr_array_steal_index (machine->config.nets, coming->index);
}

static void
come (VtMachine *machine, Coming *coming, void (*in) (VtMachine *machine, Coming *coming))
{
  bool was_running = machine->state == VT_MACHINE_RUNNING;
  if (machine->state == VT_MACHINE_OFF || machine->state == VT_MACHINE_DIED || machine->state == VT_MACHINE_BLOCKED)
    {
      g_set_error (coming->error, VT_ERROR, VT_ERROR_STATE, "Devices can be added while the machine runs or is paused");
      return;
    }
  vt_machine_stop_world (machine, false);
  vt_lock (&machine->lock);
  in (machine, coming);
  if (!coming->ok)
    coming->port->card = NULL;
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

static void
disk_comes_now (VtMachine *machine, void *arg)
{
  come (machine, arg, disk_comes);
}

static void
net_comes_now (VtMachine *machine, void *arg)
{
  come (machine, arg, net_comes);
}

static bool
open_lent (VtMachine *machine, const VtDiskConfig *disk, const char *const *paths, const int *fds, size_t n, Drive *drive,
           GError **error)
{
  g_autofree VtLentFile *files = g_new (VtLentFile, n);
  for (size_t i = 0; i < n; i++)
    files[i] = (VtLentFile) { paths[i], fds[i] };
  vt_file_lend (files, n);
  bool ok = vt_machine_open_drive (machine, disk, drive, error);
  vt_file_lend (NULL, 0);
  return ok;
}

bool
vt_machine_add_disk (VtMachine *machine, unsigned index, const VtDiskConfig *given, const char *const *paths, const int *fds,
                     size_t n, GError **error)
{
  if (!vt_config_check_disk (&machine->config, given, error))
    return false;
  HotPort *port = choose_port (machine, given->port, error);
  if (port == NULL)
    return false;
  Coming coming = { .port = port, .index = MIN (index, machine->drives->len), .error = error };
  if (!open_lent (machine, given, paths, fds, n, &coming.drive, error))
    return false;
  VtDiskConfig *disk = vt_disk_config_copy (given);
  disk->port = port->number;
  coming.config = disk;
  vt_control_run (machine, disk_comes_now, &coming);
  if (coming.ok)
    return true;
  vt_block_close (coming.drive.block);
  vt_disk_config_free (disk);
  return false;
}

bool
vt_machine_add_net (VtMachine *machine, unsigned index, const VtNetConfig *given, GError **error)
{
  static const uint8_t none[6];
  if (memcmp (given->mac, none, sizeof none) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "A network card that is added needs an address of its own");
      return false;
    }
  HotPort *port = vt_config_check_net (&machine->config, given, error) ? choose_port (machine, given->port, error) : NULL;
  if (port == NULL)
    return false;
  VtNetConfig *net = vt_net_config_copy (given);
  net->port = port->number;
  Coming coming = { .port = port, .index = MIN (index, machine->nets->len), .config = net, .error = error };
  vt_control_run (machine, net_comes_now, &coming);
  net->fd = -1;      /* its caller's, until here */
  if (coming.ok)
    return true;
  /* Not before: the loop closes it, which wants the machine lock. */
  if (coming.net != NULL)
    vt_machine_close_net (machine, coming.net);
  vt_net_config_free (net);
  return false;
}

/* --- Going --------------------------------------------------------------------------------------------------------------- */

static void
disk_goes (VtMachine *machine, guint i)
{
  VtBlock *block = g_array_index (machine->drives, Drive, i).block;
  g_array_remove_index (machine->drives, i);
  g_ptr_array_remove_index (machine->config.disks, i);
  vt_block_close (block);
}

static void
net_goes (VtMachine *machine, guint i)
{
  g_ptr_array_remove_index (machine->cards, i);
  g_ptr_array_remove_index (machine->nets, i);
  g_ptr_array_remove_index (machine->config.nets, i);
}

/* The network has to be closed on the loop, and before its card is freed. */
static void
close_its_net (HotPort *port)
{
  VtMachine *machine = port->machine;
  guint      i;
  if (g_ptr_array_find (machine->config.nets, port->config, &i))
    vt_machine_close_net (machine, g_ptr_array_index (machine->nets, i));
}

static void
take_out (HotPort *port)
{
  VtMachine *machine = port->machine;
  guint      i;
  g_ptr_array_remove (machine->devices, port->card);
  vt_device_free (g_steal_pointer (&port->card));
  if (g_ptr_array_find (machine->config.disks, port->config, &i))
    disk_goes (machine, i);
  else if (g_ptr_array_find (machine->config.nets, port->config, &i))
    net_goes (machine, i);
  port->config = NULL;
  vt_pcie_root_port_unplugged (port->dev);
  answer (port, NULL);
}

static void
go_now (VtMachine *machine, void *arg)
{
  HotPort       *port = arg;
  VtMachineState state = machine->state;
  if (port->card == NULL || state == VT_MACHINE_OFF || state == VT_MACHINE_DIED)
    return;
  if (state == VT_MACHINE_BLOCKED)
    {
      /* Standing still for good would end the requests that wait for a person. */
      vt_lock (&machine->lock);
      answer (port, g_error_new (VT_ERROR, VT_ERROR_BUSY, "The machine waits for a disk: mend that first, then remove the device"));
      vt_unlock (&machine->lock);
      return;
    }
  vt_machine_stop_world (machine, true);
  close_its_net (port);
  vt_lock (&machine->lock);
  take_out (port);
  vt_unlock (&machine->lock);
  if (state == VT_MACHINE_RUNNING)
    vt_machine_start_world (machine);
}

/* Machine lock held, inside a guest's access. */
static void
released (void *opaque)
{
  HotPort *port = opaque;
  vt_timer_cancel (port->patience);
  vt_control_post (port->machine, go_now, port);
}

static bool
may_ask (HotPort *port, GError **error)
{
  VtMachineState state = port->machine->state;
  if (port->removed != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The guest has been asked for this device already");
  else if (state != VT_MACHINE_RUNNING)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The machine does not run: its guest cannot let go of a device");
  else if (!vt_pcie_root_port_is_watched (port->dev))
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "No driver of the guest listens at slot %u: the device can be removed when the "
                 "guest has started, or when the machine is off", port->number);
  else
    return true;
  return false;
}

static bool
ask (VtMachine *machine, HotPort *port, VtRemoved removed, void *opaque, GError **error)
{
  vt_lock (&machine->lock);
  bool ok = may_ask (port, error);
  if (ok)
    {
      port->removed = removed;
      port->opaque = opaque;
      vt_timer_arm (port->patience, vt_clock_now (machine->clock) + PATIENCE_NS);
      if (vt_pcie_root_port_ask (port->dev))
        released (port);
    }
  vt_unlock (&machine->lock);
  return ok;
}

static HotPort *
port_of (VtMachine *machine, const void *config)
{
  for (guint i = 0; i < machine->ports->len; i++)
    {
      HotPort *port = g_ptr_array_index (machine->ports, i);
      if (port->card != NULL && port->config == config)
        return port;
    }
  return NULL;
}

bool
vt_machine_remove_disk (VtMachine *machine, const char *id, VtRemoved removed, void *opaque, GError **error)
{
  for (guint i = 0; i < machine->config.disks->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      if (g_strcmp0 (disk->id, id) != 0)
        continue;
      HotPort *port = port_of (machine, disk);
      if (port != NULL)
        return ask (machine, port, removed, opaque, error);
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   "Disk “%s” is not in a slot for hot plug: it can be removed when the machine is off", id);
      return false;
    }
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no disk “%s”", id);
  return false;
}

bool
vt_machine_remove_net (VtMachine *machine, const uint8_t mac[6], VtRemoved removed, void *opaque, GError **error)
{
  for (guint i = 0; i < machine->config.nets->len; i++)
    {
      uint8_t has[6];
      vt_machine_mac (machine, i, has);
      if (memcmp (has, mac, sizeof has) != 0)
        continue;
      HotPort *port = port_of (machine, g_ptr_array_index (machine->config.nets, i));
      if (port != NULL)
        return ask (machine, port, removed, opaque, error);
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   "This network card is not in a slot for hot plug: it can be removed when the machine is off");
      return false;
    }
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no network card with this address");
  return false;
}

void
vt_machine_end_removals (VtMachine *machine)
{
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->ports->len; i++)
    answer (g_ptr_array_index (machine->ports, i), NULL);
  vt_unlock (&machine->lock);
}
