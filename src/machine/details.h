/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A popover that says what runs, on what, and what the machine goes without. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"
#include "domain.h"

/* @backend may be NULL. */
void vitrine_details_show (GtkWidget *relative_to, VitrineDomain *domain, VitrineBackend *backend);
