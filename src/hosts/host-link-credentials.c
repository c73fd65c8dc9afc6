/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Credentials for a connection: from the keyring, or from a person. */
#include "host-link-private.h"

#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "host-error.h"
#include "keyring.h"
#include "secret-text.h"

#define MAX_ANSWERS 8

enum
{
  NAME,
  PASSWORD,
  N_KINDS
};

static const char *const kinds[] = { [NAME] = "name", [PASSWORD] = "password" };   /* in the keyring */

/* One attempt to open. */
typedef struct
{
  const char                  *uri;
  const VitrineHostLinkEvents *events;
  GWeakRef                    *owner;
  char                        *given[N_KINDS];   /* by a person */
  gboolean                     asked, remember;
  gboolean                     again;            /* the last answers were wrong */
  gboolean                     kept;             /* the keyring answered */
  gboolean                     cancelled;
} Attempt;

static guint
kind_of (int type)
{
  return type == VIR_CRED_AUTHNAME || type == VIR_CRED_USERNAME ? NAME : PASSWORD;
}

static gboolean
is_secret (int type)
{
  return type == VIR_CRED_PASSPHRASE || type == VIR_CRED_NOECHOPROMPT;
}

/* What is asked in the host's own words and typed in the open may be anything, also good for one time only. */
static gboolean
is_kept (int type)
{
  return type != VIR_CRED_ECHOPROMPT;
}

static const char *
prompt_of (const virConnectCredential *credential)
{
  if (kind_of (credential->type) == NAME)
    return _("User name");
  return credential->type == VIR_CRED_PASSPHRASE ? _("Password") : credential->prompt;
}

/* libvirt frees what it is given with free(). */
static void
fill (virConnectCredentialPtr credential, const char *answer)
{
  credential->result = strdup (answer);
  credential->resultlen = (unsigned) strlen (answer);
}

/* All of them, or none. */
static gboolean
fill_from_keyring (Attempt *attempt, virConnectCredentialPtr credentials, guint n)
{
  char *answers[MAX_ANSWERS] = { NULL };
  gboolean all = TRUE;

  for (guint i = 0; i < n && all; i++)
    {
      if (is_kept (credentials[i].type))
        answers[i] = vitrine_keyring_look_up (attempt->uri, kinds[kind_of (credentials[i].type)]);
      all = answers[i] != NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      if (all)
        fill (&credentials[i], answers[i]);
      vitrine_keyring_free (answers[i]);
    }
  return all;
}

typedef struct
{
  const VitrineHostLinkEvents *events;
  GObject                     *owner;
  VitrineCredentials          *credentials;
} Question;

static gboolean
ask_in_main (gpointer data)
{
  Question *question = data;

  question->events->ask (question->owner, question->credentials);
  g_object_unref (question->owner);
  g_object_unref (question->credentials);
  g_free (question);
  return G_SOURCE_REMOVE;
}

/* FALSE: nobody is there to be asked. */
static gboolean
ask (Attempt *attempt, VitrineCredentials *credentials)
{
  GObject *owner = g_weak_ref_get (attempt->owner);

  if (owner == NULL)
    return FALSE;
  Question *question = g_new0 (Question, 1);
  question->events = attempt->events;
  question->owner = owner;
  question->credentials = g_object_ref (credentials);
  g_main_context_invoke (NULL, ask_in_main, question);
  return TRUE;
}

static int
answer (virConnectCredentialPtr credentials, unsigned n, void *data)
{
  Attempt *attempt = data;
  g_autoptr(VitrineCredentials) questions = vitrine_credentials_new (attempt->again);
  const char *const *answers;
  gboolean remember;

  if (n == 0 || n > MAX_ANSWERS)
    return -1;
  if (!attempt->again && fill_from_keyring (attempt, credentials, n))
    {
      attempt->kept = TRUE;
      return 0;
    }
  for (guint i = 0; i < n; i++)
    vitrine_credentials_add (questions, prompt_of (&credentials[i]), is_secret (credentials[i].type),
                             credentials[i].defresult);
  if (!ask (attempt, questions) || !vitrine_credentials_wait (questions, &answers, &remember))
    {
      attempt->cancelled = TRUE;
      return -1;
    }
  for (guint i = 0; i < n; i++)
    {
      char **given = &attempt->given[kind_of (credentials[i].type)];
      fill (&credentials[i], answers[i]);
      if (!is_kept (credentials[i].type))
        continue;
      vitrine_secret_text_free (*given);
      *given = g_strdup (answers[i]);
    }
  attempt->asked = TRUE;
  attempt->remember = remember;
  return 0;
}

static void
forget_answers (Attempt *attempt)
{
  for (guint i = 0; i < N_KINDS; i++)
    g_clear_pointer (&attempt->given[i], vitrine_secret_text_free);
  attempt->asked = attempt->kept = FALSE;
}

/* They opened the door. */
static void
remember_answers (Attempt *attempt)
{
  for (guint i = 0; attempt->remember && i < N_KINDS; i++)
    if (attempt->given[i] != NULL)
      vitrine_keyring_store (attempt->uri, kinds[i], attempt->given[i]);
}

static gboolean
was_refused (void)
{
  virErrorPtr last = virGetLastError ();

  return last != NULL && last->code == VIR_ERR_AUTH_FAILED;
}

static virConnectPtr
open_with_answers (Attempt *attempt, GCancellable *cancellable, GError **error)
{
  int types[]
      = { VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE, VIR_CRED_ECHOPROMPT, VIR_CRED_NOECHOPROMPT };
  virConnectAuth auth = { types, G_N_ELEMENTS (types), answer, attempt };

  for (;;)
    {
      forget_answers (attempt);
      virConnectPtr connection = virConnectOpenAuth (attempt->uri, &auth, 0);
      if (connection != NULL)
        {
          remember_answers (attempt);
          return connection;
        }
      if (attempt->cancelled)
        {
          g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_DENIED, _("No password was given."));
          return NULL;
        }
      if (!was_refused () || (!attempt->asked && !attempt->kept) || g_cancellable_is_cancelled (cancellable))
        return vitrine_host_set_error (error);
      attempt->again = TRUE;
    }
}

virConnectPtr
vitrine_host_link_connect (const char *uri, const VitrineHostLinkEvents *events, GWeakRef *owner, GCancellable *cancellable,
                           GError **error)
{
  Attempt attempt = { .uri = uri, .events = events, .owner = owner };
  virConnectPtr connection = open_with_answers (&attempt, cancellable, error);

  forget_answers (&attempt);
  return connection;
}
