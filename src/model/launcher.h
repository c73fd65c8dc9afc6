/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts machine processes: `vitrine --machine=UUID`, in sessions of their own, so that they outlive who started them.
 */
#pragma once

#include <gio/gio.h>

/* The new process, for whoever wants to hear of its end; NULL on error. */
GSubprocess *vitrine_launcher_start (const char *uuid, const char *log_path, GError **error);
/* A window for a machine that a libvirt host runs: `vitrine --host=HOST --machine=UUID`. */
GSubprocess *vitrine_launcher_start_on_host (const char *host, const char *uuid, GError **error);
