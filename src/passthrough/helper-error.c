/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "helper-error.h"

#define ERROR_NAME(name) VITRINE_HELPER_NAME ".Error." name

static const GDBusErrorEntry entries[] = {
  { VITRINE_HELPER_ERROR_FAILED, ERROR_NAME ("Failed") },
  { VITRINE_HELPER_ERROR_LEFT, ERROR_NAME ("Left") },
  { VITRINE_HELPER_ERROR_DENIED, ERROR_NAME ("Denied") },
  { VITRINE_HELPER_ERROR_NEEDS_CONFIRMATION, ERROR_NAME ("NeedsConfirmation") },
};

GQuark
vitrine_helper_error_quark (void)
{
  static gsize quark;

  g_dbus_error_register_error_domain ("vitrine-helper-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark) quark;
}
