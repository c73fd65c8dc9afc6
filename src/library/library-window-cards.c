/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's own machines: what their cards ask for, and that one has crashed. */
#include "library-window-private.h"

#include <glib/gi18n.h>

#include "clone-dialog.h"
#include "machine-card.h"
#include "machine-settings.h"
#include "move-window.h"
#include "notice.h"
#include "snapshots-dialog.h"

/* --- crashes ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineLibraryWindow *window;
  VitrineMachine       *machine;
} Crash;

static void
restart_crashed (gpointer data)
{
  Crash *crash = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_machine_start (crash->machine, &error))
    vitrine_library_window_show_error (crash->window, error->message);
}

static void
show_crash (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Restart"), restart_crashed, NULL }, { NULL } };
  g_autofree char *words = g_strdup_printf ("“%s”: %s", vitrine_machine_get_title (machine),
                                            vitrine_machine_get_message (machine));
  Crash *crash = g_new0 (Crash, 1);

  crash->window = self;
  crash->machine = g_object_ref (machine);
  g_object_set_data_full (G_OBJECT (self), "vitrine-crash", crash, g_free);
  g_object_set_data_full (G_OBJECT (self), "vitrine-crashed-machine", crash->machine, g_object_unref);
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, words, buttons, crash);
}

static void
state_changed (VitrineLibraryWindow *self, GParamSpec *pspec, VitrineMachine *machine)
{
  if (vitrine_machine_get_state (machine) == VITRINE_STATE_CRASHED)
    show_crash (self, machine);
}

/* --- cards ------------------------------------------------------------------------------------------------------ */

/* It runs on the host: undone as any deletion. */
static void
remove_moved (VitrineMachine *machine, gpointer data)
{
  vitrine_library_window_delete_machine (data, machine);
}

static void
move_machine (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  VitrineMove *move = vitrine_move_new_to_host (machine);

  gtk_window_present (GTK_WINDOW (vitrine_move_window_new (GTK_WINDOW (self), move, self->hosts, remove_moved, self)));
}

void
vitrine_library_window_show_settings (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  GtkWidget *settings = vitrine_machine_settings_new (GTK_WINDOW (self), self->library, machine);

  g_signal_connect_object (settings, "move", G_CALLBACK (move_machine), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (settings));
}

static VitrineMachine *
card_machine (VitrineMachineCard *card)
{
  return VITRINE_MACHINE (vitrine_machine_card_get_guest (card));   /* this grid has no others */
}

static void
card_snapshots (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  gtk_window_present (GTK_WINDOW (vitrine_snapshots_dialog_new (GTK_WINDOW (self), card_machine (card))));
}

static void
card_clone (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  vitrine_clone_dialog_run (GTK_WINDOW (self), self->library, card_machine (card));
}

static void
card_move (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  move_machine (self, card_machine (card));
}

static void
card_settings (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  vitrine_library_window_show_settings (self, card_machine (card));
}

static void
card_log (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  g_autofree char *path = vitrine_machine_get_log_path (card_machine (card));
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autoptr(GError) error = NULL;

  if (gtk_show_uri_on_window (GTK_WINDOW (self), uri, gtk_get_current_event_time (), &error))
    return;
  g_autofree char *words = g_strdup_printf (_("The log cannot be shown (%s). It is the file “%s”."), error->message, path);
  vitrine_library_window_show_error (self, words);
}

typedef struct
{
  VitrineLibraryWindow *window;
  VitrineMachine       *machine;
} Deletion;

static gboolean
delete_now (gpointer data)
{
  Deletion *deletion = data;

  if (deletion->window->library != NULL)
    vitrine_library_window_delete_machine (deletion->window, deletion->machine);
  g_object_unref (deletion->window);
  g_object_unref (deletion->machine);
  g_free (deletion);
  return G_SOURCE_REMOVE;
}

/* Later: the card must not go while it still handles the key or the menu that asked for it. */
static void
card_delete (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  Deletion *deletion = g_new0 (Deletion, 1);

  deletion->window = g_object_ref (self);
  deletion->machine = g_object_ref (card_machine (card));
  g_idle_add (delete_now, deletion);
}

GtkWidget *
vitrine_library_window_new_card (gpointer item, gpointer data)
{
  VitrineLibraryWindow *self = data;
  GtkWidget *card = vitrine_machine_card_new (item);

  g_signal_connect_object (card, "error", G_CALLBACK (vitrine_library_window_show_error), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "snapshots", G_CALLBACK (card_snapshots), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "clone", G_CALLBACK (card_clone), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "move", G_CALLBACK (card_move), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "settings", G_CALLBACK (card_settings), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "log", G_CALLBACK (card_log), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "delete", G_CALLBACK (card_delete), self, G_CONNECT_SWAPPED);
  g_signal_handlers_disconnect_by_func (item, state_changed, self);   /* a card may be made anew for the same machine */
  g_signal_connect_object (item, "notify::state", G_CALLBACK (state_changed), self, G_CONNECT_SWAPPED);
  return card;
}
