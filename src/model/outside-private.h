/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both ends of the helper share. Requests and replies are single messages on a socket pair:
 *
 *   'C' kind, parent, name    ->  'F' path, with a descriptor | 'E' sentence | 'N' for no choice
 *                                 of kinds of many files: 'F' or 'E' for each, 'N' at the end
 *   'D' kind, parent, paths   ->  the same, for files that were dropped: the person is asked first
 *                                 of the kind USB: the device that the name says
 *   'A'                       ->  nothing; at the end of the other side the machine is started again
 */
#pragma once

#include <sys/socket.h>

#include "outside.h"

#define MESSAGE_MAX 8192          /* a reply */
#define DROP_MAX (64u << 10)      /* the paths of a 'D', each ended by a NUL */

typedef union
{
  struct cmsghdr align;
  char           bytes[CMSG_SPACE (sizeof (int))];
} Control;

typedef struct
{
  char               kind;
  VitrineOutsideKind what;
  unsigned long      parent;
  char               name[256];
} Request;

typedef struct
{
  Request request;
  char    paths[DROP_MAX];
} DropRequest;

/* The helper's process. */
G_NORETURN void vitrine_outside_serve (int socket, const char *uuid);
