/* SPDX-License-Identifier: GPL-3.0-or-later */
/* To a host. The rule: the guest finds what it had where the host has it, and what cannot be kept is a sentence. What
 * we do not know is left as it is: the host is asked what it thinks of the result before anything is sent. */
#include "translate.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-private.h"
#include "host-text.h"

#define AGENT_PORT "com.redhat.spice.0"

typedef struct
{
  VitrineDomain          *domain;
  xmlNode                *root, *devices;
  const VitrineHostOffer *offer;
  const char             *network;
  GPtrArray              *checks;
} Job;

#define warn(job, ...) vitrine_checks_add ((job)->checks, VITRINE_CHECK_WARNED, __VA_ARGS__)

static xmlNode *
add_element (xmlNode *parent, const char *name)
{
  return xmlNewChild (parent, NULL, BAD_CAST name, NULL);
}

static void
take_accelerator (Job *job)
{
  vitrine_xml_set_attr (job->root, "type", job->offer->kvm ? "kvm" : "qemu");
  if (job->offer->emulator != NULL)
    vitrine_xml_set_text (vitrine_xml_ensure (job->devices, "emulator"), job->offer->emulator);
  if (!job->offer->kvm)
    warn (job, _("Processor"), _("The host emulates processors (it offers no KVM): the machine may be slow there."));
}

/* --- processor ---------------------------------------------------------------------------------------------------- */

static xmlNode *
ensure_cpu (Job *job)
{
  return vitrine_xml_ensure (job->root, "cpu");
}

/* All that the host can do: what the machine has here, too. */
static void
set_usual_cpu (Job *job)
{
  const char *mode = job->offer->kvm ? "host-model" : "maximum";
  static const char *const parts[] = { "model", "vendor", "feature" };
  xmlNode *cpu = ensure_cpu (job), *part;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    while ((part = vitrine_xml_child (cpu, parts[i])) != NULL)
      vitrine_xml_remove (part);
  vitrine_xml_set_attr (cpu, "match", NULL);
  vitrine_xml_set_attr (cpu, "check", NULL);
  vitrine_xml_set_attr (cpu, "mode", vitrine_host_offer_has_cpu_mode (job->offer, mode) ? mode : NULL);
  if (vitrine_xml_attr_is (cpu, "mode", mode) || cpu->children != NULL)
    return;
  vitrine_xml_remove (cpu);
}

static void
take_cpu (Job *job)
{
  xmlNode *cpu = vitrine_xml_child (job->root, "cpu");
  g_autofree char *mode = vitrine_xml_attr (cpu, "mode"), *model = vitrine_xml_text (vitrine_xml_child (cpu, "model"));

  if (mode != NULL && !g_str_equal (mode, "custom") && vitrine_host_offer_has_cpu_mode (job->offer, mode))
    return;
  if (model != NULL && (mode == NULL || g_str_equal (mode, "custom")))
    {
      if (vitrine_host_offer_has_cpu (job->offer, model))
        return;
      warn (job, _("Processor"),
            _("The host cannot offer the processor model “%s”: the machine gets what the host has."), model);
    }
  set_usual_cpu (job);
}

/* --- firmware ----------------------------------------------------------------------------------------------------- */

/* With the same firmware the variables fit, and go along. Else the host chooses one, with fresh variables. */
static void
take_firmware (Job *job)
{
  xmlNode *os = vitrine_xml_ensure (job->root, "os");
  VitrineFirmware firmware = vitrine_domain_get_firmware (job->domain);
  bool secure = firmware == VITRINE_FIRMWARE_SECURE_BOOT;
  g_autofree char *loader = vitrine_domain_get_loader (job->domain);
  g_autofree char *there = vitrine_host_offer_find_loader (job->offer, loader != NULL ? loader : vt_firmware_uefi_code (secure, secure));

  vitrine_xml_remove (vitrine_xml_child (os, "nvram"));
  if (firmware == VITRINE_FIRMWARE_BIOS)
    {
      vitrine_xml_remove (vitrine_xml_child (os, "loader"));
      return;
    }
  if (there == NULL)
    {
      vitrine_domain_forget_loader (job->domain);
      warn (job, _("Firmware"),
            _("The host has another UEFI: it begins with fresh settings there, without the boot entries of here."));
      return;
    }
  vitrine_xml_set_attr (os, "firmware", NULL);
  vitrine_xml_remove (vitrine_xml_child (os, "firmware"));
  xmlNode *element = vitrine_xml_ensure (os, "loader");
  vitrine_xml_set_attr (element, "readonly", "yes");
  vitrine_xml_set_attr (element, "secure", secure ? "yes" : NULL);
  if (secure)
    vitrine_xml_set_attr (vitrine_xml_ensure (job->root, "features/smm"), "state", "on");
  vitrine_xml_set_attr (element, "type", "pflash");
  vitrine_xml_set_text (element, there);
}

/* --- screen, sound ------------------------------------------------------------------------------------------------ */

static gboolean
has_spice (const Job *job)
{
  return vitrine_host_offer_has (job->offer, "devices/graphics", "type", "spice");
}

/* Ours needs none: the window is the screen. */
static void
take_screen (Job *job)
{
  xmlNode *model = vitrine_xml_find (job->devices, "video/model");
  g_autofree char *type = vitrine_xml_attr (model, "type");

  if (type != NULL && !vitrine_host_offer_has (job->offer, "devices/video", "modelType", type))
    {
      warn (job, _("Screen"), _("The host has no graphics card “%s”: the machine gets a VGA card."), type);
      vitrine_xml_set_attr (model, "type", "vga");
    }
  if (vitrine_xml_child (job->devices, "graphics") == NULL && g_strcmp0 (type, "none") != 0)
    {
      xmlNode *graphics = add_element (job->devices, "graphics");
      vitrine_xml_set_attr (graphics, "type", has_spice (job) ? "spice" : "vnc");
      vitrine_xml_set_attr (graphics, "autoport", "yes");
    }
  while (vitrine_xml_child (job->devices, "audio") != NULL)   /* where sound comes out is this computer's matter */
    vitrine_xml_remove (vitrine_xml_child (job->devices, "audio"));
}

static void
take_agent (Job *job)
{
  VITRINE_XML_FOREACH (channel, job->devices, "channel")
    if (vitrine_xml_attr_is (channel, "type", "qemu-vdagent") && has_spice (job)
        && vitrine_xml_attr_is (vitrine_xml_child (channel, "target"), "name", AGENT_PORT))
      {
        vitrine_xml_set_attr (channel, "type", "spicevmc");
        vitrine_xml_remove (vitrine_xml_child (channel, "source"));
      }
}

/* --- what ends on this computer ----------------------------------------------------------------------------------- */

static void
take_ends (Job *job, const char *element)
{
  VITRINE_XML_FOREACH (end, job->devices, element)
    {
      if (vitrine_xml_attr_is (end, "type", "file"))
        {
          warn (job, _("Consoles"), _("What a serial port wrote into a file here goes to a console there."));
          vitrine_xml_set_attr (end, "type", "pty");
        }
      else if (!vitrine_xml_attr_is (end, "type", "unix"))
        continue;
      vitrine_xml_remove (vitrine_xml_child (end, "source"));
    }
}

static void
remove_all (Job *job, const char *element, const char *what, const char *sentence)
{
  xmlNode *node;

  if (vitrine_xml_child (job->devices, element) != NULL)
    warn (job, what, "%s", sentence);
  while ((node = vitrine_xml_child (job->devices, element)) != NULL)
    vitrine_xml_remove (node);
}

static void
take_what_stays (Job *job)
{
  remove_all (job, "filesystem", _("Shared folders"),
              _("Folders that are shared with the guest are of this computer, and stay here."));
  remove_all (job, "hostdev", _("Devices"), _("Devices of this computer that are passed through stay here."));
  if (vitrine_host_offer_lacks (job->offer, "devices/tpm"))
    remove_all (job, "tpm", _("Devices"), _("The host has no TPM for machines: it is left out."));
  else if (vitrine_domain_get_tpm (job->domain))
    warn (job, _("Devices"), _("Its TPM is a new one there: what is sealed in the old one stays here."));
  take_ends (job, "serial");
  take_ends (job, "console");
  take_ends (job, "channel");
}

/* --- networks ----------------------------------------------------------------------------------------------------- */

static void
remove_forwards (Job *job, xmlNode *interface)
{
  xmlNode *forward;

  if (vitrine_xml_child (interface, "portForward") != NULL)
    warn (job, _("Network"), _("Ports of this computer that are forwarded into the machine are not forwarded there."));
  while ((forward = vitrine_xml_child (interface, "portForward")) != NULL)
    vitrine_xml_remove (forward);
}

/* What keeps a guest in is not lost without a word. */
static void
warn_of_restriction (Job *job)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (job->domain);

  for (guint i = 0; i < networks->len; i++)
    if (((VitrineNetwork *) networks->pdata[i])->restricted)
      {
        warn (job, _("Network"), _("A card is restricted to forwarded ports here. There it is not: it reaches the host’s network."));
        return;
      }
}

static void
warn_of_device (Job *job, const xmlNode *interface)
{
  g_autofree char *bridge = vitrine_xml_attr (vitrine_xml_child (interface, "source"), "bridge");
  g_autofree char *device = vitrine_xml_attr (vitrine_xml_child (interface, "target"), "dev");

  if (vitrine_xml_attr_is (interface, "type", "bridge") && bridge != NULL)
    warn (job, _("Network"), _("A card is on the bridge “%s”: the host needs one of that name."), bridge);
  if (vitrine_xml_attr_is (interface, "type", "ethernet") && device != NULL)
    warn (job, _("Network"), _("A card is on the TAP device “%s”: the host needs one of that name."), device);
}

static void
take_network (Job *job, xmlNode *interface)
{
  remove_forwards (job, interface);
  if (vitrine_xml_attr_is (interface, "type", "mcast"))
    warn (
        job, _("Network"),
        _("The network between machines of this computer is another one there: those that stay here are not on it."));
  warn_of_device (job, interface);
  if (!vitrine_xml_attr_is (interface, "type", "user") || job->network == NULL)
    return;
  vitrine_xml_set_attr (interface, "type", "network");
  vitrine_xml_remove (vitrine_xml_child (interface, "source"));
  vitrine_xml_set_attr (add_element (interface, "source"), "network", job->network);
}

static void
take_networks (Job *job)
{
  warn_of_restriction (job);
  VITRINE_XML_FOREACH (interface, job->devices, "interface")
    take_network (job, interface);
  if (job->network != NULL && vitrine_xml_child (job->devices, "interface") != NULL)
    vitrine_checks_pass (job->checks, _("Network"), _("Its network cards are on the network that was chosen."));
}

/* --- disks -------------------------------------------------------------------------------------------------------- */

static void
take_disks (Job *job)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (job->domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (g_strcmp0 (disk->bus, "nvme") == 0)
        warn (job, _("Disks"),
              _("The NVMe disk “%s” is on virtio there, as hosts have no NVMe disks. Here it is on NVMe again."),
              disk->target);
      else if (!vitrine_host_offer_has (job->offer, "devices/disk", "bus", disk->bus))
        warn (job, _("Disks"), _("The host knows no bus “%s”, which the disk “%s” is on."), disk->bus, disk->target);
    }
}

VitrineDomain *
vitrine_translate_to_host (VitrineDomain *domain, const VitrineHostOffer *offer, const char *network, GPtrArray *checks)
{
  VitrineDomain *copy = vitrine_domain_copy (domain);
  Job job = { copy, vitrine_domain_root (copy), vitrine_domain_devices (copy), offer, network, checks };

  take_accelerator (&job);
  take_cpu (&job);
  take_firmware (&job);
  take_screen (&job);
  take_agent (&job);
  take_networks (&job);
  take_disks (&job);
  take_what_stays (&job);
  return copy;
}

/* --- to here ------------------------------------------------------------------------------------------------------ */

static void
refuse (GPtrArray *checks, const char *message)
{
  g_autofree char *harmless = vitrine_host_text (message, VITRINE_HOST_SENTENCE_CHARS);

  vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Definition"), "%s", harmless);
}

/* A volume of a pool there is a file here. */
static gboolean
normalize_disks (VitrineDomain *domain, GPtrArray *checks)
{
  VITRINE_XML_FOREACH (disk, vitrine_domain_devices (domain), "disk")
    {
      xmlNode *source = vitrine_xml_child (disk, "source");
      g_autofree char *type = vitrine_xml_attr (disk, "type"),
                      *target = vitrine_xml_attr (vitrine_xml_child (disk, "target"), "dev");
      if (source == NULL || g_strcmp0 (type, "file") == 0)
        continue;
      if (g_strcmp0 (type, "volume") != 0 && g_strcmp0 (type, "block") != 0)
        {
          g_autofree char *sentence = g_strdup_printf (_("The disk “%s” is on storage of the kind “%s”, which cannot "
                                                         "be fetched. Copy it into a pool of files first."),
                                                       target, type);
          refuse (checks, sentence);
          return FALSE;
        }
      g_autofree char *name = vitrine_xml_attr (source, "volume"), *path = g_strconcat ("/", name, NULL);
      vitrine_xml_remove (source);
      vitrine_xml_set_attr (disk, "type", "file");
      vitrine_xml_set_attr (add_element (disk, "source"), "file", path);   /* until it is known where it will be */
    }
  return TRUE;
}

static void
normalize_firmware (VitrineDomain *domain)
{
  g_autofree char *path = vitrine_domain_get_loader (domain);

  vitrine_xml_remove (vitrine_xml_find (vitrine_domain_root (domain), "devices/emulator"));
  if (path != NULL && !g_file_test (path, G_FILE_TEST_EXISTS))
    vitrine_domain_forget_loader (domain);
}

static void
warn_of_devices_here (VitrineDomain *domain, GPtrArray *checks)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);

  for (guint i = 0; i < networks->len; i++)
    {
      const VitrineNetwork *network = networks->pdata[i];
      if (vitrine_network_is_on_device (network))
        vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Network"),
                            _("A card is on “%s”: the machine starts where this computer has a bridge or TAP device of that name."),
                            network->name);
    }
}

/* Paths of that computer: here they would lead to other folders, or to none. */
static void
leave_folders_there (VitrineDomain *domain, GPtrArray *checks)
{
  xmlNode *devices = vitrine_domain_devices (domain), *folder;

  if (vitrine_xml_child (devices, "filesystem") != NULL)
    vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Shared folders"),
                        _("Folders that the host shares with the guest are of that computer, and stay there."));
  while ((folder = vitrine_xml_child (devices, "filesystem")) != NULL)
    vitrine_xml_remove (folder);
}

VitrineDomain *
vitrine_translate_to_here (const char *xml, GPtrArray *checks)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain
      = vitrine_domain_new_from_data (xml, strlen (xml), _("the host’s definition"), &error);

  if (domain == NULL)
    {
      refuse (checks, error->message);
      return NULL;
    }
  if (!normalize_disks (domain, checks))
    return NULL;
  normalize_firmware (domain);
  leave_folders_there (domain, checks);
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, &error);
  if (config == NULL)
    {
      refuse (checks, error->message);
      return NULL;
    }
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
  for (guint i = 0; missing[i] != NULL; i++)
    vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Devices"), "%s", missing[i]);
  if (vitrine_domain_get_tpm (domain))
    vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Devices"), _("Its TPM is a new one here: what is sealed in the old one stays there."));
  warn_of_devices_here (domain, checks);
  vitrine_checks_pass (checks, _("Devices"), _("This computer has all its devices."));
  return g_steal_pointer (&domain);
}
