/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crypto adapters. Each page says at once what is wrong with it, and Next waits until nothing is. */
#include "ap-wizard.h"

#include <glib/gi18n.h>

#include "ap-grid.h"
#include "choice-rows.h"
#include "code-box.h"
#include "domain-ap.h"
#include "notice.h"
#include "page-window.h"
#include "rows.h"

struct _VitrineApWizard
{
  HdyWindow parent_instance;

  GtkWidget *back_button, *next_button, *spinner, *notice_slot, *pages, *unavailable, *done;
  GtkWidget *intro, *grid_place, *grid, *reserve_box, *by_cards, *by_domains, *verdict;
  GtkWidget *notes_group, *consent_group, *steps_group, *element, *steps;
  GtkWidget *take_all_row, *take_all, *live_row, *live;
  GPtrArray *note_rows;

  VitrineMediated *mediated;
  VitrineTarget   *target;
  char            *uuid;            /* of the device to be made */
  GCancellable    *previewing;      /* its steps are being read; NULL: not yet */
  gboolean         reserve_chosen;  /* by the person: not ours to choose any more */
  gboolean         took_queues;     /* from the host, which gets them back when the machine does not take them */
  gboolean         working;
};

G_DEFINE_FINAL_TYPE (VitrineApWizard, vitrine_ap_wizard, HDY_TYPE_WINDOW)

static gboolean
on_page (VitrineApWizard *self, const char *name)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (GTK_STACK (self->pages)), name) == 0;
}

static void
set_working (VitrineApWizard *self, gboolean working)
{
  self->working = working;
  g_object_set (self->spinner, "active", working, NULL);
  gtk_widget_set_sensitive (self->next_button, !working);
  gtk_widget_set_sensitive (self->back_button, !working);
}

static void
show_error (VitrineApWizard *self, const GError *error)
{
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

/* --- choosing ---------------------------------------------------------------------------------------------------- */

static VitrineApReserve
get_reserve (VitrineApWizard *self)
{
  return gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->by_domains)) ? VITRINE_AP_RESERVE_DOMAINS
                                                                             : VITRINE_AP_RESERVE_CARDS;
}

static VitrineApReview *
review (VitrineApWizard *self)
{
  VitrineApSelection selection;

  vitrine_ap_grid_get_selection (VITRINE_AP_GRID (self->grid), &selection);
  return vitrine_ap_review (vitrine_mediated_get_matrix (self->mediated), &selection, get_reserve (self));
}

static VitrineMediatedChange
get_change (VitrineApWizard *self)
{
  VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_CREATE_MATRIX,
                                   .uuid = self->uuid,
                                   .reserve = get_reserve (self),
                                   .confirmed = gtk_switch_get_active (GTK_SWITCH (self->take_all)) };

  vitrine_ap_grid_get_selection (VITRINE_AP_GRID (self->grid), &change.selection);
  return change;
}

static void
label_reserve (GtkWidget *button, const char *way, const VitrineApReview *outcome)
{
  g_autofree char *words
      = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s: the host loses %u queue", "%s: the host loses %u queues",
                                      outcome->lost->len),
                         way, outcome->lost->len);

  gtk_button_set_label (GTK_BUTTON (button), outcome->problem == NULL ? words : way);
}

/* It keeps its place when there is nothing to choose, so that the grid does not move. */
static void
show_reserve (VitrineApWizard *self)
{
  const VitrineApMatrix *matrix = vitrine_mediated_get_matrix (self->mediated);
  VitrineApSelection selection;

  vitrine_ap_grid_get_selection (VITRINE_AP_GRID (self->grid), &selection);
  g_autoptr(VitrineApReview) cards = vitrine_ap_review (matrix, &selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(VitrineApReview) domains = vitrine_ap_review (matrix, &selection, VITRINE_AP_RESERVE_DOMAINS);
  gboolean needed = cards->problem == NULL && (cards->lost->len > 0 || domains->lost->len > 0);
  gtk_widget_set_visible (self->reserve_box, matrix->has_masks);
  gtk_widget_set_sensitive (self->reserve_box, needed);
  label_reserve (self->by_cards, _("_Reserve these cards with all of their domains"), cards);
  label_reserve (self->by_domains, _("Reserve these _domains on all cards"), domains);
  if (needed && !self->reserve_chosen)
    gtk_toggle_button_set_active (
        GTK_TOGGLE_BUTTON (domains->lost->len < cards->lost->len ? self->by_domains : self->by_cards), TRUE);
}

static char *
describe_outcome (const VitrineApReview *outcome)
{
  g_autofree char *guest = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "The guest gets %u queue.", "The guest gets %u queues.", outcome->n_guest),
      outcome->n_guest);
  g_autofree char *host = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "The host keeps %u.", "The host keeps %u.", outcome->n_host_left),
      outcome->n_host_left);

  return g_strdup_printf ("%s %s", guest, host);
}

static void
validate_choice (VitrineApWizard *self)
{
  g_autoptr(VitrineApReview) outcome = review (self);
  g_autofree char *words = outcome->problem == NULL ? describe_outcome (outcome) : NULL;
  GtkStyleContext *context = gtk_widget_get_style_context (self->verdict);

  gtk_label_set_label (GTK_LABEL (self->verdict), outcome->problem != NULL ? outcome->problem : words);
  if (outcome->problem != NULL)
    gtk_style_context_add_class (context, "error");
  else
    gtk_style_context_remove_class (context, "error");
  gtk_widget_set_sensitive (self->next_button, outcome->problem == NULL && !self->working);
}

static void
choice_changed (VitrineApWizard *self)
{
  show_reserve (self);
  validate_choice (self);
}

static void
reserve_clicked (VitrineApWizard *self)
{
  self->reserve_chosen = TRUE;
}

/* --- review ------------------------------------------------------------------------------------------------------ */

static void
add_note (VitrineApWizard *self, const char *text)
{
  GtkWidget *row = vitrine_sentence_row_new (NULL, text);

  gtk_container_add (GTK_CONTAINER (self->notes_group), row);
  g_ptr_array_add (self->note_rows, row);
}

static void
fill_notes (VitrineApWizard *self, const VitrineApReview *outcome)
{
  g_auto(GStrv) machine = vitrine_domain_list_ap_notes (vitrine_target_get_domain (self->target));
  g_autofree char *local = vitrine_target_explain_local (self->target), *counts = describe_outcome (outcome);

  for (guint i = 0; i < self->note_rows->len; i++)
    gtk_widget_destroy (self->note_rows->pdata[i]);
  g_ptr_array_set_size (self->note_rows, 0);
  if (local != NULL)
    add_note (self, local);
  add_note (self, counts);
  for (guint i = 0; i < outcome->notes->len; i++)
    add_note (self, outcome->notes->pdata[i]);
  for (guint i = 0; machine[i] != NULL; i++)
    add_note (self, machine[i]);
}

static VitrineHostdev
get_hostdev (VitrineApWizard *self)
{
  return (VitrineHostdev){ .kind = VITRINE_HOSTDEV_MDEV, .id = self->uuid, .model = (char *) "vfio-ap" };
}

static gboolean
is_live (VitrineApWizard *self)
{
  return gtk_widget_get_visible (self->live_row) && gtk_switch_get_active (GTK_SWITCH (self->live));
}

static void
show_steps (VitrineApWizard *self, const char *host)
{
  const VitrineHostdev hostdev = get_hostdev (self);
  g_autoptr(GError) error = NULL;
  g_autofree char *machine = vitrine_target_dry_run_mediated (self->target, &hostdev, is_live (self), &error);
  g_autoptr(GString) text = g_string_new (NULL);

  if (vitrine_mediated_is_local (self->mediated))
    g_string_append_printf (text, "# %s\n", _("As root:"));
  g_string_append (text, host);
  g_string_append (text, machine != NULL ? machine : "");
  vitrine_code_box_set_text (VITRINE_CODE_BOX (self->steps), text->str);
}

static void
steps_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineApWizard) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *host = vitrine_mediated_preview_finish (VITRINE_MEDIATED (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (host != NULL)
    show_steps (self, host);
  else
    vitrine_code_box_set_text (VITRINE_CODE_BOX (self->steps), error->message);
}

/* Those that are being read are not those of what is reviewed now. */
static void
forget_steps (VitrineApWizard *self)
{
  g_cancellable_cancel (self->previewing);
  g_clear_object (&self->previewing);
}

static void
fill_steps (VitrineApWizard *self)
{
  VitrineMediatedChange change = get_change (self);

  change.confirmed = TRUE;   /* to be looked at */
  forget_steps (self);
  self->previewing = g_cancellable_new ();
  vitrine_mediated_preview_async (self->mediated, &change, self->previewing, steps_read, g_object_ref (self));
}

static void
fill_element (VitrineApWizard *self)
{
  const VitrineHostdev hostdev = get_hostdev (self);
  g_autoptr(GError) error = NULL;
  g_autofree char *element = vitrine_target_get_mediated_element (self->target, &hostdev, &error);

  vitrine_code_box_set_text (VITRINE_CODE_BOX (self->element), element != NULL ? element : error->message);
}

static void
live_switched (VitrineApWizard *self)
{
  if (on_page (self, "review"))
    fill_steps (self);
}

static void
validate_review (VitrineApWizard *self)
{
  gboolean missing
      = gtk_widget_get_visible (self->take_all_row) && !gtk_switch_get_active (GTK_SWITCH (self->take_all));

  if (on_page (self, "review"))
    gtk_widget_set_sensitive (self->next_button, !missing && !self->working);
}

static void
fill_review (VitrineApWizard *self)
{
  g_autoptr(VitrineApReview) outcome = review (self);

  fill_notes (self, outcome);
  gtk_switch_set_active (GTK_SWITCH (self->take_all), FALSE);
  gtk_widget_set_visible (self->take_all_row, vitrine_ap_review_takes_all (outcome));
  gtk_widget_set_visible (self->live_row,
                          !vitrine_target_is_local (self->target) && vitrine_target_is_running (self->target));
  fill_element (self);
  fill_steps (self);
}

/* --- moving between pages ---------------------------------------------------------------------------------------- */

static void
go_to (VitrineApWizard *self, const char *page)
{
  gboolean first = !g_str_equal (page, "review"), last = g_str_equal (page, "done");

  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
  gtk_button_set_label (GTK_BUTTON (self->back_button), first ? _("_Cancel") : _("_Back"));
  gtk_button_set_label (GTK_BUTTON (self->next_button), last    ? _("_Close")
                                                        : first ? _("_Next")
                                                                : _("_Give to the Machine"));
  gtk_widget_set_visible (self->back_button, !last);
  gtk_widget_set_sensitive (self->next_button, !g_str_equal (page, "unavailable"));
  if (g_str_equal (page, "choose"))
    {
      choice_changed (self);
      gtk_widget_grab_focus (self->grid);
      return;
    }
  if (g_str_equal (page, "review"))
    {
      fill_review (self);
      validate_review (self);
    }
  gtk_widget_grab_focus (self->next_button);
}

/* Its labels are hidden from assistive technology. */
static void
fill_status (GtkWidget *status, const char *title, const char *words)
{
  g_object_set (status, "title", title, "description", words, NULL);
  atk_object_set_name (gtk_widget_get_accessible (status), title);
  atk_object_set_description (gtk_widget_get_accessible (status), words);
}

static void
show_unavailable (VitrineApWizard *self, const char *sentence)
{
  fill_status (self->unavailable, _("No Crypto Queues for Guests"), sentence);
  go_to (self, "unavailable");
}

/* --- doing it ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineApWizard *self;
  GError          *reason;   /* why the machine did not take it */
} Undoing;

static void
undone (GObject *source, GAsyncResult *result, gpointer data)
{
  Undoing *undoing = data;
  g_autoptr(VitrineApWizard) self = undoing->self;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) reason = undoing->reason;

  g_free (undoing);
  if (!vitrine_mediated_apply_finish (VITRINE_MEDIATED (source), result, &error))
    g_prefix_error (&reason, _("The device %s is left on the host (%s). "), self->uuid, error->message);
  if (self->mediated == NULL)
    return;   /* closed meanwhile */
  set_working (self, FALSE);
  show_error (self, reason);
}

static void
given (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineApWizard) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_mediated_finish (VITRINE_TARGET (source), result, &error);

  if (self->mediated == NULL)
    return;   /* closed meanwhile */
  if (ok)
    {
      g_autofree char *words = g_strdup_printf (_("“%s” has the mediated device %s."),
                                                vitrine_target_get_title (self->target), self->uuid);
      fill_status (self->done, _("The Machine Has Its Crypto Queues"), words);
      set_working (self, FALSE);
      go_to (self, "done");
      return;
    }
  const VitrineMediatedChange undo
    = { .verb = VITRINE_MEDIATED_REMOVE_MATRIX, .uuid = self->uuid, .give_back = self->took_queues };
  Undoing *undoing = g_new0 (Undoing, 1);
  undoing->self = g_object_ref (self);
  undoing->reason = g_steal_pointer (&error);
  vitrine_mediated_apply_async (self->mediated, &undo, undone, undoing);
}

static void
created (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineApWizard) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_mediated_apply_finish (VITRINE_MEDIATED (source), result, &error);

  if (self->mediated == NULL)
    return;   /* closed meanwhile: the device is there, and in the list of mediated devices */
  if (!ok)
    {
      set_working (self, FALSE);
      show_error (self, error);
      return;
    }
  const VitrineHostdev hostdev = get_hostdev (self);
  vitrine_target_give_mediated_async (self->target, &hostdev, is_live (self), given, g_object_ref (self));
}

/* What the machine would refuse is not made first. */
static void
create (VitrineApWizard *self)
{
  const VitrineMediatedChange change = get_change (self);
  const VitrineHostdev hostdev = get_hostdev (self);
  g_autoptr(VitrineApReview) outcome = review (self);
  g_autoptr(GError) error = NULL;

  if (!vitrine_target_check_mediated (self->target, &hostdev, &error))
    {
      show_error (self, error);
      return;
    }
  self->took_queues = outcome->lost->len > 0;
  set_working (self, TRUE);
  vitrine_mediated_apply_async (self->mediated, &change, created, g_object_ref (self));
}

static void
next_clicked (VitrineApWizard *self)
{
  if (on_page (self, "choose"))
    go_to (self, "review");
  else if (on_page (self, "review"))
    {
      vitrine_notice_clear (GTK_BOX (self->notice_slot));
      create (self);
    }
  else
    gtk_window_close (GTK_WINDOW (self));
}

static void
back_clicked (VitrineApWizard *self)
{
  if (on_page (self, "review"))
    go_to (self, "choose");
  else
    gtk_window_close (GTK_WINDOW (self));
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void
show_matrix (VitrineApWizard *self)
{
  const VitrineApMatrix *matrix = vitrine_mediated_get_matrix (self->mediated);
  g_autofree char *problem = vitrine_domain_get_ap_problem (vitrine_target_get_domain (self->target));
  g_autofree char *words
      = g_strdup_printf (_("Crypto queues of %s for “%s”. The guest gets every chosen card with every chosen domain: "
                           "single queues cannot be left out. "
                           "Of control domains it may change the master keys."),
                         vitrine_mediated_get_name (self->mediated), vitrine_target_get_title (self->target));

  set_working (self, FALSE);
  if (problem != NULL || matrix->why_not != NULL)
    {
      show_unavailable (self, problem != NULL ? problem : matrix->why_not);
      return;
    }
  gtk_label_set_label (GTK_LABEL (self->intro), words);
  vitrine_ap_grid_show (VITRINE_AP_GRID (self->grid), matrix);
  go_to (self, "choose");
}

static void
matrix_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineApWizard) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_mediated_read_finish (VITRINE_MEDIATED (source), result, &error);

  if (self->mediated == NULL)
    return;   /* closed meanwhile */
  if (ok)
    show_matrix (self);
  else
    {
      set_working (self, FALSE);
      show_unavailable (self, error->message);
    }
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineApWizard) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_load_finish (VITRINE_TARGET (source), result, &error);

  if (self->mediated == NULL)
    return;   /* closed meanwhile */
  if (ok)
    {
      vitrine_mediated_read_async (self->mediated, matrix_read, g_object_ref (self));
      return;
    }
  set_working (self, FALSE);
  show_unavailable (self, error->message);
}

/* --- object ------------------------------------------------------------------------------------------------------ */

static void
vitrine_ap_wizard_dispose (GObject *object)
{
  VitrineApWizard *self = VITRINE_AP_WIZARD (object);

  if (self->grid != NULL)
    vitrine_ap_grid_show (VITRINE_AP_GRID (self->grid), NULL);   /* the matrix goes */
  self->grid = NULL;
  forget_steps (self);
  g_clear_object (&self->mediated);
  g_clear_object (&self->target);
  g_clear_pointer (&self->note_rows, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_ap_wizard_parent_class)->dispose (object);
}

static void
vitrine_ap_wizard_finalize (GObject *object)
{
  g_free (VITRINE_AP_WIZARD (object)->uuid);
  G_OBJECT_CLASS (vitrine_ap_wizard_parent_class)->finalize (object);
}

static void
vitrine_ap_wizard_class_init (VitrineApWizardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_ap_wizard_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_ap_wizard_finalize;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/passthrough/ap-wizard.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineApWizard, name)
  BIND (back_button);
  BIND (next_button);
  BIND (spinner);
  BIND (notice_slot);
  BIND (pages);
  BIND (unavailable);
  BIND (done);
  BIND (intro);
  BIND (grid_place);
  BIND (reserve_box);
  BIND (by_cards);
  BIND (by_domains);
  BIND (verdict);
  BIND (notes_group);
  BIND (consent_group);
  BIND (steps_group);
#undef BIND
}

static void
add_switch (VitrineApWizard *self, const char *title, const char *subtitle, GtkWidget **row, GtkWidget **button)
{
  *row = vitrine_row_new_switch (title, subtitle, button);
  gtk_container_add (GTK_CONTAINER (self->consent_group), *row);
}

static void
vitrine_ap_wizard_init (VitrineApWizard *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  vitrine_window_close_by_escape (GTK_WIDGET (self), NULL);
  self->uuid = g_uuid_string_random ();
  self->note_rows = g_ptr_array_new ();
  self->grid = vitrine_ap_grid_new ();
  gtk_container_add (GTK_CONTAINER (self->grid_place), self->grid);
  add_switch (self, _("The host may lose _all of its crypto queues"), NULL, &self->take_all_row, &self->take_all);
  add_switch (self, _("Also _now, in the running machine"), _("Otherwise it has them from its next start on"),
              &self->live_row, &self->live);
  gtk_switch_set_active (GTK_SWITCH (self->live), TRUE);
  self->element = vitrine_code_box_new (_("In the _definition"), _("_Copy"));
  self->steps = vitrine_code_box_new (_("The _steps, as commands"), _("Co_py"));
  gtk_widget_set_margin_top (self->steps, 18);
  gtk_container_add (GTK_CONTAINER (self->steps_group), self->element);
  gtk_container_add (GTK_CONTAINER (self->steps_group), self->steps);
  g_signal_connect_swapped (self->grid, "changed", G_CALLBACK (choice_changed), self);
  g_signal_connect_swapped (self->by_cards, "clicked", G_CALLBACK (reserve_clicked), self);
  g_signal_connect_swapped (self->by_domains, "clicked", G_CALLBACK (reserve_clicked), self);
  g_signal_connect_swapped (self->by_domains, "toggled", G_CALLBACK (validate_choice), self);
  g_signal_connect_swapped (self->take_all, "notify::active", G_CALLBACK (validate_review), self);
  g_signal_connect_swapped (self->live, "notify::active", G_CALLBACK (live_switched), self);
  g_signal_connect_swapped (self->next_button, "clicked", G_CALLBACK (next_clicked), self);
  g_signal_connect_swapped (self->back_button, "clicked", G_CALLBACK (back_clicked), self);
  gtk_window_set_default (GTK_WINDOW (self), self->next_button);
}

GtkWidget *
vitrine_ap_wizard_new (GtkWindow *parent, VitrineMediated *mediated, VitrineTarget *target)
{
  VitrineApWizard *self = g_object_new (VITRINE_TYPE_AP_WIZARD, "transient-for", parent, NULL);

  self->mediated = g_object_ref (mediated);
  self->target = g_object_ref (target);
  set_working (self, TRUE);
  gtk_widget_set_sensitive (self->back_button, TRUE);
  vitrine_target_load_definition_async (target, definition_read, g_object_ref (self));
  return GTK_WIDGET (self);
}
