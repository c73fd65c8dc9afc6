/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by mem.c (who is mapped where) and mem-view.c (what that means for an access). */
#pragma once

#include "mem.h"

struct VtMapping
{
  VtMem          *mem;
  VtRam          *ram;        /* nullable */
  uint64_t        ram_off;
  VtDevice       *dev;        /* nullable */
  const VtRegion *region;
  VtGpa           at;
  uint64_t        len;
  int             priority;
  VtAccess        reads, writes;
  bool            enabled;
};

/* A stretch of one direction of the flattened space: [start, start + len) is answered by one mapping. */
typedef struct
{
  uint64_t        start, len;
  VtAccess        access;     /* never VT_ACCESS_NONE */
  VtRam          *ram;
  uint64_t        ram_off;    /* of start */
  VtDevice       *dev;
  const VtRegion *region;
  uint64_t        region_off; /* of start */
} VtSection;

struct VtView
{
  int        refs;
  VtMem     *mem;
  VtSection *sections[2];     /* [0] reads, [1] writes; sorted, disjoint */
  size_t     n_sections[2];
};

struct VtMem
{
  char       *name;
  uint64_t    size;
  VtLock     *lock;           /* the machine lock; nullable */
  VtMem      *base;           /* of an overlay; else NULL */
  VtMem      *overlay;        /* above this one; nullable */
  GPtrArray  *mappings;       /* VtMapping*, oldest first */
  unsigned    open_changes;
  bool        changed;
  GMutex      view_lock;      /* guards taking a reference on `view` against its replacement */
  VtView     *view;
  uint64_t    generation;
  GArray     *listeners;
};

VtView          *vt_view_build (VtMem *mem);
const VtSection *vt_view_find (const VtView *view, uint64_t at, bool write);   /* NULL: nothing answers */
