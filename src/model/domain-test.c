/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: round trips, bad input, and the engine's view. */
#include <glib/gstdio.h>
#include <locale.h>

#include "domain.h"
#include <vitrine/error.h>

static VitrineDomain *
load (const char *xml, GError **error)
{
  return vitrine_domain_new_from_data (xml, strlen (xml), "test.xml", error);
}

static void
assert_refused (const char *xml, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = load (xml, &error);

  g_assert_null (domain);
  g_assert_error (error, VT_ERROR, VT_ERROR_CONFIG);
  g_assert_nonnull (strstr (error->message, part));
}

static void
assert_config_refused (const char *inside, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *xml = g_strdup_printf ("<domain type='kvm'><name>m</name>%s</domain>", inside);
  g_autoptr(VitrineDomain) domain = load (xml, &error);
  g_assert_no_error (error);

  VtConfig *config = vitrine_domain_to_config (domain, &error);
  g_assert_null (config);
  g_assert_true (error->domain == VT_ERROR);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” does not mention “%s”", error->message, part);
}

static void
assert_valid_for_libvirt (VitrineDomain *domain)
{
  g_autofree char *validator = g_find_program_in_path ("virt-xml-validate");
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "domain.xml", NULL);
  int status = -1;

  g_assert_no_error (error);
  g_assert_true (vitrine_domain_save (domain, path, &error));
  g_assert_no_error (error);
  if (validator != NULL)
    {
      g_autofree char *out = NULL, *err = NULL;
      const char *argv[] = { validator, path, "domain", NULL };
      g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, &out, &err, &status, &error);
      g_assert_no_error (error);
      if (!g_spawn_check_wait_status (status, NULL))
        g_error ("virt-xml-validate: %s%s\n%s", out, err, xml);
    }
  else
    g_test_message ("virt-xml-validate is not installed");
  g_unlink (path);
  g_rmdir (folder);
}

static void
a_new_machine_satisfies_libvirt (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("Debian <12> & more");
  g_autofree char *name = vitrine_domain_get_name (domain);

  g_assert_cmpstr (name, ==, "Debian <12> & more");
  assert_valid_for_libvirt (domain);
}

static void
slots_and_linked_disks_satisfy_libvirt (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("Hot");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/var/tmp/a.qcow2", "qcow2", "virtio", FALSE);

  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_network (domain);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vdb"), ==, 1);
  g_assert_cmpuint (vitrine_domain_give_network_slot (domain, 0), ==, 2);
  vitrine_domain_set_disk_backing (domain, "vda", "/var/tmp/base.raw", "raw");
  assert_valid_for_libvirt (domain);
}

static void
a_tpm_satisfies_libvirt (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("Sealed");

  vitrine_domain_add_tpm (domain);
  assert_valid_for_libvirt (domain);
  vitrine_domain_set_tpm_model (domain, "tpm-tis");
  assert_valid_for_libvirt (domain);
}

static void
an_old_pc_satisfies_libvirt (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("Old");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/var/tmp/a.raw", "raw", "ide", FALSE);
  g_autoptr(VitrineDisk) floppy = vitrine_disk_new ("/var/tmp/f.img", "raw", "fdc", FALSE);

  vitrine_domain_set_board (domain, "pc");
  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_disk (domain, floppy);
  assert_valid_for_libvirt (domain);
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);
  g_assert_cmpstr (((VitrineDisk *) disks->pdata[0])->target, ==, "hda");
  g_assert_cmpstr (((VitrineDisk *) disks->pdata[1])->target, ==, "fda");
  g_assert_cmpstr (vitrine_domain_get_board (domain), ==, "pc");
}

static void
every_setter_keeps_libvirt_satisfied (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("Everything");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/var/tmp/a.raw", "raw", "virtio", FALSE);
  g_autoptr(VitrineDisk) block = vitrine_disk_new ("/dev/sdz", "raw", "sata", FALSE);
  g_autoptr(VitrineDisk) cd = vitrine_disk_new (NULL, "raw", "sata", TRUE);
  g_autoptr(VitrineDisk) nvme = vitrine_disk_new ("/var/tmp/n.raw", "raw", "nvme", FALSE);
  const char *order[] = { "sdb", "vda", NULL };

  vitrine_domain_set_description (domain, "A & B");
  vitrine_domain_set_memory_bytes (domain, G_GUINT64_CONSTANT (3) << 30);
  vitrine_domain_set_cpus (domain, 4);
  vitrine_domain_set_firmware (domain, VITRINE_FIRMWARE_UEFI);
  vitrine_domain_set_nvram (domain, "/tmp/nvram.fd");
  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_disk (domain, block);
  vitrine_domain_add_disk (domain, cd);
  vitrine_domain_add_disk (domain, nvme);
  vitrine_domain_set_boot_order (domain, order);
  vitrine_domain_set_video (domain, "bochs");
  vitrine_domain_set_resolution (domain, 1024, 768);
  VitrineNetwork isolated = { .mac = (char *) "52:54:00:12:34:56", .kind = VITRINE_NETWORK_ISOLATED,
                              .name = (char *) "Lab & office", .cable_out = TRUE };
  vitrine_domain_add_network (domain);
  vitrine_domain_set_network (domain, 1, &isolated);
  vitrine_domain_add_network (domain);
  vitrine_domain_set_network (domain, 2, &(VitrineNetwork) { .kind = VITRINE_NETWORK_BRIDGE, .name = (char *) "br0" });
  vitrine_domain_add_network (domain);
  vitrine_domain_set_network (domain, 3, &(VitrineNetwork) { .kind = VITRINE_NETWORK_TAP, .name = (char *) "tap0" });
  vitrine_domain_set_balloon (domain, TRUE);
  vitrine_domain_set_os_id (domain, "http://debian.org/debian/12");
  vitrine_domain_set_extra (domain, "scaling", "pixels");
  assert_valid_for_libvirt (domain);

  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) again = load (xml, &error);
  g_assert_no_error (error);
  g_autofree char *os_id = vitrine_domain_get_os_id (again);
  g_autofree char *scaling = vitrine_domain_get_extra (again, "scaling");
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (again);
  guint width, height;
  vitrine_domain_get_resolution (again, &width, &height);
  g_assert_cmpstr (os_id, ==, "http://debian.org/debian/12");
  g_assert_cmpstr (scaling, ==, "pixels");
  g_assert_cmpuint (vitrine_domain_get_memory_bytes (again), ==, G_GUINT64_CONSTANT (3) << 30);
  g_assert_cmpuint (vitrine_domain_get_cpus (again), ==, 4);
  g_assert_cmpuint (width, ==, 1024);
  g_assert_cmpuint (disks->len, ==, 4);
  g_assert_cmpstr (((VitrineDisk *) disks->pdata[3])->bus, ==, "nvme");
  const VitrineDisk *first = disks->pdata[0], *second = disks->pdata[1], *third = disks->pdata[2];
  g_assert_cmpstr (first->target, ==, "vda");
  g_assert_cmpuint (first->boot_order, ==, 2);
  g_assert_cmpstr (second->path, ==, "/dev/sdz");
  g_assert_true (third->cdrom && third->path == NULL);
  g_assert_cmpuint (third->boot_order, ==, 1);

  vitrine_domain_set_firmware (again, VITRINE_FIRMWARE_BIOS);
  vitrine_domain_set_direct_boot (again, "/boot/vmlinuz", "/boot/initrd", "console=ttyS0 quiet");
  vitrine_domain_set_disk_path (again, "sda", NULL);
  g_autofree char *target = vitrine_domain_set_disk_bus (again, "vda", "scsi");
  vitrine_domain_set_disk_readonly (again, target, TRUE);
  vitrine_domain_set_disk_format (again, target, "qcow2");
  vitrine_domain_set_balloon (again, FALSE);
  vitrine_domain_set_disk_path (again, "sdb", "/tmp/x.iso");
  vitrine_domain_set_boot_order (again, NULL);
  assert_valid_for_libvirt (again);
}

static const char foreign[] =
  "<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
  "  <name>foreign</name>\n  <uuid>C7A5FDBD-EDAF-9455-926A-D65C16DB1809</uuid>\n"
  "  <metadata><app:x xmlns:app='http://example.org/app'><app:y>kept</app:y></app:x></metadata>\n"
  "  <!-- a comment -->\n"
  "  <memory unit='MiB'>512</memory><currentMemory>262144</currentMemory><vcpu placement='static' current='2'>4</vcpu>\n"
  "  <iothreads>2</iothreads>\n"
  "  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>\n"
  "  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
  "    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/x/d.qcow2'/>"
  "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec>1000</total_bytes_sec></iotune></disk>\n"
  "    <disk type='file' device='cdrom'><target dev='hdc'/></disk>\n"
  "    <interface type='network'><source network='default'/><model type='virtio'/></interface>\n"
  "    <console type='pty'/><video><model type='qxl'/></video>\n"
  "  </devices>\n"
  "  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>\n"
  "</domain>\n";

static void
elements_that_we_do_not_know_survive (void)
{
  static const char *const parts[] = {
    "<app:y>kept</app:y>", "<!-- a comment -->", "<iothreads>2</iothreads>", "<emulator>", "<iotune>", "cache=\"none\"",
    "<interface type=\"network\">", "<qemu:arg value=\"-foo\"/>", "id=\"7\"",
  };
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = load (foreign, &error);

  g_assert_no_error (error);
  vitrine_domain_set_memory_bytes (domain, 1 << 30);
  vitrine_domain_set_disk_path (domain, "hdc", "/x/cd.iso");
  vitrine_domain_set_extra (domain, "scaling", "fit");
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strstr (xml, parts[i]) == NULL)
      g_error ("%s is lost from %s", parts[i], xml);
  assert_valid_for_libvirt (domain);
}

static void
a_foreign_definition_reaches_the_engine (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = load (foreign, &error);
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (config->uuid, ==, "c7a5fdbd-edaf-9455-926a-d65c16db1809");
  g_assert_cmpuint (config->memory_bytes, ==, 512 << 20);
  g_assert_cmpuint (config->cpus, ==, 2);
  g_assert_cmpuint (config->disks->len, ==, 2);
  const VtDiskConfig *disk = config->disks->pdata[0], *cd = config->disks->pdata[1];
  g_assert_cmpint (disk->format, ==, VT_IMAGE_QCOW2);
  g_assert_cmpint (disk->boot_index, ==, 2);
  g_assert_true (cd->cdrom && cd->readonly && cd->path == NULL);
  g_assert_cmpint (cd->boot_index, ==, 1);
  g_assert_cmpint (cd->bus, ==, VT_BUS_IDE);
  g_assert_cmpuint (config->serials->len, ==, 1);
  g_assert_cmpint (config->video, ==, VT_VIDEO_STD);
  g_assert_false (config->rng);

  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
  g_assert_cmpuint (g_strv_length (missing), ==, 1);
}

static void
video_models_become_devices (void)
{
  static const struct { const char *model; VtVideo video; guint heads, mib; } cases[] = {
    { "<model type='vga' vram='16384'/>", VT_VIDEO_STD, 0, 16 },   { "<model type='vga' vram='9000'/>", VT_VIDEO_STD, 0, 16 },
    { "<model type='cirrus' vram='9216'/>", VT_VIDEO_STD, 0, 0 },  { "<model type='bochs' vram='65536'/>", VT_VIDEO_BOCHS, 0, 64 },
    { "<model type='ramfb'/>", VT_VIDEO_RAMFB, 0, 0 },             { "<model type='virtio' heads='3'/>", VT_VIDEO_VIRTIO, 3, 0 },
    { "<model type='virtio' heads='99'/>", VT_VIDEO_VIRTIO, 4, 0 }, { "<model type='none'/>", VT_VIDEO_NONE, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strdup_printf ("<domain type='qemu'><name>x</name><memory>65536</memory><vcpu>1</vcpu><os><type>hvm"
                                              "</type></os><devices><video>%s</video></devices></domain>", cases[i].model);
      g_autoptr(GError) error = NULL;
      g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_data (xml, strlen (xml), "x", &error);
      g_assert_no_error (error);
      g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, &error);
      g_assert_no_error (error);
      g_assert_cmpint (config->video, ==, cases[i].video);
      g_assert_cmpuint (config->heads, ==, cases[i].heads);
      g_assert_cmpuint (config->vram_bytes >> 20, ==, cases[i].mib);
    }
}

static void
what_is_no_definition_is_refused (void)
{
  assert_refused ("", "empty");
  assert_refused ("hello", "not well-formed");
  assert_refused ("<domain><name>a</name>", "line 1");
  assert_refused ("<html/>", "<html>");
  assert_refused ("<domain xmlns='http://x'><name>a</name></domain>", "not a machine definition");
  assert_refused ("<domain><name>  </name></domain>", "<name>");
  assert_refused ("<domain><name>a</name><uuid>12</uuid></domain>", "<uuid>");
  assert_refused ("<!DOCTYPE d [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>", "document type");
}

static void
a_huge_file_is_refused (void)
{
  g_autofree char *big = g_malloc (VITRINE_DOMAIN_MAX_BYTES + 1);
  g_autoptr(GError) error = NULL;

  memset (big, ' ', VITRINE_DOMAIN_MAX_BYTES + 1);
  g_assert_null (vitrine_domain_new_from_data (big, VITRINE_DOMAIN_MAX_BYTES + 1, "big", &error));
  g_assert_nonnull (strstr (error->message, "too large"));
}

static void
what_we_lack_is_named (void)
{
#define SIZE "<memory>1048576</memory>"
  assert_config_refused ("", "<memory>");
  assert_config_refused ("<memory unit='parsec'>3</memory>", "<memory>");
  assert_config_refused ("<memory unit='TiB'>99999999999</memory>", "<memory>");
  assert_config_refused (SIZE "<vcpu>many</vcpu>", "<vcpu>");
  assert_config_refused (SIZE "<os><type arch='s390x'>hvm</type></os>", "s390x");
  assert_config_refused (SIZE "<os><type arch='x86_64' machine='isapc'>hvm</type></os>", "machine='q35' or machine='pc'");
  assert_config_refused (SIZE "<os><initrd>/i</initrd></os>", "<initrd>");
  assert_config_refused (SIZE "<devices><nvdimm/></devices>", "<nvdimm>");
  assert_config_refused (SIZE "<devices><disk type='network'/></devices>", "type='network'");
  assert_config_refused (SIZE "<devices><disk type='file'><target dev='vda'/></disk></devices>", "vda has no <source");
  assert_config_refused (SIZE "<devices><disk type='file'><source file='x.raw'/><target dev='vda'/></disk></devices>",
                         "whole path");
  assert_config_refused (SIZE "<devices><disk type='file'><driver type='vmdk'/><source file='/x'/><target dev='vda'/>"
                         "</disk></devices>", "vmdk");
  assert_config_refused (SIZE "<devices><disk type='file'><source file='/x'/><target dev='sda' bus='xen'/>"
                         "</disk></devices>", "xen");
  assert_config_refused (SIZE "<devices><serial type='tcp'/></devices>", "tcp");
  assert_config_refused (SIZE "<devices><serial type='file'/></devices>", "<source path");
  assert_config_refused (SIZE "<devices><video><model type='xen'/></video></devices>", "xen");
}

static void
a_failed_save_leaves_the_old_file (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("x");
  g_autoptr(GError) error = NULL;

  g_assert_false (vitrine_domain_save (domain, "/proc/nowhere/domain.xml", &error));
  g_assert_nonnull (error);
}

static void
names_are_checked (void)
{
  static const char *const bad[] = { "", "  ", "a/b", "a\nb" };
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (vitrine_domain_check_name (bad[i], &error));
      g_clear_error (&error);
    }
  g_assert_true (vitrine_domain_check_name ("Windows 11 – Büro", &error));
}

static void
assert_format (const char *driver, const char *encryption, int format)
{
  g_autofree char *xml = g_strdup_printf (
    "<domain type='qemu'><name>n</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
    "<devices><disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='/x/d'/><target dev='vda' bus='virtio'/>"
    "%s</disk></devices></domain>", driver, encryption);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_data (xml, strlen (xml), "test", &error);
  g_assert_no_error (error);
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, &error);

  if (format >= 0)
    {
      g_assert_no_error (error);
      g_assert_cmpint (((VtDiskConfig *) config->disks->pdata[0])->format, ==, format);
    }
  else
    g_assert_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED);
}

static void
encryption_of_a_raw_disk_is_a_format (void)
{
  const char *luks = "<encryption format='luks'><secret type='passphrase' uuid='6ab26421-e31c-4b04-a4c2-9429734167d2'/></encryption>";

  assert_format ("raw", luks, VT_IMAGE_LUKS);
  assert_format ("qcow2", luks, VT_IMAGE_QCOW2);
  assert_format ("raw", "", VT_IMAGE_RAW);
  assert_format ("raw", "<encryption format='luks2'/>", -1);
  assert_format ("qcow2", "<encryption format='qcow'/>", -1);
}

/* --- firmware --------------------------------------------------------------------------------------------------------- */

#define WITH_OS(os, features)                                                                                            \
  "<domain type='qemu'><name>x</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>" os features "<devices/></domain>"
#define Q35 "<type arch='x86_64' machine='q35'>hvm</type>"
#define SMM "<features><smm state='on'/></features>"

static void
secure_boot_is_read_as_libvirt_writes_it (void)
{
  static const struct { const char *xml; bool uefi, secure, keys, smm; unsigned tseg; } cases[] = {
    { WITH_OS ("<os>" Q35 "</os>", ""), .uefi = false },
    { WITH_OS ("<os>" Q35 "</os>", SMM), .smm = true },
    { WITH_OS ("<os><type arch='x86_64' machine='pc'>hvm</type></os>", SMM), .smm = false },
    { WITH_OS ("<os firmware='efi'>" Q35 "</os>", ""), .uefi = true },
    { WITH_OS ("<os firmware='efi'>" Q35 "<firmware><feature enabled='no' name='secure-boot'/></firmware></os>", ""), .uefi = true },
    { WITH_OS ("<os firmware='efi'>" Q35 "<firmware><feature enabled='yes' name='secure-boot'/></firmware></os>", ""),
      .uefi = true, .secure = true, .keys = true, .smm = true },
    { WITH_OS ("<os firmware='efi'>" Q35 "<firmware><feature enabled='yes' name='secure-boot'/><feature enabled='no' "
               "name='enrolled-keys'/></firmware></os>", SMM), .uefi = true, .secure = true, .smm = true },
    { WITH_OS ("<os firmware='efi'>" Q35 "<loader secure='yes'/></os>", "<features><smm state='on'><tseg unit='MiB'>48</tseg></smm></features>"),
      .uefi = true, .secure = true, .keys = true, .smm = true, .tseg = 48 },
    { WITH_OS ("<os>" Q35 "<loader readonly='yes' secure='yes' type='pflash'>/x/OVMF_CODE_4M.ms.fd</loader></os>", SMM),
      .uefi = true, .secure = true, .keys = true, .smm = true },
    { WITH_OS ("<os>" Q35 "<loader readonly='yes' secure='yes' type='pflash'>/x/OVMF_CODE_4M.secboot.fd</loader></os>", SMM),
      .uefi = true, .secure = true, .smm = true },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(VitrineDomain) domain = load (cases[i].xml, &error);
      g_assert_no_error (error);
      g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, &error);
      g_assert_no_error (error);
      g_assert_cmpint (config->firmware, ==, cases[i].uefi ? VT_FIRMWARE_UEFI : VT_FIRMWARE_BIOS);
      g_assert_cmpint (config->secure_boot, ==, cases[i].secure);
      g_assert_cmpint (config->enrolled_keys, ==, cases[i].keys);
      g_assert_cmpint (config->smm, ==, cases[i].smm);
      g_assert_cmpuint (config->tseg_mib, ==, cases[i].tseg);
    }
}

static void
secure_boot_that_cannot_be_is_refused (void)
{
  static const struct { const char *xml, *word; } cases[] = {
    { WITH_OS ("<os firmware='efi'>" Q35 "<loader secure='yes'/></os>", "<features><smm state='off'/></features>"), "smm" },
    { WITH_OS ("<os>" Q35 "</os>", "<features><smm state='on'><tseg unit='KiB'>100</tseg></smm></features>"), "tseg" },
    { WITH_OS ("<os>" Q35 "</os>", "<features><smm state='on'><tseg>many</tseg></smm></features>"), "many" },
    { WITH_OS ("<os>" Q35 "</os>", "<features><smm state='on'><tseg unit='GiB'>1</tseg></smm></features>"), "256" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(VitrineDomain) domain = load (cases[i].xml, NULL);
      g_assert_null (vitrine_domain_to_config (domain, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

static void
each_firmware_can_become_each_other (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("x");

  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++)
      {
        vitrine_domain_set_firmware (domain, i);
        vitrine_domain_set_nvram (domain, i != VITRINE_FIRMWARE_BIOS ? "/tmp/nvram.fd" : NULL);
        vitrine_domain_set_firmware (domain, j);
        g_autofree char *nvram = vitrine_domain_get_nvram (domain);
        g_assert_cmpuint (vitrine_domain_get_firmware (domain), ==, j);
        g_assert_cmpint (nvram != NULL, ==, i == j && i != VITRINE_FIRMWARE_BIOS);
        g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, NULL);
        g_assert_cmpint (config->smm, ==, j == VITRINE_FIRMWARE_SECURE_BOOT);
        assert_valid_for_libvirt (domain);
      }
  VitrineFirmware firmware;
  g_assert_true (vitrine_firmware_from_id ("secure-boot", &firmware));
  g_assert_cmpuint (firmware, ==, VITRINE_FIRMWARE_SECURE_BOOT);
  g_assert_false (vitrine_firmware_from_id ("coreboot", &firmware));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain/secure boot is read as libvirt writes it", secure_boot_is_read_as_libvirt_writes_it);
  g_test_add_func ("/domain/secure boot that cannot be is refused", secure_boot_that_cannot_be_is_refused);
  g_test_add_func ("/domain/each firmware can become each other", each_firmware_can_become_each_other);
  g_test_add_func ("/domain/new machine satisfies libvirt", a_new_machine_satisfies_libvirt);
  g_test_add_func ("/domain/every setter keeps libvirt satisfied", every_setter_keeps_libvirt_satisfied);
  g_test_add_func ("/domain/an-old-pc-satisfies-libvirt", an_old_pc_satisfies_libvirt);
  g_test_add_func ("/domain/tpm-valid", a_tpm_satisfies_libvirt);
  g_test_add_func ("/domain/slots-and-linked-disks-satisfy-libvirt", slots_and_linked_disks_satisfy_libvirt);
  g_test_add_func ("/domain/elements that we do not know survive", elements_that_we_do_not_know_survive);
  g_test_add_func ("/domain/a foreign definition reaches the engine", a_foreign_definition_reaches_the_engine);
  g_test_add_func ("/domain/video models become devices", video_models_become_devices);
  g_test_add_func ("/domain/what is no definition is refused", what_is_no_definition_is_refused);
  g_test_add_func ("/domain/a huge file is refused", a_huge_file_is_refused);
  g_test_add_func ("/domain/what we lack is named", what_we_lack_is_named);
  g_test_add_func ("/domain/encryption of a raw disk is a format", encryption_of_a_raw_disk_is_a_format);
  g_test_add_func ("/domain/a failed save leaves the old file", a_failed_save_leaves_the_old_file);
  g_test_add_func ("/domain/names are checked", names_are_checked);
  return g_test_run ();
}
