/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware of every board: BIOS or UEFI image, what it is told through fw_cfg, or a kernel that boots without either. */
#include "x86-board.h"

#include "acpi-pm.h"
#include "flash.h"
#include "fw-cfg.h"
#include "host-bridge.h"
#include "host-ram.h"
#include "hpet.h"
#include "nvram.h"
#include "ramfb.h"
#include "rom.h"
#include "smi.h"
#include "tpm-crb.h"
#include "vitrine/error.h"
#include "x86-model.h"

#define SEABIOS_PATH   "/usr/share/seabios/bios-256k.bin"
#define FLASH_MAX      (16 * VT_MIB)
#define PRIORITY_FLASH (VT_HOST_PRIORITY_SHADOW + 1)

void
x86_note_boot_path (X86Board *board, int index, char *path)
{
  if (index <= 0)
    {
      g_free (path);
      return;
    }
  X86BootPath *boot = g_new (X86BootPath, 1);
  *boot = (X86BootPath) { index, path };
  g_ptr_array_add (board->boot_paths, boot);
}

static gint
by_index (gconstpointer a, gconstpointer b)
{
  return (*(const X86BootPath *const *) a)->index - (*(const X86BootPath *const *) b)->index;
}

/* --- fw_cfg and tables -------------------------------------------------------------------------------------------------------- */

static void
parse_uuid (const char *text, uint8_t out[16])
{
  unsigned n = 0;
  for (const char *c = text; *c != 0 && n < 32; c++)
    if (g_ascii_isxdigit (*c))
      {
        out[n / 2] = (uint8_t) (out[n / 2] << 4 | g_ascii_xdigit_value (*c));
        n++;
      }
}

static void
describe (VtMachine *machine)
{
  X86Board *board = machine->board_data;
  g_autofree char *random_uuid = g_uuid_string_random ();
  parse_uuid (machine->config.uuid != NULL ? machine->config.uuid : random_uuid, board->uuid);
  uint64_t high_end = X86_HIGH_RAM_BASE + (board->high_ram != NULL ? board->high_ram->size : 0);
  uint64_t window = ((high_end + 32 * VT_GIB - 1) / (32 * VT_GIB)) * 32 * VT_GIB;
  board->acpi = (VtAcpiConfig) { .cpus = machine->n_cpus,
                               .pm_base = X86_PM_BASE,
                               .chipset = board->chipset->acpi,
                               .sci_irq = X86_SCI_IRQ,
                               .smi_cmd_port = VT_ACPI_PM_SMI_PORT,
                               .acpi_enable = VT_ACPI_PM_ENABLE_CMD,
                               .acpi_disable = VT_ACPI_PM_DISABLE_CMD,
                               .reset_port = 0xcf9,
                               .reset_value = 0x0f,
                               .s5_type = VT_ACPI_PM_SLP_TYP_S5,
                               .local_apic_base = X86_APIC_BASE,
                               .ioapic_base = X86_IOAPIC_BASE,
                               .hpet_base = X86_HPET_BASE,
                               .ecam_base = board->chipset->ecam_base,
                               .ecam_buses = board->chipset->ecam_bytes / VT_MIB,
                               .pci_low_base = board->pci_low_base,
                               .pci_low_end = X86_PCI_LOW_END,
                               .pci_high_base = window,
                               .pci_high_end = window + 32 * VT_GIB,
                               .serial_ports = 2,
                               .i8042 = true,
                               .floppy = machine->fdc != NULL,
                               .fw_cfg = true };
  if (machine->tpm != NULL)
    board->acpi.tpm = (VtAcpiTpm) { .base = VT_TPM_BASE, .bytes = VT_TPM_BYTES,
                                    .control_off = machine->config.tpm == VT_TPM_CRB ? VT_TPM_CRB_CONTROL : 0 };
  board->smbios = (VtSmbiosConfig) { .uuid = board->uuid,
                                   .cpus = machine->n_cpus,
                                   .cpu_name = machine->model->brand,
                                   .ram_low_bytes = board->low_ram->size,
                                   .ram_high_bytes = board->high_ram != NULL ? board->high_ram->size : 0,
                                   .uefi = machine->config.firmware == VT_FIRMWARE_UEFI };
  board->tables = vt_tables_new ();
  vt_acpi_build (board->tables, &board->acpi);
}

static void
add_smi_files (X86Board *board)
{
  uint8_t features[VT_SMI_FEATURES_BYTES];
  vt_store_le (features, VT_SMI_FEATURES, sizeof features);
  g_autoptr (GBytes) supported = g_bytes_new (features, sizeof features);
  vt_fw_cfg_add_file (board->fw_cfg, "etc/smi/supported-features", supported);
  vt_fw_cfg_add_writable_file (board->fw_cfg, "etc/smi/requested-features", VT_SMI_FEATURES_BYTES, vt_smi_requested, board->smi);
  vt_fw_cfg_add_answer_file (board->fw_cfg, "etc/smi/features-ok", VT_SMI_OK_BYTES, vt_smi_agree, board->smi);
}

static bool
add_fw_cfg (VtMachine *machine, GError **error)
{
  X86Board *board = machine->board_data;
  board->fw_cfg = vt_machine_add (machine, &(DeviceSpec) { &vt_fw_cfg_class, "fw_cfg", NULL, NULL, 0 }, error);
  if (board->fw_cfg == NULL)
    return false;
  g_ptr_array_sort (board->boot_paths, by_index);
  g_autoptr (GPtrArray) order = g_ptr_array_new ();
  for (guint i = 0; i < board->boot_paths->len; i++)
    g_ptr_array_add (order, ((X86BootPath *) g_ptr_array_index (board->boot_paths, i))->path);
  g_ptr_array_add (order, NULL);
  VtFwCfgPc pc = { .ram_low_bytes = board->low_ram->size,
                   .ram_high_bytes = board->high_ram != NULL ? board->high_ram->size : 0,
                   .cpus = machine->n_cpus,
                   .max_cpus = machine->n_cpus,
                   .uuid = board->uuid,
                   .boot_order = order->len > 1 ? (const char *const *) order->pdata : NULL };
  vt_fw_cfg_add_pc (board->fw_cfg, &pc);
  vt_tables_publish (board->tables, board->fw_cfg);
  vt_smbios_publish (board->fw_cfg, &board->smbios);
  if (board->ramfb != NULL)
    {
      vt_fw_cfg_add_writable_file (board->fw_cfg, VT_RAMFB_FILE, VT_RAMFB_FILE_BYTES, vt_ramfb_configure, board->ramfb);
      vt_fw_cfg_add_file (board->fw_cfg, "vgaroms/vgabios-ramfb.bin", board->ramfb_rom);
    }
  if (board->smi != NULL)
    add_smi_files (board);
  return vt_mem_map_io (machine->io, board->fw_cfg, &vt_fw_cfg_ports, VT_GPA (VT_FW_CFG_PORT), 0, error) != NULL
         && vt_mem_map_io (machine->io, board->fw_cfg, &vt_fw_cfg_dma_ports, VT_GPA (VT_FW_CFG_DMA_PORT), 0, error) != NULL;
}

/* --- Images ---------------------------------------------------------------------------------------------------------------------- */

static VtRam *
scratch_ram (VtMachine *machine, const char *name, uint64_t size, GError **error)
{
  VtRam *ram = vt_host_ram_new (name, size, error);
  if (ram != NULL)
    g_ptr_array_add (machine->scratch_rams, ram);
  return ram;
}

static bool
build_bios (VtMachine *machine, GError **error)
{
  X86Board   *board = machine->board_data;
  const char *path = machine->config.firmware_code != NULL ? machine->config.firmware_code : SEABIOS_PATH;
  board->bios = vt_bios_read (path, error);
  if (board->bios == NULL || (board->bios_ram = scratch_ram (machine, "bios", vt_rom_ram_size (board->bios), error)) == NULL)
    return false;
  vt_rom_fill (board->bios_ram, board->bios);
  return vt_rom_map_bios (machine->mem, board->bios_ram, VT_HOST_PRIORITY_BIOS, error);
}

/* The variable store's file follows each change of the chip. */
static void
variables_changed (void *opaque, uint64_t off, uint64_t len)
{
  X86Board *board = opaque;
  vt_nvram_write (board->vars_fd, board->vars_ram->host + off, off, len);
}

static VtDevice *
add_flash (VtMachine *machine, const char *path, VtRam *ram, uint64_t at, bool variables, GError **error)
{
  VtFlashConfig config = { .ram = ram,
                           .mem = machine->mem,
                           .smm_mem = machine->config.secure_boot ? machine->smm_mem : NULL,
                           .at = VT_GPA (at),
                           .priority = PRIORITY_FLASH,
                           .read_only = !variables,
                           .wrote = variables ? variables_changed : NULL,
                           .opaque = machine->board_data };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_flash_class, path, &config, NULL, 0 }, error);
}

static uint64_t
round_up_to_block (uint64_t size)
{
  return (size + VT_FLASH_BLOCK_SIZE - 1) & ~(uint64_t) (VT_FLASH_BLOCK_SIZE - 1);
}

/* Debian's own files are there or not as a whole. */
static GBytes *
read_uefi (const VtConfig *config, GError **error)
{
  const char *path = config->firmware_code != NULL ? config->firmware_code
                                                   : vt_firmware_uefi_code (config->secure_boot, config->enrolled_keys);
  if (config->firmware_code != NULL || g_file_test (path, G_FILE_TEST_EXISTS))
    return vt_firmware_read (path, "UEFI firmware", FLASH_MAX, error);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The UEFI firmware “%s” is not installed: it is in the package “ovmf”", path);
  return NULL;
}

/* Code below 4 GiB, variables right below the code. */
static bool
build_uefi (VtMachine *machine, GError **error)
{
  X86Board   *board = machine->board_data;
  const VtConfig *config = &machine->config;
  const char     *template = config->nvram_template != NULL ? config->nvram_template
                                                            : vt_firmware_uefi_variables (config->secure_boot, config->enrolled_keys);
  g_autoptr (GBytes) code = read_uefi (config, error);
  if (code == NULL)
    return false;
  board->vars_template = vt_nvram_open (config->nvram, template, FLASH_MAX, &board->vars_fd, error);
  if (board->vars_template == NULL)
    return false;
  uint64_t code_bytes = round_up_to_block (g_bytes_get_size (code));
  uint64_t vars_bytes = round_up_to_block (g_bytes_get_size (board->vars_template));
  VtRam   *code_ram = scratch_ram (machine, "uefi-code", code_bytes, error);
  board->vars_ram = code_ram != NULL ? vt_machine_add_ram (machine, "uefi-vars", vars_bytes, error) : NULL;
  if (board->vars_ram == NULL)
    return false;
  vt_rom_fill (code_ram, code);
  memcpy (board->vars_ram->host, g_bytes_get_data (board->vars_template, NULL), g_bytes_get_size (board->vars_template));
  return add_flash (machine, "flash/0", code_ram, 4 * VT_GIB - code_bytes, false, error) != NULL
         && add_flash (machine, "flash/1", board->vars_ram, 4 * VT_GIB - code_bytes - vars_bytes, true, error) != NULL;
}

bool
x86_build_firmware (VtMachine *machine, GError **error)
{
  X86Board       *board = machine->board_data;
  const VtConfig *config = &machine->config;
  describe (machine);
  if (!add_fw_cfg (machine, error))
    return false;
  if (config->kernel != NULL && (board->boot = vt_boot_open (config->kernel, config->initrd, config->append, error)) == NULL)
    return false;
  /* A kernel booted directly still finds a BIOS in its place, for the odd caller of the video BIOS. */
  return config->firmware == VT_FIRMWARE_UEFI && config->kernel == NULL ? build_uefi (machine, error)
                                                                        : build_bios (machine, error);
}

/* --- Kernels without firmware ------------------------------------------------------------------------------------------------------- */

/* Memory types as a BIOS leaves them (SDM volume 3A, 12.11): write back, but uncached where PCI is, and the area below 1 MiB
 * write protected where ROMs are. Linux wants the same on every processor. */
static void
set_memory_types (VtX86Cpu *cpu, uint64_t uncached_base)
{
  static const uint64_t fixed[11] = { 0x0606060606060606, 0x0606060606060606, 0, 0x0505050505050505, 0x0505050505050505,
                                      0x0505050505050505, 0x0505050505050505, 0x0505050505050505, 0x0505050505050505,
                                      0x0505050505050505, 0x0505050505050505 };
  const uint64_t uncached = 0, write_back = 6, valid = 1u << 11, enable = 1u << 11, enable_fixed = 1u << 10;
  VtX86State    *s = &cpu->s;
  memcpy (s->mtrr_fixed, fixed, sizeof fixed);
  s->mtrr_phys_base[0] = uncached_base | uncached;
  s->mtrr_phys_mask[0] = (vt_x86_phys_mask (cpu->model) & ~(4 * VT_GIB - uncached_base - 1)) | valid;
  s->mtrr_def_type = enable | enable_fixed | write_back;
}

/* "Virtual wire mode": interrupts of the PICs reach the processor through LINT0 of its local APIC, NMI through LINT1
 * (MultiProcessor Specification 1.4, 3.6.2.2). Systems that never touch the APIC count on it. */
static void
connect_pics (VtX86Cpu *cpu)
{
  static const struct { uint32_t reg, value; } writes[] = { { 0xf0, 0x1ff }, { 0x350, 0x700 }, { 0x360, 0x400 } };
  for (unsigned i = 0; i < G_N_ELEMENTS (writes); i++)
    vt_apic_mmio_write (cpu->apic, X86_APIC_BASE + writes[i].reg, writes[i].value, 4);
}

static void
enter_kernel (VtX86Cpu *cpu, const VtBootState *boot)
{
  const VtX86Seg code = { .base = 0, .limit = UINT32_MAX, .selector = boot->code_selector,
                          .attr = 0x0b | X86_SEG_S | X86_SEG_P | X86_SEG_DB | X86_SEG_G };
  const VtX86Seg data = { .base = 0, .limit = UINT32_MAX, .selector = boot->data_selector,
                          .attr = 0x03 | X86_SEG_S | X86_SEG_P | X86_SEG_DB | X86_SEG_G };
  VtX86State *s = &cpu->s;
  memset (s->gpr, 0, sizeof s->gpr);
  s->gpr[VT_RAX] = boot->eax;
  s->gpr[VT_RBX] = boot->ebx;
  s->gpr[VT_RSI] = boot->esi;
  s->gpr[VT_RSP] = boot->esp;
  s->rip = boot->eip;
  s->rflags = X86_RFLAGS_ONE;
  s->cr0 = X86_CR0_PE | X86_CR0_ET;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    s->seg[i] = data;
  s->seg[VT_CS] = code;
  s->gdtr = (VtX86Table) { .base = boot->gdt_base, .limit = boot->gdt_limit };
  vt_x86_cpu_settle (cpu);
}

static bool
place_kernel (VtMachine *machine, GError **error)
{
  X86Board    *board = machine->board_data;
  VtBootScreen screen = { 0 };
  VtBootState  state;
  VtBootPlatform platform = { .pm_base = X86_PM_BASE, .ecam_base = board->chipset->ecam_base,
                              .vga_slot = board->has_dispi_ports ? board->chipset->vga_slot : 0, .vga_bar = (uint32_t) board->pci_low_base,
                              .width = machine->config.xres, .height = machine->config.yres,
                              .port_slot = X86_PORTS_SLOT, .ports = machine->ports->len };
  board->chipset->program (machine->io, &platform, &screen);
  VtBootEnv env = { .mem = machine->mem,
                    .ram_low_bytes = board->low_ram->size,
                    .ram_high_bytes = board->high_ram != NULL ? board->high_ram->size : 0,
                    .ecam_base = board->chipset->ecam_base,
                    .ecam_bytes = board->chipset->ecam_bytes,
                    .acpi = board->tables,
                    .smbios = &board->smbios,
                    .screen = board->has_dispi_ports ? &screen : NULL };
  if (!vt_boot_place (board->boot, &env, &state, error))
    return false;
  for (unsigned i = 0; i < machine->n_cpus; i++)
    set_memory_types (machine->cpus[i], MIN (board->chipset->low_ram_max, board->pci_low_base));
  connect_pics (machine->cpus[0]);
  enter_kernel (machine->cpus[0], &state);
  return true;
}

bool
x86_after_reset (VtMachine *machine, GError **error)
{
  X86Board *board = machine->board_data;
  return board->boot == NULL || place_kernel (machine, error);
}

void
x86_free_firmware (X86Board *board)
{
  vt_nvram_close (board->vars_fd);
  g_clear_pointer (&board->boot, vt_boot_free);
  g_clear_pointer (&board->tables, vt_tables_free);
  g_clear_pointer (&board->bios, g_bytes_unref);
  g_clear_pointer (&board->ramfb_rom, g_bytes_unref);
  g_clear_pointer (&board->vars_template, g_bytes_unref);
}
