/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts to choose one from, each with its state. Signal "changed" (): another one, or one is connected now. */
#pragma once

#include <gtk/gtk.h>

#include "hosts.h"

#define VITRINE_TYPE_HOST_LIST_BOX (vitrine_host_list_box_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHostListBox, vitrine_host_list_box, VITRINE, HOST_LIST_BOX, GtkListBox)

/* @without may be NULL. */
GtkWidget   *vitrine_host_list_box_new (VitrineHosts *hosts, VitrineHost *without);
/* Connected; NULL: none is chosen. Borrowed. */
VitrineHost *vitrine_host_list_box_get (VitrineHostListBox *self);
