/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtio devices in a definition. */
#include "domain-test.h"

static VtConfig *
config_with (const char *devices)
{
  g_autoptr(VitrineDomain) domain = domain_with (devices);

  return config_of (domain);
}

static void
drivers_name_the_rings_and_queues (void)
{
  g_autoptr(VtConfig) config
    = config_with ("<disk type='file'><driver name='qemu' packed='on' queues='3'/><source file='/x'/><target dev='vda'/></disk>"
                   "<disk type='file'><source file='/y'/><target dev='vdb'/></disk>"
                   "<interface type='user'><model type='virtio'/><driver packed='on'/></interface>"
                   "<input type='tablet' bus='virtio'><driver packed='on'/></input>"
                   "<video><driver packed='on'/><model type='virtio'/></video>"
                   "<rng model='virtio'><driver packed='on'/><backend model='random'>/dev/urandom</backend></rng>");
  const VtDiskConfig *first = config->disks->pdata[0], *second = config->disks->pdata[1];
  const VtNetConfig *net = config->nets->pdata[0];
  const VtInputConfig *input = config->inputs->pdata[0];
  g_assert_true (first->rings.packed && !second->rings.packed);
  g_assert_cmpuint (first->queues, ==, 3);
  g_assert_cmpuint (second->queues, ==, 0);
  g_assert_true (net->rings.packed && input->rings.packed && config->video_rings.packed && config->rng && config->rng_rings.packed);
}

static void
scsi_drives_have_the_queues_of_their_host (void)
{
  g_autoptr(VtConfig) config
    = config_with ("<controller type='scsi' model='virtio-scsi'><driver packed='on' queues='2'/></controller>"
                   "<disk type='file'><source file='/x'/><target dev='sda' bus='scsi'/></disk>"
                   "<disk type='file' device='cdrom'><target dev='sdb' bus='scsi'/></disk>");
  const VtDiskConfig *disk = config->disks->pdata[0], *cd = config->disks->pdata[1];
  g_assert_cmpint (disk->bus, ==, VT_BUS_SCSI);
  g_assert_true (disk->rings.packed && cd->rings.packed && cd->cdrom);
  g_assert_cmpuint (disk->queues, ==, 2);
}

static void
a_balloon_is_taken (void)
{
  g_autoptr(VtConfig) with = config_with ("<memballoon model='virtio' autodeflate='on' freePageReporting='on'><driver packed='on'/></memballoon>"
                                          "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>");
  g_autoptr(VtConfig) without = config_with ("<memballoon model='none'/>");
  g_assert_true (with->balloon && with->balloon_deflates && with->balloon_reports && with->balloon_rings.packed);
  g_assert_true (with->crypto && !without->crypto);
  g_assert_false (without->balloon);
}

static void
consoles_and_channels_are_ports (void)
{
  g_autoptr(VtConfig) config
    = config_with ("<serial type='pty'/><console type='pty'><target type='serial'/></console>"
                   "<console type='pty'><target type='virtio' port='1'/></console>"
                   "<channel type='unix'><source mode='bind' path='/run/a.sock'/><target type='virtio' name='org.example.0'/></channel>"
                   "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>");
  g_assert_cmpuint (config->serials->len, ==, 1);
  g_assert_cmpuint (config->ports->len, ==, 3);
  const VtPortConfig *console = config->ports->pdata[0], *channel = config->ports->pdata[1], *spice = config->ports->pdata[2];
  g_assert_true (console->console && console->end.kind == VT_SERIAL_CONSOLE);
  g_assert_true (!channel->console && channel->end.kind == VT_SERIAL_SOCKET);
  g_assert_cmpstr (channel->end.path, ==, "/run/a.sock");
  g_assert_cmpstr (channel->name, ==, "org.example.0");
  g_assert_cmpint (spice->end.kind, ==, VT_SERIAL_NULL);
}

static void
a_vsock_has_a_socket_beside_the_machine_s (void)
{
  g_autoptr(VtConfig) config = config_with ("<vsock model='virtio'><cid auto='no' address='9'/></vsock>");
  g_assert_cmpuint (config->vsock_cid, ==, 9);
  g_assert_true (g_str_has_suffix (config->vsock_path, ".vsock"));
}

static void
a_folder_is_shared (void)
{
  g_autoptr(VtConfig) config = config_with ("<filesystem type='mount' accessmode='mapped'><source dir='/srv'/><target dir='data'/><readonly/>"
                                            "</filesystem>");
  const VtShareConfig *share = config->shares->pdata[0];
  g_assert_cmpstr (share->folder, ==, "/srv");
  g_assert_cmpstr (share->tag, ==, "data");
  g_assert_true (share->readonly);
  g_autoptr(VitrineDomain) domain = domain_with ("<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='data'/>"
                                                 "</filesystem>");
  g_autoptr(GError) error = NULL;
  g_assert_null (vitrine_domain_to_config (domain, &error));
  g_assert_nonnull (strstr (error->message, "virtiofs"));
}

static void
a_multicast_network_is_a_local_one (void)
{
  g_autoptr(VtConfig) config
    = config_with ("<interface type='mcast'><source address='230.0.0.1' port='5558'/><model type='virtio'/></interface>"
                   "<interface type='network'><source network='default'/><model type='virtio'/></interface>");
  const VtNetConfig *local = config->nets->pdata[0], *user = config->nets->pdata[1];
  g_assert_true (g_str_has_suffix (local->local, "/vitrine/nets/mcast-230-0-0-1-5558"));
  g_assert_true (g_file_test (local->local, G_FILE_TEST_IS_DIR));
  g_assert_null (user->local);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/domain-virtio/drivers name the rings and queues", drivers_name_the_rings_and_queues);
  g_test_add_func ("/domain-virtio/SCSI drives have the queues of their host", scsi_drives_have_the_queues_of_their_host);
  g_test_add_func ("/domain-virtio/a balloon is taken", a_balloon_is_taken);
  g_test_add_func ("/domain-virtio/consoles and channels are ports", consoles_and_channels_are_ports);
  g_test_add_func ("/domain-virtio/a multicast network is a local one", a_multicast_network_is_a_local_one);
  g_test_add_func ("/domain-virtio/a vsock has a socket beside the machine's", a_vsock_has_a_socket_beside_the_machine_s);
  g_test_add_func ("/domain-virtio/a folder is shared", a_folder_is_shared);
  return g_test_run ();
}
