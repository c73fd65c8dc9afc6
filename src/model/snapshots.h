/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Takes snapshots of the machine that this process runs, and forgets them. Main thread; the work is done in another.
 * Property "progress": 0 to 1 while one is taken, else -1; notifies. Signal "changed" () when there is one more or less. */
#pragma once

#include "backend.h"
#include "snapshot-keeper.h"
#include "snapshot-store.h"

#define VITRINE_TYPE_SNAPSHOTS (vitrine_snapshots_get_type ())
G_DECLARE_FINAL_TYPE (VitrineSnapshots, vitrine_snapshots, VITRINE, SNAPSHOTS, GObject)

/* @domain goes into each snapshot; NULL: nothing is known of the machine's definition. */
VitrineSnapshots *vitrine_snapshots_new (const char *folder, VitrineDomain *domain);
/* Of a machine that does not run: each of its functions fails while it does. No progress. */
VitrineSnapshots *vitrine_snapshots_new_offline (const char *folder, VitrineDomain *domain);
const char       *vitrine_snapshots_get_folder (VitrineSnapshots *self);
/* NULL: none runs. */
void              vitrine_snapshots_set_backend (VitrineSnapshots *self, VitrineBackend *backend);

gboolean vitrine_snapshots_is_busy (VitrineSnapshots *self);
/* One that is to be forgotten when this machine stops, if not before; NULL: none. */
void        vitrine_snapshots_set_doomed (VitrineSnapshots *self, const char *name);
const char *vitrine_snapshots_get_doomed (VitrineSnapshots *self);
/* Blocks while images are changed. The machine's images are free, and this process holds its run lock. */
void        vitrine_snapshots_forget_doomed (VitrineSnapshots *self);

/* The guest goes on. @description may be NULL. */
void     vitrine_snapshots_take_async (VitrineSnapshots *self, const char *name, const char *description, GAsyncReadyCallback done,
                                       gpointer data);
void     vitrine_snapshots_forget_async (VitrineSnapshots *self, const char *name, GAsyncReadyCallback done, gpointer data);
/* Could the machine go back to it within this process? The error says why not. */
gboolean vitrine_snapshots_can_go_back (VitrineSnapshots *self, const char *name, GError **error);
/* Without a backend: images are free, and this process holds the machine's run lock. Then its definition is to be read again. */
void     vitrine_snapshots_go_back_async (VitrineSnapshots *self, const char *name, GAsyncReadyCallback done, gpointer data);
/* For all three. */
gboolean vitrine_snapshots_finish (VitrineSnapshots *self, GAsyncResult *result, GError **error);
/* Ends one that is being taken; nothing is left of it. */
void     vitrine_snapshots_cancel (VitrineSnapshots *self);
/* The same, and waits until nothing goes on. */
void     vitrine_snapshots_stop (VitrineSnapshots *self);

/* For vitrine_service_set_keeper(). */
extern const VitrineSnapshotKeeper vitrine_snapshots_keeper;
