/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "helper.h"

#include <glib/gi18n-lib.h>

#include "host-helper1.h"
#include "polkit.h"
#include "requests.h"

#define MAX_WAITING 16   /* calls: whoever has more is no window */
#define LAST_SECONDS 1   /* for calls that were under way when the name was given up */

typedef struct
{
  const VitrineHelper *setup;
  GMainLoop           *loop;
  GDBusConnection     *bus;
  GQueue               allowed;      /* of Call: what polkit has said yes to */
  gboolean             working;
  guint                n_calls;      /* that have no answer yet */
  guint                owner;        /* of the name; 0: given up, as nobody called */
  guint                idle;         /* timer */
  int                  status;
} Service;

typedef struct
{
  Service                    *service;
  const VitrineHelperRequest *request;
  GDBusMethodInvocation      *invocation;
} Call;

/* --- going away --------------------------------------------------------------------------------------------------- */

static void rest (Service *self);

/* The name first: whoever calls from then on has the bus start another one. What was sent before still comes. */
static gboolean
idle_too_long (gpointer data)
{
  Service *self = data;

  self->idle = 0;
  if (self->owner == 0)
    g_main_loop_quit (self->loop);
  else
    {
      g_bus_unown_name (self->owner);
      self->owner = 0;
      rest (self);
    }
  return G_SOURCE_REMOVE;
}

static void
rest (Service *self)
{
  guint seconds = self->owner != 0 ? self->setup->idle_seconds : LAST_SECONDS;

  g_clear_handle_id (&self->idle, g_source_remove);
  if (self->n_calls == 0)
    self->idle = g_timeout_add_seconds (seconds, idle_too_long, self);
}

/* --- one call ----------------------------------------------------------------------------------------------------- */

/* Takes @error; NULL: all is well. Frees the call. */
static void
answer (Call *call, GError *error)
{
  Service *self = call->service;

  if (error != NULL)
    g_dbus_method_invocation_take_error (call->invocation, error);
  else
    g_dbus_method_invocation_return_value (call->invocation, NULL);
  g_free (call);
  self->n_calls--;
  rest (self);
}

/* What a caller has to tell apart. */
static GError *
error_for_bus (const GError *error)
{
  VitrineHelperError code = VITRINE_HELPER_ERROR_FAILED;

  if (error->domain == VITRINE_HELPER_ERROR)
    return g_error_copy (error);
  if (g_error_matches (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_LEFT))
    code = VITRINE_HELPER_ERROR_LEFT;
  return g_error_new_literal (VITRINE_HELPER_ERROR, code, error->message);
}

static void
plan_and_run (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Call *call = data;
  const VitrineHelper *setup = call->service->setup;
  GError *error = NULL;
  g_autoptr(VitrineHostPlan) plan
    = call->request->plan (setup->tree, g_dbus_method_invocation_get_parameters (call->invocation), &error);

  if (plan != NULL && setup->hands != NULL)
    vitrine_host_plan_run_by (plan, setup->tree, setup->hands, setup->data, &error);
  else if (plan != NULL)
    vitrine_host_plan_run (plan, setup->tree, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void work_on (Service *self);

static void
done (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  Service *self = call->service;
  g_autoptr(GError) error = NULL;

  self->working = FALSE;
  g_task_propagate_boolean (G_TASK (result), &error);
  answer (call, error != NULL ? error_for_bus (error) : NULL);
  work_on (self);
}

/* One at a time: each plan is made of what the one before has left. */
static void
work_on (Service *self)
{
  Call *call = self->working ? NULL : g_queue_pop_head (&self->allowed);

  if (call == NULL)
    return;
  self->working = TRUE;
  g_autoptr(GTask) task = g_task_new (NULL, NULL, done, call);
  g_task_set_task_data (task, call, NULL);
  g_task_run_in_thread (task, plan_and_run);
}

static void
polkit_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  Service *self = call->service;
  GError *error = NULL;

  if (vitrine_polkit_check_finish (result, &error))
    {
      g_queue_push_tail (&self->allowed, call);
      work_on (self);
    }
  else
    answer (call, error);
}

static void
called (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *method,
        GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  Service *self = data;
  const VitrineHelperRequest *request = vitrine_helper_find_request (method);

  if (request == NULL || self->n_calls >= MAX_WAITING)
    {
      g_dbus_method_invocation_return_error_literal (invocation, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_FAILED,
                                                     request == NULL ? "no such request"
                                                                     : _("Too many requests at once."));
      return;
    }
  Call *call = g_new0 (Call, 1);
  call->service = self;
  call->request = request;
  call->invocation = invocation;
  self->n_calls++;
  rest (self);
  vitrine_polkit_check_async (bus, sender, request->action, polkit_answered, call);
}

/* --- the bus ------------------------------------------------------------------------------------------------------ */

static void
bus_acquired (GDBusConnection *bus, const char *name, gpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = called };
  Service *self = data;
  g_autoptr(GError) error = NULL;

  if (g_dbus_connection_register_object (bus, VITRINE_HELPER_PATH, vitrine_bus_host_helper1_interface_info (), &vtable,
                                         self, NULL, &error)
      == 0)
    {
      g_printerr ("vitrine-host-helper: %s\n", error->message);
      self->status = 1;
      g_main_loop_quit (self->loop);
    }
}

static void
name_lost (GDBusConnection *bus, const char *name, gpointer data)
{
  Service *self = data;

  g_printerr (_("vitrine-host-helper: the name %s cannot be had on the bus.\n"), name);
  self->status = 1;
  g_main_loop_quit (self->loop);
}

int
vitrine_helper_run (const VitrineHelper *setup)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Service self = { .setup = setup, .loop = loop };

  vitrine_helper_error_quark ();   /* errors have their names from here on */
  self.owner = g_bus_own_name (setup->bus, VITRINE_HELPER_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, bus_acquired, NULL,
                               name_lost, &self, NULL);
  rest (&self);
  g_main_loop_run (loop);
  if (self.owner != 0)
    g_bus_unown_name (self.owner);
  g_clear_handle_id (&self.idle, g_source_remove);
  return self.status;
}
