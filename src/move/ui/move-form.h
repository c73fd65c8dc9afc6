/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of a move as a form: those that its kind has. */
#pragma once

#include <gtk/gtk.h>

#include "move.h"

#define VITRINE_TYPE_MOVE_FORM (vitrine_move_form_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMoveForm, vitrine_move_form, VITRINE, MOVE_FORM, GtkListBox)

GtkWidget *vitrine_move_form_new (VitrineMove *move);
/* After checks: pools and networks of the target are known then. */
void       vitrine_move_form_update (VitrineMoveForm *self);
/* What is chosen, into the move's options. */
void       vitrine_move_form_take (VitrineMoveForm *self);
