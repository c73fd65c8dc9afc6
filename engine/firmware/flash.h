/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A NOR flash chip with the Intel command set (CFI primary command set 0x0001), 8 bits wide: where UEFI lives. */
#pragma once

#include "device.h"

extern const VtDeviceClass vt_flash_class;

#define VT_FLASH_BLOCK_SIZE 4096u

typedef struct
{
  VtRam   *ram;        /* the array, already filled; a multiple of VT_FLASH_BLOCK_SIZE; saved with the machine's RAM */
  VtMem   *mem;        /* where the chip is mapped; NULL: nowhere (tests) */
  VtGpa    at;
  int      priority;
  VtMem   *smm_mem;    /* overlay of mem: writes reach the chip only from there, and vanish elsewhere; NULL: from everywhere */
  bool     read_only;  /* program and erase fail, as with the write-protect pin low */
  /* Told after each change of the array, machine lock held: keeps the file behind it up to date. Nullable. */
  void   (*wrote) (void *opaque, uint64_t off, uint64_t len);
  void    *opaque;
} VtFlashConfig;
