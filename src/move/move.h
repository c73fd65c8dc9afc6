/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that goes to another place: from this computer to a libvirt host, from a host to here, or from one host
 * to another. Checks first, then the work; wizard and vitrinectl are its two faces. Main thread only; nothing blocks.
 *
 * Signal "progress" (double fraction, const char *words, const VitrineMigrateNews *news): a few times each second;
 * news is NULL except while memory goes from host to host. */
#pragma once

#include "checks.h"
#include "host-migrate.h"
#include "library.h"

typedef struct
{
  char    *pool;             /* of the target, for volumes; NULL: the first that is active */
  char    *network;          /* of the target, for cards on user networking; NULL: they stay on that */
  gboolean start;            /* the machine, when it is there */
  gboolean copy_storage;     /* from here on only between hosts: disks go along, too */
  gboolean trust_storage;    /* both hosts see the same disks, even if libvirt cannot tell */
  gboolean offline;          /* only the definition; it is off */
  gboolean auto_converge, post_copy;
  guint64  bandwidth_mib, downtime_ms;
  VitrineMigrateWay way;
} VitrineMoveOptions;

typedef enum
{
  VITRINE_MOVE_KIND_TO_HOST,
  VITRINE_MOVE_KIND_TO_HERE,
  VITRINE_MOVE_KIND_BETWEEN,
} VitrineMoveKind;

#define VITRINE_TYPE_MOVE (vitrine_move_get_type ())
G_DECLARE_DERIVABLE_TYPE (VitrineMove, vitrine_move, VITRINE, MOVE, GObject)

struct _VitrineMoveClass
{
  GObjectClass parent_class;

  VitrineMoveKind kind;
  /* Each ends its task: checks with a GPtrArray of VitrineCheck, the run with a sentence. */
  void (*check) (VitrineMove *self, GTask *task);
  void (*run) (VitrineMove *self, GTask *task);
};

/* Must be off. */
VitrineMove *vitrine_move_new_to_host (VitrineMachine *machine);
VitrineMove *vitrine_move_new_to_here (VitrineHostGuest *guest, VitrineLibrary *library);
VitrineMove *vitrine_move_new_between (VitrineHostGuest *guest);

VitrineMoveKind     vitrine_move_get_kind (VitrineMove *self);
const char         *vitrine_move_get_title (VitrineMove *self);    /* the machine's */
/* NULL: this computer. */
VitrineHost        *vitrine_move_get_source (VitrineMove *self);
VitrineHost        *vitrine_move_get_target (VitrineMove *self);
/* Connected, of a move that goes to a host. */
void                vitrine_move_set_target (VitrineMove *self, VitrineHost *target);
VitrineMoveOptions *vitrine_move_get_options (VitrineMove *self);
/* What the target has to choose from; NULL before the checks. */
const VitrineHostResources *vitrine_move_get_resources (VitrineMove *self);
/* The machine here; NULL: none (yet). */
VitrineMachine     *vitrine_move_get_machine (VitrineMove *self);

/* Of VitrineCheck. An error: it could not be found out. */
void       vitrine_move_check_async (VitrineMove *self, GAsyncReadyCallback done, gpointer data);
GPtrArray *vitrine_move_check_finish (VitrineMove *self, GAsyncResult *result, GError **error);
/* Only after checks that did not refuse. The result says what is where now. After an error all is as before, or the
 * error says what is not. */
void       vitrine_move_run_async (VitrineMove *self, GAsyncReadyCallback done, gpointer data);
char      *vitrine_move_run_finish (VitrineMove *self, GAsyncResult *result, GError **error);
gboolean   vitrine_move_is_running (VitrineMove *self);
void       vitrine_move_cancel (VitrineMove *self);
/* It runs at the target. */
gboolean   vitrine_move_has_started (VitrineMove *self);
