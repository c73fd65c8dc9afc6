/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend on the engine, in this process. */
#pragma once

#include <vitrine/machine.h>

#include "backend.h"

#define VITRINE_TYPE_ENGINE_BACKEND (vitrine_engine_backend_get_type ())
G_DECLARE_FINAL_TYPE (VitrineEngineBackend, vitrine_engine_backend, VITRINE, ENGINE_BACKEND, GObject)

/* Builds the machine, paused. Opens images and loads firmware, which blocks for the time of that. */
VitrineBackend *vitrine_engine_backend_open (const VtConfig *config, GError **error);
/* Borrowed. */
VtMachine      *vitrine_engine_backend_get_machine (VitrineBackend *self);
/* For a machine that exists: owns it from here on, and is the one that hears its events. */
VitrineBackend *vitrine_engine_backend_new (VtMachine *machine);
