/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Can this host give devices away: is its IOMMU on, is there a vfio-pci, and if not, what is to be done. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "pci-private.h"

#define ACPI "sys/firmware/acpi/tables"

/* --- IOMMU -------------------------------------------------------------------------------------------------------- */

/* A word of a list; the whole word. */
static gboolean
has_word (const char *text, const char *word)
{
  g_auto(GStrv) words = g_strsplit_set (text != NULL ? text : "", " \t\n", -1);

  return g_strv_contains ((const char *const *) words, word);
}

static const char *
explain_intel (VitrineHostTree *tree, const char *command_line)
{
  if (!vitrine_host_tree_exists (tree, ACPI "/DMAR"))
    return _("The firmware does not offer an IOMMU: switch on VT-d in its setup.");
  if (has_word (command_line, "intel_iommu=on"))
    return _ (
        "The IOMMU is off although intel_iommu=on is on the kernel’s command line: “dmesg | grep -i dmar” says why.");
  return _("The IOMMU is off: add intel_iommu=on to the kernel’s command line and restart (in Debian: to "
           "GRUB_CMDLINE_LINUX in "
           "/etc/default/grub, then update-grub).");
}

static const char *
explain_amd (VitrineHostTree *tree, const char *command_line)
{
  if (!vitrine_host_tree_exists (tree, ACPI "/IVRS"))
    return _("The firmware does not offer an IOMMU: switch on IOMMU (AMD-Vi) in its setup.");
  if (has_word (command_line, "amd_iommu=off") || has_word (command_line, "iommu=off"))
    return _("The IOMMU is off: take amd_iommu=off and iommu=off out of the kernel’s command line and restart.");
  return _("The IOMMU is off although the firmware offers one: “dmesg | grep -i amd-vi” says why.");
}

static const char *
explain_no_iommu (VitrineHostTree *tree)
{
  g_autofree char *cpu = vitrine_host_tree_read (tree, "proc/cpuinfo"),
                  *line = vitrine_host_tree_read (tree, "proc/cmdline");

  if (has_word (cpu, "hypervisor"))
    return _("This computer is a virtual machine without an IOMMU: only its own host could give it one.");
  if (has_word (cpu, "GenuineIntel"))
    return explain_intel (tree, line);
  if (has_word (cpu, "AuthenticAMD"))
    return explain_amd (tree, line);
  return _("This computer has no IOMMU that Linux knows of.");
}

static gboolean
has_iommu (VitrineHostTree *tree)
{
  g_auto(GStrv) groups = vitrine_host_tree_list (tree, "sys/kernel/iommu_groups");

  return groups[0] != NULL;
}

/* --- vfio-pci ----------------------------------------------------------------------------------------------------- */

static gboolean
has_module (VitrineHostTree *tree)
{
  static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };
  g_autofree char *release = vitrine_host_tree_read (tree, "proc/sys/kernel/osrelease");

  for (guint i = 0; release != NULL && i < G_N_ELEMENTS (suffixes); i++)
    if (vitrine_host_tree_exists (tree, "lib/modules/%s/kernel/drivers/vfio/pci/vfio-pci.ko%s", release, suffixes[i]))
      return TRUE;
  return FALSE;
}

void
vitrine_pci_host_find_vfio (VitrinePciHost *host, VitrineHostTree *tree)
{
  host->vfio_loaded = vitrine_host_tree_exists (tree, "sys/bus/pci/drivers/vfio-pci");
  if (!has_iommu (tree))
    host->no_iommu = g_strdup (explain_no_iommu (tree));
  if (!host->vfio_loaded && !has_module (tree))
    host->no_vfio = g_strdup (_("The kernel has no driver vfio-pci: devices cannot be given away with it."));
}
