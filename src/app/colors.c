/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The person's choice of colours. */
#include "colors.h"

#include <handy.h>

static void
apply (GSettings *settings)
{
  static const struct { const char *name; HdyColorScheme scheme; } schemes[] = {
    { "system", HDY_COLOR_SCHEME_PREFER_LIGHT },
    { "light", HDY_COLOR_SCHEME_FORCE_LIGHT },
    { "dark", HDY_COLOR_SCHEME_FORCE_DARK },
  };
  g_autofree char *wish = g_settings_get_string (settings, "color-scheme");

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (g_str_equal (wish, schemes[i].name))
      hdy_style_manager_set_color_scheme (hdy_style_manager_get_default (), schemes[i].scheme);
}

void
vitrine_colors_follow (GSettings *settings)
{
  apply (settings);
  g_signal_connect (settings, "changed::color-scheme", G_CALLBACK (apply), NULL);
}
