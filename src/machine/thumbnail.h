/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small picture of a running machine, for the library. */
#pragma once

#include "backend.h"

typedef struct VitrineThumbnail VitrineThumbnail;

/* Keeps the picture in a PNG at @path while there is a backend. It looks every @soon_ms while the screen changes, and every
 * @rare_ms while it stands still or nobody has told of a frame: an idle machine shall cost nothing. What is as small as a blinking
 * cursor is not worth a new picture before @rare_ms. Main thread; scaling and writing happen in another. Errors are only logged:
 * a picture is not worth a notice. */
VitrineThumbnail *vitrine_thumbnail_new (const char *path, guint soon_ms, guint rare_ms);
void              vitrine_thumbnail_free (VitrineThumbnail *self);
/* NULL: the machine is off. */
void              vitrine_thumbnail_set_backend (VitrineThumbnail *self, VitrineBackend *backend);
