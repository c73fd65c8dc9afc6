/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Serial ports: their host ends, and consoles inside the application. */
#include "machine-private.h"

typedef struct
{
  Console *console;
  GBytes  *bytes;
} Output;

static gboolean
hand_over_output (gpointer data)
{
  Output     *output = data;
  gsize       n;
  const void *bytes = g_bytes_get_data (output->bytes, &n);
  if (output->console->output != NULL)
    output->console->output (output->console->output_opaque, bytes, n);
  return G_SOURCE_REMOVE;
}

static void
free_output (gpointer data)
{
  Output *output = data;
  g_bytes_unref (output->bytes);
  g_atomic_rc_box_release (output->console);
  g_free (output);
}

/* Machine lock held, vCPU or loop thread. */
static void
console_output (void *opaque, const uint8_t *bytes, size_t n)
{
  Console *console = opaque;
  if (console->output == NULL)
    return;
  Output *output = g_new (Output, 1);
  *output = (Output) { g_atomic_rc_box_acquire (console), g_bytes_new (bytes, n) };
  g_main_context_invoke_full (console->context, G_PRIORITY_DEFAULT, hand_over_output, output, free_output);
}

static void
escape_pressed (void *opaque)
{
  vt_machine_force_off (opaque);
}

static bool
open_console (VtMachine *machine, const VtSerialConfig *serial, Console *console, GError **error)
{
  switch (serial->kind)
    {
    case VT_SERIAL_NULL:
      console->chr = vt_chardev_null_new ();
      break;
    case VT_SERIAL_STDIO:
      console->chr = vt_chardev_stdio_new (machine->loop, escape_pressed, machine, error);
      break;
    case VT_SERIAL_FILE:
      console->chr = vt_chardev_file_new (serial->path, error);
      break;
    case VT_SERIAL_PTY:
      console->chr = vt_chardev_pty_new (machine->loop, &console->pty, error);
      break;
    case VT_SERIAL_SOCKET:
      console->chr = vt_chardev_socket_new (machine->loop, serial->path, error);
      break;
    case VT_SERIAL_DESCRIPTOR:
      console->chr = vt_chardev_connected_new (machine->loop, serial->fd, error);
      break;
    case VT_SERIAL_CONSOLE:
      console->chr = vt_chardev_ring_new (console_output, console);
      console->is_console = true;
      break;
    }
  return console->chr != NULL;
}

static bool
add_console (VtMachine *machine, const VtSerialConfig *serial, GError **error)
{
  Console *console = g_atomic_rc_box_new0 (Console);
  console->context = machine->context;
  g_ptr_array_add (machine->consoles, console);
  return open_console (machine, serial, console, error);
}

/* Those of the serial ports, then those of the virtio console. */
bool
vt_machine_open_consoles (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->config.serials->len; i++)
    if (!add_console (machine, g_ptr_array_index (machine->config.serials, i), error))
      return false;
  for (guint i = 0; i < machine->config.ports->len; i++)
    if (!add_console (machine, &((VtPortConfig *) g_ptr_array_index (machine->config.ports, i))->end, error))
      return false;
  for (guint i = 0; i < machine->config.shares->len; i++)
    {
      const VtShareConfig *share = g_ptr_array_index (machine->config.shares, i);
      VtShare             *opened = vt_share_new (machine->loop, share->folder, share->readonly, error);
      if (opened == NULL)
        return false;
      g_ptr_array_add (machine->shares, opened);
    }
  if (machine->config.vsock_cid != 0
      && (machine->streams = vt_stream_host_new (machine->loop, machine->config.vsock_path, error)) == NULL)
    return false;
  if (machine->config.debugcon != NULL)
    machine->debugcon = vt_chardev_file_new (machine->config.debugcon, error);
  return machine->config.debugcon == NULL || machine->debugcon != NULL;
}

void
vt_machine_hold_input (VtMachine *machine)
{
  for (guint i = 0; i < machine->consoles->len; i++)
    {
      Console *console = g_ptr_array_index (machine->consoles, i);
      console->held = console->chr->client;
      console->chr->client = NULL;
    }
}

void
vt_machine_release_input (VtMachine *machine)
{
  for (guint i = 0; i < machine->consoles->len; i++)
    {
      Console *console = g_ptr_array_index (machine->consoles, i);
      if (console->held == NULL)
        continue;
      console->chr->client = g_steal_pointer (&console->held);
      if (console->chr->client->opened != NULL)
        console->chr->client->opened (console->chr->client_opaque, !console->chr->away);
      vt_chardev_accept (console->chr);
    }
}

void
vt_machine_close_consoles (VtMachine *machine)
{
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->consoles->len; i++)
    {
      Console *console = g_ptr_array_index (machine->consoles, i);
      if (console->chr != NULL)
        console->chr->ops->close (console->chr);
      console->chr = NULL;
      console->output = NULL;
      g_clear_pointer (&console->pty, g_free);
      g_atomic_rc_box_release (console);
    }
  g_ptr_array_set_size (machine->consoles, 0);
  for (guint i = 0; i < machine->shares->len; i++)
    {
      VtShare *share = g_ptr_array_index (machine->shares, i);
      share->ops->close (share);
    }
  g_ptr_array_set_size (machine->shares, 0);
  if (machine->streams != NULL)
    machine->streams->ops->close (machine->streams);
  machine->streams = NULL;
  if (machine->debugcon != NULL)
    machine->debugcon->ops->close (machine->debugcon);
  machine->debugcon = NULL;
  vt_unlock (&machine->lock);
}

/* The n-th port that a person can open: VT_SERIAL_CONSOLE and VT_SERIAL_PTY, in order. */
static Console *
nth (VtMachine *machine, unsigned n)
{
  for (guint i = 0; i < machine->consoles->len; i++)
    {
      Console *console = g_ptr_array_index (machine->consoles, i);
      if ((console->is_console || console->pty != NULL) && n-- == 0)
        return console;
    }
  return NULL;
}

unsigned
vt_machine_consoles (const VtMachine *machine)
{
  unsigned n = 0;
  while (nth ((VtMachine *) machine, n) != NULL)
    n++;
  return n;
}

void
vt_console_set_output (VtMachine *machine, unsigned n, void (*output) (void *opaque, const uint8_t *bytes, size_t n),
                       void *opaque)
{
  Console *console = nth (machine, n);
  if (console == NULL)
    return;
  vt_lock (&machine->lock);
  console->output = output;
  console->output_opaque = opaque;
  if (output != NULL && console->is_console)
    {
      g_autoptr (GBytes) history = vt_chardev_ring_contents (console->chr);
      gsize       len;
      const void *bytes = g_bytes_get_data (history, &len);
      if (len > 0)
        console_output (console, bytes, len);
    }
  vt_unlock (&machine->lock);
}

void
vt_console_send (VtMachine *machine, unsigned n, const uint8_t *bytes, size_t len)
{
  Console *console = nth (machine, n);
  if (console == NULL || !console->is_console)
    return;
  vt_lock (&machine->lock);
  vt_chardev_ring_send (console->chr, bytes, len);
  vt_unlock (&machine->lock);
}

const char *
vt_console_pty (VtMachine *machine, unsigned n)
{
  Console *console = nth (machine, n);
  return console != NULL ? console->pty : NULL;
}
