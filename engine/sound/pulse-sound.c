/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PulseAudio, or PipeWire in its place. The library has a thread of its own, whose lock is held only for moments, so that the
 * machine never waits for a server. */
#include "sounds.h"

#include <pulse/pulseaudio.h>

#include "vitrine/error.h"

enum
{
  FRAME_BYTES = 2 * VT_SOUND_CHANNELS,
  PLAY_MS = 80,            /* in the server's buffer: what the host may be late */
  BEGIN_MS = 40,           /* of it, before something is heard */
  WAIT_MS = 250,           /* of what the guest plays before the server has a stream for it; the rest is lost */
  ENDING_MOST = 4,         /* streams that are still heard after the guest has stopped them */
  RECORD_MS = 20,          /* pieces in which the server hands over what it hears */
  RECORD_MOST_MS = 200,    /* what is older is no use */
};

typedef struct
{
  unsigned   rate_hz;      /* 0: the guest has no such stream */
  pa_stream *stream;       /* NULL: not yet */
  size_t     taken;        /* bytes of the piece that the stream hands over now */

  GByteArray *waiting;     /* played, and not yet with the server */
  size_t      most;        /* bytes of it */
  bool        stopped;     /* by the guest, before the stream was ready: what waits is still to be heard */
} Way;

typedef struct
{
  VtSound               sound;
  pa_threaded_mainloop *loop;      /* its lock guards everything below */
  pa_context           *context;   /* NULL: nobody was asked yet */
  char                 *name;
  Way                   way[VT_SOUND_WAYS];
  GPtrArray            *ending;    /* pa_stream, oldest first */
} PulseSound;

/* --- Streams: with the loop's lock ------------------------------------------------------------------------------------ */

static uint32_t
bytes_of (unsigned rate_hz, unsigned ms)
{
  return rate_hz / 1000 * ms * FRAME_BYTES;
}

static void
close_stream (void *stream)
{
  pa_stream_set_state_callback (stream, NULL, NULL);
  pa_stream_disconnect (stream);
  pa_stream_unref (stream);
}

static void
drop_stream (Way *way)
{
  g_clear_pointer (&way->stream, close_stream);
}

static bool
is_ready (const Way *way)
{
  return way->stream != NULL && pa_stream_get_state (way->stream) == PA_STREAM_READY;
}

static void
write_waiting (Way *way, size_t bytes)
{
  if (bytes == 0)
    return;
  pa_stream_write (way->stream, way->waiting->data, bytes, NULL, 0, PA_SEEK_RELATIVE);
  g_byte_array_remove_range (way->waiting, 0, (guint) bytes);
}

static void
write_some (Way *way)
{
  size_t room = pa_stream_writable_size (way->stream);
  if (room != (size_t) -1)
    write_waiting (way, MIN (way->waiting->len, room / FRAME_BYTES * FRAME_BYTES));
}

static void
drained (pa_stream *stream, int success, void *data)
{
  g_ptr_array_remove (((PulseSound *) data)->ending, stream);
}

/* What was played is heard to its end. */
static void
end_stream (PulseSound *self, Way *way)
{
  write_waiting (way, way->waiting->len);
  way->rate_hz = 0;
  way->stopped = false;
  pa_operation *operation = pa_stream_drain (way->stream, drained, self);
  if (operation == NULL)
    {
      drop_stream (way);
      return;
    }
  pa_operation_unref (operation);
  if (self->ending->len == ENDING_MOST)
    g_ptr_array_remove_index (self->ending, 0);
  g_ptr_array_add (self->ending, g_steal_pointer (&way->stream));
}

/* From here on no more waits than the server was late by. */
static void
play_stream_changed (pa_stream *stream, void *data)
{
  PulseSound *self = data;
  Way        *way = &self->way[VT_SOUND_PLAY];
  if (stream != way->stream || !is_ready (way))
    return;
  write_some (way);
  way->most = way->waiting->len;
  if (way->stopped)
    end_stream (self, way);
}

static void
open_stream (PulseSound *self, VtSoundWay which)
{
  Way *way = &self->way[which];
  pa_sample_spec spec = { PA_SAMPLE_S16NE, way->rate_hz, VT_SOUND_CHANNELS };
  pa_buffer_attr attr = { .maxlength = (uint32_t) -1, .tlength = bytes_of (way->rate_hz, PLAY_MS), .prebuf = bytes_of (way->rate_hz, BEGIN_MS),
                          .minreq = (uint32_t) -1, .fragsize = bytes_of (way->rate_hz, RECORD_MS) };
  way->taken = 0;
  way->stream = pa_stream_new (self->context, self->name, &spec, NULL);
  int status = -1;
  if (way->stream != NULL && which == VT_SOUND_PLAY)
    {
      pa_stream_set_state_callback (way->stream, play_stream_changed, self);
      status = pa_stream_connect_playback (way->stream, NULL, &attr, PA_STREAM_ADJUST_LATENCY, NULL, NULL);
    }
  else if (way->stream != NULL)
    status = pa_stream_connect_record (way->stream, NULL, &attr, PA_STREAM_ADJUST_LATENCY);
  if (status != 0)
    {
      g_warning ("No sound: %s", pa_strerror (pa_context_errno (self->context)));
      drop_stream (way);
    }
}

static void
context_changed (pa_context *context, void *data)
{
  PulseSound *self = data;
  if (pa_context_get_state (context) != PA_CONTEXT_READY)
    return;
  for (unsigned i = 0; i < VT_SOUND_WAYS; i++)
    if (self->way[i].rate_hz != 0 && self->way[i].stream == NULL)
      open_stream (self, i);
}

static void
drop_context (PulseSound *self)
{
  for (unsigned i = 0; i < VT_SOUND_WAYS; i++)
    {
      drop_stream (&self->way[i]);
      g_byte_array_set_size (self->way[i].waiting, 0);
    }
  g_ptr_array_set_size (self->ending, 0);
  if (self->context == NULL)
    return;
  pa_context_set_state_callback (self->context, NULL, NULL);
  pa_context_disconnect (self->context);
  pa_context_unref (self->context);
  self->context = NULL;
}

/* A machine's process may start no programs, so no server either. */
static void
connect_context (PulseSound *self)
{
  self->context = pa_context_new (pa_threaded_mainloop_get_api (self->loop), self->name);
  if (self->context == NULL)
    return;
  pa_context_set_state_callback (self->context, context_changed, self);
  if (pa_context_connect (self->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0)
    drop_context (self);
}

/* What waits would be heard some time. */
static bool
is_expected (const PulseSound *self, const Way *way)
{
  return self->context != NULL && PA_CONTEXT_IS_GOOD (pa_context_get_state (self->context))
         && (way->stream == NULL || PA_STREAM_IS_GOOD (pa_stream_get_state (way->stream)));
}

/* --- For the card ------------------------------------------------------------------------------------------------------- */

static void
start (VtSound *sound, VtSoundWay which, unsigned rate_hz)
{
  PulseSound *self = (PulseSound *) sound;
  pa_threaded_mainloop_lock (self->loop);
  Way *way = &self->way[which];
  if (way->stopped && way->rate_hz != rate_hz)
    {
      drop_stream (way);
      g_byte_array_set_size (way->waiting, 0);
    }
  way->stopped = false;
  way->rate_hz = rate_hz;
  if (way->stream == NULL)
    way->most = bytes_of (rate_hz, WAIT_MS);
  if (self->context != NULL && !PA_CONTEXT_IS_GOOD (pa_context_get_state (self->context)))
    drop_context (self);
  if (self->context == NULL)
    connect_context (self);
  else
    context_changed (self->context, self);
  pa_threaded_mainloop_unlock (self->loop);
}

static void
stop (VtSound *sound, VtSoundWay which)
{
  PulseSound *self = (PulseSound *) sound;
  pa_threaded_mainloop_lock (self->loop);
  Way *way = &self->way[which];
  if (which == VT_SOUND_PLAY && is_ready (way))
    end_stream (self, way);
  else if (way->waiting->len > 0 && is_expected (self, way))
    way->stopped = true;
  else
    {
      way->rate_hz = 0;
      drop_stream (way);
      g_byte_array_set_size (way->waiting, 0);
    }
  pa_threaded_mainloop_unlock (self->loop);
}

static void
play (VtSound *sound, const int16_t *frames, size_t n)
{
  PulseSound *self = (PulseSound *) sound;
  pa_threaded_mainloop_lock (self->loop);
  Way *way = &self->way[VT_SOUND_PLAY];
  if (is_expected (self, way))
    g_byte_array_append (way->waiting, (const uint8_t *) frames, (guint) (n * FRAME_BYTES));
  if (is_ready (way))
    write_some (way);
  g_byte_array_set_size (way->waiting, (guint) MIN (way->waiting->len, way->most));
  pa_threaded_mainloop_unlock (self->loop);
}

/* A part of the stream's next piece; 0: there is none. What the stream left out is silence. */
static size_t
take_piece (Way *way, uint8_t *to, size_t bytes)
{
  const void *data;
  size_t      size;
  if (pa_stream_peek (way->stream, &data, &size) != 0 || size == 0)
    return 0;
  size_t n = MIN (bytes, size > way->taken ? size - way->taken : 0);
  if (data != NULL)
    memcpy (to, (const uint8_t *) data + way->taken, n);
  else
    memset (to, 0, n);
  way->taken += n;
  if (way->taken >= size)
    {
      pa_stream_drop (way->stream);
      way->taken = 0;
    }
  return n;
}

/* Some sources have larger pieces than they were asked for; two of them may wait. */
static void
forget_the_past (Way *way)
{
  const void *data;
  size_t      size, most = bytes_of (way->rate_hz, RECORD_MOST_MS) + 2 * pa_stream_get_buffer_attr (way->stream)->fragsize;
  while (pa_stream_readable_size (way->stream) > most && pa_stream_peek (way->stream, &data, &size) == 0 && size > 0)
    {
      pa_stream_drop (way->stream);
      way->taken = 0;
    }
}

static size_t
record (VtSound *sound, int16_t *frames, size_t n)
{
  PulseSound *self = (PulseSound *) sound;
  Way        *way = &self->way[VT_SOUND_RECORD];
  size_t      got = 0, piece = 1;
  pa_threaded_mainloop_lock (self->loop);
  if (is_ready (way))
    {
      forget_the_past (way);
      for (; piece > 0 && got < n * FRAME_BYTES; got += piece)
        piece = take_piece (way, (uint8_t *) frames + got, n * FRAME_BYTES - got);
    }
  pa_threaded_mainloop_unlock (self->loop);
  return got / FRAME_BYTES;
}

static void
close_sound (VtSound *sound)
{
  PulseSound *self = (PulseSound *) sound;
  pa_threaded_mainloop_lock (self->loop);
  drop_context (self);
  pa_threaded_mainloop_unlock (self->loop);
  pa_threaded_mainloop_stop (self->loop);
  pa_threaded_mainloop_free (self->loop);
  for (unsigned i = 0; i < VT_SOUND_WAYS; i++)
    g_byte_array_unref (self->way[i].waiting);
  g_ptr_array_unref (self->ending);
  g_free (self->name);
  g_free (self);
}

VtSound *
vt_pulse_sound_new (const char *name, GError **error)
{
  static const VtSoundOps ops = { start, stop, play, record, close_sound };
  pa_threaded_mainloop *loop = pa_threaded_mainloop_new ();
  if (loop == NULL || pa_threaded_mainloop_start (loop) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "There is no thread for sound");
      if (loop != NULL)
        pa_threaded_mainloop_free (loop);
      return NULL;
    }
  PulseSound *self = g_new0 (PulseSound, 1);
  self->sound.ops = &ops;
  self->loop = loop;
  self->name = g_strdup (name);
  self->ending = g_ptr_array_new_with_free_func (close_stream);
  for (unsigned i = 0; i < VT_SOUND_WAYS; i++)
    self->way[i].waiting = g_byte_array_new ();
  return &self->sound;
}
