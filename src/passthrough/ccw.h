/* SPDX-License-Identifier: GPL-3.0-or-later */
/* I/O subchannels of an IBM Z host: each leads to one device, a DASD or a tape. The driver vfio_ccw gives one away; a
 * mediated device of type "vfio_ccw-io" is then made of it (mdev.h).
 *
 * Sources: Linux, Documentation/arch/s390/vfio-ccw.rst and driver-model.rst; drivers/s390/cio/css.c (attributes). */
#pragma once

#include "host-plan.h"

typedef struct
{
  char    *name;         /* "0.0.0313", of the subchannel */
  char    *device;       /* "0.0.1234", what people call the device by; NULL: the subchannel does not say */
  char    *driver;       /* "io_subchannel", "vfio_ccw"; NULL: none */
  char    *chpids;       /* "40, 41": the channel paths to it */
  char    *disk;         /* "dasda"; NULL: it is none that the host uses */
  gboolean online;       /* the host works with it */
  char    *needed;       /* why the host cannot do without it: a sentence; NULL */
} VitrineCcwSubchannel;

/* Of VitrineCcwSubchannel, sorted by the device; empty when this is no IBM Z. */
GPtrArray                  *vitrine_ccw_list_from_tree (VitrineHostTree *tree);
/* By the subchannel's or the device's name; borrowed; NULL: none. */
const VitrineCcwSubchannel *vitrine_ccw_find (const GPtrArray *subchannels, const char *name);

/* Sets the device offline and hands the subchannel to vfio_ccw. What the host needs is refused unless @needed_too. */
VitrineHostPlan *vitrine_ccw_plan_take (VitrineHostTree *tree, const char *name, gboolean needed_too, GError **error);
/* Hands it back to the host's driver; the device stays offline. */
VitrineHostPlan *vitrine_ccw_plan_give_back (VitrineHostTree *tree, const char *name, GError **error);
