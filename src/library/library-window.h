/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library: every machine as a card, those of this computer and those of hosts; new, search, delete with undo. */
#pragma once

#include <handy.h>

#include "hosts.h"
#include "library.h"

#define VITRINE_TYPE_LIBRARY_WINDOW (vitrine_library_window_get_type ())
G_DECLARE_FINAL_TYPE (VitrineLibraryWindow, vitrine_library_window, VITRINE, LIBRARY_WINDOW, HdyApplicationWindow)

VitrineLibraryWindow *vitrine_library_window_new (GtkApplication *application, VitrineLibrary *library, VitrineHosts *hosts,
                                                  GSettings *settings);
void vitrine_library_window_new_machine (VitrineLibraryWindow *self);
/* The same, with an installer, disk image or definition already chosen. */
void vitrine_library_window_new_machine_from (VitrineLibraryWindow *self, GFile *file);
