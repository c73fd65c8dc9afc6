/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shortcuts that stay on the host while the guest has the keyboard. */
#pragma once

#include <gtk/gtk.h>

typedef struct VitrineHostKeys VitrineHostKeys;

/* @accelerators: as in GTK, "<Alt>Tab"; what is none is left out. */
VitrineHostKeys *vitrine_host_keys_new (const char *const *accelerators);
void             vitrine_host_keys_free (VitrineHostKeys *self);
gboolean         vitrine_host_keys_match (const VitrineHostKeys *self, const GdkEventKey *event);
/* Presses it again for whoever else listens on this desktop; nothing may be grabbed then. X11 only: elsewhere the desktop decides
 * by itself what it leaves to us. */
void             vitrine_host_keys_pass_on (const GdkEventKey *event);
