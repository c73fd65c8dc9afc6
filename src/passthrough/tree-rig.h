/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: host trees in a temporary folder. */
#pragma once

#include "host-tree.h"

/* In a folder of its own, empty. */
char *tree_rig_make (void);
void  tree_rig_drop (char *root);   /* with all that is in it; frees @root */
/* @text with a newline; folders are made. */
void  tree_rig_file (const char *root, const char *path, const char *text);
void  tree_rig_link (const char *root, const char *path, const char *target);
void  tree_rig_program (const char *root, const char *path, const char *script);
/* A file, a link, or a folder with all that is in it. */
void  tree_rig_remove (const char *root, const char *path);
/* All files with what is in them, all links and folders: to be compared. */
char *tree_rig_describe (const char *root);
/* A file, a link, or a folder with all that is in it. */
void  tree_rig_forget (const char *full_path);
