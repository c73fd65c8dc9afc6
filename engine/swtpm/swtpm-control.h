/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to swtpm on its control channel, and reading and writing with a deadline. Everything here blocks. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* swtpm_ioctls(3), "enum" of the commands. */
typedef enum
{
  SWTPM_INIT = 2,
  SWTPM_GET_ESTABLISHED = 4,
  SWTPM_SET_LOCALITY = 5,
  SWTPM_CANCEL = 9,
  SWTPM_RESET_ESTABLISHED = 11,
  SWTPM_GET_STATE = 12,
  SWTPM_SET_STATE = 13,
  SWTPM_STOP = 14,
  SWTPM_SET_DATA_FD = 16,
  SWTPM_SET_BUFFER_SIZE = 17,
} SwtpmCommand;

typedef enum
{
  SWTPM_PERMANENT = 1,
  SWTPM_VOLATILE = 2,
} SwtpmBlob;

/* Of CMD_INIT: state that was set is for this once. */
#define SWTPM_INIT_DELETE_VOLATILE 1u

enum { SWTPM_BLOB_MAX = 1 << 20 };

/* Ends of waiting, on the monotonic clock. */
int64_t vt_swtpm_deadline (unsigned seconds);

bool vt_swtpm_read  (int fd, void *to, size_t len, int64_t deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool vt_swtpm_write (int fd, const void *from, size_t len, int64_t deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  SwtpmCommand command;
  const void  *body;           /* big-endian, as it goes */
  size_t       body_len;
  int          descriptor;     /* that goes with it; 0: none */
  void        *answer;         /* what follows its result code */
  size_t       answer_len;
} SwtpmQuestion;

/* An error too when swtpm refuses. */
bool vt_swtpm_ask (int fd, const SwtpmQuestion *question, int64_t deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* With at most one number as its body. */
bool vt_swtpm_tell (int fd, SwtpmCommand command, int64_t deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool vt_swtpm_tell_number (int fd, SwtpmCommand command, uint32_t number, int64_t deadline_us,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Behind what `out` has. */
bool vt_swtpm_get_blob (int fd, SwtpmBlob which, GByteArray *out, int64_t deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool vt_swtpm_set_blob (int fd, SwtpmBlob which, const uint8_t *bytes, size_t len, int64_t deadline_us,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
