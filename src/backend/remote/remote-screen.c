/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What screens over a protocol have in common. Scan codes: "Keyboard Scan Code Specification" (Microsoft, 2000), set 1;
 * evdev codes up to 88 are those of set 1 by design (linux/input-event-codes.h). */
#include "remote-screen.h"

#include <linux/input-event-codes.h>

#define FRAME_MS 16

typedef struct
{
  gboolean opened, closed;
  guint    damaged;          /* bit for each head */
  guint    timer;
} VitrineRemoteScreenPrivate;

enum
{
  OPENED,
  CLOSED,
  FRAME_READY,
  POINTER_CHANGED,
  WANTS_SOCKET,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (VitrineRemoteScreen, vitrine_remote_screen, G_TYPE_OBJECT)

void
vitrine_remote_screen_open (VitrineRemoteScreen *self)
{
  VITRINE_REMOTE_SCREEN_GET_CLASS (self)->open (self);
}

void
vitrine_remote_screen_take_socket (VitrineRemoteScreen *self, GObject *channel, int fd)
{
  VITRINE_REMOTE_SCREEN_GET_CLASS (self)->take_socket (self, channel, fd);
}

void
vitrine_remote_screen_close (VitrineRemoteScreen *self)
{
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (self);

  priv->closed = TRUE;
  g_clear_handle_id (&priv->timer, g_source_remove);
  VITRINE_REMOTE_SCREEN_GET_CLASS (self)->close (self);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

void
vitrine_remote_screen_emit_opened (VitrineRemoteScreen *self)
{
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (self);

  if (priv->opened || priv->closed)
    return;
  priv->opened = TRUE;
  g_signal_emit (self, signals[OPENED], 0);
}

void
vitrine_remote_screen_emit_closed (VitrineRemoteScreen *self, const char *reason)
{
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (self);

  if (priv->closed)
    return;
  priv->closed = TRUE;
  g_signal_emit (self, signals[CLOSED], 0, reason);
}

void
vitrine_remote_screen_emit_pointer_changed (VitrineRemoteScreen *self)
{
  g_signal_emit (self, signals[POINTER_CHANGED], 0);
}

void
vitrine_remote_screen_ask_socket (VitrineRemoteScreen *self, GObject *channel)
{
  g_signal_emit (self, signals[WANTS_SOCKET], 0, channel);
}

static gboolean
tell (gpointer data)
{
  g_autoptr(VitrineRemoteScreen) self = g_object_ref (data);   /* a window that is told may close */
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (self);
  guint damaged = priv->damaged;

  priv->timer = 0;
  priv->damaged = 0;
  for (guint head = 0; head < VITRINE_MAX_HEADS; head++)
    if ((damaged & (1u << head)) != 0)
      g_signal_emit (self, signals[FRAME_READY], 0, head);
  return G_SOURCE_REMOVE;
}

void
vitrine_remote_screen_damaged (VitrineRemoteScreen *self, guint head)
{
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (self);

  if (priv->closed || head >= VITRINE_MAX_HEADS)
    return;
  priv->damaged |= 1u << head;
  if (priv->timer == 0)
    priv->timer = g_timeout_add (FRAME_MS, tell, self);
}

/* --- damage ----------------------------------------------------------------------------------------------------- */

void
vitrine_damage_add (VitrineDamage *damage, gint x, gint y, gint width, gint height)
{
  guint at = (guint) (++damage->sequence % VITRINE_DAMAGE_STEPS);

  damage->x[at] = x;
  damage->y[at] = y;
  damage->right[at] = x + width;
  damage->bottom[at] = y + height;
}

void
vitrine_damage_reset (VitrineDamage *damage)
{
  for (guint i = 0; i < VITRINE_DAMAGE_STEPS; i++)
    vitrine_damage_add (damage, 0, 0, G_MAXINT16, G_MAXINT16);
}

gboolean
vitrine_damage_since (const VitrineDamage *damage, guint64 seen, gint x, gint y, VitrineFrame *frame)
{
  gint left = G_MAXINT, top = G_MAXINT, right = 0, bottom = 0, width = (gint) frame->width, height = (gint) frame->height;

  if (damage->sequence <= seen)
    return FALSE;
  frame->sequence = damage->sequence;
  if (seen == 0 || damage->sequence - seen >= VITRINE_DAMAGE_STEPS)
    {
      frame->damage_width = width;
      frame->damage_height = height;
      return TRUE;
    }
  for (guint64 step = seen + 1; step <= damage->sequence; step++)
    {
      guint at = (guint) (step % VITRINE_DAMAGE_STEPS);
      left = MIN (left, damage->x[at] - x);
      top = MIN (top, damage->y[at] - y);
      right = MAX (right, damage->right[at] - x);
      bottom = MAX (bottom, damage->bottom[at] - y);
    }
  frame->damage_x = CLAMP (left, 0, width);
  frame->damage_y = CLAMP (top, 0, height);
  frame->damage_width = CLAMP (right, frame->damage_x, width) - frame->damage_x;
  frame->damage_height = CLAMP (bottom, frame->damage_y, height) - frame->damage_y;
  return frame->damage_width > 0 && frame->damage_height > 0;
}

/* --- cursor ----------------------------------------------------------------------------------------------------- */

guint32
vitrine_cursor_pixel (const guint8 *rgba)
{
  guint32 alpha = rgba[3];
#define TIMES_ALPHA(c) (((guint32) (c) *alpha + 127) / 255)
  return alpha << 24 | TIMES_ALPHA (rgba[0]) << 16 | TIMES_ALPHA (rgba[1]) << 8 | TIMES_ALPHA (rgba[2]);
#undef TIMES_ALPHA
}

/* --- scan codes ------------------------------------------------------------------------------------------------- */

guint
vitrine_scancode_of (guint evdev_code)
{
  static const guint16 codes[] = {
    [KEY_RO] = 0x73,          [KEY_KATAKANA] = 0x78,  [KEY_HIRAGANA] = 0x77,  [KEY_HENKAN] = 0x79,
    [KEY_KATAKANAHIRAGANA] = 0x70, [KEY_MUHENKAN] = 0x7b, [KEY_KPJPCOMMA] = 0x5c, [KEY_KPENTER] = 0x11c,
    [KEY_RIGHTCTRL] = 0x11d,  [KEY_KPSLASH] = 0x135,  [KEY_SYSRQ] = 0x137,    [KEY_RIGHTALT] = 0x138,
    [KEY_HOME] = 0x147,       [KEY_UP] = 0x148,       [KEY_PAGEUP] = 0x149,   [KEY_LEFT] = 0x14b,
    [KEY_RIGHT] = 0x14d,      [KEY_END] = 0x14f,      [KEY_DOWN] = 0x150,     [KEY_PAGEDOWN] = 0x151,
    [KEY_INSERT] = 0x152,     [KEY_DELETE] = 0x153,   [KEY_MUTE] = 0x120,     [KEY_VOLUMEDOWN] = 0x12e,
    [KEY_VOLUMEUP] = 0x130,   [KEY_POWER] = 0x15e,    [KEY_KPEQUAL] = 0x59,   [KEY_PAUSE] = 0x146,
    [KEY_KPCOMMA] = 0x7e,     [KEY_HANGEUL] = 0xf2,   [KEY_HANJA] = 0xf1,     [KEY_YEN] = 0x7d,
    [KEY_LEFTMETA] = 0x15b,   [KEY_RIGHTMETA] = 0x15c, [KEY_COMPOSE] = 0x15d,
  };

  if (evdev_code <= KEY_F12 && evdev_code != KEY_ZENKAKUHANKAKU)
    return evdev_code;
  return evdev_code < G_N_ELEMENTS (codes) ? codes[evdev_code] : 0;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_remote_screen_dispose (GObject *object)
{
  VitrineRemoteScreenPrivate *priv = vitrine_remote_screen_get_instance_private (VITRINE_REMOTE_SCREEN (object));

  g_clear_handle_id (&priv->timer, g_source_remove);
  G_OBJECT_CLASS (vitrine_remote_screen_parent_class)->dispose (object);
}

static guint
new_signal (const char *name, guint n, GType parameter)
{
  return g_signal_new (name, VITRINE_TYPE_REMOTE_SCREEN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, n,
                       parameter);
}

static void
vitrine_remote_screen_class_init (VitrineRemoteScreenClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_remote_screen_dispose;
  signals[OPENED] = new_signal ("opened", 0, G_TYPE_NONE);
  signals[CLOSED] = new_signal ("closed", 1, G_TYPE_STRING);
  signals[FRAME_READY] = new_signal ("frame-ready", 1, G_TYPE_UINT);
  signals[POINTER_CHANGED] = new_signal ("pointer-changed", 0, G_TYPE_NONE);
  signals[WANTS_SOCKET] = new_signal ("wants-socket", 1, G_TYPE_OBJECT);
}

static void
vitrine_remote_screen_init (VitrineRemoteScreen *self)
{
}
