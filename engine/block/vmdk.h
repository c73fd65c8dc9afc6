/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What reading and writing of VMDK share: the header of a sparse extent (VMware, "Virtual Disk Format 5.0", section "Hosted Sparse
 * Extents"). Little-endian; places and sizes are in sectors of 512 bytes. */
#pragma once

enum
{
  VMDK_HEADER_BYTES = 512, VMDK_MAGIC = 0x564d444b,
  VMDK_VERSION_AT = 4, VMDK_FLAGS_AT = 8, VMDK_CAPACITY_AT = 12, VMDK_GRAIN_AT = 20, VMDK_DESCRIPTOR_AT = 28,
  VMDK_DESCRIPTOR_SECTORS_AT = 36, VMDK_TABLE_ENTRIES_AT = 44, VMDK_REDUNDANT_AT = 48, VMDK_DIRECTORY_AT = 56, VMDK_OVERHEAD_AT = 64,
  VMDK_NEWLINES_AT = 73, VMDK_METHOD_AT = 77,
  VMDK_FLAG_NEWLINES = 1 << 0, VMDK_FLAG_ZERO_GRAINS = 1 << 2, VMDK_FLAG_PACKED = 1 << 16, VMDK_FLAG_MARKERS = 1 << 17,
  VMDK_METHOD_DEFLATE = 1,
  VMDK_TABLE_ENTRIES = 512,
  VMDK_MARK_END = 0, VMDK_MARK_TABLE = 1, VMDK_MARK_DIRECTORY = 2, VMDK_MARK_FOOTER = 3,
  VMDK_GRAIN_HEAD_BYTES = 12,      /* before a packed grain: sector of the disk, packed size */
};
#define VMDK_AT_END UINT64_MAX     /* the directory's place is in a footer */
