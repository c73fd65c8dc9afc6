/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who brings the guest's picture onto the window: cairo (screen-cairo.c), or OpenGL where a real graphics processor does it
 * (screen-gl.c). Both keep a copy of the picture, so that only what changed is copied. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"

typedef struct
{
  int    x, y, width, height;   /* where the picture lies in the widget, device pixels */
  int    device_scale;          /* device pixels per widget pixel */
  double zoom;                  /* device pixels per guest pixel */
  gboolean smooth;              /* between pixels; never where each is a whole number of device pixels */
} VitrinePlacement;

/* From here on cr draws in guest pixels, and only in the picture. Between cairo_save() and cairo_restore(). */
void vitrine_placement_enter (const VitrinePlacement *at, cairo_t *cr);

typedef struct _VitrinePainter VitrinePainter;

typedef struct
{
  void (*free) (VitrinePainter *self);
  gboolean (*resize) (VitrinePainter *self, guint width, guint height);   /* FALSE: too large; nothing can be painted */
  void (*take) (VitrinePainter *self, const VitrineFrame *frame, const GdkRectangle *damage);
  void (*paint) (VitrinePainter *self, cairo_t *cr, const VitrinePlacement *at);
} VitrinePainterClass;

struct _VitrinePainter
{
  const VitrinePainterClass *klass;
  const char                *name;
};

VitrinePainter *vitrine_painter_new_cairo (GtkWidget *widget);
/* NULL: there is no graphics processor that would be faster. */
VitrinePainter *vitrine_painter_new_gl (GtkWidget *widget, gboolean even_software);

/* By VITRINE_RENDERER, "cairo" or "gl"; else by @wish ("auto", "cairo", "gl"). The widget is realized. */
VitrinePainter *vitrine_painter_new (GtkWidget *widget, const char *wish);
