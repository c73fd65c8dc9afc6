/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware configuration device: how SeaBIOS, OVMF and kernels learn what the machine is made of. */
#pragma once

#include "device.h"

extern const VtDeviceClass vt_fw_cfg_class;

/* Ports 0x510 (selector, 16 bits) and 0x511 (data, 8 bits); and 0x514 (DMA address, big-endian, 64 bits).
 * Needs env->dma. No wires, no config. */
extern const VtRegion vt_fw_cfg_ports;
extern const VtRegion vt_fw_cfg_dma_ports;
#define VT_FW_CFG_PORT     0x510u
#define VT_FW_CFG_DMA_PORT 0x514u

/* Well-known items. */
enum
{
  VT_FW_CFG_SIGNATURE = 0x00,
  VT_FW_CFG_ID        = 0x01,
  VT_FW_CFG_UUID      = 0x02,
  VT_FW_CFG_RAM_SIZE  = 0x03,
  VT_FW_CFG_NOGRAPHIC = 0x04,
  VT_FW_CFG_NB_CPUS   = 0x05,
  VT_FW_CFG_NUMA      = 0x0d,
  VT_FW_CFG_BOOT_MENU = 0x0e,
  VT_FW_CFG_MAX_CPUS  = 0x0f,
  VT_FW_CFG_FILE_DIR  = 0x19,
  VT_FW_CFG_FILES     = 0x20,
};
#define VT_FW_CFG_NAME_MAX 55u

/* Items and files are added after vt_device_new() or realize, before the machine first runs, machine lock held. A later
 * add of the same key or name replaces the earlier one. The device takes a reference to `bytes`. */
void vt_fw_cfg_add (VtDevice *dev, uint16_t key, GBytes *bytes);
void vt_fw_cfg_add_file (VtDevice *dev, const char *name, GBytes *bytes);

/* A file that the guest writes (by DMA). `wrote` is called after each write, machine lock held, with the whole content;
 * nullable. The content is part of the machine's state; it is `size` zero bytes at reset. All writable files together
 * have VT_FW_CFG_WRITABLE_MAX bytes. */
#define VT_FW_CFG_WRITABLE_MAX 256u
typedef void (*VtFwCfgWrote) (void *opaque, const uint8_t *content, size_t size);
void vt_fw_cfg_add_writable_file (VtDevice *dev, const char *name, size_t size, VtFwCfgWrote wrote, void *opaque);

/* A file that answers: `asked` is called whenever the guest selects it, machine lock held, and may change the content, which is part
 * of the machine's state and zero at reset. The guest does not write it; it takes part in VT_FW_CFG_WRITABLE_MAX. */
typedef void (*VtFwCfgAsked) (void *opaque, uint8_t *content, size_t size);
void vt_fw_cfg_add_answer_file (VtDevice *dev, const char *name, size_t size, VtFwCfgAsked asked, void *opaque);

/* What every PC has. Strings and arrays are copied. */
typedef struct
{
  uint64_t       ram_low_bytes;    /* from 0 */
  uint64_t       ram_high_bytes;   /* from 4 GiB */
  unsigned       cpus, max_cpus;
  const uint8_t *uuid;             /* 16 bytes, RFC 4122 order; nullable */
  bool           boot_menu;        /* offer it; SeaBIOS then waits for a key */
  unsigned       boot_menu_wait_ms;
  const char *const *boot_order;   /* nullable, NULL-ended OpenFirmware paths, first is tried first: vt_boot_path_*() */
  bool           boot_strict;      /* nothing outside boot_order is tried */
} VtFwCfgPc;
void vt_fw_cfg_add_pc (VtDevice *dev, const VtFwCfgPc *pc);

/* OpenFirmware paths for boot_order; free with g_free(). devfn = slot << 3 | function, on bus 0. */
char *vt_boot_path_virtio_blk (unsigned devfn);
char *vt_boot_path_virtio_blk_behind (unsigned bridge_devfn);   /* alone on the bus of that bridge */
char *vt_boot_path_scsi (unsigned devfn, unsigned target);
char *vt_boot_path_ahci (unsigned devfn, unsigned port);
char *vt_boot_path_ide (unsigned devfn, unsigned channel, unsigned drive);
char *vt_boot_path_nvme (unsigned devfn);
char *vt_boot_path_usb (unsigned devfn, unsigned port);   /* a disk at that port of the controller, from 1 */
char *vt_boot_path_floppy (unsigned isa_slot, unsigned drive);
char *vt_boot_path_net (unsigned devfn);
