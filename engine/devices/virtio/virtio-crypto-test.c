/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The crypto device with vectors of NIST SP 800-38A (F.2.1), FIPS 180-4 and RFC 4231 (4.3). */
#include "virtio-crypto.h"

#include <gcrypt.h>

#include "driver-rig.h"

enum
{
  DATA, CONTROL,
  REQUEST = 0x90000, MORE = 0x91000, ANSWER = 0x92000, STATUS = 0x93000,
  OK = 0, BADMSG = 2, NOTSUPP = 3, INVSESS = 4,
};

static DriverRig *
rig_new (gconstpointer forms)
{
  DriverRig *rig = g_new0 (DriverRig, 1);
  driver_rig_init (rig);
  rig->features = *(const uint64_t *) forms;
  driver_rig_plug (rig, &vt_virtio_crypto_pci,
                   &(VtVirtioCryptoConfig) { { rig->pci->bus, DRIVER_DEVFN }, rig->features & VIRTIO_F_RING_FORMS });
  driver_start (rig, 2);
  return rig;
}

static void
rig_free (DriverRig *rig)
{
  driver_rig_clear (rig);
  g_free (rig);
}
typedef DriverRig Crypto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Crypto, rig_free)

static void
put_hex (DriverRig *rig, uint64_t at, const char *hex)
{
  for (; hex[0] != 0; hex += 2, at++)
    {
      char pair[3] = { hex[0], hex[1], 0 };
      driver_put (rig, at, strtoul (pair, NULL, 16), 1);
    }
}

static void
assert_hex (DriverRig *rig, uint64_t at, const char *hex)
{
  for (; hex[0] != 0; hex += 2, at++)
    {
      char pair[3] = { hex[0], hex[1], 0 };
      g_assert_cmphex (driver_get (rig, at, 1), ==, strtoul (pair, NULL, 16));
    }
}

/* A session with these words of its body and this key; its number, or 0. */
static uint64_t
create (DriverRig *rig, unsigned service, const uint32_t words[4], const char *key)
{
  memset (driver_memory (rig, REQUEST), 0, 72);
  driver_put (rig, REQUEST, service << 8 | 2, 4);
  for (unsigned i = 0; i < 4; i++)
    driver_put (rig, REQUEST + 16 + 4 * i, words[i], 4);
  driver_put (rig, REQUEST + 64, 1, 4);
  put_hex (rig, MORE, key);
  driver_put (rig, ANSWER + 8, 99, 4);
  DriverPart parts[3] = { { REQUEST, 72, false }, { MORE, (uint32_t) strlen (key) / 2, false } };
  unsigned   n = key[0] != 0 ? 2 : 1;
  parts[n++] = (DriverPart) { ANSWER, 16, true };
  driver_offer (rig, CONTROL, parts, n);
  driver_kick (rig, CONTROL);
  g_assert_cmpuint (driver_count_used (rig, CONTROL), ==, 1);
  g_assert_cmpuint (driver_get (rig, ANSWER + 8, 4) == OK, ==, driver_get (rig, ANSWER, 8) != 0);
  return driver_get (rig, ANSWER, 8);
}

static unsigned
destroy (DriverRig *rig, unsigned service, uint64_t session)
{
  memset (driver_memory (rig, REQUEST), 0, 72);
  driver_put (rig, REQUEST, service << 8 | 3, 4);
  driver_put (rig, REQUEST + 16, session, 8);
  driver_offer (rig, CONTROL, (DriverPart[]) { { REQUEST, 72, false }, { STATUS, 1, true } }, 2);
  driver_kick (rig, CONTROL);
  g_assert_cmpuint (driver_count_used (rig, CONTROL), ==, 1);
  return (unsigned) driver_get (rig, STATUS, 1);
}

/* `len` bytes from MORE on, the first `iv` of them an initial value; the result is at ANSWER. */
static unsigned
run (DriverRig *rig, unsigned opcode, uint64_t session, uint32_t iv, uint32_t len, uint32_t room)
{
  bool cipher = opcode < 2;
  memset (driver_memory (rig, REQUEST), 0, 72);
  driver_put (rig, REQUEST, opcode, 4);
  driver_put (rig, REQUEST + 8, session, 8);
  driver_put (rig, REQUEST + 24, cipher ? iv : len, 4);
  driver_put (rig, REQUEST + 28, cipher ? len : room, 4);
  driver_put (rig, REQUEST + 32, cipher ? room : 0, 4);
  driver_put (rig, REQUEST + 64, 1, 4);
  driver_put (rig, STATUS, 99, 1);
  driver_offer (rig, DATA, (DriverPart[]) { { REQUEST, 72, false }, { MORE, iv + MIN (len, 4096), false },
                                            { ANSWER, MIN (room, 4096), true }, { STATUS, 1, true } }, 4);
  driver_kick (rig, DATA);
  g_assert_cmpuint (driver_count_used (rig, DATA), ==, 1);
  return (unsigned) driver_get (rig, STATUS, 1);
}

#define KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define IV  "000102030405060708090a0b0c0d0e0f"
#define CBC(direction) (const uint32_t[]) { 3, 16, direction, 0 }

static void
ciphers_match_the_vectors (gconstpointer forms)
{
  g_autoptr (Crypto) rig = rig_new (forms);
  uint64_t there = create (rig, 0, CBC (1), KEY), back = create (rig, 0, CBC (2), KEY);
  g_assert_cmpuint (driver_get (rig, DRIVER_REGS + DRIVER_CONFIG, 4), ==, 1);
  g_assert_cmpuint (driver_get (rig, DRIVER_REGS + DRIVER_CONFIG + 8, 4), ==, 7);
  g_assert_true (there != 0 && back != 0);
  put_hex (rig, MORE, IV "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  g_assert_cmpuint (run (rig, 0, there, 16, 32, 32), ==, OK);
  assert_hex (rig, ANSWER, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
  put_hex (rig, MORE, IV "7649abac8119b246cee98e9b12e9197d");
  g_assert_cmpuint (run (rig, 1, back, 16, 16, 16), ==, OK);
  assert_hex (rig, ANSWER, "6bc1bee22e409f96e93d7e117393172a");
  /* Another direction, lengths that do not fit, no such session. */
  g_assert_cmpuint (run (rig, 1, there, 16, 16, 16), ==, NOTSUPP);
  g_assert_cmpuint (run (rig, 0, there, 17, 16, 16), ==, BADMSG);
  g_assert_cmpuint (run (rig, 0, there, 16, 32, 16), ==, BADMSG);
  g_assert_cmpuint (run (rig, 0, there, 16, 0xffffffff, 0xffffffff), ==, BADMSG);
  g_assert_cmpuint (run (rig, 0, there, 16, 15, 16), ==, 1);
  g_assert_cmpuint (run (rig, 0, 77, 16, 16, 16), ==, INVSESS);
  g_assert_cmpuint (destroy (rig, 1, there), ==, INVSESS);
  g_assert_cmpuint (destroy (rig, 0, there), ==, OK);
  g_assert_cmpuint (run (rig, 0, there, 16, 16, 16), ==, INVSESS);
}

static void
hashes_match_the_vectors (gconstpointer forms)
{
  g_autoptr (Crypto) rig = rig_new (forms);
  uint64_t sha = create (rig, 1, (const uint32_t[]) { 4, 32, 0, 0 }, "");
  uint64_t hmac = create (rig, 2, (const uint32_t[]) { 4, 32, 4, 0 }, "4a656665");
  memcpy (driver_memory (rig, MORE), "abc", 3);
  g_assert_cmpuint (run (rig, 0x100, sha, 0, 3, 32), ==, OK);
  assert_hex (rig, ANSWER, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  memcpy (driver_memory (rig, MORE), "what do ya want for nothing?", 28);
  g_assert_cmpuint (run (rig, 0x200, hmac, 0, 28, 32), ==, OK);
  assert_hex (rig, ANSWER, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  g_assert_cmpuint (run (rig, 0x100, sha, 0, 3, 33), ==, BADMSG);
  g_assert_cmpuint (run (rig, 0x100, hmac, 0, 3, 32), ==, INVSESS);
}

static void
sessions_that_cannot_be_are_refused (gconstpointer forms)
{
  g_autoptr (Crypto) rig = rig_new (forms);
  static const struct { unsigned service; uint32_t words[4]; } wrong[] = {
    { 0, { 3, 17, 1, 0 } }, { 0, { 3, 0, 1, 0 } }, { 0, { 3, 0xffffffff, 1, 0 } }, { 0, { 3, 16, 3, 0 } }, { 0, { 99, 16, 1, 0 } },
    { 0, { 0x103, 16, 1, 0 } }, { 1, { 4, 33, 0, 0 } }, { 1, { 4, 0, 0, 0 } }, { 1, { 0, 16, 0, 0 } }, { 1, { 11, 16, 0, 0 } },
    { 2, { 7, 28, 4, 0 } }, { 2, { 4, 32, 65, 0 } }, { 2, { 4, 32, 0, 0 } }, { 3, { 3, 16, 1, 0 } }, { 0xffffff, { 3, 16, 1, 0 } },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_cmpuint (create (rig, wrong[i].service, wrong[i].words, KEY), ==, 0);
  for (unsigned i = 0; i < 128; i++)
    g_assert_cmpuint (create (rig, 0, CBC (1), KEY), ==, i + 1);
  g_assert_cmpuint (create (rig, 0, CBC (1), KEY), ==, 0);
  g_assert_false (driver_needs_reset (rig));
}

static void
sessions_live_on_over_a_save (gconstpointer forms)
{
  g_autoptr (Crypto) rig = rig_new (forms);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtDevice *dev = rig->dev;
  uint64_t  session = create (rig, 0, CBC (1), KEY);
  vt_device_save (dev, saved);
  vt_device_reset (dev, VT_RESET_POWER);
  g_assert_true (vt_device_load (dev, dev->cls->state.version, saved->data, saved->len, NULL));
  put_hex (rig, MORE, IV "6bc1bee22e409f96e93d7e117393172a");
  g_assert_cmpuint (run (rig, 0, session, 16, 16, 16), ==, OK);
  assert_hex (rig, ANSWER, "7649abac8119b246cee98e9b12e9197d");
}

/* A key of LUKS cut into its stripes (64 bytes * 4000): in a process whose first user of libgcrypt was this device. */
static void
locked_memory_is_left_for_disks (gconstpointer forms)
{
  g_autoptr (Crypto) rig = rig_new (forms);
  void *stripes = gcry_malloc_secure (64 * 4000);
  g_assert_nonnull (stripes);
  gcry_free (stripes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) driver_rig_add_tests ("virtio-crypto", #fn, fn)
  TEST (ciphers_match_the_vectors);
  TEST (hashes_match_the_vectors);
  TEST (sessions_that_cannot_be_are_refused);
  TEST (locked_memory_is_left_for_disks);
  TEST (sessions_live_on_over_a_save);
  return g_test_run ();
}
