/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a PCI function is, as Linux and libvirt write it. */
#pragma once

#include <glib.h>

/* "0000:01:00.0": domain of 16 to 32 bits, bus, slot below 32 and function below 8, all in lower case. The parts may be
 * NULL. */
gboolean vitrine_pci_address_parse (const char *address, guint *domain, guint *bus, guint *slot, guint *function);
