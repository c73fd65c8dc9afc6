/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mediated devices, crypto queues and channel devices of a host, looked at and changed: on this computer by its
 * kernel and vitrine-host-helper, on another one by libvirt. Main thread only; nothing blocks. */
#pragma once

#include "ap-plan.h"
#include "ccw.h"
#include "host.h"
#include "mdev.h"
#include "mediated-change.h"

#define VITRINE_TYPE_MEDIATED (vitrine_mediated_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMediated, vitrine_mediated, VITRINE, MEDIATED, GObject)

/* @host NULL: this computer. */
VitrineMediated *vitrine_mediated_new (VitrineHost *host);
/* Is it this computer, whose kernel can be asked? */
gboolean         vitrine_mediated_is_local (VitrineMediated *self);
/* "this computer", "rack1". Borrowed. */
const char      *vitrine_mediated_get_name (VitrineMediated *self);

void     vitrine_mediated_read_async (VitrineMediated *self, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_mediated_read_finish (VitrineMediated *self, GAsyncResult *result, GError **error);
/* As they were read last; borrowed until the next reading. NULL before the first. */
const VitrineApMatrix *vitrine_mediated_get_matrix (VitrineMediated *self);
const VitrineMdevs    *vitrine_mediated_get_mdevs (VitrineMediated *self);
const GPtrArray       *vitrine_mediated_get_channels (VitrineMediated *self);   /* empty where libvirt is asked */

/* The exact steps, as commands for a root shell on that host; as things are now. */
void     vitrine_mediated_preview_async (VitrineMediated *self, const VitrineMediatedChange *change,
                                         GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
char    *vitrine_mediated_preview_finish (VitrineMediated *self, GAsyncResult *result, GError **error);
/* All of it or nothing. A person may be asked for a password. */
void     vitrine_mediated_apply_async (VitrineMediated *self, const VitrineMediatedChange *change,
                                       GAsyncReadyCallback done, gpointer data);
gboolean vitrine_mediated_apply_finish (VitrineMediated *self, GAsyncResult *result, GError **error);
