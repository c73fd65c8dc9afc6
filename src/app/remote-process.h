/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a `vitrine --host=HOST --machine=UUID` process does: the window of one machine that a libvirt host runs. The
 * machine does not end with it; the window waits while the machine or its host is away, and goes on when they come
 * back. */
#pragma once

#include <gtk/gtk.h>

#define VITRINE_TYPE_REMOTE_PROCESS (vitrine_remote_process_get_type ())
G_DECLARE_FINAL_TYPE (VitrineRemoteProcess, vitrine_remote_process, VITRINE, REMOTE_PROCESS, GObject)

/* @host: its id in the list of hosts. NULL and a message on standard error when there is no such host. */
VitrineRemoteProcess *
vitrine_remote_process_new (GtkApplication *application, GSettings *settings, const char *host, const char *uuid);
/* Shows the window, or presents it. */
void                  vitrine_remote_process_present (VitrineRemoteProcess *self);
void                  vitrine_remote_process_end (VitrineRemoteProcess *self);
