/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine in the library. */
#include "machine-card.h"

#include <glib/gi18n.h>

#define RADIUS 9
#define THUMBNAIL_WIDTH 512    /* twice the size that is shown, for HiDPI */
#define THUMBNAIL_HEIGHT 320

struct _VitrineMachineCard
{
  GtkFlowBoxChild parent_instance;

  GtkWidget          *events, *picture, *big_icon, *title, *state, *menu_button;
  GtkWidget          *popover;      /* NULL: nobody has wanted the menu yet */
  GMenuModel         *menu;
  AtkObject          *menu_accessible;

  VitrineGuest       *guest;
  GBytes             *encoded;      /* what the thumbnail was made of */
  GdkPixbuf          *thumbnail;
  GCancellable       *loading;
  GSimpleActionGroup *actions;      /* NULL, as long as the popover is */
  GtkGesture         *secondary, *long_press;
};

static guint error_signal;

G_DEFINE_FINAL_TYPE (VitrineMachineCard, vitrine_machine_card, GTK_TYPE_FLOW_BOX_CHILD)

static void update (VitrineMachineCard *self);

VitrineGuest *
vitrine_machine_card_get_guest (VitrineMachineCard *self)
{
  return self->guest;
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
  VitrineState state = vitrine_guest_get_state (self->guest);

  return contains (vitrine_guest_get_title (self->guest), folded) || contains (vitrine_state_to_label (state), folded);
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
  VitrineState state = vitrine_guest_get_state (self->guest);

  return self->thumbnail != NULL && (vitrine_state_is_alive (state) || vitrine_guest_is_suspended (self->guest));
}

static void
draw_thumbnail (VitrineMachineCard *self, cairo_t *cr, double width, double height)
{
  double w = gdk_pixbuf_get_width (self->thumbnail), h = gdk_pixbuf_get_height (self->thumbnail);
  double scale = MIN (width / w, height / h);
  gboolean dimmed = vitrine_guest_get_state (self->guest) != VITRINE_STATE_RUNNING;

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

  vitrine_guest_seen (self->guest);
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
thumbnail_decoded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GdkPixbuf) pixbuf = gdk_pixbuf_new_from_stream_finish (result, NULL);

  if (pixbuf == NULL || self->guest == NULL)
    return;   /* a picture that is just being replaced; the next one comes */
  gboolean first = self->thumbnail == NULL;
  g_set_object (&self->thumbnail, pixbuf);
  if (first)
    update (self);   /* no icon over it from now on */
  gtk_widget_queue_draw (self->picture);
}

static void
thumbnail_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GBytes) bytes = vitrine_guest_load_thumbnail_finish (VITRINE_GUEST (source), result, NULL);

  if (bytes == NULL || self->guest == NULL)
    return;
  if (self->encoded != NULL && g_bytes_equal (self->encoded, bytes))
    {
      gtk_widget_queue_draw (self->picture);   /* whoever draws it says that it is seen */
      return;
    }
  g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);
  g_clear_pointer (&self->encoded, g_bytes_unref);
  self->encoded = g_steal_pointer (&bytes);
  gdk_pixbuf_new_from_stream_at_scale_async (stream, THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, TRUE, self->loading,
                                             thumbnail_decoded, g_object_ref (self));
}

static void
load_thumbnail (VitrineMachineCard *self)
{
  vitrine_guest_load_thumbnail_async (self->guest, self->loading, thumbnail_loaded, g_object_ref (self));
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static const char *
icon_for (VitrineMachineCard *self, VitrineState state)
{
  switch (state)
    {
    case VITRINE_STATE_OFF:
      return vitrine_guest_is_suspended (self->guest) ? "media-playback-start-symbolic"
                                                      : "org.vitrine.Vitrine-symbolic";
    case VITRINE_STATE_STARTING:
    case VITRINE_STATE_SUSPENDING:
    case VITRINE_STATE_BUSY:
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
update_actions (VitrineMachineCard *self, VitrineState state)
{
  static const struct
  {
    const char           *action;
    VitrineGuestAbilities ability;
  } needs[] = {
    { "start", VITRINE_GUEST_CAN_OPEN },          { "present", VITRINE_GUEST_CAN_OPEN },
    { "pause", VITRINE_GUEST_CAN_PAUSE },         { "resume", VITRINE_GUEST_CAN_RESUME },
    { "power-button", VITRINE_GUEST_CAN_POWER_BUTTON }, { "reset", VITRINE_GUEST_CAN_RESET },
    { "save", VITRINE_GUEST_CAN_SAVE },           { "force-off", VITRINE_GUEST_CAN_FORCE_OFF },
    { "discard", VITRINE_GUEST_CAN_DISCARD },     { "autostart", VITRINE_GUEST_CAN_AUTOSTART },
    { "settings", VITRINE_GUEST_CAN_SETTINGS },   { "edit-xml", VITRINE_GUEST_CAN_EDIT_XML },
    { "snapshots", VITRINE_GUEST_CAN_SNAPSHOTS }, { "log", VITRINE_GUEST_CAN_LOG },
    { "clone", VITRINE_GUEST_CAN_CLONE },         { "delete", VITRINE_GUEST_CAN_DELETE },
    { "devices", VITRINE_GUEST_CAN_DEVICES },     { "move", VITRINE_GUEST_CAN_MOVE },
    { "bring", VITRINE_GUEST_CAN_BRING },         { "migrate", VITRINE_GUEST_CAN_MIGRATE },
  };
  VitrineGuestAbilities abilities = vitrine_guest_get_abilities (self->guest);
  gboolean open = vitrine_state_has_process (state);

  if (self->actions == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
    {
      GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), needs[i].action);
      gboolean shown = g_str_equal (needs[i].action, "start")     ? !open
                       : g_str_equal (needs[i].action, "present") ? open
                                                                  : TRUE;
      g_simple_action_set_enabled (G_SIMPLE_ACTION (action), shown && (abilities & needs[i].ability) != 0);
    }
  GAction *autostart = g_action_map_lookup_action (G_ACTION_MAP (self->actions), "autostart");
  g_simple_action_set_state (G_SIMPLE_ACTION (autostart),
                             g_variant_new_boolean (vitrine_guest_get_autostart (self->guest)));
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
  VitrineState state = vitrine_guest_get_state (self->guest);
  const char *title = vitrine_guest_get_title (self->guest), *message = vitrine_guest_get_message (self->guest);
  const char *label = state == VITRINE_STATE_OFF && vitrine_guest_is_suspended (self->guest)
                          ? _("Suspended")
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
  g_signal_emit (self, error_signal, 0, error->message);
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineCard) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_guest_command_finish (VITRINE_GUEST (source), result, &error))
    report (self, error);
  if (self->guest != NULL)
    update (self);
}

static void
command (VitrineMachineCard *self, const char *name)
{
  vitrine_guest_command_async (self->guest, name, command_done, g_object_ref (self));
}

void
vitrine_machine_card_open (VitrineMachineCard *self)
{
  command (self, "Open");
}

static const struct
{
  const char *action, *command;
} commands[] = {
  { "start", "Open" },     { "present", "Open" },       { "pause", "Pause" },         { "resume", "Resume" },
  { "reset", "Reset" },    { "save", "Save" },          { "discard", "Discard" },     { "power-button", "PowerButton" },
  { "force-off", "ForceOff" },
};

static void
give_command (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].action, g_action_get_name (G_ACTION (action))))
      command (data, commands[i].command);
}

static void
autostart_changed (GSimpleAction *action, GVariant *value, gpointer data)
{
  command (data, g_variant_get_boolean (value) ? "Autostart" : "NoAutostart");
}

/* What a window does about the machine: the signal is called as the action. */
static void
ask (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_signal_emit_by_name (data, g_action_get_name (G_ACTION (action)));
}

static const GActionEntry actions[] = {
  { "start", give_command },
  { "present", give_command },
  { "pause", give_command },
  { "resume", give_command },
  { "power-button", give_command },
  { "reset", give_command },
  { "save", give_command },
  { "force-off", give_command },
  { "discard", give_command },
  { "autostart", NULL, NULL, "false", autostart_changed },
  { "settings", ask },
  { "edit-xml", ask },
  { "devices", ask },
  { "clone", ask },
  { "move", ask },
  { "bring", ask },
  { "migrate", ask },
  { "snapshots", ask },
  { "log", ask },
  { "delete", ask },
};

/* --- menu ------------------------------------------------------------------------------------------------------- */

static void
menu_closed (VitrineMachineCard *self)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->menu_button), FALSE);
}

static void
make_actions (VitrineMachineCard *self)
{
  if (self->actions != NULL)
    return;
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "card", G_ACTION_GROUP (self->actions));
  update_actions (self, vitrine_guest_get_state (self->guest));
}

/* A menu and its actions are most of what a card would cost, so they are made when somebody wants them. */
static void
menu_toggled (VitrineMachineCard *self)
{
  if (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->menu_button)))
    return;
  make_actions (self);
  if (self->popover == NULL)
    {
      self->popover = gtk_popover_new_from_model (self->menu_button, self->menu);
      g_object_add_weak_pointer (G_OBJECT (self->popover), (gpointer *) &self->popover);
      g_signal_connect_object (self->popover, "closed", G_CALLBACK (menu_closed), self, G_CONNECT_SWAPPED);
    }
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

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
      make_actions (self);
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

  if (self->guest != NULL)
    g_signal_handlers_disconnect_by_data (self->guest, self);
  if (self->popover != NULL)
    gtk_widget_destroy (self->popover);
  g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  g_clear_object (&self->guest);
  g_clear_object (&self->thumbnail);
  g_clear_pointer (&self->encoded, g_bytes_unref);
  g_clear_object (&self->actions);
  g_clear_object (&self->secondary);
  g_clear_object (&self->long_press);
  G_OBJECT_CLASS (vitrine_machine_card_parent_class)->dispose (object);
}

static void
vitrine_machine_card_class_init (VitrineMachineCardClass *klass)
{
  static const char *const asks[]
      = { "settings", "snapshots", "clone", "move", "bring", "migrate", "edit-xml", "devices", "log", "delete" };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_machine_card_dispose;
  widget_class->popup_menu = vitrine_machine_card_popup_menu;
  widget_class->key_press_event = vitrine_machine_card_key;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/cards/machine-card.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, events);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, picture);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, big_icon);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, title);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, state);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, menu_button);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, menu);
  gtk_widget_class_bind_template_child (widget_class, VitrineMachineCard, menu_accessible);
  error_signal = g_signal_new ("error", VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 1, G_TYPE_STRING);
  for (guint i = 0; i < G_N_ELEMENTS (asks); i++)
    g_signal_new (asks[i], VITRINE_TYPE_MACHINE_CARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_machine_card_init (VitrineMachineCard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->loading = g_cancellable_new ();
  g_signal_connect (self->picture, "draw", G_CALLBACK (draw_picture), self);
  g_signal_connect_swapped (self->menu_button, "toggled", G_CALLBACK (menu_toggled), self);
  self->secondary = gtk_gesture_multi_press_new (self->events);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (self->secondary), GDK_BUTTON_SECONDARY);
  g_signal_connect_swapped (self->secondary, "pressed", G_CALLBACK (pop_up), self);
  self->long_press = gtk_gesture_long_press_new (self->events);
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (self->long_press), TRUE);
  g_signal_connect_swapped (self->long_press, "pressed", G_CALLBACK (pop_up), self);
}

GtkWidget *
vitrine_machine_card_new (VitrineGuest *guest)
{
  VitrineMachineCard *self = g_object_new (VITRINE_TYPE_MACHINE_CARD, NULL);

  self->guest = g_object_ref (guest);
  g_signal_connect_swapped (guest, "notify", G_CALLBACK (update), self);
  g_signal_connect_swapped (guest, "thumbnail-changed", G_CALLBACK (load_thumbnail), self);
  load_thumbnail (self);
  update (self);
  return GTK_WIDGET (self);
}
