/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crypto queues for guests, against a Z host's tree and a kernel that follows vfio_ap's rules. */
#include <string.h>

#include "ap-plan.h"
#include "tree-rig.h"
#include "z-host.h"

#define UUID "5a4f6d1c-0c37-4c2b-9d58-3a3b8f0c7e11"

typedef struct
{
  char            *root;
  VitrineHostTree *tree;
  VitrineApMatrix *matrix;
  ZKernel          kernel;
} Rig;

static Rig
rig_new (ZHostKind kind, gboolean mdevctl)
{
  Rig rig = { .root = tree_rig_make () };

  z_host_fill (rig.root, kind, mdevctl ? "/bin/false" : NULL);
  rig.tree = vitrine_host_tree_new (rig.root);
  rig.matrix = vitrine_ap_matrix_new_from_tree (rig.tree);
  rig.kernel.root = rig.root;
  return rig;
}

static void
rig_clear (Rig *rig)
{
  vitrine_ap_matrix_free (rig->matrix);
  vitrine_host_tree_unref (rig->tree);
  tree_rig_drop (rig->root);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

static void
reread (Rig *rig)
{
  vitrine_ap_matrix_free (rig->matrix);
  rig->matrix = vitrine_ap_matrix_new_from_tree (rig->tree);
}

static VitrineApSelection
select_ap (const char *cards, const char *domains, const char *control)
{
  VitrineApSelection selection;

  g_assert_true (vitrine_ap_mask_parse_list (&selection.cards, cards, NULL));
  g_assert_true (vitrine_ap_mask_parse_list (&selection.domains, domains, NULL));
  g_assert_true (vitrine_ap_mask_parse_list (&selection.control, control, NULL));
  return selection;
}

static const char *
label (Rig *rig, guint card, guint domain)
{
  return vitrine_ap_queue_to_label (vitrine_ap_matrix_find_queue (rig->matrix, card, domain));
}

static gboolean
has_note (const VitrineApReview *review, const char *part)
{
  for (guint i = 0; i < review->notes->len; i++)
    if (strstr (review->notes->pdata[i], part) != NULL)
      return TRUE;
  return FALSE;
}

static VitrineHostPlan *
plan_create (Rig *rig, const VitrineApSelection *selection, VitrineApReserve reserve)
{
  g_autoptr(GError) error = NULL;
  VitrineHostPlan *plan = vitrine_ap_plan_create (rig->matrix, selection, reserve, FALSE, UUID, &error);

  g_assert_no_error (error);
  return plan;
}

static void
run (Rig *rig, VitrineHostPlan *plan)
{
  g_autoptr(GError) error = NULL;

  vitrine_host_plan_run_by (plan, rig->tree, &z_kernel_hands, &rig->kernel, &error);
  g_assert_no_error (error);
  reread (rig);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void
cards_have_type_mode_and_state (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);
  static const VitrineApMode modes[] = { VITRINE_AP_MODE_ACCELERATOR, VITRINE_AP_MODE_CCA, VITRINE_AP_MODE_EP11 };
  static const guint generations[] = { 8, 7, 7 };

  g_assert_null (rig.matrix->why_not);
  g_assert_cmpuint (rig.matrix->cards->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      const VitrineApCard *card = rig.matrix->cards->pdata[i];
      g_assert_cmpuint (card->id, ==, 4 + i);
      g_assert_cmpint (card->mode, ==, modes[i]);
      g_assert_cmpuint (card->generation, ==, generations[i]);
      g_assert_cmpint (card->online, ==, i != 2);
    }
  g_assert_cmpuint (rig.matrix->max_card, ==, 63);
  g_assert_cmpuint (rig.matrix->max_domain, ==, 255);
}

static void
every_queue_says_whose_it_is (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);

  g_assert_cmpstr (label (&rig, 4, 4), ==, "Host");
  g_assert_cmpstr (label (&rig, 5, 4), ==, "Other guest");
  g_assert_cmpstr (label (&rig, 5, 71), ==, "Free");
  g_assert_cmpstr (label (&rig, 6, 4), ==, "Offline");
  g_assert_cmpstr (label (&rig, 6, 171), ==, "");
  g_assert_cmpstr (vitrine_ap_matrix_find_queue (rig.matrix, 5, 71)->driver, ==, "vfio_ap");
  g_assert_cmpstr (vitrine_ap_matrix_find_queue (rig.matrix, 5, 4)->device, ==, Z_HOST_DEVICE);
}

static void
refuses (Rig *rig, const char *removed, const char *part)
{
  if (removed != NULL)
    tree_rig_remove (rig->root, removed);
  reread (rig);
  g_assert_nonnull (rig->matrix->why_not);
  g_assert_nonnull (strstr (rig->matrix->why_not, part));
}

static void
what_is_missing_has_its_sentence (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, FALSE);
  g_auto(Rig) loaded = rig_new (Z_HOST_CONFLICTS, FALSE);

  g_assert_null (rig.matrix->why_not);
  refuses (&rig, "lib/modules", "no vfio_ap driver");
  refuses (&loaded, "sys/devices/vfio_ap", "offers no matrix");
  tree_rig_file (loaded.root, VITRINE_AP_PARENT_PATH "/dev", "");
  refuses (&loaded, "sys/bus/ap/apmask", "no apmask");
  for (guint card = 4; card <= 6; card++)
    {
      g_autofree char *path = g_strdup_printf ("sys/bus/ap/devices/card%02x/type", card);
      tree_rig_file (rig.root, path, "CEX3C");
    }
  refuses (&rig, NULL, "too old");
  refuses (&rig, "sys/bus/ap/devices", "No crypto card is configured");
  refuses (&rig, "sys/bus/ap", "only IBM Z");
}

static void
hostile_names_and_numbers_are_left_out (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, FALSE);

  tree_rig_file (rig.root, "sys/bus/ap/devices/card0x5/type", "CEX7C");
  tree_rig_file (rig.root, "sys/bus/ap/devices/04.ffff/config", "1");
  tree_rig_file (rig.root, "sys/bus/ap/devices/04.0004x/config", "1");
  tree_rig_file (rig.root, "sys/bus/ap/devices/-4.0004/config", "1");
  tree_rig_file (rig.root, "sys/bus/ap/ap_max_domain_id", "99999999999999999999");
  tree_rig_file (rig.root, "sys/bus/ap/devices/card04/type", "CEX");
  tree_rig_file (rig.root, VITRINE_AP_PARENT_PATH "/" UUID "/matrix", "05.0004\n...\n100.0001\n05\n.ffff");
  reread (&rig);
  g_assert_cmpuint (rig.matrix->cards->len, ==, 3);
  g_assert_cmpuint (rig.matrix->queues->len, ==, 9);
  g_assert_cmpuint (rig.matrix->max_domain, ==, 255);
  const VitrineApDevice *device = vitrine_ap_matrix_find_device (rig.matrix, UUID);
  g_assert_cmpuint (vitrine_ap_mask_count (&device->cards), ==, 1);
  g_assert_cmpuint (vitrine_ap_mask_count (&device->domains), ==, 2);   /* 0004, and 0001 beside a card that is none */
}

#define NODE(name, parent, inside)                                                                                     \
  "<device><name>" name "</name><path>/sys/x</path><parent>" parent "</parent>" inside "</device>"
#define QUEUE(card, domain, driver)                                                                                    \
  NODE ("ap_q", "ap_card04", "<driver><name>" driver "</name></driver><capability type='ap_queue'><ap-adapter>" card   \
                             "</ap-adapter><ap-domain>" domain "</ap-domain></capability>")

static const char *const nodes[]
    = { NODE ("ap_card04", "computer", "<capability type='ap_card'><ap-adapter>0x04</ap-adapter></capability>"),
        NODE ("ap_card05", "computer", "<capability type='ap_card'><ap-adapter>0x05</ap-adapter></capability>"),
        NODE ("ap_cardxx", "computer", "<capability type='ap_card'><ap-adapter>0x100</ap-adapter></capability>"),
        QUEUE ("0x04", "0x0004", "cex4queue"),
        QUEUE ("0x05", "0x0004", "vfio_ap"),
        QUEUE ("0x05", "0x0047", "vfio_ap"),
        QUEUE ("0x05", "0xffff", "vfio_ap"),
        NODE ("mdev_1", "ap_matrix",
              "<capability type='mdev'><type id='vfio_ap-passthrough'/><uuid>" Z_HOST_DEVICE "</uuid>"
              "<attr name='assign_adapter' value='5'/><attr name='assign_domain' value='0x47'/>"
              "<attr name='assign_domain' value='lots'/></capability>"),
        "<device>",
        "<domain/>",
        NODE ("ap_matrix", "computer",
              "<capability type='ap_matrix'><capability type='mdev_types'><type id='vfio_ap-passthrough'>"
              "<name>VFIO AP Passthrough Device</name><deviceAPI>vfio-ap</deviceAPI>"
              "<availableInstances>65536</availableInstances></type></capability></capability>"),
        NULL };

static void
libvirt_tells_it_too (void)
{
  g_autoptr(VitrineApMatrix) matrix = vitrine_ap_matrix_new_from_libvirt (nodes);
  Rig rig = { .matrix = matrix };

  g_assert_null (matrix->why_not);
  g_assert_cmpuint (matrix->cards->len, ==, 2);
  g_assert_cmpuint (matrix->queues->len, ==, 3);
  g_assert_cmpstr (label (&rig, 4, 4), ==, "Host");
  g_assert_cmpstr (label (&rig, 5, 4), ==, "Free");
  g_assert_cmpstr (label (&rig, 5, 71), ==, "Other guest");
}

static void
libvirt_makes_what_is_reserved (void)
{
  g_autoptr(VitrineApMatrix) matrix = vitrine_ap_matrix_new_from_libvirt (nodes);
  const VitrineApSelection free_queue = select_ap ("5", "4", "4"), hosts = select_ap ("4", "4", "");
  g_autoptr(GError) error = NULL;
  g_autofree char *xml = vitrine_ap_xml_create (matrix, &free_queue, UUID, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (xml, ==,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device>\n  <parent>ap_matrix</parent>\n"
                   "  <capability type=\"mdev\">\n    <type id=\"vfio_ap-passthrough\"/>\n    <uuid>" UUID "</uuid>\n"
                   "    <attr name=\"assign_adapter\" value=\"5\"/>\n    <attr name=\"assign_domain\" value=\"4\"/>\n"
                   "    <attr name=\"assign_control_domain\" value=\"4\"/>\n  </capability>\n</device>\n");
  g_assert_null (vitrine_ap_xml_create (matrix, &hosts, UUID, &error));
  g_assert_nonnull (strstr (error->message, "libvirt cannot take queues away"));
}

static void
a_libvirt_host_says_what_is_missing (void)
{
  const char *const none[] = { NULL }, *const card[] = { nodes[0], NULL };
  g_autoptr(VitrineApMatrix) pc = vitrine_ap_matrix_new_from_libvirt (none);
  g_autoptr(VitrineApMatrix) idle = vitrine_ap_matrix_new_from_libvirt (card);

  g_assert_nonnull (strstr (pc->why_not, "no crypto adapters"));
  g_assert_nonnull (strstr (idle->why_not, "modprobe vfio_ap"));
}

/* --- review ------------------------------------------------------------------------------------------------------ */

static void
expect_problem (Rig *rig, const char *cards, const char *domains, const char *control, const char *part)
{
  const VitrineApSelection selection = select_ap (cards, domains, control);
  g_autoptr(VitrineApReview) review = vitrine_ap_review (rig->matrix, &selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineHostPlan) plan
      = vitrine_ap_plan_create (rig->matrix, &selection, VITRINE_AP_RESERVE_CARDS, TRUE, UUID, &error);

  g_assert_nonnull (review->problem);
  if (strstr (review->problem, part) == NULL)
    g_error ("%s", review->problem);
  g_assert_null (plan);
  g_assert_cmpstr (error->message, ==, review->problem);
}

static void
what_cannot_be_chosen_has_its_sentence (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);

  expect_problem (&rig, "", "4", "", "at least one card");
  expect_problem (&rig, "5", "", "", "at least one domain");
  expect_problem (&rig, "5, 64", "71", "", "no card 64: this machine can have cards 0 to 63");
  expect_problem (&rig, "5, 6", "4, 71", "", "Queue 05.0004 is in the mediated device " Z_HOST_DEVICE);
  expect_problem (&rig, "5, 6", "4, 71", "", "leave out card 5 or domain 4");
  tree_rig_file (rig.root, "sys/bus/ap/ap_max_domain_id", "84");
  reread (&rig);
  expect_problem (&rig, "5", "171", "", "no domain 171: this machine can have domains 0 to 84");
  expect_problem (&rig, "5", "71", "85", "no domain 85");
}

static void
what_the_host_loses_is_counted_by_what_is_reserved (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, TRUE);
  const VitrineApSelection selection = select_ap ("4, 5", "4", "");
  g_autoptr(VitrineApReview) cards = vitrine_ap_review (rig.matrix, &selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(VitrineApReview) domains = vitrine_ap_review (rig.matrix, &selection, VITRINE_AP_RESERVE_DOMAINS);

  g_assert_cmpuint (cards->lost->len, ==, 6);
  g_assert_cmpuint (cards->n_host_left, ==, 3);
  g_assert_true (has_note (cards, "lose 6 queues: 04.0004, 04.0047, 04.00ab, 05.0004, 05.0047, 05.00ab."));
  g_assert_cmpuint (domains->lost->len, ==, 3);
  g_assert_cmpuint (domains->n_host_left, ==, 6);
  g_assert_cmpuint (domains->n_guest, ==, 2);
  g_assert_cmpint (vitrine_ap_cheaper_reserve (rig.matrix, &selection), ==, VITRINE_AP_RESERVE_DOMAINS);
}

static void
what_is_reserved_already_costs_nothing (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, TRUE);
  const VitrineApSelection selection = select_ap ("5", "71, 171", "");
  g_autoptr(VitrineApReview) review = vitrine_ap_review (rig.matrix, &selection, VITRINE_AP_RESERVE_CARDS);

  g_assert_null (review->problem);
  g_assert_cmpuint (review->lost->len, ==, 0);
  g_assert_cmpuint (review->n_guest, ==, 2);
  g_assert_cmpuint (review->notes->len, ==, 0);
}

static void
the_last_queues_of_the_host_are_not_taken_unasked (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, TRUE);
  const VitrineApSelection selection = select_ap ("4-6", "4", "");
  g_autoptr(VitrineApReview) review = vitrine_ap_review (rig.matrix, &selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_ap_review_takes_all (review));
  g_assert_true (has_note (review, "Nothing is left for the host"));
  g_assert_null (vitrine_ap_plan_create (rig.matrix, &selection, VITRINE_AP_RESERVE_CARDS, FALSE, UUID, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_autoptr(VitrineHostPlan) plan
      = vitrine_ap_plan_create (rig.matrix, &selection, VITRINE_AP_RESERVE_CARDS, TRUE, UUID, NULL);
  g_assert_nonnull (plan);
}

static void
queues_that_are_not_there_are_said (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);
  const VitrineApSelection absent = select_ap ("6", "171", ""), offline = select_ap ("6", "71", "");
  g_autoptr(VitrineApReview) first = vitrine_ap_review (rig.matrix, &absent, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(VitrineApReview) second = vitrine_ap_review (rig.matrix, &offline, VITRINE_AP_RESERVE_CARDS);

  g_assert_true (has_note (first, "There is no queue 06.00ab: the guest does not see card 6"));
  g_assert_true (has_note (second, "Queue 06.0047 is offline"));
  g_assert_true (has_note (second, "mdevctl is not installed"));
}

/* --- plans ------------------------------------------------------------------------------------------------------- */

static void
the_dry_run_is_the_commands_in_order (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, FALSE);
  const VitrineApSelection selection = select_ap ("4, 5", "4, 71", "71");
  g_autoptr(VitrineHostPlan) plan = plan_create (&rig, &selection, VITRINE_AP_RESERVE_CARDS);
  g_autoptr(GString) commands = g_string_new (NULL);

  for (guint i = 0; i < vitrine_host_plan_get_n_steps (plan); i++)
    {
      g_autofree char *command = vitrine_host_plan_get_command (plan, i);
      g_string_append_printf (commands, "%s\n", command);
    }
  g_assert_cmpstr (commands->str, ==,
                   "modprobe vfio_ap\n"
                   "echo -4,-5 > /sys/bus/ap/apmask\n"
                   "echo " UUID " > /sys/class/mdev_bus/matrix/mdev_supported_types/vfio_ap-passthrough/create\n"
                   "echo 4 > /sys/bus/mdev/devices/" UUID "/assign_adapter\n"
                   "echo 5 > /sys/bus/mdev/devices/" UUID "/assign_adapter\n"
                   "echo 4 > /sys/bus/mdev/devices/" UUID "/assign_domain\n"
                   "echo 71 > /sys/bus/mdev/devices/" UUID "/assign_domain\n"
                   "echo 71 > /sys/bus/mdev/devices/" UUID "/assign_control_domain\n");
}

static void
mdevctl_writes_down_and_starts (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, TRUE);
  const VitrineApSelection selection = select_ap ("4", "71", "");
  g_autoptr(VitrineHostPlan) plan = plan_create (&rig, &selection, VITRINE_AP_RESERVE_DOMAINS);
  g_autofree char *text = vitrine_host_plan_to_shell (plan);

  g_assert_nonnull (strstr (text, "echo -71 > /sys/bus/ap/aqmask\n"));
  g_assert_nonnull (
      strstr (text, "mdevctl define --uuid " UUID " --parent matrix --type vfio_ap-passthrough --auto\n"));
  g_assert_nonnull (strstr (text, "mdevctl modify --uuid " UUID " --addattr assign_adapter --value 4\n"));
  g_assert_nonnull (strstr (text, "mdevctl modify --uuid " UUID " --addattr assign_domain --value 71\n"));
  g_assert_true (g_str_has_suffix (text, "mdevctl start --uuid " UUID "\n"));
}

static void
fails_at_every_step (Rig *rig, VitrineHostPlan *plan)
{
  g_autofree char *before = tree_rig_describe (rig->root);

  for (guint step = 1; step <= vitrine_host_plan_get_n_steps (plan); step++)
    {
      g_autoptr(GError) error = NULL;
      rig->kernel.calls = 0;
      rig->kernel.fail_at = (int) step;
      g_assert_false (vitrine_host_plan_run_by (plan, rig->tree, &z_kernel_hands, &rig->kernel, &error));
      g_assert_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_UNDONE);
      g_autofree char *after = tree_rig_describe (rig->root);
      g_assert_cmpstr (after, ==, before);
    }
  rig->kernel.fail_at = 0;
}

static void
make_and_remove (gconstpointer mdevctl)
{
  for (VitrineApReserve reserve = VITRINE_AP_RESERVE_CARDS; reserve <= VITRINE_AP_RESERVE_DOMAINS; reserve++)
    {
      g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, GPOINTER_TO_INT (mdevctl));
      const VitrineApSelection selection = select_ap ("4", "71, 171", "4, 171");
      g_autofree char *before = tree_rig_describe (rig.root);
      g_autoptr(VitrineHostPlan) create = plan_create (&rig, &selection, reserve);

      fails_at_every_step (&rig, create);
      run (&rig, create);
      const VitrineApDevice *device = vitrine_ap_matrix_find_device (rig.matrix, UUID);
      g_assert_true (vitrine_ap_mask_equal (&device->cards, &selection.cards));
      g_assert_true (vitrine_ap_mask_equal (&device->domains, &selection.domains));
      g_assert_true (vitrine_ap_mask_equal (&device->control, &selection.control));
      g_assert_cmpint (device->persistent, ==, GPOINTER_TO_INT (mdevctl));
      g_assert_cmpstr (label (&rig, 4, 71), ==, "Other guest");

      g_autoptr(VitrineHostPlan) remove = vitrine_ap_plan_remove (rig.matrix, UUID, TRUE, NULL);
      fails_at_every_step (&rig, remove);
      run (&rig, remove);
      g_autofree char *after = tree_rig_describe (rig.root);
      g_assert_cmpstr (after, ==, before);
    }
}

static void
the_driver_that_was_loaded_is_unloaded_when_it_fails (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_PLAIN, TRUE);
  const VitrineApSelection selection = select_ap ("4", "4, 71", "4");
  g_autoptr(VitrineHostPlan) plan = plan_create (&rig, &selection, VITRINE_AP_RESERVE_CARDS);

  fails_at_every_step (&rig, plan);
  run (&rig, plan);
  g_assert_cmpstr (vitrine_ap_matrix_find_queue (rig.matrix, 4, 171)->driver, ==, "vfio_ap");
}

static void
what_a_guest_uses_is_not_removed (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);
  g_autoptr(VitrineHostPlan) plan = vitrine_ap_plan_remove (rig.matrix, Z_HOST_DEVICE, TRUE, NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *before = tree_rig_describe (rig.root);

  rig.kernel.in_use = TRUE;
  g_assert_false (vitrine_host_plan_run_by (plan, rig.tree, &z_kernel_hands, &rig.kernel, &error));
  g_autofree char *after = tree_rig_describe (rig.root);
  g_assert_cmpstr (after, ==, before);
  g_assert_null (vitrine_ap_plan_remove (rig.matrix, UUID, TRUE, NULL));
}

static void
queues_that_another_device_needs_stay_reserved (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);
  const VitrineApSelection selection = select_ap ("4, 5", "71", "");
  g_autoptr(VitrineHostPlan) create = plan_create (&rig, &selection, VITRINE_AP_RESERVE_CARDS);

  run (&rig, create);
  g_autoptr(VitrineHostPlan) remove = vitrine_ap_plan_remove (rig.matrix, UUID, TRUE, NULL);
  run (&rig, remove);
  g_assert_cmpstr (label (&rig, 4, 71), ==, "Host");
  g_assert_cmpstr (label (&rig, 5, 71), ==, "Free");
  g_assert_cmpstr (label (&rig, 5, 4), ==, "Other guest");
}

static void
queues_can_stay_reserved (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_CONFLICTS, FALSE);
  g_autoptr(VitrineHostPlan) remove = vitrine_ap_plan_remove (rig.matrix, Z_HOST_DEVICE, FALSE, NULL);

  run (&rig, remove);
  g_assert_cmpstr (label (&rig, 5, 4), ==, "Free");
}

static void
a_large_matrix_is_read_and_reviewed (void)
{
  g_auto(Rig) rig = rig_new (Z_HOST_LARGE, TRUE);
  const VitrineApSelection selection = select_ap ("0-23", "3, 40", "");
  g_autoptr(VitrineApReview) review = vitrine_ap_review (rig.matrix, &selection, VITRINE_AP_RESERVE_DOMAINS);

  g_assert_cmpuint (rig.matrix->queues->len, ==, 24 * 85);
  g_assert_cmpuint (review->lost->len, ==, 48);
  g_assert_true (has_note (review, "00.0003, 00.0028, 01.0003, 01.0028, 02.0003, 02.0028 and 42 more."));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ap/cards-have-type-mode-and-state", cards_have_type_mode_and_state);
  g_test_add_func ("/ap/every-queue-says-whose-it-is", every_queue_says_whose_it_is);
  g_test_add_func ("/ap/what-is-missing-has-its-sentence", what_is_missing_has_its_sentence);
  g_test_add_func ("/ap/hostile-names-and-numbers-are-left-out", hostile_names_and_numbers_are_left_out);
  g_test_add_func ("/ap/libvirt-tells-it-too", libvirt_tells_it_too);
  g_test_add_func ("/ap/libvirt-makes-what-is-reserved", libvirt_makes_what_is_reserved);
  g_test_add_func ("/ap/a-libvirt-host-says-what-is-missing", a_libvirt_host_says_what_is_missing);
  g_test_add_func ("/ap/what-cannot-be-chosen-has-its-sentence", what_cannot_be_chosen_has_its_sentence);
  g_test_add_func ("/ap/what-the-host-loses-is-counted-by-what-is-reserved",
                   what_the_host_loses_is_counted_by_what_is_reserved);
  g_test_add_func ("/ap/what-is-reserved-already-costs-nothing", what_is_reserved_already_costs_nothing);
  g_test_add_func ("/ap/the-last-queues-of-the-host-are-not-taken-unasked",
                   the_last_queues_of_the_host_are_not_taken_unasked);
  g_test_add_func ("/ap/queues-that-are-not-there-are-said", queues_that_are_not_there_are_said);
  g_test_add_func ("/ap/the-dry-run-is-the-commands-in-order", the_dry_run_is_the_commands_in_order);
  g_test_add_func ("/ap/mdevctl-writes-down-and-starts", mdevctl_writes_down_and_starts);
  g_test_add_data_func ("/ap/made-and-removed-or-as-it-was/kernel", GINT_TO_POINTER (FALSE), make_and_remove);
  g_test_add_data_func ("/ap/made-and-removed-or-as-it-was/mdevctl", GINT_TO_POINTER (TRUE), make_and_remove);
  g_test_add_func ("/ap/the-driver-that-was-loaded-is-unloaded-when-it-fails",
                   the_driver_that_was_loaded_is_unloaded_when_it_fails);
  g_test_add_func ("/ap/what-a-guest-uses-is-not-removed", what_a_guest_uses_is_not_removed);
  g_test_add_func ("/ap/queues-that-another-device-needs-stay-reserved",
                   queues_that_another_device_needs_stay_reserved);
  g_test_add_func ("/ap/queues-can-stay-reserved", queues_can_stay_reserved);
  g_test_add_func ("/ap/a-large-matrix-is-read-and-reviewed", a_large_matrix_is_read_and_reviewed);
  return g_test_run ();
}
