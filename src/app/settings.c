/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the settings' schema is. */
#include "settings.h"

#include <glib/gi18n.h>

#define SCHEMA "org.vitrine.Vitrine"

static GSettingsSchema *
find_in_build (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;

  static const char *const places[] = { "../data", "../../data" };   /* from build/src and from build/tests/ui */

  for (guint i = 0; folder != NULL && i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *data = g_build_filename (folder, places[i], NULL);
      g_autoptr(GSettingsSchemaSource) source =
        g_settings_schema_source_new_from_directory (data, g_settings_schema_source_get_default (), TRUE, NULL);
      GSettingsSchema *schema = source != NULL ? g_settings_schema_source_lookup (source, SCHEMA, FALSE) : NULL;
      if (schema != NULL)
        return schema;
    }
  return NULL;
}

GSettings *
vitrine_settings_new (void)
{
  GSettingsSchemaSource *installed = g_settings_schema_source_get_default ();
  g_autoptr(GSettingsSchema) schema = find_in_build ();

  if (schema == NULL && installed != NULL)
    schema = g_settings_schema_source_lookup (installed, SCHEMA, TRUE);
  if (schema != NULL)
    return g_settings_new_full (schema, NULL, NULL);
  g_printerr ("vitrine: %s\n", _("The settings’ schema org.vitrine.Vitrine is not installed. Run “meson install”."));
  return NULL;
}
