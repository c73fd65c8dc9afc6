/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Type Text…". Layouts are listed as the X keyboard extension lists them: rules/evdev.lst, "! layout". */
#include "type-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "type-text.h"

#define LIST "/usr/share/X11/xkb/rules/evdev.lst"
#define LAYOUT "keyboard-layout"

struct _VitrineTypeDialog
{
  GtkDialog parent_instance;

  GtkWidget      *entry, *hide, *enter, *layout, *problem;
  VitrineBackend *backend;
  VitrineView    *view;      /* borrowed */
};

G_DEFINE_FINAL_TYPE (VitrineTypeDialog, vitrine_type_dialog, GTK_TYPE_DIALOG)

/* "  de              German" */
static void
add_layout (VitrineTypeDialog *self, char *line)
{
  g_strstrip (line);
  char *name = line + strcspn (line, " \t");

  if (*line == '\0' || *name == '\0')
    return;
  *name++ = '\0';
  g_strstrip (name);
  if (!g_str_equal (line, "custom"))
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->layout), line, name);
}

static void
fill_layouts (VitrineTypeDialog *self)
{
  g_autofree char *list = NULL, *remembered = vitrine_view_get_word (self->view, LAYOUT);
  gboolean inside = FALSE;

  if (!g_file_get_contents (LIST, &list, NULL, NULL))
    list = g_strdup ("! layout\n us English (US)\n");
  g_auto(GStrv) lines = g_strsplit (list, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line == '!')
      inside = g_str_has_prefix (*line, "! layout");
    else if (inside)
      add_layout (self, *line);
  if (remembered == NULL || !gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->layout), remembered))
    gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->layout), "us");
}

static gboolean
type (VitrineTypeDialog *self, GError **error)
{
  const char *layout = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->layout));
  gboolean secret = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->hide));
  g_autofree char *text = g_strconcat (gtk_entry_get_text (GTK_ENTRY (self->entry)),
                                       gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->enter)) ? "\n" : "", NULL);
  g_autofree char *keys = vitrine_type_text_to_keys (text, layout, secret, error);

  vitrine_view_set_word (self->view, LAYOUT, layout);
  return keys != NULL && vitrine_backend_send_keys (self->backend, keys, error);
}

static void
vitrine_type_dialog_response (GtkDialog *dialog, int response)
{
  VitrineTypeDialog *self = VITRINE_TYPE_DIALOG (dialog);
  g_autoptr(GError) error = NULL;

  if (response != GTK_RESPONSE_OK || type (self, &error))
    {
      gtk_widget_destroy (GTK_WIDGET (self));
      return;
    }
  gtk_label_set_label (GTK_LABEL (self->problem), error->message);
  gtk_widget_show (self->problem);
  gtk_widget_grab_focus (self->entry);
}

static void
update (VitrineTypeDialog *self)
{
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self), GTK_RESPONSE_OK,
                                     gtk_entry_get_text_length (GTK_ENTRY (self->entry)) > 0);
  gtk_widget_hide (self->problem);
}

static void
vitrine_type_dialog_dispose (GObject *object)
{
  g_clear_object (&VITRINE_TYPE_DIALOG (object)->backend);
  G_OBJECT_CLASS (vitrine_type_dialog_parent_class)->dispose (object);
}

static void
vitrine_type_dialog_class_init (VitrineTypeDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_type_dialog_dispose;
  GTK_DIALOG_CLASS (klass)->response = vitrine_type_dialog_response;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/machine/type-dialog.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineTypeDialog, name)
  BIND (entry);
  BIND (hide);
  BIND (enter);
  BIND (layout);
  BIND (problem);
#undef BIND
}

static void
vitrine_type_dialog_init (VitrineTypeDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_object_bind_property (self->hide, "active", self->entry, "visibility", G_BINDING_SYNC_CREATE | G_BINDING_INVERT_BOOLEAN);
  g_signal_connect_swapped (self->entry, "changed", G_CALLBACK (update), self);
}

void
vitrine_type_dialog_show (GtkWindow *parent, VitrineBackend *backend, VitrineView *view)
{
  VitrineTypeDialog *self =
    g_object_new (VITRINE_TYPE_TYPE_DIALOG, "transient-for", parent, "use-header-bar", TRUE, NULL);
  GtkWidget *button;

  self->backend = g_object_ref (backend);
  self->view = view;
  gtk_dialog_add_button (GTK_DIALOG (self), _("_Cancel"), GTK_RESPONSE_CANCEL);
  button = gtk_dialog_add_button (GTK_DIALOG (self), _("T_ype"), GTK_RESPONSE_OK);
  gtk_style_context_add_class (gtk_widget_get_style_context (button), "suggested-action");
  gtk_dialog_set_default_response (GTK_DIALOG (self), GTK_RESPONSE_OK);
  fill_layouts (self);
  update (self);
  gtk_window_present (GTK_WINDOW (self));
}
