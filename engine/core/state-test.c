/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state.h"

#include <string.h>

typedef struct
{
  uint64_t wide;
  uint32_t words[3];
  uint16_t half;
  bool     flag;
  uint8_t  fuse;
} Sample;

static const Sample  sample_reset = { .wide = 7, .words = { 1, 2, 3 }, .fuse = 9 };
static const VtField sample_fields[] = {
  VT_FIELD (Sample, wide),
  VT_FIELD (Sample, words),
  VT_FIELD_SINCE (2, Sample, half),
  VT_FIELD (Sample, flag),
  VT_FIELD_KEPT (Sample, fuse),
};
static const VtState sample_state = VT_STATE (2, Sample, sample_fields, &sample_reset);

static void
a_saved_block_loads_back_byte_for_byte (void)
{
  Sample in = { .wide = 0x1122334455667788, .words = { 4, 5, 6 }, .half = 0xbeef, .flag = true, .fuse = 1 }, out;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  vt_state_save (&sample_state, &in, bytes);
  g_assert_cmpuint (bytes->len, ==, 8 + 12 + 2 + 1 + 1);
  g_assert_cmphex (bytes->data[0], ==, 0x88);
  g_assert_true (vt_state_load (&sample_state, &out, 2, bytes->data, bytes->len, NULL));
  g_assert_cmpint (memcmp (&in, &out, sizeof in), ==, 0);
}

static void
an_older_stream_gets_reset_values_for_new_fields (void)
{
  Sample out;
  const uint8_t old[8 + 12 + 1 + 1] = { 1, [20] = 1 };
  g_assert_true (vt_state_load (&sample_state, &out, 1, old, sizeof old, NULL));
  g_assert_cmpuint (out.wide, ==, 1);
  g_assert_cmpuint (out.half, ==, 0);
  g_assert_true (out.flag);
}

static void
broken_streams_are_refused (void)
{
  Sample out;
  uint8_t bytes[24] = { 0 };
  g_assert_false (vt_state_load (&sample_state, &out, 3, bytes, 24, NULL));
  g_assert_false (vt_state_load (&sample_state, &out, 0, bytes, 24, NULL));
  g_assert_false (vt_state_load (&sample_state, &out, 2, bytes, 23, NULL));
  g_assert_false (vt_state_load (&sample_state, &out, 1, bytes, 24, NULL));
  bytes[22] = 2;
  g_assert_false (vt_state_load (&sample_state, &out, 2, bytes, 24, NULL));
}

static void
a_guest_reset_keeps_kept_fields_only (void)
{
  Sample block = { .wide = 1, .fuse = 77 };
  vt_state_reset (&sample_state, &block, false);
  g_assert_cmpuint (block.wide, ==, 7);
  g_assert_cmpuint (block.words[2], ==, 3);
  g_assert_cmpuint (block.fuse, ==, 77);
  vt_state_reset (&sample_state, &block, true);
  g_assert_cmpuint (block.fuse, ==, 9);
}

static void
a_forgotten_field_is_found (void)
{
  g_autofree char *message = NULL;
  g_assert_true (vt_state_complete (&sample_state, &message));
  VtState shorter = sample_state;
  shorter.n_fields--;
  g_assert_false (vt_state_complete (&shorter, &message));
  g_assert_nonnull (message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state/round-trip", a_saved_block_loads_back_byte_for_byte);
  g_test_add_func ("/state/older", an_older_stream_gets_reset_values_for_new_fields);
  g_test_add_func ("/state/broken", broken_streams_are_refused);
  g_test_add_func ("/state/reset", a_guest_reset_keeps_kept_fields_only);
  g_test_add_func ("/state/complete", a_forgotten_field_is_found);
  return g_test_run ();
}
