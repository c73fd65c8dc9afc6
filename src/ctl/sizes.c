/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sizes.h"

#include <glib/gi18n.h>
#include <string.h>

#include <vitrine/config.h>

/* The letters after the number, as bytes; 0: none that are known. */
static guint64
unit_of (const char *letters, guint64 usual)
{
  static const char known[] = "KMGT";
  const char *letter = *letters != '\0' ? strchr (known, g_ascii_toupper (*letters)) : NULL;

  if (*letters == '\0')
    return usual;
  if (letter == NULL || (letters[1] != '\0' && g_ascii_strcasecmp (letters + 1, "b") != 0))
    return 0;
  return G_GUINT64_CONSTANT (1) << (10 * (letter - known + 1));
}

gboolean
vitrine_parse_size (const char *text, guint64 unit, guint64 *bytes, GError **error)
{
  char *end;
  guint64 number = g_ascii_isdigit (*text) ? g_ascii_strtoull (text, &end, 10) : 0;

  if (number > 0 && g_uint64_checked_mul (bytes, number, unit_of (end, unit)) && *bytes > 0)
    return TRUE;
  return vitrine_ctl_refuse (error, _("“%s” is not a size: write for example 512M or 2G"), text);
}

gboolean
vitrine_parse_screen_size (const char *text, guint *width, guint *height, GError **error)
{
  g_auto(GStrv) edges = g_strsplit (text, "x", 2);
  guint64 across, down;

  if (g_strv_length (edges) != 2 || !g_ascii_string_to_unsigned (edges[0], 10, 1, 16384, &across, NULL)
      || !g_ascii_string_to_unsigned (edges[1], 10, 1, 16384, &down, NULL))
    return vitrine_ctl_refuse (error, _("“%s” is not a screen size: write for example 1280x800"), text);
  *width = (guint) across;
  *height = (guint) down;
  return TRUE;
}

gboolean
vitrine_parse_mac (const char *text, guint8 mac[6], GError **error)
{
  return vt_parse_mac (text, mac)
         || vitrine_ctl_refuse (error, _("“%s” is not a card’s address: write for example 52:54:00:12:34:56"), text);
}
