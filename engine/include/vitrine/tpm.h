/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program that is a machine's TPM: swtpm (https://github.com/stefanberger/swtpm), one process for each machine. Any thread; no
 * thread is started. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Sockets to it, close-on-exec; -1: none. It ends when they are closed, by whatever end their process finds. */
typedef struct
{
  int control, data;
} VtTpmEnds;

#define VT_TPM_NO_ENDS ((VtTpmEnds) { -1, -1 })

bool vt_tpm_is_installed (void);
/* Starts it with its state in `folder`, which is made where it is missing; in it, it writes the file "log" as well. Blocks for the time
 * that a program takes to start. An error says what to install, or what the program said. */
bool vt_tpm_start (const char *folder, VtTpmEnds *ends, GError **error);
void vt_tpm_ends_close (VtTpmEnds *ends);
/* Removes `folder` with all that a TPM has kept in it; nothing, if there is none. */
void vt_tpm_forget (const char *folder);

/* Where in `folder` it keeps what outlives a power-off: a small file, which is replaced as a whole. */
#define VT_TPM_STATE_FILE "tpm2-00.permall"
