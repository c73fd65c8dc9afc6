/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Serial consoles of VT_SERIAL_CONSOLE ports: a ring of recent output, and byte streams both ways. */
#pragma once

#include "machine.h"

unsigned vt_machine_consoles (const VtMachine *machine);   /* number of VT_SERIAL_CONSOLE and pty ports */
/* Output so far (bounded: the last 256 KiB), then every new chunk, on the machine's context. One listener per console;
 * NULL detaches. */
void vt_console_set_output (VtMachine *machine, unsigned console,
                            void (*output) (void *opaque, const uint8_t *bytes, size_t n), void *opaque);
void vt_console_send (VtMachine *machine, unsigned console, const uint8_t *bytes, size_t n);
/* Path of the slave of a VT_SERIAL_PTY port; NULL for others. */
const char *vt_console_pty (VtMachine *machine, unsigned console);
