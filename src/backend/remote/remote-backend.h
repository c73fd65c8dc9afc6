/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host guest as a VitrineBackend: its screen over SPICE or VNC, its consoles as libvirt streams, its commands as
 * libvirt's. Signals besides the interface's: "error" (const char *message): a command failed; "lost" (const char
 * *reason): its screen or its host is away, or the machine went off; a new backend is needed to go on. */
#pragma once

#include "backend.h"
#include "host-guest-ends.h"
#include "remote-screen.h"

#define VITRINE_TYPE_REMOTE_BACKEND (vitrine_remote_backend_get_type ())
G_DECLARE_FINAL_TYPE (VitrineRemoteBackend, vitrine_remote_backend, VITRINE, REMOTE_BACKEND, GObject)

/* Connects to the running guest. Ready when its screen has a picture, or has none at all. */
void vitrine_remote_backend_open_async (VitrineHostGuest *guest, GAsyncReadyCallback done, gpointer data);
VitrineRemoteBackend *vitrine_remote_backend_open_finish (GAsyncResult *result, GError **error);
VitrineRemoteScreen *vitrine_remote_backend_get_screen (VitrineRemoteBackend *self); /* borrowed; NULL: there is none */
void                  vitrine_remote_backend_close (VitrineRemoteBackend *self);
