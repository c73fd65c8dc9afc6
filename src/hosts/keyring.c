/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kept answers. A keyring that is missing or locked is no error: the person is asked then. */
#include "keyring.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

static const SecretSchema *
schema (void)
{
  static const SecretSchema it
      = { "org.vitrine.Vitrine.Host",
          SECRET_SCHEMA_NONE,
          { { "uri", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "kind", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0 };
  return &it;
}

char *
vitrine_keyring_look_up (const char *uri, const char *kind)
{
  g_autoptr(GError) error = NULL;
  char *answer = secret_password_lookup_sync (schema (), NULL, &error, "uri", uri, "kind", kind, NULL);

  if (error != NULL)
    g_debug ("The keyring says: %s", error->message);
  return answer;
}

void
vitrine_keyring_free (char *answer)
{
  if (answer != NULL)
    secret_password_free (answer);
}

void
vitrine_keyring_store (const char *uri, const char *kind, const char *answer)
{
  g_autofree char *label = g_strdup_printf (_("Vitrine: %s"), uri);
  g_autoptr(GError) error = NULL;

  if (!secret_password_store_sync (schema (), SECRET_COLLECTION_DEFAULT, label, answer, NULL, &error, "uri", uri,
                                   "kind", kind, NULL))
    g_message ("The keyring did not keep the password for %s: %s", uri, error->message);
}

void
vitrine_keyring_forget (const char *uri)
{
  g_autoptr(GError) error = NULL;

  secret_password_clear_sync (schema (), NULL, &error, "uri", uri, NULL);
  if (error != NULL)
    g_debug ("The keyring says: %s", error->message);
}
