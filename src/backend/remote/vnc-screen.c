/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VNC: "The Remote Framebuffer Protocol", RFC 6143, with QEMU's extensions for key positions and relative pointers. */
#include "vnc-screen.h"

#include <glib/gi18n-lib.h>
#include <gvnc.h>
#include <unistd.h>

#include "secret-text.h"

#define MAX_EDGE 16384
#define RELATIVE_ZERO 0x7fff   /* of QEMU's "pointer motion change": no motion */
#define WHEEL_UP 8u
#define WHEEL_DOWN 16u

#define VITRINE_TYPE_VNC_SCREEN (vitrine_vnc_screen_get_type ())
G_DECLARE_FINAL_TYPE (VitrineVncScreen, vitrine_vnc_screen, VITRINE, VNC_SCREEN, VitrineRemoteScreen)

struct _VitrineVncScreen
{
  VitrineRemoteScreen parent_instance;

  VncConnection *connection;
  char          *password;
  guint8        *pixels;        /* the framebuffer's; NULL: no picture yet */
  int            width, height;
  VitrineDamage  damage;
  VitrineCursor  cursor;
  guint          buttons;       /* the protocol's */
  gint           x, y;
};

G_DEFINE_FINAL_TYPE (VitrineVncScreen, vitrine_vnc_screen, VITRINE_TYPE_REMOTE_SCREEN)

/* The end. Whoever hears of it may drop the screen: the caller touches it no more. */
static void
refuse (VitrineVncScreen *self, const char *reason)
{
  VncConnection *connection = g_object_ref (self->connection);

  vitrine_remote_screen_emit_closed (VITRINE_REMOTE_SCREEN (self), reason);
  if (vnc_connection_is_open (connection))
    vnc_connection_shutdown (connection);
  g_object_unref (connection);
}

/* --- pictures --------------------------------------------------------------------------------------------------- */

/* Our frames' format: words of XRGB. */
static const VncPixelFormat xrgb = { .bits_per_pixel = 32,
                                     .depth = 24,
                                     .byte_order = G_BYTE_ORDER,
                                     .true_color_flag = 1,
                                     .red_max = 255,
                                     .green_max = 255,
                                     .blue_max = 255,
                                     .red_shift = 16,
                                     .green_shift = 8,
                                     .blue_shift = 0 };

/* FALSE: refused. */
static gboolean
set_size (VitrineVncScreen *self, int width, int height)
{
  if (width <= 0 || height <= 0 || width > MAX_EDGE || height > MAX_EDGE)
    {
      refuse (self, _("The machine’s picture is too large."));
      return FALSE;
    }
  guint8 *pixels = g_malloc0 ((gsize) width * (gsize) height * 4);
  g_autoptr(GObject) buffer = G_OBJECT (vnc_base_framebuffer_new (
      pixels, (guint16) width, (guint16) height, width * 4, &xrgb, vnc_connection_get_pixel_format (self->connection)));
  g_object_set_data_full (buffer, "vitrine-pixels", pixels, g_free);   /* the connection may write there after us */
  vnc_connection_set_framebuffer (self->connection, VNC_FRAMEBUFFER (buffer));
  self->pixels = pixels;
  self->width = width;
  self->height = height;
  vitrine_damage_reset (&self->damage);
  return TRUE;
}

static void
ask_for_changes (VitrineVncScreen *self, gboolean all)
{
  vnc_connection_framebuffer_update_request (self->connection, !all, 0, 0, (guint16) self->width, (guint16) self->height);
}

static void
initialized (VitrineVncScreen *self)
{
  gint32 encodings[] = {
    VNC_CONNECTION_ENCODING_TIGHT,         VNC_CONNECTION_ENCODING_ZRLE,         VNC_CONNECTION_ENCODING_HEXTILE,
    VNC_CONNECTION_ENCODING_COPY_RECT,     VNC_CONNECTION_ENCODING_RAW,          VNC_CONNECTION_ENCODING_DESKTOP_RESIZE,
    VNC_CONNECTION_ENCODING_RICH_CURSOR,   VNC_CONNECTION_ENCODING_ALPHA_CURSOR, VNC_CONNECTION_ENCODING_POINTER_CHANGE,
    VNC_CONNECTION_ENCODING_EXT_KEY_EVENT, VNC_CONNECTION_ENCODING_LED_STATE
  };

  vnc_connection_set_pixel_format (self->connection, &xrgb);
  vnc_connection_set_encodings (self->connection, G_N_ELEMENTS (encodings), encodings);
  if (set_size (self, vnc_connection_get_width (self->connection), vnc_connection_get_height (self->connection)))
    ask_for_changes (self, TRUE);
}

static void
resized (VitrineVncScreen *self, int width, int height)
{
  if (!set_size (self, width, height))
    return;
  ask_for_changes (self, TRUE);
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
}

static void
updated (VitrineVncScreen *self, int x, int y, int width, int height)
{
  vitrine_damage_add (&self->damage, x, y, width, height);
  ask_for_changes (self, FALSE);
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
  vitrine_remote_screen_emit_opened (VITRINE_REMOTE_SCREEN (self));   /* last: that may drop us */
}

static gboolean
vnc_acquire_frame (VitrineRemoteScreen *screen, guint head, guint64 seen, VitrineFrame *out)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  if (head > 0 || self->pixels == NULL)
    return FALSE;
  *out = (VitrineFrame) { .pixels = self->pixels, .width = (guint) self->width, .height = (guint) self->height,
                          .stride = (guint) self->width * 4 };
  return vitrine_damage_since (&self->damage, seen, 0, 0, out);
}

static guint
vnc_get_n_heads (VitrineRemoteScreen *screen)
{
  return 1;
}

/* --- cursor ----------------------------------------------------------------------------------------------------- */

static void
cursor_changed (VitrineVncScreen *self, VncCursor *shape)
{
  VitrineCursor *cursor = &self->cursor;
  guint width = shape != NULL ? vnc_cursor_get_width (shape) : 0,
        height = shape != NULL ? vnc_cursor_get_height (shape) : 0;

  cursor->serial++;
  cursor->visible = width > 0 && height > 0 && width <= VITRINE_CURSOR_EDGE && height <= VITRINE_CURSOR_EDGE;
  if (cursor->visible)
    {
      const guint8 *rgba = vnc_cursor_get_data (shape);
      cursor->width = width;
      cursor->height = height;
      cursor->hot_x = MIN (vnc_cursor_get_hotx (shape), width - 1);
      cursor->hot_y = MIN (vnc_cursor_get_hoty (shape), height - 1);
      for (guint i = 0; i < width * height; i++, rgba += 4)
        cursor->pixels[i] = vitrine_cursor_pixel (rgba);
    }
  vitrine_remote_screen_damaged (VITRINE_REMOTE_SCREEN (self), 0);
}

static gboolean
vnc_get_cursor (VitrineRemoteScreen *screen, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  if (head > 0)
    return FALSE;
  *out = self->cursor;
  out->x = self->x;
  out->y = self->y;
  return TRUE;
}

/* --- keyboard and pointer --------------------------------------------------------------------------------------- */

static void
vnc_key (VitrineRemoteScreen *screen, guint evdev_code, gboolean down)
{
  guint code = vitrine_scancode_of (evdev_code);

  if (code != 0)   /* one with a prefix has bit 7 set here */
    vnc_connection_key_event (VITRINE_VNC_SCREEN (screen)->connection, down, 0,
                              (guint16) ((code & 0x7f) | (code >= 0x100 ? 0x80 : 0)));
}

static gboolean
vnc_is_absolute (VitrineRemoteScreen *screen)
{
  return vnc_connection_get_abs_pointer (VITRINE_VNC_SCREEN (screen)->connection);
}

static void
send_pointer (VitrineVncScreen *self, guint buttons, gint dx, gint dy)
{
  gboolean absolute = vnc_is_absolute (VITRINE_REMOTE_SCREEN (self));
  gint x = absolute ? self->x : RELATIVE_ZERO + CLAMP (dx, -0x4000, 0x4000);
  gint y = absolute ? self->y : RELATIVE_ZERO + CLAMP (dy, -0x4000, 0x4000);

  vnc_connection_pointer_event (self->connection, (guint8) buttons, (guint16) x, (guint16) y);
}

static void
vnc_motion (VitrineRemoteScreen *screen, gint dx, gint dy)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  send_pointer (self, self->buttons, dx, dy);
}

static void
vnc_place (VitrineRemoteScreen *screen, guint head, guint x, guint y)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  if (head > 0 || self->pixels == NULL)
    return;
  self->x = (gint) ((guint64) x * (guint) (self->width - 1) / 65535);
  self->y = (gint) ((guint64) y * (guint) (self->height - 1) / 65535);
  send_pointer (self, self->buttons, 0, 0);
}

static void
vnc_buttons (VitrineRemoteScreen *screen, guint mask)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  /* Ours: left, right, middle. The protocol's: left, middle, right. */
  self->buttons = (mask & 1u) | (mask & 2u) << 1 | (mask & 4u) >> 1;
  send_pointer (self, self->buttons, 0, 0);
}

static void
vnc_wheel (VitrineRemoteScreen *screen, gint clicks_x, gint clicks_y)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);
  guint wheel = clicks_y > 0 ? WHEEL_UP : WHEEL_DOWN;

  for (gint i = 0; i < ABS (clicks_y); i++)
    {
      send_pointer (self, self->buttons | wheel, 0, 0);
      send_pointer (self, self->buttons, 0, 0);
    }
}

static gboolean
vnc_get_leds (VitrineRemoteScreen *screen, guint *mask)
{
  int leds = vnc_connection_get_ledstate (VITRINE_VNC_SCREEN (screen)->connection);

  *mask = (guint) leds & (VITRINE_LED_SCROLL | VITRINE_LED_NUM | VITRINE_LED_CAPS);   /* the protocol's bits are ours */
  return leds >= 0;
}

static gboolean
vnc_follows_monitor (VitrineRemoteScreen *screen)
{
  return FALSE;
}

static void
vnc_set_monitor (VitrineRemoteScreen *screen, guint head, const VitrineMonitor *monitor)
{
}

/* --- the connection --------------------------------------------------------------------------------------------- */

/* TLS, VeNCrypt and SASL want certificates or accounts that nobody gave us. */
static void
needs_tls (VitrineVncScreen *self)
{
  refuse (self, _("The machine’s screen needs TLS or a login, which cannot be done here."));
}

G_GNUC_BEGIN_IGNORE_DEPRECATIONS   /* GValueArray is in gvnc's interface */

static void
choose_type (VitrineVncScreen *self, GValueArray *types)
{
  static const unsigned known[] = { VNC_CONNECTION_AUTH_NONE, VNC_CONNECTION_AUTH_VNC };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    for (guint at = 0; at < types->n_values; at++)
      if ((unsigned) g_value_get_enum (g_value_array_get_nth (types, at)) == known[i])
        {
          vnc_connection_set_auth_type (self->connection, known[i]);
          return;
        }
  needs_tls (self);
}

static void
give_credentials (VitrineVncScreen *self, GValueArray *wanted)
{
  for (guint i = 0; i < wanted->n_values; i++)
    {
      int kind = g_value_get_enum (g_value_array_get_nth (wanted, i));
      if (kind == VNC_CONNECTION_CREDENTIAL_PASSWORD && self->password == NULL)
        {
          refuse (self, _("The machine’s screen wants another password."));
          return;
        }
      vnc_connection_set_credential (self->connection, kind,
                                     kind == VNC_CONNECTION_CREDENTIAL_PASSWORD ? self->password : "vitrine");
    }
}

G_GNUC_END_IGNORE_DEPRECATIONS

static void
auth_failed (VitrineVncScreen *self)
{
  vitrine_remote_screen_emit_closed (VITRINE_REMOTE_SCREEN (self), _("The machine’s screen wants another password."));
}

static void
disconnected (VitrineVncScreen *self)
{
  vitrine_remote_screen_emit_closed (VITRINE_REMOTE_SCREEN (self), _("The machine closed its screen."));
}

static void
vnc_open (VitrineRemoteScreen *screen)
{
  vitrine_remote_screen_ask_socket (screen, G_OBJECT (VITRINE_VNC_SCREEN (screen)->connection));
}

static void
vnc_take_socket (VitrineRemoteScreen *screen, GObject *channel, int fd)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  if (fd < 0)
    vitrine_remote_screen_emit_closed (screen, _("The machine’s screen cannot be reached."));
  else if (!vnc_connection_open_fd (self->connection, fd))
    close (fd);
}

static void
vnc_close (VitrineRemoteScreen *screen)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (screen);

  if (vnc_connection_is_open (self->connection))
    vnc_connection_shutdown (self->connection);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_vnc_screen_dispose (GObject *object)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (object);

  if (self->connection != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->connection, self);
      vnc_close (VITRINE_REMOTE_SCREEN (self));
    }
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (vitrine_vnc_screen_parent_class)->dispose (object);
}

static void
vitrine_vnc_screen_finalize (GObject *object)
{
  VitrineVncScreen *self = VITRINE_VNC_SCREEN (object);

  vitrine_secret_text_free (self->password);
  G_OBJECT_CLASS (vitrine_vnc_screen_parent_class)->finalize (object);
}

static void
vitrine_vnc_screen_class_init (VitrineVncScreenClass *klass)
{
  VitrineRemoteScreenClass *screen = VITRINE_REMOTE_SCREEN_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_vnc_screen_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_vnc_screen_finalize;
  screen->open = vnc_open;
  screen->take_socket = vnc_take_socket;
  screen->close = vnc_close;
  screen->get_n_heads = vnc_get_n_heads;
  screen->acquire_frame = vnc_acquire_frame;
  screen->get_cursor = vnc_get_cursor;
  screen->follows_monitor = vnc_follows_monitor;
  screen->set_monitor = vnc_set_monitor;
  screen->key = vnc_key;
  screen->motion = vnc_motion;
  screen->place = vnc_place;
  screen->buttons = vnc_buttons;
  screen->wheel = vnc_wheel;
  screen->is_absolute = vnc_is_absolute;
  screen->get_leds = vnc_get_leds;
}

static void
vitrine_vnc_screen_init (VitrineVncScreen *self)
{
  static const struct
  {
    const char *signal;
    GCallback   handler;
  } handlers[] = {
    { "vnc-initialized", G_CALLBACK (initialized) },
    { "vnc-framebuffer-update", G_CALLBACK (updated) },
    { "vnc-desktop-resize", G_CALLBACK (resized) },
    { "vnc-cursor-changed", G_CALLBACK (cursor_changed) },
    { "vnc-pointer-mode-changed", G_CALLBACK (vitrine_remote_screen_emit_pointer_changed) },
    { "vnc-auth-choose-type", G_CALLBACK (choose_type) },
    { "vnc-auth-credential", G_CALLBACK (give_credentials) },
    { "vnc-auth-failure", G_CALLBACK (auth_failed) },
    { "vnc-auth-unsupported", G_CALLBACK (needs_tls) },
    { "vnc-disconnected", G_CALLBACK (disconnected) },
  };

  self->connection = vnc_connection_new ();
  vnc_connection_set_shared (self->connection, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    g_signal_connect_swapped (self->connection, handlers[i].signal, handlers[i].handler, self);
}

VitrineRemoteScreen *
vitrine_vnc_screen_new (const char *password)
{
  VitrineVncScreen *self = g_object_new (VITRINE_TYPE_VNC_SCREEN, NULL);

  self->password = g_strdup (password);
  return VITRINE_REMOTE_SCREEN (self);
}
