/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the VHDX driver share ([MS-VHDX], version 8):
 *
 *   vhdx.c        header, tables, and where a byte of the disk is
 *   vhdx-log.c    finds what the log has for the file
 *   vhdx-sum.c    checksums
 */
#pragma once

#include "image.h"

/* Of the header. */
enum { VT_VHDX_LOG_GUID_AT = 48, VT_VHDX_LOG_VERSION_AT = 64, VT_VHDX_LOG_BYTES_AT = 68, VT_VHDX_LOG_OFFSET_AT = 72 };

/* CRC-32C (RFC 3720, appendix B.4) of what comes after the bytes that `crc` is of; 0: of nothing. */
uint32_t vt_vhdx_sum (uint32_t crc, const uint8_t *bytes, size_t len);
/* The same of a structure that has its own sum at 4, which counts as zeros. */
uint32_t vt_vhdx_sum_of (const uint8_t *bytes, size_t len);

/* A file that was not closed in order has its last changes in a log. *over: an image over the file that shows it with these changes made, which
 * takes the file; NULL: there are none. The file itself stays as it is. `header`: the one that counts, of which the sum is right. Returns why it
 * cannot be, for a person, and then takes nothing; NULL: all is well. */
const char *vt_vhdx_replay (VtImage *file, const uint8_t *header, VtImage **over);
