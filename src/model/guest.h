/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine as the library shows it, wherever it runs: one of this computer (VitrineMachine), or a domain of a libvirt
 * host (VitrineHostGuest). Who shows one asks what can be done with it now, never which kind it is. Main thread only.
 *
 * Implementations have the properties "title", "state" (guint, VitrineState) and "message", and notify whatever
 * changes. Signal "thumbnail-changed" () when there is a new picture. */
#pragma once

#include <gio/gio.h>

#include "state.h"

#define VITRINE_TYPE_GUEST (vitrine_guest_get_type ())
G_DECLARE_INTERFACE (VitrineGuest, vitrine_guest, VITRINE, GUEST, GObject)

/* What can be done with a machine as it is now. The first ones are commands of the same name. */
typedef enum
{
  VITRINE_GUEST_CAN_OPEN         = 1 << 0,    /* starts what is off, and shows its window */
  VITRINE_GUEST_CAN_PAUSE        = 1 << 1,
  VITRINE_GUEST_CAN_RESUME       = 1 << 2,
  VITRINE_GUEST_CAN_POWER_BUTTON = 1 << 3,
  VITRINE_GUEST_CAN_RESET        = 1 << 4,
  VITRINE_GUEST_CAN_SAVE         = 1 << 5,    /* memory to the disk, then off */
  VITRINE_GUEST_CAN_FORCE_OFF    = 1 << 6,
  VITRINE_GUEST_CAN_DISCARD      = 1 << 7,    /* a saved state */
  VITRINE_GUEST_CAN_AUTOSTART    = 1 << 8,    /* be started with its host, or not */
  VITRINE_GUEST_CAN_SETTINGS     = 1 << 9,
  VITRINE_GUEST_CAN_EDIT_XML     = 1 << 10,
  VITRINE_GUEST_CAN_SNAPSHOTS    = 1 << 11,
  VITRINE_GUEST_CAN_LOG          = 1 << 12,
  VITRINE_GUEST_CAN_DELETE       = 1 << 13,
  VITRINE_GUEST_CAN_CLONE        = 1 << 14,
  VITRINE_GUEST_CAN_DEVICES      = 1 << 15,   /* get devices of its host */
  VITRINE_GUEST_CAN_MOVE         = 1 << 16,   /* from this computer to a host */
  VITRINE_GUEST_CAN_BRING        = 1 << 17,   /* from a host to this computer */
  VITRINE_GUEST_CAN_MIGRATE      = 1 << 18,   /* from host to host */
} VitrineGuestAbilities;

struct _VitrineGuestInterface
{
  GTypeInterface parent;

  const char *(*get_uuid) (VitrineGuest *self);
  const char *(*get_title) (VitrineGuest *self);
  VitrineState (*get_state) (VitrineGuest *self);
  const char *(*get_message) (VitrineGuest *self);
  gboolean (*is_suspended) (VitrineGuest *self);
  gboolean (*get_autostart) (VitrineGuest *self);
  VitrineGuestAbilities (*get_abilities) (VitrineGuest *self);
  void (*command_async) (VitrineGuest *self, const char *command, GAsyncReadyCallback done, gpointer data);
  gboolean (*command_finish) (VitrineGuest *self, GAsyncResult *result, GError **error);
  void (*load_thumbnail_async) (VitrineGuest *self, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
  GBytes *(*load_thumbnail_finish) (VitrineGuest *self, GAsyncResult *result, GError **error);
  void (*seen) (VitrineGuest *self);
};

const char  *vitrine_guest_get_uuid (VitrineGuest *self);
const char  *vitrine_guest_get_title (VitrineGuest *self);
VitrineState vitrine_guest_get_state (VitrineGuest *self);
const char  *vitrine_guest_get_message (VitrineGuest *self);     /* NULL when there is nothing to say */
gboolean     vitrine_guest_is_suspended (VitrineGuest *self);    /* a saved state waits for the next start */
gboolean     vitrine_guest_get_autostart (VitrineGuest *self);
VitrineGuestAbilities vitrine_guest_get_abilities (VitrineGuest *self);

/* "Open", "Pause", "Resume", "PowerButton", "Reset", "Save", "ForceOff", "Discard", "Autostart", "NoAutostart". */
void     vitrine_guest_command_async (VitrineGuest *self, const char *command, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_guest_command_finish (VitrineGuest *self, GAsyncResult *result, GError **error);

/* The latest picture of its screen, in a format that GdkPixbuf knows. */
void     vitrine_guest_load_thumbnail_async (VitrineGuest *self, GCancellable *cancellable, GAsyncReadyCallback done,
                                             gpointer data);
GBytes  *vitrine_guest_load_thumbnail_finish (VitrineGuest *self, GAsyncResult *result, GError **error);
/* Somebody looks at its picture right now: say so whenever it is drawn. Some take new pictures only then. */
void     vitrine_guest_seen (VitrineGuest *self);

/* For implementations. */
void vitrine_guest_emit_thumbnail_changed (VitrineGuest *self);
