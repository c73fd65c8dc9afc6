/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are on the disk. */
#include "paths.h"

#include <glib/gstdio.h>

char *
vitrine_paths_machines (void)
{
  return g_build_filename (g_get_user_data_dir (), "vitrine", "machines", NULL);
}

char *
vitrine_paths_images (void)
{
  return g_build_filename (g_get_user_data_dir (), "vitrine", "images", NULL);
}

char *
vitrine_paths_trash (void)
{
  return g_build_filename (g_get_user_data_dir (), "vitrine", "trash", NULL);
}

char *
vitrine_paths_machine (const char *uuid)
{
  return g_build_filename (g_get_user_data_dir (), "vitrine", "machines", uuid, NULL);
}

char *
vitrine_paths_in_machine (const char *uuid, const char *file)
{
  return g_build_filename (g_get_user_data_dir (), "vitrine", "machines", uuid, file, NULL);
}

char *
vitrine_paths_sockets (void)
{
  return g_build_filename (g_get_user_runtime_dir (), "vitrine", NULL);
}

char *
vitrine_paths_socket (const char *uuid)
{
  g_autofree char *name = g_strconcat (uuid, ".sock", NULL);
  return g_build_filename (g_get_user_runtime_dir (), "vitrine", name, NULL);
}

char *
vitrine_paths_network (const char *name)
{
  g_autofree char *file = g_strdelimit (g_strdup (name), "/.", '-');
  char *folder = g_build_filename (g_get_user_runtime_dir (), "vitrine", "nets", file, NULL);

  g_mkdir_with_parents (folder, 0700);
  return folder;
}

char *
vitrine_paths_hosts (void)
{
  return g_build_filename (g_get_user_config_dir (), "vitrine", "hosts.ini", NULL);
}

char *
vitrine_paths_host_view (const char *host, const char *uuid)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "vitrine", "views", host, NULL);
  g_autofree char *name = g_strconcat (uuid, ".ini", NULL);

  g_mkdir_with_parents (folder, 0700);
  return g_build_filename (folder, name, NULL);
}

char *
vitrine_paths_locale (const char *installed)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : g_strdup ("/");
  static const char *const places[] = { "../po", "../../po" };   /* from build/src and from build/tests/ui */

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *built = g_build_filename (folder, places[i], "de", "LC_MESSAGES", "vitrine.mo", NULL);
      if (g_file_test (built, G_FILE_TEST_EXISTS))
        return g_build_filename (folder, places[i], NULL);
    }
  return g_strdup (installed);
}

/* Letters and digits of any script stay; everything else becomes single dashes. */
static char *
slug (const char *words)
{
  GString *out = g_string_new (NULL);

  for (const char *p = words; *p != '\0' && out->len < 60; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (g_unichar_isalnum (c))
        g_string_append_unichar (out, g_unichar_tolower (c));
      else if (out->len > 0 && out->str[out->len - 1] != '-')
        g_string_append_c (out, '-');
    }
  if (out->len > 0 && out->str[out->len - 1] == '-')
    g_string_truncate (out, out->len - 1);
  if (out->len == 0)
    g_string_append (out, "machine");
  return g_string_free (out, FALSE);
}

char *
vitrine_paths_free_name (const char *folder, const char *words, const char *suffix)
{
  g_autofree char *base = slug (words);

  for (guint i = 1;; i++)
    {
      g_autofree char *name = i == 1 ? g_strconcat (base, suffix, NULL) : g_strdup_printf ("%s-%u%s", base, i, suffix);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
}
