/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operating system an installer image holds, and what libosinfo's database says it wants. */
#pragma once

#include <gio/gio.h>

#include "domain.h"

typedef struct
{
  char   *label;           /* what to call the machine: "Debian 12", else from the medium or the file name; never NULL */
  char   *os_id;           /* libosinfo's identifier; NULL when not recognized */
  char   *os_name;         /* "Debian GNU/Linux 12"; NULL when not recognized */
  guint64 memory_bytes;    /* recommendations; 0: none known */
  guint64 disk_bytes;
  guint   cpus;
  gboolean wants_tpm;      /* does not install without a TPM */
  VitrineFirmware firmware;   /* that it insists on; BIOS: it takes any */
  gboolean live;           /* runs without installing */
  gboolean bootable;       /* the medium looks like something to boot from */
} VitrineInstaller;

void vitrine_installer_free (VitrineInstaller *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineInstaller, vitrine_installer_free)

/* What a new machine should have on this computer for it; of an empty one, a machine for anything. At least a GiB of memory, at most half of
 * the computer's (or 512 MiB). */
typedef struct
{
  guint64  memory_bytes, disk_bytes;   /* disk: whole GiB; a live system needs none */
  guint    cpus;
  gboolean tpm;                        /* it wants one, and swtpm is installed */
} VitrineInstallerPlan;

void vitrine_installer_plan (const VitrineInstaller *self, VitrineInstallerPlan *plan);

/* Reads the medium and, the first time, the database, in a thread. Fails only when the file cannot be read. */
void              vitrine_installer_recognize_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback done,
                                                     gpointer data);
VitrineInstaller *vitrine_installer_recognize_finish (GAsyncResult *result, GError **error);
