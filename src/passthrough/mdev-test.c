/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices and channel devices: what a tree says of them, and the plans, against a small kernel. */
#include <string.h>

#include "ccw.h"
#include "mdev.h"
#include "mediated-change.h"
#include "tree-rig.h"

#define GPU "sys/devices/pci0000:00/0000:00:02.0"
#define UUID "5a4f6d1c-0c37-4c2b-9d58-3a3b8f0c7e11"
#define OTHER "11111111-2222-4333-8444-555555555555"

typedef struct
{
  char            *root;
  VitrineHostTree *tree;
  int              fail_at, calls;
  gboolean         deaf;   /* vfio_ccw does not take what it is offered */
} Rig;

static void
rig_clear (Rig *rig)
{
  vitrine_host_tree_unref (rig->tree);
  tree_rig_drop (rig->root);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

/* --- a host with a GPU that has parts, and with three subchannels ------------------------------------------------ */

static void
add_type (const char *root, const char *id, const char *available, const char *name)
{
  g_autofree char *folder = g_strdup_printf (GPU "/mdev_supported_types/%s/", id);
  const char *const files[][2] = { { "create", "" },
                                   { "available_instances", available },
                                   { "device_api", "vfio-pci" },
                                   { "name", name },
                                   { "description", "low_gm_size: 128MB\nresolution: 1920x1200" } };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strconcat (folder, files[i][0], NULL);
      tree_rig_file (root, path, files[i][1]);
    }
}

static void
add_subchannel (const char *root, const char *name, const char *device, const char *type, const char *online)
{
  const char *const files[][2] = { { "type", type },
                                   { "chpids", "40 41 00 00 00 00 00 00" },
                                   { "pimpampom", "c0 c0 ff" },
                                   { "dev_busid", device },
                                   { "driver_override", "" } };
  g_autofree char *driver = g_strdup_printf ("sys/bus/css/devices/%s/driver", name);
  g_autofree char *switched = g_strdup_printf ("sys/bus/ccw/devices/%s/online", device);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strdup_printf ("sys/bus/css/devices/%s/%s", name, files[i][0]);
      tree_rig_file (root, path, files[i][1]);
    }
  tree_rig_link (root, driver, "../../drivers/io_subchannel");
  tree_rig_file (root, switched, online);
}

static Rig
rig_new (void)
{
  Rig rig = { .root = tree_rig_make () };
  const char *root = rig.root;

  add_type (root, "i915-GVTg_V5_4", "1", "GVTg_V5_4");
  add_type (root, "i915-GVTg_V5_8", "0", "GVTg_V5_8");
  tree_rig_link (root, "sys/class/mdev_bus/0000:00:02.0", "../../devices/pci0000:00/0000:00:02.0");
  tree_rig_link (root, GPU "/" OTHER "/mdev_type", "../mdev_supported_types/i915-GVTg_V5_8");
  tree_rig_file (root, GPU "/" OTHER "/remove", "");
  tree_rig_link (root, "sys/bus/mdev/devices/" OTHER, "../../../devices/pci0000:00/0000:00:02.0/" OTHER);
  add_subchannel (root, "0.0.0313", "0.0.1234", "0", "1");
  add_subchannel (root, "0.0.0314", "0.0.0a00", "0", "1");
  add_subchannel (root, "0.0.0400", "none", "3", "0");   /* not an I/O subchannel */
  tree_rig_file (root, "sys/bus/ccw/devices/0.0.0a00/block/dasda/size", "1");
  tree_rig_file (root, "sys/bus/css/drivers/io_subchannel/unbind", "");
  tree_rig_file (root, "sys/bus/css/drivers_probe", "");
  tree_rig_file (root, "proc/mounts", "/dev/dasda1 / ext4 rw 0 0\n/dev/dasdaa1 /srv ext4 rw 0 0");
  tree_rig_file (root, "proc/swaps", "Filename Type\n/dev/zram0 partition");
  rig.tree = vitrine_host_tree_new (root);
  return rig;
}

/* --- its kernel -------------------------------------------------------------------------------------------------- */

static gboolean
fails (Rig *rig, GError **error)
{
  if (++rig->calls != rig->fail_at)
    return FALSE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Device or resource busy");
  return TRUE;
}

static void
bind_to (Rig *rig, const char *name, const char *driver)
{
  g_autofree char *path = g_strdup_printf ("sys/bus/css/devices/%s/driver", name);
  g_autofree char *target = g_strdup_printf ("../../drivers/%s", driver);

  tree_rig_remove (rig->root, path);
  if (driver != NULL)
    tree_rig_link (rig->root, path, target);
}

static void
probe (Rig *rig, const char *name)
{
  g_autofree char *driver = vitrine_host_tree_link (rig->tree, "sys/bus/css/devices/%s/driver", name);
  g_autofree char *override = vitrine_host_tree_read (rig->tree, "sys/bus/css/devices/%s/driver_override", name);
  gboolean overridden = override != NULL && *override != '\0';

  if (driver == NULL && !(overridden && rig->deaf))
    bind_to (rig, name, overridden ? override : "io_subchannel");
}

static gboolean
kernel_write (gpointer data, VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  Rig *rig = data;

  if (fails (rig, error))
    return FALSE;
  if (g_str_has_suffix (path, "/unbind"))
    bind_to (rig, value, NULL);
  else if (g_str_has_suffix (path, "/bind"))
    bind_to (rig, value, g_str_has_suffix (path, "vfio_ccw/bind") ? "vfio_ccw" : "io_subchannel");
  else if (g_str_has_suffix (path, "/drivers_probe"))
    probe (rig, value);
  else if (!g_str_has_suffix (path, "/create") && !g_str_has_suffix (path, "/remove"))
    return vitrine_host_tree_write (tree, path, value, error);
  return TRUE;
}

static gboolean
kernel_run (gpointer data, VitrineHostTree *tree, const char *const *argv, GError **error)
{
  Rig *rig = data;

  if (fails (rig, error))
    return FALSE;
  if (g_str_equal (argv[1], "vfio_ccw"))
    tree_rig_file (rig->root, "sys/bus/css/drivers/vfio_ccw/unbind", "");
  else
    tree_rig_remove (rig->root, "sys/bus/css/drivers/vfio_ccw");
  return TRUE;
}

static const VitrineHostHands hands = { .write = kernel_write, .run = kernel_run };

static void
fails_at_every_step (Rig *rig, VitrineHostPlan *plan, guint n)
{
  g_autofree char *before = tree_rig_describe (rig->root);

  for (guint step = 1; step <= n; step++)
    {
      g_autoptr(GError) error = NULL;
      rig->calls = 0;
      rig->fail_at = (int) step;
      g_assert_false (vitrine_host_plan_run_by (plan, rig->tree, &hands, rig, &error));
      g_assert_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_UNDONE);
      g_autofree char *after = tree_rig_describe (rig->root);
      g_assert_cmpstr (after, ==, before);
    }
  rig->fail_at = 0;
}

/* --- mediated devices -------------------------------------------------------------------------------------------- */

static void
types_and_devices_are_listed (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(VitrineMdevs) mdevs = vitrine_mdevs_new_from_tree (rig.tree);
  const VitrineMdevType *type = vitrine_mdevs_find_type (mdevs, "0000:00:02.0", "i915-GVTg_V5_4");
  const VitrineMdevDevice *device = vitrine_mdevs_find_device (mdevs, OTHER);

  g_assert_cmpuint (mdevs->types->len, ==, 2);
  g_assert_cmpstr (type->name, ==, "GVTg_V5_4");
  g_assert_cmpstr (type->api, ==, "vfio-pci");
  g_assert_cmpuint (type->available, ==, 1);
  g_assert_cmpuint (mdevs->devices->len, ==, 1);
  g_assert_cmpstr (device->parent, ==, "0000:00:02.0");
  g_assert_cmpstr (device->type, ==, "i915-GVTg_V5_8");
  g_assert_cmpstr (device->api, ==, "vfio-pci");
  g_assert_false (device->persistent);
}

static void
libvirt_tells_them_too (void)
{
  static const char *const nodes[] = {
    "<device><name>pci_0000_00_02_0</name><path>/sys/x</path><capability type='pci'><capability type='mdev_types'>"
    "<type id='i915-GVTg_V5_4'><name>GVTg_V5_4</name><deviceAPI>vfio-pci</deviceAPI><availableInstances>1"
    "</availableInstances></type><type/></capability></capability></device>",
    "<device><name>mdev_x</name><parent>pci_0000_00_02_0</parent><capability type='mdev'><type id='i915-GVTg_V5_4'/>"
    "<uuid>" OTHER "</uuid></capability></device>",
    "<device><name>mdev_y</name><parent>pci_0000_00_02_0</parent><capability type='mdev'><uuid>nonsense</uuid>"
    "</capability></device>",
    NULL
  };
  g_autoptr(VitrineMdevs) mdevs = vitrine_mdevs_new_from_libvirt (nodes);
  const VitrineMdevDevice *device = vitrine_mdevs_find_device (mdevs, OTHER);
  g_autofree char *xml = vitrine_mdev_xml_create (mdevs, "pci_0000_00_02_0", "i915-GVTg_V5_4", UUID, NULL);

  g_assert_cmpuint (mdevs->types->len, ==, 2);
  g_assert_cmpuint (mdevs->devices->len, ==, 1);
  g_assert_cmpstr (device->api, ==, "vfio-pci");
  g_assert_false (device->active);   /* only defined: it has no path */
  g_assert_nonnull (strstr (xml, "<parent>pci_0000_00_02_0</parent>"));
  g_assert_nonnull (strstr (xml, "<uuid>" UUID "</uuid>"));
}

static void
refuses (VitrineMdevs *mdevs, const char *parent, const char *type, const char *uuid, const char *part)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (vitrine_mdev_plan_create (mdevs, parent, type, uuid, &error));
  g_assert_nonnull (strstr (error->message, part));
}

static void
what_cannot_be_made_has_its_sentence (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(VitrineMdevs) mdevs = vitrine_mdevs_new_from_tree (rig.tree);

  refuses (mdevs, "0000:00:02.0", "i915-GVTg_V5_4", "../../remove", "no UUID");
  refuses (mdevs, "0000:00:02.0", "i915-GVTg_V5_4", OTHER, "already");
  refuses (mdevs, "0000:00:02.0", "i915-GVTg_V5_8", UUID, "no room");
  refuses (mdevs, "..", "i915-GVTg_V5_4", UUID, "offers no mediated devices");
  g_assert_null (vitrine_mdev_plan_remove (mdevs, UUID, NULL));
}

static void
commands_are (VitrineHostPlan *plan, const char *expected)
{
  g_autoptr(GString) commands = g_string_new (NULL);

  for (guint i = 0; i < vitrine_host_plan_get_n_steps (plan); i++)
    {
      g_autofree char *command = vitrine_host_plan_get_command (plan, i);
      g_string_append_printf (commands, "%s\n", command);
    }
  g_assert_cmpstr (commands->str, ==, expected);
  vitrine_host_plan_free (plan);
}

static void
plans_go_by_mdevctl_where_it_is (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(VitrineMdevs) bare = vitrine_mdevs_new_from_tree (rig.tree);

  commands_are (vitrine_mdev_plan_create (bare, "0000:00:02.0", "i915-GVTg_V5_4", UUID, NULL),
                "echo " UUID " > /sys/class/mdev_bus/0000:00:02.0/mdev_supported_types/i915-GVTg_V5_4/create\n");
  commands_are (vitrine_mdev_plan_remove (bare, OTHER, NULL), "echo 1 > /sys/bus/mdev/devices/" OTHER "/remove\n");
  tree_rig_program (rig.root, "usr/sbin/mdevctl", "#!/bin/sh");
  tree_rig_file (rig.root, "etc/mdevctl.d/0000:00:02.0/" OTHER, "{}");
  g_autoptr(VitrineMdevs) mdevs = vitrine_mdevs_new_from_tree (rig.tree);
  commands_are (vitrine_mdev_plan_create (mdevs, "0000:00:02.0", "i915-GVTg_V5_4", UUID, NULL),
                "mdevctl define --uuid " UUID " --parent 0000:00:02.0 --type i915-GVTg_V5_4 --auto\n"
                "mdevctl start --uuid " UUID "\n");
  commands_are (vitrine_mdev_plan_remove (mdevs, OTHER, NULL),
                "mdevctl stop --uuid " OTHER "\nmdevctl undefine --uuid " OTHER "\n");
}

static void
a_device_that_a_guest_has_is_not_removed (void)
{
  g_auto(Rig) rig = rig_new ();
  const VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_REMOVE, .uuid = OTHER };
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineHostPlan) before = vitrine_mediated_change_plan (&change, rig.tree, NULL);

  g_assert_nonnull (before);
  tree_rig_link (rig.root, GPU "/" OTHER "/iommu_group", "../../../../kernel/iommu_groups/7");
  tree_rig_file (rig.root, "proc/4711/comm", "qemu-kvm");
  tree_rig_link (rig.root, "proc/4711/fd/23", "/dev/vfio/7");
  g_assert_null (vitrine_mediated_change_plan (&change, rig.tree, &error));
  g_assert_cmpstr (error->message, ==, OTHER " is in use by qemu-kvm (process 4711): shut the machine down first.");
}

/* What is sent to the helper is what it understands. */
static void
changes_come_over_the_bus_as_they_were (void)
{
  VitrineMediatedChange got, change
    = { .verb = VITRINE_MEDIATED_CREATE_MATRIX, .uuid = UUID, .reserve = VITRINE_AP_RESERVE_DOMAINS };

  vitrine_ap_mask_set (&change.selection.cards, 255, TRUE);
  vitrine_ap_mask_set (&change.selection.domains, 0, TRUE);
  vitrine_ap_mask_set (&change.selection.control, 71, TRUE);
  g_autoptr(GVariant) parameters = g_variant_ref_sink (vitrine_mediated_change_to_parameters (&change));
  g_assert_true (vitrine_mediated_change_parse (&got, VITRINE_MEDIATED_CREATE_MATRIX, parameters));
  g_assert_cmpstr (got.uuid, ==, UUID);
  g_assert_cmpint (got.reserve, ==, VITRINE_AP_RESERVE_DOMAINS);
  g_assert_true (memcmp (&got.selection, &change.selection, sizeof got.selection) == 0);
  g_assert_false (got.confirmed);
}

/* --- channel devices --------------------------------------------------------------------------------------------- */

static void
subchannels_are_listed_by_their_devices (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(GPtrArray) all = vitrine_ccw_list_from_tree (rig.tree);
  const VitrineCcwSubchannel *first = all->pdata[0], *second = vitrine_ccw_find (all, "0.0.0313");

  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpstr (first->device, ==, "0.0.0a00");
  g_assert_cmpstr (first->disk, ==, "dasda");
  g_assert_nonnull (strstr (first->needed, "mounted"));
  g_assert_true (second == vitrine_ccw_find (all, "0.0.1234"));
  g_assert_cmpstr (second->chpids, ==, "40, 41");
  g_assert_cmpstr (second->driver, ==, "io_subchannel");
  g_assert_true (second->online);
  g_assert_null (second->needed);
}

static void
a_subchannel_goes_to_vfio_ccw_and_back (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(VitrineHostPlan) take = vitrine_ccw_plan_take (rig.tree, "0.0.1234", FALSE, NULL);
  g_autoptr(GError) error = NULL;

  fails_at_every_step (&rig, take, vitrine_host_plan_get_n_steps (take) - 1);   /* the last one only looks */
  g_assert_true (vitrine_host_plan_run_by (take, rig.tree, &hands, &rig, &error));
  g_autofree char *driver = vitrine_host_tree_link (rig.tree, "sys/bus/css/devices/0.0.0313/driver");
  g_assert_cmpstr (driver, ==, "vfio_ccw");
  g_assert_null (vitrine_ccw_plan_take (rig.tree, "0.0.0313", FALSE, &error));
  g_assert_nonnull (strstr (error->message, "already"));
  g_autoptr(VitrineHostPlan) back = vitrine_ccw_plan_give_back (rig.tree, "0.0.1234", NULL);
  fails_at_every_step (&rig, back, vitrine_host_plan_get_n_steps (back));
  g_assert_true (vitrine_host_plan_run_by (back, rig.tree, &hands, &rig, NULL));
  g_autofree char *again = vitrine_host_tree_link (rig.tree, "sys/bus/css/devices/0.0.0313/driver");
  g_assert_cmpstr (again, ==, "io_subchannel");
}

static void
a_driver_that_does_not_take_it_is_noticed (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(VitrineHostPlan) take = vitrine_ccw_plan_take (rig.tree, "0.0.1234", FALSE, NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *before = tree_rig_describe (rig.root);

  rig.deaf = TRUE;
  g_assert_false (vitrine_host_plan_run_by (take, rig.tree, &hands, &rig, &error));
  g_autofree char *after = tree_rig_describe (rig.root);
  g_assert_cmpstr (after, ==, before);
}

static void
a_disk_that_the_host_needs_is_not_taken_unasked (void)
{
  g_auto(Rig) rig = rig_new ();
  g_autoptr(GError) error = NULL;

  g_assert_null (vitrine_ccw_plan_take (rig.tree, "0.0.0a00", FALSE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_autoptr(VitrineHostPlan) plan = vitrine_ccw_plan_take (rig.tree, "0.0.0a00", TRUE, NULL);
  g_assert_nonnull (plan);
  g_assert_null (vitrine_ccw_plan_take (rig.tree, "0.0.9999", TRUE, NULL));
  g_assert_null (vitrine_ccw_plan_give_back (rig.tree, "0.0.0a00", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mdev/types-and-devices-are-listed", types_and_devices_are_listed);
  g_test_add_func ("/mdev/libvirt-tells-them-too", libvirt_tells_them_too);
  g_test_add_func ("/mdev/what-cannot-be-made-has-its-sentence", what_cannot_be_made_has_its_sentence);
  g_test_add_func ("/mdev/plans-go-by-mdevctl-where-it-is", plans_go_by_mdevctl_where_it_is);
  g_test_add_func ("/mdev/a-device-that-a-guest-has-is-not-removed", a_device_that_a_guest_has_is_not_removed);
  g_test_add_func ("/mdev/changes-come-over-the-bus-as-they-were", changes_come_over_the_bus_as_they_were);
  g_test_add_func ("/ccw/subchannels-are-listed-by-their-devices", subchannels_are_listed_by_their_devices);
  g_test_add_func ("/ccw/a-subchannel-goes-to-vfio-ccw-and-back", a_subchannel_goes_to_vfio_ccw_and_back);
  g_test_add_func ("/ccw/a-driver-that-does-not-take-it-is-noticed", a_driver_that_does_not_take_it_is_noticed);
  g_test_add_func ("/ccw/a-disk-that-the-host-needs-is-not-taken-unasked",
                   a_disk_that_the_host_needs_is_not_taken_unasked);
  return g_test_run ();
}
