/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper of a confined machine process: forked before the process confines itself, it stays outside, lets the person choose
 * a file, and hands that one file in. It asks nobody else and hands in nothing by itself, so a guest that broke out of the engine
 * can at most make a dialog appear. Main thread only. */
#pragma once

#include <gio/gio.h>

typedef enum
{
  VITRINE_OUTSIDE_CD,        /* a disc image, for reading */
  VITRINE_OUTSIDE_FLOPPY,    /* a floppy image, for reading and, if that may be, writing */
  VITRINE_OUTSIDE_PICTURE,   /* a file to write a screenshot to: made, or emptied */
  VITRINE_OUTSIDE_VIDEO,     /* the same for a recording */
  VITRINE_OUTSIDE_CAPTURE,   /* the same for captured network frames */
  VITRINE_OUTSIDE_FILES,     /* ordinary files, several, for reading */
  VITRINE_OUTSIDE_DROPPED,   /* the same, whose names are known: only for confirm_async */
  VITRINE_OUTSIDE_USB,       /* a USB device, named by the id; the "path" is the id, and the file a stream */
} VitrineOutsideKind;

/* For USB devices, before the start; both are called in the helper's process. @permitted: it is in the definition, so that nobody is asked
 * again; @give: see vitrine_usb_give(). */
typedef struct
{
  gboolean (*permitted) (const char *id);
  int      (*give) (const char *id, GError **error);
} VitrineOutsideUsb;
void     vitrine_outside_set_usb (const VitrineOutsideUsb *usb);

/* Forks: before any thread is started, and before the confinement. */
void     vitrine_outside_start (const char *uuid);
gboolean vitrine_outside_is_there (void);
/* Starts this machine's process once more, unconfined at first, as soon as this one has ended. */
void     vitrine_outside_again (void);

/* Shows a file dialog; one at a time (G_IO_ERROR_BUSY). @name: proposed for a new file; @parent: X11 window to stay above, or 0. */
void  vitrine_outside_choose_async (VitrineOutsideKind kind, const char *name, gulong parent, GAsyncReadyCallback done,
                                    gpointer data);
/* The path, with the opened file in @fd; NULL without an error: the person changed their mind. */
char *vitrine_outside_choose_finish (GAsyncResult *result, int *fd, GError **error);

/* What there is of several files; paths and fds belong together. */
typedef struct
{
  GPtrArray *paths;          /* char* */
  GArray    *fds;            /* int; one that is taken becomes -1 */
  GString   *problems;       /* a sentence for each that could not be opened, one a line */
} VitrineOutsideFiles;

void vitrine_outside_files_free (VitrineOutsideFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineOutsideFiles, vitrine_outside_files_free)

/* Shows a dialog that says where these files are, and asks whether they may be sent to the guest. */
void                 vitrine_outside_confirm_async (const char *const *paths, gulong parent, GAsyncReadyCallback done, gpointer data);
/* Of it, or of a choice of several files. All empty: the person changed their mind. NULL: an error. */
VitrineOutsideFiles *vitrine_outside_files_finish (GAsyncResult *result, GError **error);

/* In the program that the helper starts to show the dialog: "--choose-file=cd" and so on. */
const char *vitrine_outside_kind_to_nick (VitrineOutsideKind kind);
gboolean    vitrine_outside_kind_from_nick (const char *nick, VitrineOutsideKind *kind);
