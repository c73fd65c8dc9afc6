/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keyboard and pointer of an engine's machine. */
#include <vitrine/input.h>

#include "engine-backend-private.h"

static void
engine_key (VitrineBackend *backend, guint evdev_code, gboolean down)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_key (vitrine_engine_backend_get_machine (backend), evdev_code, down);
}

static void
engine_release_all (VitrineBackend *backend)
{
  vt_input_release_all (vitrine_engine_backend_get_machine (backend));
}

static void
engine_motion (VitrineBackend *backend, gint dx, gint dy)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_motion (vitrine_engine_backend_get_machine (backend), dx, dy);
}

/* Nobody has looked at a head yet: then all are of one size. */
static guint
edge (guint pixels)
{
  return MAX (pixels, 1);
}

/* A tablet's range is the guest's whole desktop; there the heads stand side by side, as we tell the guest. */
static void
engine_place (VitrineBackend *backend, guint head, guint x, guint y)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);
  guint64 left = 0, width = 0, height = 1;

  if (head >= self->n_heads || !self->heads[head].plugged)
    return;
  for (guint i = 0; i < self->n_heads; i++)
    if (self->heads[i].plugged)
      {
        left += i < head ? edge (self->heads[i].width) : 0;
        width += edge (self->heads[i].width);
        height = MAX (height, self->heads[i].height);
      }
  guint64 across = edge (self->heads[head].width), down = edge (self->heads[head].height);
  vitrine_engine_backend_look_closely (self);
  vt_input_place (self->machine, (guint) ((left * 65535 + x * across) / width), (guint) (y * down / height));
}

static void
engine_buttons (VitrineBackend *backend, guint mask)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_buttons (vitrine_engine_backend_get_machine (backend), mask);
}

static void
engine_wheel (VitrineBackend *backend, gint clicks_x, gint clicks_y)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_wheel (vitrine_engine_backend_get_machine (backend), clicks_x, clicks_y);
}

static gboolean
engine_is_absolute (VitrineBackend *backend)
{
  return vt_input_absolute (vitrine_engine_backend_get_machine (backend));
}

static gboolean
engine_send_keys (VitrineBackend *backend, const char *spec, GError **error)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
  return vt_input_send_spec (vitrine_engine_backend_get_machine (backend), spec, error);
}

static gboolean
engine_get_leds (VitrineBackend *backend, guint *mask)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);

  *mask = self->leds;
  return self->leds_known;
}

void
vitrine_engine_input_init (VitrineBackendInterface *iface)
{
  iface->key = engine_key;
  iface->release_all = engine_release_all;
  iface->motion = engine_motion;
  iface->place = engine_place;
  iface->buttons = engine_buttons;
  iface->wheel = engine_wheel;
  iface->is_absolute = engine_is_absolute;
  iface->send_keys = engine_send_keys;
  iface->get_leds = engine_get_leds;
}
