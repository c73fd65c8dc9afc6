/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "loop.h"
#include "share-interface.h"

/* The folder, with a thread for its work. Nothing outside of it can be reached: paths are resolved beneath it and symbolic links
 * are never followed here, since the guest follows them itself. */
VtShare *vt_share_new (VtLoop *loop, const char *folder, bool readonly, GError **error);
