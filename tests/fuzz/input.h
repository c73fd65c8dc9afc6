/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "arguments.h"
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
  unsigned size = 1u << (take (input, 1) & 3);      /* CLAMP() evaluates it more than once */
  return CLAMP (size, MAX (region->ops->min_size, 1u), most);
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

/* The device that the first argument names; `fits` NULL: any. When it is none of these, the program ends. */
static inline const VtDeviceClass *
take_device (int *argc, char ***argv, const VtDeviceClass *const *classes, bool (*fits) (const VtDeviceClass *cls))
{
  const char *program = (*argv)[0], *name = take_argument (argc, argv);
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, drop_message, NULL);
  for (const VtDeviceClass *const *cls = classes; *cls != NULL; cls++)
    if (strcmp ((*cls)->name, name) == 0 && (fits == NULL || fits (*cls)))
      return *cls;
  g_printerr ("usage: %s DEVICE [options of libFuzzer]\ndevices:", program);
  for (; *classes != NULL; classes++)
    if (fits == NULL || fits (*classes))
      g_printerr (" %s", (*classes)->name);
  g_printerr ("\n");
  exit (1);
}

/* The world outlives the inputs, for speed; time and memory begin anew with each, and so does what the caller plugs in. */
static inline void
begin_anew (Rig *rig)
{
  if (rig->mem == NULL)
    rig_init_world (rig);
  vt_clock_set_now (rig->clock, 0);
  memset (rig->host, 0, RIG_RAM_BYTES);
}

/* One input on a new device: `begin` (nullable), then a step after the other until it is used up. */
static inline void
run_input (const VtDeviceClass *cls, const uint8_t *data, size_t len, void (*begin) (Rig *rig, Input *input),
           void (*step) (Rig *rig, Input *input))
{
  static Rig rig;
  Input      input = { data, len };
  begin_anew (&rig);
  rig_plug (&rig, cls);
  if (begin != NULL)
    begin (&rig, &input);
  while (input.left > 0)
    step (&rig, &input);
  rig_unplug (&rig);
}
