/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the library's window share. */
#pragma once

#include "library-window.h"

struct _VitrineLibraryWindow
{
  HdyApplicationWindow parent_instance;

  GtkWidget      *pages, *grid, *search_bar, *search_entry, *notice_slot, *menu_button;
  GtkWidget      *overlay, *undo_bar, *local_title, *sections, *spinner;

  VitrineLibrary *library;
  VitrineHosts   *hosts;
  GSettings      *settings;
  gboolean        loaded;
  char           *deleted;        /* UUID that can still be brought back */
  VitrineHost    *removed;        /* the same */
};

/* library-window.c */
void       vitrine_library_window_show_error (VitrineLibraryWindow *self, const char *message);

/* library-window-undo.c */
void       vitrine_library_window_add_undo_bar (VitrineLibraryWindow *self);
void       vitrine_library_window_delete_machine (VitrineLibraryWindow *self, VitrineMachine *machine);
void       vitrine_library_window_remove_host (VitrineLibraryWindow *self, VitrineHost *host);
/* Nobody can bring these back any more. @uuid NULL: all that was deleted. */
void       vitrine_library_window_purge (VitrineLibraryWindow *self, const char *uuid);
/* The same for what could be brought back until now, at once: the window closes. */
void       vitrine_library_window_end_undo (VitrineLibraryWindow *self);

/* library-window-cards.c */
GtkWidget *vitrine_library_window_new_card (gpointer item, gpointer data);   /* for gtk_flow_box_bind_model() */
void       vitrine_library_window_show_settings (VitrineLibraryWindow *self, VitrineMachine *machine);

/* library-window-import.c */
void       vitrine_library_window_import (GSimpleAction *action, GVariant *parameter, gpointer data);
void       vitrine_library_window_take_drops (VitrineLibraryWindow *self);
