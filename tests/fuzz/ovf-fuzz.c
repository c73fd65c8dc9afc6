/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OVF documents, which come from anywhere: no crash, no hang, and what is read can be written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "appliance.h"
#include "arguments.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  return 0;
}

/* Files of the archive have names of ours when it is written: those of the input need not be any. */
static void
write_and_read (VitrineAppliance *appliance)
{
  for (guint i = 0; i < appliance->disks->len; i++)
    {
      VitrineApplianceDisk *disk = appliance->disks->pdata[i];
      g_free (disk->file);
      disk->file = disk->cdrom ? NULL : g_strdup_printf ("disk%u.vmdk", i);
      disk->capacity_bytes = MAX (disk->capacity_bytes, 512);
    }
  g_autofree char *text = vitrine_appliance_to_ovf (appliance);
  g_autoptr (GError) error = NULL;
  g_autoptr (VitrineAppliance) again = vitrine_appliance_new_from_ovf (text, strlen (text), "again", &error);
  if (again == NULL || again->disks->len != appliance->disks->len || again->macs->len != appliance->macs->len
      || again->cpus != appliance->cpus || again->memory_bytes != appliance->memory_bytes || again->uefi != appliance->uefi)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t len)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VitrineAppliance) appliance = vitrine_appliance_new_from_ovf ((const char *) bytes, len, "fuzz", &error);
  if ((appliance == NULL) != (error != NULL))
    abort ();
  if (appliance != NULL && appliance->name != NULL && g_utf8_validate (appliance->name, -1, NULL))
    write_and_read (appliance);
  return 0;
}
