/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "between-checks.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-private.h"
#include "host-shipment.h"
#include "host-text.h"
#include "migration-blockers.h"
#include "move-private.h"

typedef struct
{
  const VitrineBetweenFacts *facts;
  VitrineDomain             *domain;
  xmlNode                   *devices;
  GPtrArray                 *checks;
} Job;

#define refuse(job, ...) vitrine_checks_add ((job)->checks, VITRINE_CHECK_REFUSED, __VA_ARGS__)
#define warn(job, ...) vitrine_checks_add ((job)->checks, VITRINE_CHECK_WARNED, __VA_ARGS__)

/* --- who and how -------------------------------------------------------------------------------------------------- */

static void
check_host (const Job *job)
{
  const VitrineBetweenFacts *facts = job->facts;

  if (facts->source->host_uuid != NULL && g_strcmp0 (facts->source->host_uuid, facts->target->host_uuid) == 0)
    refuse (job, _("Target"), _("“%s” and “%s” are the same libvirt: a machine cannot migrate to where it is."),
            facts->source_name, facts->target_name);
  vitrine_checks_pass (job->checks, _("Target"), _("The target is another host."));
}

/* A URI without a server means "this computer" to whoever reads it, whatever socket it names. */
static gboolean
is_local_uri (const char *uri)
{
  g_autoptr(GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_NON_DNS, NULL);
  const char *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;

  return host == NULL || *host == '\0';
}

static void
check_way (const Job *job)
{
  const VitrineMoveOptions *options = job->facts->options;

  if (options->way != VITRINE_MIGRATE_DIRECT && is_local_uri (job->facts->target_uri))
    refuse (job, _("Way"),
            _("“%s” is a URI of this computer: the source host would connect to itself by it. Add the target by a URI "
              "with its "
              "name, or migrate directly."),
            job->facts->target_uri);
  if (options->way == VITRINE_MIGRATE_TUNNEL && options->copy_storage && job->facts->running)
    refuse (job, _("Way"), _("Disks cannot be copied through a tunnel: choose direct or peer to peer."));
}

static void
check_state (const Job *job)
{
  if (job->facts->running && job->facts->options->offline)
    refuse (job, _("State"), _("The machine is running: shut it down to migrate it offline."));
  else if (!job->facts->running && !job->facts->options->offline)
    refuse (job, _("State"), _("The machine is off: only its definition can be migrated (offline)."));
  if (job->facts->snapshots > 0)
    refuse (job, _("Snapshots"),
            _("A machine with snapshots cannot be migrated: the target would not know them. Delete them first."));
  vitrine_checks_pass (job->checks, _("State"),
                       job->facts->running ? _("It runs, and goes on running.") : _("It is off."));
}

static void
check_board (const Job *job)
{
  if (job->facts->target->machine == NULL)
    refuse (job, _("Board"), _("The target does not offer the machine’s board: %s"), job->facts->target->no_machine);
  vitrine_checks_pass (job->checks, _("Board"), _("The target has its board."));
}

static void
check_cpu (const Job *job)
{
  const VitrineBetweenFacts *facts = job->facts;

  if (facts->cpu_fits && facts->cpu_why != NULL)
    warn (job, _("Processor"), _("The target cannot say whether its processor is good enough: %s"), facts->cpu_why);
  else if (!facts->cpu_fits && facts->cpu_baseline != NULL)
    refuse (job, _("Processor"),
            _("The target’s processor lacks something that the machine has: %s Both hosts could run the model “%s”: "
              "set that in "
              "its definition."),
            facts->cpu_why, facts->cpu_baseline);
  else if (!facts->cpu_fits)
    refuse (job, _("Processor"), _("The target’s processor lacks something that the machine has: %s"), facts->cpu_why);
  vitrine_checks_pass (job->checks, _("Processor"), _("The target’s processor can do all that the machine’s can."));
}

static void
check_memory (const Job *job)
{
  guint64 needed_bytes = vitrine_domain_get_memory_bytes (job->domain),
          free_bytes = job->facts->target->free_memory_bytes;
  g_autofree char *needed = g_format_size (needed_bytes), *left = g_format_size (free_bytes);

  if (free_bytes != 0 && free_bytes < needed_bytes)
    warn (job, _("Memory"), _("The machine has %s, and the target %s free: it may have to swap, or refuse."), needed,
          left);
  vitrine_checks_pass (job->checks, _("Memory"), _("The target has enough free memory."));
}

static void
check_blockers (const Job *job)
{
  g_autoptr(GPtrArray) blockers = vitrine_migration_blockers (job->domain);

  for (guint i = 0; job->facts->running && i < blockers->len; i++)
    refuse (job, _("Devices"), "%s", ((VitrineMigrationBlocker *) blockers->pdata[i])->sentence);
  for (guint i = 0; !job->facts->running && i < blockers->len; i++)
    warn (job, _("Devices"), _("The target must have the device “%s”, or the machine cannot start there."),
          ((VitrineMigrationBlocker *) blockers->pdata[i])->device);
  vitrine_checks_pass (job->checks, _("Devices"), _("No device is in the way."));
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

static gboolean
has_interface (const VitrineHostOffer *offer, const char *name)
{
  for (guint i = 0; i < offer->resources->networks->len; i++)
    {
      const VitrineHostNetwork *network = offer->resources->networks->pdata[i];
      if (network->active && g_strcmp0 (network->bridge, name) == 0)
        return TRUE;
    }
  for (guint i = 0; i < offer->resources->devices->len; i++)
    {
      const VitrineHostDevice *device = offer->resources->devices->pdata[i];
      if (g_strcmp0 (device->kind, "net") == 0 && g_strcmp0 (device->description, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
check_network (const Job *job, const char *raw)
{
  const VitrineHostNetwork *network = vitrine_host_offer_find_network (job->facts->target, raw);
  g_autofree char *name = vitrine_host_text (raw, VITRINE_HOST_TITLE_CHARS);

  if (network == NULL)
    refuse (job, _("Network"), _("The target has no network “%s”: define one of that name there."), name);
  else if (!network->active)
    refuse (job, _("Network"), _("The network “%s” of the target is not active: start it first."), name);
}

static void
check_networks (const Job *job)
{
  VITRINE_XML_FOREACH (interface, job->devices, "interface")
    {
      xmlNode *source = vitrine_xml_child (interface, "source");
      g_autofree char *network = vitrine_xml_attr (source, "network"), *bridge = vitrine_xml_attr (source, "bridge"),
                      *device = vitrine_xml_attr (source, "dev");
      const char *link = vitrine_xml_attr_is (interface, "type", "bridge")   ? bridge
                         : vitrine_xml_attr_is (interface, "type", "direct") ? device
                                                                             : NULL;
      if (vitrine_xml_attr_is (interface, "type", "network"))
        check_network (job, network);
      else if (link != NULL && !has_interface (job->facts->target, link))
        {
          g_autofree char *name = vitrine_host_text (link, VITRINE_HOST_TITLE_CHARS);
          refuse (job, _("Network"), _("The target has no network interface or bridge “%s”."), name);
        }
    }
  vitrine_checks_pass (job->checks, _("Network"), _("The target has the networks of its cards."));
}

/* --- storage ------------------------------------------------------------------------------------------------------ */

static const VitrineHostCargo *
find_cargo (const Job *job, const char *what)
{
  for (guint i = 0; i < job->facts->cargo->len; i++)
    if (g_strcmp0 (((VitrineHostCargo *) job->facts->cargo->pdata[i])->what, what) == 0)
      return job->facts->cargo->pdata[i];
  return NULL;
}

/* libvirt copies what can be written. */
static gboolean
is_copied (const xmlNode *disk)
{
  g_autofree char *device = vitrine_xml_attr (disk, "device");

  return (device == NULL || g_str_equal (device, "disk")) && vitrine_xml_child (disk, "readonly") == NULL
         && vitrine_xml_child (disk, "shareable") == NULL && vitrine_xml_child (disk, "source") != NULL;
}

/* The same path with the same size there: as sure as one can be from outside. */
static gboolean
is_shared (const Job *job, const VitrineHostCargo *cargo)
{
  const char *path = cargo->path != NULL ? cargo->path : cargo->named;
  const VitrineHostVolume *there = path != NULL ? vitrine_host_offer_find_volume (job->facts->target, path) : NULL;

  return there != NULL && (cargo->capacity_bytes == 0 || cargo->capacity_bytes == there->capacity_bytes);
}

static void
check_disk (const Job *job, const xmlNode *disk, const VitrineHostCargo *cargo)
{
  g_autofree char *named = vitrine_host_text (cargo->named, VITRINE_HOST_TITLE_CHARS);
  const gboolean copied = job->facts->options->copy_storage && is_copied (disk);

  if (copied && cargo->capacity_bytes == 0)
    refuse (
        job, _("Disks"),
        _("“%s” is in no active storage pool of the source, so that its size is not known and it cannot be copied."),
        named);
  if (copied || is_shared (job, cargo))
    return;
  if (vitrine_xml_attr_is (disk, "device", "cdrom"))
    refuse (job, _("Disks"), _("The CD “%s” is not there at the target: take it out of the drive first."), named);
  else if (is_copied (disk) && job->facts->running)
    refuse (job, _("Disks"),
            _("“%s” is not there at the target: let the disks be copied, or put them on storage that both hosts have "
              "in a pool."),
            named);
  else if (is_copied (disk))
    refuse (job, _("Disks"),
            _("“%s” is not there at the target, and disks are copied only while the machine runs. Start it, or bring "
              "it to this "
              "computer and move it on from here."),
            named);
  else
    refuse (job, _("Disks"),
            _("“%s” is not there at the target, and a disk that is only read is not copied. Put it there first."),
            named);
}

static void
check_disks (const Job *job)
{
  VITRINE_XML_FOREACH (disk, job->devices, "disk")
    {
      g_autofree char *target = vitrine_xml_attr (vitrine_xml_child (disk, "target"), "dev");
      const VitrineHostCargo *cargo = find_cargo (job, target);
      if (cargo != NULL)
        check_disk (job, disk, cargo);
    }
    vitrine_checks_pass (job->checks, _("Disks"),
                         job->facts->options->copy_storage ? _("Its disks are copied.")
                                                           : _("The target sees its disks."));
}

static void
check_boot_files (const Job *job)
{
  static const char *const files[] = { "kernel", "initrd" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      const VitrineHostCargo *cargo = find_cargo (job, files[i]);
      g_autofree char *named = cargo != NULL ? vitrine_host_text (cargo->named, VITRINE_HOST_TITLE_CHARS) : NULL;
      if (cargo != NULL && !is_shared (job, cargo))
        warn (job, _("Kernel"),
              _("“%s”, which it boots from, is in no pool of the target: it must be there before the machine starts "
                "anew."),
              named);
    }
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static Job
begin (const VitrineBetweenFacts *facts, GPtrArray *checks)
{
  VitrineDomain *domain = vitrine_domain_new_from_data (facts->xml, strlen (facts->xml), "", NULL);

  return (Job) { facts, domain, domain != NULL ? vitrine_domain_devices (domain) : NULL, checks };
}

void
vitrine_between_read_board (const char *xml, char **arch, char **board)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_data (xml, strlen (xml), "", NULL);
  const xmlNode *type = domain != NULL ? vitrine_xml_find (vitrine_domain_root (domain), "os/type") : NULL;

  *arch = vitrine_xml_attr (type, "arch");
  *board = vitrine_xml_attr (type, "machine");
}

void
vitrine_between_check (const VitrineBetweenFacts *facts, GPtrArray *checks)
{
  Job job = begin (facts, checks);
  g_autofree char *name = job.domain != NULL ? vitrine_domain_get_name (job.domain) : NULL;
  g_autofree char *uuid = job.domain != NULL ? vitrine_domain_get_uuid (job.domain) : NULL;

  if (job.domain == NULL)
    {
      refuse (&job, _("Definition"), _("The definition of the machine cannot be read."));
      return;
    }
  check_host (&job);
  if (g_strcmp0 (facts->source->host_uuid, facts->target->host_uuid) != 0)
    vitrine_move_check_identity (facts->target, facts->target_name, name, uuid, checks);
  check_state (&job);
  check_way (&job);
  check_board (&job);
  check_cpu (&job);
  check_memory (&job);
  check_blockers (&job);
  check_networks (&job);
  check_disks (&job);
  check_boot_files (&job);
  g_object_unref (job.domain);
}

GPtrArray *
vitrine_between_list_copies (const VitrineBetweenFacts *facts, const char *pool)
{
  GPtrArray *copies = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_migrate_disk_free);
  Job job = begin (facts, NULL);

  VITRINE_XML_FOREACH (disk, job.devices, "disk")
    {
      g_autofree char *target = vitrine_xml_attr (vitrine_xml_child (disk, "target"), "dev");
      const VitrineHostCargo *cargo = is_copied (disk) ? find_cargo (&job, target) : NULL;
      if (cargo == NULL)
        continue;
      g_autofree char *name = g_path_get_basename (cargo->named);
      const char *format = g_strcmp0 (cargo->format, "qcow2") == 0 ? "qcow2" : "raw";
      g_ptr_array_add (copies, vitrine_migrate_disk_new (target, pool, name, format, cargo->capacity_bytes));
    }
  g_clear_object (&job.domain);
  return copies;
}
