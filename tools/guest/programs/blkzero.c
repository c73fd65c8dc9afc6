/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blkzero DEVICE OFFSET BYTES: zeros by the kernel's own request for that, not by writing them. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int
main (int argc, char **argv)
{
  if (argc != 4)
    return 2;
  uint64_t range[2] = { strtoull (argv[2], NULL, 0), strtoull (argv[3], NULL, 0) };
  int      fd = open (argv[1], O_RDWR);
  if (fd >= 0 && ioctl (fd, BLKZEROOUT, range) == 0)
    return 0;
  perror (argv[1]);
  return 1;
}
