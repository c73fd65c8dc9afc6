/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for redirected USB devices: what the other end says, in packets and in raw bytes, what a guest asks meanwhile, and what
 * its machine goes through. */
#include "usb-redir-rig.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t len);

typedef struct
{
  const uint8_t *at;
  size_t         left;
} Numbers;

static uint64_t
take_number (void *opaque, unsigned bytes)
{
  Numbers *numbers = opaque;
  unsigned n = (unsigned) MIN (bytes, numbers->left);
  uint64_t value = vt_load_le (numbers->at, n);
  numbers->at += n;
  numbers->left -= n;
  return value;
}

static void
drop_message (const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, drop_message, NULL);
  g_autoptr (RedirRig) rig = redir_rig_new ();
  Numbers              numbers = { data, len };
  redir_rig_connect (rig, usb_redir_speed_high);
  while (numbers.left > 0)
    redir_rig_step (rig, take_number, &numbers);
  return 0;
}
