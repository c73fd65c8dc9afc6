/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware tables that point at each other: ACPI and SMBIOS.
 *
 * A set holds named blobs and the relations between them.  It can be handed to firmware through fw_cfg, with a script
 * that tells the firmware where to allocate, which pointers to fix and which checksums to compute ("etc/table-loader");
 * or it can be placed straight into guest memory, for kernels that boot without firmware.
 */
#pragma once

#include "device.h"

typedef struct VtTables VtTables;

typedef enum
{
  VT_TABLES_HIGH = 1,   /* anywhere below 4 GiB */
  VT_TABLES_FSEG = 2,   /* 0xe0000..0xfffff, where anchors are searched for */
} VtTablesZone;

VtTables *vt_tables_new (void);
void      vt_tables_free (VtTables *tables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtTables, vt_tables_free)

/* A new empty blob; append to the array freely. `name` is static and becomes the fw_cfg file name. align: power of two.
 */
GByteArray *vt_tables_add (VtTables *tables, const char *name, unsigned align, VtTablesZone zone);
/* The `size` bytes at `at` of blob `in` hold an offset into blob `to`: add the address of `to`. */
void vt_tables_pointer (VtTables *tables, const char *in, uint32_t at, unsigned size, const char *to);
/* The byte at `at` makes [start, start + len) of blob `in` add up to zero. Order matters: after its pointers. */
void vt_tables_checksum (VtTables *tables, const char *in, uint32_t at, uint32_t start, uint32_t len);
/* A blob that fw_cfg offers but the script leaves alone (SMBIOS: the firmware builds its own entry point). */
void vt_tables_add_plain (VtTables *tables, const char *name, GBytes *bytes);

/* Adds all blobs and the script to a fw_cfg device. */
void vt_tables_publish (const VtTables *tables, VtDevice *fw_cfg);

/* Places everything: HIGH blobs downward from `high_end`, FSEG ones upward from `fseg`. *high_start gets the lowest
 * address used (page aligned). */
bool vt_tables_place (const VtTables *tables, VtMem *mem, uint64_t high_end, uint64_t fseg, uint64_t *high_start,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Where a blob went; 0 before vt_tables_place(). */
uint64_t vt_tables_address (const VtTables *tables, const char *name);
