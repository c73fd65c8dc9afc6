/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text that a host says: names, titles, errors. Whoever runs the host, or a machine on it, may have made it up. */
#pragma once

#include <glib.h>

#define VITRINE_HOST_TITLE_CHARS 120
#define VITRINE_HOST_SENTENCE_CHARS 400

/* Valid UTF-8 on one line of at most @max_chars characters ("…" at the end of what was longer); control characters and
 * those that change the direction of writing become spaces. Looks at no more of @raw than it returns. NULL stays NULL.
 */
char *vitrine_host_text (const char *raw, gsize max_chars);
