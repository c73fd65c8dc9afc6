/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between a card and its network: writes what passes into a file, in the classic pcap format with nanoseconds
 * (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html). Without a file it only hands on. */
#include "networks.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vitrine/error.h"

enum
{
  PCAP_MAGIC_NS = (int) 0xa1b23c4d,
  PCAP_ETHERNET = 1,
};

typedef struct
{
  VtNet  net;
  VtNet *below;
  FILE  *file;             /* NULL: nothing is captured */
  void (*ended) (void *opaque, const char *why);     /* NULL: nobody asks */
  void  *ended_opaque;
} CaptureNet;

/* What the buffer still held may not fit any more: 0, or an errno. */
static int
stop (CaptureNet *capture)
{
  FILE *file = g_steal_pointer (&capture->file);
  return file != NULL && fclose (file) != 0 ? errno : 0;
}

static void
stop_and_tell (CaptureNet *capture)
{
  int error = stop (capture);
  if (error != 0)
    g_warning ("The end of the captured network frames is lost: %s", g_strerror (error));
}

/* A file that cannot take more ends the capture, not the network. */
static void
record (CaptureNet *capture, const uint8_t *frame, size_t len)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  uint32_t header[4] = { (uint32_t) now.tv_sec, (uint32_t) now.tv_nsec, (uint32_t) len, (uint32_t) len };
  if (fwrite (header, sizeof header, 1, capture->file) == 1 && fwrite (frame, 1, len, capture->file) == len)
    return;
  g_autofree char *why = g_strdup_printf ("Capturing network frames has ended, as the file cannot take more: %s", g_strerror (errno));
  g_warning ("%s", why);
  (void) stop (capture);         /* told already */
  if (capture->ended != NULL)
    capture->ended (capture->ended_opaque, why);
}

static void
send (VtNet *net, const uint8_t *frame, size_t len)
{
  CaptureNet *capture = (CaptureNet *) net;
  if (capture->file != NULL)
    record (capture, frame, len);
  capture->below->ops->send (capture->below, frame, len);
}

static void
receive (void *opaque, const uint8_t *frame, size_t len)
{
  CaptureNet *capture = opaque;
  if (capture->file != NULL)
    record (capture, frame, len);
  if (capture->net.client != NULL)
    capture->net.client->receive (capture->net.client_opaque, frame, len);
}

static void
close_net (VtNet *net)
{
  CaptureNet *capture = (CaptureNet *) net;
  bool captured = capture->file != NULL;
  stop_and_tell (capture);
  if (captured && capture->ended != NULL)
    capture->ended (capture->ended_opaque, NULL);
  capture->below->ops->close (capture->below);
  g_free (capture);
}

VtNet *
vt_capture_net_new (VtNet *below)
{
  static const VtNetOps       ops = { send, close_net };
  static const VtNetClientOps client = { receive };
  CaptureNet *capture = g_new0 (CaptureNet, 1);
  capture->net.ops = &ops;
  capture->net.from_wire = below->from_wire;
  capture->below = below;
  below->client = &client;
  below->client_opaque = capture;
  return &capture->net;
}

VtNet *
vt_capture_net_below (VtNet *net)
{
  return ((CaptureNet *) net)->below;
}

void
vt_net_capture_refuse (int fd)
{
  if (fd >= 0)
    close (fd);
}

bool
vt_net_is_captured (VtNet *net)
{
  return ((CaptureNet *) net)->file != NULL;
}

void
vt_net_capture_watch (VtNet *net, void (*ended) (void *opaque, const char *why), void *opaque)
{
  CaptureNet *capture = (CaptureNet *) net;
  capture->ended = ended;
  capture->ended_opaque = opaque;
}

static bool
ended_well (int problem, GError **error)
{
  if (problem != 0)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot write captured frames: %s", g_strerror (problem));
  return problem == 0;
}

bool
vt_net_capture (VtNet *net, int fd, GError **error)
{
  CaptureNet *capture = (CaptureNet *) net;
  struct stat about;
  if (fd < 0)
    return ended_well (stop (capture), error);
  stop_and_tell (capture);
  /* Writing to anything else could wait, and the machine with it. */
  if (fstat (fd, &about) != 0 || !S_ISREG (about.st_mode) || (capture->file = fdopen (fd, "wb")) == NULL)
    {
      close (fd);
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Frames can be captured only into an ordinary file");
      return false;
    }
  uint32_t header[6] = { (uint32_t) PCAP_MAGIC_NS, 2 | 4 << 16, 0, 0, VT_NET_FRAME_MAX, PCAP_ETHERNET };
  if (fwrite (header, sizeof header, 1, capture->file) == 1 && fflush (capture->file) == 0)
    return true;
  int problem = errno;
  (void) stop (capture);
  return ended_well (problem, error);
}
