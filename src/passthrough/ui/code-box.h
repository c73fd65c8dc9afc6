/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text to be read and copied: XML, commands. With a button that copies it. */
#pragma once

#include <gtk/gtk.h>

#define VITRINE_TYPE_CODE_BOX (vitrine_code_box_get_type ())
G_DECLARE_FINAL_TYPE (VitrineCodeBox, vitrine_code_box, VITRINE, CODE_BOX, GtkBox)

/* @title with mnemonic: of what it is, over the text. @copy: the button's label, with mnemonic. */
GtkWidget *vitrine_code_box_new (const char *title, const char *copy);
void       vitrine_code_box_set_text (VitrineCodeBox *self, const char *text);
