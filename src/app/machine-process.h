/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a `vitrine --machine=UUID` process does: holds the machine's lock, serves it, builds it, shows its window, keeps its
 * thumbnail fresh, and leaves tidily. */
#pragma once

#include "application.h"

#define VITRINE_TYPE_MACHINE_PROCESS (vitrine_machine_process_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMachineProcess, vitrine_machine_process, VITRINE, MACHINE_PROCESS, GObject)

VitrineMachineProcess *vitrine_machine_process_new (GtkApplication *application, GSettings *settings,
                                                    VitrineOpenBackend open);
/* 0, also when the machine runs already and its window has been presented; 1 after an error on standard error. */
int  vitrine_machine_process_start (VitrineMachineProcess *self, const char *uuid);
void vitrine_machine_process_end (VitrineMachineProcess *self);
