/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records a machine's screen as WebM (VP8), through GStreamer. Later modes of another size are scaled into the first one's, with
 * black at the sides. Encoding happens in GStreamer's threads; here frames are copied, 25 a second at most, and only new ones.
 * Main thread only. */
#pragma once

#include "backend.h"

typedef struct VitrineRecorder VitrineRecorder;

/* @fd: where the file goes; taken in any case. The error names the Debian package that lacks. @failed is called at most once, when
 * the recording ends by itself or cannot be completed: the disk is full, for instance. The recorder is gone then. */
VitrineRecorder *vitrine_recorder_new (VitrineBackend *backend, int fd, void (*failed) (gpointer data, const char *message),
                                       gpointer data, GError **error);
/* Since the first frame. */
guint            vitrine_recorder_get_seconds (VitrineRecorder *self);
/* Completes the file, which may go on for a moment after this returns; then @done is called, or @failed, with the data that @failed
 * has. Frees the recorder. */
void             vitrine_recorder_stop (VitrineRecorder *self, void (*done) (gpointer data));
/* The same, or the rest of it, at once; blocks for the time of encoding what is left. Neither is called; a failure is logged. */
void             vitrine_recorder_stop_now (VitrineRecorder *self);
