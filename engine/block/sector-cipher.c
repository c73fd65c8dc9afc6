/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sector-cipher.h"

#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "bits.h"
#include "secret.h"
#include "vitrine/error.h"

/* Where the initialization vector of a sector comes from. */
typedef enum { IV_PLAIN, IV_PLAIN64, IV_ESSIV } IvKind;

typedef struct
{
  const char           *name;
  size_t                key_bytes;
  enum gcry_cipher_algos algo;
} Algorithm;

static const Algorithm algorithms[] = {
  { "aes", 16, GCRY_CIPHER_AES128 },
  { "aes", 24, GCRY_CIPHER_AES192 },
  { "aes", 32, GCRY_CIPHER_AES256 },
  { "serpent", 16, GCRY_CIPHER_SERPENT128 },
  { "serpent", 24, GCRY_CIPHER_SERPENT192 },
  { "serpent", 32, GCRY_CIPHER_SERPENT256 },
  { "twofish", 16, GCRY_CIPHER_TWOFISH128 },
  { "twofish", 32, GCRY_CIPHER_TWOFISH },
  { "camellia", 16, GCRY_CIPHER_CAMELLIA128 },
  { "camellia", 24, GCRY_CIPHER_CAMELLIA192 },
  { "camellia", 32, GCRY_CIPHER_CAMELLIA256 },
};

enum
{
  BLOCK_BYTES = 16,            /* of all of these */
  CACHE_LINE  = 64,
  AHEAD       = 4096,          /* what is fetched while a sector is worked on: a page is the least that hides how far away memory is */
};

/* What one thread works with. */
typedef struct
{
  gcry_cipher_hd_t data;
  gcry_cipher_hd_t iv;         /* ESSIV only */
} Handle;

struct VtSectorCipher
{
  int       algo, mode;
  IvKind    iv_kind;
  int       iv_algo;
  uint8_t  *key, *iv_key;      /* locked memory */
  size_t    key_bytes, iv_key_bytes;
  GMutex    lock;
  GPtrArray *idle;             /* Handle* */
};

/* --- Names ---------------------------------------------------------------------------------------------------------- */

static const Algorithm *
find_algorithm (const char *name, size_t key_bytes)
{
  for (size_t i = 0; i < G_N_ELEMENTS (algorithms); i++)
    if (strcmp (algorithms[i].name, name) == 0 && algorithms[i].key_bytes == key_bytes)
      return &algorithms[i];
  return NULL;
}

/* ESSIV's key is a hash of the disk's: what it encrypts with depends on how long that is. */
static bool
take_essiv (VtSectorCipher *self, const char *cipher, const char *hash_name)
{
  int hash = gcry_md_map_name (hash_name);
  self->iv_key_bytes = hash != 0 ? gcry_md_get_algo_dlen (hash) : 0;
  const Algorithm *algorithm = find_algorithm (cipher, self->iv_key_bytes);
  if (algorithm == NULL || (self->iv_key = vt_locked_alloc (self->iv_key_bytes)) == NULL)
    return false;
  self->iv_kind = IV_ESSIV;
  self->iv_algo = algorithm->algo;
  gcry_md_hash_buffer (hash, self->iv_key, self->key, self->key_bytes);
  return true;
}

/* "xts-plain64", "cbc-essiv:sha256" */
static bool
take_mode (VtSectorCipher *self, const char *cipher, const char *mode)
{
  bool             xts = g_str_has_prefix (mode, "xts-"), cbc = g_str_has_prefix (mode, "cbc-");
  const Algorithm *algorithm = find_algorithm (cipher, xts ? self->key_bytes / 2 : self->key_bytes);
  const char      *iv = mode + strlen ("xts-");
  if ((!xts && !cbc) || algorithm == NULL || (xts && self->key_bytes % 2 != 0))
    return false;
  self->algo = algorithm->algo;
  self->mode = xts ? GCRY_CIPHER_MODE_XTS : GCRY_CIPHER_MODE_CBC;
  if (g_str_has_prefix (iv, "essiv:"))
    return take_essiv (self, cipher, iv + strlen ("essiv:"));
  /* qemu-img may name a hash here, too, which nobody uses. */
  size_t len = strcspn (iv, ":");
  self->iv_kind = len == strlen ("plain") ? IV_PLAIN : IV_PLAIN64;
  return strncmp (iv, "plain64", len) == 0 && (len == strlen ("plain") || len == strlen ("plain64"));
}

/* --- Handles ---------------------------------------------------------------------------------------------------------- */

static void
handle_free (gpointer data)
{
  Handle *handle = data;
  gcry_cipher_close (handle->data);
  gcry_cipher_close (handle->iv);
  g_free (handle);
}

static Handle *
handle_new (const VtSectorCipher *self)
{
  Handle *handle = g_new0 (Handle, 1);
  if (gcry_cipher_open (&handle->data, self->algo, self->mode, GCRY_CIPHER_SECURE) == 0
      && gcry_cipher_setkey (handle->data, self->key, self->key_bytes) == 0
      && (self->iv_kind != IV_ESSIV
          || (gcry_cipher_open (&handle->iv, self->iv_algo, GCRY_CIPHER_MODE_ECB, GCRY_CIPHER_SECURE) == 0
              && gcry_cipher_setkey (handle->iv, self->iv_key, self->iv_key_bytes) == 0)))
    return handle;
  handle_free (handle);
  return NULL;
}

static Handle *
handle_take (VtSectorCipher *self)
{
  g_mutex_lock (&self->lock);
  Handle *handle = self->idle->len > 0 ? g_ptr_array_steal_index_fast (self->idle, self->idle->len - 1) : NULL;
  g_mutex_unlock (&self->lock);
  return handle != NULL ? handle : handle_new (self);
}

static void
handle_return (VtSectorCipher *self, Handle *handle)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->idle, handle);
  g_mutex_unlock (&self->lock);
}

/* --- Life --------------------------------------------------------------------------------------------------------------- */

void
vt_sector_cipher_free (VtSectorCipher *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->idle);
  vt_locked_free (self->key);
  vt_locked_free (self->iv_key);
  g_mutex_clear (&self->lock);
  g_free (self);
}

VtSectorCipher *
vt_sector_cipher_new (const char *cipher, const char *mode, const uint8_t *key, size_t key_bytes, GError **error)
{
  g_autoptr (VtSectorCipher) self = g_new0 (VtSectorCipher, 1);
  g_mutex_init (&self->lock);
  self->idle = g_ptr_array_new_with_free_func (handle_free);
  self->key_bytes = key_bytes;
  if ((self->key = vt_locked_alloc (key_bytes)) != NULL)
    memcpy (self->key, key, key_bytes);
  Handle *first = self->key != NULL && take_mode (self, cipher, mode) ? handle_new (self) : NULL;
  if (first != NULL)
    {
      handle_return (self, first);
      return g_steal_pointer (&self);
    }
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The cipher %s-%s with a key of %zu bits is not supported", cipher, mode,
               key_bytes * 8);
  return NULL;
}

/* --- Work --------------------------------------------------------------------------------------------------------------- */

static bool
set_iv (const VtSectorCipher *self, const Handle *handle, uint64_t sector)
{
  uint8_t iv[BLOCK_BYTES] = { 0 };
  vt_store_le (iv, self->iv_kind == IV_PLAIN ? (uint32_t) sector : sector, 8);
  return (self->iv_kind != IV_ESSIV || gcry_cipher_encrypt (handle->iv, iv, sizeof iv, NULL, 0) == 0)
         && gcry_cipher_setiv (handle->data, iv, sizeof iv) == 0;
}

/* The processor's own fetching ahead ends at each page, which costs more than a third of the speed where the bytes are in memory only. */
static inline void
fetch_ahead (const uint8_t *from)
{
  for (unsigned line = 0; line < VT_SECTOR_BYTES; line += CACHE_LINE)
    __builtin_prefetch ((const void *) ((uintptr_t) from + AHEAD + line));
}

typedef gcry_error_t (*Crypt) (gcry_cipher_hd_t handle, void *to, size_t to_len, const void *from, size_t from_len);

static int
work (VtSectorCipher *self, Crypt crypt, uint64_t sector, const uint8_t *from, uint8_t *to, size_t len)
{
  Handle *handle = len % VT_SECTOR_BYTES == 0 ? handle_take (self) : NULL;
  bool    ok = handle != NULL;
  /* In place is said by a NULL, which spares the library a look at overlaps. */
  for (size_t at = 0; ok && at < len; at += VT_SECTOR_BYTES, sector++)
    {
      fetch_ahead (from + at);
      ok = set_iv (self, handle, sector)
           && crypt (handle->data, to + at, VT_SECTOR_BYTES, to == from ? NULL : from + at, to == from ? 0 : VT_SECTOR_BYTES) == 0;
    }
  if (handle != NULL)
    handle_return (self, handle);
  return ok ? 0 : len % VT_SECTOR_BYTES != 0 ? EINVAL : EIO;
}

int
vt_sector_encrypt (VtSectorCipher *self, uint64_t sector, const uint8_t *from, uint8_t *to, size_t len)
{
  return work (self, gcry_cipher_encrypt, sector, from, to, len);
}

int
vt_sector_decrypt (VtSectorCipher *self, uint64_t sector, const uint8_t *from, uint8_t *to, size_t len)
{
  return work (self, gcry_cipher_decrypt, sector, from, to, len);
}
