/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPICE. Display channels are pictures with one or more monitors in each; inputs, cursor and main channel are one each.
 */
#include "spice-screen.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "host-error.h"

#define MAX_EDGE 16384
#define MAX_CHANNELS VITRINE_MAX_HEADS

typedef struct
{
  SpiceChannel *channel;       /* borrowed: its session has it */
  int           id;
  const guint8 *pixels;        /* the channel's; NULL: no picture */
  guint8       *converted;     /* of a picture that is not 32 bits deep */
  int           format, width, height, stride;
  VitrineDamage damage;
} Display;

struct _VitrineSpiceScreen
{
  VitrineRemoteScreen parent_instance;

  SpiceSession       *session;
  SpiceMainChannel   *main;      /* borrowed, as those below */
  SpiceInputsChannel *inputs;
  SpiceAudio         *audio;
  Display             displays[MAX_CHANNELS];   /* by id */
  guint               n_displays;

  VitrineCursor       cursor;
  guint               buttons;   /* ours */
  gint                x, y;      /* last place, in the frame */
  gboolean            placed;    /* somebody said how large monitors are to be */
};

G_DEFINE_FINAL_TYPE (VitrineSpiceScreen, vitrine_spice_screen, VITRINE_TYPE_REMOTE_SCREEN)

SpiceSession *
vitrine_spice_screen_get_session (VitrineSpiceScreen *self)
{
  return self->session;
}

/* --- heads ------------------------------------------------------------------------------------------------------ */

static guint
monitors_of (const Display *display)
{
  guint n = 1;

  g_object_get (display->channel, "monitors-max", &n, NULL);
  return CLAMP (n, 1, VITRINE_MAX_HEADS);
}

/* Which picture a head is in, and as its how manieth monitor. NULL: there is no such head. */
static Display *
find_head (VitrineSpiceScreen *self, guint head, guint *monitor)
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

/* Where a monitor is in its picture. FALSE: it is not lit. */
static gboolean
find_area (const Display *display, guint monitor, SpiceDisplayMonitorConfig *out)
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

static void
tell_all_heads (VitrineSpiceScreen *self, const Display *display)
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
  tell_all_heads (self, display);
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
  tell_all_heads (self, display);
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
  tell_all_heads (self, display);
}

static void
monitors_changed (SpiceChannel *channel, GParamSpec *pspec, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);

  if (display == NULL)
    return;
  vitrine_damage_reset (&display->damage);
  tell_all_heads (self, display);
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
  Display *display = find_head (VITRINE_SPICE_SCREEN (screen), head, &monitor);
  SpiceDisplayMonitorConfig area;

  if (display == NULL)
    return FALSE;
  *out = (VitrineFrame) { .blank = TRUE };
  if (!find_area (display, monitor, &area))
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

/* --- cursor ----------------------------------------------------------------------------------------------------- */

static void
cursor_set (SpiceCursorChannel *channel, int width, int height, int hot_x, int hot_y, gpointer rgba, gpointer data)
{
  VitrineSpiceScreen *self = data;
  VitrineCursor *cursor = &self->cursor;

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
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
}

static void
cursor_moved (SpiceCursorChannel *channel, int x, int y, gpointer data)
{
  VitrineSpiceScreen *self = data;

  self->x = x;
  self->y = y;
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
}

static void
cursor_hidden (SpiceCursorChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;

  self->cursor.visible = FALSE;
  self->cursor.serial++;
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
}

static gboolean
spice_get_cursor (VitrineRemoteScreen *screen, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  if (head >= spice_get_n_heads (screen))
    return FALSE;
  *out = self->cursor;
  out->x = self->x;
  out->y = self->y;
  return TRUE;
}

/* --- monitors --------------------------------------------------------------------------------------------------- */

static gboolean
spice_follows_monitor (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  gboolean agent = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &agent, NULL);
  return agent;
}

/* The agent does it. What is set before it is there, it hears when it comes. */
static void
send_monitors (VitrineSpiceScreen *self)
{
  if (self->placed && spice_follows_monitor (VITRINE_REMOTE_SCREEN (self)))
    spice_main_channel_send_monitor_config (self->main);
}

static void
spice_set_monitor (VitrineRemoteScreen *screen, guint head, const VitrineMonitor *monitor)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  if (self->main == NULL)
    return;
  self->placed = TRUE;
  spice_main_channel_update_display_enabled (self->main, (int) head, monitor != NULL, FALSE);
  if (monitor != NULL)
    spice_main_channel_update_display (self->main, (int) head, 0, 0, (int) monitor->width, (int) monitor->height, FALSE);
  send_monitors (self);
}

/* --- keyboard and pointer --------------------------------------------------------------------------------------- */

static void
spice_key (VitrineRemoteScreen *screen, guint evdev_code, gboolean down)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  guint code = vitrine_scancode_of (evdev_code);

  if (self->inputs == NULL || code == 0)
    return;
  if (down)
    spice_inputs_channel_key_press (self->inputs, code);
  else
    spice_inputs_channel_key_release (self->inputs, code);
}

static const struct
{
  guint ours;
  int   button, mask;
} buttons[] = {
  { 1u << 0, SPICE_MOUSE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_MASK_LEFT },
  { 1u << 1, SPICE_MOUSE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_MASK_RIGHT },
  { 1u << 2, SPICE_MOUSE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MASK_MIDDLE },
  { 1u << 3, SPICE_MOUSE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_MASK_SIDE },
  { 1u << 4, SPICE_MOUSE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_MASK_EXTRA },
};

static int
button_state (guint mask)
{
  int state = 0;

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    if ((mask & buttons[i].ours) != 0)
      state |= buttons[i].mask;
  return state;
}

static void
spice_buttons (VitrineRemoteScreen *screen, guint mask)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  guint changed = self->buttons ^ mask;

  self->buttons = mask;
  for (guint i = 0; self->inputs != NULL && i < G_N_ELEMENTS (buttons); i++)
    if ((changed & mask & buttons[i].ours) != 0)
      spice_inputs_channel_button_press (self->inputs, buttons[i].button, button_state (mask));
    else if ((changed & buttons[i].ours) != 0)
      spice_inputs_channel_button_release (self->inputs, buttons[i].button, button_state (mask));
}

static void
spice_wheel (VitrineRemoteScreen *screen, gint clicks_x, gint clicks_y)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int button = clicks_y > 0 ? SPICE_MOUSE_BUTTON_UP : SPICE_MOUSE_BUTTON_DOWN, state = button_state (self->buttons);

  for (gint i = 0; self->inputs != NULL && i < ABS (clicks_y); i++)   /* the protocol has no wheel across */
    {
      spice_inputs_channel_button_press (self->inputs, button, state);
      spice_inputs_channel_button_release (self->inputs, button, state);
    }
}

static void
spice_motion (VitrineRemoteScreen *screen, gint dx, gint dy)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  if (self->inputs != NULL)
    spice_inputs_channel_motion (self->inputs, dx, dy, button_state (self->buttons));
}

static void
spice_place (VitrineRemoteScreen *screen, guint head, guint x, guint y)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  SpiceDisplayMonitorConfig area;
  guint monitor;
  Display *display = find_head (self, head, &monitor);

  if (display == NULL || self->inputs == NULL || !find_area (display, monitor, &area))
    return;
  self->x = (gint) ((guint64) x * (area.width - 1) / 65535);
  self->y = (gint) ((guint64) y * (area.height - 1) / 65535);
  spice_inputs_channel_position (self->inputs, (gint) area.x + self->x, (gint) area.y + self->y, display->id,
                                 button_state (self->buttons));
}

static gboolean
spice_is_absolute (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int mode = SPICE_MOUSE_MODE_SERVER;

  if (self->main != NULL)
    g_object_get (self->main, "mouse-mode", &mode, NULL);
  return mode == SPICE_MOUSE_MODE_CLIENT;
}

static gboolean
spice_get_leds (VitrineRemoteScreen *screen, guint *mask)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int locks = 0;

  G_STATIC_ASSERT ((int) SPICE_INPUTS_SCROLL_LOCK == VITRINE_LED_SCROLL && (int) SPICE_INPUTS_NUM_LOCK == VITRINE_LED_NUM
                   && (int) SPICE_INPUTS_CAPS_LOCK == VITRINE_LED_CAPS);
  if (self->inputs == NULL)
    return FALSE;
  g_object_get (self->inputs, "key-modifiers", &locks, NULL);
  *mask = (guint) locks;
  return TRUE;
}

/* --- channels --------------------------------------------------------------------------------------------------- */

static void
main_event (SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
  const char *reason = NULL;

  switch (event)
    {
    case SPICE_CHANNEL_CLOSED:
      reason = _("The machine closed its screen.");
      break;
    case SPICE_CHANNEL_ERROR_AUTH:
      reason = _("The machine’s screen wants another password.");
      break;
    case SPICE_CHANNEL_ERROR_TLS:
      reason = _("The screen’s certificate was not accepted.");
      break;
    case SPICE_CHANNEL_ERROR_CONNECT:
    case SPICE_CHANNEL_ERROR_LINK:
    case SPICE_CHANNEL_ERROR_IO:
      reason = _("The connection to the machine’s screen broke.");
      break;
    case SPICE_CHANNEL_NONE:
    case SPICE_CHANNEL_OPENED:
    case SPICE_CHANNEL_SWITCHING:
      break;
    }
  if (reason != NULL)
    vitrine_remote_screen_emit_closed (data, reason);
}

static void
open_fd (SpiceChannel *channel, int with_tls, gpointer data)
{
  vitrine_remote_screen_ask_socket (data, G_OBJECT (channel));
}

static void
add_display (VitrineSpiceScreen *self, SpiceChannel *channel)
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

static void
add_main (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  self->main = SPICE_MAIN_CHANNEL (channel);
  g_signal_connect (channel, "channel-event", G_CALLBACK (main_event), self);
  g_signal_connect_swapped (channel, "main-mouse-update", G_CALLBACK (vitrine_remote_screen_emit_pointer_changed),
                            self);
  g_signal_connect_swapped (channel, "main-agent-update", G_CALLBACK (send_monitors), self);
}

static void
add_cursor (VitrineSpiceScreen *self, SpiceChannel *channel)
{
  g_signal_connect (channel, "cursor-set", G_CALLBACK (cursor_set), self);
  g_signal_connect (channel, "cursor-move", G_CALLBACK (cursor_moved), self);
  g_signal_connect (channel, "cursor-hide", G_CALLBACK (cursor_hidden), self);
}

static void
channel_new (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;
  gboolean wanted = TRUE;

  g_signal_connect (channel, "open-fd", G_CALLBACK (open_fd), self);
  if (SPICE_IS_MAIN_CHANNEL (channel))
    {
      add_main (self, channel);
      return;   /* connected already */
    }
  if (SPICE_IS_DISPLAY_CHANNEL (channel))
    add_display (self, channel);
  else if (SPICE_IS_INPUTS_CHANNEL (channel))
    self->inputs = SPICE_INPUTS_CHANNEL (channel);
  else if (SPICE_IS_CURSOR_CHANNEL (channel))
    add_cursor (self, channel);
  else
    wanted = SPICE_IS_USBREDIR_CHANNEL (channel);   /* sound is its own object's; the rest is nothing that we have */
  if (wanted)
    spice_channel_connect (channel);
}

static void
channel_destroyed (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
  VitrineSpiceScreen *self = data;
  Display *display = display_of (self, channel);

  g_signal_handlers_disconnect_by_data (channel, self);
  if (channel == SPICE_CHANNEL (self->main))
    self->main = NULL;
  if (channel == SPICE_CHANNEL (self->inputs))
    self->inputs = NULL;
  if (display == NULL)
    return;
  forget_picture (display);
  for (Display *end = &self->displays[--self->n_displays]; display < end; display++)
    *display = display[1];
}

/* --- VitrineRemoteScreen ---------------------------------------------------------------------------------------- */

static void
spice_open (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  self->audio = spice_audio_get (self->session, NULL);
  spice_session_open_fd (self->session, -1);   /* each channel asks for its own */
}

static void
spice_take_socket (VitrineRemoteScreen *screen, GObject *channel, int fd)
{
  if (fd < 0)
    vitrine_remote_screen_emit_closed (screen, _("The machine’s screen cannot be reached."));
  else if (!spice_channel_open_fd (SPICE_CHANNEL (channel), fd))
    close (fd);
}

static void
spice_close (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  spice_session_disconnect (self->session);
}

void
vitrine_spice_screen_send_files_async (VitrineSpiceScreen *self, GFile **files, GCancellable *cancellable,
                                       GAsyncReadyCallback done, gpointer data)
{
  if (self->main != NULL)
    spice_main_channel_file_copy_async (self->main, files, G_FILE_COPY_NONE, cancellable, NULL, NULL, done, data);
  else
    g_task_report_new_error (NULL, done, data, vitrine_spice_screen_send_files_async, VITRINE_HOST_ERROR,
                             VITRINE_HOST_ERROR_AWAY, _("The machine’s screen is gone: no file was sent."));
}

gboolean
vitrine_spice_screen_send_files_finish (GAsyncResult *result, GError **error)
{
  if (g_async_result_is_tagged (result, vitrine_spice_screen_send_files_async))
    return g_task_propagate_boolean (G_TASK (result), error);
  g_autoptr(GObject) channel = g_async_result_get_source_object (result);
  return spice_main_channel_file_copy_finish (SPICE_MAIN_CHANNEL (channel), result, error);
}

static void
vitrine_spice_screen_dispose (GObject *object)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (object);

  if (self->session != NULL)
    {
      g_autoptr(GList) channels = spice_session_get_channels (self->session);
      g_signal_handlers_disconnect_by_data (self->session, self);
      for (GList *at = channels; at != NULL; at = at->next)
        g_signal_handlers_disconnect_by_data (at->data, self);
      spice_session_disconnect (self->session);
    }
  for (guint i = 0; i < self->n_displays; i++)
    forget_picture (&self->displays[i]);
  self->n_displays = 0;
  self->main = NULL;
  self->inputs = NULL;
  g_clear_object (&self->session);
  G_OBJECT_CLASS (vitrine_spice_screen_parent_class)->dispose (object);
}

static void
vitrine_spice_screen_class_init (VitrineSpiceScreenClass *klass)
{
  VitrineRemoteScreenClass *screen = VITRINE_REMOTE_SCREEN_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_spice_screen_dispose;
  screen->open = spice_open;
  screen->take_socket = spice_take_socket;
  screen->close = spice_close;
  screen->get_n_heads = spice_get_n_heads;
  screen->acquire_frame = spice_acquire_frame;
  screen->get_cursor = spice_get_cursor;
  screen->follows_monitor = spice_follows_monitor;
  screen->set_monitor = spice_set_monitor;
  screen->key = spice_key;
  screen->motion = spice_motion;
  screen->place = spice_place;
  screen->buttons = spice_buttons;
  screen->wheel = spice_wheel;
  screen->is_absolute = spice_is_absolute;
  screen->get_leds = spice_get_leds;
}

static void
vitrine_spice_screen_init (VitrineSpiceScreen *self)
{
  self->session = spice_session_new ();
  g_signal_connect (self->session, "channel-new", G_CALLBACK (channel_new), self);
  g_signal_connect (self->session, "channel-destroy", G_CALLBACK (channel_destroyed), self);
}

VitrineRemoteScreen *
vitrine_spice_screen_new (const char *password)
{
  VitrineSpiceScreen *self = g_object_new (VITRINE_TYPE_SPICE_SCREEN, NULL);

  g_object_set (self->session, "password", password, NULL);
  return VITRINE_REMOTE_SCREEN (self);
}
