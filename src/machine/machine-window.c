/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of one running machine. */
#include "machine-window.h"

#include <glib/gi18n.h>

#include "console-page.h"
#include "machine-window-private.h"
#include "notice.h"
#include "performance-page.h"
#include "snapshots-page.h"

#define HINT_SECONDS 5

enum
{
  RETRY,
  SUSPEND,
  GO_BACK,
  CANCEL,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineMachineWindow, vitrine_machine_window, HDY_TYPE_APPLICATION_WINDOW)

gboolean
vitrine_machine_window_is_alive (VitrineMachineWindow *self)
{
  return self->backend != NULL && vitrine_state_is_alive (vitrine_backend_get_state (self->backend));
}

gboolean
vitrine_machine_window_can (VitrineMachineWindow *self, VitrineBackendAbilities ability)
{
  return self->backend != NULL && (vitrine_backend_get_abilities (self->backend) & ability) != 0;
}

/* --- hint ------------------------------------------------------------------------------------------------------- */

static gboolean
hide_hint (gpointer data)
{
  VitrineMachineWindow *self = data;

  self->hint_timeout = 0;
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->hint_revealer), FALSE);
  return G_SOURCE_REMOVE;
}

void
vitrine_machine_window_show_hint (VitrineMachineWindow *self, const char *words)
{
  gtk_label_set_markup (GTK_LABEL (self->hint_label), words);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->hint_revealer), TRUE);
  g_clear_handle_id (&self->hint_timeout, g_source_remove);
  self->hint_timeout = g_timeout_add_seconds (HINT_SECONDS, hide_hint, self);
}

static void
drop_hint (VitrineMachineWindow *self)
{
  g_clear_handle_id (&self->hint_timeout, g_source_remove);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->hint_revealer), FALSE);
}

/* A page that stands for the machine has no screen to click, and has buttons where the hint would be. */
static gboolean
shows_machine (VitrineMachineWindow *self)
{
  static const char *const others[] = { "starting", "failed", NULL };

  return !g_strv_contains (others, gtk_stack_get_visible_child_name (GTK_STACK (self->pages)));
}

static void
capture_changed (VitrineMachineWindow *self)
{
  if (vitrine_screen_is_captured (self->screen))
    vitrine_machine_window_show_hint (self, _("Keys go to the machine. Press <b>Ctrl+Alt</b> to get them back."));
  else if (vitrine_machine_window_is_alive (self) && shows_machine (self))
    vitrine_machine_window_show_hint (self, _("Keys are yours again. Click the screen or press <b>Enter</b> on it to return."));
}

/* --- notices ---------------------------------------------------------------------------------------------------- */

void
vitrine_machine_window_show_error (VitrineMachineWindow *self, const char *message)
{
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, message, NULL);
}

void
vitrine_machine_window_show_result (VitrineMachineWindow *self, gboolean ok, GError *error)
{
  if (!ok)
    vitrine_machine_window_show_error (self, error->message);
}

static void
close_shut_down (gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_backend_power_button (self->backend);
  vitrine_machine_window_show_hint (self, _("The machine has been asked to shut down."));
}

static void
close_force_off (gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_backend_force_off (self->backend);
}

void
vitrine_machine_window_ask_to_suspend (gpointer data)
{
  VitrineMachineWindow *self = data;

  g_signal_emit (self, signals[SUSPEND], 0);
}

static gboolean
vitrine_machine_window_delete (GtkWidget *widget, GdkEventAny *event)
{
  static const VitrineNoticeButton buttons[] = {
    { N_("_Suspend"), vitrine_machine_window_ask_to_suspend, NULL },
    { N_("Shut _Down"), close_shut_down, NULL },
    { N_("_Force Off"), close_force_off, "destructive-action" },
    { NULL },
  };
  VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW (widget);

  if (gtk_widget_is_visible (self->cancel_button))      /* what it is busy with needs no window, until it fails */
    {
      gtk_widget_hide (widget);
      return GDK_EVENT_STOP;
    }
  if (!vitrine_machine_window_is_alive (self) || !vitrine_machine_window_can (self, VITRINE_BACKEND_IS_PROCESS))
    return GDK_EVENT_PROPAGATE;
  vitrine_screen_release (self->screen);
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_QUESTION,
                            _("The machine is still running. What should happen to it?"), buttons, self);
  return GDK_EVENT_STOP;
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static void
update_pause (VitrineMachineWindow *self, gboolean paused)
{
  const char *name = paused ? _("Resume") : _("Pause");

  gtk_image_set_from_icon_name (GTK_IMAGE (self->pause_image),
                                paused ? "media-playback-start-symbolic" : "media-playback-pause-symbolic",
                                GTK_ICON_SIZE_BUTTON);
  gtk_widget_set_tooltip_text (self->pause_button, paused ? _("Resume the machine") : _("Pause the machine"));
  atk_object_set_name (self->pause_accessible, name);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->paused_revealer), paused);
  gtk_widget_set_visible (self->paused_revealer, paused);
}

static void
cancel (VitrineMachineWindow *self)
{
  gtk_widget_set_sensitive (self->cancel_button, FALSE);
  g_signal_emit (self, signals[CANCEL], 0);
}

static void
retry (gpointer data)
{
  g_signal_emit (data, signals[RETRY], 0);
}

static void
resume (gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_backend_resume (self->backend);
}

static void
show_died (VitrineMachineWindow *self, const char *message)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Restart"), retry, NULL }, { NULL } };
  g_autofree char *words = g_strdup_printf (_("The machine has stopped: %s"), message != NULL ? message : _("no reason given."));

  vitrine_screen_release (self->screen);
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, words, buttons, self);
}

static void
show_blocked (VitrineMachineWindow *self, const char *message)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Continue"), resume, NULL }, { NULL } };

  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_WARNING,
                            message != NULL ? message : _("The machine waits for something."), buttons, self);
}

static void
backend_changed (VitrineMachineWindow *self)
{
  VitrineState state = vitrine_backend_get_state (self->backend);
  const char *message = vitrine_backend_get_message (self->backend);

  vitrine_machine_window_update_actions (self);
  update_pause (self, state == VITRINE_STATE_PAUSED);
  if (state == VITRINE_STATE_DIED)
    show_died (self, message);
  else if (state == VITRINE_STATE_BLOCKED)
    show_blocked (self, message);
  else
    vitrine_notice_clear (GTK_BOX (self->notice_slot));
}

static gboolean
vitrine_machine_window_state (GtkWidget *widget, GdkEventWindowState *event)
{
  vitrine_machine_window_set_fullscreen (VITRINE_MACHINE_WINDOW (widget),
                                         (event->new_window_state & GDK_WINDOW_STATE_FULLSCREEN) != 0);
  return GTK_WIDGET_CLASS (vitrine_machine_window_parent_class)->window_state_event (widget, event);
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static gboolean
vitrine_machine_window_key (GtkWidget *widget, GdkEventKey *event)
{
  VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW (widget);
  GtkWidgetClass *parent = GTK_WIDGET_CLASS (vitrine_machine_window_parent_class);

  if (vitrine_screen_take_window_key (self->screen, event))
    return GDK_EVENT_STOP;
  return event->type == GDK_KEY_PRESS ? parent->key_press_event (widget, event) : parent->key_release_event (widget, event);
}

/* --- backend ---------------------------------------------------------------------------------------------------- */

static void
go_back (VitrineMachineWindow *self, const char *name)
{
  g_signal_emit (self, signals[GO_BACK], 0, name);
}

static void
add_snapshots (VitrineMachineWindow *self)
{
  GtkWidget *page = vitrine_snapshots_page_add_to (GTK_STACK (self->pages), self->snapshots, self->backend);

  g_signal_connect_swapped (page, "go-back", G_CALLBACK (go_back), self);
  g_ptr_array_add (self->consoles, page);
}

static void
add_pages (VitrineMachineWindow *self)
{
  guint n = vitrine_backend_get_n_consoles (self->backend);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("console-%u", i);
      g_autofree char *title = n == 1 ? g_strdup (_("Serial Console")) : g_strdup_printf (_("Serial Console %u"), i + 1);
      GtkWidget *page = vitrine_console_page_new (self->backend, i, title);
      gtk_widget_show (page);
      gtk_stack_add_titled (GTK_STACK (self->pages), page, name, title);
      gtk_container_child_set (GTK_CONTAINER (self->pages), page, "icon-name", "utilities-terminal-symbolic", NULL);
      g_ptr_array_add (self->consoles, page);
    }
  if (self->snapshots != NULL)
    add_snapshots (self);
  g_ptr_array_add (self->consoles, vitrine_performance_page_add_to (GTK_STACK (self->pages), self->backend));
}

static void
detach (VitrineMachineWindow *self)
{
  for (guint i = 0; i < self->consoles->len; i++)
    gtk_widget_destroy (self->consoles->pdata[i]);
  g_ptr_array_set_size (self->consoles, 0);
  vitrine_screen_set_backend (self->screen, NULL, 0);
  vitrine_machine_window_remove_displays (self);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_clear_object (&self->backend);
  self->sized = FALSE;
}

/* The view switcher shows every visible child of the stack, so those pages that are no views are hidden while unused. */
static void
show_page (VitrineMachineWindow *self, const char *name)
{
  static const char *const others[] = { "screen", "starting", "failed" };
  GtkStack *stack = GTK_STACK (self->pages);

  gtk_widget_show (gtk_stack_get_child_by_name (stack, name));
  gtk_stack_set_visible_child_name (stack, name);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    gtk_widget_set_visible (gtk_stack_get_child_by_name (stack, others[i]), g_str_equal (others[i], name));
  if (!shows_machine (self))
    drop_hint (self);
}

/* Icons only: the switcher's buttons have their titles in tooltips, not in names. */
static void
name_button (GtkWidget *button, gpointer unused)
{
  g_autofree char *title = gtk_widget_get_tooltip_text (button);

  if (title != NULL)
    atk_object_set_name (gtk_widget_get_accessible (button), title);
}

static void
attach (VitrineMachineWindow *self, VitrineBackend *backend)
{
  gboolean display = vitrine_backend_get_n_heads (backend) > 0;

  self->backend = g_object_ref (backend);
  add_pages (self);
  show_page (self, "screen");
  if (!display && self->consoles->len > 0)   /* a machine without a screen is its consoles */
    {
      gtk_stack_set_visible_child (GTK_STACK (self->pages), self->consoles->pdata[0]);
      gtk_widget_hide (self->screen_overlay);
    }
  gtk_widget_set_visible (self->switcher, display + self->consoles->len > 1);
  gtk_container_foreach (GTK_CONTAINER (self->switcher), name_button, NULL);
  vitrine_screen_set_backend (self->screen, backend, 0);
  vitrine_machine_window_add_displays (self);
  g_signal_connect_swapped (backend, "changed", G_CALLBACK (backend_changed), self);
  g_signal_connect_swapped (backend, "capture-changed", G_CALLBACK (vitrine_machine_window_update_capture), self);
  backend_changed (self);
  if (display)
    vitrine_screen_capture (self->screen, FALSE);
}

void
vitrine_machine_window_set_agent (VitrineMachineWindow *self, VitrineAgent *agent)
{
  g_clear_pointer (&self->clipboard, vitrine_clipboard_free);
  if (agent != NULL)
    self->clipboard = vitrine_clipboard_new (GTK_WINDOW (self), agent);
}

void
vitrine_machine_window_set_extra_menu (VitrineMachineWindow *self, GMenuModel *menu)
{
  g_menu_remove_all (self->extra_section);
  if (menu != NULL)
    g_menu_append_section (self->extra_section, NULL, menu);
}

void
vitrine_machine_window_set_snapshots (VitrineMachineWindow *self, VitrineSnapshots *snapshots)
{
  g_set_object (&self->snapshots, snapshots);
}

void
vitrine_machine_window_set_backend (VitrineMachineWindow *self, VitrineBackend *backend)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  detach (self);
  if (backend != NULL)
    attach (self, backend);
  else
    vitrine_machine_window_set_busy (self, _("Starting…"));
  vitrine_machine_window_update_actions (self);
}

void
vitrine_machine_window_set_failed (VitrineMachineWindow *self, const char *message)
{
  vitrine_machine_window_set_stopped (self, _("The Machine Did Not Start"), message, _("_Try Again"));
}

void
vitrine_machine_window_set_stopped (VitrineMachineWindow *self, const char *title, const char *message, const char *button)
{
  AtkObject *accessible = gtk_widget_get_accessible (self->failed_page);   /* libhandy leaves it empty */

  detach (self);
  hdy_status_page_set_title (HDY_STATUS_PAGE (self->failed_page), title);
  hdy_status_page_set_description (HDY_STATUS_PAGE (self->failed_page), message);
  gtk_button_set_label (GTK_BUTTON (self->retry_button), button);
  atk_object_set_role (accessible, ATK_ROLE_ALERT);
  atk_object_set_name (accessible, title);
  atk_object_set_description (accessible, message != NULL ? message : "");
  gtk_widget_hide (self->switcher);
  show_page (self, "failed");
  vitrine_machine_window_update_actions (self);
  gtk_widget_grab_focus (self->retry_button);
}

void
vitrine_machine_window_set_busy (VitrineMachineWindow *self, const char *words)
{
  gtk_label_set_label (GTK_LABEL (self->starting_label), words);
  gtk_widget_hide (self->starting_progress);
  gtk_widget_hide (self->cancel_button);
  gtk_widget_hide (self->switcher);
  show_page (self, "starting");
}

void
vitrine_machine_window_set_progress (VitrineMachineWindow *self, double fraction)
{
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->starting_progress), fraction);
  if (gtk_widget_get_visible (self->cancel_button))
    return;
  gtk_widget_show (self->starting_progress);
  gtk_widget_show (self->cancel_button);
  gtk_widget_set_sensitive (self->cancel_button, TRUE);
  gtk_widget_grab_focus (self->cancel_button);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
fill_function_keys (VitrineMachineWindow *self)
{
  for (guint i = 1; i <= 12; i++)
    {
      g_autofree char *label = g_strdup_printf ("Ctrl+Alt+F%u", i);
      g_autofree char *target = g_strdup_printf ("ctrl-alt-f%u", i);
      g_autoptr(GMenuItem) item = g_menu_item_new (label, NULL);
      g_menu_item_set_action_and_target (item, "win.send-keys", "s", target);
      g_menu_append_item (self->function_keys, item);
    }
}

static void
vitrine_machine_window_dispose (GObject *object)
{
  VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW (object);

  g_clear_handle_id (&self->hint_timeout, g_source_remove);
  g_clear_handle_id (&self->hide_timeout, g_source_remove);
  g_clear_handle_id (&self->record_timer, g_source_remove);
  g_clear_handle_id (&self->capture_timer, g_source_remove);
  g_clear_pointer (&self->capture_name, g_free);
  g_clear_pointer (&self->clipboard, vitrine_clipboard_free);
  if (self->view != NULL)
    vitrine_machine_window_remove_displays (self);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_clear_object (&self->backend);
  g_clear_object (&self->motion);
  g_clear_object (&self->domain);
  g_clear_object (&self->snapshots);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->view, vitrine_view_free);
  g_clear_object (&self->recording);
  g_clear_object (&self->sender);
  g_clear_pointer (&self->files_obstacle, g_free);
  g_clear_pointer (&self->consoles, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_machine_window_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineMachineWindow, name)
  BIND (overlay);
  BIND (header);
  BIND (header_slot);
  BIND (fullscreen_slot);
  BIND (fullscreen_revealer);
  BIND (fullscreen_image);
  BIND (fullscreen_button);
  BIND (switcher);
  BIND (pages);
  BIND (screen_overlay);
  BIND (scroller);
  BIND (notice_slot);
  BIND (failed_page);
  BIND (starting_label);
  BIND (retry_button);
  BIND (starting_progress);
  BIND (cancel_button);
  BIND (pause_button);
  BIND (pause_image);
  BIND (pause_accessible);
  BIND (power_button);
  BIND (keys_button);
  BIND (menu_button);
  BIND (record_button);
  BIND (record_label);
  BIND (capture_button);
  BIND (capture_label);
  BIND (files_button);
  BIND (files_label);
  BIND (paused_revealer);
  BIND (hint_revealer);
  BIND (hint_label);
  BIND (function_keys);
  BIND (displays_section);
  BIND (extra_section);
  BIND (capture_section);
  BIND (files_section);
  BIND (host_keys);
#undef BIND
}

static void
vitrine_machine_window_class_init (VitrineMachineWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_machine_window_dispose;
  widget_class->delete_event = vitrine_machine_window_delete;
  widget_class->key_press_event = vitrine_machine_window_key;
  widget_class->key_release_event = vitrine_machine_window_key;
  widget_class->window_state_event = vitrine_machine_window_state;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/machine/machine-window.ui");
  bind_children (widget_class);
  signals[RETRY] = g_signal_new ("retry", VITRINE_TYPE_MACHINE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SUSPEND] = g_signal_new ("suspend", VITRINE_TYPE_MACHINE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                   0);
  signals[CANCEL] = g_signal_new ("cancel", VITRINE_TYPE_MACHINE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[GO_BACK] = g_signal_new ("go-back", VITRINE_TYPE_MACHINE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                   G_TYPE_STRING);
}

static void
vitrine_machine_window_init (VitrineMachineWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->consoles = g_ptr_array_new ();
  gtk_container_add (GTK_CONTAINER (self->header_slot), self->header);
  self->screen = VITRINE_SCREEN (vitrine_screen_new ());
  gtk_widget_show (GTK_WIDGET (self->screen));
  gtk_container_add (GTK_CONTAINER (self->scroller), GTK_WIDGET (self->screen));
  vitrine_machine_window_add_actions (self);
  fill_function_keys (self);
  self->motion = gtk_event_controller_motion_new (GTK_WIDGET (self));
  gtk_event_controller_set_propagation_phase (self->motion, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (self->motion, "motion", G_CALLBACK (vitrine_machine_window_pointer_moved), self);
  g_signal_connect_swapped (self->screen, "capture-changed", G_CALLBACK (capture_changed), self);
  g_signal_connect_swapped (self->screen, "guest-resized", G_CALLBACK (vitrine_machine_window_guest_resized), self);
  g_signal_connect_swapped (self->screen, "settled", G_CALLBACK (vitrine_machine_window_settled), self);
  g_signal_connect_swapped (self->notice_slot, "add", G_CALLBACK (vitrine_machine_window_update_follow), self);
  g_signal_connect_data (self->notice_slot, "remove", G_CALLBACK (vitrine_machine_window_update_follow), self, NULL,
                         G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_swapped (self->retry_button, "clicked", G_CALLBACK (retry), self);
  g_signal_connect_swapped (self->cancel_button, "clicked", G_CALLBACK (cancel), self);
}

VitrineMachineWindow *
vitrine_machine_window_new (GtkApplication *application, VitrineDomain *domain, GSettings *settings, const char *view_path)
{
  VitrineMachineWindow *self = g_object_new (VITRINE_TYPE_MACHINE_WINDOW, "application", application, NULL);
  g_autofree char *title = vitrine_domain_get_title (domain);

  self->domain = g_object_ref (domain);
  self->settings = g_object_ref (settings);
  self->view = vitrine_view_new (view_path);
  gtk_window_set_title (GTK_WINDOW (self), title);
  hdy_header_bar_set_title (HDY_HEADER_BAR (self->header), title);
  vitrine_screen_bind_settings (self->screen, settings);
  vitrine_machine_window_add_view_actions (self);
  vitrine_machine_window_add_host_keys (self);
  vitrine_machine_window_begin_size (self);
  vitrine_machine_window_set_busy (self, _("Starting…"));
  vitrine_machine_window_update_actions (self);
  return self;
}
