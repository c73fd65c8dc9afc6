/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "move-window.h"

#include <glib/gi18n.h>
#include <math.h>

#include "check-list.h"
#include "graph.h"
#include "host-list-box.h"
#include "move-form.h"
#include "notice.h"
#include "page-window.h"

#define WIDTH 640
#define HEIGHT 560
#define GRAPH_HEIGHT 160

typedef enum
{
  TARGET,
  CHECKS,
  OPTIONS,
  PROGRESS,
  DONE,
} Page;

static const char *const page_names[] = { "target", "checks", "options", "progress", "done" };

/* The window's, and each call's that is on its way. */
typedef struct
{
  GtkWidget        *window;        /* NULL: closed */
  GtkWidget        *stack, *notice_slot, *back, *next;
  GtkWidget        *target, *checking, *checks, *form, *bar, *words, *graph, *graph_box, *result, *remove_button;
  VitrineMove      *move;
  Page              page;
  gboolean          checked;       /* nothing is being looked at */
  gint64            drawn_us;      /* the last sample */
  VitrineMoveRemove remove;
  GtkWidget        *owner;         /* NULL: gone */
} Wizard;

static void
wizard_clear (gpointer data)
{
  Wizard *self = data;

  g_signal_handlers_disconnect_by_data (self->move, self);
  g_object_unref (self->move);
  g_clear_weak_pointer (&self->owner);
}

static void
wizard_unref (Wizard *self)
{
  g_rc_box_release_full (self, wizard_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wizard, wizard_unref)

static void show_page (Wizard *self, Page page);

static VitrineMoveKind
kind_of (Wizard *self)
{
  return vitrine_move_get_kind (self->move);
}

static Page
first_page (Wizard *self)
{
  return kind_of (self) == VITRINE_MOVE_KIND_TO_HERE ? CHECKS : TARGET;
}

static void
complain (Wizard *self, const char *message)
{
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, message, NULL);
}

/* --- buttons ------------------------------------------------------------------------------------------------------ */

static const char *
word_for_next (Wizard *self)
{
  if (self->page == DONE)
    return _("_Close");
  if (self->page != OPTIONS)
    return _("_Next");
  switch (kind_of (self))
    {
    case VITRINE_MOVE_KIND_TO_HOST:
      return _("_Move");
    case VITRINE_MOVE_KIND_TO_HERE:
      return _("_Bring");
    case VITRINE_MOVE_KIND_BETWEEN:
      break;
    }
  return _("_Migrate");
}

static void
update_buttons (Wizard *self)
{
  gboolean ready
      = self->page == TARGET ? vitrine_host_list_box_get (VITRINE_HOST_LIST_BOX (self->target)) != NULL : self->checked;
  const char *back = self->page == PROGRESS ? _("_Stop") : self->page == first_page (self) ? _("_Cancel") : _("_Back");

  gtk_button_set_label (GTK_BUTTON (self->next), word_for_next (self));
  gtk_button_set_label (GTK_BUTTON (self->back), back);
  gtk_widget_set_sensitive (self->next, ready);
  gtk_widget_set_visible (self->next, self->page != PROGRESS);
  gtk_widget_set_visible (self->back, self->page != DONE);
}

static void
set_checking (Wizard *self, gboolean checking)
{
  self->checked = !checking;
  g_object_set (self->checking, "active", checking, "visible", checking, NULL);
  if (checking)
    vitrine_notice_clear (GTK_BOX (self->notice_slot));
  update_buttons (self);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static GPtrArray *
finish_checks (Wizard *self, GAsyncResult *result)
{
  g_autoptr(GError) error = NULL;
  GPtrArray *checks = vitrine_move_check_finish (self->move, result, &error);

  if (self->window != NULL && checks == NULL)
    complain (self, error->message);
  return checks;
}

static void
first_checks_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Wizard) self = data;
  g_autoptr(GPtrArray) checks = finish_checks (self, result);

  if (self->window == NULL)
    return;
  set_checking (self, FALSE);
  gtk_widget_set_sensitive (self->next, checks != NULL);
  if (checks == NULL)
    return;
  vitrine_check_list_show (self->checks, checks);
  vitrine_move_form_update (VITRINE_MOVE_FORM (self->form));
  gtk_widget_grab_focus (self->next);
}

static void
begin_checks (Wizard *self)
{
  g_autoptr(GPtrArray) none = vitrine_checks_new ();

  vitrine_check_list_show (self->checks, none);
  set_checking (self, TRUE);
  vitrine_move_check_async (self->move, first_checks_done, g_rc_box_acquire (self));
}

/* --- the work ----------------------------------------------------------------------------------------------------- */

static char *
format_bytes (double value)
{
  return g_format_size ((guint64) value);
}

/* The graph has room for a sample each second. */
static void
draw (Wizard *self, const VitrineMigrateNews *news)
{
  const double remaining[] = { news->memory_total_bytes > 0 ? (double) news->memory_remaining_bytes : NAN,
                               news->disk_total_bytes > 0 ? (double) news->disk_remaining_bytes : NAN };
  g_autofree char *size = g_format_size (news->memory_remaining_bytes),
                  *disk_size = g_format_size (news->disk_remaining_bytes);
  g_autofree char *words = g_strdup_printf (_("%s of memory and %s of disks remaining"), size, disk_size);

  if (news->time_us - self->drawn_us < G_USEC_PER_SEC)
    return;
  self->drawn_us = news->time_us;
  gtk_widget_set_no_show_all (self->graph_box, FALSE);
  gtk_widget_show_all (self->graph_box);
  vitrine_graph_add (VITRINE_GRAPH (self->graph), news->time_us, remaining, words);
}

static void
progressed (Wizard *self, double fraction, const char *words, const VitrineMigrateNews *news)
{
  if (self->window == NULL)
    return;
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), fraction);
  gtk_label_set_label (GTK_LABEL (self->words), words);
  if (news != NULL)
    draw (self, news);
}

static void
show_result (Wizard *self, const char *words)
{
  gboolean offer = kind_of (self) == VITRINE_MOVE_KIND_TO_HOST && vitrine_move_has_started (self->move)
                   && self->owner != NULL && self->remove != NULL;

  gtk_label_set_label (GTK_LABEL (self->result), words);
  gtk_widget_set_visible (self->remove_button, offer);
  show_page (self, DONE);
}

static void
moved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Wizard) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *words = vitrine_move_run_finish (self->move, result, &error);

  if (self->window != NULL)
    {
      gtk_window_present (GTK_WINDOW (self->window));   /* it may have gone on in the background */
      vitrine_notice_clear (GTK_BOX (self->notice_slot));
      if (words != NULL)
        show_result (self, words);
      else
        {
          show_page (self, OPTIONS);
          complain (self, error->message);
        }
    }
  g_application_release (g_application_get_default ());
}

static void
last_checks_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Wizard) self = data;
  g_autoptr(GPtrArray) checks = finish_checks (self, result);

  if (self->window == NULL)
    return;
  set_checking (self, FALSE);
  if (checks == NULL)
    return;
  vitrine_check_list_show (self->checks, checks);
  if (vitrine_checks_get_worst (checks) == VITRINE_CHECK_REFUSED)
    {
      self->page = CHECKS;
      show_page (self, CHECKS);
      complain (self, _("Something is in the way: see what comes first in the list."));
      return;
    }
  show_page (self, PROGRESS);
  g_application_hold (g_application_get_default ());   /* nobody wants half a move because the last window was closed */
  vitrine_move_run_async (self->move, moved, g_rc_box_acquire (self));
}

static void
go (Wizard *self)
{
  vitrine_move_form_take (VITRINE_MOVE_FORM (self->form));
  set_checking (self, TRUE);
  vitrine_move_check_async (self->move, last_checks_done, g_rc_box_acquire (self));
}

static void
stop (gpointer data)
{
  Wizard *self = data;

  gtk_label_set_label (GTK_LABEL (self->words), _("Stopping…"));
  gtk_widget_set_sensitive (self->back, FALSE);
  vitrine_move_cancel (self->move);
}

/* --- going on and back -------------------------------------------------------------------------------------------- */

static void
focus (Wizard *self)
{
  GtkWidget *wanted = self->page == TARGET    ? self->target
                      : self->page == OPTIONS ? self->form
                      : self->page == PROGRESS ? self->back
                                               : self->next;

  if (self->page != TARGET && self->page != OPTIONS)
    gtk_widget_grab_focus (wanted);
  else
    gtk_widget_child_focus (wanted, GTK_DIR_TAB_FORWARD);
}

static void
show_page (Wizard *self, Page page)
{
  self->page = page;
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), page_names[page]);
  gtk_widget_set_sensitive (self->back, TRUE);
  update_buttons (self);
  focus (self);
}

static void
next_clicked (Wizard *self)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  switch (self->page)
    {
    case TARGET:
      vitrine_move_set_target (self->move, vitrine_host_list_box_get (VITRINE_HOST_LIST_BOX (self->target)));
      show_page (self, CHECKS);
      begin_checks (self);
      break;
    case CHECKS:
      show_page (self, OPTIONS);
      break;
    case OPTIONS:
      go (self);
      break;
    case PROGRESS:
      break;
    case DONE:
      gtk_window_close (GTK_WINDOW (self->window));
      break;
    }
}

static void
back_clicked (Wizard *self)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  if (self->page == PROGRESS)
    stop (self);
  else if (self->page == first_page (self))
    gtk_window_close (GTK_WINDOW (self->window));
  else
    show_page (self, self->page - 1);
}

static void
remove_clicked (Wizard *self)
{
  g_autoptr(VitrineMachine) machine = g_object_ref (vitrine_move_get_machine (self->move));
  GtkWidget *owner = self->owner;
  VitrineMoveRemove remove_copy = self->remove;

  gtk_window_close (GTK_WINDOW (self->window));
  if (owner != NULL)
    remove_copy (machine, owner);
}

static void
hide (gpointer data)
{
  gtk_widget_hide (((Wizard *) data)->window);
}

static gboolean
close_asked (GtkWidget *window, GdkEvent *event, gpointer data)
{
  static const VitrineNoticeButton buttons[] = { { N_("Go On in the _Background"), hide, NULL },
                                                 { N_("_Stop the Move"), stop, "destructive-action" },
                                                 { NULL } };
  Wizard *self = data;

  if (!vitrine_move_is_running (self->move))
    return GDK_EVENT_PROPAGATE;
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_QUESTION,
                            _("The machine is on its way. This window comes back when it has arrived."), buttons,
                            self);
  gtk_widget_child_focus (self->notice_slot, GTK_DIR_TAB_FORWARD);
  return GDK_EVENT_STOP;
}

/* --- widgets ------------------------------------------------------------------------------------------------------ */

static GtkWidget *
new_label (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
  return label;
}

/* A page that scrolls, with a sentence over what it is about. */
static void
add_page (Wizard *self, Page page, const char *sentence, GtkWidget *contents)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *scroller = gtk_scrolled_window_new (NULL, NULL);

  g_object_set (box, "margin", 18, NULL);
  if (sentence != NULL)
    gtk_container_add (GTK_CONTAINER (box), new_label (sentence));
  gtk_container_add (GTK_CONTAINER (box), contents);
  gtk_widget_set_valign (contents, GTK_ALIGN_START);
  gtk_container_add (GTK_CONTAINER (scroller), box);
  gtk_stack_add_named (GTK_STACK (self->stack), scroller, page_names[page]);
}

static void
add_legend (GtkWidget *legend, guint series, const char *words)
{
  gtk_container_add (GTK_CONTAINER (legend), vitrine_graph_swatch_new (series));
  gtk_container_add (GTK_CONTAINER (legend), gtk_label_new (words));
}

/* Shown once there is something to draw. */
static GtkWidget *
new_graph (Wizard *self)
{
  GtkWidget *legend = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->graph_box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->graph = vitrine_graph_new (_("Remaining memory"), 2, 0);
  vitrine_graph_set_format (VITRINE_GRAPH (self->graph), format_bytes);
  gtk_widget_set_size_request (self->graph, -1, GRAPH_HEIGHT);
  add_legend (legend, 0, _("Remaining memory"));
  add_legend (legend, 1, _("Remaining disks"));
  gtk_container_add (GTK_CONTAINER (self->graph_box), self->graph);
  gtk_container_add (GTK_CONTAINER (self->graph_box), legend);
  gtk_widget_set_no_show_all (self->graph_box, TRUE);
  return self->graph_box;
}

static GtkWidget *
new_progress (Wizard *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  self->bar = gtk_progress_bar_new ();
  self->words = new_label ("");
  atk_object_set_name (gtk_widget_get_accessible (self->bar), _("Progress"));
  gtk_container_add (GTK_CONTAINER (box), self->bar);
  gtk_container_add (GTK_CONTAINER (box), self->words);
  gtk_container_add (GTK_CONTAINER (box), new_graph (self));
  return box;
}

static GtkWidget *
new_result (Wizard *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);
  GtkWidget *icon = gtk_image_new_from_icon_name ("emblem-ok-symbolic", GTK_ICON_SIZE_DIALOG);

  self->result = new_label ("");
  gtk_label_set_selectable (GTK_LABEL (self->result), TRUE);
  self->remove_button = gtk_button_new_with_mnemonic (_("_Remove the Copy on This Computer"));
  gtk_widget_set_halign (self->remove_button, GTK_ALIGN_START);
  gtk_widget_set_no_show_all (self->remove_button, TRUE);
  gtk_container_add (GTK_CONTAINER (box), icon);
  gtk_container_add (GTK_CONTAINER (box), self->result);
  gtk_container_add (GTK_CONTAINER (box), self->remove_button);
  g_signal_connect_swapped (self->remove_button, "clicked", G_CALLBACK (remove_clicked), self);
  return box;
}

static GtkWidget *
new_checks (Wizard *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  self->checking = gtk_spinner_new ();
  atk_object_set_name (gtk_widget_get_accessible (self->checking), _("Looking…"));
  gtk_widget_set_no_show_all (self->checking, TRUE);
  self->checks = vitrine_check_list_new ();
  gtk_container_add (GTK_CONTAINER (box), self->checking);
  gtk_container_add (GTK_CONTAINER (box), self->checks);
  return box;
}

static GtkWidget *
new_contents (Wizard *self, VitrineHosts *hosts)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->stack = gtk_stack_new ();
  self->target = vitrine_host_list_box_new (hosts, vitrine_move_get_source (self->move));
  self->form = vitrine_move_form_new (self->move);
  add_page (self, TARGET, _("Where is it to go? Hosts are added in the library’s menu."), self->target);
  add_page (self, CHECKS, NULL, new_checks (self));
  add_page (self, OPTIONS, NULL, self->form);
  add_page (self, PROGRESS, NULL, new_progress (self));
  add_page (self, DONE, NULL, new_result (self));
  gtk_box_pack_start (GTK_BOX (box), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), self->stack, TRUE, TRUE, 0);
  gtk_widget_show_all (box);
  return box;
}

static char *
title_for (Wizard *self)
{
  const char *name = vitrine_move_get_title (self->move);

  switch (kind_of (self))
    {
    case VITRINE_MOVE_KIND_TO_HOST:
      return g_strdup_printf (_("Move %s to a Host"), name);
    case VITRINE_MOVE_KIND_TO_HERE:
      return g_strdup_printf (_("Bring %s to This Computer"), name);
    case VITRINE_MOVE_KIND_BETWEEN:
      break;
    }
  return g_strdup_printf (_("Migrate %s"), name);
}

static void
add_buttons (Wizard *self)
{
  self->back = gtk_button_new ();
  self->next = gtk_button_new ();
  gtk_button_set_use_underline (GTK_BUTTON (self->back), TRUE);
  gtk_button_set_use_underline (GTK_BUTTON (self->next), TRUE);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->next), "suggested-action");
  gtk_widget_set_can_default (self->next, TRUE);
  vitrine_page_window_add_buttons (self->window, self->back, self->next);
  g_signal_connect_swapped (self->back, "clicked", G_CALLBACK (back_clicked), self);
  g_signal_connect_swapped (self->next, "clicked", G_CALLBACK (next_clicked), self);
}

static void
destroyed (Wizard *self)
{
  self->window = NULL;
  if (vitrine_move_is_running (self->move))
    vitrine_move_cancel (self->move);   /* with the whole program: what is half done goes */
  wizard_unref (self);
}

GtkWidget *
vitrine_move_window_new (GtkWindow *parent, VitrineMove *move, VitrineHosts *hosts, VitrineMoveRemove remove_copy,
                         gpointer data)
{
  Wizard *self = g_rc_box_new0 (Wizard);
  g_autofree char *title = NULL;

  self->move = move;
  self->remove = remove_copy;
  self->checked = TRUE;
  g_set_weak_pointer (&self->owner, data);
  title = title_for (self);
  self->window = vitrine_page_window_new (parent, title, new_contents (self, hosts), WIDTH, HEIGHT);
  add_buttons (self);
  g_signal_connect_swapped (move, "progress", G_CALLBACK (progressed), self);
  g_signal_connect_swapped (self->target, "changed", G_CALLBACK (update_buttons), self);
  g_signal_connect (self->window, "delete-event", G_CALLBACK (close_asked), self);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (destroyed), self);
  show_page (self, first_page (self));
  if (self->page == CHECKS)
    begin_checks (self);
  return self->window;
}
