/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods of org.vitrine.Machine1 about devices of a running machine. */
#include "service-devices.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* The running machine, or NULL after the call was refused. */
static VitrineBackend *
running (VitrineService *service, GDBusMethodInvocation *call)
{
  VitrineBackend *backend = vitrine_service_get_backend (service);

  if (backend == NULL)
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_FAILED, _("The machine is not running."));
  return backend;
}

/* TRUE: the answer has been given, with the error, which is only there when the rest of the arguments has been computed. */
static gboolean
refused (GDBusMethodInvocation *call, gboolean ok, GError **error)
{
  if (!ok)
    g_dbus_method_invocation_return_gerror (call, *error);
  return !ok;
}

int
vitrine_service_take_fd (GUnixFDList *list, GVariant *handle)
{
  return list != NULL ? g_unix_fd_list_get (list, g_variant_get_handle (handle), NULL) : -1;
}

static gboolean
handle_change_medium (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, guint drive, const char *name,
                      GVariant *handle, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL
      && !refused (call, vitrine_backend_change_medium (backend, drive, name, vitrine_service_take_fd (list, handle), &error), &error))
    vitrine_bus_machine1_complete_change_medium (skeleton, call, NULL);
  return TRUE;
}

static gboolean
handle_eject_medium (VitrineService *self, GDBusMethodInvocation *call, guint drive, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_change_medium (backend, drive, NULL, -1, &error), &error))
    vitrine_bus_machine1_complete_eject_medium (skeleton, call);
  return TRUE;
}

static gboolean
handle_set_memory (VitrineService *self, GDBusMethodInvocation *call, guint64 bytes, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_set_memory (backend, bytes, &error), &error))
    vitrine_bus_machine1_complete_set_memory (skeleton, call);
  return TRUE;
}

static gboolean
handle_get_memory (VitrineService *self, GDBusMethodInvocation *call, VitrineBusMachine1 *skeleton)
{
  VitrineBackend *backend = running (self, call);

  if (backend != NULL)
    vitrine_bus_machine1_complete_get_memory (skeleton, call, vitrine_backend_get_memory (backend));
  return TRUE;
}

static gboolean
handle_set_link (VitrineService *self, GDBusMethodInvocation *call, guint card, gboolean up, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_set_link (backend, card, up, &error), &error))
    vitrine_bus_machine1_complete_set_link (skeleton, call);
  return TRUE;
}

static gboolean
handle_set_mac (VitrineService *self, GDBusMethodInvocation *call, guint card, GVariant *address, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  gsize n;
  const guint8 *mac = g_variant_get_fixed_array (address, &n, 1);

  if (backend == NULL)
    return TRUE;
  if (n != 6 || (mac[0] & 1) != 0)
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("That is not a card’s address."));
  else if (!refused (call, vitrine_backend_set_mac (backend, card, mac, &error), &error))
    vitrine_bus_machine1_complete_set_mac (skeleton, call);
  return TRUE;
}

static gboolean
handle_set_forwards (VitrineService *self, GDBusMethodInvocation *call, guint card, const char *const *rules,
                     VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_set_forwards (backend, card, rules, &error), &error))
    vitrine_bus_machine1_complete_set_forwards (skeleton, call);
  return TRUE;
}

static gboolean
handle_get_forwards (VitrineService *self, GDBusMethodInvocation *call, guint card, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  g_auto(GStrv) rules = backend != NULL ? vitrine_backend_get_forwards (backend, card, &error) : NULL;

  if (backend != NULL && !refused (call, rules != NULL, &error))
    vitrine_bus_machine1_complete_get_forwards (skeleton, call, (const char *const *) rules);
  return TRUE;
}

static gboolean
handle_start_capture (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, guint card, GVariant *handle,
                      VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  int fd = backend != NULL ? vitrine_service_take_fd (list, handle) : -1;

  if (backend == NULL)
    return TRUE;
  if (fd < 0)
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("There is no file to write to."));
  else if (!refused (call, vitrine_backend_capture (backend, card, fd, &error), &error))
    vitrine_bus_machine1_complete_start_capture (skeleton, call, NULL);
  return TRUE;
}

static gboolean
handle_stop_capture (VitrineService *self, GDBusMethodInvocation *call, guint card, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_capture (backend, card, -1, &error), &error))
    vitrine_bus_machine1_complete_stop_capture (skeleton, call);
  return TRUE;
}

/* --- Hot plug ------------------------------------------------------------------------------------------------------- */

static void
close_all (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    if (g_array_index (fds, int, i) >= 0)
      close (g_array_index (fds, int, i));
  g_array_unref (fds);
}

GArray *
vitrine_service_take_fds (GUnixFDList *list, GVariant *handles)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (gsize i = 0; i < g_variant_n_children (handles); i++)
    {
      g_autoptr(GVariant) handle = g_variant_get_child_value (handles, i);
      int fd = vitrine_service_take_fd (list, handle);
      g_array_append_val (fds, fd);
    }
  return fds;
}

/* The descriptor that @words name by @key; -1: none. */
static int
take_word (GUnixFDList *list, GVariant *words, const char *key)
{
  g_autoptr(GVariant) handle = g_variant_lookup_value (words, key, G_VARIANT_TYPE_HANDLE);

  return handle != NULL ? vitrine_service_take_fd (list, handle) : -1;
}

static gboolean
handle_attach_disk (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, guint number, GVariant *disk,
                    const char *const *paths, GVariant *handles, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend == NULL)
    return TRUE;
  GArray *fds = vitrine_service_take_fds (list, handles);
  int key = take_word (list, disk, "key");
  if (fds->len != g_strv_length ((char **) paths))
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("Each path needs its file."));
  else if (!refused (call, vitrine_backend_add_disk (backend, number, disk, paths, (const int *) fds->data, key, &error), &error))
    vitrine_bus_machine1_complete_attach_disk (skeleton, call, NULL);
  g_array_append_val (fds, key);
  close_all (fds);
  return TRUE;
}

static gboolean
handle_attach_network (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, guint number, GVariant *card,
                       VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  int device = backend != NULL ? take_word (list, card, "device") : -1;

  if (backend != NULL && !refused (call, vitrine_backend_add_network (backend, number, card, device, &error), &error))
    {
      if (device >= 0)
        g_signal_emit_by_name (self, "card-came", card, device);
      vitrine_bus_machine1_complete_attach_network (skeleton, call, NULL);
    }
  if (device >= 0)
    close (device);
  return TRUE;
}

static gboolean
handle_resize_disk (VitrineService *self, GDBusMethodInvocation *call, const char *id, guint64 bytes, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_grow_disk (backend, id, bytes, &error), &error))
    vitrine_bus_machine1_complete_resize_disk (skeleton, call);
  return TRUE;
}

static gboolean
handle_get_disk_size (VitrineService *self, GDBusMethodInvocation *call, const char *id, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  guint64 bytes = 0;

  if (backend != NULL && !refused (call, vitrine_backend_get_disk_size (backend, id, &bytes, &error), &error))
    vitrine_bus_machine1_complete_get_disk_size (skeleton, call, bytes);
  return TRUE;
}

typedef struct
{
  VitrineService        *self;
  GDBusMethodInvocation *call;   /* answering takes it */
  VitrineDeviceKind      kind;
  char                  *id;
} Removal;

static void
device_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  Removal *removal = data;
  VitrineBackend *backend = vitrine_service_get_backend (removal->self);
  g_autoptr(GError) error = NULL;
  gboolean gone = vitrine_backend_remove_device_finish (result, &error);

  if (gone && removal->kind == VITRINE_DEVICE_NETWORK)
    g_signal_emit_by_name (removal->self, "card-went", removal->id);
  if (gone && backend != NULL)
    vitrine_backend_emit_capture_changed (backend);     /* there are fewer cards */
  if (gone)
    g_dbus_method_invocation_return_value (removal->call, NULL);
  else
    g_dbus_method_invocation_return_gerror (removal->call, error);
  g_object_unref (removal->self);
  g_free (removal->id);
  g_free (removal);
}

static gboolean
remove_device (VitrineService *self, GDBusMethodInvocation *call, VitrineDeviceKind kind, const char *id)
{
  VitrineBackend *backend = running (self, call);

  if (backend == NULL)
    return TRUE;
  Removal *removal = g_new (Removal, 1);
  *removal = (Removal) { g_object_ref (self), call, kind, g_strdup (id) };
  vitrine_backend_remove_device_async (backend, kind, id, device_removed, removal);
  return TRUE;
}

static gboolean
handle_detach_disk (VitrineService *self, GDBusMethodInvocation *call, const char *id, VitrineBusMachine1 *skeleton)
{
  return remove_device (self, call, VITRINE_DEVICE_DISK, id);
}

static gboolean
handle_detach_network (VitrineService *self, GDBusMethodInvocation *call, const char *mac, VitrineBusMachine1 *skeleton)
{
  return remove_device (self, call, VITRINE_DEVICE_NETWORK, mac);
}

/* --- USB ------------------------------------------------------------------------------------------------------------- */

static gboolean
handle_attach_usb (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, const char *id, GVariant *handle,
                   VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);
  int fd = backend != NULL ? vitrine_service_take_fd (list, handle) : -1;

  if (backend == NULL)
    return TRUE;
  if (fd < 0 || vitrine_backend_count_usb_ports (backend) == 0)
    {
      g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                                     _("The machine has no ports for USB devices of this computer."));
      if (fd >= 0)
        close (fd);
    }
  else if (!refused (call, vitrine_backend_plug_usb (backend, id, fd, &error), &error))
    vitrine_bus_machine1_complete_attach_usb (skeleton, call, NULL);
  return TRUE;
}

static gboolean
handle_detach_usb (VitrineService *self, GDBusMethodInvocation *call, const char *id, VitrineBusMachine1 *skeleton)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = running (self, call);

  if (backend != NULL && !refused (call, vitrine_backend_unplug_usb (backend, id, &error), &error))
    vitrine_bus_machine1_complete_detach_usb (skeleton, call);
  return TRUE;
}

static gboolean
handle_list_usb (VitrineService *self, GDBusMethodInvocation *call, VitrineBusMachine1 *skeleton)
{
  VitrineBackend *backend = running (self, call);
  g_auto(GStrv) ids = backend != NULL ? vitrine_backend_list_usb (backend) : NULL;

  if (backend != NULL)
    vitrine_bus_machine1_complete_list_usb (skeleton, call, (const char *const *) ids);
  return TRUE;
}

void
vitrine_service_connect_devices (VitrineService *self, VitrineBusMachine1 *skeleton)
{
  const struct { const char *signal; GCallback function; } methods[] = {
    { "handle-change-medium", G_CALLBACK (handle_change_medium) }, { "handle-eject-medium", G_CALLBACK (handle_eject_medium) },
    { "handle-set-memory", G_CALLBACK (handle_set_memory) },       { "handle-get-memory", G_CALLBACK (handle_get_memory) },
    { "handle-set-link", G_CALLBACK (handle_set_link) },           { "handle-set-mac", G_CALLBACK (handle_set_mac) },
    { "handle-set-forwards", G_CALLBACK (handle_set_forwards) },   { "handle-get-forwards", G_CALLBACK (handle_get_forwards) },
    { "handle-attach-disk", G_CALLBACK (handle_attach_disk) },     { "handle-detach-disk", G_CALLBACK (handle_detach_disk) },
    { "handle-attach-usb", G_CALLBACK (handle_attach_usb) },       { "handle-detach-usb", G_CALLBACK (handle_detach_usb) },
    { "handle-list-usb", G_CALLBACK (handle_list_usb) },
    { "handle-get-disk-size", G_CALLBACK (handle_get_disk_size) },
    { "handle-resize-disk", G_CALLBACK (handle_resize_disk) },
    { "handle-attach-network", G_CALLBACK (handle_attach_network) },
    { "handle-detach-network", G_CALLBACK (handle_detach_network) },
    { "handle-start-capture", G_CALLBACK (handle_start_capture) }, { "handle-stop-capture", G_CALLBACK (handle_stop_capture) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_signal_connect_swapped (skeleton, methods[i].signal, methods[i].function, self);
}
