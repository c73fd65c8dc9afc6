/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine's process gives up once its machine is built. */
#pragma once

#include <glib.h>

/* No new programs, no tracing, no new privileges, for good. FALSE, with a line on standard error, where the kernel cannot. */
gboolean vitrine_sandbox_enter (void);
