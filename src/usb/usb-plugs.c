/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-plugs.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "usb-giving.h"

#define LOOK_SECONDS 1

struct _VitrineUsbPlugs
{
  GObject parent_instance;

  VitrineHostTree       *tree;
  const VitrineUsbGiver *giver;
  gpointer               giver_data;
  VitrineBackend        *backend;
  GPtrArray             *devices;
  GHashTable            *problems;    /* id -> sentence */
  GHashTable            *names;       /* id -> name of what the guest has: it may be gone from the list */
  char                  *asked;       /* the one that is being opened; NULL: none */
  GQueue                 waiting;     /* char*: ids, after it */
  guint                  watchers, timer;
};

G_DEFINE_FINAL_TYPE (VitrineUsbPlugs, vitrine_usb_plugs, G_TYPE_OBJECT)

enum { CHANGED, LEFT, FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
emit_changed (VitrineUsbPlugs *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* --- Devices ------------------------------------------------------------------------------------------------------ */

static gboolean
is_same (const VitrineUsbDevice *a, const VitrineUsbDevice *b)
{
  return g_str_equal (a->id, b->id) && g_str_equal (a->port, b->port) && g_str_equal (a->name, b->name)
         && g_strcmp0 (a->loss, b->loss) == 0;
}

static gboolean
are_same (const GPtrArray *a, const GPtrArray *b)
{
  gboolean same = a->len == b->len;

  for (guint i = 0; same && i < a->len; i++)
    same = is_same (a->pdata[i], b->pdata[i]);
  return same;
}

/* TRUE: there is something new. */
static gboolean
look (VitrineUsbPlugs *self)
{
  GPtrArray *now = vitrine_usb_devices_list (self->tree);
  gboolean same = self->devices != NULL && are_same (self->devices, now);

  g_clear_pointer (&self->devices, g_ptr_array_unref);
  self->devices = now;
  return !same;
}

static gboolean
look_again (gpointer data)
{
  VitrineUsbPlugs *self = data;

  if (look (self))
    emit_changed (self);
  return G_SOURCE_CONTINUE;
}

GPtrArray *
vitrine_usb_plugs_get_devices (VitrineUsbPlugs *self)
{
  if (self->devices == NULL || self->watchers == 0)
    look (self);
  return self->devices;
}

void
vitrine_usb_plugs_watch (VitrineUsbPlugs *self, gboolean on)
{
  self->watchers += on ? 1 : (guint) -1;
  if (on && self->watchers == 1)
    {
      look (self);
      self->timer = g_timeout_add_seconds (LOOK_SECONDS, look_again, self);
    }
  else if (self->watchers == 0)
    g_clear_handle_id (&self->timer, g_source_remove);
}

/* --- States ------------------------------------------------------------------------------------------------------- */

static gboolean
is_plugged (VitrineUsbPlugs *self, const char *id)
{
  g_auto(GStrv) ids = self->backend != NULL ? vitrine_backend_list_usb (self->backend) : NULL;

  return ids != NULL && g_strv_contains ((const char *const *) ids, id);
}

static gboolean
is_waiting (VitrineUsbPlugs *self, const char *id)
{
  return g_strcmp0 (self->asked, id) == 0 || g_queue_find_custom (&self->waiting, id, (GCompareFunc) g_strcmp0) != NULL;
}

VitrineUsbState
vitrine_usb_plugs_get_state (VitrineUsbPlugs *self, const char *id)
{
  if (is_plugged (self, id))
    return VITRINE_USB_PLUGGED;
  return is_waiting (self, id) ? VITRINE_USB_ASKED : VITRINE_USB_FREE;
}

const char *
vitrine_usb_plugs_get_problem (VitrineUsbPlugs *self, const char *id)
{
  return g_hash_table_lookup (self->problems, id);
}

/* --- Giving and taking -------------------------------------------------------------------------------------------- */

static void
remember_name (VitrineUsbPlugs *self, const char *id)
{
  GPtrArray *devices = vitrine_usb_plugs_get_devices (self);

  for (guint i = 0; i < devices->len; i++)
    {
      const VitrineUsbDevice *device = devices->pdata[i];
      if (g_str_equal (device->id, id))
        g_hash_table_replace (self->names, g_strdup (id), g_strdup (device->name));
    }
}

static const char *
name_of (VitrineUsbPlugs *self, const char *id)
{
  const char *name = g_hash_table_lookup (self->names, id);

  return name != NULL ? name : id;
}

static void next (VitrineUsbPlugs *self);

static void
given (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineUsbPlugs) self = data;
  g_autofree char *id = g_steal_pointer (&self->asked);
  g_autoptr(GError) error = NULL;
  int fd = self->giver->give_finish (self->giver_data, result, &error);

  if (fd >= 0 && self->backend != NULL)
    vitrine_backend_plug_usb (self->backend, id, fd, &error);
  else if (fd >= 0)
    close (fd);                                  /* the machine has ended meanwhile */
  if (error != NULL)
    {
      g_hash_table_replace (self->problems, g_strdup (id), g_strdup (error->message));
      g_autofree char *sentence = g_strdup_printf (_("The guest does not get “%s”: %s"), name_of (self, id), error->message);
      if (self->watchers == 0)
        g_signal_emit (self, signals[FAILED], 0, sentence);
    }
  emit_changed (self);
  next (self);
}

static void
next (VitrineUsbPlugs *self)
{
  if (self->asked != NULL || self->backend == NULL)
    return;
  self->asked = g_queue_pop_head (&self->waiting);
  if (self->asked != NULL)
    self->giver->give_async (self->giver_data, self->asked, given, g_object_ref (self));
}

void
vitrine_usb_plugs_plug (VitrineUsbPlugs *self, const char *id)
{
  if (vitrine_usb_plugs_get_state (self, id) != VITRINE_USB_FREE)
    return;
  remember_name (self, id);
  g_hash_table_remove (self->problems, id);
  g_queue_push_tail (&self->waiting, g_strdup (id));
  next (self);
  emit_changed (self);
}

void
vitrine_usb_plugs_unplug (VitrineUsbPlugs *self, const char *id)
{
  g_autoptr(GError) error = NULL;

  g_hash_table_remove (self->problems, id);
  if (is_plugged (self, id) && !vitrine_backend_unplug_usb (self->backend, id, &error))
    g_hash_table_replace (self->problems, g_strdup (id), g_strdup (error->message));
  emit_changed (self);
}

void
vitrine_usb_plugs_plug_all (VitrineUsbPlugs *self, GPtrArray *hostdevs)
{
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (self->tree);

  for (guint i = 0; i < hostdevs->len; i++)
    {
      const VitrineUsbHostdev *hostdev = hostdevs->pdata[i];
      g_autoptr(GError) error = NULL;
      const VitrineUsbDevice *device = vitrine_usb_devices_find (devices, &hostdev->wanted, &error);
      if (device != NULL)
        vitrine_usb_plugs_plug (self, device->id);
      else if (!hostdev->optional)
        g_signal_emit (self, signals[FAILED], 0, error->message);
    }
}

gboolean
vitrine_usb_plugs_check (VitrineUsbPlugs *self, GPtrArray *hostdevs, GError **error)
{
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (self->tree);

  for (guint i = 0; i < hostdevs->len; i++)
    {
      const VitrineUsbHostdev *hostdev = hostdevs->pdata[i];
      if (!hostdev->optional && vitrine_usb_devices_find (devices, &hostdev->wanted, error) == NULL)
        return FALSE;
    }
  return TRUE;
}

/* --- The machine -------------------------------------------------------------------------------------------------- */

static void
left (VitrineUsbPlugs *self, const char *id)
{
  g_autofree char *sentence = g_strdup_printf (_("“%s” is no longer plugged into this computer: the guest has lost it."), name_of (self, id));

  g_signal_emit (self, signals[LEFT], 0, sentence);
}

void
vitrine_usb_plugs_set_backend (VitrineUsbPlugs *self, VitrineBackend *backend)
{
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_set_object (&self->backend, backend);
  g_queue_clear_full (&self->waiting, g_free);
  g_hash_table_remove_all (self->problems);
  if (backend != NULL)
    {
      g_signal_connect_swapped (backend, "usb-changed", G_CALLBACK (emit_changed), self);
      g_signal_connect_swapped (backend, "usb-left", G_CALLBACK (left), self);
    }
  emit_changed (self);
}

VitrineBackend *
vitrine_usb_plugs_get_backend (VitrineUsbPlugs *self)
{
  return self->backend;
}

/* --- Who opens them ----------------------------------------------------------------------------------------------- */

static void
give_in_thread (GTask *task, gpointer source, gpointer id, GCancellable *cancellable)
{
  GError *error = NULL;
  int fd = vitrine_usb_give (id, &error);

  if (fd >= 0)
    g_task_return_int (task, fd);
  else
    g_task_return_error (task, error);
}

static void
direct_give_async (gpointer data, const char *id, GAsyncReadyCallback done, gpointer done_data)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, done, done_data);

  g_task_set_task_data (task, g_strdup (id), g_free);
  g_task_run_in_thread (task, give_in_thread);
}

static int
direct_give_finish (gpointer data, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

const VitrineUsbGiver vitrine_usb_giver_direct = { direct_give_async, direct_give_finish };

/* --- GObject ------------------------------------------------------------------------------------------------------ */

static void
vitrine_usb_plugs_dispose (GObject *object)
{
  VitrineUsbPlugs *self = VITRINE_USB_PLUGS (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_clear_object (&self->backend);
  g_queue_clear_full (&self->waiting, g_free);
  G_OBJECT_CLASS (vitrine_usb_plugs_parent_class)->dispose (object);
}

static void
vitrine_usb_plugs_finalize (GObject *object)
{
  VitrineUsbPlugs *self = VITRINE_USB_PLUGS (object);

  g_free (self->asked);
  g_hash_table_unref (self->problems);
  g_hash_table_unref (self->names);
  g_clear_pointer (&self->devices, g_ptr_array_unref);
  vitrine_host_tree_unref (self->tree);
  G_OBJECT_CLASS (vitrine_usb_plugs_parent_class)->finalize (object);
}

static void
vitrine_usb_plugs_class_init (VitrineUsbPlugsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = vitrine_usb_plugs_dispose;
  object_class->finalize = vitrine_usb_plugs_finalize;
  signals[CHANGED] = g_signal_new ("changed", VITRINE_TYPE_USB_PLUGS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[LEFT] = g_signal_new ("left", VITRINE_TYPE_USB_PLUGS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[FAILED] = g_signal_new ("failed", VITRINE_TYPE_USB_PLUGS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_STRING);
}

static void
vitrine_usb_plugs_init (VitrineUsbPlugs *self)
{
  self->problems = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

VitrineUsbPlugs *
vitrine_usb_plugs_new (VitrineHostTree *tree, const VitrineUsbGiver *giver, gpointer giver_data)
{
  VitrineUsbPlugs *self = g_object_new (VITRINE_TYPE_USB_PLUGS, NULL);

  self->tree = vitrine_host_tree_ref (tree);
  self->giver = giver;
  self->giver_data = giver_data;
  return self;
}
