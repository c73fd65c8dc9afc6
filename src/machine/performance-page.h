/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast a machine is, and what slows it: figures and graphs of the last minute. Looks at the machine once a second, and
 * only while it can be seen. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"

/* Adds itself to the stack. */
GtkWidget *vitrine_performance_page_add_to (GtkStack *stack, VitrineBackend *backend);
