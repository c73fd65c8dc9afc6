/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of one running machine: screen, serial consoles, and what a person can do to it.
 * Signals: "retry" () to build and start the machine again; "suspend" () to save and end it; "go-back" (name) to a snapshot;
 * "cancel" () what it is busy with. All are the process's work. */
#pragma once

#include <handy.h>

#include "backend.h"
#include "domain.h"
#include "screen.h"
#include "agent.h"
#include "file-sender.h"
#include "recording.h"
#include "snapshots.h"

#define VITRINE_TYPE_MACHINE_WINDOW (vitrine_machine_window_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMachineWindow, vitrine_machine_window, VITRINE, MACHINE_WINDOW, HdyApplicationWindow)

/* @settings: org.vitrine.Vitrine. @view_path: where it is kept how the window was left. Shows "Starting…" until there is a backend. */
VitrineMachineWindow *vitrine_machine_window_new (GtkApplication *application, VitrineDomain *domain, GSettings *settings,
                                                  const char *view_path);
/* Further entries of the menu, whose actions are the window's; NULL: none. */
/* For dialogs of other processes; 0: none. */
gulong vitrine_machine_window_get_xid (VitrineMachineWindow *self);
void vitrine_machine_window_set_extra_menu (VitrineMachineWindow *self, GMenuModel *menu);
/* Before the machine runs: it begins with monitors that match this window. */
void vitrine_machine_window_plug_in (VitrineMachineWindow *self, VitrineBackend *backend);
/* Who shares the guest's clipboard; NULL: nobody. */
void vitrine_machine_window_set_agent (VitrineMachineWindow *self, VitrineAgent *agent);
/* Who records the screen; shown while it does. Once. */
void vitrine_machine_window_set_recording (VitrineMachineWindow *self, VitrineRecording *recording);
/* Who sends files to the guest, from the menu or dropped onto the screen; shown while it does. Once. */
void vitrine_machine_window_set_file_sender (VitrineMachineWindow *self, VitrineFileSender *sender);
/* Those that the next backend gets a page for. */
void vitrine_machine_window_set_snapshots (VitrineMachineWindow *self, VitrineSnapshots *snapshots);
void vitrine_machine_window_set_backend (VitrineMachineWindow *self, VitrineBackend *backend);   /* NULL: starting again */
/* The machine could not be built or restored. */
void vitrine_machine_window_set_failed (VitrineMachineWindow *self, const char *message);
/* The same with other words; @message may be NULL; @button has a mnemonic, and a click on it emits "retry". */
void vitrine_machine_window_set_stopped (VitrineMachineWindow *self, const char *title, const char *message, const char *button);
void vitrine_machine_window_set_busy (VitrineMachineWindow *self, const char *words);            /* "Connecting…" */
/* How far that is, from 0 to 1, with a button that emits "cancel". */
void vitrine_machine_window_set_progress (VitrineMachineWindow *self, double fraction);
/* Something that did not work, while the machine goes on. */
void vitrine_machine_window_show_error (VitrineMachineWindow *self, const char *message);
