/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NVMe admin commands (NVM Express 1.4, chapter 5): queues, identification, features, logs, events. */
#include "nvme-private.h"

enum
{
  OP_DELETE_SQ = 0x00, OP_CREATE_SQ = 0x01, OP_GET_LOG = 0x02, OP_DELETE_CQ = 0x04, OP_CREATE_CQ = 0x05, OP_IDENTIFY = 0x06,
  OP_ABORT = 0x08, OP_SET_FEATURES = 0x09, OP_GET_FEATURES = 0x0a, OP_EVENT_REQUEST = 0x0c,

  QUEUE_CONTIGUOUS = 1u << 0, CQ_INTERRUPTS = 1u << 1,

  FEATURE_ARBITRATION = 0x01, FEATURE_POWER = 0x02, FEATURE_TEMPERATURE = 0x04, FEATURE_RECOVERY = 0x05, FEATURE_CACHE = 0x06,
  FEATURE_QUEUES = 0x07, FEATURE_COALESCING = 0x08, FEATURE_VECTOR = 0x09, FEATURE_ATOMICITY = 0x0a, FEATURE_EVENTS = 0x0b,

  LOG_ERRORS = 0x01, LOG_HEALTH = 0x02, LOG_FIRMWARE = 0x03,
  LOG_RETAIN_EVENT = 1u << 15,
  KELVIN = 273 + 35,
};

/* --- Queues ------------------------------------------------------------------------------------------------------- */

static bool
is_io_queue (unsigned id)
{
  return id >= 1 && id < NVME_QUEUES;
}

static unsigned
check_queue (const NvmeCommand *command, bool exists)
{
  unsigned id = command->dw10 & 0xffff, size = (command->dw10 >> 16) + 1;
  if (!is_io_queue (id) || exists)
    return NVME_QUEUE_ID;
  if (size < 2 || size > NVME_ENTRIES_MAX)
    return NVME_QUEUE_SIZE;
  if ((command->dw11 & QUEUE_CONTIGUOUS) == 0)
    return NVME_INVALID_FIELD;
  return command->prp1 % NVME_PAGE == 0 ? NVME_SUCCESS : NVME_INVALID_PRP_OFFSET;
}

static unsigned
create_cq (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  unsigned   id = command->dw10 & 0xffff, vector = command->dw11 >> 16;
  unsigned   status = check_queue (command, is_io_queue (id) && s->cq_valid[id]);
  if (status != NVME_SUCCESS)
    return status;
  if (vector >= NVME_QUEUES)
    return NVME_VECTOR;
  s->cq_base[id] = command->prp1;
  s->cq_size[id] = (uint16_t) ((command->dw10 >> 16) + 1);
  s->cq_head[id] = s->cq_tail[id] = 0;
  s->cq_vector[id] = (uint16_t) vector;
  s->cq_interrupts[id] = (command->dw11 & CQ_INTERRUPTS) != 0;
  s->cq_phase[id] = true;
  s->cq_valid[id] = true;
  return NVME_SUCCESS;
}

static unsigned
create_sq (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  unsigned   id = command->dw10 & 0xffff, cq = command->dw11 >> 16;
  unsigned   status = check_queue (command, is_io_queue (id) && s->sq_valid[id]);
  if (status != NVME_SUCCESS)
    return status;
  if (!is_io_queue (cq) || !s->cq_valid[cq])
    return NVME_CQ_INVALID;
  s->sq_base[id] = command->prp1;
  s->sq_size[id] = (uint16_t) ((command->dw10 >> 16) + 1);
  s->sq_head[id] = s->sq_tail[id] = 0;
  s->sq_cq[id] = (uint16_t) cq;
  s->sq_valid[id] = true;
  return NVME_SUCCESS;
}

/* Its commands that are under way are aborted: nobody hears of them (5.6). */
static unsigned
delete_sq (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  unsigned   id = command->dw10 & 0xffff;
  if (!is_io_queue (id) || !s->sq_valid[id])
    return NVME_QUEUE_ID;
  nvme_drop (command->nvme, id);
  s->sq_valid[id] = false;
  return NVME_SUCCESS;
}

static unsigned
delete_cq (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  unsigned   id = command->dw10 & 0xffff;
  if (!is_io_queue (id) || !s->cq_valid[id])
    return NVME_QUEUE_ID;
  for (unsigned sq = 1; sq < NVME_QUEUES; sq++)
    if (s->sq_valid[sq] && s->sq_cq[sq] == id)
      return NVME_QUEUE_DELETION;
  s->cq_valid[id] = false;
  nvme_update_irq (command->nvme);
  return NVME_SUCCESS;
}

/* --- Identify (5.15) ---------------------------------------------------------------------------------------------- */

static void
put_text (uint8_t *to, const char *text, size_t width)
{
  memset (to, ' ', width);
  memcpy (to, text, MIN (strlen (text), width));
}

static void
identify_controller (const Nvme *nvme, uint8_t *data)
{
  static const struct { uint16_t off; uint8_t bytes; uint32_t value; } fields[] = {
    { 0, 2, 0x1af4 }, { 2, 2, 0x1af4 },
    { 77, 1, NVME_TRANSFER_SHIFT },
    { 80, 4, 0x00010400 },       /* version 1.4 */
    { 111, 1, 1 },               /* an I/O controller */
    { 258, 1, 3 },               /* aborts at a time, minus one */
    { 259, 1, NVME_EVENTS - 1 },
    { 260, 1, 0x03 },            /* one firmware slot, which cannot be written */
    { 266, 2, NVME_WARNING_KELVIN }, { 268, 2, 273 + 85 },   /* temperatures that worry */
    { 512, 1, 0x66 }, { 513, 1, 0x44 },           /* entries of 64 and 16 bytes */
    { 516, 4, 1 },               /* namespaces */
    { 520, 2, 0x000c },          /* dataset management, write zeroes */
    { 525, 1, 0x07 },            /* a volatile write cache; a flush may name all namespaces */
    { 2048, 2, 2500 },           /* of the power state, in centiwatts */
  };
  g_autofree char *serial = g_strdup_printf ("VN%05u", nvme->number);
  g_autofree char *name = g_strdup_printf ("nqn.2014-08.org.nvmexpress:uuid:76697472-696e-4e76-8d65-%012x", nvme->number);
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    vt_store_le (data + fields[i].off, fields[i].value, fields[i].bytes);
  put_text (data + 4, serial, 20);
  put_text (data + 24, "Vitrine NVMe disk", 40);
  put_text (data + 64, "1.0", 8);
  g_strlcpy ((char *) data + 768, name, 256);
}

/* From the machine's numbering: the same after every start, and the one in the controller's name. */
static void
put_uuid (const Nvme *nvme, uint8_t *to)
{
  static const uint8_t uuid[16] = { 0x76, 0x69, 0x74, 0x72, 0x69, 0x6e, 0x4e, 0x76, 0x8d, 0x65 };
  memcpy (to, uuid, sizeof uuid);
  for (unsigned i = 0; i < 4; i++)
    to[12 + i] = (uint8_t) (nvme->number >> (24 - 8 * i));
}

static void
identify_namespace (const Nvme *nvme, uint8_t *data)
{
  uint64_t blocks = nvme->block->size_bytes / NVME_BLOCK;
  for (unsigned i = 0; i < 3; i++)
    vt_store_le (data + 8 * i, blocks, 8);       /* size, capacity, use */
  data[99] = nvme->block->readonly;              /* NSATTR */
  data[128 + 2] = 9;                             /* the one format: blocks of 512 bytes */
}

static unsigned
identify (NvmeCommand *command)
{
  static const uint8_t uuid_descriptor[4] = { 3, 16 };
  const Nvme *nvme = command->nvme;
  g_autofree uint8_t *data = g_malloc0 (NVME_PAGE);
  switch (command->dw10 & 0xff)
    {
    case 0x00:
      if (command->nsid != 1)
        return NVME_INVALID_NAMESPACE;
      identify_namespace (nvme, data);
      break;
    case 0x01:
      identify_controller (nvme, data);
      break;
    case 0x02:      /* active namespaces above that number */
      if (command->nsid >= UINT32_MAX - 1)
        return NVME_INVALID_NAMESPACE;
      data[0] = command->nsid == 0;
      break;
    case 0x03:
      if (command->nsid != 1)
        return NVME_INVALID_NAMESPACE;
      memcpy (data, uuid_descriptor, sizeof uuid_descriptor);
      put_uuid (nvme, data + 4);
      break;
    default:
      return NVME_INVALID_FIELD;
    }
  return nvme_move (command, data, NVME_PAGE, true);
}

/* --- Logs (5.14) -------------------------------------------------------------------------------------------------- */

static void
health_log (uint8_t *log)
{
  vt_store_le (log + 1, KELVIN, 2);
  log[3] = 100;      /* per cent of spare blocks that are left ... */
  log[4] = 10;       /* ... and fewer than that would be a warning */
}

static void
firmware_log (uint8_t *log)
{
  log[0] = 1;        /* slot 1 is active */
  put_text (log + 8, "1.0", 8);
}

static unsigned
get_log (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  uint64_t   bytes = ((command->dw10 >> 16 | (uint64_t) (command->dw11 & 0xffff) << 16) + 1) * 4;
  uint64_t   off = command->dw12 | (uint64_t) command->dw13 << 32;
  if (bytes > NVME_TRANSFER_MAX || off > NVME_BLOCK || off % 4 != 0)
    return NVME_INVALID_FIELD;
  g_autofree uint8_t *log = g_malloc0 (NVME_BLOCK + NVME_TRANSFER_MAX);
  switch (command->dw10 & 0xff)
    {
    case LOG_ERRORS:      /* we keep none: an error's event is all there is */
      s->error_told &= (command->dw10 & LOG_RETAIN_EVENT) != 0;
      break;
    case LOG_HEALTH: health_log (log); break;
    case LOG_FIRMWARE: firmware_log (log); break;
    default: return NVME_LOG_PAGE;
    }
  return nvme_move (command, log + off, (size_t) bytes, true);
}

/* --- Features (5.21, 5.11) ---------------------------------------------------------------------------------------- */

/* Features that are nothing but a number. */
static uint32_t *
plain_feature (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  switch (command->dw10 & 0xff)
    {
    case FEATURE_ARBITRATION: return &s->arbitration;
    case FEATURE_POWER: return &s->power;
    case FEATURE_TEMPERATURE: return (command->dw11 >> 20 & 3) == 1 ? &s->temperature_under : &s->temperature_over;
    case FEATURE_RECOVERY: return &s->recovery;
    case FEATURE_COALESCING: return &s->coalescing;
    case FEATURE_ATOMICITY: return &s->atomicity;
    case FEATURE_EVENTS: return &s->event_config;
    default: return NULL;
    }
}

static unsigned
set_features (NvmeCommand *command)
{
  uint32_t *plain = plain_feature (command);
  if ((command->dw10 & 1u << 31) != 0)
    return NVME_INVALID_FIELD;      /* nothing is kept over a reset */
  if (plain != NULL)
    {
      if (plain == &command->nvme->s.power && (command->dw11 & 0x1f) != 0)
        return NVME_INVALID_FIELD;
      *plain = command->dw11;
      return NVME_SUCCESS;
    }
  switch (command->dw10 & 0xff)
    {
    case FEATURE_CACHE:
      command->nvme->s.cache_off = (command->dw11 & 1) == 0;
      return NVME_SUCCESS;
    case FEATURE_QUEUES:
      if ((command->dw11 & 0xffff) == 0xffff || command->dw11 >> 16 == 0xffff)
        return NVME_INVALID_FIELD;
      command->result = (VT_NVME_IO_QUEUES - 1) << 16 | (VT_NVME_IO_QUEUES - 1);
      return NVME_SUCCESS;
    case FEATURE_VECTOR:            /* each is as it is */
      return (command->dw11 & 0xffff) < NVME_QUEUES ? NVME_SUCCESS : NVME_INVALID_FIELD;
    default:
      return NVME_INVALID_FIELD;
    }
}

static unsigned
get_features (NvmeCommand *command)
{
  const uint32_t *plain = plain_feature (command);
  switch (command->dw10 & 0xff)
    {
    case FEATURE_CACHE: command->result = !command->nvme->s.cache_off; break;
    case FEATURE_QUEUES: command->result = (VT_NVME_IO_QUEUES - 1) << 16 | (VT_NVME_IO_QUEUES - 1); break;
    case FEATURE_VECTOR: command->result = command->dw11 & 0xffff; break;
    default:
      if (plain == NULL)
        return NVME_INVALID_FIELD;
      command->result = *plain;
    }
  return NVME_SUCCESS;
}

/* --- Aborts and events -------------------------------------------------------------------------------------------- */

/* Only a request for events can be taken back: others are with the block device, or over (5.1). */
static unsigned
abort_command (NvmeCommand *command)
{
  Nvme      *nvme = command->nvme;
  NvmeState *s = &nvme->s;
  unsigned   sq = command->dw10 & 0xffff;
  uint16_t   id = (uint16_t) (command->dw10 >> 16);
  command->result = 1;
  for (unsigned i = 0; i < s->n_events && sq == 0; i++)
    if (s->event_ids[i] == id && nvme_post (nvme, 0, id, 0, NVME_ABORT_REQUESTED))
      {
        s->n_events--;
        memmove (s->event_ids + i, s->event_ids + i + 1, (s->n_events - i) * sizeof s->event_ids[0]);
        command->result = 0;
        break;
      }
  return NVME_SUCCESS;
}

/* The request's own answer is the event, which may never come: it is remembered, and its command is over. */
static unsigned
request_event (NvmeCommand *command)
{
  NvmeState *s = &command->nvme->s;
  if (s->n_events == NVME_EVENTS)
    return NVME_EVENT_LIMIT;
  s->event_ids[s->n_events++] = command->id;
  return NVME_REMEMBERED;
}

unsigned
nvme_admin_execute (NvmeCommand *command)
{
  switch (command->opcode)
    {
    case OP_DELETE_SQ: return delete_sq (command);
    case OP_CREATE_SQ: return create_sq (command);
    case OP_GET_LOG: return get_log (command);
    case OP_DELETE_CQ: return delete_cq (command);
    case OP_CREATE_CQ: return create_cq (command);
    case OP_IDENTIFY: return identify (command);
    case OP_ABORT: return abort_command (command);
    case OP_SET_FEATURES: return set_features (command);
    case OP_GET_FEATURES: return get_features (command);
    case OP_EVENT_REQUEST: return request_event (command);
    default: return NVME_INVALID_OPCODE;
    }
}
