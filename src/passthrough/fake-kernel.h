/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: does to a tree of tests/passthrough/trees.py what Linux would do when an attribute is written, or a module
 * loaded. */
#pragma once

#include "host-plan.h"

typedef struct
{
  guint fail_at;   /* which call fails, from 1; 0: none. Later calls work: they undo */
  guint calls;
} FakeKernel;

/* Data is a FakeKernel. */
extern const VitrineHostHands fake_kernel_hands;

/* A new tree of that kind in a temporary folder. Drop it with tree_rig_drop(). */
char *fake_kernel_make_tree (const char *kind);
