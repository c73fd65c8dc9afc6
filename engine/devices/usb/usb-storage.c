/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bulk-Only Transport: a command comes as 31 bytes, then its data, and then the host asks for 13 bytes of status. The data of one
 * command is gathered whole before the disk is asked, or read whole before the host gets any of it. While the disk works, the device
 * says NAK.
 *
 * Data on its way is no part of the state: a command that was under way when the machine was saved fails where it is restored, and
 * its driver resets the device and tries again, as with a cable that was loose for a moment. */
#include "usb-storage.h"

#include "trace-usb.h"
#include "vitrine/error.h"

enum
{
  ENDPOINT_IN = 1, ENDPOINT_OUT = 2,
  IN_ADDRESS = VT_USB_TO_HOST | ENDPOINT_IN, OUT_ADDRESS = ENDPOINT_OUT,
  PACKET_BYTES = 512,

  /* 5.1, 5.2 */
  CBW_BYTES = 31, CBW_SIGNATURE = 0x43425355, CBW_TO_HOST = 0x80, CBW_COMMAND_MAX = 16,
  CSW_BYTES = 13, CSW_SIGNATURE = 0x53425355, CSW_PASSED = 0, CSW_FAILED = 1, CSW_PHASE_ERROR = 2,

  /* 3.1, 3.2 */
  REQUEST_RESET = 0xff, REQUEST_GET_MAX_LUN = 0xfe,
  CLASS_FROM_INTERFACE = 0xa1, CLASS_TO_INTERFACE = 0x21,

  DATA_MAX = 4 << 20,              /* of one command; drivers ask for 120 KiB, or 1 MiB */
};

typedef enum
{
  PHASE_COMMAND,
  PHASE_OUT,       /* data comes */
  PHASE_BUSY,      /* the disk works */
  PHASE_IN,        /* data goes */
  PHASE_STATUS,
  PHASE_BROKEN,    /* until a reset (6.6.1) */
  PHASES,
} Phase;

typedef struct
{
  VtUsbState  usb;
  VtScsiState scsi;
  uint32_t    tag, wanted;         /* of the command: bytes that the host wants to move */
  uint32_t    have, moved;         /* bytes of data that are there, and that were given or taken */
  uint8_t     command[CBW_COMMAND_MAX];
  uint8_t     phase, status;
  bool        to_host;
  uint8_t     pad_[5];
} UsbStorageState;

typedef struct
{
  VtDevice        dev;
  UsbStorageState s;
  VtUsbDevice     usb;
  VtScsiUnit      unit;
  VtScsiRequest   request;
  VtIoVec         piece;
  uint8_t        *data;            /* of the command; NULL: none, or lost in a save */
  bool            running;         /* the request is the disk's */
  bool            dropped;         /* nobody waits for its end any more */
  bool            parked;          /* no new request until resumed */
  void          (*quiet) (void *opaque);
  void           *quiet_opaque;
} UsbStorage;

#define STORAGE_FIELDS(T)                                                                                              \
  VT_USB_FIELDS (T, usb), VT_SCSI_FIELDS_SINCE (1, T, scsi), VT_FIELD (T, tag), VT_FIELD (T, wanted), VT_FIELD (T, have), \
    VT_FIELD (T, moved), VT_FIELD (T, command), VT_FIELD (T, phase), VT_FIELD (T, status), VT_FIELD (T, to_host),         \
    VT_FIELD (T, pad_)
static const VtField storage_fields[] = { STORAGE_FIELDS (UsbStorageState) };
static const UsbStorageState storage_at_reset = { .scsi = { .attention = VT_SCSI_ATTENTION_RESET } };

static UsbStorage *
storage_of (VtUsbDevice *usb)
{
  return (UsbStorage *) ((uint8_t *) usb - offsetof (UsbStorage, usb));
}

/* --- Descriptors (chapter 4) ---------------------------------------------------------------------------------------- */

static const uint8_t device_descriptor[] = {
  18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xf4, 0x46, 0x05, 0x00, 0x00, 0x01, 1, 2, 3, 1,
};
static const uint8_t configuration_descriptor[] = {
  9, 2, 32, 0, 1, 1, 0, 0xc0, 0,
  9, 4, 0, 0, 2, 0x08, 0x06, 0x50, 0,                        /* mass storage, SCSI, bulk only */
  7, 5, IN_ADDRESS, 2, PACKET_BYTES & 0xff, PACKET_BYTES >> 8, 0,
  7, 5, OUT_ADDRESS, 2, PACKET_BYTES & 0xff, PACKET_BYTES >> 8, 0,
};
/* 4.1.1: a serial number of at least 12 digits */
static const char *const strings[] = { "Vitrine", "USB Disk", "000000000001", NULL };
static const VtUsbDescriptors descriptors = {
  { device_descriptor, sizeof device_descriptor }, { configuration_descriptor, sizeof configuration_descriptor }, strings,
};

/* --- Commands ------------------------------------------------------------------------------------------------------- */

static void
forget_data (UsbStorage *disk)
{
  g_clear_pointer (&disk->data, g_free);
  disk->s.have = disk->s.moved = 0;
}

/* What the disk does with the last command is its own business from now on; its buffer stays until then. */
static void
drop_command (UsbStorage *disk)
{
  disk->dropped = disk->running;
  if (!disk->running)
    forget_data (disk);
  disk->s.phase = PHASE_COMMAND;
}

static VtUsbResult
break_off (UsbStorage *disk, const char *why)
{
  vt_guest_warn (&disk->dev, "%s", why);
  drop_command (disk);
  disk->s.phase = PHASE_BROKEN;
  return VT_USB_STALL;
}

static void
be_quiet (UsbStorage *disk)
{
  void (*quiet) (void *opaque) = disk->quiet;
  disk->quiet = NULL;
  if (quiet != NULL)
    quiet (disk->quiet_opaque);
}

static void
command_done (VtScsiRequest *request)
{
  UsbStorage      *disk = request->opaque;
  UsbStorageState *s = &disk->s;
  disk->running = false;
  if (disk->dropped)
    {
      disk->dropped = false;
      g_clear_pointer (&disk->data, g_free);
    }
  else
    {
      s->status = request->overrun ? CSW_PHASE_ERROR : request->task.status == VT_SCSI_GOOD ? CSW_PASSED : CSW_FAILED;
      s->have = (uint32_t) MIN (request->moved, s->wanted);
      s->moved = s->to_host ? 0 : s->have;
      s->phase = s->to_host && s->wanted > 0 ? PHASE_IN : PHASE_STATUS;
      trace_usb_storage_command (disk->dev.path, s->command[0], s->wanted, s->have, s->status);
      vt_usb_ready (&disk->usb, IN_ADDRESS);
    }
  vt_usb_ready (&disk->usb, OUT_ADDRESS);
  be_quiet (disk);
}

static void
start_command (UsbStorage *disk)
{
  UsbStorageState *s = &disk->s;
  VtIoVec         *piece = s->wanted > 0 ? &disk->piece : NULL;
  disk->piece = (VtIoVec) { disk->data, s->wanted };
  disk->request = (VtScsiRequest) { .unit = &disk->unit, .done = command_done, .opaque = disk };
  memcpy (disk->request.task.cdb, s->command, sizeof s->command);
  if (s->to_host)
    {
      disk->request.in = piece;
      disk->request.n_in = piece != NULL;
      disk->request.in_len = s->wanted;
    }
  else
    {
      disk->request.out = piece;
      disk->request.n_out = piece != NULL;
      disk->request.out_len = s->wanted;
    }
  s->phase = PHASE_BUSY;
  disk->running = true;
  vt_scsi_start (&disk->request);
}

static VtUsbResult
take_command (UsbStorage *disk, const uint8_t *data, uint32_t len)
{
  UsbStorageState *s = &disk->s;
  if (len != CBW_BYTES || vt_load_le (data, 4) != CBW_SIGNATURE || (data[13] & 0xf) != 0 || (data[14] & 0x1f) == 0
      || (data[14] & 0x1f) > CBW_COMMAND_MAX)
    return break_off (disk, "that is no command");
  s->tag = (uint32_t) vt_load_le (data + 4, 4);
  s->wanted = (uint32_t) vt_load_le (data + 8, 4);
  s->to_host = (data[12] & CBW_TO_HOST) != 0;
  memset (s->command, 0, sizeof s->command);
  memcpy (s->command, data + 15, data[14] & 0x1f);
  if (s->wanted > DATA_MAX)
    return break_off (disk, "more data than this device takes at once");
  forget_data (disk);
  disk->data = s->wanted > 0 ? g_malloc0 (s->wanted) : NULL;
  if (s->wanted > 0 && !s->to_host)
    s->phase = PHASE_OUT;
  else
    start_command (disk);
  return VT_USB_DONE;
}

/* A short packet ends the data early; what is missing is zeros. */
static VtUsbResult
take_data (UsbStorage *disk, const uint8_t *data, uint32_t len)
{
  UsbStorageState *s = &disk->s;
  uint32_t         n = MIN (len, s->wanted - s->moved);
  if (disk->data == NULL)
    return break_off (disk, "the command was interrupted");
  memcpy (disk->data + s->moved, data, n);
  s->moved += n;
  if (s->moved == s->wanted || len % PACKET_BYTES != 0)
    start_command (disk);
  return VT_USB_DONE;
}

/* --- The host asks (chapter 6) -------------------------------------------------------------------------------------- */

/* Less than the host wants ends with a short packet, or with one of no bytes. */
static VtUsbResult
give_data (UsbStorage *disk, uint8_t *data, uint32_t *len)
{
  UsbStorageState *s = &disk->s;
  uint32_t         n = MIN (*len, s->have - s->moved);
  if (disk->data == NULL)
    return break_off (disk, "the command was interrupted");
  memcpy (data, disk->data + s->moved, n);
  s->moved += n;
  if (n < *len || s->moved == s->wanted)
    s->phase = PHASE_STATUS;
  *len = n;
  return VT_USB_DONE;
}

static VtUsbResult
give_status (UsbStorage *disk, uint8_t *data, uint32_t *len)
{
  UsbStorageState *s = &disk->s;
  uint8_t          csw[CSW_BYTES];
  vt_store_le (csw, CSW_SIGNATURE, 4);
  vt_store_le (csw + 4, s->tag, 4);
  vt_store_le (csw + 8, s->wanted - s->have, 4);
  csw[12] = s->status;
  drop_command (disk);
  vt_usb_ready (&disk->usb, OUT_ADDRESS);
  return vt_usb_answer (csw, sizeof csw, data, len);
}

static VtUsbResult
in (VtUsbDevice *usb, unsigned endpoint, uint8_t *data, uint32_t *len)
{
  UsbStorage *disk = storage_of (usb);
  if (endpoint != ENDPOINT_IN || disk->s.usb.configuration == 0 || vt_usb_halted (&disk->s.usb, IN_ADDRESS))
    return VT_USB_STALL;
  switch (disk->s.phase)
    {
    case PHASE_IN: return give_data (disk, data, len);
    case PHASE_STATUS: return give_status (disk, data, len);
    case PHASE_BUSY: return disk->running ? VT_USB_NAK : break_off (disk, "the command was interrupted");
    case PHASE_COMMAND: return VT_USB_NAK;
    default: return VT_USB_STALL;
    }
}

static VtUsbResult
out (VtUsbDevice *usb, unsigned endpoint, const uint8_t *data, uint32_t len)
{
  UsbStorage *disk = storage_of (usb);
  if (endpoint != ENDPOINT_OUT || disk->s.usb.configuration == 0 || vt_usb_halted (&disk->s.usb, OUT_ADDRESS))
    return VT_USB_STALL;
  switch (disk->s.phase)
    {
    case PHASE_COMMAND: return disk->running || disk->parked ? VT_USB_NAK : take_command (disk, data, len);
    case PHASE_OUT: return disk->parked ? VT_USB_NAK : take_data (disk, data, len);
    case PHASE_BUSY: return disk->running ? VT_USB_NAK : break_off (disk, "the command was interrupted");
    default: return break_off (disk, "data that nobody asked for");
    }
}

static VtUsbResult
control (VtUsbDevice *usb, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  static const uint8_t max_lun[] = { 0 };
  UsbStorage          *disk = storage_of (usb);
  VtUsbResult          result = VT_USB_STALL;
  trace_usb_control (disk->dev.path, setup->type, setup->request, setup->value, setup->index, setup->length);
  if (vt_usb_standard_request (&disk->s.usb, &descriptors, setup, data, len, &result))
    return result;
  if (setup->type == CLASS_FROM_INTERFACE && setup->request == REQUEST_GET_MAX_LUN)
    return vt_usb_answer (max_lun, sizeof max_lun, data, len);
  if (setup->type != CLASS_TO_INTERFACE || setup->request != REQUEST_RESET)
    return VT_USB_STALL;
  drop_command (disk);
  *len = 0;
  return VT_USB_DONE;
}

static void
reset (VtUsbDevice *usb)
{
  UsbStorage *disk = storage_of (usb);
  drop_command (disk);
  disk->s.usb = (VtUsbState) { 0 };
  vt_scsi_reset (&disk->unit);
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

bool
vt_usb_storage_set_medium (VtDevice *dev, VtBlock *block, bool force)
{
  UsbStorage *disk = (UsbStorage *) dev;
  return vt_scsi_set_medium (&disk->unit, block, force);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  static const VtUsbOps     ops = { reset, control, in, out };
  UsbStorage               *disk = (UsbStorage *) dev;
  const VtUsbStorageConfig *config = env->config;
  disk->unit = (VtScsiUnit) { .kind = config->kind, .block = config->block, .s = &disk->s.scsi };
  disk->usb = (VtUsbDevice) { &ops, VT_USB_HIGH_SPEED, config->place };
  return config->place.ops == NULL
         || config->place.ops->attach (config->place.host, config->place.port, &disk->usb, error);
}

static void
settle (VtDevice *dev)
{
  UsbStorage *disk = (UsbStorage *) dev;
  if (!disk->running)
    g_clear_pointer (&disk->data, g_free);
  disk->dropped = disk->running;
}

static void
quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  UsbStorage *disk = (UsbStorage *) dev;
  disk->parked = true;
  disk->quiet = done;
  disk->quiet_opaque = opaque;
  if (!disk->running)
    be_quiet (disk);
}

static void
resume (VtDevice *dev)
{
  UsbStorage *disk = (UsbStorage *) dev;
  disk->parked = false;
  vt_usb_ready (&disk->usb, OUT_ADDRESS);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const UsbStorageState *s = incoming;
  if (s->phase < PHASES && s->wanted <= DATA_MAX && s->have <= s->wanted && s->moved <= s->wanted
      && (s->phase != PHASE_IN || s->moved <= s->have) && s->usb.address <= 127 && s->usb.configuration <= 1
      && vt_scsi_state_possible (&s->scsi))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved USB disk is impossible", dev->path);
  return false;
}

static void
finalize (VtDevice *dev)
{
  UsbStorage *disk = (UsbStorage *) dev;
  if (disk->usb.place.ops != NULL)
    disk->usb.place.ops->detach (disk->usb.place.host, disk->usb.place.port);
  g_free (disk->data);
}

static const void *
test_config (void)
{
  static const VtUsbStorageConfig config = { .kind = VT_SCSI_CDROM };
  return &config;
}

const VtDeviceClass vt_usb_storage = {
  .name = "usb-storage",
  .summary = "disk or CD drive (USB)",
  .instance_size = sizeof (UsbStorage),
  .state_off = offsetof (UsbStorage, s),
  .state = VT_STATE (1, UsbStorageState, storage_fields, &storage_at_reset),
  .realize = realize,
  .settle = settle,
  .check = check,
  .quiesce = quiesce,
  .resume = resume,
  .finalize = finalize,
  .test_config = test_config,
};
