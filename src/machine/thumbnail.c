/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at the screen now and then, and a small PNG of it. */
#include "thumbnail.h"

#include <cairo.h>
#include <glib/gstdio.h>

#define WIDTH 512   /* twice the size of a card's picture, for HiDPI */
#define HEIGHT 320

typedef struct
{
  cairo_surface_t *surface;
  char            *path;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  cairo_surface_destroy (job->surface);
  g_free (job->path);
  g_free (job);
}

static cairo_surface_t *
scale_down (cairo_surface_t *screen)
{
  double width = cairo_image_surface_get_width (screen), height = cairo_image_surface_get_height (screen);
  double scale = MIN (1, MIN (WIDTH / width, HEIGHT / height));
  cairo_surface_t *small =
    cairo_image_surface_create (CAIRO_FORMAT_RGB24, MAX (1, (int) (width * scale)), MAX (1, (int) (height * scale)));
  cairo_t *cr = cairo_create (small);

  cairo_scale (cr, scale, scale);
  cairo_set_source_surface (cr, screen, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_paint (cr);
  cairo_destroy (cr);
  return small;
}

static void
save_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  g_autofree char *temporary = g_strconcat (job->path, ".new", NULL);
  cairo_surface_t *small = scale_down (job->surface);
  cairo_status_t status = cairo_surface_write_to_png (small, temporary);

  cairo_surface_destroy (small);
  if (status != CAIRO_STATUS_SUCCESS || g_rename (temporary, job->path) < 0)
    g_debug ("No thumbnail: %s", cairo_status_to_string (status));
  g_task_return_boolean (task, TRUE);
}

static cairo_surface_t *
copy (const VitrineFrame *frame)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) frame->width, (int) frame->height);
  guint8 *to = cairo_image_surface_get_data (surface);
  gsize stride = (gsize) cairo_image_surface_get_stride (surface);

  if (to == NULL)
    return surface;
  vitrine_frame_copy (frame, 0, 0, (gint) frame->width, (gint) frame->height, to, stride);
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* Copies now; the rest happens in a thread. */
static void
save_async (const VitrineFrame *frame, const char *path)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);
  Job *job = g_new0 (Job, 1);

  job->surface = copy (frame);
  job->path = g_strdup (path);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, save_in_thread);
}

/* --- when ------------------------------------------------------------------------------------------------------- */

struct VitrineThumbnail
{
  char           *path;
  guint           soon_ms, rare_ms;
  VitrineBackend *backend;      /* NULL: off */
  guint           timer;        /* source id */
  guint           timer_ms;     /* its period */
  guint64         looked;       /* sequence of the frame last seen */
  gboolean        stale;        /* something small has changed since the picture was taken */
  gint64          taken_us;     /* monotonic; 0: none yet */
};

static gboolean look (gpointer data);

static void
look_every (VitrineThumbnail *self, guint ms)
{
  if (self->timer != 0 && self->timer_ms == ms)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer_ms = ms;
  self->timer = g_timeout_add (ms, look, self);
}

static void
changed (VitrineThumbnail *self)
{
  look_every (self, self->soon_ms);
}

static void
take (VitrineThumbnail *self, const VitrineFrame *frame)
{
  self->stale = FALSE;
  self->taken_us = g_get_monotonic_time ();
  save_async (frame, self->path);
}

/* Has there been something new? */
static gboolean
look_at_frame (VitrineThumbnail *self)
{
  gint64 age_us = g_get_monotonic_time () - self->taken_us;
  gboolean overdue = self->stale && age_us >= (gint64) self->rare_ms * 1000;
  VitrineFrame frame;

  if (vitrine_backend_get_state (self->backend) != VITRINE_STATE_RUNNING
      || !vitrine_backend_acquire_frame (self->backend, 0, overdue ? 0 : self->looked, &frame))
    return FALSE;
  self->looked = frame.sequence;
  self->stale = TRUE;
  if (!frame.blank && frame.pixels != NULL && (overdue || vitrine_frame_moved (&frame)))
    take (self, &frame);
  vitrine_backend_release_frame (self->backend, &frame);
  return TRUE;
}

static gboolean
look (gpointer data)
{
  VitrineThumbnail *self = data;
  guint ms = look_at_frame (self) ? self->soon_ms : self->rare_ms;

  if (ms == self->timer_ms)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  look_every (self, ms);
  return G_SOURCE_REMOVE;
}

VitrineThumbnail *
vitrine_thumbnail_new (const char *path, guint soon_ms, guint rare_ms)
{
  VitrineThumbnail *self = g_new0 (VitrineThumbnail, 1);

  self->path = g_strdup (path);
  self->soon_ms = soon_ms;
  self->rare_ms = rare_ms;
  return self;
}

void
vitrine_thumbnail_set_backend (VitrineThumbnail *self, VitrineBackend *backend)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_set_object (&self->backend, backend);
  self->looked = 0;
  self->stale = FALSE;
  self->taken_us = 0;
  if (backend == NULL)
    return;
  g_signal_connect_swapped (backend, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (backend, "frame-ready", G_CALLBACK (changed), self);
  changed (self);
}

void
vitrine_thumbnail_free (VitrineThumbnail *self)
{
  vitrine_thumbnail_set_backend (self, NULL);
  g_free (self->path);
  g_free (self);
}
