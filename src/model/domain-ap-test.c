/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-ap.h"

#include "domain-test.h"

static VitrineDomain *
machine (const char *type, const char *arch, const char *cpu, const char *devices)
{
  g_autofree char *xml
      = g_strdup_printf ("<domain type='%s'><name>z</name><memory>65536</memory><os><type arch='%s'>hvm</type></os>%s"
                         "<devices>%s</devices></domain>",
                         type, arch, cpu, devices);
  g_autoptr(GError) error = NULL;
  VitrineDomain *domain = vitrine_domain_new_from_data (xml, strlen (xml), "z", &error);

  g_assert_no_error (error);
  return domain;
}

static void
problem_is (const char *arch, const char *cpu, const char *part)
{
  g_autoptr(VitrineDomain) domain = machine ("kvm", arch, cpu, "");
  g_autofree char *problem = vitrine_domain_get_ap_problem (domain);

  if (part == NULL)
    g_assert_null (problem);
  else
    g_assert_nonnull (strstr (problem, part));
}

static void
only_machines_that_can_have_crypto_queues_get_them (void)
{
  problem_is ("s390x", "", NULL);
  problem_is ("x86_64", "", "architecture s390x");
  problem_is ("s390x", "<cpu mode='host-model'><feature policy='disable' name='ap'/></cpu>", "switched off");
  problem_is ("s390x", "<cpu mode='custom'><model>z14</model><feature policy='forbid' name='ap'/></cpu>",
              "switched off");
}

static void
notes_are (const char *type, const char *cpu, const char *devices, guint n, const char *first)
{
  g_autoptr(VitrineDomain) domain = machine (type, "s390x", cpu, devices);
  g_auto(GStrv) notes = vitrine_domain_list_ap_notes (domain);

  g_assert_cmpuint (g_strv_length (notes), ==, n);
  g_assert_nonnull (strstr (notes[0], first));
  g_assert_nonnull (strstr (notes[n - 1], "cannot move to another host"));
}

static void
what_the_processor_needs_is_said (void)
{
#define NAMED "<cpu mode='custom'><model>z14</model>"
  notes_are ("kvm", "", "<memballoon model='none'/>", 1, "cannot move");
  notes_are ("kvm", "<cpu mode='host-model'/>", "<memballoon model='none'/>", 1, "cannot move");
  notes_are ("kvm", NAMED "</cpu>", "<memballoon model='none'/>", 2, "ap, apft and apqci");
  notes_are ("kvm", NAMED "<feature policy='require' name='ap'/><feature policy='require' name='apft'/></cpu>",
             "<memballoon model='none'/>", 2, "ap, apft and apqci");
  notes_are ("kvm", NAMED "<feature policy='require' name='ap'/><feature policy='require' name='apft'/>"
             "<feature policy='force' name='apqci'/></cpu>", "<memballoon model='none'/>", 1, "cannot move");
  notes_are ("qemu", "", "<memballoon model='none'/>", 2, "emulated");
  notes_are ("kvm", "", "<memballoon model='virtio'/>", 2, "memory balloon");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-ap/only-machines-that-can-have-crypto-queues-get-them",
                   only_machines_that_can_have_crypto_queues_get_them);
  g_test_add_func ("/domain-ap/what-the-processor-needs-is-said", what_the_processor_needs_is_said);
  return g_test_run ();
}
