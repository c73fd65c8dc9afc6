/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last output of a serial console, bounded. */
#include "console-log.h"

void
vitrine_console_log_append (VitrineConsoleLog *log, const guint8 *bytes, gsize n)
{
  if (log->bytes == NULL)
    log->bytes = g_byte_array_new ();
  if (n > VITRINE_CONSOLE_LOG_BYTES)
    {
      bytes += n - VITRINE_CONSOLE_LOG_BYTES;
      n = VITRINE_CONSOLE_LOG_BYTES;
    }
  g_byte_array_append (log->bytes, bytes, (guint) n);
  /* Twice the bound, then down to it: moving the rest is then rare. */
  if (log->bytes->len > 2 * VITRINE_CONSOLE_LOG_BYTES)
    g_byte_array_remove_range (log->bytes, 0, log->bytes->len - VITRINE_CONSOLE_LOG_BYTES);
}

GBytes *
vitrine_console_log_get (const VitrineConsoleLog *log)
{
  return log->bytes != NULL && log->bytes->len > 0 ? g_bytes_new (log->bytes->data, log->bytes->len) : NULL;
}

void
vitrine_console_log_clear (VitrineConsoleLog *log)
{
  g_clear_pointer (&log->bytes, g_byte_array_unref);
}
