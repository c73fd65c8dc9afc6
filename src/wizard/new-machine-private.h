/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the new machine's window share. */
#pragma once

#include "installer.h"
#include "new-machine.h"
#include "size-rows.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)

typedef enum
{
  KIND_INSTALLER,
  KIND_DISK,
  KIND_KERNEL,
  KIND_DEFINITION,
  N_KINDS
} Kind;

struct _VitrineNewMachine
{
  HdyWindow parent_instance;

  GtkWidget        *back_button, *next_button, *spinner, *notice_slot, *pages;
  GtkWidget        *kind_group, *file_group, *name_group, *size_group, *disk_group, *summary_group, *start_group;

  GtkWidget        *kind_buttons[N_KINDS], *file_rows[N_KINDS], *files[N_KINDS];
  GtkWidget        *initrd_row, *initrd, *cmdline_row, *cmdline, *file_problem;
  GtkWidget        *name, *system_row, *system, *name_problem;
  VitrineSizeRows   size;
  GtkWidget        *tpm;
  GtkWidget        *format_row, *format, *disk_switch_row, *disk_switch, *disk_size_row, *disk_size, *disk_note;
  GtkWidget        *start_switch;
  GPtrArray        *summary_rows;

  VitrineLibrary   *library;
  VitrineInstaller *installer;
  GCancellable     *recognizing;
  guint64           free_space;
};

/* new-machine.c */
gboolean vitrine_new_machine_on_page (VitrineNewMachine *self, const char *name);
void     vitrine_new_machine_fail (VitrineNewMachine *self, const GError *error);

/* new-machine-pages.c */
void     vitrine_new_machine_build_pages (VitrineNewMachine *self);
Kind     vitrine_new_machine_get_kind (VitrineNewMachine *self);
gboolean vitrine_new_machine_makes_disk (VitrineNewMachine *self);
guint64  vitrine_new_machine_get_disk_bytes (VitrineNewMachine *self);
/* Says what is wrong with the page that is shown, and keeps Next insensitive meanwhile. */
void     vitrine_new_machine_validate (VitrineNewMachine *self);
void     vitrine_new_machine_fill_summary (VitrineNewMachine *self);

/* new-machine-create.c. Both close the window once they are done. */
void     vitrine_new_machine_create (VitrineNewMachine *self);
/* A libvirt definition, as it is. */
void     vitrine_new_machine_import (VitrineNewMachine *self);
