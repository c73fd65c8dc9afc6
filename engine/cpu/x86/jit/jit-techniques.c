/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jit-techniques.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

static const struct
{
  const char *name;
  uint32_t    bit;
} techniques[] = {
  { "returns", VT_JIT_RETURNS },
  { "flag-recipes", VT_JIT_FLAG_RECIPES },
  { "groups", VT_JIT_GROUPS },
  { "stack-window", VT_JIT_STACK_WINDOW },
  { "lazy-flags", VT_JIT_LAZY_FLAGS },
  { "system", VT_JIT_SYSTEM },
  { "tsc", VT_JIT_TSC },
  { "second-tlb", VT_JIT_SECOND_TLB },
  { "far-links", VT_JIT_FAR_LINKS },
  { "flat-state", VT_JIT_FLAT_STATE },
  { "hot-loops", VT_JIT_HOT_LOOPS },
};

char *
vt_jit_techniques_names (void)
{
  GString *names = g_string_new (NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS (techniques); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? "," : "", techniques[i].name);
  return g_string_free (names, FALSE);
}

static uint32_t
find (const char *name)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (techniques); i++)
    if (g_str_equal (techniques[i].name, name))
      return techniques[i].bit;
  return 0;
}

bool
vt_jit_techniques_parse (const char *list, uint32_t *out, GError **error)
{
  g_auto (GStrv) names = g_strsplit (list, ",", -1);
  *out = 0;
  for (unsigned i = 0; names[i] != NULL; i++)
    {
      uint32_t bit = find (names[i]);
      if (bit == 0)
        {
          g_autofree char *all = vt_jit_techniques_names ();
          g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The translator has no technique “%s”: there are %s"), names[i], all);
          return false;
        }
      *out |= bit;
    }
  return true;
}
