/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the machine window share. */
#pragma once

#include "clipboard.h"
#include "head-window.h"
#include "machine-window.h"
#include "outside.h"
#include "view.h"


struct _VitrineMachineWindow
{
  HdyApplicationWindow parent_instance;

  GtkWidget       *overlay, *header, *header_slot, *fullscreen_slot, *fullscreen_revealer, *fullscreen_image;
  GtkWidget       *switcher, *pages, *screen_overlay, *scroller, *notice_slot, *failed_page, *starting_label, *retry_button;
  GtkWidget       *starting_progress, *cancel_button;
  GtkWidget       *pause_button, *pause_image, *power_button, *keys_button, *menu_button, *fullscreen_button;
  GtkWidget       *record_button, *record_label, *capture_button, *capture_label, *files_button, *files_label;
  GtkWidget       *paused_revealer, *hint_revealer, *hint_label;
  GMenu           *function_keys, *displays_section, *extra_section, *capture_section, *files_section, *host_keys;
  AtkObject       *pause_accessible;
  VitrineScreen   *screen;

  VitrineBackend  *backend;
  VitrineDomain   *domain;
  VitrineSnapshots *snapshots;    /* NULL: none can be taken */
  GSettings       *settings;
  VitrineClipboard *clipboard;    /* NULL: not shared */
  VitrineRecording *recording;    /* NULL: nothing can be recorded */
  guint            record_timer;  /* while it is shown for how long */
  guint            capture_timer; /* while that is shown */
  gint64           capture_since; /* monotonic */
  guint            capture_card;  /* for which a file is being chosen */
  char            *capture_name;  /* of the file that was chosen here last; NULL: told already, or none */
  VitrineFileSender *sender;      /* NULL: no files can be sent from here */
  char            *files_obstacle;   /* as the menu says it */
  VitrineView     *view;
  GPtrArray       *consoles;      /* pages added to the stack */
  GtkWidget       *heads[VITRINE_MAX_HEADS];   /* windows of further monitors, from 1; NULL: closed */
  GtkEventController *motion;
  guint            hint_timeout, hide_timeout;
  gboolean         fullscreen;
  gboolean         sized;         /* the window has taken the guest's size once */
  gboolean         resize_guest;  /* the guest's monitor is the window */
};

/* machine-window.c */
gboolean vitrine_machine_window_is_alive (VitrineMachineWindow *self);
gboolean vitrine_machine_window_can (VitrineMachineWindow *self, VitrineBackendAbilities ability);
void     vitrine_machine_window_show_hint (VitrineMachineWindow *self, const char *words);   /* markup */
void     vitrine_machine_window_show_result (VitrineMachineWindow *self, gboolean ok, GError *error);
void     vitrine_machine_window_ask_to_suspend (gpointer data);

/* machine-window-actions.c */
void     vitrine_machine_window_add_actions (VitrineMachineWindow *self);
void     vitrine_machine_window_add_view_actions (VitrineMachineWindow *self);
void     vitrine_machine_window_update_actions (VitrineMachineWindow *self);

void     vitrine_machine_window_enable (VitrineMachineWindow *self, const char *name, gboolean enabled);
char    *vitrine_machine_window_propose_name (VitrineMachineWindow *self, const char *suffix);
void     vitrine_machine_window_choose_file (VitrineMachineWindow *self, VitrineOutsideKind kind, const char *name,
                                             GAsyncReadyCallback done);

/* machine-window-record.c */
void     vitrine_machine_window_record (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_stop_recording (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_update_recording (VitrineMachineWindow *self);

/* machine-window-capture.c */
void     vitrine_machine_window_capture (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_stop_capture (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_update_capture (VitrineMachineWindow *self);

/* machine-window-files.c */
void     vitrine_machine_window_send_files (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_cancel_files (GSimpleAction *action, GVariant *parameter, gpointer data);
void     vitrine_machine_window_update_files (VitrineMachineWindow *self);

/* machine-window-displays.c */
void     vitrine_machine_window_add_displays (VitrineMachineWindow *self);
void     vitrine_machine_window_remove_displays (VitrineMachineWindow *self);

/* machine-window-keys.c */
void     vitrine_machine_window_add_host_keys (VitrineMachineWindow *self);
void     vitrine_machine_window_apply_host_keys (VitrineMachineWindow *self);

/* machine-window-size.c */
void     vitrine_machine_window_resize_to_screen (VitrineMachineWindow *self);
void     vitrine_machine_window_guest_resized (VitrineMachineWindow *self);
void     vitrine_machine_window_begin_size (VitrineMachineWindow *self);
void     vitrine_machine_window_update_follow (VitrineMachineWindow *self);
void     vitrine_machine_window_settled (VitrineMachineWindow *self);
void     vitrine_machine_window_set_fullscreen (VitrineMachineWindow *self, gboolean fullscreen);
/* In fullscreen, the header comes back for a while. */
void     vitrine_machine_window_reveal_header (VitrineMachineWindow *self);
void     vitrine_machine_window_pointer_moved (VitrineMachineWindow *self, double x, double y);
