/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-usb-giver BUS ADDRESS: gives a USB device of this computer away over its standard input, a stream socket, in the usbredir
 * protocol. A process for each device: what a driver library or a device does wrong in it hurts no machine. It prints “OK”, or why not, and
 * ends when the other end does or the device is pulled out; the computer has the device again then. */
#include <errno.h>
#include <glib/gi18n.h>
#include <libusb.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <usbredirhost.h>

#include "paths.h"
#include "usb-access.h"

#define STREAM STDIN_FILENO

typedef struct
{
  libusb_context       *usb;
  libusb_device_handle *handle;
  struct usbredirhost  *host;
  gboolean              ended;       /* the stream */
  gboolean              lost;        /* the device */
} Giver;

static void
say (void *opaque, int level, const char *message)
{
  if (level <= usbredirparser_error)
    g_printerr ("vitrine-usb-giver: %s\n", message);
}

static int
read_stream (void *opaque, uint8_t *bytes, int n)
{
  Giver *giver = opaque;
  ssize_t done = recv (STREAM, bytes, (size_t) n, MSG_DONTWAIT);

  if (done > 0)
    return (int) done;
  if (done < 0 && (errno == EAGAIN || errno == EINTR))
    return 0;
  giver->ended = TRUE;
  return -1;
}

static int
write_stream (void *opaque, uint8_t *bytes, int n)
{
  Giver *giver = opaque;
  ssize_t done = send (STREAM, bytes, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (done >= 0)
    return (int) done;
  if (errno == EAGAIN || errno == EINTR)
    return 0;
  giver->ended = TRUE;
  return -1;
}

/* --- The loop: what the stream and libusb wait for ------------------------------------------------------------------- */

static void
add (GArray *fds, int fd, short events)
{
  const struct pollfd entry = { fd, events, 0 };

  g_array_append_val (fds, entry);
}

static GArray *
list_fds (Giver *giver)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (struct pollfd));
  const struct libusb_pollfd **theirs = libusb_get_pollfds (giver->usb);

  add (fds, STREAM, usbredirhost_has_data_to_write (giver->host) > 0 ? POLLIN | POLLOUT : POLLIN);
  for (guint i = 0; theirs != NULL && theirs[i] != NULL; i++)
    add (fds, theirs[i]->fd, theirs[i]->events);
  libusb_free_pollfds (theirs);
  return fds;
}

/* FALSE: the device is gone, or the guest does not want it. */
static gboolean
read_guest (Giver *giver)
{
  int result = usbredirhost_read_guest_data (giver->host);

  return result == 0 || result == usbredirhost_read_parse_error;
}

/* The node of a device that was pulled out has an error for ever. */
static void
look_for_loss (Giver *giver, const struct pollfd *fds, guint n)
{
  int configuration;

  for (guint i = 0; i < n; i++)
    if ((fds[i].revents & (POLLERR | POLLHUP)) != 0)
      giver->lost = libusb_get_configuration (giver->handle, &configuration) == LIBUSB_ERROR_NO_DEVICE;
}

static gboolean
turn (Giver *giver)
{
  g_autoptr(GArray) fds = list_fds (giver);
  struct pollfd *all = (struct pollfd *) (void *) fds->data;
  struct timeval none = { 0, 0 }, timeout;
  int wait = libusb_get_next_timeout (giver->usb, &timeout) == 1 ? (int) (timeout.tv_sec * 1000 + timeout.tv_usec / 1000 + 1) : -1;

  if (poll (all, fds->len, wait) < 0 && errno != EINTR)
    return FALSE;
  if ((all[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_guest (giver))
    return FALSE;
  look_for_loss (giver, all + 1, fds->len - 1);
  libusb_handle_events_timeout_completed (giver->usb, &none, NULL);
  if (usbredirhost_has_data_to_write (giver->host) > 0)
    usbredirhost_write_guest_data (giver->host);
  return !giver->ended && !giver->lost;
}

/* --- Start ------------------------------------------------------------------------------------------------------------ */

static const char *
explain (int problem)
{
  switch (problem)
    {
    case LIBUSB_ERROR_BUSY: return _("Another program uses the USB device.");
    case LIBUSB_ERROR_NO_DEVICE: return _("The USB device is not plugged in any more.");
    case LIBUSB_ERROR_ACCESS: return _("You may not use the USB device.");
    default: return libusb_strerror (problem);
    }
}

/* NULL, or why not. */
static const char *
open_device (Giver *giver, int fd)
{
  int problem = libusb_set_option (NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);

  if (problem == LIBUSB_SUCCESS)
    problem = libusb_init (&giver->usb);
  if (problem == LIBUSB_SUCCESS)
    problem = libusb_wrap_sys_device (giver->usb, fd, &giver->handle);
  if (problem != LIBUSB_SUCCESS)
    return explain (problem);
  giver->host = usbredirhost_open (giver->usb, giver->handle, say, read_stream, write_stream, giver, "Vitrine", usbredirparser_warning, 0);
  return giver->host != NULL ? NULL : _("The USB device cannot be taken from its driver, or another program uses it.");
}

static gboolean
prepare (Giver *giver, char **argv)
{
  g_autoptr(GError) error = NULL;
  guint64 bus, address;

  if (!g_ascii_string_to_unsigned (argv[1], 10, 0, 999, &bus, &error)
      || !g_ascii_string_to_unsigned (argv[2], 10, 0, 999, &address, &error))
    {
      puts (error->message);
      return FALSE;
    }
  int fd = vitrine_usb_access_open (vitrine_usb_access_real (), (guint) bus, (guint) address, &error);
  const char *problem = fd >= 0 ? open_device (giver, fd) : error->message;
  puts (problem != NULL ? problem : "OK");
  return problem == NULL;
}

int
main (int argc, char **argv)
{
  g_autofree char *locale = vitrine_paths_locale (VITRINE_LOCALEDIR);
  Giver giver = { NULL };

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, locale);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  if (argc != 3)
    {
      g_printerr ("usage: vitrine-usb-giver BUS ADDRESS <> SOCKET\n");
      return 2;
    }
  gboolean ok = prepare (&giver, argv);
  fflush (stdout);
  fclose (stdout);          /* who started us waits no longer */
  if (!ok)
    return 1;
  while (turn (&giver))
    ;
  if (!giver.ended)
    usbredirhost_write_guest_data (giver.host);
  usbredirhost_close (giver.host);
  libusb_exit (giver.usb);
  return 0;
}
