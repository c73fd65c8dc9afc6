/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "undo-bar.h"

#include <glib/gi18n.h>

#define SECONDS 10
#define MARGIN  18

struct _VitrineUndoBar
{
  GtkRevealer parent_instance;

  GtkWidget *label, *button;
  guint      timeout;      /* 0: nothing can be taken back */
};

enum
{
  UNDO,
  GONE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineUndoBar, vitrine_undo_bar, GTK_TYPE_REVEALER)

static void
finish (VitrineUndoBar *self, guint signal)
{
  if (self->timeout == 0)
    return;
  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), FALSE);
  g_signal_emit (self, signals[signal], 0);
}

void
vitrine_undo_bar_end (VitrineUndoBar *self)
{
  finish (self, GONE);
}

static gboolean
too_late (gpointer data)
{
  finish (data, GONE);
  return G_SOURCE_CONTINUE;   /* removed by then */
}

static void
undo (VitrineUndoBar *self)
{
  finish (self, UNDO);
}

/* Not before it is on the screen: what is not realized cannot have the focus. */
static void
revealed (VitrineUndoBar *self)
{
  if (gtk_revealer_get_child_revealed (GTK_REVEALER (self)) && self->timeout != 0)
    gtk_widget_grab_focus (self->button);
}

void
vitrine_undo_bar_show (VitrineUndoBar *self, const char *words)
{
  vitrine_undo_bar_end (self);
  gtk_label_set_label (GTK_LABEL (self->label), words);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), TRUE);
  self->timeout = g_timeout_add_seconds (SECONDS, too_late, self);
}

static void
vitrine_undo_bar_dispose (GObject *object)
{
  g_clear_handle_id (&VITRINE_UNDO_BAR (object)->timeout, g_source_remove);
  G_OBJECT_CLASS (vitrine_undo_bar_parent_class)->dispose (object);
}

static void
vitrine_undo_bar_class_init (VitrineUndoBarClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_undo_bar_dispose;
  signals[UNDO] = g_signal_new ("undo", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[GONE] = g_signal_new ("gone", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
new_close_button (void)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("window-close-symbolic", GTK_ICON_SIZE_BUTTON);

  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  gtk_widget_set_tooltip_text (button, _("Close"));
  atk_object_set_name (gtk_widget_get_accessible (button), _("Close"));
  return button;
}

static void
vitrine_undo_bar_init (VitrineUndoBar *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 18), *close = new_close_button ();

  self->label = gtk_label_new (NULL);
  gtk_label_set_ellipsize (GTK_LABEL (self->label), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (self->label), 40);
  self->button = gtk_button_new_with_mnemonic (_("_Undo"));
  gtk_style_context_add_class (gtk_widget_get_style_context (box), "app-notification");
  gtk_style_context_add_class (gtk_widget_get_style_context (box), "undo-bar");
  gtk_container_add (GTK_CONTAINER (box), self->label);
  gtk_container_add (GTK_CONTAINER (box), self->button);
  gtk_container_add (GTK_CONTAINER (box), close);
  gtk_container_add (GTK_CONTAINER (self), box);
  gtk_revealer_set_transition_type (GTK_REVEALER (self), GTK_REVEALER_TRANSITION_TYPE_SLIDE_UP);
  g_object_set (self, "halign", GTK_ALIGN_CENTER, "valign", GTK_ALIGN_END, "margin-bottom", MARGIN, NULL);
  g_signal_connect (self, "notify::child-revealed", G_CALLBACK (revealed), NULL);
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (undo), self);
  g_signal_connect_swapped (close, "clicked", G_CALLBACK (vitrine_undo_bar_end), self);
}

GtkWidget *
vitrine_undo_bar_add_to (GtkOverlay *overlay)
{
  GtkWidget *self = g_object_new (VITRINE_TYPE_UNDO_BAR, NULL);

  gtk_widget_show_all (self);
  gtk_overlay_add_overlay (overlay, self);
  return self;
}
