/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks of the AP bus. */
#include "ap-mask.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define WORDS (VITRINE_AP_BITS / 64)
#define DIGITS (VITRINE_AP_BITS / 4)
#define MAX_LIST_CHARS 4096

static guint64
bit_of (guint bit)
{
  return G_GUINT64_CONSTANT (1) << (63 - bit % 64);
}

gboolean
vitrine_ap_mask_test (const VitrineApMask *mask, guint bit)
{
  return bit < VITRINE_AP_BITS && (mask->words[bit / 64] & bit_of (bit)) != 0;
}

void
vitrine_ap_mask_set (VitrineApMask *mask, guint bit, gboolean on)
{
  g_assert (bit < VITRINE_AP_BITS);
  if (on)
    mask->words[bit / 64] |= bit_of (bit);
  else
    mask->words[bit / 64] &= ~bit_of (bit);
}

guint
vitrine_ap_mask_next (const VitrineApMask *mask, guint from)
{
  while (from < VITRINE_AP_BITS && !vitrine_ap_mask_test (mask, from))
    from++;
  return from;
}

gboolean
vitrine_ap_mask_is_empty (const VitrineApMask *mask)
{
  return vitrine_ap_mask_next (mask, 0) == VITRINE_AP_BITS;
}

guint
vitrine_ap_mask_count (const VitrineApMask *mask)
{
  guint n = 0;

  for (guint bit = 0; (bit = vitrine_ap_mask_next (mask, bit)) < VITRINE_AP_BITS; bit++)
    n++;
  return n;
}

gboolean
vitrine_ap_mask_equal (const VitrineApMask *a, const VitrineApMask *b)
{
  return memcmp (a, b, sizeof *a) == 0;
}

gboolean
vitrine_ap_mask_overlap (const VitrineApMask *a, const VitrineApMask *b)
{
  for (guint i = 0; i < WORDS; i++)
    if ((a->words[i] & b->words[i]) != 0)
      return TRUE;
  return FALSE;
}

void
vitrine_ap_mask_add (VitrineApMask *mask, const VitrineApMask *more)
{
  for (guint i = 0; i < WORDS; i++)
    mask->words[i] |= more->words[i];
}

void
vitrine_ap_mask_subtract (VitrineApMask *mask, const VitrineApMask *less)
{
  for (guint i = 0; i < WORDS; i++)
    mask->words[i] &= ~less->words[i];
}

/* --- the kernel's forms ------------------------------------------------------------------------------------------ */

static gboolean
apply_absolute (VitrineApMask *mask, const char *digits)
{
  VitrineApMask read = { { 0 } };
  gsize n = strlen (digits);

  if (n == 0 || n > DIGITS)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      int digit = g_ascii_xdigit_value (digits[i]);
      if (digit < 0)
        return FALSE;
      read.words[i / 16] |= (guint64) digit << (60 - i % 16 * 4);
    }
  *mask = read;
  return TRUE;
}

/* A number below 256, decimal or 0x…, up to one of @ends. */
static gboolean
read_bit (const char **at, const char *ends, guint *bit)
{
  gboolean hex = g_ascii_strncasecmp (*at, "0x", 2) == 0;
  const char *first = *at + (hex ? 2 : 0);
  char *end;

  if (!(hex ? g_ascii_isxdigit (*first) : g_ascii_isdigit (*first)))
    return FALSE;
  guint64 value = g_ascii_strtoull (first, &end, hex ? 16 : 10);
  if (value >= VITRINE_AP_BITS || (*end != '\0' && strchr (ends, *end) == NULL))
    return FALSE;
  *bit = (guint) value;
  *at = end;
  return TRUE;
}

static gboolean
apply_relative (VitrineApMask *mask, const char *at)
{
  VitrineApMask changed = *mask;

  for (;; at++)
    {
      gboolean on = *at == '+';
      guint bit;

      if (*at != '+' && *at != '-')
        return FALSE;
      at++;
      if (!read_bit (&at, ",", &bit))
        return FALSE;
      vitrine_ap_mask_set (&changed, bit, on);
      if (*at == '\0')
        break;
    }
  *mask = changed;
  return TRUE;
}

gboolean
vitrine_ap_mask_apply (VitrineApMask *mask, const char *text)
{
  if (text == NULL)
    return FALSE;
  if (g_ascii_strncasecmp (text, "0x", 2) == 0)
    return apply_absolute (mask, text + 2);
  return apply_relative (mask, text);
}

char *
vitrine_ap_mask_to_text (const VitrineApMask *mask)
{
  GString *text = g_string_new ("0x");

  for (guint i = 0; i < WORDS; i++)
    g_string_append_printf (text, "%016" G_GINT64_MODIFIER "x", mask->words[i]);
  return g_string_free (text, FALSE);
}

char *
vitrine_ap_mask_difference (const VitrineApMask *from, const VitrineApMask *to)
{
  GString *text = g_string_new (NULL);

  for (guint bit = 0; bit < VITRINE_AP_BITS; bit++)
    {
      gboolean on = vitrine_ap_mask_test (to, bit);
      if (on != vitrine_ap_mask_test (from, bit))
        g_string_append_printf (text, "%s%c%u", text->len > 0 ? "," : "", on ? '+' : '-', bit);
    }
  return g_string_free (text, text->len == 0);
}

/* --- lists for people -------------------------------------------------------------------------------------------- */

static gboolean
read_range (VitrineApMask *mask, const char *text)
{
  guint first, last;

  if (!read_bit (&text, "-", &first))
    return FALSE;
  last = first;
  if (*text == '-')
    {
      text++;
      if (!read_bit (&text, "", &last) || last < first)
        return FALSE;
    }
  for (guint bit = first; bit <= last; bit++)
    vitrine_ap_mask_set (mask, bit, TRUE);
  return TRUE;
}

gboolean
vitrine_ap_mask_parse_list (VitrineApMask *mask, const char *text, GError **error)
{
  VitrineApMask read = { { 0 } };
  g_auto(GStrv) words = g_strsplit_set (strnlen (text, MAX_LIST_CHARS) < MAX_LIST_CHARS ? text : "?", ", ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && !read_range (&read, words[i]))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     _("“%s” is no number from 0 to 255. Write numbers as in “4, 0x47, 10-12”."), words[i]);
        return FALSE;
      }
  *mask = read;
  return TRUE;
}

char *
vitrine_ap_mask_to_list (const VitrineApMask *mask)
{
  GString *text = g_string_new (NULL);

  for (guint bit = 0; (bit = vitrine_ap_mask_next (mask, bit)) < VITRINE_AP_BITS; bit++)
    g_string_append_printf (text, "%s%u", text->len > 0 ? ", " : "", bit);
  return g_string_free (text, FALSE);
}
