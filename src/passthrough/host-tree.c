/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_COMPLAINT_BYTES 400   /* of a program's words that people get to read */

struct _VitrineHostTree
{
  char *root;   /* canonical */
};

static const char *const program_folders[] = { "usr/sbin", "usr/bin", "sbin", "bin" };

/* --- life --------------------------------------------------------------------------------------------------------- */

VitrineHostTree *
vitrine_host_tree_new (const char *root)
{
  VitrineHostTree *tree = g_atomic_rc_box_new0 (VitrineHostTree);
  char *real = realpath (root, NULL);

  tree->root = real != NULL ? g_strdup (real) : g_canonicalize_filename (root, NULL);
  free (real);
  return tree;
}

VitrineHostTree *
vitrine_host_tree_open (void)
{
  const char *root = g_getenv ("VITRINE_HOST_TREE");

  return vitrine_host_tree_new (root != NULL ? root : "/");
}

VitrineHostTree *
vitrine_host_tree_ref (VitrineHostTree *tree)
{
  return g_atomic_rc_box_acquire (tree);
}

static void
clear (gpointer data)
{
  VitrineHostTree *tree = data;

  g_free (tree->root);
}

void
vitrine_host_tree_unref (VitrineHostTree *tree)
{
  g_atomic_rc_box_release_full (tree, clear);
}

gboolean
vitrine_host_tree_is_real (VitrineHostTree *tree)
{
  return g_str_equal (tree->root, "/");
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

static gboolean
leaves_the_tree (const char *path)
{
  g_auto(GStrv) parts = g_strsplit (path, "/", -1);

  return g_strv_contains ((const char *const *) parts, "..");
}

char *
vitrine_host_tree_get_path (VitrineHostTree *tree, const char *path)
{
  return leaves_the_tree (path) ? NULL : g_build_filename (tree->root, path, NULL);
}

G_GNUC_PRINTF (2, 0)
static char *
full_path_va (VitrineHostTree *tree, const char *format, va_list arguments)
{
  g_autofree char *path = g_strdup_vprintf (format, arguments);

  return vitrine_host_tree_get_path (tree, path);
}

#define FULL_PATH(full, tree, path)                                                                                    \
  va_list arguments;                                                                                                   \
  va_start (arguments, path);                                                                                          \
  g_autofree char *full = full_path_va (tree, path, arguments);                                                        \
  va_end (arguments)

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* A FIFO or a device in a tree would make us wait: regular files only. */
static int
open_attribute (const char *full, int flags)
{
  struct stat status;
  int fd = g_open (full, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

  if (fd < 0 || (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)))
    return fd;
  g_close (fd, NULL);
  errno = EINVAL;
  return -1;
}

static char *
read_attribute (const char *full)
{
  int fd = full != NULL ? open_attribute (full, O_RDONLY) : -1;
  gsize n = 0;

  if (fd < 0)
    return NULL;
  g_autofree char *bytes = g_malloc (VITRINE_HOST_TREE_MAX_BYTES);
  gssize got = 0;
  while (n < VITRINE_HOST_TREE_MAX_BYTES && (got = read (fd, bytes + n, VITRINE_HOST_TREE_MAX_BYTES - n)) > 0)
    n += (gsize) got;
  g_close (fd, NULL);
  return got < 0 ? NULL : g_strstrip (g_utf8_make_valid (bytes, (gssize) strnlen (bytes, n)));
}

char *
vitrine_host_tree_read (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);

  return read_attribute (full);
}

gboolean
vitrine_host_tree_read_number (VitrineHostTree *tree, guint64 *value, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  g_autofree char *text = read_attribute (full);

  *value = 0;
  if (text == NULL)
    return FALSE;
  gboolean hex = g_str_has_prefix (text, "0x");
  return g_ascii_string_to_unsigned (hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXUINT64, value, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GStrv
vitrine_host_tree_list (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  g_autoptr(GPtrArray) names = g_ptr_array_new ();
  g_autoptr(GDir) folder = full != NULL ? g_dir_open (full, 0, NULL) : NULL;
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_utf8_validate (name, -1, NULL))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (GStrv) g_ptr_array_steal (names, NULL);
}

char *
vitrine_host_tree_link (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  g_autofree char *target = full != NULL ? g_file_read_link (full, NULL) : NULL;

  return target != NULL && g_utf8_validate (target, -1, NULL) ? g_path_get_basename (target) : NULL;
}

char *
vitrine_host_tree_target (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  g_autofree char *target = full != NULL ? g_file_read_link (full, NULL) : NULL;

  return target != NULL && g_utf8_validate (target, -1, NULL) ? g_steal_pointer (&target) : NULL;
}

gboolean
vitrine_host_tree_exists (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);

  return full != NULL && g_file_test (full, G_FILE_TEST_EXISTS);
}

char *
vitrine_host_tree_resolve (VitrineHostTree *tree, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  char *real = full != NULL ? realpath (full, NULL) : NULL;
  gsize n = vitrine_host_tree_is_real (tree) ? 0 : strlen (tree->root);
  char *inside = NULL;

  if (real != NULL && strncmp (real, tree->root, n) == 0 && real[n] == '/' && g_utf8_validate (real, -1, NULL))
    inside = g_strdup (real + n + 1);
  free (real);
  return inside;
}

GBytes *
vitrine_host_tree_map (VitrineHostTree *tree, gsize max_bytes, const char *path, ...)
{
  FULL_PATH (full, tree, path);
  g_autoptr(GMappedFile) file = full != NULL ? g_mapped_file_new (full, FALSE, NULL) : NULL;

  return file != NULL && g_mapped_file_get_length (file) <= max_bytes ? g_mapped_file_get_bytes (file) : NULL;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

/* One write(): the kernel takes each as a whole. */
gboolean
vitrine_host_tree_write (VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  g_autofree char *full = vitrine_host_tree_get_path (tree, path), *line = g_strconcat (value, "\n", NULL);
  int fd = full != NULL ? open_attribute (full, O_WRONLY | O_TRUNC) : -1;

  if (full == NULL)
    errno = EINVAL;
  gboolean ok = fd >= 0 && write (fd, line, strlen (line)) == (gssize) strlen (line);
  int saved = errno;
  if (fd >= 0)
    g_close (fd, NULL);
  if (!ok)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "/%s: %s", path, g_strerror (saved));
  return ok;
}

static char *
find_program (VitrineHostTree *tree, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (program_folders); i++)
    {
      g_autofree char *full = g_build_filename (tree->root, program_folders[i], name, NULL);
      if (g_file_test (full, G_FILE_TEST_IS_EXECUTABLE) && !g_file_test (full, G_FILE_TEST_IS_DIR))
        return g_steal_pointer (&full);
    }
  return NULL;
}

gboolean
vitrine_host_tree_has_program (VitrineHostTree *tree, const char *name)
{
  g_autofree char *full = find_program (tree, name);

  return full != NULL;
}

/* Its last words, or that it failed. */
static void
set_complaint (GError **error, const char *name, char *words)
{
  g_autofree char *valid = g_utf8_make_valid (words != NULL ? words : "", -1);

  g_strstrip (valid);
  if (strlen (valid) > MAX_COMPLAINT_BYTES)
    *g_utf8_find_prev_char (valid, valid + MAX_COMPLAINT_BYTES) = '\0';
  if (*valid != '\0')
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", name, valid);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("%s failed."), name);
}

gboolean
vitrine_host_tree_run (VitrineHostTree *tree, const char *const *argv, GError **error)
{
  g_autofree char *program = find_program (tree, argv[0]), *words = NULL;
  g_auto(GStrv) command = g_strdupv ((char **) argv), environment = g_get_environ ();
  int status = 0;

  if (program == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The program %s is not installed."), argv[0]);
      return FALSE;
    }
  g_free (command[0]);
  command[0] = g_steal_pointer (&program);
  if (!vitrine_host_tree_is_real (tree))
    environment = g_environ_setenv (environment, "VITRINE_HOST_TREE", tree->root, TRUE);
  if (!g_spawn_sync ("/", command, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &words, &status, error))
    return FALSE;
  if (g_spawn_check_wait_status (status, NULL))
    return TRUE;
  set_complaint (error, argv[0], words);
  return FALSE;
}
