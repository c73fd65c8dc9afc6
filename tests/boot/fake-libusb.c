/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A libusb with one device, our own USB disk on the file that VITRINE_FAKE_USB_DISK names, to be preloaded into vitrine-usb-giver: so the
 * real libusbredirhost is at the other end of the real engine, where no USB hardware is. SIGUSR1 pulls its cable. */
#include <fcntl.h>
#include <libusb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mapped-disk.h"
#include "usb-storage.h"

struct libusb_context { int unused; };
struct libusb_device { int unused; };
struct libusb_device_handle { int unused; };

static struct libusb_context       context;
static struct libusb_device        the_device;
static struct libusb_device_handle handle;
static VtUsbDevice *usb;
static TestDisk    *disk;
static GQueue       transfers = G_QUEUE_INIT;     /* struct libusb_transfer*, oldest first */
static int          wake = -1;
static volatile sig_atomic_t gone;

static void
wake_up (void)
{
  (void) !write (wake, &(uint64_t) { 1 }, 8);
}

static void
pull (int number)
{
  gone = 1;
  wake_up ();
}

/* --- The device -------------------------------------------------------------------------------------------------------- */

static bool
attach (void *host, unsigned port, VtUsbDevice *device, GError **error)
{
  usb = device;
  return true;
}

static void
detach (void *host, unsigned port)
{
}

static void
ready (void *host, unsigned port, unsigned address)
{
  wake_up ();
}

static VtUsbResult
ask (uint8_t type, uint8_t request, uint16_t value, uint8_t *data, uint32_t *len)
{
  VtUsbSetup setup = { type, request, value, 0, (uint16_t) *len };
  return usb->ops->control (usb, &setup, data, len);
}

/* The device node that there is none of. */
int open64 (const char *path, int flags, ...);
int
open64 (const char *path, int flags, ...)
{
  if (g_str_has_prefix (path, "/dev/bus/usb/"))
    path = "/dev/null";
  return (int) syscall (SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* --- libusb -------------------------------------------------------------------------------------------------------------- */

int
libusb_set_option (libusb_context *ctx, enum libusb_option option, ...)
{
  return 0;
}

int
libusb_init (libusb_context **ctx)
{
  wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  signal (SIGUSR1, pull);
  *ctx = &context;
  return 0;
}

void
libusb_exit (libusb_context *ctx)
{
}

int
libusb_wrap_sys_device (libusb_context *ctx, intptr_t fd, libusb_device_handle **out)
{
  static const VtUsbHostOps ops = { attach, detach, ready };
  uint32_t                  none = 0;
  disk = map_disk (g_getenv ("VITRINE_FAKE_USB_DISK"));
  VtDevice          *storage = vt_device_new (&vt_usb_storage, "far");
  VtUsbStorageConfig config = { { &ops, NULL, 0 }, VT_SCSI_DISK, &disk->block };
  if (!vt_device_realize (storage, &(VtEnv) { .config = &config }, NULL))
    return LIBUSB_ERROR_OTHER;
  vt_device_reset (storage, VT_RESET_POWER);
  vt_device_set_running (storage, true);
  ask (0, 9, 1, NULL, &none);
  *out = &handle;
  return 0;
}

void
libusb_close (libusb_device_handle *h)
{
}

libusb_device *
libusb_get_device (libusb_device_handle *h)
{
  return &the_device;
}

int
libusb_get_device_speed (libusb_device *device)
{
  return LIBUSB_SPEED_HIGH;
}

int
libusb_get_device_descriptor (libusb_device *device, struct libusb_device_descriptor *out)
{
  uint8_t  d[18];
  uint32_t len = sizeof d;
  ask (0x80, 6, 0x0100, d, &len);
  *out = (struct libusb_device_descriptor) { .bLength = 18, .bDescriptorType = 1, .bcdUSB = 0x0200, .bMaxPacketSize0 = 64,
    .idVendor = (uint16_t) vt_load_le (d + 8, 2), .idProduct = (uint16_t) vt_load_le (d + 10, 2), .bNumConfigurations = 1 };
  return 0;
}

int
libusb_get_active_config_descriptor (libusb_device *device, struct libusb_config_descriptor **out)
{
  static struct libusb_endpoint_descriptor  endpoints[2];
  static struct libusb_interface_descriptor setting;
  static const struct libusb_interface      interface = { &setting, 1 };
  static struct libusb_config_descriptor    config;
  uint8_t  d[32];
  uint32_t len = sizeof d;
  ask (0x80, 6, 0x0200, d, &len);
  for (unsigned i = 0; i < 2; i++)
    endpoints[i] = (struct libusb_endpoint_descriptor) { .bLength = 7, .bDescriptorType = 5, .bEndpointAddress = d[18 + 7 * i + 2],
      .bmAttributes = d[18 + 7 * i + 3], .wMaxPacketSize = 512 };
  setting = (struct libusb_interface_descriptor) { .bLength = 9, .bDescriptorType = 4, .bNumEndpoints = 2, .bInterfaceClass = d[14],
    .bInterfaceSubClass = d[15], .bInterfaceProtocol = d[16], .endpoint = endpoints };
  config = (struct libusb_config_descriptor) { .bLength = 9, .bDescriptorType = 2, .bNumInterfaces = 1, .bConfigurationValue = 1,
    .interface = &interface };
  *out = &config;
  return 0;
}

int
libusb_get_config_descriptor (libusb_device *device, uint8_t index, struct libusb_config_descriptor **out)
{
  return libusb_get_active_config_descriptor (device, out);
}

void
libusb_free_config_descriptor (struct libusb_config_descriptor *config)
{
}

int
libusb_get_ss_endpoint_companion_descriptor (libusb_context *ctx, const struct libusb_endpoint_descriptor *endpoint,
                                             struct libusb_ss_endpoint_companion_descriptor **out)
{
  return LIBUSB_ERROR_NOT_FOUND;
}

#define SIMPLE(name, ...) int name (__VA_ARGS__) { return gone ? LIBUSB_ERROR_NO_DEVICE : 0; }
SIMPLE (libusb_claim_interface, libusb_device_handle *h, int n)
SIMPLE (libusb_release_interface, libusb_device_handle *h, int n)
SIMPLE (libusb_attach_kernel_driver, libusb_device_handle *h, int n)
SIMPLE (libusb_detach_kernel_driver, libusb_device_handle *h, int n)
SIMPLE (libusb_set_auto_detach_kernel_driver, libusb_device_handle *h, int on)
SIMPLE (libusb_set_configuration, libusb_device_handle *h, int n)
SIMPLE (libusb_set_interface_alt_setting, libusb_device_handle *h, int n, int alt)
SIMPLE (libusb_clear_halt, libusb_device_handle *h, unsigned char endpoint)

int
libusb_get_configuration (libusb_device_handle *h, int *out)
{
  *out = 1;
  return gone ? LIBUSB_ERROR_NO_DEVICE : 0;
}

int
libusb_reset_device (libusb_device_handle *h)
{
  uint32_t none = 0;
  usb->ops->reset (usb);
  ask (0, 9, 1, NULL, &none);
  return gone ? LIBUSB_ERROR_NO_DEVICE : 0;
}

/* --- Transfers ---------------------------------------------------------------------------------------------------------- */

int
libusb_submit_transfer (struct libusb_transfer *transfer)
{
  if (gone)
    return LIBUSB_ERROR_NO_DEVICE;
  transfer->status = LIBUSB_TRANSFER_COMPLETED;
  g_queue_push_tail (&transfers, transfer);
  wake_up ();
  return 0;
}

int
libusb_cancel_transfer (struct libusb_transfer *transfer)
{
  transfer->status = LIBUSB_TRANSFER_CANCELLED;
  wake_up ();
  return 0;
}

static VtUsbResult
carry_out (struct libusb_transfer *transfer, uint32_t *len)
{
  uint8_t *b = transfer->buffer;
  unsigned endpoint = transfer->endpoint & 0xf;
  *len = (uint32_t) transfer->length;
  if (transfer->type == LIBUSB_TRANSFER_TYPE_CONTROL)
    {
      VtUsbSetup setup = { b[0], b[1], (uint16_t) vt_load_le (b + 2, 2), (uint16_t) vt_load_le (b + 4, 2), (uint16_t) vt_load_le (b + 6, 2) };
      *len = setup.length;
      return usb->ops->control (usb, &setup, b + 8, len);
    }
  return (transfer->endpoint & 0x80) != 0 ? usb->ops->in (usb, endpoint, b, len) : usb->ops->out (usb, endpoint, b, *len);
}

/* True: it is at its end, and its owner has heard of it. */
static bool
finish (struct libusb_transfer *transfer)
{
  uint32_t    len = 0;
  VtUsbResult result = VT_USB_DONE;
  if (gone)
    transfer->status = LIBUSB_TRANSFER_NO_DEVICE;
  else if (transfer->status != LIBUSB_TRANSFER_CANCELLED)
    {
      result = carry_out (transfer, &len);
      if (result == VT_USB_NAK)
        return false;
      transfer->status = result == VT_USB_DONE ? LIBUSB_TRANSFER_COMPLETED : LIBUSB_TRANSFER_STALL;
    }
  transfer->actual_length = result == VT_USB_DONE ? (int) len : 0;
  g_queue_remove (&transfers, transfer);
  transfer->callback (transfer);
  return true;
}

static bool
finish_one (void)
{
  for (GList *l = transfers.head; l != NULL; l = l->next)
    if (finish (l->data))
      return true;
  return false;
}

int
libusb_handle_events_timeout_completed (libusb_context *ctx, struct timeval *timeout, int *completed)
{
  uint64_t count;
  (void) !read (wake, &count, sizeof count);
  while (finish_one () || test_disk_run (disk) > 0)
    ;
  return 0;
}

int
libusb_handle_events_timeout (libusb_context *ctx, struct timeval *timeout)
{
  return libusb_handle_events_timeout_completed (ctx, timeout, NULL);
}

int
libusb_get_next_timeout (libusb_context *ctx, struct timeval *timeout)
{
  return 0;
}

/* Like the kernel's, the node of a device that is gone has an error for ever. */
const struct libusb_pollfd **
libusb_get_pollfds (libusb_context *ctx)
{
  static struct libusb_pollfd        fds[2];
  static const struct libusb_pollfd *list[3];
  static int                         ends[2] = { -1, -1 };
  fds[0] = (struct libusb_pollfd) { wake, POLLIN };
  list[0] = &fds[0];
  list[1] = NULL;
  if (gone && ends[0] < 0 && pipe (ends) == 0)
    close (ends[1]);
  if (gone)
    {
      fds[1] = (struct libusb_pollfd) { ends[0], POLLOUT };
      list[1] = &fds[1];
    }
  return list;
}

void
libusb_free_pollfds (const struct libusb_pollfd **fds)
{
}
