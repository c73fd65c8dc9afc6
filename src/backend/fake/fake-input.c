/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test card's keyboard and pointer. */
#include <string.h>
#include <vitrine/error.h>

#include "fake-backend-private.h"

#define KEY_ESC 1
#define KEY_CAPSLOCK 58
#define KEY_NUMLOCK 69
#define KEY_SCROLLLOCK 70

static guint
led_of (guint evdev_code)
{
  return evdev_code == KEY_CAPSLOCK     ? VITRINE_LED_CAPS
         : evdev_code == KEY_NUMLOCK    ? VITRINE_LED_NUM
         : evdev_code == KEY_SCROLLLOCK ? VITRINE_LED_SCROLL
                                        : 0;
}

static void
fake_key (VitrineBackend *backend, guint evdev_code, gboolean down)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (self->state != VITRINE_STATE_RUNNING)
    return;
  g_string_append_printf (self->keys, "%s%u ", down ? "+" : "-", evdev_code);
  if (self->keys->len > 60)
    g_string_erase (self->keys, 0, (gssize) self->keys->len - 60);
  self->shape += down;
  if (down && led_of (evdev_code) != 0)
    self->leds ^= led_of (evdev_code);
  vitrine_fake_backend_changed (self);
  if (down && evdev_code == KEY_ESC)
    vitrine_backend_force_off (backend);
}

static void
fake_release_all (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append (self->keys, "released ");
  self->buttons = 0;
  vitrine_fake_backend_changed (self);
}

static void
fake_motion (VitrineBackend *backend, gint dx, gint dy)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_x += dx;
  self->pointer_y += dy;
  vitrine_fake_backend_changed (self);
}

static void
fake_place (VitrineBackend *backend, guint head, guint x, guint y)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_head = head;
  self->pointer_x = x;
  self->pointer_y = y;
}

static void
fake_buttons (VitrineBackend *backend, guint mask)
{
  VITRINE_FAKE_BACKEND (backend)->buttons = mask;
}

static void
fake_wheel (VitrineBackend *backend, gint clicks_x, gint clicks_y)
{
  g_string_append_printf (VITRINE_FAKE_BACKEND (backend)->keys, "wheel %d ", clicks_y);
}

static gboolean
fake_is_absolute (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->absolute;
}

static gboolean
fake_send_keys (VitrineBackend *backend, const char *spec, GError **error)
{
  if (strstr (spec, "nonsense") != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s” is not a key.", spec);
      return FALSE;
    }
  g_string_append_printf (VITRINE_FAKE_BACKEND (backend)->keys, "[%s] ", spec);
  vitrine_fake_backend_changed (VITRINE_FAKE_BACKEND (backend));
  return TRUE;
}

static gboolean
fake_get_leds (VitrineBackend *backend, guint *mask)
{
  *mask = VITRINE_FAKE_BACKEND (backend)->leds;
  return TRUE;
}

void
vitrine_fake_backend_input_init (VitrineBackendInterface *iface)
{
  iface->key = fake_key;
  iface->release_all = fake_release_all;
  iface->motion = fake_motion;
  iface->place = fake_place;
  iface->buttons = fake_buttons;
  iface->wheel = fake_wheel;
  iface->is_absolute = fake_is_absolute;
  iface->send_keys = fake_send_keys;
  iface->get_leds = fake_get_leds;
}
