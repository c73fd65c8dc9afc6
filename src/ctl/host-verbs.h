/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines of libvirt hosts on the terminal: named HOST/NAME, where HOST is the name, id or URI of a host that was
 * added. */
#pragma once

#include "hosts.h"

/* Does it name a machine of a host that is known? A path to a socket does not. */
gboolean vitrine_ctl_is_on_host (const char *words);
/* One of VitrineGuest's commands. 0, or 1 and a message. */
int      vitrine_ctl_host_command (const char *words, const char *command);
/* The same for what other verbs do with a machine. */
int      vitrine_ctl_host_dumpxml (const char *words);
int      vitrine_ctl_host_delete (const char *words, gboolean volumes);
int      vitrine_ctl_host_snapshot (const char *words, const char *verb, const char *name, const char *description);
/* A descriptor that is the console, or -1 after a message; it lives while the main loop runs. */
int      vitrine_ctl_host_open_console (const char *words, guint number);
/* Prints every machine of every host, one a line, as `list` does. 1 when a host could not be asked. */
int      vitrine_ctl_host_list (void);
/* A new machine on the host of that name. */
int      vitrine_ctl_host_define (const char *host, const char *file);

/* For verbs that talk to a host by themselves. A connected host, or machine of one; @hosts is the caller's, and keeps both. FALSE or
 * NULL after a message. */
gboolean      vitrine_ctl_host_find (const char *words, VitrineHosts **hosts, VitrineHost **host, VitrineHostGuest **guest);
VitrineHost  *vitrine_ctl_host_open (const char *name, VitrineHosts **hosts);
/* A callback that keeps the result in a GAsyncResult * that its data points to; and waiting for that. */
void          vitrine_ctl_keep_result (GObject *source, GAsyncResult *result, gpointer data);
GAsyncResult *vitrine_ctl_await (GAsyncResult **result);
