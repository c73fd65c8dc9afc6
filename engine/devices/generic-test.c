/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every registered device gets for free. */
#include "device.h"

static void
every_state_block_is_covered_by_its_fields (void)
{
  for (const VtDeviceClass *const *cls = vt_device_classes; *cls != NULL; cls++)
    {
      g_autofree char *message = NULL;
      if (!vt_state_complete (&(*cls)->state, &message))
        g_error ("%s: %s", (*cls)->name, message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/devices/fields-complete", every_state_block_is_covered_by_its_fields);
  return g_test_run ();
}
