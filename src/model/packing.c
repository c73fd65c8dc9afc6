/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packing.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <vitrine/error.h>
#include <vitrine/image.h>

#include "domain-private.h"

#define MAX_STEM 60

void
vitrine_packed_file_free (VitrinePackedFile *file)
{
  g_free (file->what);
  g_free (file->path);
  g_free (file->name);
  g_free (file->format);
  g_free (file);
}

/* "debian-12-vda.qcow2": of letters that every file system and every shell takes. */
static char *
name_for (VitrineDomain *domain, const char *what, const char *suffix)
{
  g_autofree char *machine = vitrine_domain_get_name (domain), *ascii = g_str_to_ascii (machine, "C");
  g_autofree char *small = g_ascii_strdown (ascii, -1);

  g_strcanon (small, G_CSET_a_2_z G_CSET_DIGITS "-_", '-');
  small[strnlen (small, MAX_STEM)] = '\0';
  return g_strconcat (*small != '\0' ? small : "machine", "-", what, suffix, NULL);
}

static gboolean
add (GPtrArray *all, VitrineDomain *domain, const char *what, const char *path, const char *format, const char *suffix,
     GError **error)
{
  VitrinePackedFile *file;
  GStatBuf status;

  if (g_stat (path, &status) < 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” cannot be read: %s."), path, g_strerror (errno));
      return FALSE;
    }
  if (!S_ISREG (status.st_mode))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   _("“%s” is a device. Copy it into an image with “vitrinectl image convert”."), path);
      return FALSE;
    }
  file = g_new0 (VitrinePackedFile, 1);
  file->what = g_strdup (what);
  file->path = g_strdup (path);
  file->format = g_strdup (format);
  file->name = name_for (domain, what, suffix);
  file->file_bytes = (guint64) status.st_size;
  g_ptr_array_add (all, file);
  return TRUE;
}

/* --- disks -------------------------------------------------------------------------------------------------------- */

static VtImagePlace
place_of (const VtDiskConfig *disk)
{
  return (VtImagePlace) { .path = disk->path, .format = disk->format, .any_backing = disk->any_backing };
}

static gboolean
look_into (VitrinePackedFile *file, const VtDiskConfig *disk, GError **error)
{
  const VtImagePlace place = place_of (disk);
  g_auto(VtImageInfo) info = { 0 };

  if (!vt_image_info (&place, &info, error))
    return FALSE;
  if (info.encrypted)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   _("“%s” is encrypted, and the other computer does not have its passphrase. Make a plain copy of "
                     "the image with "
                     "“vitrinectl image convert”, or give the host the passphrase and the image yourself."),
                   disk->path);
      return FALSE;
    }
  file->snapshots = info.snapshots;
  g_auto(GStrv) chain = vt_image_chain (&place, error);
  if (chain == NULL)
    return FALSE;
  file->others = g_strv_length (chain);
  if (file->others > 0)
    file->file_bytes = info.size_bytes;
  return TRUE;
}

static gboolean
add_disk (GPtrArray *all, VitrineDomain *domain, const VtDiskConfig *disk, GError **error)
{
  if (disk->path == NULL)
    return TRUE;
  if (disk->format == VT_IMAGE_RAW)
    return add (all, domain, disk->id, disk->path, "raw", disk->cdrom ? ".iso" : ".img", error);
  return add (all, domain, disk->id, disk->path, "qcow2", ".qcow2", error)
         && look_into (all->pdata[all->len - 1], disk, error);
}

static const VtDiskConfig *
find_disk (const VtConfig *config, const char *target)
{
  for (guint i = 0; i < config->disks->len; i++)
    if (g_strcmp0 (((VtDiskConfig *) config->disks->pdata[i])->id, target) == 0)
      return config->disks->pdata[i];
  return NULL;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

GPtrArray *
vitrine_packing_list (VitrineDomain *domain, GError **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_packed_file_free);
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, error);

  if (config == NULL)
    return NULL;
  for (guint i = 0; i < config->disks->len; i++)
    if (!add_disk (all, domain, config->disks->pdata[i], error))
      return NULL;
  if (config->nvram != NULL && g_file_test (config->nvram, G_FILE_TEST_EXISTS)
      && !add (all, domain, "nvram", config->nvram, "raw", ".fd", error))
    return NULL;
  if (config->kernel != NULL && !add (all, domain, "kernel", config->kernel, "raw", "", error))
    return NULL;
  if (config->initrd != NULL && !add (all, domain, "initrd", config->initrd, "raw", "", error))
    return NULL;
  return g_steal_pointer (&all);
}

char *
vitrine_packing_flatten (VitrineDomain *domain, const VitrinePackedFile *file, const char *folder, VitrinePart *part,
                         GError **error)
{
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, error);
  const VtDiskConfig *disk = config != NULL ? find_disk (config, file->what) : NULL;
  g_autofree char *path = g_build_filename (folder, file->name, NULL);

  if (disk == NULL)
    return NULL;
  const VtImagePlace from = place_of (disk), to = { .path = path, .format = VT_IMAGE_QCOW2 };
  const VtImageShape shape = { 0 };
  return vt_image_convert (&from, &to, &shape, vitrine_part_image_progress, part, error) ? g_steal_pointer (&path)
                                                                                         : NULL;
}

gboolean
vitrine_packing_join (const char *folder, const char *const *names, const char *to, VitrinePart *part, GError **error)
{
  g_autofree char *top = g_build_filename (folder, names[0], NULL);
  const VtImagePlace from = { .path = top, .format = VT_IMAGE_QCOW2 }, out = { .path = to, .format = VT_IMAGE_QCOW2 };
  const VtImageShape shape = { 0 };

  for (guint i = 0; names[i + 1] != NULL; i++)
    {
      g_autofree char *image = g_build_filename (folder, names[i], NULL);
      if (!vt_image_rename_backing (image, names[i + 1], error))
        return FALSE;
    }
  return vt_image_convert (&from, &out, &shape, vitrine_part_image_progress, part, error);
}

void
vitrine_packing_set_path (VitrineDomain *domain, const char *what, const char *path, const char *format)
{
  xmlNode *os = vitrine_xml_ensure (vitrine_domain_root (domain), "os");

  if (g_str_equal (what, "nvram") || g_str_equal (what, "kernel") || g_str_equal (what, "initrd"))
    {
      vitrine_xml_set_text (vitrine_xml_ensure (os, what), path);
      return;
    }
  vitrine_domain_set_disk_path (domain, what, path);
  if (format != NULL)
    vitrine_domain_set_disk_format (domain, what, format);
  vitrine_domain_set_disk_backing (domain, what, NULL, NULL);
}
