/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vitrine/error.h"

G_DEFINE_QUARK (vt-error-quark, vt_error)

bool
vt_refuse (GError **error, VtErrorCode code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, VT_ERROR, code, message);
  return false;
}
