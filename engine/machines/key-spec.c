/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key sequences written as text. */
#include <vitrine/key-spec.h>

#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <string.h>

#include <vitrine/error.h>

static const struct
{
  const char *name;
  unsigned    code;
} key_names[] = {
  { "ctrl", KEY_LEFTCTRL }, { "ctrl_r", KEY_RIGHTCTRL }, { "alt", KEY_LEFTALT }, { "alt_r", KEY_RIGHTALT },
  { "altgr", KEY_RIGHTALT }, { "shift", KEY_LEFTSHIFT }, { "shift_r", KEY_RIGHTSHIFT }, { "meta", KEY_LEFTMETA },
  { "super", KEY_LEFTMETA }, { "menu", KEY_COMPOSE }, { "ret", KEY_ENTER }, { "enter", KEY_ENTER },
  { "kp_enter", KEY_KPENTER }, { "esc", KEY_ESC }, { "escape", KEY_ESC }, { "tab", KEY_TAB }, { "space", KEY_SPACE },
  { "spc", KEY_SPACE }, { "backspace", KEY_BACKSPACE }, { "delete", KEY_DELETE }, { "del", KEY_DELETE },
  { "insert", KEY_INSERT }, { "home", KEY_HOME }, { "end", KEY_END }, { "pageup", KEY_PAGEUP }, { "pgup", KEY_PAGEUP },
  { "pagedown", KEY_PAGEDOWN }, { "pgdn", KEY_PAGEDOWN }, { "up", KEY_UP }, { "down", KEY_DOWN }, { "left", KEY_LEFT },
  { "right", KEY_RIGHT }, { "caps_lock", KEY_CAPSLOCK }, { "num_lock", KEY_NUMLOCK }, { "scroll_lock", KEY_SCROLLLOCK },
  { "pause", KEY_PAUSE }, { "print", KEY_SYSRQ }, { "sysrq", KEY_SYSRQ }, { "f1", KEY_F1 }, { "f2", KEY_F2 },
  { "f3", KEY_F3 }, { "f4", KEY_F4 }, { "f5", KEY_F5 }, { "f6", KEY_F6 }, { "f7", KEY_F7 }, { "f8", KEY_F8 },
  { "f9", KEY_F9 }, { "f10", KEY_F10 }, { "f11", KEY_F11 }, { "f12", KEY_F12 }, { "minus", KEY_MINUS },
  { "equal", KEY_EQUAL }, { "comma", KEY_COMMA }, { "dot", KEY_DOT }, { "slash", KEY_SLASH }, { "backslash", KEY_BACKSLASH },
};

/* The US keyboard: for each key its plain and its shifted character. */
static const struct
{
  char     plain, shifted;
  unsigned code;
} us_layout[] = {
  { '1', '!', KEY_1 }, { '2', '@', KEY_2 }, { '3', '#', KEY_3 }, { '4', '$', KEY_4 }, { '5', '%', KEY_5 },
  { '6', '^', KEY_6 }, { '7', '&', KEY_7 }, { '8', '*', KEY_8 }, { '9', '(', KEY_9 }, { '0', ')', KEY_0 },
  { '-', '_', KEY_MINUS }, { '=', '+', KEY_EQUAL }, { '[', '{', KEY_LEFTBRACE }, { ']', '}', KEY_RIGHTBRACE },
  { ';', ':', KEY_SEMICOLON }, { '\'', '"', KEY_APOSTROPHE }, { '`', '~', KEY_GRAVE }, { '\\', '|', KEY_BACKSLASH },
  { ',', '<', KEY_COMMA }, { '.', '>', KEY_DOT }, { '/', '?', KEY_SLASH }, { ' ', ' ', KEY_SPACE }, { '\n', '\n', KEY_ENTER },
  { '\t', '\t', KEY_TAB }, { 'a', 'A', KEY_A }, { 'b', 'B', KEY_B }, { 'c', 'C', KEY_C }, { 'd', 'D', KEY_D },
  { 'e', 'E', KEY_E }, { 'f', 'F', KEY_F }, { 'g', 'G', KEY_G }, { 'h', 'H', KEY_H }, { 'i', 'I', KEY_I },
  { 'j', 'J', KEY_J }, { 'k', 'K', KEY_K }, { 'l', 'L', KEY_L }, { 'm', 'M', KEY_M }, { 'n', 'N', KEY_N },
  { 'o', 'O', KEY_O }, { 'p', 'P', KEY_P }, { 'q', 'Q', KEY_Q }, { 'r', 'R', KEY_R }, { 's', 'S', KEY_S },
  { 't', 'T', KEY_T }, { 'u', 'U', KEY_U }, { 'v', 'V', KEY_V }, { 'w', 'W', KEY_W }, { 'x', 'X', KEY_X },
  { 'y', 'Y', KEY_Y }, { 'z', 'Z', KEY_Z },
};

static bool
find_character (char c, unsigned *code, bool *shift)
{
  for (size_t i = 0; i < G_N_ELEMENTS (us_layout); i++)
    if (us_layout[i].plain == c || us_layout[i].shifted == c)
      {
        *code = us_layout[i].code;
        *shift = us_layout[i].plain != c;
        return true;
      }
  return false;
}

/* "#30": a position on the keyboard, for whoever knows the guest's layout. */
static bool
find_number (const char *name, unsigned *code)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (name + 1, 10, 1, KEY_MAX, &number, NULL))
    return false;
  *code = (unsigned) number;
  return true;
}

static bool
find_key (const char *name, unsigned *code)
{
  bool shift;
  if (name[0] == '#')
    return find_number (name, code);
  for (size_t i = 0; i < G_N_ELEMENTS (key_names); i++)
    if (g_str_equal (key_names[i].name, name))
      {
        *code = key_names[i].code;
        return true;
      }
  return strlen (name) == 1 && find_character (name[0], code, &shift) && !shift;
}

static bool
parse_chord (const char *word, VtKeyChord *chord, GError **error)
{
  g_auto (GStrv) names = g_strsplit (word, "-", -1);
  chord->n = 0;
  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *lower = g_ascii_strdown (*name, -1);
      if (chord->n == VT_KEY_CHORD_MAX || !find_key (lower, &chord->codes[chord->n++]))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Unknown key “%s” in “%s”", *name, word);
          return false;
        }
    }
  return true;
}

static bool
append_text (const char *text, GArray *chords, GError **error)
{
  for (const char *c = text; *c != 0; c++)
    {
      VtKeyChord chord = { 0 };
      bool       shift;
      unsigned   code;
      if (!find_character (*c, &code, &shift))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Cannot type “%c”: not on a US keyboard", *c);
          return false;
        }
      if (shift)
        chord.codes[chord.n++] = KEY_LEFTSHIFT;
      chord.codes[chord.n++] = code;
      g_array_append_val (chords, chord);
    }
  return true;
}

static bool
append_word (const char *word, GArray *chords, GError **error)
{
  VtKeyChord chord;
  if (g_str_has_prefix (word, "text:"))
    return append_text (word + strlen ("text:"), chords, error);
  if (!parse_chord (word, &chord, error))
    return false;
  g_array_append_val (chords, chord);
  return true;
}

GArray *
vt_key_spec_parse (const char *spec, GError **error)
{
  g_autoptr (GArray) chords = g_array_new (FALSE, FALSE, sizeof (VtKeyChord));
  g_auto (GStrv) words = g_strsplit (spec, " ", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != 0 && !append_word (*word, chords, error))
      return NULL;
  return g_steal_pointer (&chords);
}
