/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fw_cfg items that a PC's firmware expects. */
#include "fw-cfg.h"

/* Type of an "etc/e820" entry, as INT 15h E820h returns it. */
#define E820_RAM 1u

/* "etc/system-states": one byte per sleeping state, bit 7 set when the machine has it. S0 and S5 only. */
#define STATE_PRESENT 0x80u
#define STATES        6u

static void
add_int (VtDevice *dev, uint16_t key, uint64_t value, unsigned bytes)
{
  uint8_t le[8];
  vt_store_le (le, value, bytes);
  g_autoptr (GBytes) item = g_bytes_new (le, bytes);
  vt_fw_cfg_add (dev, key, item);
}

static void
add_file (VtDevice *dev, const char *name, const void *data, size_t len)
{
  g_autoptr (GBytes) item = g_bytes_new (data, len);
  vt_fw_cfg_add_file (dev, name, item);
}

static void
append_range (GByteArray *out, uint64_t base, uint64_t len, uint32_t type)
{
  uint8_t entry[20];
  vt_store_le (entry, base, 8);
  vt_store_le (entry + 8, len, 8);
  vt_store_le (entry + 16, type, 4);
  if (len > 0)
    g_byte_array_append (out, entry, sizeof entry);
}

static void
add_memory_map (VtDevice *dev, const VtFwCfgPc *pc)
{
  g_autoptr (GByteArray) map = g_byte_array_new ();
  append_range (map, 0, pc->ram_low_bytes, E820_RAM);
  append_range (map, 4 * VT_GIB, pc->ram_high_bytes, E820_RAM);
  add_file (dev, "etc/e820", map->data, map->len);
}

/* One memory node: no ranges. A node count and an entry per processor and per node, 64 bits each. */
static void
add_numa (VtDevice *dev, unsigned cpus)
{
  g_autofree uint64_t *table = g_new0 (uint64_t, cpus + 1);
  g_autoptr (GBytes) bytes = g_bytes_new (table, (cpus + 1) * sizeof *table);
  vt_fw_cfg_add (dev, VT_FW_CFG_NUMA, bytes);
}

static void
add_boot_order (VtDevice *dev, const VtFwCfgPc *pc)
{
  g_autoptr (GString) list = g_string_new (NULL);
  for (const char *const *path = pc->boot_order; path != NULL && *path != NULL; path++)
    g_string_append_printf (list, "%s%s", list->len > 0 ? "\n" : "", *path);
  if (pc->boot_strict)
    g_string_append_printf (list, "%sHALT", list->len > 0 ? "\n" : "");
  if (list->len > 0)
    add_file (dev, "bootorder", list->str, list->len + 1);
}

void
vt_fw_cfg_add_pc (VtDevice *dev, const VtFwCfgPc *pc)
{
  static const uint8_t no_uuid[16];
  static const uint8_t states[STATES] = { [0] = STATE_PRESENT, [5] = STATE_PRESENT };
  static const uint32_t do_not_reboot = UINT32_MAX;   /* "etc/boot-fail-wait" in ms; all ones: wait for ever */

  g_autoptr (GBytes) uuid = g_bytes_new (pc->uuid != NULL ? pc->uuid : no_uuid, 16);
  vt_fw_cfg_add (dev, VT_FW_CFG_UUID, uuid);
  add_int (dev, VT_FW_CFG_RAM_SIZE, pc->ram_low_bytes + pc->ram_high_bytes, 8);
  add_int (dev, VT_FW_CFG_NOGRAPHIC, 0, 2);
  add_int (dev, VT_FW_CFG_NB_CPUS, pc->cpus, 2);
  add_int (dev, VT_FW_CFG_MAX_CPUS, pc->max_cpus, 2);
  add_int (dev, VT_FW_CFG_BOOT_MENU, pc->boot_menu, 2);
  add_numa (dev, pc->max_cpus);
  add_memory_map (dev, pc);
  add_boot_order (dev, pc);
  add_file (dev, "etc/system-states", states, sizeof states);
  add_file (dev, "etc/boot-fail-wait", &do_not_reboot, sizeof do_not_reboot);
  if (pc->boot_menu)
    {
      uint8_t wait[4];
      vt_store_le (wait, pc->boot_menu_wait_ms, sizeof wait);
      add_file (dev, "etc/boot-menu-wait", wait, sizeof wait);
    }
}

/* --- OpenFirmware paths ------------------------------------------------------------------------------------------- */

static char *
pci_path (const char *kind, unsigned devfn, const char *rest)
{
  unsigned slot = devfn >> 3, function = devfn & 7;
  if (function == 0)
    return g_strdup_printf ("/pci@i0cf8/%s@%x%s", kind, slot, rest);
  return g_strdup_printf ("/pci@i0cf8/%s@%x,%x%s", kind, slot, function, rest);
}

char *
vt_boot_path_virtio_blk (unsigned devfn)
{
  return pci_path ("scsi", devfn, "/disk@0,0");
}

char *
vt_boot_path_virtio_blk_behind (unsigned bridge_devfn)
{
  return pci_path ("pci-bridge", bridge_devfn, "/scsi@0/disk@0,0");
}

char *
vt_boot_path_scsi (unsigned devfn, unsigned target)
{
  g_autofree char *rest = g_strdup_printf ("/channel@0/disk@%x,0", target);
  return pci_path ("scsi", devfn, rest);
}

char *
vt_boot_path_usb (unsigned devfn, unsigned port)
{
  g_autofree char *rest = g_strdup_printf ("/storage@%x/channel@0/disk@0,0", port);
  return pci_path ("usb", devfn, rest);
}

char *
vt_boot_path_ahci (unsigned devfn, unsigned port)
{
  g_autofree char *rest = g_strdup_printf ("/drive@%x/disk@0", port);
  return pci_path ("pci8086,2922", devfn, rest);
}

char *
vt_boot_path_ide (unsigned devfn, unsigned channel, unsigned drive)
{
  g_autofree char *rest = g_strdup_printf ("/drive@%x/disk@%x", channel, drive);
  return pci_path ("ide", devfn, rest);
}

/* OVMF looks for this vendor and device, whoever made the controller; SeaBIOS for the place alone. */
char *
vt_boot_path_nvme (unsigned devfn)
{
  return pci_path ("pci8086,5845", devfn, "/namespace@1,0");
}

char *
vt_boot_path_floppy (unsigned isa_slot, unsigned drive)
{
  g_autofree char *rest = g_strdup_printf ("/fdc@03f0/floppy@%x", drive);
  return pci_path ("isa", isa_slot << 3, rest);
}

char *
vt_boot_path_net (unsigned devfn)
{
  return pci_path ("ethernet", devfn, "/ethernet-phy@0");
}
