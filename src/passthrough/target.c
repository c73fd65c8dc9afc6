/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineTarget: what it is, reading it, and writing its definition. */
#include "target.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "secret-text.h"
#include "target-private.h"

G_DEFINE_FINAL_TYPE (VitrineTarget, vitrine_target, G_TYPE_OBJECT)

/* --- what it is --------------------------------------------------------------------------------------------------- */

static VitrineGuest *
as_guest (VitrineTarget *self)
{
  return self->guest != NULL ? VITRINE_GUEST (self->guest) : VITRINE_GUEST (self->machine);
}

const char *
vitrine_target_get_title (VitrineTarget *self)
{
  return vitrine_guest_get_title (as_guest (self));
}

gboolean
vitrine_target_is_running (VitrineTarget *self)
{
  return vitrine_state_is_alive (vitrine_guest_get_state (as_guest (self)));
}

gboolean
vitrine_target_is_local (VitrineTarget *self)
{
  return self->machine != NULL;
}

const char *
vitrine_target_get_source (VitrineTarget *self)
{
  if (self->machine != NULL)
    return _("From /sys of this computer. Only the machine’s definition would be changed.");
  if (self->tree != NULL)
    return _("From /sys of this computer, which vitrine-host-helper would change.");
  return _("From the host’s libvirt, which would also make the changes: what the host itself needs can only be guessed.");
}

char *
vitrine_target_explain_local (VitrineTarget *self)
{
  if (self->machine == NULL)
    return NULL;
  GString *words = g_string_new (_("Vitrine’s own processor cannot give a device away: the machine keeps it in its definition, starts "
                                   "without it here, and has it on a libvirt host."));
  const char *more = self->pci == NULL ? NULL : self->pci->no_iommu != NULL ? self->pci->no_iommu : self->pci->no_vfio;
  if (more == NULL && !vitrine_host_tree_exists (self->tree, "dev/vfio/vfio"))
    more = _("There is no /dev/vfio/vfio either: the module vfio is not loaded.");
  if (more != NULL)
    g_string_append_printf (words, " %s", more);
  return g_string_free (words, FALSE);
}

gboolean
vitrine_target_prefers_managed (VitrineTarget *self)
{
  return self->host == NULL || !vitrine_host_is_session (self->host);
}

VitrineHost *
vitrine_target_get_host (VitrineTarget *self)
{
  return self->host;
}

VitrineHostTree *
vitrine_target_get_tree (VitrineTarget *self)
{
  return self->tree;
}

VitrineDomain *
vitrine_target_get_domain (VitrineTarget *self)
{
  return self->domain;
}

const VitrinePciHost *
vitrine_target_get_pci_host (VitrineTarget *self)
{
  return self->pci;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* Moves from one call to the next; each ends the task when it fails. */
typedef struct
{
  char           *was;
  VitrineDomain  *domain;
  VitrinePciHost *pci;
  gboolean        definition_only;
} Loading;

static void
loading_free (gpointer data)
{
  Loading *loading = data;

  vitrine_secret_text_free (loading->was);
  g_clear_object (&loading->domain);
  vitrine_pci_host_free (loading->pci);
  g_free (loading);
}

static void
loaded (GTask *task)
{
  VitrineTarget *self = g_task_get_source_object (task);
  Loading *loading = g_task_get_task_data (task);

  vitrine_secret_text_free (self->was);
  self->was = g_steal_pointer (&loading->was);
  g_set_object (&self->domain, loading->domain);
  if (!loading->definition_only)
    {
      vitrine_pci_host_free (self->pci);
      self->pci = g_steal_pointer (&loading->pci);
    }
  g_task_return_boolean (task, TRUE);
}

static void
mark_local_users (VitrineTarget *self, VitrinePciHost *pci)
{
  for (guint i = 0; i < vitrine_library_get_size (self->library); i++)
    {
      VitrineMachine *machine = vitrine_library_get (self->library, i);
      VitrineDomain *domain = vitrine_machine_get_domain (machine);
      if (domain != NULL && machine != self->machine)
        vitrine_pci_host_mark_user (pci, domain, vitrine_machine_get_title (machine), FALSE);
    }
}

/* Of five hundred machines few do: the others are not read at length. */
static gboolean
may_have_devices (const char *xml)
{
  return strstr (xml, "hostdev") != NULL || strstr (xml, "nvme") != NULL;
}

static void
definitions_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  VitrineTarget *self = g_task_get_source_object (task);
  Loading *loading = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr(GPtrArray) all = vitrine_host_list_definitions_finish (VITRINE_HOST (source), result, &error);

  const char *own = self->guest != NULL ? vitrine_guest_get_uuid (as_guest (self)) : "";
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      const VitrineHostDefinitionText *text = all->pdata[i];
      g_autoptr(VitrineDomain) domain
        = g_ascii_strcasecmp (text->uuid, own) != 0 && may_have_devices (text->xml)
            ? vitrine_domain_new_from_data (text->xml, strlen (text->xml), text->title, NULL)
            : NULL;
      if (domain != NULL)
        vitrine_pci_host_mark_user (loading->pci, domain, text->title, text->runs);
    }
  if (all != NULL)
    loaded (task);
  else
    g_task_return_error (task, error);
}

/* The definitions of all others are read last: they are the most. */
static void
pci_read (GTask *task)
{
  VitrineTarget *self = g_task_get_source_object (task);
  Loading *loading = g_task_get_task_data (task);

  if (self->host == NULL)
    {
      mark_local_users (self, loading->pci);
      loaded (task);
      return;
    }
  vitrine_host_list_definitions_async (self->host, definitions_listed, g_object_ref (task));
}

static void
read_tree (GTask *task, gpointer source, gpointer tree, GCancellable *cancellable)
{
  g_task_return_pointer (task, vitrine_pci_host_new_from_tree (tree), (GDestroyNotify) vitrine_pci_host_free);
}

static void
host_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Loading *loading = g_task_get_task_data (task);

  loading->pci = g_task_propagate_pointer (G_TASK (result), NULL);
  pci_read (task);
}

/* Names that libvirt does not give are looked up here. */
static void
read_node_devices (GTask *task, gpointer source, gpointer xml, GCancellable *cancellable)
{
  g_autoptr(VitrineHostTree) here = vitrine_host_tree_new ("/");
  g_autoptr(VitrinePciIds) ids = vitrine_pci_ids_new (here);

  g_task_return_pointer (task, vitrine_pci_host_new_from_libvirt (xml, ids), (GDestroyNotify) vitrine_pci_host_free);
}

static void
devices_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  GStrv xml = vitrine_host_list_node_devices_finish (VITRINE_HOST (source), result, &error);

  if (xml == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_autoptr(GTask) reading = g_task_new (g_task_get_source_object (task), NULL, host_read, g_object_ref (task));
  g_task_set_task_data (reading, xml, (GDestroyNotify) g_strfreev);
  g_task_run_in_thread (reading, read_node_devices);
}

static void
read_devices (GTask *task)
{
  VitrineTarget *self = g_task_get_source_object (task);

  if (((const Loading *) g_task_get_task_data (task))->definition_only)
    {
      loaded (task);
      return;
    }
  if (self->tree == NULL)
    {
      vitrine_host_list_node_devices_async (self->host, VITRINE_HOST_DEVICES_PCI, devices_listed, g_object_ref (task));
      return;
    }
  g_autoptr(GTask) reading = g_task_new (self, NULL, host_read, g_object_ref (task));
  g_task_set_task_data (reading, vitrine_host_tree_ref (self->tree), (GDestroyNotify) vitrine_host_tree_unref);
  g_task_run_in_thread (reading, read_tree);
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  Loading *loading = g_task_get_task_data (task);
  GError *error = NULL;

  loading->was = vitrine_host_guest_read_definition_finish (VITRINE_HOST_GUEST (source), result, &error);
  if (loading->was != NULL)
    loading->domain = vitrine_domain_new_from_data (loading->was, strlen (loading->was),
                                                    vitrine_guest_get_title (VITRINE_GUEST (source)), &error);
  if (loading->domain != NULL)
    read_devices (task);
  else
    g_task_return_error (task, error);
}

static void
load_async (VitrineTarget *self, gboolean definition_only, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);
  Loading *loading = g_new0 (Loading, 1);
  VitrineDomain *domain = self->draft != NULL     ? self->draft
                          : self->machine != NULL ? vitrine_machine_get_domain (self->machine)
                                                  : NULL;

  loading->definition_only = definition_only;
  g_task_set_task_data (task, loading, loading_free);
  if (self->guest != NULL)
    {
      vitrine_host_guest_read_definition_async (self->guest, VITRINE_HOST_DEFINITION_WITH_SECRETS, definition_read,
                                                g_object_ref (task));
      return;
    }
  if (self->machine != NULL && domain == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", vitrine_machine_get_message (self->machine));
      return;
    }
  loading->domain = domain != NULL ? vitrine_domain_copy (domain) : NULL;
  read_devices (task);
}

void
vitrine_target_load_async (VitrineTarget *self, GAsyncReadyCallback done, gpointer data)
{
  load_async (self, FALSE, done, data);
}

void
vitrine_target_load_definition_async (VitrineTarget *self, GAsyncReadyCallback done, gpointer data)
{
  load_async (self, TRUE, done, data);
}

gboolean
vitrine_target_load_finish (VitrineTarget *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void
written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;

  if (vitrine_host_guest_write_definition_finish (VITRINE_HOST_GUEST (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vitrine_target_write_async (VitrineTarget *self, VitrineDomain *domain, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);
  GError *error = NULL;

  if (self->guest != NULL)
    {
      g_autofree char *xml = vitrine_domain_to_xml (domain);
      vitrine_host_guest_write_definition_async (self->guest, self->was, xml, written, g_object_ref (task));
    }
  else if (vitrine_machine_set_domain (self->machine, domain, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

gboolean
vitrine_target_write_finish (VitrineTarget *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_target_finalize (GObject *object)
{
  VitrineTarget *self = VITRINE_TARGET (object);

  g_clear_object (&self->host);
  g_clear_object (&self->guest);
  g_clear_object (&self->library);
  g_clear_object (&self->machine);
  g_clear_object (&self->draft);
  g_clear_pointer (&self->tree, vitrine_host_tree_unref);
  vitrine_secret_text_free (self->was);
  g_clear_object (&self->domain);
  vitrine_pci_host_free (self->pci);
  vitrine_pci_ids_free (self->ids);
  G_OBJECT_CLASS (vitrine_target_parent_class)->finalize (object);
}

static void
vitrine_target_class_init (VitrineTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_target_finalize;
}

static void
vitrine_target_init (VitrineTarget *self)
{
}

VitrineTarget *
vitrine_target_new_for_guest (VitrineHost *host, VitrineHostGuest *guest)
{
  VitrineTarget *self = g_object_new (VITRINE_TYPE_TARGET, NULL);

  self->host = g_object_ref (host);
  self->guest = g_object_ref (guest);
  self->tree = vitrine_host_is_here (host) ? vitrine_host_tree_open () : NULL;
  return self;
}

VitrineTarget *
vitrine_target_new_for_draft (VitrineLibrary *library, VitrineMachine *machine, VitrineDomain *draft)
{
  VitrineTarget *self = vitrine_target_new_for_machine (library, machine);

  self->draft = g_object_ref (draft);
  return self;
}

VitrineTarget *
vitrine_target_new_for_host (VitrineHost *host, VitrineLibrary *library)
{
  VitrineTarget *self = g_object_new (VITRINE_TYPE_TARGET, NULL);

  g_set_object (&self->host, host);
  g_set_object (&self->library, library);
  self->tree = host == NULL || vitrine_host_is_here (host) ? vitrine_host_tree_open () : NULL;
  return self;
}

VitrineTarget *
vitrine_target_new_for_machine (VitrineLibrary *library, VitrineMachine *machine)
{
  VitrineTarget *self = g_object_new (VITRINE_TYPE_TARGET, NULL);

  self->library = g_object_ref (library);
  self->machine = g_object_ref (machine);
  self->tree = vitrine_host_tree_open ();
  return self;
}
