/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <vitrine/image.h>

#include "disk-image.h"
#include "paths.h"

#define SATA_PORTS 6

/* How much of an archive's import is unpacking, and checking. */
#define UNPACKED 0.3
#define CHECKED  0.5

typedef struct
{
  char     *folder;        /* with the disks' files */
  VitrinePart *all;
  VitrineDomain *domain;
  GPtrArray *notes;
  guint     sata;
} Import;

/* --- parts of the whole ------------------------------------------------------------------------------------------ */

gboolean
vitrine_part_progress (gpointer data, double fraction)
{
  const VitrinePart *part = data;
  return part->progress == NULL || part->progress (part->data, part->from + (part->to - part->from) * fraction);
}

bool
vitrine_part_image_progress (void *data, uint64_t done, uint64_t whole)
{
  return vitrine_part_progress (data, whole > 0 ? (double) done / (double) whole : 1.0);
}

char *
vitrine_scratch_new (const char *parent, GError **error)
{
  char *folder = g_build_filename (parent, ".vitrine-XXXXXX", NULL);

  if (g_mkdir_with_parents (parent, 0700) == 0 && g_mkdtemp (folder) != NULL)
    return folder;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("Cannot make a folder in “%s”: %s"), parent, g_strerror (errno));
  g_free (folder);
  return NULL;
}

void
vitrine_scratch_remove (char *folder)
{
  g_autoptr(GDir) dir = folder != NULL ? g_dir_open (folder, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  if (folder != NULL)
    g_rmdir (folder);
  g_free (folder);
}

/* --- disks --------------------------------------------------------------------------------------------------------- */

static gboolean
fill_disk (const char *from, const char *to, guint64 capacity, VitrinePart *part, GError **error)
{
  const VtImagePlace new_place = { .path = to, .format = VT_IMAGE_QCOW2 };
  const VtImageShape shape = { .size_bytes = capacity };

  if (from == NULL)
    return vt_image_create (&new_place, &shape, error);
  if (g_file_test (from, G_FILE_TEST_IS_SYMLINK))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” is a link. Put the file itself there."), from);
      return FALSE;
    }
  const VtImagePlace place = { .path = from, .format = vt_image_looks_like (from) };
  if (place.format == VT_IMAGE_RAW || place.format == VT_IMAGE_LUKS)
    {
      g_autofree char *base = g_filename_display_basename (from);
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE,
                   _("“%s” is no disk image that can be imported: those are vmdk, vdi, vhd, vhdx and qcow2."), base);
      return FALSE;
    }
  return vt_image_convert (&place, &new_place, &shape, vitrine_part_image_progress, part, error);
}

static gboolean
import_disk (Import *import, const VitrineApplianceDisk *disk, guint order, VitrinePart *part, GError **error)
{
  g_autofree char *name = vitrine_domain_get_name (import->domain), *to = vitrine_disk_image_new_path (name, error);
  g_autofree char *from = disk->file != NULL ? g_build_filename (import->folder, disk->file, NULL) : NULL;
  gboolean sata = g_str_equal (disk->bus, "sata") && import->sata < SATA_PORTS;

  if (to == NULL || !fill_disk (from, to, disk->capacity_bytes, part, error))
    return FALSE;
  if (g_str_equal (disk->bus, "sata") && !sata)
    g_ptr_array_add (import->notes, g_strdup (_("There are only six SATA drives: a further disk is on virtio.")));
  import->sata += sata;
  g_autoptr(VitrineDisk) out = vitrine_disk_new (to, "qcow2", sata ? "sata" : "virtio", FALSE);
  out->boot_order = order;
  vitrine_domain_add_disk (import->domain, out);
  return TRUE;
}

static void
add_cd (Import *import)
{
  g_autoptr(VitrineDisk) cd = vitrine_disk_new (NULL, "raw", "sata", TRUE);

  if (import->sata >= SATA_PORTS)
    return;
  import->sata++;
  vitrine_domain_add_disk (import->domain, cd);
}

static gboolean
import_disks (Import *import, const VitrineAppliance *appliance, GError **error)
{
  guint n = appliance->disks->len;
  double step = n > 0 ? (import->all->to - import->all->from) / n : 0;

  for (guint i = 0; i < n; i++)
    {
      const VitrineApplianceDisk *disk = appliance->disks->pdata[i];
      VitrinePart part = { import->all->progress, import->all->data, import->all->from + i * step, import->all->from + (i + 1) * step };
      if (disk->cdrom)
        add_cd (import);
      else if (!import_disk (import, disk, i + 1, &part, error))
        return FALSE;
    }
  return TRUE;
}

/* --- the machine ----------------------------------------------------------------------------------------------------- */

/* What an appliance is called may be anything. */
static char *
choose_name (const char *wish, const char *said, const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base)
    *dot = '\0';
  if (wish != NULL)
    return g_strdup (wish);
  return g_strdup (said != NULL && vitrine_domain_check_name (said, NULL) ? said : vitrine_domain_check_name (base, NULL) ? base : _("Imported"));
}

static VitrineDomain *
make_domain (const VitrineAppliance *appliance, const char *name)
{
  VitrineDomain *domain = vitrine_domain_new (name);
  g_autoptr(GStrvBuilder) macs = g_strv_builder_new ();

  vitrine_domain_set_cpus (domain, appliance->cpus);
  vitrine_domain_set_memory_bytes (domain, appliance->memory_bytes);
  if (appliance->description != NULL && *appliance->description != '\0')
    vitrine_domain_set_description (domain, appliance->description);
  if (appliance->uefi)
    vitrine_domain_set_firmware (domain, VITRINE_FIRMWARE_UEFI);
  for (guint i = 0; i < appliance->macs->len; i++)
    g_strv_builder_add (macs, appliance->macs->pdata[i]);
  g_auto(GStrv) list = g_strv_builder_end (macs);
  vitrine_domain_set_macs (domain, (const char *const *) list);
  return domain;
}

void
vitrine_import_undo (VitrineDomain *domain)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);

  for (guint i = 0; i < disks->len; i++)
    if (((VitrineDisk *) disks->pdata[i])->path != NULL)
      g_unlink (((VitrineDisk *) disks->pdata[i])->path);
}

VitrineMachine *
vitrine_import_add (VitrineLibrary *library, VitrineDomain *domain, gboolean keep_name, GError **error)
{
  g_autofree char *name = vitrine_domain_get_name (domain);
  g_autofree char *free_name = vitrine_library_free_name (library, name);

  if (!keep_name)
    vitrine_domain_set_name (domain, free_name);
  VitrineMachine *machine = vitrine_library_add (library, domain, error);
  if (machine == NULL)
    vitrine_import_undo (domain);
  return machine;
}

static VitrineDomain *
import_appliance (const VitrineAppliance *appliance, const char *folder, const char *path, const char *name, VitrinePart *part,
                  GStrv *notes, GError **error)
{
  g_autofree char *chosen = choose_name (name, appliance->name, path);
  if (!vitrine_domain_check_name (chosen, error))
    return NULL;
  g_autoptr(VitrineDomain) domain = make_domain (appliance, chosen);
  Import import = { .folder = (char *) folder, .all = part, .domain = domain, .notes = appliance->notes };

  if (!import_disks (&import, appliance, error))
    {
      vitrine_import_undo (domain);
      return NULL;
    }
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < appliance->notes->len; i++)
    g_strv_builder_add (builder, appliance->notes->pdata[i]);
  *notes = g_strv_builder_end (builder);
  return g_steal_pointer (&domain);
}

/* --- kinds of files --------------------------------------------------------------------------------------------------- */

static char *
manifest_of (const char *ovf)
{
  return g_strdup_printf ("%.*s.mf", (int) (strlen (ovf) - strlen (".ovf")), ovf);
}

static VitrineDomain *
import_ovf (const char *folder, const char *ovf, const char *path, const char *name, VitrinePart *part, GStrv *notes, GError **error)
{
  g_autofree char *document = g_build_filename (folder, ovf, NULL), *manifest = manifest_of (ovf), *data = NULL;
  double checked = part->from + (part->to - part->from) * (CHECKED - UNPACKED);
  VitrinePart check = { part->progress, part->data, part->from, checked };
  VitrinePart disks = { part->progress, part->data, checked, part->to };
  GStatBuf info;
  gsize length;

  if (g_stat (document, &info) == 0 && info.st_size > VITRINE_OVF_MAX_BYTES)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is too large to be an OVF document."), ovf);
      return NULL;
    }
  if (!g_file_get_contents (document, &data, &length, error)
      || !vitrine_manifest_check (folder, manifest, vitrine_part_progress, &check, error))
    return NULL;
  g_autoptr(VitrineAppliance) appliance = vitrine_appliance_new_from_ovf (data, length, ovf, error);
  return appliance != NULL ? import_appliance (appliance, folder, path, name, &disks, notes, error) : NULL;
}

static VitrineDomain *
import_ova (const char *path, const char *name, VitrinePart *part, GStrv *notes, GError **error)
{
  g_autofree char *images = vitrine_paths_images (), *ovf = NULL;
  char *scratch = vitrine_scratch_new (images, error);
  VitrinePart unpack = { part->progress, part->data, 0, UNPACKED }, rest = { part->progress, part->data, UNPACKED, part->to };
  VitrineDomain *domain = NULL;

  if (scratch != NULL && vitrine_ova_unpack (path, scratch, vitrine_part_progress, &unpack, error)
      && (ovf = vitrine_ova_find_ovf (scratch, error)) != NULL)
    domain = import_ovf (scratch, ovf, path, name, &rest, notes, error);
  vitrine_scratch_remove (scratch);
  return domain;
}

static VitrineDomain *
import_image (const char *path, const char *name, VitrinePart *part, GStrv *notes, GError **error)
{
  g_autoptr(VitrineAppliance) appliance = vitrine_appliance_new ();
  g_autofree char *folder = g_path_get_dirname (path), *base = g_path_get_basename (path);

  vitrine_appliance_add_disk (appliance, base, "sata", FALSE, 0);
  g_ptr_array_add (appliance->macs, g_strdup (""));
  return import_appliance (appliance, folder, path, name, part, notes, error);
}

const char *const vitrine_import_suffixes[] = { ".ova", ".ovf", ".vmdk", ".vdi", ".vhd", ".vhdx", ".qcow2", NULL };

static gboolean
has_suffix (const char *path, const char *suffix)
{
  g_autofree char *small = g_ascii_strdown (path, -1);
  return g_str_has_suffix (small, suffix);
}

VitrineDomain *
vitrine_import (const char *path, const char *name, VitrineProgress progress, gpointer data, GStrv *notes, GError **error)
{
  VitrinePart all = { progress, data, 0, 1 };
  g_autofree char *folder = g_path_get_dirname (path), *base = g_path_get_basename (path);
  VitrineDomain *domain = NULL;

  *notes = g_new0 (char *, 1);
  g_auto(GStrv) found = NULL;
  if (has_suffix (path, ".ova"))
    domain = import_ova (path, name, &all, &found, error);
  else if (has_suffix (path, ".ovf"))
    domain = import_ovf (folder, base, path, name, &all, &found, error);
  else
    domain = import_image (path, name, &all, &found, error);
  if (domain != NULL)
    {
      g_strfreev (*notes);
      *notes = g_steal_pointer (&found);
    }
  return domain;
}
