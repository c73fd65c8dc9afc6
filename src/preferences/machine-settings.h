/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's settings: edits a copy of its definition, written when applied. Signal "move" (VitrineMachine *): the person
 * wants it on a host; the window is gone then. What only works while the machine is off is
 * insensitive while it runs. */
#pragma once

#include <handy.h>

#include "library.h"

#define VITRINE_TYPE_MACHINE_SETTINGS (vitrine_machine_settings_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMachineSettings, vitrine_machine_settings, VITRINE, MACHINE_SETTINGS, HdyWindow)

GtkWidget *vitrine_machine_settings_new (GtkWindow *parent, VitrineLibrary *library, VitrineMachine *machine);
