/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One host in the library: its name, how it is, and its machines as cards. Asks for credentials when the host does.
 * Signals for what needs the whole window: "error" (message); "remove-host" (). */
#pragma once

#include <gtk/gtk.h>

#include "host.h"

#define VITRINE_TYPE_HOST_SECTION (vitrine_host_section_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHostSection, vitrine_host_section, VITRINE, HOST_SECTION, GtkBox)

GtkWidget   *vitrine_host_section_new (VitrineHost *host);
VitrineHost *vitrine_host_section_get_host (VitrineHostSection *self);
/* Shows only cards that match; NULL: all. Hides itself when there are none of them. Returns how many there are. */
guint        vitrine_host_section_filter (VitrineHostSection *self, const char *words);
