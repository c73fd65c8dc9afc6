/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running machine as the windows see it, whatever runs it. Implemented by the in-process engine (backend/engine), by a
 * libvirt host with a screen over SPICE or VNC (backend/remote) and by a test card (backend/fake). Main thread only; nothing here
 * blocks noticeably unless it says so.
 *
 * Signals: "changed" () when state, message or accelerator changed; "frame-ready" (guint head) when acquire_frame() or
 * get_cursor() would give something new; "console-output" (guint console, GBytes *bytes); "console-changed" (guint
 * console) when is_console_busy() gives another answer; "guest-reset" (); "trouble" (const char *message) when
 * something of the machine has failed for good, and it goes on; "pointer-changed" () when is_absolute() may give another answer;
 * "capture-changed" () when is_captured() or list_cards() may give another answer; "usb-changed" () when list_usb() gives another
 * answer; before it "usb-left" (const char *id) when a device has gone by itself. */
#pragma once

#include <gio/gio.h>

#include "state.h"
#include "statistics.h"

typedef struct
{
  const guint8 *pixels;            /* XRGB8888 words in host byte order; valid until released */
  guint         width, height;     /* device pixels */
  guint         stride;            /* bytes */
  gint          damage_x, damage_y, damage_width, damage_height;
  guint64       sequence;          /* give it back as `seen` next time */
  gboolean      blank;             /* the guest shows nothing */
  gpointer      token;             /* the implementation's own */
} VitrineFrame;

/* Did more change than what a text cursor or a second hand does: more than about a thousandth? */
gboolean vitrine_frame_moved (const VitrineFrame *frame);
/* A part of the picture to the same place of another, whose rows are @stride bytes apart. */
void     vitrine_frame_copy (const VitrineFrame *frame, gint x, gint y, gint width, gint height, guint8 *to, gsize stride);

/* What the guest takes for a monitor. */
typedef struct
{
  guint width, height;             /* device pixels */
  guint width_mm, height_mm;
} VitrineMonitor;

/* The guest's own pointer, which is drawn over the frame. */
#define VITRINE_CURSOR_EDGE 64
typedef struct
{
  gint     x, y;                   /* of the hot spot, in the frame */
  gboolean visible;
  guint64  serial;                 /* of the shape; give it back as `seen` next time */
  guint    width, height, hot_x, hot_y;
  guint32  pixels[VITRINE_CURSOR_EDGE * VITRINE_CURSOR_EDGE];   /* ARGB, colours multiplied by alpha; rows of width */
} VitrineCursor;

/* Lights of the guest's keyboard. */
enum
{
  VITRINE_LED_SCROLL = 1 << 0,
  VITRINE_LED_NUM    = 1 << 1,
  VITRINE_LED_CAPS   = 1 << 2,
};

/* Told now and then how far memory is; FALSE: stop. */
typedef gboolean (*VitrineSaveProgress) (gpointer data, guint64 done_bytes, guint64 total_bytes);

/* A snapshot to be taken. The functions are called in the thread that takes it, or in one of the machine's while that waits. */
typedef struct
{
  const char *name;                /* of the disks' part, inside their images */
  const char *state_path;          /* of memory and devices */
  VitrineSaveProgress progress;
  void      (*moment) (gpointer data);   /* what the snapshot is of: the machine stands */
  gpointer    data;
} VitrineSnapshotPlan;

/* What a person can do with a machine by this interface, beyond what all can. */
typedef enum
{
  VITRINE_BACKEND_CHANGES_MEDIA = 1 << 0,
  VITRINE_BACKEND_READS_TEXT    = 1 << 1,   /* of text modes */
  VITRINE_BACKEND_LOOKS_INSIDE  = 1 << 2,  /* figures about the processor's inner life */
  VITRINE_BACKEND_IS_PROCESS    = 1 << 3,   /* the machine runs in this process, and ends with it */
  VITRINE_BACKEND_TAKES_USB     = 1 << 4,   /* devices of this computer */
  VITRINE_BACKEND_ALL           = (1 << 5) - 1,
} VitrineBackendAbilities;

typedef enum
{
  VITRINE_DEVICE_DISK,       /* known by its target: "vdb" */
  VITRINE_DEVICE_NETWORK,    /* by its address: "52:54:00:12:34:56" */
} VitrineDeviceKind;

/* Monitors that one machine can have. */
#define VITRINE_MAX_HEADS 4

#define VITRINE_TYPE_BACKEND (vitrine_backend_get_type ())
G_DECLARE_INTERFACE (VitrineBackend, vitrine_backend, VITRINE, BACKEND, GObject)

struct _VitrineBackendInterface
{
  GTypeInterface parent;

  VitrineBackendAbilities (*get_abilities) (VitrineBackend *self);   /* NULL: all */
  VitrineState (*get_state) (VitrineBackend *self);
  const char *(*get_message) (VitrineBackend *self);
  const char *(*get_accelerator) (VitrineBackend *self);

  void (*resume) (VitrineBackend *self);
  void (*pause) (VitrineBackend *self);
  void (*reset) (VitrineBackend *self);
  void (*power_button) (VitrineBackend *self);
  void (*force_off) (VitrineBackend *self);
  gboolean (*save) (VitrineBackend *self, const char *path, VitrineSaveProgress progress, gpointer data, GError **error);
  gboolean (*restore) (VitrineBackend *self, const char *path, GError **error);
  gboolean (*change_medium) (VitrineBackend *self, guint drive, const char *path, int fd, GError **error);
  gboolean (*take_snapshot) (VitrineBackend *self, const VitrineSnapshotPlan *plan, GError **error);
  gboolean (*forget_snapshot) (VitrineBackend *self, const char *name, GError **error);
  gboolean (*set_memory) (VitrineBackend *self, guint64 bytes, GError **error);
  GVariant *(*get_memory) (VitrineBackend *self);
  gboolean (*set_link) (VitrineBackend *self, guint card, gboolean up, GError **error);
  gboolean (*set_mac) (VitrineBackend *self, guint card, const guint8 mac[6], GError **error);
  gboolean (*set_forwards) (VitrineBackend *self, guint card, const char *const *rules, GError **error);
  GStrv (*get_forwards) (VitrineBackend *self, guint card, GError **error);
  gboolean (*capture) (VitrineBackend *self, guint card, int fd, GError **error);
  gboolean (*is_captured) (VitrineBackend *self, guint card);
  GStrv (*list_cards) (VitrineBackend *self);
  gboolean (*trace) (VitrineBackend *self, const char *const *globs, int fd, GError **error);
  gboolean (*add_disk) (VitrineBackend *self, guint number, GVariant *disk, const char *const *paths, const int *fds, int key,
                        GError **error);
  gboolean (*add_network) (VitrineBackend *self, guint number, GVariant *card, int device, GError **error);
  gboolean (*grow_disk) (VitrineBackend *self, const char *id, guint64 bytes, GError **error);
  gboolean (*get_disk_size) (VitrineBackend *self, const char *id, guint64 *bytes, GError **error);
  void (*remove_device) (VitrineBackend *self, VitrineDeviceKind kind, const char *id, GTask *task);   /* takes the task */
  gboolean (*plug_usb) (VitrineBackend *self, const char *id, int fd, GError **error);   /* these with VITRINE_BACKEND_TAKES_USB */
  gboolean (*unplug_usb) (VitrineBackend *self, const char *id, GError **error);
  GStrv (*list_usb) (VitrineBackend *self);
  guint (*count_usb_ports) (VitrineBackend *self);

  guint (*get_n_heads) (VitrineBackend *self);
  gboolean (*acquire_frame) (VitrineBackend *self, guint head, guint64 seen, VitrineFrame *out);
  void (*release_frame) (VitrineBackend *self, VitrineFrame *frame);
  gboolean (*get_cursor) (VitrineBackend *self, guint head, guint64 seen, VitrineCursor *out);
  void (*set_watched) (VitrineBackend *self, guint head, gboolean watched);
  gboolean (*follows_monitor) (VitrineBackend *self);
  void (*set_monitor) (VitrineBackend *self, guint head, const VitrineMonitor *monitor);
  GBytes *(*screenshot) (VitrineBackend *self, guint head, GError **error);
  char *(*get_text) (VitrineBackend *self);

  void (*key) (VitrineBackend *self, guint evdev_code, gboolean down);
  void (*release_all) (VitrineBackend *self);
  void (*motion) (VitrineBackend *self, gint dx, gint dy);
  void (*place) (VitrineBackend *self, guint head, guint x, guint y);
  void (*buttons) (VitrineBackend *self, guint mask);
  void (*wheel) (VitrineBackend *self, gint clicks_x, gint clicks_y);
  gboolean (*is_absolute) (VitrineBackend *self);
  gboolean (*send_keys) (VitrineBackend *self, const char *spec, GError **error);
  gboolean (*get_leds) (VitrineBackend *self, guint *mask);

  guint (*get_n_consoles) (VitrineBackend *self);
  void (*console_send) (VitrineBackend *self, guint console, const guint8 *bytes, gsize n);
  GBytes *(*get_console_history) (VitrineBackend *self, guint console);
  gboolean (*is_console_busy) (VitrineBackend *self, guint console);   /* NULL: never */
  void (*take_console) (VitrineBackend *self, guint console);          /* where it can be busy */

  void (*get_statistics) (VitrineBackend *self, VitrineStatistics *out);
  void (*count_instructions) (VitrineBackend *self, gboolean on);
};

VitrineBackendAbilities vitrine_backend_get_abilities (VitrineBackend *self);
VitrineState vitrine_backend_get_state (VitrineBackend *self);
const char  *vitrine_backend_get_message (VitrineBackend *self);       /* NULL when there is nothing to say */
const char  *vitrine_backend_get_accelerator (VitrineBackend *self);   /* a sentence; NULL before the start */

void vitrine_backend_resume (VitrineBackend *self);                    /* also the first start */
void vitrine_backend_pause (VitrineBackend *self);
void vitrine_backend_reset (VitrineBackend *self);
void vitrine_backend_power_button (VitrineBackend *self);
void vitrine_backend_force_off (VitrineBackend *self);
/* Any thread; block for the time of the write or read. Nobody may ask the backend anything meanwhile, who would wait as long.
 * @progress: nullable, called in another thread. */
gboolean vitrine_backend_save (VitrineBackend *self, const char *path, VitrineSaveProgress progress, gpointer data, GError **error);
gboolean vitrine_backend_restore (VitrineBackend *self, const char *path, GError **error);
/* @drive: index among the disks of the definition; @path: NULL ejects; @fd: the opened image, taken in any case, or -1. */
gboolean vitrine_backend_change_medium (VitrineBackend *self, guint drive, const char *path, int fd, GError **error);
/* Any thread; block until it is done, while the machine goes on. All or nothing. */
gboolean vitrine_backend_take_snapshot (VitrineBackend *self, const VitrineSnapshotPlan *plan, GError **error);
/* The disks' part. */
gboolean vitrine_backend_forget_snapshot (VitrineBackend *self, const char *name, GError **error);
/* <vitrine/devices.h> says what these seven do. The memory is a floating a{st}: see Machine1's GetMemory. */
gboolean vitrine_backend_set_memory (VitrineBackend *self, guint64 bytes, GError **error);
GVariant *vitrine_backend_get_memory (VitrineBackend *self);
gboolean vitrine_backend_set_link (VitrineBackend *self, guint card, gboolean up, GError **error);
gboolean vitrine_backend_set_mac (VitrineBackend *self, guint card, const guint8 mac[6], GError **error);
gboolean vitrine_backend_set_forwards (VitrineBackend *self, guint card, const char *const *rules, GError **error);
GStrv    vitrine_backend_get_forwards (VitrineBackend *self, guint card, GError **error);   /* NULL: an error */
gboolean vitrine_backend_capture (VitrineBackend *self, guint card, int fd, GError **error);
gboolean vitrine_backend_is_captured (VitrineBackend *self, guint card);
/* Addresses of the network cards whose frames can be captured; none: it cannot do that. */
GStrv    vitrine_backend_list_cards (VitrineBackend *self);
/* See <vitrine/trace.h>; takes @fd in any case. NULL and -1 end it. */
gboolean vitrine_backend_trace (VitrineBackend *self, const char *const *globs, int fd, GError **error);
/* Hot plug; the device as in Machine1's AttachDisk and AttachNetwork. The descriptors stay the caller's, one for each path; @key: a pipe
 * with the key of an encrypted disk, @device: the TAP device that a card is on; -1: none. */
gboolean vitrine_backend_add_disk (VitrineBackend *self, guint number, GVariant *disk, const char *const *paths, const int *fds, int key,
                                   GError **error);
gboolean vitrine_backend_add_network (VitrineBackend *self, guint number, GVariant *card, int device, GError **error);
/* A USB device of this computer (id: "1:7"), given away at the other end of a stream; @fd is taken in any case. */
gboolean vitrine_backend_plug_usb (VitrineBackend *self, const char *id, int fd, GError **error);
gboolean vitrine_backend_unplug_usb (VitrineBackend *self, const char *id, GError **error);
GStrv    vitrine_backend_list_usb (VitrineBackend *self);          /* ids of those that the guest has */
guint    vitrine_backend_count_usb_ports (VitrineBackend *self);   /* for so many; 0: it takes none */
gboolean vitrine_backend_grow_disk (VitrineBackend *self, const char *id, guint64 bytes, GError **error);
gboolean vitrine_backend_get_disk_size (VitrineBackend *self, const char *id, guint64 *bytes, GError **error);
/* Done when the guest has let go of it, or has not, or the machine has ended. */
void     vitrine_backend_remove_device_async (VitrineBackend *self, VitrineDeviceKind kind, const char *id, GAsyncReadyCallback done,
                                              gpointer data);
gboolean vitrine_backend_remove_device_finish (GAsyncResult *result, GError **error);

guint    vitrine_backend_get_n_heads (VitrineBackend *self);           /* sockets for monitors; 0: no screen at all */
/* FALSE: nothing new since @seen. The screen stays locked until the frame is released: copy, do not draw. */
gboolean vitrine_backend_acquire_frame (VitrineBackend *self, guint head, guint64 seen, VitrineFrame *out);
void     vitrine_backend_release_frame (VitrineBackend *self, VitrineFrame *frame);
/* Fills everything but, when the shape is the one @seen, its size and pixels. FALSE: there is no such head. */
gboolean vitrine_backend_get_cursor (VitrineBackend *self, guint head, guint64 seen, VitrineCursor *out);
/* "frame-ready" comes for a head while somebody looks at it: each TRUE is followed by a FALSE. */
void     vitrine_backend_set_watched (VitrineBackend *self, guint head, gboolean watched);
/* Does the guest hear of another monitor, so that it can follow a window? */
gboolean vitrine_backend_follows_monitor (VitrineBackend *self);
void     vitrine_backend_set_monitor (VitrineBackend *self, guint head, const VitrineMonitor *monitor);   /* NULL: unplugged */
GBytes  *vitrine_backend_screenshot (VitrineBackend *self, guint head, GError **error);   /* PNG */
char    *vitrine_backend_get_text (VitrineBackend *self);              /* text modes: lines; else NULL */

void     vitrine_backend_key (VitrineBackend *self, guint evdev_code, gboolean down);
void     vitrine_backend_release_all (VitrineBackend *self);
void     vitrine_backend_motion (VitrineBackend *self, gint dx, gint dy);
void     vitrine_backend_place (VitrineBackend *self, guint head, guint x, guint y);   /* 0..65535 across that head */
void     vitrine_backend_buttons (VitrineBackend *self, guint mask);       /* bit 0 left, 1 right, 2 middle, 3 side, 4 extra */
/* Away from the person and to the right are positive. */
void     vitrine_backend_wheel (VitrineBackend *self, gint clicks_x, gint clicks_y);
gboolean vitrine_backend_is_absolute (VitrineBackend *self);
gboolean vitrine_backend_send_keys (VitrineBackend *self, const char *spec, GError **error);
/* FALSE while the guest has not said which of its lights are on. */
gboolean vitrine_backend_get_leds (VitrineBackend *self, guint *mask);

guint   vitrine_backend_get_n_consoles (VitrineBackend *self);
void    vitrine_backend_console_send (VitrineBackend *self, guint console, const guint8 *bytes, gsize n);
/* What the console printed so far (bounded); then follow "console-output". */
GBytes *vitrine_backend_get_console_history (VitrineBackend *self, guint console);
/* Does somebody else have it, so that nothing comes from it? "console-changed" tells when that is another. */
gboolean vitrine_backend_is_console_busy (VitrineBackend *self, guint console);
/* From whoever has it, who loses it. */
void     vitrine_backend_take_console (VitrineBackend *self, guint console);

void vitrine_backend_get_statistics (VitrineBackend *self, VitrineStatistics *out);
/* Instructions are counted while somebody wants it, which costs some speed: each TRUE is followed by a FALSE. */
void vitrine_backend_count_instructions (VitrineBackend *self, gboolean on);

/* For implementations. */
void vitrine_backend_emit_changed (VitrineBackend *self);
void vitrine_backend_emit_frame_ready (VitrineBackend *self, guint head);
void vitrine_backend_emit_pointer_changed (VitrineBackend *self);
void vitrine_backend_emit_console_output (VitrineBackend *self, guint console, GBytes *bytes);
void vitrine_backend_emit_console_changed (VitrineBackend *self, guint console);
void vitrine_backend_emit_guest_reset (VitrineBackend *self);
void vitrine_backend_emit_trouble (VitrineBackend *self, const char *message);
void vitrine_backend_emit_usb_left (VitrineBackend *self, const char *id);
void vitrine_backend_emit_capture_changed (VitrineBackend *self);
void vitrine_backend_emit_usb_changed (VitrineBackend *self);
