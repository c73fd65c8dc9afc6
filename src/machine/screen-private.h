/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the screen widget share: screen.c pulls frames, screen-geometry.c says where they are drawn and tells the
 * guest how large its monitor is, screen-cursor.c shows the guest's pointer, screen-keyboard.c and screen-pointer.c send
 * input. */
#pragma once

#include "active-watch.h"
#include "host-keys.h"
#include "screen-painter.h"
#include "screen.h"

#define EVDEV_MAX 768   /* KEY_MAX + 1 */

struct _VitrineScreen
{
  GtkDrawingArea parent_instance;

  VitrineBackend *backend;
  guint           head;

  /* Frames */
  char           *renderer;           /* "auto", "cairo" or "gl" */
  VitrinePainter *painter;            /* NULL before the first frame, and while unrealized */
  guint           width, height;      /* of the guest's picture */
  guint64         seen;
  gboolean        blank;
  guint           tick;
  gboolean        watching;           /* somebody can see the widget */
  GtkWidget      *toplevel;           /* while mapped */

  /* Geometry */
  gboolean        pixels;             /* one guest pixel is one device pixel; else as large as fits, aspect kept */
  gboolean        smooth;
  gboolean        follow;             /* the guest's monitor is this widget */
  gboolean        only_note;          /* the next size is where we begin, not a wish */
  guint           settle;             /* source id */
  VitrineMonitor  told;               /* what the guest takes for its monitor */

  /* The guest's pointer */
  VitrineCursor    cursor;
  cairo_surface_t *cursor_image;      /* in guest pixels; NULL: no shape */
  gboolean         cursor_known;      /* the guest has given its pointer a shape since its reset */
  gboolean         cursor_stale;      /* the GdkCursor is not of this shape and scale */
  double           cursor_scale;
  GdkRectangle     cursor_drawn;      /* where draw() put it; width 0: nowhere */

  /* Keyboard */
  gboolean         captured;
  gboolean         grab_shortcuts;
  gboolean         held[EVDEV_MAX];
  VitrineHostKeys *host_keys;         /* NULL: none */
  gboolean         chord;             /* Ctrl and Alt are down, and nothing else came in between */

  /* Pointer */
  gboolean            grabbed;        /* the seat's keyboard, perhaps its pointer */
  VitrineActiveWatch *watch;          /* while grabbed */
  gboolean            pointer_locked; /* relative motion, cursor hidden */
  guint               buttons;
  double              last_x, last_y; /* last position for relative motion: under X11 of the screen, else of the widget */
  double              rest_x, rest_y; /* motion not sent yet, below one unit */
  double              wheel_x, wheel_y;
};

/* screen.c */
void vitrine_screen_emit_capture_changed (VitrineScreen *self);
void vitrine_screen_emit_settled (VitrineScreen *self);

/* screen-geometry.c */
VitrinePlacement vitrine_screen_place (VitrineScreen *self);
void     vitrine_screen_bind_scaling (VitrineScreen *self, GSettings *settings);   /* now and whenever it changes */
void     vitrine_screen_update_size_request (VitrineScreen *self);
void     vitrine_screen_redraw_area (VitrineScreen *self, const GdkRectangle *area);   /* in the guest's pixels */
void     vitrine_screen_settle_soon (VitrineScreen *self);
void     vitrine_screen_settle_never (VitrineScreen *self);

/* screen-cursor.c */
void     vitrine_screen_pull_cursor (VitrineScreen *self);
void     vitrine_screen_forget_cursor (VitrineScreen *self);
void     vitrine_screen_pointer_changed (VitrineScreen *self);   /* between absolute and relative */
void     vitrine_screen_apply_cursor (VitrineScreen *self);   /* the host's pointer, over the widget */
void     vitrine_screen_draw_cursor (VitrineScreen *self, cairo_t *cr, const VitrinePlacement *at);

/* screen-keyboard.c */
gboolean vitrine_screen_key_press (GtkWidget *widget, GdkEventKey *event);
gboolean vitrine_screen_key_release (GtkWidget *widget, GdkEventKey *event);
void     vitrine_screen_release_keys (VitrineScreen *self);
void     vitrine_screen_sync_locks (VitrineScreen *self);

/* screen-pointer.c */
void     vitrine_screen_ungrab (VitrineScreen *self);
gboolean vitrine_screen_motion (GtkWidget *widget, GdkEventMotion *event);
gboolean vitrine_screen_enter (GtkWidget *widget, GdkEventCrossing *event);
gboolean vitrine_screen_button (GtkWidget *widget, GdkEventButton *event);
gboolean vitrine_screen_scroll (GtkWidget *widget, GdkEventScroll *event);
gboolean vitrine_screen_focus_in (GtkWidget *widget, GdkEventFocus *event);
gboolean vitrine_screen_focus_out (GtkWidget *widget, GdkEventFocus *event);
