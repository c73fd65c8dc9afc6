/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial console in a terminal. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"

GtkWidget *vitrine_console_page_new (VitrineBackend *backend, guint console, const char *title);
