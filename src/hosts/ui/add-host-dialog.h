/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adds a libvirt host, by a form that makes the URI, or by the URI itself. */
#pragma once

#include <gtk/gtk.h>

#include "hosts.h"

GtkWidget *vitrine_add_host_dialog_new (GtkWindow *parent, VitrineHosts *hosts);
