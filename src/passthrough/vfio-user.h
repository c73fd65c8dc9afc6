/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has a device open through VFIO: taking it away waits in the kernel until nobody has. */
#pragma once

#include "host-tree.h"

/* FALSE: a process has it or its IOMMU group open; the error says which. @device: its folder in the tree; @name:
 * for people. Only root sees the files of others' processes. */
gboolean vitrine_vfio_check_free (VitrineHostTree *tree, const char *device, const char *name, GError **error);
