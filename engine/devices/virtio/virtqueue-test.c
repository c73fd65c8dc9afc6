/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rings of both layouts: order, indices, interrupts; and drivers that break every rule of them, on a virtio disk. */
#include "virtio-blk-rig.h"
#include "virtio-pci.h"

enum
{
  SIZE = DRIVER_SIZE,
  NEXT = DRIVER_NEXT, WRITE = DRIVER_WRITE, TABLE = DRIVER_INDIRECT,
};

static uint64_t
features_of (gconstpointer data)
{
  return *(const uint64_t *) data;
}

/* --- Good drivers ------------------------------------------------------------------------------------------------- */

static void
rings_wrap_around_for_ever (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features), 1);
  driver_start (&blk->rig, 1);
  for (unsigned i = 0; i < 70000; i++)
    {
      g_assert_cmphex (blk_request (blk, 0, i % 1000, 512, true), ==, 0);
      if (i % 100 == 0)
        g_assert_cmpmem (driver_memory (&blk->rig, BLK_DATA), 512, blk->disk->bytes + i % 1000 * 512, 512);
    }
}

/* Sizes that are no power of two exist only in packed rings. */
static void
a_packed_ring_may_have_any_size (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (VIRTIO_F_RING_PACKED, 1);
  driver_negotiate (&blk->rig);
  driver_put (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, 7, 2);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, 2), ==, 7);
  blk->rig.features = 0;
  driver_negotiate (&blk->rig);
  driver_put (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, 7, 2);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, 2), !=, 7);
}

static void
event_indices_spare_interrupts (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features) | VIRTIO_F_RING_EVENT_IDX, 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  unsigned step = driver_packed (rig) && !rig->indirect ? 3 : 1;
  for (unsigned round = 0; round < 20; round++)
    {
      driver_set_event (rig, 0, 3 * step);     /* only after three more */
      for (unsigned i = 0; i < 3; i++)
        {
          blk_request (blk, 0, 0, 512, true);
          /* Of the first one ever the device cannot know what it has told. */
          if (round > 0 || i > 0)
            g_assert_false (rig->pci->line);
          driver_isr (rig);
        }
      blk_request (blk, 0, 0, 512, true);
      g_assert_true (rig->pci->line);
      driver_isr (rig);
    }
  /* And we ask for a kick at the next entry. */
  unsigned wish = (unsigned) driver_get (rig, DRIVER_USED + (driver_packed (rig) ? 0 : 4 + SIZE * 8), 2);
  if (driver_packed (rig))
    {
      g_assert_cmphex (wish, ==, rig->queue[0].next % SIZE | (rig->queue[0].next / SIZE % 2 == 0 ? 0x8000 : 0));
      g_assert_cmphex (driver_get (rig, DRIVER_USED + 2, 2), ==, 2);
    }
  else
    g_assert_cmpuint (wish, ==, rig->queue[0].next);
}

/* Requests that end in another order than they began. */
static void
order_is_kept_only_when_agreed_on (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features), 1);
  DriverRig *rig = &blk->rig;
  bool       in_order = (rig->features & VIRTIO_F_IN_ORDER) != 0;
  driver_start (rig, 1);
  for (unsigned i = 0; i < 3; i++)
    blk_offer (blk, 0, i, 0, i, 512, true);
  driver_kick (rig, 0);
  unsigned first[3], n = 0;
  uint32_t len;
  test_disk_run_one (blk->disk, 2);
  test_disk_run_one (blk->disk, 1);
  while (driver_used (rig, 0, &len) != 0)
    n++;
  g_assert_cmpuint (n, ==, in_order ? 0 : 2);
  test_disk_run_one (blk->disk, 0);
  for (n = 0; n < 3 && driver_used_id (rig, 0, &first[n], &len); n++)
    g_assert_cmphex (rig->queue[0].first_at[first[n]], ==, BLK_HEADER + 16 * n);
  g_assert_cmpuint (n, ==, in_order ? 3 : 1);
}

/* --- Hostile drivers: what both layouts have in common ------------------------------------------------------------ */

typedef void (*Crime) (BlkRig *blk);

/* One descriptor, in the layout of the ring, as the first of the next element. */
static void
put (BlkRig *blk, unsigned i, uint64_t at, uint32_t len, unsigned flags, unsigned next)
{
  if (driver_packed (&blk->rig))
    driver_put_packed (&blk->rig, 0, i, at, len, flags, i);
  else
    driver_put_desc (&blk->rig, DRIVER_DESC, i, at, len, flags, next);
}

static void
put_in_table (BlkRig *blk, unsigned i, uint64_t at, uint32_t len, unsigned flags, unsigned next)
{
  bool packed = driver_packed (&blk->rig);
  driver_put_desc (&blk->rig, DRIVER_TABLE, i, at, len, packed ? 0 : flags, packed ? flags : next);
}

static void offer (BlkRig *blk)
{
  if (!driver_packed (&blk->rig))
    driver_offer_head (&blk->rig, 0, 0);
  driver_kick (&blk->rig, 0);
  test_disk_run (blk->disk);
}

static void empty_buffer (BlkRig *b) { put (b, 0, BLK_DATA, 0, 0, 0); }
static void buffer_beyond_memory (BlkRig *b) { put (b, 0, PCI_RIG_RAM_BYTES - 8, 16, 0, 0); }
static void buffer_that_wraps (BlkRig *b) { put (b, 0, UINT64_MAX - 7, 0xffffffff, 0, 0); }
static void buffer_of_4_gib (BlkRig *b) { put (b, 0, BLK_DATA, 0xffffffff, WRITE, 0); }
static void buffer_in_registers (BlkRig *b) { put (b, 0, DRIVER_REGS, 16, 0, 0); }
static void
readable_after_writable (BlkRig *b)
{
  put (b, 1, BLK_DATA, 16, 0, 0);
  put (b, 0, BLK_DATA, 16, NEXT | WRITE, 1);
}
static void table_of_odd_size (BlkRig *b) { put (b, 0, DRIVER_TABLE, 17, TABLE, 0); }
static void table_of_no_size (BlkRig *b) { put (b, 0, DRIVER_TABLE, 0, TABLE, 0); }
static void table_of_4_gib (BlkRig *b) { put (b, 0, DRIVER_TABLE, 0xfffffff0, TABLE, 0); }
static void table_outside_memory (BlkRig *b) { put (b, 0, UINT64_C (1) << 50, 64, TABLE, 0); }
static void table_with_next (BlkRig *b) { put (b, 0, DRIVER_TABLE, 16, TABLE | NEXT, 1); }
static void
table_in_table (BlkRig *b)
{
  put_in_table (b, 0, DRIVER_TABLE, 16, TABLE, 0);
  put (b, 0, DRIVER_TABLE, 16, TABLE, 0);
}
static void no_header (BlkRig *b) { put (b, 0, BLK_DATA, 16, WRITE, 0); }
static void no_status (BlkRig *b) { put (b, 0, BLK_DATA, 16, 0, 0); }
static void
short_header (BlkRig *b)
{
  put (b, 1, BLK_DATA, 16, WRITE, 0);
  put (b, 0, BLK_DATA, 15, NEXT, 1);
}
/* Split: index 0 again. Packed: all descriptors of the ring say that there is a next one. */
static void
endless_chain (BlkRig *b)
{
  for (unsigned i = SIZE; i-- > 0;)
    put (b, i, BLK_DATA, 16, NEXT, (i + 1) % SIZE);
}

static void loop_of_one (BlkRig *b) { put (b, 0, BLK_DATA, 16, NEXT, 0); }
static void next_out_of_range (BlkRig *b) { put (b, 0, BLK_DATA, 16, NEXT, SIZE); }
static void
loop_in_table (BlkRig *b)
{
  put (b, 0, DRIVER_TABLE, 32, TABLE, 0);
  put_in_table (b, 0, BLK_DATA, 8, NEXT, 0);
}
static void
head_out_of_range (BlkRig *b)
{
  driver_put (&b->rig, DRIVER_AVAIL + 4, SIZE, 2);
  driver_put (&b->rig, DRIVER_AVAIL + 2, 1, 2);
  driver_kick (&b->rig, 0);
}
static void
index_that_jumped (BlkRig *b)
{
  driver_put (&b->rig, DRIVER_AVAIL + 2, SIZE + 1, 2);
  driver_kick (&b->rig, 0);
}

static void
table_behind_a_buffer (BlkRig *b)
{
  put (b, 1, DRIVER_TABLE, 16, TABLE, 0);
  put (b, 0, BLK_DATA, 16, NEXT, 1);
}

static const struct
{
  const char *name;
  Crime       commit;
  enum { BOTH, SPLIT, PACKED } layout;
} crimes[] = {
#define CRIME(fn, layout) { #fn, fn, layout }
  CRIME (empty_buffer, BOTH), CRIME (buffer_beyond_memory, BOTH), CRIME (buffer_that_wraps, BOTH),
  CRIME (buffer_of_4_gib, BOTH), CRIME (buffer_in_registers, BOTH), CRIME (readable_after_writable, BOTH),
  CRIME (table_of_odd_size, BOTH), CRIME (table_of_no_size, BOTH), CRIME (table_of_4_gib, BOTH),
  CRIME (table_outside_memory, BOTH), CRIME (table_with_next, BOTH), CRIME (table_in_table, BOTH),
  CRIME (no_header, BOTH), CRIME (no_status, BOTH), CRIME (short_header, BOTH), CRIME (endless_chain, BOTH),
  CRIME (loop_of_one, SPLIT), CRIME (next_out_of_range, SPLIT), CRIME (loop_in_table, SPLIT),
  CRIME (head_out_of_range, SPLIT), CRIME (index_that_jumped, SPLIT), CRIME (table_behind_a_buffer, PACKED),
};

static void
every_crime_stops_the_device_until_it_is_reset (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features) & VIRTIO_F_RING_FORMS, 1);
  DriverRig *rig = &blk->rig;
  for (size_t i = 0; i < G_N_ELEMENTS (crimes); i++)
    {
      if (crimes[i].layout == (driver_packed (rig) ? SPLIT : PACKED))
        continue;
      rig->features |= VIRTIO_F_RING_INDIRECT_DESC;
      driver_start (rig, 1);
      driver_isr (rig);
      crimes[i].commit (blk);
      if (!driver_needs_reset (rig))
        offer (blk);
      if (!driver_needs_reset (rig))
        g_error ("%s went unpunished", crimes[i].name);
      g_assert_cmphex (driver_isr (rig) & 2, ==, 2);
      driver_kick (rig, 0);
      rig->features &= ~VIRTIO_F_RING_INDIRECT_DESC;
      driver_start (rig, 1);
      g_assert_cmphex (blk_request (blk, 0, 1, 512, true), ==, 0);
    }
}

static void
a_table_needs_the_feature (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features) & VIRTIO_F_RING_FORMS, 1);
  driver_start (&blk->rig, 1);
  blk->rig.indirect = true;
  blk_offer (blk, 0, 0, 0, 1, 512, true);
  driver_kick (&blk->rig, 0);
  g_assert_true (driver_needs_reset (&blk->rig));
}

/* Buffers that are offered again while the device has them. */
static void
no_more_is_taken_than_the_ring_holds (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features) & VIRTIO_F_RING_FORMS, 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  rig->indirect = false;
  for (unsigned i = 0; i < SIZE + 1; i++)
    {
      blk_offer (blk, 0, 0, 0, 1, 512, true);
      driver_kick (rig, 0);
    }
  g_assert_true (driver_needs_reset (rig));
  g_assert_cmpuint (blk->disk->waiting->len, ==, driver_packed (rig) ? SIZE / 3 : SIZE);
  test_disk_run (blk->disk);
}

static void
rings_in_nothing_are_caught (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features), 1);
  DriverRig *rig = &blk->rig;
  driver_negotiate (rig);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DESC, UINT64_C (1) << 60, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DRIVER, UINT64_MAX - 1, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DEVICE, UINT64_MAX - 3, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 1, 2);
  g_assert_true (driver_needs_reset (rig));
  driver_negotiate (rig);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DESC, UINT64_C (1) << 60, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DRIVER, UINT64_C (1) << 60, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 1, 2);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 15, 1);
  driver_kick (rig, 0);
  g_assert_true (driver_needs_reset (rig));
  driver_negotiate (rig);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DESC, DRIVER_DESC + 1, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 1, 2);
  g_assert_cmphex (driver_get (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 2), ==, 0);
  /* Without bus mastering there is no memory at all. */
  driver_start (rig, 1);
  vt_pci_bus_config_write (rig->pci->bus, 0, DRIVER_DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  driver_kick (rig, 0);
  g_assert_true (driver_needs_reset (rig));
}

/* A saved state with positions outside of the ring, or with a ring that the features do not allow. */
static void
saved_positions_are_checked (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (VIRTIO_F_RING_PACKED, 1);
  VtVirtioPciState *s = vt_device_state (blk->rig.dev);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  driver_start (&blk->rig, 1);
  s->virtio.queue[0].next_avail = SIZE;
  vt_device_save (blk->rig.dev, saved);
  s->virtio.queue[0].next_avail = 0;
  g_assert_false (vt_device_load (blk->rig.dev, vt_virtio_blk_pci.state.version, saved->data, saved->len, NULL));
  g_byte_array_set_size (saved, 0);
  s->virtio.status &= (uint8_t) ~VIRTIO_STATUS_FEATURES_OK;
  vt_device_save (blk->rig.dev, saved);
  g_assert_false (vt_device_load (blk->rig.dev, vt_virtio_blk_pci.state.version, saved->data, saved->len, NULL));
}

/* --- Chance ------------------------------------------------------------------------------------------------------- */

static void
random_step (BlkRig *blk, GRand *random)
{
  DriverRig *rig = &blk->rig;
  unsigned   n = (unsigned) g_rand_int_range (random, 0, SIZE);
  bool       in_ring = g_rand_int_range (random, 0, 3) != 0;
  uint64_t   where = g_rand_int_range (random, 0, 30) ? BLK_HEADER + (g_rand_int (random) & 0x3fff0) : g_rand_int (random);
  unsigned   flags = g_rand_int_range (random, 0, 12) ? (g_rand_int (random) & 3) : TABLE;
  uint32_t   len = g_rand_int_range (random, 0, 20) ? 16u * (uint32_t) g_rand_int_range (random, 1, 80) : g_rand_int (random);
  if (flags == TABLE)
    where = DRIVER_TABLE;
  rig->queue[0].slots[n] = 1;
  if (in_ring && driver_packed (rig))
    driver_put_packed (rig, 0, rig->queue[0].next + n % 3, where, len, flags, n);
  else if (in_ring)
    put (blk, n, where, len, flags, (unsigned) g_rand_int_range (random, 0, SIZE));
  else
    put_in_table (blk, n, where, len, flags, (unsigned) g_rand_int_range (random, 0, SIZE));
  driver_put (rig, BLK_HEADER + (g_rand_int (random) & 0x3fff0), g_rand_int_range (random, 0, 14), 4);
  if (driver_packed (rig))
    rig->queue[0].next += g_rand_boolean (random);
  else if (g_rand_boolean (random))
    driver_offer_head (rig, 0, n);
  if (g_rand_int_range (random, 0, 200) == 0)
    driver_put (rig, DRIVER_AVAIL + 2, g_rand_int (random), 2);
  driver_kick (rig, 0);
}

static void
random_rings_never_hurt (gconstpointer features)
{
  g_autoptr (BlkRig) blk = blk_rig_new (features_of (features) | VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_RING_INDIRECT_DESC, 1);
  g_autoptr (GRand) random = g_rand_new_with_seed (4711);
  DriverRig *rig = &blk->rig;
  unsigned   stops = 0, n_used = 0;
  driver_start (rig, 1);
  for (unsigned i = 0, rounds = g_test_slow () ? 10000000 : 60000; i < rounds; i++)
    {
      random_step (blk, random);
      if (g_rand_int_range (random, 0, 4) == 0)
        test_disk_run (blk->disk);
      n_used += driver_count_used (rig, 0);
      if (!driver_needs_reset (rig) && g_rand_int_range (random, 0, 100) != 0)
        continue;
      stops++;
      driver_reset (rig);
      test_disk_run (blk->disk);
      driver_start (rig, 1);
    }
  g_test_message ("%u stops, %u requests answered", stops, n_used);
  g_assert_cmpuint (stops, >, 1000);
  g_assert_cmpuint (n_used, >, 100);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    uint64_t    features;
  } forms[] = {
    { "split", 0 },
    { "split-indirect-in-order", VIRTIO_F_RING_INDIRECT_DESC | VIRTIO_F_IN_ORDER },
    { "packed", VIRTIO_F_RING_PACKED },
    { "packed-indirect", VIRTIO_F_RING_PACKED | VIRTIO_F_RING_INDIRECT_DESC },
    { "packed-in-order-data", VIRTIO_F_RING_FORMS },
  };
  static const struct
  {
    const char *name;
    void      (*run) (gconstpointer features);
  } tests[] = {
#define T(fn) { #fn, fn }
    T (rings_wrap_around_for_ever), T (event_indices_spare_interrupts), T (order_is_kept_only_when_agreed_on),
    T (every_crime_stops_the_device_until_it_is_reset), T (a_table_needs_the_feature),
    T (no_more_is_taken_than_the_ring_holds), T (rings_in_nothing_are_caught), T (random_rings_never_hurt),
  };
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtqueue/a_packed_ring_may_have_any_size", a_packed_ring_may_have_any_size);
  g_test_add_func ("/virtqueue/saved_positions_are_checked", saved_positions_are_checked);
  for (size_t f = 0; f < G_N_ELEMENTS (forms); f++)
    for (size_t t = 0; t < G_N_ELEMENTS (tests); t++)
      {
        g_autofree char *path = g_strdup_printf ("/virtqueue/%s/%s", forms[f].name, tests[t].name);
        g_test_add_data_func (path, &forms[f].features, tests[t].run);
      }
  return g_test_run ();
}
