/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a host to this computer: its volumes become images of ours, its definition a machine of the library. The host
 * keeps everything. */
#include "move-private.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "disk-image.h"
#include "host-shipment.h"
#include "host-text.h"
#include "import.h"
#include "packing.h"
#include "paths.h"
#include "snapshot-store.h"
#include "translate.h"

#define VITRINE_TYPE_MOVE_TO_HERE (vitrine_move_to_here_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMoveToHere, vitrine_move_to_here, VITRINE, MOVE_TO_HERE, VitrineMove)

struct _VitrineMoveToHere
{
  VitrineMove parent_instance;

  VitrineHostGuest *guest;
  VitrineLibrary   *library;
  VitrineDomain    *here;      /* as the library gets it; NULL before the checks */
  GPtrArray        *cargo;     /* of VitrineHostCargo */
  GPtrArray        *checks;    /* being made */
  char             *scratch;   /* while it runs */
};

G_DEFINE_FINAL_TYPE (VitrineMoveToHere, vitrine_move_to_here, VITRINE_TYPE_MOVE)

static VitrineHost *
host_of (VitrineMoveToHere *self)
{
  return vitrine_move_get_source (VITRINE_MOVE (self));
}

static void
end (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static gboolean
is_off (VitrineMoveToHere *self)
{
  return !vitrine_state_is_alive (vitrine_guest_get_state (VITRINE_GUEST (self->guest)));
}

static void
check_guest (VitrineMoveToHere *self, GPtrArray *checks)
{
  if (!is_off (self))
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("State"), _("The machine is running: shut it down first."));
  else if (vitrine_guest_is_suspended (VITRINE_GUEST (self->guest)))
    vitrine_checks_add (
        checks, VITRINE_CHECK_REFUSED, _("State"),
        _("The machine is suspended, with work that is only in its memory: start it and shut it down first."));
  vitrine_checks_pass (checks, _("State"), _("The machine is off."));
}

static void
check_library (VitrineMoveToHere *self, GPtrArray *checks)
{
  g_autofree char *uuid = vitrine_domain_get_uuid (self->here), *name = vitrine_domain_get_name (self->here);
  g_autofree char *free_name = vitrine_library_free_name (self->library, name);
  VitrineMachine *same = vitrine_library_lookup (self->library, uuid);

  if (same != NULL)
    vitrine_checks_add (
        checks, VITRINE_CHECK_REFUSED, _("Name"),
        _("“%s” in the library has the same UUID. It may be this machine from before a move. Delete it first."),
        vitrine_machine_get_title (same));
  else if (!g_str_equal (name, free_name))
    vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Name"),
                        _("There is a machine called “%s” already: this one will be called “%s”."), name, free_name);
  vitrine_checks_pass (checks, _("Name"), _("Its name and UUID are free here."));
}

static gboolean
is_chain (const VitrineHostCargo *cargo)
{
  return cargo->chain != NULL && cargo->chain[0] != NULL;
}

/* Disks and kernels must come; UEFI variables are a loss that can be borne. */
static void
check_cargo (VitrineMoveToHere *self, const VitrineHostCargo *cargo, GPtrArray *checks)
{
  g_autofree char *named = vitrine_host_text (cargo->named, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *broken = vitrine_host_text (cargo->broken, VITRINE_HOST_TITLE_CHARS);

  if (cargo->path == NULL && g_str_equal (cargo->what, "nvram"))
    vitrine_checks_add (
        checks, VITRINE_CHECK_WARNED, _("Firmware"),
        _("The UEFI settings (“%s”) are in no storage pool of the host: the machine begins with fresh ones here."),
        named);
  else if (cargo->path == NULL)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Disks"),
                        _("“%s” is in no active storage pool of the host, so that it cannot be fetched: make a pool "
                          "of its folder, or start the pool."),
                        named);
  else if (cargo->broken != NULL)
    vitrine_checks_add (
        checks, VITRINE_CHECK_REFUSED, _("Disks"),
        _("“%s” stands on “%s”, which is in no active storage pool of the host, so that it cannot be fetched."), named,
        broken);
  else if (is_chain (cargo))
    vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Disks"),
                        _("“%s” stands on other images: all of them are fetched, and become one image here."), named);
}

static void
check_disks (VitrineMoveToHere *self, GPtrArray *checks)
{
  guint64 bytes = 0, available = vitrine_disk_image_free_space ();

  for (guint i = 0; i < self->cargo->len; i++)
    {
      const VitrineHostCargo *cargo = self->cargo->pdata[i];
      check_cargo (self, cargo, checks);
      bytes
          += cargo->file_bytes
             + (is_chain (cargo) ? MIN (cargo->file_bytes, cargo->capacity_bytes) : 0); /* for a while both are there */
    }
  g_autofree char *needed = g_format_size (bytes), *left = g_format_size (available);
  if (available != 0 && available < bytes)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Storage"),
                        _("The disks need %s, and this computer has %s left for them."), needed, left);
  else
    vitrine_checks_add (checks, VITRINE_CHECK_PASSED, _("Storage"), _("The disks need %s here."), needed);
}

static void
snapshots_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHere *self = g_task_get_source_object (task);
  g_autofree char *current = NULL;
  g_autoptr(GPtrArray) snapshots = vitrine_host_guest_list_snapshots_finish (self->guest, result, &current, NULL);

  if (snapshots != NULL && snapshots->len > 0)
    vitrine_checks_add (self->checks, VITRINE_CHECK_WARNED, _("Snapshots"),
                        _("The machine comes as it is now. Its snapshots stay on the host."));
  check_guest (self, self->checks);
  check_library (self, self->checks);
  check_disks (self, self->checks);
  g_task_return_pointer (task, g_steal_pointer (&self->checks), (GDestroyNotify) g_ptr_array_unref);
  g_object_unref (task);
}

static void
cargo_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHere *self = g_task_get_source_object (task);
  GError *error = NULL;

  g_clear_pointer (&self->cargo, g_ptr_array_unref);
  self->cargo = vitrine_host_guest_list_cargo_finish (self->guest, result, &error);
  if (self->cargo == NULL)
    end (task, error);
  else
    vitrine_host_guest_list_snapshots_async (self->guest, snapshots_listed, task);
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHere *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autofree char *xml = vitrine_host_guest_read_definition_finish (self->guest, result, &error);

  if (xml == NULL)
    {
      end (task, error);
      return;
    }
  g_clear_pointer (&self->checks, g_ptr_array_unref);
  g_clear_object (&self->here);
  self->checks = vitrine_checks_new ();
  self->here = vitrine_translate_to_here (xml, self->checks);
  if (self->here != NULL)
    {
      vitrine_host_guest_list_cargo_async (self->guest, cargo_listed, task);
      return;
    }
  g_task_return_pointer (task, g_steal_pointer (&self->checks), (GDestroyNotify) g_ptr_array_unref);
  g_object_unref (task);
}

static void
check (VitrineMove *move, GTask *task)
{
  VitrineMoveToHere *self = VITRINE_MOVE_TO_HERE (move);

  vitrine_host_guest_read_definition_async (self->guest, VITRINE_HOST_DEFINITION_NEXT, definition_read, task);
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

/* Images in the scratch folder, from the top, that become one. */
typedef struct
{
  GStrv names;
  char *to;
} Join;

static void
join_free (gpointer data)
{
  Join *join = data;

  g_strfreev (join->names);
  g_free (join->to);
  g_free (join);
}

/* Where everything goes; by the task that runs. */
typedef struct
{
  GPtrArray     *joins;       /* of Join */
  guint          number;      /* of images in the scratch folder */
  VitrineDomain *domain;      /* with those files */
  GPtrArray     *paths, *files;   /* char*, NULL at the end */
  char          *nvram;       /* among the files, in the scratch folder; borrowed; NULL: none */
} Plan;

static void
plan_free (gpointer data)
{
  Plan *plan = data;

  g_object_unref (plan->domain);
  g_ptr_array_unref (plan->joins);
  g_ptr_array_unref (plan->paths);
  g_ptr_array_unref (plan->files);
  g_free (plan);
}

static void
drop_files (const Plan *plan)
{
  for (guint i = 0; plan->files->pdata[i] != NULL; i++)
    g_unlink (plan->files->pdata[i]);
  for (guint i = 0; i < plan->joins->len; i++)
    g_unlink (((Join *) plan->joins->pdata[i])->to);
}

static char *
place_for (VitrineMoveToHere *self, const VitrineHostCargo *cargo, const char *name)
{
  g_autofree char *images = vitrine_paths_images (), *words = g_strdup_printf ("%s %s", name, cargo->what);

  if (g_str_equal (cargo->what, "nvram"))
    return g_build_filename (self->scratch, "nvram.fd", NULL);
  return vitrine_paths_free_name (images, words, g_strcmp0 (cargo->format, "qcow2") == 0 ? ".qcow2" : ".raw");
}

static void
plan_file (Plan *plan, const char *path, char *file)
{
  g_ptr_array_add (plan->paths, g_strdup (path));
  g_ptr_array_add (plan->files, file);
}

/* Names there are long paths, and must become shorter ones. */
static char *
plan_part (VitrineMoveToHere *self, Plan *plan, const char *path)
{
  char *name = g_strdup_printf ("%u", plan->number++);

  plan_file (plan, path, g_build_filename (self->scratch, name, NULL));
  return name;
}

static void
plan_chain (VitrineMoveToHere *self, Plan *plan, const VitrineHostCargo *cargo, const char *to)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new ();
  Join *join = g_new0 (Join, 1);
  g_autofree char *top = plan_part (self, plan, cargo->path);

  g_strv_builder_add (names, top);
  for (guint i = 0; cargo->chain[i] != NULL; i++)
    {
      g_autofree char *name = plan_part (self, plan, cargo->chain[i]);
      g_strv_builder_add (names, name);
    }
  join->names = g_strv_builder_end (names);
  join->to = g_strdup (to);
  g_ptr_array_add (plan->joins, join);
}

static void
plan_cargo (VitrineMoveToHere *self, Plan *plan, const VitrineHostCargo *cargo, const char *name)
{
  char *file = place_for (self, cargo, name);

  if (g_str_equal (cargo->what, "nvram"))
    plan->nvram = file;
  else
    vitrine_packing_set_path (plan->domain, cargo->what, file, NULL);
  if (!is_chain (cargo))
    {
      plan_file (plan, cargo->path, file);
      return;
    }
  plan_chain (self, plan, cargo, file);
  g_free (file);
}

static Plan *
make_plan (VitrineMoveToHere *self)
{
  Plan *plan = g_new0 (Plan, 1);
  g_autofree char *wish = vitrine_domain_get_name (self->here), *name = vitrine_library_free_name (self->library, wish);

  plan->domain = vitrine_domain_copy (self->here);
  plan->joins = g_ptr_array_new_with_free_func (join_free);
  plan->paths = g_ptr_array_new_with_free_func (g_free);
  plan->files = g_ptr_array_new_with_free_func (g_free);
  if (!g_str_equal (name, wish))
    vitrine_domain_set_name (plan->domain, name);
  vitrine_domain_set_nvram (plan->domain, NULL);   /* the library has its own place */
  for (guint i = 0; i < self->cargo->len; i++)
    {
      const VitrineHostCargo *cargo = self->cargo->pdata[i];
      if (cargo->path != NULL)
        plan_cargo (self, plan, cargo, name);
    }
  g_ptr_array_add (plan->paths, NULL);
  g_ptr_array_add (plan->files, NULL);
  return plan;
}

static gboolean
add_to_library (VitrineMoveToHere *self, const Plan *plan, GError **error)
{
  VitrineMachine *machine = vitrine_library_add (self->library, plan->domain, error);

  if (machine == NULL)
    return FALSE;
  g_autofree char *nvram = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "nvram.fd");
  if (plan->nvram != NULL && !vitrine_snapshot_copy_part (plan->nvram, nvram, error))
    return FALSE;
  vitrine_move_set_machine (VITRINE_MOVE (self), machine);
  return TRUE;
}

static gboolean
take_in (VitrineMoveToHere *self, const Plan *plan, GError **error)
{
  if (!is_off (self))
    {
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                   _("“%s” was started on the host while its disks were fetched: what came here is of no use, and is "
                     "gone. Shut it down, and try again."),
                   vitrine_move_get_title (VITRINE_MOVE (self)));
      return FALSE;
    }
  return add_to_library (self, plan, error);
}

static char *
conclude (VitrineMoveToHere *self, GError **error)
{
  VitrineMachine *machine = vitrine_move_get_machine (VITRINE_MOVE (self));
  gboolean start = vitrine_move_get_options (VITRINE_MOVE (self))->start;

  if (start && !vitrine_machine_start (machine, error))
    {
      g_prefix_error (error, _("“%s” is on this computer now, but does not start: "),
                      vitrine_machine_get_title (machine));
      return NULL;
    }
  if (start)
    vitrine_move_set_started (VITRINE_MOVE (self));
  return g_strdup_printf (_("“%s” is on this computer now. “%s” still has it, too: never run both."),
                          vitrine_machine_get_title (machine), vitrine_host_get_name (host_of (self)));
}

/* @error: what went wrong so far; NULL: nothing. */
static void
end_run (VitrineMoveToHere *self, GTask *task, GError *error)
{
  const Plan *plan = g_task_get_task_data (task);
  char *words = NULL;

  if (error == NULL && take_in (self, plan, &error))
    words = conclude (self, &error);
  else
    drop_files (plan);
  g_clear_pointer (&self->scratch, vitrine_scratch_remove);
  if (words != NULL)
    g_task_return_pointer (task, words, g_free);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

/* --- chains, in a thread ------------------------------------------------------------------------------------------ */

static gboolean
joined_so_far (gpointer cancellable, double fraction)
{
  return !g_cancellable_is_cancelled (cancellable);
}

static void
join_all (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Plan *plan = data;
  VitrineMoveToHere *self = source;
  VitrinePart part = { joined_so_far, vitrine_move_get_cancellable (VITRINE_MOVE (self)), 0, 1 };
  GError *error = NULL;

  for (guint i = 0; i < plan->joins->len; i++)
    {
      const Join *join = plan->joins->pdata[i];
      if (vitrine_packing_join (self->scratch, (const char *const *) join->names, join->to, &part, &error))
        continue;
      g_task_return_error (task, error);
      return;
    }
  g_task_return_boolean (task, TRUE);
}

static void
joined (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveToHere *self = VITRINE_MOVE_TO_HERE (source);
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  if (error != NULL && g_cancellable_is_cancelled (vitrine_move_get_cancellable (VITRINE_MOVE (self))))
    {
      g_clear_error (&error);
      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled."));
    }
  end_run (self, data, error);
}

static void
fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveToHere *self = g_task_get_source_object (data);
  Plan *plan = g_task_get_task_data (data);
  GError *error = NULL;

  if (!vitrine_host_fetch_finish (VITRINE_HOST (source), result, &error) || plan->joins->len == 0)
    {
      end_run (self, data, error);
      return;
    }
  vitrine_move_tell (VITRINE_MOVE (self), 1, _("Making one image of those that stand on each other"), NULL);
  g_autoptr(GTask) work = g_task_new (self, NULL, joined, data);
  g_task_set_task_data (work, plan, NULL);   /* the run's task has it */
  g_task_run_in_thread (work, join_all);
}

static void
fetching (guint64 done_bytes, guint64 total_bytes, gpointer data)
{
  g_autofree char *bytes = vitrine_move_bytes_of (done_bytes, total_bytes);
  g_autofree char *words = g_strdup_printf (_("Fetching: %s"), bytes);

  vitrine_move_tell (data, total_bytes > 0 ? (double) done_bytes / (double) total_bytes : 0, words, NULL);
}

static void
run (VitrineMove *move, GTask *task)
{
  VitrineMoveToHere *self = VITRINE_MOVE_TO_HERE (move);
  g_autofree char *images = vitrine_paths_images ();
  GError *error = NULL;

  self->scratch = vitrine_scratch_new (images, &error);
  if (self->scratch == NULL)
    {
      end (task, error);
      return;
    }
  Plan *plan = make_plan (self);
  g_task_set_task_data (task, plan, plan_free);
  vitrine_host_fetch_async (host_of (self), (const char *const *) plan->paths->pdata,
                            (const char *const *) plan->files->pdata, vitrine_move_get_cancellable (move), fetching,
                            self, fetched, task);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_move_to_here_finalize (GObject *object)
{
  VitrineMoveToHere *self = VITRINE_MOVE_TO_HERE (object);

  g_clear_object (&self->guest);
  g_clear_object (&self->library);
  g_clear_object (&self->here);
  g_clear_pointer (&self->cargo, g_ptr_array_unref);
  g_clear_pointer (&self->checks, g_ptr_array_unref);
  g_clear_pointer (&self->scratch, vitrine_scratch_remove);
  G_OBJECT_CLASS (vitrine_move_to_here_parent_class)->finalize (object);
}

static void
vitrine_move_to_here_class_init (VitrineMoveToHereClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_move_to_here_finalize;
  VITRINE_MOVE_CLASS (klass)->kind = VITRINE_MOVE_KIND_TO_HERE;
  VITRINE_MOVE_CLASS (klass)->check = check;
  VITRINE_MOVE_CLASS (klass)->run = run;
}

static void
vitrine_move_to_here_init (VitrineMoveToHere *self)
{
}

VitrineMove *
vitrine_move_new_to_here (VitrineHostGuest *guest, VitrineLibrary *library)
{
  VitrineMoveToHere *self = g_object_new (VITRINE_TYPE_MOVE_TO_HERE, NULL);

  self->guest = g_object_ref (guest);
  self->library = g_object_ref (library);
  vitrine_move_set_source (VITRINE_MOVE (self), vitrine_host_guest_get_host (guest));
  vitrine_move_set_title (VITRINE_MOVE (self), vitrine_guest_get_title (VITRINE_GUEST (guest)));
  return VITRINE_MOVE (self);
}
