/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a change of the guest's screen costs on its way to the window: tests/perf/display runs this under a private X server.
 *
 * A ramfb in RAM is the guest's display; "guest" writes go where a processor's would, with the notices that it would give. The
 * window is the application's own screen widget. Times are processor time of this process, from the write to the moment when the
 * X server, asked for a pixel, has the new one; without what the asking takes. */
#include <gdk/gdkx.h>
#include <stdlib.h>
#include <time.h>

#include "display-bench.h"
#include "screen.h"

#define SUSTAINED_SECONDS 4
#define OFFERED_SECONDS   2

enum { WAKES = 20, WAKE_EVERY_US = 150000, WAKE_LINES = 400, WAKE_BYTES = 1 << 20 };

/* --- its backend ------------------------------------------------------------------------------------------------ */

#define BENCH_TYPE_BACKEND (bench_backend_get_type ())
G_DECLARE_FINAL_TYPE (BenchBackend, bench_backend, BENCH, BACKEND, GObject)

struct _BenchBackend
{
  GObject parent_instance;
  BenchGuest *guest;
};

static void bench_backend_iface_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (BenchBackend, bench_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, bench_backend_iface_init))

static gboolean
bench_acquire (VitrineBackend *backend, guint head, guint64 seen, VitrineFrame *out)
{
  return bench_guest_acquire (BENCH_BACKEND (backend)->guest, seen, out);
}

static void
bench_release (VitrineBackend *backend, VitrineFrame *frame)
{
  bench_guest_release (frame);
}

static gboolean
bench_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  return FALSE;
}

static void
bench_watched (VitrineBackend *backend, guint head, gboolean watched)
{
}

static gboolean
bench_no (VitrineBackend *backend)
{
  return FALSE;
}

static void
bench_backend_iface_init (VitrineBackendInterface *iface)
{
  iface->acquire_frame = bench_acquire;
  iface->release_frame = bench_release;
  iface->get_cursor = bench_cursor;
  iface->set_watched = bench_watched;
  iface->is_absolute = bench_no;
  iface->follows_monitor = bench_no;
}

static void
bench_backend_class_init (BenchBackendClass *klass)
{
}

static void
bench_backend_init (BenchBackend *self)
{
  self->guest = bench_guest_new ();
}

/* --- measuring -------------------------------------------------------------------------------------------------- */

static double
cpu_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static guint32
pixel_on_screen (GtkWidget *screen, int x, int y)
{
  GdkWindow *window = gtk_widget_get_window (screen);
  XImage *image = XGetImage (GDK_WINDOW_XDISPLAY (window), GDK_WINDOW_XID (gdk_window_get_toplevel (window)), x, y, 1, 1,
                             AllPlanes, ZPixmap);
  guint32 pixel = (guint32) XGetPixel (image, 0, 0) & 0xffffff;

  XDestroyImage (image);
  return pixel;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;
  return difference < 0 ? -1 : difference > 0;
}

typedef struct
{
  BenchBackend *backend;
  GtkWidget    *screen;
} Bench;

/* All that the application does until the pixel is there. */
static double
cpu_ms_until (GtkWidget *screen, int x, int y, guint32 color)
{
  double ms = 0;

  do
    {
      double began = cpu_ms ();
      g_main_context_iteration (NULL, TRUE);
      ms += cpu_ms () - began;
    }
  while (pixel_on_screen (screen, x, y) != color);
  return ms;
}

/* Median of what one change costs. */
static double
one_change (Bench *bench, const GdkRectangle *area, guint rounds)
{
  g_autofree double *times = g_new (double, rounds);

  for (guint i = 0; i < rounds; i++)
    {
      guint32 color = 0x101010 * (i % 8 + 1);
      bench_guest_write (bench->backend->guest, area->x, area->y, area->width, area->height, color);
      double began = cpu_ms ();
      vitrine_backend_emit_frame_ready (VITRINE_BACKEND (bench->backend), 0);
      times[i] = cpu_ms () - began + cpu_ms_until (bench->screen, area->x, area->y, color);
    }
  qsort (times, rounds, sizeof *times, compare);
  return times[rounds / 2];
}

static gboolean
every_frame (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  Bench *bench = data;
  static guint32 color;

  bench_guest_write (bench->backend->guest, 0, 0, BENCH_WIDTH, BENCH_HEIGHT, color += 0x010203);
  vitrine_backend_emit_frame_ready (VITRINE_BACKEND (bench->backend), 0);
  return G_SOURCE_CONTINUE;
}

static void
count_paint (GdkFrameClock *clock, guint *frames)
{
  ++*frames;
}

static gboolean
stop (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
count_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer ticks)
{
  ++*(guint *) ticks;
  return G_SOURCE_CONTINUE;
}

/* Frames a second that GTK offers when nothing is drawn: without a compositor it times them itself, in whole milliseconds. */
static double
offered (Bench *bench)
{
  guint ticks = 0, tick = gtk_widget_add_tick_callback (bench->screen, count_tick, &ticks, NULL);
  gboolean over = FALSE;
  gint64 start = g_get_monotonic_time ();

  g_timeout_add_seconds (OFFERED_SECONDS, stop, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  gtk_widget_remove_tick_callback (bench->screen, tick);
  return ticks / ((double) (g_get_monotonic_time () - start) / 1e6);
}

/* Frames a second while the guest changes everything all the time; @cpu: of one processor, with the guest's own writes. */
static double
sustained (Bench *bench, double *cpu)
{
  guint frames = 0, tick = gtk_widget_add_tick_callback (bench->screen, every_frame, bench, NULL);
  GdkFrameClock *clock = gtk_widget_get_frame_clock (bench->screen);
  gulong painted = g_signal_connect (clock, "paint", G_CALLBACK (count_paint), &frames);
  gboolean over = FALSE;
  double began = cpu_ms ();
  gint64 start = g_get_monotonic_time ();

  g_timeout_add_seconds (SUSTAINED_SECONDS, stop, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  double seconds = (double) (g_get_monotonic_time () - start) / 1e6;
  g_signal_handler_disconnect (clock, painted);
  gtk_widget_remove_tick_callback (bench->screen, tick);
  *cpu = (cpu_ms () - began) / 1e3 / seconds;
  return frames / seconds;
}

/* What a sleeper's memory costs it when it wakes: processor time of reading WAKE_LINES cache lines that lie in WAKE_BYTES, which takes less
 * than a thousandth of a millisecond while they are warm. Median. Tells how much of the other figures is the computer's. */
static double
one_wake (void)
{
  static volatile guint8 bytes[WAKE_BYTES];
  double                 times[WAKES];

  for (guint i = 0; i < WAKE_BYTES; i += 64)
    bytes[i] = 1;
  for (guint i = 0; i < WAKES; i++)
    {
      g_usleep (WAKE_EVERY_US);
      double began = cpu_ms ();
      for (guint line = 0; line < WAKE_LINES; line++)
        (void) bytes[line * (WAKE_BYTES / WAKE_LINES)];
      times[i] = cpu_ms () - began;
    }
  qsort (times, WAKES, sizeof *times, compare);
  return times[WAKES / 2];
}

int
main (int argc, char **argv)
{
  static const GdkRectangle whole = { 0, 0, BENCH_WIDTH, BENCH_HEIGHT }, text = { 160, 96, 100 * 8, 20 * 16 }, small = { 64, 64, 100, 20 };
  double cpu;

  gtk_init (&argc, &argv);
  Bench bench = { g_object_new (BENCH_TYPE_BACKEND, NULL), vitrine_screen_new () };
  GtkWidget *window = gtk_window_new (GTK_WINDOW_POPUP);   /* no decoration: the picture begins in the corner */
  gtk_window_set_default_size (GTK_WINDOW (window), BENCH_WIDTH, BENCH_HEIGHT);
  gtk_container_add (GTK_CONTAINER (window), bench.screen);
  gtk_widget_show_all (window);
  vitrine_screen_set_backend (VITRINE_SCREEN (bench.screen), VITRINE_BACKEND (bench.backend), 0);
  one_change (&bench, &whole, 10);
  g_print ("full_frame_ms %.3f\n", one_change (&bench, &whole, 60));
  g_print ("text_ms %.3f\n", one_change (&bench, &text, 100));
  g_print ("small_ms %.3f\n", one_change (&bench, &small, 100));
  double most = offered (&bench), fps = sustained (&bench, &cpu);
  g_print ("frames_offered %.1f\nframes_per_second %.1f\ncpu_share %.3f\n", most, fps, cpu);
  g_print ("wake_ms %.3f\n", one_wake ());
  return 0;
}
