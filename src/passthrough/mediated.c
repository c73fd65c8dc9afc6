/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mediated.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "helper-client.h"
#include "host-devices.h"
#include "host-mediated.h"
#include "task-end.h"

struct _VitrineMediated
{
  GObject parent_instance;

  VitrineHost     *host;       /* NULL: this computer */
  VitrineHostTree *tree;       /* NULL: not this computer */
  VitrineApMatrix *matrix;
  VitrineMdevs    *mdevs;
  GPtrArray       *channels;
};

G_DEFINE_FINAL_TYPE (VitrineMediated, vitrine_mediated, G_TYPE_OBJECT)

/* --- life -------------------------------------------------------------------------------------------------------- */

VitrineMediated *
vitrine_mediated_new (VitrineHost *host)
{
  VitrineMediated *self = g_object_new (VITRINE_TYPE_MEDIATED, NULL);

  g_set_object (&self->host, host);
  if (host == NULL || vitrine_host_is_here (host))
    self->tree = vitrine_host_tree_open ();
  return self;
}

gboolean
vitrine_mediated_is_local (VitrineMediated *self)
{
  return self->tree != NULL;
}

const char *
vitrine_mediated_get_name (VitrineMediated *self)
{
  return self->tree != NULL ? _("this computer") : vitrine_host_get_name (self->host);
}

const VitrineApMatrix *
vitrine_mediated_get_matrix (VitrineMediated *self)
{
  return self->matrix;
}

const VitrineMdevs *
vitrine_mediated_get_mdevs (VitrineMediated *self)
{
  return self->mdevs;
}

const GPtrArray *
vitrine_mediated_get_channels (VitrineMediated *self)
{
  return self->channels;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineApMatrix *matrix;
  VitrineMdevs    *mdevs;
  GPtrArray       *channels;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;

  vitrine_ap_matrix_free (reading->matrix);
  vitrine_mdevs_free (reading->mdevs);
  g_clear_pointer (&reading->channels, g_ptr_array_unref);
  g_free (reading);
}

static void
read_tree (GTask *task, gpointer source, gpointer tree, GCancellable *cancellable)
{
  Reading *reading = g_new0 (Reading, 1);

  reading->matrix = vitrine_ap_matrix_new_from_tree (tree);
  reading->mdevs = vitrine_mdevs_new_from_tree (tree);
  reading->channels = vitrine_ccw_list_from_tree (tree);
  g_task_return_pointer (task, reading, reading_free);
}

static void
nodes_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  g_auto(GStrv) xml = vitrine_host_list_node_devices_finish (VITRINE_HOST (source), result, &error);

  if (xml == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  Reading *reading = g_new0 (Reading, 1);
  reading->matrix = vitrine_ap_matrix_new_from_libvirt ((const char *const *) xml);
  reading->mdevs = vitrine_mdevs_new_from_libvirt ((const char *const *) xml);
  reading->channels = g_ptr_array_new ();
  g_task_return_pointer (task, reading, reading_free);
}

void
vitrine_mediated_read_async (VitrineMediated *self, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);

  if (self->tree == NULL)
    {
      vitrine_host_list_node_devices_async (self->host, VITRINE_HOST_DEVICES_MEDIATED, nodes_listed,
                                            g_steal_pointer (&task));
      return;
    }
  g_task_set_task_data (task, vitrine_host_tree_ref (self->tree), (GDestroyNotify) vitrine_host_tree_unref);
  g_task_run_in_thread (task, read_tree);
}

gboolean
vitrine_mediated_read_finish (VitrineMediated *self, GAsyncResult *result, GError **error)
{
  Reading *reading = g_task_propagate_pointer (G_TASK (result), error),
          was = { self->matrix, self->mdevs, self->channels };

  if (reading == NULL)
    return FALSE;
  self->matrix = reading->matrix;
  self->mdevs = reading->mdevs;
  self->channels = reading->channels;
  *reading = was;
  reading_free (reading);
  return TRUE;
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

/* What libvirt takes; NULL: it is no change that libvirt can make, or one that cannot be made. */
static char *
make_xml (VitrineMediated *self, const VitrineMediatedChange *change, GError **error)
{
  if (change->verb == VITRINE_MEDIATED_CREATE_MATRIX)
    return vitrine_ap_xml_create (self->matrix, &change->selection, change->uuid, error);
  if (change->verb == VITRINE_MEDIATED_CREATE)
    return vitrine_mdev_xml_create (self->mdevs, change->parent, change->type, change->uuid, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       _("libvirt cannot do that from here: use Vitrine on the host itself."));
  return NULL;
}

static gboolean
is_removal (const VitrineMediatedChange *change)
{
  return change->verb == VITRINE_MEDIATED_REMOVE || change->verb == VITRINE_MEDIATED_REMOVE_MATRIX;
}

static char *
preview_libvirt (VitrineMediated *self, const VitrineMediatedChange *change, GError **error)
{
  g_autofree char *uri = g_shell_quote (vitrine_host_get_uri (self->host));
  g_autofree char *node = change->uuid != NULL ? g_strdup_printf ("mdev_%s_*", change->uuid) : NULL;

  if (is_removal (change))
    {
      g_strdelimit (node, "-", '_');
      return g_strdup_printf ("virsh -c %s nodedev-destroy %s\nvirsh -c %s nodedev-undefine %s\n", uri, node, uri,
                              node);
    }
  g_autofree char *xml = make_xml (self, change, error);
  if (xml == NULL)
    return NULL;
  g_strdelimit (node, "-", '_');
  return g_strdup_printf ("virsh -c %s nodedev-define /dev/stdin <<'END'\n%sEND\n"
                          "virsh -c %s nodedev-autostart %s\nvirsh -c %s nodedev-start %s\n",
                          uri, xml, uri, node, uri, node);
}

/* What a thread needs of a change: its strings live in its parameters. */
typedef struct
{
  VitrineMediatedVerb verb;
  GVariant           *parameters;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_variant_unref (request->parameters);
  g_free (request);
}

static void
set_request (GTask *task, const VitrineMediatedChange *change)
{
  Request *request = g_new0 (Request, 1);

  request->verb = change->verb;
  request->parameters = g_variant_ref_sink (vitrine_mediated_change_to_parameters (change));
  g_task_set_task_data (task, request, request_free);
}

static VitrineHostPlan *
plan_request (VitrineMediated *self, const Request *request, GError **error)
{
  VitrineMediatedChange change;

  vitrine_mediated_change_parse (&change, request->verb, request->parameters);
  return vitrine_mediated_change_plan (&change, self->tree, error);
}

static void
return_text (GTask *task, char *text, GError *error)
{
  if (text != NULL)
    g_task_return_pointer (task, text, g_free);
  else
    g_task_return_error (task, error);
}

static void
preview_tree (GTask *task, gpointer source, gpointer request, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr(VitrineHostPlan) plan = plan_request (source, request, &error);

  return_text (task, plan != NULL ? vitrine_host_plan_to_shell (plan) : NULL, error);
}

void
vitrine_mediated_preview_async (VitrineMediated *self, const VitrineMediatedChange *change, GCancellable *cancellable,
                                GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, cancellable, done, data);
  GError *error = NULL;

  if (self->tree == NULL)
    {
      char *text = preview_libvirt (self, change, &error);
      return_text (task, text, error);
      return;
    }
  set_request (task, change);
  g_task_run_in_thread (task, preview_tree);
}

char *
vitrine_mediated_preview_finish (VitrineMediated *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
changed_by_libvirt (GObject *source, GAsyncResult *result, gpointer task)
{
  GError *error = NULL;
  gboolean ok = vitrine_host_mediated_finish (VITRINE_HOST (source), result, &error);

  vitrine_task_end (task, ok, error);
}

static void
apply_by_libvirt (VitrineMediated *self, const VitrineMediatedChange *change, GTask *task)
{
  GError *error = NULL;

  if (is_removal (change))
    {
      vitrine_host_remove_mediated_async (self->host, change->uuid, changed_by_libvirt, task);
      return;
    }
  g_autofree char *xml = make_xml (self, change, &error);
  if (xml != NULL)
    vitrine_host_make_mediated_async (self->host, xml, changed_by_libvirt, task);
  else
    vitrine_task_end (task, FALSE, error);
}

static void
changed_by_helper (GObject *source, GAsyncResult *result, gpointer task)
{
  GError *error = NULL;
  gboolean ok = vitrine_helper_call_finish (result, &error);

  vitrine_task_end (task, ok, error);
}

/* As root, and in a tree of a test, nobody has to be asked. */
static void
apply_directly (GTask *task, gpointer source, gpointer request, GCancellable *cancellable)
{
  VitrineMediated *self = source;
  GError *error = NULL;
  g_autoptr(VitrineHostPlan) plan = plan_request (self, request, &error);

  if (plan != NULL && vitrine_host_plan_run (plan, self->tree, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vitrine_mediated_apply_async (VitrineMediated *self, const VitrineMediatedChange *change, GAsyncReadyCallback done,
                              gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);

  if (self->tree == NULL)
    apply_by_libvirt (self, change, task);
  else if (geteuid () == 0 || !vitrine_host_tree_is_real (self->tree))
    {
      set_request (task, change);
      g_task_run_in_thread (task, apply_directly);
      g_object_unref (task);
    }
  else
    vitrine_helper_call_async (vitrine_mediated_change_get_method (change),
                               vitrine_mediated_change_to_parameters (change), NULL, changed_by_helper, task);
}

gboolean
vitrine_mediated_apply_finish (VitrineMediated *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- object ------------------------------------------------------------------------------------------------------ */

static void
vitrine_mediated_finalize (GObject *object)
{
  VitrineMediated *self = VITRINE_MEDIATED (object);

  g_clear_object (&self->host);
  g_clear_pointer (&self->tree, vitrine_host_tree_unref);
  vitrine_ap_matrix_free (self->matrix);
  vitrine_mdevs_free (self->mdevs);
  g_clear_pointer (&self->channels, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_mediated_parent_class)->finalize (object);
}

static void
vitrine_mediated_class_init (VitrineMediatedClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_mediated_finalize;
}

static void
vitrine_mediated_init (VitrineMediated *self)
{
}
