/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A slot keeps the disk's key split in 4000 parts that are all needed (specification, section 2.4), encrypted with a key that PBKDF2
 * makes of the passphrase. So a slot that was overwritten in one place is gone. */
#include <errno.h>
#include <gcrypt.h>

#include "luks.h"
#include "vitrine/error.h"

enum
{
  ITERATIONS_LEAST = 1000,
  MEASURE_US       = 40000,
  DIGEST_SHARE     = 8,      /* the key's check costs this part of a passphrase */
};

static int
hash_of (const VtLuksHeader *header)
{
  return gcry_md_map_name (header->hash);
}

static bool
derive (const VtLuksHeader *header, const void *from, size_t len, const uint8_t *salt, uint32_t iterations, uint8_t *to, size_t to_len)
{
  return gcry_kdf_derive (from, len, GCRY_KDF_PBKDF2, hash_of (header), salt, VT_LUKS_SALT_BYTES, iterations, to_len, to) == 0;
}

/* --- Splitting ---------------------------------------------------------------------------------------------------------- */

static void
xor_into (uint8_t *to, const uint8_t *from, size_t len)
{
  for (size_t i = 0; i < len; i++)
    to[i] ^= from[i];
}

/* Every bit of it depends on all within its piece of a hash's length (H1). */
static void
diffuse (gcry_md_hd_t md, int hash, uint8_t *block, size_t len)
{
  size_t digest = gcry_md_get_algo_dlen (hash);
  for (size_t at = 0, i = 0; at < len; at += digest, i++)
    {
      uint8_t number[4];
      size_t  n = MIN (digest, len - at);
      vt_store_be (number, i, 4);
      gcry_md_reset (md);
      gcry_md_write (md, number, sizeof number);
      gcry_md_write (md, block + at, n);
      memcpy (block + at, gcry_md_read (md, hash), n);
    }
}

/* All parts but the last, mixed: the last is this XOR the key, the key is this XOR the last. `to` begins as zeros. */
static bool
mix_parts (const VtLuksHeader *header, const uint8_t *parts, uint8_t *to)
{
  gcry_md_hd_t md;
  if (gcry_md_open (&md, hash_of (header), GCRY_MD_FLAG_SECURE) != 0)
    return false;
  for (size_t i = 0; i + 1 < VT_LUKS_STRIPES; i++)
    {
      xor_into (to, parts + i * header->key_bytes, header->key_bytes);
      diffuse (md, hash_of (header), to, header->key_bytes);
    }
  gcry_md_close (md);
  return true;
}

static uint8_t *
last_part (const VtLuksHeader *header, uint8_t *parts)
{
  return parts + (size_t) (VT_LUKS_STRIPES - 1) * header->key_bytes;
}

static bool
merge (const VtLuksHeader *header, uint8_t *parts, uint8_t *key)
{
  memset (key, 0, header->key_bytes);
  if (!mix_parts (header, parts, key))
    return false;
  xor_into (key, last_part (header, parts), header->key_bytes);
  return true;
}

static bool
split (const VtLuksHeader *header, const uint8_t *key, uint8_t *parts)
{
  uint8_t *last = last_part (header, parts);
  gcry_randomize (parts, (size_t) (last - parts), GCRY_STRONG_RANDOM);
  memset (last, 0, vt_luks_slot_bytes (header) - (size_t) (last - parts));
  if (!mix_parts (header, parts, last))
    return false;
  xor_into (last, key, header->key_bytes);
  return true;
}

/* --- A slot --------------------------------------------------------------------------------------------------------------- */

/* What encrypts a slot. */
static VtSectorCipher *
slot_cipher (const VtLuksHeader *header, const VtLuksSlot *slot, const VtSecret *passphrase, GError **error)
{
  uint8_t        *key = vt_locked_alloc (header->key_bytes);
  VtSectorCipher *cipher = NULL;
  if (key != NULL
      && derive (header, vt_secret_bytes (passphrase), vt_secret_len (passphrase), slot->salt, slot->iterations, key, header->key_bytes))
    cipher = vt_sector_cipher_new (header->cipher, header->mode, key, header->key_bytes, error);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "The key of an encrypted disk cannot be derived");
  vt_locked_free (key);
  return cipher;
}

static uint64_t
slot_at (uint64_t at, const VtLuksSlot *slot)
{
  return at + slot->sector * (uint64_t) VT_SECTOR_BYTES;
}

static bool
is_key (const VtLuksHeader *header, const uint8_t *key)
{
  uint8_t digest[VT_LUKS_DIGEST_BYTES];
  return derive (header, key, header->key_bytes, header->digest_salt, header->digest_iterations, digest, sizeof digest)
         && memcmp (digest, header->digest, sizeof digest) == 0;
}

/* What the slot holds under this passphrase: the key, or noise. False: it could not be read. */
static bool
open_slot (VtImage *file, uint64_t at, const VtLuksHeader *header, const VtLuksSlot *slot, const VtSecret *passphrase, uint8_t *key,
           GError **error)
{
  size_t                     len = vt_luks_slot_bytes (header);
  g_autoptr (VtSectorCipher) cipher = slot_cipher (header, slot, passphrase, error);
  uint8_t                   *parts = vt_locked_alloc (len);
  int                        problem = parts != NULL ? 0 : ENOMEM;
  bool                       merged = false;
  if (cipher != NULL && problem == 0 && (problem = vt_image_read (file, slot_at (at, slot), parts, len)) == 0
      && (problem = vt_sector_decrypt (cipher, 0, parts, parts, len)) == 0)
    merged = merge (header, parts, key);
  vt_locked_free (parts);
  return cipher != NULL && (merged || vt_image_fail (error, file->label, "a key slot cannot be read", problem != 0 ? problem : EIO));
}

static bool
wrong (GError **error, const VtImage *file)
{
  g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "The passphrase does not open “%s”", file->label);
  return false;
}

static bool
is_stopped (const gint *stop, const VtImage *file, GError **error)
{
  if (stop == NULL || g_atomic_int_get (stop) == 0)
    return false;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", file->label);
  return true;
}

VtSecret *
vt_luks_unlock (VtImage *file, uint64_t at, const VtLuksHeader *header, VtSecret *secret, unsigned *slot, const gint *stop,
                GError **error)
{
  if (vt_secret_is_key (secret))
    return vt_secret_len (secret) == header->key_bytes || wrong (error, file) ? vt_secret_ref (secret) : NULL;
  uint8_t  *key = vt_locked_alloc (header->key_bytes);
  VtSecret *found = NULL;
  bool      ok = key != NULL || vt_image_fail (error, file->label, "its key slots cannot be read", ENOMEM);
  for (unsigned i = 0; ok && found == NULL && i < VT_LUKS_SLOTS; i++)
    {
      if (!header->slots[i].active)
        continue;
      ok = !is_stopped (stop, file, error) && open_slot (file, at, header, &header->slots[i], secret, key, error);
      if (!ok || !is_key (header, key))
        continue;
      found = vt_secret_new_key (key, header->key_bytes);
      if (slot != NULL)
        *slot = i;
    }
  vt_locked_free (key);
  if (ok && found == NULL)
    wrong (error, file);
  return found;
}

/* --- Making ------------------------------------------------------------------------------------------------------------------ */

/* How many rounds take that long on this computer. */
static uint32_t
measure_iterations (const VtLuksHeader *header, size_t key_bytes, unsigned ms)
{
  uint8_t  salt[VT_LUKS_SALT_BYTES] = { 0 }, key[VT_LUKS_KEY_MOST];
  uint64_t iterations = ITERATIONS_LEAST;
  gint64   took = 0;
  for (; iterations < VT_LUKS_ITERATIONS_MOST; iterations *= 2)
    {
      gint64 start = g_get_monotonic_time ();
      derive (header, "measure", 7, salt, (uint32_t) iterations, key, key_bytes);
      took = g_get_monotonic_time () - start;
      if (took >= MIN (MEASURE_US, (gint64) ms * 1000))
        break;
    }
  double wanted = (double) iterations * ms * 1000.0 / (double) MAX (took, 1);
  return (uint32_t) CLAMP (wanted, ITERATIONS_LEAST, VT_LUKS_ITERATIONS_MOST);
}

VtSecret *
vt_luks_new_key (VtLuksHeader *header, unsigned iteration_ms, GError **error)
{
  uint8_t *bytes = vt_locked_alloc (header->key_bytes);
  if (bytes == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "There is no more locked memory for keys");
      return NULL;
    }
  gcry_randomize (bytes, header->key_bytes, GCRY_VERY_STRONG_RANDOM);
  gcry_randomize (header->digest_salt, VT_LUKS_SALT_BYTES, GCRY_STRONG_RANDOM);
  header->digest_iterations = measure_iterations (header, VT_LUKS_DIGEST_BYTES, MAX (iteration_ms / DIGEST_SHARE, 1));
  derive (header, bytes, header->key_bytes, header->digest_salt, header->digest_iterations, header->digest, VT_LUKS_DIGEST_BYTES);
  VtSecret *key = vt_secret_new_key (bytes, header->key_bytes);
  vt_locked_free (bytes);
  return key;
}

static int
fill_slot (VtImage *file, uint64_t at, const VtLuksHeader *header, const VtLuksSlot *slot, VtSectorCipher *cipher, const VtSecret *key)
{
  size_t   len = vt_luks_slot_bytes (header);
  uint8_t *parts = vt_locked_alloc (len);
  int      problem = parts != NULL && split (header, vt_secret_bytes (key), parts) ? 0 : ENOMEM;
  if (problem == 0 && (problem = vt_sector_encrypt (cipher, 0, parts, parts, len)) == 0)
    problem = vt_image_write (file, slot_at (at, slot), parts, len);
  vt_locked_free (parts);
  return problem;
}

/* Slots that share bytes would destroy each other; only a hostile header has them. */
static bool
may_fill (const VtLuksHeader *header, const VtLuksSlot *slot)
{
  if (slot->active || slot->sector == 0)
    return false;
  uint64_t sectors = vt_luks_slot_bytes (header) / VT_SECTOR_BYTES;
  for (const VtLuksSlot *other = header->slots; other < header->slots + VT_LUKS_SLOTS; other++)
    if (other != slot && other->active && other->sector < slot->sector + sectors && slot->sector < other->sector + sectors)
      return false;
  return true;
}

bool
vt_luks_add_passphrase (VtImage *file, uint64_t at, VtLuksHeader *header, const VtSecret *key, const VtSecret *passphrase,
                        unsigned iteration_ms, GError **error)
{
  VtLuksSlot *slot = header->slots;
  while (slot < header->slots + VT_LUKS_SLOTS && !may_fill (header, slot))
    slot++;
  if (slot == header->slots + VT_LUKS_SLOTS)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” has no room for another passphrase: remove one first", file->label);
      return false;
    }
  slot->iterations = measure_iterations (header, header->key_bytes, iteration_ms);
  gcry_randomize (slot->salt, VT_LUKS_SALT_BYTES, GCRY_STRONG_RANDOM);
  g_autoptr (VtSectorCipher) cipher = slot_cipher (header, slot, passphrase, error);
  if (cipher == NULL)
    return false;
  int problem = fill_slot (file, at, header, slot, cipher, key);
  slot->active = true;
  /* The slot first: a header that names it is a promise. */
  if (problem == 0 && (problem = vt_image_flush (file)) == 0 && (problem = vt_luks_write_header (file, at, header)) == 0)
    problem = vt_image_flush (file);
  return problem == 0 || vt_image_fail (error, file->label, "the passphrase cannot be added", problem);
}

bool
vt_luks_remove_slot (VtImage *file, uint64_t at, VtLuksHeader *header, unsigned number, GError **error)
{
  size_t   len = vt_luks_slot_bytes (header);
  unsigned active = 0;
  for (unsigned i = 0; i < VT_LUKS_SLOTS; i++)
    active += header->slots[i].active;
  if (active < 2)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "This is the last passphrase of “%s”: without it, the disk is lost", file->label);
      return false;
    }
  /* Overwritten before it is called empty, so that a crash leaves nothing that still opens. */
  g_autofree uint8_t *noise = g_malloc (len);
  gcry_randomize (noise, len, GCRY_STRONG_RANDOM);
  int problem = vt_image_write (file, slot_at (at, &header->slots[number]), noise, len);
  header->slots[number].active = false;
  header->slots[number].iterations = 0;
  memset (header->slots[number].salt, 0, VT_LUKS_SALT_BYTES);
  if (problem == 0 && (problem = vt_image_flush (file)) == 0 && (problem = vt_luks_write_header (file, at, header)) == 0)
    problem = vt_image_flush (file);
  return problem == 0 || vt_image_fail (error, file->label, "the passphrase cannot be removed", problem);
}
