/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that a definition names. */
#include "domain.h"

#include <vitrine/image.h>

typedef struct
{
  VitrineFileVisit visit;
  gpointer         data;
} Visitor;

static void
show (const Visitor *visitor, const char *path, VitrineFileUse use)
{
  if (path != NULL)
    visitor->visit (path, use, visitor->data);
}

static VitrineFileUse
disk_use (const VtDiskConfig *disk)
{
  return disk->cdrom || disk->readonly || disk->snapshot ? VITRINE_FILE_READ : VITRINE_FILE_CHANGE;
}

static void
show_disk (const Visitor *visitor, const VtDiskConfig *disk)
{
  show (visitor, disk->path, disk_use (disk));
  if (disk->path == NULL)
    return;
  /* An image that cannot be read now is one that the engine will complain about. */
  const VtImagePlace place = { disk->path, disk->format, disk->any_backing, NULL };
  g_auto(GStrv) chain = vt_image_chain (&place, NULL);
  for (guint i = 0; chain != NULL && chain[i] != NULL; i++)
    show (visitor, chain[i], VITRINE_FILE_READ);
}

void
vitrine_disk_visit_files (const VtDiskConfig *disk, VitrineFileVisit visit, gpointer data)
{
  const Visitor visitor = { visit, data };

  show_disk (&visitor, disk);
}

static void
show_end (const Visitor *visitor, const VtSerialConfig *end)
{
  g_autofree char *folder = end->path != NULL ? g_path_get_dirname (end->path) : NULL;

  if (end->kind == VT_SERIAL_SOCKET)
    show (visitor, folder, VITRINE_FILE_SOCKETS);
  else
    show (visitor, end->path, VITRINE_FILE_MAKE);
}

static void
show_all (const Visitor *visitor, const VtConfig *config)
{
  for (guint i = 0; i < config->disks->len; i++)
    show_disk (visitor, config->disks->pdata[i]);
  for (guint i = 0; i < config->serials->len; i++)
    show (visitor, ((const VtSerialConfig *) config->serials->pdata[i])->path, VITRINE_FILE_MAKE);
  for (guint i = 0; i < config->ports->len; i++)
    show_end (visitor, &((const VtPortConfig *) config->ports->pdata[i])->end);
  for (guint i = 0; i < config->nets->len; i++)
    show (visitor, ((const VtNetConfig *) config->nets->pdata[i])->local, VITRINE_FILE_SOCKETS);
  for (guint i = 0; i < config->shares->len; i++)
    {
      const VtShareConfig *share = config->shares->pdata[i];
      show (visitor, share->folder, share->readonly ? VITRINE_FILE_READ : VITRINE_FILE_SHARE);
    }
  show (visitor, config->debugcon, VITRINE_FILE_MAKE);
  show (visitor, config->sound_path, VITRINE_FILE_MAKE);
  show (visitor, config->firmware_code, VITRINE_FILE_READ);
  show (visitor, config->nvram_template, VITRINE_FILE_READ);
  show (visitor, config->nvram, VITRINE_FILE_CHANGE);
  show (visitor, config->kernel, VITRINE_FILE_READ);
  show (visitor, config->initrd, VITRINE_FILE_READ);
}

void
vitrine_domain_visit_files (VitrineDomain *domain, VitrineFileVisit visit, gpointer data)
{
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, NULL);
  const Visitor visitor = { visit, data };

  if (config != NULL)
    show_all (&visitor, config);
}
