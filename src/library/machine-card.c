/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine in the library. */
#include "machine-card.h"

#include <glib/gi18n.h>

#define RADIUS 9

struct _VitrineMachineCard
{
  GtkFlowBoxChild parent_instance;

  GtkWidget          *events, *picture, *big_icon, *title, *state, *menu_button;
  AtkObject          *menu_accessible;

  VitrineMachine     *machine;
  GdkPixbuf          *thumbnail;
  GCancellable       *loading;
  GSimpleActionGroup *actions;
  GtkGesture         *secondary, *long_press;
};

enum
{
  ERROR,
  SETTINGS,
  SNAPSHOTS,
  DELETE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineMachineCard, vitrine_machine_card, GTK_TYPE_FLOW_BOX_CHILD)

VitrineMachine *
vitrine_machine_card_get_machine (VitrineMachineCard *self)
{
  return self->machine;
}

static gboolean
contains (const char *text, const char *folded_words)
{
  g_autofree char *folded = g_utf8_casefold (text, -1);

  return strstr (folded, folded_words) != NULL;
}

gboolean
vitrine_machine_card_matches (VitrineMachineCard *self, const char *words)
{
  g_autofree char *folded = g_utf8_casefold (words, -1);
  VitrineState state = vitrine_machine_get_state (self->machine);

  return contains (vitrine_machine_get_title (self->machine), folded) || contains (vitrine_state_to_label (state), folded);
}

/* --- picture ---------------------------------------------------------------------------------------------------- */

static void
rounded_rectangle (cairo_t *cr, double width, double height)
{
  cairo_new_sub_path (cr);
  cairo_arc (cr, width - RADIUS, RADIUS, RADIUS, -G_PI / 2, 0);
  cairo_arc (cr, width - RADIUS, height - RADIUS, RADIUS, 0, G_PI / 2);
  cairo_arc (cr, RADIUS, height - RADIUS, RADIUS, G_PI / 2, G_PI);
  cairo_arc (cr, RADIUS, RADIUS, RADIUS, G_PI, 3 * G_PI / 2);
  cairo_close_path (cr);
}

static gboolean
shows_thumbnail (VitrineMachineCard *self)
{
  VitrineState state = vitrine_machine_get_state (self->machine);

  return self->thumbnail != NULL && (vitrine_state_is_alive (state) || vitrine_machine_is_suspended (self->machine));
}

static void
draw_thumbnail (VitrineMachineCard *self, cairo_t *cr, double width, double height)
{
  double w = gdk_pixbuf_get_width (self->thumbnail), h = gdk_pixbuf_get_height (self->thumbnail);
  double scale = MIN (width / w, height / h);
  gboolean dimmed = vitrine_machine_get_state (self->machine) != VITRINE_STATE_RUNNING;

  cairo_translate (cr, (width - w * scale) / 2, (height - h * scale) / 2);
  cairo_scale (cr, scale, scale);
  gdk_cairo_set_source_pixbuf (cr, self->thumbnail, 0, 0);
  cairo_paint_with_alpha (cr, dimmed ? 0.45 : 1);
}

static gboolean
draw_picture (GtkWidget *picture, cairo_t *cr, gpointer data)
{
  VitrineMachineCard *self = data;
  double width = gtk_widget_get_allocated_width (picture), height = gtk_widget_get_allocated_height (picture);
  cairo_pattern_t *ground = cairo_pattern_create_linear (0, 0, 0, height);

  cairo_pattern_add_color_stop_rgb (ground, 0, 0.20, 0.20, 0.24);
  cairo_pattern_add_color_stop_rgb (ground, 1, 0.11, 0.11, 0.14);
  rounded_rectangle (cr, width, height);
  cairo_clip (cr);
  if (shows_thumbnail (self))
    {
      cairo_set_source_rgb (cr, 0, 0, 0);
      cairo_paint (cr);
      draw_thumbnail (self, cr, width, height);
    }
  else
    {
      cairo_set_source (cr, ground);
      cairo_paint (cr);
    }
  cairo_pattern_destroy (ground);
  return GDK_EVENT_PROPAGATE;
}

static void
thumbnail_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GdkPixbuf) pixbuf = gdk_pixbuf_new_from_stream_finish (result, &error);

  if (pixbuf == NULL || self->machine == NULL)
    return;   /* a picture that is just being replaced; the next one comes */
  g_set_object (&self->thumbnail, pixbuf);
  gtk_widget_queue_draw (self->picture);
}

static void
thumbnail_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, NULL);

  if (stream != NULL && self->machine != NULL)
    gdk_pixbuf_new_from_stream_async (G_INPUT_STREAM (stream), self->loading, thumbnail_loaded, g_object_ref (self));
}

static void
load_thumbnail (VitrineMachineCard *self)
{
  g_autofree char *path = vitrine_machine_get_thumbnail_path (self->machine);
  g_autoptr(GFile) file = g_file_new_for_path (path);

  g_file_read_async (file, G_PRIORITY_LOW, self->loading, thumbnail_opened, g_object_ref (self));
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static const char *
icon_for (VitrineMachineCard *self, VitrineState state)
{
  switch (state)
    {
    case VITRINE_STATE_OFF:
      return vitrine_machine_is_suspended (self->machine) ? "media-playback-start-symbolic" : "org.vitrine.Vitrine-symbolic";
    case VITRINE_STATE_STARTING:
      return "content-loading-symbolic";
    case VITRINE_STATE_RUNNING:
      return self->thumbnail != NULL ? NULL : "video-display-symbolic";
    case VITRINE_STATE_PAUSED:
      return "media-playback-pause-symbolic";
    case VITRINE_STATE_BLOCKED:
    case VITRINE_STATE_FAILED:
    case VITRINE_STATE_DIED:
    case VITRINE_STATE_CRASHED:
    case VITRINE_STATE_BROKEN:
      return "dialog-warning-symbolic";
    }
  return NULL;
}

static void
enable (VitrineMachineCard *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
update_actions (VitrineMachineCard *self, VitrineState state)
{
  gboolean process = vitrine_state_has_process (state), alive = vitrine_state_is_alive (state);

  enable (self, "start", !process && state != VITRINE_STATE_BROKEN);
  enable (self, "present", process);
  enable (self, "pause", state == VITRINE_STATE_RUNNING);
  enable (self, "resume", state == VITRINE_STATE_PAUSED);
  enable (self, "power-button", alive);
  enable (self, "force-off", alive);
  enable (self, "settings", state != VITRINE_STATE_BROKEN);
  enable (self, "snapshots", !process && state != VITRINE_STATE_BROKEN);
  enable (self, "discard", !process && vitrine_machine_is_suspended (self->machine));
  enable (self, "delete", !process);
}

static void
set_state_class (GtkWidget *widget, const char *wanted)
{
  static const char *const classes[] = { "success", "warning", "error", "dim-label" };
  GtkStyleContext *context = gtk_widget_get_style_context (widget);

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    gtk_style_context_remove_class (context, classes[i]);
  gtk_style_context_add_class (context, wanted);
}

static void
update (VitrineMachineCard *self)
{
  VitrineState state = vitrine_machine_get_state (self->machine);
  const char *title = vitrine_machine_get_title (self->machine), *message = vitrine_machine_get_message (self->machine);
  const char *label = state == VITRINE_STATE_OFF && vitrine_machine_is_suspended (self->machine) ? _("Suspended")
                                                                                                 : vitrine_state_to_label (state);
  g_autofree char *spoken = g_strdup_printf (_("%s, %s"), title, label);
  g_autofree char *menu_name = g_strdup_printf (_("Actions for %s"), title);

  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_label_set_label (GTK_LABEL (self->state), label);
  set_state_class (self->state, state == VITRINE_STATE_RUNNING                                     ? "success"
                                : state == VITRINE_STATE_CRASHED || state == VITRINE_STATE_BROKEN
                                    || state == VITRINE_STATE_FAILED || state == VITRINE_STATE_DIED ? "error"
                                : state == VITRINE_STATE_BLOCKED                                   ? "warning"
                                                                                                   : "dim-label");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), message);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->big_icon), icon_for (self, state), GTK_ICON_SIZE_DIALOG);
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self)), spoken);
  atk_object_set_description (gtk_widget_get_accessible (GTK_WIDGET (self)), message != NULL ? message : "");
  atk_object_set_name (self->menu_accessible, menu_name);
  update_actions (self, state);
  gtk_widget_queue_draw (self->picture);
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
report (VitrineMachineCard *self, const GError *error)
{
  g_signal_emit (self, signals[ERROR], 0, error->message);
}

void
vitrine_machine_card_open (VitrineMachineCard *self)
{
  g_autoptr(GError) error = NULL;

  if (!vitrine_machine_start (self->machine, &error))
    report (self, error);
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_machine_command_finish (VITRINE_MACHINE (source), result, &error))
    report (self, error);
}

static void
command (VitrineMachineCard *self, const char *name)
{
  vitrine_machine_command_async (self->machine, name, command_done, g_object_ref (self));
}

static void
action_start (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_card_open (data);
}

static void
action_pause (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  command (data, "Pause");
}

static void
action_resume (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  command (data, "Resume");
}

static void
action_power_button (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  command (data, "PowerButton");
}

static void
action_force_off (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  command (data, "ForceOff");
}

static void
action_settings (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_signal_emit (data, signals[SETTINGS], 0);
}

static void
action_snapshots (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_signal_emit (data, signals[SNAPSHOTS], 0);
}

static void
action_discard (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineCard *self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_machine_discard_suspended (self->machine, &error))
    report (self, error);
  update (self);
}

static void
action_log (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineCard *self = data;
  g_autofree char *path = vitrine_machine_get_log_path (self->machine);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  GtkWidget *toplevel = gtk_widget_get_toplevel (GTK_WIDGET (self));
  g_autoptr(GError) error = NULL;

  if (!gtk_show_uri_on_window (GTK_WINDOW (toplevel), uri, gtk_get_current_event_time (), &error))
    {
      g_autofree char *words = g_strdup_printf (_("The log cannot be shown (%s). It is the file “%s”."), error->message, path);
      g_signal_emit (self, signals[ERROR], 0, words);
    }
}

static void
action_delete (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_signal_emit (data, signals[DELETE], 0);
}

static const GActionEntry actions[] = {
  { "start", action_start },
  { "present", action_start },
  { "pause", action_pause },
  { "resume", action_resume },
  { "power-button", action_power_button },
  { "force-off", action_force_off },
  { "settings", action_settings },
  { "snapshots", action_snapshots },
  { "discard", action_discard },
  { "log", action_log },
  { "delete", action_delete },
};

/* --- menu ------------------------------------------------------------------------------------------------------- */

static void
pop_up (VitrineMachineCard *self)
{
  gtk_button_clicked (GTK_BUTTON (self->menu_button));
}

static gboolean
vitrine_machine_card_popup_menu (GtkWidget *widget)
{
  pop_up (VITRINE_MACHINE_CARD (widget));
  return TRUE;
}

static gboolean
vitrine_machine_card_key (GtkWidget *widget, GdkEventKey *event)
{
  VitrineMachineCard *self = VITRINE_MACHINE_CARD (widget);

  if (event->keyval == GDK_KEY_Delete && gtk_widget_has_focus (widget))
    {
      g_action_group_activate_action (G_ACTION_GROUP (self->actions), "delete", NULL);
      return GDK_EVENT_STOP;
    }
  return GTK_WIDGET_CLASS (vitrine_machine_card_parent_class)->key_press_event (widget, event);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_machine_card_dispose (GObject *object)
{
  VitrineMachineCard *self = VITRINE_MACHINE_CARD (object);

  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (self->machine, self);
  g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  g_clear_object (&self->machine);
  g_clear_object (&self->thumbnail);
  g_clear_object (&self->actions);
  g_clear_object (&self->secondary);
  g_clear_object (&self->long_press);
  G_OBJECT_CLASS (vitrine_machine_card_parent_class)->dispose (object);
}

static void
vitrine_machine_card_class_init (VitrineMachineCardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_machine_card_dispose;
  widget_class->popup_menu = vitrine_machine_card_popup_menu;
  widget_class->key_press_event = vitrine_machine_card_key;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/library/machine-card.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, events);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, picture);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, big_icon);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, title);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, state);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, menu_button);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, menu_accessible);
  signals[ERROR] = g_signal_new ("error", VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                 G_TYPE_STRING);
  signals[SETTINGS] = g_signal_new ("settings", VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 0);
  signals[SNAPSHOTS] = g_signal_new ("snapshots", VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                     G_TYPE_NONE, 0);
  signals[DELETE] = g_signal_new ("delete", VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_machine_card_init (VitrineMachineCard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->loading = g_cancellable_new ();
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "card", G_ACTION_GROUP (self->actions));
  g_signal_connect (self->picture, "draw", G_CALLBACK (draw_picture), self);
  self->secondary = gtk_gesture_multi_press_new (self->events);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (self->secondary), GDK_BUTTON_SECONDARY);
  g_signal_connect_swapped (self->secondary, "pressed", G_CALLBACK (pop_up), self);
  self->long_press = gtk_gesture_long_press_new (self->events);
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (self->long_press), TRUE);
  g_signal_connect_swapped (self->long_press, "pressed", G_CALLBACK (pop_up), self);
}

GtkWidget *
vitrine_machine_card_new (VitrineMachine *machine)
{
  VitrineMachineCard *self = g_object_new (VITRINE_TYPE_MACHINE_CARD, NULL);

  self->machine = g_object_ref (machine);
  g_signal_connect_swapped (machine, "notify", G_CALLBACK (update), self);
  g_signal_connect_swapped (machine, "thumbnail-changed", G_CALLBACK (load_thumbnail), self);
  load_thumbnail (self);
  update (self);
  return GTK_WIDGET (self);
}
