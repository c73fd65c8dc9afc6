/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend: dispatch and signals. */
#include "backend.h"

#include <string.h>

#define SMALL_PART 1000

G_DEFINE_INTERFACE (VitrineBackend, vitrine_backend, G_TYPE_OBJECT)

enum
{
  CHANGED,
  FRAME_READY,
  CONSOLE_OUTPUT,
  CONSOLE_CHANGED,
  GUEST_RESET,
  TROUBLE,
  POINTER_CHANGED,
  CAPTURE_CHANGED,
  USB_CHANGED,
  USB_LEFT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static guint
new_signal (const char *name)
{
  return g_signal_new (name, VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_backend_default_init (VitrineBackendInterface *iface)
{
  signals[CHANGED] = new_signal ("changed");
  signals[POINTER_CHANGED] = new_signal ("pointer-changed");
  signals[FRAME_READY] = g_signal_new ("frame-ready", VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[GUEST_RESET] = new_signal ("guest-reset");
  signals[TROUBLE] = g_signal_new ("trouble", VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[CAPTURE_CHANGED] = new_signal ("capture-changed");
  signals[USB_CHANGED] = new_signal ("usb-changed");
  signals[USB_LEFT] = g_signal_new ("usb-left", VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                    G_TYPE_STRING);
  signals[CONSOLE_OUTPUT] = g_signal_new ("console-output", VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_BYTES);
  signals[CONSOLE_CHANGED] = g_signal_new ("console-changed", VITRINE_TYPE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 1, G_TYPE_UINT);
}

gboolean
vitrine_frame_moved (const VitrineFrame *frame)
{
  gint64 all = (gint64) frame->width * frame->height, changed = (gint64) frame->damage_width * frame->damage_height;

  return changed > all / SMALL_PART;
}

void
vitrine_frame_copy (const VitrineFrame *frame, gint x, gint y, gint width, gint height, guint8 *to, gsize stride)
{
  for (gint row = y; row < y + height; row++)
    memcpy (to + (gsize) row * stride + (gsize) x * 4, frame->pixels + (gsize) row * frame->stride + (gsize) x * 4,
            (gsize) width * 4);
}

VitrineBackendAbilities
vitrine_backend_get_abilities (VitrineBackend *self)
{
  VitrineBackendInterface *iface = VITRINE_BACKEND_GET_IFACE (self);

  return iface->get_abilities != NULL ? iface->get_abilities (self) : VITRINE_BACKEND_ALL;
}

VitrineState
vitrine_backend_get_state (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_state (self);
}

const char *
vitrine_backend_get_message (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_message (self);
}

const char *
vitrine_backend_get_accelerator (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_accelerator (self);
}

void
vitrine_backend_resume (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->resume (self);
}

void
vitrine_backend_pause (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->pause (self);
}

void
vitrine_backend_reset (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->reset (self);
}

void
vitrine_backend_power_button (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->power_button (self);
}

void
vitrine_backend_force_off (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->force_off (self);
}

gboolean
vitrine_backend_save (VitrineBackend *self, const char *path, VitrineSaveProgress progress, gpointer data, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->save (self, path, progress, data, error);
}

gboolean
vitrine_backend_restore (VitrineBackend *self, const char *path, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->restore (self, path, error);
}

gboolean
vitrine_backend_change_medium (VitrineBackend *self, guint drive, const char *path, int fd, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->change_medium (self, drive, path, fd, error);
}

gboolean
vitrine_backend_take_snapshot (VitrineBackend *self, const VitrineSnapshotPlan *plan, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->take_snapshot (self, plan, error);
}

gboolean
vitrine_backend_forget_snapshot (VitrineBackend *self, const char *name, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->forget_snapshot (self, name, error);
}

gboolean
vitrine_backend_set_memory (VitrineBackend *self, guint64 bytes, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->set_memory (self, bytes, error);
}

GVariant *
vitrine_backend_get_memory (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_memory (self);
}

gboolean
vitrine_backend_set_link (VitrineBackend *self, guint card, gboolean up, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->set_link (self, card, up, error);
}

gboolean
vitrine_backend_set_mac (VitrineBackend *self, guint card, const guint8 mac[6], GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->set_mac (self, card, mac, error);
}

gboolean
vitrine_backend_set_forwards (VitrineBackend *self, guint card, const char *const *rules, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->set_forwards (self, card, rules, error);
}

GStrv
vitrine_backend_get_forwards (VitrineBackend *self, guint card, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_forwards (self, card, error);
}

gboolean
vitrine_backend_capture (VitrineBackend *self, guint card, int fd, GError **error)
{
  gboolean ok = VITRINE_BACKEND_GET_IFACE (self)->capture (self, card, fd, error);

  vitrine_backend_emit_capture_changed (self);
  return ok;
}

gboolean
vitrine_backend_is_captured (VitrineBackend *self, guint card)
{
  return VITRINE_BACKEND_GET_IFACE (self)->is_captured (self, card);
}

GStrv
vitrine_backend_list_cards (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->list_cards (self);
}

gboolean
vitrine_backend_trace (VitrineBackend *self, const char *const *globs, int fd, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->trace (self, globs, fd, error);
}

gboolean
vitrine_backend_add_disk (VitrineBackend *self, guint number, GVariant *disk, const char *const *paths, const int *fds, int key,
                          GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->add_disk (self, number, disk, paths, fds, key, error);
}

gboolean
vitrine_backend_add_network (VitrineBackend *self, guint number, GVariant *card, int device, GError **error)
{
  gboolean ok = VITRINE_BACKEND_GET_IFACE (self)->add_network (self, number, card, device, error);

  vitrine_backend_emit_capture_changed (self);
  return ok;
}

static gboolean
takes_usb (VitrineBackend *self)
{
  return (vitrine_backend_get_abilities (self) & VITRINE_BACKEND_TAKES_USB) != 0;
}

gboolean
vitrine_backend_plug_usb (VitrineBackend *self, const char *id, int fd, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->plug_usb (self, id, fd, error);
}

gboolean
vitrine_backend_unplug_usb (VitrineBackend *self, const char *id, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->unplug_usb (self, id, error);
}

GStrv
vitrine_backend_list_usb (VitrineBackend *self)
{
  return takes_usb (self) ? VITRINE_BACKEND_GET_IFACE (self)->list_usb (self) : g_new0 (char *, 1);
}

guint
vitrine_backend_count_usb_ports (VitrineBackend *self)
{
  return takes_usb (self) ? VITRINE_BACKEND_GET_IFACE (self)->count_usb_ports (self) : 0;
}

gboolean
vitrine_backend_grow_disk (VitrineBackend *self, const char *id, guint64 bytes, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->grow_disk (self, id, bytes, error);
}

gboolean
vitrine_backend_get_disk_size (VitrineBackend *self, const char *id, guint64 *bytes, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_disk_size (self, id, bytes, error);
}

void
vitrine_backend_remove_device_async (VitrineBackend *self, VitrineDeviceKind kind, const char *id, GAsyncReadyCallback done, gpointer data)
{
  /* Without a source: who waits for a guest must not keep its machine from ending. */
  GTask *task = g_task_new (NULL, NULL, done, data);

  VITRINE_BACKEND_GET_IFACE (self)->remove_device (self, kind, id, task);
}

gboolean
vitrine_backend_remove_device_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

guint
vitrine_backend_get_n_heads (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_n_heads (self);
}

gboolean
vitrine_backend_acquire_frame (VitrineBackend *self, guint head, guint64 seen, VitrineFrame *out)
{
  return VITRINE_BACKEND_GET_IFACE (self)->acquire_frame (self, head, seen, out);
}

void
vitrine_backend_release_frame (VitrineBackend *self, VitrineFrame *frame)
{
  VITRINE_BACKEND_GET_IFACE (self)->release_frame (self, frame);
}

gboolean
vitrine_backend_get_cursor (VitrineBackend *self, guint head, guint64 seen, VitrineCursor *out)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_cursor (self, head, seen, out);
}

void
vitrine_backend_set_watched (VitrineBackend *self, guint head, gboolean watched)
{
  VITRINE_BACKEND_GET_IFACE (self)->set_watched (self, head, watched);
}

gboolean
vitrine_backend_follows_monitor (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->follows_monitor (self);
}

void
vitrine_backend_set_monitor (VitrineBackend *self, guint head, const VitrineMonitor *monitor)
{
  VITRINE_BACKEND_GET_IFACE (self)->set_monitor (self, head, monitor);
}

GBytes *
vitrine_backend_screenshot (VitrineBackend *self, guint head, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->screenshot (self, head, error);
}

char *
vitrine_backend_get_text (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_text (self);
}

void
vitrine_backend_key (VitrineBackend *self, guint evdev_code, gboolean down)
{
  VITRINE_BACKEND_GET_IFACE (self)->key (self, evdev_code, down);
}

void
vitrine_backend_release_all (VitrineBackend *self)
{
  VITRINE_BACKEND_GET_IFACE (self)->release_all (self);
}

void
vitrine_backend_motion (VitrineBackend *self, gint dx, gint dy)
{
  VITRINE_BACKEND_GET_IFACE (self)->motion (self, dx, dy);
}

void
vitrine_backend_place (VitrineBackend *self, guint head, guint x, guint y)
{
  VITRINE_BACKEND_GET_IFACE (self)->place (self, head, x, y);
}

void
vitrine_backend_buttons (VitrineBackend *self, guint mask)
{
  VITRINE_BACKEND_GET_IFACE (self)->buttons (self, mask);
}

void
vitrine_backend_wheel (VitrineBackend *self, gint clicks_x, gint clicks_y)
{
  VITRINE_BACKEND_GET_IFACE (self)->wheel (self, clicks_x, clicks_y);
}

gboolean
vitrine_backend_is_absolute (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->is_absolute (self);
}

gboolean
vitrine_backend_send_keys (VitrineBackend *self, const char *spec, GError **error)
{
  return VITRINE_BACKEND_GET_IFACE (self)->send_keys (self, spec, error);
}

gboolean
vitrine_backend_get_leds (VitrineBackend *self, guint *mask)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_leds (self, mask);
}

guint
vitrine_backend_get_n_consoles (VitrineBackend *self)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_n_consoles (self);
}

void
vitrine_backend_console_send (VitrineBackend *self, guint console, const guint8 *bytes, gsize n)
{
  VITRINE_BACKEND_GET_IFACE (self)->console_send (self, console, bytes, n);
}

GBytes *
vitrine_backend_get_console_history (VitrineBackend *self, guint console)
{
  return VITRINE_BACKEND_GET_IFACE (self)->get_console_history (self, console);
}

gboolean
vitrine_backend_is_console_busy (VitrineBackend *self, guint console)
{
  VitrineBackendInterface *iface = VITRINE_BACKEND_GET_IFACE (self);

  return iface->is_console_busy != NULL && iface->is_console_busy (self, console);
}

void
vitrine_backend_take_console (VitrineBackend *self, guint console)
{
  g_return_if_fail (VITRINE_BACKEND_GET_IFACE (self)->take_console != NULL);
  VITRINE_BACKEND_GET_IFACE (self)->take_console (self, console);
}

void
vitrine_backend_get_statistics (VitrineBackend *self, VitrineStatistics *out)
{
  VITRINE_BACKEND_GET_IFACE (self)->get_statistics (self, out);
}

void
vitrine_backend_count_instructions (VitrineBackend *self, gboolean on)
{
  static const char key[] = "vitrine-counts-for";
  guint before = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (self), key)), after = on ? before + 1 : before - 1;

  g_return_if_fail (on || before > 0);
  g_object_set_data (G_OBJECT (self), key, GUINT_TO_POINTER (after));
  if ((before == 0) != (after == 0))
    VITRINE_BACKEND_GET_IFACE (self)->count_instructions (self, on);
}

void
vitrine_backend_emit_changed (VitrineBackend *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

void
vitrine_backend_emit_frame_ready (VitrineBackend *self, guint head)
{
  g_signal_emit (self, signals[FRAME_READY], 0, head);
}

void
vitrine_backend_emit_pointer_changed (VitrineBackend *self)
{
  g_signal_emit (self, signals[POINTER_CHANGED], 0);
}

void
vitrine_backend_emit_console_output (VitrineBackend *self, guint console, GBytes *bytes)
{
  g_signal_emit (self, signals[CONSOLE_OUTPUT], 0, console, bytes);
}

void
vitrine_backend_emit_console_changed (VitrineBackend *self, guint console)
{
  g_signal_emit (self, signals[CONSOLE_CHANGED], 0, console);
}

void
vitrine_backend_emit_trouble (VitrineBackend *self, const char *message)
{
  g_signal_emit (self, signals[TROUBLE], 0, message);
}

void
vitrine_backend_emit_guest_reset (VitrineBackend *self)
{
  g_signal_emit (self, signals[GUEST_RESET], 0);
}

void
vitrine_backend_emit_capture_changed (VitrineBackend *self)
{
  g_signal_emit (self, signals[CAPTURE_CHANGED], 0);
}

void
vitrine_backend_emit_usb_changed (VitrineBackend *self)
{
  g_signal_emit (self, signals[USB_CHANGED], 0);
}

void
vitrine_backend_emit_usb_left (VitrineBackend *self, const char *id)
{
  g_signal_emit (self, signals[USB_LEFT], 0, id);
  vitrine_backend_emit_usb_changed (self);
}
