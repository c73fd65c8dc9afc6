/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program that is the TPM of the machine of this process. A confined process can start none: it is started before, with its state in
 * the machine's folder, and serves each machine that the process builds. Main thread only, but for what says otherwise. */
#pragma once

#include "domain.h"

/* Once. What goes wrong is told when a machine wants it. @domain: NULL when the definition is broken. A machine that was given up its
 * TPM loses what that kept, now. */
void     vitrine_tpm_process_start (VitrineDomain *domain, const char *uuid);
/* Gives @config its TPM's program. FALSE: there is none, or it is wanted only now. */
gboolean vitrine_tpm_process_lend (VtConfig *config, GError **error);

/* Is there a program for it on this computer? */
gboolean vitrine_tpm_is_installed (void);

/* Where it keeps its state in a machine's folder, and the file that outlives a power-off. Any thread. */
char    *vitrine_tpm_folder (const char *uuid);
char    *vitrine_tpm_state_file (const char *uuid);
