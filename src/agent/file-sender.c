/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The protocol is spice-protocol's (spice/vd_agent.h): START with a key file that names the file, an answer, DATA, an
 * answer. What stands in the key file is what spice-vdagent reads there. */
#include "file-sender.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <glib/gi18n-lib.h>
#include <spice/vd_agent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent-private.h"

#define PIECE_BYTES (64u << 10)
#define AHEAD_BYTES (4 * PIECE_BYTES)    /* that the guest has not taken yet; more stays in the file */
#define PATIENCE_MS 60000
#define START_GROUP "vdagent-file-xfer"

typedef struct
{
  char   *name;
  int     fd;                  /* -1: its stream has it */
  guint64 size;
} File;

/* What was sent in one go. */
typedef struct
{
  VitrineFileSender   *sender;
  GTask               *task;
  GPtrArray           *files;  /* File */
  guint                at;     /* the one that is on its way, or the next */
  guint                arrived;
  guint64              done, whole;    /* bytes; done: of the files before `at` */
  GString             *problems;
  VitrineFilesProgress progress;
  gpointer             progress_data;
  gulong               cancel_handler;
} Batch;

typedef enum
{
  IDLE,
  NEXT,      /* a file is to be announced when the guest has taken what is queued */
  ASKED,     /* ... was, and the guest has not answered */
  SENDING,
  SENT,      /* all of it; the guest has not said that it has it */
} Phase;

struct _VitrineFileSender
{
  GObject parent_instance;

  VitrineAgent *agent;
  GQueue        batches;       /* the first is under way */
  Phase         phase;
  guint32       id;            /* of the file that is on its way: never used twice */
  guint64       sent;          /* bytes of it */
  GInputStream *stream;
  gboolean      reading;
  guint         patience_ms;
  guint         patience;      /* source id: until the guest has to have answered */
};

G_DEFINE_FINAL_TYPE (VitrineFileSender, vitrine_file_sender, G_TYPE_OBJECT)

static guint changed_signal;

static void pump (VitrineFileSender *self);

/* --- Batches ------------------------------------------------------------------------------------------------------ */

static void
file_free (gpointer data)
{
  File *file = data;

  if (file->fd >= 0)
    close (file->fd);
  g_free (file->name);
  g_free (file);
}

static void
batch_free (Batch *batch)
{
  g_object_unref (batch->task);
  g_ptr_array_unref (batch->files);
  g_string_free (batch->problems, TRUE);
  g_free (batch);
}

static void
batch_add_problem (Batch *batch, const char *sentence)
{
  if (batch->problems->len > 0)
    g_string_append_c (batch->problems, '\n');
  g_string_append (batch->problems, sentence);
}

static Batch *
current_batch (VitrineFileSender *self)
{
  return g_queue_peek_head (&self->batches);
}

static File *
current_file (VitrineFileSender *self)
{
  Batch *batch = current_batch (self);

  return batch != NULL && batch->at < batch->files->len ? batch->files->pdata[batch->at] : NULL;
}

static void
changed (VitrineFileSender *self)
{
  g_signal_emit (self, changed_signal, 0);
}

static void
report (VitrineFileSender *self)
{
  Batch *batch = current_batch (self);

  if (batch->progress != NULL)
    batch->progress (batch->progress_data, batch->done + self->sent, batch->whole);
  changed (self);
}

/* Answers the batch's task, and frees it. @code: 0 for the batch's own problems, if it has any. */
static void
batch_end (Batch *batch, int code, const char *sentence)
{
  GCancellable *cancellable = g_task_get_cancellable (batch->task);

  if (batch->cancel_handler != 0)
    g_signal_handler_disconnect (cancellable, batch->cancel_handler);
  if (sentence != NULL)
    batch_add_problem (batch, sentence);
  g_object_set_data (G_OBJECT (batch->task), "arrived", GUINT_TO_POINTER (batch->arrived));
  if (batch->problems->len > 0)
    g_task_return_new_error (batch->task, G_IO_ERROR, code, "%s", batch->problems->str);
  else
    g_task_return_boolean (batch->task, TRUE);
  batch_free (batch);
}

/* --- One file ----------------------------------------------------------------------------------------------------- */

static void
stop_file (VitrineFileSender *self)
{
  self->phase = IDLE;
  self->sent = 0;
  self->reading = FALSE;       /* what is being read is nobody's any more */
  g_clear_object (&self->stream);
}

/* Who is answered may let go of us, or send more at once. */
static void
begin_next (VitrineFileSender *sender)
{
  g_autoptr(VitrineFileSender) self = g_object_ref (sender);
  Batch *batch = current_batch (self);

  stop_file (self);
  if (batch != NULL && batch->at >= batch->files->len)
    batch_end (g_queue_pop_head (&self->batches), G_IO_ERROR_FAILED, NULL);
  if (self->phase == IDLE && current_batch (self) != NULL)
    self->phase = NEXT;
  changed (self);
  pump (self);
}

/* @problem: NULL when it has arrived. */
static void
end_file (VitrineFileSender *self, const char *problem)
{
  Batch *batch = current_batch (self);
  const File *file = current_file (self);

  batch->done += file->size;
  batch->at++;
  if (problem == NULL)
    batch->arrived++;
  else
    batch_add_problem (batch, problem);
  self->sent = 0;
  report (self);
  begin_next (self);
}

static void
tell_cancelled (VitrineFileSender *self)
{
  const VDAgentFileXferStatusMessage status = { GUINT32_TO_LE (self->id),
                                                GUINT32_TO_LE (VD_AGENT_FILE_XFER_STATUS_CANCELLED) };
  g_autoptr(GByteArray) body = g_byte_array_new ();

  if (self->phase <= NEXT || self->agent == NULL)
    return;
  g_byte_array_append (body, (const guint8 *) &status, sizeof status);
  vitrine_agent_send (self->agent, VD_AGENT_FILE_XFER_STATUS, body);
}

static void
fail_here (VitrineFileSender *self, const char *problem)
{
  tell_cancelled (self);
  end_file (self, problem);
}

/* A guest may also be frozen, or its desktop just about to start. */
static gboolean
lost_patience (gpointer data)
{
  VitrineFileSender *self = data;

  self->patience = 0;
  if (self->phase == ASKED)
    {
      g_autofree char *problem = g_strdup_printf (_("“%s” was not sent, because the guest’s agent does not answer."),
                                                  current_file (self)->name);
      fail_here (self, problem);
    }
  return G_SOURCE_REMOVE;
}

static void
ask (VitrineFileSender *self)
{
  const Batch *batch = current_batch (self);
  const File *file = current_file (self);
  g_autoptr(GKeyFile) keys = g_key_file_new ();
  g_autoptr(GByteArray) body = g_byte_array_new ();
  const VDAgentFileXferStartMessage start = { GUINT32_TO_LE (++self->id) };
  gsize length;

  g_key_file_set_string (keys, START_GROUP, "name", file->name);
  g_key_file_set_uint64 (keys, START_GROUP, "size", file->size);
  g_key_file_set_uint64 (keys, START_GROUP, "file-xfer-nr", batch->at + 1);
  g_key_file_set_uint64 (keys, START_GROUP, "file-xfer-total", batch->files->len);
  g_autofree char *text = g_key_file_to_data (keys, &length, NULL);
  g_byte_array_append (body, (const guint8 *) &start, sizeof start);
  g_byte_array_append (body, (const guint8 *) text, (guint) length + 1);   /* agents take it for a C string */
  self->phase = ASKED;
  g_clear_handle_id (&self->patience, g_source_remove);
  self->patience = g_timeout_add (self->patience_ms, lost_patience, self);
  vitrine_agent_send (self->agent, VD_AGENT_FILE_XFER_START, body);
}

static void
send_piece (VitrineFileSender *self, const void *bytes, gsize n)
{
  const VDAgentFileXferDataMessage head = { .id = GUINT32_TO_LE (self->id), .size = GUINT64_TO_LE (n) };
  g_autoptr(GByteArray) body = g_byte_array_new ();

  g_byte_array_append (body, (const guint8 *) &head, sizeof head);
  g_byte_array_append (body, bytes, (guint) n);
  self->sent += n;
  if (self->sent == current_file (self)->size)
    self->phase = SENT;
  vitrine_agent_send (self->agent, VD_AGENT_FILE_XFER_DATA, body);
  report (self);
}

static void
take_piece (VitrineFileSender *self, GBytes *bytes, const GError *error)
{
  const File *file = current_file (self);
  g_autofree char *problem = NULL;

  self->reading = FALSE;
  if (bytes == NULL)
    problem = g_strdup_printf (_("“%s” cannot be read: %s"), file->name, error->message);
  else if (g_bytes_get_size (bytes) == 0)
    problem = g_strdup_printf (_("“%s” has become shorter while it was being sent."), file->name);
  if (problem != NULL)
    {
      fail_here (self, problem);
      return;
    }
  gsize n;
  const void *at = g_bytes_get_data (bytes, &n);
  send_piece (self, at, n);
  pump (self);
}

static void
was_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineFileSender) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (self->stream == G_INPUT_STREAM (source))   /* else that file has ended meanwhile */
    take_piece (self, bytes, error);
}

static void
read_piece (VitrineFileSender *self)
{
  guint64 left = current_file (self)->size - self->sent;

  self->reading = TRUE;
  g_input_stream_read_bytes_async (self->stream, MIN (left, PIECE_BYTES), G_PRIORITY_DEFAULT, NULL, was_read,
                                   g_object_ref (self));
}

/* Whatever can be done now. */
static void
pump (VitrineFileSender *self)
{
  if (self->agent == NULL || vitrine_agent_get_queued (self->agent) >= AHEAD_BYTES)
    return;
  if (self->phase == NEXT)
    ask (self);
  else if (self->phase == SENDING && !self->reading)
    read_piece (self);
}

/* --- What the guest says ------------------------------------------------------------------------------------------ */

static char *
no_room (const File *file, guint64 free_bytes)
{
  g_autofree char *needed = g_format_size (file->size);
  g_autofree char *left = g_format_size (free_bytes);

  if (free_bytes == 0)
    return g_strdup_printf (_("The guest has no room for “%s”."), file->name);
  return g_strdup_printf (_("The guest has no room for “%s”: it takes %s, and %s are free."), file->name, needed, left);
}

/* With a place for the file's name; NULL: not known. */
static const char *
words_for (guint status)
{
  switch (status)
    {
    case VD_AGENT_FILE_XFER_STATUS_CANCELLED:
      return _("“%s” was cancelled in the guest.");
    case VD_AGENT_FILE_XFER_STATUS_ERROR:
      return _("The guest could not write “%s”.");
    case VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED:
      return _("“%s” was not sent, because the guest’s screen is locked. Unlock it, and send again.");
    case VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED:
      return _("“%s” was not sent, because nobody is logged in to the guest’s desktop, or the agent does not run there.");
    case VD_AGENT_FILE_XFER_STATUS_DISABLED:
      return _("“%s” was not sent: the guest takes no files, or its agent has found no folder for them.");
    case VD_AGENT_FILE_XFER_STATUS_SUCCESS:
      return _("The guest has ended “%s” before all of it was sent.");
    default:
      return NULL;
    }
}

static char *
explain (const File *file, guint status, guint64 detail)
{
  const char *words = words_for (status);
  g_autoptr(GString) sentence = g_string_new (words);

  if (status == VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE)
    return no_room (file, detail);
  if (words == NULL)
    return g_strdup_printf (_("The guest gave an answer about “%s” that is not known (%u)."), file->name, status);
  g_string_replace (sentence, "%s", file->name, 1);
  return g_strdup (sentence->str);
}

/* The next file would fare no better. */
static gboolean
ends_all (guint status)
{
  return status == VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED || status == VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED
         || status == VD_AGENT_FILE_XFER_STATUS_DISABLED;
}

static void
begin_data (VitrineFileSender *self)
{
  File *file = current_file (self);

  self->phase = SENDING;
  self->stream = g_unix_input_stream_new (file->fd, TRUE);
  file->fd = -1;
  if (file->size == 0)
    send_piece (self, "", 0);    /* it counts what comes in, and ends then */
  else
    pump (self);
}

static void
refused (VitrineFileSender *self, guint status, guint64 detail)
{
  Batch *batch = current_batch (self);
  g_autofree char *problem = explain (current_file (self), status, detail);

  if (ends_all (status))
    g_ptr_array_set_size (batch->files, (int) batch->at + 1);
  if (status == VD_AGENT_FILE_XFER_STATUS_SUCCESS)
    fail_here (self, problem);
  else
    end_file (self, problem);
}

/* About another file, or once more: of no interest. */
static void
file_status (VitrineFileSender *self, guint id, guint status, guint64 detail)
{
  if (self->phase < ASKED || id != self->id)
    return;
  gboolean complete = self->phase == SENT || current_file (self)->size == 0;
  if (status == VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA)
    {
      if (self->phase == ASKED)
        begin_data (self);
    }
  else if (status == VD_AGENT_FILE_XFER_STATUS_SUCCESS && complete)
    end_file (self, NULL);
  else
    refused (self, status, detail);
}

static void
fail_all (VitrineFileSender *sender, int code, const char *sentence)
{
  g_autoptr(VitrineFileSender) self = g_object_ref (sender);
  GQueue batches = self->batches;

  g_queue_init (&self->batches);
  stop_file (self);
  for (Batch *batch; (batch = g_queue_pop_head (&batches)) != NULL;)
    batch_end (batch, code, sentence);
  changed (self);
}

static void
agent_gone (VitrineFileSender *self)
{
  fail_all (self, G_IO_ERROR_CLOSED, _("The guest’s agent has ended, and has not taken everything."));
}

/* --- Object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_file_sender_dispose (GObject *object)
{
  VitrineFileSender *self = VITRINE_FILE_SENDER (object);

  vitrine_file_sender_set_agent (self, NULL);
  g_clear_handle_id (&self->patience, g_source_remove);
  G_OBJECT_CLASS (vitrine_file_sender_parent_class)->dispose (object);
}

static void
vitrine_file_sender_class_init (VitrineFileSenderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_file_sender_dispose;
  changed_signal = g_signal_new ("changed", VITRINE_TYPE_FILE_SENDER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
vitrine_file_sender_init (VitrineFileSender *self)
{
  g_queue_init (&self->batches);
  self->patience_ms = PATIENCE_MS;
  self->id = g_random_int ();    /* a guest from a snapshot may wait for a file of an earlier process */
}

void
vitrine_file_sender_set_patience (VitrineFileSender *self, guint ms)
{
  self->patience_ms = ms;
}

VitrineFileSender *
vitrine_file_sender_new (void)
{
  return g_object_new (VITRINE_TYPE_FILE_SENDER, NULL);
}

void
vitrine_file_sender_set_agent (VitrineFileSender *self, VitrineAgent *agent)
{
  if (agent == self->agent)
    return;
  if (self->agent != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->agent, self);
      tell_cancelled (self);
      agent_gone (self);
    }
  g_set_object (&self->agent, agent);
  if (agent != NULL)
    {
      g_signal_connect_swapped (agent, "announced", G_CALLBACK (changed), self);
      g_signal_connect_swapped (agent, "gone", G_CALLBACK (agent_gone), self);
      g_signal_connect_swapped (agent, "file-status", G_CALLBACK (file_status), self);
      g_signal_connect_swapped (agent, "written", G_CALLBACK (pump), self);
    }
  changed (self);
}

const char *
vitrine_file_sender_get_obstacle (VitrineFileSender *self)
{
  return self->agent == NULL ? _("The machine has no port for a guest’s agent: share the clipboard in its settings.")
                             : vitrine_agent_get_obstacle (self->agent);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* Or a problem, when it cannot be sent. */
static void
add_file (Batch *batch, const char *path, int fd)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *problem = NULL;
  struct stat status;

  if (fd < 0 || fstat (fd, &status) != 0)
    problem = g_strdup_printf (_("“%s” cannot be read: %s"), name, g_strerror (fd < 0 ? EBADF : errno));
  else if (S_ISDIR (status.st_mode))
    problem = g_strdup_printf (_("“%s” is a folder. Only files can be sent: put it into an archive first."), name);
  else if (!S_ISREG (status.st_mode))
    problem = g_strdup_printf (_("“%s” is not an ordinary file."), name);
  if (problem != NULL)
    {
      batch_add_problem (batch, problem);
      if (fd >= 0)
        close (fd);
      return;
    }
  const File file = { g_steal_pointer (&name), fd, (guint64) status.st_size };
  g_ptr_array_add (batch->files, g_memdup2 (&file, sizeof file));
  batch->whole += file.size;
}

static void
cancel_batch (Batch *batch)
{
  g_autoptr(VitrineFileSender) self = g_object_ref (batch->sender);
  gboolean current = batch == current_batch (self);

  if (current)
    tell_cancelled (self);
  g_queue_remove (&self->batches, batch);
  batch_end (batch, G_IO_ERROR_CANCELLED, _("Sending files was cancelled."));
  if (current)
    begin_next (self);
  else
    changed (self);
}

void
vitrine_file_sender_send_async (VitrineFileSender *self, const char *const *names, const int *fds, guint n,
                                VitrineFilesProgress progress, gpointer progress_data, GCancellable *cancellable,
                                GAsyncReadyCallback done, gpointer data)
{
  Batch *batch = g_new0 (Batch, 1);
  const char *obstacle = vitrine_file_sender_get_obstacle (self);

  *batch = (Batch) { .sender = self, .task = g_task_new (self, cancellable, done, data),
                     .files = g_ptr_array_new_with_free_func (file_free), .problems = g_string_new (NULL),
                     .progress = progress, .progress_data = progress_data };
  g_task_set_source_tag (batch->task, vitrine_file_sender_send_async);
  g_task_set_check_cancellable (batch->task, FALSE);
  for (guint i = 0; i < n; i++)
    add_file (batch, names[i], fds[i]);
  if (obstacle != NULL || batch->files->len == 0)
    {
      batch_end (batch, G_IO_ERROR_FAILED, obstacle);
      return;
    }
  if (cancellable != NULL)
    batch->cancel_handler = g_signal_connect_swapped (cancellable, "cancelled", G_CALLBACK (cancel_batch), batch);
  g_queue_push_tail (&self->batches, batch);
  if (self->phase == IDLE)
    begin_next (self);
}

guint
vitrine_file_sender_send_finish (VitrineFileSender *self, GAsyncResult *result, GError **error)
{
  g_task_propagate_boolean (G_TASK (result), error);
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (result), "arrived"));
}

const char *
vitrine_file_sender_get_name (VitrineFileSender *self)
{
  const File *file = current_file (self);

  return file != NULL ? file->name : NULL;
}

double
vitrine_file_sender_get_fraction (VitrineFileSender *self)
{
  guint64 done = self->sent, whole = 0;

  for (GList *link = self->batches.head; link != NULL; link = link->next)
    {
      const Batch *batch = link->data;
      done += batch->done;
      whole += batch->whole;
    }
  return whole > 0 ? (double) done / (double) whole : 0;
}

void
vitrine_file_sender_cancel (VitrineFileSender *self)
{
  tell_cancelled (self);
  fail_all (self, G_IO_ERROR_CANCELLED, _("Sending files was cancelled."));
}

/* --- For the service ---------------------------------------------------------------------------------------------- */

static void
keeper_send (gpointer keeper, const char *const *names, const int *fds, guint n, VitrineFilesProgress progress,
             gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  vitrine_file_sender_send_async (keeper, names, fds, n, progress, progress_data, cancellable, done, data);
}

static guint
keeper_finish (gpointer keeper, GAsyncResult *result, GError **error)
{
  return vitrine_file_sender_send_finish (keeper, result, error);
}

const VitrineFileKeeper vitrine_file_keeper = { keeper_send, keeper_finish };
