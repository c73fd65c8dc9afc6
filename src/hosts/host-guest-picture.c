/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a host guest's screen. */
#include "host-guest-private.h"

#include <glib/gi18n-lib.h>

#include "host-error.h"

#define PICTURE_SECONDS 5             /* between two of the same machine */
#define MAX_PICTURE_BYTES (64 << 20)  /* an uncompressed 4K screen is half of that */
#define STREAM_BYTES 65536

void
vitrine_host_guest_forget_picture (VitrineHostGuest *self)
{
  g_clear_handle_id (&self->picture_timer, g_source_remove);
  g_clear_pointer (&self->picture, g_bytes_unref);
  self->no_pictures = FALSE;
  self->pictured_us = 0;
}

static GBytes *
receive_picture (virStreamPtr stream, GError **error)
{
  g_autoptr(GByteArray) all = g_byte_array_new ();
  g_autofree char *piece = g_malloc (STREAM_BYTES);
  int n;

  while ((n = virStreamRecv (stream, piece, STREAM_BYTES)) > 0)
    {
      if (all->len + (guint) n > MAX_PICTURE_BYTES)
        {
          g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                               _("The picture of the screen is too large."));
          virStreamAbort (stream);
          return NULL;
        }
      g_byte_array_append (all, (const guint8 *) piece, (guint) n);
    }
  if (n < 0 || virStreamFinish (stream) < 0)
    return vitrine_host_set_error (error);
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static gpointer
take_picture (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  virStreamPtr stream = virStreamNew (virDomainGetConnect (domain), 0);
  char *type = stream != NULL ? virDomainScreenshot (domain, stream, 0, 0) : NULL;
  GBytes *picture = type != NULL ? receive_picture (stream, error) : vitrine_host_set_error (error);

  free (type);
  if (stream != NULL)
    virStreamFree (stream);
  return picture;
}

static void
picture_taken (GObject *source, GAsyncResult *result, gpointer unused)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (source);
  g_autoptr(GBytes) picture = vitrine_host_guest_run_finish (self, result, NULL);

  self->picturing = FALSE;
  self->no_pictures = picture == NULL;
  if (picture == NULL)
    return;
  g_clear_pointer (&self->picture, g_bytes_unref);
  self->picture = g_steal_pointer (&picture);
  vitrine_guest_emit_thumbnail_changed (VITRINE_GUEST (self));
}

static gboolean
picture_now (gpointer data)
{
  VitrineHostGuest *self = data;

  self->picture_timer = 0;
  self->picturing = TRUE;
  self->pictured_us = g_get_monotonic_time ();
  vitrine_host_guest_run_async (self, take_picture, NULL, NULL, (GDestroyNotify) g_bytes_unref, NULL, picture_taken,
                                NULL);
  return G_SOURCE_REMOVE;
}

/* Whoever sees the new picture says so, which asks for the next: what nobody sees costs nothing. */
void
vitrine_host_guest_seen (VitrineGuest *guest)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (guest);
  gint64 age_us = g_get_monotonic_time () - self->pictured_us, wait_us = PICTURE_SECONDS * G_TIME_SPAN_SECOND - age_us;

  if (self->host == NULL || self->entry->state != VITRINE_STATE_RUNNING || self->picturing || self->no_pictures
      || self->picture_timer != 0)
    return;
  if (self->pictured_us == 0 || wait_us < 0)
    wait_us = 0;
  self->picture_timer = g_timeout_add_full (G_PRIORITY_LOW, (guint) (wait_us / 1000), picture_now, self, NULL);
}

void
vitrine_host_guest_load_thumbnail_async (VitrineGuest *guest, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (guest);
  g_autoptr(GTask) task = g_task_new (self, cancellable, done, data);

  if (self->picture != NULL)
    g_task_return_pointer (task, g_bytes_ref (self->picture), (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no picture yet.");
}

GBytes *
vitrine_host_guest_load_thumbnail_finish (VitrineGuest *guest, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
