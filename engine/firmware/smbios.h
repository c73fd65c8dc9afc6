/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMBIOS structures (DSP0134 3.4): what dmidecode and inventory tools show. */
#pragma once

#include "tables.h"

#define VT_SMBIOS_ANCHOR_FILE "etc/smbios/smbios-anchor"
#define VT_SMBIOS_TABLES_FILE "etc/smbios/smbios-tables"

typedef struct
{
  const char    *product;          /* NULL: "Standard PC (Q35 + ICH9)" */
  const char    *version;          /* NULL: Vitrine's */
  const char    *serial;           /* NULL: none */
  const char    *cpu_name;         /* NULL: "Virtual CPU" */
  const uint8_t *uuid;             /* 16 bytes, RFC 4122 order; NULL: none */
  unsigned       cpus;
  uint64_t       ram_low_bytes, ram_high_bytes;
  bool           uefi;
} VtSmbiosConfig;

/* Adds tables and anchor as plain blobs for fw_cfg. */
void vt_smbios_publish (VtDevice *fw_cfg, const VtSmbiosConfig *config);
/* Puts a 3.0 entry point and the structures into guest memory at `at` (in 0xf0000..0xfffff, 16-byte aligned); *end gets
 * one past the last byte. */
bool vt_smbios_place (const VtSmbiosConfig *config, VtMem *mem, uint64_t at, uint64_t *end,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
