/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices of a host, made and removed by libvirt. Main thread only; nothing blocks. src/passthrough writes the
 * XML (https://libvirt.org/formatnode.html). */
#pragma once

#include "host.h"

/* @xml: <device> with <capability type='mdev'>. Made again whenever the host starts; what was begun is undone when it
 * cannot be started. */
void     vitrine_host_make_mediated_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done, gpointer data);
/* By its UUID; also what makes it again. */
void vitrine_host_remove_mediated_async (VitrineHost *self, const char *uuid, GAsyncReadyCallback done, gpointer data);
/* Of the two above. */
gboolean vitrine_host_mediated_finish (VitrineHost *self, GAsyncResult *result, GError **error);
