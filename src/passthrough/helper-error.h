/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What vitrine-host-helper answers instead of doing something; on the bus "org.vitrine.HostHelper1.Error.Denied" and so
 * on. */
#pragma once

#include <gio/gio.h>

#define VITRINE_HELPER_NAME "org.vitrine.HostHelper1"
#define VITRINE_HELPER_PATH "/org/vitrine/HostHelper1"

#define VITRINE_HELPER_ERROR (vitrine_helper_error_quark ())

typedef enum
{
  VITRINE_HELPER_ERROR_FAILED,               /* refused, or undone; nothing has changed */
  VITRINE_HELPER_ERROR_LEFT,                 /* half done: the message says what is left */
  VITRINE_HELPER_ERROR_DENIED,               /* by polkit */
  VITRINE_HELPER_ERROR_NEEDS_CONFIRMATION,   /* the host would lose what the message says, a sentence a line */
} VitrineHelperError;

GQuark vitrine_helper_error_quark (void);
