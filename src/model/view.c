/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key file behind VitrineView. */
#include "view.h"

#define SIZE_MIN 100
#define SIZE_MAX_EDGE 16384
#define POSITION_MAX 32767    /* of X11 */
#define GROUP "View"

struct VitrineView
{
  char     *path;
  GKeyFile *file;
};

VitrineView *
vitrine_view_new (const char *path)
{
  VitrineView *self = g_new0 (VitrineView, 1);

  self->path = g_strdup (path);
  self->file = g_key_file_new ();
  g_key_file_load_from_file (self->file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  return self;
}

void
vitrine_view_free (VitrineView *self)
{
  if (self == NULL)
    return;
  g_key_file_unref (self->file);
  g_free (self->path);
  g_free (self);
}

static void
save (VitrineView *self)
{
  g_autoptr(GError) error = NULL;

  if (!g_key_file_save_to_file (self->file, self->path, &error))
    g_debug ("%s", error->message);
}

/* Unless it is there already. @value as a key file has it. */
static void
store (VitrineView *self, const char *group, const char *key, const char *value)
{
  g_autofree char *before = g_key_file_get_value (self->file, group, key, NULL);

  if (g_strcmp0 (before, value) == 0)
    return;
  g_key_file_set_value (self->file, group, key, value);
  save (self);
}

static char *
group_of (guint display)
{
  return g_strdup_printf ("Display %u", display);
}

gboolean
vitrine_view_get_flag (VitrineView *self, guint display, const char *key, gboolean usual)
{
  g_autofree char *group = group_of (display);
  g_autoptr(GError) error = NULL;
  gboolean value = g_key_file_get_boolean (self->file, group, key, &error);

  return error == NULL ? value : usual;
}

void
vitrine_view_set_flag (VitrineView *self, guint display, const char *key, gboolean value)
{
  g_autofree char *group = group_of (display);

  store (self, group, key, value ? "true" : "false");
}

/* Two numbers, each within the limits. */
static gboolean
get_pair (VitrineView *self, guint display, const char *key, int least, int most, int *first, int *second)
{
  g_autofree char *group = group_of (display);
  gsize n = 0;
  g_autofree int *pair = g_key_file_get_integer_list (self->file, group, key, &n, NULL);

  if (n != 2 || pair[0] < least || pair[1] < least || pair[0] > most || pair[1] > most)
    return FALSE;
  *first = pair[0];
  *second = pair[1];
  return TRUE;
}

static void
set_pair (VitrineView *self, guint display, const char *key, int first, int second)
{
  g_autofree char *group = group_of (display), *value = g_strdup_printf ("%d;%d;", first, second);

  store (self, group, key, value);
}

gboolean
vitrine_view_get_size (VitrineView *self, guint display, int *width, int *height)
{
  return get_pair (self, display, "size", SIZE_MIN, SIZE_MAX_EDGE, width, height);
}

void
vitrine_view_set_size (VitrineView *self, guint display, int width, int height)
{
  set_pair (self, display, "size", width, height);
}

gboolean
vitrine_view_get_position (VitrineView *self, guint display, int *x, int *y)
{
  return get_pair (self, display, "position", -POSITION_MAX, POSITION_MAX, x, y);
}

void
vitrine_view_set_position (VitrineView *self, guint display, int x, int y)
{
  set_pair (self, display, "position", x, y);
}

char **
vitrine_view_get_list (VitrineView *self, const char *key)
{
  char **list = g_key_file_get_string_list (self->file, GROUP, key, NULL, NULL);

  return list != NULL ? list : g_new0 (char *, 1);
}

void
vitrine_view_set_list (VitrineView *self, const char *key, const char *const *values)
{
  g_autoptr(GKeyFile) escaped = g_key_file_new ();

  g_key_file_set_string_list (escaped, GROUP, key, values, g_strv_length ((char **) values));
  g_autofree char *value = g_key_file_get_value (escaped, GROUP, key, NULL);
  store (self, GROUP, key, value);
}

char *
vitrine_view_get_word (VitrineView *self, const char *key)
{
  return g_key_file_get_string (self->file, GROUP, key, NULL);
}

void
vitrine_view_set_word (VitrineView *self, const char *key, const char *value)
{
  g_autoptr(GKeyFile) escaped = g_key_file_new ();

  g_key_file_set_string (escaped, GROUP, key, value);
  g_autofree char *escaped_value = g_key_file_get_value (escaped, GROUP, key, NULL);
  store (self, GROUP, key, escaped_value);
}
