/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DSDT of a PC: what the operating system cannot find out from the hardware. */
#include "acpi.h"
#include "aml.h"

#define PIRQS_MAX 8u
/* ISA interrupts that a PIRQ may be steered to. */
#define PIRQ_ISA_MASK ((1u << 5) | (1u << 10) | (1u << 11))
/* ICH9 datasheet 13.1.17 and PIIX3 datasheet 2.2.9: PIRQ[n]_ROUT, in the ISA bridge's configuration space; bit 7 set: not
 * routed. */
#define PIRQ_ROUT_A        0x60u
#define PIRQ_ROUT_LEN      0x04u   /* A..D */
#define PIRQ_ROUT_LEN_ALL  0x0cu   /* A..H */
#define PIRQ_ROUT_DISABLED 0x80u

/* PCI Firmware Specification 3.3, 4.5.1: host bridge _OSC. */
#define OSC_UUID_PCI_HOST "33db4d5b-1ff7-401c-9657-7441c03dd766"
#define OSC_UNKNOWN_UUID  0x04u
/* Native hot-plug, PME, AER and capability structure control; no SHPC. */
#define OSC_GRANTED       0x1du

static const char *const link_names[PIRQS_MAX] = { "LNKA", "LNKB", "LNKC", "LNKD", "LNKE", "LNKF", "LNKG", "LNKH" };

static void
begin_resources (VtAml *aml)
{
  vt_aml_name (aml, "_CRS");
  vt_aml_resources (aml);
}

static void
begin_device (VtAml *aml, const char *name, const char *hid)
{
  vt_aml_device (aml, name);
  vt_aml_name (aml, "_HID");
  vt_aml_eisa_id (aml, hid);
}

static void
named_int (VtAml *aml, const char *name, uint64_t value)
{
  vt_aml_name (aml, name);
  vt_aml_int (aml, value);
}

/* --- Interrupt routing -------------------------------------------------------------------------------------------- */

/* The operating system says which interrupt controller it uses: 0 the PICs, 1 the IOAPIC. */
static void
put_pic_mode (VtAml *aml)
{
  named_int (aml, "\\PICF", 0);
  vt_aml_method (aml, "\\_PIC", 1, false);
  vt_aml_op (aml, VT_AML_STORE);
  vt_aml_arg (aml, 0);
  vt_aml_path (aml, "\\PICF");
  vt_aml_end (aml);
}

static void
put_route (VtAml *aml, const VtAcpiConfig *config, unsigned slot, unsigned pin, bool ioapic)
{
  unsigned pirq = config->chipset.intx_pirq (slot, pin);
  g_assert (pirq < config->chipset.pirqs);
  vt_aml_package (aml, 4);
  vt_aml_int (aml, (uint64_t) slot << 16 | 0xffff);
  vt_aml_int (aml, pin);
  if (ioapic)
    vt_aml_int (aml, 0);
  else
    vt_aml_path (aml, link_names[pirq]);
  vt_aml_int (aml, ioapic ? config->chipset.first_pirq_gsi + pirq : 0);
  vt_aml_end (aml);
}

static void
put_routes (VtAml *aml, const VtAcpiConfig *config, const char *name, bool ioapic)
{
  const unsigned slots = 31, pins = 4;   /* slot 0 is the host bridge */
  vt_aml_name (aml, name);
  vt_aml_package (aml, slots * pins);
  for (unsigned slot = 1; slot <= slots; slot++)
    for (unsigned pin = 0; pin < pins; pin++)
      put_route (aml, config, slot, pin, ioapic);
  vt_aml_end (aml);
}

static void
put_prt (VtAml *aml, const VtAcpiConfig *config)
{
  if (config->chipset.first_pirq_gsi == 0)
    {
      put_routes (aml, config, "_PRT", false);
      return;
    }
  put_routes (aml, config, "PRTA", true);
  put_routes (aml, config, "PRTP", false);
  vt_aml_method (aml, "_PRT", 0, false);
  vt_aml_if (aml);
  vt_aml_path (aml, "\\PICF");
  vt_aml_return (aml);
  vt_aml_path (aml, "PRTA");
  vt_aml_end (aml);
  vt_aml_return (aml);
  vt_aml_path (aml, "PRTP");
  vt_aml_end (aml);
}

/* Method (name) { And (route, 0x80, Local0); If (Local0) { Return (off) } Return (on) } */
static void
put_link_status (VtAml *aml, const char *route)
{
  vt_aml_method (aml, "_STA", 0, false);
  vt_aml_if (aml);
  vt_aml_op (aml, VT_AML_AND);
  vt_aml_path (aml, route);
  vt_aml_int (aml, PIRQ_ROUT_DISABLED);
  vt_aml_no_target (aml);
  vt_aml_return (aml);
  vt_aml_int (aml, 0x09);
  vt_aml_end (aml);
  vt_aml_return (aml);
  vt_aml_int (aml, 0x0b);
  vt_aml_end (aml);
}

static void
put_link_disable (VtAml *aml, const char *route)
{
  vt_aml_method (aml, "_DIS", 0, false);
  vt_aml_op (aml, VT_AML_OR);
  vt_aml_path (aml, route);
  vt_aml_int (aml, PIRQ_ROUT_DISABLED);
  vt_aml_path (aml, route);
  vt_aml_end (aml);
}

/* The present setting: the template's mask word (offset 1) gets the bit of the routed interrupt. */
static void
put_link_current (VtAml *aml, const char *route)
{
  vt_aml_name (aml, "RSRC");
  vt_aml_resources (aml);
  vt_aml_irq_level (aml, 0);
  vt_aml_end (aml);
  vt_aml_method (aml, "_CRS", 0, true);
  vt_aml_op (aml, VT_AML_CREATE_WORD_FIELD);
  vt_aml_path (aml, "RSRC");
  vt_aml_int (aml, 1);
  vt_aml_path (aml, "MASK");
  vt_aml_op (aml, VT_AML_STORE);
  vt_aml_op (aml, VT_AML_SHIFT_LEFT);
  vt_aml_int (aml, 1);
  vt_aml_op (aml, VT_AML_AND);
  vt_aml_path (aml, route);
  vt_aml_int (aml, 0x0f);
  vt_aml_no_target (aml);
  vt_aml_no_target (aml);
  vt_aml_path (aml, "MASK");
  vt_aml_return (aml);
  vt_aml_path (aml, "RSRC");
  vt_aml_end (aml);
}

/* FindSetRightBit counts from one. */
static void
put_link_set (VtAml *aml, const char *route)
{
  vt_aml_method (aml, "_SRS", 1, true);
  vt_aml_op (aml, VT_AML_CREATE_WORD_FIELD);
  vt_aml_arg (aml, 0);
  vt_aml_int (aml, 1);
  vt_aml_path (aml, "MASK");
  vt_aml_op (aml, VT_AML_FIND_SET_RIGHT_BIT);
  vt_aml_path (aml, "MASK");
  vt_aml_local (aml, 0);
  vt_aml_if (aml);
  vt_aml_local (aml, 0);
  vt_aml_op (aml, VT_AML_SUBTRACT);
  vt_aml_local (aml, 0);
  vt_aml_int (aml, 1);
  vt_aml_path (aml, route);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_link (VtAml *aml, unsigned n)
{
  char route[] = "\\_SB.PCI0.ISA.PRQA";
  route[sizeof route - 2] = 'A' + n;
  begin_device (aml, link_names[n], "PNP0C0F");
  named_int (aml, "_UID", n);
  vt_aml_name (aml, "_PRS");
  vt_aml_resources (aml);
  vt_aml_irq_level (aml, PIRQ_ISA_MASK);
  vt_aml_end (aml);
  put_link_status (aml, route);
  put_link_disable (aml, route);
  put_link_current (aml, route);
  put_link_set (aml, route);
  vt_aml_end (aml);
}

/* --- The host bridge ---------------------------------------------------------------------------------------------- */

static void
put_host_resources (VtAml *aml, const VtAcpiConfig *config)
{
  begin_resources (aml);
  vt_aml_bus_range (aml, 0, config->ecam_base != 0 ? config->ecam_buses - 1 : 0xff);
  vt_aml_io (aml, 0xcf8, 8);
  vt_aml_io_window (aml, 0x0000, 0x0cf7);
  vt_aml_io_window (aml, 0x0d00, 0xffff);
  vt_aml_memory_window (aml, 0xa0000, 0xbffff, true);
  vt_aml_memory_window (aml, config->pci_low_base, config->pci_low_end - 1, false);
  if (config->pci_high_end > config->pci_high_base)
    vt_aml_memory_window64 (aml, config->pci_high_base, config->pci_high_end - 1);
  vt_aml_end (aml);
}

/* The operating system asks for control of PCI Express features (capabilities buffer in Arg3: three words). */
static void
put_host_osc (VtAml *aml)
{
  static const char *const words[] = { "CDW1", "CDW2", "CDW3" };
  vt_aml_method (aml, "_OSC", 4, true);
  vt_aml_op (aml, VT_AML_CREATE_DWORD_FIELD);
  vt_aml_arg (aml, 3);
  vt_aml_int (aml, 0);
  vt_aml_path (aml, words[0]);
  vt_aml_if (aml);
  vt_aml_op (aml, VT_AML_EQUAL);
  vt_aml_arg (aml, 0);
  vt_aml_uuid (aml, OSC_UUID_PCI_HOST);
  vt_aml_op (aml, VT_AML_CREATE_DWORD_FIELD);
  vt_aml_arg (aml, 3);
  vt_aml_int (aml, 8);
  vt_aml_path (aml, words[2]);
  vt_aml_op (aml, VT_AML_AND);
  vt_aml_path (aml, words[2]);
  vt_aml_int (aml, OSC_GRANTED);
  vt_aml_path (aml, words[2]);
  vt_aml_end (aml);
  vt_aml_else (aml);
  vt_aml_op (aml, VT_AML_OR);
  vt_aml_path (aml, words[0]);
  vt_aml_int (aml, OSC_UNKNOWN_UUID);
  vt_aml_path (aml, words[0]);
  vt_aml_end (aml);
  vt_aml_return (aml);
  vt_aml_arg (aml, 3);
  vt_aml_end (aml);
}

/* --- Devices behind the LPC bridge -------------------------------------------------------------------------------- */

static void
put_i8042 (VtAml *aml)
{
  begin_device (aml, "KBD", "PNP0303");
  begin_resources (aml);
  vt_aml_io (aml, 0x60, 1);
  vt_aml_io (aml, 0x64, 1);
  vt_aml_irq (aml, 1);
  vt_aml_end (aml);
  vt_aml_end (aml);

  begin_device (aml, "MOU", "PNP0F13");
  begin_resources (aml);
  vt_aml_irq (aml, 12);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_floppy (VtAml *aml)
{
  begin_device (aml, "FDC", "PNP0700");
  begin_resources (aml);
  vt_aml_io (aml, 0x3f2, 4);
  vt_aml_io (aml, 0x3f7, 1);
  vt_aml_irq (aml, 6);
  vt_aml_dma (aml, 2);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_serial (VtAml *aml, unsigned n)
{
  static const struct { const char *name; uint16_t base; uint8_t irq; } ports[] = {
    { "COM1", 0x3f8, 4 }, { "COM2", 0x2f8, 3 },
  };
  g_assert (n < G_N_ELEMENTS (ports));
  begin_device (aml, ports[n].name, "PNP0501");
  named_int (aml, "_UID", n + 1);
  begin_resources (aml);
  vt_aml_io (aml, ports[n].base, 8);
  vt_aml_irq (aml, ports[n].irq);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_isa_timers (VtAml *aml)
{
  begin_device (aml, "RTC", "PNP0B00");
  begin_resources (aml);
  vt_aml_io (aml, 0x70, 2);
  vt_aml_irq (aml, 8);
  vt_aml_end (aml);
  vt_aml_end (aml);

  begin_device (aml, "TMR", "PNP0100");
  begin_resources (aml);
  vt_aml_io (aml, 0x40, 4);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_fw_cfg (VtAml *aml)
{
  vt_aml_device (aml, "FWCF");
  vt_aml_name (aml, "_HID");
  vt_aml_string (aml, "QEMU0002");
  named_int (aml, "_STA", 0x0b);
  begin_resources (aml);
  vt_aml_io (aml, 0x510, 12);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_isa (VtAml *aml, const VtAcpiConfig *config)
{
  static const char *const routes[]
      = { "PRQA", "PRQB", "PRQC", "PRQD", "", "", "", "", "PRQE", "PRQF", "PRQG", "PRQH", NULL };
  static const char *const first_routes[] = { "PRQA", "PRQB", "PRQC", "PRQD", NULL };
  vt_aml_device (aml, "ISA");
  named_int (aml, "_ADR", (uint32_t) config->chipset.isa_slot << 16);
  vt_aml_region (aml, "PIRQ", VT_AML_PCI_CONFIG, PIRQ_ROUT_A, config->chipset.pirqs > 4 ? PIRQ_ROUT_LEN_ALL : PIRQ_ROUT_LEN);
  vt_aml_byte_fields (aml, "PIRQ", config->chipset.pirqs > 4 ? routes : first_routes);
  put_isa_timers (aml);
  if (config->i8042)
    put_i8042 (aml);
  if (config->floppy)
    put_floppy (aml);
  for (unsigned i = 0; i < config->serial_ports; i++)
    put_serial (aml, i);
  if (config->fw_cfg)
    put_fw_cfg (aml);
  vt_aml_end (aml);
}

static void
put_host_bridge (VtAml *aml, const VtAcpiConfig *config)
{
  bool express = config->ecam_base != 0;
  begin_device (aml, "PCI0", express ? "PNP0A08" : "PNP0A03");
  if (express)
    {
      vt_aml_name (aml, "_CID");
      vt_aml_eisa_id (aml, "PNP0A03");
    }
  named_int (aml, "_UID", 0);
  put_host_resources (aml, config);
  if (express)
    put_host_osc (aml);
  put_prt (aml, config);
  put_isa (aml, config);
  vt_aml_end (aml);
}

/* --- The rest of the system bus ----------------------------------------------------------------------------------- */

static void
put_hpet (VtAml *aml, const VtAcpiConfig *config)
{
  begin_device (aml, "HPET", "PNP0103");
  begin_resources (aml);
  vt_aml_memory32 (aml, config->hpet_base, 0x400, false);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

/* TCG ACPI Specification 1.3, 8.1: any TPM 2.0. Without an interrupt: drivers ask. */
static void
put_tpm (VtAml *aml, const VtAcpiConfig *config)
{
  vt_aml_device (aml, "TPM");
  vt_aml_name (aml, "_HID");
  vt_aml_string (aml, "MSFT0101");
  named_int (aml, "_UID", 1);
  named_int (aml, "_STA", 0x0f);
  begin_resources (aml);
  vt_aml_memory32 (aml, config->tpm.base, config->tpm.bytes, true);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

/* What no other device claims: registers of the chipset. The ECAM window has to be here (PCI Firmware 3.3, 4.1.2). */
static void
put_motherboard (VtAml *aml, const VtAcpiConfig *config)
{
  begin_device (aml, "MBRD", "PNP0C02");
  begin_resources (aml);
  vt_aml_io (aml, config->pm_base, config->chipset.pm_len);
  vt_aml_io (aml, config->smi_cmd_port, 2);
  if (config->ecam_base != 0)
    vt_aml_memory32 (aml, config->ecam_base, config->ecam_buses << 20, true);
  vt_aml_end (aml);
  vt_aml_end (aml);
}

static void
put_processors (VtAml *aml, unsigned cpus)
{
  for (unsigned i = 0; i < cpus; i++)
    {
      char name[5];
      g_snprintf (name, sizeof name, "C%03X", i & 0xfff);
      vt_aml_device (aml, name);
      vt_aml_name (aml, "_HID");
      vt_aml_string (aml, "ACPI0007");
      named_int (aml, "_UID", i);
      vt_aml_end (aml);
    }
}

/* 7.4.2: SLP_TYP for PM1a and PM1b. */
static void
put_sleep_states (VtAml *aml, const VtAcpiConfig *config)
{
  vt_aml_name (aml, "\\_S5");
  vt_aml_package (aml, 4);
  vt_aml_int (aml, config->s5_type);
  vt_aml_int (aml, config->s5_type);
  vt_aml_int (aml, 0);
  vt_aml_int (aml, 0);
  vt_aml_end (aml);
}

/* A definition block header: its length and checksum are filled in by whoever places it. */
static GByteArray *
new_block (void)
{
  static const uint8_t header[36] = "DSDT\0\0\0\0\2\0VITRINVITRINE \1\0\0\0VTRN\1\0\0";
  GByteArray *out = g_byte_array_new ();
  g_byte_array_append (out, header, sizeof header);
  return out;
}

GByteArray *
vt_acpi_build_dsdt (const VtAcpiConfig *config)
{
  GByteArray *out = new_block ();
  VtAml       aml;
  vt_aml_init (&aml, out);
  put_sleep_states (&aml, config);
  put_pic_mode (&aml);
  vt_aml_scope (&aml, "\\_SB");
  for (unsigned i = 0; i < config->chipset.pirqs; i++)
    put_link (&aml, i);
  put_host_bridge (&aml, config);
  if (config->hpet_base != 0)
    put_hpet (&aml, config);
  if (config->tpm.base != 0)
    put_tpm (&aml, config);
  put_motherboard (&aml, config);
  put_processors (&aml, config->cpus);
  vt_aml_end (&aml);
  g_assert (aml.depth == 0);
  return out;
}
