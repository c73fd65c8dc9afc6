/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The person's clipboard and the guest's are one, while the machine's window is the active one: what another program's window holds is
 * not the guest's business. Text and pictures. Main thread only. */
#pragma once

#include <gtk/gtk.h>

#include "agent.h"

typedef struct VitrineClipboard VitrineClipboard;

/* @window outlives it. */
VitrineClipboard *vitrine_clipboard_new (GtkWindow *window, VitrineAgent *agent);
void              vitrine_clipboard_free (VitrineClipboard *self);
