/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPICE. Display channels are pictures with one or more monitors in each; inputs, cursor and main channel are one each.
 */
#include "spice-screen.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "host-error.h"
#include "spice-screen-private.h"

G_DEFINE_FINAL_TYPE (VitrineSpiceScreen, vitrine_spice_screen, VITRINE_TYPE_REMOTE_SCREEN)

SpiceSession *
vitrine_spice_screen_get_session (VitrineSpiceScreen *self)
{
  return self->session;
}

/* --- monitors --------------------------------------------------------------------------------------------------- */

static gboolean
spice_follows_monitor (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  gboolean agent = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &agent, NULL);
  return agent;
}

/* The agent does it. What is set before it is there, it hears when it comes. */
static void
send_monitors (VitrineSpiceScreen *self)
{
  if (self->placed && spice_follows_monitor (VITRINE_REMOTE_SCREEN (self)))
    spice_main_channel_send_monitor_config (self->main);
}

static void
spice_set_monitor (VitrineRemoteScreen *screen, guint head, const VitrineMonitor *monitor)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  if (self->main == NULL)
    return;
  self->placed = TRUE;
  spice_main_channel_update_display_enabled (self->main, (int) head, monitor != NULL, FALSE);
  if (monitor != NULL)
    spice_main_channel_update_display (self->main, (int) head, 0, 0, (int) monitor->width, (int) monitor->height, FALSE);
  send_monitors (self);
}

/* --- channels --------------------------------------------------------------------------------------------------- */

static void
main_event (SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
  const char *reason = NULL;

  switch (event)
    {
    case SPICE_CHANNEL_CLOSED:
      reason = _("The machine closed its screen.");
      break;
    case SPICE_CHANNEL_ERROR_AUTH:
      reason = _("The machine’s screen wants another password.");
      break;
    case SPICE_CHANNEL_ERROR_TLS:
      reason = _("The screen’s certificate was not accepted.");
      break;
    case SPICE_CHANNEL_ERROR_CONNECT:
    case SPICE_CHANNEL_ERROR_LINK:
    case SPICE_CHANNEL_ERROR_IO:
      reason = _("The connection to the machine’s screen broke.");
      break;
    case SPICE_CHANNEL_NONE:
    case SPICE_CHANNEL_OPENED:
    case SPICE_CHANNEL_SWITCHING:
      break;
    }
  if (reason != NULL)
    vitrine_remote_screen_emit_closed (data, reason);
}

static void
open_fd (SpiceChannel *channel, int with_tls, gpointer data)
{
  vitrine_remote_screen_ask_socket (data, G_OBJECT (channel));
}

static void
add_main (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  self->main = SPICE_MAIN_CHANNEL (channel);
  g_signal_connect (channel, "channel-event", G_CALLBACK (main_event), self);
  g_signal_connect_swapped (channel, "main-mouse-update", G_CALLBACK (vitrine_remote_screen_emit_pointer_changed),
                            self);
  g_signal_connect_swapped (channel, "main-agent-update", G_CALLBACK (send_monitors), self);
}

static void
channel_new (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;
  gboolean wanted = TRUE;

  g_signal_connect (channel, "open-fd", G_CALLBACK (open_fd), self);
  if (SPICE_IS_MAIN_CHANNEL (channel))
    {
      add_main (self, channel);
      return;   /* connected already */
    }
  if (SPICE_IS_DISPLAY_CHANNEL (channel))
    vitrine_spice_screen_add_display (self, channel);
  else if (SPICE_IS_INPUTS_CHANNEL (channel))
    self->inputs = SPICE_INPUTS_CHANNEL (channel);
  else if (SPICE_IS_CURSOR_CHANNEL (channel))
    vitrine_spice_screen_add_cursor (self, channel);
  else
    wanted = SPICE_IS_USBREDIR_CHANNEL (channel);   /* sound is its own object's; the rest is nothing that we have */
  if (wanted)
    spice_channel_connect (channel);
}

static void
channel_destroyed (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;

  g_signal_handlers_disconnect_by_data (channel, self);
  if (channel == SPICE_CHANNEL (self->main))
    self->main = NULL;
  if (channel == SPICE_CHANNEL (self->inputs))
    self->inputs = NULL;
  vitrine_spice_screen_remove_display (self, channel);
  vitrine_spice_screen_remove_cursor (self, channel);
}

/* --- VitrineRemoteScreen ---------------------------------------------------------------------------------------- */

static void
spice_open (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  self->audio = spice_audio_get (self->session, NULL);
  spice_session_open_fd (self->session, -1);   /* each channel asks for its own */
}

static void
spice_take_socket (VitrineRemoteScreen *screen, GObject *channel, int fd)
{
  if (fd < 0)
    vitrine_remote_screen_emit_closed (screen, _("The machine’s screen cannot be reached."));
  else if (!spice_channel_open_fd (SPICE_CHANNEL (channel), fd))
    close (fd);
}

static void
spice_close (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  spice_session_disconnect (self->session);
}

void
vitrine_spice_screen_send_files_async (VitrineSpiceScreen *self, GFile **files, GCancellable *cancellable,
                                       GAsyncReadyCallback done, gpointer data)
{
  if (self->main != NULL)
    spice_main_channel_file_copy_async (self->main, files, G_FILE_COPY_NONE, cancellable, NULL, NULL, done, data);
  else
    g_task_report_new_error (NULL, done, data, vitrine_spice_screen_send_files_async, VITRINE_HOST_ERROR,
                             VITRINE_HOST_ERROR_AWAY, _("The machine’s screen is gone: no file was sent."));
}

gboolean
vitrine_spice_screen_send_files_finish (GAsyncResult *result, GError **error)
{
  if (g_async_result_is_tagged (result, vitrine_spice_screen_send_files_async))
    return g_task_propagate_boolean (G_TASK (result), error);
  g_autoptr(GObject) channel = g_async_result_get_source_object (result);
  return spice_main_channel_file_copy_finish (SPICE_MAIN_CHANNEL (channel), result, error);
}

static void
vitrine_spice_screen_dispose (GObject *object)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (object);

  if (self->session != NULL)
    {
      g_autoptr(GList) channels = spice_session_get_channels (self->session);
      g_signal_handlers_disconnect_by_data (self->session, self);
      for (GList *at = channels; at != NULL; at = at->next)
        g_signal_handlers_disconnect_by_data (at->data, self);
      spice_session_disconnect (self->session);
    }
  vitrine_spice_screen_remove_displays (self);
  self->main = NULL;
  self->inputs = NULL;
  g_clear_object (&self->session);
  G_OBJECT_CLASS (vitrine_spice_screen_parent_class)->dispose (object);
}

static void
vitrine_spice_screen_finalize (GObject *object)
{
  g_ptr_array_unref (VITRINE_SPICE_SCREEN (object)->pointers);
  G_OBJECT_CLASS (vitrine_spice_screen_parent_class)->finalize (object);
}

static void
vitrine_spice_screen_class_init (VitrineSpiceScreenClass *klass)
{
  VitrineRemoteScreenClass *screen = VITRINE_REMOTE_SCREEN_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_spice_screen_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_spice_screen_finalize;
  screen->open = spice_open;
  screen->take_socket = spice_take_socket;
  screen->close = spice_close;
  vitrine_spice_screen_pictures_init (screen);
  vitrine_spice_screen_cursor_init (screen);
  screen->follows_monitor = spice_follows_monitor;
  screen->set_monitor = spice_set_monitor;
  vitrine_spice_screen_input_init (screen);
}

static void
vitrine_spice_screen_init (VitrineSpiceScreen *self)
{
  self->pointers = g_ptr_array_new_with_free_func (g_free);
  self->session = spice_session_new ();
  g_signal_connect (self->session, "channel-new", G_CALLBACK (channel_new), self);
  g_signal_connect (self->session, "channel-destroy", G_CALLBACK (channel_destroyed), self);
}

VitrineRemoteScreen *
vitrine_spice_screen_new (const char *password)
{
  VitrineSpiceScreen *self = g_object_new (VITRINE_TYPE_SPICE_SCREEN, NULL);

  g_object_set (self->session, "password", password, NULL);
  return VITRINE_REMOTE_SCREEN (self);
}
