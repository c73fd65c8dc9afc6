/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a USB device of this computer, with the rights that the person has or is granted. */
#pragma once

#include <gio/gio.h>

/* What is asked of this computer; tests have another. */
typedef struct
{
  /* A descriptor, or -1 with errno. */
  int      (*open) (gpointer data, const char *node);
  /* Asks for the right to open it: TRUE when it was granted. @error of G_IO_ERROR_NOT_FOUND: there is nobody to ask. */
  gboolean (*grant) (gpointer data, guint bus, guint address, GError **error);
  gpointer   data;
} VitrineUsbAccess;

/* The real one. Its grant() asks SPICE's helper (spice-client-glib-usb-acl-helper), which asks polkit; the right lasts as long as this
 * process. */
const VitrineUsbAccess *vitrine_usb_access_real (void);

/* The device node, opened; -1 after a sentence about what to do. Blocks, while the person is asked for a password. */
int vitrine_usb_access_open (const VitrineUsbAccess *access, guint bus, guint address, GError **error);
