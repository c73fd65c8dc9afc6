/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migration: virDomainMigrate3() in a worker, and a second thread that asks for the job's figures, starts post-copy
 * and aborts. libvirt holds its own protocol of five phases; what is left to us is volumes for disks that are copied,
 * and to look afterwards where the machine is. */
#include "host-migrate.h"

#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "host-private.h"
#include "host-stream.h"
#include "host-xml.h"

#define TELL_MS 200
#define STALLED_PASSES 5   /* over memory without getting it down: post-copy takes over */

VitrineMigrateDisk *
vitrine_migrate_disk_new (const char *target, const char *pool, const char *name, const char *format,
                          guint64 capacity_bytes)
{
  VitrineMigrateDisk *disk = g_new0 (VitrineMigrateDisk, 1);

  disk->target = g_strdup (target);
  disk->pool = g_strdup (pool);
  disk->name = g_strdup (name);
  disk->format = g_strdup (format);
  disk->capacity_bytes = capacity_bytes;
  return disk;
}

void
vitrine_migrate_disk_free (VitrineMigrateDisk *disk)
{
  g_free (disk->target);
  g_free (disk->pool);
  g_free (disk->name);
  g_free (disk->format);
  g_free (disk);
}

void
vitrine_migration_free (VitrineMigration *migration)
{
  g_clear_pointer (&migration->copies, g_ptr_array_unref);
  g_free (migration);
}

typedef struct
{
  VitrineMigration  *how;
  virConnectPtr      there;
  char              *target_uri, *source_name, *target_name;
  GPtrArray         *made;         /* of virStorageVolPtr, at the target */
  VitrineMigrateTold told;
  gpointer           told_data;

  virDomainPtr       domain;       /* borrowed, for the watching thread */
  GCancellable      *cancellable;
  GMutex             lock;
  GCond              over;
  gboolean           is_over, post_copy;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_pointer (&job->made, g_ptr_array_unref);
  if (job->there != NULL)
    virConnectClose (job->there);
  vitrine_migration_free (job->how);
  g_free (job->target_uri);
  g_free (job->source_name);
  g_free (job->target_name);
  g_clear_object (&job->cancellable);
  g_mutex_clear (&job->lock);
  g_cond_clear (&job->over);
  g_free (job);
}

/* --- watching --------------------------------------------------------------------------------------------------- */

static guint64
number (virTypedParameterPtr params, int n, const char *name)
{
  unsigned long long value = 0;

  virTypedParamsGetULLong (params, n, name, &value);
  return value;
}

static gboolean
read_news (virDomainPtr domain, VitrineMigrateNews *news)
{
  virTypedParameterPtr params = NULL;
  int type = 0, n = 0, throttle = 0;

  if (virDomainGetJobStats (domain, &type, &params, &n, 0) < 0)
    return FALSE;
  *news = (VitrineMigrateNews) { .memory_total_bytes = number (params, n, VIR_DOMAIN_JOB_MEMORY_TOTAL),
                                 .memory_remaining_bytes = number (params, n, VIR_DOMAIN_JOB_MEMORY_REMAINING),
                                 .disk_total_bytes = number (params, n, VIR_DOMAIN_JOB_DISK_TOTAL),
                                 .disk_remaining_bytes = number (params, n, VIR_DOMAIN_JOB_DISK_REMAINING),
                                 .bytes_per_second = number (params, n, VIR_DOMAIN_JOB_MEMORY_BPS),
                                 .downtime_ms = number (params, n, VIR_DOMAIN_JOB_DOWNTIME),
                                 .iteration = (guint) number (params, n, VIR_DOMAIN_JOB_MEMORY_ITERATION),
                                 .time_us = g_get_monotonic_time () };
  if (virTypedParamsGetInt (params, n, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, &throttle) > 0)
    news->throttle_percent = (guint) MAX (throttle, 0);
  virTypedParamsFree (params, n);
  return type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED;
}

typedef struct
{
  VitrineMigrateTold told;
  gpointer           data;
  VitrineMigrateNews news;
} Message;

static gboolean
tell_in_main (gpointer data)
{
  const Message *message = data;

  message->told (&message->news, message->data);
  return G_SOURCE_REMOVE;
}

static void
tell (const Job *job, const VitrineMigrateNews *news)
{
  Message *message = g_new0 (Message, 1);

  *message = (Message) { job->told, job->told_data, *news };
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, tell_in_main, message, g_free);
}

/* Once, when pass after pass leaves as much as before. */
static void
start_post_copy_if_stalled (Job *job, const VitrineMigrateNews *news)
{
  if (!job->how->post_copy || job->post_copy || news->iteration < STALLED_PASSES)
    return;
  job->post_copy = virDomainMigrateStartPostCopy (job->domain, 0) == 0;
}

/* Until the migration is over; every call may find that it just is. */
static gpointer
watch (gpointer data)
{
  Job *job = data;
  VitrineMigrateNews news;

  g_mutex_lock (&job->lock);
  while (!job->is_over)
    {
      g_cond_wait_until (&job->over, &job->lock, g_get_monotonic_time () + TELL_MS * G_TIME_SPAN_MILLISECOND);
      if (job->is_over)
        break;
      g_mutex_unlock (&job->lock);
      if (g_cancellable_is_cancelled (job->cancellable))
        virDomainAbortJob (job->domain);
      else if (read_news (job->domain, &news))
        {
          start_post_copy_if_stalled (job, &news);
          news.post_copy = job->post_copy;
          tell (job, &news);
        }
      g_mutex_lock (&job->lock);
    }
  g_mutex_unlock (&job->lock);
  return NULL;
}

/* --- what libvirt is asked for ---------------------------------------------------------------------------------- */

typedef struct
{
  virTypedParameterPtr all;
  int                  n, room;
} Params;

static void
add_text (Params *params, const char *name, const char *value)
{
  virTypedParamsAddString (&params->all, &params->n, &params->room, name, value);
}

static unsigned
flags_of (const VitrineMigration *how)
{
  unsigned flags = VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;

  if (!how->live)
    return flags | VIR_MIGRATE_OFFLINE | (how->way == VITRINE_MIGRATE_DIRECT ? 0 : VIR_MIGRATE_PEER2PEER);
  flags |= VIR_MIGRATE_LIVE | VIR_MIGRATE_ABORT_ON_ERROR;
  if (how->way != VITRINE_MIGRATE_DIRECT)
    flags |= VIR_MIGRATE_PEER2PEER;
  if (how->way == VITRINE_MIGRATE_TUNNEL)
    flags |= VIR_MIGRATE_TUNNELLED;
  if (how->copies != NULL)
    flags |= VIR_MIGRATE_NON_SHARED_DISK;
  if (how->trust_storage)
    flags |= VIR_MIGRATE_UNSAFE;
  if (how->auto_converge)
    flags |= VIR_MIGRATE_AUTO_CONVERGE;
  if (how->post_copy)
    flags |= VIR_MIGRATE_POSTCOPY;
  return flags;
}

/* --- disks that are copied -------------------------------------------------------------------------------------- */

static void
volume_free (gpointer volume)
{
  virStorageVolFree (volume);
}

static char *
make_volume (Job *job, const VitrineMigrateDisk *disk, GError **error)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (job->there, disk->pool);

  if (pool == NULL)
    return vitrine_host_set_error (error);
  g_autofree char *name = vitrine_host_free_volume_name (pool, disk->name);
  virStorageVolPtr volume = vitrine_host_make_volume (pool, name, disk->format, disk->capacity_bytes, error);
  virStoragePoolFree (pool);
  if (volume == NULL)
    return NULL;
  g_ptr_array_add (job->made, volume);
  char *path = virStorageVolGetPath (volume), *copy = g_strdup (path);
  free (path);
  return copy != NULL ? copy : vitrine_host_set_error (error);
}

static void
set_source (xmlNode *root, const char *target, const char *path)
{
  VITRINE_XML_FOREACH (disk, vitrine_xml_child (root, "devices"), "disk")
    if (vitrine_xml_attr_is (vitrine_xml_child (disk, "target"), "dev", target))
      {
        xmlNode *source = vitrine_xml_ensure (disk, "source");
        vitrine_xml_set_attr (disk, "type", "file");
        for (xmlAttr *attr = source->properties; attr != NULL;)
          {
            xmlAttr *next = attr->next;
            xmlRemoveProp (attr);
            attr = next;
          }
        vitrine_xml_set_attr (source, "file", path);
        vitrine_xml_remove (vitrine_xml_child (disk, "backingStore"));
      }
}

static char *
dump (xmlDoc *document)
{
  xmlChar *text = NULL;
  int n = 0;

  xmlDocDumpMemory (document, &text, &n);
  char *copy = g_strndup ((const char *) text, (gsize) n);
  xmlFree (text);
  return copy;
}

/* The definition with the volumes that were made for its disks. @flags: of virDomainGetXMLDesc(). */
static char *
rewrite (virDomainPtr domain, unsigned flags, const GPtrArray *copies, const GPtrArray *paths, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);
  g_autoptr(xmlDoc) document = xml != NULL ? vitrine_host_take_xml (xml) : vitrine_host_set_error (error);

  if (document == NULL)
    return NULL;
  for (guint i = 0; i < copies->len; i++)
    set_source (xmlDocGetRootElement (document), ((VitrineMigrateDisk *) copies->pdata[i])->target, paths->pdata[i]);
  return dump (document);
}

static gboolean
prepare_copies (Job *job, virDomainPtr domain, Params *params, GError **error)
{
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const GPtrArray *copies = job->how->copies;

  for (guint i = 0; i < copies->len; i++)
    {
      const VitrineMigrateDisk *disk = copies->pdata[i];
      char *path = make_volume (job, disk, error);
      if (path == NULL)
        return FALSE;
      g_ptr_array_add (paths, path);
      add_text (params, VIR_MIGRATE_PARAM_MIGRATE_DISKS, disk->target);
    }
  g_autofree char *running = rewrite (domain, VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE, copies, paths, error);
  g_autofree char *next
      = running != NULL ? rewrite (domain, VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE,
                                   copies, paths, error)
                        : NULL;
  if (next == NULL)
    return FALSE;
  add_text (params, VIR_MIGRATE_PARAM_DEST_XML, running);
  add_text (params, VIR_MIGRATE_PARAM_PERSIST_XML, next);
  return TRUE;
}

static void
drop_volumes (Job *job)
{
  for (guint i = 0; i < job->made->len; i++)
    virStorageVolDelete (job->made->pdata[i], 0);
}

/* --- migrating -------------------------------------------------------------------------------------------------- */

static gboolean
migrate_now (Job *job, virDomainPtr domain, Params *params)
{
  unsigned flags = flags_of (job->how);

  if (job->how->way != VITRINE_MIGRATE_DIRECT)
    return virDomainMigrateToURI3 (domain, job->target_uri, params->all, (unsigned) params->n, flags) == 0;
  virDomainPtr there = virDomainMigrate3 (domain, job->there, params->all, (unsigned) params->n, flags);
  if (there == NULL)
    return FALSE;
  virDomainFree (there);
  return TRUE;
}

static gboolean
migrate_watched (Job *job, virDomainPtr domain, Params *params, GError **error)
{
  job->domain = domain;
  GThread *watcher = job->how->live ? g_thread_new ("migration", watch, job) : NULL;
  gboolean ok = migrate_now (job, domain, params);

  if (!ok)
    vitrine_host_set_error (error);
  g_mutex_lock (&job->lock);
  job->is_over = TRUE;
  g_cond_signal (&job->over);
  g_mutex_unlock (&job->lock);
  if (watcher != NULL)
    g_thread_join (watcher);
  return ok;
}

/* Does it run there, or is it at least defined? FALSE also when that host does not answer. */
static gboolean
is_there (virConnectPtr connection, const char *uuid, gboolean *active)
{
  virDomainPtr domain = virDomainLookupByUUIDString (connection, uuid);

  *active = domain != NULL && virDomainIsActive (domain) == 1;
  if (domain != NULL)
    virDomainFree (domain);
  return domain != NULL;
}

static char *
describe_place (const Job *job, gboolean here, gboolean here_active, gboolean there_active)
{
  if (here_active && !there_active)
    return g_strdup_printf (_("It still runs on “%s”."), job->source_name);
  if (!here_active && there_active)
    return g_strdup_printf (_("It runs on “%s” now."), job->target_name);
  if (here && !there_active)
    return g_strdup_printf (_("It is on “%s”, and is off."), job->source_name);
  return g_strdup_printf (_("Where it runs cannot be found out now: look at “%s” and “%s”."), job->source_name,
                          job->target_name);
}

/* After a failure: where is it? What the target has of it, but does not run, goes, as it could be started twice. */
static void
say_where (Job *job, virDomainPtr domain, GError **error)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  gboolean here_active = virDomainIsActive (domain) == 1, there_active;

  virDomainGetUUIDString (domain, uuid);
  gboolean here = is_there (virDomainGetConnect (domain), uuid, &here_active);
  gboolean there = is_there (job->there, uuid, &there_active);
  if (there && !there_active && here)
    {
      virDomainPtr copy = virDomainLookupByUUIDString (job->there, uuid);
      if (copy != NULL)
        {
          virDomainUndefineFlags (copy, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM);
          virDomainFree (copy);
        }
    }
  g_autofree char *where = describe_place (job, here, here_active, there_active);
  vitrine_host_add_sentence (*error, where);
  if (!there_active)
    drop_volumes (job);
}

static gpointer
migrate (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  Job *job = data;
  Params params = { 0 };
  g_autoptr(GError) problem = NULL;

  job->made = g_ptr_array_new_with_free_func (volume_free);
  if (job->how->bandwidth_mib > 0)
    virTypedParamsAddULLong (&params.all, &params.n, &params.room, VIR_MIGRATE_PARAM_BANDWIDTH,
                             job->how->bandwidth_mib);
  if (job->how->live && job->how->downtime_ms > 0)
    virDomainMigrateSetMaxDowntime (domain, job->how->downtime_ms, 0);
  gboolean prepared = job->how->copies == NULL || prepare_copies (job, domain, &params, &problem);
  gboolean ok = prepared && migrate_watched (job, domain, &params, &problem);
  virTypedParamsFree (params.all, params.n);
  if (ok)
    return VITRINE_HOST_DONE;
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (&problem);
      g_set_error_literal (&problem, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled."));
    }
  say_where (job, domain, &problem);
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

void
vitrine_host_guest_migrate_async (VitrineHostGuest *self, VitrineHost *target, VitrineMigration *migration,
                                  GCancellable *cancellable, VitrineMigrateTold told, gpointer told_data,
                                  GAsyncReadyCallback done, gpointer data)
{
  Job *job = g_new0 (Job, 1);
  VitrineHost *source = vitrine_host_guest_get_host (self);

  job->how = migration;
  job->target_uri = g_strdup (vitrine_host_get_uri (target));
  job->target_name = g_strdup (vitrine_host_get_name (target));
  job->source_name = g_strdup (source != NULL ? vitrine_host_get_name (source) : "");
  job->told = told;
  job->told_data = told_data;
  job->cancellable = cancellable != NULL ? g_object_ref (cancellable) : g_cancellable_new ();
  g_mutex_init (&job->lock);
  g_cond_init (&job->over);
  if (target->link == NULL)
    {
      g_task_report_new_error (self, done, data, vitrine_host_guest_migrate_async, VITRINE_HOST_ERROR,
                               VITRINE_HOST_ERROR_AWAY, _("“%s” is away."), job->target_name);
      job_free (job);
      return;
    }
  job->there = vitrine_host_link_get_connection (target->link);
  virConnectRef (job->there);
  vitrine_host_guest_run_async (self, migrate, job, job_free, NULL, cancellable, done, data);
}

gboolean
vitrine_host_guest_migrate_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}

/* --- processors ------------------------------------------------------------------------------------------------- */

static char *
dump_node (xmlDoc *document, xmlNode *node)
{
  xmlBuffer *buffer = xmlBufferCreate ();

  xmlNodeDump (buffer, document, node, 0, 0);
  char *copy = g_strdup ((const char *) xmlBufferContent (buffer));
  xmlBufferFree (buffer);
  return copy;
}

/* NULL: any will do. */
static char *
cpu_of (xmlDoc *document)
{
  xmlNode *cpu = vitrine_xml_child (xmlDocGetRootElement (document), "cpu");

  return vitrine_xml_child (cpu, "model") != NULL ? dump_node (document, cpu) : NULL;
}

/* Returns a sentence, with a letter in front that says what it is: "-" no, "?" nobody knows, "+" yes. */
static gpointer
compare_cpu (virConnectPtr connection, gpointer xml, GCancellable *cancellable, GError **error)
{
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  g_autofree char *cpu = root != NULL ? cpu_of (document) : NULL, *kind = vitrine_xml_attr (root, "type");
  g_autofree char *arch = vitrine_xml_attr (vitrine_xml_find (root, "os/type"), "arch");
  g_autoptr(GError) problem = NULL;

  if (cpu == NULL)
    return g_strdup ("+");
  int result = virConnectCompareHypervisorCPU (connection, NULL, arch, NULL, kind, cpu,
                                               VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
  if (result == VIR_CPU_COMPARE_IDENTICAL || result == VIR_CPU_COMPARE_SUPERSET)
    return g_strdup ("+");
  int code = virGetLastErrorCode ();
  vitrine_host_set_error (&problem);
  return g_strconcat (result == VIR_CPU_COMPARE_INCOMPATIBLE || code == VIR_ERR_CPU_INCOMPATIBLE ? "-" : "?",
                      problem->message, NULL);
}

void
vitrine_host_compare_cpu_async (VitrineHost *target, const char *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (target, compare_cpu, g_strdup (xml), g_free, g_free, NULL, done, data);
}

gboolean
vitrine_host_compare_cpu_finish (VitrineHost *target, GAsyncResult *result, char **why, GError **error)
{
  g_autofree char *answer = vitrine_host_run_finish (target, result, error);

  *why = answer != NULL && answer[0] != '+' ? g_strdup (answer + 1) : NULL;
  return answer != NULL && answer[0] != '-';
}

typedef struct
{
  virConnectPtr other;
} Baseline;

static void
baseline_free (gpointer data)
{
  Baseline *baseline = data;

  virConnectClose (baseline->other);
  g_free (baseline);
}

/* <cpu> of the host itself, as its capabilities have it. */
static char *
host_cpu (virConnectPtr connection)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virConnectGetCapabilities (connection));
  xmlNode *cpu = document != NULL ? vitrine_xml_find (xmlDocGetRootElement (document), "host/cpu") : NULL;

  return cpu != NULL ? dump_node (document, cpu) : NULL;
}

static gpointer
find_baseline (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  const Baseline *baseline = data;
  g_autofree char *here = host_cpu (baseline->other), *there = host_cpu (connection);
  const char *both[] = { here, there };

  if (here == NULL || there == NULL)
    return vitrine_host_set_error (error);
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virConnectBaselineCPU (connection, both, 2, 0));
  char *model
      = document != NULL ? vitrine_xml_text (vitrine_xml_child (xmlDocGetRootElement (document), "model")) : NULL;
  return model != NULL ? model : vitrine_host_set_error (error);
}

void
vitrine_host_baseline_cpu_async (VitrineHost *target, VitrineHost *source, GAsyncReadyCallback done, gpointer data)
{
  Baseline *baseline = g_new0 (Baseline, 1);

  if (source->link == NULL)
    {
      g_free (baseline);
      g_task_report_new_error (target, done, data, vitrine_host_baseline_cpu_async, VITRINE_HOST_ERROR,
                               VITRINE_HOST_ERROR_AWAY, _("“%s” is away."), vitrine_host_get_name (source));
      return;
    }
  baseline->other = vitrine_host_link_get_connection (source->link);
  virConnectRef (baseline->other);
  vitrine_host_run_async (target, find_baseline, baseline, baseline_free, g_free, NULL, done, data);
}

char *
vitrine_host_baseline_cpu_finish (VitrineHost *target, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (target, result, error);
}
