/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineGuest: dispatch and its signal. */
#include "guest.h"

static guint thumbnail_signal;

G_DEFINE_INTERFACE (VitrineGuest, vitrine_guest, G_TYPE_OBJECT)

static void
vitrine_guest_default_init (VitrineGuestInterface *iface)
{
  thumbnail_signal =
    g_signal_new ("thumbnail-changed", VITRINE_TYPE_GUEST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

const char *
vitrine_guest_get_uuid (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->get_uuid (self);
}

const char *
vitrine_guest_get_title (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->get_title (self);
}

VitrineState
vitrine_guest_get_state (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->get_state (self);
}

const char *
vitrine_guest_get_message (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->get_message (self);
}

gboolean
vitrine_guest_is_suspended (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->is_suspended (self);
}

gboolean
vitrine_guest_get_autostart (VitrineGuest *self)
{
  VitrineGuestInterface *iface = VITRINE_GUEST_GET_IFACE (self);

  return iface->get_autostart != NULL && iface->get_autostart (self);
}

VitrineGuestAbilities
vitrine_guest_get_abilities (VitrineGuest *self)
{
  return VITRINE_GUEST_GET_IFACE (self)->get_abilities (self);
}

void
vitrine_guest_command_async (VitrineGuest *self, const char *command, GAsyncReadyCallback done, gpointer data)
{
  VITRINE_GUEST_GET_IFACE (self)->command_async (self, command, done, data);
}

gboolean
vitrine_guest_command_finish (VitrineGuest *self, GAsyncResult *result, GError **error)
{
  return VITRINE_GUEST_GET_IFACE (self)->command_finish (self, result, error);
}

void
vitrine_guest_load_thumbnail_async (VitrineGuest *self, GCancellable *cancellable, GAsyncReadyCallback done,
                                    gpointer data)
{
  VITRINE_GUEST_GET_IFACE (self)->load_thumbnail_async (self, cancellable, done, data);
}

GBytes *
vitrine_guest_load_thumbnail_finish (VitrineGuest *self, GAsyncResult *result, GError **error)
{
  return VITRINE_GUEST_GET_IFACE (self)->load_thumbnail_finish (self, result, error);
}

void
vitrine_guest_seen (VitrineGuest *self)
{
  VitrineGuestInterface *iface = VITRINE_GUEST_GET_IFACE (self);

  if (iface->seen != NULL)
    iface->seen (self);
}

void
vitrine_guest_emit_thumbnail_changed (VitrineGuest *self)
{
  g_signal_emit (self, thumbnail_signal, 0);
}
