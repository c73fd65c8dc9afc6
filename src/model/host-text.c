/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text that a host says, made harmless. */
#include "host-text.h"

#include <string.h>

#define MAX_UTF8_BYTES 4

static gboolean
is_harmless (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:   /* writing direction, invisible characters */
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return FALSE;
    default:
      return TRUE;
    }
}

char *
vitrine_host_text (const char *raw, gsize max_chars)
{
  if (raw == NULL)
    return NULL;
  gsize n = strnlen (raw, (max_chars + 1) * MAX_UTF8_BYTES);
  g_autofree char *valid = g_utf8_make_valid (raw, (gssize) n);
  GString *out = g_string_new (NULL);
  gsize chars = 0;
  const char *p = valid;

  for (; *p != '\0' && chars < max_chars; p = g_utf8_next_char (p), chars++)
    {
      gunichar c = g_utf8_get_char (p);
      if (is_harmless (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_c (out, ' ');
    }
  g_autofree char *text = g_string_free (out, FALSE);
  g_strstrip (text);
  return *p != '\0' ? g_strconcat (text, "…", NULL) : g_steal_pointer (&text);
}
