/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console as a libvirt stream: opened in a worker, then read and written in the main thread without blocking. */
#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "host-guest-ends.h"
#include "host-private.h"

#define PIECE_BYTES 16384
#define MAX_WAITING_BYTES (1024 * 1024)
#define WOULD_BLOCK (-2)

struct _VitrineHostConsole
{
  GObject parent_instance;

  VitrineHostGuest *guest;
  char        *alias;
  virStreamPtr stream;       /* NULL: not open yet, or closed */
  GByteArray  *waiting;      /* to be sent */
  gboolean     closed;
};

enum
{
  OUTPUT,
  BUSY,
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineHostConsole, vitrine_host_console, G_TYPE_OBJECT)

static void
stream_free (gpointer stream)
{
  virStreamAbort (stream);
  virStreamFree (stream);
}

static void
free_in_thread (GTask *task, gpointer source, gpointer stream, GCancellable *cancellable)
{
  stream_free (stream);   /* asks the host */
  g_task_return_boolean (task, TRUE);
}

static void
free_later (virStreamPtr stream)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, stream, NULL);
  g_task_run_in_thread (task, free_in_thread);
}

static void
drop_stream (VitrineHostConsole *self)
{
  if (self->stream == NULL)
    return;
  virStreamEventRemoveCallback (self->stream);
  free_later (g_steal_pointer (&self->stream));
}

static void
end (VitrineHostConsole *self, const char *reason)
{
  drop_stream (self);
  if (self->closed)
    return;
  self->closed = TRUE;
  g_signal_emit (self, signals[CLOSED], 0, reason);
}

static void
update_events (VitrineHostConsole *self)
{
  int events = VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP;

  if (self->waiting->len > 0)
    events |= VIR_STREAM_EVENT_WRITABLE;
  virStreamEventUpdateCallback (self->stream, events);
}

/* One piece for each event, so that a guest that never stops printing leaves the window usable. */
static void
receive (VitrineHostConsole *self)
{
  g_autofree char *piece = g_malloc (PIECE_BYTES);
  int n = virStreamRecv (self->stream, piece, PIECE_BYTES);

  if (n == WOULD_BLOCK)
    return;
  if (n <= 0)
    {
      end (self, _("The console ended."));
      return;
    }
  g_autoptr(GBytes) bytes = g_bytes_new (piece, (gsize) n);
  g_signal_emit (self, signals[OUTPUT], 0, bytes);
}

static void
transmit (VitrineHostConsole *self)
{
  while (self->stream != NULL && self->waiting->len > 0)
    {
      int n = virStreamSend (self->stream, (const char *) self->waiting->data, self->waiting->len);
      if (n == WOULD_BLOCK || n == 0)
        break;
      if (n < 0)
        {
          end (self, _("The console broke."));
          return;
        }
      g_byte_array_remove_range (self->waiting, 0, (guint) n);
    }
  if (self->stream != NULL)
    update_events (self);
}

static void
happened (virStreamPtr stream, int events, void *data)
{
  g_autoptr(VitrineHostConsole) self = g_object_ref (data);

  if ((events & VIR_STREAM_EVENT_READABLE) != 0 && self->stream != NULL)
    receive (self);
  if ((events & VIR_STREAM_EVENT_WRITABLE) != 0 && self->stream != NULL)
    transmit (self);
  if ((events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) != 0)
    end (self, _("The console was closed; somebody else may have taken it."));
}

typedef struct
{
  char    *alias;
  unsigned flags;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_free (opening->alias);
  g_free (opening);
}

/* What libvirt says of a console that is in use (virChrdevOpen, libvirt 9.0) it says of nothing else that it refuses
 * here. */
static gpointer
refuse (const Opening *opening, GError **error)
{
  virErrorPtr last = virGetLastError ();
  gboolean busy = last != NULL && last->code == VIR_ERR_OPERATION_FAILED;

  vitrine_host_set_error (error);
  if (busy && (opening->flags & VIR_DOMAIN_CONSOLE_FORCE) == 0 && error != NULL)
    (*error)->code = VITRINE_HOST_ERROR_BUSY;
  return NULL;
}

static gpointer
open_console (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  const Opening *opening = data;
  virStreamPtr stream = virStreamNew (virDomainGetConnect (domain), VIR_STREAM_NONBLOCK);

  if (stream != NULL && virDomainOpenConsole (domain, opening->alias, stream, opening->flags) == 0)
    return stream;
  refuse (opening, error);
  if (stream != NULL)
    virStreamFree (stream);
  return NULL;
}

static void
opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineHostConsole) self = data;
  g_autoptr(GError) error = NULL;
  virStreamPtr stream = vitrine_host_guest_run_finish (VITRINE_HOST_GUEST (source), result, &error);

  if (stream != NULL && self->closed)
    free_later (stream);
  else if (stream == NULL && !self->closed && g_error_matches (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_BUSY))
    g_signal_emit (self, signals[BUSY], 0);
  else if (stream == NULL)
    end (self, error->message);
  else
    {
      self->stream = stream;
      virStreamEventAddCallback (stream, VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP,
                                 happened, self, NULL);
      transmit (self);
    }
}

static void
open_async (VitrineHostConsole *self, unsigned flags)
{
  Opening *opening = g_new0 (Opening, 1);

  opening->alias = g_strdup (self->alias);
  opening->flags = flags;
  vitrine_host_guest_run_async (self->guest, open_console, opening, opening_free, stream_free, NULL, opened,
                                g_object_ref (self));
}

void
vitrine_host_console_take (VitrineHostConsole *self)
{
  if (!self->closed && self->stream == NULL)
    open_async (self, VIR_DOMAIN_CONSOLE_FORCE);
}

void
vitrine_host_console_send (VitrineHostConsole *self, const guint8 *bytes, gsize n)
{
  if (self->closed || n > MAX_WAITING_BYTES - self->waiting->len)
    return;
  g_byte_array_append (self->waiting, bytes, (guint) n);
  if (self->stream != NULL)
    transmit (self);
}

void
vitrine_host_console_close (VitrineHostConsole *self)
{
  self->closed = TRUE;
  drop_stream (self);
}

static void
vitrine_host_console_dispose (GObject *object)
{
  VitrineHostConsole *self = VITRINE_HOST_CONSOLE (object);

  vitrine_host_console_close (self);
  g_clear_object (&self->guest);
  G_OBJECT_CLASS (vitrine_host_console_parent_class)->dispose (object);
}

static void
vitrine_host_console_finalize (GObject *object)
{
  VitrineHostConsole *self = VITRINE_HOST_CONSOLE (object);

  g_byte_array_unref (self->waiting);
  g_free (self->alias);
  G_OBJECT_CLASS (vitrine_host_console_parent_class)->finalize (object);
}

static void
vitrine_host_console_class_init (VitrineHostConsoleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = vitrine_host_console_dispose;
  object_class->finalize = vitrine_host_console_finalize;
  signals[OUTPUT] = g_signal_new ("output", VITRINE_TYPE_HOST_CONSOLE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[BUSY] = g_signal_new ("busy", VITRINE_TYPE_HOST_CONSOLE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
  signals[CLOSED] = g_signal_new ("closed", VITRINE_TYPE_HOST_CONSOLE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
vitrine_host_console_init (VitrineHostConsole *self)
{
  self->waiting = g_byte_array_new ();
}

VitrineHostConsole *
vitrine_host_console_new (VitrineHostGuest *guest, const char *alias)
{
  VitrineHostConsole *self = g_object_new (VITRINE_TYPE_HOST_CONSOLE, NULL);

  self->guest = g_object_ref (guest);
  self->alias = g_strdup (alias);
  open_async (self, 0);
  return self;
}
