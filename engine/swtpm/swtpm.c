/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TPM that is a swtpm process. One thread does its work in order, with blocking sockets; what it finds is handed to the device on
 * the loop thread.
 *
 * swtpm works on one thing at a time: a question on the control channel waits for the command that is under way, and so does the
 * request to cancel it. That is sent all the same, and its answer read when the command has its own. */
#include "swtpm.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bits.h"
#include "swtpm-control.h"
#include "vitrine/error.h"

#define ASK_SECONDS   10u
#define INIT_SECONDS  30u      /* a new TPM makes its keys' seeds then */
#define HURRY_SECONDS 30u      /* of a command, once the machine is to stand still */
#define END_SECONDS   2u
#define LOCKED_MS     50u      /* the swtpm of the machine's last life may be on its way out */
#define LOCKED_TRIES  60u

typedef enum { JOB_COMMAND, JOB_INIT, JOB_FORGET, JOB_LOOK, JOB_SAVE, JOB_LOAD, JOB_END } JobKind;

typedef struct
{
  JobKind    kind;
  unsigned   locality;
  uint8_t   *bytes;            /* a command, owned; a state, borrowed */
  size_t     len;
  /* Of those that somebody waits for: on the other one's stack. */
  GByteArray *saved;
  GError    **error;
  bool        ok, done;
  GMutex      mutex;
  GCond       cond;
} Job;

typedef struct
{
  VtTpm        tpm;
  VtLoop      *loop;
  VtTpmEnds    ends;
  int          wake;           /* the thread, when it waits for an answer */
  GSource     *watch;          /* of the program's end */
  void       (*failed) (void *opaque, const char *why);
  void        *opaque;
  GThread     *thread;
  GAsyncQueue *queue;          /* Job* */
  unsigned     hurry_seconds;
  gint         cancel, hurry;  /* atomic: of the command under way */
  /* The thread's */
  unsigned     locality;       /* that swtpm was told */
  bool         broken;
} Swtpm;

/* --- To the device ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  Swtpm  *self;
  size_t  len;
  uint8_t bytes[];
} Answer;

static void
deliver (void *arg)
{
  g_autofree Answer *answer = arg;
  if (answer->self->tpm.answered != NULL)
    answer->self->tpm.answered (answer->self->tpm.opaque, answer->bytes, answer->len);
}

static void
post_answer (Swtpm *self, const uint8_t *bytes, size_t len)
{
  Answer *answer = g_malloc (sizeof *answer + len);
  *answer = (Answer) { self, len };
  if (len > 0)
    memcpy (answer->bytes, bytes, len);
  vt_loop_post (self->loop, deliver, answer);
}

typedef struct
{
  Swtpm *self;
  bool   established;
  char  *why;
} News;

static void
tell_established (void *arg)
{
  g_autofree News *news = arg;
  news->self->tpm.established = news->established;
}

static void
tell_failed (void *arg)
{
  g_autofree News *news = arg;
  if (news->self->failed != NULL)
    news->self->failed (news->self->opaque, news->why);
  g_free (news->why);
}

/* Takes the error. */
static void
give_up (Swtpm *self, GError *error)
{
  News *news = g_new (News, 1);
  *news = (News) { self, false, g_strdup (error->message) };
  self->broken = true;
  vt_loop_post (self->loop, tell_failed, news);
  g_error_free (error);
}

/* --- Commands ----------------------------------------------------------------------------------------------------------- */

/* Until the answer begins. *owed: an answer on the control channel as well. */
static bool
await_answer (Swtpm *self, bool *owed, GError **error)
{
  int64_t deadline_us = INT64_MAX;
  for (;;)
    {
      uint8_t cancel[4] = { 0, 0, 0, SWTPM_CANCEL };
      if (g_atomic_int_compare_and_exchange (&self->cancel, 1, 0) && !*owed)
        {
          if (!vt_swtpm_write (self->ends.control, cancel, sizeof cancel, vt_swtpm_deadline (ASK_SECONDS), error))
            return false;
          *owed = true;
        }
      if (g_atomic_int_get (&self->hurry) && deadline_us == INT64_MAX)
        deadline_us = vt_swtpm_deadline (self->hurry_seconds);
      struct pollfd pollers[] = { { .fd = self->ends.data, .events = POLLIN }, { .fd = self->wake, .events = POLLIN } };
      int64_t       left_us = deadline_us - g_get_monotonic_time ();
      int           ready = poll (pollers, G_N_ELEMENTS (pollers), deadline_us == INT64_MAX ? -1 : (int) MAX (left_us / 1000 + 1, 0));
      eventfd_t     count;
      if (ready > 0 && pollers[0].revents != 0)
        return true;
      if (ready > 0 && eventfd_read (self->wake, &count) != 0 && errno != EAGAIN)
        g_debug ("swtpm: %s", g_strerror (errno));
      if (ready == 0)
        {
          g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "swtpm does not answer");
          return false;
        }
    }
}

static bool
set_locality (Swtpm *self, unsigned locality, GError **error)
{
  uint8_t       body = (uint8_t) locality;
  SwtpmQuestion question = { .command = SWTPM_SET_LOCALITY, .body = &body, .body_len = 1 };
  if (locality == self->locality)
    return true;
  self->locality = locality;
  return vt_swtpm_ask (self->ends.control, &question, vt_swtpm_deadline (ASK_SECONDS), error);
}

/* *len: of the answer. */
static bool
exchange (Swtpm *self, const Job *job, uint8_t answer[VT_TPM_ANSWER_MAX], size_t *len, GError **error)
{
  uint8_t ignored[4];
  bool    owed = false;
  int64_t deadline_us = vt_swtpm_deadline (ASK_SECONDS);
  if (!set_locality (self, job->locality, error) || !vt_swtpm_write (self->ends.data, job->bytes, job->len, deadline_us, error)
      || !await_answer (self, &owed, error))
    return false;
  deadline_us = vt_swtpm_deadline (ASK_SECONDS);
  if (!vt_swtpm_read (self->ends.data, answer, VT_TPM_HEADER, deadline_us, error))
    return false;
  *len = vt_load_be (answer + 2, 4);
  if (*len < VT_TPM_HEADER || *len > VT_TPM_ANSWER_MAX)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "swtpm gives an answer of impossible length");
      return false;
    }
  return vt_swtpm_read (self->ends.data, answer + VT_TPM_HEADER, *len - VT_TPM_HEADER, deadline_us, error)
         && (!owed || vt_swtpm_read (self->ends.control, ignored, sizeof ignored, deadline_us, error));
}

static void
do_command (Swtpm *self, const Job *job)
{
  uint8_t answer[VT_TPM_ANSWER_MAX];
  size_t  len = 0;
  GError *error = NULL;
  if (!self->broken && !exchange (self, job, answer, &len, &error))
    {
      len = 0;
      give_up (self, error);
    }
  post_answer (self, answer, self->broken ? 0 : len);
}

/* --- Its life ----------------------------------------------------------------------------------------------------------- */

/* ptm_est: the bit, and padding. */
static bool
get_established (int control, bool *established, GError **error)
{
  uint8_t       answer[4];
  SwtpmQuestion question = { .command = SWTPM_GET_ESTABLISHED, .answer = answer, .answer_len = sizeof answer };
  if (!vt_swtpm_ask (control, &question, vt_swtpm_deadline (ASK_SECONDS), error))
    return false;
  *established = answer[0] != 0;
  return true;
}

static bool
init (int control, uint32_t flags, bool *established, GError **error)
{
  return vt_swtpm_tell_number (control, SWTPM_INIT, flags, vt_swtpm_deadline (INIT_SECONDS), error)
         && get_established (control, established, error);
}

/* Where only the program's own end matters. */
static void
do_with_established (Swtpm *self, const Job *job)
{
  uint8_t       body = (uint8_t) job->locality;
  SwtpmQuestion forget = { .command = SWTPM_RESET_ESTABLISHED, .body = &body, .body_len = 1 };
  bool          established = false;
  GError       *error = NULL;
  if (self->broken)
    return;
  bool ok = job->kind == JOB_INIT
              ? init (self->ends.control, 0, &established, &error)
              : vt_swtpm_ask (self->ends.control, &forget, vt_swtpm_deadline (ASK_SECONDS), &error)
                  && get_established (self->ends.control, &established, &error);
  self->locality = VT_TPM_LOCALITIES;     /* it may have another one now */
  if (!ok)
    {
      give_up (self, error);
      return;
    }
  News *news = g_new (News, 1);
  *news = (News) { self, established, NULL };
  vt_loop_post (self->loop, tell_established, news);
}

static void
look_whether_it_is_there (Swtpm *self)
{
  uint8_t byte;
  if (!self->broken && recv (self->ends.control, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
    give_up (self, g_error_new_literal (VT_ERROR, VT_ERROR_FAILED, "swtpm has ended"));
}

/* --- Its state: each blob behind its kind and its length, little-endian --------------------------------------------------- */

enum { BLOB_HEADER = 8 };
static const SwtpmBlob blobs[] = { SWTPM_PERMANENT, SWTPM_VOLATILE };

static bool
check_usable (const Swtpm *self, GError **error)
{
  if (self->broken)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "it has failed; start the machine again first");
  return !self->broken;
}

static bool
save (Swtpm *self, GByteArray *out, GError **error)
{
  if (!check_usable (self, error))
    return false;
  for (unsigned i = 0; i < G_N_ELEMENTS (blobs); i++)
    {
      uint8_t header[BLOB_HEADER];
      guint   at = out->len;
      g_byte_array_set_size (out, at + BLOB_HEADER);
      if (!vt_swtpm_get_blob (self->ends.control, blobs[i], out, vt_swtpm_deadline (ASK_SECONDS), error))
        return false;
      vt_store_le (header, blobs[i], 4);
      vt_store_le (header + 4, out->len - at - BLOB_HEADER, 4);
      memcpy (out->data + at, header, sizeof header);
    }
  return true;
}

/* The first of what is left, which has to be of this kind. */
static bool
next_blob (SwtpmBlob which, const uint8_t **at, size_t *left, const uint8_t **blob, size_t *len)
{
  if (*left < BLOB_HEADER || vt_load_le (*at, 4) != which)
    return false;
  *blob = *at + BLOB_HEADER;
  *len = vt_load_le (*at + 4, 4);
  if (*len > SWTPM_BLOB_MAX || *len > *left - BLOB_HEADER)
    return false;
  *at += BLOB_HEADER + *len;
  *left -= BLOB_HEADER + *len;
  return true;
}

/* Everything is looked at before swtpm gets any. */
static bool
load (Swtpm *self, const uint8_t *bytes, size_t left, GError **error)
{
  const uint8_t *blob[G_N_ELEMENTS (blobs)];
  size_t         len[G_N_ELEMENTS (blobs)];
  int            control = self->ends.control;
  bool           ok = check_usable (self, error);
  if (!ok)
    return false;
  for (unsigned i = 0; ok && i < G_N_ELEMENTS (blobs); i++)
    ok = next_blob (blobs[i], &bytes, &left, &blob[i], &len[i]);
  if (!ok || left > 0)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_STATE, "its saved state is damaged");
      return false;
    }
  ok = vt_swtpm_tell (control, SWTPM_STOP, vt_swtpm_deadline (ASK_SECONDS), error);
  for (unsigned i = 0; ok && i < G_N_ELEMENTS (blobs); i++)
    ok = vt_swtpm_set_blob (control, blobs[i], blob[i], len[i], vt_swtpm_deadline (ASK_SECONDS), error);
  self->locality = VT_TPM_LOCALITIES;
  return ok && init (control, SWTPM_INIT_DELETE_VOLATILE, &self->tpm.established, error);
}

/* --- The thread --------------------------------------------------------------------------------------------------------- */

static void
say_done (Job *job)
{
  g_mutex_lock (&job->mutex);
  job->done = true;
  g_cond_signal (&job->cond);
  g_mutex_unlock (&job->mutex);
}

static void
run_job (Swtpm *self, Job *job)
{
  g_autoptr (GError) ignored = NULL;
  switch (job->kind)
    {
    case JOB_COMMAND:
      do_command (self, job);
      break;
    case JOB_INIT:
    case JOB_FORGET:
      do_with_established (self, job);
      break;
    case JOB_LOOK:
      look_whether_it_is_there (self);
      break;
    case JOB_SAVE:
      job->ok = save (self, job->saved, job->error);
      break;
    case JOB_LOAD:
      job->ok = load (self, job->bytes, job->len, job->error);
      break;
    case JOB_END:
      if (!self->broken && !vt_swtpm_tell (self->ends.control, SWTPM_STOP, vt_swtpm_deadline (END_SECONDS), &ignored))
        g_debug ("swtpm: %s", ignored->message);
      break;
    }
}

static gpointer
work (gpointer data)
{
  Swtpm *self = data;
  for (bool last = false; !last;)
    {
      Job *job = g_async_queue_pop (self->queue);
      bool awaited = job->kind == JOB_SAVE || job->kind == JOB_LOAD;
      last = job->kind == JOB_END;
      run_job (self, job);
      if (awaited)
        say_done (job);
      else
        {
          g_free (job->bytes);
          g_free (job);
        }
    }
  return NULL;
}

static void
push (Swtpm *self, JobKind kind, unsigned locality, const uint8_t *bytes, size_t len)
{
  Job *job = g_new0 (Job, 1);
  job->kind = kind;
  job->locality = locality;
  job->bytes = g_memdup2 (bytes, len);
  job->len = len;
  g_async_queue_push (self->queue, job);
}

static bool
push_and_wait (Swtpm *self, Job *job)
{
  g_mutex_init (&job->mutex);
  g_cond_init (&job->cond);
  g_async_queue_push (self->queue, job);
  g_mutex_lock (&job->mutex);
  while (!job->done)
    g_cond_wait (&job->cond, &job->mutex);
  g_mutex_unlock (&job->mutex);
  g_mutex_clear (&job->mutex);
  g_cond_clear (&job->cond);
  return job->ok;
}

/* --- The interface ------------------------------------------------------------------------------------------------------ */

static void
swtpm_send (VtTpm *tpm, unsigned locality, const uint8_t *command, size_t len)
{
  Swtpm *self = (Swtpm *) tpm;
  g_atomic_int_set (&self->cancel, 0);
  g_atomic_int_set (&self->hurry, 0);
  push (self, JOB_COMMAND, locality, command, len);
}

static void
poke (Swtpm *self, gint *what)
{
  g_atomic_int_set (what, 1);
  eventfd_write (self->wake, 1);
}

static void
swtpm_cancel (VtTpm *tpm)
{
  poke ((Swtpm *) tpm, &((Swtpm *) tpm)->cancel);
}

static void
swtpm_hurry (VtTpm *tpm)
{
  poke ((Swtpm *) tpm, &((Swtpm *) tpm)->hurry);
}

static void
swtpm_forget_established (VtTpm *tpm, unsigned locality)
{
  push ((Swtpm *) tpm, JOB_FORGET, locality, NULL, 0);
}

static void
swtpm_init (VtTpm *tpm)
{
  push ((Swtpm *) tpm, JOB_INIT, 0, NULL, 0);
}

static GByteArray *
swtpm_save (VtTpm *tpm, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Job job = { .kind = JOB_SAVE, .saved = bytes, .error = error };
  return push_and_wait ((Swtpm *) tpm, &job) ? g_steal_pointer (&bytes) : NULL;
}

static bool
swtpm_load (VtTpm *tpm, const uint8_t *bytes, size_t len, GError **error)
{
  Job job = { .kind = JOB_LOAD, .bytes = (uint8_t *) bytes, .len = len, .error = error };
  return push_and_wait ((Swtpm *) tpm, &job);
}

/* Behind everything that the thread posted. */
static void
free_self (void *arg)
{
  Swtpm *self = arg;
  vt_loop_unwatch (self->watch);
  vt_tpm_ends_close (&self->ends);
  close (self->wake);
  g_async_queue_unref (self->queue);
  g_free (self);
}

static void
swtpm_close (VtTpm *tpm)
{
  Swtpm *self = (Swtpm *) tpm;
  push (self, JOB_END, 0, NULL, 0);
  g_thread_join (self->thread);
  self->tpm.answered = NULL;
  self->failed = NULL;
  vt_loop_post (self->loop, free_self, self);
}

/* --- Switching it on ---------------------------------------------------------------------------------------------------- */

static bool
program_ended (void *opaque, int fd, GIOCondition condition)
{
  push (opaque, JOB_LOOK, 0, NULL, 0);
  return false;
}

/* It has these descriptors of another machine of this process, perhaps, so it is stopped before. */
static bool
set_up (int control, size_t buffer_bytes, GError **error)
{
  uint8_t       body[4], answer[12];
  SwtpmQuestion question = { .command = SWTPM_SET_BUFFER_SIZE, .body = body, .body_len = sizeof body,
                             .answer = answer, .answer_len = sizeof answer };
  vt_store_be (body, buffer_bytes, 4);
  if (!vt_swtpm_tell (control, SWTPM_STOP, vt_swtpm_deadline (ASK_SECONDS), error)
      || !vt_swtpm_ask (control, &question, vt_swtpm_deadline (ASK_SECONDS), error))
    return false;
  if (vt_load_be (answer, 4) == buffer_bytes)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "swtpm does not take commands of %zu bytes", buffer_bytes);
  return false;
}

static bool
switch_on (int control, size_t buffer_bytes, bool *established, GError **error)
{
  GError *problem = NULL;
  if (!set_up (control, buffer_bytes, error))
    return false;
  for (unsigned tries = 0; !init (control, 0, established, &problem); tries++)
    {
      if (tries == LOCKED_TRIES)
        {
          g_propagate_error (error, problem);
          return false;
        }
      g_clear_error (&problem);
      g_usleep (LOCKED_MS * 1000);
    }
  return true;
}

VtTpm *
vt_swtpm_new (const VtSwtpmConfig *config, GError **error)
{
  static const VtTpmOps ops = { swtpm_send, swtpm_cancel, swtpm_hurry, swtpm_forget_established, swtpm_init,
                                swtpm_save, swtpm_load, swtpm_close };
  bool established = false;
  g_assert (config->buffer_bytes <= VT_TPM_ANSWER_MAX);
  if (!switch_on (config->ends.control, config->buffer_bytes, &established, error))
    {
      VtTpmEnds ends = config->ends;
      g_prefix_error (error, "The TPM does not work: ");
      vt_tpm_ends_close (&ends);
      return NULL;
    }
  Swtpm *self = g_new0 (Swtpm, 1);
  self->tpm = (VtTpm) { .ops = &ops, .established = established };
  self->loop = config->loop;
  self->hurry_seconds = config->hurry_seconds != 0 ? config->hurry_seconds : HURRY_SECONDS;
  self->ends = config->ends;
  self->failed = config->failed;
  self->opaque = config->opaque;
  self->locality = VT_TPM_LOCALITIES;      /* none: it has to be told */
  self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->queue = g_async_queue_new ();
  self->thread = g_thread_new ("vitrine-tpm", work, self);
  self->watch = vt_loop_watch (self->loop, self->ends.control, G_IO_HUP | G_IO_ERR, program_ended, self);
  return &self->tpm;
}
