/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <vitrine/image.h>

/* How much of an export is converting, and hashing. */
#define CONVERTED 0.7
#define HASHED    0.85

typedef struct
{
  VitrineDomain    *domain;
  VtConfig         *config;
  VitrineAppliance *appliance;
  char             *scratch, *stem;
  GPtrArray        *names;       /* files of the archive, NULL at the end */
  VitrineProgress   progress;
  gpointer          data;
} Export;

static gboolean
export_disk (Export *export, const VtDiskConfig *disk, guint number, VitrinePart *part, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s-disk%u.vmdk", export->stem, number + 1);
  g_autofree char *path = g_build_filename (export->scratch, name, NULL);
  const VtImagePlace from = { .path = disk->path, .format = disk->format, .any_backing = disk->any_backing };
  const VtImagePlace to = { .path = path, .format = VT_IMAGE_VMDK };
  const VtImageShape shape = { 0 };
  g_auto(VtImageInfo) info = { 0 };
  const gboolean paravirtual = disk->bus == VT_BUS_VIRTIO || disk->bus == VT_BUS_SCSI;
  GStatBuf file;

  if (!vt_image_info (&from, &info, error))
    return FALSE;
  if (info.encrypted)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("“%s” is encrypted: an OVA would have its contents in the open. Convert it first."),
                   disk->path);
      return FALSE;
    }
  if (!vt_image_convert (&from, &to, &shape, vitrine_part_image_progress, part, error))
    return FALSE;
  VitrineApplianceDisk *out
    = vitrine_appliance_add_disk (export->appliance, name, paravirtual ? "virtio" : "sata", FALSE, info.size_bytes);
  out->file_bytes = g_stat (path, &file) == 0 ? (guint64) file.st_size : 0;
  g_ptr_array_add (export->names, g_steal_pointer (&name));
  return TRUE;
}

static gboolean
export_drives (Export *export, GError **error)
{
  guint n = export->config->disks->len;

  for (guint i = 0; i < n; i++)
    {
      const VtDiskConfig *disk = export->config->disks->pdata[i];
      VitrinePart part = { export->progress, export->data, CONVERTED * i / n, CONVERTED * (i + 1) / n };
      if (disk->bus == VT_BUS_FDC)      /* OVF has floppy drives, but what reads it seldom does */
        continue;
      if (disk->cdrom)
        vitrine_appliance_add_disk (export->appliance, NULL, "sata", TRUE, 0);
      else if (!export_disk (export, disk, i, &part, error))
        return FALSE;
    }
  return TRUE;
}

static void
describe (Export *export)
{
  VitrineAppliance *appliance = export->appliance;
  g_auto(GStrv) macs = vitrine_domain_get_macs (export->domain);

  appliance->name = vitrine_domain_get_name (export->domain);
  appliance->description = vitrine_domain_get_description (export->domain);
  appliance->cpus = export->config->cpus;
  appliance->memory_bytes = export->config->memory_bytes;
  appliance->uefi = export->config->firmware == VT_FIRMWARE_UEFI;
  for (guint i = 0; macs[i] != NULL; i++)
    g_ptr_array_add (appliance->macs, g_strdup (macs[i]));
}

static gboolean
pack (Export *export, const char *path, GError **error)
{
  g_autofree char *ovf = g_strconcat (export->stem, ".ovf", NULL), *manifest = g_strconcat (export->stem, ".mf", NULL);
  g_autofree char *document = g_build_filename (export->scratch, ovf, NULL);
  g_autofree char *text = vitrine_appliance_to_ovf (export->appliance);
  g_autofree char *part_path = g_build_filename (export->scratch, ".ova", NULL);
  VitrinePart hash = { export->progress, export->data, CONVERTED, HASHED }, write = { export->progress, export->data, HASHED, 1 };

  if (!g_file_set_contents (document, text, -1, error))
    return FALSE;
  g_ptr_array_insert (export->names, 0, g_strdup (ovf));
  g_ptr_array_add (export->names, NULL);
  if (!vitrine_manifest_write (export->scratch, manifest, (const char *const *) export->names->pdata, vitrine_part_progress, &hash, error))
    return FALSE;
  g_ptr_array_insert (export->names, 1, g_strdup (manifest));
  if (!vitrine_ova_pack (part_path, export->scratch, (const char *const *) export->names->pdata, vitrine_part_progress, &write, error))
    return FALSE;
  if (g_rename (part_path, path) == 0)
    return TRUE;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("“%s” cannot be written."), path);
  return FALSE;
}

/* Of plain letters, since other programs read it. */
static char *
stem_of (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base)
    *dot = '\0';
  g_strcanon (base, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_", '-');
  return g_strndup (base, 100);
}

gboolean
vitrine_export (VitrineDomain *domain, const char *path, VitrineProgress progress, gpointer data, GError **error)
{
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, error);
  g_autoptr(VitrineAppliance) appliance = vitrine_appliance_new ();
  g_autofree char *folder = g_path_get_dirname (path);
  gboolean ok = FALSE;

  if (config == NULL)
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("“%s” is there already."), path);
      return FALSE;
    }
  Export export = { .domain = domain, .config = config, .appliance = appliance, .scratch = vitrine_scratch_new (folder, error),
                    .stem = stem_of (path), .names = g_ptr_array_new_with_free_func (g_free),
                    .progress = progress, .data = data };
  if (export.scratch != NULL && export_drives (&export, error))
    {
      describe (&export);
      ok = pack (&export, path, error);
    }
  vitrine_scratch_remove (export.scratch);
  g_free (export.stem);
  g_ptr_array_unref (export.names);
  return ok;
}
