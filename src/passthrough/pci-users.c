/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machine has which device. A file of its own, as vitrine-host-helper needs no definitions of machines, nor an
 * XML parser. */
#include "domain-hostdev.h"
#include "host-text.h"
#include "pci-host.h"

void
vitrine_pci_host_mark_user (VitrinePciHost *host, VitrineDomain *domain, const char *title, gboolean runs)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_hostdevs (domain);

  for (guint i = 0; i < hostdevs->len; i++)
    {
      const VitrineHostdev *hostdev = hostdevs->pdata[i];
      VitrinePciDevice *device
        = hostdev->kind == VITRINE_HOSTDEV_PCI ? vitrine_pci_host_lookup (host, hostdev->id) : NULL;
      if (device == NULL || (device->user_runs && !runs))
        continue;   /* who has it now counts more than who may have it later */
      g_free (device->user);
      device->user = vitrine_host_text (title, VITRINE_HOST_TITLE_CHARS);
      device->user_runs = runs;
    }
}
