/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel loaders share. Private to this folder. */
#pragma once

#include "boot.h"

#include <stdio.h>

/* Where the loader's own structures go: below the first megabyte, above the BIOS data area. Kernels start higher. */
#define BOOT_GDT        0x1000u
#define BOOT_INFO       0x2000u    /* start info (PVH) or multiboot information, and its lists */
#define BOOT_INFO_END   0x10000u
#define BOOT_ZERO_PAGE  0x10000u   /* boot_params (Linux) */
#define BOOT_CMDLINE    0x20000u
#define BOOT_CMDLINE_MAX 0x10000u
#define BOOT_LOW_END    0x40000u
#define BOOT_STACK      0x40000u   /* grows down; the part below the command line's end is never reached by loaders */
#define BOOT_BASE_MEMORY 0x9fc00u
#define BOOT_HIGH       0x100000u

#define BOOT_MAP_MAX 12u

/* e820 types, the same in every protocol. */
enum { BOOT_MAP_RAM = 1, BOOT_MAP_RESERVED = 2, BOOT_MAP_ACPI = 3 };

typedef struct
{
  uint64_t base, len;
  uint32_t type;
} BootRange;

/* A machine while a kernel is being placed. */
typedef struct
{
  VtBoot          *boot;
  const VtBootEnv *env;
  BootRange        map[BOOT_MAP_MAX];
  unsigned         n_map;
  uint64_t         ram_end;       /* below 4 GiB: kernel and initrd end here; the tables come after it */
  uint64_t         rsdp;          /* 0: none */
  uint64_t         kernel_end;    /* first address above the kernel and what it needs to unpack itself */
  uint64_t         initrd_at, initrd_len;
  uint32_t         cmdline_at;
} BootPlan;

/* One piece of a kernel file, with the memory that it fills. */
typedef struct
{
  uint64_t file_off, file_len;
  uint64_t at, len;               /* len >= file_len; the rest is zeroed */
} BootSegment;

#define BOOT_SEGMENTS_MAX 64u

typedef struct
{
  uint32_t version;               /* protocol, 0x20f for 2.15 */
  uint32_t setup_len;             /* bytes of the file before the protected-mode kernel */
  uint32_t header_end;            /* of the setup header */
  uint64_t initrd_max;            /* highest address of its last byte */
  uint32_t cmdline_max;
  uint64_t init_at, init_len;     /* memory that unpacking needs; len 0: unknown */
  GBytes  *image;                 /* unpacked by us, while it is placed; or NULL */
  uint64_t image_at, image_entry; /* physical */
  bool     randomized;            /* its virtual addresses are */
} BootLinux;

struct VtBoot
{
  VtBootKind  kind;
  char       *kernel_path, *initrd_path, *append;
  FILE       *kernel_stream, *initrd_stream; /* what was opened, whatever becomes of the names */
  GBytes     *kernel, *initrd;               /* until they have been placed, and again while they are placed anew */
  BootLinux   lin;
  BootSegment segments[BOOT_SEGMENTS_MAX];   /* PVH, multiboot */
  unsigned    n_segments;
  uint32_t    entry;
};

static inline const uint8_t *
boot_file (const VtBoot *boot, uint64_t *len)
{
  gsize          size;
  const uint8_t *data = g_bytes_get_data (boot->kernel, &size);
  *len = size;
  return data;
}

bool boot_error (const VtBoot *boot, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Each says whether the file is of its kind; when it is and something is wrong, *error is set. */
bool boot_linux_parse (VtBoot *boot, GError **error);
bool boot_pvh_parse (VtBoot *boot, GError **error);
bool boot_multiboot_parse (VtBoot *boot, GError **error);

bool boot_linux_place (BootPlan *plan, VtBootState *out, GError **error);
bool boot_pvh_place (BootPlan *plan, VtBootState *out, GError **error);
bool boot_multiboot_place (BootPlan *plan, VtBootState *out, GError **error);

/* Unpacks the kernel, where that can be done, and moves it anew; sets lin.image. */
void boot_unpack (VtBoot *boot);
/* Places it, and the way into it. */
bool boot_place_unpacked (BootPlan *plan, VtBootState *out, GError **error);

/* ELF program headers of type PT_LOAD become segments; 32 and 64 bits. */
bool boot_elf_segments (VtBoot *boot, GError **error);

/* Steps of placing. */
bool boot_store (BootPlan *plan, uint64_t at, const void *data, uint64_t len, GError **error);
bool boot_place_segments (BootPlan *plan, GError **error);
bool boot_place_initrd (BootPlan *plan, uint64_t last_byte_max, GError **error);
bool boot_place_cmdline (BootPlan *plan, const char *text, uint32_t max, GError **error);
