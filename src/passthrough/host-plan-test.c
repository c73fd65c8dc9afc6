/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-plan.h"

#include "tree-rig.h"

/* --- a kernel that fails when told to ----------------------------------------------------------------------------- */

typedef struct
{
  int fail_at, fail_also;   /* which call, from 1; 0: none */
  int calls;
} Kernel;

static gboolean
answers (Kernel *kernel, GError **error)
{
  kernel->calls++;
  if (kernel->calls != kernel->fail_at && kernel->calls != kernel->fail_also)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Device or resource busy");
  return FALSE;
}

static gboolean
kernel_write (gpointer data, VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  return answers (data, error) && vitrine_host_tree_write (tree, path, value, error);
}

static gboolean
kernel_run (gpointer data, VitrineHostTree *tree, const char *const *argv, GError **error)
{
  return answers (data, error) && vitrine_host_tree_run (tree, argv, error);
}

static const VitrineHostHands hands = { .write = kernel_write, .run = kernel_run };

static char *
make_tree (void)
{
  char *root = tree_rig_make ();

  tree_rig_file (root, "sys/a", "0");
  tree_rig_file (root, "sys/b", "0");
  tree_rig_link (root, "sys/driver", "../drivers/vfio-pci");
  tree_rig_program (root, "usr/sbin/modprobe",
                    "#!/bin/sh\ncd \"$VITRINE_HOST_TREE\"\n"
                    "if [ \"$1\" = -r ]; then rmdir sys/vfio-pci; else mkdir sys/vfio-pci; fi");
  return root;
}

static VitrineHostPlan *
make_plan (void)
{
  VitrineHostPlan *plan = vitrine_host_plan_new ();

  vitrine_host_plan_load_module (plan, "vfio-pci", "The driver that gives devices away.");
  vitrine_host_plan_write (plan, "sys/a", "1", "sys/a", "0", "First.");
  vitrine_host_plan_write (plan, "sys/b", "2", "sys/b", "0", "Second.");
  vitrine_host_plan_expect_link (plan, "sys/driver", "vfio-pci", "Was it taken?");
  return plan;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void
a_plan_reads_as_the_commands_that_it_runs (void)
{
  g_autoptr(VitrineHostPlan) plan = make_plan ();

  vitrine_host_plan_write (plan, "sys/over ride", "", NULL, NULL, "A name\nrm -rf /");
  vitrine_host_plan_write (plan, "sys/c", "$(reboot)", NULL, NULL, "Third.");
  vitrine_host_plan_expect_link (plan, "sys/driver", NULL, "Is it free?");
  g_autofree char *text = vitrine_host_plan_to_shell (plan);
  g_assert_cmpstr (text, ==,
                   "# The driver that gives devices away.\nmodprobe vfio-pci\n"
                   "# First.\necho 1 > /sys/a\n"
                   "# Second.\necho 2 > /sys/b\n"
                   "# Was it taken?\ntest \"$(basename \"$(readlink /sys/driver)\")\" = vfio-pci\n"
                   "# A name rm -rf /\necho > '/sys/over ride'\n"
                   "# Third.\necho '$(reboot)' > /sys/c\n"
                   "# Is it free?\ntest ! -e /sys/driver\n");
}

static void
a_plan_changes_the_tree_in_order (void)
{
  char *root = make_tree ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(VitrineHostPlan) plan = make_plan ();
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_host_plan_run (plan, tree, &error));
  g_assert_no_error (error);
  g_autofree char *a = vitrine_host_tree_read (tree, "sys/a"), *b = vitrine_host_tree_read (tree, "sys/b");
  g_assert_cmpstr (a, ==, "1");
  g_assert_cmpstr (b, ==, "2");
  g_assert_true (vitrine_host_tree_exists (tree, "sys/vfio-pci"));
  tree_rig_drop (root);
}

static void
a_failure_at_any_step_leaves_all_as_it_was (void)
{
  for (int step = 1; step <= 3; step++)
    {
      char *root = make_tree ();
      g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
      g_autoptr(VitrineHostPlan) plan = make_plan ();
      g_autoptr(GError) error = NULL;
      Kernel kernel = { .fail_at = step };
      g_autofree char *before = tree_rig_describe (root), *words = g_strdup_printf ("Step %d of 4 failed", step);

      g_assert_false (vitrine_host_plan_run_by (plan, tree, &hands, &kernel, &error));
      g_assert_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_UNDONE);
      g_assert_true (g_str_has_prefix (error->message, words));
      g_autofree char *after = tree_rig_describe (root);
      g_assert_cmpstr (after, ==, before);
      tree_rig_drop (root);
    }
}

static void
what_the_kernel_took_without_doing_it_is_noticed (void)
{
  char *root = make_tree ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(VitrineHostPlan) plan = make_plan ();
  g_autoptr(GError) error = NULL;
  g_autofree char *before = tree_rig_describe (root);

  vitrine_host_plan_expect_link (plan, "sys/driver", NULL, "Is it free?");
  g_assert_false (vitrine_host_plan_run (plan, tree, &error));
  g_assert_cmpstr (
      error->message, ==,
      "Step 5 of 5 failed: /sys/driver is “vfio-pci”. (Is it free?)\nWhat was done before has been undone.");
  g_autofree char *after = tree_rig_describe (root);
  g_assert_cmpstr (after, ==, before);
  tree_rig_drop (root);
}

static void
what_cannot_be_undone_is_said_and_the_rest_is_undone (void)
{
  char *root = make_tree ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(VitrineHostPlan) plan = make_plan ();
  g_autoptr(GError) error = NULL;
  Kernel kernel = { .fail_at = 3, .fail_also = 4 };   /* writing b, then undoing a */

  g_assert_false (vitrine_host_plan_run_by (plan, tree, &hands, &kernel, &error));
  g_assert_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_LEFT);
  g_assert_true (g_str_has_suffix (error->message, "\necho 0 > /sys/a (Device or resource busy)"));
  g_assert_false (vitrine_host_tree_exists (tree, "sys/vfio-pci"));
  tree_rig_drop (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/host-plan/a-plan-reads-as-the-commands-that-it-runs", a_plan_reads_as_the_commands_that_it_runs);
  g_test_add_func ("/host-plan/a-plan-changes-the-tree-in-order", a_plan_changes_the_tree_in_order);
  g_test_add_func ("/host-plan/a-failure-at-any-step-leaves-all-as-it-was", a_failure_at_any_step_leaves_all_as_it_was);
  g_test_add_func ("/host-plan/what-the-kernel-took-without-doing-it-is-noticed",
                   what_the_kernel_took_without_doing_it_is_noticed);
  g_test_add_func ("/host-plan/what-cannot-be-undone-is-said-and-the-rest-is-undone",
                   what_cannot_be_undone_is_said_and_the_rest_is_undone);
  return g_test_run ();
}
