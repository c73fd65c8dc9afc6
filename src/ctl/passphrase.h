/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where vitrinectl has passphrases from: a file, a descriptor, or the person at the terminal. */
#pragma once

#include <vitrine/config.h>

typedef struct
{
  char *file;    /* NULL: none */
  int   fd;      /* -1: none */
} VitrineKeySource;

/* The passphrase of `path`. Neither file nor descriptor: it is asked for at the terminal, without showing it; twice when it is a new
 * one. Errors: VT_ERROR_PASSPHRASE. */
VtSecret *vitrine_ctl_read_key (const VitrineKeySource *source, const char *path, gboolean is_new, GError **error);
/* The key of that encrypted disk, by its passphrase; NULL: the person is asked for it. Takes a second or more. */
VtSecret *vitrine_ctl_unlock (const VtDiskConfig *disk, VtSecret *passphrase, GError **error);
/* One line of the person at the terminal; a @secret one does not show. NULL: there is no terminal, or the line is empty. */
char *vitrine_ctl_ask (const char *question, gboolean secret);
