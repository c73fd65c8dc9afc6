/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sound card of a definition. */
#include "domain-test.h"

static VtConfig *
config_with (const char *devices)
{
  g_autoptr(VitrineDomain) domain = domain_with (devices);
  return config_of (domain);
}

static void
cards_and_where_they_play_are_taken (void)
{
  g_autoptr(VtConfig) none = config_with ("<audio id='1' type='file' path='/x'/>");
  g_autoptr(VtConfig) usual = config_with ("<sound model='ich9'><codec type='duplex'/></sound><audio id='1' type='spice'/>");
  g_autoptr(VtConfig) silent = config_with ("<sound model='ich6'/><audio id='1' type='none'/>");
  g_autoptr(VtConfig) file = config_with ("<sound model='ich6'/><audio id='1' type='file' path='/x.wav'/>");
  g_assert_cmpint (none->sound, ==, VT_SOUND_NONE);
  g_assert_cmpint (usual->sound, ==, VT_SOUND_ICH9);
  g_assert_cmpint (usual->sound_output, ==, VT_SOUND_TO_DESKTOP);
  g_assert_cmpint (silent->sound, ==, VT_SOUND_ICH6);
  g_assert_cmpint (silent->sound_output, ==, VT_SOUND_TO_NOBODY);
  g_assert_cmpint (file->sound_output, ==, VT_SOUND_TO_FILE);
  g_assert_cmpstr (file->sound_path, ==, "/x.wav");
}

static void
a_card_that_is_not_ours_is_left_out_and_told (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<sound model='ac97'/>");
  g_autoptr(VtConfig) config = config_of (domain);
  g_auto(GStrv) sentences = vitrine_domain_list_missing (domain);
  g_assert_cmpint (config->sound, ==, VT_SOUND_NONE);
  g_assert_cmpuint (g_strv_length (sentences), ==, 1);
  g_assert_nonnull (strstr (sentences[0], "ac97"));
}

static void
a_card_is_added_and_removed (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<sound model='ac97'/><sound model='ich6'/>");
  g_assert_true (vitrine_domain_get_sound (domain));
  vitrine_domain_set_sound (domain, FALSE);
  g_autoptr(VtConfig) without = config_of (domain);
  g_assert_false (vitrine_domain_get_sound (domain));
  g_assert_cmpint (without->sound, ==, VT_SOUND_NONE);
  vitrine_domain_set_sound (domain, TRUE);
  g_autoptr(VtConfig) with = config_of (domain);
  g_assert_cmpint (with->sound, ==, VT_SOUND_ICH9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-sound/taken", cards_and_where_they_play_are_taken);
  g_test_add_func ("/domain-sound/others", a_card_that_is_not_ours_is_left_out_and_told);
  g_test_add_func ("/domain-sound/set", a_card_is_added_and_removed);
  return g_test_run ();
}
