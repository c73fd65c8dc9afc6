/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs that change a machine of the library: its definition and, where it runs and takes that, the machine. */
#pragma once

#include "domain.h"
#include <vitrine/config.h>

/* What kind of change that was, as the windows know them. */
typedef enum
{
  VITRINE_CTL_DEVICES,   /* a running machine takes it now, as far as there are slots for it */
  VITRINE_CTL_COLD,      /* for a machine that is off, or the next start */
  VITRINE_CTL_WORDS,     /* nothing that a machine depends on */
} VitrineCtlReach;

typedef struct
{
  char           *note;    /* to print when all is done; or NULL */
  VitrineCtlReach reach;
} VitrineCtlOutcome;

/* Changes a definition. */
typedef gboolean (*VitrineCtlEdit) (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error);

/* The running machine first: where it or its guest refuses, nothing is changed. @config_only: just the definition, for the next start.
 * @passphrase: of an encrypted disk that comes into it; NULL: the person is asked when there is one. The process's exit status. */
int vitrine_ctl_change (const char *words, gboolean config_only, VitrineCtlEdit edit, gpointer data, VtSecret *passphrase);

/* Takes "--config" and, with @force, "--force" from behind the verb's @least first words; FALSE: there is something else that begins
 * with "-", or a word too little. What remains is counted in @argc. */
gboolean vitrine_ctl_take_switches (int *argc, char **argv, int least, gboolean *config_only, gboolean *force);

/* MACHINE THING [--config]; NULL: usage was shown. */
const char *vitrine_ctl_parse_change (int argc, char **argv, gboolean *config_only, const char *synopsis);
/* The place of a network card: by its address, or by its number where the definition says none. */
gboolean    vitrine_ctl_find_card (VitrineDomain *domain, const char *words, guint *index, GError **error);
/* Not the name of a machine of the library, but the --control socket of one? */
gboolean    vitrine_ctl_is_socket (const char *words);
/* FILE[,format=...]...: a configuration of that one disk, whose path is whole. A format that is not said, and that the file looks
 * like, is an error. */
VtConfig   *vitrine_ctl_parse_disk (const char *value, GError **error);
