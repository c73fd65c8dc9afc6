/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-trace.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "service-devices.h"

struct VitrineTraceService
{
  VitrineService     *service;
  VitrineBusMachine1 *skeleton;
  VitrineBackend     *backend;   /* the one that is traced; NULL: none */
  int                 watched;   /* the pipe once more: it tells when the reader goes */
  guint               watch;     /* source id */
};

void
vitrine_trace_service_end (VitrineTraceService *self)
{
  if (self->backend == NULL)
    return;
  vitrine_backend_trace (self->backend, NULL, -1, NULL);
  g_clear_handle_id (&self->watch, g_source_remove);
  close (self->watched);
  g_clear_object (&self->backend);
}

static gboolean
reader_gone (int fd, GIOCondition condition, gpointer data)
{
  VitrineTraceService *self = data;

  self->watch = 0;
  vitrine_trace_service_end (self);
  return G_SOURCE_REMOVE;
}

static gboolean
begin (VitrineTraceService *self, VitrineBackend *backend, const char *const *globs, int pipe, GError **error)
{
  int watched = fcntl (pipe, F_DUPFD_CLOEXEC, 0);

  if (watched < 0 || !vitrine_backend_trace (backend, globs, pipe, error))
    {
      if (watched < 0)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, g_strerror (errno));
      else
        close (watched);
      return FALSE;
    }
  self->backend = g_object_ref (backend);
  self->watched = watched;
  self->watch = g_unix_fd_add (watched, G_IO_ERR | G_IO_HUP, reader_gone, self);
  return TRUE;
}

static gboolean
handle_trace (VitrineTraceService *self, GDBusMethodInvocation *call, GUnixFDList *list, const char *const *globs, GVariant *handle)
{
  g_autoptr(GError) error = NULL;
  VitrineBackend *backend = vitrine_service_get_backend (self->service);
  int pipe = backend != NULL ? vitrine_service_take_fd (list, handle) : -1;

  if (backend == NULL)
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_FAILED, _("The machine is not running."));
  else if (pipe < 0)
    g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("There is no file to write to."));
  else if (!begin (self, backend, globs, pipe, &error))
    g_dbus_method_invocation_return_gerror (call, error);
  else
    vitrine_bus_machine1_complete_trace (self->skeleton, call, NULL);
  return TRUE;
}

VitrineTraceService *
vitrine_trace_service_new (VitrineService *service, VitrineBusMachine1 *skeleton)
{
  VitrineTraceService *self = g_new0 (VitrineTraceService, 1);

  self->service = service;
  self->skeleton = skeleton;
  g_signal_connect_swapped (skeleton, "handle-trace", G_CALLBACK (handle_trace), self);
  return self;
}

void
vitrine_trace_service_free (VitrineTraceService *self)
{
  vitrine_trace_service_end (self);
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_free (self);
}
