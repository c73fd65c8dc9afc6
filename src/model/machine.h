/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine of the library: its definition, its folder, and the process that runs it, if any. Main thread only.
 * Every property notifies. It is a VitrineGuest: what the library window needs is there. */
#pragma once

#include "client.h"
#include "domain.h"
#include "state.h"

#define VITRINE_TYPE_MACHINE (vitrine_machine_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMachine, vitrine_machine, VITRINE, MACHINE, GObject)

/* @domain NULL: the definition cannot be read, @problem says why. Watches the folder from then on. */
VitrineMachine *vitrine_machine_new (const char *uuid, VitrineDomain *domain, const char *problem);

const char    *vitrine_machine_get_uuid (VitrineMachine *self);
const char    *vitrine_machine_get_title (VitrineMachine *self);
VitrineState   vitrine_machine_get_state (VitrineMachine *self);
const char    *vitrine_machine_get_message (VitrineMachine *self);     /* NULL when there is nothing to say */
VitrineDomain *vitrine_machine_get_domain (VitrineMachine *self);      /* borrowed; NULL when broken. Copy before changing */
char          *vitrine_machine_get_folder (VitrineMachine *self);
char          *vitrine_machine_get_log_path (VitrineMachine *self);
char          *vitrine_machine_get_thumbnail_path (VitrineMachine *self);
gboolean       vitrine_machine_is_suspended (VitrineMachine *self);    /* a saved state waits for the next start */

/* Writes a changed definition. The caller makes sure the machine is off when that matters. */
gboolean vitrine_machine_set_domain (VitrineMachine *self, VitrineDomain *domain, GError **error);
/* UEFI variables are kept in the machine's folder, unless the definition says where. */
void     vitrine_machine_place_nvram (VitrineDomain *domain);
void     vitrine_machine_reload (VitrineMachine *self);

/* Starts a process, or presents the window of the one that runs. Returns when the process is there, not the machine: the
 * state tells. */
gboolean vitrine_machine_start (VitrineMachine *self, GError **error);
/* "Pause", "Resume", "Reset", "PowerButton", "ForceOff", "Present". */
void     vitrine_machine_command_async (VitrineMachine *self, const char *command, GAsyncReadyCallback done,
                                        gpointer data);
/* Any method of Machine1 with its arguments. @fd: handle 0 of them, which stays the caller's; -1: none. Blocks. */
gboolean vitrine_machine_call_sync (VitrineMachine *self, const char *method, GVariant *arguments, int fd, GError **error);
/* A connection to its process, a new reference; NULL: it is not running. For calls in other threads. */
VitrineClient *vitrine_machine_dup_client (VitrineMachine *self);
/* How much of its memory a running machine's guest is asked to use, and has at most. FALSE: there is no balloon. Blocks. */
gboolean vitrine_machine_get_memory (VitrineMachine *self, guint64 *wanted_bytes, guint64 *most_bytes);
gboolean vitrine_machine_command_finish (VitrineMachine *self, GAsyncResult *result, GError **error);
void     vitrine_machine_dismiss_crash (VitrineMachine *self);
/* Throws the saved state away: the next start boots. */
gboolean vitrine_machine_discard_suspended (VitrineMachine *self, GError **error);
