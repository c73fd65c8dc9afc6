/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operating system an installer image holds: libosinfo compares the ISO 9660 volume with its database. */
#include "installer.h"

#include <osinfo/osinfo.h>
#include <string.h>
#include <unistd.h>

#include "tpm-process.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)
#define FALLBACK_NAME "Machine"
#define PATIENCE_SECONDS 10
#define FALLBACK_DISK (20 * GIB)

void
vitrine_installer_free (VitrineInstaller *self)
{
  if (self == NULL)
    return;
  g_free (self->label);
  g_free (self->os_id);
  g_free (self->os_name);
  g_free (self);
}

/* Only ever used in the task's thread, one task at a time. */
static OsinfoDb *
get_database (void)
{
  static OsinfoDb *database;
  static GMutex mutex;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&mutex);

  if (database == NULL)
    {
      g_autoptr(OsinfoLoader) loader = osinfo_loader_new ();
      g_autoptr(GError) error = NULL;
      osinfo_loader_process_default_path (loader, &error);
      if (error != NULL)
        g_message ("The database of operating systems is incomplete: %s", error->message);
      database = g_object_ref (osinfo_loader_get_db (loader));
    }
  return database;
}

static void
take_resources (VitrineInstaller *self, OsinfoResourcesList *list)
{
  guint n = list != NULL ? (guint) osinfo_list_get_length (OSINFO_LIST (list)) : 0;

  for (guint i = 0; i < n; i++)
    {
      OsinfoResources *resources = OSINFO_RESOURCES (osinfo_list_get_nth (OSINFO_LIST (list), (gint) i));
      const char *architecture = osinfo_resources_get_architecture (resources);
      if (g_strcmp0 (architecture, "x86_64") != 0 && g_strcmp0 (architecture, "all") != 0)
        continue;
      self->memory_bytes = MAX (self->memory_bytes, (guint64) MAX (0, osinfo_resources_get_ram (resources)));
      self->disk_bytes = MAX (self->disk_bytes, (guint64) MAX (0, osinfo_resources_get_storage (resources)));
      self->cpus = MAX (self->cpus, (guint) MAX (0, osinfo_resources_get_n_cpus (resources)));
    }
}

/* The database has no word for that: it is Windows 11 and what builds upon it. */
#define NEEDS_TPM  "http://microsoft.com/win/11"
#define DESCENT_MAX 16u

static gboolean
needs_tpm (OsinfoProduct *product, guint depth)
{
  static const OsinfoProductRelationship relations[] = { OSINFO_PRODUCT_RELATIONSHIP_DERIVES_FROM, OSINFO_PRODUCT_RELATIONSHIP_UPGRADES };

  if (g_strcmp0 (osinfo_entity_get_id (OSINFO_ENTITY (product)), NEEDS_TPM) == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (relations) && depth < DESCENT_MAX; i++)
    {
      g_autoptr(OsinfoProductList) older = osinfo_product_get_related (product, relations[i]);
      for (gint j = 0; j < osinfo_list_get_length (OSINFO_LIST (older)); j++)
        if (needs_tpm (OSINFO_PRODUCT (osinfo_list_get_nth (OSINFO_LIST (older), j)), depth + 1))
          return TRUE;
    }
  return FALSE;
}

/* Windows 11, which refuses to start from a BIOS, wants to be verified, too. */
static VitrineFirmware
get_firmware (OsinfoOs *os)
{
  g_autoptr(OsinfoFirmwareList) list = osinfo_os_get_complete_firmware_list (os, NULL);
  guint n = (guint) osinfo_list_get_length (OSINFO_LIST (list));

  for (guint i = 0; i < n; i++)
    {
      OsinfoFirmware *firmware = OSINFO_FIRMWARE (osinfo_list_get_nth (OSINFO_LIST (list), (gint) i));
      if (g_strcmp0 (osinfo_firmware_get_architecture (firmware), "x86_64") == 0
          && g_strcmp0 (osinfo_firmware_get_firmware_type (firmware), "bios") == 0 && !osinfo_firmware_is_supported (firmware))
        return g_strcmp0 (osinfo_os_get_family (os), "winnt") == 0 ? VITRINE_FIRMWARE_SECURE_BOOT : VITRINE_FIRMWARE_UEFI;
    }
  return VITRINE_FIRMWARE_BIOS;
}

static void
take_os (VitrineInstaller *self, OsinfoMedia *media)
{
  g_autoptr(OsinfoOs) os = osinfo_media_get_os (media);

  self->live = osinfo_media_get_live (media);
  if (os == NULL)
    return;
  self->os_id = g_strdup (osinfo_entity_get_id (OSINFO_ENTITY (os)));
  self->os_name = g_strdup (osinfo_product_get_name (OSINFO_PRODUCT (os)));
  self->wants_tpm = needs_tpm (OSINFO_PRODUCT (os), 0);
  g_autoptr(OsinfoResourcesList) minimum = osinfo_os_get_minimum_resources (os);
  g_autoptr(OsinfoResourcesList) recommended = osinfo_os_get_recommended_resources (os);
  take_resources (self, minimum);
  take_resources (self, recommended);
  self->firmware = get_firmware (os);
}

/* "debian-12.5.0-amd64-netinst.iso" gives "debian 12.5.0 amd64 netinst". */
static char *
name_from_path (const char *path)
{
  g_autofree char *name = g_filename_display_basename (path);
  char *dot = strrchr (name, '.');

  if (dot != NULL && dot > name && strlen (dot) <= 5)
    *dot = '\0';
  for (char *p = name; *p != '\0'; p++)
    if (*p == '_' || *p == '-')
      *p = ' ';
  g_strstrip (name);
  return *name != '\0' ? g_steal_pointer (&name) : g_strdup (FALLBACK_NAME);
}

static void
choose_label (VitrineInstaller *self, const char *path, OsinfoMedia *media)
{
  const char *volume = media != NULL ? osinfo_media_get_volume_id (media) : NULL;
  g_autofree char *stripped = volume != NULL ? g_strstrip (g_strdup (volume)) : NULL;

  if (self->os_name != NULL)
    self->label = g_strdup (self->os_name);
  else if (stripped != NULL && *stripped != '\0' && g_utf8_validate (stripped, -1, NULL)
           && g_ascii_strcasecmp (stripped, "ISOIMAGE") != 0 && g_ascii_strcasecmp (stripped, "CDROM") != 0)
    self->label = g_steal_pointer (&stripped);
  else
    self->label = name_from_path (path);
  g_strdelimit (self->label, "/\n\r\t", ' ');
}

/* --- the medium --------------------------------------------------------------------------------------------------- */

typedef struct
{
  gboolean     done;
  OsinfoMedia *media;
} Opening;

static void
medium_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  Opening *opening = data;

  opening->media = osinfo_media_create_from_location_finish (result, NULL);
  opening->done = TRUE;
}

static gboolean
give_up (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled (GCancellable *cancellable, gpointer data)
{
  return give_up (data);
}

static void
attach (GSource *source, GSourceFunc fn, gboolean *flag, GMainContext *context)
{
  g_source_set_callback (source, fn, flag, NULL);
  g_source_attach (source, context);
}

/* In a main loop of its own: in the program's, this thread and the main one might wait for each other. There are damaged media that libosinfo
 * (1.10) never comes to an end with. */
static OsinfoMedia *
open_medium (GFile *file, GCancellable *cancellable)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GSource) late = g_timeout_source_new_seconds (PATIENCE_SECONDS);
  g_autoptr(GSource) unwanted = g_cancellable_source_new (cancellable);
  g_autofree char *uri = g_file_get_uri (file);
  Opening *opening = g_new0 (Opening, 1);
  gboolean gave_up = FALSE;

  g_main_context_push_thread_default (context);
  attach (late, give_up, &gave_up, context);
  attach (unwanted, G_SOURCE_FUNC (cancelled), &gave_up, context);
  osinfo_media_create_from_location_async (uri, G_PRIORITY_DEFAULT, cancellable, medium_opened, opening);
  while (!opening->done && !gave_up)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (late);
  g_source_destroy (unwanted);
  g_main_context_pop_thread_default (context);
  if (!opening->done)
    return NULL;      /* libosinfo keeps it, perhaps for ever */
  OsinfoMedia *media = opening->media;
  g_free (opening);
  return media;
}

static void
recognize (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *path = data;
  g_autoptr(GFile) file = g_file_new_for_path (path);
  g_autoptr(GError) error = NULL;
  g_autoptr(GFileInputStream) stream = g_file_read (file, cancellable, &error);

  if (stream == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  VitrineInstaller *self = g_new0 (VitrineInstaller, 1);
  g_autoptr(OsinfoMedia) media = open_medium (file, cancellable);
  self->bootable = media != NULL;   /* libosinfo refuses what has no boot record */
  if (media != NULL && osinfo_db_identify_media (get_database (), media))
    take_os (self, media);
  choose_label (self, path, media);
  g_task_return_pointer (task, self, (GDestroyNotify) vitrine_installer_free);
}

void
vitrine_installer_recognize_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, done, data);

  g_task_set_source_tag (task, vitrine_installer_recognize_async);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, recognize);
}

VitrineInstaller *
vitrine_installer_recognize_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vitrine_installer_plan (const VitrineInstaller *self, VitrineInstallerPlan *plan)
{
  guint64 here = (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);
  guint64 disk = self->disk_bytes > 0 ? self->disk_bytes : FALLBACK_DISK;

  *plan = (VitrineInstallerPlan) { .memory_bytes = MIN (MAX (self->memory_bytes, GIB), MAX (here / 2, 512 * MIB)),
                                   .disk_bytes = (disk + GIB - 1) / GIB * GIB,
                                   .cpus = MIN (MAX (self->cpus, 1), g_get_num_processors ()),
                                   .tpm = self->wants_tpm && vitrine_tpm_is_installed () };
}
