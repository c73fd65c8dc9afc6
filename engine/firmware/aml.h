/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A writer for ACPI machine language (ACPI 6.4, chapter 20) and resource descriptors (section 6.4).
 *
 * Terms are appended in program order.  Everything that AML wraps in a package length is opened by one call and closed
 * by vt_aml_end(); calls that take a value as their last operand are followed by the call that writes this value:
 *
 *     vt_aml_device (aml, "RTC");
 *       vt_aml_name (aml, "_HID");  vt_aml_eisa_id (aml, "PNP0B00");
 *       vt_aml_name (aml, "_CRS");  vt_aml_resources (aml);
 *         vt_aml_io (aml, 0x70, 2);
 *       vt_aml_end (aml);
 *     vt_aml_end (aml);
 */
#pragma once

#include "bits.h"

#define VT_AML_DEPTH_MAX 16u

typedef struct
{
  uint32_t start;       /* where the package length goes */
  bool     buffer;      /* a buffer: its size goes in too */
  bool     resources;   /* a resource template: an end tag as well */
} VtAmlOpen;

typedef struct
{
  GByteArray *bytes;    /* borrowed */
  VtAmlOpen   open[VT_AML_DEPTH_MAX];
  unsigned    depth;
} VtAml;

void vt_aml_init (VtAml *aml, GByteArray *bytes);
void vt_aml_end (VtAml *aml);

/* Names: one segment of at most four characters ("C000"), or a path ("\\_SB.PCI0"). */
void vt_aml_path (VtAml *aml, const char *path);

/* Opened, closed by vt_aml_end(). */
void vt_aml_scope (VtAml *aml, const char *path);
void vt_aml_device (VtAml *aml, const char *name);
void vt_aml_method (VtAml *aml, const char *name, unsigned args, bool serialized);
void vt_aml_package (VtAml *aml, unsigned elements);
void vt_aml_resources (VtAml *aml);
void vt_aml_if (VtAml *aml);          /* the condition follows, then the body */
void vt_aml_else (VtAml *aml);

/* Followed by a value. */
void vt_aml_name (VtAml *aml, const char *name);
void vt_aml_return (VtAml *aml);

/* Values. */
void vt_aml_int (VtAml *aml, uint64_t value);
void vt_aml_string (VtAml *aml, const char *text);
void vt_aml_eisa_id (VtAml *aml, const char *id);
void vt_aml_buffer (VtAml *aml, const void *data, unsigned len);
void vt_aml_uuid (VtAml *aml, const char *uuid);   /* the mixed-endian form that ToUUID() makes */
void vt_aml_arg (VtAml *aml, unsigned n);
void vt_aml_local (VtAml *aml, unsigned n);

/* One opcode, 0x5bxx for the extended ones; its operands follow. */
enum
{
  VT_AML_STORE              = 0x70,
  VT_AML_AND                = 0x7b,
  VT_AML_OR                 = 0x7d,
  VT_AML_SHIFT_LEFT         = 0x79,
  VT_AML_FIND_SET_RIGHT_BIT = 0x82,
  VT_AML_SUBTRACT           = 0x74,
  VT_AML_CREATE_DWORD_FIELD = 0x8a,
  VT_AML_CREATE_WORD_FIELD  = 0x8b,
  VT_AML_NOT                = 0x92,
  VT_AML_EQUAL              = 0x93,
  VT_AML_GREATER            = 0x94,
};
void vt_aml_op (VtAml *aml, unsigned opcode);
/* No target for an operation's result. */
void vt_aml_no_target (VtAml *aml);

/* OperationRegion (name, space, offset, len) and Field (region, ByteAcc, NoLock, Preserve) of equal 8-bit fields. */
enum { VT_AML_SYSTEM_IO = 1, VT_AML_PCI_CONFIG = 2 };
void vt_aml_region (VtAml *aml, const char *name, unsigned space, uint32_t offset, uint32_t len);
void vt_aml_byte_fields (VtAml *aml, const char *region, const char *const *names);   /* NULL-ended; "" skips a byte */

/* Resource descriptors, between vt_aml_resources() and vt_aml_end(). Ends are inclusive, as in the specification. */
void vt_aml_io (VtAml *aml, uint16_t base, uint8_t len);
void vt_aml_irq (VtAml *aml, unsigned irq);
void vt_aml_irq_level (VtAml *aml, uint16_t mask);   /* level, active low, shared */
void vt_aml_dma (VtAml *aml, unsigned channel);
void vt_aml_memory32 (VtAml *aml, uint32_t base, uint32_t len, bool writable);
void vt_aml_bus_range (VtAml *aml, uint16_t first, uint16_t last);
void vt_aml_io_window (VtAml *aml, uint16_t first, uint16_t last);
void vt_aml_memory_window (VtAml *aml, uint32_t first, uint32_t last, bool cacheable);
void vt_aml_memory_window64 (VtAml *aml, uint64_t first, uint64_t last);
