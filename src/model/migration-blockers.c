/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migration-blockers.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-hostdev.h"
#include "domain-private.h"
#include "domain-zpci.h"

static void
blocker_free (gpointer data)
{
  VitrineMigrationBlocker *blocker = data;

  g_free (blocker->device);
  g_free (blocker->sentence);
  g_free (blocker);
}

/* Takes @sentence. */
static void
add (GPtrArray *all, const char *device, char *sentence)
{
  VitrineMigrationBlocker *blocker = g_new0 (VitrineMigrationBlocker, 1);

  blocker->device = g_strdup (device);
  blocker->sentence = sentence;
  g_ptr_array_add (all, blocker);
}

/* libvirt unplugs it before it moves the machine, and plugs one in after. */
static gboolean
is_transient (const xmlNode *node)
{
  return vitrine_xml_attr_is (vitrine_xml_child (node, "teaming"), "type", "transient");
}

static void
look_at_hostdev (GPtrArray *all, const xmlNode *node, const VitrineHostdev *hostdev)
{
  if (hostdev->kind == VITRINE_HOSTDEV_PCI && !is_transient (node))
    add (all, hostdev->id,
         g_strdup_printf (_("The PCI device %s is this host’s: take it out of the machine before it moves."),
                          hostdev->id));
  else if (hostdev->kind == VITRINE_HOSTDEV_MDEV && g_strcmp0 (hostdev->model, "vfio-ap") == 0)
    add (all, hostdev->id,
         g_strdup_printf (
             _("The crypto matrix %s is this host’s: unplug it before the machine moves, and give it one of the other "
               "host’s after."),
             hostdev->id));
  else if (hostdev->kind == VITRINE_HOSTDEV_MDEV)
    add (all, hostdev->id,
         g_strdup_printf (_("The mediated device %s is this host’s: take it out of the machine before it moves."),
                          hostdev->id));
}

/* What the model of host devices does not know. */
static void
look_at_other_hostdev (GPtrArray *all, const xmlNode *node)
{
  g_autofree char *type = vitrine_xml_attr (node, "type");

  if (vitrine_xml_attr_is (node, "mode", "subsystem") && g_strcmp0 (type, "usb") == 0)
    return;
  add (all, type != NULL ? type : "hostdev",
       g_strdup_printf (_("A device of this host (%s) cannot move with the machine: take it out first."),
                        type != NULL ? type : "hostdev"));
}

static gboolean
is_known (const xmlNode *node)
{
  return vitrine_xml_attr_is (node, "mode", "subsystem")
         && (vitrine_xml_attr_is (node, "type", "pci") || vitrine_xml_attr_is (node, "type", "mdev"))
         && vitrine_xml_find (node, "source/address") != NULL;
}

static void
look_at_hostdevs (VitrineDomain *domain, GPtrArray *all)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_hostdevs (domain);
  guint i = 0;

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (domain), "devices"), "hostdev")
    {
      if (!is_known (node))
        look_at_other_hostdev (all, node);
      else if (i < hostdevs->len)
        look_at_hostdev (all, node, hostdevs->pdata[i++]);
    }
}

/* <interface type='hostdev'>: a virtual function of a card. */
static void
look_at_interfaces (VitrineDomain *domain, GPtrArray *all)
{
  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (domain), "devices"), "interface")
    {
      g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (node, "mac"), "address");
      if (vitrine_xml_attr_is (node, "type", "hostdev") && !is_transient (node))
        add (all, mac != NULL ? mac : "interface",
             g_strdup_printf (
                 _("The network card %s is a part of this host’s: take it out of the machine before it moves."),
                 mac != NULL ? mac : ""));
    }
}

static void
look_at_zpci (VitrineDomain *domain, GPtrArray *all)
{
  g_autoptr(GPtrArray) functions = vitrine_domain_get_zpci (domain);

  for (guint i = 0; i < functions->len; i++)
    {
      const VitrineZpci *zpci = functions->pdata[i];
      if (g_str_equal (zpci->element, "hostdev"))
        continue;   /* has its sentence already */
      add (
          all, zpci->id,
          g_strdup_printf (
              _("“%s” is on zPCI, which QEMU cannot move while the machine runs: put it on channel I/O (ccw), or take "
                "it out."),
              zpci->id));
    }
}

GPtrArray *
vitrine_migration_blockers (VitrineDomain *domain)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (blocker_free);

  look_at_hostdevs (domain, all);
  look_at_interfaces (domain, all);
  look_at_zpci (domain, all);
  return all;
}
