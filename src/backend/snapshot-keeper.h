/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who keeps snapshots of the machine that a service offers. */
#pragma once

#include <gio/gio.h>

/* Both take and forget call @done, perhaps at once, and finish says how it went. @description may be empty. Main thread. */
typedef struct
{
  void     (*take) (gpointer keeper, const char *name, const char *description, GAsyncReadyCallback done, gpointer data);
  void     (*forget) (gpointer keeper, const char *name, GAsyncReadyCallback done, gpointer data);
  gboolean (*finish) (gpointer keeper, GAsyncResult *result, GError **error);
} VitrineSnapshotKeeper;
