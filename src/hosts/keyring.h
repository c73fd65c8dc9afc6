/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that a person wants kept: in the desktop's keyring (libsecret), nowhere else. Functions block; not the main
 * thread. */
#pragma once

#include <glib.h>

/* @kind: "name", "password": what the host asked for. NULL: not kept, or there is no keyring. Free with
 * vitrine_keyring_free(). */
char *vitrine_keyring_look_up (const char *uri, const char *kind);
void  vitrine_keyring_free (char *answer);
void  vitrine_keyring_store (const char *uri, const char *kind, const char *answer);
/* Everything that is kept for that host. */
void  vitrine_keyring_forget (const char *uri);
