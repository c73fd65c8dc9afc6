/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices for hot plug as dictionaries, which is how they travel between processes: see Machine1's AttachDisk. */
#pragma once

#include <gio/gio.h>
#include <vitrine/config.h>

/* Floating. */
GVariant *vitrine_disk_to_words (const VtDiskConfig *disk);
GVariant *vitrine_net_to_words (const VtNetConfig *net);
/* A configuration of that one device; what words do not say is as usual. */
VtConfig *vitrine_disk_from_words (GVariant *words, GError **error);
VtConfig *vitrine_net_from_words (GVariant *words, GError **error);

/* The words with one that names a descriptor of the same message; floating. */
GVariant *vitrine_words_add_handle (GVariant *words, const char *key, gint32 handle);
/* "52:54:00:12:34:56" */
char     *vitrine_mac_to_text (const guint8 mac[6]);
