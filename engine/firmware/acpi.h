/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI tables of a PC: RSDP, RSDT, XSDT, FADT, FACS, MADT, HPET, MCFG, TPM2 and DSDT (ACPI 6.4). */
#pragma once

#include "tables.h"

#define VT_ACPI_TABLES_FILE "etc/acpi/tables"
#define VT_ACPI_RSDP_FILE   "etc/acpi/rsdp"

/* What they say about a chipset. */
typedef struct
{
  uint8_t isa_slot;               /* of the ISA bridge, with the PIRQ registers from 0x60 */
  uint8_t pirqs;                  /* 4 or 8; E..H have their registers from 0x68 */
  uint8_t first_pirq_gsi;         /* I/O APIC input of PIRQ A; 0: they reach it only as the ISA interrupts they are steered to */
  uint8_t pm_len;                 /* bytes of the block at pm_base */
  uint8_t gpe0_off, gpe0_len;     /* in it; bytes, status and enable together */
  /* 0..7 for PIRQ A..H: where pin 0..3 (INTA..INTD) of a slot on bus 0 goes. */
  unsigned (*intx_pirq) (unsigned slot, unsigned pin);
} VtAcpiChipset;

/* A TPM 2.0. With the log that firmware writes of what it measures: it is a blob of the tables, in memory. */
#define VT_ACPI_TPM_LOG_FILE  "etc/tpm/log"
#define VT_ACPI_TPM_LOG_BYTES (64 * VT_KIB)
typedef struct
{
  uint32_t base, bytes;           /* of its registers; 0: there is none */
  uint32_t control_off;           /* of the control area of its command response buffer; 0: it has the FIFO interface */
} VtAcpiTpm;

/* Everything comes from the machine, so that no number exists twice. A zero base means "not there". */
typedef struct
{
  unsigned cpus;                  /* local APIC id = index */
  VtAcpiChipset chipset;
  uint16_t pm_base;               /* PM1 event +0, PM1 control +4, timer +8 */
  uint8_t  sci_irq;               /* 9, level, active high */
  uint16_t smi_cmd_port;          /* 0xb2 */
  uint8_t  acpi_enable, acpi_disable;
  uint16_t reset_port;            /* 0xcf9 */
  uint8_t  reset_value;           /* 0x0f */
  uint8_t  s5_type;               /* SLP_TYP that powers off */
  uint64_t local_apic_base, ioapic_base, hpet_base;
  uint32_t hpet_block_id;         /* low half of the HPET's capabilities register; 0: the ICH9's */
  uint8_t  ioapic_id;
  uint64_t ecam_base;
  unsigned ecam_buses;            /* 256 */
  uint64_t pci_low_base, pci_low_end;     /* 32-bit window for BARs; end is one past */
  uint64_t pci_high_base, pci_high_end;   /* 64-bit window; equal: none */
  uint8_t  serial_ports;          /* how many of COM1 and COM2 exist */
  bool     i8042;
  bool     floppy;                /* drives on a controller at 0x3f2 */
  bool     fw_cfg;
  VtAcpiTpm tpm;
} VtAcpiConfig;

void vt_acpi_build (VtTables *tables, const VtAcpiConfig *config);

/* The DSDT alone (tests). */
GByteArray *vt_acpi_build_dsdt (const VtAcpiConfig *config);
