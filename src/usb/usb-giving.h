/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving a USB device of this computer away: by a process of its own (usb-giver.c), for which this one needs the right to start programs. */
#pragma once

#include <gio/gio.h>

/* Starts it; what it gives away comes out of the descriptor, in the usbredir protocol. @id: "1:7". -1 after a sentence. Blocks until the
 * device is open, while the person may be asked for a password. No other thread may be waiting for children. */
int vitrine_usb_give (const char *id, GError **error);
