/* SPDX-License-Identifier: GPL-3.0-or-later */
/* org.vitrine.Machine1's SendFiles. Main thread only. */
#pragma once

#include "file-keeper.h"
#include "machine1.h"
#include "service.h"

typedef struct VitrineFileService VitrineFileService;

/* @service, which owns it, and @skeleton outlive it. */
VitrineFileService *vitrine_file_service_new (VitrineService *service, VitrineBusMachine1 *skeleton);
void                vitrine_file_service_free (VitrineFileService *self);
void                vitrine_file_service_set_keeper (VitrineFileService *self, const VitrineFileKeeper *functions, gpointer keeper);
