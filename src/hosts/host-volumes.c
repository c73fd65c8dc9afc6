/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes of a host: made, and their bytes sent there and back. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-private.h"
#include "host-resources.h"

#define PIECE_BYTES (256 * 1024)
#define PROGRESS_US (100 * 1000)

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
  g_autofree char *xml =
    g_markup_printf_escaped ("<volume><name>%s</name><capacity unit='bytes'>%" G_GUINT64_FORMAT "</capacity>"
                             "<allocation unit='bytes'>0</allocation><target><format type='%s'/></target></volume>",
                             wish->name, wish->capacity_bytes, wish->format);
  virStoragePoolPtr pool = virStoragePoolLookupByName (connection, wish->pool);
  virStorageVolPtr volume = pool != NULL ? virStorageVolCreateXML (pool, xml, 0) : NULL;

  if (volume == NULL)
    vitrine_host_set_error (error);
  if (pool != NULL)
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

/* --- progress --------------------------------------------------------------------------------------------------- */

typedef struct
{
  char               *place;      /* pool, or the volume's path */
  char               *file;
  VitrineHostProgress progress;   /* NULL: nobody wants to hear */
  gpointer            progress_data;
  guint64             done_bytes, total_bytes;
  gint64              told_us;
} Transfer;

static void
transfer_free (gpointer data)
{
  Transfer *transfer = data;

  g_free (transfer->place);
  g_free (transfer->file);
  g_free (transfer);
}

typedef struct
{
  VitrineHostProgress progress;
  gpointer            data;
  guint64             done_bytes, total_bytes;
} News;

static gboolean
tell_in_main (gpointer data)
{
  const News *news = data;

  news->progress (news->done_bytes, news->total_bytes, news->data);
  return G_SOURCE_REMOVE;
}

/* Before the transfer's end is told, as both go through the main loop in order. */
static void
moved_on (Transfer *transfer, guint64 bytes)
{
  gint64 now_us = g_get_monotonic_time ();

  transfer->done_bytes += bytes;
  if (transfer->progress == NULL || now_us - transfer->told_us < PROGRESS_US)
    return;
  transfer->told_us = now_us;
  News *news = g_new0 (News, 1);
  *news = (News) { transfer->progress, transfer->progress_data, transfer->done_bytes, transfer->total_bytes };
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, tell_in_main, news, g_free);
}

static gboolean
fail_with_file (const Transfer *transfer, int number, GError **error)
{
  g_autofree char *name = g_filename_display_name (transfer->file);

  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, "“%s”: %s", name, g_strerror (number));
  return FALSE;
}

/* --- uploading -------------------------------------------------------------------------------------------------- */

static gboolean
send_all (virStreamPtr stream, const char *bytes, gssize n, GError **error)
{
  while (n > 0)
    {
      int sent = virStreamSend (stream, bytes, (gsize) n);
      if (sent < 0)
        return vitrine_host_set_error (error) != NULL;
      bytes += sent;
      n -= sent;
    }
  return TRUE;
}

static gboolean
send_file (Transfer *transfer, virStreamPtr stream, int fd, GCancellable *cancellable, GError **error)
{
  g_autofree char *piece = g_malloc (PIECE_BYTES);

  for (;;)
    {
      gssize n = read (fd, piece, PIECE_BYTES);
      if (n < 0)
        return fail_with_file (transfer, errno, error);
      if (n == 0)
        return TRUE;
      if (g_cancellable_set_error_if_cancelled (cancellable, error) || !send_all (stream, piece, n, error))
        return FALSE;
      moved_on (transfer, (guint64) n);
    }
}

static gboolean
fill_volume (Transfer *transfer, virStorageVolPtr volume, int fd, GCancellable *cancellable, GError **error)
{
  virStreamPtr stream = virStreamNew (virStorageVolGetConnect (volume), 0);
  gboolean started = stream != NULL && virStorageVolUpload (volume, stream, 0, transfer->total_bytes, 0) == 0;
  gboolean ok = started ? send_file (transfer, stream, fd, cancellable, error) : vitrine_host_set_error (error) != NULL;

  if (ok && virStreamFinish (stream) < 0)
    ok = vitrine_host_set_error (error) != NULL;
  else if (started && !ok)
    virStreamAbort (stream);
  if (stream != NULL)
    virStreamFree (stream);
  return ok;
}

/* The host looks into the file only then. */
static void
refresh_pool (virStorageVolPtr volume)
{
  virStoragePoolPtr pool = virStoragePoolLookupByVolume (volume);

  if (pool != NULL)
    {
      virStoragePoolRefresh (pool, 0);
      virStoragePoolFree (pool);
    }
}

static gboolean
upload_file (virConnectPtr connection, Transfer *transfer, int fd, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_path_get_basename (transfer->file);
  const Creation wish
      = { transfer->place, name, (char *)"raw", transfer->total_bytes }; /* what is in it, the host finds */
  virStorageVolPtr volume = make_volume (connection, &wish, error);

  if (volume == NULL)
    return FALSE;
  gboolean ok = fill_volume (transfer, volume, fd, cancellable, error);
  if (ok)
    refresh_pool (volume);
  else
    virStorageVolDelete (volume, 0);
  virStorageVolFree (volume);
  return ok;
}

static gpointer
upload (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Transfer *transfer = data;
  int fd = g_open (transfer->file, O_RDONLY | O_CLOEXEC, 0);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) < 0)
    {
      fail_with_file (transfer, errno, error);
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  transfer->total_bytes = (guint64) status.st_size;
  gboolean ok = upload_file (connection, transfer, fd, cancellable, error);
  close (fd);
  return ok ? VITRINE_HOST_DONE : NULL;
}

/* --- downloading ------------------------------------------------------------------------------------------------ */

static gboolean
write_all (const Transfer *transfer, int fd, const char *bytes, gssize n, GError **error)
{
  while (n > 0)
    {
      gssize written = write (fd, bytes, (gsize) n);
      if (written < 0 && errno != EINTR)
        return fail_with_file (transfer, errno, error);
      bytes += MAX (written, 0);
      n -= MAX (written, 0);
    }
  return TRUE;
}

static gboolean
receive_file (Transfer *transfer, virStreamPtr stream, int fd, GCancellable *cancellable, GError **error)
{
  g_autofree char *piece = g_malloc (PIECE_BYTES);

  for (;;)
    {
      int n = virStreamRecv (stream, piece, PIECE_BYTES);
      if (n < 0)
        return vitrine_host_set_error (error) != NULL;
      if (n == 0)
        return TRUE;
      if (g_cancellable_set_error_if_cancelled (cancellable, error) || !write_all (transfer, fd, piece, n, error))
        return FALSE;
      moved_on (transfer, (guint64) n);
    }
}

static gboolean
receive_volume (Transfer *transfer, virStorageVolPtr volume, int fd, GCancellable *cancellable, GError **error)
{
  virStreamPtr stream = virStreamNew (virStorageVolGetConnect (volume), 0);
  gboolean started = stream != NULL && virStorageVolDownload (volume, stream, 0, 0, 0) == 0;
  gboolean ok
      = started ? receive_file (transfer, stream, fd, cancellable, error) : vitrine_host_set_error (error) != NULL;

  if (ok && virStreamFinish (stream) < 0)
    ok = vitrine_host_set_error (error) != NULL;
  else if (started && !ok)
    virStreamAbort (stream);
  if (stream != NULL)
    virStreamFree (stream);
  return ok;
}

/* How many bytes will come: those of the file, not of the disk that it holds. */
static guint64
bytes_of (virStorageVolPtr volume)
{
  virStorageVolInfo info;

  if (virStorageVolGetInfoFlags (volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) == 0)
    return info.allocation;
  return virStorageVolGetInfo (volume, &info) == 0 ? info.capacity : 0;
}

static gboolean
download_volume (virStorageVolPtr volume, Transfer *transfer, GCancellable *cancellable, GError **error)
{
  g_autofree char *temporary = g_strconcat (transfer->file, ".part", NULL);
  int fd = g_open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (fd < 0)
    return fail_with_file (transfer, errno, error);
  transfer->total_bytes = bytes_of (volume);
  gboolean ok = receive_volume (transfer, volume, fd, cancellable, error);
  if (ok && fsync (fd) < 0)
    ok = fail_with_file (transfer, errno, error);
  close (fd);
  if (ok && g_rename (temporary, transfer->file) < 0)
    ok = fail_with_file (transfer, errno, error);
  if (!ok)
    g_unlink (temporary);
  return ok;
}

static gpointer
download (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Transfer *transfer = data;
  virStorageVolPtr volume = virStorageVolLookupByPath (connection, transfer->place);

  if (volume == NULL)
    return vitrine_host_set_error (error);
  gboolean ok = download_volume (volume, transfer, cancellable, error);
  virStorageVolFree (volume);
  return ok ? VITRINE_HOST_DONE : NULL;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static Transfer *
new_transfer (const char *place, const char *file, VitrineHostProgress progress, gpointer progress_data)
{
  Transfer *transfer = g_new0 (Transfer, 1);

  transfer->place = g_strdup (place);
  transfer->file = g_strdup (file);
  transfer->progress = progress;
  transfer->progress_data = progress_data;
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
