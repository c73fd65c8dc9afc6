/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMBIOS structures. Numbers in comments are sections of DSP0134 3.4. */
#include "smbios.h"

#include "fw-cfg.h"
#include "vitrine/error.h"

#define SMBIOS_MAJOR 3u
#define SMBIOS_MINOR 0u

enum
{
  SMBIOS_BIOS = 0,
  SMBIOS_SYSTEM = 1,
  SMBIOS_BOARD = 2,
  SMBIOS_CHASSIS = 3,
  SMBIOS_PROCESSOR = 4,
  SMBIOS_MEMORY_ARRAY = 16,
  SMBIOS_MEMORY_DEVICE = 17,
  SMBIOS_MEMORY_RANGE = 19,
  SMBIOS_BOOT_STATUS = 32,
  SMBIOS_END = 127,
};

/* The type is the high byte of a handle: easy to read in dmidecode's output. */
#define HANDLE(type, n) ((type) << 8 | (n))
#define NO_HANDLE       0xfffeu

#define MANUFACTURER "Vitrine"

/* 7.18.5: sizes in MiB up to here, beyond it in the extended field. */
#define MEMORY_DEVICE_MIB_MAX 0x7fffu
#define MEMORY_DEVICE_MAX_MIB (16u * 1024)   /* like a row of 16 GiB modules */

typedef struct
{
  GByteArray *out;
  GPtrArray  *strings;    /* of the structure being written */
  uint32_t    start;
  uint32_t    largest;    /* structure, with strings: for the 2.1 entry point */
  unsigned    count;
} Writer;

static void
put (Writer *w, uint64_t value, unsigned bytes)
{
  uint8_t le[8];
  vt_store_le (le, value, bytes);
  g_byte_array_append (w->out, le, bytes);
}

static void
begin (Writer *w, unsigned type, unsigned n)
{
  w->start = w->out->len;
  put (w, type, 1);
  put (w, 0, 1);
  put (w, HANDLE (type, n), 2);
}

/* A string is a number in the structure and text after it (6.1.3). */
static void
put_string (Writer *w, const char *text)
{
  if (text == NULL || *text == 0)
    {
      put (w, 0, 1);
      return;
    }
  g_ptr_array_add (w->strings, g_strdup (text));
  put (w, w->strings->len, 1);
}

static void
end (Writer *w)
{
  w->out->data[w->start + 1] = w->out->len - w->start;
  for (unsigned i = 0; i < w->strings->len; i++)
    {
      const char *text = g_ptr_array_index (w->strings, i);
      g_byte_array_append (w->out, (const uint8_t *) text, strlen (text) + 1);
    }
  put (w, 0, w->strings->len > 0 ? 1 : 2);
  g_ptr_array_set_size (w->strings, 0);
  w->largest = MAX (w->largest, w->out->len - w->start);
  w->count++;
}

/* 7.1 */
static void
put_bios (Writer *w, const VtSmbiosConfig *config)
{
  const unsigned acpi = 1u << 0, uefi = 1u << 3, virtual_machine = 1u << 4, targeted_content = 1u << 2;
  begin (w, SMBIOS_BIOS, 0);
  put_string (w, MANUFACTURER);
  put_string (w, "1.0");
  put (w, 0xe800, 2);                   /* start segment */
  put_string (w, "01/01/2026");
  put (w, 0, 1);                        /* size: 64 KiB */
  put (w, 1u << 3, 8);                  /* characteristics: not given */
  put (w, acpi, 1);
  put (w, targeted_content | virtual_machine | (config->uefi ? uefi : 0), 1);
  put (w, 1, 1);
  put (w, 0, 1);
  put (w, 0xffff, 2);                   /* no embedded controller */
  end (w);
}

/* 7.2.1: the first three fields of a UUID are little-endian here. */
static void
put_uuid (Writer *w, const uint8_t *uuid)
{
  static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
  for (unsigned i = 0; i < 16; i++)
    put (w, uuid != NULL ? uuid[order[i]] : 0, 1);
}

static const char *
product_name (const VtSmbiosConfig *config)
{
  return config->product != NULL ? config->product : "Standard PC (Q35 + ICH9)";
}

/* 7.2 */
static void
put_system (Writer *w, const VtSmbiosConfig *config)
{
  const unsigned power_switch = 6;
  begin (w, SMBIOS_SYSTEM, 0);
  put_string (w, MANUFACTURER);
  put_string (w, product_name (config));
  put_string (w, config->version != NULL ? config->version : "1.0");
  put_string (w, config->serial);
  put_uuid (w, config->uuid);
  put (w, power_switch, 1);
  put_string (w, NULL);
  put_string (w, NULL);
  end (w);
}

/* 7.3 */
static void
put_board (Writer *w, const VtSmbiosConfig *config)
{
  const unsigned motherboard = 1u << 0, board_type = 0x0a;
  begin (w, SMBIOS_BOARD, 0);
  put_string (w, MANUFACTURER);
  put_string (w, product_name (config));
  put_string (w, NULL);
  put_string (w, NULL);
  put_string (w, NULL);
  put (w, motherboard, 1);
  put_string (w, NULL);
  put (w, HANDLE (SMBIOS_CHASSIS, 0), 2);
  put (w, board_type, 1);
  put (w, 0, 1);
  end (w);
}

/* 7.4 */
static void
put_chassis (Writer *w)
{
  const unsigned other = 1, safe = 3, no_security = 3;
  begin (w, SMBIOS_CHASSIS, 0);
  put_string (w, MANUFACTURER);
  put (w, other, 1);
  put_string (w, NULL);
  put_string (w, NULL);
  put_string (w, NULL);
  put (w, safe, 1);
  put (w, safe, 1);
  put (w, safe, 1);
  put (w, no_security, 1);
  put (w, 0, 4);
  put (w, 0, 1 + 1 + 1 + 1);            /* height, power cords, contained elements */
  put_string (w, NULL);
  end (w);
}

/* 7.5: one socket with all the cores. */
static void
put_processor (Writer *w, const VtSmbiosConfig *config)
{
  const unsigned central = 3, family_other = 1, upgrade_other = 1, populated_enabled = 0x41, has_64_bits = 1u << 2;
  unsigned small_count = MIN (config->cpus, 0xffu);
  begin (w, SMBIOS_PROCESSOR, 0);
  put_string (w, "CPU 0");
  put (w, central, 1);
  put (w, family_other, 1);
  put_string (w, MANUFACTURER);
  put (w, 0, 8);                        /* CPUID signature */
  put_string (w, config->cpu_name != NULL ? config->cpu_name : "Virtual CPU");
  put (w, 0, 1 + 2);                    /* voltage, external clock: unknown */
  put (w, 2000, 2);
  put (w, 2000, 2);
  put (w, populated_enabled, 1);
  put (w, upgrade_other, 1);
  put (w, 0xffff, 2);                   /* no cache structures */
  put (w, 0xffff, 2);
  put (w, 0xffff, 2);
  put_string (w, NULL);
  put_string (w, NULL);
  put_string (w, NULL);
  put (w, small_count, 1);
  put (w, small_count, 1);
  put (w, small_count, 1);
  put (w, has_64_bits, 2);
  put (w, family_other, 2);
  put (w, config->cpus, 2);
  put (w, config->cpus, 2);
  put (w, config->cpus, 2);
  end (w);
}

static unsigned
memory_devices (uint64_t mib)
{
  return MAX (1, (mib + MEMORY_DEVICE_MAX_MIB - 1) / MEMORY_DEVICE_MAX_MIB);
}

/* 7.17 */
static void
put_memory_array (Writer *w, uint64_t mib)
{
  const unsigned motherboard = 3, system_memory = 3, multi_bit_ecc = 6;
  const uint64_t use_extended = 0x80000000u;
  begin (w, SMBIOS_MEMORY_ARRAY, 0);
  put (w, motherboard, 1);
  put (w, system_memory, 1);
  put (w, multi_bit_ecc, 1);
  put (w, MIN (mib << 10, use_extended), 4);
  put (w, NO_HANDLE, 2);
  put (w, memory_devices (mib), 2);
  put (w, mib << 10 < use_extended ? 0 : mib << 20, 8);
  end (w);
}

/* 7.18 */
static void
put_memory_device (Writer *w, unsigned n, uint32_t mib)
{
  const unsigned dimm = 9, type_ram = 7, detail_other = 1u << 1;
  g_autofree char *locator = g_strdup_printf ("DIMM %u", n);
  begin (w, SMBIOS_MEMORY_DEVICE, n);
  put (w, HANDLE (SMBIOS_MEMORY_ARRAY, 0), 2);
  put (w, NO_HANDLE, 2);
  put (w, 0xffff, 2);                   /* widths: unknown */
  put (w, 0xffff, 2);
  put (w, MIN (mib, MEMORY_DEVICE_MIB_MAX), 2);
  put (w, dimm, 1);
  put (w, 0, 1);
  put_string (w, locator);
  put_string (w, NULL);
  put (w, type_ram, 1);
  put (w, detail_other, 2);
  put (w, 0, 2);                        /* speed: unknown */
  put_string (w, MANUFACTURER);
  put_string (w, NULL);
  put_string (w, NULL);
  put_string (w, NULL);
  put (w, 0, 1);
  put (w, mib >= MEMORY_DEVICE_MIB_MAX ? mib : 0, 4);
  put (w, 0, 2 + 2 + 2 + 2);            /* configured speed and voltages: unknown */
  end (w);
}

/* 7.20: addresses in KiB, inclusive; beyond 4 TiB in the extended fields. */
static void
put_memory_range (Writer *w, unsigned n, uint64_t base, uint64_t len, unsigned devices)
{
  uint64_t first = base >> 10, last = (base + len - 1) >> 10;
  bool     extended = last > UINT32_MAX - 1;
  begin (w, SMBIOS_MEMORY_RANGE, n);
  put (w, extended ? UINT32_MAX : first, 4);
  put (w, extended ? UINT32_MAX : last, 4);
  put (w, HANDLE (SMBIOS_MEMORY_ARRAY, 0), 2);
  put (w, MIN (devices, 0xffu), 1);
  put (w, extended ? base : 0, 8);
  put (w, extended ? base + len - 1 : 0, 8);
  end (w);
}

static void
put_memory (Writer *w, const VtSmbiosConfig *config)
{
  uint64_t mib = (config->ram_low_bytes + config->ram_high_bytes) >> 20;
  unsigned devices = memory_devices (mib);
  put_memory_array (w, mib);
  for (unsigned i = 0; i < devices; i++)
    put_memory_device (w, i, MIN (mib - (uint64_t) i * MEMORY_DEVICE_MAX_MIB, MEMORY_DEVICE_MAX_MIB));
  put_memory_range (w, 0, 0, config->ram_low_bytes, devices);
  if (config->ram_high_bytes > 0)
    put_memory_range (w, 1, 4 * VT_GIB, config->ram_high_bytes, devices);
}

/* 7.33 */
static void
put_boot_status (Writer *w)
{
  begin (w, SMBIOS_BOOT_STATUS, 0);
  put (w, 0, 6 + 1);                    /* reserved; no error */
  end (w);
}

static void
write_all (Writer *w, const VtSmbiosConfig *config)
{
  *w = (Writer) { .out = g_byte_array_new (), .strings = g_ptr_array_new_with_free_func (g_free) };
  put_bios (w, config);
  put_system (w, config);
  put_board (w, config);
  put_chassis (w);
  put_processor (w, config);
  put_memory (w, config);
  put_boot_status (w);
  begin (w, SMBIOS_END, 0);
  end (w);
  g_ptr_array_unref (w->strings);
}

/* --- Entry points ------------------------------------------------------------------------------------------------- */

static uint8_t
checksum (const uint8_t *bytes, unsigned len)
{
  uint8_t sum = 0;
  for (unsigned i = 0; i < len; i++)
    sum += bytes[i];
  return -sum;
}

/* 5.2.1. The firmware fills in the address and the checksums once it has placed the structures. */
static void
make_entry_21 (uint8_t entry[31], const Writer *w, uint32_t address)
{
  memset (entry, 0, 31);
  memcpy (entry, "_SM_", 4);
  entry[5] = 31;
  entry[6] = SMBIOS_MAJOR;
  entry[7] = SMBIOS_MINOR;
  vt_store_le (entry + 8, w->largest, 2);
  memcpy (entry + 16, "_DMI_", 5);
  vt_store_le (entry + 22, w->out->len, 2);
  vt_store_le (entry + 24, address, 4);
  vt_store_le (entry + 28, w->count, 2);
  entry[30] = SMBIOS_MAJOR << 4 | SMBIOS_MINOR;
  entry[21] = checksum (entry + 16, 15);
  entry[4] = checksum (entry, 31);
}

/* 5.2.2 */
static void
make_entry_30 (uint8_t entry[24], const Writer *w, uint64_t address)
{
  memset (entry, 0, 24);
  memcpy (entry, "_SM3_", 5);
  entry[6] = 24;
  entry[7] = SMBIOS_MAJOR;
  entry[8] = SMBIOS_MINOR;
  entry[10] = 1;
  vt_store_le (entry + 12, w->out->len, 4);
  vt_store_le (entry + 16, address, 8);
  entry[5] = checksum (entry, 24);
}

void
vt_smbios_publish (VtDevice *fw_cfg, const VtSmbiosConfig *config)
{
  Writer  w;
  uint8_t entry[31];
  write_all (&w, config);
  make_entry_21 (entry, &w, 0);
  g_autoptr (GBytes) anchor = g_bytes_new (entry, sizeof entry);
  g_autoptr (GBytes) tables = g_byte_array_free_to_bytes (w.out);
  vt_fw_cfg_add_file (fw_cfg, VT_SMBIOS_ANCHOR_FILE, anchor);
  vt_fw_cfg_add_file (fw_cfg, VT_SMBIOS_TABLES_FILE, tables);
}

bool
vt_smbios_place (const VtSmbiosConfig *config, VtMem *mem, uint64_t at, uint64_t *end, GError **error)
{
  Writer         w;
  uint8_t        entry[24];
  const uint64_t tables_at = at + 32;
  write_all (&w, config);
  g_autoptr (GByteArray) tables = w.out;
  make_entry_30 (entry, &w, tables_at);
  *end = tables_at + tables->len;
  if (*end <= VT_MIB && vt_mem_load (mem, VT_GPA (at), entry, sizeof entry)
      && vt_mem_load (mem, VT_GPA (tables_at), tables->data, tables->len))
    return true;
  g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "There is no room for the SMBIOS tables below 1 MiB");
  return false;
}
