/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about devices of the host: host-devices, attach-pci, detach-pci, zpci. */
#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "domain-hostdev.h"
#include "host-verbs.h"
#include "machines.h"
#include "target.h"

/* --- the machine, and what is known of it ------------------------------------------------------------------------- */

static gboolean
load (VitrineTarget *target)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_target_load_async (target, vitrine_ctl_keep_result, &result);
  if (vitrine_target_load_finish (target, vitrine_ctl_await (&result), &error))
    return TRUE;
  vitrine_ctl_fail ("%s", error->message);
  return FALSE;
}

/* The connection lives as long as the target. */
static VitrineTarget *
keep_hosts (VitrineTarget *target, VitrineHosts *hosts)
{
  g_object_set_data_full (G_OBJECT (target), "vitrine-hosts", hosts, g_object_unref);
  return target;
}

static VitrineTarget *
make_target (const char *words)
{
  VitrineHosts *hosts = NULL;
  VitrineHost *host;
  VitrineHostGuest *guest;

  if (vitrine_ctl_is_on_host (words))
    {
      if (vitrine_ctl_host_find (words, &hosts, &host, &guest))
        return keep_hosts (vitrine_target_new_for_guest (host, guest), hosts);
      g_clear_object (&hosts);
      return NULL;
    }
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  return machine != NULL ? vitrine_target_new_for_machine (library, machine) : NULL;
}

/* Read; NULL after a message. */
static VitrineTarget *
open_target (const char *words)
{
  g_autoptr(VitrineTarget) target = make_target (words);

  return target != NULL && load (target) ? g_steal_pointer (&target) : NULL;
}

static int
end (gboolean ok, const GError *error)
{
  return ok ? 0 : vitrine_ctl_fail ("%s", error->message);
}

/* --- host-devices ------------------------------------------------------------------------------------------------- */

static VitrineTarget *
make_host_target (const char *name)
{
  VitrineHosts *hosts = NULL;

  if (name != NULL)
    {
      VitrineHost *host = vitrine_ctl_host_open (name, &hosts);
      if (host != NULL)
        return keep_hosts (vitrine_target_new_for_host (host, NULL), hosts);
      g_clear_object (&hosts);
      return NULL;
    }
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  return library != NULL ? vitrine_target_new_for_host (NULL, library) : NULL;
}

static void
print_device (const VitrinePciDevice *device)
{
  g_autofree char *group = device->group >= 0 ? g_strdup_printf ("%d", device->group) : g_strdup ("-");

  g_print ("%s  %4s  %-14s %s: %s\n", device->address, group, device->driver != NULL ? device->driver : "-",
           device->class_name, device->name);
  if (device->user != NULL)
    g_print (device->user_runs ? _("    In use by “%s”, which is running.\n") : _("    “%s” is to have it.\n"),
             device->user);
  for (guint i = 0; i < device->losses->len; i++)
    g_print ("    %s\n", (const char *) device->losses->pdata[i]);
}

int
vitrine_ctl_host_devices (int argc, char **argv)
{
  gboolean named = argc == 3 && g_str_equal (argv[1], "--host");

  if (argc != 1 && !named)
    return vitrine_ctl_usage ("host-devices [--host HOST]");
  g_autoptr(VitrineTarget) target = make_host_target (named ? argv[2] : NULL);
  if (target == NULL || !load (target))
    return 1;
  const VitrinePciHost *host = vitrine_target_get_pci_host (target);
  for (guint i = 0; i < host->devices->len; i++)
    if (vitrine_pci_device_is_giveable (host->devices->pdata[i]))
      print_device (host->devices->pdata[i]);
  if (host->no_iommu != NULL)
    g_printerr ("%s\n", host->no_iommu);
  if (host->no_vfio != NULL)
    g_printerr ("%s\n", host->no_vfio);
  return 0;
}

/* --- attach-pci, detach-pci --------------------------------------------------------------------------------------- */

typedef struct
{
  VitrinePciChange change;
  const char      *machine, *address;
  gboolean         dry_run;
} Wish;

static gboolean
parse_managed (Wish *wish, const char *value)
{
  wish->change.managed = g_str_equal (value, "yes");
  return wish->change.managed || g_str_equal (value, "no");
}

/* FALSE: not what the synopsis says. */
static gboolean
parse_wish (int argc, char **argv, Wish *wish)
{
  for (int i = 1; i < argc; i++)
    {
      if (g_str_equal (argv[i], "--live"))
        wish->change.live = TRUE;
      else if (g_str_equal (argv[i], "--dry-run"))
        wish->dry_run = TRUE;
      else if (g_str_equal (argv[i], "--yes") && !wish->change.removes)
        wish->change.confirmed = TRUE;
      else if (g_str_equal (argv[i], "--no-rom") && !wish->change.removes)
        wish->change.rom_off = TRUE;
      else if (g_str_equal (argv[i], "--managed") && !wish->change.removes && i + 1 < argc
               && parse_managed (wish, argv[i + 1]))
        i++;
      else if (argv[i][0] == '-' || wish->address != NULL)
        return FALSE;
      else if (wish->machine == NULL)
        wish->machine = argv[i];
      else
        wish->address = argv[i];
    }
  return wish->address != NULL;
}

/* Whatever is in the device's group, as far as the machine has it or has it not. */
static GStrv
list_together (VitrineTarget *target, const Wish *wish)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (target);
  const VitrinePciDevice *device = vitrine_pci_host_lookup (host, wish->address);
  const char *const alone[] = { wish->address, NULL };
  g_autoptr(GPtrArray) addresses = g_ptr_array_new ();

  if (device == NULL)
    return g_strdupv ((GStrv) alone);   /* may be removed all the same */
  g_autoptr(GPtrArray) together = vitrine_pci_host_list_together (host, device);
  for (guint i = 0; i < together->len; i++)
    {
      const VitrinePciDevice *other = together->pdata[i];
      gboolean has
          = vitrine_domain_has_hostdev (vitrine_target_get_domain (target), VITRINE_HOSTDEV_PCI, other->address);
      if (has == wish->change.removes || other == device)
        g_ptr_array_add (addresses, other->address);
    }
  g_ptr_array_add (addresses, NULL);
  return addresses->len > 1 ? g_strdupv ((GStrv) addresses->pdata) : g_strdupv ((GStrv) alone);
}

static int
refuse_losses (GStrv losses)
{
  for (guint i = 0; losses[i] != NULL; i++)
    g_printerr ("%s\n", losses[i]);
  return vitrine_ctl_fail (_("The host would lose that. Say --yes if it may."));
}

static gboolean
may_be_added (VitrineTarget *target, const Wish *wish)
{
  const VitrinePciHost *host = vitrine_target_get_pci_host (target);
  const char *const *addresses = (const char *const *) wish->change.addresses;
  g_auto(GStrv) losses = vitrine_pci_host_list_losses (host, addresses);
  g_autofree char *local = vitrine_target_explain_local (target);
  g_autoptr(GError) error = NULL;

  if (vitrine_pci_host_lookup (host, wish->address) == NULL)
    return vitrine_ctl_fail (_("The host has no device %s (any more)."), wish->address) == 0;
  if (local != NULL)
    {
      g_printerr ("%s\n", local);
      return TRUE;
    }
  if (!vitrine_target_check (target, &wish->change, &error))
    return vitrine_ctl_fail ("%s", error->message) == 0;
  return losses[0] == NULL || wish->change.confirmed || wish->dry_run || refuse_losses (losses) == 0;
}

static int
show_dry_run (VitrineTarget *target, const Wish *wish)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = vitrine_target_dry_run (target, &wish->change, &error);

  if (text != NULL)
    g_print ("%s", text);
  return end (text != NULL, error);
}

static int
carry_out (VitrineTarget *target, const Wish *wish)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_target_change_async (target, &wish->change, vitrine_ctl_keep_result, &result);
  if (!vitrine_target_change_finish (target, vitrine_ctl_await (&result), &error))
    return end (FALSE, error);
  for (guint i = 0; wish->change.addresses[i] != NULL; i++)
    g_print ("%s\n", wish->change.addresses[i]);
  return 0;
}

static int
change (int argc, char **argv, gboolean removes, const char *synopsis)
{
  Wish wish = { .change = { .removes = removes, .managed = TRUE } };

  if (!parse_wish (argc, argv, &wish))
    return vitrine_ctl_usage (synopsis);
  g_autoptr(VitrineTarget) target = open_target (wish.machine);
  if (target == NULL)
    return 1;
  if (wish.change.live && !vitrine_target_is_running (target))
    return vitrine_ctl_fail (_("“%s” is not running: go without --live."), wish.machine);
  wish.change.addresses = list_together (target, &wish);
  int status = 1;
  if (removes || may_be_added (target, &wish))
    status = wish.dry_run ? show_dry_run (target, &wish) : carry_out (target, &wish);
  vitrine_pci_change_clear (&wish.change);
  return status;
}

int
vitrine_ctl_attach_pci (int argc, char **argv)
{
  return change (argc, argv, FALSE,
                 "attach-pci MACHINE ADDRESS [--managed yes|no] [--live] [--no-rom] [--yes] [--dry-run]");
}

int
vitrine_ctl_detach_pci (int argc, char **argv)
{
  return change (argc, argv, TRUE, "detach-pci MACHINE ADDRESS [--live] [--dry-run]");
}

/* --- zpci --------------------------------------------------------------------------------------------------------- */

#define ZPCI_SYNOPSIS "zpci MACHINE [DEVICE (--uid UID --fid FID | --auto) [--dry-run]]"

static char *
number_or_auto (gboolean has, guint32 number, int digits)
{
  return has ? g_strdup_printf ("0x%0*x", digits, number) : g_strdup ("auto");
}

static int
list_zpci (VitrineTarget *target)
{
  VitrineDomain *domain = vitrine_target_get_domain (target);
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (domain);

  if (!vitrine_domain_is_s390x (domain))
    return vitrine_ctl_fail (_("Only machines of the architecture s390x have zPCI addresses."));
  for (guint i = 0; i < all->len; i++)
    {
      const VitrineZpci *zpci = all->pdata[i];
      g_autofree char *uid = number_or_auto (zpci->has_uid, zpci->uid, 4),
                      *fid = number_or_auto (zpci->has_fid, zpci->fid, 8);
      g_autofree char *preview = vitrine_target_preview_zpci (target, domain, zpci);
      g_print ("%-18s uid %-6s fid %-10s %s\n", zpci->id, uid, fid, preview);
    }
  if (all->len > 0)
    g_printerr ("%s\n", _("None of these can move to another host while the machine runs."));
  return 0;
}

typedef struct
{
  const char *device, *uid, *fid;
  gboolean    automatic, dry_run;
} ZpciWish;

static gboolean
parse_zpci (int argc, char **argv, ZpciWish *wish)
{
  for (int i = 2; i < argc; i++)
    {
      if (g_str_equal (argv[i], "--uid") && i + 1 < argc)
        wish->uid = argv[++i];
      else if (g_str_equal (argv[i], "--fid") && i + 1 < argc)
        wish->fid = argv[++i];
      else if (g_str_equal (argv[i], "--auto"))
        wish->automatic = TRUE;
      else if (g_str_equal (argv[i], "--dry-run"))
        wish->dry_run = TRUE;
      else if (argv[i][0] == '-' || wish->device != NULL)
        return FALSE;
      else
        wish->device = argv[i];
    }
  gboolean both = wish->uid != NULL && wish->fid != NULL, none = wish->uid == NULL && wish->fid == NULL;
  return wish->device != NULL ? (wish->automatic ? none : both) : argc == 2;
}

static gboolean
apply_zpci (VitrineDomain *domain, const ZpciWish *wish, GError **error)
{
  guint32 uid, fid;

  if (wish->automatic)
    return vitrine_domain_clear_zpci (domain, wish->device, error);
  return vitrine_zpci_parse_uid (wish->uid, &uid, error) && vitrine_zpci_parse_fid (wish->fid, &fid, error)
         && vitrine_domain_set_zpci (domain, wish->device, uid, fid, error);
}

int
vitrine_ctl_zpci (int argc, char **argv)
{
  ZpciWish wish = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  if (argc < 2 || argv[1][0] == '-' || !parse_zpci (argc, argv, &wish))
    return vitrine_ctl_usage (ZPCI_SYNOPSIS);
  g_autoptr(VitrineTarget) target = open_target (argv[1]);
  if (target == NULL)
    return 1;
  if (wish.device == NULL)
    return list_zpci (target);
  g_autoptr(VitrineDomain) domain = vitrine_domain_copy (vitrine_target_get_domain (target));
  if (!apply_zpci (domain, &wish, &error))
    return end (FALSE, error);
  if (wish.dry_run)
    {
      g_autofree char *xml = vitrine_domain_to_xml (domain);
      g_print ("%s", xml);
      return 0;
    }
  vitrine_target_write_async (target, domain, vitrine_ctl_keep_result, &result);
  gboolean ok = vitrine_target_write_finish (target, vitrine_ctl_await (&result), &error);
  return end (ok, error);
}
