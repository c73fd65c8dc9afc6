/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend without a computer: an animated test card that shows what is typed, and a console that echoes. */
#pragma once

#include <vitrine/config.h>

#include "backend.h"

#define VITRINE_TYPE_FAKE_BACKEND (vitrine_fake_backend_get_type ())
G_DECLARE_FINAL_TYPE (VitrineFakeBackend, vitrine_fake_backend, VITRINE, FAKE_BACKEND, GObject)

/* Fails like an engine would when a disk is missing. "screen=WIDTHxHEIGHT", "absolute", "block" and "die" in the kernel command
 * line steer it. */
VitrineBackend *vitrine_fake_backend_open (const VtConfig *config, GError **error);
gboolean        vitrine_fake_backend_is_traced (VitrineFakeBackend *self);
