/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The protocol is spice-protocol's (spice/vd_agent.h): messages, cut into chunks that say for whom they are. */
#include "agent-private.h"

#include <glib/gi18n-lib.h>
#include <spice/vd_agent.h>
#include <string.h>

#define READ_BYTES (64u << 10)
#define CHUNK_MAX (64u << 10)       /* of what comes in */
#define CLIP_MAX (32u << 20)        /* a picture, or a very long text */
#define QUEUE_MAX (2 * CLIP_MAX)    /* of what the guest does not read */
#define TYPES_MAX 64u

struct _VitrineAgent
{
  GObject parent_instance;

  GIOStream     *stream;
  GCancellable  *cancellable;       /* cancelled: it is over */
  GByteArray    *chunk, *message;   /* that are coming in */
  GByteArray    *queue, *writing;   /* that go out */
  gboolean       busy;              /* `writing` is under way */
  gboolean       announced;         /* it has said what it can do */
  gboolean       there, selections, crlf, no_files;
  guint          offered, asked;    /* VitrineClip */
};

G_DEFINE_FINAL_TYPE (VitrineAgent, vitrine_agent, G_TYPE_OBJECT)

enum { THERE, GRABBED, RELEASED, WANTED, RECEIVED, ANNOUNCED, GONE, FILE_STATUS, WRITTEN, N_SIGNALS };
static guint signals[N_SIGNALS];

static gboolean
is_over (VitrineAgent *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

static void
leave (VitrineAgent *self)
{
  gboolean was = self->announced;

  self->there = self->announced = FALSE;
  self->asked = 0;
  if (was)
    g_signal_emit (self, signals[GONE], 0);
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

static void write_queue (VitrineAgent *self);

static void
written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineAgent) self = data;

  self->busy = FALSE;
  g_byte_array_set_size (self->writing, 0);
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    return;
  write_queue (self);
  g_signal_emit (self, signals[WRITTEN], 0);
}

static void
write_queue (VitrineAgent *self)
{
  if (self->busy || self->queue->len == 0 || is_over (self))
    return;
  GByteArray *next = self->queue;
  self->queue = self->writing;
  self->writing = next;
  self->busy = TRUE;
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), next->data, next->len, G_PRIORITY_DEFAULT, self->cancellable, written,
                                   g_object_ref (self));
}

static void
put32 (GByteArray *to, guint32 value)
{
  value = GUINT32_TO_LE (value);
  g_byte_array_append (to, (const guint8 *) &value, sizeof value);
}

void
vitrine_agent_send (VitrineAgent *self, guint32 type, const GByteArray *body)
{
  g_autoptr(GByteArray) whole = g_byte_array_new ();

  if (is_over (self) || self->queue->len + body->len > QUEUE_MAX)
    return;
  put32 (whole, VD_AGENT_PROTOCOL);
  put32 (whole, type);
  put32 (whole, 0);
  put32 (whole, 0);
  put32 (whole, body->len);
  g_byte_array_append (whole, body->data, body->len);
  for (guint at = 0; at < whole->len; at += VD_AGENT_MAX_DATA_SIZE)
    {
      guint n = MIN (whole->len - at, VD_AGENT_MAX_DATA_SIZE);
      put32 (self->queue, VDP_CLIENT_PORT);
      put32 (self->queue, n);
      g_byte_array_append (self->queue, whole->data + at, n);
    }
  write_queue (self);
}

gsize
vitrine_agent_get_queued (VitrineAgent *self)
{
  return self->queue->len + self->writing->len;
}

/* What all messages about the clipboard begin with. */
static GByteArray *
clipboard_body (VitrineAgent *self)
{
  GByteArray *body = g_byte_array_new ();

  if (self->selections)
    put32 (body, VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD);
  return body;
}

static void
announce (VitrineAgent *self, gboolean ask)
{
  g_autoptr(GByteArray) body = g_byte_array_new ();

  put32 (body, ask);
  put32 (body, 1u << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND | 1u << VD_AGENT_CAP_CLIPBOARD_SELECTION
                 | 1u << VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS);
  vitrine_agent_send (self, VD_AGENT_ANNOUNCE_CAPABILITIES, body);
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

static guint32
type_of (VitrineClip kind)
{
  return kind == VITRINE_CLIP_TEXT ? VD_AGENT_CLIPBOARD_UTF8_TEXT : VD_AGENT_CLIPBOARD_IMAGE_PNG;
}

/* 0: not one of ours. */
static guint
kind_of (guint32 type)
{
  return type == VD_AGENT_CLIPBOARD_UTF8_TEXT ? VITRINE_CLIP_TEXT : type == VD_AGENT_CLIPBOARD_IMAGE_PNG ? VITRINE_CLIP_PNG : 0;
}

static GBytes *
replace (const char *text, gsize length, const char *from, const char *to)
{
  g_autoptr(GString) string = g_string_new_len (text, (gssize) length);

  g_string_replace (string, from, to, 0);
  gsize n = string->len;
  return g_bytes_new_take (g_string_free (g_steal_pointer (&string), FALSE), n);
}

/* Some agents end it with a NUL. */
static GBytes *
text_of_guest (VitrineAgent *self, const guint8 *data, gsize length)
{
  while (length > 0 && data[length - 1] == 0)
    length--;
  g_autofree char *text = g_utf8_make_valid ((const char *) data, (gssize) length);
  return replace (text, strlen (text), self->crlf ? "\r\n" : "\r", self->crlf ? "\n" : "\r");
}

static GBytes *
text_for_guest (VitrineAgent *self, GBytes *bytes)
{
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);

  return self->crlf ? replace (text, length, "\n", "\r\n") : g_bytes_ref (bytes);
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

typedef struct
{
  const guint8 *at;
  gsize         left;
  gboolean      short_of;           /* there was less than was read */
} Body;

static guint32
get32 (Body *body)
{
  guint32 value;

  if (body->left < sizeof value)
    {
      body->short_of = TRUE;
      return 0;
    }
  memcpy (&value, body->at, sizeof value);
  body->at += sizeof value;
  body->left -= sizeof value;
  return GUINT32_FROM_LE (value);
}

/* FALSE: it is about another clipboard, such as what is selected with the mouse. */
static gboolean
is_clipboard (VitrineAgent *self, Body *body)
{
  return !self->selections || (get32 (body) & 0xff) == VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD;
}

static void
take_capabilities (VitrineAgent *self, Body *body)
{
  gboolean ask = get32 (body) != 0;
  guint32  capabilities = get32 (body);

  if (body->short_of)
    return;
  if (ask)
    leave (self);                   /* one that begins knows nothing of what another was sent */
  self->announced = TRUE;
  self->no_files = (capabilities >> VD_AGENT_CAP_FILE_XFER_DISABLED & 1) != 0;
  self->selections = (capabilities >> VD_AGENT_CAP_CLIPBOARD_SELECTION & 1) != 0;
  self->crlf = (capabilities >> VD_AGENT_CAP_GUEST_LINEEND_CRLF & 1) != 0;
  self->there = (capabilities >> VD_AGENT_CAP_CLIPBOARD_BY_DEMAND & 1) != 0;
  self->asked = 0;
  if (ask)
    announce (self, FALSE);
  g_signal_emit (self, signals[ANNOUNCED], 0);
  if (!self->there)
    return;
  if (self->offered != 0)
    vitrine_agent_offer (self, self->offered);
  g_signal_emit (self, signals[THERE], 0);
}

static void
take_grab (VitrineAgent *self, Body *body)
{
  guint kinds = 0;

  if (!is_clipboard (self, body) || body->short_of)
    return;
  for (guint i = 0; i < TYPES_MAX && body->left >= sizeof (guint32); i++)
    kinds |= kind_of (get32 (body));
  self->offered = 0;
  self->asked = 0;
  g_signal_emit (self, signals[GRABBED], 0, kinds);
}

static void
take_request (VitrineAgent *self, Body *body)
{
  gboolean ours = is_clipboard (self, body);
  guint    kind = kind_of (get32 (body));

  if (!ours || body->short_of)
    return;
  if ((self->offered & kind) != 0)
    g_signal_emit (self, signals[WANTED], 0, kind);
  else
    vitrine_agent_give (self, VITRINE_CLIP_TEXT, NULL);
}

static void
take_clip (VitrineAgent *self, Body *body)
{
  gboolean ours = is_clipboard (self, body);
  guint    kind = kind_of (get32 (body));

  if (!ours || body->short_of || (self->asked & kind) == 0)
    return;
  self->asked &= ~kind;
  g_autoptr(GBytes) bytes = kind == VITRINE_CLIP_TEXT ? text_of_guest (self, body->at, body->left) : g_bytes_new (body->at, body->left);
  g_signal_emit (self, signals[RECEIVED], 0, kind, bytes);
}

/* The detail is only there for some answers; one that does not fit into a number is of no use. */
static void
take_file_status (VitrineAgent *self, Body *body)
{
  guint32 id = get32 (body), status = get32 (body);
  guint64 detail = 0;

  if (body->short_of)
    return;
  if (body->left == sizeof detail)
    memcpy (&detail, body->at, sizeof detail);
  g_signal_emit (self, signals[FILE_STATUS], 0, id, status, GUINT64_FROM_LE (detail));
}

static void
take_message (VitrineAgent *self, guint32 type, Body body)
{
  switch (type)
    {
    case VD_AGENT_ANNOUNCE_CAPABILITIES: take_capabilities (self, &body); break;
    case VD_AGENT_CLIPBOARD_GRAB: take_grab (self, &body); break;
    case VD_AGENT_CLIPBOARD_REQUEST: take_request (self, &body); break;
    case VD_AGENT_CLIPBOARD: take_clip (self, &body); break;
    case VD_AGENT_FILE_XFER_STATUS: take_file_status (self, &body); break;
    case VD_AGENT_CLIPBOARD_RELEASE:
      if (is_clipboard (self, &body))
        g_signal_emit (self, signals[RELEASED], 0);
      break;
    }
}

/* A guest that breaks the rules has no agent any more. */
static void
give_up (VitrineAgent *self, const char *why)
{
  g_warning ("The guest’s agent is not listened to any more: %s", why);
  g_cancellable_cancel (self->cancellable);
  leave (self);
}

static void
take_message_bytes (VitrineAgent *self, const guint8 *bytes, gsize n)
{
  g_byte_array_append (self->message, bytes, (guint) n);
  while (!is_over (self) && self->message->len >= sizeof (VDAgentMessage))
    {
      Body header = { self->message->data, sizeof (VDAgentMessage), FALSE };
      guint32 protocol = get32 (&header), type = get32 (&header);
      get32 (&header);
      get32 (&header);
      guint32 size = get32 (&header);
      if (protocol != VD_AGENT_PROTOCOL || size > CLIP_MAX)
        {
          give_up (self, "a message is none");
          return;
        }
      if (self->message->len - sizeof (VDAgentMessage) < size)
        return;
      take_message (self, type, (Body) { self->message->data + sizeof (VDAgentMessage), size, FALSE });
      g_byte_array_remove_range (self->message, 0, (guint) sizeof (VDAgentMessage) + size);
    }
}

static void
take_bytes (VitrineAgent *self, const guint8 *bytes, gsize n)
{
  g_byte_array_append (self->chunk, bytes, (guint) n);
  while (!is_over (self) && self->chunk->len >= sizeof (VDIChunkHeader))
    {
      Body header = { self->chunk->data, sizeof (VDIChunkHeader), FALSE };
      guint32 port = get32 (&header), size = get32 (&header);
      if (size > CHUNK_MAX)
        {
          give_up (self, "a chunk is none");
          return;
        }
      if (self->chunk->len - sizeof (VDIChunkHeader) < size)
        return;
      if (port == VDP_CLIENT_PORT)
        take_message_bytes (self, self->chunk->data + sizeof (VDIChunkHeader), size);
      g_byte_array_remove_range (self->chunk, 0, (guint) sizeof (VDIChunkHeader) + size);
    }
}

static void read_more (VitrineAgent *self);

static void
was_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineAgent) self = data;
  g_autoptr(GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  gsize n = bytes != NULL ? g_bytes_get_size (bytes) : 0;

  if (n == 0)
    {
      leave (self);                 /* the machine is gone */
      return;
    }
  take_bytes (self, g_bytes_get_data (bytes, NULL), n);
  read_more (self);
}

static void
read_more (VitrineAgent *self)
{
  if (!is_over (self))
    g_input_stream_read_bytes_async (g_io_stream_get_input_stream (self->stream), READ_BYTES, G_PRIORITY_DEFAULT, self->cancellable, was_read, g_object_ref (self));
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_agent_dispose (GObject *object)
{
  VitrineAgent *self = VITRINE_AGENT (object);

  g_cancellable_cancel (self->cancellable);
  leave (self);
  G_OBJECT_CLASS (vitrine_agent_parent_class)->dispose (object);
}

static void
vitrine_agent_finalize (GObject *object)
{
  VitrineAgent *self = VITRINE_AGENT (object);

  g_clear_object (&self->stream);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->chunk);
  g_byte_array_unref (self->message);
  g_byte_array_unref (self->queue);
  g_byte_array_unref (self->writing);
  G_OBJECT_CLASS (vitrine_agent_parent_class)->finalize (object);
}

static void
vitrine_agent_class_init (VitrineAgentClass *klass)
{
  const GType type = VITRINE_TYPE_AGENT;

  G_OBJECT_CLASS (klass)->dispose = vitrine_agent_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_agent_finalize;
  signals[THERE] = g_signal_new ("there", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[GRABBED] = g_signal_new ("grabbed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[RELEASED] = g_signal_new ("released", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[WANTED] = g_signal_new ("wanted", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[RECEIVED]
    = g_signal_new ("received", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_BYTES);
  signals[ANNOUNCED] = g_signal_new ("announced", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[GONE] = g_signal_new ("gone", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[FILE_STATUS] = g_signal_new ("file-status", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                                       G_TYPE_UINT, G_TYPE_UINT, G_TYPE_UINT64);
  signals[WRITTEN] = g_signal_new ("written", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_agent_init (VitrineAgent *self)
{
  self->cancellable = g_cancellable_new ();
  self->chunk = g_byte_array_new ();
  self->message = g_byte_array_new ();
  self->queue = g_byte_array_new ();
  self->writing = g_byte_array_new ();
}

/* An agent that runs already, in a machine that was restored, says nothing unless it is asked. */
VitrineAgent *
vitrine_agent_new (GSocket *socket)
{
  VitrineAgent *self = g_object_new (VITRINE_TYPE_AGENT, NULL);

  self->stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  announce (self, TRUE);
  read_more (self);
  return self;
}

void
vitrine_agent_guest_reset (VitrineAgent *self)
{
  g_byte_array_set_size (self->chunk, 0);
  g_byte_array_set_size (self->message, 0);
  leave (self);
}

/* Reading and writing hold references. */
void
vitrine_agent_close (VitrineAgent *self)
{
  g_object_run_dispose (G_OBJECT (self));
  g_object_unref (self);
}

/* --- for the person's clipboard ------------------------------------------------------------------------------------ */

gboolean
vitrine_agent_is_there (VitrineAgent *self)
{
  return self->there;
}

const char *
vitrine_agent_get_obstacle (VitrineAgent *self)
{
  if (!self->announced)
    return _("The guest’s agent does not run: install spice-vdagent in the guest.");
  return self->no_files ? _("Taking files is switched off in the guest.") : NULL;
}

void
vitrine_agent_offer (VitrineAgent *self, guint kinds)
{
  guint had = self->offered;

  self->offered = kinds;
  if (!self->there || (kinds == 0 && had == 0))
    return;
  g_autoptr(GByteArray) body = clipboard_body (self);
  for (guint kind = VITRINE_CLIP_TEXT; kind <= VITRINE_CLIP_PNG; kind <<= 1)
    if ((kinds & kind) != 0)
      put32 (body, type_of (kind));
  vitrine_agent_send (self, kinds != 0 ? VD_AGENT_CLIPBOARD_GRAB : VD_AGENT_CLIPBOARD_RELEASE, body);
}

void
vitrine_agent_give (VitrineAgent *self, VitrineClip kind, GBytes *bytes)
{
  g_autoptr(GByteArray) body = clipboard_body (self);
  g_autoptr(GBytes) given = bytes != NULL && kind == VITRINE_CLIP_TEXT ? text_for_guest (self, bytes) : bytes != NULL ? g_bytes_ref (bytes) : NULL;
  gboolean fits = given != NULL && g_bytes_get_size (given) <= CLIP_MAX;

  put32 (body, fits ? type_of (kind) : VD_AGENT_CLIPBOARD_NONE);
  if (fits)
    g_byte_array_append (body, g_bytes_get_data (given, NULL), (guint) g_bytes_get_size (given));
  if (self->there)
    vitrine_agent_send (self, VD_AGENT_CLIPBOARD, body);
}

void
vitrine_agent_ask (VitrineAgent *self, VitrineClip kind)
{
  g_autoptr(GByteArray) body = clipboard_body (self);

  if (!self->there)
    return;
  self->asked |= kind;
  put32 (body, type_of (kind));
  vitrine_agent_send (self, VD_AGENT_CLIPBOARD_REQUEST, body);
}
