/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who records the screen of the machine that a service offers. */
#pragma once

#include <gio/gio.h>

/* @fd is taken in any case. stop calls @done when the file is complete, and finish says how that went. Main thread. */
typedef struct
{
  gboolean (*start) (gpointer keeper, int fd, const char *name, GError **error);
  void     (*stop) (gpointer keeper, GAsyncReadyCallback done, gpointer data);
  gboolean (*finish) (gpointer keeper, GAsyncResult *result, GError **error);
} VitrineRecordingKeeper;
