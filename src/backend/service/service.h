/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The far end: offers a machine of this process as org.vitrine.Machine1 on its socket, to the same user only.
 * Signals: "present" () when someone asks for the window; "suspend" (GDBusMethodInvocation *call) when someone asks to have a machine
 * that is alive suspended, which the handler answers; "card-came" (GVariant *card, int device) when a network card with these words
 * came on that TAP device (which stays the caller's); "card-went" (const char *mac) when a card has been removed. */
#pragma once

#include "backend.h"
#include "file-keeper.h"
#include "recording-keeper.h"
#include "snapshot-keeper.h"

#define VITRINE_SERVICE_OBJECT "/org/vitrine/Machine1"

#define VITRINE_TYPE_SERVICE (vitrine_service_get_type ())
G_DECLARE_FINAL_TYPE (VitrineService, vitrine_service, VITRINE, SERVICE, GObject)

/* Listens at once; state is "starting" until there is a backend. The socket's folder must be there, the socket must not:
 * whoever knows that a socket is a dead one (by the machine's run lock) removes it before. @uuid: "" for a machine without. */
VitrineService *vitrine_service_new (const char *socket_path, const char *uuid, const char *title, GError **error);
/* NULL: starting again. */
void            vitrine_service_set_backend (VitrineService *self, VitrineBackend *backend);
/* Lets go of the backend, whose state is being written. */
void            vitrine_service_set_suspending (VitrineService *self);
/* Without one there are no snapshots. @keeper outlives the service. */
void            vitrine_service_set_keeper (VitrineService *self, const VitrineSnapshotKeeper *functions, gpointer keeper);
/* Without one nothing can be recorded. @keeper outlives the service. */
void            vitrine_service_set_recording_keeper (VitrineService *self, const VitrineRecordingKeeper *functions, gpointer keeper);
/* Without one nothing can be sent to the guest. @keeper outlives the service. */
void            vitrine_service_set_file_keeper (VitrineService *self, const VitrineFileKeeper *functions, gpointer keeper);
/* The machine could not be built. */
void            vitrine_service_set_failed (VitrineService *self, const char *message);
/* Tells clients the final state, then removes the socket. */
void            vitrine_service_stop (VitrineService *self);
