/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a remote backend's screen shows. */
#include <cairo.h>
#include <glib/gi18n-lib.h>

#include "host-error.h"
#include "remote-backend-private.h"

VitrineRemoteScreenClass *
vitrine_remote_backend_get_screen_class (VitrineBackend *backend, VitrineRemoteScreen **screen)
{
  *screen = VITRINE_REMOTE_BACKEND (backend)->screen;
  return *screen != NULL ? VITRINE_REMOTE_SCREEN_GET_CLASS (*screen) : NULL;
}

static guint
remote_get_n_heads (VitrineBackend *backend)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL ? klass->get_n_heads (screen) : 0;
}

static gboolean
remote_acquire_frame (VitrineBackend *backend, guint head, guint64 seen, VitrineFrame *out)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->acquire_frame (screen, head, seen, out);
}

static void
remote_release_frame (VitrineBackend *backend, VitrineFrame *frame)
{
  /* Pictures change in the main thread only, where they are looked at. */
}

static gboolean
remote_get_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->get_cursor (screen, head, seen, out);
}

static void
remote_set_watched (VitrineBackend *backend, guint head, gboolean watched)
{
  /* The protocol sends what it sends. */
}

static gboolean
remote_follows_monitor (VitrineBackend *backend)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->follows_monitor (screen);
}

static void
remote_set_monitor (VitrineBackend *backend, guint head, const VitrineMonitor *monitor)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->set_monitor (screen, head, monitor);
}

static cairo_status_t
append_png (void *bytes, const unsigned char *data, unsigned n)
{
  g_byte_array_append (bytes, data, n);
  return CAIRO_STATUS_SUCCESS;
}

static GBytes *
remote_screenshot (VitrineBackend *backend, guint head, GError **error)
{
  g_autoptr(GByteArray) png = g_byte_array_new ();
  VitrineFrame frame;

  if (!remote_acquire_frame (backend, head, 0, &frame) || frame.blank)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                           _("The machine’s screen shows nothing."));
      return NULL;
    }
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) frame.width, (int) frame.height);
  guint8 *to = cairo_image_surface_get_data (surface);
  if (to != NULL)
    vitrine_frame_copy (&frame, 0, 0, (gint) frame.width, (gint) frame.height, to,
                        (gsize) cairo_image_surface_get_stride (surface));
  cairo_surface_mark_dirty (surface);
  cairo_surface_write_to_png_stream (surface, append_png, png);
  cairo_surface_destroy (surface);
  return g_byte_array_free_to_bytes (g_steal_pointer (&png));
}

static char *
remote_get_text (VitrineBackend *backend)
{
  return NULL;
}

void
vitrine_remote_backend_frames_init (VitrineBackendInterface *iface)
{
  iface->get_n_heads = remote_get_n_heads;
  iface->acquire_frame = remote_acquire_frame;
  iface->release_frame = remote_release_frame;
  iface->get_cursor = remote_get_cursor;
  iface->set_watched = remote_set_watched;
  iface->follows_monitor = remote_follows_monitor;
  iface->set_monitor = remote_set_monitor;
  iface->screenshot = remote_screenshot;
  iface->get_text = remote_get_text;
}
