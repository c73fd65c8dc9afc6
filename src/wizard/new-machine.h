/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New machine: what it starts from, what it is, a summary; then it is created and, if wanted, started.
 * Signal: "error" (sentence): the machine was made, but did not start; the window goes. */
#pragma once

#include <handy.h>

#include "library.h"

#define VITRINE_TYPE_NEW_MACHINE (vitrine_new_machine_get_type ())
G_DECLARE_FINAL_TYPE (VitrineNewMachine, vitrine_new_machine, VITRINE, NEW_MACHINE, HdyWindow)

/* @path: an image to start with, or NULL. */
GtkWidget *vitrine_new_machine_new (GtkWindow *parent, VitrineLibrary *library, const char *path);
