/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Video devices of every chipset. */
#include "x86-board.h"

#include "bochs.h"
#include "ramfb.h"
#include "rom.h"
#include "stdvga.h"
#include "virtio-gpu.h"

#define VRAM_DEFAULT_BYTES (16 * VT_MIB)
#define GPU_DEFAULT_BYTES  (256 * VT_MIB)
#define VGABIOS_FORMAT     "/usr/share/seabios/vgabios-%s.bin"

static const char *
vga_path (VtMachine *machine)
{
  return x86_board (machine)->chipset->vga_slot == 1 ? "pci/00:01.0" : "pci/00:02.0";
}

static char *
vga_text (VtMachine *machine)
{
  return vt_stdvga_text (x86_board (machine)->vga);
}

static char *
virtio_vga_text (VtMachine *machine)
{
  return vt_virtio_vga_text (x86_board (machine)->vga);
}

static GBytes *
video_bios (const char *card, GError **error)
{
  g_autofree char *path = g_strdup_printf (VGABIOS_FORMAT, card);
  return vt_firmware_read (path, "video BIOS", 256 * VT_KIB, error);
}

static VtRam *
video_memory (VtMachine *machine, uint64_t otherwise, GError **error)
{
  uint64_t bytes = machine->config.vram_bytes != 0 ? machine->config.vram_bytes : otherwise;
  return x86_board (machine)->vram = vt_machine_add_ram (machine, "vram", bytes, error);
}

static bool
add_stdvga (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  g_autoptr (GBytes) rom = video_bios ("stdvga", error);
  if (rom == NULL || video_memory (machine, VRAM_DEFAULT_BYTES, error) == NULL)
    return false;
  gsize          rom_len;
  const uint8_t *rom_bytes = g_bytes_get_data (rom, &rom_len);
  VtStdvgaConfig config = { .place = x86_place (machine, board->chipset->vga_slot, 0, false), .vram = board->vram, .rom = rom_bytes,
                            .rom_len = rom_len, .surface = vt_machine_add_surface (machine) };
  board->vga = vt_machine_add (machine, &(DeviceSpec) { &vt_stdvga, vga_path (machine), &config, NULL, 0 }, error);
  board->has_dispi_ports = true;
  machine->screen_text = vga_text;
  return board->vga != NULL;
}

static bool
add_bochs (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  g_autoptr (GBytes) rom = video_bios ("bochs-display", error);
  if (rom == NULL || video_memory (machine, VRAM_DEFAULT_BYTES, error) == NULL)
    return false;
  gsize                rom_len;
  const uint8_t       *rom_bytes = g_bytes_get_data (rom, &rom_len);
  VtBochsDisplayConfig config = { .place = x86_place (machine, board->chipset->vga_slot, 0, false), .vram = board->vram, .rom = rom_bytes,
                                  .rom_len = rom_len, .surface = vt_machine_add_surface (machine) };
  board->vga = vt_machine_add (machine, &(DeviceSpec) { &vt_bochs_display, vga_path (machine), &config, NULL, 0 }, error);
  return board->vga != NULL;
}

/* The memory that a person asks for is virtio's; its VGA is only for firmware and keeps the usual size. */
static bool
add_virtio_gpu (VtMachine *machine, GError **error)
{
  X86Board          *board = x86_board (machine);
  bool               vga = !machine->config.no_vga;
  VtVirtioGpuConfig  config = { .place = x86_place (machine, board->chipset->vga_slot, 0, false), .n_scanouts = MAX (machine->config.heads, 1),
                                .ring_forms = vt_ring_forms (&machine->config.video_rings) };
  g_autoptr (GBytes) rom = vga ? video_bios ("virtio", error) : NULL;
  uint64_t           bytes = machine->config.vram_bytes != 0 ? machine->config.vram_bytes : GPU_DEFAULT_BYTES;
  if ((vga && (rom == NULL || (config.vram = board->vram = vt_machine_add_ram (machine, "vram", VRAM_DEFAULT_BYTES, error)) == NULL))
      || (config.store = vt_machine_add_ram (machine, "gpu", bytes, error)) == NULL)
    return false;
  if (rom != NULL)
    config.rom = g_bytes_get_data (rom, &config.rom_len);
  for (unsigned i = 0; i < config.n_scanouts; i++)
    config.surfaces[i] = vt_machine_add_surface (machine);
  const VtDeviceClass *cls = vga ? &vt_virtio_vga : &vt_virtio_gpu_pci;
  board->vga = vt_machine_add (machine, &(DeviceSpec) { cls, vga_path (machine), &config, NULL, 0 }, error);
  board->has_dispi_ports = vga;
  machine->screen_text = vga ? virtio_vga_text : NULL;
  return board->vga != NULL;
}

static bool
add_ramfb (VtMachine *machine, GError **error)
{
  VtRamfbConfig config = { machine->n_surfaces > 0 ? machine->surfaces[0] : vt_machine_add_surface (machine) };
  X86Board     *board = x86_board (machine);
  board->ramfb_rom = video_bios ("ramfb", error);
  if (board->ramfb_rom == NULL)
    return false;
  board->ramfb = vt_machine_add (machine, &(DeviceSpec) { &vt_ramfb_class, "ramfb", &config, NULL, 0 }, error);
  return board->ramfb != NULL;
}

bool
x86_build_video (VtMachine *machine, GError **error)
{
  bool ok = true;
  switch (machine->config.video)
    {
    case VT_VIDEO_STD: ok = add_stdvga (machine, error); break;
    case VT_VIDEO_BOCHS: ok = add_bochs (machine, error); break;
    case VT_VIDEO_VIRTIO: ok = add_virtio_gpu (machine, error); break;
    case VT_VIDEO_RAMFB: return add_ramfb (machine, error);
    case VT_VIDEO_NONE: return true;
    }
  return ok && (!machine->config.boot_ramfb || add_ramfb (machine, error));
}
