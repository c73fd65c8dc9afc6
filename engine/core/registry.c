/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from device.c, so that only programs that look devices up need the generated list. */
#include "device.h"

const VtDeviceClass *
vt_device_class_find (const char *name)
{
  for (const VtDeviceClass *const *cls = vt_device_classes; *cls != NULL; cls++)
    if (g_str_equal ((*cls)->name, name))
      return *cls;
  return NULL;
}
