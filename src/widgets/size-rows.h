/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows about a machine's size, as the wizard and the settings have them: memory, processors, firmware. */
#pragma once

#include <handy.h>

typedef struct
{
  GtkWidget *memory, *cpus, *firmware;
  GtkWidget *firmware_row;
  const char *(*firmware_problem) (const char *id);
} VitrineSizeRows;

/* @memory_limit: bytes that can be chosen even if this host has less. @firmware_problem: a sentence about a firmware that cannot be
 * used here, shown when it is chosen, or NULL. @self outlives the rows. */
void     vitrine_size_rows_add (VitrineSizeRows *self, GtkContainer *group, guint64 memory_limit, guint cpu_limit,
                                const char *(*firmware_problem) (const char *id));
guint64  vitrine_size_rows_get_memory (const VitrineSizeRows *self);   /* bytes, whole MiB */
void     vitrine_size_rows_set_memory (const VitrineSizeRows *self, guint64 bytes);
guint    vitrine_size_rows_get_cpus (const VitrineSizeRows *self);
void     vitrine_size_rows_set_cpus (const VitrineSizeRows *self, guint cpus);
/* "bios", "uefi" or "secure-boot" */
const char *vitrine_size_rows_get_firmware (const VitrineSizeRows *self);
void     vitrine_size_rows_set_firmware (const VitrineSizeRows *self, const char *id);

guint64  vitrine_size_rows_host_memory (void);                         /* bytes */
