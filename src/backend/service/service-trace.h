/* SPDX-License-Identifier: GPL-3.0-or-later */
/* org.vitrine.Machine1's Trace. Main thread only. */
#pragma once

#include "machine1.h"
#include "service.h"

typedef struct VitrineTraceService VitrineTraceService;

/* @service, which owns it, and @skeleton outlive it. */
VitrineTraceService *vitrine_trace_service_new (VitrineService *service, VitrineBusMachine1 *skeleton);
/* Before another backend, or none, takes the place of the one that is traced. */
void                 vitrine_trace_service_end (VitrineTraceService *self);
void                 vitrine_trace_service_free (VitrineTraceService *self);
