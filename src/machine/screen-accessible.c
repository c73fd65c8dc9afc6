/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What assistive technology reads on a guest's screen. Boot menus, firmware set-up and installers run in text modes, where the
 * guest itself cannot speak yet; the characters are in video memory, so AtkText can offer them. In graphics modes the text is
 * empty. */
#include "screen-accessible.h"

#include <string.h>

#include "screen.h"

struct _VitrineScreenAccessible
{
  GtkWidgetAccessible parent_instance;
};

static void vitrine_screen_accessible_text_init (AtkTextIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineScreenAccessible, vitrine_screen_accessible, GTK_TYPE_WIDGET_ACCESSIBLE,
                               G_IMPLEMENT_INTERFACE (ATK_TYPE_TEXT, vitrine_screen_accessible_text_init))

static char *
get_all (AtkText *text)
{
  GtkWidget *widget = gtk_accessible_get_widget (GTK_ACCESSIBLE (text));
  char *all = widget != NULL ? vitrine_screen_get_text (VITRINE_SCREEN (widget)) : NULL;

  return all != NULL ? all : g_strdup ("");
}

static char *
get_text (AtkText *text, int start, int end)
{
  g_autofree char *all = get_all (text);
  int length = (int) g_utf8_strlen (all, -1);

  start = CLAMP (start, 0, length);
  end = end < 0 ? length : CLAMP (end, start, length);
  return g_utf8_substring (all, start, end);
}

static int
get_character_count (AtkText *text)
{
  g_autofree char *all = get_all (text);
  return (int) g_utf8_strlen (all, -1);
}

static gunichar
get_character_at_offset (AtkText *text, int offset)
{
  g_autofree char *one = get_text (text, offset, offset + 1);
  return g_utf8_get_char (one);
}

/* Lines are what a screen reader walks by here; finer pieces are cut from them by the reader itself. */
static char *
get_string_at_offset (AtkText *text, int offset, AtkTextGranularity granularity, int *start, int *end)
{
  g_autofree char *all = get_all (text);
  int length = (int) g_utf8_strlen (all, -1);
  const char *at = g_utf8_offset_to_pointer (all, CLAMP (offset, 0, length));
  const char *first = at, *last = at;

  if (granularity == ATK_TEXT_GRANULARITY_CHAR)
    last = *at != '\0' ? g_utf8_next_char (at) : at;
  else
    {
      while (first > all && first[-1] != '\n')
        first--;
      last = strchr (at, '\n');
      last = last != NULL ? last + 1 : at + strlen (at);
    }
  *start = (int) g_utf8_pointer_to_offset (all, first);
  *end = (int) g_utf8_pointer_to_offset (all, last);
  return g_strndup (first, (gsize) (last - first));
}

static int
get_caret_offset (AtkText *text)
{
  return 0;
}

static int
get_n_selections (AtkText *text)
{
  return 0;
}

static void
vitrine_screen_accessible_text_init (AtkTextIface *iface)
{
  iface->get_text = get_text;
  iface->get_character_count = get_character_count;
  iface->get_character_at_offset = get_character_at_offset;
  iface->get_string_at_offset = get_string_at_offset;
  iface->get_caret_offset = get_caret_offset;
  iface->get_n_selections = get_n_selections;
}

static void
vitrine_screen_accessible_class_init (VitrineScreenAccessibleClass *klass)
{
}

static void
vitrine_screen_accessible_init (VitrineScreenAccessible *self)
{
}
