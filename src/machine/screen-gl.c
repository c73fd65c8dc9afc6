/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The painter for graphics processors: what changed goes into a texture, the processor copies it to the size of the widget, and
 * GDK puts that onto the window. No shaders: a blit between frame buffers scales with either filter. */
#include <epoxy/gl.h>
#include <string.h>

#include "screen-painter.h"

typedef struct
{
  VitrinePainter parent;
  GtkWidget     *widget;              /* borrowed */
  GdkGLContext  *context;
  GLuint         picture, picture_buffer;   /* texture of the guest's pixels, and a frame buffer to read it from */
  GLuint         output, output_buffer;     /* of the picture as it appears */
  int            width, height, output_width, output_height;
} GlPainter;

static gboolean
is_software (void)
{
  static const char *const software[] = { "llvmpipe", "softpipe", "swrast", "Software Rasterizer" };
  const char *renderer = (const char *) glGetString (GL_RENDERER);

  for (guint i = 0; i < G_N_ELEMENTS (software); i++)
    if (renderer == NULL || strstr (renderer, software[i]) != NULL)
      return TRUE;
  return FALSE;
}

static GdkGLContext *
make_context (GdkWindow *window)
{
  GdkGLContext *context = gdk_window_create_gl_context (window, NULL);

  if (context == NULL || !gdk_gl_context_realize (context, NULL))
    {
      g_clear_object (&context);
      return NULL;
    }
  gdk_gl_context_make_current (context);
  if (!gdk_gl_context_get_use_es (context) && epoxy_gl_version () >= 30)
    return context;
  gdk_gl_context_clear_current ();
  g_clear_object (&context);
  return NULL;
}

/* A window that has a context is painted through it from then on, which is slow in software: so another one is asked. */
static gboolean
has_processor (GtkWidget *widget)
{
  GdkWindowAttr attributes = { .width = 1, .height = 1, .window_type = GDK_WINDOW_TOPLEVEL, .wclass = GDK_INPUT_OUTPUT };
  g_autoptr(GDir) devices = g_dir_open ("/dev/dri", 0, NULL);

  if (devices == NULL)
    return FALSE;
  GdkWindow *window = gdk_window_new (gdk_screen_get_root_window (gtk_widget_get_screen (widget)), &attributes, 0);
  g_autoptr(GdkGLContext) context = make_context (window);
  gboolean hardware = context != NULL && !is_software ();
  gdk_gl_context_clear_current ();
  g_clear_object (&context);
  gdk_window_destroy (window);
  return hardware;
}

static void
make_texture (GLuint *texture, GLuint *buffer, int width, int height)
{
  if (*texture == 0)
    {
      glGenTextures (1, texture);
      glGenFramebuffers (1, buffer);
    }
  glBindTexture (GL_TEXTURE_2D, *texture);
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glTexParameteri (GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
  glTexImage2D (GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_BGRA, GL_UNSIGNED_INT_8_8_8_8_REV, NULL);
  glBindFramebuffer (GL_FRAMEBUFFER, *buffer);
  glFramebufferTexture2D (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, *texture, 0);
}

static gboolean
gl_resize (VitrinePainter *painter, guint width, guint height)
{
  GlPainter *self = (GlPainter *) painter;
  GLint most = 0;

  gdk_gl_context_make_current (self->context);
  glGetIntegerv (GL_MAX_TEXTURE_SIZE, &most);
  if ((GLint) width > most || (GLint) height > most)
    return FALSE;
  self->width = (int) width;
  self->height = (int) height;
  make_texture (&self->picture, &self->picture_buffer, self->width, self->height);
  return TRUE;
}

static void
gl_take (VitrinePainter *painter, const VitrineFrame *frame, const GdkRectangle *damage)
{
  GlPainter *self = (GlPainter *) painter;

  gdk_gl_context_make_current (self->context);
  glBindTexture (GL_TEXTURE_2D, self->picture);
  glPixelStorei (GL_UNPACK_ALIGNMENT, 4);
  glPixelStorei (GL_UNPACK_ROW_LENGTH, (GLint) (frame->stride / 4));
  glTexSubImage2D (GL_TEXTURE_2D, 0, damage->x, damage->y, damage->width, damage->height, GL_BGRA,
                   GL_UNSIGNED_INT_8_8_8_8_REV, frame->pixels + (gsize) damage->y * frame->stride + (gsize) damage->x * 4);
  glPixelStorei (GL_UNPACK_ROW_LENGTH, 0);
}

/* The alpha of guests' pixels is nothing: it is made 1, so that GDK does not blend. */
static void
gl_paint (VitrinePainter *painter, cairo_t *cr, const VitrinePlacement *at)
{
  GlPainter *self = (GlPainter *) painter;

  gdk_gl_context_make_current (self->context);
  if (self->output == 0 || self->output_width != at->width || self->output_height != at->height)
    {
      self->output_width = at->width;
      self->output_height = at->height;
      make_texture (&self->output, &self->output_buffer, at->width, at->height);
    }
  glBindFramebuffer (GL_DRAW_FRAMEBUFFER, self->output_buffer);
  glBindFramebuffer (GL_READ_FRAMEBUFFER, self->picture_buffer);
  /* GDK takes textures with the first row at the bottom, we have it at the top. */
  glBlitFramebuffer (0, 0, self->width, self->height, 0, at->height, at->width, 0, GL_COLOR_BUFFER_BIT,
                     at->smooth ? GL_LINEAR : GL_NEAREST);
  glColorMask (GL_FALSE, GL_FALSE, GL_FALSE, GL_TRUE);
  glClearColor (0, 0, 0, 1);
  glClear (GL_COLOR_BUFFER_BIT);
  glColorMask (GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
  cairo_save (cr);
  cairo_translate (cr, (double) at->x / at->device_scale, (double) at->y / at->device_scale);
  gdk_cairo_draw_from_gl (cr, gtk_widget_get_window (self->widget), (int) self->output, GL_TEXTURE, at->device_scale, 0, 0,
                          at->width, at->height);
  cairo_restore (cr);
}

static void
gl_free (VitrinePainter *painter)
{
  GlPainter *self = (GlPainter *) painter;
  const GLuint textures[] = { self->picture, self->output }, buffers[] = { self->picture_buffer, self->output_buffer };

  gdk_gl_context_make_current (self->context);
  glDeleteTextures (2, textures);
  glDeleteFramebuffers (2, buffers);
  gdk_gl_context_clear_current ();
  g_object_unref (self->context);
  g_free (self);
}

static const VitrinePainterClass gl_class = { gl_free, gl_resize, gl_take, gl_paint };

VitrinePainter *
vitrine_painter_new_gl (GtkWidget *widget, gboolean even_software)
{
  if (!even_software && !has_processor (widget))
    return NULL;
  GdkGLContext *context = make_context (gtk_widget_get_window (widget));
  if (context == NULL)
    return NULL;
  GlPainter *self = g_new0 (GlPainter, 1);
  self->parent = (VitrinePainter) { &gl_class, "OpenGL" };
  self->widget = widget;
  self->context = context;
  return &self->parent;
}
