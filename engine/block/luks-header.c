/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layout of the header: specification, table 1 (header) and table 2 (slots). All numbers are big-endian. */
#include <errno.h>
#include <gcrypt.h>

#include "crypt-init.h"
#include "luks.h"
#include "vitrine/error.h"

enum
{
  HEADER_BYTES = 592, SLOTS_AT = 208, SLOT_BYTES = 48,
  SLOT_ACTIVE = 0x00ac71f3, SLOT_EMPTY = 0x0000dead,
  ALIGN_SECTORS = 8,                /* of split keys: 4 KiB, as cryptsetup has it */
  PAYLOAD_ALIGN_SECTORS = 2048,     /* of the disk: 1 MiB */
};

static const uint8_t magic[6] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

uint64_t
vt_luks_slot_bytes (const VtLuksHeader *header)
{
  uint64_t bytes = (uint64_t) header->key_bytes * VT_LUKS_STRIPES;
  return (bytes + VT_SECTOR_BYTES - 1) / VT_SECTOR_BYTES * VT_SECTOR_BYTES;
}

/* --- Checks ----------------------------------------------------------------------------------------------------------- */

static bool
refuse (GError **error, const VtImage *file, const char *what)
{
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as an encrypted disk: %s", file->label, what);
  return false;
}

/* An empty slot at an impossible place is only of no use. */
static bool
check_slot (const VtLuksHeader *header, VtLuksSlot *slot, uint32_t stripes)
{
  uint64_t end = slot->sector + vt_luks_slot_bytes (header) / VT_SECTOR_BYTES;
  bool     placed = stripes == VT_LUKS_STRIPES && slot->sector * UINT64_C (512) >= HEADER_BYTES && end <= header->payload_sector;
  if (!placed)
    slot->sector = 0;
  return !slot->active || (placed && slot->iterations > 0 && slot->iterations <= VT_LUKS_ITERATIONS_MOST);
}

static bool
check (const VtImage *file, const VtLuksHeader *header, GError **error)
{
  if (header->key_bytes == 0 || header->key_bytes > VT_LUKS_KEY_MOST)
    return refuse (error, file, "its key has an impossible length");
  if (header->digest_iterations == 0 || header->digest_iterations > VT_LUKS_ITERATIONS_MOST)
    return refuse (error, file, "its header asks for an unreasonable amount of computing");
  vt_crypt_init ();
  if (gcry_md_map_name (header->hash) == 0)
    return refuse (error, file, "its hash is not known");
  return true;
}

/* --- Bytes ------------------------------------------------------------------------------------------------------------ */

static void
load_text (char *to, size_t room, const uint8_t *from)
{
  memcpy (to, from, room - 1);
  to[room - 1] = 0;
  /* It is shown to people. */
  for (char *c = to; *c != 0; c++)
    if (!g_ascii_isgraph (*c))
      *c = '?';
}

static bool
load_slot (const VtLuksHeader *header, VtLuksSlot *slot, const uint8_t *from)
{
  slot->active = vt_load_be (from, 4) == SLOT_ACTIVE;
  slot->iterations = (uint32_t) vt_load_be (from + 4, 4);
  memcpy (slot->salt, from + 8, VT_LUKS_SALT_BYTES);
  slot->sector = (uint32_t) vt_load_be (from + 40, 4);
  return check_slot (header, slot, (uint32_t) vt_load_be (from + 44, 4));
}

static void
load_header (VtLuksHeader *header, const uint8_t *from)
{
  load_text (header->cipher, sizeof header->cipher, from + 8);
  load_text (header->mode, sizeof header->mode, from + 40);
  load_text (header->hash, sizeof header->hash, from + 72);
  header->payload_sector = (uint32_t) vt_load_be (from + 104, 4);
  header->key_bytes = (uint32_t) vt_load_be (from + 108, 4);
  memcpy (header->digest, from + 112, VT_LUKS_DIGEST_BYTES);
  memcpy (header->digest_salt, from + 132, VT_LUKS_SALT_BYTES);
  header->digest_iterations = (uint32_t) vt_load_be (from + 164, 4);
  load_text (header->uuid, sizeof header->uuid, from + 168);
}

bool
vt_luks_read_header (VtImage *file, uint64_t at, VtLuksHeader *header, GError **error)
{
  uint8_t bytes[HEADER_BYTES];
  int     problem = vt_image_read (file, at, bytes, sizeof bytes);
  if (problem != 0)
    return vt_image_fail (error, file->label, "the header cannot be read", problem);
  if (memcmp (bytes, magic, sizeof magic) != 0)
    return refuse (error, file, "it is not a LUKS image");
  if (vt_load_be (bytes + 6, 2) != 1)
    return refuse (error, file, "only version 1 of LUKS is supported. “cryptsetup convert --type luks1” may change it");
  load_header (header, bytes);
  if (!check (file, header, error))
    return false;
  for (unsigned i = 0; i < VT_LUKS_SLOTS; i++)
    if (!load_slot (header, &header->slots[i], bytes + SLOTS_AT + i * SLOT_BYTES))
      return refuse (error, file, "a key slot is at an impossible place, or asks for an unreasonable amount of computing");
  return true;
}

static void
store_slot (const VtLuksSlot *slot, uint8_t *to)
{
  vt_store_be (to, slot->active ? SLOT_ACTIVE : SLOT_EMPTY, 4);
  vt_store_be (to + 4, slot->iterations, 4);
  memcpy (to + 8, slot->salt, VT_LUKS_SALT_BYTES);
  vt_store_be (to + 40, slot->sector, 4);
  vt_store_be (to + 44, VT_LUKS_STRIPES, 4);
}

int
vt_luks_write_header (VtImage *file, uint64_t at, const VtLuksHeader *header)
{
  uint8_t bytes[HEADER_BYTES] = { 0 };
  memcpy (bytes, magic, sizeof magic);
  vt_store_be (bytes + 6, 1, 2);
  memcpy (bytes + 8, header->cipher, 32);
  memcpy (bytes + 40, header->mode, 32);
  memcpy (bytes + 72, header->hash, 32);
  vt_store_be (bytes + 104, header->payload_sector, 4);
  vt_store_be (bytes + 108, header->key_bytes, 4);
  memcpy (bytes + 112, header->digest, VT_LUKS_DIGEST_BYTES);
  memcpy (bytes + 132, header->digest_salt, VT_LUKS_SALT_BYTES);
  vt_store_be (bytes + 164, header->digest_iterations, 4);
  memcpy (bytes + 168, header->uuid, 40);
  for (unsigned i = 0; i < VT_LUKS_SLOTS; i++)
    store_slot (&header->slots[i], bytes + SLOTS_AT + i * SLOT_BYTES);
  return vt_image_write (file, at, bytes, sizeof bytes);
}

void
vt_luks_plan_header (VtLuksHeader *header)
{
  g_autofree char *uuid = g_uuid_string_random ();
  *header = (VtLuksHeader) { .cipher = "aes", .mode = "xts-plain64", .hash = "sha256", .key_bytes = 64 };
  g_strlcpy (header->uuid, uuid, sizeof header->uuid);
  uint32_t sector = ALIGN_SECTORS, step = (uint32_t) (vt_luks_slot_bytes (header) / VT_SECTOR_BYTES);
  for (unsigned i = 0; i < VT_LUKS_SLOTS; i++)
    {
      header->slots[i].sector = sector;
      sector += (step + ALIGN_SECTORS - 1) / ALIGN_SECTORS * ALIGN_SECTORS;
    }
  header->payload_sector = (sector + PAYLOAD_ALIGN_SECTORS - 1) / PAYLOAD_ALIGN_SECTORS * PAYLOAD_ALIGN_SECTORS;
}
