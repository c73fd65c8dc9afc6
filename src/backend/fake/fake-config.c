/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VtConfig without an engine: constructors with the engine's documented defaults, so that the application's own tests run
 * without linking a computer. */
#include <vitrine/config.h>

VtConfig *
vt_config_new (void)
{
  VtConfig *config = g_new0 (VtConfig, 1);

  config->machine = g_strdup ("q35");
  config->cpus = 1;
  config->memory_bytes = G_GUINT64_CONSTANT (1) << 30;
  config->rng = true;
  config->edid = true;
  config->disks = g_ptr_array_new ();
  config->serials = g_ptr_array_new ();
  config->inputs = g_ptr_array_new_with_free_func (g_free);
  return config;
}

static void
free_disk (gpointer data, gpointer unused)
{
  VtDiskConfig *disk = data;

  g_free (disk->path);
  g_free (disk);
}

static void
free_serial (gpointer data, gpointer unused)
{
  VtSerialConfig *serial = data;

  g_free (serial->path);
  g_free (serial);
}

void
vt_config_free (VtConfig *config)
{
  if (config == NULL)
    return;
  g_ptr_array_foreach (config->disks, free_disk, NULL);
  g_ptr_array_unref (config->disks);
  g_ptr_array_foreach (config->serials, free_serial, NULL);
  g_ptr_array_unref (config->serials);
  g_ptr_array_unref (config->inputs);
  char *strings[] = { config->name, config->uuid, config->machine, config->cpu_model, config->firmware_code,
                      config->nvram, config->kernel, config->initrd, config->append, config->debugcon };
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (strings[i]);
  g_free (config);
}

VtDiskConfig *
vt_config_add_disk (VtConfig *config, const char *path)
{
  VtDiskConfig *disk = g_new0 (VtDiskConfig, 1);

  disk->path = g_strdup (path);
  g_ptr_array_add (config->disks, disk);
  return disk;
}

VtInputConfig *
vt_config_add_input (VtConfig *config, VtInputDevice kind, VtInputBus bus)
{
  VtInputConfig *input = g_new0 (VtInputConfig, 1);

  input->kind = kind;
  input->bus = bus;
  g_ptr_array_add (config->inputs, input);
  return input;
}

VtSerialConfig *
vt_config_add_serial (VtConfig *config, VtSerialKind kind)
{
  VtSerialConfig *serial = g_new0 (VtSerialConfig, 1);

  serial->kind = kind;
  g_ptr_array_add (config->serials, serial);
  return serial;
}

bool
vt_config_check (const VtConfig *config, GError **error)
{
  return true;
}
