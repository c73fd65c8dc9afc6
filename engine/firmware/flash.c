/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NOR flash with the Intel command set, 8 bits wide.
 *
 * Commands and status bits: Intel StrataFlash (J3) datasheet; query table: JEDEC JESD68.01 (CFI) and JEP137B.  While
 * the chip is in read-array mode, reads go straight to its memory; every write, and every read in another mode, comes
 * here. Program and erase finish at once.
 */
#include "flash.h"

#include "trace-firmware.h"
#include "vitrine/error.h"

#define FLASH_MANUFACTURER 0x89u
#define FLASH_DEVICE       0x18u
#define FLASH_BLOCKS_MAX   4096u
#define FLASH_BUFFER_BITS  6u
#define FLASH_BUFFER       (1u << FLASH_BUFFER_BITS)
#define FLASH_ERASED       0xffu

#define FLASH_STATUS_LOCKED        (1u << 1)
#define FLASH_STATUS_PROGRAM_ERROR (1u << 4)
#define FLASH_STATUS_ERASE_ERROR   (1u << 5)
#define FLASH_STATUS_READY         (1u << 7)

enum
{
  COMMAND_LOCK_SET = 0x01, COMMAND_PROGRAM_ALT = 0x10, COMMAND_ERASE = 0x20, COMMAND_PROGRAM = 0x40,
  COMMAND_CLEAR_STATUS = 0x50, COMMAND_LOCK_SETUP = 0x60, COMMAND_READ_STATUS = 0x70, COMMAND_READ_ID = 0x90,
  COMMAND_QUERY = 0x98, COMMAND_CONFIRM = 0xd0, COMMAND_BUFFER = 0xe8, COMMAND_READ_ARRAY = 0xff,
};

typedef enum
{
  MODE_ARRAY,
  MODE_STATUS,
  MODE_ID,
  MODE_QUERY,
  /* From here on the next write is an operand, and reads give the status. */
  MODE_PROGRAM,
  MODE_ERASE,
  MODE_LOCK,
  MODE_BUFFER_COUNT,
  MODE_BUFFER_DATA,
  MODE_BUFFER_CONFIRM,
  MODE_COUNT,
} FlashMode;

typedef struct
{
  uint64_t block;                             /* offset that a two-cycle command named */
  uint64_t buffer_at;                         /* where the buffered bytes go */
  uint32_t buffer_len, buffer_fill;
  uint8_t  mode;                              /* FlashMode */
  uint8_t  status;                            /* FLASH_STATUS_* */
  uint8_t  pad_[6];
  uint8_t  buffer[FLASH_BUFFER];
  uint8_t  locked[FLASH_BLOCKS_MAX / 8];      /* one bit per block */
} FlashState;

static const VtField flash_fields[] = {
  VT_FIELD (FlashState, block),       VT_FIELD (FlashState, buffer_at), VT_FIELD (FlashState, buffer_len),
  VT_FIELD (FlashState, buffer_fill), VT_FIELD (FlashState, mode),      VT_FIELD (FlashState, status),
  VT_FIELD (FlashState, pad_),        VT_FIELD (FlashState, buffer),    VT_FIELD (FlashState, locked),
};

typedef struct
{
  VtDevice      dev;
  FlashState    s;
  VtFlashConfig config;
  VtRegion      region;
  VtMapping    *mapping;      /* NULL: not mapped */
  VtMapping    *smm_mapping;  /* NULL: writes come by the other */
  bool          reads_array;  /* what the mappings do now */
} Flash;

/* --- The array ---------------------------------------------------------------------------------------------------- */

static uint64_t
block_of (uint64_t off)
{
  return off & ~(uint64_t) (VT_FLASH_BLOCK_SIZE - 1);
}

static bool
block_locked (const Flash *flash, uint64_t off)
{
  uint64_t n = off / VT_FLASH_BLOCK_SIZE;
  return flash->config.read_only || (flash->s.locked[n / 8] >> n % 8 & 1);
}

static void
set_block_locked (Flash *flash, uint64_t off, bool locked)
{
  uint64_t n = off / VT_FLASH_BLOCK_SIZE;
  uint8_t  bit = 1u << n % 8;
  flash->s.locked[n / 8] = locked ? flash->s.locked[n / 8] | bit : flash->s.locked[n / 8] & ~bit;
}

static void
array_changed (Flash *flash, uint64_t off, uint64_t len)
{
  vt_ram_mark (flash->config.ram, off, len);
  if (flash->config.wrote != NULL)
    flash->config.wrote (flash->config.opaque, off, len);
}

/* Programming clears bits and never sets one. */
static void
program (Flash *flash, uint64_t off, const uint8_t *data, uint64_t len)
{
  flash->s.status |= FLASH_STATUS_READY;
  if (!vt_fits (off, len, flash->config.ram->size) || block_locked (flash, off)
      || block_of (off) != block_of (off + len - 1))
    {
      flash->s.status |= FLASH_STATUS_PROGRAM_ERROR | FLASH_STATUS_LOCKED;
      return;
    }
  trace_flash_program (off, len);
  for (uint64_t i = 0; i < len; i++)
    flash->config.ram->host[off + i] &= data[i];
  array_changed (flash, off, len);
}

static void
erase (Flash *flash, uint64_t off)
{
  flash->s.status |= FLASH_STATUS_READY;
  if (block_locked (flash, off))
    {
      flash->s.status |= FLASH_STATUS_ERASE_ERROR | FLASH_STATUS_LOCKED;
      return;
    }
  uint64_t start = block_of (off);
  trace_flash_erase (start);
  memset (flash->config.ram->host + start, FLASH_ERASED, VT_FLASH_BLOCK_SIZE);
  array_changed (flash, start, VT_FLASH_BLOCK_SIZE);
}

/* --- Reads -------------------------------------------------------------------------------------------------------- */

static uint8_t
log2_of (uint64_t size)
{
  return g_bit_storage (size - 1);
}

/* CFI query structure at 0x10, primary extended table at 0x31. */
static uint8_t
query_byte (const Flash *flash, uint64_t off)
{
  const unsigned query = 0x10, primary = 0x31;
  uint64_t       blocks = flash->config.ram->size / VT_FLASH_BLOCK_SIZE;
  const uint8_t  table[] = {
    'Q', 'R', 'Y', 0x01, 0x00, primary, 0x00, 0, 0, 0, 0,   /* command set 1 */
    0x45, 0x55, 0x00, 0x00,                                 /* supply 4.5..5.5 V, no programming supply */
    7, 7, 10, 0, 4, 4, 4, 0,                                /* typical times and their maxima, powers of two */
    log2_of (flash->config.ram->size), 0x00, 0x00, FLASH_BUFFER_BITS, 0x00,
    1, (blocks - 1) & 0xff, (blocks - 1) >> 8, VT_FLASH_BLOCK_SIZE >> 8 & 0xff, VT_FLASH_BLOCK_SIZE >> 16,
    'P', 'R', 'I', '1', '0', 0x08, 0, 0, 0, 0x00, 0, 0, 0x50, 0x00, 0,   /* instant block locking */
  };
  return off >= query && off - query < sizeof table ? table[off - query] : 0;
}

static uint8_t
id_byte (const Flash *flash, uint64_t off)
{
  switch (off % VT_FLASH_BLOCK_SIZE)
    {
    case 0:
      return FLASH_MANUFACTURER;
    case 1:
      return FLASH_DEVICE;
    case 2:
      return block_locked (flash, off);
    default:
      return 0;
    }
}

static uint64_t
flash_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const Flash *flash = (Flash *) dev;
  if (off >= flash->config.ram->size)
    return 0;
  switch ((FlashMode) flash->s.mode)
    {
    case MODE_ARRAY:
      return flash->config.ram->host[off];
    case MODE_ID:
      return id_byte (flash, off);
    case MODE_QUERY:
      return query_byte (flash, off);
    case MODE_STATUS:
    case MODE_PROGRAM:
    case MODE_ERASE:
    case MODE_LOCK:
    case MODE_BUFFER_COUNT:
    case MODE_BUFFER_DATA:
    case MODE_BUFFER_CONFIRM:
    case MODE_COUNT:
      break;
    }
  return flash->s.status;
}

/* --- Commands ----------------------------------------------------------------------------------------------------- */

static void
update_mappings (Flash *flash)
{
  VtAccess reads = flash->reads_array ? VT_ACCESS_RAM : VT_ACCESS_IO;
  if (flash->smm_mapping != NULL)
    vt_mapping_set_access (flash->smm_mapping, reads, VT_ACCESS_IO);
  vt_mapping_set_access (flash->mapping, reads, flash->smm_mapping != NULL ? VT_ACCESS_IGNORE : VT_ACCESS_IO);
}

static void
enter (Flash *flash, FlashMode mode)
{
  flash->s.mode = mode;
  bool reads_array = mode == MODE_ARRAY;
  if (flash->mapping == NULL || reads_array == flash->reads_array)
    return;
  flash->reads_array = reads_array;
  update_mappings (flash);
}

static void
command (Flash *flash, uint64_t off, uint8_t value)
{
  static const struct { uint8_t command, mode; } next[] = {
    { 0x00, MODE_ARRAY },
    { COMMAND_PROGRAM_ALT, MODE_PROGRAM },
    { COMMAND_ERASE, MODE_ERASE },
    { COMMAND_PROGRAM, MODE_PROGRAM },
    { COMMAND_LOCK_SETUP, MODE_LOCK },
    { COMMAND_READ_STATUS, MODE_STATUS },
    { COMMAND_READ_ID, MODE_ID },
    { COMMAND_QUERY, MODE_QUERY },
    { COMMAND_BUFFER, MODE_BUFFER_COUNT },
    { COMMAND_READ_ARRAY, MODE_ARRAY },
  };
  trace_flash_command (off, value);
  flash->s.block = off;
  if (value == COMMAND_CLEAR_STATUS)
    {
      /* OVMF recognises a flash chip by a status of zero here; real chips keep READY. */
      flash->s.status = 0;
      enter (flash, MODE_ARRAY);
      return;
    }
  if (value == COMMAND_BUFFER)
    flash->s.status |= FLASH_STATUS_READY;
  for (unsigned i = 0; i < G_N_ELEMENTS (next); i++)
    if (next[i].command == value)
      {
        enter (flash, next[i].mode);
        return;
      }
  vt_guest_warn (&flash->dev, "unknown flash command 0x%02x", value);
  enter (flash, MODE_ARRAY);
}

static void
lock_command (Flash *flash, uint64_t off, uint8_t value)
{
  flash->s.status |= FLASH_STATUS_READY;
  if (value == COMMAND_LOCK_SET)
    set_block_locked (flash, off, true);
  else if (value == COMMAND_CONFIRM)
    set_block_locked (flash, off, false);
  else
    flash->s.status |= FLASH_STATUS_PROGRAM_ERROR | FLASH_STATUS_ERASE_ERROR;
  enter (flash, MODE_STATUS);
}

static void
confirm_erase (Flash *flash, uint64_t off, uint8_t value)
{
  if (value == COMMAND_CONFIRM)
    erase (flash, off);
  else
    flash->s.status |= FLASH_STATUS_READY | FLASH_STATUS_PROGRAM_ERROR | FLASH_STATUS_ERASE_ERROR;
  enter (flash, MODE_STATUS);
}

static void
buffer_count (Flash *flash, uint8_t value)
{
  if (value >= FLASH_BUFFER)
    {
      flash->s.status |= FLASH_STATUS_PROGRAM_ERROR;
      enter (flash, MODE_STATUS);
      return;
    }
  flash->s.buffer_len = value + 1u;
  flash->s.buffer_fill = 0;
  enter (flash, MODE_BUFFER_DATA);
}

/* Bytes come in any order within the buffer that starts at the first one's address. */
static void
buffer_data (Flash *flash, uint64_t off, uint8_t value)
{
  if (flash->s.buffer_fill == 0)
    {
      flash->s.buffer_at = off;
      memset (flash->s.buffer, FLASH_ERASED, sizeof flash->s.buffer);
    }
  if (off - flash->s.buffer_at < flash->s.buffer_len)
    flash->s.buffer[off - flash->s.buffer_at] = value;
  else
    flash->s.status |= FLASH_STATUS_PROGRAM_ERROR;
  if (++flash->s.buffer_fill == flash->s.buffer_len)
    enter (flash, MODE_BUFFER_CONFIRM);
}

static void
buffer_confirm (Flash *flash, uint8_t value)
{
  if (value == COMMAND_CONFIRM && !(flash->s.status & FLASH_STATUS_PROGRAM_ERROR))
    program (flash, flash->s.buffer_at, flash->s.buffer, flash->s.buffer_len);
  else
    flash->s.status |= FLASH_STATUS_READY | FLASH_STATUS_PROGRAM_ERROR;
  enter (flash, MODE_STATUS);
}

static void
flash_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Flash  *flash = (Flash *) dev;
  uint8_t byte = value;
  if (off >= flash->config.ram->size)
    return;
  switch ((FlashMode) flash->s.mode)
    {
    case MODE_PROGRAM:
      program (flash, off, &byte, 1);
      enter (flash, MODE_STATUS);
      break;
    case MODE_ERASE:
      confirm_erase (flash, off, byte);
      break;
    case MODE_LOCK:
      lock_command (flash, off, byte);
      break;
    case MODE_BUFFER_COUNT:
      buffer_count (flash, byte);
      break;
    case MODE_BUFFER_DATA:
      buffer_data (flash, off, byte);
      break;
    case MODE_BUFFER_CONFIRM:
      buffer_confirm (flash, byte);
      break;
    case MODE_ARRAY:
    case MODE_STATUS:
    case MODE_ID:
    case MODE_QUERY:
    case MODE_COUNT:
      command (flash, off, byte);
      break;
    }
}

static const VtRegionOps flash_ops = { flash_read, flash_write, 1, 1 };

/* --- Lifecycle ---------------------------------------------------------------------------------------------------- */

static void
flash_settle (VtDevice *dev)
{
  Flash *flash = (Flash *) dev;
  enter (flash, flash->s.mode);
}

static bool
flash_check (VtDevice *dev, const void *incoming, GError **error)
{
  const Flash      *flash = (Flash *) dev;
  const FlashState *s = incoming;
  bool filling = s->mode == MODE_BUFFER_DATA && s->buffer_fill >= s->buffer_len;
  if (s->mode < MODE_COUNT && s->buffer_len <= FLASH_BUFFER && s->buffer_fill <= s->buffer_len && !filling
      && s->buffer_at < flash->config.ram->size && s->block < flash->config.ram->size)
    return true;
  g_set_error_literal (error, VT_ERROR, VT_ERROR_STATE, "the flash chip cannot be in the saved state");
  return false;
}

static VtMapping *
map (Flash *flash, VtMem *mem, GError **error)
{
  return vt_mem_map_both (mem, flash->config.ram, 0, &flash->dev, &flash->region, flash->config.at, flash->config.priority,
                          VT_ACCESS_RAM, VT_ACCESS_IO, error);
}

static bool
flash_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Flash *flash = (Flash *) dev;
  flash->config = *(const VtFlashConfig *) env->config;
  uint64_t size = flash->config.ram->size;
  if (size == 0 || size % VT_FLASH_BLOCK_SIZE != 0 || size / VT_FLASH_BLOCK_SIZE > FLASH_BLOCKS_MAX)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "a flash chip of %" G_GUINT64_FORMAT " bytes cannot be made",
                   size);
      return false;
    }
  flash->region = (VtRegion) { "flash", size, &flash_ops };
  if (flash->config.mem == NULL)
    return true;
  flash->reads_array = true;
  flash->mapping = map (flash, flash->config.mem, error);
  if (flash->mapping == NULL)
    return false;
  if (flash->config.smm_mem != NULL && (flash->smm_mapping = map (flash, flash->config.smm_mem, error)) == NULL)
    return false;
  update_mappings (flash);
  return true;
}

#define TEST_SIZE (16 * VT_FLASH_BLOCK_SIZE)
static const VtRegion test_region = { "flash", TEST_SIZE, &flash_ops };
static const VtRegion *const flash_regions[] = { &test_region, NULL };

static const void *
flash_test_config (void)
{
  static VtFlashConfig config;
  if (config.ram == NULL)
    config.ram = vt_ram_new ("flash", g_aligned_alloc0 (1, TEST_SIZE, VT_PAGE_SIZE), TEST_SIZE, NULL);
  return &config;
}

const VtDeviceClass vt_flash_class = {
  .name = "flash",
  .summary = "Firmware flash memory",
  .instance_size = sizeof (Flash),
  .state_off = offsetof (Flash, s),
  .state = VT_STATE (1, FlashState, flash_fields, NULL),
  .regions = flash_regions,
  .realize = flash_realize,
  .settle = flash_settle,
  .check = flash_check,
  .test_config = flash_test_config,
};
