/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <string.h>

#include "run-options-private.h"

gboolean
vitrine_run_parse_number (const char *text, guint max, guint *out, GError **error)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (text, 10, 0, max, &number, NULL))
    return vitrine_ctl_refuse (error, _("“%s” is not a number from 0 to %u"), text, max);
  *out = (guint) number;
  return TRUE;
}

gboolean
vitrine_run_parse_switch (const char *key, const char *value, bool *out, GError **error)
{
  if (g_strcmp0 (value, "on") != 0 && g_strcmp0 (value, "off") != 0)
    return vitrine_ctl_refuse (error, _("%s takes “on” or “off”, not “%s”"), key, value != NULL ? value : "");
  *out = g_str_equal (value, "on");
  return TRUE;
}

gboolean
vitrine_run_parse_word (const char *what, const VitrineRunWord *words, const char *text, int *out, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);
  for (const VitrineRunWord *word = words; word->word != NULL; word++)
    {
      if (g_strcmp0 (word->word, text) == 0)
        {
          *out = word->value;
          return TRUE;
        }
      g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", word->word);
    }
  return vitrine_ctl_refuse (error, _("%s “%s” is not known: choose one of %s"), what, text, known->str);
}

GPtrArray *
vitrine_run_split_commas (const char *text)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) part = g_string_new (NULL);
  for (const char *c = text; *c != 0; c++)
    if (c[0] == ',' && c[1] == ',')
      g_string_append_c (part, *c++);
    else if (*c == ',')
      {
        g_ptr_array_add (parts, g_strdup (part->str));
        g_string_truncate (part, 0);
      }
    else
      g_string_append_c (part, *c);
  g_ptr_array_add (parts, g_strdup (part->str));
  return parts;
}

char *
vitrine_run_cut_value (char *part)
{
  char *equals = strchr (part, '=');
  if (equals != NULL)
    *equals++ = 0;
  return equals;
}

gboolean
vitrine_run_set_string (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
  return TRUE;
}
