/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Definitions on their way, and what is found to be in it. What hosts make of the results is tests/hosts/move.py's. */
#include <string.h>

#include "between-checks.h"
#include "host-shipment.h"
#include "translate.h"

/* --- rig ---------------------------------------------------------------------------------------------------------- */

#define CAPABILITIES(kind, models)                                                                                     \
  "<domainCapabilities><path>/usr/bin/qemu-there</path><domain>" kind "</domain><machine>pc-q35-9.9</machine>"         \
  "<os supported='yes'><loader supported='yes'><value>/there/OVMF_CODE_4M.fd</value>"                                  \
  "<value>/there/OVMF_CODE_4M.ms.fd</value></loader></os>"                                                             \
  "<cpu><mode name='host-passthrough' supported='no'/><mode name='maximum' supported='yes'/>"                          \
  "<mode name='host-model' supported='yes'/><mode name='custom' supported='yes'>"                                      \
  "<model usable='yes'>Nehalem</model><model usable='no'>EPYC</model></mode></cpu>"                                    \
  "<devices>" models "<tpm supported='no'/></devices></domainCapabilities>"
#define ALL_MODELS                                                                                                     \
  "<disk supported='yes'><enum name='bus'><value>virtio</value><value>sata</value></enum></disk>"                      \
  "<graphics supported='yes'><enum name='type'><value>spice</value><value>vnc</value></enum></graphics>"               \
  "<video supported='yes'><enum name='modelType'><value>vga</value><value>virtio</value></enum></video>"
#define NO_SPICE                                                                                                       \
  "<graphics supported='yes'><enum name='type'><value>vnc</value></enum></graphics>"                                   \
  "<video supported='yes'><enum name='modelType'><value>vga</value></enum></video>"

#define DOMAIN(os, more, devices)                                                                                      \
  "<domain type='qemu'><name>Box</name><uuid>11111111-2222-4333-8444-555555555555</uuid>"                              \
  "<memory unit='MiB'>512</memory><vcpu>1</vcpu>" os more "<devices>" devices "</devices></domain>"
#define BIOS "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
#define UEFI "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><nvram>/here/nvram.fd</nvram></os>"

#define SECURE(loader)                                                                                                 \
  "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><firmware><feature enabled='yes' name='secure-boot'/>" \
  "</firmware>" loader "</os>"

typedef struct
{
  GPtrArray        *checks;
  VitrineHostOffer *offer;
  char             *xml;     /* of the result; NULL: there was none */
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->checks, g_ptr_array_unref);
  vitrine_host_offer_free (outcome->offer);
  g_free (outcome->xml);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static Outcome
to_host (const char *capabilities, const char *xml, const char *network)
{
  Outcome outcome = { vitrine_checks_new (), vitrine_host_offer_new_from_xml (capabilities), NULL };
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_data (xml, strlen (xml), "test", &error);

  g_assert_no_error (error);
  g_autoptr(VitrineDomain) there = vitrine_translate_to_host (domain, outcome.offer, network, outcome.checks);
  outcome.xml = vitrine_domain_to_xml (there);
  return outcome;
}

static Outcome
to_here (const char *xml)
{
  Outcome outcome = { vitrine_checks_new (), NULL, NULL };
  g_autoptr(VitrineDomain) here = vitrine_translate_to_here (xml, outcome.checks);

  outcome.xml = here != NULL ? vitrine_domain_to_xml (here) : NULL;
  return outcome;
}

static gboolean
says (const GPtrArray *checks, VitrineCheckLevel level, const char *part)
{
  for (guint i = 0; i < checks->len; i++)
    {
      const VitrineCheck *check = checks->pdata[i];
      if (check->level == level && strstr (check->sentence, part) != NULL)
        return TRUE;
    }
  return FALSE;
}

#define assert_has(text, part) g_assert_nonnull (strstr ((text), (part)))
#define assert_lacks(text, part) g_assert_null (strstr ((text), (part)))
#define assert_warned(outcome, part) g_assert_true (says ((outcome).checks, VITRINE_CHECK_WARNED, (part)))
#define assert_refused(outcome, part) g_assert_true (says ((outcome).checks, VITRINE_CHECK_REFUSED, (part)))

/* --- to a host ---------------------------------------------------------------------------------------------------- */

static void
a_host_with_kvm_gets_its_emulator_and_its_processor (void)
{
  g_auto(Outcome) outcome = to_host (CAPABILITIES ("kvm", ALL_MODELS), DOMAIN (BIOS, "", ""), NULL);

  assert_has (outcome.xml, "<domain type=\"kvm\">");
  assert_has (outcome.xml, "<emulator>/usr/bin/qemu-there</emulator>");
  assert_has (outcome.xml, "<cpu mode=\"host-model\"/>");
  g_assert_cmpint (vitrine_checks_get_worst (outcome.checks), ==, VITRINE_CHECK_PASSED);
}

static void
a_host_without_kvm_emulates_all_it_can_and_that_is_said (void)
{
  g_auto(Outcome) outcome
      = to_host (CAPABILITIES ("qemu", ALL_MODELS), DOMAIN (BIOS, "<cpu mode='host-passthrough'/>", ""), NULL);

  assert_has (outcome.xml, "<domain type=\"qemu\">");
  assert_has (outcome.xml, "<cpu mode=\"maximum\"/>");
  assert_warned (outcome, "may be slow");
}

static void
a_processor_model_stays_where_the_host_has_it (void)
{
  g_auto(Outcome) known
      = to_host (CAPABILITIES ("kvm", ALL_MODELS), DOMAIN (BIOS, "<cpu><model>Nehalem</model></cpu>", ""), NULL);
  g_auto(Outcome) unknown = to_host (
      CAPABILITIES ("kvm", ALL_MODELS),
      DOMAIN (BIOS, "<cpu match='exact'><model>EPYC</model><topology sockets='1' cores='1' threads='1'/></cpu>", ""),
      NULL);

  assert_has (known.xml, "<model>Nehalem</model>");
  assert_lacks (unknown.xml, "EPYC");
  assert_has (unknown.xml, "<cpu mode=\"host-model\">");
  assert_has (unknown.xml, "<topology");
  assert_warned (unknown, "processor model “EPYC”");
}

static void
firmware_is_the_same_one_there_or_a_fresh_one (void)
{
  g_auto(Outcome) same = to_host (CAPABILITIES ("kvm", ALL_MODELS), DOMAIN (UEFI, "", ""), NULL);
  g_auto(Outcome) other = to_host (
      CAPABILITIES ("kvm", ALL_MODELS),
      DOMAIN ("<os><type arch='x86_64' machine='q35'>hvm</type><loader type='pflash'>/here/own.fd</loader></os>", "",
              ""),
      NULL);

  assert_has (same.xml, ">/there/OVMF_CODE_4M.fd</loader>");
  assert_lacks (same.xml, "firmware=");
  assert_lacks (same.xml, "/here/");
  assert_has (other.xml, "<os firmware=\"efi\">");
  assert_lacks (other.xml, "/here/");
  assert_warned (other, "another UEFI");
}

static void
secure_boot_stays (void)
{
  g_auto(Outcome) same = to_host (CAPABILITIES ("kvm", ALL_MODELS), DOMAIN (SECURE (""), "", ""), NULL);
  g_auto(Outcome) other
      = to_host (CAPABILITIES ("kvm", ALL_MODELS), DOMAIN (SECURE ("<loader secure='yes'>/here/own.fd</loader>"), "", ""), NULL);

  assert_has (same.xml, "<loader readonly=\"yes\" secure=\"yes\" type=\"pflash\">/there/OVMF_CODE_4M.ms.fd</loader>");
  assert_has (same.xml, "<smm state=\"on\"/>");
  assert_lacks (same.xml, "firmware=");
  assert_has (other.xml, "<os firmware=\"efi\">");
  assert_has (other.xml, "name=\"secure-boot\"");
  assert_lacks (other.xml, "/here/");
  assert_warned (other, "another UEFI");
}

static void
the_screen_is_shown_over_what_the_host_has (void)
{
  static const char definition[]
      = DOMAIN (BIOS, "",
                "<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/></source>"
                "<target type='virtio' name='com.redhat.spice.0'/></channel><video><model type='bochs'/></video>");
  g_auto(Outcome) spice = to_host (CAPABILITIES ("kvm", ALL_MODELS), definition, NULL);
  g_auto(Outcome) vnc = to_host (CAPABILITIES ("kvm", NO_SPICE), definition, NULL);

  assert_has (spice.xml, "<graphics type=\"spice\" autoport=\"yes\"/>");
  assert_has (spice.xml, "<channel type=\"spicevmc\">");
  assert_lacks (spice.xml, "clipboard");
  assert_warned (spice, "no graphics card “bochs”");
  assert_has (vnc.xml, "<graphics type=\"vnc\"");
  assert_has (vnc.xml, "<channel type=\"qemu-vdagent\">");
}

static void
cards_go_to_the_network_that_was_chosen (void)
{
  static const char definition[]
      = DOMAIN (BIOS, "",
                "<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/>"
                "<portForward proto='tcp'><range start='8022' to='22'/></portForward></interface>"
                "<interface type='mcast'><source address='239.1.2.3' port='5558'/></interface>"
                "<interface type='bridge'><source bridge='br7'/></interface>"
                "<interface type='ethernet'><target dev='tap7' managed='no'/></interface>");
  g_auto(Outcome) chosen = to_host (CAPABILITIES ("kvm", ALL_MODELS), definition, "rack");
  g_auto(Outcome) own = to_host (CAPABILITIES ("kvm", ALL_MODELS), definition, NULL);

  assert_has (chosen.xml, "<interface type=\"network\">");
  assert_has (chosen.xml, "<source network=\"rack\"/>");
  assert_has (chosen.xml, "52:54:00:00:00:07");
  assert_has (chosen.xml, "<interface type=\"mcast\">");
  assert_lacks (chosen.xml, "portForward");
  assert_warned (chosen, "not forwarded");
  assert_warned (chosen, "those that stay here are not on it");
  assert_has (chosen.xml, "<source bridge=\"br7\"/>");
  assert_warned (chosen, "the bridge “br7”");
  assert_warned (chosen, "the TAP device “tap7”");
  assert_has (own.xml, "<interface type=\"user\">");
}

static void
what_is_of_this_computer_stays_here_and_is_said (void)
{
  g_auto(Outcome) outcome
      = to_host (CAPABILITIES ("kvm", ALL_MODELS),
                 DOMAIN (BIOS, "",
                         "<filesystem type='mount'><source dir='/here/share'/><target dir='share'/></filesystem>"
                         "<hostdev mode='subsystem' type='pci'><source><address bus='0x01'/></source></hostdev>"
                         "<tpm model='tpm-tis'/><serial type='file'><source path='/here/log'/></serial>"
                         "<channel type='unix'><source mode='bind' path='/here/agent'/><target type='virtio' "
                         "name='org.qemu.guest_agent.0'/></channel>"),
                 NULL);

  assert_lacks (outcome.xml, "/here/");
  assert_lacks (outcome.xml, "hostdev");
  assert_lacks (outcome.xml, "tpm");
  assert_has (outcome.xml, "<serial type=\"pty\"/>");
  assert_has (outcome.xml, "org.qemu.guest_agent.0");
  assert_warned (outcome, "shared with the guest");
  assert_warned (outcome, "passed through");
  assert_warned (outcome, "no TPM");
  assert_warned (outcome, "wrote into a file");
}

static void
our_metadata_and_what_nobody_knows_go_along (void)
{
  g_auto(Outcome) outcome
      = to_host (CAPABILITIES ("kvm", ALL_MODELS),
                 DOMAIN (BIOS,
                         "<metadata><vitrine:machine xmlns:vitrine='" VITRINE_DOMAIN_NAMESPACE
                         "'><vitrine:scaling>fit</vitrine:scaling></vitrine:machine></metadata><future kind='7'/>",
                         ""),
                 NULL);

  assert_has (outcome.xml, "<vitrine:scaling>fit</vitrine:scaling>");
  assert_has (outcome.xml, "<future kind=\"7\"/>");
  assert_has (outcome.xml, "11111111-2222-4333-8444-555555555555");
}

static void
an_nvme_disk_is_said_to_be_on_virtio (void)
{
  g_auto(Outcome) outcome = to_host (CAPABILITIES ("kvm", ALL_MODELS),
                                      DOMAIN (BIOS, "",
                                              "<disk type='file' device='disk'><source file='/here/d'/><target "
                                              "dev='vda' bus='virtio'/><alias name='ua-nvme-1'/></disk>"),
                                      NULL);

  assert_warned (outcome, "NVMe disk “vda”");
  assert_has (outcome.xml, "ua-nvme-1");
}

/* --- to here ------------------------------------------------------------------------------------------------------ */

static void
a_volume_of_a_host_is_a_file_here_and_the_rest_stays (void)
{
  g_auto(Outcome) outcome = to_here (DOMAIN (
      "<os><type arch='x86_64' machine='pc-q35-9.9'>hvm</type><loader type='pflash'>/nowhere/OVMF.fd</loader></os>",
      "<future/>",
      "<emulator>/usr/bin/qemu-there</emulator><disk type='volume' device='disk'><driver type='qcow2'/>"
      "<source pool='p' volume='v.qcow2'/><target dev='vda' bus='virtio'/></disk>"
      "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"
      "<interface type='network'><source network='rack'/></interface><graphics type='spice'/>"
      "<interface type='bridge'><source bridge='br7'/></interface>"
      "<filesystem type='mount'><driver type='virtiofs'/><source dir='/there/share'/><target dir='share'/></filesystem>"));

  g_assert_nonnull (outcome.xml);
  assert_lacks (outcome.xml, "/there/share");
  assert_warned (outcome, "are of that computer, and stay there");
  assert_has (outcome.xml, "<disk type=\"file\"");
  assert_has (outcome.xml, "<source file=\"/v.qcow2\"/>");
  assert_has (outcome.xml, "<os firmware=\"efi\">");
  assert_lacks (outcome.xml, "<emulator");
  assert_has (outcome.xml, "<tpm model=\"tpm-tis\">");
  assert_has (outcome.xml, "<future/>");
  assert_warned (outcome, "TPM is a new one here");
  assert_warned (outcome, "network of its own");
  assert_warned (outcome, "A card is on “br7”");
}

static void
what_our_engine_cannot_be_is_refused_before_anything_is_fetched (void)
{
  g_auto(Outcome) mainframe
      = to_here (DOMAIN ("<os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type></os>", "", ""));
  g_auto(Outcome) rbd = to_here (DOMAIN (
      BIOS, "",
      "<disk type='network' device='disk'><source protocol='rbd' name='a/b'/><target dev='vda' bus='virtio'/></disk>"));
  g_auto(Outcome) nonsense = to_here ("<domain");

  g_assert_null (mainframe.xml);
  assert_refused (mainframe, "s390x");
  g_assert_null (rbd.xml);
  assert_refused (rbd, "“network”");
  g_assert_null (nonsense.xml);
  g_assert_cmpint (vitrine_checks_get_worst (nonsense.checks), ==, VITRINE_CHECK_REFUSED);
}

/* --- between hosts ------------------------------------------------------------------------------------------------ */

typedef struct
{
  VitrineHostOffer   *source, *target;
  GPtrArray          *cargo;
  VitrineMoveOptions  options;
  VitrineBetweenFacts facts;
} Between;

static VitrineHostOffer *
new_offer (const char *uuid)
{
  VitrineHostOffer *offer = vitrine_host_offer_new_from_xml (CAPABILITIES ("kvm", ALL_MODELS));

  offer->host_uuid = g_strdup (uuid);
  offer->free_memory_bytes = G_GUINT64_CONSTANT (4) << 30;
  offer->resources = g_new0 (VitrineHostResources, 1);
  offer->resources->pools = g_ptr_array_new ();
  offer->resources->networks = g_ptr_array_new ();
  offer->resources->devices = g_ptr_array_new ();
  return offer;
}

#define SHARED_DISK                                                                                                    \
  "<disk type='file' device='disk'><driver type='qcow2'/><source file='/pool/d.qcow2'/><target dev='vda' "             \
  "bus='virtio'/></disk>"

static Between
new_between (const char *xml)
{
  Between between = { new_offer ("a"),
                      new_offer ("b"),
                      g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_cargo_free),
                      { 0 },
                      { 0 } };
  VitrineHostCargo *disk = g_new0 (VitrineHostCargo, 1);

  disk->what = g_strdup ("vda");
  disk->path = g_strdup ("/pool/d.qcow2");
  disk->named = g_strdup (disk->path);
  disk->format = g_strdup ("qcow2");
  disk->capacity_bytes = 1 << 20;
  g_ptr_array_add (between.cargo, disk);
  between.facts = (VitrineBetweenFacts){ .xml = xml,
                                         .running = TRUE,
                                         .cargo = between.cargo,
                                         .source = between.source,
                                         .target = between.target,
                                         .source_name = "One",
                                         .target_name = "Two",
                                         .target_uri = "qemu+ssh://two/system",
                                         .cpu_fits = TRUE };
  return between;
}

static void
between_clear (Between *between)
{
  vitrine_host_offer_free (between->source);
  vitrine_host_offer_free (between->target);
  g_ptr_array_unref (between->cargo);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Between, between_clear)

static Outcome
check (Between *between)
{
  Outcome outcome = { vitrine_checks_new (), NULL, NULL };

  between->facts.options = &between->options;
  vitrine_between_check (&between->facts, outcome.checks);
  return outcome;
}

/* Static, as arrays of the offers do not free them here. */
static VitrineHostVolume same_disk = { (char *) "d.qcow2", (char *) "/pool/d.qcow2", (char *) "qcow2", 1 << 20, 0 };

static void
share_disk (Between *between, VitrineHostPool *pool)
{
  *pool = (VitrineHostPool) { (char *) "pool", (char *) "/pool", TRUE, TRUE, 0, 0, g_ptr_array_new () };
  g_ptr_array_add (pool->volumes, &same_disk);
  g_ptr_array_add (between->target->resources->pools, pool);
}

static void
a_machine_on_shared_storage_can_go (void)
{
  g_auto(Between) between = new_between (DOMAIN (BIOS, "", SHARED_DISK));
  VitrineHostPool pool;

  share_disk (&between, &pool);
  g_auto(Outcome) outcome = check (&between);
  g_assert_cmpint (vitrine_checks_get_worst (outcome.checks), ==, VITRINE_CHECK_PASSED);
  same_disk.capacity_bytes = 5;
  g_auto(Outcome) other = check (&between);
  assert_refused (other, "let the disks be copied");
  same_disk.capacity_bytes = 1 << 20;
  g_ptr_array_unref (pool.volumes);
}

static void
disks_that_the_target_lacks_are_copied_or_refused (void)
{
  g_auto(Between) between = new_between (DOMAIN (BIOS, "", SHARED_DISK));
  g_auto(Outcome) refused = check (&between);
  between.options.copy_storage = TRUE;
  g_auto(Outcome) copied = check (&between);
  g_autoptr(GPtrArray) copies = vitrine_between_list_copies (&between.facts, "p");

  assert_refused (refused, "let the disks be copied");
  g_assert_cmpint (vitrine_checks_get_worst (copied.checks), ==, VITRINE_CHECK_PASSED);
  g_assert_cmpuint (copies->len, ==, 1);
  g_assert_cmpstr (((VitrineMigrateDisk *) copies->pdata[0])->name, ==, "d.qcow2");
  g_assert_cmpuint (((VitrineMigrateDisk *) copies->pdata[0])->capacity_bytes, ==, 1 << 20);
}

static void
each_thing_in_the_way_has_its_sentence (void)
{
  g_auto(Between) between
      = new_between (DOMAIN (BIOS, "",
                             "<interface type='network'><source network='rack'/></interface><interface "
                             "type='bridge'><source bridge='br0'/></interface>"
                             "<hostdev mode='subsystem' type='mdev' model='vfio-ap'><source><address "
                             "uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"));

  g_free (between.target->host_uuid);
  between.target->host_uuid = g_strdup ("a");
  g_clear_pointer (&between.target->machine, g_free);
  between.target->no_machine = g_strdup ("none such");
  between.target->free_memory_bytes = 1 << 20;
  between.facts.snapshots = 1;
  between.facts.cpu_fits = FALSE;
  between.facts.cpu_why = "it lacks avx.";
  between.facts.cpu_baseline = "Nehalem";
  between.options.way = VITRINE_MIGRATE_TUNNEL;
  between.facts.target_uri = "qemu:///system";
  g_auto(Outcome) outcome = check (&between);
  assert_refused (outcome, "the same libvirt");
  assert_refused (outcome, "board: none such");
  assert_refused (outcome, "it lacks avx. Both hosts could run the model “Nehalem”");
  assert_refused (outcome, "no network “rack”");
  assert_refused (outcome, "bridge “br0”");
  assert_refused (outcome, "crypto matrix");
  assert_refused (outcome, "with snapshots");
  assert_refused (outcome, "connect to itself");
  assert_warned (outcome, "target 1.0");
}

static void
a_name_or_uuid_that_is_taken_is_refused (void)
{
  g_auto(Between) between = new_between (DOMAIN (BIOS, "", ""));

  g_hash_table_insert (between.target->machines, g_strdup ("other-uuid"), g_strdup ("Box"));
  g_auto(Outcome) name = check (&between);
  g_hash_table_insert (between.target->machines, g_strdup ("11111111-2222-4333-8444-555555555555"), g_strdup ("Twin"));
  g_auto(Outcome) uuid = check (&between);
  assert_refused (name, "called “Box”");
  assert_refused (uuid, "the same UUID: “Twin”");
}

static void
offline_and_running_do_not_go_together (void)
{
  g_auto(Between) between = new_between (DOMAIN (BIOS, "", SHARED_DISK));

  between.options.offline = TRUE;
  g_auto(Outcome) running = check (&between);
  between.facts.running = FALSE;
  g_auto(Outcome) off = check (&between);
  assert_refused (running, "shut it down to migrate it offline");
  assert_refused (off, "disks are copied only while the machine runs");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/move/" #name, name)
  ADD (a_host_with_kvm_gets_its_emulator_and_its_processor);
  ADD (a_host_without_kvm_emulates_all_it_can_and_that_is_said);
  ADD (a_processor_model_stays_where_the_host_has_it);
  ADD (firmware_is_the_same_one_there_or_a_fresh_one);
  ADD (secure_boot_stays);
  ADD (the_screen_is_shown_over_what_the_host_has);
  ADD (cards_go_to_the_network_that_was_chosen);
  ADD (what_is_of_this_computer_stays_here_and_is_said);
  ADD (our_metadata_and_what_nobody_knows_go_along);
  ADD (an_nvme_disk_is_said_to_be_on_virtio);
  ADD (a_volume_of_a_host_is_a_file_here_and_the_rest_stays);
  ADD (what_our_engine_cannot_be_is_refused_before_anything_is_fetched);
  ADD (a_machine_on_shared_storage_can_go);
  ADD (disks_that_the_target_lacks_are_copied_or_refused);
  ADD (each_thing_in_the_way_has_its_sentence);
  ADD (a_name_or_uuid_that_is_taken_is_refused);
  ADD (offline_and_running_do_not_go_together);
  return g_test_run ();
}
