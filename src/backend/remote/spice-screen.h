/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A screen over SPICE, by spice-glib. The server is as trustworthy as its guest: sizes are checked before pixels are
 * looked at. */
#pragma once

#include <spice-client.h>

#include "remote-screen.h"

#define VITRINE_TYPE_SPICE_SCREEN (vitrine_spice_screen_get_type ())
G_DECLARE_FINAL_TYPE (VitrineSpiceScreen, vitrine_spice_screen, VITRINE, SPICE_SCREEN, VitrineRemoteScreen)

/* @password NULL: none is needed. Sound plays while the screen is open. */
VitrineRemoteScreen *vitrine_spice_screen_new (const char *password);
/* For what needs widgets: clipboard, USB devices, files. Borrowed. */
SpiceSession        *vitrine_spice_screen_get_session (VitrineSpiceScreen *self);
/* Gives files to the guest's agent; @files end with NULL. @done is called in any case; its source may be NULL. */
void     vitrine_spice_screen_send_files_async (VitrineSpiceScreen *self, GFile **files, GCancellable *cancellable,
                                                GAsyncReadyCallback done, gpointer data);
gboolean vitrine_spice_screen_send_files_finish (GAsyncResult *result, GError **error);
