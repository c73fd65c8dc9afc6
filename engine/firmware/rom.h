/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware image files, and where a PC shows them. */
#pragma once

#include "mem.h"

/* Reads a whole file of at least 1 and at most max_bytes bytes. `what` names its role in errors: "firmware". */
GBytes *vt_firmware_read (const char *path, const char *what, uint64_t max_bytes, GError **error);

/* A BIOS image is at most 16 MiB and a multiple of 64 KiB (so that its last bytes are the reset vector's). */
GBytes *vt_bios_read (const char *path, GError **error);

/* Size of the RAM block to make for an image: rounded up to pages. */
uint64_t vt_rom_ram_size (GBytes *image);
/* Copies the image into the block so that the image's end is the block's end. */
void vt_rom_fill (VtRam *ram, GBytes *image);

/* Maps a BIOS read-only so that it ends at 4 GiB, and its last 128 KiB so that they end at 1 MiB. */
bool vt_rom_map_bios (VtMem *mem, VtRam *ram, int priority, GError **error);
