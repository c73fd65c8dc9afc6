/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-hostdev.h"

#include "domain-test.h"
#include "domain-zpci.h"
#include "migration-blockers.h"

#define GPU "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x00'" \
            " function='0x1'/></source><boot order='2'/><vendor:x xmlns:vendor='urn:v'/></hostdev>"

static VitrineDomain *
z_domain_with (const char *devices)
{
  g_autofree char *xml = g_strdup_printf ("<domain type='qemu'><name>z</name><memory>65536</memory><os><type arch='s390x' machine="
                                          "'s390-ccw-virtio'>hvm</type></os><devices>%s</devices></domain>", devices);
  g_autoptr(GError) error = NULL;
  VitrineDomain *domain = vitrine_domain_new_from_data (xml, strlen (xml), "z", &error);

  g_assert_no_error (error);
  return domain;
}

/* --- host devices ------------------------------------------------------------------------------------------------- */

static void
addresses_are_complete_or_none (void)
{
  static const char *const bad[] = { "", "01:00.0", "0000:01:00", "0000:01:20.0", "0000:01:00.8", "0000:1:00.0", "0000:01:00.0 ",
                                     "0000:01:00.0\n", "0000:0A:00.0", "123456789:01:00.0", "../../x", "0000:01:00.0/.." };
  guint domain, bus, slot, function;

  g_assert_true (vitrine_pci_address_parse ("0000:0a:1f.7", &domain, &bus, &slot, &function));
  g_assert_cmpuint (domain, ==, 0);
  g_assert_cmpuint (bus, ==, 0x0a);
  g_assert_cmpuint (slot, ==, 0x1f);
  g_assert_cmpuint (function, ==, 7);
  g_assert_true (vitrine_pci_address_parse ("10000:00:00.0", &domain, NULL, NULL, NULL));
  g_assert_cmphex (domain, ==, 0x10000);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (vitrine_pci_address_parse (bad[i], NULL, NULL, NULL, NULL));
}

static void
a_device_is_added_as_libvirt_writes_it (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<graphics type='spice'/>");
  VitrineHostdev gpu = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) "0000:01:00.0", .managed = TRUE, .rom_off = TRUE };
  VitrineHostdev slice = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) "c2177883-f1bb-47f0-914d-32a22e3a8804",
                           .model = (char *) "vfio-pci", .display = TRUE, .ramfb = TRUE };
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_domain_add_hostdev (domain, &gpu, &error));
  g_assert_true (vitrine_domain_add_hostdev (domain, &slice, &error));
  g_assert_no_error (error);
  g_autofree char *one = vitrine_domain_get_hostdev_xml (domain, VITRINE_HOSTDEV_PCI, "0000:01:00.0");
  g_autofree char *two = vitrine_domain_get_hostdev_xml (domain, VITRINE_HOSTDEV_MDEV, slice.id);
  g_assert_cmpstr (one, ==,
                   "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\">\n  <source>\n    <address domain=\"0x0000\" bus=\"0x01\""
                   " slot=\"0x00\" function=\"0x0\"/>\n  </source>\n  <rom bar=\"off\"/>\n</hostdev>");
  g_assert_cmpstr (two, ==,
                   "<hostdev mode=\"subsystem\" type=\"mdev\" model=\"vfio-pci\" display=\"on\" ramfb=\"on\">\n  <source>\n    <address"
                   " uuid=\"c2177883-f1bb-47f0-914d-32a22e3a8804\"/>\n  </source>\n</hostdev>");
}

static void
what_the_document_says_is_read_and_kept (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (GPU "<hostdev mode='subsystem' type='usb'><source/></hostdev>");
  VitrineHostdev audio = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) "0000:02:00.0" };

  g_assert_true (vitrine_domain_add_hostdev (domain, &audio, NULL));
  g_autoptr(GPtrArray) all = vitrine_domain_get_hostdevs (domain);
  const VitrineHostdev *first = all->pdata[0], *second = all->pdata[1];
  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpstr (first->id, ==, "0000:01:00.1");
  g_assert_true (first->managed);
  g_assert_cmpuint (first->boot_order, ==, 2);
  g_assert_false (second->managed);
  g_assert_true (vitrine_domain_remove_hostdev (domain, VITRINE_HOSTDEV_PCI, "0000:02:00.0"));
  g_assert_false (vitrine_domain_remove_hostdev (domain, VITRINE_HOSTDEV_PCI, "0000:02:00.0"));
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "vendor:x"));
  g_assert_nonnull (strstr (xml, "type=\"usb\""));
}

static void
assert_hostdev_refused (VitrineDomain *domain, const VitrineHostdev *hostdev, const char *sentence)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (vitrine_domain_add_hostdev (domain, hostdev, &error));
  g_assert_cmpstr (error->message, ==, sentence);
}

static void
what_makes_no_sense_is_refused (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (GPU);
  VitrineHostdev same = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) "0000:01:00.1" };
  VitrineHostdev none = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) "gpu" };
  VitrineHostdev no_uuid = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) "1", .model = (char *) "vfio-ap" };
  VitrineHostdev matrix = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) "c2177883-f1bb-47f0-914d-32a22e3a8804",
                            .model = (char *) "vfio-ap" };
  VitrineHostdev slice = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) "c2177883-f1bb-47f0-914d-32a22e3a8804",
                           .model = (char *) "vfio-pci", .display = TRUE };
  VitrineHostdev other = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) "c2177883-f1bb-47f0-914d-32a22e3a8805",
                           .model = (char *) "vfio-ap" };

  assert_hostdev_refused (domain, &same, "The machine has the device 0000:01:00.1 already.");
  assert_hostdev_refused (domain, &none, "“gpu” is no PCI address: write for example 0000:01:00.0.");
  assert_hostdev_refused (domain, &slice,
                          "The machine has no screen that the device’s picture could be shown on: add SPICE or VNC first.");
  assert_hostdev_refused (domain, &no_uuid, "“1” is no UUID of a mediated device.");
  g_assert_true (vitrine_domain_add_hostdev (domain, &matrix, NULL));
  assert_hostdev_refused (domain, &other, "The machine has a crypto matrix already, and can have one only: add to that one.");
}

static void
all_that_is_the_hosts_is_listed (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (
    GPU "<interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x4'/></source></interface>"
        "<disk type='nvme'><source type='pci' namespace='1'><address bus='0x04' slot='0x00' function='0x0'/></source></disk>"
        "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev><interface type='user'/>");
  g_auto(GStrv) addresses = vitrine_domain_list_host_pci (domain);
  g_autofree char *words = g_strjoinv (" ", addresses);

  g_assert_cmpstr (words, ==, "0000:01:00.1 0000:03:10.4 0000:04:00.0");
}

static void
our_own_machine_goes_without_and_says_so (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (GPU);
  g_autoptr(VtConfig) config = config_of (domain);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);

  g_assert_nonnull (config);
  g_assert_true (g_str_has_prefix (missing[0], "Host devices other than USB ones are left out"));
}

/* --- zPCI --------------------------------------------------------------------------------------------------------- */

#define Z_DEVICES                                                                                                      \
  "<disk type='file' device='disk'><target dev='vda' bus='virtio'/><address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0000'/>"  \
  "</disk><hostdev mode='subsystem' type='pci'><source><address domain='0x0002' bus='0x00' slot='0x00' function='0x0'/></source>" \
  "</hostdev><interface type='user'><mac address='52:54:00:00:00:01'/><address type='pci' domain='0x0001' bus='0x00' slot='0x00'" \
  " function='0x0'><zpci uid='0x0001' fid='0x00000000'/></address></interface>"

static void
pci_devices_of_a_z_machine_are_listed (void)
{
  g_autoptr(VitrineDomain) z = z_domain_with (Z_DEVICES), pc = domain_with (GPU);
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (z), none = vitrine_domain_get_zpci (pc);
  const VitrineZpci *hostdev = all->pdata[0], *card = all->pdata[1];

  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpstr (hostdev->id, ==, "0002:00:00.0");
  g_assert_false (hostdev->has_uid || hostdev->has_fid);
  g_assert_cmpstr (card->id, ==, "52:54:00:00:00:01");
  g_assert_true (card->has_uid && card->has_fid);
  g_assert_cmpuint (card->uid, ==, 1);
  g_assert_cmpuint (vitrine_domain_free_zpci_uid (z), ==, 2);
  g_assert_cmpuint (vitrine_domain_free_zpci_fid (z), ==, 1);
}

static void
an_address_is_set_and_left_to_libvirt_again (void)
{
  g_autoptr(VitrineDomain) z = z_domain_with (Z_DEVICES);
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_domain_set_zpci (z, "0002:00:00.0", 0x1267, 0x10, &error));
  g_assert_true (vitrine_domain_set_zpci (z, "0002:00:00.0", 0x1267, 0x10, &error));   /* its own are no conflict */
  g_assert_no_error (error);
  g_autofree char *xml = vitrine_domain_to_xml (z);
  g_assert_nonnull (strstr (xml, "<zpci uid=\"0x1267\" fid=\"0x00000010\"/>"));
  g_assert_true (vitrine_domain_clear_zpci (z, "52:54:00:00:00:01", &error));
  g_autofree char *after = vitrine_domain_to_xml (z);
  g_assert_null (strstr (after, "uid=\"0x0001\""));
  g_assert_nonnull (strstr (after, "domain=\"0x0001\""));
}

static void
assert_zpci_refused (const char *id, guint32 uid, guint32 fid, const char *sentence)
{
  g_autoptr(VitrineDomain) z = z_domain_with (Z_DEVICES);
  g_autofree char *before = vitrine_domain_to_xml (z);
  g_autoptr(GError) error = NULL;

  g_assert_false (vitrine_domain_set_zpci (z, id, uid, fid, &error));
  g_assert_cmpstr (error->message, ==, sentence);
  g_autofree char *after = vitrine_domain_to_xml (z);
  g_assert_cmpstr (after, ==, before);
}

static void
addresses_out_of_range_or_taken_are_refused (void)
{
  static const char *const bad_uids[] = { "0", "0x10000", "", "-1", "0x", "x", "1 ", "99999999999999999999" };
  static const char *const bad_fids[] = { "0x100000000", "", "-1", "one" };
  g_autoptr(VitrineDomain) pc = domain_with (GPU);
  g_autoptr(GError) no_z = NULL;
  guint32 value;

  assert_zpci_refused ("0002:00:00.0", 0, 5, "0x0000 is no uid: it is a number from 0x0001 to 0xffff.");
  assert_zpci_refused ("0002:00:00.0", 0x10000, 5, "0x10000 is no uid: it is a number from 0x0001 to 0xffff.");
  assert_zpci_refused ("0002:00:00.0", 1, 5, "The uid 0x0001 is that of “52:54:00:00:00:01”. 0x0002 is free.");
  assert_zpci_refused ("0002:00:00.0", 2, 0, "The fid 0x00000000 is that of “52:54:00:00:00:01”. 0x00000001 is free.");
  assert_zpci_refused ("vda", 2, 2, "The machine has no PCI device “vda”.");
  g_assert_false (vitrine_domain_set_zpci (pc, "0000:01:00.1", 2, 2, &no_z));
  g_assert_cmpstr (no_z->message, ==, "Only machines of the architecture s390x have zPCI addresses.");
  for (guint i = 0; i < G_N_ELEMENTS (bad_uids); i++)
    g_assert_false (vitrine_zpci_parse_uid (bad_uids[i], &value, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad_fids); i++)
    g_assert_false (vitrine_zpci_parse_fid (bad_fids[i], &value, NULL));
  g_assert_true (vitrine_zpci_parse_uid ("0xFFFF", &value, NULL));
  g_assert_cmphex (value, ==, 0xffff);
  g_assert_true (vitrine_zpci_parse_fid ("4294967295", &value, NULL));
  g_assert_cmphex (value, ==, 0xffffffff);
}

/* --- migration ---------------------------------------------------------------------------------------------------- */

/* "0000:01:00.1 hostdev" */
static char *
blockers_of (VitrineDomain *domain)
{
  g_autoptr(GPtrArray) all = vitrine_migration_blockers (domain);
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++)
    {
      const VitrineMigrationBlocker *blocker = all->pdata[i];
      g_assert_nonnull (strstr (blocker->sentence, "."));
      g_string_append_printf (words, "%s%s", i > 0 ? ", " : "", blocker->device);
    }
  return g_string_free (words, FALSE);
}

static void
devices_that_stay_with_their_host_block_a_move (void)
{
  g_autoptr(VitrineDomain) pc = domain_with (
    GPU "<hostdev mode='subsystem' type='usb'/><hostdev mode='subsystem' type='scsi'/><hostdev mode='subsystem' type='pci'><source>"
        "<address bus='0x02' slot='0x00' function='0x0'/></source><teaming type='transient' persistent='ua-x'/></hostdev>"
        "<hostdev mode='subsystem' type='mdev' model='vfio-ap'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>"
        "</hostdev><interface type='hostdev'><mac address='52:54:00:00:00:02'/></interface><interface type='user'/>");
  g_autoptr(VitrineDomain) z = z_domain_with (Z_DEVICES), plain = domain_with ("<interface type='user'/>");
  g_autofree char *on_pc = blockers_of (pc), *on_z = blockers_of (z), *none = blockers_of (plain);

  g_assert_cmpstr (on_pc, ==, "0000:01:00.1, scsi, c2177883-f1bb-47f0-914d-32a22e3a8804, 52:54:00:00:00:02");
  g_assert_cmpstr (on_z, ==, "0002:00:00.0, 52:54:00:00:00:01");
  g_assert_cmpstr (none, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/domain-hostdev/addresses-are-complete-or-none", addresses_are_complete_or_none);
  g_test_add_func ("/domain-hostdev/a-device-is-added-as-libvirt-writes-it", a_device_is_added_as_libvirt_writes_it);
  g_test_add_func ("/domain-hostdev/what-the-document-says-is-read-and-kept", what_the_document_says_is_read_and_kept);
  g_test_add_func ("/domain-hostdev/what-makes-no-sense-is-refused", what_makes_no_sense_is_refused);
  g_test_add_func ("/domain-hostdev/all-that-is-the-hosts-is-listed", all_that_is_the_hosts_is_listed);
  g_test_add_func ("/domain-hostdev/our-own-machine-goes-without-and-says-so", our_own_machine_goes_without_and_says_so);
  g_test_add_func ("/domain-zpci/pci-devices-of-a-z-machine-are-listed", pci_devices_of_a_z_machine_are_listed);
  g_test_add_func ("/domain-zpci/an-address-is-set-and-left-to-libvirt-again", an_address_is_set_and_left_to_libvirt_again);
  g_test_add_func ("/domain-zpci/addresses-out-of-range-or-taken-are-refused", addresses_out_of_range_or_taken_are_refused);
  g_test_add_func ("/migration-blockers/devices-that-stay-with-their-host-block-a-move",
                   devices_that_stay_with_their_host_block_a_move);
  return g_test_run ();
}
