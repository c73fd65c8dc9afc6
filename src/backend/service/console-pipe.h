/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial console as a socket, for a client in another process. Main thread. */
#pragma once

#include "backend.h"

typedef struct VitrineConsolePipe VitrineConsolePipe;

/* What a client has not read yet: a guest never waits for it, nor fills more memory than that. Then this is dropped, and the client told
 * how much is missing. A socket alone has room for some 300 pieces, and a guest prints byte by byte. */
#define VITRINE_CONSOLE_PIPE_BYTES (1024 * 1024)

/* @other: the client's end. @gone: called when the client has closed it; may free the pipe. What the console printed last is sent first. */
VitrineConsolePipe *vitrine_console_pipe_new (VitrineBackend *backend, guint console, void (*gone) (VitrineConsolePipe *pipe, gpointer data),
                                              gpointer data, int *other, GError **error);
void                vitrine_console_pipe_free (VitrineConsolePipe *pipe);
