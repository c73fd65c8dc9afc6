/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a computer says of itself in /sys and /proc, under a root folder: "/" is this computer, others are trees of
 * tests. Everything is read anew each time. Immutable, so any thread; functions block for small files only.
 *
 * Paths are relative to the root ("sys/bus/pci/devices/%s/class") and printf-like. One with a ".." in it is not there.
 */
#pragma once

#include <gio/gio.h>

#define VITRINE_HOST_TREE_MAX_BYTES (64 * 1024)   /* of one attribute; sysfs's own have at most a page */

typedef struct _VitrineHostTree VitrineHostTree;

VitrineHostTree *vitrine_host_tree_new (const char *root);
/* This computer, or the tree that the variable VITRINE_HOST_TREE names, for tests. */
VitrineHostTree *vitrine_host_tree_open (void);
VitrineHostTree *vitrine_host_tree_ref (VitrineHostTree *tree);
void             vitrine_host_tree_unref (VitrineHostTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostTree, vitrine_host_tree_unref)

/* Where @path is on this computer. NULL: outside of the tree. */
char    *vitrine_host_tree_get_path (VitrineHostTree *tree, const char *path);
/* Is it this computer, which programs run on? */
gboolean vitrine_host_tree_is_real (VitrineHostTree *tree);

/* An attribute, stripped, as valid UTF-8; NULL: there is none, or it cannot be read. What is longer is cut off. */
char    *vitrine_host_tree_read (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);
/* "0x10de" and "42". FALSE: there is none, or it is no number; @value is 0 then. */
gboolean vitrine_host_tree_read_number (VitrineHostTree *tree, guint64 *value, const char *path, ...)
  G_GNUC_PRINTF (3, 4);
/* Names in a folder, sorted; empty when there is no such folder. */
GStrv    vitrine_host_tree_list (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);
/* The last part of what a link says: of "driver", "iommu_group", "subsystem". NULL: there is no such link. */
char    *vitrine_host_tree_link (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);
/* All that a link says, as it is. */
char    *vitrine_host_tree_target (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);
gboolean vitrine_host_tree_exists (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);
/* Where a path really is, relative to the root, with all links followed: for what lies above a device
 * ("sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"). NULL: there is none, or it is outside. */
char    *vitrine_host_tree_resolve (VitrineHostTree *tree, const char *path, ...) G_GNUC_PRINTF (2, 3);

/* A large file as a whole, of at most @max_bytes. NULL: there is none, or it is larger. */
GBytes  *vitrine_host_tree_map (VitrineHostTree *tree, gsize max_bytes, const char *path, ...) G_GNUC_PRINTF (3, 4);

/* One write() of @value and a newline into an attribute that is there; "" is a lone newline. What the kernel answers is
 * the error (domain G_IO_ERROR, a sentence). Only VitrineHostPlan has a reason to call this. */
gboolean vitrine_host_tree_write (VitrineHostTree *tree, const char *path, const char *value, GError **error);
/* A program of this tree, found in its usr/sbin, usr/bin, sbin and bin: what it complains of is the error. Blocks until
 * it has ended. In a tree of a test it is started with VITRINE_HOST_TREE set to the root. */
gboolean vitrine_host_tree_run (VitrineHostTree *tree, const char *const *argv, GError **error);
/* Has the tree that program? */
gboolean vitrine_host_tree_has_program (VitrineHostTree *tree, const char *name);
