/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend without a computer: an animated test card that shows what is typed, and a console that echoes. */
#pragma once

#include <vitrine/config.h>

#include "backend.h"

#define VITRINE_TYPE_FAKE_BACKEND (vitrine_fake_backend_get_type ())
G_DECLARE_FINAL_TYPE (VitrineFakeBackend, vitrine_fake_backend, VITRINE, FAKE_BACKEND, GObject)

/* Fails like an engine would when a disk is missing. Words in the kernel command line steer it: width=, height= and heads=; "absolute"
 * for a tablet, "follows" for a guest that takes its monitor's size, "still" and "pattern" for what is drawn, "pointed" for a cursor
 * of its own, "block" for a full disk, "agent" for one in the guest. */
VitrineBackend *vitrine_fake_backend_open (const VtConfig *config, GError **error);
gboolean        vitrine_fake_backend_is_traced (VitrineFakeBackend *self);
