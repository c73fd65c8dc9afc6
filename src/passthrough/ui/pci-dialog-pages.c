/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the dialog's pages show. */
#include <glib/gi18n.h>

#include "choice-rows.h"
#include "code-box.h"
#include "domain-hostdev.h"
#include "migration-blockers.h"
#include "notice.h"
#include "pci-dialog-private.h"
#include "rows.h"

#define WARNING "dialog-warning-symbolic"

/* --- rows that come and go ------------------------------------------------------------------------------------------ */

static void
clear_rows (VitrinePciDialog *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    gtk_widget_destroy (self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
}

static void
add_row (VitrinePciDialog *self, GtkWidget *group, GtkWidget *row)
{
  gtk_container_add (GTK_CONTAINER (group), row);
  g_ptr_array_add (self->rows, row);
}

static const char *
address_of (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "vitrine-address");
}

static void
set_address (GtkWidget *widget, const char *address)
{
  g_object_set_data_full (G_OBJECT (widget), "vitrine-address", g_strdup (address), g_free);
}

/* "0000:01:00.0, VGA compatible controller, driver nouveau, IOMMU group 1" */
static char *
describe (const VitrinePciDevice *device)
{
  GString *words = g_string_new (device->address);

  g_string_append_printf (words, ", %s", device->class_name);
  if (device->driver != NULL)
    g_string_append_printf (words, _(", driver %s"), device->driver);
  else
    g_string_append (words, _(", no driver"));
  if (device->group >= 0)
    g_string_append_printf (words, _(", IOMMU group %d"), device->group);
  if (device->physical != NULL)
    g_string_append_printf (words, _(", virtual function of %s"), device->physical);
  if (device->user != NULL)
    g_string_append_printf (words, device->user_runs ? _(", in use by “%s”") : _(", meant for “%s”"), device->user);
  return g_string_free (words, FALSE);
}

/* --- devices --------------------------------------------------------------------------------------------------------- */

static void
remove_clicked (VitrinePciDialog *self, GtkWidget *button)
{
  g_autofree char *address = g_strdup (address_of (button));   /* which goes with its row */

  vitrine_pci_dialog_remove (self, address);
}

static void
device_activated (VitrinePciDialog *self, GtkWidget *row)
{
  g_autofree char *address = g_strdup (address_of (row));

  vitrine_pci_dialog_add (self, address);
}

static char *
find_blocker (VitrinePciDialog *self, const char *id)
{
  g_autoptr(GPtrArray) all = vitrine_migration_blockers (vitrine_target_get_domain (self->target));

  for (guint i = 0; i < all->len; i++)
    if (g_str_equal (((VitrineMigrationBlocker *) all->pdata[i])->device, id))
      return g_strdup (((VitrineMigrationBlocker *) all->pdata[i])->sentence);
  return NULL;
}

/* "Remove NAME": the button of one row among many. */
static GtkWidget *
new_remove_button (VitrinePciDialog *self, const char *address, const char *name)
{
  GtkWidget *button = gtk_button_new_with_label (_("Remove…"));
  g_autofree char *spoken = g_strdup_printf (_("Remove %s"), name);

  set_address (button, address);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  atk_object_set_name (gtk_widget_get_accessible (button), spoken);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_clicked), self);
  gtk_widget_show (button);
  return button;
}

static void
add_present (VitrinePciDialog *self, const VitrineHostdev *hostdev)
{
  const VitrinePciDevice *device = vitrine_pci_host_lookup (vitrine_target_get_pci_host (self->target), hostdev->id);
  g_autofree char *words = device != NULL ? describe (device) : g_strdup_printf (_("%s, which the host does not have"), hostdev->id);
  g_autofree char *blocker = vitrine_target_is_local (self->target) ? NULL : find_blocker (self, hostdev->id);
  g_autofree char *subtitle = blocker != NULL ? g_strdup_printf ("%s\n%s", words, blocker) : g_strdup (words);
  const char *name = device != NULL ? device->name : hostdev->id;
  GtkWidget *row = vitrine_fact_row_new (NULL, name, subtitle);

  gtk_container_add (GTK_CONTAINER (row), new_remove_button (self, hostdev->id, name));
  add_row (self, self->present_group, row);
}

static void
fill_present (VitrinePciDialog *self)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_hostdevs (vitrine_target_get_domain (self->target));
  gboolean any = FALSE;

  for (guint i = 0; i < hostdevs->len; i++)
    if (((VitrineHostdev *) hostdevs->pdata[i])->kind == VITRINE_HOSTDEV_PCI)
      {
        add_present (self, hostdevs->pdata[i]);
        any = TRUE;
      }
  gtk_widget_set_visible (self->present_group, any);
}

static void
add_host_device (VitrinePciDialog *self, const VitrinePciDevice *device)
{
  g_autofree char *words = describe (device);
  gboolean costs = device->losses->len > 0;
  GtkWidget *row = vitrine_fact_row_new (NULL, device->name, words);

  if (costs)
    {
      GtkWidget *icon = gtk_image_new_from_icon_name (WARNING, GTK_ICON_SIZE_BUTTON);
      gtk_widget_set_tooltip_text (icon, device->losses->pdata[0]);
      atk_object_set_name (gtk_widget_get_accessible (icon), _("The host needs it"));
      gtk_container_add (GTK_CONTAINER (row), icon);
      gtk_widget_show (icon);
    }
  set_address (row, device->address);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  g_signal_connect_swapped (row, "activated", G_CALLBACK (device_activated), self);
  add_row (self, self->host_group, row);
}

static void
fill_host (VitrinePciDialog *self)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);
  VitrineDomain *domain = vitrine_target_get_domain (self->target);
  guint n = 0;

  for (guint i = 0; i < host->devices->len; i++)
    {
      const VitrinePciDevice *device = host->devices->pdata[i];
      if (!vitrine_pci_device_is_giveable (device) || vitrine_domain_has_hostdev (domain, VITRINE_HOSTDEV_PCI, device->address))
        continue;
      add_host_device (self, device);
      n++;
    }
  if (n == 0)
    add_row (self, self->host_group, vitrine_sentence_row_new (NULL, _("The host has no PCI device that could be given.")));
  vitrine_group_describe (self->host_group, _("Pass a Device Through"), vitrine_target_get_source (self->target));
}

static void
show_readiness (VitrinePciDialog *self)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);
  g_autofree char *local = vitrine_target_explain_local (self->target);

  if (local != NULL)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_INFO, local, NULL);
  else if (host->no_iommu != NULL || host->no_vfio != NULL)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_WARNING, host->no_iommu != NULL ? host->no_iommu : host->no_vfio,
                         NULL);
}

void
vitrine_pci_dialog_fill_devices (VitrinePciDialog *self)
{
  clear_rows (self);
  fill_present (self);
  fill_host (self);
  show_readiness (self);
  gtk_widget_set_visible (self->address_group, vitrine_domain_is_s390x (vitrine_target_get_domain (self->target)));
}

/* --- together -------------------------------------------------------------------------------------------------------- */

/* A host that is not ready may be made so: the machine's definition can be written before. All else cannot be. */
static void
find_block (VitrinePciDialog *self)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);
  g_autoptr(GError) error = NULL;

  g_clear_pointer (&self->blocked, g_free);
  if (vitrine_target_is_local (self->target))
    return;
  if (vitrine_target_check (self->target, &self->change, &error))
    return;
  if (host->no_iommu != NULL || host->no_vfio != NULL)
    {
      g_autofree char *words = g_strdup_printf (_("The machine cannot be started with it yet: %s"), error->message);
      vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_WARNING, words, NULL);
      return;
    }
  self->blocked = g_strdup (error->message);
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, self->blocked, NULL);
}

void
vitrine_pci_dialog_fill_together (VitrinePciDialog *self)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);
  const char *const *addresses = (const char *const *) self->change.addresses;
  g_auto(GStrv) losses = vitrine_pci_host_list_losses (host, addresses);

  clear_rows (self);
  for (guint i = 0; addresses[i] != NULL; i++)
    {
      const VitrinePciDevice *device = vitrine_pci_host_lookup (host, addresses[i]);
      g_autofree char *words = describe (device);
      add_row (self, self->together_group, vitrine_fact_row_new (NULL, device->name, words));
    }
  vitrine_group_describe (self->together_group, _("What Goes to the Machine"),
                          addresses[1] != NULL ? _("They share an IOMMU group or a card, and go together.") : NULL);
  for (guint i = 0; losses[i] != NULL; i++)
    add_row (self, self->loss_group, vitrine_sentence_row_new (WARNING, losses[i]));
  if (losses[0] == NULL)
    add_row (self, self->loss_group,
             vitrine_sentence_row_new (NULL, host->remote ? _("Nothing that its libvirt tells of.") : _("Nothing that it needs itself.")));
  gtk_widget_set_visible (self->confirm_group, losses[0] != NULL && !vitrine_target_is_local (self->target));
  find_block (self);
}

/* --- how --------------------------------------------------------------------------------------------------------------- */

static gboolean
can_be_live (VitrinePciDialog *self)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (self->target);

  return !vitrine_target_is_local (self->target) && vitrine_target_is_running (self->target)
         && (self->change.removes || (host->no_iommu == NULL && host->no_vfio == NULL));
}

void
vitrine_pci_dialog_fill_how (VitrinePciDialog *self)
{
  gboolean live = can_be_live (self);

  gtk_widget_set_visible (self->driver_group, !self->change.removes);
  gtk_widget_set_visible (self->rom_row, !self->change.removes);
  gtk_widget_set_visible (self->live_row, live);
  gtk_widget_set_visible (self->when_group, live || !self->change.removes);
  gtk_switch_set_active (GTK_SWITCH (self->live), live);
}

/* --- review and end ------------------------------------------------------------------------------------------------------ */

/* Where the new devices will be in an s390x guest: the first line of what lspci prints there. */
static char *
preview_address (VitrinePciDialog *self)
{
  g_autoptr(VitrineDomain) after = vitrine_target_preview (self->target, &self->change, NULL);
  g_autoptr(GPtrArray) all = after != NULL ? vitrine_domain_get_zpci (after) : NULL;

  for (guint i = 0; !self->change.removes && all != NULL && i < all->len; i++)
    {
      const VitrineZpci *zpci = all->pdata[i];
      if (g_str_equal (zpci->id, self->change.addresses[0]))
        return vitrine_target_preview_zpci (self->target, after, zpci);
    }
  return NULL;
}

gboolean
vitrine_pci_dialog_fill_review (VitrinePciDialog *self)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *elements = vitrine_target_get_elements (self->target, &self->change, &error);
  g_autofree char *steps = elements != NULL ? vitrine_target_dry_run (self->target, &self->change, &error) : NULL;
  g_autofree char *preview = preview_address (self);

  if (steps == NULL)
    {
      vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
      return FALSE;
    }
  vitrine_code_box_set_text (VITRINE_CODE_BOX (self->elements), elements);
  vitrine_code_box_set_text (VITRINE_CODE_BOX (self->steps), steps);
  gtk_label_set_label (GTK_LABEL (self->preview_row), preview);
  gtk_widget_set_visible (gtk_widget_get_parent (self->preview_row), preview != NULL);
  return TRUE;
}

void
vitrine_pci_dialog_fill_done (VitrinePciDialog *self)
{
  gboolean now = self->change.live;
  const char *words = self->change.removes ? (now ? _("The guest has been asked to let go of it, and the next start is without it.")
                                                  : _("The machine is without it from its next start on."))
                                           : (now ? _("The machine has it now, and at each start.")
                                                  : _("The machine has it from its next start on."));

  if (vitrine_target_is_local (self->target))
    words = self->change.removes ? _("It is out of the machine’s definition.")
                                 : _("It is in the machine’s definition, for the day when the machine is on a libvirt host.");
  const char *title = self->change.removes ? _("Removed") : _("Passed Through");
  g_object_set (self->done_status, "title", title, "description", words, NULL);
  atk_object_set_name (gtk_widget_get_accessible (self->done_status), title);
  atk_object_set_description (gtk_widget_get_accessible (self->done_status), words);
}

/* --- building -------------------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_preview (VitrinePciDialog *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6), *title = gtk_label_new (_("What lspci will print in the guest"));

  self->preview_row = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_xalign (GTK_LABEL (self->preview_row), 0);
  gtk_label_set_selectable (GTK_LABEL (self->preview_row), TRUE);
  gtk_label_set_line_wrap (GTK_LABEL (self->preview_row), TRUE);
  gtk_style_context_add_class (gtk_widget_get_style_context (title), "heading");
  gtk_style_context_add_class (gtk_widget_get_style_context (self->preview_row), "monospace");
  gtk_container_add (GTK_CONTAINER (box), title);
  gtk_container_add (GTK_CONTAINER (box), self->preview_row);
  gtk_widget_show_all (box);
  return box;
}

static void
add_other (VitrinePciDialog *self, const char *title, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (title);

  gtk_widget_set_margin_top (button, 6);
  gtk_container_add (GTK_CONTAINER (self->other_group), button);
  gtk_widget_show (button);
  g_signal_connect_swapped (button, "clicked", clicked, self);
}

void
vitrine_pci_dialog_build (VitrinePciDialog *self)
{
  GtkWidget *addresses = gtk_button_new_with_mnemonic (_("PCI _Addresses…"));

  vitrine_group_describe (self->present_group, _("In This Machine"), NULL);
  vitrine_group_describe (self->address_group, _("Addresses in the Guest"), NULL);
  vitrine_group_describe (self->loss_group, _("What the Host Would Lose"), NULL);
  vitrine_group_describe (self->driver_group, _("Between the Host’s Driver and the Machine"), NULL);
  gtk_container_add (GTK_CONTAINER (self->address_group), addresses);
  gtk_widget_show (addresses);
  add_other (self, _("Cr_ypto Adapters…"), G_CALLBACK (vitrine_pci_dialog_show_queues));
  add_other (self, _("_Mediated Devices…"), G_CALLBACK (vitrine_pci_dialog_show_mediated));
  g_signal_connect_swapped (addresses, "clicked", G_CALLBACK (vitrine_pci_dialog_show_addresses), self);
  gtk_container_add (GTK_CONTAINER (self->confirm_group), vitrine_row_new_switch (_("The host may _lose that"), NULL, &self->confirm));
  g_signal_connect_swapped (self->confirm, "notify::active", G_CALLBACK (vitrine_pci_dialog_validate), self);
  gtk_container_add (GTK_CONTAINER (self->driver_group),
                     vitrine_choice_row_new (_("_libvirt moves the device (managed)"),
                                             _("Taken from the host’s driver whenever the machine starts, given back when it ends."), NULL,
                                             &self->managed));
  gtk_container_add (GTK_CONTAINER (self->driver_group),
                     vitrine_choice_row_new (_("_Move it once (not managed)"),
                                             _("The host’s driver loses it now, until it is removed from the machine. The next page shows the "
                                               "commands; this computer’s are run with an administrator’s permission."), self->managed,
                                             &self->unmanaged));
  self->live_row = vitrine_row_new_switch (_("Also no_w, while the machine runs"), NULL, &self->live);
  self->rom_row = vitrine_row_new_switch (_("_Hide the card’s own firmware"),
                                          _("For guests that stop at it (ROM bar off)"), &self->rom_off);
  gtk_container_add (GTK_CONTAINER (self->when_group), self->live_row);
  gtk_container_add (GTK_CONTAINER (self->when_group), self->rom_row);
  self->elements = vitrine_code_box_new (_("In the _definition"), _("_Copy"));
  self->steps = vitrine_code_box_new (_("What is d_one, as commands"), _("C_opy"));
  gtk_box_pack_start (GTK_BOX (self->review_box), self->elements, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (self->review_box), new_preview (self), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self->review_box), self->steps, TRUE, TRUE, 0);
}
