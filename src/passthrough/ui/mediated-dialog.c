/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog's flow: what is wanted is reviewed, done, and the list read again. */
#include "mediated-dialog.h"

#include <glib/gi18n.h>

#include "ap-wizard.h"
#include "choice-rows.h"
#include "code-box.h"
#include "mediated-dialog-private.h"
#include "notice.h"
#include "page-window.h"
#include "rows.h"

G_DEFINE_FINAL_TYPE (VitrineMediatedDialog, vitrine_mediated_dialog, HDY_TYPE_WINDOW)

static void load (VitrineMediatedDialog *self);

static gboolean
on_page (VitrineMediatedDialog *self, const char *name)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (GTK_STACK (self->pages)), name) == 0;
}

static void
show_error (VitrineMediatedDialog *self, const GError *error)
{
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

static void
validate (VitrineMediatedDialog *self)
{
  gboolean missing = gtk_widget_get_visible (self->needed_row) && !gtk_switch_get_active (GTK_SWITCH (self->needed));

  gtk_widget_set_sensitive (self->next_button, !self->working && !missing);
}

static void
set_working (VitrineMediatedDialog *self, gboolean working)
{
  self->working = working;
  g_object_set (self->spinner, "active", working, NULL);
  gtk_widget_set_sensitive (self->pages, !working);
  gtk_widget_set_sensitive (self->back_button, !working);
  validate (self);
}

static void
go_to (VitrineMediatedDialog *self, const char *page)
{
  gboolean review = g_str_equal (page, "review");

  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
  gtk_button_set_label (GTK_BUTTON (self->back_button), review ? _("_Back") : _("_Close"));
  gtk_widget_set_visible (self->next_button, review);
  validate (self);
  if (review)
    gtk_widget_grab_focus (self->next_button);
  else
    gtk_widget_child_focus (self->pages, GTK_DIR_TAB_FORWARD);
}

/* --- giving and taking, which only changes the machine ----------------------------------------------------------- */

/* The lists again, as machine and host are now. */
static void
after_change (VitrineMediatedDialog *self, gboolean ok, const GError *error)
{
  if (self->mediated == NULL)
    return;
  set_working (self, FALSE);
  if (ok)
    load (self);
  else
    show_error (self, error);
}

static void
machine_changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMediatedDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_mediated_finish (VITRINE_TARGET (source), result, &error);

  after_change (self, ok, error);
}

static gboolean
is_live (VitrineMediatedDialog *self)
{
  return gtk_widget_get_visible (self->live_row) && gtk_switch_get_active (GTK_SWITCH (self->live));
}

static const char *
model_of (VitrineMediatedDialog *self, const char *uuid)
{
  const VitrineMdevDevice *device = vitrine_mdevs_find_device (vitrine_mediated_get_mdevs (self->mediated), uuid);

  return device != NULL ? device->api : NULL;
}

void
vitrine_mediated_dialog_give (VitrineMediatedDialog *self, const char *uuid)
{
  const char *model = model_of (self, uuid);
  gboolean display = g_strcmp0 (model, "vfio-pci") == 0 && gtk_switch_get_active (GTK_SWITCH (self->display));
  const VitrineHostdev hostdev = { .kind = VITRINE_HOSTDEV_MDEV,
                                   .id = (char *) uuid,
                                   .model = (char *) model,
                                   .display = display,
                                   .ramfb = display };

  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  if (model == NULL)
    {
      vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR,
                           _("The host does not say of which kind the device is: it cannot be given."), NULL);
      return;
    }
  set_working (self, TRUE);
  vitrine_target_give_mediated_async (self->target, &hostdev, is_live (self), machine_changed, g_object_ref (self));
}

void
vitrine_mediated_dialog_take (VitrineMediatedDialog *self, const char *uuid)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  set_working (self, TRUE);
  vitrine_target_take_mediated_async (self->target, uuid, is_live (self), machine_changed, g_object_ref (self));
}

static void
wizard_closed (VitrineMediatedDialog *self)
{
  if (self->mediated != NULL)
    load (self);
}

/* It reads by itself, into a source of its own: what this dialog shows stays as it is meanwhile. */
void
vitrine_mediated_dialog_choose_queues (VitrineMediatedDialog *self)
{
  g_autoptr(VitrineMediated) mediated = vitrine_mediated_new (vitrine_target_get_host (self->target));
  GtkWidget *wizard = vitrine_ap_wizard_new (GTK_WINDOW (self), mediated, self->target);

  g_signal_connect_object (wizard, "destroy", G_CALLBACK (wizard_closed), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (wizard));
}

/* --- what changes the host --------------------------------------------------------------------------------------- */

/* What is asked for in the button; what is asked of the person. */
static const struct
{
  const char *button, *sentence;
  gboolean    destroys;
} verbs[] = {
  [VITRINE_MEDIATED_CREATE] = { N_("_Make"), N_("A new mediated device is made, which can be given to a machine.") },
  [VITRINE_MEDIATED_REMOVE]
  = { N_("_Remove"),
      N_("The mediated device is removed. A machine that has it in its definition does not start any more."), TRUE },
  [VITRINE_MEDIATED_REMOVE_MATRIX]
  = { N_("_Remove"),
      N_("The crypto queues are removed. A machine that has them in its definition does not start any more."), TRUE },
  [VITRINE_MEDIATED_TAKE_CHANNEL]
  = { N_("_Take"), N_("The host does not see the device any more: vfio_ccw has it, for guests.") },
  [VITRINE_MEDIATED_GIVE_BACK_CHANNEL]
  = { N_("_Give Back"),
      N_("The host’s own driver has the device again. It stays offline until the host sets it online.") },
};

static void
steps_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMediatedDialog) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = vitrine_mediated_preview_finish (VITRINE_MEDIATED (source), result, &error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    vitrine_code_box_set_text (VITRINE_CODE_BOX (self->steps), text != NULL ? text : error->message);
}

/* Those that are being read are not those of what is reviewed now. */
static void
forget_steps (VitrineMediatedDialog *self)
{
  g_cancellable_cancel (self->previewing);
  g_clear_object (&self->previewing);
}

static void
fill_steps (VitrineMediatedDialog *self)
{
  VitrineMediatedChange change = self->change;

  if (self->mediated == NULL)
    return;   /* being built */
  change.confirmed = TRUE;   /* to be looked at */
  change.give_back = gtk_switch_get_active (GTK_SWITCH (self->give_back));
  forget_steps (self);
  self->previewing = g_cancellable_new ();
  vitrine_mediated_preview_async (self->mediated, &change, self->previewing, steps_read, g_object_ref (self));
}

static void
show_sentences (VitrineMediatedDialog *self, const char *needed)
{
  g_autoptr(GList) old = gtk_container_get_children (GTK_CONTAINER (self->review_group));

  for (GList *at = old; at != NULL; at = at->next)
    gtk_widget_destroy (at->data);
  gtk_container_add (GTK_CONTAINER (self->review_group),
                     vitrine_sentence_row_new (NULL, _(verbs[self->change.verb].sentence)));
  if (needed != NULL)
    gtk_container_add (GTK_CONTAINER (self->review_group),
                       vitrine_sentence_row_new ("dialog-warning-symbolic", needed));
}

/* Why the host cannot do without it; NULL. */
static const char *
find_need (VitrineMediatedDialog *self)
{
  const VitrineCcwSubchannel *channel
    = self->change.verb == VITRINE_MEDIATED_TAKE_CHANNEL
        ? vitrine_ccw_find (vitrine_mediated_get_channels (self->mediated), self->channel)
        : NULL;

  return channel != NULL ? channel->needed : NULL;
}

static void
remember (VitrineMediatedDialog *self, VitrineMediatedVerb verb, const char *id, const char *type)
{
  gboolean create = verb == VITRINE_MEDIATED_CREATE;
  gboolean channel = verb == VITRINE_MEDIATED_TAKE_CHANNEL || verb == VITRINE_MEDIATED_GIVE_BACK_CHANNEL;

  g_free (self->uuid);
  g_free (self->parent);
  g_free (self->type);
  g_free (self->channel);
  self->uuid = create ? g_uuid_string_random () : channel ? NULL : g_strdup (id);
  self->parent = create ? g_strdup (id) : NULL;
  self->channel = channel ? g_strdup (id) : NULL;
  self->type = g_strdup (type);
  if (verb == VITRINE_MEDIATED_REMOVE && g_strcmp0 (type, VITRINE_AP_TYPE) == 0)
    verb = VITRINE_MEDIATED_REMOVE_MATRIX;
  self->change = (VitrineMediatedChange){
    .verb = verb, .uuid = self->uuid, .parent = self->parent, .type = self->type, .channel = self->channel
  };
}

static void
dress_button (GtkWidget *button, VitrineMediatedVerb verb)
{
  GtkStyleContext *style = gtk_widget_get_style_context (button);

  gtk_button_set_label (GTK_BUTTON (button), _(verbs[verb].button));
  gtk_style_context_remove_class (style, verbs[verb].destroys ? "suggested-action" : "destructive-action");
  gtk_style_context_add_class (style, verbs[verb].destroys ? "destructive-action" : "suggested-action");
}

void
vitrine_mediated_dialog_review (VitrineMediatedDialog *self, VitrineMediatedVerb verb, const char *id, const char *type)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  remember (self, verb, id, type);
  const char *needed = find_need (self);
  show_sentences (self, needed);
  gtk_widget_set_visible (self->give_back_row, self->change.verb == VITRINE_MEDIATED_REMOVE_MATRIX
                                                   && vitrine_mediated_is_local (self->mediated));
  gtk_widget_set_visible (self->needed_row, needed != NULL);
  gtk_switch_set_active (GTK_SWITCH (self->needed), FALSE);
  dress_button (self->next_button, self->change.verb);
  fill_steps (self);
  go_to (self, "review");
}

static void
host_changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMediatedDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_mediated_apply_finish (VITRINE_MEDIATED (source), result, &error);

  after_change (self, ok, error);
}

static void
next_clicked (VitrineMediatedDialog *self)
{
  self->change.confirmed = gtk_switch_get_active (GTK_SWITCH (self->needed));
  self->change.give_back = gtk_switch_get_active (GTK_SWITCH (self->give_back));
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  set_working (self, TRUE);
  vitrine_mediated_apply_async (self->mediated, &self->change, host_changed, g_object_ref (self));
}

static void
back_clicked (VitrineMediatedDialog *self)
{
  if (on_page (self, "review"))
    load (self);   /* the host may be another by now */
  else
    gtk_window_close (GTK_WINDOW (self));
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void
host_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMediatedDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_mediated_read_finish (VITRINE_MEDIATED (source), result, &error);

  if (self->mediated == NULL)
    return;
  set_working (self, FALSE);
  if (!ok)
    {
      show_error (self, error);
      return;
    }
  vitrine_mediated_dialog_fill_list (self);
  go_to (self, "list");
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMediatedDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_load_finish (VITRINE_TARGET (source), result, &error);

  if (self->mediated == NULL)
    return;
  if (ok)
    {
      vitrine_mediated_read_async (self->mediated, host_read, g_object_ref (self));
      return;
    }
  set_working (self, FALSE);
  show_error (self, error);
}

static void
load (VitrineMediatedDialog *self)
{
  set_working (self, TRUE);
  vitrine_target_load_definition_async (self->target, definition_read, g_object_ref (self));
}

/* --- object ------------------------------------------------------------------------------------------------------ */

static void
vitrine_mediated_dialog_dispose (GObject *object)
{
  VitrineMediatedDialog *self = VITRINE_MEDIATED_DIALOG (object);

  g_clear_object (&self->mediated);
  g_clear_object (&self->target);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->uuid, g_free);
  g_clear_pointer (&self->parent, g_free);
  g_clear_pointer (&self->type, g_free);
  g_clear_pointer (&self->channel, g_free);
  forget_steps (self);
  G_OBJECT_CLASS (vitrine_mediated_dialog_parent_class)->dispose (object);
}

static void
vitrine_mediated_dialog_class_init (VitrineMediatedDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_mediated_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/passthrough/mediated-dialog.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineMediatedDialog, name)
  BIND (header);
  BIND (back_button);
  BIND (next_button);
  BIND (spinner);
  BIND (notice_slot);
  BIND (pages);
  BIND (device_group);
  BIND (how_group);
  BIND (type_group);
  BIND (channel_group);
  BIND (review_group);
  BIND (consent_group);
  BIND (steps_group);
#undef BIND
}

static void
vitrine_mediated_dialog_init (VitrineMediatedDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  vitrine_window_close_by_escape (GTK_WIDGET (self), &self->working);
  self->rows = g_ptr_array_new ();
  vitrine_mediated_dialog_build_list (self);
  self->give_back_row = vitrine_row_new_switch (_("The host _gets the queues back"),
                                                _("As far as no other guest needs them reserved"), &self->give_back);
  self->needed_row = vitrine_row_new_switch (_("The host may _lose that"), NULL, &self->needed);
  gtk_switch_set_active (GTK_SWITCH (self->give_back), TRUE);
  gtk_container_add (GTK_CONTAINER (self->consent_group), self->give_back_row);
  gtk_container_add (GTK_CONTAINER (self->consent_group), self->needed_row);
  self->steps = vitrine_code_box_new (_("The _steps, as commands"), _("Co_py"));
  gtk_container_add (GTK_CONTAINER (self->steps_group), self->steps);
  gtk_window_set_default (GTK_WINDOW (self), self->next_button);
  g_signal_connect_swapped (self->next_button, "clicked", G_CALLBACK (next_clicked), self);
  g_signal_connect_swapped (self->back_button, "clicked", G_CALLBACK (back_clicked), self);
  g_signal_connect_swapped (self->give_back, "notify::active", G_CALLBACK (fill_steps), self);
  g_signal_connect_swapped (self->needed, "notify::active", G_CALLBACK (validate), self);
}

GtkWidget *
vitrine_mediated_dialog_new (GtkWindow *parent, VitrineMediated *mediated, VitrineTarget *target)
{
  VitrineMediatedDialog *self = g_object_new (VITRINE_TYPE_MEDIATED_DIALOG, "transient-for", parent, NULL);
  g_autofree char *title = g_strdup_printf (_("Mediated Devices for %s"), vitrine_target_get_title (target));

  self->mediated = g_object_ref (mediated);
  self->target = g_object_ref (target);
  gtk_window_set_title (GTK_WINDOW (self), title);
  hdy_header_bar_set_title (HDY_HEADER_BAR (self->header), title);
  load (self);
  return GTK_WIDGET (self);
}
