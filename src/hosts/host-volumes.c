/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes of a host: made, and their bytes sent there and back. */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "host-private.h"
#include "host-resources.h"
#include "host-stream.h"

/* --- creating --------------------------------------------------------------------------------------------------- */

typedef struct
{
  char   *pool, *name, *format;
  guint64 capacity_bytes;
} Creation;

static void
creation_free (gpointer data)
{
  Creation *creation = data;

  g_free (creation->pool);
  g_free (creation->name);
  g_free (creation->format);
  g_free (creation);
}

static virStorageVolPtr
make_volume (virConnectPtr connection, const Creation *wish, GError **error)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (connection, wish->pool);

  if (pool == NULL)
    return vitrine_host_set_error (error);
  virStorageVolPtr volume = vitrine_host_make_volume (pool, wish->name, wish->format, wish->capacity_bytes, error);
  virStoragePoolFree (pool);
  return volume;
}

static gpointer
create (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  virStorageVolPtr volume = make_volume (connection, data, error);

  if (volume == NULL)
    return NULL;
  virStorageVolFree (volume);
  return VITRINE_HOST_DONE;
}

void
vitrine_host_create_volume_async (VitrineHost *self, const char *pool, const char *name, const char *format,
                                  guint64 capacity_bytes, GAsyncReadyCallback done, gpointer data)
{
  Creation *creation = g_new0 (Creation, 1);

  creation->pool = g_strdup (pool);
  creation->name = g_strdup (name);
  creation->format = g_strdup (format);
  creation->capacity_bytes = capacity_bytes;
  vitrine_host_run_async (self, create, creation, creation_free, NULL, NULL, done, data);
}

/* --- there and back ----------------------------------------------------------------------------------------------- */

typedef struct
{
  char            *place;      /* pool, or the volume's path */
  char            *file;
  VitrineHostMeter meter;
} Transfer;

static void
transfer_free (gpointer data)
{
  Transfer *transfer = data;

  g_free (transfer->place);
  g_free (transfer->file);
  g_free (transfer);
}

static gpointer
upload (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Transfer *transfer = data;
  g_autofree char *name = g_path_get_basename (transfer->file);
  GStatBuf status;

  if (g_stat (transfer->file, &status) < 0)
    {
      g_autofree char *shown = g_filename_display_name (transfer->file);
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, "“%s”: %s", shown, g_strerror (errno));
      return NULL;
    }
  transfer->meter.total_bytes = (guint64) status.st_size;
  const Creation wish
      = { transfer->place, name, (char *)"raw", transfer->meter.total_bytes }; /* what is in it, the host finds */
  virStorageVolPtr volume = make_volume (connection, &wish, error);
  if (volume == NULL)
    return NULL;
  gboolean ok = vitrine_host_send_file (volume, transfer->file, &transfer->meter, cancellable, error);
  if (ok)
    vitrine_host_refresh_pool_of (volume);
  else
    virStorageVolDelete (volume, 0);
  virStorageVolFree (volume);
  return ok ? VITRINE_HOST_DONE : NULL;
}

static gpointer
download (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Transfer *transfer = data;
  virStorageVolPtr volume = virStorageVolLookupByPath (connection, transfer->place);

  if (volume == NULL)
    return vitrine_host_set_error (error);
  transfer->meter.total_bytes = vitrine_host_volume_file_bytes (volume);
  gboolean ok = vitrine_host_receive_file (volume, transfer->file, &transfer->meter, cancellable, error);
  virStorageVolFree (volume);
  return ok ? VITRINE_HOST_DONE : NULL;
}

static Transfer *
new_transfer (const char *place, const char *file, VitrineHostProgress progress, gpointer progress_data)
{
  Transfer *transfer = g_new0 (Transfer, 1);

  transfer->place = g_strdup (place);
  transfer->file = g_strdup (file);
  transfer->meter.progress = progress;
  transfer->meter.data = progress_data;
  return transfer;
}

void
vitrine_host_upload_volume_async (VitrineHost *self, const char *pool, const char *file, GCancellable *cancellable,
                                  VitrineHostProgress progress, gpointer progress_data, GAsyncReadyCallback done,
                                  gpointer data)
{
  vitrine_host_run_async (self, upload, new_transfer (pool, file, progress, progress_data), transfer_free, NULL,
                          cancellable, done, data);
}

void
vitrine_host_download_volume_async (VitrineHost *self, const char *path, const char *file, GCancellable *cancellable,
                                    VitrineHostProgress progress, gpointer progress_data, GAsyncReadyCallback done,
                                    gpointer data)
{
  vitrine_host_run_async (self, download, new_transfer (path, file, progress, progress_data), transfer_free, NULL,
                          cancellable, done, data);
}
