/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ordered list of steps that change a host, which is the only way in which we change one: the same plan is shown, as
 * shell commands, and run. Each step says why, in a sentence, and what undoes it. Any thread, one at a time. */
#pragma once

#include "host-tree.h"

typedef struct _VitrineHostPlan VitrineHostPlan;

#define VITRINE_HOST_PLAN_ERROR (vitrine_host_plan_error_quark ())

typedef enum
{
  VITRINE_HOST_PLAN_ERROR_UNDONE,   /* a step failed; all is as it was */
  VITRINE_HOST_PLAN_ERROR_LEFT,     /* a step failed, and so did undoing another: the message says what is left */
} VitrineHostPlanError;

GQuark vitrine_host_plan_error_quark (void);

VitrineHostPlan *vitrine_host_plan_new (void);
void             vitrine_host_plan_free (VitrineHostPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostPlan, vitrine_host_plan_free)

/* --- steps; paths are the tree's, strings are copied, @why is a translated sentence ------------------------------- */

/* @value into an attribute; "" is a lone newline. To undo it @undo_value goes into @undo_path; both NULL: nothing does. */
void vitrine_host_plan_write (VitrineHostPlan *plan, const char *path, const char *value, const char *undo_path,
                              const char *undo_value, const char *why);
/* One more write to undo the last step, after what undoes it already. */
void vitrine_host_plan_undo_also (VitrineHostPlan *plan, const char *path, const char *value);
/* A program with its arguments, NULL-terminated; @undo_argv NULL: nothing undoes it. */
void vitrine_host_plan_run_program (VitrineHostPlan *plan, const char *const *argv, const char *const *undo_argv,
                                    const char *why);
/* modprobe(8); it is unloaded again to undo that, so it is for modules that are not there. */
void vitrine_host_plan_load_module (VitrineHostPlan *plan, const char *module, const char *why);
/* Changes nothing: fails when the link @path does not end in @target, or, with NULL, when it is still there. The kernel
 * takes some writes and does nothing. */
void vitrine_host_plan_expect_link (VitrineHostPlan *plan, const char *path, const char *target, const char *why);

/* --- use --------------------------------------------------------------------------------------------------------- */

guint       vitrine_host_plan_get_n_steps (const VitrineHostPlan *plan);
const char *vitrine_host_plan_get_why (const VitrineHostPlan *plan, guint step);       /* from 0; borrowed */
char       *vitrine_host_plan_get_command (const VitrineHostPlan *plan, guint step);   /* as the shell takes it */
/* All steps as commands for a root shell, each after its reason as a comment. */
char       *vitrine_host_plan_to_shell (const VitrineHostPlan *plan);

/* In order. At the first failure undoes what was done, latest first; a failure there does not end the undoing. */
gboolean vitrine_host_plan_run (VitrineHostPlan *plan, VitrineHostTree *tree, GError **error);

/* What changes a tree; for tests, which stand in for a kernel. */
typedef struct
{
  gboolean (*write) (gpointer data, VitrineHostTree *tree, const char *path, const char *value, GError **error);
  gboolean (*run) (gpointer data, VitrineHostTree *tree, const char *const *argv, GError **error);
} VitrineHostHands;

gboolean vitrine_host_plan_run_by (VitrineHostPlan *plan, VitrineHostTree *tree, const VitrineHostHands *hands,
                                   gpointer data, GError **error);
