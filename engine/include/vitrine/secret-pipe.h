/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of a disk on its way into another process: through a pipe, so that it stands in no argument, message or file. Any thread. */
#pragma once

#include "secret.h"

/* The end of a pipe to hand over and then close; the key is in it. -1: this is no key (see vt_image_unlock()), or there is no pipe. */
int       vt_secret_key_to_pipe (VtSecret *key, GError **error);
/* The key from such an end, which anybody may have made: nothing is waited for. The descriptor stays open. NULL: VT_ERROR_PASSPHRASE. */
VtSecret *vt_secret_key_from_pipe (int fd, GError **error);
