/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message at the top of a window: an info bar in a slot. A new one takes the place of the old. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  const char *label;              /* with mnemonic, untranslated; NULL ends the list */
  void       (*clicked) (gpointer data);
  const char *style;              /* extra style class, or NULL */
} VitrineNoticeButton;

void vitrine_notice_show (GtkBox *slot, GtkMessageType type, const char *message, const char *detail);
/* @buttons must outlive the notice. A click also closes it. */
void vitrine_notice_show_with (GtkBox *slot, GtkMessageType type, const char *message, const VitrineNoticeButton *buttons,
                               gpointer data);
void vitrine_notice_clear (GtkBox *slot);
