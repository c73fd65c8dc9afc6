/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machine has which device. A file of its own, as vitrine-host-helper needs no definitions of machines, nor an
 * XML parser. */
#include "domain-hostdev.h"
#include "host-text.h"
#include "pci-host.h"

void
vitrine_pci_host_mark_user (VitrinePciHost *host, VitrineDomain *domain, const char *title, gboolean runs)
{
  g_auto(GStrv) addresses = vitrine_domain_list_host_pci (domain);

  for (guint i = 0; addresses[i] != NULL; i++)
    {
      VitrinePciDevice *device = vitrine_pci_host_lookup (host, addresses[i]);
      if (device == NULL || (device->user_runs && !runs))
        continue;   /* who has it now counts more than who may have it later */
      g_free (device->user);
      device->user = vitrine_host_text (title, VITRINE_HOST_TITLE_CHARS);
      device->user_runs = runs;
    }
}
