/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineRemoteBackend share. */
#pragma once

#include "console-log.h"
#include "remote-backend.h"

typedef struct
{
  VitrineHostConsole *stream;
  VitrineConsoleLog   log;
  gboolean            busy;     /* somebody else has it */
} Console;

struct _VitrineRemoteBackend
{
  GObject parent_instance;

  VitrineHostGuest    *guest;
  VitrineHostEnds     *ends;
  VitrineRemoteScreen *screen;         /* NULL: the machine has none */
  GArray              *consoles;       /* of Console */
  GArray              *words;          /* of int: files that ssh complains into, one for each socket */
  GTask               *opening;
  guint                open_timer;
  gboolean             gone;

  guint                held[16], n_held;   /* keys that are down */
  GQueue               typing;         /* of VtKeyChord */
  guint                typing_timer;
  gboolean             typing_down;
  VitrineHostSample    sample;
  gboolean             sampling;
};

/* remote-backend.c */
void vitrine_remote_backend_lose (VitrineRemoteBackend *self, const char *reason);

/* remote-frames.c */
void vitrine_remote_backend_frames_init (VitrineBackendInterface *iface);
/* The class of its screen, with the screen; NULL when it has none. */
VitrineRemoteScreenClass *vitrine_remote_backend_get_screen_class (VitrineBackend      *backend,
                                                                   VitrineRemoteScreen **screen);

/* remote-input.c */
void vitrine_remote_backend_input_init (VitrineBackendInterface *iface);

/* remote-consoles.c */
void vitrine_remote_backend_consoles_init (VitrineBackendInterface *iface);
void vitrine_remote_backend_open_consoles (VitrineRemoteBackend *self);
void vitrine_remote_backend_clear_console (gpointer console);   /* of the array */
