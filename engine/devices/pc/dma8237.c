/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two 8237A DMA controllers (Intel datasheet 231466) and the page registers of a PC, registers only: BIOSes test and program
 * them, and no device of ours moves data through them. */
#include "dma8237.h"

#include "trace-pc.h"

/* Registers 8..15; below are address and count of the four channels. */
enum
{
  DMA_COMMAND_STATUS = 8,
  DMA_REQUEST,
  DMA_SINGLE_MASK,
  DMA_MODE,
  DMA_CLEAR_FLIP_FLOP,
  DMA_MASTER_CLEAR,   /* read: temporary register */
  DMA_CLEAR_MASK,
  DMA_ALL_MASK,
};

typedef struct
{
  uint16_t address[4], count[4];             /* current */
  uint16_t base_address[4], base_count[4];   /* reloaded by autoinitialise */
  uint8_t  mode[4];
  uint8_t  command, request, mask;
  bool     high_byte;                        /* the byte pointer flip-flop */
} DmaChip;

typedef struct
{
  DmaChip chip[2];    /* channels 0-3, 4-7 */
  uint8_t page[16];   /* by port - 0x80; the first belongs to the POST port */
} DmaState;

#define DMA_FIELDS(i)                                                                                                    \
  VT_FIELD (DmaState, chip[i].address), VT_FIELD (DmaState, chip[i].count), VT_FIELD (DmaState, chip[i].base_address),   \
      VT_FIELD (DmaState, chip[i].base_count), VT_FIELD (DmaState, chip[i].mode), VT_FIELD (DmaState, chip[i].command),  \
      VT_FIELD (DmaState, chip[i].request), VT_FIELD (DmaState, chip[i].mask), VT_FIELD (DmaState, chip[i].high_byte)

static const VtField dma_fields[] = { DMA_FIELDS (0), DMA_FIELDS (1), VT_FIELD (DmaState, page) };

static const DmaState dma_at_reset = { .chip = { { .mask = 0x0f }, { .mask = 0x0f } } };

typedef struct
{
  VtDevice dev;
  DmaState s;
} Dma;

static uint16_t
with_byte (uint16_t word, bool high, uint8_t byte)
{
  return (uint16_t) vt_deposit (word, high ? 8 : 0, 8, byte);
}

static void
write_channel (DmaChip *chip, unsigned reg, uint8_t value)
{
  unsigned channel = reg / 2;
  uint16_t *base = reg & 1 ? &chip->base_count[channel] : &chip->base_address[channel];
  uint16_t *current = reg & 1 ? &chip->count[channel] : &chip->address[channel];
  *base = with_byte (*base, chip->high_byte, value);
  *current = with_byte (*current, chip->high_byte, value);
  chip->high_byte = !chip->high_byte;
}

static void
set_channel_bit (uint8_t *bits, uint8_t value)
{
  uint8_t bit = 1u << (value & 3);
  *bits = value & 4 ? *bits | bit : *bits & ~bit;
}

static void
write_chip (DmaChip *chip, unsigned reg, uint8_t value)
{
  switch (reg)
    {
    case DMA_COMMAND_STATUS: chip->command = value; return;
    case DMA_REQUEST: set_channel_bit (&chip->request, value); return;
    case DMA_SINGLE_MASK: set_channel_bit (&chip->mask, value); return;
    case DMA_MODE: chip->mode[value & 3] = value & 0xfc; return;
    case DMA_CLEAR_FLIP_FLOP: chip->high_byte = false; return;
    case DMA_MASTER_CLEAR:
      chip->command = chip->request = 0;
      chip->mask = 0x0f;
      chip->high_byte = false;
      return;
    case DMA_CLEAR_MASK: chip->mask = 0; return;
    case DMA_ALL_MASK: chip->mask = value & 0x0f; return;
    default: write_channel (chip, reg, value); return;
    }
}

static uint8_t
read_chip (DmaChip *chip, unsigned reg)
{
  if (reg == DMA_COMMAND_STATUS)
    return chip->request << 4;   /* no terminal count was ever reached */
  if (reg == DMA_ALL_MASK)
    return chip->mask | 0xf0;
  if (reg > DMA_COMMAND_STATUS)
    return 0;
  uint16_t word = reg & 1 ? chip->count[reg / 2] : chip->address[reg / 2];
  bool high = chip->high_byte;
  chip->high_byte = !high;
  return high ? word >> 8 : (uint8_t) word;
}

static uint64_t
low_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return read_chip (&((Dma *) dev)->s.chip[0], (unsigned) off);
}

static void
low_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  trace_dma8237_write (false, off, (uint8_t) value);
  write_chip (&((Dma *) dev)->s.chip[0], (unsigned) off, (uint8_t) value);
}

/* The second chip sits on even ports: its address lines are shifted by one. */
static uint64_t
high_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return read_chip (&((Dma *) dev)->s.chip[1], (unsigned) off / 2);
}

static void
high_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  trace_dma8237_write (true, off, (uint8_t) value);
  write_chip (&((Dma *) dev)->s.chip[1], (unsigned) off / 2, (uint8_t) value);
}

static uint64_t
page_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Dma *) dev)->s.page[off + 1];
}

static void
page_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  ((Dma *) dev)->s.page[off + 1] = (uint8_t) value;
}

static const VtRegionOps low_ops = { low_read, low_write, 1, 1 };
static const VtRegionOps high_ops = { high_read, high_write, 1, 1 };
static const VtRegionOps page_ops = { page_read, page_write, 1, 1 };

const VtRegion vt_dma8237_low_region = { "dma8237-low", 16, &low_ops };
const VtRegion vt_dma8237_page_region = { "dma8237-page", 15, &page_ops };
const VtRegion vt_dma8237_high_region = { "dma8237-high", 32, &high_ops };

static const VtRegion *const dma_regions[] = {
  &vt_dma8237_low_region, &vt_dma8237_page_region, &vt_dma8237_high_region, NULL,
};

const VtDeviceClass vt_dma8237_class = {
  .name = "dma8237",
  .summary = "8237A DMA controllers (registers only)",
  .instance_size = sizeof (Dma),
  .state_off = offsetof (Dma, s),
  .state = VT_STATE (1, DmaState, dma_fields, &dma_at_reset),
  .regions = dma_regions,
};
