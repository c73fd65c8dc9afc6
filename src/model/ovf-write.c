/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing OVF 1.1 (DMTF DSP0243). Children of an Item are in alphabetical order, as its schema wants them. */
#include "appliance.h"

#include <glib/gi18n-lib.h>

enum { CONTROLLER_SATA = 3, CONTROLLER_VIRTIO = 4, FIRST_DEVICE = 10 };

static void
put_files (GString *out, const VitrineAppliance *appliance)
{
  g_string_append (out, "  <References>\n");
  for (guint i = 0; i < appliance->disks->len; i++)
    {
      const VitrineApplianceDisk *disk = appliance->disks->pdata[i];
      g_autofree char *line = disk->cdrom ? NULL : g_markup_printf_escaped (
        "    <File ovf:href=\"%s\" ovf:id=\"file%u\" ovf:size=\"%" G_GUINT64_FORMAT "\"/>\n", disk->file, i, disk->file_bytes);
      g_string_append (out, line != NULL ? line : "");
    }
  g_string_append (out, "  </References>\n  <DiskSection>\n    <Info>Disks</Info>\n");
  for (guint i = 0; i < appliance->disks->len; i++)
    {
      const VitrineApplianceDisk *disk = appliance->disks->pdata[i];
      if (!disk->cdrom)
        g_string_append_printf (out, "    <Disk ovf:capacity=\"%" G_GUINT64_FORMAT "\" ovf:diskId=\"disk%u\" ovf:fileRef=\"file%u\" "
                                "ovf:format=\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\"/>\n",
                                disk->capacity_bytes, i, i);
    }
  g_string_append (out, "  </DiskSection>\n  <NetworkSection>\n    <Info>Networks</Info>\n    <Network ovf:name=\"NAT\">\n"
                        "      <Description>NAT</Description>\n    </Network>\n  </NetworkSection>\n");
}

static void
put_item (GString *out, const char *fields)
{
  g_string_append_printf (out, "      <Item>\n%s      </Item>\n", fields);
}

static void
put_processor_and_memory (GString *out, const VitrineAppliance *appliance)
{
  g_autofree char *cpus = g_strdup_printf (
    "        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>\n        <rasd:ElementName>%u processors</rasd:ElementName>\n"
    "        <rasd:InstanceID>1</rasd:InstanceID>\n        <rasd:ResourceType>3</rasd:ResourceType>\n"
    "        <rasd:VirtualQuantity>%u</rasd:VirtualQuantity>\n", appliance->cpus, appliance->cpus);
  guint64 mib = appliance->memory_bytes >> 20;
  g_autofree char *memory = g_strdup_printf (
    "        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>\n        <rasd:ElementName>%" G_GUINT64_FORMAT
    " MiB</rasd:ElementName>\n        <rasd:InstanceID>2</rasd:InstanceID>\n        <rasd:ResourceType>4</rasd:ResourceType>\n"
    "        <rasd:VirtualQuantity>%" G_GUINT64_FORMAT "</rasd:VirtualQuantity>\n", mib, mib);
  put_item (out, cpus);
  put_item (out, memory);
  put_item (out, "        <rasd:ElementName>SATA</rasd:ElementName>\n        <rasd:InstanceID>3</rasd:InstanceID>\n"
                 "        <rasd:ResourceSubType>AHCI</rasd:ResourceSubType>\n        <rasd:ResourceType>20</rasd:ResourceType>\n");
  put_item (out, "        <rasd:ElementName>virtio</rasd:ElementName>\n        <rasd:InstanceID>4</rasd:InstanceID>\n"
                 "        <rasd:ResourceSubType>VirtioSCSI</rasd:ResourceSubType>\n        <rasd:ResourceType>20</rasd:ResourceType>\n");
}

static void
put_disk (GString *out, const VitrineApplianceDisk *disk, guint i)
{
  g_autofree char *resource = disk->cdrom ? g_strdup ("") : g_strdup_printf (
    "        <rasd:HostResource>ovf:/disk/disk%u</rasd:HostResource>\n", i);
  g_autofree char *item = g_strdup_printf (
    "        <rasd:AddressOnParent>%u</rasd:AddressOnParent>\n        <rasd:ElementName>%s %u</rasd:ElementName>\n%s"
    "        <rasd:InstanceID>%u</rasd:InstanceID>\n        <rasd:Parent>%d</rasd:Parent>\n"
    "        <rasd:ResourceType>%d</rasd:ResourceType>\n", i, disk->cdrom ? "CD" : "Disk", i, resource, FIRST_DEVICE + i,
    g_str_equal (disk->bus, "virtio") ? CONTROLLER_VIRTIO : CONTROLLER_SATA, disk->cdrom ? 15 : 17);
  put_item (out, item);
}

static void
put_nic (GString *out, const char *mac, guint instance)
{
  g_autofree char *address = *mac != '\0' ? g_strdup_printf ("        <rasd:Address>%s</rasd:Address>\n", mac) : g_strdup ("");
  g_autofree char *item = g_strdup_printf (
    "%s        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>\n        <rasd:Connection>NAT</rasd:Connection>\n"
    "        <rasd:ElementName>Network</rasd:ElementName>\n        <rasd:InstanceID>%u</rasd:InstanceID>\n"
    "        <rasd:ResourceSubType>virtio</rasd:ResourceSubType>\n        <rasd:ResourceType>10</rasd:ResourceType>\n", address, instance);
  put_item (out, item);
}

static void
put_hardware (GString *out, const VitrineAppliance *appliance)
{
  guint n = appliance->disks->len;

  g_string_append (out, "    <VirtualHardwareSection>\n      <Info>Hardware</Info>\n      <System>\n"
                        "        <vssd:ElementName>Hardware</vssd:ElementName>\n        <vssd:InstanceID>0</vssd:InstanceID>\n"
                        "        <vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType>\n      </System>\n");
  put_processor_and_memory (out, appliance);
  for (guint i = 0; i < n; i++)
    put_disk (out, appliance->disks->pdata[i], i);
  for (guint i = 0; i < appliance->macs->len; i++)
    put_nic (out, appliance->macs->pdata[i], FIRST_DEVICE + n + i);
  if (appliance->uefi)
    g_string_append (out, "      <vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"efi\"/>\n");
  g_string_append (out, "    </VirtualHardwareSection>\n");
}

char *
vitrine_appliance_to_ovf (const VitrineAppliance *appliance)
{
  GString *out = g_string_new (
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Envelope ovf:version=\"1.0\" xml:lang=\"en-US\" xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\"\n"
    "  xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\"\n"
    "  xmlns:rasd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData\"\n"
    "  xmlns:vssd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData\"\n"
    "  xmlns:vmw=\"http://www.vmware.com/schema/ovf\">\n");
  put_files (out, appliance);
  g_autofree char *system = g_markup_printf_escaped ("  <VirtualSystem ovf:id=\"%s\">\n    <Info>A virtual machine</Info>\n"
                                                     "    <Name>%s</Name>\n", appliance->name, appliance->name);
  g_string_append (out, system);
  if (appliance->description != NULL)
    {
      g_autofree char *description = g_markup_printf_escaped (
        "    <AnnotationSection>\n      <Info>Description</Info>\n      <Annotation>%s</Annotation>\n    </AnnotationSection>\n",
        appliance->description);
      g_string_append (out, description);
    }
  put_hardware (out, appliance);
  g_string_append (out, "  </VirtualSystem>\n</Envelope>\n");
  return g_string_free (out, FALSE);
}
