/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens TAP devices: Linux, Documentation/networking/tuntap.rst; errors of TUNSETIFF as of Linux 6.1. */
#include "vitrine/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vitrine/error.h"

#define DRIVER "/dev/net/tun"

bool
vt_net_device_name_valid (const char *name)
{
  size_t len = strlen (name);
  return len > 0 && len < IF_NAMESIZE && strpbrk (name, "/: \t\n\v\f\r") == NULL && strcmp (name, ".") != 0 && strcmp (name, "..") != 0;
}

static int
open_driver (const char *name, GError **error)
{
  int fd = open (DRIVER, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    {
      int         problem = errno;
      bool        confined = prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
      const char *advice = "";
      if (confined)
        advice = ". A machine in a window opens its TAP devices when it is started";
      else if (problem == EACCES)
        advice = ". Let all people of this computer open it, as root: chmod a+rw " DRIVER;
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot open " DRIVER " for the TAP device “%s”: %s%s", name, g_strerror (problem), advice);
    }
  return fd;
}

static void
set_missing (const char *name, GError **error)
{
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
               "This computer has no network device “%s”. Make it as root: ip tuntap add dev %s mode tap user %s && ip link set %s up",
               name, name, g_get_user_name (), name);
}

static void
set_refusal (const char *name, int problem, GError **error)
{
  if (problem == EBUSY)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The TAP device “%s” is in use by another program", name);
  else if (problem == EPERM)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 "The TAP device “%s” is not yours. Make it again as root: ip tuntap del dev %s mode tap; "
                 "ip tuntap add dev %s mode tap user %s && ip link set %s up", name, name, name, g_get_user_name (), name);
  else if (problem == EINVAL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The network device “%s” is no TAP device", name);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot use the TAP device “%s”: %s", name, g_strerror (problem));
}

int
vt_tap_open (const char *name, GError **error)
{
  struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
  /* For who may make devices, TUNSETIFF would make one that leads nowhere of each name that was mistyped. */
  if (!vt_net_device_name_valid (name) || if_nametoindex (name) == 0)
    {
      set_missing (name, error);
      return -1;
    }
  int fd = open_driver (name, error);
  if (fd < 0)
    return -1;
  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  if (ioctl (fd, TUNSETIFF, &request) == 0)
    return fd;
  set_refusal (name, errno, error);
  close (fd);
  return -1;
}

bool
vt_tap_check (int fd, GError **error)
{
  struct ifreq request = { .ifr_flags = 0 };
  int          flags = fcntl (fd, F_GETFL);
  /* The kernel adds others to those that the device was opened with; with a header of its own, frames would be read as what they
   * are not. */
  if (flags >= 0 && ioctl (fd, TUNGETIFF, &request) == 0 && (request.ifr_flags & IFF_TAP) != 0 && (request.ifr_flags & IFF_NO_PI) != 0
      && (request.ifr_flags & IFF_VNET_HDR) == 0 && fcntl (fd, F_SETFL, flags | O_NONBLOCK) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "What was handed in is not a TAP device");
  return false;
}
