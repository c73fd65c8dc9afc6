/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog's flow: which page follows which, and what is done in the end. */
#include "pci-dialog.h"

#include <glib/gi18n.h>

#include "ap-wizard.h"
#include "domain-hostdev.h"
#include "mediated-dialog.h"
#include "notice.h"
#include "page-window.h"
#include "pci-dialog-private.h"
#include "zpci-dialog.h"

G_DEFINE_FINAL_TYPE (VitrinePciDialog, vitrine_pci_dialog, HDY_TYPE_WINDOW)

static void load (VitrinePciDialog *self);

static const char *
get_page (VitrinePciDialog *self)
{
  return gtk_stack_get_visible_child_name (GTK_STACK (self->pages));
}

static gboolean
on_page (VitrinePciDialog *self, const char *name)
{
  return g_strcmp0 (get_page (self), name) == 0;
}

static void
show_error (VitrinePciDialog *self, const GError *error)
{
  g_auto(GStrv) parts = g_strsplit (error->message, "\n", 2);

  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, parts[0], parts[1]);
}

static void
set_working (VitrinePciDialog *self, gboolean working)
{
  self->working = working;
  g_object_set (self->spinner, "active", working, NULL);
  gtk_widget_set_sensitive (self->pages, !working);
  gtk_widget_set_sensitive (self->back_button, !working);
  vitrine_pci_dialog_validate (self);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

/* What the host would lose, a person says yes to. */
void
vitrine_pci_dialog_validate (VitrinePciDialog *self)
{
  gboolean ok = !self->working;

  if (on_page (self, "together"))
    ok = ok && self->blocked == NULL
         && (!gtk_widget_get_visible (self->confirm_group) || gtk_switch_get_active (GTK_SWITCH (self->confirm)));
  gtk_widget_set_sensitive (self->next_button, ok);
}

static gboolean
has_how_page (VitrinePciDialog *self)
{
  return !self->change.removes || (vitrine_target_is_running (self->target) && !vitrine_target_is_local (self->target));
}

static void
go_to (VitrinePciDialog *self, const char *page)
{
  gboolean first = g_str_equal (page, "devices"), last = g_str_equal (page, "done"), review = g_str_equal (page, "review");

  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
  gtk_widget_set_visible (self->next_button, !first);
  gtk_window_set_default (GTK_WINDOW (self), first ? NULL : self->next_button);   /* among the devices, Enter is a row's */
  gtk_widget_set_visible (self->back_button, !last);
  gtk_button_set_label (GTK_BUTTON (self->back_button), first ? _("_Close") : _("_Back"));
  gtk_button_set_label (GTK_BUTTON (self->next_button), last ? _("_Close")
                                                        : !review ? _("_Next")
                                                        : self->change.removes ? _("_Remove")
                                                                               : _("_Pass Through"));
  vitrine_pci_dialog_validate (self);
  if (!first)
    gtk_widget_grab_focus (self->next_button);
  gtk_widget_child_focus (self->pages, GTK_DIR_TAB_FORWARD);
  if (review || last)
    gtk_widget_grab_focus (self->next_button);
}

static void
show_devices (VitrinePciDialog *self)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  vitrine_pci_dialog_fill_devices (self);
  go_to (self, "devices");
}

static void
take_how (VitrinePciDialog *self)
{
  self->change.managed = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->managed));
  self->change.live = gtk_widget_get_visible (self->live_row) && gtk_switch_get_active (GTK_SWITCH (self->live));
  self->change.rom_off = gtk_switch_get_active (GTK_SWITCH (self->rom_off));
  self->change.confirmed = gtk_widget_get_visible (self->confirm_group) && gtk_switch_get_active (GTK_SWITCH (self->confirm));
}

static void
show_how (VitrinePciDialog *self)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  vitrine_pci_dialog_fill_how (self);
  go_to (self, "how");
}

static void
show_review (VitrinePciDialog *self)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  take_how (self);
  if (vitrine_pci_dialog_fill_review (self))
    go_to (self, "review");
}

/* --- choosing ------------------------------------------------------------------------------------------------------ */

/* Those of the group that the machine has, or has not. */
static GStrv
list_together (VitrinePciDialog *self, const char *address, gboolean has)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);
  const VitrinePciDevice *device = vitrine_pci_host_lookup (host, address);
  const char *const alone[] = { address, NULL };
  g_autoptr(GPtrArray) addresses = g_ptr_array_new ();

  if (device == NULL)
    return g_strdupv ((GStrv) alone);
  g_autoptr(GPtrArray) together = vitrine_pci_host_list_together (host, device);
  for (guint i = 0; i < together->len; i++)
    {
      const VitrinePciDevice *other = together->pdata[i];
      if (vitrine_domain_has_hostdev (vitrine_target_get_domain (self->target), VITRINE_HOSTDEV_PCI, other->address) == has)
        g_ptr_array_add (addresses, other->address);
    }
  g_ptr_array_add (addresses, NULL);
  return g_strdupv ((GStrv) addresses->pdata);
}

static void
choose (VitrinePciDialog *self, const char *address, gboolean removes)
{
  vitrine_pci_change_clear (&self->change);
  self->change = (VitrinePciChange){ .addresses = list_together (self, address, removes), .removes = removes };
  gtk_switch_set_active (GTK_SWITCH (self->confirm), FALSE);
  gtk_switch_set_active (GTK_SWITCH (self->rom_off), FALSE);
}

void
vitrine_pci_dialog_add (VitrinePciDialog *self, const char *address)
{
  choose (self, address, FALSE);
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  vitrine_pci_dialog_fill_together (self);
  go_to (self, "together");
}

void
vitrine_pci_dialog_remove (VitrinePciDialog *self, const char *address)
{
  choose (self, address, TRUE);
  gtk_widget_hide (self->confirm_group);
  vitrine_pci_dialog_fill_how (self);   /* also decides what is asked at all */
  if (has_how_page (self))
    show_how (self);
  else
    show_review (self);
}

static void
addresses_closed (VitrinePciDialog *self)
{
  if (self->target != NULL && vitrine_target_get_domain (self->target) != NULL)
    show_devices (self);
}

void
vitrine_pci_dialog_show_addresses (VitrinePciDialog *self)
{
  GtkWidget *dialog = vitrine_zpci_dialog_new (GTK_WINDOW (self), self->target);

  g_signal_connect_object (dialog, "destroy", G_CALLBACK (addresses_closed), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* They may have changed the definition. */
static void
other_closed (VitrinePciDialog *self)
{
  if (self->target != NULL)
    load (self);
}

static void
show_other (VitrinePciDialog *self, GtkWidget *dialog)
{
  g_signal_connect_object (dialog, "destroy", G_CALLBACK (other_closed), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
vitrine_pci_dialog_show_queues (VitrinePciDialog *self)
{
  g_autoptr(VitrineMediated) mediated = vitrine_mediated_new (vitrine_target_get_host (self->target));

  show_other (self, vitrine_ap_wizard_new (GTK_WINDOW (self), mediated, self->target));
}

void
vitrine_pci_dialog_show_mediated (VitrinePciDialog *self)
{
  g_autoptr(VitrineMediated) mediated = vitrine_mediated_new (vitrine_target_get_host (self->target));

  show_other (self, vitrine_mediated_dialog_new (GTK_WINDOW (self), mediated, self->target));
}

/* --- reading and doing --------------------------------------------------------------------------------------------- */

static void
loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrinePciDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_load_finish (VITRINE_TARGET (source), result, &error);

  if (self->target == NULL)
    return;
  set_working (self, FALSE);
  if (ok)
    show_devices (self);
  else
    show_error (self, error);
}

static void
load (VitrinePciDialog *self)
{
  set_working (self, TRUE);
  vitrine_target_load_async (self->target, loaded, g_object_ref (self));
}

static void
changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrinePciDialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_change_finish (VITRINE_TARGET (source), result, &error);

  if (self->target == NULL)
    return;
  set_working (self, FALSE);
  if (!ok)
    {
      show_error (self, error);
      return;
    }
  vitrine_pci_dialog_fill_done (self);
  go_to (self, "done");
}

static void
next_clicked (VitrinePciDialog *self)
{
  if (on_page (self, "together"))
    show_how (self);
  else if (on_page (self, "how"))
    show_review (self);
  else if (on_page (self, "review"))
    {
      vitrine_notice_clear (GTK_BOX (self->notice_slot));
      set_working (self, TRUE);
      vitrine_target_change_async (self->target, &self->change, changed, g_object_ref (self));
    }
  else
    gtk_window_close (GTK_WINDOW (self));
}

static void
back_clicked (VitrinePciDialog *self)
{
  if (on_page (self, "together") || (self->change.removes && on_page (self, "how")))
    load (self);   /* the host may be another by now */
  else if (on_page (self, "how"))
    {
      vitrine_pci_dialog_fill_together (self);
      go_to (self, "together");
    }
  else if (on_page (self, "review") && has_how_page (self))
    show_how (self);
  else if (on_page (self, "review"))
    load (self);
  else
    gtk_window_close (GTK_WINDOW (self));
}

/* --- object -------------------------------------------------------------------------------------------------------- */

static void
vitrine_pci_dialog_dispose (GObject *object)
{
  VitrinePciDialog *self = VITRINE_PCI_DIALOG (object);

  g_clear_object (&self->target);
  vitrine_pci_change_clear (&self->change);
  g_clear_pointer (&self->blocked, g_free);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_pci_dialog_parent_class)->dispose (object);
}

static void
vitrine_pci_dialog_class_init (VitrinePciDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_pci_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/passthrough/pci-dialog.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrinePciDialog, name)
  BIND (header);
  BIND (back_button);
  BIND (next_button);
  BIND (spinner);
  BIND (notice_slot);
  BIND (pages);
  BIND (present_group);
  BIND (host_group);
  BIND (address_group);
  BIND (other_group);
  BIND (together_group);
  BIND (loss_group);
  BIND (confirm_group);
  BIND (driver_group);
  BIND (when_group);
  BIND (review_box);
  BIND (done_status);
#undef BIND
}

static void
vitrine_pci_dialog_init (VitrinePciDialog *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  vitrine_window_close_by_escape (GTK_WIDGET (self), &self->working);
  g_signal_connect_swapped (self->next_button, "clicked", G_CALLBACK (next_clicked), self);
  g_signal_connect_swapped (self->back_button, "clicked", G_CALLBACK (back_clicked), self);
  vitrine_pci_dialog_build (self);
}

GtkWidget *
vitrine_pci_dialog_new (GtkWindow *parent, VitrineTarget *target)
{
  VitrinePciDialog *self = g_object_new (VITRINE_TYPE_PCI_DIALOG, "transient-for", parent, NULL);
  g_autofree char *title = g_strdup_printf (_("Host Devices of %s"), vitrine_target_get_title (target));

  self->target = g_object_ref (target);
  gtk_window_set_title (GTK_WINDOW (self), title);
  hdy_header_bar_set_title (HDY_HEADER_BAR (self->header), title);
  gtk_toggle_button_set_active (
    GTK_TOGGLE_BUTTON (vitrine_target_prefers_managed (target) ? self->managed : self->unmanaged), TRUE);
  load (self);
  return GTK_WIDGET (self);
}
