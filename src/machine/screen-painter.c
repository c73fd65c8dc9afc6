/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of a painter. */
#include "screen-painter.h"

VitrinePainter *
vitrine_painter_new (GtkWidget *widget, const char *wish)
{
  const char *variable = g_getenv ("VITRINE_RENDERER");
  const char *name = variable != NULL && *variable != '\0' ? variable : wish;
  VitrinePainter *painter = NULL;

  if (g_strcmp0 (name, "cairo") != 0)
    painter = vitrine_painter_new_gl (widget, g_strcmp0 (name, "gl") == 0);
  if (painter == NULL)
    painter = vitrine_painter_new_cairo (widget);
  g_debug ("The screen is painted with %s", painter->name);
  return painter;
}
