/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
#include "rig.h"

/* What a fuzzer made up, and how much of it is left. */
typedef struct
{
  const uint8_t *at;
  size_t         left;
} Input;

/* A little-endian number of that many bytes, at most 8; zeros when the input is used up. */
static inline uint64_t
take (Input *input, unsigned bytes)
{
  unsigned n = (unsigned) MIN (bytes, input->left);
  uint64_t value = vt_load_le (input->at, n);
  input->at += n;
  input->left -= n;
  return value;
}

/* A region of the class, chosen by the input; NULL when it has none. */
static inline const VtRegion *
take_region (Input *input, const VtDeviceClass *cls)
{
  unsigned n = 0;
  while (cls->regions != NULL && cls->regions[n] != NULL)
    n++;
  return n == 0 ? NULL : cls->regions[take (input, 1) % n];
}

/* A size that the region takes. */
static inline unsigned
take_size (Input *input, const VtRegion *region)
{
  unsigned most = region->ops->max_size != 0 ? region->ops->max_size : 8;
  return CLAMP (1u << (take (input, 1) & 3), MAX (region->ops->min_size, 1u), most);
}

/* An access there, of a value from the input; none at all where it does not fit. */
static inline void
access_region (Rig *rig, Input *input, const VtRegion *region, uint64_t off, unsigned size, bool write)
{
  if (!region->ops->unaligned)
    off &= ~(uint64_t) (size - 1);
  if (!vt_fits (off, size, region->length))
    return;
  if (write)
    region->ops->write (rig->dev, off, take (input, size), size);
  else
    region->ops->read (rig->dev, off, size);
}

static inline void
fill_memory (Rig *rig, Input *input)
{
  uint64_t at = take (input, 2) * 8 % RIG_RAM_BYTES;
  size_t asked = take (input, 1) & 63, n = MIN (asked, input->left);
  if (!vt_fits (at, n, RIG_RAM_BYTES))
    return;
  memcpy (rig->host + at, input->at, n);
  input->at += n;
  input->left -= n;
}

static inline void
drop_message (const char *domain, GLogLevelFlags level, const char *message, void *opaque)
{
}

/* The device that the first argument names, which libFuzzer is not to see; NULL when it is none of these. */
static inline const VtDeviceClass *
take_device (int *argc, char ***argv, const VtDeviceClass *const *classes)
{
  const char *name = *argc > 1 ? (*argv)[1] : "";
  while (*classes != NULL && strcmp ((*classes)->name, name) != 0)
    classes++;
  if (*classes == NULL)
    return NULL;
  (*argv)[1] = (*argv)[0];
  (*argv)++;
  (*argc)--;
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, drop_message, NULL);
  return *classes;
}

static inline void
print_usage (const char *program, const VtDeviceClass *const *classes)
{
  g_printerr ("usage: %s DEVICE [options of libFuzzer]\ndevices:", program);
  for (; *classes != NULL; classes++)
    g_printerr (" %s", (*classes)->name);
  g_printerr ("\n");
}
