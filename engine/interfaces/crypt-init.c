/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypt-init.h"

#include <gcrypt.h>
#include <glib.h>

/* Keys, passphrases, and one split key of LUKS at a time (64 bytes * 4000 stripes), for a few disks at once. */
#define LOCKED_BYTES (1u << 20)

static gpointer
init_gcrypt (gpointer data)
{
  if (gcry_control (GCRYCTL_INITIALIZATION_FINISHED_P) != 0)
    return NULL;     /* somebody else of this process was first */
  gcry_check_version (NULL);
  gcry_control (GCRYCTL_INIT_SECMEM, LOCKED_BYTES, 0);
  gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0);
  return NULL;
}

void
vt_crypt_init (void)
{
  static GOnce once = G_ONCE_INIT;
  g_once (&once, init_gcrypt, NULL);
}
