/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk whose bytes are a file's: what is written is there at once. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test-disk.h"

static inline TestDisk *
map_disk (const char *path)
{
  struct stat about;
  int         fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &about) < 0)
    {
      perror (path);
      exit (1);
    }
  TestDisk *disk = test_disk_new ((uint64_t) about.st_size);
  g_free (disk->bytes);
  disk->bytes = mmap (NULL, (size_t) about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (disk->bytes == MAP_FAILED)
    exit (1);
  close (fd);
  return disk;
}
