/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial console as a socket, for a client in another process. What does not fit into the socket because the client does not
 * read is dropped: a guest never waits for, nor fills memory through, a client. */
#pragma once

#include "backend.h"

typedef struct VitrineConsolePipe VitrineConsolePipe;

/* @other: the client's end. */
VitrineConsolePipe *vitrine_console_pipe_new (VitrineBackend *backend, guint console, int *other, GError **error);
void                vitrine_console_pipe_free (VitrineConsolePipe *pipe);
