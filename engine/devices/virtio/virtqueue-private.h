/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between virtqueue.c and virtio-device.c. */
#pragma once

#include "virtqueue.h"

/* One element less is in flight: a waiting reset or quiesce may go on. */
void vt_virtio_element_gone (VtVirtio *virtio);
