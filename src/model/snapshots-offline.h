/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of a machine that does not run. Each function holds the machine's run lock meanwhile (G_IO_ERROR_BUSY: it runs), and
 * blocks while images are changed: any thread, but for one machine one at a time. */
#pragma once

#include "snapshot-store.h"

/* With its memory, if it is suspended. @description may be NULL. */
gboolean vitrine_snapshot_take_offline (const char *uuid, const char *name, const char *description, GError **error);
/* The machine is as it was: its definition (but for name and title), disks and UEFI variables; where it was running, the next start
 * goes on from there. What it was since is lost, unless there is a snapshot of that. */
gboolean vitrine_snapshot_revert_offline (const char *uuid, const char *name, GError **error);
gboolean vitrine_snapshot_forget_offline (const char *uuid, const char *name, GError **error);

/* The same for a process that holds the run lock itself, and has let go of the images. */
gboolean vitrine_snapshot_revert_held (const char *uuid, const char *name, GError **error);
gboolean vitrine_snapshot_forget_held (const char *uuid, const char *name, GError **error);
