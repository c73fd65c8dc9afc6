/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choose.h"

#include <vitrine/error.h>

static bool
works (GError **error)
{
  return true;
}

static bool
fails (GError **error)
{
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "It is missing");
  return false;
}

static bool
would_be_slow (GError **error)
{
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "It would be slow");
  return false;
}

static const VtAccel good = { .name = "good", .summary = "Good enough.", .probe = works };
static const VtAccel missing = { .name = "missing", .summary = "Not here.", .probe = fails };
static const VtAccel slow = { .name = "slow", .summary = "Slow.", .probe = works, .recommend = would_be_slow };

static void
the_first_that_is_recommended_is_taken (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_JIT, &good }, { VT_ACCEL_INTERP, &slow } };
  g_autofree char *sentence = NULL;
  g_assert_true (vt_accel_choose_from (rows, 2, VT_ACCEL_AUTO, &sentence, NULL) == &good);
  g_assert_cmpstr (sentence, ==, "good (Good enough)");
}

static void
what_was_passed_over_is_explained (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_KVM, &missing }, { VT_ACCEL_JIT, &slow }, { VT_ACCEL_INTERP, &good } };
  g_autofree char *sentence = NULL;
  g_assert_true (vt_accel_choose_from (rows, 3, VT_ACCEL_AUTO, &sentence, NULL) == &good);
  g_assert_cmpstr (sentence, ==, "good (It is missing; It would be slow)");
}

static void
one_that_is_asked_for_need_not_be_recommended (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_KVM, &slow }, { VT_ACCEL_INTERP, &good } };
  g_autofree char *sentence = NULL;
  g_assert_true (vt_accel_choose_from (rows, 2, VT_ACCEL_KVM, &sentence, NULL) == &slow);
  g_assert_cmpstr (sentence, ==, "slow (as asked for)");
}

static void
one_that_is_asked_for_and_missing_is_an_error (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_KVM, &missing }, { VT_ACCEL_INTERP, &good } };
  g_autofree char *sentence = NULL;
  g_autoptr (GError) error = NULL, unknown = NULL;
  g_assert_null (vt_accel_choose_from (rows, 2, VT_ACCEL_KVM, &sentence, &error));
  g_assert_cmpstr (error->message, ==, "The accelerator “missing” cannot be used: It is missing");
  g_assert_null (vt_accel_choose_from (rows, 2, VT_ACCEL_COSIM, &sentence, &unknown));
  g_assert_nonnull (unknown);
  g_assert_null (sentence);
}

static void
one_that_is_only_for_asking_is_not_chosen_by_itself (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_JIT, &slow, .on_request = true }, { VT_ACCEL_INTERP, &good } };
  g_autofree char *sentence = NULL, *asked = NULL;
  g_assert_true (vt_accel_choose_from (rows, 2, VT_ACCEL_AUTO, &sentence, NULL) == &good);
  g_assert_cmpstr (sentence, ==, "good (Good enough)");
  g_assert_true (vt_accel_choose_from (rows, 2, VT_ACCEL_JIT, &asked, NULL) == &slow);
}

static void
without_any_all_reasons_are_told (void)
{
  const VtAccelRow rows[] = { { VT_ACCEL_KVM, &missing }, { VT_ACCEL_JIT, &slow } };
  g_autofree char *sentence = NULL;
  g_autoptr (GError) error = NULL;
  g_assert_null (vt_accel_choose_from (rows, 2, VT_ACCEL_AUTO, &sentence, &error));
  g_assert_nonnull (strstr (error->message, "It is missing; It would be slow"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/choose/first", the_first_that_is_recommended_is_taken);
  g_test_add_func ("/choose/passed-over", what_was_passed_over_is_explained);
  g_test_add_func ("/choose/explicit", one_that_is_asked_for_need_not_be_recommended);
  g_test_add_func ("/choose/missing", one_that_is_asked_for_and_missing_is_an_error);
  g_test_add_func ("/choose/on-request", one_that_is_only_for_asking_is_not_chosen_by_itself);
  g_test_add_func ("/choose/none", without_any_all_reasons_are_told);
  return g_test_run ();
}
