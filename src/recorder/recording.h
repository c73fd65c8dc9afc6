/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a machine's screen is being recorded, whoever asked for it: its window, or somebody on the machine's socket. One at a
 * time. Signals: "changed" () when what the functions say has changed, but for the time; "completed" (const char *name) and
 * "failed" (const char *sentence) when a recording ends. Main thread only. */
#pragma once

#include "recorder.h"
#include "recording-keeper.h"

#define VITRINE_TYPE_RECORDING (vitrine_recording_get_type ())
G_DECLARE_FINAL_TYPE (VitrineRecording, vitrine_recording, VITRINE, RECORDING, GObject)

VitrineRecording *vitrine_recording_new (void);
/* NULL: the machine is gone, and its recording stops. */
void              vitrine_recording_set_backend (VitrineRecording *self, VitrineBackend *backend);
/* @fd: where the file goes; taken in any case. @name: of the file, for sentences. */
gboolean          vitrine_recording_start (VitrineRecording *self, int fd, const char *name, GError **error);
/* Nothing more is recorded; the file is completed in a moment. */
void              vitrine_recording_stop (VitrineRecording *self);
/* The same, or the rest of it, at once: blocks for the time of encoding what is left. So does losing the last reference. */
void              vitrine_recording_end (VitrineRecording *self);
/* Is there a screen, and neither a recording nor one that is being completed? */
gboolean          vitrine_recording_can_start (VitrineRecording *self);
gboolean          vitrine_recording_is_on (VitrineRecording *self);
guint             vitrine_recording_get_seconds (VitrineRecording *self);   /* 0 when nothing is recorded */

/* For the service; its data is a VitrineRecording. */
extern const VitrineRecordingKeeper vitrine_recording_keeper;
