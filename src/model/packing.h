/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that a machine takes along when it goes to another computer, and how they become one file each. Any thread;
 * blocks. */
#pragma once

#include "domain.h"
#include "import.h"

typedef struct
{
  char    *what;        /* a disk's target, "nvram", "kernel", "initrd" */
  char    *path, *name; /* here; what it may be called elsewhere: plain letters */
  char    *format;      /* "raw", "qcow2" */
  guint    others;      /* images that it stands on: it is sent as one that holds everything */
  guint    snapshots;   /* inside its image; they go along only with an image that stands on no other */
  guint64  file_bytes;  /* that are sent; of one that stands on others: at most */
} VitrinePackedFile;

void vitrine_packed_file_free (VitrinePackedFile *file);

/* Of VitrinePackedFile; UEFI variables that were never written are not among them. Encrypted disks are an error: the
 * passphrase would have to be given to the other computer. */
GPtrArray *vitrine_packing_list (VitrineDomain *domain, GError **error);
/* One image with all that its chain has, in @folder: the new path. */
char      *vitrine_packing_flatten (VitrineDomain *domain, const VitrinePackedFile *file, const char *folder,
                                    VitrinePart *part, GError **error);
/* The same of images that were fetched into @folder: @names are those of a chain from the top, which are known to
 * each other by other names. */
gboolean   vitrine_packing_join (const char *folder, const char *const *names, const char *to, VitrinePart *part, GError **error);
/* The definition names that file from now on. @format of a disk; NULL: as it is. */
void       vitrine_packing_set_path (VitrineDomain *domain, const char *what, const char *path, const char *format);
