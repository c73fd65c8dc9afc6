/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions of a host, between two threads. */
#include "credentials.h"

#include "host-text.h"
#include "secret-text.h"

typedef struct
{
  char    *prompt, *usual;
  gboolean secret;
} Question;

struct _VitrineCredentials
{
  GObject parent_instance;

  GPtrArray *questions;
  gboolean   again;

  GMutex     lock;
  GCond      answered;
  gboolean   done, remember;
  GStrv      answers;        /* NULL: cancelled */
};

G_DEFINE_FINAL_TYPE (VitrineCredentials, vitrine_credentials, G_TYPE_OBJECT)

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->prompt);
  g_free (question->usual);
  g_free (question);
}

void
vitrine_credentials_add (VitrineCredentials *self, const char *prompt, gboolean secret, const char *usual)
{
  Question *question = g_new0 (Question, 1);

  question->prompt = vitrine_host_text (prompt, VITRINE_HOST_TITLE_CHARS);
  question->usual = vitrine_host_text (usual, VITRINE_HOST_TITLE_CHARS);
  question->secret = secret;
  g_ptr_array_add (self->questions, question);
}

static const Question *
question_at (VitrineCredentials *self, guint i)
{
  return g_ptr_array_index (self->questions, i);
}

guint
vitrine_credentials_get_n (VitrineCredentials *self)
{
  return self->questions->len;
}

const char *
vitrine_credentials_get_prompt (VitrineCredentials *self, guint i)
{
  return question_at (self, i)->prompt;
}

gboolean
vitrine_credentials_is_secret (VitrineCredentials *self, guint i)
{
  return question_at (self, i)->secret;
}

const char *
vitrine_credentials_get_usual (VitrineCredentials *self, guint i)
{
  return question_at (self, i)->usual;
}

gboolean
vitrine_credentials_is_again (VitrineCredentials *self)
{
  return self->again;
}

static void
finish (VitrineCredentials *self, const char *const *answers, gboolean remember)
{
  g_mutex_lock (&self->lock);
  if (!self->done)
    {
      self->done = TRUE;
      self->answers = g_strdupv ((char **) answers);
      self->remember = remember;
      g_cond_broadcast (&self->answered);
    }
  g_mutex_unlock (&self->lock);
}

void
vitrine_credentials_answer (VitrineCredentials *self, const char *const *answers, gboolean remember)
{
  g_return_if_fail (answers != NULL && g_strv_length ((char **) answers) == self->questions->len);
  finish (self, answers, remember);
}

void
vitrine_credentials_cancel (VitrineCredentials *self)
{
  finish (self, NULL, FALSE);
}

gboolean
vitrine_credentials_wait (VitrineCredentials *self, const char *const **answers, gboolean *remember)
{
  g_mutex_lock (&self->lock);
  while (!self->done)
    g_cond_wait (&self->answered, &self->lock);
  g_mutex_unlock (&self->lock);
  *answers = (const char *const *) self->answers;   /* nobody changes them any more */
  *remember = self->remember;
  return self->answers != NULL;
}

static void
vitrine_credentials_finalize (GObject *object)
{
  VitrineCredentials *self = VITRINE_CREDENTIALS (object);

  g_ptr_array_unref (self->questions);
  vitrine_secret_texts_free (self->answers);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->answered);
  G_OBJECT_CLASS (vitrine_credentials_parent_class)->finalize (object);
}

static void
vitrine_credentials_class_init (VitrineCredentialsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_credentials_finalize;
}

static void
vitrine_credentials_init (VitrineCredentials *self)
{
  self->questions = g_ptr_array_new_with_free_func (question_free);
  g_mutex_init (&self->lock);
  g_cond_init (&self->answered);
}

VitrineCredentials *
vitrine_credentials_new (gboolean again)
{
  VitrineCredentials *self = g_object_new (VITRINE_TYPE_CREDENTIALS, NULL);

  self->again = again;
  return self;
}
