/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zpci-dialog.h"

#include <glib/gi18n.h>

#include "choice-rows.h"
#include "notice.h"
#include "page-window.h"
#include "rows.h"

#define WIDTH 640
#define HEIGHT 600

typedef struct
{
  GtkWidget     *window;    /* NULL: closed */
  GtkWidget     *notice_slot, *page, *save;
  VitrineTarget *target;
  VitrineDomain *domain;    /* with what has been set here */
  GPtrArray     *entries;   /* of Entry */
} Dialog;

/* One device's rows. */
typedef struct
{
  Dialog    *dialog;
  char      *id;
  GtkWidget *automatic, *uid_row, *uid, *fid_row, *fid, *preview;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->id);
  g_free (entry);
}

static void
dialog_clear (gpointer data)
{
  Dialog *self = data;

  g_clear_object (&self->target);
  g_clear_object (&self->domain);
  g_clear_pointer (&self->entries, g_ptr_array_unref);
}

static void
dialog_unref (Dialog *self)
{
  g_rc_box_release_full (self, dialog_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialog, dialog_unref)

/* --- checking ----------------------------------------------------------------------------------------------------- */

static gboolean
take_entry (VitrineDomain *domain, const Entry *entry, GError **error)
{
  guint32 uid, fid;

  if (gtk_switch_get_active (GTK_SWITCH (entry->automatic)))
    return TRUE;
  return vitrine_zpci_parse_uid (gtk_entry_get_text (GTK_ENTRY (entry->uid)), &uid, error)
         && vitrine_zpci_parse_fid (gtk_entry_get_text (GTK_ENTRY (entry->fid)), &fid, error)
         && vitrine_domain_set_zpci (domain, entry->id, uid, fid, error);
}

/* All are free first: two may exchange their numbers. */
static VitrineDomain *
take_all (Dialog *self, GError **error)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_copy (vitrine_target_get_domain (self->target));

  for (guint i = 0; i < self->entries->len; i++)
    vitrine_domain_clear_zpci (domain, ((Entry *) self->entries->pdata[i])->id, NULL);
  for (guint i = 0; i < self->entries->len; i++)
    if (!take_entry (domain, self->entries->pdata[i], error))
      return NULL;
  return g_steal_pointer (&domain);
}

static void
show_previews (Dialog *self)
{
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (self->domain);

  for (guint i = 0; i < self->entries->len && i < all->len; i++)
    {
      const Entry *entry = self->entries->pdata[i];
      g_autofree char *preview = vitrine_target_preview_zpci (self->target, self->domain, all->pdata[i]);
      hdy_action_row_set_subtitle (HDY_ACTION_ROW (entry->preview), preview);
      atk_object_set_description (gtk_widget_get_accessible (entry->preview), preview);
    }
}

static void
validate (Dialog *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = take_all (self, &error);

  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  if (domain == NULL)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
  else
    {
      g_set_object (&self->domain, domain);
      show_previews (self);
    }
  gtk_widget_set_sensitive (self->save, domain != NULL);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void
reloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;

  vitrine_target_load_finish (VITRINE_TARGET (source), result, NULL);
  if (self->window != NULL)
    gtk_widget_destroy (self->window);
}

static void
written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_target_write_finish (VITRINE_TARGET (source), result, &error);

  if (self->window == NULL)
    return;
  gtk_widget_set_sensitive (self->page, TRUE);
  gtk_widget_set_sensitive (self->save, TRUE);
  if (ok)
    {
      vitrine_target_load_async (self->target, reloaded, g_rc_box_acquire (self));
      return;
    }
  g_auto(GStrv) parts = g_strsplit (error->message, "\n", 2);   /* somebody else's changes follow as a diff */
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, parts[0], parts[1]);
}

static void
save (Dialog *self)
{
  gtk_widget_set_sensitive (self->page, FALSE);
  gtk_widget_set_sensitive (self->save, FALSE);
  vitrine_target_write_async (self->target, self->domain, written, g_rc_box_acquire (self));
}

/* --- widgets
 * ---------------------------------------------------------------------------------------------------------- */

/* Who turns automatic off begins with what is free. */
static void
automatic_toggled (Entry *entry)
{
  gboolean automatic = gtk_switch_get_active (GTK_SWITCH (entry->automatic));
  Dialog *self = entry->dialog;

  gtk_widget_set_visible (entry->uid_row, !automatic);
  gtk_widget_set_visible (entry->fid_row, !automatic);
  if (!automatic && gtk_entry_get_text_length (GTK_ENTRY (entry->uid)) == 0)
    {
      g_autofree char *uid = g_strdup_printf ("0x%04x", vitrine_domain_free_zpci_uid (self->domain));
      g_autofree char *fid = g_strdup_printf ("0x%08x", vitrine_domain_free_zpci_fid (self->domain));
      gtk_entry_set_text (GTK_ENTRY (entry->uid), uid);
      gtk_entry_set_text (GTK_ENTRY (entry->fid), fid);
    }
  validate (self);
}

static void
set_numbers (Entry *entry, const VitrineZpci *zpci)
{
  g_autofree char *uid = zpci->has_uid ? g_strdup_printf ("0x%04x", zpci->uid) : NULL;
  g_autofree char *fid = zpci->has_fid ? g_strdup_printf ("0x%08x", zpci->fid) : NULL;

  gtk_entry_set_text (GTK_ENTRY (entry->uid), uid != NULL ? uid : "");
  gtk_entry_set_text (GTK_ENTRY (entry->fid), fid != NULL ? fid : "");
  gtk_switch_set_active (GTK_SWITCH (entry->automatic), uid == NULL || fid == NULL);
  gtk_widget_set_visible (entry->uid_row, uid != NULL && fid != NULL);
  gtk_widget_set_visible (entry->fid_row, uid != NULL && fid != NULL);
}

static void
name_for (GtkWidget *control, const char *format, const char *id)
{
  g_autofree char *name = g_strdup_printf ("%s: %s", id, format);

  atk_object_set_name (gtk_widget_get_accessible (control), name);
}

static GtkWidget *
new_group (Dialog *self, const VitrineZpci *zpci)
{
  GtkWidget *group = hdy_preferences_group_new ();
  Entry *entry = g_new0 (Entry, 1);
  GtkWidget *automatic
      = vitrine_row_new_switch (_("Automatic (recommended)"), _("libvirt chooses uid and fid"), &entry->automatic);

  entry->dialog = self;
  entry->id = g_strdup (zpci->id);
  entry->uid_row = vitrine_row_new_entry (_("uid, from 0x0001 to 0xffff"), &entry->uid);
  entry->fid_row = vitrine_row_new_entry (_("fid, from 0x00000000 to 0xffffffff"), &entry->fid);
  entry->preview = vitrine_fact_row_new (NULL, _("What lspci will print in the guest"), "");
  gtk_entry_set_width_chars (GTK_ENTRY (entry->uid), 12);
  gtk_entry_set_width_chars (GTK_ENTRY (entry->fid), 12);
  name_for (entry->automatic, _("Automatic"), zpci->id);
  name_for (entry->uid, "uid", zpci->id);
  name_for (entry->fid, "fid", zpci->id);
  set_numbers (entry, zpci);
  vitrine_group_describe (group, zpci->id, NULL);
  GtkWidget *const rows[] = { automatic, entry->uid_row, entry->fid_row, entry->preview,
                              vitrine_sentence_row_new ("dialog-warning-symbolic",
                                                        _("Cannot move to another host while the machine runs.")) };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    gtk_container_add (GTK_CONTAINER (group), rows[i]);
  gtk_widget_show (group);
  g_ptr_array_add (self->entries, entry);
  g_signal_connect_swapped (entry->automatic, "notify::active", G_CALLBACK (automatic_toggled), entry);
  g_signal_connect_swapped (entry->uid, "changed", G_CALLBACK (validate), self);
  g_signal_connect_swapped (entry->fid, "changed", G_CALLBACK (validate), self);
  return group;
}

static GtkWidget *
new_page (Dialog *self)
{
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (self->domain);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *intro = hdy_preferences_group_new ();

  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->page = hdy_preferences_page_new ();
  vitrine_group_describe (
      intro, NULL,
      _("The guest’s address of a device is fixed by its uid alone: it is UID:00:00.0, whatever bus and slot the "
        "definition says. The fid names the slot for hot plug."));
  gtk_container_add (GTK_CONTAINER (self->page), intro);
  for (guint i = 0; i < all->len; i++)
    gtk_container_add (GTK_CONTAINER (self->page), new_group (self, all->pdata[i]));
  if (all->len == 0)
    gtk_container_add (GTK_CONTAINER (intro), vitrine_sentence_row_new (NULL, _("The machine has no PCI device.")));
  gtk_box_pack_start (GTK_BOX (box), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), self->page, TRUE, TRUE, 0);
  gtk_widget_show_all (intro);
  gtk_widget_show (self->page);
  gtk_widget_show (self->notice_slot);
  gtk_widget_show (box);
  return box;
}

static void
destroyed (Dialog *self)
{
  self->window = NULL;
  dialog_unref (self);
}

GtkWidget *
vitrine_zpci_dialog_new (GtkWindow *parent, VitrineTarget *target)
{
  Dialog *self = g_rc_box_new0 (Dialog);
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_("_Cancel"));
  g_autofree char *title = g_strdup_printf (_("PCI Addresses of %s"), vitrine_target_get_title (target));

  self->target = g_object_ref (target);
  self->domain = vitrine_domain_copy (vitrine_target_get_domain (target));
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->save = gtk_button_new_with_mnemonic (_("_Save"));
  self->window = vitrine_page_window_new (parent, title, new_page (self), WIDTH, HEIGHT);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->save), "suggested-action");
  gtk_widget_set_can_default (self->save, TRUE);
  gtk_widget_show (cancel);
  gtk_widget_show (self->save);
  vitrine_page_window_add_buttons (self->window, cancel, self->save);
  gtk_widget_grab_default (self->save);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (gtk_window_close), self->window);
  g_signal_connect_swapped (self->save, "clicked", G_CALLBACK (save), self);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (destroyed), self);
  show_previews (self);
  return self->window;
}
