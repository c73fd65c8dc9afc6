/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person can cause or fix is a GError in this domain; what a guest causes is device behaviour. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define VT_ERROR (vt_error_quark ())
GQuark vt_error_quark (void);

typedef enum
{
  VT_ERROR_FAILED,
  VT_ERROR_CONFIG,        /* the definition asks for what cannot be */
  VT_ERROR_UNSUPPORTED,   /* known, but not built (yet) */
  VT_ERROR_IMAGE,         /* a disk, kernel or firmware file is missing, short, locked or broken */
  VT_ERROR_STATE,         /* a saved state does not fit */
  VT_ERROR_BUSY,          /* in use by someone else */
  VT_ERROR_PASSPHRASE,    /* an encrypted image: none was given, or a wrong one */
} VtErrorCode;

/* Sets the error; always false, to be returned. Any thread. */
bool vt_refuse (GError **error, VtErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);
