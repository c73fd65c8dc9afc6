/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a stream optimized VMDK, as OVA archives have them: compressed grains one after the other, tables behind them, no seeking. */
#pragma once

#include "image.h"

typedef struct VtVmdkStream VtVmdkStream;

/* Pieces of the disk begin at multiples of this. */
#define VT_VMDK_PIECE_BYTES (2u << 20)

/* On an empty growing file, which is borrowed. 0 or a positive errno. */
int  vt_vmdk_stream_new (VtImage *file, uint64_t size_bytes, VtVmdkStream **stream);
/* A piece of the disk, up to the next; the bytes behind the disk's end, up to a multiple of 64 KiB, must be there. bytes NULL: zeros.
 * Each piece exactly once, from any threads, which begin the pieces in their order: it waits until those before are written. */
int  vt_vmdk_stream_add (VtVmdkStream *stream, uint64_t off, const uint8_t *bytes, uint64_t len);
/* Ends all waiting: a piece will not come. */
void vt_vmdk_stream_give_up (VtVmdkStream *stream);
/* Tables and footer. */
int  vt_vmdk_stream_end (VtVmdkStream *stream);
void vt_vmdk_stream_free (VtVmdkStream *stream);
