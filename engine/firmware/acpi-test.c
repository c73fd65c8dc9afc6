/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI and SMBIOS tables: placed in memory they are consistent, and Intel's compiler takes the DSDT apart and builds it
 * again without a complaint. */
#include <glib/gstdio.h>

#include "acpi.h"
#include "fw-cfg.h"
#include "smbios.h"

#define RAM_BYTES (16 * VT_MIB)
#define FSEG      0xf0000u

typedef struct
{
  VtRam    *ram;
  VtMem    *mem;
  VtTables *tables;
  uint64_t  high_start;
} Fixture;

static unsigned
test_pirq (unsigned slot, unsigned pin)
{
  return (slot + pin) % 8;
}

static const VtAcpiConfig config = {
  .cpus = 3,
  .chipset = { .isa_slot = 31, .pirqs = 8, .first_pirq_gsi = 16, .pm_len = 128, .gpe0_off = 0x20, .gpe0_len = 16,
               .intx_pirq = test_pirq },
  .pm_base = 0x600, .sci_irq = 9, .smi_cmd_port = 0xb2, .acpi_enable = 2, .acpi_disable = 3,
  .reset_port = 0xcf9, .reset_value = 0x0f, .s5_type = 0,
  .local_apic_base = 0xfee00000, .ioapic_base = 0xfec00000, .hpet_base = 0xfed00000, .hpet_block_id = 0x8086a201,
  .ecam_base = 0xb0000000, .ecam_buses = 256,
  .pci_low_base = 0xc0000000, .pci_low_end = 0xfec00000, .pci_high_base = 0x800000000, .pci_high_end = 0x1000000000,
  .serial_ports = 2, .i8042 = true, .fw_cfg = true,
  .tpm = { .base = 0xfed40000, .bytes = 0x5000, .control_off = 0x40 },
};

/* 440FX and PIIX3: no ECAM, four PIRQs that reach the I/O APIC as ISA interrupts, a floppy drive. */
static unsigned
pc_pirq (unsigned slot, unsigned pin)
{
  return (slot + pin) % 4;
}

static VtAcpiConfig
pc_config (void)
{
  VtAcpiConfig pc = config;
  pc.chipset = (VtAcpiChipset) { .isa_slot = 1, .pirqs = 4, .pm_len = 64, .gpe0_off = 0x0c, .gpe0_len = 4, .intx_pirq = pc_pirq };
  pc.ecam_base = 0;
  pc.floppy = true;
  pc.tpm = (VtAcpiTpm) { .base = 0xfed40000, .bytes = 0x5000 };
  return pc;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, RAM_BYTES, VT_PAGE_SIZE), RAM_BYTES, NULL);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << 36, NULL);
  g_assert_nonnull (vt_mem_map_ram (f->mem, f->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  f->tables = vt_tables_new ();
  VtAcpiConfig pc = pc_config ();
  vt_acpi_build (f->tables, data == NULL ? &config : &pc);
  g_assert_true (vt_tables_place (f->tables, f->mem, RAM_BYTES, FSEG, &f->high_start, NULL));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  void *host = f->ram->host;
  vt_tables_free (f->tables);
  vt_mem_free (f->mem);
  vt_ram_free (f->ram);
  g_aligned_free (host);
}

static uint8_t
sum (const uint8_t *bytes, uint32_t len)
{
  uint8_t total = 0;
  for (uint32_t i = 0; i < len; i++)
    total += bytes[i];
  return total;
}

static const uint8_t *
find_table (const Fixture *f, const char *signature)
{
  const uint8_t *ram = f->ram->host;
  uint64_t       xsdt = vt_load_le (ram + FSEG + 24, 8);
  uint32_t       len = vt_load_le (ram + xsdt + 4, 4);
  for (uint32_t at = 36; at < len; at += 8)
    {
      const uint8_t *table = ram + vt_load_le (ram + xsdt + at, 8);
      if (memcmp (table, signature, 4) == 0)
        return table;
    }
  return NULL;
}

static void
every_table_is_found_from_the_rsdp_and_sums_to_zero (Fixture *f, gconstpointer data)
{
  const char *const signatures[] = { "FACP", "APIC", "HPET", "MCFG" };
  const uint8_t    *rsdp = f->ram->host + FSEG;
  g_assert_cmpmem (rsdp, 8, "RSD PTR ", 8);
  g_assert_cmpuint (sum (rsdp, 20), ==, 0);
  g_assert_cmpuint (sum (rsdp, 36), ==, 0);
  for (unsigned i = 0; i < G_N_ELEMENTS (signatures); i++)
    {
      const uint8_t *table = find_table (f, signatures[i]);
      g_assert_nonnull (table);
      g_assert_cmpuint (sum (table, vt_load_le (table + 4, 4)), ==, 0);
    }
}

static void
the_fadt_leads_to_the_dsdt_and_an_aligned_facs (Fixture *f, gconstpointer data)
{
  const uint8_t *fadt = find_table (f, "FACP");
  uint32_t       facs = vt_load_le (fadt + 36, 4), dsdt = vt_load_le (fadt + 40, 4);
  g_assert_cmpuint (facs % 64, ==, 0);
  g_assert_cmpmem (f->ram->host + facs, 4, "FACS", 4);
  g_assert_cmpmem (f->ram->host + dsdt, 4, "DSDT", 4);
  g_assert_cmpuint (dsdt, ==, vt_load_le (fadt + 140, 8));
  g_assert_cmpuint (sum (f->ram->host + dsdt, vt_load_le (f->ram->host + dsdt + 4, 4)), ==, 0);
  g_assert_cmpuint (f->high_start % VT_PAGE_SIZE, ==, 0);
}

static void
the_tpm_has_its_table_with_a_log_of_its_own (Fixture *f, gconstpointer data)
{
  const uint8_t *tpm2 = find_table (f, "TPM2");
  bool           crb = data == NULL;
  g_assert_nonnull (tpm2);
  g_assert_cmpuint (vt_load_le (tpm2 + 4, 4), ==, 76);
  g_assert_cmpuint (sum (tpm2, 76), ==, 0);
  g_assert_cmphex (vt_load_le (tpm2 + 40, 8), ==, crb ? 0xfed40040 : 0);
  g_assert_cmpuint (vt_load_le (tpm2 + 48, 4), ==, crb ? 7 : 6);
  uint64_t log = vt_load_le (tpm2 + 68, 8), bytes = vt_load_le (tpm2 + 64, 4);
  g_assert_cmpuint (log, ==, vt_tables_address (f->tables, VT_ACPI_TPM_LOG_FILE));
  g_assert_true (bytes == 64 * VT_KIB && log >= f->high_start && vt_fits (log, bytes, RAM_BYTES));
  g_assert_true (vt_all_zero (f->ram->host + log, bytes));
}

static void
tables_that_do_not_fit_are_refused (Fixture *f, gconstpointer data)
{
  uint64_t start;
  g_autoptr (GError) error = NULL;
  g_assert_false (vt_tables_place (f->tables, f->mem, 256, FSEG, &start, &error));
  g_assert_nonnull (error);
}

static bool
run (const char *folder, const char *command, char **output)
{
  int status = 0;
  g_autofree char *shell = g_strdup_printf ("cd '%s' && %s 2>&1", folder, command);
  const char *const argv[] = { "sh", "-c", shell, NULL };
  return g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, NULL, &status, NULL)
         && status == 0;
}

static void
check_with_iasl (const Fixture *f, const char *name, const uint8_t *table)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-acpi-XXXXXX", NULL);
  g_autofree char *aml = g_strdup_printf ("%s/%s.aml", folder, name);
  g_autofree char *take_apart = g_strdup_printf ("iasl -d %s.aml", name),
                  *build = g_strdup_printf ("iasl -we %s.dsl", name);
  g_autofree char *taken_apart = NULL, *built = NULL, *ignored = NULL;
  g_assert_true (g_file_set_contents (aml, (const char *) table, vt_load_le (table + 4, 4), NULL));
  bool ok = run (folder, take_apart, &taken_apart) && run (folder, build, &built);
  if (!ok || built == NULL || strstr (built, "0 Errors") == NULL)
    g_test_message ("%s\n%s", taken_apart, built);
  g_assert_true (ok);
  g_assert_null (strstr (taken_apart, "rror"));
  run (folder, "rm -f *", &ignored);
  g_rmdir (folder);
}

static void
iasl_takes_the_tables_apart_and_builds_them_again (Fixture *f, gconstpointer data)
{
  g_autofree char *iasl = g_find_program_in_path ("iasl");
  if (iasl == NULL)
    {
      g_test_skip ("iasl (package acpica-tools) is not installed");
      return;
    }
  const uint8_t *fadt = find_table (f, "FACP");
  check_with_iasl (f, "dsdt", f->ram->host + vt_load_le (fadt + 40, 4));
  check_with_iasl (f, "facp", fadt);
  check_with_iasl (f, "apic", find_table (f, "APIC"));
  check_with_iasl (f, "hpet", find_table (f, "HPET"));
  check_with_iasl (f, "tpm2", find_table (f, "TPM2"));
  if (data == NULL)
    check_with_iasl (f, "mcfg", find_table (f, "MCFG"));
}

static bool
contains (const uint8_t *table, const char *text)
{
  return memmem (table, vt_load_le (table + 4, 4), text, strlen (text)) != NULL;
}

static void
a_pc_has_its_own_chipset_in_the_tables (Fixture *f, gconstpointer data)
{
  const uint8_t *fadt = find_table (f, "FACP"), *dsdt = f->ram->host + vt_load_le (fadt + 40, 4);
  g_assert_null (find_table (f, "MCFG"));
  g_assert_cmphex (vt_load_le (fadt + 80, 4), ==, 0x60c);
  g_assert_cmpuint (fadt[92], ==, 4);
  g_assert_true (contains (dsdt, "LNKD") && contains (dsdt, "FDC_") && contains (dsdt, "MSFT0101"));
  g_assert_false (contains (dsdt, "LNKE") || contains (dsdt, "PRTA") || contains (dsdt, "_OSC"));
}

static void
smbios_has_a_valid_entry_point_and_ends_with_type_127 (Fixture *f, gconstpointer data)
{
  const VtSmbiosConfig smbios = { .cpus = 300, .ram_low_bytes = 2 * VT_GIB, .ram_high_bytes = 62 * VT_GIB };
  uint64_t             end;
  g_assert_true (vt_smbios_place (&smbios, f->mem, 0xf1000, &end, NULL));
  const uint8_t *entry = f->ram->host + 0xf1000;
  g_assert_cmpmem (entry, 5, "_SM3_", 5);
  g_assert_cmpuint (sum (entry, 24), ==, 0);
  const uint8_t *at = f->ram->host + vt_load_le (entry + 16, 8), *stop = at + vt_load_le (entry + 12, 4);
  unsigned       type = 0;
  while (at < stop)
    {
      type = at[0];
      for (at += at[1]; at[0] != 0 || at[1] != 0; at++)
        ;
      at += 2;
    }
  g_assert_true (at == stop);
  g_assert_cmpuint (type, ==, 127);
  g_assert_cmpuint (end, ==, (uint64_t) (stop - f->ram->host));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(fn) g_test_add ("/acpi/" #fn, Fixture, NULL, set_up, fn, tear_down)
  ADD (every_table_is_found_from_the_rsdp_and_sums_to_zero);
  ADD (the_fadt_leads_to_the_dsdt_and_an_aligned_facs);
  ADD (the_tpm_has_its_table_with_a_log_of_its_own);
  g_test_add ("/acpi/pc/tpm", Fixture, "pc", set_up, the_tpm_has_its_table_with_a_log_of_its_own, tear_down);
  ADD (tables_that_do_not_fit_are_refused);
  ADD (iasl_takes_the_tables_apart_and_builds_them_again);
  g_test_add ("/acpi/pc/iasl", Fixture, "pc", set_up, iasl_takes_the_tables_apart_and_builds_them_again, tear_down);
  g_test_add ("/acpi/pc/chipset", Fixture, "pc", set_up, a_pc_has_its_own_chipset_in_the_tables, tear_down);
  ADD (smbios_has_a_valid_entry_point_and_ends_with_type_127);
  return g_test_run ();
}
