/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's storage, networks and devices. */
#pragma once

#include <gtk/gtk.h>

#include "host.h"

GtkWidget *vitrine_host_page_new (GtkWindow *parent, VitrineHost *host);
