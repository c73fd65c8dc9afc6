/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps that make and remove a mediated device, whatever it is of. */
#pragma once

#include "mdev.h"

/* An attribute that is written once the device is there: "assign_adapter", "5". */
typedef struct
{
  const char *name;
  guint       value;
} VitrineMdevAttribute;

VitrineMdevs *vitrine_mdevs_new (void);
void          vitrine_mdevs_sort (VitrineMdevs *mdevs);

/* Can it be made? The error is a sentence. */
gboolean vitrine_mdevs_check_new (const VitrineMdevs *mdevs, const char *parent, const char *type, const char *uuid,
                                  GError **error);

/* In that order. With mdevctl it is made again whenever the host starts. */
void vitrine_mdev_plan_add (VitrineHostPlan *plan, gboolean mdevctl, const char *parent, const char *type,
                            const char *uuid, const GArray *attributes);
/* It is gone, but can come back while the plan runs. @attributes: what it is to have then. */
void vitrine_mdev_plan_stop (VitrineHostPlan *plan, const VitrineMdevDevice *device, const GArray *attributes);
/* The last step. */
void vitrine_mdev_plan_forget (VitrineHostPlan *plan, const VitrineMdevDevice *device);

/* <device> as virNodeDeviceDefineXML() takes it. */
char *vitrine_mdev_to_libvirt (const char *parent, const char *type, const char *uuid, const GArray *attributes);
