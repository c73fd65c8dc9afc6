/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the host's shortcuts this machine leaves on the host. A list of accelerators is kept; the menu knows the usual ones. */
#include <glib/gi18n.h>

#include "machine-window-private.h"

#define LIST "host-shortcuts"

static const struct
{
  const char *action, *label;
  const char *accelerators[5];
} groups[] = {
  { "keep-switcher", N_("Alt+_Tab"), { "<Alt>Tab", "<Alt><Shift>ISO_Left_Tab", NULL } },
  { "keep-super", N_("_Super"), { "Super_L", "Super_R", NULL } },
  { "keep-workspaces", N_("Ctrl+Alt+_Arrow Keys"),
    { "<Primary><Alt>Left", "<Primary><Alt>Right", "<Primary><Alt>Up", "<Primary><Alt>Down", NULL } },
  { "keep-volume", N_("_Volume Keys"), { "XF86AudioRaiseVolume", "XF86AudioLowerVolume", "XF86AudioMute", NULL } },
  { "keep-fullscreen", N_("_F11 (Fullscreen)"), { "F11", NULL } },
};

void
vitrine_machine_window_apply_host_keys (VitrineMachineWindow *self)
{
  g_auto(GStrv) list = vitrine_view_get_list (self->view, LIST);

  vitrine_screen_set_host_keys (self->screen, (const char *const *) list);
  for (guint head = 1; head < VITRINE_MAX_HEADS; head++)
    if (self->heads[head] != NULL)
      vitrine_screen_set_host_keys (vitrine_head_window_get_screen (VITRINE_HEAD_WINDOW (self->heads[head])),
                                    (const char *const *) list);
}

static void
keep_changed (GSimpleAction *action, GVariant *value, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_auto(GStrv) old = vitrine_view_get_list (self->view, LIST);
  g_autoptr(GPtrArray) list = g_ptr_array_new ();
  const char *const *chosen = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    if (g_str_equal (groups[i].action, g_action_get_name (G_ACTION (action))))
      chosen = groups[i].accelerators;
  for (char **one = old; *one != NULL; one++)
    if (!g_strv_contains (chosen, *one))
      g_ptr_array_add (list, *one);
  for (; g_variant_get_boolean (value) && *chosen != NULL; chosen++)
    g_ptr_array_add (list, (char *) *chosen);
  g_ptr_array_add (list, NULL);
  vitrine_view_set_list (self->view, LIST, (const char *const *) list->pdata);
  g_simple_action_set_state (action, value);
  vitrine_machine_window_apply_host_keys (self);
}

void
vitrine_machine_window_add_host_keys (VitrineMachineWindow *self)
{
  g_auto(GStrv) list = vitrine_view_get_list (self->view, LIST);

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      gboolean kept = g_strv_contains ((const char *const *) list, groups[i].accelerators[0]);
      g_autofree char *detailed = g_strconcat ("win.", groups[i].action, NULL);
      g_autoptr(GSimpleAction) action = g_simple_action_new_stateful (groups[i].action, NULL, g_variant_new_boolean (kept));
      g_signal_connect (action, "change-state", G_CALLBACK (keep_changed), self);
      g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (action));
      g_menu_append (self->host_keys, _(groups[i].label), detailed);
    }
  vitrine_machine_window_apply_host_keys (self);
}
