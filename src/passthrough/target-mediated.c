/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineTarget: mediated devices come into a machine and go. What makes and removes them on the host is
 * VitrineMediated. */
#include <glib/gi18n-lib.h>

#include "domain-ap.h"
#include "target-private.h"
#include "task-end.h"

static void
attached (GObject *source, GAsyncResult *result, gpointer task)
{
  GError *error = NULL;
  gboolean ok = vitrine_host_guest_attach_finish (VITRINE_HOST_GUEST (source), result, &error);

  vitrine_task_end (task, ok, error);
}

static void
written (GObject *source, GAsyncResult *result, gpointer task)
{
  GError *error = NULL;
  gboolean ok = vitrine_target_write_finish (VITRINE_TARGET (source), result, &error);

  vitrine_task_end (task, ok, error);
}

/* What is changed first: a draft itself, of others a copy. */
static VitrineDomain *
to_change (VitrineTarget *self)
{
  return self->draft != NULL ? g_object_ref (self->draft) : vitrine_domain_copy (self->domain);
}

/* @element: the device's; @after: the definition as it is to be. */
static void
carry_out (VitrineTarget *self, VitrineDomain *after, const char *element, gboolean removes, gboolean live, GTask *task)
{
  const char *const elements[] = { element, NULL };

  if (self->draft != NULL)
    vitrine_task_end (task, TRUE, NULL);
  else if (!live || self->guest == NULL || !vitrine_target_is_running (self))
    vitrine_target_write_async (self, after, written, task);
  else if (removes)
    vitrine_host_guest_detach_async (self->guest, elements, attached, task);
  else
    vitrine_host_guest_attach_async (self->guest, elements, attached, task);
}

static gboolean
can_use (VitrineDomain *domain, const VitrineHostdev *hostdev, GError **error)
{
  g_autofree char *problem = g_strcmp0 (hostdev->model, "vfio-ap") == 0 ? vitrine_domain_get_ap_problem (domain) : NULL;

  if (problem != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, problem);
  return problem == NULL;
}

gboolean
vitrine_target_check_mediated (VitrineTarget *self, const VitrineHostdev *hostdev, GError **error)
{
  g_autofree char *element = vitrine_target_get_mediated_element (self, hostdev, error);

  return element != NULL;
}

/* --- what it would be -------------------------------------------------------------------------------------------- */

char *
vitrine_target_get_mediated_element (VitrineTarget *self, const VitrineHostdev *hostdev, GError **error)
{
  g_autoptr(VitrineDomain) after = vitrine_domain_copy (self->domain);

  if (!can_use (after, hostdev, error) || !vitrine_domain_add_hostdev (after, hostdev, error))
    return NULL;
  return vitrine_domain_get_hostdev_xml (after, VITRINE_HOSTDEV_MDEV, hostdev->id);
}

char *
vitrine_target_dry_run_mediated (VitrineTarget *self, const VitrineHostdev *hostdev, gboolean live, GError **error)
{
  g_autofree char *element = vitrine_target_get_mediated_element (self, hostdev, error);
  const char *const elements[] = { element, NULL };
  g_autoptr(GString) text = g_string_new (NULL);

  if (element == NULL)
    return NULL;
  if (self->host != NULL)
    {
      vitrine_target_append_virsh (self, elements, FALSE, live, text);
      return g_strdup (text->str);
    }
  g_autofree char *uuid = vitrine_domain_get_uuid (self->domain);
  return g_strdup_printf ("# %s\nvitrinectl %s assign %s %s\n", _("Only the definition is changed:"),
                          g_strcmp0 (hostdev->model, "vfio-ap") == 0 ? "ap" : "mdev", uuid, hostdev->id);
}

/* --- doing it ---------------------------------------------------------------------------------------------------- */

void
vitrine_target_give_mediated_async (VitrineTarget *self, const VitrineHostdev *hostdev, gboolean live,
                                    GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);
  g_autoptr(VitrineDomain) after = to_change (self);
  GError *error = NULL;

  if (!can_use (after, hostdev, &error) || !vitrine_domain_add_hostdev (after, hostdev, &error))
    {
      vitrine_task_end (task, FALSE, error);
      return;
    }
  g_autofree char *element = vitrine_domain_get_hostdev_xml (after, VITRINE_HOSTDEV_MDEV, hostdev->id);
  carry_out (self, after, element, FALSE, live, task);
}

void
vitrine_target_take_mediated_async (VitrineTarget *self, const char *uuid, gboolean live, GAsyncReadyCallback done,
                                    gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);
  g_autoptr(VitrineDomain) after = to_change (self);
  g_autofree char *element = vitrine_domain_get_hostdev_xml (self->domain, VITRINE_HOSTDEV_MDEV, uuid);

  if (!vitrine_domain_remove_hostdev (after, VITRINE_HOSTDEV_MDEV, uuid))
    {
      vitrine_task_end (task, FALSE,
             g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The machine has no host device %s."), uuid));
      return;
    }
  carry_out (self, after, element, TRUE, live, task);
}

gboolean
vitrine_target_mediated_finish (VitrineTarget *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
