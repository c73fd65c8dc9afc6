/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that says "this machine has a process". Held: it lives. Left behind with a process number in it: it died without
 * tidying up, that is, it crashed. It is held, too, by whoever works on the files of a machine that is off. */
#pragma once

#include <gio/gio.h>

typedef enum
{
  VITRINE_RUN_LOCK_FREE,
  VITRINE_RUN_LOCK_HELD,
  VITRINE_RUN_LOCK_STALE,
} VitrineRunLockState;

VitrineRunLockState vitrine_run_lock_query (const char *path);
/* Returns a descriptor to keep open, or -1. A stale lock is taken over. G_IO_ERROR_BUSY when someone holds it. */
int  vitrine_run_lock_take (const char *path, GError **error);
/* The same for work on the machine's files: a process that dies of it leaves no crash. */
int  vitrine_run_lock_take_for_work (const char *path, GError **error);
/* Is it held for such work? */
gboolean vitrine_run_lock_is_for_work (const char *path);
void vitrine_run_lock_release (const char *path, int fd);
/* Forgets a crash; does nothing to a held lock. */
void vitrine_run_lock_clear_stale (const char *path);
