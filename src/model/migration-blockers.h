/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of a definition because of which a running machine cannot move to another host. */
#pragma once

#include "domain.h"

typedef struct
{
  char *device;     /* "0000:01:00.0", a UUID, a MAC; for people as it is */
  char *sentence;   /* why, and what to do */
} VitrineMigrationBlocker;

/* Of VitrineMigrationBlocker, in document order; empty: nothing is in the way. Source: libvirt 9.0 refuses <hostdev>s
 * that are not USB devices, except PCI ones that are one half of a team (<teaming type='transient'>), which it unplugs;
 * QEMU 7.2 refuses every zPCI function (measured: ../shared/docs/s390x/zpci-and-ap.md, section 5). */
GPtrArray *vitrine_migration_blockers (VitrineDomain *domain);
