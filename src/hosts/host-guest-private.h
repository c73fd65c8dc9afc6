/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files share that make a host guest a VitrineGuest. */
#pragma once

#include "host-private.h"

struct _VitrineHostGuest
{
  GObject parent_instance;

  VitrineHost      *host;            /* borrowed: it owns us; NULL when it has let us go */
  char             *uuid;
  VitrineHostEntry *entry;

  GBytes           *picture;
  gint64            pictured_us;     /* when it was asked for last */
  guint             picture_timer;
  gboolean          picturing;
  gboolean          no_pictures;     /* the host cannot, as long as it is in this state */
};

/* host-guest-command.c */
void     vitrine_host_guest_command_async (VitrineGuest *guest, const char *name, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_guest_command_finish (VitrineGuest *guest, GAsyncResult *result, GError **error);

/* host-guest-picture.c */
void     vitrine_host_guest_forget_picture (VitrineHostGuest *self);
void     vitrine_host_guest_seen (VitrineGuest *guest);
void     vitrine_host_guest_load_thumbnail_async (VitrineGuest *guest, GCancellable *cancellable, GAsyncReadyCallback done,
                                                  gpointer data);
GBytes  *vitrine_host_guest_load_thumbnail_finish (VitrineGuest *guest, GAsyncResult *result, GError **error);
