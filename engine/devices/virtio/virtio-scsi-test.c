/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SCSI host with a disk at target 2 and a CD drive at target 5. */
#include "virtio-scsi.h"

#include <errno.h>

#include "driver-rig.h"
#include "test-disk.h"

enum
{
  CONTROL, EVENTS, REQUESTS,
  DISK = 2, CD = 5,
  DISK_BYTES = 1 << 20,
  HEADER = 0x80000, RESPONSE = 0x81000, DATA = 0x90000,
  GOOD = 0, CHECK = 2,
};

typedef struct
{
  DriverRig rig;
  TestDisk *disk, *medium;
} Fixture;

static Fixture *
fixture_new (gconstpointer forms)
{
  Fixture *f = g_new0 (Fixture, 1);
  driver_rig_init (&f->rig);
  f->rig.features = *(const uint64_t *) forms | VIRTIO_F (2);
  f->disk = test_disk_new (DISK_BYTES);
  f->medium = test_disk_new (DISK_BYTES);
  for (unsigned i = 0; i < DISK_BYTES; i++)
    f->disk->bytes[i] = f->medium->bytes[i] = (uint8_t) (i / 512 + i * 7);
  driver_rig_plug (&f->rig, &vt_virtio_scsi_pci,
                   &(VtVirtioScsiConfig) { .place = { f->rig.pci->bus, DRIVER_DEVFN },
                                           .target = { [DISK] = { true, VT_SCSI_DISK, &f->disk->block, "D1SK" },
                                                       [CD] = { true, VT_SCSI_CDROM, NULL, NULL } },
                                           .n_queues = 2, .ring_forms = f->rig.features & VIRTIO_F_RING_FORMS });
  driver_start (&f->rig, 4);
  return f;
}

static void
fixture_free (Fixture *f)
{
  test_disk_run (f->disk);
  driver_rig_clear (&f->rig);
  vt_block_close (&f->disk->block);
  vt_block_close (&f->medium->block);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

/* Offers a command; len bytes of data, to or from the guest. */
static void
offer (Fixture *f, unsigned target, unsigned lun, uint64_t tag, const uint8_t *cdb, size_t cdb_len, uint32_t len, bool in)
{
  uint8_t *header = memset (driver_memory (&f->rig, HEADER), 0, 51);
  header[0] = 1;
  header[1] = (uint8_t) target;
  header[2] = 0x40;
  header[3] = (uint8_t) lun;
  vt_store_le (header + 8, tag, 8);
  memcpy (header + 19, cdb, cdb_len);
  memset (driver_memory (&f->rig, RESPONSE), 0xee, 108);
  DriverPart parts[3] = { { HEADER, 51, false } };
  unsigned   n = 1;
  if (len > 0 && !in)
    parts[n++] = (DriverPart) { DATA, len, false };
  parts[n++] = (DriverPart) { RESPONSE, 108, true };
  if (len > 0 && in)
    parts[n++] = (DriverPart) { DATA, len, true };
  driver_offer (&f->rig, REQUESTS, parts, n);
  driver_kick (&f->rig, REQUESTS);
}

static unsigned
response (Fixture *f)
{
  return driver_memory (&f->rig, RESPONSE)[11];
}

/* One command from beginning to end; its SCSI status. */
static unsigned
run_at (Fixture *f, unsigned target, unsigned lun, const uint8_t *cdb, size_t cdb_len, uint32_t len, bool in)
{
  offer (f, target, lun, 1, cdb, cdb_len, len, in);
  test_disk_run (f->disk);
  test_disk_run (f->medium);
  g_assert_cmpuint (driver_count_used (&f->rig, REQUESTS), ==, 1);
  return driver_memory (&f->rig, RESPONSE)[10];
}
#define CDB(...) (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ })
#define IN(f, target, len, ...)  run_at (f, target, 0, CDB (__VA_ARGS__), len, true)
#define OUT(f, target, len, ...) run_at (f, target, 0, CDB (__VA_ARGS__), len, false)

static unsigned
sense (Fixture *f)
{
  const uint8_t *bytes = driver_memory (&f->rig, RESPONSE) + 12;
  g_assert_cmphex (bytes[0], ==, 0x70);
  return (unsigned) (bytes[2] << 16 | bytes[12] << 8 | bytes[13]);
}

static const uint8_t *
data (Fixture *f)
{
  return driver_memory (&f->rig, DATA);
}

/* After power on each unit says so once. */
static void
settle_attention (Fixture *f)
{
  g_assert_cmphex (IN (f, DISK, 0, 0), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x62900);
  g_assert_cmphex (IN (f, CD, 0, 0), ==, CHECK);
}

static void
targets_say_who_they_are (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  g_assert_cmphex (IN (f, DISK, 36, 0x12, 0, 0, 0, 36), ==, GOOD);
  g_assert_cmpmem (data (f) + 8, 20, "Vitrine Vitrine disk", 20);
  g_assert_cmphex (IN (f, CD, 36, 0x12, 0, 0, 0, 36), ==, GOOD);
  g_assert_cmphex (data (f)[0], ==, 5);
  g_assert_cmphex (IN (f, DISK, 255, 0x12, 1, 0x80, 0, 255), ==, GOOD);
  g_assert_cmpmem (data (f) + 4, 4, "D1SK", 4);
  g_assert_cmphex (IN (f, DISK, 255, 0x12, 1, 0, 0, 255), ==, GOOD);
  g_assert_cmpmem (data (f), 10, "\0\0\0\6\0\x80\x83\xb0\xb1\xb2", 10);
  settle_attention (f);
  g_assert_cmphex (IN (f, DISK, 8, 0x25), ==, GOOD);
  g_assert_cmpmem (data (f), 8, "\0\0\x07\xff\0\0\2\0", 8);
  g_assert_cmphex (IN (f, DISK, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32), ==, GOOD);
  g_assert_cmphex (data (f)[13], ==, 3);
  g_assert_cmphex (IN (f, DISK, 16, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16), ==, GOOD);
  g_assert_cmpmem (data (f), 16, "\0\0\0\x8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  g_assert_cmphex (IN (f, DISK, 32, 0xa3, 0x0c, 1, 0x42, 0, 0, 0, 0, 0, 32), ==, GOOD);
  g_assert_cmphex (data (f)[1], ==, 3);
  /* Nobody there: no target, and no further unit of one. */
  IN (f, 9, 0, 0);
  g_assert_cmpuint (response (f), ==, 3);
  g_assert_cmphex (run_at (f, DISK, 3, CDB (0x12, 0, 0, 0, 36), 36, true), ==, GOOD);
  g_assert_cmphex (data (f)[0], ==, 0x7f);
  g_assert_cmphex (run_at (f, DISK, 3, CDB (0), 0, true), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x52500);
}

static void
blocks_are_read_and_written (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  settle_attention (f);
  g_assert_cmphex (IN (f, DISK, 4096, 0x28, 0, 0, 0, 0, 7, 0, 0, 8), ==, GOOD);
  g_assert_cmpmem (data (f), 4096, f->disk->bytes + 7 * 512, 4096);
  g_assert_cmpuint (driver_get (&f->rig, RESPONSE + 4, 4), ==, 0);
  memset (driver_memory (&f->rig, DATA), 0xab, 1024);
  g_assert_cmphex (OUT (f, DISK, 1024, 0x8a, 0x08, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 2), ==, GOOD);
  g_assert_cmphex (f->disk->bytes[9 * 512], ==, 0xab);
  g_assert_cmphex (f->disk->bytes[11 * 512 - 1], ==, 0xab);
  g_assert_cmpuint (f->disk->flushes, ==, 1);                             /* FUA */
  g_assert_cmphex (OUT (f, DISK, 0, 0x35), ==, GOOD);
  g_assert_cmpuint (f->disk->flushes, ==, 2);
  /* Too little room: told, and not done. */
  IN (f, DISK, 512, 0x28, 0, 0, 0, 0, 7, 0, 0, 8);
  g_assert_cmpuint (response (f), ==, 1);
  /* Past the end, and an error of the disk. */
  g_assert_cmphex (IN (f, DISK, 512, 0x28, 0, 0, 0, 8, 0, 0, 0, 1), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x52100);
  f->disk->fail_with = EIO;
  g_assert_cmphex (IN (f, DISK, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x31100);
  g_assert_cmphex (OUT (f, DISK, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x30c00);
  f->disk->fail_with = 0;
  g_assert_cmphex (IN (f, DISK, 0, 0xfe), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x52000);
}

static void
ranges_are_unmapped_and_filled (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  settle_attention (f);
  uint8_t *out = memset (driver_memory (&f->rig, DATA), 0, 64);
  out[1] = 38;
  out[3] = 32;
  out[15] = 4;  out[19] = 2;             /* blocks 4, 5 */
  out[31] = 20; out[35] = 1;             /* block 20 */
  g_assert_cmphex (OUT (f, DISK, 40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40), ==, GOOD);
  g_assert_cmpuint (f->disk->discards, ==, 2);
  g_assert_cmphex (f->disk->bytes[4 * 512 + 3], ==, 0);
  g_assert_cmphex (f->disk->bytes[6 * 512 + 3], !=, 0);
  out[24] = 1;                           /* far behind the end */
  g_assert_cmphex (OUT (f, DISK, 40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40), ==, CHECK);
  g_assert_cmpuint (f->disk->discards, ==, 2);
  memset (out, 0x3c, 512);
  g_assert_cmphex (OUT (f, DISK, 512, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 4, 0), ==, GOOD);   /* 1024 blocks */
  g_assert_cmphex (f->disk->bytes[100 * 512], ==, 0x3c);
  g_assert_cmphex (f->disk->bytes[1124 * 512 - 1], ==, 0x3c);
  g_assert_cmphex (f->disk->bytes[1124 * 512 + 1], !=, 0x3c);
  memset (out, 0, 512);
  g_assert_cmphex (OUT (f, DISK, 512, 0x41, 0, 0, 0, 0, 100, 0, 0, 8), ==, GOOD);
  g_assert_cmphex (f->disk->bytes[107 * 512], ==, 0);
  g_assert_cmphex (f->disk->bytes[108 * 512], ==, 0x3c);
  g_assert_cmphex (OUT (f, DISK, 0, 0x93, 1, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 1), ==, GOOD);    /* no data: zeros */
  g_assert_cmphex (f->disk->bytes[200 * 512], ==, 0);
}

static void
the_write_cache_can_be_switched_off (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  settle_attention (f);
  g_assert_cmphex (IN (f, DISK, 64, 0x1a, 0, 0x08, 0, 64), ==, GOOD);
  g_assert_cmphex (data (f)[4 + 2], ==, 4);
  uint8_t *out = memset (driver_memory (&f->rig, DATA), 0, 24);
  out[4] = 0x08;
  out[5] = 18;
  g_assert_cmphex (OUT (f, DISK, 24, 0x15, 0x10, 0, 0, 24), ==, GOOD);
  g_assert_cmpuint (f->disk->flushes, ==, 1);
  g_assert_cmphex (OUT (f, DISK, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1), ==, GOOD);
  g_assert_cmpuint (f->disk->flushes, ==, 2);
  out[5] = 200;                          /* longer than the list */
  g_assert_cmphex (OUT (f, DISK, 24, 0x15, 0x10, 0, 0, 24), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x51a00);
}

static void
a_cd_comes_and_is_told_of (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  uint32_t len = 0;
  settle_attention (f);
  g_assert_cmphex (IN (f, CD, 0, 0), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x23a00);
  uint64_t at = driver_add_buffer (&f->rig, EVENTS, 16, true);
  driver_kick (&f->rig, EVENTS);
  g_assert_true (vt_virtio_scsi_set_medium (f->rig.dev, CD, &f->medium->block, false));
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, at);
  g_assert_cmphex (driver_get (&f->rig, at, 4), ==, 3);
  g_assert_cmphex (driver_get (&f->rig, at + 4, 2), ==, CD << 8 | 1);
  g_assert_cmphex (driver_get (&f->rig, at + 12, 4), ==, 0x28);
  g_assert_cmphex (IN (f, CD, 0, 0), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x62800);
  g_assert_cmphex (IN (f, CD, 2048, 0x28, 0, 0, 0, 0, 3, 0, 0, 1), ==, GOOD);
  g_assert_cmpmem (data (f), 2048, f->medium->bytes + 3 * 2048, 2048);
  g_assert_cmphex (IN (f, CD, 0, 0x1e, 0, 0, 0, 1), ==, GOOD);            /* locked */
  g_assert_false (vt_virtio_scsi_set_medium (f->rig.dev, CD, NULL, false));
  /* Without a buffer the event is missed, and that is told with the next. */
  g_assert_true (vt_virtio_scsi_set_medium (f->rig.dev, CD, NULL, true));
  at = driver_add_buffer (&f->rig, EVENTS, 16, true);
  driver_kick (&f->rig, EVENTS);
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, at);
  g_assert_cmphex (driver_get (&f->rig, at, 4), ==, 0x80000000);
}

static void
now_quiet (void *opaque)
{
  *(bool *) opaque = true;
}

/* As a machine changes it: everything stands, and may be saved as it stands. */
static void
a_cd_that_comes_while_all_stands_is_told_of_later (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtDevice *dev = f->rig.dev;
  uint32_t  len = 0;
  bool      quiet = false;
  vt_device_set_running (dev, true);
  uint64_t at = driver_add_buffer (&f->rig, EVENTS, 16, true);
  driver_kick (&f->rig, EVENTS);
  vt_virtio_scsi_pci.quiesce (dev, now_quiet, &quiet);
  g_assert_true (quiet);
  vt_device_set_running (dev, false);
  g_assert_true (vt_virtio_scsi_set_medium (dev, CD, &f->medium->block, false));
  vt_device_save (dev, saved);
  g_assert_true (vt_device_load (dev, vt_virtio_scsi_pci.state.version, saved->data, saved->len, NULL));
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, 0);
  vt_device_set_running (dev, true);
  vt_virtio_scsi_pci.resume (dev);
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, at);
  g_assert_cmphex (driver_get (&f->rig, at, 4), ==, 3);
  g_assert_cmphex (driver_get (&f->rig, at + 4, 2), ==, CD << 8 | 1);
  driver_add_buffer (&f->rig, EVENTS, 16, true);
  driver_kick (&f->rig, EVENTS);
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, 0);           /* once */
}

static unsigned
manage (Fixture *f, unsigned function, uint64_t tag)
{
  uint8_t *request = memset (driver_memory (&f->rig, HEADER + 0x100), 0, 24);
  vt_store_le (request + 4, function, 4);
  request[8] = 1;
  request[9] = DISK;
  vt_store_le (request + 16, tag, 8);
  driver_offer (&f->rig, CONTROL, (DriverPart[]) { { HEADER + 0x100, 24, false }, { RESPONSE + 0x100, 1, true } }, 2);
  driver_kick (&f->rig, CONTROL);
  return driver_count_used (&f->rig, CONTROL);
}

static unsigned
managed (Fixture *f)
{
  return driver_memory (&f->rig, RESPONSE + 0x100)[0];
}

static void
aborted_tasks_end_before_the_answer (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  settle_attention (f);
  offer (f, DISK, 0, 77, CDB (0x28, 0, 0, 0, 0, 0, 0, 0, 1), 512, true);
  g_assert_cmpuint (manage (f, 6, 77), ==, 1);                            /* is it there? */
  g_assert_cmpuint (managed (f), ==, 10);
  g_assert_cmpuint (manage (f, 6, 78), ==, 1);
  g_assert_cmpuint (managed (f), ==, 0);
  g_assert_cmpuint (manage (f, 0, 77), ==, 0);                            /* abort it */
  test_disk_run (f->disk);
  g_assert_cmpuint (driver_count_used (&f->rig, REQUESTS), ==, 1);
  g_assert_cmpuint (response (f), ==, 2);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL), ==, 1);
  g_assert_cmpuint (managed (f), ==, 0);
  offer (f, DISK, 0, 79, CDB (0x28, 0, 0, 0, 0, 0, 0, 0, 1), 512, true);
  g_assert_cmpuint (manage (f, 5, 0), ==, 0);                             /* reset the unit */
  test_disk_run (f->disk);
  g_assert_cmpuint (driver_count_used (&f->rig, REQUESTS), ==, 1);
  g_assert_cmpuint (response (f), ==, 4);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL), ==, 1);
  g_assert_cmphex (IN (f, DISK, 0, 0), ==, CHECK);
  g_assert_cmphex (sense (f), ==, 0x62900);
  g_assert_cmpuint (manage (f, 99, 0), ==, 1);
  g_assert_cmpuint (managed (f), ==, 11);
}

static void
a_save_in_the_middle_of_a_request_loses_nothing (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtDevice *dev = f->rig.dev;
  bool      quiet = false;
  vt_device_set_running (dev, true);
  settle_attention (f);
  g_assert_cmphex (IN (f, CD, 0, 0x1e, 0, 0, 0, 1), ==, GOOD);
  offer (f, DISK, 0, 1, CDB (0x28, 0, 0, 0, 0, 5, 0, 0, 1), 512, true);
  vt_virtio_scsi_pci.quiesce (dev, now_quiet, &quiet);
  g_assert_false (quiet);
  test_disk_run (f->disk);
  g_assert_true (quiet);
  vt_device_set_running (dev, false);
  vt_device_save (dev, saved);
  vt_device_reset (dev, VT_RESET_POWER);
  g_assert_true (vt_device_load (dev, vt_virtio_scsi_pci.state.version, saved->data, saved->len, NULL));
  vt_device_set_running (dev, true);
  g_assert_cmpuint (driver_count_used (&f->rig, REQUESTS), ==, 1);
  g_assert_cmpmem (data (f), 512, f->disk->bytes + 5 * 512, 512);
  g_assert_cmphex (IN (f, DISK, 0, 0), ==, GOOD);                         /* no new attention */
  g_assert_false (vt_virtio_scsi_set_medium (dev, CD, NULL, false));      /* still locked */
}

static void
random_commands_never_hurt (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  g_autoptr (GRand) random = g_rand_new_with_seed (12);
  static const uint8_t opcodes[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x41, 0x42, 0x43,
                                     0x46, 0x4a, 0x51, 0x55, 0x5a, 0x88, 0x8a, 0x93, 0x9e, 0xa0, 0xa3, 0xad, 0xbd, 0xbe };
  vt_virtio_scsi_set_medium (f->rig.dev, CD, &f->medium->block, true);
  unsigned good = 0;
  for (unsigned i = 0; i < 30000; i++)
    {
      uint8_t cdb[16];
      for (unsigned b = 0; b < sizeof cdb; b++)
        cdb[b] = g_rand_int_range (random, 0, 3) ? (uint8_t) g_rand_int_range (random, 0, 4) : (uint8_t) g_rand_int (random);
      cdb[0] = opcodes[g_rand_int_range (random, 0, G_N_ELEMENTS (opcodes))];
      for (unsigned b = 0; b < 64; b++)
        driver_memory (&f->rig, DATA)[b] = (uint8_t) g_rand_int_range (random, 0, 40);
      good += run_at (f, g_rand_boolean (random) ? DISK : CD, 0, cdb, sizeof cdb,
                      (uint32_t) g_rand_int_range (random, 0, 4) * 1024, g_rand_boolean (random)) == GOOD;
      if (i % 500 == 0)
        vt_virtio_scsi_set_medium (f->rig.dev, CD, &f->medium->block, true);
    }
  g_test_message ("%u commands succeeded", good);
  g_assert_cmpuint (good, >, 3000);
  g_assert_false (driver_needs_reset (&f->rig));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) driver_rig_add_tests ("virtio-scsi", #fn, fn)
  TEST (targets_say_who_they_are);
  TEST (blocks_are_read_and_written);
  TEST (ranges_are_unmapped_and_filled);
  TEST (the_write_cache_can_be_switched_off);
  TEST (a_cd_comes_and_is_told_of);
  TEST (a_cd_that_comes_while_all_stands_is_told_of_later);
  TEST (aborted_tasks_end_before_the_answer);
  TEST (a_save_in_the_middle_of_a_request_loses_nothing);
  TEST (random_commands_never_hurt);
  return g_test_run ();
}
