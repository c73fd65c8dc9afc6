/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows about a machine's size, as the wizard and the settings have them: memory, processors, firmware. */
#pragma once

#include <handy.h>

typedef struct
{
  GtkWidget *memory, *cpus, *firmware;
} VitrineSizeRows;

/* @memory_limit: bytes that can be chosen even if this host has less. */
void     vitrine_size_rows_add (VitrineSizeRows *self, GtkContainer *group, guint64 memory_limit, guint cpu_limit);
guint64  vitrine_size_rows_get_memory (const VitrineSizeRows *self);   /* bytes, whole MiB */
void     vitrine_size_rows_set_memory (const VitrineSizeRows *self, guint64 bytes);
guint    vitrine_size_rows_get_cpus (const VitrineSizeRows *self);
void     vitrine_size_rows_set_cpus (const VitrineSizeRows *self, guint cpus);
gboolean vitrine_size_rows_get_uefi (const VitrineSizeRows *self);
void     vitrine_size_rows_set_uefi (const VitrineSizeRows *self, gboolean uefi);

guint64  vitrine_size_rows_host_memory (void);                         /* bytes */
