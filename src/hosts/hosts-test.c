/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts: how they are reached, and the list of them. */
#include "host-text.h"
#include "hosts-rig.h"
#include "hosts.h"

/* --- text ------------------------------------------------------------------------------------------------------- */

static void
text_of_a_host_is_one_harmless_line (void)
{
  g_autofree char *plain = vitrine_host_text ("Debian – Büro", 100);
  g_autofree char *controls = vitrine_host_text ("a\033[31mb\nc\td", 100);
  g_autofree char *bidi = vitrine_host_text ("abc\xe2\x80\xae" "fdp.exe", 100);
  g_autofree char *broken = vitrine_host_text ("x\xff\xfey", 100);
  g_autofree char *huge = g_strnfill (10 << 20, 'A');
  g_autofree char *cut = vitrine_host_text (huge, 120);

  g_assert_cmpstr (plain, ==, "Debian – Büro");
  g_assert_cmpstr (controls, ==, "a [31mb c d");
  g_assert_cmpstr (bidi, ==, "abc fdp.exe");
  g_assert_true (g_utf8_validate (broken, -1, NULL));
  g_assert_cmpint (g_utf8_strlen (cut, -1), ==, 121);
  g_assert_null (vitrine_host_text (NULL, 10));
}

static void
uris_without_sense_or_with_a_password_are_refused (void)
{
  static const char *const good[]
      = { "test:///default", "qemu:///system", "qemu+ssh://root@host.example/system?keyfile=/k",
          "qemu+tls://10.0.0.1:16514/system", "qemu+ssh://[fe80::1]/session" };
  static const char *const bad[] = { "", "qemu", "host/system", "://x", "qemu+ssh://root:secret@host/system" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr(GError) error = NULL;
      vitrine_host_check_uri (good[i], &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (vitrine_host_check_uri (bad[i], &error));
      g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID);
    }
}

/* --- connections ------------------------------------------------------------------------------------------------ */

static void
a_host_that_cannot_be_reached_says_why_and_is_tried_again (void)
{
  g_autoptr(VitrineHost) host = connect_to ("test:///nowhere/node.xml");

  g_assert_cmpint (vitrine_host_get_state (host), ==, VITRINE_HOST_AWAY);
  g_assert_nonnull (strstr (vitrine_host_get_reason (host), "nowhere"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 0);
  AWAIT (vitrine_host_get_state (host) == VITRINE_HOST_CONNECTING);   /* by itself */
  AWAIT (vitrine_host_get_state (host) == VITRINE_HOST_AWAY);
}

/* A sanitizer multiplies what our code and libvirt's allocations cost. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZER_COST 10
#else
#define SANITIZER_COST 1
#endif

/* Of all threads, libvirt's included: not of others on a busy computer. */
static gint64
cpu_time_us (void)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time), ==, 0);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
five_hundred_machines_are_listed_at_once (void)
{
  g_autoptr(GString) node = g_string_new (NULL);

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (node, DOMAIN ("machine-%03u", ""), i);
  gint64 cpu_us = cpu_time_us ();
  g_autoptr(VitrineHost) host = connect_to_node (node->str);
  double seconds = (double) (cpu_time_us () - cpu_us) / 1e6;
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 500);
  g_autoptr(VitrineHostGuest) last = g_list_model_get_item (G_LIST_MODEL (host), 499);
  g_assert_cmpstr (vitrine_host_guest_get_name (last), ==, "machine-499");
  g_test_message ("500 machines listed in %.2f s of processor time", seconds);
  g_assert_cmpfloat (seconds, <, 2.0 * SANITIZER_COST);
}

/* --- credentials ------------------------------------------------------------------------------------------------ */

typedef struct
{
  guint    asked, wrong;    /* so many answers are wrong at first */
  gboolean cancel, saw_again;
} Person;

static gboolean
person_answers (Person *person, VitrineCredentials *credentials)
{
  const char *answers[9] = { NULL };

  person->asked++;
  person->saw_again |= vitrine_credentials_is_again (credentials);
  for (guint i = 0; i < vitrine_credentials_get_n (credentials); i++)
    answers[i] = !vitrine_credentials_is_secret (credentials, i) ? "alice"
                 : person->asked > person->wrong * 2             ? "open sesame"
                                                                 : "wrong";
  if (person->cancel)
    vitrine_credentials_cancel (credentials);
  else
    vitrine_credentials_answer (credentials, answers, FALSE);
  return TRUE;
}

static VitrineHost *
connect_as (Person *person)
{
  static const char node[]
      = "<node><auth><user password='open sesame'>alice</user></auth>"
        "<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os></domain></node>";
  g_autofree char *path = g_build_filename (folder, "auth.xml", NULL), *uri = g_strconcat ("test://", path, NULL);
  VitrineHost *host = vitrine_host_new ("auth", uri, NULL);

  g_assert_true (g_file_set_contents (path, node, -1, NULL));
  if (person != NULL)
    g_signal_connect_swapped (host, "ask", G_CALLBACK (person_answers), person);
  vitrine_host_connect (host);
  AWAIT (vitrine_host_get_state (host) != VITRINE_HOST_CONNECTING);
  return host;
}

static void
a_person_is_asked_until_the_password_is_right (void)
{
  Person person = { .wrong = 2 };
  g_autoptr(VitrineHost) host = connect_as (&person);

  g_assert_cmpstr (vitrine_host_get_reason (host), ==, NULL);
  g_assert_cmpint (vitrine_host_get_state (host), ==, VITRINE_HOST_CONNECTED);
  g_assert_cmpuint (person.asked, >, 2);
  g_assert_true (person.saw_again);
}

static void
who_gives_no_password_is_not_asked_again_by_itself (void)
{
  Person person = { .cancel = TRUE };
  g_autoptr(VitrineHost) host = connect_as (&person);
  gboolean waited = FALSE;

  g_assert_cmpint (vitrine_host_get_state (host), ==, VITRINE_HOST_AWAY);
  g_assert_cmpuint (person.asked, ==, 1);
  g_timeout_add (2500, too_long, &waited);   /* longer than the first wait of a host that is tried again */
  while (!waited)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (person.asked, ==, 1);
}

static void
without_anybody_to_ask_the_host_stays_away (void)
{
  g_autoptr(VitrineHost) host = connect_as (NULL);

  g_assert_cmpint (vitrine_host_get_state (host), ==, VITRINE_HOST_AWAY);
}

/* --- the list of hosts ------------------------------------------------------------------------------------------ */

static void
hosts_are_remembered_and_other_processes_follow (void)
{
  g_autoptr(VitrineHosts) here = vitrine_hosts_new (), there = vitrine_hosts_new ();
  g_autoptr(GError) error = NULL;

  VitrineHost *host = vitrine_hosts_add (here, " test:///default ", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (vitrine_host_get_uri (host), ==, "test:///default");
  g_assert_null (vitrine_hosts_add (here, "test:///default", "again", &error));
  g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID);
  AWAIT (vitrine_hosts_get_size (there) == 1);
  g_assert_nonnull (vitrine_hosts_find (there, "Test host", NULL));
  g_autoptr(VitrineHost) kept = g_object_ref (host);
  g_assert_true (vitrine_hosts_remove (here, host, NULL));
  AWAIT (vitrine_hosts_get_size (there) == 0);
  g_assert_true (vitrine_hosts_put_back (here, kept, NULL));
  AWAIT (vitrine_hosts_get_size (there) == 1);
}

static void
a_host_that_was_removed_comes_back_only_once (void)
{
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  g_autoptr(GError) error = NULL;
  guint before = vitrine_hosts_get_size (hosts);

  g_autoptr(VitrineHost) first = g_object_ref (vitrine_hosts_add (hosts, "test:///one.xml", NULL, NULL));
  g_assert_true (vitrine_hosts_remove (hosts, first, NULL));
  g_autoptr(VitrineHost) second = g_object_ref (vitrine_hosts_add (hosts, "test:///one.xml", NULL, NULL));
  g_assert_cmpstr (vitrine_host_get_id (first), !=, vitrine_host_get_id (second));
  g_assert_false (vitrine_hosts_put_back (hosts, first, &error));
  g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID);
  g_assert_cmpuint (vitrine_hosts_get_size (hosts), ==, before + 1);
  g_assert_true (vitrine_hosts_remove (hosts, second, NULL));
}

static void
a_damaged_list_of_hosts_loses_nothing (void)
{
  g_autofree char *path = g_build_filename (g_get_user_config_dir (), "vitrine", "hosts.ini", NULL);
  g_autoptr(VitrineHosts) hosts = NULL;

  g_assert_true (g_file_set_contents (path, "[a]\nuri=test:///default\n[b]\nuri=no uri\n[c]\n", -1, NULL));
  hosts = vitrine_hosts_new ();
  g_assert_cmpuint (vitrine_hosts_get_size (hosts), ==, 1);
}

int
main (int argc, char **argv)
{
  begin_tests (&argc, &argv);
  ADD (text_of_a_host_is_one_harmless_line);
  ADD (uris_without_sense_or_with_a_password_are_refused);
  ADD (a_host_that_cannot_be_reached_says_why_and_is_tried_again);
  ADD (a_person_is_asked_until_the_password_is_right);
  ADD (who_gives_no_password_is_not_asked_again_by_itself);
  ADD (without_anybody_to_ask_the_host_stays_away);
  ADD (hosts_are_remembered_and_other_processes_follow);
  ADD (a_host_that_was_removed_comes_back_only_once);
  ADD (a_damaged_list_of_hosts_loses_nothing);
  ADD (five_hundred_machines_are_listed_at_once);
  return run_tests ();
}
