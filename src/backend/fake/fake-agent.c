/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-agent.h"

#include <glib-unix.h>
#include <spice/vd_agent.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct VitrineFakeAgent
{
  int        fd;
  guint      source;
  GString   *news;
  GByteArray *chunks, *stream;      /* what has come in: as it came, and without the chunks' headers */
  char      *name;                  /* of the file that is coming in */
  guint64    size, got;
  GChecksum *sum;
};

static void
say (VitrineFakeAgent *self, guint32 type, guint32 first, guint32 second)
{
  const guint32 body[] = { GUINT32_TO_LE (first), GUINT32_TO_LE (second) };
  const VDIChunkHeader chunk = { GUINT32_TO_LE (VDP_CLIENT_PORT), GUINT32_TO_LE (sizeof (VDAgentMessage) + sizeof body) };
  const VDAgentMessage head = { .protocol = GUINT32_TO_LE (VD_AGENT_PROTOCOL), .type = GUINT32_TO_LE (type),
                                .size = GUINT32_TO_LE (sizeof body) };
  guint8 bytes[sizeof chunk + sizeof head + sizeof body];

  memcpy (bytes, &chunk, sizeof chunk);
  memcpy (bytes + sizeof chunk, &head, sizeof head);
  memcpy (bytes + sizeof chunk + sizeof head, body, sizeof body);
  if (send (self->fd, bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes)
    g_warning ("the fake agent cannot say anything");
}

static void
drop_file (VitrineFakeAgent *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->sum, g_checksum_free);
}

static void
take_start (VitrineFakeAgent *self, guint32 id, const char *text)
{
  g_autoptr(GKeyFile) keys = g_key_file_new ();

  drop_file (self);
  g_key_file_load_from_data (keys, text, (gsize) -1, G_KEY_FILE_NONE, NULL);
  self->name = g_key_file_get_string (keys, "vdagent-file-xfer", "name", NULL);
  self->size = g_key_file_get_uint64 (keys, "vdagent-file-xfer", "size", NULL);
  self->got = 0;
  self->sum = g_checksum_new (G_CHECKSUM_MD5);
  if (g_str_has_prefix (self->name, "refused"))
    say (self, VD_AGENT_FILE_XFER_STATUS, id, VD_AGENT_FILE_XFER_STATUS_ERROR);
  else if (!g_str_has_prefix (self->name, "stuck"))
    say (self, VD_AGENT_FILE_XFER_STATUS, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
}

static void
take_data (VitrineFakeAgent *self, guint32 id, const guint8 *bytes, gsize n)
{
  if (self->sum == NULL)
    return;
  g_checksum_update (self->sum, bytes, (gssize) n);
  self->got += n;
  if (self->got < self->size)
    return;
  g_string_append_printf (self->news, "file %s %" G_GUINT64_FORMAT " %s ", self->name, self->got, g_checksum_get_string (self->sum));
  drop_file (self);
  say (self, VD_AGENT_FILE_XFER_STATUS, id, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
}

static void
take_message (VitrineFakeAgent *self, guint32 type, const guint8 *body, gsize n)
{
  guint32 id;

  memcpy (&id, body, sizeof id);
  id = GUINT32_FROM_LE (id);
  if (type == VD_AGENT_FILE_XFER_START)
    take_start (self, id, (const char *) body + sizeof id);
  else if (type == VD_AGENT_FILE_XFER_DATA)
    take_data (self, id, body + sizeof (VDAgentFileXferDataMessage), n - sizeof (VDAgentFileXferDataMessage));
  else if (type == VD_AGENT_FILE_XFER_STATUS)
    g_string_append (self->news, "file cancelled ");
}

static void
take_messages (VitrineFakeAgent *self)
{
  VDAgentMessage head;

  while (self->stream->len >= sizeof head)
    {
      memcpy (&head, self->stream->data, sizeof head);
      guint size = GUINT32_FROM_LE (head.size);
      if (self->stream->len < sizeof head + size)
        return;
      take_message (self, GUINT32_FROM_LE (head.type), self->stream->data + sizeof head, size);
      g_byte_array_remove_range (self->stream, 0, (guint) sizeof head + size);
    }
}

static gboolean
readable (int fd, GIOCondition condition, gpointer data)
{
  VitrineFakeAgent *self = data;
  guint8 bytes[16384];
  gssize n = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT);
  VDIChunkHeader chunk;

  if (n <= 0)
    {
      self->source = 0;
      return G_SOURCE_REMOVE;
    }
  g_byte_array_append (self->chunks, bytes, (guint) n);
  while (self->chunks->len >= sizeof chunk)
    {
      memcpy (&chunk, self->chunks->data, sizeof chunk);
      guint size = GUINT32_FROM_LE (chunk.size);
      if (self->chunks->len < sizeof chunk + size)
        break;
      g_byte_array_append (self->stream, self->chunks->data + sizeof chunk, size);
      g_byte_array_remove_range (self->chunks, 0, (guint) sizeof chunk + size);
    }
  take_messages (self);
  return G_SOURCE_CONTINUE;
}

VitrineFakeAgent *
vitrine_fake_agent_new (int fd, GString *news)
{
  VitrineFakeAgent *self = g_new0 (VitrineFakeAgent, 1);

  self->fd = dup (fd);
  self->news = news;
  self->chunks = g_byte_array_new ();
  self->stream = g_byte_array_new ();
  self->source = g_unix_fd_add (self->fd, G_IO_IN | G_IO_HUP, readable, self);
  say (self, VD_AGENT_ANNOUNCE_CAPABILITIES, 1, 0);
  return self;
}

void
vitrine_fake_agent_free (VitrineFakeAgent *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  close (self->fd);
  drop_file (self);
  g_byte_array_unref (self->chunks);
  g_byte_array_unref (self->stream);
  g_free (self);
}
