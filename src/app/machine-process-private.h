/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineMachineProcess share. */
#pragma once

#include "agent.h"
#include "machine-process.h"
#include "machine-window.h"
#include "service.h"
#include "snapshots.h"
#include "thumbnail.h"
#include "usb-outside.h"

struct _VitrineMachineProcess
{
  GObject parent_instance;

  GtkApplication       *application;   /* borrowed: it owns us */
  GSettings            *settings;
  VitrineOpenBackend    open;

  char                 *uuid;
  char                 *lock_path;
  int                   lock;          /* -1: none */
  VitrineDomain        *domain;
  VtConfig             *config;        /* while it is built */
  VtDiskConfig         *locked_disk;   /* of the configuration: the one whose passphrase is being asked for */
  VitrineService       *service;
  VitrineSnapshots     *snapshots;
  VitrineRecording     *recording;
  VitrineFileSender    *sender;
  VitrineUsbPlugs      *usb;
  VitrineAgent         *agent;         /* NULL: the machine has no port for one */
  VitrineBackend       *backend;
  VitrineMachineWindow *window;
  VitrineThumbnail     *thumbnail;
  guint                 build;         /* source id */
  guint                 inhibited;
  GDBusMethodInvocation *suspending;   /* who waits for that; NULL: nobody, or the window */
  gboolean              confined;
};

/* machine-process-build.c */
void     vitrine_machine_process_build_soon (VitrineMachineProcess *self);
/* From its definition, as it is now. */
void     vitrine_machine_process_start_again (VitrineMachineProcess *self);
void     vitrine_machine_process_retry (VitrineMachineProcess *self);
void     vitrine_machine_process_drop_backend (VitrineMachineProcess *self);
void     vitrine_machine_process_set_failed (VitrineMachineProcess *self, const char *message);

/* machine-process-states.c */
void     vitrine_machine_process_keep_snapshots (VitrineMachineProcess *self);
void     vitrine_machine_process_go_back (VitrineMachineProcess *self, const char *name);
void     vitrine_machine_process_suspend (VitrineMachineProcess *self);
void     vitrine_machine_process_suspend_asked (VitrineMachineProcess *self, GDBusMethodInvocation *call);
/* TRUE also when it was not suspended. */
gboolean vitrine_machine_process_restore_suspended (VitrineMachineProcess *self, VitrineBackend *backend, GError **error);
