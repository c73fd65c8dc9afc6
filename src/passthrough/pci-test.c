/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI devices of the computers that tests/passthrough/trees.py makes. */
#include <string.h>

#include "domain-hostdev.h"
#include "fake-kernel.h"
#include "pci-host.h"
#include "pci-plan.h"
#include "tree-rig.h"

#define GPU "0000:01:00.0"
#define NIC "0000:03:00.0"
#define ROOT_DISK "0000:02:00.0"

typedef struct
{
  char            *root;
  VitrineHostTree *tree;
  VitrinePciHost  *host;
} Rig;

static void
rig_clear (Rig *rig)
{
  g_clear_pointer (&rig->host, vitrine_pci_host_free);
  g_clear_pointer (&rig->tree, vitrine_host_tree_unref);
  g_clear_pointer (&rig->root, tree_rig_drop);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

static void
rig_read (Rig *rig)
{
  g_clear_pointer (&rig->host, vitrine_pci_host_free);
  rig->host = vitrine_pci_host_new_from_tree (rig->tree);
}

static Rig
rig_of (const char *kind)
{
  Rig rig = { .root = fake_kernel_make_tree (kind) };

  rig.tree = vitrine_host_tree_new (rig.root);
  rig_read (&rig);
  return rig;
}

static const VitrinePciDevice *
device (const Rig *rig, const char *address)
{
  const VitrinePciDevice *found = vitrine_pci_host_lookup (rig->host, address);

  g_assert_nonnull (found);
  return found;
}

/* "01:00.0 01:00.1": without the domain, which is 0. */
static char *
together (const Rig *rig, const char *address)
{
  g_autoptr(GPtrArray) all = vitrine_pci_host_list_together (rig->host, device (rig, address));
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++)
    g_string_append_printf (words, "%s%s", i > 0 ? " " : "", ((VitrinePciDevice *) all->pdata[i])->address + 5);
  return g_string_free (words, FALSE);
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static void
devices_have_names_groups_and_drivers (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  const VitrinePciDevice *gpu = device (&rig, GPU), *serial = device (&rig, "0000:01:00.3");
  const VitrinePciDevice *port = device (&rig, "0000:03:00.0"), *virtual = device (&rig, "0000:03:10.4");

  g_assert_cmpuint (rig.host->devices->len, ==, 20);
  g_assert_cmpstr (((VitrinePciDevice *) rig.host->devices->pdata[0])->address, ==, "0000:00:00.0");
  g_assert_cmpstr (gpu->name, ==, "NVIDIA Corporation TU106 [GeForce RTX 2070]");
  g_assert_cmpstr (gpu->class_name, ==, "VGA compatible controller");
  g_assert_cmpstr (gpu->driver, ==, "nouveau");
  g_assert_cmpint (gpu->group, ==, 1);
  g_assert_null (serial->driver);
  g_assert_cmpuint (port->n_virtual, ==, 2);
  g_assert_cmpuint (port->max_virtual, ==, 7);
  g_assert_cmpstr (virtual->physical, ==, NIC);
  g_assert_false (vitrine_pci_device_is_giveable (device (&rig, "0000:00:01.0")));
  g_assert_true (vitrine_pci_device_is_giveable (gpu));
}

static void
what_is_in_one_group_goes_together_without_bridges (void)
{
  g_auto(Rig) rig = rig_of ("pc"), plain = rig_of ("pc-no-iommu");
  g_autofree char *gpu = together (&rig, "0000:01:00.1"), *disk = together (&rig, ROOT_DISK);
  g_autofree char *virtual = together (&rig, "0000:03:10.0"), *slot = together (&plain, GPU);

  g_assert_cmpstr (gpu, ==, "01:00.0 01:00.1 01:00.2 01:00.3");
  g_assert_cmpstr (disk, ==, "02:00.0");
  g_assert_cmpstr (virtual, ==, "03:10.0");
  g_assert_cmpstr (slot, ==, "01:00.0 01:00.1 01:00.2 01:00.3");
}

/* --- what the host would lose ------------------------------------------------------------------------------------- */

static void
assert_loses (const Rig *rig, const char *address, const char *first, const char *second)
{
  const char *const addresses[] = { address, NULL };
  g_auto(GStrv) losses = vitrine_pci_host_list_losses (rig->host, addresses);
  const char *const wanted[] = { first, second };
  guint n = (first != NULL) + (second != NULL);

  g_assert_cmpuint (g_strv_length (losses), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_nonnull (strstr (losses[i], wanted[i]));
}

static void
losses_are_followed_through_bridges_and_volumes (void)
{
  g_auto(Rig) rig = rig_of ("pc");

  assert_loses (&rig, NIC, "own network goes over it (br0)", "2 virtual functions would be gone");
  assert_loses (&rig, "0000:03:00.1", NULL, NULL);
  assert_loses (&rig, "0000:03:10.0", NULL, NULL);
  assert_loses (&rig, "0000:04:00.0", NULL, NULL);
  assert_loses (&rig, GPU, NULL, NULL);
  assert_loses (&rig, "0000:00:02.0", "The host starts on its screen", NULL);
  const VitrinePciDevice *disk = device (&rig, ROOT_DISK);
  g_assert_cmpuint (disk->losses->len, ==, 3);
  g_assert_cmpstr (disk->losses->pdata[0], ==, "The host’s own system is on it (/): the host would stop working.");
  g_assert_nonnull (strstr (disk->losses->pdata[1], "/boot/efi"));
  g_assert_nonnull (strstr (disk->losses->pdata[2], "/dev/dm-1"));
}

static void
the_only_screen_is_a_loss (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  g_autofree char *other = g_build_filename (rig.root, "sys/bus/pci/devices", GPU, NULL);

  tree_rig_forget (other);
  rig_read (&rig);
  assert_loses (&rig, "0000:00:02.0", "It is the host’s only graphics adapter", NULL);
}

/* Several paths to one disk: its block device stands apart from the controllers. */
static void
disks_of_several_nvme_controllers_are_followed (void)
{
  g_auto(Rig) rig = rig_of ("pc");

  tree_rig_file (rig.root, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme2n1/dev", "259:9");
  tree_rig_file (rig.root, "sys/devices/pci0000:00/0000:00:1d.2/0000:04:00.0/nvme/nvme2/state", "live");
  tree_rig_link (rig.root, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme2",
                 "../../../pci0000:00/0000:00:1d.2/0000:04:00.0/nvme/nvme2");
  tree_rig_link (rig.root, "sys/dev/block/259:9", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme2n1");
  tree_rig_file (rig.root, "proc/self/mountinfo", "28 1 259:9 / /srv rw - ext4 /dev/nvme2n1 rw");
  rig_read (&rig);
  assert_loses (&rig, "0000:04:00.0", "The host’s files in /srv are on it", NULL);
}

/* --- what is in the way ------------------------------------------------------------------------------------------- */

static void
assert_refused (const Rig *rig, const char *const *addresses, const char *sentence)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_pci_host_check (rig->host, addresses, "Mine", &error);

  g_assert_cmpstr (error != NULL ? error->message : NULL, ==, sentence);
  g_assert_cmpint (ok, ==, sentence == NULL);
}

static void
what_is_in_the_way_has_its_sentence (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  const char *const gpu[] = { GPU, "0000:01:00.1", "0000:01:00.2", "0000:01:00.3", NULL }, *const half[] = { GPU, NULL };
  const char *const sound[] = { "0000:00:1f.3", NULL }, *const bridge[] = { "0000:00:01.0", NULL }, *const none[] = { "0000:09:00.0", NULL };

  assert_refused (&rig, gpu, NULL);
  assert_refused (&rig, half, "0000:01:00.0 is in one IOMMU group with 0000:01:00.1, which the host would keep: they can only be given together.");
  assert_refused (&rig, sound, "0000:00:1f.3 is in one IOMMU group with 0000:00:1f.0, a part of the board that the host cannot do without.");
  assert_refused (&rig, bridge, "0000:00:01.0 is a bridge: it stays with the host.");
  assert_refused (&rig, none, "The host has no device 0000:09:00.0 (any more).");
}

static VitrineDomain *
domain_that_has (const char *address)
{
  VitrineDomain *domain = vitrine_domain_new ("x");
  VitrineHostdev hostdev = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) address };

  g_assert_true (vitrine_domain_add_hostdev (domain, &hostdev, NULL));
  return domain;
}

static void
who_has_a_device_now_is_named (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  g_autoptr(VitrineDomain) domain = domain_that_has (ROOT_DISK);
  const char *const disk[] = { ROOT_DISK, NULL };

  vitrine_pci_host_mark_user (rig.host, domain, "Idle", FALSE);
  g_assert_cmpstr (device (&rig, ROOT_DISK)->user, ==, "Idle");
  assert_refused (&rig, disk, NULL);
  vitrine_pci_host_mark_user (rig.host, domain, "Other\nmachine", TRUE);
  vitrine_pci_host_mark_user (rig.host, domain, "Idle", FALSE);
  assert_refused (&rig, disk, "0000:02:00.0 is in use by “Other machine”, which is running.");
  vitrine_pci_host_mark_user (rig.host, domain, "Mine", TRUE);
  assert_refused (&rig, disk, NULL);
}

/* --- can the host do it ------------------------------------------------------------------------------------------- */

static void
why_the_iommu_is_off_is_said (void)
{
  static const struct { const char *cpu, *line, *table, *words; } cases[] = {
    { "vendor_id : GenuineIntel", "quiet", "DMAR", "add intel_iommu=on" },
    { "vendor_id : GenuineIntel", "intel_iommu=on", "DMAR", "dmesg | grep -i dmar" },
    { "vendor_id : GenuineIntel", "intel_iommu=on", "FACP", "switch on VT-d" },
    { "vendor_id : AuthenticAMD", "", "FACP", "switch on IOMMU (AMD-Vi)" },
    { "vendor_id : AuthenticAMD", "x amd_iommu=off", "IVRS", "take amd_iommu=off" },
    { "vendor_id : AuthenticAMD", "", "IVRS", "dmesg | grep -i amd-vi" },
    { "vendor_id : GenuineIntel\nflags : fpu hypervisor", "", "FACP", "virtual machine without an IOMMU" },
    { "vendor_id : IBM/S390", "", "FACP", "no IOMMU that Linux knows of" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      char *root = tree_rig_make ();
      g_autofree char *table = g_strconcat ("sys/firmware/acpi/tables/", cases[i].table, NULL);
      g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
      tree_rig_file (root, "proc/cpuinfo", cases[i].cpu);
      tree_rig_file (root, "proc/cmdline", cases[i].line);
      tree_rig_file (root, table, "");
      g_autoptr(VitrinePciHost) host = vitrine_pci_host_new_from_tree (tree);
      g_assert_nonnull (strstr (host->no_iommu, cases[i].words));
      g_assert_nonnull (strstr (host->no_vfio, "vfio-pci"));
      g_assert_false (host->vfio_loaded);
      tree_rig_drop (root);
    }
}

static void
a_host_without_iommu_refuses_with_the_reason (void)
{
  g_auto(Rig) rig = rig_of ("pc-no-iommu");
  const char *const gpu[] = { GPU, NULL };
  g_autoptr(GError) error = NULL;

  g_assert_null (rig.host->no_vfio);   /* it could be loaded */
  g_assert_false (rig.host->vfio_loaded);
  g_assert_false (vitrine_pci_host_check (rig.host, gpu, NULL, &error));
  g_assert_cmpstr (error->message, ==, rig.host->no_iommu);
  g_assert_cmpint (device (&rig, GPU)->group, ==, -1);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static void
the_plan_reads_as_what_a_person_would_type (void)
{
  g_auto(Rig) rig = rig_of ("pc-no-iommu");
  const char *const addresses[] = { "0000:01:00.1", "0000:01:00.3", NULL };
  g_autoptr(VitrineHostPlan) plan = vitrine_pci_plan_give (rig.tree, addresses, NULL);
  g_autofree char *text = vitrine_host_plan_to_shell (plan);

  g_assert_cmpstr (text, ==,
                   "# Load the driver that gives devices away.\nmodprobe vfio-pci\n"
                   "# Take 0000:01:00.1 from its driver snd_hda_intel.\necho 0000:01:00.1 > /sys/bus/pci/drivers/snd_hda_intel/unbind\n"
                   "# Say that 0000:01:00.1 is for vfio-pci, and for no other driver.\n"
                   "echo vfio-pci > /sys/bus/pci/devices/0000:01:00.1/driver_override\n"
                   "# Let vfio-pci take 0000:01:00.1.\necho 0000:01:00.1 > /sys/bus/pci/drivers_probe\n"
                   "# Check that vfio-pci has 0000:01:00.1.\n"
                   "test \"$(basename \"$(readlink /sys/bus/pci/devices/0000:01:00.1/driver)\")\" = vfio-pci\n"
                   "# Say that 0000:01:00.3 is for vfio-pci, and for no other driver.\n"
                   "echo vfio-pci > /sys/bus/pci/devices/0000:01:00.3/driver_override\n"
                   "# Let vfio-pci take 0000:01:00.3.\necho 0000:01:00.3 > /sys/bus/pci/drivers_probe\n"
                   "# Check that vfio-pci has 0000:01:00.3.\n"
                   "test \"$(basename \"$(readlink /sys/bus/pci/devices/0000:01:00.3/driver)\")\" = vfio-pci\n");
}

static void
devices_go_to_vfio_and_come_back (void)
{
  g_auto(Rig) rig = rig_of ("pc-no-iommu");
  const char *const addresses[] = { GPU, "0000:01:00.1", "0000:01:00.3", NULL };
  g_autoptr(GError) error = NULL;
  FakeKernel kernel = { 0 };
  g_autofree char *before = tree_rig_describe (rig.root);

  g_autoptr(VitrineHostPlan) give = vitrine_pci_plan_give (rig.tree, addresses, &error);
  g_assert_true (vitrine_host_plan_run_by (give, rig.tree, &fake_kernel_hands, &kernel, &error));
  g_assert_no_error (error);
  rig_read (&rig);
  g_assert_cmpstr (device (&rig, GPU)->driver, ==, "vfio-pci");
  g_assert_cmpstr (device (&rig, "0000:01:00.3")->driver, ==, "vfio-pci");
  g_assert_cmpstr (device (&rig, "0000:01:00.2")->driver, ==, "xhci_hcd");
  g_autoptr(VitrineHostPlan) again = vitrine_pci_plan_give (rig.tree, addresses, &error);
  g_assert_cmpuint (vitrine_host_plan_get_n_steps (again), ==, 0);
  g_autoptr(VitrineHostPlan) back = vitrine_pci_plan_take_back (rig.tree, addresses, &error);
  g_assert_true (vitrine_host_plan_run_by (back, rig.tree, &fake_kernel_hands, &kernel, &error));
  g_assert_no_error (error);
  const char *const unload[] = { "modprobe", "-r", "vfio-pci", NULL };
  g_assert_true (fake_kernel_hands.run (&kernel, rig.tree, unload, &error));
  g_autofree char *after = tree_rig_describe (rig.root);
  g_assert_cmpstr (after, ==, before);
}

/* Returns how many calls there were. */
static guint
run_with_fault (gboolean back, guint fail_at)
{
  g_auto(Rig) rig = rig_of (back ? "pc" : "pc-no-iommu");
  const char *const gpu[] = { GPU, "0000:01:00.1", "0000:01:00.2", NULL }, *const nic[] = { "0000:05:00.0", NULL };
  g_autoptr(VitrineHostPlan) plan
    = back ? vitrine_pci_plan_take_back (rig.tree, nic, NULL) : vitrine_pci_plan_give (rig.tree, gpu, NULL);
  FakeKernel kernel = { .fail_at = fail_at };
  g_autoptr(GError) error = NULL;
  g_autofree char *before = tree_rig_describe (rig.root);
  gboolean ok = vitrine_host_plan_run_by (plan, rig.tree, &fake_kernel_hands, &kernel, &error);

  g_assert_cmpint (ok, ==, fail_at == 0);
  if (ok)
    return kernel.calls;
  g_assert_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_UNDONE);
  g_autofree char *after = tree_rig_describe (rig.root);
  g_assert_cmpstr (after, ==, before);
  return 0;
}

static void
a_write_that_fails_leaves_all_as_it_was (void)
{
  for (int back = FALSE; back <= TRUE; back++)
    {
      guint calls = run_with_fault (back, 0);
      g_assert_cmpuint (calls, ==, back ? 3 : 10);
      for (guint i = 1; i <= calls; i++)
        run_with_fault (back, i);
    }
}

/* Nobody but vfio-pci may have it, and drivers_probe does not say who took it. */
static void
a_driver_that_does_not_take_the_device_is_noticed (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  const char *const addresses[] = { GPU, NULL };
  g_autoptr(VitrineHostPlan) plan = vitrine_pci_plan_give (rig.tree, addresses, NULL);
  g_autofree char *driver = g_build_filename (rig.root, "sys/bus/pci/drivers/vfio-pci", NULL);
  FakeKernel kernel = { 0 };
  g_autoptr(GError) error = NULL;

  tree_rig_forget (driver);   /* gone since the plan was made */
  g_autofree char *before = tree_rig_describe (rig.root);
  g_assert_false (vitrine_host_plan_run_by (plan, rig.tree, &fake_kernel_hands, &kernel, &error));
  g_assert_nonnull (strstr (error->message, "Step 4 of 4 failed"));
  g_autofree char *after = tree_rig_describe (rig.root);
  g_assert_nonnull (strstr (after, "nouveau/0000:01:00.0 ->"));
  g_assert_cmpstr (after, ==, before);
}

static void
devices_that_are_gone_or_open_are_refused (void)
{
  g_auto(Rig) rig = rig_of ("pc");
  const char *const gone[] = { "0000:09:00.0", NULL }, *const bad[] = { "../../x", NULL }, *const open[] = { "0000:05:00.0", NULL };
  g_autoptr(GError) no_device = NULL, no_address = NULL, busy = NULL;

  g_assert_null (vitrine_pci_plan_give (rig.tree, gone, &no_device));
  g_assert_cmpstr (no_device->message, ==, "The host has no device 0000:09:00.0 (any more).");
  g_assert_null (vitrine_pci_plan_take_back (rig.tree, bad, &no_address));
  g_assert_cmpstr (no_address->message, ==, "“../../x” is no PCI address: write for example 0000:01:00.0.");
  g_assert_true (vitrine_pci_check_free (rig.tree, open, NULL));
  tree_rig_file (rig.root, "sys/bus/pci/devices/0000:05:00.0/vfio-dev/vfio0/dev", "1:1");
  tree_rig_link (rig.root, "proc/12/fd/3", "/dev/vfio/devices/vfio0");
  g_assert_false (vitrine_pci_check_free (rig.tree, open, NULL));
  tree_rig_drop (g_build_filename (rig.root, "proc/12", NULL));
  tree_rig_link (rig.root, "proc/4711/fd/20", "/dev/vfio/19");
  tree_rig_file (rig.root, "proc/4711/comm", "qemu-system-x86");
  g_assert_true (vitrine_pci_check_free (rig.tree, gone, NULL));
  g_assert_false (vitrine_pci_check_free (rig.tree, open, &busy));
  g_assert_cmpstr (busy->message, ==,
                   "0000:05:00.0 is in use by qemu-system-x86 (process 4711): shut the machine down first.");
}

/* --- libvirt ------------------------------------------------------------------------------------------------------ */

#define NODE_GPU(name, function, code)                                                                                 \
  "<device><name>" name "</name><parent>pci_0000_00_01_0</parent><driver><name>nouveau</name></driver><capability type='pci'>"       \
  "<class>" code "</class><domain>0</domain><bus>1</bus><slot>0</slot><function>" function "</function>"                \
  "<product id='0x1f02'>TU106 [GeForce RTX 2070]</product><vendor id='0x10de'>NVIDIA\u202eCorporation</vendor><iommuGroup number='1'>" \
  "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></iommuGroup></capability></device>"

static void
a_remote_host_is_read_from_what_libvirt_says (void)
{
  static const char *const xml[] = {
    NODE_GPU ("pci_0000_01_00_0", "0", "0x030000"),
    NODE_GPU ("pci_0000_01_00_1", "1", "0x040300"),
    "<device><name>pci_0000_03_00_0</name><capability type='pci'><class>0x020000</class><domain>0</domain><bus>3</bus><slot>0</slot>"
    "<function>0</function><product id='0x1521'/><vendor id='0x8086'/><capability type='virt_functions' maxCount='7'><address"
    " domain='0x0000' bus='0x03' slot='0x10' function='0x0'/></capability><iommuGroup number='12'/></capability></device>",
    "<device><name>net_eth0_x</name><parent>pci_0000_03_00_0</parent><capability type='net'><interface>eth0</interface><link"
    " speed='1000' state='up'/></capability></device>",
    "<device><name>pci_0000_02_00_0</name><capability type='pci'><class>0x010601</class><domain>0</domain><bus>2</bus><slot>0</slot>"
    "<function>0</function><product id='0x1'/><vendor id='0x2'/><iommuGroup number='10'/></capability></device>",
    "<device><name>scsi_host0</name><parent>pci_0000_02_00_0</parent><capability type='scsi_host'/></device>",
    "<device><name>block_sda_x</name><parent>scsi_host0</parent><capability type='storage'><block>/dev/sda</block></capability></device>",
    "<device><name>loop</name><parent>loop</parent><capability type='storage'><block>/dev/x</block></capability></device>",
    "not XML", "<device/>", NULL,
  };
  g_auto(Rig) names = rig_of ("pc");
  g_autoptr(VitrinePciIds) ids = vitrine_pci_ids_new (names.tree);
  Rig rig = { .host = vitrine_pci_host_new_from_libvirt (xml, ids) };
  const VitrinePciDevice *gpu = device (&rig, GPU), *nic = device (&rig, NIC);
  g_autofree char *gpu_group = together (&rig, GPU);

  g_assert_true (rig.host->remote);
  g_assert_null (rig.host->no_iommu);
  g_assert_cmpuint (rig.host->devices->len, ==, 4);
  g_assert_cmpstr (gpu->name, ==, "NVIDIA Corporation TU106 [GeForce RTX 2070]");
  g_assert_cmpstr (gpu->class_name, ==, "VGA compatible controller");
  g_assert_cmpstr (gpu->driver, ==, "nouveau");
  g_assert_cmpstr (gpu_group, ==, "01:00.0 01:00.1");
  g_assert_cmpuint (nic->n_virtual, ==, 1);
  g_assert_cmpuint (nic->max_virtual, ==, 7);
  g_assert_cmpstr (nic->name, ==, "Intel Corporation I350 Gigabit Network Connection");
  assert_loses (&rig, GPU, "only graphics adapter", NULL);
  assert_loses (&rig, NIC, "network card eth0 is connected", NULL);
  assert_loses (&rig, ROOT_DISK, "disk /dev/sda is on it", NULL);
  vitrine_pci_host_free (rig.host);
}

static void
names_are_numbers_where_there_is_no_list (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(VitrinePciIds) none = vitrine_pci_ids_new (tree);
  g_autofree char *vendor = vitrine_pci_ids_vendor (none, 0x8086), *class_name = vitrine_pci_ids_class (none, 0x020000);

  g_assert_cmpstr (vendor, ==, "Vendor 8086");
  g_assert_cmpstr (class_name, ==, "Class 0200");
  tree_rig_file (root, "usr/share/misc/pci.ids", "\t1234  lost\n8086  Intel\n\t10  short\n\tzzzz  x\nC 02  Network\n\t00  Ethernet\n\t\t01  x\nC");
  g_autoptr(VitrinePciIds) odd = vitrine_pci_ids_new (tree);
  g_autofree char *intel = vitrine_pci_ids_vendor (odd, 0x8086), *ethernet = vitrine_pci_ids_class (odd, 0x020000);
  g_autofree char *other = vitrine_pci_ids_class (odd, 0x028000), *device_name = vitrine_pci_ids_device (odd, 0, 0x1234);
  g_assert_cmpstr (intel, ==, "Intel");
  g_assert_cmpstr (ethernet, ==, "Ethernet");
  g_assert_cmpstr (other, ==, "Network");
  g_assert_cmpstr (device_name, ==, "Device 1234");
  tree_rig_drop (root);
}

/* --- hostile texts ----------------------------------------------------------------------------------------------- */

static char *
damage (GRand *random, const char *text)
{
  static const char odd[] = "\n\t <>&/:0fF\x01\xff";
  g_autofree char *damaged = g_strdup (text);
  gsize n = strlen (damaged);

  for (int i = g_rand_int_range (random, 1, 20); i > 0; i--)
    damaged[g_rand_int_range (random, 0, (gint32) n)] = odd[g_rand_int_range (random, 0, sizeof odd - 1)];
  damaged[g_rand_int_range (random, (gint32) n / 2, (gint32) n)] = '\0';
  return g_steal_pointer (&damaged);
}

static void
damaged_texts_are_survived (void)
{
  static const char *const paths[] = { "usr/share/misc/pci.ids", "proc/net/route", "proc/net/ipv6_route", "proc/self/mountinfo",
                                       "proc/swaps", "proc/cpuinfo", "sys/bus/pci/devices/" GPU "/class" };
  g_auto(Rig) rig = rig_of ("pc");
  g_autoptr(GRand) random = g_rand_new_with_seed (11);
  g_auto(GStrv) texts = g_new0 (char *, G_N_ELEMENTS (paths) + 1);
  g_autoptr(VitrinePciIds) ids = vitrine_pci_ids_new (rig.tree);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    texts[i] = vitrine_host_tree_read (rig.tree, "%s", paths[i]);
  for (guint round = 0; round < 300; round++)
    {
      g_autofree char *text = damage (random, texts[round % G_N_ELEMENTS (paths)]);
      g_autofree char *xml = damage (random, NODE_GPU ("pci_0000_01_00_0", "0", "0x030000"));
      const char *const devices[] = { xml, NODE_GPU ("pci_0000_01_00_1", "1", "0x040300"), NULL };
      tree_rig_file (rig.root, paths[round % G_N_ELEMENTS (paths)], text);
      rig_read (&rig);
      g_assert_cmpuint (rig.host->devices->len, ==, 20);
      for (guint i = 0; i < rig.host->devices->len; i++)
        g_assert_true (g_utf8_validate (((VitrinePciDevice *) rig.host->devices->pdata[i])->name, -1, NULL));
      g_autoptr(VitrinePciHost) far = vitrine_pci_host_new_from_libvirt (devices, ids);
      g_assert_cmpuint (far->devices->len, >=, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/pci/devices-have-names-groups-and-drivers", devices_have_names_groups_and_drivers);
  g_test_add_func ("/pci/what-is-in-one-group-goes-together-without-bridges", what_is_in_one_group_goes_together_without_bridges);
  g_test_add_func ("/pci/losses-are-followed-through-bridges-and-volumes", losses_are_followed_through_bridges_and_volumes);
  g_test_add_func ("/pci/the-only-screen-is-a-loss", the_only_screen_is_a_loss);
  g_test_add_func ("/pci/disks-of-several-nvme-controllers-are-followed", disks_of_several_nvme_controllers_are_followed);
  g_test_add_func ("/pci/what-is-in-the-way-has-its-sentence", what_is_in_the_way_has_its_sentence);
  g_test_add_func ("/pci/who-has-a-device-now-is-named", who_has_a_device_now_is_named);
  g_test_add_func ("/pci/why-the-iommu-is-off-is-said", why_the_iommu_is_off_is_said);
  g_test_add_func ("/pci/a-host-without-iommu-refuses-with-the-reason", a_host_without_iommu_refuses_with_the_reason);
  g_test_add_func ("/pci/the-plan-reads-as-what-a-person-would-type", the_plan_reads_as_what_a_person_would_type);
  g_test_add_func ("/pci/devices-go-to-vfio-and-come-back", devices_go_to_vfio_and_come_back);
  g_test_add_func ("/pci/a-write-that-fails-leaves-all-as-it-was", a_write_that_fails_leaves_all_as_it_was);
  g_test_add_func ("/pci/a-driver-that-does-not-take-the-device-is-noticed", a_driver_that_does_not_take_the_device_is_noticed);
  g_test_add_func ("/pci/devices-that-are-gone-or-open-are-refused", devices_that_are_gone_or_open_are_refused);
  g_test_add_func ("/pci/a-remote-host-is-read-from-what-libvirt-says", a_remote_host_is_read_from_what_libvirt_says);
  g_test_add_func ("/pci/names-are-numbers-where-there-is-no-list", names_are_numbers_where_there_is_no_list);
  g_test_add_func ("/pci/damaged-texts-are-survived", damaged_texts_are_survived);
  return g_test_run ();
}
