/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: an IBM Z host as a tree, and a kernel that does with it what Linux's AP bus and vfio_ap do with sysfs.
 * Sources: Linux, Documentation/arch/s390/vfio-ap.rst; errors as drivers/s390/crypto/vfio_ap_ops.c gives them. */
#pragma once

#include "host-plan.h"

typedef enum
{
  Z_HOST_PLAIN, /* cards 4 (CEX8A), 5 (CEX7C), 6 (CEX7P), domains 4, 71, 171: all the host's; vfio_ap is not loaded */
  Z_HOST_CONFLICTS, /* the same with vfio_ap; card 5 is reserved, 05.0004 in a device; card 6 has no domain 171, is
                       offline */
  Z_HOST_LARGE,     /* 24 cards by 85 domains */
} ZHostKind;

#define Z_HOST_DEVICE "11111111-2222-4333-8444-555555555555"   /* of Z_HOST_CONFLICTS */

/* @mdevctl: with the program, which @actor plays; NULL: without. */
void z_host_fill (const char *root, ZHostKind kind, const char *actor);

typedef struct
{
  const char *root;
  int         fail_at, calls;   /* which call fails, from 1; 0: none */
  gboolean    in_use;           /* a guest has the devices */
} ZKernel;

extern const VitrineHostHands z_kernel_hands;   /* with a ZKernel */

/* What a program of the tree does ("mdevctl", "modprobe" with arguments); plain writes into the masks are made good. */
gboolean z_kernel_act (ZKernel *kernel, const char *const *argv, GError **error);
