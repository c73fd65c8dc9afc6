/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows about a machine's size. */
#include "size-rows.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "rows.h"

#define MIB         (G_GUINT64_CONSTANT (1) << 20)
#define MEMORY_STEP 256   /* MiB */

static guint64
host_memory (void)
{
  return (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);
}

static void
firmware_chosen (VitrineSizeRows *self)
{
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (self->firmware_row), self->firmware_problem (vitrine_size_rows_get_firmware (self)));
}

void
vitrine_size_rows_add (VitrineSizeRows *self, GtkContainer *group, guint64 memory_limit, guint cpu_limit,
                       const VitrineSizeFirmware *firmware)
{
  double most_mib = (double) (MAX (host_memory (), memory_limit) / MIB);

  gtk_container_add (group, vitrine_row_new_spin (_("_Memory (MiB)"), NULL, 1, most_mib, MEMORY_STEP, &self->memory));
  gtk_container_add (group, vitrine_row_new_spin (_("_Processors"), NULL, 1, cpu_limit, 1, &self->cpus));
  self->firmware_row = vitrine_row_new_combo (_("_Firmware"), firmware->ids, firmware->labels, &self->firmware);
  self->firmware_problem = firmware->problem;
  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (self->firmware_row), 0);
  gtk_container_add (group, self->firmware_row);
  g_signal_connect_swapped (self->firmware, "changed", G_CALLBACK (firmware_chosen), self);
  firmware_chosen (self);
}

guint64
vitrine_size_rows_get_memory (const VitrineSizeRows *self)
{
  return (guint64) gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->memory)) * MIB;
}

void
vitrine_size_rows_set_memory (const VitrineSizeRows *self, guint64 bytes)
{
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->memory), (double) (bytes / MIB));
}

guint
vitrine_size_rows_get_cpus (const VitrineSizeRows *self)
{
  return (guint) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->cpus));
}

void
vitrine_size_rows_set_cpus (const VitrineSizeRows *self, guint cpus)
{
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->cpus), cpus);
}

const char *
vitrine_size_rows_get_firmware (const VitrineSizeRows *self)
{
  return gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->firmware));
}

void
vitrine_size_rows_set_firmware (const VitrineSizeRows *self, const char *id)
{
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->firmware), id);
}
