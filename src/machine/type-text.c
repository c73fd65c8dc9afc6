/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libxkbcommon knows the layouts; a character's key is the first one that gives it, with the fewest modifiers. */
#include "type-text.h"

#include <glib/gi18n.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#define XKB_OFFSET 8   /* the X protocol leaves codes below 8 unused */
#define MASKS 8

typedef struct
{
  struct xkb_context *context;
  struct xkb_keymap  *keymap;
  xkb_mod_mask_t      shift, alt_gr;
} Layout;

static void
layout_clear (Layout *layout)
{
  xkb_keymap_unref (layout->keymap);
  xkb_context_unref (layout->context);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Layout, layout_clear)

static xkb_mod_mask_t
modifier (struct xkb_keymap *keymap, const char *name)
{
  xkb_mod_index_t index = xkb_keymap_mod_get_index (keymap, name);

  return index != XKB_MOD_INVALID ? 1u << index : 0;
}

static gboolean
layout_init (Layout *layout, const char *words, GError **error)
{
  g_auto(GStrv) parts = g_strsplit_set (words, "()", 3);
  struct xkb_rule_names names = { .rules = "evdev", .model = "pc105", .layout = parts[0],
                                  .variant = parts[0] != NULL && parts[1] != NULL ? parts[1] : "" };

  layout->context = xkb_context_new (XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
  xkb_context_set_log_level (layout->context, XKB_LOG_LEVEL_CRITICAL);
  layout->keymap = xkb_keymap_new_from_names (layout->context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
  if (layout->keymap == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no keyboard layout “%s”."), words);
      return FALSE;
    }
  layout->shift = modifier (layout->keymap, XKB_MOD_NAME_SHIFT);
  layout->alt_gr = modifier (layout->keymap, "Mod5");
  return TRUE;
}

/* Of those that a person can hold: Shift, AltGr, or both. */
static gboolean
find_modifiers (const Layout *layout, xkb_keycode_t key, xkb_level_index_t level, xkb_mod_mask_t *out)
{
  xkb_mod_mask_t masks[MASKS];
  size_t n = xkb_keymap_key_get_mods_for_level (layout->keymap, key, 0, level, masks, MASKS);

  for (size_t i = 0; i < n; i++)
    if ((masks[i] & ~(layout->shift | layout->alt_gr)) == 0)
      {
        *out = masks[i];
        return TRUE;
      }
  return FALSE;
}

typedef struct
{
  const Layout  *layout;
  xkb_keysym_t   wanted;
  xkb_keycode_t  key;          /* 0: not found yet */
  xkb_mod_mask_t modifiers;
} Search;

static void
try_key (struct xkb_keymap *keymap, xkb_keycode_t key, void *data)
{
  Search *search = data;
  const xkb_keysym_t *symbols;
  xkb_level_index_t n = xkb_keymap_num_levels_for_key (keymap, key, 0);
  xkb_mod_mask_t modifiers;

  for (xkb_level_index_t level = 0; level < n; level++)
    if (xkb_keymap_key_get_syms_by_level (keymap, key, 0, level, &symbols) == 1 && symbols[0] == search->wanted
        && find_modifiers (search->layout, key, level, &modifiers)
        && (search->key == 0 || __builtin_popcount (modifiers) < __builtin_popcount (search->modifiers)))
      {
        search->key = key;
        search->modifiers = modifiers;
      }
}

static xkb_keysym_t
symbol_of (gunichar c)
{
  return c == '\n' ? XKB_KEY_Return : c == '\t' ? XKB_KEY_Tab : xkb_utf32_to_keysym (c);
}

static gboolean
append (GString *keys, const Layout *layout, gunichar c)
{
  Search search = { .layout = layout, .wanted = symbol_of (c) };

  xkb_keymap_key_for_each (layout->keymap, try_key, &search);
  if (search.key <= XKB_OFFSET)
    return FALSE;
  if (search.modifiers & layout->shift)
    g_string_append_printf (keys, "#%u-", KEY_LEFTSHIFT);
  if (search.modifiers & layout->alt_gr)
    g_string_append_printf (keys, "#%u-", KEY_RIGHTALT);
  g_string_append_printf (keys, "#%u ", search.key - XKB_OFFSET);
  return TRUE;
}

char *
vitrine_type_text_to_keys (const char *text, const char *words, gboolean secret, GError **error)
{
  g_auto(Layout) layout = { 0 };
  g_autoptr(GString) keys = g_string_new (NULL);

  if (!layout_init (&layout, words, error))
    return NULL;
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    if (!append (keys, &layout, g_utf8_get_char (at)))
      {
        g_autofree char *one = g_strndup (at, (gsize) (g_utf8_next_char (at) - at));
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                     secret ? _("A character of the text is on no key of this layout, so nothing was typed.")
                            : _("“%s” is on no key of this layout, so nothing was typed."), one);
        return NULL;
      }
  return g_string_free (g_steal_pointer (&keys), FALSE);
}
