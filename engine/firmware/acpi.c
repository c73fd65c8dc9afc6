/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Static ACPI tables of a PC. Numbers in comments are sections of ACPI 6.4. */
#include "acpi.h"

#define ACPI_HEADER_LEN      36u
#define ACPI_HEADER_LENGTH   4u
#define ACPI_HEADER_CHECKSUM 9u

/* 5.2.9, FADT */
#define FADT_LEN                    276u
#define FADT_FIRMWARE_CTRL          36u
#define FADT_DSDT                   40u
#define FADT_X_FIRMWARE_CTRL        132u
#define FADT_X_DSDT                 140u
#define FADT_FLAG_WBINVD            (1u << 0)
#define FADT_FLAG_PROC_C1           (1u << 2)
#define FADT_FLAG_NO_SLEEP_BUTTON   (1u << 5)
#define FADT_FLAG_RTC_S4            (1u << 7)
#define FADT_FLAG_RESET_REGISTER    (1u << 10)
#define FADT_BOOT_LEGACY_DEVICES    (1u << 0)
#define FADT_BOOT_8042              (1u << 1)
#define FADT_PROFILE_DESKTOP        1u
/* No C2 and no C3: latencies above these limits (5.2.9). */
#define FADT_NO_C2                  0xfffu
#define FADT_CENTURY                0x32u   /* CMOS index */

/* 5.2.3.2, Generic Address Structure */
#define GAS_MEMORY 0u
#define GAS_IO     1u
#define GAS_BYTE   1u
#define GAS_WORD   2u
#define GAS_DWORD  3u

/* 5.2.10, FACS: 64 bytes at a 64-byte boundary. */
#define FACS_LEN 64u

/* 5.2.12, MADT */
#define MADT_PCAT_COMPAT      1u
#define MADT_LOCAL_APIC       0u
#define MADT_IOAPIC           1u
#define MADT_OVERRIDE         2u
#define MADT_LOCAL_NMI        4u
#define MADT_X2APIC           9u
#define MADT_X2APIC_NMI       10u
#define MADT_ENABLED          1u
#define MADT_ALL_CPUS         0xffu
#define MADT_LEVEL_HIGH       0x0du
#define MADT_FIRST_X2APIC_ID  255u

/* IA-PC HPET 1.0a, 2.3.4: Intel, revision 1, three 64-bit comparators, legacy replacement. */
#define HPET_BLOCK_ID 0x8086a201u

/* TCG ACPI Specification 1.3, 8: "TPM2" */
#define TPM2_REVISION     4u
#define TPM2_CLIENT       0u
#define TPM2_START_FIFO   6u
#define TPM2_START_CRB    7u

#define OEM_ID       "VITRIN"
#define OEM_TABLE_ID "VITRINE "
#define CREATOR_ID   "VTRN"

/* What is being built: all tables share one blob, so that a pointer is an offset in it. */
typedef struct
{
  VtTables           *tables;
  GByteArray         *bytes;
  const VtAcpiConfig *config;
} Build;

static void
put (GByteArray *out, uint64_t value, unsigned bytes)
{
  uint8_t le[8];
  vt_store_le (le, value, bytes);
  g_byte_array_append (out, le, bytes);
}

static void
put_zeros (GByteArray *out, unsigned bytes)
{
  for (; bytes > 0; bytes--)
    put (out, 0, 1);
}

static void
align (GByteArray *out, unsigned boundary)
{
  while (out->len % boundary != 0)
    put (out, 0, 1);
}

static void
put_text (GByteArray *out, const char *text, unsigned bytes)
{
  g_assert (strlen (text) == bytes);
  g_byte_array_append (out, (const uint8_t *) text, bytes);
}

/* 5.2.6; length and checksum come with end_table(). */
static void
put_header (GByteArray *out, const char *signature, unsigned revision)
{
  put_text (out, signature, 4);
  put (out, 0, 4);
  put (out, revision, 1);
  put (out, 0, 1);
  put_text (out, OEM_ID, 6);
  put_text (out, OEM_TABLE_ID, 8);
  put (out, 1, 4);
  put_text (out, CREATOR_ID, 4);
  put (out, 1, 4);
}

static uint32_t
begin_table (Build *build, const char *signature, unsigned revision)
{
  align (build->bytes, 8);
  uint32_t start = build->bytes->len;
  put_header (build->bytes, signature, revision);
  return start;
}

static void
end_table (Build *build, uint32_t start)
{
  uint32_t len = build->bytes->len - start;
  vt_store_le (build->bytes->data + start + ACPI_HEADER_LENGTH, len, 4);
  vt_tables_checksum (build->tables, VT_ACPI_TABLES_FILE, start + ACPI_HEADER_CHECKSUM, start, len);
}

/* An offset into the tables, which becomes an address. */
static void
put_pointer (Build *build, uint32_t target, unsigned bytes)
{
  vt_tables_pointer (build->tables, VT_ACPI_TABLES_FILE, build->bytes->len, bytes, VT_ACPI_TABLES_FILE);
  put (build->bytes, target, bytes);
}

/* 5.2.3.2 */
static void
put_gas (GByteArray *out, unsigned space, unsigned bits, unsigned access, uint64_t address)
{
  put (out, space, 1);
  put (out, bits, 1);
  put (out, 0, 1);
  put (out, access, 1);
  put (out, address, 8);
}

static uint32_t
build_facs (Build *build)
{
  align (build->bytes, FACS_LEN);
  uint32_t start = build->bytes->len;
  put_text (build->bytes, "FACS", 4);
  put (build->bytes, FACS_LEN, 4);
  put_zeros (build->bytes, 24);
  put (build->bytes, 2, 1);   /* version */
  put_zeros (build->bytes, FACS_LEN - (build->bytes->len - start));
  return start;
}

static uint32_t
build_dsdt (Build *build)
{
  align (build->bytes, 8);
  uint32_t start = build->bytes->len;
  g_autoptr (GByteArray) dsdt = vt_acpi_build_dsdt (build->config);
  g_byte_array_append (build->bytes, dsdt->data, dsdt->len);
  end_table (build, start);
  return start;
}

static uint32_t
fadt_flags (void)
{
  return FADT_FLAG_WBINVD | FADT_FLAG_PROC_C1 | FADT_FLAG_NO_SLEEP_BUTTON | FADT_FLAG_RTC_S4 | FADT_FLAG_RESET_REGISTER;
}

/* The first half: what ACPI 1.0 had, with 32-bit addresses. */
static void
put_fadt_legacy (Build *build, uint32_t facs, uint32_t dsdt)
{
  GByteArray         *out = build->bytes;
  const VtAcpiConfig *config = build->config;
  put_pointer (build, facs, 4);
  put_pointer (build, dsdt, 4);
  put (out, 0, 1);
  put (out, FADT_PROFILE_DESKTOP, 1);
  put (out, config->sci_irq, 2);
  put (out, config->smi_cmd_port, 4);
  put (out, config->acpi_enable, 1);
  put (out, config->acpi_disable, 1);
  put (out, 0, 1);                        /* S4BIOS_REQ */
  put (out, 0, 1);                        /* PSTATE_CNT */
  put (out, config->pm_base, 4);          /* PM1a event block */
  put (out, 0, 4);
  put (out, config->pm_base + 4u, 4);     /* PM1a control block */
  put (out, 0, 4);
  put (out, 0, 4);                        /* PM2 control block */
  put (out, config->pm_base + 8u, 4);     /* PM timer */
  put (out, config->pm_base + config->chipset.gpe0_off, 4);  /* GPE0 */
  put (out, 0, 4);
  put (out, 4, 1);                        /* lengths of these blocks */
  put (out, 2, 1);
  put (out, 0, 1);
  put (out, 4, 1);
  put (out, config->chipset.gpe0_len, 1);
  put (out, 0, 1);
  put (out, 0, 1);                        /* GPE1 base */
  put (out, 0, 1);                        /* CST_CNT */
  put (out, FADT_NO_C2, 2);
  put (out, FADT_NO_C2, 2);
  put_zeros (out, 2 + 2 + 1 + 1);         /* flush size and stride, duty cycle */
  put (out, 0, 1);                        /* day alarm */
  put (out, 0, 1);                        /* month alarm */
  put (out, FADT_CENTURY, 1);
  put (out, FADT_BOOT_LEGACY_DEVICES | (config->i8042 ? FADT_BOOT_8042 : 0), 2);
  put (out, 0, 1);
  put (out, fadt_flags (), 4);
}

static void
put_fadt_extended (Build *build, uint32_t dsdt)
{
  GByteArray         *out = build->bytes;
  const VtAcpiConfig *config = build->config;
  put_gas (out, GAS_IO, 8, GAS_BYTE, config->reset_port);
  put (out, config->reset_value, 1);
  put (out, 0, 2);                        /* ARM boot flags */
  put (out, 4, 1);                        /* minor version: 6.4 */
  put (out, 0, 8);                        /* X_FIRMWARE_CTRL must be zero when the 32-bit one is used (5.2.9) */
  put_pointer (build, dsdt, 8);
  put_gas (out, GAS_IO, 32, GAS_WORD, config->pm_base);
  put_gas (out, 0, 0, 0, 0);
  put_gas (out, GAS_IO, 16, GAS_WORD, config->pm_base + 4u);
  put_gas (out, 0, 0, 0, 0);
  put_gas (out, 0, 0, 0, 0);
  put_gas (out, GAS_IO, 32, GAS_DWORD, config->pm_base + 8u);
  put_gas (out, GAS_IO, config->chipset.gpe0_len * 8, GAS_BYTE, config->pm_base + config->chipset.gpe0_off);
  put_gas (out, 0, 0, 0, 0);
  put_gas (out, 0, 0, 0, 0);              /* sleep control */
  put_gas (out, 0, 0, 0, 0);              /* sleep status */
  put (out, 0, 8);                        /* hypervisor vendor */
}

static uint32_t
build_fadt (Build *build, uint32_t facs, uint32_t dsdt)
{
  uint32_t start = begin_table (build, "FACP", 6);
  put_fadt_legacy (build, facs, dsdt);
  put_fadt_extended (build, dsdt);
  g_assert (build->bytes->len - start == FADT_LEN);
  end_table (build, start);
  return start;
}

/* --- MADT --------------------------------------------------------------------------------------------------------- */

static void
put_madt_cpu (GByteArray *out, unsigned id)
{
  if (id < MADT_FIRST_X2APIC_ID)
    {
      put (out, MADT_LOCAL_APIC, 1);
      put (out, 8, 1);
      put (out, id, 1);
      put (out, id, 1);
      put (out, MADT_ENABLED, 4);
      return;
    }
  put (out, MADT_X2APIC, 1);
  put (out, 16, 1);
  put (out, 0, 2);
  put (out, id, 4);
  put (out, MADT_ENABLED, 4);
  put (out, id, 4);
}

static void
put_madt_override (GByteArray *out, unsigned isa_irq, unsigned gsi, unsigned flags)
{
  put (out, MADT_OVERRIDE, 1);
  put (out, 10, 1);
  put (out, 0, 1);
  put (out, isa_irq, 1);
  put (out, gsi, 4);
  put (out, flags, 2);
}

/* LINT1 of every processor is NMI. */
static void
put_madt_nmi (GByteArray *out, unsigned cpus)
{
  put (out, MADT_LOCAL_NMI, 1);
  put (out, 6, 1);
  put (out, MADT_ALL_CPUS, 1);
  put (out, 0, 2);
  put (out, 1, 1);
  if (cpus <= MADT_FIRST_X2APIC_ID)
    return;
  put (out, MADT_X2APIC_NMI, 1);
  put (out, 12, 1);
  put (out, 0, 2);
  put (out, UINT32_MAX, 4);
  put (out, 1, 1);
  put_zeros (out, 3);
}

static uint32_t
build_madt (Build *build)
{
  /* PCI interrupts that the PIRQ router can put on ISA inputs are level triggered there, and so is the SCI. */
  static const uint8_t level_irqs[] = { 5, 9, 10, 11 };
  GByteArray          *out = build->bytes;
  uint32_t             start = begin_table (build, "APIC", 5);
  put (out, build->config->local_apic_base, 4);
  put (out, MADT_PCAT_COMPAT, 4);
  for (unsigned i = 0; i < build->config->cpus; i++)
    put_madt_cpu (out, i);
  put (out, MADT_IOAPIC, 1);
  put (out, 12, 1);
  put (out, build->config->ioapic_id, 1);
  put (out, 0, 1);
  put (out, build->config->ioapic_base, 4);
  put (out, 0, 4);
  put_madt_override (out, 0, 2, 0);   /* the timer is wired to input 2 */
  for (unsigned i = 0; i < G_N_ELEMENTS (level_irqs); i++)
    put_madt_override (out, level_irqs[i], level_irqs[i], MADT_LEVEL_HIGH);
  put_madt_nmi (out, build->config->cpus);
  end_table (build, start);
  return start;
}

/* IA-PC HPET specification 1.0a, 3.2.4 */
static uint32_t
build_hpet (Build *build)
{
  uint32_t start = begin_table (build, "HPET", 1);
  put (build->bytes, build->config->hpet_block_id != 0 ? build->config->hpet_block_id : HPET_BLOCK_ID, 4);
  put_gas (build->bytes, GAS_MEMORY, 0, 0, build->config->hpet_base);
  put (build->bytes, 0, 1);     /* sequence number */
  put (build->bytes, 0, 2);     /* minimum tick in periodic mode: no limit */
  put (build->bytes, 0, 1);
  end_table (build, start);
  return start;
}

/* PCI Firmware Specification 3.3, 4.1.2 */
static uint32_t
build_mcfg (Build *build)
{
  uint32_t start = begin_table (build, "MCFG", 1);
  put (build->bytes, 0, 8);
  put (build->bytes, build->config->ecam_base, 8);
  put (build->bytes, 0, 2);     /* segment */
  put (build->bytes, 0, 1);     /* first bus */
  put (build->bytes, build->config->ecam_buses - 1, 1);
  put (build->bytes, 0, 4);
  end_table (build, start);
  return start;
}

/* What a guest's kernel learns of the start comes from the log: it has its place here, and firmware fills it. */
static uint32_t
build_tpm2 (Build *build)
{
  const VtAcpiTpm *tpm = &build->config->tpm;
  GByteArray      *out = build->bytes, *log = vt_tables_add (build->tables, VT_ACPI_TPM_LOG_FILE, 1, VT_TABLES_HIGH);
  bool             crb = tpm->control_off != 0;
  put_zeros (log, VT_ACPI_TPM_LOG_BYTES);
  uint32_t start = begin_table (build, "TPM2", TPM2_REVISION);
  put (out, TPM2_CLIENT, 2);
  put (out, 0, 2);
  put (out, crb ? tpm->base + tpm->control_off : 0, 8);
  put (out, crb ? TPM2_START_CRB : TPM2_START_FIFO, 4);
  put_zeros (out, 12);          /* parameters of other ways to start a command */
  put (out, VT_ACPI_TPM_LOG_BYTES, 4);
  vt_tables_pointer (build->tables, VT_ACPI_TABLES_FILE, out->len, 8, VT_ACPI_TPM_LOG_FILE);
  put (out, 0, 8);
  end_table (build, start);
  return start;
}

/* --- Roots -------------------------------------------------------------------------------------------------------- */

static uint32_t
build_root (Build *build, const char *signature, unsigned pointer_bytes, const uint32_t *tables, unsigned n)
{
  uint32_t start = begin_table (build, signature, 1);
  for (unsigned i = 0; i < n; i++)
    put_pointer (build, tables[i], pointer_bytes);
  end_table (build, start);
  return start;
}

/* 5.2.5.3 */
static void
build_rsdp (VtTables *tables, uint32_t rsdt, uint32_t xsdt)
{
  GByteArray *out = vt_tables_add (tables, VT_ACPI_RSDP_FILE, 16, VT_TABLES_FSEG);
  put_text (out, "RSD PTR ", 8);
  put (out, 0, 1);
  put_text (out, OEM_ID, 6);
  put (out, 2, 1);
  put (out, rsdt, 4);
  put (out, 36, 4);
  put (out, xsdt, 8);
  put_zeros (out, 4);
  vt_tables_pointer (tables, VT_ACPI_RSDP_FILE, 16, 4, VT_ACPI_TABLES_FILE);
  vt_tables_pointer (tables, VT_ACPI_RSDP_FILE, 24, 8, VT_ACPI_TABLES_FILE);
  vt_tables_checksum (tables, VT_ACPI_RSDP_FILE, 8, 0, 20);
  vt_tables_checksum (tables, VT_ACPI_RSDP_FILE, 32, 0, 36);
}

void
vt_acpi_build (VtTables *tables, const VtAcpiConfig *config)
{
  Build    build = { tables, vt_tables_add (tables, VT_ACPI_TABLES_FILE, FACS_LEN, VT_TABLES_HIGH), config };
  uint32_t roots[5];
  unsigned n = 0;
  uint32_t facs = build_facs (&build);
  uint32_t dsdt = build_dsdt (&build);
  roots[n++] = build_fadt (&build, facs, dsdt);
  roots[n++] = build_madt (&build);
  if (config->hpet_base != 0)
    roots[n++] = build_hpet (&build);
  if (config->ecam_base != 0)
    roots[n++] = build_mcfg (&build);
  if (config->tpm.base != 0)
    roots[n++] = build_tpm2 (&build);
  uint32_t rsdt = build_root (&build, "RSDT", 4, roots, n);
  uint32_t xsdt = build_root (&build, "XSDT", 8, roots, n);
  build_rsdp (tables, rsdt, xsdt);
}
