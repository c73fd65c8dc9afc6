/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irq.h"

#include <stddef.h>

void
vt_irq_set (VtIrq *irq, bool level)
{
  if (irq->level == level)
    return;
  irq->level = level;
  if (irq->set != NULL && (irq->muted == NULL || !*irq->muted))
    irq->set (irq->sink, irq->pin, level);
}

void
vt_irq_pulse (VtIrq *irq)
{
  vt_irq_set (irq, true);
  vt_irq_set (irq, false);
}

VtIrq
vt_irq_detached (const char *label)
{
  return (VtIrq) { .label = label };
}
