/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A remote backend's consoles: streams of the host, and what they printed last. */
#include <string.h>

#include "remote-backend-private.h"

static guint
index_of (VitrineRemoteBackend *self, VitrineHostConsole *stream)
{
  guint i = 0;

  while (g_array_index (self->consoles, Console, i).stream != stream)
    i++;
  return i;
}

static void
console_output (VitrineRemoteBackend *self, GBytes *bytes, VitrineHostConsole *stream)
{
  guint i = index_of (self, stream);
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);

  vitrine_console_log_append (&g_array_index (self->consoles, Console, i).log, data, n);
  vitrine_backend_emit_console_output (VITRINE_BACKEND (self), i, bytes);
}

static void
console_busy (VitrineRemoteBackend *self, VitrineHostConsole *stream)
{
  guint i = index_of (self, stream);

  g_array_index (self->consoles, Console, i).busy = TRUE;
  vitrine_backend_emit_console_changed (VITRINE_BACKEND (self), i);
}

static void
console_closed (VitrineRemoteBackend *self, const char *reason, VitrineHostConsole *stream)
{
  g_autofree char *words = g_strdup_printf ("\r\n[%s]\r\n", reason);
  g_autoptr(GBytes) bytes = g_bytes_new (words, strlen (words));

  console_output (self, bytes, stream);
}

void
vitrine_remote_backend_open_consoles (VitrineRemoteBackend *self)
{
  for (char **alias = self->ends->consoles; *alias != NULL; alias++)
    {
      Console console = { .stream = vitrine_host_console_new (self->guest, *alias) };
      g_signal_connect_swapped (console.stream, "output", G_CALLBACK (console_output), self);
      g_signal_connect_swapped (console.stream, "busy", G_CALLBACK (console_busy), self);
      g_signal_connect_swapped (console.stream, "closed", G_CALLBACK (console_closed), self);
      g_array_append_val (self->consoles, console);
    }
}

void
vitrine_remote_backend_clear_console (gpointer data)
{
  Console *console = data;

  vitrine_host_console_close (console->stream);
  g_object_unref (console->stream);
  vitrine_console_log_clear (&console->log);
}

static guint
remote_get_n_consoles (VitrineBackend *backend)
{
  return VITRINE_REMOTE_BACKEND (backend)->consoles->len;
}

static void
remote_console_send (VitrineBackend *backend, guint console, const guint8 *bytes, gsize n)
{
  GArray *consoles = VITRINE_REMOTE_BACKEND (backend)->consoles;

  if (console < consoles->len)
    vitrine_host_console_send (g_array_index (consoles, Console, console).stream, bytes, n);
}

static GBytes *
remote_get_console_history (VitrineBackend *backend, guint console)
{
  GArray *consoles = VITRINE_REMOTE_BACKEND (backend)->consoles;

  return console < consoles->len ? vitrine_console_log_get (&g_array_index (consoles, Console, console).log) : NULL;
}

static gboolean
remote_is_console_busy (VitrineBackend *backend, guint console)
{
  GArray *consoles = VITRINE_REMOTE_BACKEND (backend)->consoles;

  return console < consoles->len && g_array_index (consoles, Console, console).busy;
}

static void
remote_take_console (VitrineBackend *backend, guint console)
{
  GArray *consoles = VITRINE_REMOTE_BACKEND (backend)->consoles;

  if (!remote_is_console_busy (backend, console))
    return;
  g_array_index (consoles, Console, console).busy = FALSE;
  vitrine_host_console_take (g_array_index (consoles, Console, console).stream);
  vitrine_backend_emit_console_changed (backend, console);
}

void
vitrine_remote_backend_consoles_init (VitrineBackendInterface *iface)
{
  iface->get_n_consoles = remote_get_n_consoles;
  iface->console_send = remote_console_send;
  iface->get_console_history = remote_get_console_history;
  iface->is_console_busy = remote_is_console_busy;
  iface->take_console = remote_take_console;
}
