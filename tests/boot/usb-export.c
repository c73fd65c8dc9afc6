/* SPDX-License-Identifier: GPL-3.0-or-later */
/* usb-export SOCKET disk FILE | SOCKET keyboard: connects there and gives one of our own USB devices away, as a computer does with a real
 * one. On standard input: “pull” (its cable), “key” (the letter A goes down and up). Ends with the connection. With “-” for the socket,
 * standard input is the connection, and it says “OK”, as vitrine-usb-giver does. */
#include <linux/input-event-codes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mapped-disk.h"
#include "usb-exporter.h"
#include "usb-hid.h"
#include "usb-storage.h"

typedef struct
{
  int          socket;
  VtClock     *clock;
  UsbExporter *exporter;
  VtDevice    *dev;
  TestDisk    *disk;        /* NULL: a keyboard */
} Export;

static void
write_all (void *opaque, const uint8_t *bytes, size_t n)
{
  while (n > 0)
    {
      ssize_t done = send (((Export *) opaque)->socket, bytes, n, MSG_NOSIGNAL);
      if (done <= 0)
        exit (0);
      bytes += done;
      n -= (size_t) done;
    }
}

static int
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int                fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    {
      perror (path);
      exit (1);
    }
  return fd;
}

static void
plug_in (Export *export, const char *kind, const char *path)
{
  VtUsbPlace         place = usb_exporter_place (export->exporter);
  bool               is_disk = g_str_equal (kind, "disk");
  VtUsbStorageConfig storage = { .place = place, .kind = VT_SCSI_DISK };
  VtUsbHidConfig     keyboard = { .place = place };
  if (is_disk)
    {
      export->disk = map_disk (path);
      storage.block = &export->disk->block;
    }
  export->dev = vt_device_new (is_disk ? &vt_usb_storage : &vt_usb_keyboard, "far");
  VtEnv env = { .clock = export->clock, .config = is_disk ? (const void *) &storage : &keyboard };
  if (!vt_device_realize (export->dev, &env, NULL))
    exit (1);
  vt_device_reset (export->dev, VT_RESET_POWER);
  vt_device_set_running (export->dev, true);
}

static void
obey (Export *export, const char *line)
{
  if (g_str_has_prefix (line, "pull"))
    usb_exporter_pull (export->exporter);
  if (!g_str_has_prefix (line, "key") || export->disk != NULL)
    return;
  VtInputSink sink = vt_usb_hid_sink (export->dev);
  sink.ops->key (sink.opaque, KEY_A, true);
  sink.ops->key (sink.opaque, KEY_A, false);
}

int
main (int argc, char **argv)
{
  static uint8_t bytes[65536];
  Export         export = { 0 };
  char           line[64];
  if (argc < 3)
    return 2;
  bool given = g_str_equal (argv[1], "-");
  export.socket = given ? STDIN_FILENO : connect_to (argv[1]);
  export.clock = vt_clock_new_manual ();
  export.exporter = usb_exporter_new (write_all, &export);
  plug_in (&export, argv[2], argc > 3 ? argv[3] : NULL);
  struct pollfd fds[] = { { export.socket, POLLIN, 0 }, { given ? -1 : STDIN_FILENO, POLLIN, 0 } };
  if (given)
    {
      puts ("OK");
      fclose (stdout);
    }
  while (poll (fds, 2, -1) > 0)
    {
      ssize_t n = 0;
      if (fds[1].revents != 0)
        {
          if (fgets (line, sizeof line, stdin) != NULL)
            obey (&export, line);
          else
            fds[1].fd = -1;
        }
      if (fds[0].revents != 0 && (n = read (export.socket, bytes, sizeof bytes)) <= 0)
        return 0;
      usb_exporter_receive (export.exporter, bytes, (size_t) n);
      if (export.disk != NULL)
        test_disk_run (export.disk);
    }
  return 0;
}
