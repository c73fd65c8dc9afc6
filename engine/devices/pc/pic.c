/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two cascaded 8259A programmable interrupt controllers (Intel 8259A datasheet, order number 231468) and the edge/level
 * control registers that ICH9 adds (13.4.8, 13.4.9).
 *
 * Known differences from the chip: an edge stays latched when its line falls again before the acknowledge (the chip then
 * answers with IRQ7): our wires have no pulse width, and a lost interrupt hurts more than an extra one.  LTIM of ICW1 is
 * ignored, as on ICH9, where the ELCR decides.
 */
#include "pic.h"

#include "vitrine/error.h"
#include "trace-pc.h"

#define PIC_ICW1_IC4  0x01u   /* ICW4 follows */
#define PIC_ICW1_SNGL 0x02u   /* no ICW3 */
#define PIC_ICW1_INIT 0x10u
#define PIC_ICW4_AEOI 0x02u
#define PIC_ICW4_SFNM 0x10u
#define PIC_OCW2_LEVEL 0x07u
#define PIC_OCW3_SELECT 0x08u   /* D3 set, D4 clear: this is OCW3 */
#define PIC_OCW3_RIS  0x01u
#define PIC_OCW3_RR   0x02u
#define PIC_OCW3_POLL 0x04u
#define PIC_OCW3_SMM  0x20u
#define PIC_OCW3_ESMM 0x40u

#define PIC_CASCADE 2u      /* input of the master that the slave's INT drives */
#define PIC_SPURIOUS 7u

/* IRQ 0, 1, 2, 8 and 13 are always edge triggered. */
#define PIC_ELCR_MASTER_WRITABLE 0xf8u
#define PIC_ELCR_SLAVE_WRITABLE  0xdeu

enum
{
  PIC_STEP_READY,
  PIC_STEP_ICW2,
  PIC_STEP_ICW3,
  PIC_STEP_ICW4,
};

typedef struct
{
  uint8_t irr;      /* latched edges; level-triggered requests come straight from `lines` */
  uint8_t isr;
  uint8_t imr;
  uint8_t legs[8];  /* of each input: levels of the wires that meet there. The wires do not reset with us */
  uint8_t elcr;
  uint8_t icw1;
  uint8_t icw2;     /* vector base */
  uint8_t icw3;
  uint8_t icw4;
  uint8_t step;     /* PIC_STEP_...: the word that port 1 takes next */
  uint8_t lowest;   /* input of lowest priority */
  bool    read_isr;
  bool    poll;
  bool    special_mask;
  bool    rotate_aeoi;
} PicChip;

typedef struct
{
  PicChip chip[2];   /* master, slave */
} PicState;

#define PIC_FIELDS(i)                                                                                                    \
  VT_FIELD (PicState, chip[i].irr), VT_FIELD (PicState, chip[i].isr), VT_FIELD (PicState, chip[i].imr),                  \
      VT_FIELD_KEPT (PicState, chip[i].legs), VT_FIELD (PicState, chip[i].elcr), VT_FIELD (PicState, chip[i].icw1),     \
      VT_FIELD (PicState, chip[i].icw2), VT_FIELD (PicState, chip[i].icw3), VT_FIELD (PicState, chip[i].icw4),           \
      VT_FIELD (PicState, chip[i].step), VT_FIELD (PicState, chip[i].lowest), VT_FIELD (PicState, chip[i].read_isr),     \
      VT_FIELD (PicState, chip[i].poll), VT_FIELD (PicState, chip[i].special_mask),                                      \
      VT_FIELD (PicState, chip[i].rotate_aeoi)

static const VtField pic_fields[] = { PIC_FIELDS (0), PIC_FIELDS (1) };

/* The chip wakes up in an undefined state; ours wakes up masked. */
static const PicState pic_at_reset = {
  .chip = { { .imr = 0xff, .lowest = 7 }, { .imr = 0xff, .lowest = 7 } },
};

typedef struct
{
  VtDevice dev;
  PicState s;
  VtIrq    intr;
  uint8_t  n_legs[VT_PIC_INPUTS];
} Pic;

/* Levels of the eight inputs. */
static uint8_t
lines (const PicChip *chip)
{
  uint8_t bits = 0;
  for (unsigned input = 0; input < 8; input++)
    bits |= (chip->legs[input] != 0) << input;
  return bits;
}

/* 0 is the highest priority. */
static unsigned
priority_of (const PicChip *chip, unsigned input)
{
  return (input - chip->lowest - 1) & 7;
}

/* Input of highest priority among `bits`; 8 when there is none. */
static unsigned
highest (const PicChip *chip, uint8_t bits)
{
  for (unsigned rank = 0; rank < 8; rank++)
    {
      unsigned input = (chip->lowest + 1 + rank) & 7;
      if (bits & (1u << input))
        return input;
    }
  return 8;
}

static bool slave_requests (const Pic *pic);

/* IRR as the guest reads it. */
static uint8_t
requests (const Pic *pic, const PicChip *chip)
{
  uint8_t bits = chip->irr | (lines (chip) & chip->elcr);
  if (chip == &pic->s.chip[0] && slave_requests (pic))
    bits |= 1u << PIC_CASCADE;
  return bits;
}

/* The input that this chip would hand out now; 8 for none. */
static unsigned
candidate (const Pic *pic, const PicChip *chip)
{
  unsigned input = highest (chip, requests (pic, chip) & ~chip->imr);
  if (input == 8)
    return 8;
  /* Special mask mode: a level that is both in service and masked blocks nobody (datasheet, "Special Mask Mode"). */
  unsigned serving = highest (chip, chip->special_mask ? chip->isr & ~chip->imr : chip->isr);
  if (serving == 8 || priority_of (chip, input) < priority_of (chip, serving))
    return input;
  /* Special fully nested mode: a slave in service may interrupt itself with a higher request. */
  if (input == serving && input == PIC_CASCADE && chip == &pic->s.chip[0] && (chip->icw4 & PIC_ICW4_SFNM))
    return input;
  return 8;
}

static bool
slave_requests (const Pic *pic)
{
  return candidate (pic, &pic->s.chip[1]) != 8;
}

static void
update (Pic *pic)
{
  vt_irq_set (&pic->intr, candidate (pic, &pic->s.chip[0]) != 8);
}

static void
set_line (void *sink, unsigned pin, bool level)
{
  Pic *pic = sink;
  unsigned irq = pin & 15, leg = pin >> 4;
  PicChip *chip = &pic->s.chip[irq >> 3];
  uint8_t *legs = &chip->legs[irq & 7];
  uint8_t bit = 1u << (irq & 7);
  if (level && *legs == 0 && !(chip->elcr & bit))
    chip->irr |= bit;
  *legs = level ? *legs | 1u << leg : *legs & ~(1u << leg);
  trace_pic_line (irq, leg, level);
  update (pic);
}

/* First INTA pulse: the request moves into service. */
static void
take (PicChip *chip, unsigned input)
{
  chip->irr &= ~(1u << input);
  if (!(chip->icw4 & PIC_ICW4_AEOI))
    chip->isr |= 1u << input;
  else if (chip->rotate_aeoi)
    chip->lowest = input;
}

static uint8_t
acknowledge_chip (Pic *pic, PicChip *chip)
{
  unsigned input = candidate (pic, chip);
  if (input == 8)
    return chip->icw2 | PIC_SPURIOUS;
  if (chip == &pic->s.chip[0] && input == PIC_CASCADE)
    {
      /* The slave first: taking the cascade bit must not hide its request. */
      uint8_t vector = acknowledge_chip (pic, &pic->s.chip[1]);
      take (chip, input);
      return vector;
    }
  take (chip, input);
  return chip->icw2 | input;
}

uint8_t
vt_pic_acknowledge (VtDevice *dev)
{
  Pic *pic = (Pic *) dev;
  uint8_t vector = acknowledge_chip (pic, &pic->s.chip[0]);
  trace_pic_acknowledge (vector);
  update (pic);
  return vector;
}

bool
vt_pic_pending (const VtDevice *dev)
{
  return ((const Pic *) dev)->intr.level;
}

VtIrq
vt_pic_input (VtDevice *dev, unsigned irq, const char *label)
{
  Pic *pic = (Pic *) dev;
  g_assert (irq < VT_PIC_INPUTS && irq != PIC_CASCADE && pic->n_legs[irq] < 8);
  unsigned leg = pic->n_legs[irq]++;
  return (VtIrq) { .set = set_line, .sink = dev, .pin = irq | leg << 4, .label = label };
}

static void
write_icw1 (PicChip *chip, uint8_t value)
{
  chip->icw1 = value;
  chip->step = PIC_STEP_ICW2;
  chip->irr = 0;   /* a line that is high now must fall and rise again */
  chip->isr = 0;
  chip->imr = 0;
  chip->lowest = 7;
  chip->special_mask = false;
  chip->read_isr = false;
  chip->poll = false;
  chip->rotate_aeoi = false;
  if (!(value & PIC_ICW1_IC4))
    chip->icw4 = 0;
}

static void
end_of_interrupt (PicChip *chip, unsigned input, bool rotate)
{
  if (input == 8)
    return;
  chip->isr &= ~(1u << input);
  if (rotate)
    chip->lowest = input;
}

static void
write_ocw2 (PicChip *chip, uint8_t value)
{
  unsigned input = value & PIC_OCW2_LEVEL;
  /* Non-specific: the highest in service; with special mask mode, one that is masked is passed over. */
  unsigned serving = highest (chip, chip->special_mask ? chip->isr & ~chip->imr : chip->isr);
  switch (value >> 5)
    {
    case 0: chip->rotate_aeoi = false; break;
    case 1: end_of_interrupt (chip, serving, false); break;
    case 2: break;   /* no operation */
    case 3: end_of_interrupt (chip, input, false); break;
    case 4: chip->rotate_aeoi = true; break;
    case 5: end_of_interrupt (chip, serving, true); break;
    case 6: chip->lowest = input; break;
    case 7: end_of_interrupt (chip, input, true); break;
    }
}

static void
write_ocw3 (PicChip *chip, uint8_t value)
{
  if (value & PIC_OCW3_ESMM)
    chip->special_mask = (value & PIC_OCW3_SMM) != 0;
  if (value & PIC_OCW3_POLL)
    chip->poll = true;
  else if (value & PIC_OCW3_RR)
    chip->read_isr = (value & PIC_OCW3_RIS) != 0;
}

static void
write_port1 (PicChip *chip, uint8_t value)
{
  switch (chip->step)
    {
    case PIC_STEP_READY:
      chip->imr = value;
      return;
    case PIC_STEP_ICW2:
      chip->icw2 = value & 0xf8;
      chip->step = !(chip->icw1 & PIC_ICW1_SNGL)  ? PIC_STEP_ICW3
                   : (chip->icw1 & PIC_ICW1_IC4) ? PIC_STEP_ICW4
                                                 : PIC_STEP_READY;
      return;
    case PIC_STEP_ICW3:
      chip->icw3 = value;
      chip->step = (chip->icw1 & PIC_ICW1_IC4) ? PIC_STEP_ICW4 : PIC_STEP_READY;
      return;
    case PIC_STEP_ICW4:
      chip->icw4 = value;
      chip->step = PIC_STEP_READY;
      return;
    }
  g_assert_not_reached ();
}

static void
write_chip (Pic *pic, PicChip *chip, uint64_t off, uint8_t value)
{
  trace_pic_write (chip == &pic->s.chip[1], off, value);
  if (off == 1)
    write_port1 (chip, value);
  else if (value & PIC_ICW1_INIT)
    write_icw1 (chip, value);
  else if (value & PIC_OCW3_SELECT)
    write_ocw3 (chip, value);
  else
    write_ocw2 (chip, value);
  update (pic);
}

/* Poll command: the read is the acknowledge. */
static uint8_t
read_poll (Pic *pic, PicChip *chip)
{
  unsigned input = candidate (pic, chip);
  chip->poll = false;
  if (input == 8)
    return 0;
  take (chip, input);
  update (pic);
  return 0x80 | input;
}

static uint8_t
read_chip (Pic *pic, PicChip *chip, uint64_t off)
{
  if (chip->poll)
    return read_poll (pic, chip);
  if (off == 1)
    return chip->imr;
  return chip->read_isr ? chip->isr : requests (pic, chip);
}

static uint64_t
master_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Pic *pic = (Pic *) dev;
  return read_chip (pic, &pic->s.chip[0], off);
}

static void
master_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Pic *pic = (Pic *) dev;
  write_chip (pic, &pic->s.chip[0], off, value);
}

static uint64_t
slave_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Pic *pic = (Pic *) dev;
  return read_chip (pic, &pic->s.chip[1], off);
}

static void
slave_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Pic *pic = (Pic *) dev;
  write_chip (pic, &pic->s.chip[1], off, value);
}

static uint64_t
elcr_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Pic *) dev)->s.chip[off].elcr;
}

static void
elcr_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Pic *pic = (Pic *) dev;
  PicChip *chip = &pic->s.chip[off];
  chip->elcr = value & (off == 0 ? PIC_ELCR_MASTER_WRITABLE : PIC_ELCR_SLAVE_WRITABLE);
  chip->irr &= ~chip->elcr;   /* from now on these follow their lines */
  update (pic);
}

static bool
check_chip (const PicChip *chip)
{
  return chip->step <= PIC_STEP_ICW4 && chip->lowest < 8 && (chip->icw2 & 7) == 0 && (chip->irr & chip->elcr) == 0;
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const PicState *s = incoming;
  if (check_chip (&s->chip[0]) && check_chip (&s->chip[1]) && (s->chip[0].elcr & ~PIC_ELCR_MASTER_WRITABLE) == 0
      && (s->chip[1].elcr & ~PIC_ELCR_SLAVE_WRITABLE) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved interrupt controller state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  update ((Pic *) dev);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Pic *pic = (Pic *) dev;
  pic->intr = env->n_wires > VT_PIC_WIRE_INTR ? env->wires[VT_PIC_WIRE_INTR] : vt_irq_detached ("pic intr");
  return true;
}

static const VtRegionOps master_ops = { master_read, master_write, 1, 1 };
static const VtRegionOps slave_ops = { slave_read, slave_write, 1, 1 };
static const VtRegionOps elcr_ops = { elcr_read, elcr_write, 1, 1 };

const VtRegion vt_pic_master_region = { "pic-master", 2, &master_ops };
const VtRegion vt_pic_slave_region = { "pic-slave", 2, &slave_ops };
const VtRegion vt_pic_elcr_region = { "pic-elcr", 2, &elcr_ops };

static const VtRegion *const pic_regions[] = { &vt_pic_master_region, &vt_pic_slave_region, &vt_pic_elcr_region, NULL };

const VtDeviceClass vt_pic_class = {
  .name = "pic",
  .summary = "8259A interrupt controllers",
  .instance_size = sizeof (Pic),
  .state_off = offsetof (Pic, s),
  .state = VT_STATE (1, PicState, pic_fields, &pic_at_reset),
  .regions = pic_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
};
