/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a SPICE screen makes of what spice-glib's channels say; there is no server behind them. */
#include <spice/enums.h>

#include "spice-screen.h"

typedef struct
{
  VitrineRemoteScreen *screen;
  SpiceChannel        *displays[2], *cursors[2];
  guint8              *pixels;
} Rig;

/* Two cards with a screen each, as QXL cards and the heads of a virtio card are. */
static void
set_up (Rig *rig, gconstpointer unused)
{
  rig->screen = vitrine_spice_screen_new (NULL);
  SpiceSession *session = vitrine_spice_screen_get_session (VITRINE_SPICE_SCREEN (rig->screen));
  rig->pixels = g_malloc0 (64 * 48 * 4);
  for (int i = 0; i < 2; i++)
    {
      rig->displays[i] = spice_channel_new (session, SPICE_CHANNEL_DISPLAY, i);
      rig->cursors[i] = spice_channel_new (session, SPICE_CHANNEL_CURSOR, i);
      g_signal_emit_by_name (rig->displays[i], "display-primary-create", SPICE_SURFACE_FMT_32_xRGB, 64, 48, 64 * 4, -1, rig->pixels);
    }
}

static void
tear_down (Rig *rig, gconstpointer unused)
{
  g_object_unref (rig->screen);
  g_free (rig->pixels);
}

static void
show_cursor (SpiceChannel *channel, guint8 red)
{
  guint8 pixels[4 * 4] = { red, 0, 0, 255 };

  g_signal_emit_by_name (channel, "cursor-set", 2, 2, 1, 1, pixels);
}

static VitrineCursor
cursor_of (Rig *rig, guint head)
{
  VitrineCursor cursor = { 0 };

  g_assert_true (VITRINE_REMOTE_SCREEN_GET_CLASS (rig->screen)->get_cursor (rig->screen, head, 0, &cursor));
  return cursor;
}

static void
each_head_has_the_cursor_of_its_own_channel (Rig *rig, gconstpointer unused)
{
  show_cursor (rig->cursors[0], 10);
  show_cursor (rig->cursors[1], 20);
  g_signal_emit_by_name (rig->cursors[0], "cursor-move", 5, 6);
  g_signal_emit_by_name (rig->cursors[1], "cursor-move", 7, 8);
  VitrineCursor first = cursor_of (rig, 0), second = cursor_of (rig, 1);
  g_assert_cmpuint (first.pixels[0], !=, second.pixels[0]);
  g_assert_cmpint (first.x, ==, 5);
  g_assert_cmpint (second.y, ==, 8);
}

/* The guest's pointer went from one screen to the other, which is told in any order. */
static void
hiding_it_on_one_head_leaves_the_others (Rig *rig, gconstpointer unused)
{
  show_cursor (rig->cursors[0], 10);
  show_cursor (rig->cursors[1], 20);
  g_signal_emit_by_name (rig->cursors[0], "cursor-hide");
  g_assert_false (cursor_of (rig, 0).visible);
  g_assert_true (cursor_of (rig, 1).visible);
}

static void
sizes_beyond_any_cursor_are_not_looked_at (Rig *rig, gconstpointer unused)
{
  guint8 pixel[4] = { 0 };

  show_cursor (rig->cursors[0], 10);
  g_signal_emit_by_name (rig->cursors[0], "cursor-set", 100000, 100000, 0, 0, pixel);
  g_assert_false (cursor_of (rig, 0).visible);
  g_signal_emit_by_name (rig->cursors[1], "cursor-set", -1, 4, 0, 0, pixel);
  g_assert_false (cursor_of (rig, 1).visible);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/spice-screen/" name, Rig, NULL, set_up, function, tear_down)
  ADD ("each head has the cursor of its own channel", each_head_has_the_cursor_of_its_own_channel);
  ADD ("hiding it on one head leaves the others", hiding_it_on_one_head_leaves_the_others);
  ADD ("sizes beyond any cursor are not looked at", sizes_beyond_any_cursor_are_not_looked_at);
  return g_test_run ();
}
