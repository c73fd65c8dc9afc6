/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a remote backend comes to its screen and its consoles, and how it loses them. */
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "host-error.h"
#include "remote-backend-private.h"
#include "spice-screen.h"
#include "vnc-screen.h"

#define OPEN_SECONDS 30

static void
guest_changed (VitrineRemoteBackend *self)
{
  vitrine_backend_emit_changed (VITRINE_BACKEND (self));
  if (!vitrine_state_is_alive (vitrine_backend_get_state (VITRINE_BACKEND (self))))
    vitrine_remote_backend_lose (self, _("The machine is off."));
}

static void
guest_left (VitrineRemoteBackend *self)
{
  vitrine_remote_backend_lose (self, _("Its host is away."));
}

static void
screen_frame_ready (VitrineRemoteBackend *self, guint head)
{
  vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), head);
}

/* To whoever waits for it; the first answer counts. */
static void
opened_or_not (VitrineRemoteBackend *self, GError *error)
{
  g_autoptr(GTask) task = g_steal_pointer (&self->opening);

  g_clear_handle_id (&self->open_timer, g_source_remove);
  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_object_ref (self), g_object_unref);
}

static void
screen_opened (VitrineRemoteBackend *self)
{
  opened_or_not (self, NULL);
}

static char *
find_complaint (VitrineRemoteBackend *self)
{
  char *found = NULL;

  for (guint i = 0; i < self->words->len && found == NULL; i++)
    found = vitrine_host_read_words (g_array_index (self->words, int, i));
  return found;
}

/* Who carries it knows better than who finds it closed. */
static void
screen_closed (VitrineRemoteBackend *self, const char *reason)
{
  g_autofree char *complaint = find_complaint (self);

  if (complaint != NULL)
    reason = complaint;
  if (self->opening != NULL)
    opened_or_not (self, g_error_new_literal (VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, reason));
  else
    vitrine_remote_backend_lose (self, reason);
}

static gboolean
took_too_long (gpointer data)
{
  VitrineRemoteBackend *self = data;

  self->open_timer = 0;
  opened_or_not (self, g_error_new_literal (VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                                            _("The machine’s screen does not answer.")));
  return G_SOURCE_REMOVE;
}

typedef struct
{
  VitrineRemoteBackend *self;
  GObject              *channel;
} Wanted;

static void
socket_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  Wanted *wanted = data;
  g_autoptr(GError) error = NULL;
  int words, fd = vitrine_host_guest_open_screen_finish (VITRINE_HOST_GUEST (source), result, &words, &error);

  if (words >= 0)
    g_array_append_val (wanted->self->words, words);
  if (wanted->self->screen == NULL && fd >= 0)
    g_close (fd, NULL);   /* closed meanwhile */
  else if (fd < 0)
    screen_closed (wanted->self, error->message);
  else
    vitrine_remote_screen_take_socket (wanted->self->screen, wanted->channel, fd);
  g_object_unref (wanted->self);
  g_object_unref (wanted->channel);
  g_free (wanted);
}

static void
screen_wants_socket (VitrineRemoteBackend *self, GObject *channel)
{
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->self = g_object_ref (self);
  wanted->channel = g_object_ref (channel);
  vitrine_host_guest_open_screen_async (self->guest, socket_opened, wanted);
}

static void
open_screen (VitrineRemoteBackend *self)
{
  self->screen = self->ends->screen == VITRINE_HOST_SCREEN_SPICE ? vitrine_spice_screen_new (self->ends->password)
                                                                 : vitrine_vnc_screen_new (self->ends->password);
  g_signal_connect_swapped (self->screen, "opened", G_CALLBACK (screen_opened), self);
  g_signal_connect_swapped (self->screen, "closed", G_CALLBACK (screen_closed), self);
  g_signal_connect_swapped (self->screen, "wants-socket", G_CALLBACK (screen_wants_socket), self);
  g_signal_connect_swapped (self->screen, "frame-ready", G_CALLBACK (screen_frame_ready), self);
  g_signal_connect_swapped (self->screen, "pointer-changed", G_CALLBACK (vitrine_backend_emit_pointer_changed), self);
  self->open_timer = g_timeout_add_seconds (OPEN_SECONDS, took_too_long, self);
  vitrine_remote_screen_open (self->screen);
}

static void
ends_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteBackend) self = data;
  GError *error = NULL;

  self->ends = vitrine_host_guest_read_ends_finish (VITRINE_HOST_GUEST (source), result, &error);
  if (self->ends == NULL)
    {
      opened_or_not (self, error);
      return;
    }
  vitrine_remote_backend_open_consoles (self);
  if (self->ends->screen == VITRINE_HOST_SCREEN_SPICE || self->ends->screen == VITRINE_HOST_SCREEN_VNC)
    open_screen (self);
  else
    opened_or_not (self, NULL);
}

void
vitrine_remote_backend_open_async (VitrineHostGuest *guest, GAsyncReadyCallback done, gpointer data)
{
  VitrineRemoteBackend *self = g_object_new (VITRINE_TYPE_REMOTE_BACKEND, NULL);

  self->guest = g_object_ref (guest);
  self->opening = g_task_new (NULL, NULL, done, data);
  g_task_set_task_data (self->opening, g_object_ref (self), g_object_unref);   /* nobody else has it until then */
  g_signal_connect_object (guest, "notify", G_CALLBACK (guest_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (guest, "left", G_CALLBACK (guest_left), self, G_CONNECT_SWAPPED);
  vitrine_host_guest_read_ends_async (guest, ends_read, self);
}

VitrineRemoteBackend *
vitrine_remote_backend_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vitrine_remote_backend_close (VitrineRemoteBackend *self)
{
  self->gone = TRUE;
  g_clear_handle_id (&self->open_timer, g_source_remove);
  g_clear_handle_id (&self->typing_timer, g_source_remove);
  if (self->screen != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->screen, self);
      vitrine_remote_screen_close (self->screen);
    }
  g_clear_object (&self->screen);
  g_array_set_size (self->consoles, 0);
  g_array_set_size (self->words, 0);
}
