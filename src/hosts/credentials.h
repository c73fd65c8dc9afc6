/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One round of questions that a host asks before it lets us in: made in the thread that connects, answered by a person.
 */
#pragma once

#include <gio/gio.h>

#define VITRINE_TYPE_CREDENTIALS (vitrine_credentials_get_type ())
G_DECLARE_FINAL_TYPE (VitrineCredentials, vitrine_credentials, VITRINE, CREDENTIALS, GObject)

/* @again: those before were wrong. */
VitrineCredentials *vitrine_credentials_new (gboolean again);
/* @prompt is the host's. */
void        vitrine_credentials_add (VitrineCredentials *self, const char *prompt, gboolean secret, const char *usual);

guint       vitrine_credentials_get_n (VitrineCredentials *self);
const char *vitrine_credentials_get_prompt (VitrineCredentials *self, guint i);
gboolean    vitrine_credentials_is_secret (VitrineCredentials *self, guint i);
const char *vitrine_credentials_get_usual (VitrineCredentials *self, guint i);   /* NULL: none */
gboolean    vitrine_credentials_is_again (VitrineCredentials *self);

/* Once; any thread. @remember: the person wants them kept, which the keyring does. */
void vitrine_credentials_answer (VitrineCredentials *self, const char *const *answers, gboolean remember);
void vitrine_credentials_cancel (VitrineCredentials *self);

/* Blocks until there is an answer. FALSE: cancelled. The answers are the credentials'. */
gboolean vitrine_credentials_wait (VitrineCredentials *self, const char *const **answers, gboolean *remember);
