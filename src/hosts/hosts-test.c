/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts against libvirt's own test driver, which needs no daemon: what it says and does is libvirt's, not ours. */
#include <glib/gstdio.h>
#include <string.h>

#include "guest.h"
#include "host-offer.h"
#include "host-private.h"
#include "host-resources.h"
#include "host-shipment.h"
#include "host-text.h"
#include "hosts.h"
#include "snapshot-store.h"

#define LIMIT_SECONDS 20

static char *folder;

/* --- rig -------------------------------------------------------------------------------------------------------- */

static gboolean
too_long (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until @condition holds. */
#define AWAIT(condition)                                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gboolean late_ = FALSE;                                                                                            \
    guint limit_ = g_timeout_add_seconds (LIMIT_SECONDS, too_long, &late_);                                            \
    while (!(condition) && !late_)                                                                                     \
      g_main_context_iteration (NULL, TRUE);                                                                           \
    g_assert_false (late_);                                                                                            \
    g_source_remove (limit_);                                                                                          \
  }                                                                                                                    \
  G_STMT_END

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static VitrineHost *
connect_to (const char *uri)
{
  VitrineHost *host = vitrine_host_new ("test", uri, NULL);

  vitrine_host_connect (host);
  AWAIT (vitrine_host_get_state (host) != VITRINE_HOST_CONNECTING);
  return host;
}

#define DOMAIN(name, more)                                                                                             \
  "<domain type='test'><name>" name "</name><memory>1024</memory><os><type>hvm</type></os><devices>" more              \
  "</devices></domain>"
#define DISK(path, target, more)                                                                                       \
  "<disk type='file' device='disk'><source file='" path "'/><target dev='" target "'/>" more "</disk>"

/* A host that the test driver makes of a file. */
static VitrineHost *
connect_to_node (const char *contents)
{
  g_autofree char *path = g_build_filename (folder, "node.xml", NULL), *uri = g_strconcat ("test://", path, NULL);
  g_autofree char *xml = g_strdup_printf ("<node>%s</node>", contents);

  g_assert_true (g_file_set_contents (path, xml, -1, NULL));
  return connect_to (uri);
}

/* One machine, "test", which runs. Not test:///default: that is one and the same for all connections of a process. */
static VitrineHost *
connect_to_one (void)
{
  return connect_to_node (DOMAIN ("test", ""));
}

static void
command (VitrineHostGuest *guest, const char *name)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_guest_command_async (VITRINE_GUEST (guest), name, keep_result, &result);
  AWAIT (result != NULL);
  vitrine_guest_command_finish (VITRINE_GUEST (guest), result, &error);
  g_assert_no_error (error);
}

static void
await_state (VitrineHostGuest *guest, VitrineState state)
{
  AWAIT (vitrine_guest_get_state (VITRINE_GUEST (guest)) == state);
}

static VitrineHostGuest *
first_guest (VitrineHost *host)
{
  g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), 0);

  g_assert_nonnull (guest);
  return guest;   /* the host has it */
}

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

static void
machines_of_a_host_can_be_commanded_and_their_states_follow (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autoptr(GError) error = NULL;
  VitrineHostGuest *guest = vitrine_host_find (host, "test", &error);

  g_assert_no_error (error);
  g_assert_cmpint (vitrine_guest_get_state (VITRINE_GUEST (guest)), ==, VITRINE_STATE_RUNNING);
  command (guest, "Pause");
  await_state (guest, VITRINE_STATE_PAUSED);
  command (guest, "Resume");
  await_state (guest, VITRINE_STATE_RUNNING);
  command (guest, "Save");
  await_state (guest, VITRINE_STATE_OFF);
  AWAIT (vitrine_guest_is_suspended (VITRINE_GUEST (guest)));
  command (guest, "Start");
  await_state (guest, VITRINE_STATE_RUNNING);
  AWAIT (!vitrine_guest_is_suspended (VITRINE_GUEST (guest)));
  command (guest, "Autostart");
  g_assert_true (vitrine_guest_get_autostart (VITRINE_GUEST (guest)));
  command (guest, "NoAutostart");
  g_assert_false (vitrine_guest_get_autostart (VITRINE_GUEST (guest)));
  command (guest, "PowerButton");
  await_state (guest, VITRINE_STATE_OFF);
  command (guest, "Start");
  command (guest, "ForceOff");
  await_state (guest, VITRINE_STATE_OFF);
  g_assert_false (vitrine_guest_get_abilities (VITRINE_GUEST (guest)) & VITRINE_GUEST_CAN_FORCE_OFF);
  g_assert_null (vitrine_host_find (host, "nobody", &error));
  g_assert_nonnull (strstr (error->message, "test"));
}

/* One that crashed, and that its host keeps for whoever looks into it. */
static void
what_crashed_can_be_cleared_away (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (
      "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>test</name><memory>1024</memory>"
      "<os><type>hvm</type></os><test:runstate>6</test:runstate></domain>");
  VitrineGuest *guest = VITRINE_GUEST (first_guest (host));
  const VitrineGuestAbilities alive
      = VITRINE_GUEST_CAN_POWER_BUTTON | VITRINE_GUEST_CAN_RESET | VITRINE_GUEST_CAN_PAUSE | VITRINE_GUEST_CAN_DELETE;

  g_assert_cmpint (vitrine_guest_get_state (guest), ==, VITRINE_STATE_DIED);
  g_assert_cmpuint (vitrine_guest_get_abilities (guest) & (alive | VITRINE_GUEST_CAN_FORCE_OFF), ==,
                    VITRINE_GUEST_CAN_FORCE_OFF);
  command (VITRINE_HOST_GUEST (guest), "ForceOff");
  await_state (VITRINE_HOST_GUEST (guest), VITRINE_STATE_OFF);
  g_assert_cmpuint (vitrine_guest_get_abilities (guest) & (alive | VITRINE_GUEST_CAN_FORCE_OFF), ==,
                    VITRINE_GUEST_CAN_DELETE);
}

static void
a_command_that_the_host_refuses_is_an_error (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  VitrineHostGuest *guest = first_guest (host);

  vitrine_guest_command_async (VITRINE_GUEST (guest), "Resume", keep_result, &result);   /* it runs already */
  AWAIT (result != NULL);
  g_assert_false (vitrine_guest_command_finish (VITRINE_GUEST (guest), result, &error));
  g_assert_nonnull (error);
}

static void
a_guest_whose_host_left_can_do_nothing (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autoptr(VitrineHostGuest) guest = g_object_ref (first_guest (host));
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_disconnect (host);
  g_assert_cmpint (vitrine_guest_get_abilities (VITRINE_GUEST (guest)), ==, 0);
  vitrine_guest_command_async (VITRINE_GUEST (guest), "Pause", keep_result, &result);
  AWAIT (result != NULL);
  g_assert_false (vitrine_guest_command_finish (VITRINE_GUEST (guest), result, &error));
  g_assert_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_AWAY);
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

/* --- definitions ------------------------------------------------------------------------------------------------ */

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

static guint
index_of (VitrineHost *host, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (host)); i++)
    {
      g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), i);
      if (g_str_equal (vitrine_host_guest_get_name (guest), name))
        return i;
    }
  return G_MAXUINT;
}

static void
machines_that_are_defined_and_deleted_come_and_go (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autoptr(GAsyncResult) defined = NULL, deleted = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_define_async (host, DOMAIN ("aaa", ""), keep_result, &defined);
  AWAIT (defined != NULL);
  vitrine_host_define_finish (host, defined, &error);
  g_assert_no_error (error);
  AWAIT (index_of (host, "aaa") == 0);   /* sorted */
  g_autoptr(VitrineHostGuest) guest = g_object_ref (first_guest (host));
  command (guest, "Start");
  command (guest, "ForceOff");
  vitrine_host_guest_delete_async (guest, NULL, keep_result, &deleted);
  AWAIT (deleted != NULL);
  vitrine_host_guest_delete_finish (guest, deleted, &error);
  g_assert_no_error (error);
  AWAIT (index_of (host, "aaa") == G_MAXUINT);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 1);
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

static GStrv
volumes_of (VitrineHostGuest *guest, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_guest_list_volumes_async (guest, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_guest_list_volumes_finish (guest, result, error);
}

static gboolean
is_there (VitrineHost *host, const char *volume)
{
  g_autoptr(GAsyncResult) result = NULL;
  gboolean found = FALSE;

  vitrine_host_list_resources_async (host, VITRINE_HOST_ALL_RESOURCES, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, result, NULL);
  for (guint i = 0; i < all->pools->len; i++)
    {
      const GPtrArray *volumes = ((VitrineHostPool *) all->pools->pdata[i])->volumes;
      for (guint at = 0; at < volumes->len; at++)
        found |= g_str_equal (((VitrineHostVolume *) volumes->pdata[at])->name, volume);
    }
  return found;
}

static gboolean
change_resource (VitrineHost *host, VitrineHostResourceVerb verb, const char *name, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_change_resource_async (host, verb, name, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_resource_finish (host, result, error);
}

static gboolean
delete_with (VitrineHostGuest *guest, const char *const *volumes, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_guest_delete_async (guest, volumes, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_guest_delete_finish (guest, result, error);
}

#define VOLUME(name, more) "<volume><name>" name "</name><capacity>1000</capacity>" more "</volume>"
#define POOL                                                                                                           \
  "<pool type='dir'><name>p</name><target><path>/p</path></target>" VOLUME ("own.img", "") VOLUME ("shared.img", "")   \
    VOLUME ("named.img", "") VOLUME ("base.img", "")                                                                   \
    VOLUME ("overlay.img", "<backingStore><path>/p/base.img</path><format type='raw'/></backingStore>") "</pool>"
#define OTHER_POOL "<pool type='dir'><name>q</name><target><path>/q</path></target></pool>"
#define OWNER DOMAIN ("a", DISK ("/p/own.img", "vda", "") DISK ("/p/shared.img", "vdb", "")               \
                   DISK ("/p/named.img", "vdc", "") DISK ("/p/base.img", "vdd", "")                          \
                   DISK ("/p/overlay.img", "vde", "<readonly/>"))
#define OTHER                                                                                                          \
  DOMAIN ("b", DISK ("/p/shared.img", "vda", "") "<disk type='volume' device='disk'><source pool='p' "                 \
               "volume='named.img'/><target dev='vdb'/></disk>")

static void
deleting_with_volumes_leaves_those_that_others_use (void)
{
  static const char *const more[] = { "/p/own.img", "/p/shared.img", "/p/named.img", "/p/base.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OWNER OTHER);
  g_autoptr(GError) error = NULL;
  VitrineHostGuest *a = vitrine_host_find (host, "a", &error);

  g_assert_no_error (error);
  g_auto(GStrv) volumes = volumes_of (a, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (volumes), ==, 1);
  g_assert_cmpstr (volumes[0], ==, "/p/own.img");
  g_assert_false (delete_with (a, more, &error));   /* it runs: the test driver starts them all */
  g_assert_nonnull (strstr (error->message, "turn it off"));
  g_clear_error (&error);
  command (a, "ForceOff");
  g_assert_true (delete_with (a, more, &error));
  g_assert_no_error (error);
  AWAIT (index_of (host, "a") == G_MAXUINT);
  g_assert_false (is_there (host, "own.img"));
  g_assert_true (is_there (host, "shared.img"));
  g_assert_true (is_there (host, "named.img"));
  g_assert_true (is_there (host, "base.img"));
}

static void
deleting_takes_only_volumes_that_were_shown (void)
{
  static const char *const shown[] = { "/p/elsewhere.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OWNER);
  VitrineHostGuest *a = vitrine_host_find (host, "a", NULL);
  g_autoptr(GError) error = NULL;

  command (a, "ForceOff");
  g_assert_true (delete_with (a, shown, &error));
  g_assert_no_error (error);
  g_assert_true (is_there (host, "own.img"));
}

static void
a_host_that_cannot_be_looked_through_keeps_all_volumes (void)
{
  static const char *const own[] = { "/p/own.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OTHER_POOL OWNER);
  VitrineHostGuest *a = vitrine_host_find (host, "a", NULL);
  g_autoptr(GError) error = NULL;

  command (a, "ForceOff");
  g_assert_true (change_resource (host, VITRINE_HOST_STOP_POOL, "q", &error));
  g_assert_no_error (error);
  g_assert_null (volumes_of (a, &error));
  g_assert_nonnull (strstr (error->message, "“q”"));
  g_clear_error (&error);
  g_assert_false (delete_with (a, own, &error));
  g_assert_nonnull (error);
  g_assert_true (is_there (host, "own.img"));
  g_assert_cmpuint (index_of (host, "a"), !=, G_MAXUINT);
}

/* --- resources -------------------------------------------------------------------------------------------------- */

static void
a_resource_that_cannot_be_changed_says_why (void)
{
  static const struct
  {
    VitrineHostResourceVerb verb;
    const char             *name, *part;
  } refused[] = {
    { VITRINE_HOST_START_NETWORK, "n", "already" }, { VITRINE_HOST_START_NETWORK, "none", "none" },
    { VITRINE_HOST_START_POOL, "p", "active" },     { VITRINE_HOST_STOP_POOL, "none", "none" },
    { VITRINE_HOST_DELETE_VOLUME, "/p/none", "/p/none" },
  };
  g_autoptr(VitrineHost) host = connect_to_node (
      POOL "<network><name>n</name><bridge name='virbr9'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (change_resource (host, refused[i].verb, refused[i].name, &error));
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, refused[i].part));
    }
}

static void
a_network_that_is_started_starts_with_its_host_only_if_it_did (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (
      "<network><name>n</name><bridge name='virbr9'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  change_resource (host, VITRINE_HOST_STOP_NETWORK, "n", &error);
  g_assert_no_error (error);
  change_resource (host, VITRINE_HOST_START_NETWORK, "n", &error);
  g_assert_no_error (error);
  vitrine_host_list_resources_async (host, VITRINE_HOST_ALL_RESOURCES, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, result, NULL);
  const VitrineHostNetwork *network = all->networks->pdata[0];
  g_assert_true (network->active);
  g_assert_false (network->autostart);
}

/* LVM's, and a folder. */
#define TWO_POOLS                                                                                                      \
  "<pool type='dir'><name>folder</name><target><path>/p</path></target></pool>"                                        \
  "<pool type='logical'><name>group</name><source><device path='/dev/sdb'/><name>group</name></source>"                \
  "<target><path>/dev/group</path></target></pool>"

static guint64
allocation_of_new_volume (VitrineHost *host, const char *pool)
{
  g_autoptr(GAsyncResult) made = NULL;
  g_autoptr(GAsyncResult) listed = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_create_volume_async (host, pool, "a<b", "raw", 1 << 20, keep_result, &made);
  AWAIT (made != NULL);
  vitrine_host_resource_finish (host, made, &error);
  g_assert_no_error (error);
  vitrine_host_list_resources_async (host, VITRINE_HOST_POOLS, keep_result, &listed);
  AWAIT (listed != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, listed, &error);
  for (guint i = 0; i < all->pools->len; i++)
    {
      const VitrineHostPool *one = all->pools->pdata[i];
      const VitrineHostVolume *volume = g_str_equal (one->name, pool) ? one->volumes->pdata[0] : NULL;
      if (volume == NULL)
        continue;
      g_assert_cmpstr (volume->name, ==, "a<b");
      g_assert_cmpuint (volume->capacity_bytes, ==, 1 << 20);
      return volume->allocation_bytes;
    }
  g_assert_not_reached ();
}

static void
a_volume_takes_room_when_it_is_written_but_all_at_once_from_lvm (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (TWO_POOLS);

  g_assert_cmpuint (allocation_of_new_volume (host, "folder"), ==, 0);
  g_assert_cmpuint (allocation_of_new_volume (host, "group"), ==, 1 << 20);
}

static void
gather (guint *kinds, VitrineHostResourceKinds more)
{
  *kinds |= more;
}

static void
plug_in_device (VitrineHost *host)
{
  static const char xml[] = "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
                            "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>";
  virNodeDevicePtr device = virNodeDeviceCreateXML (vitrine_host_link_get_connection (host->link), xml, 0);

  g_assert_nonnull (device);
  virNodeDeviceFree (device);
}

static void
only_what_changed_is_to_be_read_again (void)
{
  g_autoptr(VitrineHost) host = connect_to ("test:///default");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  guint kinds = 0;

  g_signal_connect_swapped (host, "resources-changed", G_CALLBACK (gather), &kinds);
  plug_in_device (host);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_DEVICES);
  vitrine_host_list_resources_async (host, kinds, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) some = vitrine_host_list_resources_finish (host, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (some->kinds, ==, VITRINE_HOST_DEVICES);
  g_assert_cmpuint (some->devices->len, >, 0);
  g_assert_cmpuint (some->pools->len + some->networks->len, ==, 0);
  kinds = 0;
  change_resource (host, VITRINE_HOST_STOP_NETWORK, "default", &error);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_NETWORKS);
  kinds = 0;
  change_resource (host, VITRINE_HOST_STOP_POOL, "default-pool", &error);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_POOLS);
}

/* --- hostile hosts ---------------------------------------------------------------------------------------------- */

static void
ten_megabytes_of_description_and_a_nasty_title_do_no_harm (void)
{
  g_autofree char *huge = g_strnfill (9 << 20, 'D');
  g_autofree char *node
      = g_strdup_printf ("<domain type='test'><name>n</name><title>%s</title><description>%s</description>"
                         "<memory>1024</memory><os><type>hvm</type></os></domain>",
                         "a&#x9;b \xe2\x80\xae"
                         "c",
                         huge);
  g_autoptr(VitrineHost) host = connect_to_node (node);
  VitrineHostGuest *guest = first_guest (host);

  AWAIT (g_str_has_prefix (vitrine_guest_get_title (VITRINE_GUEST (guest)), "a b"));
  g_assert_null (strstr (vitrine_guest_get_title (VITRINE_GUEST (guest)), "\xe2\x80\xae"));
  command (guest, "Pause");
  await_state (guest, VITRINE_STATE_PAUSED);
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

static GPtrArray *
snapshots_of (VitrineHostGuest *guest, char **current)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_guest_list_snapshots_async (guest, keep_result, &result);
  AWAIT (result != NULL);
  GPtrArray *all = vitrine_host_guest_list_snapshots_finish (guest, result, current, &error);
  g_assert_no_error (error);
  return all;
}

static void
snapshot (VitrineHostGuest *guest, VitrineHostSnapshotVerb verb, const char *name)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_guest_snapshot_async (guest, verb, name, "said <of> it", keep_result, &result);
  AWAIT (result != NULL);
  vitrine_host_guest_snapshot_finish (guest, result, &error);
  g_assert_no_error (error);
}

static void
snapshots_are_a_tree_that_can_be_gone_back_to (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  VitrineHostGuest *guest = first_guest (host);
  g_autofree char *current = NULL, *after = NULL;

  snapshot (guest, VITRINE_HOST_SNAPSHOT_TAKE, "one");
  snapshot (guest, VITRINE_HOST_SNAPSHOT_TAKE, "two");
  g_autoptr(GPtrArray) all = snapshots_of (guest, &current);
  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpstr (((VitrineSnapshot *) all->pdata[0])->name, ==, "one");
  g_assert_cmpstr (((VitrineSnapshot *) all->pdata[0])->description, ==, "said <of> it");
  g_assert_true (((VitrineSnapshot *) all->pdata[0])->has_state);
  g_assert_cmpuint (((VitrineSnapshot *) all->pdata[1])->depth, ==, 1);
  g_assert_cmpstr (current, ==, "two");
  command (guest, "ForceOff");
  snapshot (guest, VITRINE_HOST_SNAPSHOT_GO_BACK, "one");
  await_state (guest, VITRINE_STATE_RUNNING);
  snapshot (guest, VITRINE_HOST_SNAPSHOT_FORGET, "two");
  g_autoptr(GPtrArray) left = snapshots_of (guest, &after);
  g_assert_cmpuint (left->len, ==, 1);
  g_assert_cmpstr (after, ==, "one");
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

/* --- many ------------------------------------------------------------------------------------------------------- */

static void
five_hundred_machines_are_listed_at_once (void)
{
  g_autoptr(GString) node = g_string_new (NULL);

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (node, DOMAIN ("machine-%03u", ""), i);
  g_autoptr(GTimer) timer = g_timer_new ();
  g_autoptr(VitrineHost) host = connect_to_node (node->str);
  double seconds = g_timer_elapsed (timer, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 500);
  g_autoptr(VitrineHostGuest) last = g_list_model_get_item (G_LIST_MODEL (host), 499);
  g_assert_cmpstr (vitrine_host_guest_get_name (last), ==, "machine-499");
  g_test_message ("500 machines listed in %.2f s", seconds);
  g_assert_cmpfloat (seconds, <, 2.0);
}

static void
an_offer_says_what_is_on_a_host (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (
      DOMAIN ("test", "") "<pool type='dir'><name>p</name><uuid>33a5c045-645a-2c00-e56b-927cdf34e17a</uuid>"
                          "<target><path>/p</path></target></pool>"
                          "<network><name>n</name><bridge name='br-n'/><ip address='10.9.8.1' netmask='255.255.255.0'/></network>");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_read_offer_async (host, "x86_64", "no such board", keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostOffer) offer = vitrine_host_read_offer_finish (host, result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (vitrine_host_offer_find_machine (offer, "test"));
  g_assert_null (vitrine_host_offer_find_machine (offer, "other"));
  g_assert_nonnull (vitrine_host_offer_find_pool (offer, "p"));
  g_assert_null (vitrine_host_offer_find_pool (offer, "other"));
  g_assert_cmpstr (vitrine_host_offer_find_network (offer, "n")->bridge, ==, "br-n");
  g_assert_null (vitrine_host_offer_find_volume (offer, "/p/nothing"));
}

/* The test driver's volumes have no bytes: what can fail before any are sent does. */
static void
a_shipment_to_no_pool_leaves_nothing (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autofree char *file = g_build_filename (folder, "parcel", NULL), *not_started = NULL;
  VitrineHostShipment *shipment = g_new0 (VitrineHostShipment, 1);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "bytes", -1, NULL));
  shipment->pool = g_strdup ("nowhere");
  shipment->parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_parcel_free);
  g_ptr_array_add (shipment->parcels, vitrine_host_parcel_new (file, "parcel"));
  vitrine_host_ship_async (host, shipment, NULL, NULL, NULL, keep_result, &result);
  AWAIT (result != NULL);
  g_assert_false (vitrine_host_ship_finish (host, result, &not_started, &error));
  g_assert_nonnull (strstr (error->message, "nowhere"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 1);
}

int
main (int argc, char **argv)
{
  folder = g_dir_make_tmp ("vitrine-hosts-XXXXXX", NULL);
  g_autofree char *config = g_build_filename (folder, "config", NULL);
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);   /* no person's keyring */
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/hosts/" #name, name)
  ADD (text_of_a_host_is_one_harmless_line);
  ADD (uris_without_sense_or_with_a_password_are_refused);
  ADD (a_host_that_cannot_be_reached_says_why_and_is_tried_again);
  ADD (machines_of_a_host_can_be_commanded_and_their_states_follow);
  ADD (what_crashed_can_be_cleared_away);
  ADD (a_command_that_the_host_refuses_is_an_error);
  ADD (a_guest_whose_host_left_can_do_nothing);
  ADD (a_person_is_asked_until_the_password_is_right);
  ADD (who_gives_no_password_is_not_asked_again_by_itself);
  ADD (without_anybody_to_ask_the_host_stays_away);
  ADD (a_definition_is_changed_and_unknown_elements_stay);
  ADD (of_two_people_who_edit_the_second_is_refused_with_a_diff);
  ADD (passwords_are_shown_to_who_edits_and_to_nobody_else);
  ADD (what_is_no_definition_is_refused);
  ADD (machines_that_are_defined_and_deleted_come_and_go);
  ADD (a_new_machine_does_not_take_the_place_of_another);
  ADD (deleting_with_volumes_leaves_those_that_others_use);
  ADD (deleting_takes_only_volumes_that_were_shown);
  ADD (a_host_that_cannot_be_looked_through_keeps_all_volumes);
  ADD (a_resource_that_cannot_be_changed_says_why);
  ADD (a_volume_takes_room_when_it_is_written_but_all_at_once_from_lvm);
  ADD (only_what_changed_is_to_be_read_again);
  ADD (a_network_that_is_started_starts_with_its_host_only_if_it_did);
  ADD (ten_megabytes_of_description_and_a_nasty_title_do_no_harm);
  ADD (snapshots_are_a_tree_that_can_be_gone_back_to);
  ADD (hosts_are_remembered_and_other_processes_follow);
  ADD (a_host_that_was_removed_comes_back_only_once);
  ADD (a_damaged_list_of_hosts_loses_nothing);
  ADD (an_offer_says_what_is_on_a_host);
  ADD (a_shipment_to_no_pool_leaves_nothing);
  ADD (five_hundred_machines_are_listed_at_once);
  int status = g_test_run ();
  g_autofree char *remove = g_strdup_printf ("rm -rf '%s'", folder);
  g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL);
  return status;
}
