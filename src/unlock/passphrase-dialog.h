/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks for the passphrase of an encrypted disk, until it is right or the person gives up. */
#pragma once

#include <gtk/gtk.h>

#include "unlock.h"

#define VITRINE_TYPE_PASSPHRASE_DIALOG (vitrine_passphrase_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrinePassphraseDialog, vitrine_passphrase_dialog, VITRINE, PASSPHRASE_DIALOG, GtkDialog)

/* key: the disk's, borrowed; NULL: given up. error: why, if it was no choice of the person. Called once. */
typedef void (*VitrinePassphraseDone) (VtSecret *key, const GError *error, gpointer data);

/* @disk outlives the dialog, which ends with its parent. */
VitrinePassphraseDialog *vitrine_passphrase_dialog_show (GtkWindow *parent, const VtDiskConfig *disk, VitrinePassphraseDone done,
                                                         gpointer data);
