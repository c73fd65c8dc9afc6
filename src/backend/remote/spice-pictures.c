/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a SPICE server shows: pictures, and the heads that are in them. */
#include <glib/gi18n-lib.h>

#include "spice-screen-private.h"

#define MAX_EDGE 16384

/* --- heads ------------------------------------------------------------------------------------------------------ */

static guint
monitors_of (const Display *display)
{
  guint n = 1;

  g_object_get (display->channel, "monitors-max", &n, NULL);
  return CLAMP (n, 1, VITRINE_MAX_HEADS);
}

Display *
vitrine_spice_screen_find_head (VitrineSpiceScreen *self, guint head, guint *monitor)
{
  for (guint i = 0; i < self->n_displays; i++)
    {
      guint n = monitors_of (&self->displays[i]);
      *monitor = head;
      if (head < n)
        return &self->displays[i];
      head -= n;
    }
  return NULL;
}

static guint
first_head (VitrineSpiceScreen *self, const Display *display)
{
  guint head = 0;

  for (const Display *at = self->displays; at < display; at++)
    head += monitors_of (at);
  return head;
}

static guint
spice_get_n_heads (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  guint n = first_head (self, self->displays + self->n_displays);

  return CLAMP (n, 1, VITRINE_MAX_HEADS);
}

gboolean
vitrine_spice_screen_find_area (const Display *display, guint monitor, SpiceDisplayMonitorConfig *out)
{
  g_autoptr(GArray) monitors = NULL;
  gboolean lit = monitor == 0;

  *out = (SpiceDisplayMonitorConfig) { .width = (guint) display->width, .height = (guint) display->height };
  g_object_get (display->channel, "monitors", &monitors, NULL);
  for (guint i = 0; monitors != NULL && i < monitors->len; i++)
    {
      const SpiceDisplayMonitorConfig *at = &g_array_index (monitors, SpiceDisplayMonitorConfig, i);
      if (at->id != monitor || at->width == 0 || at->height == 0)
        continue;
      if (at->x > (guint) display->width || at->width > (guint) display->width - at->x || at->y > (guint) display->height
          || at->height > (guint) display->height - at->y)
        continue;   /* the picture is older than that */
      *out = *at;
      lit = TRUE;
    }
  return lit && display->pixels != NULL;
}

/* --- pictures --------------------------------------------------------------------------------------------------- */

static guint32
from_16_bits (guint16 pixel, gboolean is_565)
{
  guint32 blue = pixel & 31u, green = is_565 ? pixel >> 5 & 63u : pixel >> 4 & 62u,
          red = is_565 ? pixel >> 11 : pixel >> 10 & 31u;

  return (red << 3 | red >> 2) << 16 | (green << 2 | green >> 4) << 8 | (blue << 3 | blue >> 2);
}

static void
convert (Display *display, int x, int y, int width, int height)
{
  for (int row = y; row < y + height; row++)
    {
      const guint16 *from = (const guint16 *) (gconstpointer) (display->pixels + (gsize) row * (gsize) display->stride);
      guint32 *to = (guint32 *) (gpointer) (display->converted + (gsize) row * (gsize) display->width * 4);
      for (int column = x; column < x + width; column++)
        to[column] = from_16_bits (from[column], display->format == SPICE_SURFACE_FMT_16_565);
    }
}

static void
forget_picture (Display *display)
{
  display->pixels = NULL;
  display->width = display->height = 0;
  g_clear_pointer (&display->converted, g_free);
}

void
vitrine_spice_screen_tell_heads (VitrineSpiceScreen *self, const Display *display)
{
  guint first = first_head (self, display);

  for (guint i = 0; i < monitors_of (display); i++)
    vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), first + i);
}

static Display *
display_of (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  for (guint i = 0; i < self->n_displays; i++)
    if (self->displays[i].channel == channel)
      return &self->displays[i];
  return NULL;
}

static void
primary_created (SpiceChannel *channel, int format, int width, int height, int stride, int shmid, gpointer pixels,
                 gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);
  gboolean deep = format == SPICE_SURFACE_FMT_32_xRGB || format == SPICE_SURFACE_FMT_32_ARGB;
  gboolean shallow = format == SPICE_SURFACE_FMT_16_555 || format == SPICE_SURFACE_FMT_16_565;

  if (display == NULL)
    return;
  forget_picture (display);
  if (pixels == NULL || !(deep || shallow) || width <= 0 || height <= 0 || width > MAX_EDGE || height > MAX_EDGE
      || stride < width * (deep ? 4 : 2))
    {
      g_message ("The server’s picture of %d × %d in format %d cannot be shown.", width, height, format);
      return;
    }
  display->pixels = pixels;
  display->format = format;
  display->width = width;
  display->height = height;
  display->stride = stride;
  if (shallow)
    {
      display->converted = g_malloc0 ((gsize) width * (gsize) height * 4);
      convert (display, 0, 0, width, height);
    }
  vitrine_damage_reset (&display->damage);
  vitrine_spice_screen_tell_heads (self, display);
  vitrine_remote_screen_emit_opened (VITRINE_REMOTE_SCREEN (self));   /* last: that may drop us */
}

static void
primary_destroyed (SpiceChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);

  if (display == NULL)
    return;
  forget_picture (display);
  vitrine_damage_reset (&display->damage);
  vitrine_spice_screen_tell_heads (self, display);
}

static void
invalidated (SpiceChannel *channel, int x, int y, int width, int height, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);

  if (display == NULL || display->pixels == NULL)
    return;
  x = CLAMP (x, 0, display->width);
  y = CLAMP (y, 0, display->height);
  width = CLAMP (width, 0, display->width - x);
  height = CLAMP (height, 0, display->height - y);
  if (display->converted != NULL)
    convert (display, x, y, width, height);
  vitrine_damage_add (&display->damage, x, y, width, height);
  vitrine_spice_screen_tell_heads (self, display);
}

static void
monitors_changed (SpiceChannel *channel, GParamSpec *pspec, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);

  if (display == NULL)
    return;
  vitrine_damage_reset (&display->damage);
  vitrine_spice_screen_tell_heads (self, display);
}

/* Pictures as buffers of a graphics card are of use on that card's computer only; a server sends them over local
 * sockets. */
static void
scanout_changed (SpiceChannel *channel, GParamSpec *pspec, gpointer data)
{
  if (spice_display_channel_get_gl_scanout (SPICE_DISPLAY_CHANNEL (channel)) != NULL)
    vitrine_remote_screen_emit_closed (
        data, _("The machine draws with OpenGL (<gl enable='yes'/>), which cannot be shown here."));
}

static gboolean
spice_acquire_frame (VitrineRemoteScreen *screen, guint head, guint64 seen, VitrineFrame *out)
{
  guint monitor;
  Display *display = vitrine_spice_screen_find_head (VITRINE_SPICE_SCREEN (screen), head, &monitor);
  SpiceDisplayMonitorConfig area;

  if (display == NULL)
    return FALSE;
  *out = (VitrineFrame) { .blank = TRUE };
  if (!vitrine_spice_screen_find_area (display, monitor, &area))
    {
      out->sequence = display->damage.sequence;
      return out->sequence > seen;
    }
  out->blank = FALSE;
  out->width = area.width;
  out->height = area.height;
  out->stride = display->converted != NULL ? (guint) display->width * 4 : (guint) display->stride;
  out->pixels = (display->converted != NULL ? display->converted : display->pixels) + (gsize) area.y * out->stride
                + (gsize) area.x * 4;
  return vitrine_damage_since (&display->damage, seen, (gint) area.x, (gint) area.y, out);
}

void
vitrine_spice_screen_add_display (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  int id = 0;
  guint at = self->n_displays;

  g_object_get (channel, "channel-id", &id, NULL);
  if (self->n_displays == MAX_CHANNELS)
    return;
  while (at > 0 && self->displays[at - 1].id > id)
    {
      self->displays[at] = self->displays[at - 1];
      at--;
    }
  self->displays[at] = (Display) { .channel = channel, .id = id };
  self->n_displays++;
  g_signal_connect (channel, "display-primary-create", G_CALLBACK (primary_created), self);
  g_signal_connect (channel, "display-primary-destroy", G_CALLBACK (primary_destroyed), self);
  g_signal_connect (channel, "display-invalidate", G_CALLBACK (invalidated), self);
  g_signal_connect (channel, "notify::monitors", G_CALLBACK (monitors_changed), self);
  g_signal_connect (channel, "notify::gl-scanout", G_CALLBACK (scanout_changed), self);
}

void
vitrine_spice_screen_remove_display (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  Display *display = display_of (self, channel);

  if (display == NULL)
    return;
  forget_picture (display);
  for (Display *end = &self->displays[--self->n_displays]; display < end; display++)
    *display = display[1];
}

void
vitrine_spice_screen_remove_displays (VitrineSpiceScreen *self)
{
  for (guint i = 0; i < self->n_displays; i++)
    forget_picture (&self->displays[i]);
  self->n_displays = 0;
}

void
vitrine_spice_screen_pictures_init (VitrineRemoteScreenClass *klass)
{
  klass->get_n_heads = spice_get_n_heads;
  klass->acquire_frame = spice_acquire_frame;
}
