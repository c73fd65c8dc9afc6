/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work on all processors: in pieces, which several threads take one after the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* [off, off + len) is one piece; 0 or a positive errno. `caller`: this is the thread that called vt_in_pieces(). */
typedef int (*VtPiece) (void *opaque, uint64_t off, uint64_t len, bool caller);

/* Cuts [0, len) into pieces, which begin at multiples of `piece`, and returns when all are done, or none is under way after the first
 * error, which it returns. Pieces are begun in their order. The calling thread takes part, so that it gets on where all others are
 * busy, also from inside of a piece. Any thread. */
int vt_in_pieces (uint64_t len, uint64_t piece, VtPiece fn, void *opaque);
/* The same for pieces that only compute and wait for nothing: nobody helps while there are as many callers as processors, since what was taken
 * from each other would only go from cache to cache. It is one piece then. */
int vt_compute_in_pieces (uint64_t len, uint64_t piece, VtPiece fn, void *opaque);
/* That work at a time, the caller included, at most. */
unsigned vt_pieces_threads (void);
