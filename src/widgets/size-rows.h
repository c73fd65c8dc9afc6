/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows about a machine's size, as the wizard and the settings have them: memory, processors, firmware. */
#pragma once

#include <handy.h>

/* What can be chosen, both lists with NULL at their ends, and a sentence about one that cannot be used here, or NULL. */
typedef struct
{
  const char *const *ids, *const *labels;
  const char *(*problem) (const char *id);
} VitrineSizeFirmware;

typedef struct
{
  GtkWidget *memory, *cpus, *firmware;
  GtkWidget *firmware_row;
  const char *(*firmware_problem) (const char *id);
} VitrineSizeRows;

/* @memory_limit: bytes that can be chosen even if this host has less. @firmware: its lists stay. @self outlives the rows. */
void     vitrine_size_rows_add (VitrineSizeRows *self, GtkContainer *group, guint64 memory_limit, guint cpu_limit,
                                const VitrineSizeFirmware *firmware);
guint64  vitrine_size_rows_get_memory (const VitrineSizeRows *self);   /* bytes, whole MiB */
void     vitrine_size_rows_set_memory (const VitrineSizeRows *self, guint64 bytes);
guint    vitrine_size_rows_get_cpus (const VitrineSizeRows *self);
void     vitrine_size_rows_set_cpus (const VitrineSizeRows *self, guint cpus);
const char *vitrine_size_rows_get_firmware (const VitrineSizeRows *self);
void     vitrine_size_rows_set_firmware (const VitrineSizeRows *self, const char *id);
