/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of machines share. */
#pragma once

#include "machine-private.h"

static inline VtMachine *
new_machine (const char *board)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  g_free (config->machine);
  config->machine = g_strdup (board);
  config->memory_bytes = 16 << 20;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static inline VtConfig *
new_pc (void)
{
  VtConfig *config = vt_config_new ();
  g_free (config->machine);
  config->machine = g_strdup ("pc");
  config->memory_bytes = 16 << 20;
  return config;
}

/* It failed, and says why with these words. */
static inline void
expect (bool ok, GError **error, const char *words)
{
  g_assert_false (ok);
  g_assert_nonnull (strstr ((*error)->message, words));
  g_clear_error (error);
}
