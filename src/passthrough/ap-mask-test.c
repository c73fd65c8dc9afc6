/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Masks of the AP bus: the forms that the kernel reads and writes. */
#include "ap-mask.h"

static VitrineApMask
of_list (const char *list)
{
  VitrineApMask mask;
  g_autoptr(GError) error = NULL;

  vitrine_ap_mask_parse_list (&mask, list, &error);
  g_assert_no_error (error);
  return mask;
}

static void
bit_0_is_the_leftmost (void)
{
  VitrineApMask mask = of_list ("0, 4, 255");
  g_autofree char *text = vitrine_ap_mask_to_text (&mask);

  g_assert_cmpstr (text, ==, "0x8800000000000000000000000000000000000000000000000000000000000001");
  g_assert_cmpuint (vitrine_ap_mask_count (&mask), ==, 3);
}

static void
an_absolute_mask_is_padded_at_the_right (void)
{
  VitrineApMask mask = of_list ("9"), expected = of_list ("1, 6");

  g_assert_true (vitrine_ap_mask_apply (&mask, "0x42"));
  g_assert_true (vitrine_ap_mask_equal (&mask, &expected));
}

static void
a_relative_mask_changes_what_it_names (void)
{
  VitrineApMask mask = of_list ("4, 5, 6"), expected = of_list ("0, 4, 5, 71");

  g_assert_true (vitrine_ap_mask_apply (&mask, "+0,-6,+0x47"));
  g_assert_true (vitrine_ap_mask_equal (&mask, &expected));
}

static void
what_is_no_mask_changes_nothing (void)
{
  static const char *const bad[] = { "", "0x", "4", "+", "+256", "+4,", "+4 ", "+4,5", "0xg", "-0x100", "+-4",
    "0x00000000000000000000000000000000000000000000000000000000000000000" };
  VitrineApMask mask = of_list ("4"), was = mask;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (vitrine_ap_mask_apply (&mask, bad[i]));
      g_assert_true (vitrine_ap_mask_equal (&mask, &was));
    }
}

static void
the_difference_makes_one_of_the_other (void)
{
  for (guint round = 0; round < 200; round++)
    {
      VitrineApMask from, to, made;
      for (guint i = 0; i < G_N_ELEMENTS (from.words); i++)
        {
          from.words[i] = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
          to.words[i] = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
        }
      g_autofree char *there = vitrine_ap_mask_difference (&from, &to);
      g_autofree char *absolute = vitrine_ap_mask_to_text (&to);
      made = from;
      g_assert_true (vitrine_ap_mask_apply (&made, there));
      g_assert_true (vitrine_ap_mask_equal (&made, &to));
      made = from;
      g_assert_true (vitrine_ap_mask_apply (&made, absolute));
      g_assert_true (vitrine_ap_mask_equal (&made, &to));
      g_assert_null (vitrine_ap_mask_difference (&to, &made));
    }
}

static void
a_list_is_read_as_people_write_it (void)
{
  VitrineApMask mask = of_list ("0x47,10-12  3,"), kept = mask;
  g_autofree char *text = vitrine_ap_mask_to_list (&mask);
  static const char *const bad[] = { "256", "-3", "3-", "5-3", "1e3", "four", "3--5", "0x" };

  g_assert_cmpstr (text, ==, "3, 10, 11, 12, 71");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (vitrine_ap_mask_parse_list (&mask, bad[i], &error));
      g_assert_nonnull (error);
      g_assert_true (vitrine_ap_mask_equal (&mask, &kept));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ap-mask/bit-0-is-the-leftmost", bit_0_is_the_leftmost);
  g_test_add_func ("/ap-mask/an-absolute-mask-is-padded-at-the-right", an_absolute_mask_is_padded_at_the_right);
  g_test_add_func ("/ap-mask/a-relative-mask-changes-what-it-names", a_relative_mask_changes_what_it_names);
  g_test_add_func ("/ap-mask/what-is-no-mask-changes-nothing", what_is_no_mask_changes_nothing);
  g_test_add_func ("/ap-mask/the-difference-makes-one-of-the-other", the_difference_makes_one_of_the_other);
  g_test_add_func ("/ap-mask/a-list-is-read-as-people-write-it", a_list_is_read_as_people_write_it);
  return g_test_run ();
}
