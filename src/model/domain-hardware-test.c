/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of a definition, as a person changes them one by one. */
#include "domain-test.h"
#include "hotplug.h"

static void
isolate (VitrineDomain *domain, guint index, const char *name)
{
  VitrineNetwork network = { .kind = name != NULL ? VITRINE_NETWORK_ISOLATED : VITRINE_NETWORK_USER, .name = (char *) name };

  vitrine_domain_set_network (domain, index, &network);
}

static void
machines_on_a_network_of_one_name_meet (void)
{
  g_autoptr(VitrineDomain) first = domain_with ("<interface type='user'/>"), second = domain_with ("<interface type='network'/>");

  isolate (first, 0, "Lab");
  isolate (second, 0, "Lab");
  vitrine_domain_add_network (second);
  isolate (second, 1, "Office");
  g_autoptr(VtConfig) one = config_of (first), two = config_of (second);
  const VtNetConfig *here = one->nets->pdata[0], *there = two->nets->pdata[0], *elsewhere = two->nets->pdata[1];
  g_assert_nonnull (here->local);
  g_assert_cmpstr (here->local, ==, there->local);
  g_assert_cmpstr (here->local, !=, elsewhere->local);
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (second);
  g_assert_cmpstr (((VitrineNetwork *) networks->pdata[0])->name, ==, "Lab");
  g_assert_cmpstr (((VitrineNetwork *) networks->pdata[1])->name, ==, "Office");
}

/* As when it is typed letter by letter. */
static void
names_that_no_card_is_on_are_forgotten (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<interface type='user'/><interface type='user'/>");

  isolate (domain, 0, "L");
  isolate (domain, 0, "La");
  isolate (domain, 0, "Lab");
  isolate (domain, 1, "Lab");
  isolate (domain, 1, NULL);
  g_autofree char *one = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (one, ">Lab<"));
  g_assert_null (strstr (one, ">L<"));
  g_assert_null (strstr (one, ">La<"));
  isolate (domain, 0, NULL);
  g_autofree char *none = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (none, ">Lab<"));
}

static void
a_card_changes_and_the_rest_of_it_stays (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<interface type='network'><source network='default'/><model type='virtio'/><alias name='ua-x'/></interface>");
  VitrineNetwork network = { .mac = (char *) "52:54:00:00:00:01", .cable_out = TRUE };

  vitrine_domain_set_network (domain, 0, &network);
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "network=\"default\""));
  g_assert_nonnull (strstr (xml, "ua-x"));
  g_autoptr(VtConfig) config = config_of (domain);
  const VtNetConfig *net = config->nets->pdata[0];
  g_assert_true (net->cable_out);
  g_assert_cmpuint (net->mac[5], ==, 1);
}

static void
an_isolated_network_that_has_no_name_of_ours_stays (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<interface type='mcast'><source address='230.0.0.1' port='77'/></interface>");
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);

  vitrine_domain_set_network (domain, 0, networks->pdata[0]);
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "230.0.0.1"));
  isolate (domain, 0, NULL);
  g_autoptr(VtConfig) config = config_of (domain);
  g_assert_null (((VtNetConfig *) config->nets->pdata[0])->local);
}

static void
plug (VitrineDomain *domain, VitrineNetworkKind kind, const char *name)
{
  vitrine_domain_set_network (domain, 0, &(VitrineNetwork) { .kind = kind, .name = (char *) name });
}

static char *
without_spaces (const char *xml)
{
  g_autoptr(GRegex) spaces = g_regex_new (">\\s+<", 0, 0, NULL);

  return g_regex_replace_literal (spaces, xml, -1, 0, "><", 0, NULL);
}

/* There and back: nothing of one kind is left in another. */
static void
a_card_goes_from_network_to_network (void)
{
  static const struct { VitrineNetworkKind kind; const char *name, *xml; } steps[] = {
    { VITRINE_NETWORK_BRIDGE, "br0", "<interface type=\"bridge\"><source bridge=\"br0\"/></interface>" },
    { VITRINE_NETWORK_BRIDGE, "br1", "<interface type=\"bridge\"><source bridge=\"br1\"/></interface>" },
    { VITRINE_NETWORK_TAP, "tap0", "<interface type=\"ethernet\"><target dev=\"tap0\" managed=\"no\"/></interface>" },
    { VITRINE_NETWORK_ISOLATED, "Lab", ">Lab<" },
    { VITRINE_NETWORK_BRIDGE, "br0", "<interface type=\"bridge\"><source bridge=\"br0\"/></interface>" },
    { VITRINE_NETWORK_USER, NULL, "<interface type=\"user\"/>" },
  };
  g_autoptr(VitrineDomain) domain = domain_with ("<interface type='user'/>");

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      plug (domain, steps[i].kind, steps[i].name);
      g_autofree char *text = vitrine_domain_to_xml (domain);
      g_autofree char *xml = without_spaces (text);
      g_assert_nonnull (strstr (xml, steps[i].xml));
      g_assert_cmpint (strstr (xml, ">Lab<") != NULL, ==, steps[i].kind == VITRINE_NETWORK_ISOLATED);
      g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);
      const VitrineNetwork *network = networks->pdata[0];
      g_assert_cmpint (network->kind, ==, steps[i].kind);
      g_assert_cmpstr (network->name, ==, steps[i].name);
    }
}

static void
a_card_on_a_device_is_on_it_and_forwards_nothing (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<interface type='bridge'><source bridge='br0'/><target dev='vnet3'/>"
                   "<portForward proto='tcp'><range start='8022' to='22'/></portForward></interface>"
                   "<interface type='ethernet'><target dev='tap0'/><script path='/etc/x'/></interface>"
                   "<interface type='ethernet'/>");
  g_autoptr(VtConfig) config = config_of (domain);
  const VtNetConfig *bridge = config->nets->pdata[0], *tap = config->nets->pdata[1], *neither = config->nets->pdata[2];
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);

  g_assert_cmpstr (bridge->bridge, ==, "br0");
  g_assert_null (bridge->tap);
  g_assert_cmpuint (bridge->forwards->len, ==, 0);
  g_assert_cmpstr (tap->tap, ==, "tap0");
  g_assert_null (tap->bridge);
  g_assert_cmpint (tap->fd, ==, -1);
  g_assert_true (neither->tap == NULL && neither->bridge == NULL && neither->local == NULL);
  g_assert_cmpuint (g_strv_length (missing), ==, 1);
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);
  for (guint i = 0; i < networks->len; i++)
    vitrine_domain_set_network (domain, i, networks->pdata[i]);
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "vnet3"));
  g_assert_nonnull (strstr (xml, "/etc/x"));
  g_assert_nonnull (strstr (xml, "8022"));
}

static void
names_of_networks_are_checked (void)
{
  static const struct { VitrineNetworkKind kind; const char *name; gboolean good; } names[] = {
    { VITRINE_NETWORK_USER, NULL, TRUE },         { VITRINE_NETWORK_ISOLATED, "Lab & office", TRUE }, { VITRINE_NETWORK_ISOLATED, "", FALSE },
    { VITRINE_NETWORK_BRIDGE, "br0", TRUE },      { VITRINE_NETWORK_BRIDGE, "", FALSE },              { VITRINE_NETWORK_BRIDGE, "br 0", FALSE },
    { VITRINE_NETWORK_TAP, "a/b", FALSE },        { VITRINE_NETWORK_TAP, "sixteen-letters.", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const VitrineNetwork network = { .kind = names[i].kind, .name = (char *) names[i].name };
      g_autoptr(GError) error = NULL;
      g_assert_cmpint (vitrine_network_check_name (&network, &error), ==, names[i].good);
      g_assert_cmpint (error == NULL, ==, names[i].good);
    }
}

static void
cards_of_each_kind_and_model_get_slots (void)
{
  static const VitrineNetwork cards[] = {
    { .mac = (char *) "52:54:00:00:00:02", .kind = VITRINE_NETWORK_BRIDGE, .name = (char *) "br0" },
    { .mac = (char *) "52:54:00:00:00:03", .kind = VITRINE_NETWORK_TAP, .name = (char *) "tap0", .model = (char *) "e1000e" },
    { .mac = (char *) "52:54:00:00:00:04", .model = (char *) "rtl8139" },
  };
  g_autoptr(VitrineDomain) before = domain_with ("<interface type='user'><mac address='52:54:00:00:00:01'/></interface>");
  g_autoptr(VitrineDomain) after = vitrine_domain_copy (before);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    {
      vitrine_domain_add_network (after);
      vitrine_domain_set_network (after, i + 1, &cards[i]);
    }
  vitrine_hotplug_give_slots (before, after);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (vitrine_domain_get_network_slot (after, i), ==, i == 1 || i == 2 ? i : 0);
  g_assert_true (vitrine_hotplug_covers (before, after, &error));
  g_autoptr(VtConfig) config = config_of (after);
  const VtNetConfig *second = config->nets->pdata[2];
  g_assert_true (second->model == VT_NET_E1000E && second->port == 2);
}

static void
disk_on (VitrineDomain *domain, const char *target, const char *path, guint slot)
{
  g_autoptr(VitrineDisk) disk = vitrine_disk_new (path, g_str_has_suffix (path, ".luks") ? "luks" : "raw", "virtio", FALSE);

  disk->target = g_strdup (target);
  vitrine_domain_add_disk (domain, disk);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, target), ==, slot);
}

/* Its key is with the running machine alone: when something after it failed, it could not be put back. */
static void
an_encrypted_disk_goes_last_or_alone (void)
{
  g_autoptr(VitrineDomain) before = domain_with ("");
  g_autoptr(GError) error = NULL;

  disk_on (before, "vda", "/a.luks", 1);
  disk_on (before, "vdb", "/b.img", 2);
  g_autoptr(VitrineDomain) without = vitrine_domain_copy (before), instead = NULL, beside = NULL;
  vitrine_domain_remove_disk (without, "vda");
  instead = vitrine_domain_copy (without);
  beside = vitrine_domain_copy (without);
  disk_on (instead, "vdc", "/c.img", 1);
  vitrine_domain_remove_disk (beside, "vdb");
  g_autoptr(VitrineHotplug) alone = vitrine_hotplug_new (before, without, &error), last = vitrine_hotplug_new (before, beside, &error);
  g_assert_no_error (error);
  g_assert_null (vitrine_hotplug_next_locked (alone));
  g_assert_null (vitrine_hotplug_new (before, instead, &error));
  g_assert_nonnull (strstr (error->message, "“vda” is encrypted"));
}

static void
a_disk_moves_to_another_bus (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/><address type='pci' slot='0x04'/></disk>"
                   "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>");
  g_autofree char *target = vitrine_domain_set_disk_bus (domain, "vda", "sata");

  g_assert_cmpstr (target, ==, "sdb");
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (xml, "<address"));
  g_autoptr(VtConfig) config = config_of (domain);
  g_assert_cmpint (((VtDiskConfig *) config->disks->pdata[0])->bus, ==, VT_BUS_SATA);
}

static void
the_format_of_a_disk_says_whether_it_is_encrypted (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/a", "luks", "virtio", FALSE);

  vitrine_domain_add_disk (domain, disk);
  g_autoptr(VtConfig) luks = config_of (domain);
  g_assert_true (((VtDiskConfig *) luks->disks->pdata[0])->format == VT_IMAGE_LUKS);
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);
  g_assert_cmpstr (vitrine_disk_get_image_format (disks->pdata[0]), ==, "luks");
  g_assert_cmpstr (((VitrineDisk *) disks->pdata[0])->format, ==, "raw");   /* as libvirt says it */
  vitrine_domain_set_disk_format (domain, "vda", "raw");
  g_autoptr(VtConfig) raw = config_of (domain);
  g_assert_true (((VtDiskConfig *) raw->disks->pdata[0])->format == VT_IMAGE_RAW);
}

static void
an_encrypted_raw_disk_is_a_luks_image (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<disk type='file'><source file='/a'><encryption format='luks'/></source><target dev='vda'/></disk>"
                   "<disk type='file'><driver type='qcow2'/><source file='/b'><encryption format='luks'/></source><target dev='vdb'/></disk>");
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);

  g_assert_cmpstr (vitrine_disk_get_image_format (disks->pdata[0]), ==, "luks");
  g_assert_cmpstr (vitrine_disk_get_image_format (disks->pdata[1]), ==, "qcow2");
}

static void
addresses_of_cards_are_checked (void)
{
  static const char *const wrong[] = { "", "52:54:00:12:34", "52:54:00:12:34:5g", "53:54:00:12:34:56", "52:54:00:12:34:56:78" };

  g_assert_true (vitrine_domain_check_mac ("52:54:00:Ab:34:56", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (vitrine_domain_check_mac (wrong[i], NULL));
}

static void
what_is_taken_out_comes_back_as_it_was (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<disk type='file'><source file='/a'/><target dev='vda'/><serial>kept</serial></disk>"
                   "<disk type='file'><source file='/b'/><target dev='vdb'/></disk>"
                   "<interface type='user'><mac address='52:54:00:00:00:01'/></interface><interface type='user'/>");
  g_autofree char *before = vitrine_domain_to_xml (domain);
  VitrineRemoved *disk = vitrine_domain_take_disk (domain, "vda"), *network = vitrine_domain_take_network (domain, 0);

  g_assert_null (vitrine_domain_take_disk (domain, "vda"));
  g_autoptr(VtConfig) config = config_of (domain);
  g_assert_cmpuint (config->disks->len + config->nets->len, ==, 2);
  vitrine_domain_put_back (domain, network);
  vitrine_domain_put_back (domain, disk);
  g_autofree char *after = vitrine_domain_to_xml (domain);
  g_assert_cmpstr (after, ==, before);
  vitrine_removed_free (disk);
  vitrine_removed_free (network);
}

static void
a_disk_that_comes_back_does_not_take_the_name_of_another (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
                   "<disk type='file'><source file='/b'/><target dev='sda' bus='sata'/></disk>");
  VitrineRemoved  *removed = vitrine_domain_take_disk (domain, "vda");
  g_autofree char *target = vitrine_domain_set_disk_bus (domain, "sda", "virtio");

  g_assert_cmpstr (target, ==, "vda");
  vitrine_domain_put_back (domain, removed);
  vitrine_removed_free (removed);
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);
  const VitrineDisk *first = disks->pdata[0], *second = disks->pdata[1];
  g_assert_cmpstr (first->path, ==, "/a");
  g_assert_cmpstr (first->target, ==, "vdb");
  g_assert_cmpstr (second->target, ==, "vda");
}

static const char old_pc[] =
  "<domain type='kvm'><name>old</name><memory>1048576</memory>"
  "<os><type machine='pc-i440fx-7.2'>hvm</type><boot dev='fd'/><boot dev='hd'/></os><devices>"
  "<disk type='file'><source file='/a'/><target dev='hda'/></disk>"
  "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
  "<disk type='file' device='floppy'><source file='/f'/><target dev='fdb' bus='fdc'/><readonly/></disk>"
  "<disk type='file' device='floppy'><target dev='fda'/></disk></devices></domain>";

static void
drives_of_an_old_pc_are_where_their_names_say (void)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_data (old_pc, strlen (old_pc), "old.xml", NULL);
  g_autoptr(VtConfig) config = config_of (domain);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
  const VtDiskConfig *disk = config->disks->pdata[0], *cd = config->disks->pdata[1], *b = config->disks->pdata[2], *a = config->disks->pdata[3];

  g_assert_cmpstr (config->machine, ==, "pc");
  g_assert_cmpstr (missing[0], ==, NULL);
  g_assert_true (disk->bus == VT_BUS_IDE && disk->unit == 1 && disk->boot_index == 3);
  g_assert_true (cd->bus == VT_BUS_IDE && cd->unit == 3 && cd->cdrom);
  g_assert_true (b->bus == VT_BUS_FDC && b->unit == 2 && b->readonly && b->boot_index == 1);
  g_assert_true (a->bus == VT_BUS_FDC && a->unit == 1 && a->path == NULL && !a->readonly);
}

static void
a_q35_machine_goes_without_its_floppy_drive (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<disk type='file' device='floppy'><target dev='fda'/></disk>"
                                                 "<disk type='file'><source file='/a'/><target dev='vda'/></disk>");
  g_autoptr(VtConfig) config = config_of (domain);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);

  g_assert_cmpuint (config->disks->len, ==, 1);
  g_assert_nonnull (strstr (missing[0], "floppy"));
  vitrine_domain_set_board (domain, "pc");
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);
  g_assert_cmpuint (disks->len, ==, 2);
  g_assert_true (vitrine_disk_is_removable (disks->pdata[0]));
}

static void
an_nvme_disk_is_one_that_libvirt_takes_for_virtio (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with ("<disk type='file'><source file='/a'/><target dev='sda' bus='sata'/></disk>"
                   "<disk type='file'><source file='/b'/><target dev='nvme0n1' bus='nvme'/></disk>");
  g_autofree char *target = vitrine_domain_set_disk_bus (domain, "sda", "nvme");

  g_assert_cmpstr (target, ==, "vda");
  g_autoptr(VtConfig) config = config_of (domain);
  g_assert_cmpint (((VtDiskConfig *) config->disks->pdata[0])->bus, ==, VT_BUS_NVME);
  g_assert_cmpint (((VtDiskConfig *) config->disks->pdata[1])->bus, ==, VT_BUS_NVME);   /* as later libvirts may write it */
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "dev=\"vda\" bus=\"virtio\""));
  g_assert_nonnull (strstr (xml, "<alias name=\"ua-nvme-"));
  g_autofree char *same = vitrine_domain_set_disk_bus (domain, "vda", "virtio");
  g_assert_cmpstr (same, ==, "vda");
  g_autoptr(VtConfig) virtio = config_of (domain);
  g_assert_cmpint (((VtDiskConfig *) virtio->disks->pdata[0])->bus, ==, VT_BUS_VIRTIO);
  g_autofree char *plain = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (plain, "ua-nvme"));
}

static void
cards_are_of_two_models (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<interface type='user'><model type='e1000e'/></interface>"
                                                 "<interface type='user'><model type='rtl8139'/></interface><interface type='user'/>");
  g_autoptr(VtConfig) config = config_of (domain);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);

  g_assert_cmpuint (config->nets->len, ==, 2);
  g_assert_cmpint (((VtNetConfig *) config->nets->pdata[0])->model, ==, VT_NET_E1000E);
  g_assert_cmpint (((VtNetConfig *) config->nets->pdata[1])->model, ==, VT_NET_VIRTIO);
  g_assert_nonnull (strstr (missing[0], "e1000e"));
  vitrine_domain_set_network (domain, 2, &(VitrineNetwork) { .model = (char *) "e1000e" });
  vitrine_domain_set_network (domain, 0, &(VitrineNetwork) { .cable_out = TRUE });
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);
  g_assert_cmpstr (((VitrineNetwork *) networks->pdata[0])->model, ==, "e1000e");
  g_assert_cmpstr (((VitrineNetwork *) networks->pdata[2])->model, ==, "e1000e");
}

static void
the_balloon_comes_and_goes (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");

  vitrine_domain_set_balloon (domain, TRUE);
  g_autoptr(VtConfig) with = config_of (domain);
  g_assert_true (with->balloon && with->balloon_reports);
  vitrine_domain_set_balloon (domain, FALSE);
  g_autoptr(VtConfig) without = config_of (domain);
  g_assert_false (without->balloon);
}

/* --- Slots for hot plug --------------------------------------------------------------------------------------------- */

static void
a_new_disk_gets_a_slot_that_the_engine_sees (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/x.img", "raw", "virtio", FALSE);

  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_add_network (domain);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vdb"), ==, 1);
  g_assert_cmpuint (vitrine_domain_give_network_slot (domain, 0), ==, 2);
  g_autoptr(VtConfig) config = config_of (domain);
  const VtDiskConfig *first = config->disks->pdata[0], *second = config->disks->pdata[1];
  const VtNetConfig *net = config->nets->pdata[0];
  g_assert_cmpuint (first->port, ==, 0);
  g_assert_cmpuint (second->port, ==, 1);
  g_assert_cmpstr (second->id, ==, "vdb");
  g_assert_cmpuint (net->port, ==, 2);
  g_assert_cmpuint (net->mac[0], ==, 0x52);
}

static void
there_are_four_slots_and_they_are_given_again (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/x.img", "raw", "virtio", FALSE);
  static const char *const targets[] = { "vda", "vdb", "vdc", "vdd", "vde" };

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      vitrine_domain_add_disk (domain, disk);
      g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, targets[i]), ==, i < 4 ? i + 1 : 0);
    }
  vitrine_domain_remove_disk (domain, "vdc");
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vde"), ==, 3);
}

static void
only_virtio_devices_of_q35_get_slots (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  g_autoptr(VitrineDisk) sata = vitrine_disk_new ("/x.img", "raw", "sata", FALSE);
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/x.img", "raw", "virtio", FALSE);

  vitrine_domain_add_disk (domain, sata);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "sda"), ==, 0);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vdz"), ==, 0);
  g_autoptr(VitrineDisk) nvme = vitrine_disk_new ("/x.img", "raw", "nvme", FALSE);
  vitrine_domain_add_disk (domain, nvme);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vda"), ==, 0);
  vitrine_domain_remove_disk (domain, "vda");
  vitrine_domain_add_disk (domain, disk);
  vitrine_domain_set_board (domain, "pc");
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vda"), ==, 0);
}

/* Other programs put every device behind a port, at other places: that machine is built as before. */
static void
ports_of_other_programs_are_not_ours (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (
    "<controller type='pci' index='1' model='pcie-root-port'><address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></controller>"
    "<disk type='file' device='disk'><source file='/x.img'/><target dev='vda' bus='virtio'/>"
    "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>");
  g_autoptr(VtConfig) config = config_of (domain);
  g_autoptr(VitrineDisk) disk = vitrine_disk_new ("/y.img", "raw", "virtio", FALSE);

  g_assert_cmpuint (((const VtDiskConfig *) config->disks->pdata[0])->port, ==, 0);
  vitrine_domain_add_disk (domain, disk);
  g_assert_cmpuint (vitrine_domain_give_disk_slot (domain, "vdb"), ==, 1);
  g_autoptr(VtConfig) after = config_of (domain);
  g_assert_cmpuint (((const VtDiskConfig *) after->disks->pdata[0])->port, ==, 0);
  g_assert_cmpuint (((const VtDiskConfig *) after->disks->pdata[1])->port, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/hardware/machines-on-a-network-of-one-name-meet", machines_on_a_network_of_one_name_meet);
  g_test_add_func ("/hardware/a-card-changes-and-the-rest-of-it-stays", a_card_changes_and_the_rest_of_it_stays);
  g_test_add_func ("/hardware/an-isolated-network-that-has-no-name-of-ours-stays", an_isolated_network_that_has_no_name_of_ours_stays);
  g_test_add_func ("/hardware/a-card-goes-from-network-to-network", a_card_goes_from_network_to_network);
  g_test_add_func ("/hardware/a-card-on-a-device-is-on-it-and-forwards-nothing", a_card_on_a_device_is_on_it_and_forwards_nothing);
  g_test_add_func ("/hardware/names-of-networks-are-checked", names_of_networks_are_checked);
  g_test_add_func ("/hardware/cards-of-each-kind-and-model-get-slots", cards_of_each_kind_and_model_get_slots);
  g_test_add_func ("/hardware/a-disk-moves-to-another-bus", a_disk_moves_to_another_bus);
  g_test_add_func ("/hardware/an-encrypted-raw-disk-is-a-luks-image", an_encrypted_raw_disk_is_a_luks_image);
  g_test_add_func ("/hardware/the-format-of-a-disk-says-whether-it-is-encrypted", the_format_of_a_disk_says_whether_it_is_encrypted);
  g_test_add_func ("/hardware/an-encrypted-disk-goes-last-or-alone", an_encrypted_disk_goes_last_or_alone);
  g_test_add_func ("/hardware/addresses-of-cards-are-checked", addresses_of_cards_are_checked);
  g_test_add_func ("/hardware/what-is-taken-out-comes-back-as-it-was", what_is_taken_out_comes_back_as_it_was);
  g_test_add_func ("/hardware/the-balloon-comes-and-goes", the_balloon_comes_and_goes);
  g_test_add_func ("/hardware/names-that-no-card-is-on-are-forgotten", names_that_no_card_is_on_are_forgotten);
  g_test_add_func ("/hardware/a-disk-that-comes-back-does-not-take-the-name-of-another", a_disk_that_comes_back_does_not_take_the_name_of_another);
  g_test_add_func ("/hardware/drives-of-an-old-pc-are-where-their-names-say", drives_of_an_old_pc_are_where_their_names_say);
  g_test_add_func ("/hardware/a-q35-machine-goes-without-its-floppy-drive", a_q35_machine_goes_without_its_floppy_drive);
  g_test_add_func ("/hardware/an-nvme-disk-is-one-that-libvirt-takes-for-virtio", an_nvme_disk_is_one_that_libvirt_takes_for_virtio);
  g_test_add_func ("/hardware/cards-are-of-two-models", cards_are_of_two_models);
  g_test_add_func ("/hardware/a-new-disk-gets-a-slot-that-the-engine-sees", a_new_disk_gets_a_slot_that_the_engine_sees);
  g_test_add_func ("/hardware/there-are-four-slots-and-they-are-given-again", there_are_four_slots_and_they_are_given_again);
  g_test_add_func ("/hardware/only-virtio-devices-of-q35-get-slots", only_virtio_devices_of_q35_get_slots);
  g_test_add_func ("/hardware/ports-of-other-programs-are-not-ours", ports_of_other_programs_are_not_ours);
  return g_test_run ();
}
