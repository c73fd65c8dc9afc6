/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Definitions of a host's machines, read and written. */
#include "hosts-rig.h"

static char *
read_definition (VitrineHostGuest *guest, VitrineHostDefinition which)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_guest_read_definition_async (guest, which, keep_result, &result);
  AWAIT (result != NULL);
  char *xml = vitrine_host_guest_read_definition_finish (guest, result, &error);
  g_assert_no_error (error);
  return xml;
}

static char *
definition_of (VitrineHostGuest *guest)
{
  return read_definition (guest, VITRINE_HOST_DEFINITION_WITH_SECRETS);
}

static gboolean
write_definition (VitrineHostGuest *guest, const char *was, const char *xml, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_guest_write_definition_async (guest, was, xml, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_guest_write_definition_finish (guest, result, error);
}

static char *
replace (const char *text, const char *from, const char *to)
{
  g_auto(GStrv) parts = g_strsplit (text, from, -1);

  g_assert_cmpuint (g_strv_length (parts), >, 1);
  return g_strjoinv (to, parts);
}

static void
a_definition_is_changed_and_unknown_elements_stay (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  VitrineHostGuest *guest = first_guest (host);
  g_autofree char *was = definition_of (guest);
  g_autofree char *xml
      = replace (was, "<memory unit='KiB'>1024",
                 "<title>Büro &amp; Lager</title>\n"
                 "<metadata><x:y xmlns:x='https://example.org/x'>kept</x:y></metadata><memory unit='KiB'>4096");
  g_autoptr(GError) error = NULL;

  g_assert_true (write_definition (guest, was, xml, &error));
  g_assert_no_error (error);
  command (guest, "ForceOff");   /* it runs with the old one until then */
  AWAIT (g_str_equal (vitrine_guest_get_title (VITRINE_GUEST (guest)), "Büro & Lager"));
  g_autofree char *is = definition_of (guest);
  g_assert_nonnull (strstr (is, "4096"));
  g_assert_nonnull (strstr (is, "kept</x:y>"));
}

static void
of_two_people_who_edit_the_second_is_refused_with_a_diff (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  VitrineHostGuest *guest = first_guest (host);
  g_autofree char *was = definition_of (guest);
  g_autofree char *first = replace (was, "1024", "4096"), *second = replace (was, "1024", "2048");
  g_autoptr(GError) error = NULL;

  g_assert_true (write_definition (guest, was, first, NULL));
  g_assert_false (write_definition (guest, was, second, &error));
  g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "4096"));
  g_autofree char *is = definition_of (guest);
  g_assert_null (strstr (is, "2048"));
}

static void
passwords_are_shown_to_who_edits_and_to_nobody_else (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (DOMAIN ("test", "<graphics type='vnc' passwd='geheim'/>"));
  VitrineHostGuest *guest = first_guest (host);
  g_autofree char *was = definition_of (guest), *next = read_definition (guest, VITRINE_HOST_DEFINITION_NEXT);
  g_autofree char *first = replace (was, "geheim", "anders"), *second = replace (first, "1024", "2048");
  g_autoptr(GError) error = NULL, secret = NULL;

  g_assert_nonnull (strstr (was, "geheim"));
  g_assert_null (strstr (next, "geheim"));
  g_assert_true (write_definition (guest, was, first, NULL));
  g_assert_false (write_definition (guest, was, second, &secret));   /* only the password is another */
  g_assert_error (secret, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT);
  g_assert_true (write_definition (guest, first, second, NULL));
  g_assert_false (write_definition (guest, was, first, &error));
  g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "2048"));
  g_assert_null (strstr (error->message, "geheim"));
  g_assert_null (strstr (error->message, "anders"));
}

static void
what_is_no_definition_is_refused (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  VitrineHostGuest *guest = first_guest (host);
  g_autofree char *was = definition_of (guest);
  g_autofree char *open = replace (was, "</domain>", ""), *misspelt = replace (was, "<memory", "<memroy");
  g_autofree char *other = replace (was, "<uuid>", "<uuid>0"), *nonsense = replace (misspelt, "</memory", "</memroy");
  const char *const bad[] = { "", "words", open, misspelt, other, nonsense };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (write_definition (guest, was, bad[i], &error));
      g_assert_nonnull (error);
      g_assert_cmpuint (strlen (error->message), >, 10);
    }
  g_autofree char *is = definition_of (guest);
  g_assert_cmpstr (is, ==, was);
}

static void
a_new_machine_does_not_take_the_place_of_another (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autofree char *was = definition_of (first_guest (host));
  const char *const bad[] = { was, "", "<domain><uuid>no UUID</uuid></domain>" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;
      vitrine_host_define_async (host, bad[i], keep_result, &result);
      AWAIT (result != NULL);
      g_assert_false (vitrine_host_define_finish (host, result, &error));
      g_assert_true (i > 0 || strstr (error->message, "“test” has this UUID") != NULL);
    }
}

int
main (int argc, char **argv)
{
  begin_tests (&argc, &argv);
  ADD (a_definition_is_changed_and_unknown_elements_stay);
  ADD (of_two_people_who_edit_the_second_is_refused_with_a_diff);
  ADD (passwords_are_shown_to_who_edits_and_to_nobody_else);
  ADD (what_is_no_definition_is_refused);
  ADD (a_new_machine_does_not_take_the_place_of_another);
  return run_tests ();
}
