/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams of libvirt with a volume at the other end. Holes go over them as holes (libvirt's sparse streams): a raw disk
 * of 100 GB with 2 GB in it costs 2 GB. */
#include "host-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-error.h"
#include "host-xml.h"

#define PIECE_BYTES (256 * 1024)
#define PROGRESS_US (100 * 1000)
#define MOST_NAMES 1000

typedef struct
{
  virStreamPtr      stream;
  const char       *file;
  int               fd;
  VitrineHostMeter *meter;
  GCancellable     *cancellable;
  char             *piece;
} Transfer;

/* --- progress --------------------------------------------------------------------------------------------------- */

static gboolean
tell_in_main (gpointer data)
{
  const VitrineHostMeter *news = data;

  news->progress (news->done_bytes, news->total_bytes, news->data);
  return G_SOURCE_REMOVE;
}

void
vitrine_host_meter_add (VitrineHostMeter *meter, guint64 bytes)
{
  gint64 now_us = g_get_monotonic_time ();

  meter->done_bytes += bytes;
  if (meter->progress == NULL || now_us - meter->told_us < PROGRESS_US)
    return;
  meter->told_us = now_us;
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, tell_in_main, g_memdup2 (meter, sizeof *meter), g_free);
}

/* --- volumes ---------------------------------------------------------------------------------------------------- */

char *
vitrine_host_free_volume_name (virStoragePoolPtr pool, const char *wish)
{
  const char *dot = strrchr (wish, '.');
  int stem = dot != NULL ? (int) (dot - wish) : (int) strlen (wish);

  for (guint i = 1; i < MOST_NAMES; i++)
    {
      char *name = i == 1 ? g_strdup (wish) : g_strdup_printf ("%.*s-%u%s", stem, wish, i, wish + stem);
      virStorageVolPtr there = virStorageVolLookupByName (pool, name);
      if (there == NULL)
        return name;
      virStorageVolFree (there);
      g_free (name);
    }
  return g_strdup (wish);
}

/* An allocation below the capacity asks LVM for a sparse volume with only so much room to be written, and none is
 * refused. */
static gboolean
is_logical (virStoragePoolPtr pool)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virStoragePoolGetXMLDesc (pool, 0));

  return document != NULL && vitrine_xml_attr_is (xmlDocGetRootElement (document), "type", "logical");
}

virStorageVolPtr
vitrine_host_make_volume (virStoragePoolPtr pool, const char *name, const char *format, guint64 capacity_bytes,
                          GError **error)
{
  guint64 allocation_bytes = is_logical (pool) ? capacity_bytes : 0;
  g_autofree char *xml =
    g_markup_printf_escaped ("<volume><name>%s</name><capacity unit='bytes'>%" G_GUINT64_FORMAT "</capacity>"
                             "<allocation unit='bytes'>%" G_GUINT64_FORMAT "</allocation>"
                             "<target><format type='%s'/></target></volume>",
                             name, capacity_bytes, allocation_bytes, format);
  virStorageVolPtr volume = virStorageVolCreateXML (pool, xml, 0);

  return volume != NULL ? volume : vitrine_host_set_error (error);
}

void
vitrine_host_refresh_pool_of (virStorageVolPtr volume)
{
  virStoragePoolPtr pool = virStoragePoolLookupByVolume (volume);

  if (pool != NULL)
    {
      virStoragePoolRefresh (pool, 0);
      virStoragePoolFree (pool);
    }
}

guint64
vitrine_host_volume_file_bytes (virStorageVolPtr volume)
{
  virStorageVolInfo info;

  if (virStorageVolGetInfoFlags (volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) == 0)
    return info.allocation;
  return virStorageVolGetInfo (volume, &info) == 0 ? info.capacity : 0;
}

/* --- both ways -------------------------------------------------------------------------------------------------- */

static gboolean
fail_with_file (const char *file, int number, GError **error)
{
  g_autofree char *name = g_filename_display_name (file);

  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, "“%s”: %s", name, g_strerror (number));
  return FALSE;
}

static gboolean
fail_with_host (GError **error)
{
  return vitrine_host_set_error (error) != NULL;
}

static gboolean
end_stream (const Transfer *transfer, gboolean ok, GError **error)
{
  if (ok)
    return virStreamFinish (transfer->stream) == 0 || fail_with_host (error);
  virStreamAbort (transfer->stream);
  return FALSE;
}

int
vitrine_host_hold_file (const char *file, GError **error)
{
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
  int fd = g_open (file, O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    {
      fail_with_file (file, errno, error);
      return -1;
    }
  if (fcntl (fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) /* some file systems have no locks */
    return fd;
  g_autofree char *name = g_filename_display_name (file);
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
               _("“%s” is in use by another machine or program."), name);
  close (fd);
  return -1;
}

/* --- uploading -------------------------------------------------------------------------------------------------- */

static gboolean
send_all (const Transfer *transfer, const char *bytes, gssize n, GError **error)
{
  while (n > 0)
    {
      int sent = virStreamSend (transfer->stream, bytes, (gsize) n);
      if (sent < 0)
        return fail_with_host (error);
      bytes += sent;
      n -= sent;
    }
  return TRUE;
}

static gboolean
send_data (const Transfer *transfer, gint64 from, gint64 to, GError **error)
{
  while (from < to)
    {
      gssize n = pread (transfer->fd, transfer->piece, (gsize) MIN (to - from, PIECE_BYTES), from);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)   /* 0: it has become shorter */
        return fail_with_file (transfer->file, n < 0 ? errno : ESTALE, error);
      if (g_cancellable_set_error_if_cancelled (transfer->cancellable, error)
          || !send_all (transfer, transfer->piece, n, error))
        return FALSE;
      from += n;
      vitrine_host_meter_add (transfer->meter, (guint64) n);
    }
  return TRUE;
}

static gboolean
send_hole (const Transfer *transfer, gint64 bytes, GError **error)
{
  if (bytes == 0)
    return TRUE;
  vitrine_host_meter_add (transfer->meter, (guint64) bytes);
  return virStreamSendHole (transfer->stream, bytes, 0) == 0 || fail_with_host (error);
}

/* Where a file system does not tell of holes, all is data. */
static gboolean
send_parts (const Transfer *transfer, gint64 size, gboolean sparse, GError **error)
{
  gint64 at = 0;

  while (at < size)
    {
      gint64 data = sparse ? lseek (transfer->fd, at, SEEK_DATA) : at;
      if (data < 0)
        data = errno == ENXIO ? size : at;
      data = MIN (data, size);
      gint64 hole = data < size && sparse ? lseek (transfer->fd, data, SEEK_HOLE) : size;
      if (hole < 0 || hole > size)
        hole = size;
      if (!send_hole (transfer, data - at, error) || !send_data (transfer, data, hole, error))
        return FALSE;
      at = hole;
    }
  return TRUE;
}

static gboolean
check_unchanged (const Transfer *transfer, const struct stat *was, GError **error)
{
  g_autofree char *name = g_filename_display_name (transfer->file);
  struct stat is;

  if (stat (transfer->file, &is) == 0 && is.st_ino == was->st_ino && is.st_size == was->st_size
      && is.st_mtim.tv_sec == was->st_mtim.tv_sec && is.st_mtim.tv_nsec == was->st_mtim.tv_nsec)
    return TRUE;
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
               _("“%s” has changed while it was sent: another program writes to it. Close that first."), name);
  return FALSE;
}

/* Older hosts, and some kinds of storage, know no holes. */
static gboolean
start_upload (const Transfer *transfer, virStorageVolPtr volume, guint64 size, gboolean *sparse)
{
  *sparse = virStorageVolUpload (volume, transfer->stream, 0, size, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM) == 0;
  return *sparse || virStorageVolUpload (volume, transfer->stream, 0, size, 0) == 0;
}

static gboolean
send_opened (Transfer *transfer, virStorageVolPtr volume, GError **error)
{
  struct stat status;
  gboolean sparse;

  if (fstat (transfer->fd, &status) < 0)
    return fail_with_file (transfer->file, errno, error);
  if (transfer->stream == NULL || !start_upload (transfer, volume, (guint64) status.st_size, &sparse))
    return fail_with_host (error);
  return end_stream (transfer, send_parts (transfer, status.st_size, sparse, error), error)
         && check_unchanged (transfer, &status, error);
}

gboolean
vitrine_host_send_file (virStorageVolPtr volume, const char *file, VitrineHostMeter *meter, GCancellable *cancellable,
                        GError **error)
{
  int fd = vitrine_host_hold_file (file, error);

  if (fd < 0)
    return FALSE;
  g_autofree char *piece = g_malloc (PIECE_BYTES);
  Transfer transfer = { virStreamNew (virStorageVolGetConnect (volume), 0), file, fd, meter, cancellable, piece };
  gboolean ok = send_opened (&transfer, volume, error);
  if (transfer.stream != NULL)
    virStreamFree (transfer.stream);
  close (fd);
  return ok;
}

/* --- downloading ------------------------------------------------------------------------------------------------ */

static gboolean
receive_data (const Transfer *transfer, gssize n, GError **error)
{
  const char *bytes = transfer->piece;

  vitrine_host_meter_add (transfer->meter, (guint64) n);
  while (n > 0)
    {
      gssize written = write (transfer->fd, bytes, (gsize) n);
      if (written < 0 && errno != EINTR)
        return fail_with_file (transfer->file, errno, error);
      bytes += MAX (written, 0);
      n -= MAX (written, 0);
    }
  return TRUE;
}

#define NEXT_IS_HOLE -3   /* of virStreamRecvFlags() */

static gboolean
receive_hole (const Transfer *transfer, GError **error)
{
  long long bytes = 0;

  if (virStreamRecvHole (transfer->stream, &bytes, 0) < 0)
    return fail_with_host (error);
  if (lseek (transfer->fd, bytes, SEEK_CUR) < 0 || ftruncate (transfer->fd, lseek (transfer->fd, 0, SEEK_CUR)) < 0)
    return fail_with_file (transfer->file, errno, error);
  vitrine_host_meter_add (transfer->meter, (guint64) MAX (bytes, 0));
  return TRUE;
}

static gboolean
receive_parts (const Transfer *transfer, GError **error)
{
  for (;;)
    {
      int n = virStreamRecvFlags (transfer->stream, transfer->piece, PIECE_BYTES, VIR_STREAM_RECV_STOP_AT_HOLE);
      if (n == 0)
        return TRUE;
      if (g_cancellable_set_error_if_cancelled (transfer->cancellable, error))
        return FALSE;
      if (n == NEXT_IS_HOLE ? !receive_hole (transfer, error)
          : n < 0           ? !fail_with_host (error)
                            : !receive_data (transfer, n, error))
        return FALSE;
    }
}

static gboolean
start_download (const Transfer *transfer, virStorageVolPtr volume)
{
  return virStorageVolDownload (volume, transfer->stream, 0, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) == 0
         || virStorageVolDownload (volume, transfer->stream, 0, 0, 0) == 0;
}

static gboolean
receive_opened (const Transfer *transfer, virStorageVolPtr volume, GError **error)
{
  if (transfer->stream == NULL || !start_download (transfer, volume))
    return fail_with_host (error);
  if (!end_stream (transfer, receive_parts (transfer, error), error))
    return FALSE;
  return fsync (transfer->fd) == 0 || fail_with_file (transfer->file, errno, error);
}

gboolean
vitrine_host_receive_file (virStorageVolPtr volume, const char *file, VitrineHostMeter *meter,
                           GCancellable *cancellable, GError **error)
{
  g_autofree char *temporary = g_strconcat (file, ".part", NULL), *piece = g_malloc (PIECE_BYTES);
  int fd = g_open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (fd < 0)
    return fail_with_file (file, errno, error);
  Transfer transfer = { virStreamNew (virStorageVolGetConnect (volume), 0), file, fd, meter, cancellable, piece };
  gboolean ok = receive_opened (&transfer, volume, error);
  if (transfer.stream != NULL)
    virStreamFree (transfer.stream);
  close (fd);
  if (ok && g_rename (temporary, file) < 0)
    ok = fail_with_file (file, errno, error);
  if (!ok)
    g_unlink (temporary);
  return ok;
}
