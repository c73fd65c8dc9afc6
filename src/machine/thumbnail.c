/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures of running machines, for the library. */
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

void
vitrine_thumbnail_save_async (const VitrineFrame *frame, const char *path)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);
  Job *job = g_new0 (Job, 1);

  job->surface = copy (frame);
  job->path = g_strdup (path);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, save_in_thread);
}
