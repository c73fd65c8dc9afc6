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

typedef struct _VitrineStateWork VitrineStateWork;

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
  VitrineStateWork     *work;          /* a state that is being written or read; NULL: none */
  GDBusMethodInvocation *suspending;   /* who waits for that; NULL: nobody, or the window */
  gboolean              confined;
};

/* machine-process-build.c */
void     vitrine_machine_process_build_soon (VitrineMachineProcess *self);
/* From its definition, as it is now. */
void     vitrine_machine_process_start_again (VitrineMachineProcess *self);
void     vitrine_machine_process_retry (VitrineMachineProcess *self);
/* Everything of this process uses the backend; or lets go of it but for the service, and the window shows @words. */
void     vitrine_machine_process_plug (VitrineMachineProcess *self);
void     vitrine_machine_process_unplug (VitrineMachineProcess *self, const char *words);
void     vitrine_machine_process_drop_backend (VitrineMachineProcess *self);
void     vitrine_machine_process_set_failed (VitrineMachineProcess *self, const char *message);

/* machine-process-states.c */
void     vitrine_machine_process_keep_snapshots (VitrineMachineProcess *self);
void     vitrine_machine_process_go_back (VitrineMachineProcess *self, const char *name);
void     vitrine_machine_process_suspend (VitrineMachineProcess *self);
void     vitrine_machine_process_suspend_asked (VitrineMachineProcess *self, GDBusMethodInvocation *call);
void     vitrine_machine_process_cancel_suspending (VitrineMachineProcess *self);
gboolean vitrine_machine_process_is_suspended (VitrineMachineProcess *self);
/* Into a backend that never ran. @done: in the main loop; @error: NULL when it is there, and the file is not any more. */
typedef void (*VitrineRestored) (VitrineMachineProcess *self, VitrineBackend *backend, const GError *error);
void     vitrine_machine_process_restore_suspended (VitrineMachineProcess *self, VitrineBackend *backend, VitrineRestored done);
/* Until what is being written or read is done: when the process ends. */
void     vitrine_machine_process_wait_for_work (VitrineMachineProcess *self);
