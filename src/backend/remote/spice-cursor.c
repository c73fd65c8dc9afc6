/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursors of a SPICE server: one for each display, by a channel of the same number. A server that has fewer shows the first one
 * on all. */
#include "spice-screen-private.h"

static Pointer *
pointer_of (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  for (guint i = 0; i < self->pointers->len; i++)
    if (((Pointer *) self->pointers->pdata[i])->channel == channel)
      return self->pointers->pdata[i];
  return NULL;
}

static Pointer *
pointer_on (VitrineSpiceScreen *self, const Display *display)
{
  for (guint i = 0; i < self->pointers->len; i++)
    if (((Pointer *) self->pointers->pdata[i])->id == display->id)
      return self->pointers->pdata[i];
  return self->pointers->len > 0 ? self->pointers->pdata[0] : NULL;
}

static void
tell_heads (VitrineSpiceScreen *self, const Pointer *pointer)
{
  for (guint i = 0; i < self->n_displays; i++)
    if (pointer_on (self, &self->displays[i]) == pointer)
      vitrine_spice_screen_tell_heads (self, &self->displays[i]);
}

static void
cursor_set (SpiceCursorChannel *channel, int width, int height, int hot_x, int hot_y, gpointer rgba, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Pointer *pointer = pointer_of (self, SPICE_CHANNEL (channel));
  VitrineCursor *cursor = &pointer->cursor;

  cursor->visible
      = rgba != NULL && width > 0 && height > 0 && width <= VITRINE_CURSOR_EDGE && height <= VITRINE_CURSOR_EDGE;
  cursor->serial++;
  if (cursor->visible)
    {
      cursor->width = (guint) width;
      cursor->height = (guint) height;
      cursor->hot_x = (guint) CLAMP (hot_x, 0, width - 1);
      cursor->hot_y = (guint) CLAMP (hot_y, 0, height - 1);
      for (int i = 0; i < width * height; i++)
        cursor->pixels[i] = vitrine_cursor_pixel ((const guint8 *) rgba + (gsize) i * 4);
    }
  tell_heads (self, pointer);
}

static void
cursor_moved (SpiceCursorChannel *channel, int x, int y, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Pointer *pointer = pointer_of (self, SPICE_CHANNEL (channel));

  pointer->cursor.x = x;
  pointer->cursor.y = y;
  tell_heads (self, pointer);
}

static void
cursor_hidden (SpiceCursorChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Pointer *pointer = pointer_of (self, SPICE_CHANNEL (channel));

  pointer->cursor.visible = FALSE;
  pointer->cursor.serial++;
  tell_heads (self, pointer);
}

void
vitrine_spice_screen_place_cursor (VitrineSpiceScreen *self, const Display *display, gint x, gint y)
{
  Pointer *pointer = pointer_on (self, display);

  if (pointer == NULL)
    return;
  pointer->cursor.x = x;
  pointer->cursor.y = y;
}

static gboolean
spice_get_cursor (VitrineRemoteScreen *screen, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  SpiceDisplayMonitorConfig area;
  guint monitor;
  Display *display = vitrine_spice_screen_find_head (self, head, &monitor);
  const Pointer *pointer = display != NULL ? pointer_on (self, display) : NULL;

  if (pointer == NULL)
    return FALSE;
  *out = pointer->cursor;
  if (vitrine_spice_screen_find_area (display, monitor, &area))
    {
      out->x -= (gint) area.x;
      out->y -= (gint) area.y;
    }
  return TRUE;
}

void
vitrine_spice_screen_add_cursor (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  if (self->pointers->len == MAX_CHANNELS)
    return;
  Pointer *pointer = g_new0 (Pointer, 1);
  pointer->channel = channel;
  g_object_get (channel, "channel-id", &pointer->id, NULL);
  g_ptr_array_add (self->pointers, pointer);
  g_signal_connect (channel, "cursor-set", G_CALLBACK (cursor_set), self);
  g_signal_connect (channel, "cursor-move", G_CALLBACK (cursor_moved), self);
  g_signal_connect (channel, "cursor-hide", G_CALLBACK (cursor_hidden), self);
}

void
vitrine_spice_screen_remove_cursor (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  g_ptr_array_remove (self->pointers, pointer_of (self, channel));
}

void
vitrine_spice_screen_cursor_init (VitrineRemoteScreenClass *klass)
{
  klass->get_cursor = spice_get_cursor;
}
