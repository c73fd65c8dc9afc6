/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine to a host: volumes, definition, start; and everything back when one of them fails. */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-private.h"
#include "host-shipment.h"
#include "host-stream.h"
#include "host-text.h"

VitrineHostParcel *
vitrine_host_parcel_new (const char *file, const char *name)
{
  VitrineHostParcel *parcel = g_new0 (VitrineHostParcel, 1);

  parcel->file = g_strdup (file);
  parcel->name = g_strdup (name);
  return parcel;
}

void
vitrine_host_parcel_free (VitrineHostParcel *parcel)
{
  g_free (parcel->file);
  g_free (parcel->name);
  g_free (parcel);
}

void
vitrine_host_shipment_free (VitrineHostShipment *shipment)
{
  if (shipment == NULL)
    return;
  if (shipment->free_data != NULL)
    shipment->free_data (shipment->data);
  g_free (shipment->pool);
  g_ptr_array_unref (shipment->parcels);
  g_free (shipment);
}

typedef struct
{
  VitrineHostShipment *shipment;
  VitrineHostMeter     meter;
  virStoragePoolPtr    pool;
  GPtrArray           *made;      /* of virStorageVolPtr */
  GArray              *held;      /* descriptors: nobody changes a file before all are sent */
} Job;

static void
volume_free (gpointer volume)
{
  virStorageVolFree (volume);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_pointer (&job->made, g_ptr_array_unref);
  g_clear_pointer (&job->held, g_array_unref);
  if (job->pool != NULL)
    virStoragePoolFree (job->pool);
  vitrine_host_shipment_free (job->shipment);
  g_free (job);
}

/* --- back again ------------------------------------------------------------------------------------------------- */

/* What the host did not delete, as it is away or says no, is named: nobody else would find it. */
static void
roll_back (Job *job, GError **error)
{
  g_autoptr(GString) left = g_string_new (NULL);

  for (guint i = 0; i < job->made->len; i++)
    {
      virStorageVolPtr volume = job->made->pdata[i];
      g_autofree char *name = vitrine_host_text (virStorageVolGetName (volume), VITRINE_HOST_TITLE_CHARS);
      if (virStorageVolDelete (volume, 0) < 0)
        g_string_append_printf (left, left->len > 0 ? ", “%s”" : "“%s”", name);
    }
  if (left->len == 0 || error == NULL || *error == NULL)
    return;
  g_autofree char *words = g_strdup_printf (_("Left behind in the pool “%s” of the host, to be deleted there: %s."),
                                            job->shipment->pool, left->str);
  vitrine_host_add_sentence (*error, words);
}

/* --- volumes ---------------------------------------------------------------------------------------------------- */

static gboolean
send_parcel (Job *job, const VitrineHostParcel *parcel, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = vitrine_host_free_volume_name (job->pool, parcel->name);
  GStatBuf status;

  if (g_stat (parcel->file, &status) < 0)
    {
      g_autofree char *shown = g_filename_display_name (parcel->file);
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, "“%s”: %s", shown, g_strerror (errno));
      return FALSE;
    }
  virStorageVolPtr volume = vitrine_host_make_volume (job->pool, name, "raw", (guint64) status.st_size, error);
  if (volume == NULL)
    return FALSE;
  g_ptr_array_add (job->made, volume);
  return vitrine_host_send_file (volume, parcel->file, &job->meter, cancellable, error);
}

static void
close_held (gpointer fd)
{
  close (*(int *) fd);
}

static gboolean
hold_files (Job *job, GError **error)
{
  job->held = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (job->held, close_held);
  for (guint i = 0; i < job->shipment->parcels->len; i++)
    {
      int fd = vitrine_host_hold_file (((VitrineHostParcel *) job->shipment->parcels->pdata[i])->file, error);
      if (fd < 0)
        return FALSE;
      g_array_append_val (job->held, fd);
    }
  return TRUE;
}

static gboolean
open_pool (Job *job, virConnectPtr connection, GError **error)
{
  job->pool = virStoragePoolLookupByName (connection, job->shipment->pool);
  return job->pool != NULL || vitrine_host_set_error (error) != NULL;
}

static gboolean
send_parcels (Job *job, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < job->shipment->parcels->len; i++)
    if (!send_parcel (job, job->shipment->parcels->pdata[i], cancellable, error))
      return FALSE;
  virStoragePoolRefresh (job->pool, 0);   /* the host looks into the files only then */
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static GStrv
list_paths (const Job *job, GError **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < job->made->len; i++)
    {
      char *path = virStorageVolGetPath (job->made->pdata[i]);
      if (path == NULL)
        return vitrine_host_set_error (error);
      g_strv_builder_add (builder, path);
      free (path);
    }
  return g_strv_builder_end (builder);
}

/* --- the machine ------------------------------------------------------------------------------------------------ */

static virDomainPtr
define (const Job *job, virConnectPtr connection, GError **error)
{
  g_auto(GStrv) paths = list_paths (job, error);
  g_autofree char *xml
    = paths != NULL ? job->shipment->describe ((const char *const *) paths, job->shipment->data) : NULL;

  if (xml == NULL || !vitrine_host_check_new (connection, xml, error))
    return NULL;
  virDomainPtr domain = virDomainDefineXMLFlags (connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
  return domain != NULL ? domain : vitrine_host_set_error (error);
}

/* Its result: "", or why it did not start. It stays there then, as its files may have taken hours. */
static gpointer
ship (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Job *job = data;
  g_autoptr(GError) problem = NULL;
  virDomainPtr domain = NULL;

  job->made = g_ptr_array_new_with_free_func (volume_free);
  if (hold_files (job, error) && open_pool (job, connection, error) && send_parcels (job, cancellable, error))
    domain = define (job, connection, error);
  if (domain == NULL)
    {
      roll_back (job, error);
      return NULL;
    }
  if (job->shipment->start && virDomainCreate (domain) < 0)
    vitrine_host_set_error (&problem);
  virDomainFree (domain);
  return g_strdup (problem != NULL ? problem->message : "");
}

static guint64
count_bytes (const VitrineHostShipment *shipment)
{
  guint64 sum = 0;

  for (guint i = 0; i < shipment->parcels->len; i++)
    {
      const VitrineHostParcel *parcel = shipment->parcels->pdata[i];
      GStatBuf status;
      sum += g_stat (parcel->file, &status) == 0 ? (guint64) status.st_size : 0;
    }
  return sum;
}

void
vitrine_host_ship_async (VitrineHost *self, VitrineHostShipment *shipment, GCancellable *cancellable,
                         VitrineHostProgress progress, gpointer progress_data, GAsyncReadyCallback done, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->shipment = shipment;
  job->meter = (VitrineHostMeter) { progress, progress_data, 0, count_bytes (shipment), 0 };
  vitrine_host_run_async (self, ship, job, job_free, g_free, cancellable, done, data);
}

gboolean
vitrine_host_ship_finish (VitrineHost *self, GAsyncResult *result, char **not_started, GError **error)
{
  g_autofree char *problem = vitrine_host_run_finish (self, result, error);

  if (problem == NULL)
    return FALSE;
  *not_started = *problem != '\0' ? g_steal_pointer (&problem) : NULL;
  return TRUE;
}

/* --- a try ------------------------------------------------------------------------------------------------------ */

static gpointer
check_definition (virConnectPtr connection, gpointer xml, GCancellable *cancellable, GError **error)
{
  char *command = virConnectDomainXMLToNative (connection, "qemu-argv", xml, 0);

  free (command);
  if (command != NULL)
    return VITRINE_HOST_DONE;
  vitrine_host_set_error (error);
  if (!g_error_matches (*error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED)
      || virConnectGetType (connection) == NULL || g_str_equal (virConnectGetType (connection), "QEMU"))
    return NULL;
  g_clear_error (error);   /* another hypervisor, which has no such command line */
  return VITRINE_HOST_DONE;
}

void
vitrine_host_check_definition_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, check_definition, g_strdup (xml), g_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_check_definition_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
}
