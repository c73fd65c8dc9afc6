/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two 8237A DMA controllers (Intel datasheet 231466) and the page registers of a PC.
 *
 * A device asks for bytes to be moved through its channel.  Only the 8-bit channels have devices: the registers of the
 * second controller are there because BIOSes test and program them.  Its channel 4, which cascades the first one, need not
 * be unmasked. */
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

#define DMA_COMMAND_DISABLE 0x04u

#define DMA_MODE_TYPE       0x0cu
#define DMA_MODE_VERIFY     0x00u   /* moves nothing */
#define DMA_MODE_WRITE      0x04u   /* to memory */
#define DMA_MODE_READ       0x08u
#define DMA_MODE_AUTOINIT   0x10u
#define DMA_MODE_DOWN       0x20u

typedef struct
{
  uint16_t address[4], count[4];             /* current */
  uint16_t base_address[4], base_count[4];   /* reloaded by autoinitialise */
  uint8_t  mode[4];
  uint8_t  command, request, mask;
  bool     high_byte;                        /* the byte pointer flip-flop */
  uint8_t  reached;                          /* channels that came to their terminal count; reading clears */
  uint8_t  pad_;
} DmaChip;

typedef struct
{
  DmaChip chip[2];    /* channels 0-3, 4-7 */
  uint8_t page[16];   /* by port - 0x80; the first belongs to the POST port */
} DmaState;

#define DMA_FIELDS(i)                                                                                                    \
  VT_FIELD (DmaState, chip[i].address), VT_FIELD (DmaState, chip[i].count), VT_FIELD (DmaState, chip[i].base_address),   \
      VT_FIELD (DmaState, chip[i].base_count), VT_FIELD (DmaState, chip[i].mode), VT_FIELD (DmaState, chip[i].command),  \
      VT_FIELD (DmaState, chip[i].request), VT_FIELD (DmaState, chip[i].mask), VT_FIELD (DmaState, chip[i].high_byte),   \
      VT_FIELD_SINCE (2, DmaState, chip[i].reached), VT_FIELD_SINCE (2, DmaState, chip[i].pad_)

static const VtField dma_fields[] = { DMA_FIELDS (0), DMA_FIELDS (1), VT_FIELD (DmaState, page) };

static const DmaState dma_at_reset = { .chip = { { .mask = 0x0f }, { .mask = 0x0f } } };

typedef struct
{
  VtDevice dev;
  DmaState s;
  VtDma    memory;
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
      chip->command = chip->request = chip->reached = 0;
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
    {
      uint8_t status = (uint8_t) (chip->request << 4 | chip->reached);
      chip->reached = 0;
      return status;
    }
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

/* --- Transfers ------------------------------------------------------------------------------------------------------ */

static void
reach_end (DmaChip *chip, unsigned channel)
{
  uint8_t bit = (uint8_t) (1u << channel);
  chip->reached |= bit;
  chip->request &= (uint8_t) ~bit;
  if (chip->mode[channel] & DMA_MODE_AUTOINIT)
    {
      chip->address[channel] = chip->base_address[channel];
      chip->count[channel] = chip->base_count[channel];
    }
  else
    chip->mask |= bit;
}

/* The page does not change: an address wraps within its 64 KiB. What is no memory reads as ones. */
static void
move_byte (Dma *dma, unsigned channel, uint8_t *byte)
{
  static const uint8_t pages[] = { 0x7, 0x3, 0x1, 0x2 };   /* ports 0x87, 0x83, 0x81, 0x82 */
  DmaChip *chip = &dma->s.chip[0];
  VtGpa    at = VT_GPA ((uint64_t) dma->s.page[pages[channel]] << 16 | chip->address[channel]);
  unsigned type = chip->mode[channel] & DMA_MODE_TYPE;
  bool     ok = type == DMA_MODE_VERIFY
                || (type == DMA_MODE_WRITE ? vt_dma_write (&dma->memory, at, byte, 1) : vt_dma_read (&dma->memory, at, byte, 1));
  if (!ok && type == DMA_MODE_READ)
    *byte = 0xff;
  chip->address[channel] += chip->mode[channel] & DMA_MODE_DOWN ? -1 : 1;
}

static size_t
move (void *opaque, unsigned channel, uint8_t *bytes, size_t n, bool to_memory, bool *end)
{
  Dma     *dma = opaque;
  DmaChip *chip = &dma->s.chip[0];
  size_t   moved = 0;
  unsigned type = chip->mode[channel] & DMA_MODE_TYPE;
  *end = false;
  if ((chip->mask >> channel & 1) != 0 || (chip->command & DMA_COMMAND_DISABLE) != 0
      || (type != DMA_MODE_VERIFY && (type == DMA_MODE_WRITE) != to_memory) || type == DMA_MODE_TYPE)
    return 0;
  while (moved < n && !*end)
    {
      move_byte (dma, channel, &bytes[moved++]);
      *end = chip->count[channel]-- == 0;
    }
  if (*end)
    reach_end (chip, channel);
  return moved;
}

VtIsaDma
vt_dma8237_bus (VtDevice *dev)
{
  g_assert (dev->cls == &vt_dma8237_class);
  return (VtIsaDma) { move, dev };
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  ((Dma *) dev)->memory = env->dma != NULL ? *env->dma : (VtDma) { NULL };
  return true;
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
  .summary = "8237A DMA controllers",
  .instance_size = sizeof (Dma),
  .state_off = offsetof (Dma, s),
  .state = VT_STATE (2, DmaState, dma_fields, &dma_at_reset),
  .regions = dma_regions,
  .realize = realize,
};
