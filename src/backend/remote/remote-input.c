/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A remote backend's keyboard and pointer, and typing. */
#include <vitrine/key-spec.h>

#include "remote-backend-private.h"

#define KEY_STEP_MS 20

static void
note_held (VitrineRemoteBackend *self, guint code, gboolean down)
{
  guint at = 0;

  while (at < self->n_held && self->held[at] != code)
    at++;
  if (down && at == self->n_held && at < G_N_ELEMENTS (self->held))
    self->held[self->n_held++] = code;
  else if (!down && at < self->n_held)
    self->held[at] = self->held[--self->n_held];
}

static void
remote_key (VitrineBackend *backend, guint evdev_code, gboolean down)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass == NULL)
    return;
  note_held (VITRINE_REMOTE_BACKEND (backend), evdev_code, down);
  klass->key (screen, evdev_code, down);
}

static void
remote_motion (VitrineBackend *backend, gint dx, gint dy)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->motion (screen, dx, dy);
}

static void
remote_place (VitrineBackend *backend, guint head, guint x, guint y)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->place (screen, head, x, y);
}

static void
remote_buttons (VitrineBackend *backend, guint mask)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->buttons (screen, mask);
}

static void
remote_wheel (VitrineBackend *backend, gint clicks_x, gint clicks_y)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->wheel (screen, clicks_x, clicks_y);
}

static void
remote_release_all (VitrineBackend *backend)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (backend);

  while (self->n_held > 0)
    remote_key (backend, self->held[self->n_held - 1], FALSE);
  remote_buttons (backend, 0);
}

static gboolean
remote_is_absolute (VitrineBackend *backend)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->is_absolute (screen);
}

static gboolean
remote_get_leds (VitrineBackend *backend, guint *mask)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->get_leds (screen, mask);
}

/* One chord takes two steps: down, then up. */
static gboolean
type_step (gpointer data)
{
  VitrineRemoteBackend *self = data;
  const VtKeyChord *chord = g_queue_peek_head (&self->typing);

  if (chord == NULL)
    {
      self->typing_timer = 0;
      return G_SOURCE_REMOVE;
    }
  self->typing_down = !self->typing_down;
  for (guint i = 0; i < chord->n; i++)
    remote_key (VITRINE_BACKEND (self), chord->codes[self->typing_down ? i : chord->n - 1 - i], self->typing_down);
  if (!self->typing_down)
    g_free (g_queue_pop_head (&self->typing));
  return G_SOURCE_CONTINUE;
}

static gboolean
remote_send_keys (VitrineBackend *backend, const char *spec, GError **error)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (backend);
  g_autoptr(GArray) chords = vt_key_spec_parse (spec, error);

  if (chords == NULL)
    return FALSE;
  for (guint i = 0; i < chords->len; i++)
    g_queue_push_tail (&self->typing, g_memdup2 (&g_array_index (chords, VtKeyChord, i), sizeof (VtKeyChord)));
  if (self->typing_timer == 0)
    self->typing_timer = g_timeout_add (KEY_STEP_MS, type_step, self);
  return TRUE;
}

void
vitrine_remote_backend_input_init (VitrineBackendInterface *iface)
{
  iface->key = remote_key;
  iface->release_all = remote_release_all;
  iface->motion = remote_motion;
  iface->place = remote_place;
  iface->buttons = remote_buttons;
  iface->wheel = remote_wheel;
  iface->is_absolute = remote_is_absolute;
  iface->send_keys = remote_send_keys;
  iface->get_leds = remote_get_leds;
}
