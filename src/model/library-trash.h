/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left to do with deleted machines once nobody can undo it. Private to src/model; any thread. */
#pragma once

#include <gio/gio.h>

/* @uuid NULL: every deleted machine. @used: paths of images that other machines use. */
gboolean vitrine_library_trash_empty (const char *uuid, GHashTable *used, GError **error);
