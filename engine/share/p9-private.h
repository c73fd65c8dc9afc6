/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between p9-server.c (messages, the guest's handles, the thread) and p9-files.c (what they do to files). */
#pragma once

#include <dirent.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bits.h"

/* How a file is opened: Linux's numbers. L_ONCE: what is not done again when it is opened again. */
enum
{
  L_RDWR_MASK = 3, L_CREATE = 0100, L_EXCL = 0200, L_TRUNC = 01000, L_APPEND = 02000,
  L_ONCE = L_CREATE | L_EXCL | L_TRUNC,
};

/* A message while it is read; once it was too short, everything else reads as zero. */
typedef struct
{
  const uint8_t *at;
  size_t         left;
  bool           broken;
} P9In;

/* An answer while it is written, into a buffer of `room` bytes, at least P9_ANSWER_MIN; what does not fit makes it an error. */
typedef struct
{
  uint8_t *bytes;
  size_t   len, room;
  bool     full;
} P9Out;

/* A handle of the guest. */
typedef struct
{
  char    *path;               /* beneath the root, without leading slash; "" for the root */
  int      fd;                 /* open file, or -1 */
  DIR     *dir;                /* open folder; owns fd */
  uint32_t flags;              /* of 9P, with which it was opened */
} P9Fid;

typedef struct
{
  int         root;
  dev_t       device;          /* of the root */
  bool        readonly;
  uint32_t    msize;
  GHashTable *fids;            /* number to P9Fid* */
  unsigned    n_open;
} P9Server;

enum
{
  P9_OPEN_MAX = 512,           /* files of one share; the process needs others */
  P9_PATH_MAX = 4000,
  P9_ANSWER_MIN = 11,          /* a header and four bytes */
};

uint64_t p9_get (P9In *in, unsigned bytes);
/* Not empty, no slash, no "." or "..", no zero byte; NULL otherwise, and the message is broken. */
char    *p9_get_name (P9In *in);
char    *p9_get_string (P9In *in);
void     p9_put (P9Out *out, uint64_t value, unsigned bytes);
void     p9_put_string (P9Out *out, const char *text);
void     p9_put_qid (const P9Server *server, P9Out *out, const struct stat *about);

P9Fid *p9_find (P9Server *server, uint32_t number);
/* Both below the root. */
char  *p9_child_path (const char *folder, const char *name);

/* Each answers 0, or an errno. */
int  p9_stat (P9Server *server, const char *path, struct stat *about);
int  p9_open (P9Server *server, P9Fid *fid, uint32_t flags);
void p9_close (P9Server *server, P9Fid *fid);
/* Operations on messages: the fixed part has been read by them. */
typedef int (*P9Operation) (P9Server *server, P9In *in, P9Out *out);
P9Operation p9_file_operation (unsigned type, bool *changes);
