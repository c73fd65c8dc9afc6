/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "type-text.h"

static void
expect (const char *text, const char *layout, const char *keys)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *found = vitrine_type_text_to_keys (text, layout, FALSE, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, keys);
}

static void
keys_are_those_of_the_layout (void)
{
  expect ("", "us", "");
  expect ("yZ", "us", "#21 #42-#44 ");
  expect ("yZ", "de", "#44 #42-#21 ");
  expect ("@", "us", "#42-#3 ");
  expect ("@", "de", "#100-#16 ");
  expect ("ß\n", "de", "#12 #28 ");
  expect ("a", "fr", "#16 ");
  expect (" \t", "de(nodeadkeys)", "#57 #15 ");
}

static void
what_cannot_be_typed_is_said (void)
{
  g_autoptr(GError) error = NULL, secret = NULL, unknown = NULL;

  g_assert_null (vitrine_type_text_to_keys ("aß", "us", FALSE, &error));
  g_assert_nonnull (strstr (error->message, "ß"));
  g_assert_null (vitrine_type_text_to_keys ("aß", "us", TRUE, &secret));
  g_assert_null (strstr (secret->message, "ß"));
  g_assert_null (vitrine_type_text_to_keys ("a", "nowhere", FALSE, &unknown));
  g_assert_nonnull (strstr (unknown->message, "nowhere"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/type-text/keys-are-those-of-the-layout", keys_are_those_of_the_layout);
  g_test_add_func ("/type-text/what-cannot-be-typed-is-said", what_cannot_be_typed_is_said);
  return g_test_run ();
}
