/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain to VtConfig: what the engine is asked to build. Each refusal names the element and says what to do. */
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

#include "domain-private.h"
#include "forwards.h"
#include <vitrine/error.h>

typedef struct
{
  VitrineDomain *domain;
  const xmlNode *root;
  VtConfig      *config;
  char          *what;   /* how errors call the document */
} Job;

typedef struct
{
  const char *name;
  int         value;
} Choice;

static gboolean
choose (const Choice *choices, guint n, const char *name, int *value)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (choices[i].name, name) == 0)
      {
        *value = choices[i].value;
        return TRUE;
      }
  return FALSE;
}

G_GNUC_PRINTF (4, 5)
static gboolean
refuse (Job *job, GError **error, VtErrorCode code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, code, "“%s”: %s", job->what, message);
  return FALSE;
}

/* --- processor, memory, board ----------------------------------------------------------------------------------- */

static gboolean
take_board (Job *job, GError **error)
{
  const xmlNode *type = vitrine_xml_find (job->root, "os/type");
  g_autofree char *arch = vitrine_xml_attr (type, "arch");
  g_autofree char *board = vitrine_xml_attr (type, "machine");
  g_autofree char *kind = vitrine_xml_text (type);

  if (arch != NULL && !g_str_equal (arch, "x86_64") && !g_str_equal (arch, "i686"))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<type arch='%s'>: this architecture is not supported yet, only x86_64 is."), arch);
  if (kind != NULL && !g_str_equal (kind, "hvm"))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<type>%s</type>: only fully virtualized machines (hvm) are supported."), kind);
  job->config->machine = g_strdup (vitrine_domain_get_board (job->domain));
  if (job->config->machine == NULL)
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<type machine='%s'>: this board is not supported. Change it to machine='q35' or machine='pc'."), board);
  return TRUE;
}

static gboolean
take_accelerator (Job *job, GError **error)
{
  static const Choice choices[] = {
    { "auto", VT_ACCEL_AUTO }, { "interp", VT_ACCEL_INTERP }, { "jit", VT_ACCEL_JIT }, { "kvm", VT_ACCEL_KVM },
  };
  g_autofree char *type = vitrine_xml_attr (job->root, "type");
  g_autofree char *wish = vitrine_domain_get_extra (job->domain, "accelerator");
  int accel = VT_ACCEL_AUTO;

  if (type != NULL && !g_str_equal (type, "qemu") && !g_str_equal (type, "kvm"))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<domain type='%s'> is not supported. Change it to type='qemu' or type='kvm'."), type);
  if (wish != NULL && !choose (choices, G_N_ELEMENTS (choices), wish, &accel))
    return refuse (job, error, VT_ERROR_CONFIG,
                   _("<vitrine:accelerator>%s: must be one of auto, interp, jit and kvm."), wish);
  job->config->accel = accel;
  return TRUE;
}

static gboolean
take_size (Job *job, GError **error)
{
  const xmlNode *cpu = vitrine_xml_child (job->root, "cpu");
  VtConfig *config = job->config;

  config->memory_bytes = vitrine_domain_get_memory_bytes (job->domain);
  if (config->memory_bytes == 0)
    return refuse (job, error, VT_ERROR_CONFIG,
                   _("<memory> is missing or not a size. Write for example <memory unit='MiB'>1024</memory>."));
  config->cpus = vitrine_domain_get_cpus (job->domain);
  if (config->cpus == 0)
    return refuse (job, error, VT_ERROR_CONFIG, _("<vcpu> is not a number of processors. Write for example <vcpu>2</vcpu>."));
  if (vitrine_xml_child (cpu, "model") != NULL && !vitrine_xml_attr_is (cpu, "mode", "host-passthrough")
      && !vitrine_xml_attr_is (cpu, "mode", "host-model") && !vitrine_xml_attr_is (cpu, "mode", "maximum"))
    config->cpu_model = vitrine_xml_text (vitrine_xml_child (cpu, "model"));
  return TRUE;
}

static gboolean
take_boot (Job *job, GError **error)
{
  VtConfig *config = job->config;
  g_autofree char *on_reboot = vitrine_xml_text (vitrine_xml_child (job->root, "on_reboot"));

  if (!vitrine_domain_take_firmware (job->domain, config, error))
    return FALSE;
  config->kernel = vitrine_domain_get_kernel (job->domain);
  config->initrd = vitrine_domain_get_initrd (job->domain);
  config->append = vitrine_domain_get_cmdline (job->domain);
  config->no_reboot = g_strcmp0 (on_reboot, "destroy") == 0;
  if (config->kernel == NULL && config->initrd != NULL)
    return refuse (job, error, VT_ERROR_CONFIG, _("<initrd> without <kernel>: add the kernel, or remove <initrd>."));
  return TRUE;
}

/* --- disks ------------------------------------------------------------------------------------------------------ */

static const Choice disk_formats[] = { { "raw", VT_IMAGE_RAW }, { "qcow2", VT_IMAGE_QCOW2 }, { "luks", VT_IMAGE_LUKS } };
static const Choice disk_buses[] = {
  { "virtio", VT_BUS_VIRTIO }, { "sata", VT_BUS_SATA }, { "ide", VT_BUS_IDE }, { "scsi", VT_BUS_SCSI },
  { "fdc", VT_BUS_FDC }, { "nvme", VT_BUS_NVME }, { "usb", VT_BUS_USB },
};

static gboolean
check_disk_element (Job *job, const xmlNode *node, const VitrineDisk *disk, GError **error)
{
  g_autofree char *type = vitrine_xml_attr (node, "type");
  const char *target = disk->target != NULL ? disk->target : "?";

  if (type != NULL && !g_str_equal (type, "file") && !g_str_equal (type, "block"))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<disk type='%s'> (%s): only files and block devices are supported. Copy the image into a file."), type,
                   target);
  if (disk->path == NULL && !vitrine_disk_is_removable (disk))
    return refuse (job, error, VT_ERROR_CONFIG,
                   _("disk %s has no <source file='…'/>. Name its image, or remove the <disk>."), target);
  if (disk->path != NULL && !g_path_is_absolute (disk->path))
    return refuse (job, error, VT_ERROR_CONFIG, _("<source file='%s'> of disk %s: write the whole path, from “/”."),
                   disk->path, target);
  return TRUE;
}

/* <encryption format='luks'>, in the disk or (newer) in its source. Which secret it names does not matter: the person is asked. */
static gboolean
take_encryption (Job *job, const xmlNode *node, const char *target, int *format, GError **error)
{
  const xmlNode *encryption = vitrine_xml_child (node, "encryption");

  if (encryption == NULL)
    encryption = vitrine_xml_find (node, "source/encryption");
  if (encryption == NULL)
    return TRUE;
  if (!vitrine_xml_attr_is (encryption, "format", "luks"))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<encryption> of disk %s: only format='luks' is supported. Convert the image with “qemu-img convert”."), target);
  /* Encryption of a raw image is an image format; qcow2 has it inside, and says so itself. */
  if (*format == VT_IMAGE_RAW)
    *format = VT_IMAGE_LUKS;
  return TRUE;
}

/* "hdc" is the third place of IDE and "fdb" the second floppy drive, whether the others are there or not. */
static guint
unit_of (const VitrineDisk *disk, int bus)
{
  const char *prefix = bus == VT_BUS_IDE ? "hd" : bus == VT_BUS_FDC ? "fd" : NULL, *target = disk->target;

  if (prefix == NULL || target == NULL || !g_str_has_prefix (target, prefix) || strlen (target) != 3 || !g_ascii_islower (target[2]))
    return 0;
  return (guint) (target[2] - 'a') + 1;
}

static gboolean
take_disk (Job *job, const xmlNode *node, const VitrineDisk *disk, GError **error)
{
  const char *target = disk->target != NULL ? disk->target : "?";
  int format, bus;

  if (!check_disk_element (job, node, disk, error))
    return FALSE;
  if (!choose (disk_formats, G_N_ELEMENTS (disk_formats), disk->format, &format))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<driver type='%s'> of disk %s: this image format is not supported. Convert the image to raw or qcow2."),
                   disk->format, target);
  if (!take_encryption (job, node, target, &format, error))
    return FALSE;
  if (!choose (disk_buses, G_N_ELEMENTS (disk_buses), disk->bus, &bus))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<target bus='%s'> of disk %s is not supported. Change it to bus='sata' or bus='virtio'."), disk->bus,
                   target);

  VtDiskConfig *out = vt_config_add_disk (job->config, disk->path);
  out->format = format;
  out->bus = bus;
  out->unit = unit_of (disk, bus);
  out->cdrom = disk->cdrom;
  out->readonly = disk->readonly;
  out->snapshot = disk->transient;
  /* Named in the definition, it is asked for. */
  out->any_backing = vitrine_xml_find (node, "backingStore/source") != NULL;
  out->boot_index = (int) disk->boot_order;
  out->id = g_strdup (disk->target);
  out->port = bus == VT_BUS_VIRTIO ? vitrine_domain_get_slot (job->domain, node) : 0;
  vitrine_domain_take_disk_driver (node, out);
  return TRUE;
}

static gboolean
take_disks (Job *job, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (job->domain);
  guint i = 0;

  VITRINE_XML_FOREACH (node, vitrine_xml_child (job->root, "devices"), "disk")
    if (vitrine_domain_has_drive (job->domain, node) && !take_disk (job, node, disks->pdata[i++], error))
      return FALSE;
  return TRUE;
}

enum { HARD_DISK, CD, FLOPPY };

static int
kind_of (const VtDiskConfig *disk)
{
  return disk->cdrom ? CD : disk->bus == VT_BUS_FDC ? FLOPPY : HARD_DISK;
}

/* <os><boot dev='cdrom'/>: the older way to say an order, by kind. */
static void
take_boot_devices (Job *job)
{
  static const Choice kinds[] = { { "hd", HARD_DISK }, { "cdrom", CD }, { "fd", FLOPPY } };
  int order = 1, kind;

  VITRINE_XML_FOREACH (boot, vitrine_xml_child (job->root, "os"), "boot")
    {
      g_autofree char *dev = vitrine_xml_attr (boot, "dev");
      if (!choose (kinds, G_N_ELEMENTS (kinds), dev, &kind))
        continue;
      for (guint i = 0; i < job->config->disks->len; i++)
        {
          VtDiskConfig *disk = job->config->disks->pdata[i];
          if (kind_of (disk) == kind && disk->boot_index == 0)
            disk->boot_index = order++;
        }
    }
}

/* --- consoles and screen ---------------------------------------------------------------------------------------- */

static gboolean
take_serial (Job *job, const xmlNode *node, GError **error)
{
  /* A person's terminal is our own console tab, whatever the host side was under libvirt. */
  static const Choice kinds[] = {
    { "pty", VT_SERIAL_CONSOLE }, { "vc", VT_SERIAL_CONSOLE }, { "stdio", VT_SERIAL_CONSOLE },
    { "file", VT_SERIAL_FILE }, { "null", VT_SERIAL_NULL },
  };
  g_autofree char *type = vitrine_xml_attr (node, "type");
  int kind;

  if (!choose (kinds, G_N_ELEMENTS (kinds), type, &kind))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<serial type='%s'> is not supported. Change it to type='pty', which opens in a tab."),
                   type != NULL ? type : "");
  VtSerialConfig *serial = vt_config_add_serial (job->config, kind);
  if (kind == VT_SERIAL_FILE)
    {
      serial->path = vitrine_xml_attr (vitrine_xml_child (node, "source"), "path");
      if (serial->path == NULL)
        return refuse (job, error, VT_ERROR_CONFIG, _("<serial type='file'> has no <source path='…'/>. Add the file to write."));
    }
  return TRUE;
}

static gboolean
take_serials (Job *job, GError **error)
{
  const xmlNode *devices = vitrine_xml_child (job->root, "devices");
  guint n = 0;

  VITRINE_XML_FOREACH (node, devices, "serial")
    {
      if (!take_serial (job, node, error))
        return FALSE;
      n++;
    }
  /* libvirt: a first <console> without a <serial> is the serial port itself. */
  const xmlNode *console = vitrine_xml_child (devices, "console");
  const xmlNode *target = vitrine_xml_child (console, "target");
  if (n == 0 && console != NULL && (target == NULL || vitrine_xml_attr_is (target, "type", "serial")))
    return take_serial (job, console, error);
  return TRUE;
}

/* The others' sizes mean another kind of memory than ours has. */
static gboolean
takes_vram (const char *model)
{
  return g_str_equal (model, "vga") || g_str_equal (model, "bochs") || g_str_equal (model, "virtio");
}

/* Ours has a power of two from 4 MiB, as libvirt rounds it for other programs too. */
static guint64
possible_vram (guint64 bytes)
{
  guint64 possible = 4 << 20;

  while (possible < bytes && possible < G_MAXUINT64 / 2)
    possible *= 2;
  return possible;
}

static gboolean
take_video (Job *job, GError **error)
{
  static const Choice models[] = {
    { "vga", VT_VIDEO_STD },       { "cirrus", VT_VIDEO_STD }, { "qxl", VT_VIDEO_STD }, { "vmvga", VT_VIDEO_STD },
    { "bochs", VT_VIDEO_BOCHS },   { "ramfb", VT_VIDEO_RAMFB }, { "virtio", VT_VIDEO_VIRTIO },
    { "none", VT_VIDEO_NONE },
  };
  const xmlNode *model = vitrine_xml_find (job->root, "devices/video/model");
  g_autofree char *name = vitrine_domain_get_video (job->domain);
  g_autofree char *vram = vitrine_xml_attr (model, "vram");
  g_autofree char *heads = vitrine_xml_attr (model, "heads");
  int video;

  if (!choose (models, G_N_ELEMENTS (models), name, &video))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<video><model type='%s'>: this display is not supported. Change it to type='vga'."), name);
  job->config->video = video;
  if (takes_vram (name) && vram != NULL)
    {
      if (!vitrine_domain_parse_size (vram, "KiB", &job->config->vram_bytes))
        return refuse (job, error, VT_ERROR_CONFIG, _("<model vram='%s'>: not a size in KiB, such as 16384."), vram);
      job->config->vram_bytes = possible_vram (job->config->vram_bytes);
    }
  vitrine_domain_take_rings (vitrine_xml_find (job->root, "devices/video"), &job->config->video_rings);
  if (video == VT_VIDEO_VIRTIO && heads != NULL)
    job->config->heads = (guint) CLAMP (g_ascii_strtoull (heads, NULL, 10), 1, VT_MAX_HEADS);
  vitrine_domain_get_resolution (job->domain, &job->config->xres, &job->config->yres);
  return TRUE;
}

/* --- input ------------------------------------------------------------------------------------------------------ */

static gboolean
take_input (Job *job, const xmlNode *node, GError **error)
{
  static const Choice kinds[] = { { "keyboard", VT_INPUT_KEYBOARD }, { "mouse", VT_INPUT_MOUSE }, { "tablet", VT_INPUT_TABLET } };
  static const Choice buses[] = { { "ps2", VT_INPUT_PS2 }, { "usb", VT_INPUT_USB }, { "virtio", VT_INPUT_VIRTIO } };
  g_autofree char *type = vitrine_xml_attr (node, "type");
  g_autofree char *bus_name = vitrine_xml_attr (node, "bus");
  int kind, bus;

  if (!choose (kinds, G_N_ELEMENTS (kinds), type, &kind))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<input type='%s'> is not supported. Change it to keyboard, mouse or tablet, or remove it."),
                   type != NULL ? type : "");
  /* libvirt: a tablet without a bus is on USB, the others are on PS/2. */
  if (bus_name == NULL)
    bus = kind == VT_INPUT_TABLET ? VT_INPUT_USB : VT_INPUT_PS2;
  else if (!choose (buses, G_N_ELEMENTS (buses), bus_name, &bus))
    return refuse (job, error, VT_ERROR_UNSUPPORTED,
                   _("<input bus='%s'> is not supported. Change it to ps2, usb or virtio."), bus_name);
  vitrine_domain_take_rings (node, &vt_config_add_input (job->config, kind, bus)->rings);
  return TRUE;
}

static gboolean
take_inputs (Job *job, GError **error)
{
  VITRINE_XML_FOREACH (node, vitrine_xml_child (job->root, "devices"), "input")
    if (!take_input (job, node, error))
      return FALSE;
  return TRUE;
}

/* --- network ---------------------------------------------------------------------------------------------------- */

static void
take_forwards (const xmlNode *interface, VtNetConfig *net)
{
  g_autoptr(GPtrArray) forwards = vitrine_domain_read_forwards (interface);
  g_auto(GStrv) rules = vitrine_forwards_to_rules (forwards);

  for (guint i = 0; rules[i] != NULL; i++)
    g_ptr_array_add (net->forwards, g_strdup (rules[i]));
}

/* Kinds of networks that we do not know become user networking: it needs no rights, and the guest is as well off.
 * vitrine_domain_list_missing() says so. */
static gboolean
take_interface (Job *job, const xmlNode *node, GError **error)
{
  g_autofree char *model = vitrine_xml_attr (vitrine_xml_child (node, "model"), "type");
  g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (node, "mac"), "address");
  const VitrineNetwork card = { .model = model != NULL ? model : (char *) "virtio" };

  if (!vitrine_network_is_supported (&card))
    return TRUE;
  VtNetConfig *net = vt_config_add_net (job->config);
  net->model = g_str_equal (card.model, "e1000e") ? VT_NET_E1000E : VT_NET_VIRTIO;
  if (mac != NULL && !vt_parse_mac (mac, net->mac))
    return refuse (job, error, VT_ERROR_CONFIG, _("<mac address='%s'>: write for example 52:54:00:12:34:56."), mac);
  net->cable_out = vitrine_xml_attr_is (vitrine_xml_child (node, "link"), "state", "down");
  net->port = vitrine_domain_get_slot (job->domain, node);
  if (vitrine_domain_get_network_kind (node) == VITRINE_NETWORK_USER)
    take_forwards (node, net);
  net->restricted = vitrine_domain_is_restricted (job->domain, node);
  vitrine_domain_take_rings (node, &net->rings);
  net->queues = vitrine_domain_take_queues (node);
  vitrine_domain_take_card_network (node, net);
  return TRUE;
}

static gboolean
take_interfaces (Job *job, GError **error)
{
  VITRINE_XML_FOREACH (node, vitrine_xml_child (job->root, "devices"), "interface")
    if (!take_interface (job, node, error))
      return FALSE;
  return TRUE;
}

/* --- what we lack ----------------------------------------------------------------------------------------------- */

static gboolean
refuse_lacking (Job *job, GError **error)
{
  /* Without these the guest would not be the same machine: better no start than a surprise. */
  static const struct { const char *element, *sentence; } lacking[] = {
    { "memory", N_("memory modules are not supported") },
    { "nvdimm", N_("memory modules are not supported") },
  };
  const xmlNode *devices = vitrine_xml_child (job->root, "devices");

  for (guint i = 0; i < G_N_ELEMENTS (lacking); i++)
    if (vitrine_xml_child (devices, lacking[i].element) != NULL)
      return refuse (job, error, VT_ERROR_UNSUPPORTED, _("<%s>: %s. Remove the element to run without it."),
                     lacking[i].element, _(lacking[i].sentence));
  return TRUE;
}

VtConfig *
vitrine_domain_to_config (VitrineDomain *domain, GError **error)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  g_autofree char *what = vitrine_domain_get_name (domain);
  Job job = { domain, vitrine_domain_root (domain), config, what };
  const xmlNode *rng = vitrine_xml_find (job.root, "devices/rng");

  config->name = vitrine_domain_get_name (domain);
  config->uuid = vitrine_domain_get_uuid (domain);
  config->rng = rng != NULL;
  vitrine_domain_take_rings (rng, &config->rng_rings);
  g_free (g_steal_pointer (&config->machine));
  if (!take_board (&job, error) || !take_accelerator (&job, error) || !take_size (&job, error)
      || !take_boot (&job, error) || !refuse_lacking (&job, error) || !take_disks (&job, error)
      || !take_serials (&job, error) || !take_video (&job, error) || !take_inputs (&job, error) || !take_interfaces (&job, error))
    return NULL;
  take_boot_devices (&job);
  vitrine_domain_take_plain (vitrine_xml_child (job.root, "devices"), config);
  vitrine_domain_take_sound (vitrine_xml_child (job.root, "devices"), config);
  vitrine_domain_take_vsock (vitrine_xml_child (job.root, "devices"), config);
  vitrine_domain_take_usb (domain, config);
  if (!vitrine_domain_take_ports (vitrine_xml_child (job.root, "devices"), config, error)
      || !vitrine_domain_take_shares (vitrine_xml_child (job.root, "devices"), config, error)
      || !vitrine_domain_take_tpm (vitrine_xml_child (job.root, "devices"), config, error))
    {
      g_prefix_error (error, "“%s”: ", what);
      return NULL;
    }
  return g_steal_pointer (&config);
}

static void
add_missing_network (const xmlNode *devices, GStrvBuilder *builder)
{
  gboolean other_card = FALSE, other_network = FALSE;

  VITRINE_XML_FOREACH (node, devices, "interface")
    {
      const xmlNode *model = vitrine_xml_child (node, "model");
      other_card = other_card || (model != NULL && !vitrine_xml_attr_is (model, "type", "virtio") && !vitrine_xml_attr_is (model, "type", "e1000e"));
      other_network = other_network || (!vitrine_xml_attr_is (node, "type", "user")
                                        && vitrine_domain_get_network_kind (node) == VITRINE_NETWORK_USER);
    }
  if (other_card)
    g_strv_builder_add (builder, _("Network cards other than virtio and e1000e are not supported: that card is left out."));
  if (other_network)
    g_strv_builder_add (builder, _("The machine is on a network of its own (user networking), whatever network the definition names."));
}

GStrv
vitrine_domain_list_missing (VitrineDomain *domain)
{
  static const struct { const char *element, *sentence; } missing[] = {
    { "smartcard", N_("Smart cards are not supported.") },
    { "watchdog", N_("A watchdog is not supported yet.") },
    { "parallel", N_("Parallel ports are not supported.") },
    { "shmem", N_("Shared memory devices are not supported.") },
  };
  const xmlNode *devices = vitrine_xml_child (vitrine_domain_root (domain), "devices");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (missing); i++)
    if (vitrine_xml_child (devices, missing[i].element) != NULL)
      g_strv_builder_add (builder, _(missing[i].sentence));
  vitrine_domain_list_missing_hostdevs (devices, builder);
  add_missing_network (devices, builder);
  vitrine_domain_list_missing_sound (devices, builder);
  VITRINE_XML_FOREACH (node, devices, "disk")
    if (!vitrine_domain_has_drive (domain, node))
      {
        g_strv_builder_add (builder, _("Only machines of type pc have floppy drives: that drive is left out."));
        break;
      }
  return g_strv_builder_end (builder);
}
