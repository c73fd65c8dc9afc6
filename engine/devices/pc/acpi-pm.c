/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI fixed hardware of ICH9: the 128 bytes of I/O at PMBASE (datasheet 316972, 13.8.3), the APM ports (13.7.1), and the TCO
 * registers at PMBASE + 0x60 (13.9).  ACPI 6.4 section 4.8 says what an operating system expects of them.
 *
 * The ACPI enable command acts directly where a board's SMI handler would.  In a machine with system management mode every other
 * write to the APM port is an SMI, while SMI_EN wants that.  In one without, SMI_EN reads as if the firmware had switched it on
 * already, which is how firmware learns not to set SMM up.  The TCO watchdog never counts.
 */
#include "acpi-pm.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define PM_TIMER_HZ 3579545u

#define PM1_TMR    0x0001u
#define PM1_GBL    0x0020u
#define PM1_PWRBTN 0x0100u
#define PM1_RTC    0x0400u
#define PM1_STS_BM       0x0010u
#define PM1_STS_PWRBTNOR 0x0800u
#define PM1_STS_WAK      0x8000u
#define PM1_EVENTS (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC)
#define PM1_STS_ALL (PM1_EVENTS | PM1_STS_BM | PM1_STS_PWRBTNOR | PM1_STS_WAK)

#define PM1_CNT_SCI_EN  0x0001u
#define PM1_CNT_BM_RLD  0x0002u
#define PM1_CNT_SLP_TYP 10u       /* shift; 3 bits */
#define PM1_CNT_SLP_EN  0x2000u   /* write only */
#define PM1_CNT_WRITABLE 0x3c03u

#define SMI_EN_GBL  0x0001u
#define SMI_EN_APMC 0x0020u
#define SMI_EN_EOS  0x0002u       /* written at the end of an SMI handler; reads as zero */
#define SMI_STS_APM 0x0020u

typedef struct
{
  uint64_t gpe0_sts;
  uint64_t gpe0_en;
  uint64_t timer_halves;   /* how often the top bit of the timer had toggled when TMR_STS was last right */
  uint32_t smi_en;
  uint32_t smi_sts;
  uint16_t pm1_sts, pm1_en, pm1_cnt;
  uint16_t tco_rld, tco1_sts, tco2_sts, tco1_cnt, tco2_cnt, tco_tmr;
  uint8_t  tco_dat_in, tco_dat_out, tco_message1, tco_message2, tco_wdcnt, tco_irq;
  uint8_t  apm_cnt, apm_sts;
  uint8_t  pad_[6];
} AcpiPmState;

static const VtField acpi_pm_fields[] = {
  VT_FIELD (AcpiPmState, gpe0_sts),     VT_FIELD (AcpiPmState, gpe0_en),      VT_FIELD_KEPT (AcpiPmState, timer_halves),
  VT_FIELD (AcpiPmState, smi_en),       VT_FIELD (AcpiPmState, smi_sts),      VT_FIELD (AcpiPmState, pm1_sts),
  VT_FIELD (AcpiPmState, pm1_en),       VT_FIELD (AcpiPmState, pm1_cnt),      VT_FIELD (AcpiPmState, tco_rld),
  VT_FIELD (AcpiPmState, tco1_sts),     VT_FIELD (AcpiPmState, tco2_sts),     VT_FIELD (AcpiPmState, tco1_cnt),
  VT_FIELD (AcpiPmState, tco2_cnt),     VT_FIELD (AcpiPmState, tco_tmr),      VT_FIELD (AcpiPmState, tco_dat_in),
  VT_FIELD (AcpiPmState, tco_dat_out),  VT_FIELD (AcpiPmState, tco_message1), VT_FIELD (AcpiPmState, tco_message2),
  VT_FIELD (AcpiPmState, tco_wdcnt),    VT_FIELD (AcpiPmState, tco_irq),      VT_FIELD (AcpiPmState, apm_cnt),
  VT_FIELD (AcpiPmState, apm_sts),      VT_FIELD (AcpiPmState, pad_),
};

static const AcpiPmState acpi_pm_at_reset = {
  .smi_en = SMI_EN_GBL | SMI_EN_APMC,
  .tco_tmr = 4,
};
static const AcpiPmState acpi_pm_smm_at_reset = { .tco_tmr = 4 };

typedef struct
{
  VtDevice      dev;
  AcpiPmState   s;
  VtIrq         sci, smi;
  bool          smi_locked;     /* level of the wire from the LPC bridge, which owns it */
  VtClock      *clock;
  VtTimer      *timer;
  VtMachinePort machine;
  unsigned      timer_bits;
  bool          s3;
} AcpiPm;

static uint64_t
timer_ticks (const AcpiPm *pm)
{
  return vt_ns_to_ticks (vt_clock_now (pm->clock), PM_TIMER_HZ);
}

/* TMR_STS is set whenever the top bit of the timer changes (ACPI 4.8.3.1.1). */
static void
catch_up (AcpiPm *pm)
{
  uint64_t halves = timer_ticks (pm) >> (pm->timer_bits - 1);
  if (halves > pm->s.timer_halves)
    {
      pm->s.timer_halves = halves;
      pm->s.pm1_sts |= PM1_TMR;
    }
}

static void
update (AcpiPm *pm)
{
  const AcpiPmState *s = &pm->s;
  bool events = (s->pm1_sts & s->pm1_en & PM1_EVENTS) != 0 || (s->gpe0_sts & s->gpe0_en) != 0;
  vt_irq_set (&pm->sci, events && (s->pm1_cnt & PM1_CNT_SCI_EN));
  if ((s->pm1_en & ~s->pm1_sts & PM1_TMR) && (s->pm1_cnt & PM1_CNT_SCI_EN))
    vt_timer_arm (pm->timer, vt_tick_deadline_ns ((s->timer_halves + 1) << (pm->timer_bits - 1), PM_TIMER_HZ));
  else
    vt_timer_cancel (pm->timer);
}

static void
expired (void *opaque, int64_t late_ns)
{
  AcpiPm *pm = opaque;
  catch_up (pm);
  update (pm);
}

/* --- Registers ------------------------------------------------------------------------------------------------------ */

static void
sleep_now (AcpiPm *pm)
{
  unsigned type = (unsigned) vt_extract (pm->s.pm1_cnt, PM1_CNT_SLP_TYP, 3);
  trace_acpi_pm_sleep (type);
  switch (type)
    {
    case VT_ACPI_PM_SLP_TYP_S5:
    case 7:
    case VT_ACPI_PM_SLP_TYP_S4:
    case 6:
      vt_machine_request (&pm->machine, VT_REQUEST_POWER_OFF, 0);
      return;
    case VT_ACPI_PM_SLP_TYP_S3:
    case 5:
      if (pm->s3)
        {
          vt_machine_request (&pm->machine, VT_REQUEST_SUSPEND, 0);
          return;
        }
    }
  vt_guest_warn (&pm->dev, "sleep type %u is not supported", type);
}

static void
control_written (VtDevice *dev, uint64_t old)
{
  AcpiPm *pm = (AcpiPm *) dev;
  if (!(pm->s.pm1_cnt & PM1_CNT_SLP_EN))
    return;
  pm->s.pm1_cnt &= ~PM1_CNT_SLP_EN;
  sleep_now (pm);
}

static bool
has_smm (const AcpiPm *pm)
{
  return pm->dev.cls == &vt_acpi_pm_smm_class;
}

static void
smi_enable_written (VtDevice *dev, uint64_t old)
{
  AcpiPm *pm = (AcpiPm *) dev;
  if (!has_smm (pm))
    return;
  pm->s.smi_en &= ~SMI_EN_EOS;
  if (pm->smi_locked)
    pm->s.smi_en = (pm->s.smi_en & ~SMI_EN_GBL) | ((uint32_t) old & SMI_EN_GBL);
}

/* Kept apart from PM_TMR, which is computed. Write-once lock bits are not modelled. */
static const VtReg acpi_pm_regs[] = {
  VT_REG (AcpiPmState, pm1_sts, 0x00, VT_REG_W1C, 0, PM1_STS_ALL, NULL),
  VT_REG (AcpiPmState, pm1_en, 0x02, VT_REG_RW, 0, PM1_EVENTS, NULL),
  VT_REG (AcpiPmState, pm1_cnt, 0x04, VT_REG_RW, 0, PM1_CNT_WRITABLE, control_written),
  VT_REG (AcpiPmState, gpe0_sts, 0x20, VT_REG_W1C, 0, UINT64_MAX, NULL),
  VT_REG (AcpiPmState, gpe0_en, 0x28, VT_REG_RW, 0, UINT64_MAX, NULL),
  VT_REG (AcpiPmState, smi_en, 0x30, VT_REG_RW, SMI_EN_GBL | SMI_EN_APMC, UINT32_MAX, smi_enable_written),
  VT_REG (AcpiPmState, smi_sts, 0x34, VT_REG_W1C, 0, UINT32_MAX, NULL),
  VT_REG (AcpiPmState, tco_rld, 0x60, VT_REG_RW, 0, 0x3ff, NULL),
  VT_REG (AcpiPmState, tco_dat_in, 0x62, VT_REG_RW, 0, 0xff, NULL),
  VT_REG (AcpiPmState, tco_dat_out, 0x63, VT_REG_RW, 0, 0xff, NULL),
  VT_REG (AcpiPmState, tco1_sts, 0x64, VT_REG_W1C, 0, 0xffff, NULL),
  VT_REG (AcpiPmState, tco2_sts, 0x66, VT_REG_W1C, 0, 0xffff, NULL),
  VT_REG (AcpiPmState, tco1_cnt, 0x68, VT_REG_RW, 0, 0x1fff, NULL),
  VT_REG (AcpiPmState, tco2_cnt, 0x6a, VT_REG_RW, 0, 0x3e, NULL),
  VT_REG (AcpiPmState, tco_message1, 0x6c, VT_REG_RW, 0, 0xff, NULL),
  VT_REG (AcpiPmState, tco_message2, 0x6d, VT_REG_RW, 0, 0xff, NULL),
  VT_REG (AcpiPmState, tco_wdcnt, 0x6e, VT_REG_RW, 0, 0xff, NULL),
  VT_REG (AcpiPmState, tco_irq, 0x70, VT_REG_RW, 0, 0x03, NULL),
  VT_REG (AcpiPmState, tco_tmr, 0x72, VT_REG_RW, 4, 0x3ff, NULL),
};

static uint64_t
read_timer (const AcpiPm *pm, uint64_t byte, unsigned size)
{
  uint64_t value = timer_ticks (pm) & (UINT64_MAX >> (64 - pm->timer_bits));
  return value >> 8 * byte & vt_mask_bytes (size);
}

static uint64_t
read_word (VtDevice *dev, uint64_t off, unsigned size)
{
  uint64_t value;
  return vt_regs_read (dev, off, size, &value) ? value : 0;
}

static uint64_t
acpi_pm_read (VtDevice *dev, uint64_t off, unsigned size)
{
  AcpiPm *pm = (AcpiPm *) dev;
  uint64_t value;
  catch_up (pm);
  update (pm);
  if (off >= VT_ACPI_PM_TMR && off < VT_ACPI_PM_TMR + 4)
    value = read_timer (pm, off - VT_ACPI_PM_TMR, size);
  else if (size == 4)   /* status and enable side by side: no register is wider than its half, or is one of two words */
    value = read_word (dev, off, 2) | read_word (dev, off + 2, 2) << 16;
  else
    value = read_word (dev, off, size);
  trace_acpi_pm_read (off, size, value);
  return value;
}

static void
acpi_pm_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  AcpiPm *pm = (AcpiPm *) dev;
  trace_acpi_pm_write (off, size, value);
  catch_up (pm);
  vt_regs_write (dev, off, MIN (size, 2), value & 0xffff);
  if (size == 4)
    vt_regs_write (dev, off + 2, 2, value >> 16);
  update (pm);
}

/* PIIX4 (290562, 7.2): the same up to the timer, then two bytes of general purpose status and two of enables. */
static bool
piix4_place (uint64_t off, uint64_t *place)
{
  bool gpe = off >= VT_ACPI_PM_PIIX4_GPE0 && off < VT_ACPI_PM_PIIX4_GPE0 + VT_ACPI_PM_PIIX4_GPE0_BYTES;
  if (gpe)
    *place = VT_ACPI_PM_GPE0 + (off & 1) + (off & 2) * (VT_ACPI_PM_GPE0_BYTES / 4);
  else
    *place = off;
  return gpe || off < VT_ACPI_PM_PIIX4_GPE0;
}

static uint64_t
piix4_read (VtDevice *dev, uint64_t off, unsigned size)
{
  uint64_t place;
  if (off == VT_ACPI_PM_PIIX4_GPE0 && size == 4)
    return piix4_read (dev, off, 2) | piix4_read (dev, off + 2, 2) << 16;
  return piix4_place (off, &place) ? acpi_pm_read (dev, place, size) : 0;
}

static void
piix4_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  uint64_t place;
  if (off == VT_ACPI_PM_PIIX4_GPE0 && size == 4)
    {
      piix4_write (dev, off, value & 0xffff, 2);
      piix4_write (dev, off + 2, value >> 16, 2);
    }
  else if (piix4_place (off, &place))
    acpi_pm_write (dev, place, value, size);
}

static uint64_t
apm_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const AcpiPmState *s = &((AcpiPm *) dev)->s;
  return off == 0 ? s->apm_cnt : s->apm_sts;
}

static void
apm_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  AcpiPm *pm = (AcpiPm *) dev;
  AcpiPmState *s = &pm->s;
  if (off == 1)
    {
      s->apm_sts = (uint8_t) value;
      return;
    }
  trace_acpi_pm_apm ((uint8_t) value);
  s->apm_cnt = (uint8_t) value;
  if (value == VT_ACPI_PM_ENABLE_CMD)
    s->pm1_cnt |= PM1_CNT_SCI_EN;
  else if (value == VT_ACPI_PM_DISABLE_CMD)
    s->pm1_cnt &= ~PM1_CNT_SCI_EN;
  else if (has_smm (pm) && (~s->smi_en & (SMI_EN_GBL | SMI_EN_APMC)) == 0)
    {
      s->smi_sts |= SMI_STS_APM;
      vt_irq_pulse (&pm->smi);
    }
  catch_up (pm);
  update (pm);
}

/* --- Events from outside -------------------------------------------------------------------------------------------- */

void
vt_acpi_pm_power_button (VtDevice *dev)
{
  AcpiPm *pm = (AcpiPm *) dev;
  pm->s.pm1_sts |= PM1_PWRBTN;
  update (pm);
}

void
vt_acpi_pm_gpe (VtDevice *dev, unsigned gpe)
{
  AcpiPm *pm = (AcpiPm *) dev;
  g_assert (gpe < 64);
  pm->s.gpe0_sts |= UINT64_C (1) << gpe;
  update (pm);
}

static void
smi_lock_changed (void *sink, unsigned pin, bool level)
{
  ((AcpiPm *) sink)->smi_locked = level;
}

VtIrq
vt_acpi_pm_smi_lock (VtDevice *dev)
{
  g_assert (has_smm ((AcpiPm *) dev));
  return (VtIrq) { .set = smi_lock_changed, .sink = dev, .label = "lpc -> smi lock" };
}

bool
vt_acpi_pm_enabled (const VtDevice *dev)
{
  const AcpiPmState *s = &((const AcpiPm *) dev)->s;
  return (s->pm1_cnt & PM1_CNT_SCI_EN) && (s->pm1_en & PM1_PWRBTN);
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const AcpiPmState *s = incoming;
  if (!(s->pm1_sts & ~PM1_STS_ALL) && !(s->pm1_en & ~PM1_EVENTS) && !(s->pm1_cnt & ~(PM1_CNT_WRITABLE & ~PM1_CNT_SLP_EN))
      && s->timer_halves < UINT64_C (1) << 32)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved power management state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  update ((AcpiPm *) dev);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  AcpiPm *pm = (AcpiPm *) dev;
  const VtAcpiPmConfig *config = env->config;
  pm->timer_bits = config != NULL && config->timer_32bit ? 32 : 24;
  pm->s3 = config != NULL && config->s3;
  pm->clock = env->clock;
  pm->machine = env->machine;
  pm->sci = env->n_wires > VT_ACPI_PM_WIRE_SCI ? env->wires[VT_ACPI_PM_WIRE_SCI] : vt_irq_detached ("sci");
  pm->smi = env->n_wires > VT_ACPI_PM_WIRE_SMI ? env->wires[VT_ACPI_PM_WIRE_SMI] : vt_irq_detached ("smi");
  pm->timer = vt_timer_new (env->clock, "pm timer", 0, expired, pm);
  return true;
}

static void
finalize (VtDevice *dev)
{
  vt_timer_free (((AcpiPm *) dev)->timer);
}

static const VtRegionOps acpi_pm_ops = { acpi_pm_read, acpi_pm_write, 1, 4 };
static const VtRegionOps piix4_ops = { piix4_read, piix4_write, 1, 4 };
static const VtRegionOps apm_ops = { apm_read, apm_write, 1, 1 };

const VtRegion vt_acpi_pm_region = { "acpi-pm", VT_ACPI_PM_BLOCK_BYTES, &acpi_pm_ops };
const VtRegion vt_acpi_pm_piix4_region = { "piix4-pm", VT_ACPI_PM_PIIX4_BLOCK_BYTES, &piix4_ops };
const VtRegion vt_acpi_pm_apm_region = { "apm", 2, &apm_ops };

static const VtRegion *const acpi_pm_regions[] = {
  &vt_acpi_pm_region, &vt_acpi_pm_piix4_region, &vt_acpi_pm_apm_region, NULL,
};

#define ACPI_PM_CLASS(name_, summary_, at_reset_)                                                                        \
  {                                                                                                                      \
    .name = name_,                                                                                                       \
    .summary = summary_,                                                                                                 \
    .instance_size = sizeof (AcpiPm),                                                                                    \
    .state_off = offsetof (AcpiPm, s),                                                                                   \
    .state = VT_STATE (1, AcpiPmState, acpi_pm_fields, &at_reset_),                                                      \
    .regs = acpi_pm_regs,                                                                                                \
    .n_regs = G_N_ELEMENTS (acpi_pm_regs),                                                                               \
    .regions = acpi_pm_regions,                                                                                          \
    .realize = realize,                                                                                                  \
    .settle = settle,                                                                                                    \
    .check = check,                                                                                                      \
    .finalize = finalize,                                                                                                \
  }
const VtDeviceClass vt_acpi_pm_class = ACPI_PM_CLASS ("acpi-pm", "ACPI power management of ICH9 and PIIX4", acpi_pm_at_reset);
const VtDeviceClass vt_acpi_pm_smm_class
    = ACPI_PM_CLASS ("acpi-pm-smm", "ACPI power management of ICH9, with SMIs", acpi_pm_smm_at_reset);
