/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine plugs into one place of an ATA controller, serial or parallel. */
#pragma once

#include "block.h"

typedef enum
{
  VT_ATA_NONE,
  VT_ATA_DISK,
  VT_ATA_CDROM,
} VtAtaKind;

typedef struct
{
  VtAtaKind   kind;
  VtBlock    *block;    /* borrowed; a CD drive may be empty (NULL) */
  const char *serial;   /* nullable: derived from the place */
} VtAtaSlot;
