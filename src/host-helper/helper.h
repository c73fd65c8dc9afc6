/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-host-helper: the only part of Vitrine that runs as root. A service on the system bus that is started when
 * somebody calls it, and goes away when nobody does. Callers name things; it reads the computer itself, makes the plan
 * with the code that makes the dry run, asks polkit about the caller, runs the plan. One call at a time. */
#pragma once

#include "host-plan.h"

typedef struct
{
  VitrineHostTree        *tree;
  const VitrineHostHands *hands;          /* NULL: files are written, programs are run */
  gpointer                data;           /* of hands */
  GBusType                bus;
  guint                   idle_seconds;
} VitrineHelper;

/* What a program's main() returns. Runs until there is nothing to do. */
int vitrine_helper_run (const VitrineHelper *helper);
