/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs that change a machine of the library: its definition and, where it runs and takes that, the machine. */
#pragma once

#include "domain.h"
#include <vitrine/secret.h>

/* Changes a definition; *note: a word to print when all is done. */
typedef gboolean (*VitrineCtlEdit) (VitrineDomain *domain, gconstpointer data, char **note, GError **error);

typedef enum
{
  VITRINE_CTL_NOW,     /* a running machine too, where it or its guest takes that */
  VITRINE_CTL_OFF,     /* only one that is off */
  VITRINE_CTL_CONFIG,  /* the definition, for the next start */
} VitrineCtlWhen;

/* The running machine first: where it or its guest refuses, nothing is changed. @passphrase: of an encrypted disk that comes into it;
 * NULL: the person is asked when there is one. The process's exit status. */
int vitrine_ctl_change (const char *words, VitrineCtlWhen when, VitrineCtlEdit edit, gconstpointer data, VtSecret *passphrase);

/* Takes "--config" and, with @force, "--force" from behind the verb's @least first words; FALSE: there is something else that begins
 * with "-", or a word too little. What remains is counted in @argc. */
gboolean vitrine_ctl_take_switches (int *argc, char **argv, int least, gboolean *config_only, gboolean *force);
