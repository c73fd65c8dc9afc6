/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's machines: commands, states, snapshots. */
#include "hosts-rig.h"
#include "snapshot-store.h"

/* --- commands --------------------------------------------------------------------------------------------------- */

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

int
main (int argc, char **argv)
{
  begin_tests (&argc, &argv);
  ADD (machines_of_a_host_can_be_commanded_and_their_states_follow);
  ADD (what_crashed_can_be_cleared_away);
  ADD (a_command_that_the_host_refuses_is_an_error);
  ADD (a_guest_whose_host_left_can_do_nothing);
  ADD (ten_megabytes_of_description_and_a_nasty_title_do_no_harm);
  ADD (snapshots_are_a_tree_that_can_be_gone_back_to);
  return run_tests ();
}
