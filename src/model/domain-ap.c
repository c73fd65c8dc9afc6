/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What vfio-ap needs of a machine. Sources: QEMU, docs/system/s390x/vfio-ap.rst (the features ap, apft and apqci);
 * measured with QEMU 7.2: without ap=on there is no bus for the device. Since QEMU 4.0 a memory balloon and vfio-ap go
 * together. */
#include "domain-ap.h"

#include <glib/gi18n-lib.h>

#include "domain-private.h"

/* "require" and its like; NULL: the processor's definition does not name the feature. Free it. */
static char *
get_policy (const xmlNode *cpu, const char *name)
{
  VITRINE_XML_FOREACH (feature, cpu, "feature")
    if (vitrine_xml_attr_is (feature, "name", name))
      return vitrine_xml_attr (feature, "policy");
  return NULL;
}

static gboolean
is_off (const xmlNode *cpu)
{
  g_autofree char *policy = get_policy (cpu, "ap");

  return g_strcmp0 (policy, "disable") == 0 || g_strcmp0 (policy, "forbid") == 0;
}

/* A named model has only what is asked for; the host's own has what the host has. */
static gboolean
lacks (const xmlNode *cpu, const char *name)
{
  g_autofree char *policy = get_policy (cpu, name);

  return vitrine_xml_child (cpu, "model") != NULL && !vitrine_xml_attr_is (cpu, "mode", "host-model")
         && !vitrine_xml_attr_is (cpu, "mode", "host-passthrough") && !vitrine_xml_attr_is (cpu, "mode", "maximum")
         && g_strcmp0 (policy, "require") != 0 && g_strcmp0 (policy, "force") != 0;
}

char *
vitrine_domain_get_ap_problem (VitrineDomain *domain)
{
  const xmlNode *root = vitrine_domain_root (domain);
  const xmlNode *cpu = vitrine_xml_child (root, "cpu");

  if (!vitrine_xml_attr_is (vitrine_xml_find (root, "os/type"), "arch", "s390x"))
    return g_strdup (_("Only machines of the architecture s390x can use crypto queues."));
  if (is_off (cpu))
    return g_strdup (_("The machine’s processor has the feature “ap” switched off: crypto queues need it."));
  return NULL;
}

GStrv
vitrine_domain_list_ap_notes (VitrineDomain *domain)
{
  const xmlNode *root = vitrine_domain_root (domain), *cpu = vitrine_xml_child (root, "cpu");
  g_autoptr(GStrvBuilder) notes = g_strv_builder_new ();

  if (vitrine_xml_attr_is (root, "type", "qemu"))
    g_strv_builder_add (notes,
                        _("The machine’s processor is emulated: the guest will see crypto queues under KVM only."));
  if (lacks (cpu, "ap") || lacks (cpu, "apft") || lacks (cpu, "apqci"))
    g_strv_builder_add (
        notes,
        _("The machine’s processor model needs the features ap, apft and apqci: require them in its <cpu>, or use "
          "the host’s own model (mode='host-model')."));
  if (vitrine_domain_get_balloon (domain))
    g_strv_builder_add (notes, _("Its memory balloon goes on working: since QEMU 4.0 both go together."));
  g_strv_builder_add (notes,
                      _("While the machine has crypto queues it cannot move to another host; take them out before."));
  return g_strv_builder_end (notes);
}
