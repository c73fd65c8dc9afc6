/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a test case lives. The same linear addresses hold on the host and in the guest, because addresses are part of
 * what is compared.  All are below 2 GiB, so that 32-bit code and sign-extended displacements reach them, and none is a
 * power of two, so that biased random values do not point there by themselves.
 */
#pragma once

/* Host only: the context block and the RX page with the way back from 32-bit code. */
#define LAYOUT_CONTEXT    0x2b1d5000
#define LAYOUT_TRAMPOLINE 0x2b1d9000

/* Slots for code. One case owns one slot (a sequence: several). The page after the last one is not mapped. */
#define LAYOUT_CODE       0x2b2e0000
#define LAYOUT_CODE_SIZE  0x10000
#define LAYOUT_SLOT_SIZE  128
#define LAYOUT_N_SLOTS    (LAYOUT_CODE_SIZE / LAYOUT_SLOT_SIZE)

/* Data: hole, two writable pages, one read-only page, hole. */
#define LAYOUT_WINDOW         0x2b4f3000
#define LAYOUT_WINDOW_RW_SIZE 0x2000
#define LAYOUT_WINDOW_SIZE    0x3000

/* Slots of sequences, in the same region. */
#define LAYOUT_SEQUENCE_SIZE  1024
#define LAYOUT_N_SEQUENCES    (LAYOUT_CODE_SIZE / LAYOUT_SEQUENCE_SIZE)
