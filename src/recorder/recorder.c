/* SPDX-License-Identifier: GPL-3.0-or-later */
/* appsrc ! videoconvert ! vp8enc ! webmmux ! fdsink. Plug-ins are loaded one by one: looking for all of them would start programs,
 * read the person's cache and run much foreign code, none of which a confined process may or should. */
#include "recorder.h"

#include <cairo.h>
#include <glib/gi18n-lib.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#define FRAME_MS 40
#define KEEPALIVE_MS 1000     /* a still screen says so once a second, so that players can seek */
#define QUEUE_BYTES (64 << 20)
#define END_SECONDS 10

struct VitrineRecorder
{
  VitrineBackend *backend;
  GstElement     *pipeline, *source;
  int             fd;
  cairo_surface_t *canvas;     /* of the first mode's size */
  guint64         seen;
  VitrineCursor   cursor;
  cairo_surface_t *picture;    /* the guest's, as it is */
  gint64          began, last; /* monotonic; 0: no frame yet */
  guint           tick, watch, deadline;
  void          (*failed) (gpointer data, const char *message);
  void          (*done) (gpointer data);
  gpointer        data;
};

/* --- plug-ins --------------------------------------------------------------------------------------------------- */

static const struct
{
  const char *file, *element, *package;
} plugins[] = {
  { "libgstcoreelements.so", "fdsink", "libgstreamer1.0-0" },
  { "libgstapp.so", "appsrc", "gstreamer1.0-plugins-base" },
  { "libgstvideoconvertscale.so", "videoconvert", "gstreamer1.0-plugins-base" },
  { "libgstvpx.so", "vp8enc", "gstreamer1.0-plugins-good" },
  { "libgstmatroska.so", "webmmux", "gstreamer1.0-plugins-good" },
};

static gboolean
load_plugins (GError **error)
{
  const char *folder = g_getenv ("VITRINE_GSTREAMER_PLUGINS");

  g_setenv ("GST_REGISTRY_UPDATE", "no", TRUE);
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_registry_fork_set_enabled (FALSE);
  if (!gst_is_initialized () && !gst_init_check (NULL, NULL, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++)
    {
      g_autofree char *path = g_build_filename (folder != NULL ? folder : GSTREAMER_PLUGINS, plugins[i].file, NULL);
      g_autoptr(GstPlugin) plugin = gst_plugin_load_file (path, NULL);
      g_autoptr(GstElementFactory) factory = gst_element_factory_find (plugins[i].element);
      if (factory != NULL)
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _("Recording needs the package %s. Install it and try again."), plugins[i].package);
      return FALSE;
    }
  return TRUE;
}

/* --- pictures --------------------------------------------------------------------------------------------------- */

static cairo_surface_t *
new_surface (cairo_format_t format, guint width, guint height)
{
  return cairo_image_surface_create (format, (int) width, (int) height);
}

static void
copy_frame (VitrineRecorder *self, const VitrineFrame *frame)
{
  gboolean whole = self->picture == NULL || cairo_image_surface_get_width (self->picture) != (int) frame->width
                   || cairo_image_surface_get_height (self->picture) != (int) frame->height;

  if (whole)
    {
      g_clear_pointer (&self->picture, cairo_surface_destroy);
      self->picture = new_surface (CAIRO_FORMAT_RGB24, frame->width, frame->height);
    }
  guint8 *to = cairo_image_surface_get_data (self->picture);
  gsize stride = (gsize) cairo_image_surface_get_stride (self->picture);
  if (to == NULL)
    return;
  if (whole)
    vitrine_frame_copy (frame, 0, 0, (gint) frame->width, (gint) frame->height, to, stride);
  else
    vitrine_frame_copy (frame, frame->damage_x, frame->damage_y, frame->damage_width, frame->damage_height, to, stride);
  cairo_surface_mark_dirty (self->picture);
}

static void
draw_cursor (VitrineRecorder *self, cairo_t *cr)
{
  VitrineCursor *cursor = &self->cursor;

  if (!cursor->visible || cursor->width == 0 || cursor->height == 0)
    return;
  cairo_surface_t *image =
    cairo_image_surface_create_for_data ((guint8 *) cursor->pixels, CAIRO_FORMAT_ARGB32, (int) cursor->width,
                                         (int) cursor->height, (int) cursor->width * 4);
  cairo_set_source_surface (cr, image, cursor->x - (int) cursor->hot_x, cursor->y - (int) cursor->hot_y);
  cairo_paint (cr);
  cairo_surface_destroy (image);
}

/* The picture in the middle of the canvas, as large as fits, with the guest's pointer on it. */
static void
compose (VitrineRecorder *self)
{
  double width = cairo_image_surface_get_width (self->canvas), height = cairo_image_surface_get_height (self->canvas);
  double from_width = cairo_image_surface_get_width (self->picture), from_height = cairo_image_surface_get_height (self->picture);
  double scale = MIN (width / from_width, height / from_height);
  cairo_t *cr = cairo_create (self->canvas);

  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_paint (cr);
  cairo_translate (cr, (width - from_width * scale) / 2, (height - from_height * scale) / 2);
  cairo_scale (cr, scale, scale);
  cairo_set_source_surface (cr, self->picture, 0, 0);
  cairo_paint (cr);
  draw_cursor (self, cr);
  cairo_destroy (cr);
  cairo_surface_flush (self->canvas);
}

static void
set_format (VitrineRecorder *self)
{
  g_autoptr(GstCaps) caps =
    gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, G_BYTE_ORDER == G_LITTLE_ENDIAN ? "BGRx" : "xRGB", "width",
                         G_TYPE_INT, cairo_image_surface_get_width (self->canvas), "height", G_TYPE_INT,
                         cairo_image_surface_get_height (self->canvas), "framerate", GST_TYPE_FRACTION, 0, 1,
                         "max-framerate", GST_TYPE_FRACTION, 1000, FRAME_MS, NULL);

  g_object_set (self->source, "caps", caps, NULL);
}

static void
push (VitrineRecorder *self, gint64 now)
{
  gsize bytes = (gsize) cairo_image_surface_get_stride (self->canvas) * (gsize) cairo_image_surface_get_height (self->canvas);

  if (gst_app_src_get_current_level_bytes (GST_APP_SRC (self->source)) + bytes > QUEUE_BYTES)
    return;   /* the encoder cannot keep up: this picture is left out */
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, bytes, NULL);
  gst_buffer_fill (buffer, 0, cairo_image_surface_get_data (self->canvas), bytes);
  GST_BUFFER_PTS (buffer) = (GstClockTime) (now - self->began) * 1000;
  gst_app_src_push_buffer (GST_APP_SRC (self->source), buffer);
  self->last = now;
}

/* VP8 has even edges; an odd one loses a line. */
static void
begin (VitrineRecorder *self, gint64 now)
{
  self->began = now;
  self->canvas = new_surface (CAIRO_FORMAT_RGB24, MAX (2, (guint) cairo_image_surface_get_width (self->picture) & ~1u),
                              MAX (2, (guint) cairo_image_surface_get_height (self->picture) & ~1u));
  set_format (self);
}

static gboolean
pull_cursor (VitrineRecorder *self)
{
  guint64 serial = self->cursor.serial;
  gint x = self->cursor.x, y = self->cursor.y;
  gboolean visible = self->cursor.visible;

  return vitrine_backend_get_cursor (self->backend, 0, serial, &self->cursor)
         && (serial != self->cursor.serial || x != self->cursor.x || y != self->cursor.y || visible != self->cursor.visible);
}

static gboolean
take_picture (gpointer data)
{
  VitrineRecorder *self = data;
  gint64 now = g_get_monotonic_time ();
  gboolean fresh = pull_cursor (self);
  VitrineFrame frame;

  if (vitrine_backend_acquire_frame (self->backend, 0, self->seen, &frame))
    {
      self->seen = frame.sequence;
      if (!frame.blank && frame.pixels != NULL && frame.width > 0 && frame.height > 0)
        copy_frame (self, &frame);
      vitrine_backend_release_frame (self->backend, &frame);
      fresh = TRUE;
    }
  if (self->picture == NULL || (!fresh && now - self->last < KEEPALIVE_MS * 1000))
    return G_SOURCE_CONTINUE;
  if (self->canvas == NULL)
    begin (self, now);
  if (fresh)
    compose (self);
  push (self, now);
  return G_SOURCE_CONTINUE;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void
recorder_free (VitrineRecorder *self)
{
  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_handle_id (&self->deadline, g_source_remove);
  g_clear_handle_id (&self->watch, g_source_remove);
  if (self->pipeline != NULL)
    gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_clear_pointer (&self->pipeline, gst_object_unref);
  g_clear_pointer (&self->canvas, cairo_surface_destroy);
  g_clear_pointer (&self->picture, cairo_surface_destroy);
  g_clear_object (&self->backend);
  close (self->fd);
  g_free (self);
}

static void
finish (VitrineRecorder *self)
{
  void (*done) (gpointer data) = self->done;
  gpointer data = self->data;

  recorder_free (self);
  done (data);
}

static void
fail (VitrineRecorder *self, const char *message)
{
  void (*failed) (gpointer data, const char *message) = self->failed;
  gpointer data = self->data;

  recorder_free (self);
  failed (data, message);
}

/* What went wrong; NULL for a message that is no error. */
static char *
error_of (GstMessage *message)
{
  g_autoptr(GError) error = NULL;

  if (message == NULL || GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return NULL;
  gst_message_parse_error (message, &error, NULL);
  return g_strdup (error->message);
}

static gboolean
bus_message (GstBus *bus, GstMessage *message, gpointer data)
{
  VitrineRecorder *self = data;
  g_autofree char *error = error_of (message);

  if (error == NULL && (GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS || self->done == NULL))
    return G_SOURCE_CONTINUE;
  self->watch = 0;
  if (error != NULL)
    fail (self, error);
  else
    finish (self);
  return G_SOURCE_REMOVE;
}

static gboolean
make_pipeline (VitrineRecorder *self, GError **error)
{
  g_autofree char *words = g_strdup_printf (
    "appsrc name=source format=time is-live=false ! videoconvert ! vp8enc deadline=1 cpu-used=8 threads=2 end-usage=cq"
    " cq-level=14 target-bitrate=8000000 keyframe-max-dist=250 ! webmmux writing-app=Vitrine ! fdsink fd=%d sync=false",
    self->fd);

  self->pipeline = gst_parse_launch (words, error);
  if (self->pipeline == NULL)
    return FALSE;
  self->source = gst_bin_get_by_name (GST_BIN (self->pipeline), "source");
  gst_object_unref (self->source);   /* the pipeline has it */
  g_object_set (self->source, "max-bytes", (guint64) QUEUE_BYTES, "block", FALSE, NULL);
  g_autoptr(GstBus) bus = gst_element_get_bus (self->pipeline);
  self->watch = gst_bus_add_watch (bus, bus_message, self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

VitrineRecorder *
vitrine_recorder_new (VitrineBackend *backend, int fd, void (*failed) (gpointer data, const char *message), gpointer data,
                      GError **error)
{
  VitrineRecorder *self = g_new0 (VitrineRecorder, 1);

  self->backend = g_object_ref (backend);
  self->fd = fd;
  self->failed = failed;
  self->data = data;
  if (!load_plugins (error) || !make_pipeline (self, error))
    {
      recorder_free (self);
      return NULL;
    }
  self->tick = g_timeout_add (FRAME_MS, take_picture, self);
  return self;
}

guint
vitrine_recorder_get_seconds (VitrineRecorder *self)
{
  return self->began != 0 ? (guint) ((g_get_monotonic_time () - self->began) / G_USEC_PER_SEC) : 0;
}

static gboolean
give_up (gpointer data)
{
  VitrineRecorder *self = data;

  self->deadline = 0;
  fail (self, _("Its end could not be written in time."));
  return G_SOURCE_REMOVE;
}

static void
end_stream (VitrineRecorder *self)
{
  if (self->tick == 0)
    return;
  g_clear_handle_id (&self->tick, g_source_remove);
  if (self->canvas != NULL)
    push (self, g_get_monotonic_time ());   /* the last picture lasts until now */
  gst_app_src_end_of_stream (GST_APP_SRC (self->source));
}

void
vitrine_recorder_stop_now (VitrineRecorder *self)
{
  g_autoptr(GstBus) bus = gst_element_get_bus (self->pipeline);

  end_stream (self);
  g_clear_handle_id (&self->watch, g_source_remove);
  g_autoptr(GstMessage) last = gst_bus_timed_pop_filtered (bus, END_SECONDS * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autofree char *error = error_of (last);
  if (last == NULL || error != NULL)
    g_warning ("The recording is not complete: %s", error != NULL ? error : "its end could not be written in time");
  recorder_free (self);
}

void
vitrine_recorder_stop (VitrineRecorder *self, void (*done) (gpointer data))
{
  end_stream (self);
  self->done = done;
  self->deadline = g_timeout_add_seconds (END_SECONDS, give_up, self);
}
