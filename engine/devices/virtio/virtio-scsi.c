/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCSI host (VIRTIO 1.1, 5.6). The units are those of devices/scsi; here are requests, task management and events. */
#include "virtio-scsi.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  CONTROL = 0, EVENTS = 1, REQUESTS = 2,
  QUEUE_SIZE   = 256,
  SEG_MAX      = QUEUE_SIZE - 2,
  CDB_BYTES    = 32,
  SENSE_BYTES  = 96,
  CONFIG_BYTES = 36,
  MAX_SECTORS  = 0xffff,

  REQ_BYTES  = 19 + CDB_BYTES,
  RESP_BYTES = 12 + SENSE_BYTES,
  RESP_SENSE_LEN = 0, RESP_RESIDUAL = 4, RESP_STATUS = 10, RESP_RESPONSE = 11, RESP_SENSE = 12,

  S_OK = 0, S_OVERRUN = 1, S_ABORTED = 2, S_BAD_TARGET = 3, S_RESET = 4, S_FUNCTION_SUCCEEDED = 10,
  S_FUNCTION_REJECTED = 11, S_INCORRECT_LUN = 12,

  T_TMF = 0, T_AN_QUERY = 1, T_AN_SUBSCRIBE = 2,
  TMF_ABORT_TASK = 0, TMF_ABORT_TASK_SET = 1, TMF_CLEAR_ACA = 2, TMF_CLEAR_TASK_SET = 3, TMF_I_T_NEXUS_RESET = 4,
  TMF_LOGICAL_UNIT_RESET = 5, TMF_QUERY_TASK = 6, TMF_QUERY_TASK_SET = 7,
  TMF_BYTES = 24, AN_BYTES = 20,

  EVENT_BYTES = 16,
  EVENT_PARAM_CHANGE = 3,
};
#define EVENTS_MISSED    (UINT32_C (1) << 31)
#define SCSI_F_HOTPLUG   VIRTIO_F (1)
#define SCSI_F_CHANGE    VIRTIO_F (2)

typedef struct
{
  VtVirtioPciState pci;
  VtScsiState      unit[VT_VIRTIO_SCSI_TARGETS];
  bool             events_missed;
  uint8_t          pad_[7];
  uint16_t         changed;       /* media that the driver is to hear of, a bit for each target */
  uint8_t          pad2_[6];
} VirtioScsiState;

typedef struct
{
  VtVirtioPci     pci;
  VirtioScsiState s;
  VtScsiUnit      unit[VT_VIRTIO_SCSI_TARGETS];
  bool            present[VT_VIRTIO_SCSI_TARGETS];
  GQueue          requests;       /* Request*: those whose block requests are under way */
} VirtioScsi;

/* Where the driver aims at. */
typedef struct
{
  unsigned target, lun;
  bool     valid;                 /* in the only format that the specification has */
} Address;

typedef struct Management Management;

typedef struct
{
  VirtioScsi    *scsi;
  VtVirtElement *element;
  unsigned       target;
  uint64_t       tag;
  Management    *waiting;         /* aborted by this one */
  uint8_t        response;        /* once aborted */
  VtScsiRequest  request;
  VtIoVec        vec[];
} Request;

/* A task management function that waits for requests to end. */
struct Management
{
  VtVirtElement *element;
  unsigned       left;
};

#define UNIT_FIELDS(n) VT_SCSI_FIELDS_SINCE (1, VirtioScsiState, unit[n])
static const VtField virtio_scsi_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioScsiState, pci),
  UNIT_FIELDS (0), UNIT_FIELDS (1), UNIT_FIELDS (2), UNIT_FIELDS (3), UNIT_FIELDS (4), UNIT_FIELDS (5), UNIT_FIELDS (6),
  UNIT_FIELDS (7), UNIT_FIELDS (8), UNIT_FIELDS (9), UNIT_FIELDS (10), UNIT_FIELDS (11), UNIT_FIELDS (12),
  UNIT_FIELDS (13), UNIT_FIELDS (14), UNIT_FIELDS (15),
  VT_FIELD (VirtioScsiState, events_missed),
  VT_FIELD (VirtioScsiState, pad_),
  VT_FIELD_SINCE (3, VirtioScsiState, changed),
  VT_FIELD_SINCE (3, VirtioScsiState, pad2_),
};

static const VirtioScsiState virtio_scsi_at_reset = {
  .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE),
  .unit = { [0 ... VT_VIRTIO_SCSI_TARGETS - 1] = { .attention = VT_SCSI_ATTENTION_RESET } },
};

static VirtioScsi *
from_virtio (VtVirtio *virtio)
{
  return (VirtioScsi *) virtio->dev;
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  vt_store_le (config + 0, virtio->n_queues - REQUESTS, 4);
  vt_store_le (config + 4, SEG_MAX, 4);
  vt_store_le (config + 8, MAX_SECTORS, 4);
  vt_store_le (config + 12, QUEUE_SIZE / 2, 4);
  vt_store_le (config + 16, EVENT_BYTES, 4);
  vt_store_le (config + 20, SENSE_BYTES, 4);
  vt_store_le (config + 24, CDB_BYTES, 4);
  vt_store_le (config + 30, VT_VIRTIO_SCSI_TARGETS - 1, 2);
}

/* Single level addressing: 1, the target, the unit's number (5.6.6.1). */
static Address
address_of (const uint8_t lun[8])
{
  return (Address) { lun[1], (lun[2] & 0x3fu) << 8 | lun[3], lun[0] == 1 };
}

static bool
target_exists (const VirtioScsi *scsi, Address address)
{
  return address.valid && address.target < VT_VIRTIO_SCSI_TARGETS && scsi->present[address.target];
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void
respond (VtVirtElement *element, uint8_t response[RESP_BYTES], uint64_t moved_in)
{
  vt_virt_element_write (element, 0, response, RESP_BYTES);
  vt_virtqueue_push (element, (uint32_t) MIN (RESP_BYTES + moved_in, UINT32_MAX));
}

static void
respond_with (VtVirtElement *element, uint8_t code)
{
  uint8_t response[RESP_BYTES] = { [RESP_RESPONSE] = code };
  respond (element, response, 0);
}

static void
answer_control (VtVirtElement *element, uint8_t code)
{
  vt_virt_element_write (element, 0, &code, 1);
  vt_virtqueue_push (element, 1);
}

static void
one_less (Management *management)
{
  if (--management->left > 0)
    return;
  answer_control (management->element, S_OK);
  g_free (management);
}

static void
request_done (VtScsiRequest *done)
{
  Request       *request = done->opaque;
  VtVirtElement *element = request->element;
  uint8_t        response[RESP_BYTES] = { 0 };
  uint64_t       room = done->in_len + done->out_len;
  bool           in = done->in_len > 0;
  g_queue_remove (&request->scsi->requests, request);
  response[RESP_STATUS] = done->task.status;
  response[RESP_RESPONSE] = request->response != S_OK ? request->response : done->overrun ? S_OVERRUN : S_OK;
  vt_store_le (response + RESP_RESIDUAL, MIN (room - done->moved, UINT32_MAX), 4);
  if (done->task.status == VT_SCSI_CHECK_CONDITION)
    {
      vt_scsi_take_sense (done->unit, response + RESP_SENSE);
      vt_store_le (response + RESP_SENSE_LEN, VT_SCSI_SENSE_BYTES, 4);
    }
  trace_virtio_scsi_done (request->scsi->pci.pci.dev.path, request->target, response[RESP_RESPONSE], done->task.status);
  respond (element, response, in ? done->moved : 0);
  if (request->waiting != NULL)
    one_less (request->waiting);
  g_free (request);
}

/* Another unit than 0 of a target: only who is there is answered. */
static void
no_such_unit (VtVirtElement *element, uint8_t opcode, uint64_t room)
{
  uint8_t response[RESP_BYTES] = { 0 }, inquiry[36] = { [0] = 0x7f, [4] = 31 };
  uint64_t moved = 0;
  if (opcode == 0x12)
    moved = vt_virt_element_write (element, RESP_BYTES, inquiry, MIN (room, sizeof inquiry));
  else
    {
      response[RESP_STATUS] = VT_SCSI_CHECK_CONDITION;
      response[RESP_SENSE_LEN] = VT_SCSI_SENSE_BYTES;
      response[RESP_SENSE] = 0x70;
      response[RESP_SENSE + 2] = SENSE_ILLEGAL_REQUEST;
      response[RESP_SENSE + 7] = 10;
      response[RESP_SENSE + 12] = ASC_LUN >> 8;
    }
  vt_store_le (response + RESP_RESIDUAL, MIN (room - moved, UINT32_MAX), 4);
  respond (element, response, moved);
}

static void
start_unit_request (VirtioScsi *scsi, VtVirtElement *element, unsigned target, const uint8_t *header)
{
  size_t   n_spans = (size_t) element->n_out + element->n_in;
  Request *request = g_malloc0 (sizeof *request + n_spans * sizeof (VtIoVec));
  uint64_t out_len = element->out_len - REQ_BYTES, in_len = element->in_len - RESP_BYTES;
  request->scsi = scsi;
  request->element = element;
  request->target = target;
  request->tag = vt_load_le (header + 8, 8);
  request->request = (VtScsiRequest) { .unit = &scsi->unit[target], .out = request->vec, .in = request->vec + element->n_out,
                                       .out_len = out_len, .in_len = in_len, .done = request_done, .opaque = request };
  memcpy (request->request.task.cdb, header + 19, CDB_BYTES);
  request->request.n_out = vt_virt_gather (request->request.out, vt_virt_element_out (element), element->n_out, REQ_BYTES, out_len);
  request->request.n_in = vt_virt_gather (request->request.in, vt_virt_element_in (element), element->n_in, RESP_BYTES, in_len);
  g_queue_push_tail (&scsi->requests, request);
  vt_scsi_start (&request->request);
}

static void
start_request (VtVirtElement *element)
{
  VirtioScsi *scsi = from_virtio (element->virtio);
  uint8_t     header[REQ_BYTES];
  if (element->in_len < RESP_BYTES || vt_virt_element_read (element, 0, header, sizeof header) != sizeof header)
    {
      vt_virtio_broken (element->virtio, "request without header or response");
      vt_virtqueue_push (element, 0);
      return;
    }
  Address address = address_of (header);
  trace_virtio_scsi_request (scsi->pci.pci.dev.path, address.target, address.lun, header[19]);
  if (!target_exists (scsi, address))
    respond_with (element, S_BAD_TARGET);
  else if (address.lun != 0 && header[19] != 0xa0)
    no_such_unit (element, header[19], element->in_len - RESP_BYTES);
  else
    start_unit_request (scsi, element, address.target, header);
}

/* --- Task management ---------------------------------------------------------------------------------------------- */

/* Requests of the target under way: one with that tag, or all. */
static unsigned
count_requests (VirtioScsi *scsi, unsigned target, const uint64_t *tag, Management *abort_for, uint8_t response)
{
  unsigned n = 0;
  for (GList *at = scsi->requests.head; at != NULL; at = at->next)
    {
      Request *request = at->data;
      if (request->target != target || (tag != NULL && request->tag != *tag))
        continue;
      n++;
      if (abort_for == NULL || request->waiting != NULL)
        continue;
      request->waiting = abort_for;
      request->response = response;
      abort_for->left++;
    }
  return n;
}

/* The answer comes when the last of them has ended: a block request cannot be called back. */
static void
abort_requests (VirtioScsi *scsi, VtVirtElement *element, unsigned target, const uint64_t *tag, uint8_t response)
{
  Management *management = g_new0 (Management, 1);
  management->element = element;
  management->left = 1;
  count_requests (scsi, target, tag, management, response);
  one_less (management);
}

static void
manage_tasks (VirtioScsi *scsi, VtVirtElement *element, const uint8_t *request)
{
  Address  address = address_of (request + 8);
  uint32_t function = (uint32_t) vt_load_le (request + 4, 4);
  uint64_t tag = vt_load_le (request + 16, 8);
  unsigned target = address.target;
  if (!target_exists (scsi, address))
    {
      answer_control (element, S_BAD_TARGET);
      return;
    }
  switch (function)
    {
    case TMF_ABORT_TASK:
      abort_requests (scsi, element, target, &tag, S_ABORTED);
      break;
    case TMF_ABORT_TASK_SET:
    case TMF_CLEAR_TASK_SET:
      abort_requests (scsi, element, target, NULL, S_ABORTED);
      break;
    case TMF_I_T_NEXUS_RESET:
    case TMF_LOGICAL_UNIT_RESET:
      vt_scsi_reset (&scsi->unit[target]);
      abort_requests (scsi, element, target, NULL, S_RESET);
      break;
    case TMF_QUERY_TASK:
    case TMF_QUERY_TASK_SET:
      answer_control (element, count_requests (scsi, target, function == TMF_QUERY_TASK ? &tag : NULL, NULL, S_OK) > 0
                                 ? S_FUNCTION_SUCCEEDED
                                 : S_OK);
      break;
    case TMF_CLEAR_ACA:
      answer_control (element, S_OK);
      break;
    default:
      answer_control (element, S_FUNCTION_REJECTED);
    }
}

static void
control (VtVirtElement *element)
{
  VirtioScsi *scsi = from_virtio (element->virtio);
  uint8_t     request[TMF_BYTES] = { 0 }, none[5] = { 0 };
  uint64_t    len = vt_virt_element_read (element, 0, request, sizeof request);
  uint32_t    type = (uint32_t) vt_load_le (request, 4);
  if (type == T_TMF && len >= TMF_BYTES && element->in_len >= 1)
    manage_tasks (scsi, element, request);
  else if ((type == T_AN_QUERY || type == T_AN_SUBSCRIBE) && len >= AN_BYTES && element->in_len >= sizeof none)
    {
      /* No asynchronous notifications: media changes are parameter changes. */
      vt_virt_element_write (element, 0, none, sizeof none);
      vt_virtqueue_push (element, sizeof none);
    }
  else
    {
      vt_virtio_broken (element->virtio, "control request %u of %" G_GUINT64_FORMAT " bytes", type, len);
      vt_virtqueue_push (element, 0);
    }
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static bool
send_event (VirtioScsi *scsi, uint32_t event, unsigned target, uint32_t reason)
{
  VtVirtElement *element = vt_virtqueue_pop (&scsi->pci.virtio, EVENTS);
  if (element == NULL)
    return false;
  uint8_t bytes[EVENT_BYTES] = { [4] = 1, [5] = (uint8_t) target };
  vt_store_le (bytes, event | (scsi->s.events_missed ? EVENTS_MISSED : 0), 4);
  vt_store_le (bytes + 12, reason, 4);
  scsi->s.events_missed = false;
  vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, bytes, sizeof bytes));
  return true;
}

static void
tell_changes (VirtioScsi *scsi)
{
  for (unsigned i = 0; i < VT_VIRTIO_SCSI_TARGETS; i++)
    if ((scsi->s.changed & 1u << i) != 0 && !send_event (scsi, EVENT_PARAM_CHANGE, i, ASC_MEDIUM_CHANGED >> 8))
      scsi->s.events_missed = true;
  scsi->s.changed = 0;
}

static void
serve_events (VirtioScsi *scsi)
{
  tell_changes (scsi);
  if (scsi->s.events_missed)
    send_event (scsi, 0, 0, 0);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VirtioScsi *scsi = from_virtio (virtio);
  if (queue == CONTROL)
    vt_virtqueue_serve (virtio, queue, control);
  else if (queue >= REQUESTS)
    vt_virtqueue_serve (virtio, queue, start_request);
  else
    serve_events (scsi);
}

bool
vt_virtio_scsi_set_medium (VtDevice *dev, unsigned target, VtBlock *block, bool force)
{
  VirtioScsi *scsi = (VirtioScsi *) dev;
  g_assert (dev->cls == &vt_virtio_scsi_pci && target < VT_VIRTIO_SCSI_TARGETS);
  if (!vt_scsi_set_medium (&scsi->unit[target], block, force))
    return false;
  if (!vt_virtio_has (&scsi->pci.virtio, SCSI_F_CHANGE) || !vt_virtio_live (&scsi->pci.virtio))
    return true;
  scsi->s.changed |= (uint16_t) (1u << target);
  /* A parked queue gives nothing: the driver is told when the machine goes on. */
  if (!scsi->pci.virtio.parked)
    tell_changes (scsi);
  return true;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
driver_reset (VtVirtio *virtio)
{
  VirtioScsi *scsi = from_virtio (virtio);
  scsi->s.events_missed = false;
  scsi->s.changed = 0;
  for (unsigned i = 0; i < VT_VIRTIO_SCSI_TARGETS; i++)
    vt_scsi_reset (&scsi->unit[i]);
}

static const VtVirtioType virtio_scsi_type = {
  .name = "virtio-scsi",
  .id = 8,
  .n_queues = REQUESTS + VT_VIRTIO_SCSI_QUEUES,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = SCSI_F_HOTPLUG | SCSI_F_CHANGE,
  .get_config = get_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_scsi_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioScsi               *scsi = (VirtioScsi *) dev;
  const VtVirtioScsiConfig *config = env->config;
  VtVirtioOffer             offer = { .features = config->ring_forms, .n_queues = REQUESTS + MAX (config->n_queues, 1) };
  for (unsigned i = 0; i < VT_VIRTIO_SCSI_TARGETS; i++)
    {
      const VtScsiTarget *target = &config->target[i];
      scsi->present[i] = target->present;
      scsi->unit[i] = (VtScsiUnit) { .kind = target->kind, .block = target->block, .s = &scsi->s.unit[i] };
      g_autofree char *made = g_strdup_printf ("VITRINE%05u", i);
      g_strlcpy (scsi->unit[i].serial, target->serial != NULL ? target->serial : made, sizeof scsi->unit[i].serial);
    }
  return vt_virtio_pci_init (&scsi->pci, env, &config->place, 0x010000, &virtio_scsi_type, &offer, &scsi->s.pci, error);
}

static bool
virtio_scsi_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioScsiState *s = incoming;
  bool                   ok = true;
  for (unsigned i = 0; i < VT_VIRTIO_SCSI_TARGETS; i++)
    ok = ok && vt_scsi_state_possible (&s->unit[i]);
  if (!ok)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved units cannot be like this", dev->path);
  return ok && vt_virtio_pci_check (dev, incoming, error);
}

static const void *
virtio_scsi_test_config (void)
{
  static const VtVirtioScsiConfig config = { .target = { [1] = { true, VT_SCSI_CDROM, NULL, NULL } }, .n_queues = 2,
                                             .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_scsi_pci = {
  .name = "virtio-scsi-pci",
  .summary = "SCSI host, paravirtual (virtio)",
  .instance_size = sizeof (VirtioScsi),
  .state_off = offsetof (VirtioScsi, s),
  .state = VT_STATE (3, VirtioScsiState, virtio_scsi_fields, &virtio_scsi_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_scsi_realize,
  .settle = vt_virtio_pci_settle,
  .check = virtio_scsi_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_scsi_test_config,
};
