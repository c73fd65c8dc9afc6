/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineTarget: PCI devices come into a machine and go. The order is: between drivers first when devices come, last
 * when they go. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-hostdev.h"
#include "helper-client.h"
#include "target-private.h"

#define VFIO_DRIVER "vfio-pci"

void
vitrine_pci_change_clear (VitrinePciChange *change)
{
  g_clear_pointer (&change->addresses, g_strfreev);
}

/* --- may it be ---------------------------------------------------------------------------------------------------- */

/* What comes, and what is there: a machine may have got a part of a group before. */
gboolean
vitrine_target_check (VitrineTarget *self, const VitrinePciChange *change, GError **error)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_hostdevs (self->domain), addresses = g_ptr_array_new ();

  for (guint i = 0; change->addresses[i] != NULL; i++)
    g_ptr_array_add (addresses, change->addresses[i]);
  for (guint i = 0; i < hostdevs->len; i++)
    {
      const VitrineHostdev *hostdev = hostdevs->pdata[i];
      if (hostdev->kind == VITRINE_HOSTDEV_PCI && vitrine_pci_host_lookup (self->pci, hostdev->id) != NULL)
        g_ptr_array_add (addresses, hostdev->id);
    }
  g_ptr_array_add (addresses, NULL);
  return vitrine_pci_host_check (self->pci, (const char *const *) addresses->pdata, vitrine_target_get_title (self),
                                 error);
}

/* --- what it would be --------------------------------------------------------------------------------------------- */

static gboolean
apply (VitrineDomain *domain, const VitrinePciChange *change, const char *address, GError **error)
{
  const VitrineHostdev hostdev
    = { .kind = VITRINE_HOSTDEV_PCI, .id = (char *) address, .managed = change->managed, .rom_off = change->rom_off };

  if (!change->removes)
    return vitrine_domain_add_hostdev (domain, &hostdev, error);
  if (vitrine_domain_remove_hostdev (domain, VITRINE_HOSTDEV_PCI, address))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The machine has no host device %s."), address);
  return FALSE;
}

gboolean
vitrine_pci_change_apply (const VitrinePciChange *change, VitrineDomain *domain, GError **error)
{
  for (guint i = 0; change->addresses[i] != NULL; i++)
    if (!apply (domain, change, change->addresses[i], error))
      return FALSE;
  return TRUE;
}

VitrineDomain *
vitrine_target_preview (VitrineTarget *self, const VitrinePciChange *change, GError **error)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_copy (self->domain);

  return vitrine_pci_change_apply (change, domain, error) ? g_steal_pointer (&domain) : NULL;
}

/* One for each address. */
static GStrv
list_elements (VitrineTarget *self, const VitrinePciChange *change, GError **error)
{
  g_autoptr(VitrineDomain) after = vitrine_target_preview (self, change, error);
  g_autoptr(GPtrArray) elements = g_ptr_array_new_with_free_func (g_free);

  if (after == NULL)
    return NULL;
  for (guint i = 0; change->addresses[i] != NULL; i++)
    g_ptr_array_add (elements, vitrine_domain_get_hostdev_xml (change->removes ? self->domain : after,
                                                               VITRINE_HOSTDEV_PCI, change->addresses[i]));
  g_ptr_array_add (elements, NULL);
  return (GStrv) g_ptr_array_steal (elements, NULL);
}

char *
vitrine_target_get_elements (VitrineTarget *self, const VitrinePciChange *change, GError **error)
{
  g_auto(GStrv) elements = list_elements (self, change, error);

  return elements != NULL ? g_strjoinv ("\n", elements) : NULL;
}

/* Is the element one whose device we move between drivers? */
static gboolean
is_ours_to_move (VitrineTarget *self, const VitrinePciChange *change, const char *address)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_hostdevs (self->domain);

  if (!change->removes)
    return !change->managed;
  for (guint i = 0; i < hostdevs->len; i++)
    {
      const VitrineHostdev *hostdev = hostdevs->pdata[i];
      if (hostdev->kind == VITRINE_HOSTDEV_PCI && g_str_equal (hostdev->id, address))
        return !hostdev->managed;
    }
  return FALSE;
}

GStrv
vitrine_target_list_moves (VitrineTarget *self, const VitrinePciChange *change)
{
  g_autoptr(GPtrArray) moves = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; self->host != NULL && change->addresses[i] != NULL; i++)
    {
      const VitrinePciDevice *device = vitrine_pci_host_lookup (self->pci, change->addresses[i]);
      gboolean on_vfio = device != NULL && g_strcmp0 (device->driver, VFIO_DRIVER) == 0;
      if (device != NULL && on_vfio == change->removes && is_ours_to_move (self, change, change->addresses[i]))
        g_ptr_array_add (moves, g_strdup (change->addresses[i]));
    }
  if (moves->len == 0)
    return NULL;
  g_ptr_array_add (moves, NULL);
  return (GStrv) g_ptr_array_steal (moves, NULL);
}

/* --- as commands -------------------------------------------------------------------------------------------------- */

static char *
node_device_name (const char *address)
{
  char *name = g_strconcat ("pci_", address, NULL);

  return g_strdelimit (name, ":.", '_');
}

static GStrv
node_device_names (GStrv addresses)
{
  GStrv names = g_new0 (char *, g_strv_length (addresses) + 1);

  for (guint i = 0; addresses[i] != NULL; i++)
    names[i] = node_device_name (addresses[i]);
  return names;
}

static gboolean
append_moves (VitrineTarget *self, const VitrinePciChange *change, GString *text, GError **error)
{
  g_auto(GStrv) moves = vitrine_target_list_moves (self, change);
  const char *const *addresses = (const char *const *) moves;

  if (moves == NULL)
    return TRUE;
  if (self->tree != NULL)
    {
      g_autoptr(VitrineHostPlan) plan = change->removes ? vitrine_pci_plan_take_back (self->tree, addresses, error)
                                                        : vitrine_pci_plan_give (self->tree, addresses, error);
      g_autofree char *shell = plan != NULL ? vitrine_host_plan_to_shell (plan) : NULL;
      if (shell != NULL)
        g_string_append_printf (text, "# %s\n%s", _("As root:"), shell);
      return plan != NULL;
    }
  g_autofree char *uri = g_shell_quote (vitrine_host_get_uri (self->host));
  for (guint i = 0; moves[i] != NULL; i++)
    {
      g_autofree char *name = node_device_name (moves[i]);
      g_string_append_printf (text, "virsh -c %s %s %s\n", uri, change->removes ? "nodedev-reattach" : "nodedev-detach",
                              name);
    }
  return TRUE;
}

void
vitrine_target_append_virsh (VitrineTarget *self, const char *const *elements, gboolean removes, gboolean live,
                             GString *text)
{
  const char *verb = removes ? "detach-device" : "attach-device";
  g_autofree char *uri = g_shell_quote (vitrine_host_get_uri (self->host));
  g_autofree char *uuid = vitrine_domain_get_uuid (self->domain);

  g_string_append_printf (text, "# %s\n", live ? _("Now, and for the next start:") : _("For the next start:"));
  for (guint i = 0; elements[i] != NULL; i++)
    g_string_append_printf (text, "virsh -c %s %s %s %s/dev/stdin <<'EOF'\n%s\nEOF\n", uri, verb, uuid,
                            live ? "--live --config " : "--config ", elements[i]);
}

static void
append_definition (VitrineTarget *self, const VitrinePciChange *change, GStrv elements, GString *text)
{
  g_autofree char *uuid = vitrine_domain_get_uuid (self->domain);

  if (self->host != NULL)
    {
      vitrine_target_append_virsh (self, (const char *const *) elements, change->removes, change->live, text);
      return;
    }
  g_string_append_printf (text, "# %s\n", _("Only the definition is changed:"));
  g_string_append_printf (text, "vitrinectl %s %s %s%s\n", change->removes ? "detach-pci" : "attach-pci", uuid,
                          change->addresses[0], change->removes || change->managed ? "" : " --managed no");
}

char *
vitrine_target_dry_run (VitrineTarget *self, const VitrinePciChange *change, GError **error)
{
  g_auto(GStrv) elements = list_elements (self, change, error);
  g_autoptr(GString) text = g_string_new (NULL);

  if (elements == NULL)
    return NULL;
  if (change->removes)
    append_definition (self, change, elements, text);
  if (!append_moves (self, change, text, error))
    return NULL;
  if (!change->removes)
    append_definition (self, change, elements, text);
  return g_strdup (text->str);
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrinePciChange change;
  GStrv            moves;     /* NULL: none */
  gboolean         moved;     /* they have been, and go back when the rest fails */
  GError          *error;     /* of the rest */
} Doing;

static void
doing_free (gpointer data)
{
  Doing *doing = data;

  vitrine_pci_change_clear (&doing->change);
  g_strfreev (doing->moves);
  g_clear_error (&doing->error);
  g_free (doing);
}

static void step_define (GTask *task);

static void
finish (GTask *task)
{
  Doing *doing = g_task_get_task_data (task);

  if (doing->error != NULL)
    g_task_return_error (task, g_steal_pointer (&doing->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
say_that_they_are_back (Doing *doing)
{
  GError *error = g_error_new (doing->error->domain, doing->error->code,
                               _("%s\nThe devices are back with the host’s drivers."), doing->error->message);

  g_clear_error (&doing->error);
  doing->error = error;
}

/* After the devices have moved to where the change wants them, or back. */
static void
moved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Doing *doing = g_task_get_task_data (task);
  g_autoptr(GError) error = NULL;
  gboolean ok = source != NULL ? vitrine_host_move_devices_finish (VITRINE_HOST (source), result, &error)
                               : vitrine_helper_call_finish (result, &error);

  if (doing->error != NULL)   /* this was the way back */
    {
      if (ok)
        say_that_they_are_back (doing);
      else
        g_prefix_error (&doing->error, _("The devices are still with vfio-pci (%s). "), error->message);
      finish (task);
    }
  else if (!ok)
    {
      if (doing->change.removes)
        g_prefix_error (&error,
                        _("The machine does not have them any more, but the host’s drivers do not have them back: "));
      doing->error = g_steal_pointer (&error);
      finish (task);
    }
  else if (doing->change.removes)
    finish (task);
  else
    {
      doing->moved = TRUE;
      step_define (task);
    }
}

static void
move (GTask *task, gboolean give)
{
  VitrineTarget *self = g_task_get_source_object (task);
  Doing *doing = g_task_get_task_data (task);
  const char *const *addresses = (const char *const *) doing->moves;
  g_auto(GStrv) names = node_device_names (doing->moves);

  if (self->tree == NULL)
    vitrine_host_move_devices_async (self->host, give ? VITRINE_HOST_DEVICE_GIVE : VITRINE_HOST_DEVICE_TAKE_BACK,
                                     (const char *const *) names, moved, g_object_ref (task));
  else if (give)
    vitrine_helper_give_pci_async (addresses, doing->change.confirmed, moved, g_object_ref (task));
  else
    vitrine_helper_take_back_pci_async (addresses, moved, g_object_ref (task));
}

static void
defined (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Doing *doing = g_task_get_task_data (task);
  gboolean ok = doing->change.live
                  ? vitrine_host_guest_attach_finish (VITRINE_HOST_GUEST (source), result, &doing->error)
                  : vitrine_target_write_finish (VITRINE_TARGET (source), result, &doing->error);

  if (!ok && doing->moved)
    move (task, FALSE);
  else if (ok && doing->change.removes && doing->moves != NULL)
    move (task, FALSE);
  else
    finish (task);
}

static void
step_define (GTask *task)
{
  VitrineTarget *self = g_task_get_source_object (task);
  Doing *doing = g_task_get_task_data (task);
  g_auto(GStrv) elements = list_elements (self, &doing->change, NULL);
  g_autoptr(VitrineDomain) after = vitrine_target_preview (self, &doing->change, NULL);

  if (!doing->change.live)
    vitrine_target_write_async (self, after, defined, g_object_ref (task));
  else if (doing->change.removes)
    vitrine_host_guest_detach_async (self->guest, (const char *const *) elements, defined, g_object_ref (task));
  else
    vitrine_host_guest_attach_async (self->guest, (const char *const *) elements, defined, g_object_ref (task));
}

/* What the machine itself has open is closed when it goes out of it now, else not. */
static gboolean
check_free (VitrineTarget *self, const Doing *doing, GError **error)
{
  return self->tree == NULL || doing->moves == NULL || !doing->change.removes || doing->change.live
         || vitrine_pci_check_free (self->tree, (const char *const *) doing->moves, error);
}

void
vitrine_target_change_async (VitrineTarget *self, const VitrinePciChange *change, GAsyncReadyCallback done,
                             gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);
  g_autoptr(VitrineDomain) after = NULL;
  GError *error = NULL;
  Doing *doing = g_new0 (Doing, 1);

  doing->change = *change;
  doing->change.addresses = g_strdupv (change->addresses);
  doing->change.live = change->live && self->guest != NULL;
  doing->moves = vitrine_target_list_moves (self, change);
  g_task_set_task_data (task, doing, doing_free);
  after = check_free (self, doing, &error) ? vitrine_target_preview (self, change, &error) : NULL;
  if (after == NULL)
    g_task_return_error (task, error);
  else if (self->draft != NULL && vitrine_pci_change_apply (change, self->draft, &error))
    g_task_return_boolean (task, TRUE);
  else if (self->draft != NULL)
    g_task_return_error (task, error);
  else if (doing->moves != NULL && !change->removes)
    move (task, TRUE);
  else
    step_define (task);
}

gboolean
vitrine_target_change_finish (VitrineTarget *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
