/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-files.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>

#include "service-devices.h"

#define PROGRESS_US (G_USEC_PER_SEC / 10)

struct VitrineFileService
{
  VitrineService          *service;
  VitrineBusMachine1      *skeleton;
  const VitrineFileKeeper *keeper;
  gpointer                 data;
};

/* One that is under way; it outlives its service, when the machine ends. */
typedef struct
{
  const VitrineFileKeeper *keeper;
  gpointer                 data;
  GDBusMethodInvocation   *call;
  GCancellable            *cancellable;   /* with the client */
  gulong                   closed;
  gint64                   told;          /* monotonic time */
} Sending;

static void
tell (gpointer data, guint64 done, guint64 whole)
{
  Sending *sending = data;
  gint64 now = g_get_monotonic_time ();

  if (now - sending->told < PROGRESS_US && done < whole)
    return;
  sending->told = now;
  g_dbus_connection_emit_signal (g_dbus_method_invocation_get_connection (sending->call), NULL, VITRINE_SERVICE_OBJECT,
                                 "org.vitrine.Machine1", "FilesProgress", g_variant_new ("(tt)", done, whole), NULL);
}

static void
sent (GObject *source, GAsyncResult *result, gpointer data)
{
  Sending *sending = data;
  g_autoptr(GError) error = NULL;

  sending->keeper->finish (sending->data, result, &error);
  g_signal_handler_disconnect (g_dbus_method_invocation_get_connection (sending->call), sending->closed);
  if (error != NULL)
    g_dbus_method_invocation_return_gerror (sending->call, error);
  else
    g_dbus_method_invocation_return_value (sending->call, NULL);
  g_object_unref (sending->cancellable);
  g_free (sending);
}

static void
send_files (VitrineFileService *self, GDBusMethodInvocation *call, const char *const *names, const GArray *fds)
{
  Sending *sending = g_new0 (Sending, 1);

  *sending = (Sending) { .keeper = self->keeper, .data = self->data, .call = call, .cancellable = g_cancellable_new () };
  sending->closed = g_signal_connect_swapped (g_dbus_method_invocation_get_connection (call), "closed",
                                              G_CALLBACK (g_cancellable_cancel), sending->cancellable);
  self->keeper->send (self->data, names, (const int *) fds->data, fds->len, tell, sending, sending->cancellable, sent,
                      sending);
}

static gboolean
handle_send_files (VitrineFileService *self, GDBusMethodInvocation *call, GUnixFDList *list, const char *const *names,
                   GVariant *handles)
{
  gsize n = g_variant_n_children (handles);
  const char *problem = NULL;

  if (vitrine_service_get_backend (self->service) == NULL)
    problem = _("The machine is not running.");
  else if (self->keeper == NULL)
    problem = _("This machine has no window.");
  else if (n != g_strv_length ((char **) names) || n > VITRINE_FILES_MAX)
    problem = _("Each name needs its file, and there may be at most 200.");
  if (problem != NULL)
    {
      g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_FAILED, problem);
      return TRUE;
    }
  g_autoptr(GArray) fds = vitrine_service_take_fds (list, handles);
  send_files (self, call, names, fds);
  return TRUE;
}

VitrineFileService *
vitrine_file_service_new (VitrineService *service, VitrineBusMachine1 *skeleton)
{
  VitrineFileService *self = g_new0 (VitrineFileService, 1);

  self->service = service;
  self->skeleton = skeleton;
  g_signal_connect_swapped (skeleton, "handle-send-files", G_CALLBACK (handle_send_files), self);
  return self;
}

void
vitrine_file_service_free (VitrineFileService *self)
{
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_free (self);
}

void
vitrine_file_service_set_keeper (VitrineFileService *self, const VitrineFileKeeper *functions, gpointer keeper)
{
  self->keeper = functions;
  self->data = keeper;
}
