/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for translated code, and what else a translator needs of the host.
 *
 * The host layer installs the functions once, before the first machine (host/code-memory.c); a translator that finds none
 * says that it cannot run.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Large pages of the host, which code is made to lie in. */
#define VT_CODE_LARGE_BYTES ((size_t) 2 << 20)

/* The same pages mapped twice: written through one mapping, executed through the other. No page is ever both. Both begin at a multiple
 * of VT_CODE_LARGE_BYTES. */
typedef struct
{
  uint8_t *rw;
  uint8_t *rx;
  size_t   size;      /* bytes, whole large pages */
} VtCodeMemory;

typedef struct
{
  /* Zeroed; pages cost memory when first written. */
  bool (*map) (VtCodeMemory *out, size_t size, GError **error);
  void (*unmap) (VtCodeMemory *memory);
  /* VT_CODE_LARGE_BYTES from `from` on, a multiple of them, are about to be filled: become one large page, if the host has one. */
  void (*prepare) (const VtCodeMemory *memory, size_t from);
  /* The whole pages of it are zeroed and cost nothing until they are written again. */
  void (*give_back) (const VtCodeMemory *memory, size_t from, size_t size);
  /* Sets the base of the GS segment of the calling thread, which translated code reaches its vCPU through. The C library
   * leaves GS alone on x86-64 Linux. */
  void (*set_gs_base) (void *base);
  /* Names a piece of code for profilers. Any thread. */
  void (*note) (const void *code, size_t size, const char *name);
  /* Host time, for statistics. Any thread. */
  int64_t (*now_ns) (void);
  /* Zeroed memory in large pages, if the host has some; it costs nothing until it is touched. `low`: below 2 GiB, where instructions
   * reach it without a base. NULL: none free. */
  void *(*map_large) (size_t size, bool low);
  void (*give_back_large) (void *at, size_t from, size_t size);
  void (*unmap_large) (void *at, size_t size);
} VtCodeMemoryOps;

/* Not thread safe; once, at start. */
void vt_code_memory_install (const VtCodeMemoryOps *ops);
/* NULL: none installed. */
const VtCodeMemoryOps *vt_code_memory_ops (void);

/* Zeroed memory for large tables that are filled from their start: in large pages if the host has some. It costs nothing until it is
 * touched. Any thread, like the next two. */
void *vt_large_alloc (size_t size);
/* What is in its bytes from `from` on may be lost, and then costs nothing until it is touched again. */
void  vt_large_give_back (void *at, size_t from, size_t size);
/* NULL is ignored. */
void  vt_large_free (void *at, size_t size);
