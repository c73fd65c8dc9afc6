/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image-fuzz FORMAT [options of libFuzzer]: opens what the fuzzer made as an image of that format, and reads and maps its disk. What it
 * claims to be must not matter: no crash, no hang, no memory beyond what the driver says it takes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arguments.h"
#include "image.h"
#include "vhdx-mend.h"
#include "vitrine/image.h"

enum { READ_MOST = 1 << 20, EXTENTS_MOST = 200 };

static VtImageFormat format;
static int           file;
static char         *path;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  if (!vt_image_format_from_name (take_argument (argc, argv), &format))
    {
      g_printerr ("usage: image-fuzz raw|qcow2|luks|vmdk|vdi|vhd|vhdx [options of libFuzzer]\n");
      exit (2);
    }
  file = memfd_create ("image", MFD_CLOEXEC);
  path = g_strdup_printf ("/proc/self/fd/%d", file);
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_MASK, drop_message, NULL);
  return 0;
}

/* What is behind a sum would not be reached. Half of them stay wrong. Where few bytes matter, in the log, more of them are changed. */
size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t len, size_t most, unsigned seed)
{
  enum { LOG_AT = 1 << 20, LOG_BYTES = 64 << 10 };
  bool vhdx = format == VT_IMAGE_VHDX, log = vhdx && len >= LOG_AT + LOG_BYTES && seed % 4 != 0;
  if (log)
    LLVMFuzzerMutate (bytes + LOG_AT, LOG_BYTES, LOG_BYTES);
  else
    len = LLVMFuzzerMutate (bytes, len, most);
  if (vhdx && seed / 4 % 2 != 0)
    vhdx_mend (bytes, len);
  return len;
}

static void
walk (VtImage *image)
{
  g_autofree uint8_t *buffer = g_malloc (READ_MOST);
  uint64_t            off = 0;
  for (unsigned i = 0; i < EXTENTS_MOST && off < image->size_bytes; i++)
    {
      VtExtent extent;
      if (image->ops->extent (image, off, image->size_bytes - off, &extent) != 0)
        break;
      vt_image_read (image, off, buffer, MIN (extent.len, READ_MOST) / 512 * 512);
      off += extent.len;
    }
  if (image->size_bytes >= 512)
    vt_image_read (image, (image->size_bytes - 512) / 512 * 512, buffer, 512);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t len)
{
  if (ftruncate (file, 0) != 0 || pwrite (file, bytes, len, 0) != (ssize_t) len)
    return 0;
  /* Headers of encrypted images, without the computing that a passphrase costs by design. */
  VtImage *image = vt_image_open (path, format, VT_IMAGE_READONLY | VT_IMAGE_NO_DATA, NULL, NULL);
  if (image != NULL)
    walk (image);
  vt_image_close (image);
  return 0;
}
