/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as keys: which keys a person would press for it on a keyboard of a given layout. */
#pragma once

#include <gio/gio.h>

/* Keys for vitrine_backend_send_keys(). @layout: as in XKB, "us" or "de(nodeadkeys)". The error names the character that the layout
 * has not, which is nothing to show for a password: then @secret. */
char *vitrine_type_text_to_keys (const char *text, const char *layout, gboolean secret, GError **error);
