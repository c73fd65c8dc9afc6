/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes a running machine from a window: in a thread, as a guest takes seconds to let go of a device, and asking for passphrases of
 * encrypted disks before. */
#pragma once

#include <gtk/gtk.h>

#include "running-change.h"

/* Takes the change; the dialogs are over @source. */
void     vitrine_hardware_change_running_async (GtkWidget *source, VitrineRunningChange *change, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_hardware_change_running_finish (GAsyncResult *result, GError **error);
