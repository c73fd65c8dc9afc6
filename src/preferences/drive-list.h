/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drives of a definition as rows in boot order: change an image, move, remove, add. Signal: "changed" (). */
#pragma once

#include <handy.h>

#include "domain.h"

#define VITRINE_TYPE_DRIVE_LIST (vitrine_drive_list_get_type ())
G_DECLARE_FINAL_TYPE (VitrineDriveList, vitrine_drive_list, VITRINE, DRIVE_LIST, GtkBox)

/* Changes @domain as the person does. */
GtkWidget *vitrine_drive_list_new (VitrineDomain *domain);
/* The first thing wrong, as a sentence: an image that cannot be read. */
gboolean   vitrine_drive_list_check (VitrineDriveList *self, GError **error);
