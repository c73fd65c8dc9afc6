/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last output of a serial console, bounded. */
#pragma once

#include <glib.h>

#define VITRINE_CONSOLE_LOG_BYTES (256 * 1024)

typedef struct
{
  GByteArray *bytes;
} VitrineConsoleLog;

void    vitrine_console_log_append (VitrineConsoleLog *log, const guint8 *bytes, gsize n);
GBytes *vitrine_console_log_get (const VitrineConsoleLog *log);   /* a copy; NULL when empty */
void    vitrine_console_log_clear (VitrineConsoleLog *log);
