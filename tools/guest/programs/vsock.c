/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vsock listen PORT: sends back to the first who comes what it says. vsock connect PORT: sends standard input to the host's port and
 * prints what comes back. */
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
fail (const char *what)
{
  perror (what);
  return 1;
}

static int
write_all (int fd, const char *bytes, ssize_t n)
{
  while (n > 0)
    {
      ssize_t done = write (fd, bytes, (size_t) n);
      if (done <= 0)
        return -1;
      bytes += done;
      n -= done;
    }
  return 0;
}

static int
relay (int from, int to)
{
  char    bytes[65536];
  ssize_t n = read (from, bytes, sizeof bytes);
  return n <= 0 || write_all (to, bytes, n) != 0 ? 0 : 1;
}

static int
echo (int listener)
{
  if (listen (listener, 1) != 0)
    return fail ("listen");
  printf ("listening\n");
  fflush (stdout);
  int fd = accept (listener, NULL, NULL);
  while (relay (fd, fd))
    ;
  return close (fd);
}

static int
talk (int fd)
{
  struct pollfd ends[2] = { { .fd = 0, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
  while (poll (ends, 2, -1) > 0)
    {
      if (ends[1].revents != 0 && !relay (fd, 1))
        return 0;
      if (ends[0].revents != 0 && !relay (0, fd))
        {
          shutdown (fd, SHUT_WR);
          ends[0].fd = -1;
        }
    }
  return 1;
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  int                to_listen = strcmp (argv[1], "listen") == 0;
  struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_port = (unsigned) atoi (argv[2]),
                                 .svm_cid = to_listen ? VMADDR_CID_ANY : VMADDR_CID_HOST };
  int                fd = socket (AF_VSOCK, SOCK_STREAM, 0);
  if (fd < 0)
    return fail ("socket");
  if (to_listen)
    return bind (fd, (struct sockaddr *) &address, sizeof address) != 0 ? fail ("bind") : echo (fd);
  return connect (fd, (struct sockaddr *) &address, sizeof address) != 0 ? fail ("connect") : talk (fd);
}
