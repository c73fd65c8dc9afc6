/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several verbs need: the library, and the machine that a word names. */
#pragma once

#include "client.h"
#include "library.h"

/* NULL after an error that has been printed. */
VitrineLibrary *vitrine_ctl_open_library (void);
/* @library keeps the machine. */
VitrineMachine *vitrine_ctl_find (VitrineLibrary *library, const char *words);
/* Has it a process? */
gboolean        vitrine_ctl_is_running (VitrineMachine *machine);
/* A connection to the machine that @words names, or whose --control socket @words is: a path with a "/". NULL after an error that
 * has been printed. */
VitrineClient  *vitrine_ctl_connect (const char *words);
/* A new machine in the library: prints its UUID. 0, or 1 and a message. */
int             vitrine_ctl_store (VitrineLibrary *library, VitrineDomain *domain);
/* One D-Bus call without an answer; takes a floating @arguments. 0, or 1 and a message. */
int             vitrine_ctl_call_client (VitrineClient *client, const char *method, GVariant *arguments);
/* The same to the machine of that name. */
int             vitrine_ctl_call (const char *words, const char *method, GVariant *arguments);
/* Of VitrineSnapshot, one a line; @current may be NULL. */
void            vitrine_ctl_print_snapshots (GPtrArray *all, const char *current);
