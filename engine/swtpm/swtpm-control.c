/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control channel: a command code and its parameters go out, a result code (0: done) and what was asked for come back, all
 * big-endian (swtpm_ioctls(3), swtpm's tpm_ioctl.h). swtpm takes a question with one read(), so it has to go in one piece. */
#include "swtpm-control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "bits.h"
#include "vitrine/error.h"

enum
{
  STATE_HEADER = 12,       /* of an answer to SWTPM_GET_STATE, behind the result: flags, whole length, length that follows */
  STATE_PIECES_MAX = 1024,
};

int64_t
vt_swtpm_deadline (unsigned seconds)
{
  return g_get_monotonic_time () + (int64_t) seconds * G_USEC_PER_SEC;
}

static bool
wait_for (int fd, short events, int64_t deadline_us, GError **error)
{
  struct pollfd poller = { .fd = fd, .events = events };
  int           ready;
  do
    {
      int64_t left_us = deadline_us - g_get_monotonic_time ();
      ready = poll (&poller, 1, (int) CLAMP (left_us / 1000 + 1, 0, INT_MAX));
    }
  while (ready < 0 && errno == EINTR);
  return ready > 0 || vt_refuse (error, VT_ERROR_FAILED, "swtpm does not answer");
}

bool
vt_swtpm_read (int fd, void *to, size_t len, int64_t deadline_us, GError **error)
{
  for (size_t done = 0; done < len;)
    {
      if (!wait_for (fd, POLLIN, deadline_us, error))
        return false;
      ssize_t n = recv (fd, (uint8_t *) to + done, len - done, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return vt_refuse (error, VT_ERROR_FAILED, "swtpm has ended");
      done += n > 0 ? (size_t) n : 0;
    }
  return true;
}

bool
vt_swtpm_write (int fd, const void *from, size_t len, int64_t deadline_us, GError **error)
{
  for (size_t done = 0; done < len;)
    {
      if (!wait_for (fd, POLLOUT, deadline_us, error))
        return false;
      ssize_t n = send (fd, (const uint8_t *) from + done, len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return vt_refuse (error, VT_ERROR_FAILED, "swtpm has ended");
      done += n > 0 ? (size_t) n : 0;
    }
  return true;
}

/* With its descriptor, which a stream socket carries with the first byte. */
static bool
send_with_descriptor (int fd, const uint8_t *bytes, size_t len, int descriptor, GError **error)
{
  union
  {
    struct cmsghdr header;
    char           bytes[CMSG_SPACE (sizeof (int))];
  } control = { { 0 } };
  struct iovec  piece = { (void *) bytes, len };
  struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
  control.header = (struct cmsghdr) { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN (sizeof descriptor) };
  memcpy (CMSG_DATA (&control.header), &descriptor, sizeof descriptor);
  return sendmsg (fd, &message, MSG_NOSIGNAL) == (ssize_t) len || vt_refuse (error, VT_ERROR_FAILED, "swtpm has ended");
}

/* What was left of an earlier question that failed. */
static void
drain (int fd)
{
  uint8_t bytes[512];
  while (recv (fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
}

bool
vt_swtpm_ask (int fd, const SwtpmQuestion *question, int64_t deadline_us, GError **error)
{
  g_autofree uint8_t *bytes = g_malloc (4 + question->body_len);
  uint8_t             result[4];
  vt_store_be (bytes, question->command, 4);
  if (question->body_len > 0)
    memcpy (bytes + 4, question->body, question->body_len);
  drain (fd);
  bool sent = question->descriptor > 0
                ? send_with_descriptor (fd, bytes, 4 + question->body_len, question->descriptor, error)
                : vt_swtpm_write (fd, bytes, 4 + question->body_len, deadline_us, error);
  if (!sent || !vt_swtpm_read (fd, result, sizeof result, deadline_us, error))
    return false;
  if (vt_load_be (result, 4) != 0)
    return vt_refuse (error, VT_ERROR_FAILED,
                      "swtpm refuses (its command %u: code 0x%x)", question->command, (unsigned) vt_load_be (result, 4));
  return question->answer_len == 0 || vt_swtpm_read (fd, question->answer, question->answer_len, deadline_us, error);
}

bool
vt_swtpm_tell (int fd, SwtpmCommand command, int64_t deadline_us, GError **error)
{
  return vt_swtpm_ask (fd, &(SwtpmQuestion) { .command = command }, deadline_us, error);
}

bool
vt_swtpm_tell_number (int fd, SwtpmCommand command, uint32_t number, int64_t deadline_us, GError **error)
{
  uint8_t body[4];
  vt_store_be (body, number, 4);
  return vt_swtpm_ask (fd, &(SwtpmQuestion) { .command = command, .body = body, .body_len = sizeof body }, deadline_us, error);
}

/* --- State -------------------------------------------------------------------------------------------------------------- */

bool
vt_swtpm_get_blob (int fd, SwtpmBlob which, GByteArray *out, int64_t deadline_us, GError **error)
{
  uint64_t total = 0, done = 0;
  for (unsigned pieces = 0; pieces < STATE_PIECES_MAX; pieces++)
    {
      uint8_t       body[12], header[STATE_HEADER];
      SwtpmQuestion question = { .command = SWTPM_GET_STATE, .body = body, .body_len = sizeof body,
                                 .answer = header, .answer_len = sizeof header };
      vt_store_be (body, 0, 4);
      vt_store_be (body + 4, which, 4);
      vt_store_be (body + 8, done, 4);
      if (!vt_swtpm_ask (fd, &question, deadline_us, error))
        return false;
      uint64_t whole = vt_load_be (header + 4, 4), n = vt_load_be (header + 8, 4);
      if (whole > SWTPM_BLOB_MAX || !vt_fits (done, n, whole) || (pieces > 0 && whole != total))
        return vt_refuse (error, VT_ERROR_FAILED, "swtpm gives a state of impossible length");
      total = whole;
      guint at = out->len;
      g_byte_array_set_size (out, at + (guint) n);
      if (!vt_swtpm_read (fd, out->data + at, n, deadline_us, error))
        return false;
      done += n;
      if (done == total)
        return true;
    }
  return vt_refuse (error, VT_ERROR_FAILED, "swtpm gives its state in too many pieces");
}

bool
vt_swtpm_set_blob (int fd, SwtpmBlob which, const uint8_t *bytes, size_t len, int64_t deadline_us, GError **error)
{
  g_autofree uint8_t *body = g_malloc (12 + len);
  vt_store_be (body, 0, 4);
  vt_store_be (body + 4, which, 4);
  vt_store_be (body + 8, len, 4);
  memcpy (body + 12, bytes, len);
  return vt_swtpm_ask (fd, &(SwtpmQuestion) { .command = SWTPM_SET_STATE, .body = body, .body_len = 12 + len }, deadline_us, error);
}
