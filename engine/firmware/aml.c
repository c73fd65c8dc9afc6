/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A writer for ACPI machine language. Numbers in comments are sections of ACPI 6.4. */
#include "aml.h"

/* 20.3, Encoding of opcodes. */
enum
{
  AML_ZERO = 0x00,
  AML_ONE = 0x01,
  AML_NAME = 0x08,
  AML_BYTE = 0x0a,
  AML_WORD = 0x0b,
  AML_DWORD = 0x0c,
  AML_STRING = 0x0d,
  AML_QWORD = 0x0e,
  AML_SCOPE = 0x10,
  AML_BUFFER = 0x11,
  AML_PACKAGE = 0x12,
  AML_METHOD = 0x14,
  AML_DUAL_NAME = 0x2e,
  AML_MULTI_NAME = 0x2f,
  AML_LOCAL0 = 0x60,
  AML_ARG0 = 0x68,
  AML_IF = 0xa0,
  AML_ELSE = 0xa1,
  AML_RETURN = 0xa4,
  AML_EXT_REGION = 0x5b80,
  AML_EXT_FIELD = 0x5b81,
  AML_EXT_DEVICE = 0x5b82,
};

/* 6.4.2 and 6.4.3: resource descriptor tags. Small ones carry their length in the low three bits. */
enum
{
  RESOURCE_IRQ = 0x22, RESOURCE_IRQ_FLAGS = 0x23, RESOURCE_DMA = 0x2a, RESOURCE_IO = 0x47, RESOURCE_END = 0x79,
  RESOURCE_MEMORY32 = 0x86, RESOURCE_DWORD_SPACE = 0x87, RESOURCE_WORD_SPACE = 0x88, RESOURCE_QWORD_SPACE = 0x8a,
};

#define SPACE_MEMORY 0u
#define SPACE_IO     1u
#define SPACE_BUS    2u
/* General flags: minimum and maximum are fixed, positive decode. */
#define SPACE_FIXED  0x0cu
/* Type-specific flags. */
#define SPACE_MEMORY_RW        0x01u
#define SPACE_MEMORY_CACHEABLE 0x02u
#define SPACE_IO_ENTIRE        0x03u

static void
put (VtAml *aml, uint64_t value, unsigned bytes)
{
  uint8_t le[8];
  vt_store_le (le, value, bytes);
  g_byte_array_append (aml->bytes, le, bytes);
}

void
vt_aml_init (VtAml *aml, GByteArray *bytes)
{
  *aml = (VtAml) { .bytes = bytes };
}

void
vt_aml_op (VtAml *aml, unsigned opcode)
{
  if (opcode > 0xff)
    put (aml, opcode >> 8, 1);
  put (aml, opcode & 0xff, 1);
}

static void
open_package (VtAml *aml, unsigned opcode)
{
  g_assert (aml->depth < VT_AML_DEPTH_MAX);
  vt_aml_op (aml, opcode);
  aml->open[aml->depth++] = (VtAmlOpen) { .start = aml->bytes->len };
}

static void
insert (GByteArray *bytes, uint32_t at, const uint8_t *data, unsigned len)
{
  uint32_t tail = bytes->len - at;
  g_byte_array_set_size (bytes, bytes->len + len);
  memmove (bytes->data + at + len, bytes->data + at, tail);
  memcpy (bytes->data + at, data, len);
}

/* 20.2.4: the length counts itself. One byte below 64; else the low nibble, then 8 bits per extra byte. */
static unsigned
encode_package_length (uint8_t out[4], uint32_t content)
{
  static const uint32_t limits[] = { 1u << 6, 1u << 12, 1u << 20, 1u << 28 };
  unsigned extra = 0;
  while (content + 1 + extra >= limits[extra])
    extra++;
  g_assert (extra < 4);
  uint32_t total = content + 1 + extra;
  out[0] = extra == 0 ? total : (extra << 6 | (total & 0xf));
  for (unsigned i = 0; i < extra; i++)
    out[1 + i] = total >> (4 + 8 * i);
  return 1 + extra;
}

static unsigned
encode_int (uint8_t out[9], uint64_t value)
{
  static const struct { uint64_t max; uint8_t op, bytes; } forms[] = {
    { UINT8_MAX, AML_BYTE, 1 }, { UINT16_MAX, AML_WORD, 2 }, { UINT32_MAX, AML_DWORD, 4 }, { UINT64_MAX, AML_QWORD, 8 },
  };
  out[0] = value;
  if (value <= 1)
    return 1;
  unsigned form = 0;
  while (value > forms[form].max)
    form++;
  out[0] = forms[form].op;
  vt_store_le (out + 1, value, forms[form].bytes);
  return 1 + forms[form].bytes;
}

void
vt_aml_end (VtAml *aml)
{
  g_assert (aml->depth > 0);
  const VtAmlOpen *open = &aml->open[--aml->depth];
  uint8_t head[9];
  if (open->resources)
    put (aml, RESOURCE_END, 2);   /* checksum 0: "assume it is right" (6.4.2.9) */
  if (open->buffer)
    {
      unsigned len = encode_int (head, aml->bytes->len - open->start);
      insert (aml->bytes, open->start, head, len);
    }
  unsigned len = encode_package_length (head, aml->bytes->len - open->start);
  insert (aml->bytes, open->start, head, len);
}

/* --- Names -------------------------------------------------------------------------------------------------------- */

static void
put_segment (VtAml *aml, const char *segment, size_t len)
{
  uint8_t padded[4] = { '_', '_', '_', '_' };
  g_assert (len >= 1 && len <= 4);
  memcpy (padded, segment, len);
  g_byte_array_append (aml->bytes, padded, 4);
}

/* 20.2.2 */
void
vt_aml_path (VtAml *aml, const char *path)
{
  for (; *path == '\\' || *path == '^'; path++)
    put (aml, (uint8_t) *path, 1);
  g_auto (GStrv) segments = g_strsplit (path, ".", -1);
  unsigned n = g_strv_length (segments);
  if (n == 0 || segments[0][0] == 0)
    {
      put (aml, 0, 1);
      return;
    }
  if (n == 2)
    put (aml, AML_DUAL_NAME, 1);
  else if (n > 2)
    put (aml, AML_MULTI_NAME | n << 8, 2);
  for (unsigned i = 0; i < n; i++)
    put_segment (aml, segments[i], strlen (segments[i]));
}

/* --- Opened terms ------------------------------------------------------------------------------------------------- */

void
vt_aml_scope (VtAml *aml, const char *path)
{
  open_package (aml, AML_SCOPE);
  vt_aml_path (aml, path);
}

void
vt_aml_device (VtAml *aml, const char *name)
{
  open_package (aml, AML_EXT_DEVICE);
  vt_aml_path (aml, name);
}

void
vt_aml_method (VtAml *aml, const char *name, unsigned args, bool serialized)
{
  open_package (aml, AML_METHOD);
  vt_aml_path (aml, name);
  put (aml, args | (serialized ? 8u : 0), 1);
}

void
vt_aml_package (VtAml *aml, unsigned elements)
{
  g_assert (elements <= UINT8_MAX);
  open_package (aml, AML_PACKAGE);
  put (aml, elements, 1);
}

void
vt_aml_resources (VtAml *aml)
{
  open_package (aml, AML_BUFFER);
  aml->open[aml->depth - 1].buffer = true;
  aml->open[aml->depth - 1].resources = true;
}

void
vt_aml_if (VtAml *aml)
{
  open_package (aml, AML_IF);
}

void
vt_aml_else (VtAml *aml)
{
  open_package (aml, AML_ELSE);
}

void
vt_aml_name (VtAml *aml, const char *name)
{
  vt_aml_op (aml, AML_NAME);
  vt_aml_path (aml, name);
}

void
vt_aml_return (VtAml *aml)
{
  vt_aml_op (aml, AML_RETURN);
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

void
vt_aml_int (VtAml *aml, uint64_t value)
{
  uint8_t bytes[9];
  unsigned len = encode_int (bytes, value);
  g_byte_array_append (aml->bytes, bytes, len);
}

void
vt_aml_string (VtAml *aml, const char *text)
{
  vt_aml_op (aml, AML_STRING);
  g_byte_array_append (aml->bytes, (const uint8_t *) text, strlen (text) + 1);
}

/* 19.3.4: three letters of five bits each, four hexadecimal digits, stored big-endian. */
void
vt_aml_eisa_id (VtAml *aml, const char *id)
{
  g_assert (strlen (id) == 7);
  uint32_t packed = 0;
  for (unsigned i = 0; i < 3; i++)
    packed = packed << 5 | ((unsigned) id[i] & 0x1f);
  for (unsigned i = 3; i < 7; i++)
    packed = packed << 4 | (unsigned) g_ascii_xdigit_value (id[i]);
  put (aml, AML_DWORD, 1);
  put (aml, GUINT32_SWAP_LE_BE (packed), 4);
}

void
vt_aml_buffer (VtAml *aml, const void *data, unsigned len)
{
  open_package (aml, AML_BUFFER);
  aml->open[aml->depth - 1].buffer = true;
  g_byte_array_append (aml->bytes, data, len);
  vt_aml_end (aml);
}

/* 19.6.142: aabbccdd-eeff-gghh-iijj-kkllmmnnoopp is stored dd cc bb aa ff ee hh gg ii jj kk ll mm nn oo pp. */
void
vt_aml_uuid (VtAml *aml, const char *uuid)
{
  static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
  uint8_t bytes[16];
  g_assert (g_uuid_string_is_valid (uuid));
  for (unsigned i = 0; i < 16; i++)
    {
      if (*uuid == '-')
        uuid++;
      bytes[order[i]] = g_ascii_xdigit_value (uuid[0]) << 4 | g_ascii_xdigit_value (uuid[1]);
      uuid += 2;
    }
  vt_aml_buffer (aml, bytes, sizeof bytes);
}

void
vt_aml_arg (VtAml *aml, unsigned n)
{
  vt_aml_op (aml, AML_ARG0 + n);
}

void
vt_aml_local (VtAml *aml, unsigned n)
{
  vt_aml_op (aml, AML_LOCAL0 + n);
}

void
vt_aml_no_target (VtAml *aml)
{
  put (aml, 0, 1);
}

/* --- Regions and fields ------------------------------------------------------------------------------------------- */

void
vt_aml_region (VtAml *aml, const char *name, unsigned space, uint32_t offset, uint32_t len)
{
  vt_aml_op (aml, AML_EXT_REGION);
  vt_aml_path (aml, name);
  put (aml, space, 1);
  vt_aml_int (aml, offset);
  vt_aml_int (aml, len);
}

void
vt_aml_byte_fields (VtAml *aml, const char *region, const char *const *names)
{
  open_package (aml, AML_EXT_FIELD);
  vt_aml_path (aml, region);
  put (aml, 0x01, 1);   /* ByteAcc, NoLock, Preserve */
  for (; *names != NULL; names++)
    {
      if (**names == 0)
        put (aml, 0x00, 1);   /* reserved field: a zero, then its length */
      else
        put_segment (aml, *names, strlen (*names));
      put (aml, 8, 1);
    }
  vt_aml_end (aml);
}

/* --- Resource descriptors ----------------------------------------------------------------------------------------- */

/* 6.4.2.5, 16-bit decode. */
void
vt_aml_io (VtAml *aml, uint16_t base, uint8_t len)
{
  put (aml, RESOURCE_IO, 1);
  put (aml, 1, 1);
  put (aml, base, 2);
  put (aml, base, 2);
  put (aml, 1, 1);
  put (aml, len, 1);
}

/* 6.4.2.1 without flags: edge, active high, exclusive. */
void
vt_aml_irq (VtAml *aml, unsigned irq)
{
  put (aml, RESOURCE_IRQ, 1);
  put (aml, 1u << irq, 2);
}

void
vt_aml_irq_level (VtAml *aml, uint16_t mask)
{
  put (aml, RESOURCE_IRQ_FLAGS, 1);
  put (aml, mask, 2);
  put (aml, 0x18, 1);
}

/* 6.4.2.2: compatibility timing, 8-bit, not a bus master. */
void
vt_aml_dma (VtAml *aml, unsigned channel)
{
  put (aml, RESOURCE_DMA, 1);
  put (aml, 1u << channel, 1);
  put (aml, 0, 1);
}

/* 6.4.3.4 */
void
vt_aml_memory32 (VtAml *aml, uint32_t base, uint32_t len, bool writable)
{
  put (aml, RESOURCE_MEMORY32, 1);
  put (aml, 9, 2);
  put (aml, writable, 1);
  put (aml, base, 4);
  put (aml, len, 4);
}

/* 6.4.3.5: granularity, minimum, maximum, translation and length, each `bytes` wide. */
static void
put_window (VtAml *aml, unsigned tag, unsigned bytes, unsigned space, unsigned flags, uint64_t first, uint64_t last)
{
  put (aml, tag, 1);
  put (aml, 3 + 5 * bytes, 2);
  put (aml, space, 1);
  put (aml, SPACE_FIXED, 1);
  put (aml, flags, 1);
  put (aml, 0, bytes);
  put (aml, first, bytes);
  put (aml, last, bytes);
  put (aml, 0, bytes);
  put (aml, last - first + 1, bytes);
}

void
vt_aml_bus_range (VtAml *aml, uint16_t first, uint16_t last)
{
  put_window (aml, RESOURCE_WORD_SPACE, 2, SPACE_BUS, 0, first, last);
}

void
vt_aml_io_window (VtAml *aml, uint16_t first, uint16_t last)
{
  put_window (aml, RESOURCE_WORD_SPACE, 2, SPACE_IO, SPACE_IO_ENTIRE, first, last);
}

void
vt_aml_memory_window (VtAml *aml, uint32_t first, uint32_t last, bool cacheable)
{
  put_window (aml, RESOURCE_DWORD_SPACE, 4, SPACE_MEMORY,
              SPACE_MEMORY_RW | (cacheable ? SPACE_MEMORY_CACHEABLE : 0), first, last);
}

void
vt_aml_memory_window64 (VtAml *aml, uint64_t first, uint64_t last)
{
  put_window (aml, RESOURCE_QWORD_SPACE, 8, SPACE_MEMORY, SPACE_MEMORY_RW | SPACE_MEMORY_CACHEABLE, first, last);
}
