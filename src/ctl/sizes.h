/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes and addresses, as they are written on a command line. The errors say how. */
#pragma once

#include <vitrine/error.h>

/* Sets the error; always FALSE. */
#define vitrine_ctl_refuse(error, ...) vt_refuse (error, VT_ERROR_CONFIG, __VA_ARGS__)

#define VITRINE_MIB (G_GUINT64_CONSTANT (1) << 20)   /* what a number of memory counts */
/* "512M", "20G", "1TB": powers of 1024, at least 1. A number alone counts @unit bytes. */
gboolean vitrine_parse_size (const char *text, guint64 unit, guint64 *bytes, GError **error);
/* "1280x800": pixels of a screen, 1 to 16384 each. */
gboolean vitrine_parse_screen_size (const char *text, guint *width, guint *height, GError **error);
/* "52:54:00:12:34:56"; group addresses are refused. */
gboolean vitrine_parse_mac (const char *text, guint8 mac[6], GError **error);
