/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware-list.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "domain-folders.h"
#include "forwards.h"
#include "hardware-add.h"
#include "hardware-rows.h"
#include "hardware-running.h"
#include "rows.h"

#define MIB         (G_GUINT64_CONSTANT (1) << 20)
#define MEMORY_STEP 64        /* MiB */

struct _VitrineHardwareList
{
  GtkBox parent_instance;

  GtkWidget      *list, *add, *memory;   /* memory: NULL where it cannot change now */
  VitrineUndoBar *undo_bar;
  VitrineDomain  *domain;
  VitrineRemoved *removed;           /* what can be had back; or NULL */
  VitrineMachine *running;           /* NULL: it is off */
  VitrineDomain  *before;            /* as it runs; NULL: it is off */
  VitrineDomain  *original;          /* as it was when the window came */
  gboolean        cold;
  guint64         wanted;            /* bytes that a running guest is asked to use */
  GPtrArray      *disks;             /* rows in boot order; the list's */
};

G_DEFINE_FINAL_TYPE (VitrineHardwareList, vitrine_hardware_list, GTK_TYPE_BOX)

static void rebuild (VitrineHardwareList *self, const char *open);

/* --- Boot order ----------------------------------------------------------------------------------------------------- */

static void
write_order (VitrineHardwareList *self)
{
  g_autoptr(GPtrArray) order = g_ptr_array_new ();

  for (guint i = 0; i < self->disks->len; i++)
    g_ptr_array_add (order, (char *) vitrine_disk_row_get_target (self->disks->pdata[i]));
  g_ptr_array_add (order, NULL);
  vitrine_domain_set_boot_order (self->domain, (const char *const *) order->pdata);
}

static void
move_up (VitrineHardwareList *self, GtkWidget *button)
{
  GtkWidget *row = g_object_get_data (G_OBJECT (button), "vitrine-row");
  guint      i;

  if (!g_ptr_array_find (self->disks, row, &i) || i == 0)
    return;
  self->disks->pdata[i] = self->disks->pdata[i - 1];
  self->disks->pdata[i - 1] = row;
  write_order (self);
  rebuild (self, NULL);
}

/* --- Removing ------------------------------------------------------------------------------------------------------- */

static void
undo (VitrineHardwareList *self)
{
  if (self->removed == NULL)
    return;
  vitrine_domain_put_back (self->domain, self->removed);
  g_clear_pointer (&self->removed, vitrine_removed_free);
  rebuild (self, NULL);
  write_order (self);   /* which may have changed meanwhile */
}

static void
gone (VitrineHardwareList *self)
{
  g_clear_pointer (&self->removed, vitrine_removed_free);
}

/* Says that this row's device is removed, and keeps it for as long as it says so. */
static void
offer_back (VitrineHardwareList *self, GtkWidget *row, VitrineRemoved *removed, const char *loss)
{
  g_autofree char *gone_words = g_strdup_printf (_("%s removed"), hdy_preferences_row_get_title (HDY_PREFERENCES_ROW (row)));
  g_autofree char *words = loss != NULL ? g_strdup_printf ("%s. %s", gone_words, loss) : g_strdup (gone_words);

  vitrine_undo_bar_show (self->undo_bar, words);
  self->removed = removed;
  rebuild (self, NULL);
}

static void
remove_disk (VitrineHardwareList *self, GtkWidget *button)
{
  GtkWidget *row = g_object_get_data (G_OBJECT (button), "vitrine-row");

  offer_back (self, row, vitrine_domain_take_disk (self->domain, vitrine_disk_row_get_target (row)), NULL);
}

static void
remove_network (VitrineHardwareList *self, GtkWidget *button)
{
  GtkWidget *row = g_object_get_data (G_OBJECT (button), "vitrine-row");
  guint      index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (row), "vitrine-index"));

  offer_back (self, row, vitrine_domain_take_network (self->domain, index), NULL);
}

static void
remove_tpm (VitrineHardwareList *self, GtkWidget *button)
{
  offer_back (self, g_object_get_data (G_OBJECT (button), "vitrine-row"), vitrine_domain_remove_tpm (self->domain),
              _("What is sealed in it will be lost when the machine next starts"));
}

static void
remove_folder (VitrineHardwareList *self, GtkWidget *button)
{
  GtkWidget *row = g_object_get_data (G_OBJECT (button), "vitrine-row");
  guint      index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (row), "vitrine-index"));

  offer_back (self, row, vitrine_domain_take_folder (self->domain, index), NULL);
}

static void
added (VitrineHardwareList *self, gboolean drive, const char *name)
{
  rebuild (self, name);
  if (drive)
    write_order (self);
}

/* --- Rows ----------------------------------------------------------------------------------------------------------- */

/* @words: NULL where they are set later. */
static GtkWidget *
add_button (VitrineHardwareList *self, GtkWidget *row, const char *icon, const char *words, GCallback function)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  if (words != NULL)
    {
      gtk_widget_set_tooltip_text (button, words);
      atk_object_set_name (gtk_widget_get_accessible (button), words);
    }
  g_object_set_data (G_OBJECT (button), "vitrine-row", row);
  g_signal_connect_object (button, "clicked", function, self, G_CONNECT_SWAPPED);
  hdy_expander_row_add_action (HDY_EXPANDER_ROW (row), button);
  gtk_widget_show (button);
  return button;
}

/* A row may be called something else later. */
static void
name_remove_button (GtkWidget *row, GParamSpec *pspec, GtkWidget *button)
{
  g_autofree char *words = g_strdup_printf (_("Remove %s"), hdy_preferences_row_get_title (HDY_PREFERENCES_ROW (row)));
  gboolean able = gtk_widget_get_sensitive (button);

  atk_object_set_name (gtk_widget_get_accessible (button), words);
  gtk_widget_set_tooltip_text (button, able ? words : _("It was there when the machine started: power it off to remove it"));
}

static void
add_remove_button (VitrineHardwareList *self, GtkWidget *row, gboolean able, GCallback function)
{
  GtkWidget *button = add_button (self, row, "list-remove-symbolic", NULL, function);

  gtk_widget_set_sensitive (button, able);
  name_remove_button (row, NULL, button);
  g_signal_connect_object (row, "notify::title", G_CALLBACK (name_remove_button), button, 0);
}

/* --- What a running machine takes ----------------------------------------------------------------------------------- */

static VitrineRowMode
mode_of_disk (VitrineHardwareList *self, const char *target)
{
  g_autoptr(GPtrArray) disks = self->before != NULL ? vitrine_domain_get_disks (self->before) : NULL;

  if (disks != NULL && vitrine_disk_find (disks, target) != NULL)
    return VITRINE_ROW_RUNNING;
  return self->cold ? VITRINE_ROW_COLD : VITRINE_ROW_NEW;
}

/* Cards have no names: new ones have an address that no other has. */
static VitrineRowMode
mode_of_network (VitrineHardwareList *self, const VitrineNetwork *network)
{
  g_autoptr(GPtrArray) networks = self->before != NULL ? vitrine_domain_get_networks (self->before) : NULL;

  for (guint i = 0; networks != NULL && i < networks->len; i++)
    if (g_strcmp0 (((VitrineNetwork *) networks->pdata[i])->mac, network->mac) == 0)
      return VITRINE_ROW_RUNNING;
  return self->cold ? VITRINE_ROW_COLD : VITRINE_ROW_NEW;
}

static VitrineRowMode
mode_of_folder (VitrineHardwareList *self, const VitrineFolder *folder)
{
  guint index;

  if (self->before != NULL && folder->name != NULL && vitrine_domain_find_folder (self->before, folder->name, &index))
    return VITRINE_ROW_RUNNING;
  return self->cold ? VITRINE_ROW_COLD : VITRINE_ROW_NEW;
}

/* Of a disk that can grow now; else 0. */
static guint64
growing_size (VitrineHardwareList *self, const VitrineDisk *disk, VitrineRowMode mode)
{
  g_autoptr(VitrineClient) client = mode == VITRINE_ROW_RUNNING ? vitrine_machine_dup_client (self->running) : NULL;

  if (client == NULL || g_strcmp0 (disk->bus, "virtio") != 0 || disk->readonly || disk->transient)
    return 0;
  return vitrine_client_get_disk_size (client, disk->target);
}

static void
add_disks (VitrineHardwareList *self, const char *open)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks_to_boot (self->domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (disk->target == NULL)
        continue;
      VitrineRowMode mode = mode_of_disk (self, disk->target);
      GtkWidget *row = vitrine_disk_row_new (self->domain, disk, mode, growing_size (self, disk, mode));
      if (self->cold && self->disks->len > 0)
        add_button (self, row, "go-up-symbolic", _("Start from this earlier"), G_CALLBACK (move_up));
      add_remove_button (self, row, mode != VITRINE_ROW_RUNNING || vitrine_domain_get_disk_slot (self->domain, disk->target) != 0,
                         G_CALLBACK (remove_disk));
      gtk_container_add (GTK_CONTAINER (self->list), row);
      g_ptr_array_add (self->disks, row);
      if (g_strcmp0 (disk->target, open) == 0)
        hdy_expander_row_set_expanded (HDY_EXPANDER_ROW (row), TRUE);
    }
}

static void
add_networks (VitrineHardwareList *self)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (self->domain);

  for (guint i = 0; i < networks->len; i++)
    {
      VitrineRowMode mode = mode_of_network (self, networks->pdata[i]);
      GtkWidget *row = vitrine_network_row_new (self->domain, i, networks->pdata[i], mode);
      g_object_set_data (G_OBJECT (row), "vitrine-index", GUINT_TO_POINTER (i));
      add_remove_button (self, row, mode != VITRINE_ROW_RUNNING || vitrine_domain_get_network_slot (self->domain, i) != 0,
                         G_CALLBACK (remove_network));
      gtk_container_add (GTK_CONTAINER (self->list), row);
    }
}

static void
add_tpm_row (VitrineHardwareList *self)
{
  if (!vitrine_domain_get_tpm (self->domain))
    return;
  GtkWidget *row = vitrine_tpm_row_new (self->domain, self->cold);
  add_remove_button (self, row, self->cold, G_CALLBACK (remove_tpm));
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
add_folders (VitrineHardwareList *self, const char *open)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (self->domain);

  for (guint i = 0; i < folders->len; i++)
    {
      const VitrineFolder *folder = folders->pdata[i];
      VitrineRowMode mode = mode_of_folder (self, folder);
      GtkWidget *row = vitrine_folder_row_new (self->domain, i, mode);
      g_object_set_data (G_OBJECT (row), "vitrine-index", GUINT_TO_POINTER (i));
      add_remove_button (self, row, mode != VITRINE_ROW_RUNNING, G_CALLBACK (remove_folder));
      gtk_container_add (GTK_CONTAINER (self->list), row);
      if (open != NULL && g_strcmp0 (folder->name, open) == 0)
        hdy_expander_row_set_expanded (HDY_EXPANDER_ROW (row), TRUE);
    }
}

static void
balloon_changed (VitrineHardwareList *self, GParamSpec *pspec, GtkWidget *button)
{
  vitrine_domain_set_balloon (self->domain, gtk_switch_get_active (GTK_SWITCH (button)));
}

static void
add_balloon (VitrineHardwareList *self)
{
  GtkWidget *button;
  GtkWidget *row = vitrine_row_new_switch (_("Memory _balloon"), _("The guest gives memory back that it does not use."), &button);

  gtk_switch_set_active (GTK_SWITCH (button), vitrine_domain_get_balloon (self->domain));
  g_signal_connect_object (button, "notify::active", G_CALLBACK (balloon_changed), self, G_CONNECT_SWAPPED);
  gtk_widget_set_sensitive (row, self->cold);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
sound_changed (VitrineHardwareList *self, GParamSpec *pspec, GtkWidget *button)
{
  vitrine_domain_set_sound (self->domain, gtk_switch_get_active (GTK_SWITCH (button)));
}

static void
add_sound (VitrineHardwareList *self)
{
  GtkWidget *button;
  GtkWidget *row = vitrine_row_new_switch (_("_Sound card"), _("It plays and records on this computer."), &button);

  gtk_switch_set_active (GTK_SWITCH (button), vitrine_domain_get_sound (self->domain));
  g_signal_connect_object (button, "notify::active", G_CALLBACK (sound_changed), self, G_CONNECT_SWAPPED);
  gtk_widget_set_sensitive (row, self->cold);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
clipboard_changed (VitrineHardwareList *self, GParamSpec *pspec, GtkWidget *button)
{
  vitrine_domain_set_clipboard (self->domain, gtk_switch_get_active (GTK_SWITCH (button)));
}

static void
add_clipboard (VitrineHardwareList *self)
{
  GtkWidget *button;
  GtkWidget *row = vitrine_row_new_switch (_("Shared cli_pboard"), _("Copy here, paste there. The guest needs its SPICE agent: spice-vdagent."),
                                           &button);

  gtk_switch_set_active (GTK_SWITCH (button), vitrine_domain_get_clipboard (self->domain));
  g_signal_connect_object (button, "notify::active", G_CALLBACK (clipboard_changed), self, G_CONNECT_SWAPPED);
  gtk_widget_set_sensitive (row, self->cold);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
add_memory (VitrineHardwareList *self)
{
  guint64 most;

  if (!vitrine_machine_get_memory (self->running, &self->wanted, &most))
    return;
  GtkWidget *row = vitrine_row_new_spin (_("Memory for the _guest (MiB)"), _("What it gives up is free for other programs."), 1,
                                         (double) (most / MIB), MEMORY_STEP, &self->memory);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->memory), (double) (self->wanted / MIB));
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
add_sentence (VitrineHardwareList *self, const char *sentence)
{
  GtkWidget *row = hdy_action_row_new ();

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), sentence);
  hdy_action_row_set_title_lines (HDY_ACTION_ROW (row), 0);
  gtk_style_context_add_class (gtk_widget_get_style_context (row), GTK_STYLE_CLASS_DIM_LABEL);
  gtk_widget_show (row);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
destroy (GtkWidget *child, gpointer unused)
{
  gtk_widget_destroy (child);
}

static void
rebuild (VitrineHardwareList *self, const char *open)
{
  g_auto(GStrv) missing = vitrine_domain_list_missing (self->domain);

  gtk_container_foreach (GTK_CONTAINER (self->list), destroy, NULL);
  g_ptr_array_set_size (self->disks, 0);
  vitrine_hardware_add_update (VITRINE_HARDWARE_ADD (self->add));
  add_disks (self, open);
  add_networks (self);
  add_folders (self, open);
  add_tpm_row (self);
  add_balloon (self);
  add_sound (self);
  add_clipboard (self);
  if (!self->cold)
    add_memory (self);
  for (guint i = 0; missing[i] != NULL; i++)
    add_sentence (self, missing[i]);
}

/* --- Checking and applying ------------------------------------------------------------------------------------------ */

gboolean
vitrine_hardware_list_check (VitrineHardwareList *self, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain), networks = vitrine_domain_get_networks (self->domain);

  for (guint i = 0; i < disks->len; i++)
    if (!vitrine_disk_check (disks->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < networks->len; i++)
    if (!vitrine_network_check (networks->pdata[i], error))
      return FALSE;
  return vitrine_domain_check_folders (self->domain, self->original, error) && vitrine_domain_check_forwards (self->domain, error);
}

static gboolean
grow (VitrineHardwareList *self, const VitrineDisk *disk, GError **error)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      GtkWidget *row = self->disks->pdata[i];
      guint64    bytes = vitrine_disk_row_get_growth (row);
      if (bytes > 0 && g_strcmp0 (vitrine_disk_row_get_target (row), disk->target) == 0)
        return vitrine_disk_image_resize (disk->path, vitrine_disk_get_image_format (disk), bytes, error);
    }
  return TRUE;
}

gboolean
vitrine_hardware_list_apply (VitrineHardwareList *self, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain);

  for (guint i = 0; i < disks->len; i++)
    if (!grow (self, disks->pdata[i], error))
      return FALSE;
  return TRUE;
}

void
vitrine_hardware_list_written (VitrineHardwareList *self)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain);

  vitrine_hardware_add_drop_created (VITRINE_HARDWARE_ADD (self->add), disks);
}

/* All that the thread needs, so that it touches no widget. */
static VitrineRunningChange *
running_change (VitrineHardwareList *self)
{
  guint64 memory = self->memory != NULL ? (guint64) gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->memory)) * MIB : 0;
  VitrineRunningChange *change = vitrine_running_change_new (vitrine_machine_dup_client (self->running), self->before, self->domain);

  if (memory / MIB != self->wanted / MIB)
    vitrine_running_change_set_memory (change, memory);
  for (guint i = 0; i < self->disks->len; i++)
    {
      guint64 bytes = vitrine_disk_row_get_growth (self->disks->pdata[i]);
      if (bytes > 0)
        vitrine_running_change_grow (change, vitrine_disk_row_get_target (self->disks->pdata[i]), bytes);
    }
  return change;
}

void
vitrine_hardware_list_apply_running_async (VitrineHardwareList *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_hardware_change_running_async (GTK_WIDGET (self), running_change (self), done, data);
}

gboolean
vitrine_hardware_list_apply_running_finish (VitrineHardwareList *self, GAsyncResult *result, GError **error)
{
  return vitrine_hardware_change_running_finish (result, error);
}

/* --- The object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_hardware_list_finalize (GObject *object)
{
  VitrineHardwareList *self = VITRINE_HARDWARE_LIST (object);

  g_clear_object (&self->domain);
  g_clear_object (&self->original);
  g_clear_object (&self->running);
  g_clear_object (&self->before);
  gone (self);
  g_ptr_array_unref (self->disks);
  G_OBJECT_CLASS (vitrine_hardware_list_parent_class)->finalize (object);
}

static void
vitrine_hardware_list_class_init (VitrineHardwareListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_hardware_list_finalize;
}

static void
vitrine_hardware_list_init (VitrineHardwareList *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 9);
  self->disks = g_ptr_array_new ();
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->list), "content");
  atk_object_set_name (gtk_widget_get_accessible (self->list), _("Hardware"));
  gtk_container_add (GTK_CONTAINER (self), self->list);
}

GtkWidget *
vitrine_hardware_list_new (VitrineDomain *domain, VitrineMachine *running, VitrineUndoBar *undo_bar)
{
  VitrineHardwareList *self = g_object_new (VITRINE_TYPE_HARDWARE_LIST, NULL);

  self->domain = g_object_ref (domain);
  self->original = vitrine_domain_copy (domain);
  self->cold = running == NULL;
  self->running = running != NULL ? g_object_ref (running) : NULL;
  self->before = running != NULL ? vitrine_domain_copy (vitrine_machine_get_domain (running)) : NULL;
  self->undo_bar = undo_bar;
  g_signal_connect_object (undo_bar, "undo", G_CALLBACK (undo), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (undo_bar, "gone", G_CALLBACK (gone), self, G_CONNECT_SWAPPED);
  self->add = vitrine_hardware_add_new (domain, self->cold, undo_bar);
  g_signal_connect_object (self->add, "added", G_CALLBACK (added), self, G_CONNECT_SWAPPED);
  gtk_container_add (GTK_CONTAINER (self), self->add);
  rebuild (self, NULL);
  gtk_widget_show_all (GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
