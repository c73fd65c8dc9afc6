/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key sequences written as text, and typing them. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "machine-private.h"

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

#define CHORD_MAX 8u

/* One step of a sequence: keys pressed in order, released in reverse. */
typedef struct
{
  unsigned codes[CHORD_MAX];
  unsigned n;
} Chord;

static bool
parse_chord (const char *word, Chord *chord, GError **error)
{
  g_auto (GStrv) names = g_strsplit (word, "-", -1);
  chord->n = 0;
  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *lower = g_ascii_strdown (*name, -1);
      if (chord->n == CHORD_MAX || !find_key (lower, &chord->codes[chord->n++]))
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
      Chord    chord = { 0 };
      bool     shift;
      unsigned code;
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
  Chord chord;
  if (g_str_has_prefix (word, "text:"))
    return append_text (word + strlen ("text:"), chords, error);
  if (!parse_chord (word, &chord, error))
    return false;
  g_array_append_val (chords, chord);
  return true;
}

/* NULL when a word is not understood. */
static GArray *
parse_spec (const char *spec, GError **error)
{
  g_autoptr (GArray) chords = g_array_new (FALSE, FALSE, sizeof (Chord));
  g_auto (GStrv) words = g_strsplit (spec, " ", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != 0 && !append_word (*word, chords, error))
      return NULL;
  return g_steal_pointer (&chords);
}

/* --- Pressing them, one step after the other ------------------------------------------------------------------------------ */

typedef struct
{
  VtMachine *machine;
  VtTimer   *timer;
  GArray    *chords;
  guint      next;
  bool       down;
} Typing;

#define KEY_STEP_NS G_GINT64_CONSTANT (20000000)   /* guests poll slowly, and queues are short */

static void
typing_free (gpointer data)
{
  Typing *typing = data;
  vt_timer_free (typing->timer);
  g_array_unref (typing->chords);
  g_free (typing);
}

/* Machine lock held. */
static void
type_step (void *opaque, int64_t late_ns)
{
  Typing *typing = opaque;
  if (typing->next == typing->chords->len)
    {
      g_ptr_array_remove (typing->machine->typings, typing);
      return;
    }
  const Chord *chord = &g_array_index (typing->chords, Chord, typing->next);
  typing->down = !typing->down;
  for (unsigned i = 0; i < chord->n; i++)
    vt_input_key (typing->machine, chord->codes[typing->down ? i : chord->n - 1 - i], typing->down);
  if (!typing->down)
    typing->next++;
  vt_timer_arm (typing->timer, vt_clock_now (typing->machine->clock) + KEY_STEP_NS);
}

GPtrArray *
vt_typings_new (void)
{
  return g_ptr_array_new_with_free_func (typing_free);
}

bool
vt_input_send_spec (VtMachine *machine, const char *spec, GError **error)
{
  GArray *chords = parse_spec (spec, error);
  if (chords == NULL)
    return false;
  Typing *typing = g_new0 (Typing, 1);
  typing->machine = machine;
  typing->chords = chords;
  vt_lock (&machine->lock);
  g_ptr_array_add (machine->typings, typing);
  typing->timer = vt_timer_new (machine->clock, "typing", 10, type_step, typing);
  vt_timer_arm (typing->timer, vt_clock_now (machine->clock));
  vt_unlock (&machine->lock);
  return true;
}
