/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices of a host: parts of a graphics card (vGPU), of a crypto matrix, of a channel subsystem, that a
 * driver makes for guests. Parents offer types, a device is made of one and has a UUID.
 *
 * Sources: Linux, Documentation/driver-api/vfio-mediated-device.rst; mdevctl(8); libvirt, formatnode. */
#pragma once

#include "host-plan.h"

typedef struct
{
  char *parent;            /* "0000:00:02.0", "matrix", "0.0.0313" */
  char *id;                /* "i915-GVTg_V5_4" */
  char *name, *description;   /* NULL: the host does not say */
  char *api;               /* "vfio-pci", "vfio-ccw", "vfio-ap": the model of its <hostdev> */
  guint available;         /* how many more can be made */
} VitrineMdevType;

typedef struct
{
  char    *uuid, *parent, *type;   /* parent NULL: the host does not say */
  char    *api;                    /* NULL: its type is not listed */
  gboolean active;                 /* there now; otherwise only defined for later */
  gboolean persistent;             /* mdevctl(8) makes it again */
} VitrineMdevDevice;

typedef struct
{
  GPtrArray *types, *devices;      /* of the two above, sorted */
  gboolean   has_mdevctl;
} VitrineMdevs;

VitrineMdevs *vitrine_mdevs_new_from_tree (VitrineHostTree *tree);
/* @xml: what virNodeDeviceGetXMLDesc() says of all devices; what is no such XML is left out. Strings are the host's. */
VitrineMdevs *vitrine_mdevs_new_from_libvirt (const char *const *xml);
void          vitrine_mdevs_free (VitrineMdevs *mdevs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineMdevs, vitrine_mdevs_free)

/* Borrowed; NULL: none. */
const VitrineMdevType   *vitrine_mdevs_find_type (const VitrineMdevs *mdevs, const char *parent, const char *id);
const VitrineMdevDevice *vitrine_mdevs_find_device (const VitrineMdevs *mdevs, const char *uuid);

/* Plans. The error is a sentence; nothing is in the plan then. Crypto matrices have their own: ap-plan.h. */
VitrineHostPlan *vitrine_mdev_plan_create (const VitrineMdevs *mdevs, const char *parent, const char *type,
                                           const char *uuid, GError **error);
VitrineHostPlan *vitrine_mdev_plan_remove (const VitrineMdevs *mdevs, const char *uuid, GError **error);
/* The same for a libvirt host: what virNodeDeviceDefineXML() takes. */
char            *vitrine_mdev_xml_create (const VitrineMdevs *mdevs, const char *parent, const char *type,
                                          const char *uuid, GError **error);
