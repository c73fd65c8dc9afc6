/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From this computer to a host: images that stand on others become one file each (in our image folder), then everything
 * goes over in one shipment. The machine cannot start meanwhile, as we hold its lock. */
#include "move-private.h"

#include <glib/gi18n-lib.h>

#include "host-shipment.h"
#include "host-text.h"
#include "packing.h"
#include "paths.h"
#include "run-lock.h"
#include "snapshot-store.h"
#include "translate.h"

#define FLATTENED 0.3   /* of the whole, where there is anything to flatten */

#define VITRINE_TYPE_MOVE_TO_HOST (vitrine_move_to_host_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMoveToHost, vitrine_move_to_host, VITRINE, MOVE_TO_HOST, VitrineMove)

struct _VitrineMoveToHost
{
  VitrineMove parent_instance;

  VitrineDomain *there;       /* as the host gets it, once the checks are done */
  GPtrArray     *files;       /* of VitrinePackedFile */
  GPtrArray     *checks;      /* being made */
  char          *looked_at;   /* the definition that was checked */

  char          *scratch;     /* while it runs */
  char          *lock;
  int            held;
  double         begin;       /* of the shipment, in the whole */
};

G_DEFINE_FINAL_TYPE (VitrineMoveToHost, vitrine_move_to_host, VITRINE_TYPE_MOVE)

static VitrineDomain *
domain_of (VitrineMoveToHost *self)
{
  return vitrine_machine_get_domain (vitrine_move_get_machine (VITRINE_MOVE (self)));
}

static const char *
host_name (VitrineMoveToHost *self)
{
  return vitrine_host_get_name (vitrine_move_get_target (VITRINE_MOVE (self)));
}

/* UEFI variables go along only to the same firmware, which the translated definition names then. */
static gboolean
goes_along (VitrineMoveToHost *self, const VitrinePackedFile *file)
{
  g_autofree char *loader = vitrine_domain_get_loader (self->there);

  return !g_str_equal (file->what, "nvram") || loader != NULL;
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static void
check_machine (VitrineMoveToHost *self, GPtrArray *checks)
{
  VitrineMachine *machine = vitrine_move_get_machine (VITRINE_MOVE (self));
  VitrineState state = vitrine_machine_get_state (machine);

  if (vitrine_state_has_process (state) || vitrine_state_is_alive (state))
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("State"), _("The machine is running: turn it off first."));
  else if (vitrine_machine_is_suspended (machine))
    vitrine_checks_add (
        checks, VITRINE_CHECK_REFUSED, _("State"),
        _("The machine is suspended, with work that is only in its memory: start it and shut it down first."));
  vitrine_checks_pass (checks, _("State"), _("The machine is off."));
}

static void
check_snapshots (VitrineMoveToHost *self, GPtrArray *checks)
{
  g_autofree char *folder = vitrine_machine_get_folder (vitrine_move_get_machine (VITRINE_MOVE (self)));
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autoptr(GPtrArray) list = vitrine_snapshot_store_list (snapshots);

  if (list->len > 0)
    vitrine_checks_add (
        checks, VITRINE_CHECK_WARNED, _("Snapshots"),
        g_dngettext (
            GETTEXT_PACKAGE, "The machine goes as it is now. Its snapshot stays here: the host cannot go back to it.",
            "The machine goes as it is now. Its %u snapshots stay here: the host cannot go back to them.", list->len),
        list->len);
}

static guint64
bytes_to_send (VitrineMoveToHost *self)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->files->len; i++)
    sum += ((VitrinePackedFile *) self->files->pdata[i])->file_bytes;
  return sum;
}

static void
check_chains (VitrineMoveToHost *self, GPtrArray *checks)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const VitrinePackedFile *file = self->files->pdata[i];
      if (file->others > 0)
        vitrine_checks_add (checks, VITRINE_CHECK_WARNED, _("Disks"),
                            _("The disk “%s” stands on other images: it goes as one image that holds all of it. The "
                              "images here stay as they are."),
                            file->what);
    }
}

static void
try_paths (VitrineMoveToHost *self, const VitrineHostPool *pool, VitrineDomain *domain)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const VitrinePackedFile *file = self->files->pdata[i];
      g_autofree char *path = g_build_filename (pool->path != NULL ? pool->path : "/", file->name, NULL);
      if (goes_along (self, file))
        vitrine_packing_set_path (domain, file->what, path, file->others > 0 ? "qcow2" : NULL);
    }
}

static void
end_checks (VitrineMoveToHost *self, GTask *task)
{
  g_task_return_pointer (task, g_steal_pointer (&self->checks), (GDestroyNotify) g_ptr_array_unref);
  g_object_unref (task);
}

static void
definition_tried (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHost *self = g_task_get_source_object (task);
  g_autoptr(GError) error = NULL;

  if (!vitrine_host_check_definition_finish (VITRINE_HOST (source), result, &error))
    vitrine_checks_add (self->checks, VITRINE_CHECK_REFUSED, _("Definition"),
                        _("The host would refuse the definition: %s"), error->message);
  vitrine_checks_pass (self->checks, _("Definition"), _("The host would take the definition."));
  end_checks (self, task);
}

/* Everything that can be said without the host's opinion of the definition. FALSE: it need not be asked any more. */
static gboolean
check_against (VitrineMoveToHost *self, const VitrineHostOffer *offer)
{
  const char *network = vitrine_move_get_options (VITRINE_MOVE (self))->network;
  g_autofree char *name = vitrine_domain_get_name (domain_of (self)),
                  *uuid = vitrine_domain_get_uuid (domain_of (self));

  check_machine (self, self->checks);
  vitrine_move_check_identity (offer, host_name (self), name, uuid, self->checks);
  if (offer->machine == NULL)
    {
      vitrine_checks_add (self->checks, VITRINE_CHECK_REFUSED, _("Board"),
                          _("The host does not offer this machine’s board: %s"), offer->no_machine);
      return FALSE;
    }
  if (network != NULL && vitrine_host_offer_find_network (offer, network) == NULL)
    vitrine_checks_add (self->checks, VITRINE_CHECK_REFUSED, _("Network"), _("The host has no network “%s”."), network);
  else if (network != NULL && !vitrine_host_offer_find_network (offer, network)->active)
    vitrine_checks_add (self->checks, VITRINE_CHECK_WARNED, _("Network"),
                        _("The network “%s” of the host is not active: the machine cannot start before it is."),
                        network);
  g_set_object (&self->there, NULL);
  self->there = vitrine_translate_to_host (domain_of (self), offer, network, self->checks);
  check_chains (self, self->checks);
  check_snapshots (self, self->checks);
  return TRUE;
}

static void
offer_read (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHost *self = g_task_get_source_object (task);
  GError *error = NULL;
  VitrineHostOffer *offer = vitrine_host_read_offer_finish (VITRINE_HOST (source), result, &error);

  if (offer == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  vitrine_move_take_offer (VITRINE_MOVE (self), offer);
  gboolean ask = check_against (self, offer);
  const VitrineHostPool *pool = vitrine_move_check_pool (VITRINE_MOVE (self), bytes_to_send (self), self->checks);
  if (!ask || pool == NULL)
    {
      end_checks (self, task);
      return;
    }
  g_autoptr(VitrineDomain) tried = vitrine_domain_copy (self->there);
  try_paths (self, pool, tried);
  vitrine_domain_set_macs (tried,
                           (const char *const[]){ NULL }); /* libvirt would make taps for cards of a command line */
  g_autofree char *xml = vitrine_domain_to_xml (tried);
  vitrine_host_check_definition_async (VITRINE_HOST (source), xml, definition_tried, task);
}

static void
list_files (GTask *task, gpointer source, gpointer domain, GCancellable *cancellable)
{
  GError *error = NULL;
  GPtrArray *files = vitrine_packing_list (domain, &error);

  if (files != NULL)
    g_task_return_pointer (task, files, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
files_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveToHost *self = VITRINE_MOVE_TO_HOST (source);
  GTask *task = data;
  g_autoptr(GError) error = NULL;
  GPtrArray *files = g_task_propagate_pointer (G_TASK (result), &error);

  g_clear_pointer (&self->checks, g_ptr_array_unref);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->looked_at);
  self->looked_at = vitrine_domain_to_xml (domain_of (self));
  self->checks = vitrine_checks_new ();
  self->files = files;
  if (files == NULL)
    {
      vitrine_checks_add (self->checks, VITRINE_CHECK_REFUSED, _("Disks"), "%s", error->message);
      end_checks (self, task);
      return;
    }
  const char *board = vitrine_domain_get_board (domain_of (self));
  vitrine_host_read_offer_async (vitrine_move_get_target (VITRINE_MOVE (self)), "x86_64", board, offer_read, task);
}

static void
check (VitrineMove *move, GTask *task)
{
  VitrineMoveToHost *self = VITRINE_MOVE_TO_HOST (move);
  VitrineDomain *domain = domain_of (self);

  if (domain == NULL || vitrine_move_get_target (move) == NULL)
    {
      g_task_return_new_error (task, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID, "%s",
                               domain == NULL ? vitrine_machine_get_message (vitrine_move_get_machine (move))
                                              : _("Choose a host first."));
      g_object_unref (task);
      return;
    }
  g_autoptr(GTask) listing = g_task_new (self, NULL, files_listed, task);
  g_task_set_task_data (listing, vitrine_domain_copy (domain), g_object_unref);
  g_task_run_in_thread (listing, list_files);
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

static void
release (VitrineMoveToHost *self)
{
  g_clear_pointer (&self->scratch, vitrine_scratch_remove);
  if (self->held >= 0)
    vitrine_run_lock_release (self->lock, self->held);
  self->held = -1;
  g_clear_pointer (&self->lock, g_free);
}

static void
fail (VitrineMoveToHost *self, GTask *task, GError *error)
{
  release (self);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static gboolean
hold (VitrineMoveToHost *self, GError **error)
{
  VitrineMachine *machine = vitrine_move_get_machine (VITRINE_MOVE (self));
  g_autoptr(GError) problem = NULL;

  self->lock = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "lock");
  self->held = vitrine_run_lock_take_for_work (self->lock, &problem);
  if (self->held >= 0 && !vitrine_machine_is_suspended (machine))
    return TRUE;
  if (self->held >= 0 || g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_BUSY))
    g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, _("“%s” is running: turn it off first."),
                 vitrine_machine_get_title (machine));
  else
    g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* Somebody else may have edited it between checks and run. */
static gboolean
check_unchanged (VitrineMoveToHost *self, GError **error)
{
  g_autofree char *xml = vitrine_domain_to_xml (domain_of (self));

  if (g_strcmp0 (xml, self->looked_at) == 0)
    return TRUE;
  g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT,
                       _("The machine’s definition has changed meanwhile. Begin again."));
  return FALSE;
}

/* What the worker that defines it needs, of its own. */
typedef struct
{
  VitrineDomain *domain;
  GPtrArray     *whats;      /* char*, as the parcels */
  GPtrArray     *formats;    /* char*, NULL: as it was */
} Definition;

static void
definition_free (gpointer data)
{
  Definition *definition = data;

  g_object_unref (definition->domain);
  g_ptr_array_unref (definition->whats);
  g_ptr_array_unref (definition->formats);
  g_free (definition);
}

static char *
describe (const char *const *paths, gpointer data)
{
  Definition *definition = data;

  for (guint i = 0; paths[i] != NULL; i++)
    vitrine_packing_set_path (definition->domain, definition->whats->pdata[i], paths[i], definition->formats->pdata[i]);
  return vitrine_domain_to_xml (definition->domain);
}

static void
shipped (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveToHost *self = g_task_get_source_object (task);
  g_autofree char *not_started = NULL;
  GError *error = NULL;

  if (!vitrine_host_ship_finish (VITRINE_HOST (source), result, &not_started, &error))
    {
      fail (self, task, error);
      return;
    }
  gboolean started = not_started == NULL && vitrine_move_get_options (VITRINE_MOVE (self))->start;
  const char *title = vitrine_move_get_title (VITRINE_MOVE (self));
  char *words
      = not_started != NULL ? g_strdup_printf (
            _("“%s” is on “%s” now, but does not start there: %s The copy on this computer is kept."), title,
            host_name (self), not_started)
        : started
            ? g_strdup_printf (_("“%s” runs on “%s” now. The copy on this computer is still there: never run both."),
                               title, host_name (self))
            : g_strdup_printf (_("“%s” is on “%s” now. The copy on this computer is kept: never run both."), title,
                               host_name (self));
  if (started)
    vitrine_move_set_started (VITRINE_MOVE (self));
  release (self);
  g_task_return_pointer (task, words, g_free);
  g_object_unref (task);
}

static void
shipping (guint64 done_bytes, guint64 total_bytes, gpointer data)
{
  VitrineMoveToHost *self = data;
  g_autofree char *bytes = vitrine_move_bytes_of (done_bytes, total_bytes);
  g_autofree char *words = g_strdup_printf (_("Sending: %s"), bytes);
  double part = total_bytes > 0 ? (double) done_bytes / (double) total_bytes : 0;

  vitrine_move_tell (VITRINE_MOVE (self), self->begin + (1 - self->begin) * part, words, NULL);
}

/* @flat: char*, as the files: a new image, or NULL. */
static void
ship (VitrineMoveToHost *self, const GPtrArray *flat, GTask *task)
{
  const VitrineMoveOptions *options = vitrine_move_get_options (VITRINE_MOVE (self));
  VitrineHostShipment *shipment = g_new0 (VitrineHostShipment, 1);
  Definition *definition = g_new0 (Definition, 1);

  definition->domain = vitrine_domain_copy (self->there);
  definition->whats = g_ptr_array_new_with_free_func (g_free);
  definition->formats = g_ptr_array_new_with_free_func (g_free);
  shipment->parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_parcel_free);
  for (guint i = 0; i < self->files->len; i++)
    {
      const VitrinePackedFile *file = self->files->pdata[i];
      if (!goes_along (self, file))
        continue;
      g_ptr_array_add (shipment->parcels,
                       vitrine_host_parcel_new (flat->pdata[i] != NULL ? flat->pdata[i] : file->path, file->name));
      g_ptr_array_add (definition->whats, g_strdup (file->what));
      g_ptr_array_add (definition->formats, g_strdup (flat->pdata[i] != NULL ? "qcow2" : NULL));
    }
  shipment->pool = g_strdup (options->pool);
  shipment->start = options->start;
  shipment->describe = describe;
  shipment->data = definition;
  shipment->free_data = definition_free;
  vitrine_host_ship_async (vitrine_move_get_target (VITRINE_MOVE (self)), shipment,
                           vitrine_move_get_cancellable (VITRINE_MOVE (self)), shipping, self, shipped, task);
}

/* --- flattening, in a thread -------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineMoveToHost *self;      /* kept by the task */
  VitrineDomain     *domain;    /* own copy */
  GCancellable      *cancellable;
} Flattening;

static void
flattening_free (gpointer data)
{
  Flattening *flattening = data;

  g_object_unref (flattening->domain);
  g_object_unref (flattening->cancellable);
  g_free (flattening);
}

typedef struct
{
  VitrineMove *move;
  double       fraction;
} Word;

static gboolean
tell_in_main (gpointer data)
{
  Word *word = data;

  vitrine_move_tell (word->move, word->fraction, _("Making one image of those that stand on each other"), NULL);
  g_object_unref (word->move);
  g_free (word);
  return G_SOURCE_REMOVE;
}

static gboolean
flattened_so_far (gpointer data, double fraction)
{
  Flattening *flattening = data;
  Word *word = g_new0 (Word, 1);

  word->move = g_object_ref (VITRINE_MOVE (flattening->self));
  word->fraction = fraction;
  g_main_context_invoke (NULL, tell_in_main, word);
  return !g_cancellable_is_cancelled (flattening->cancellable);
}

static void
flatten (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Flattening *flattening = data;
  const GPtrArray *files = flattening->self->files;
  GPtrArray *flat = g_ptr_array_new_with_free_func (g_free);
  GError *error = NULL;

  for (guint i = 0; i < files->len && error == NULL; i++)
    {
      const VitrinePackedFile *file = files->pdata[i];
      VitrinePart part = { flattened_so_far, flattening, FLATTENED * i / files->len, FLATTENED * (i + 1) / files->len };
      g_ptr_array_add (flat, file->others == 0 ? NULL
                                               : vitrine_packing_flatten (flattening->domain, file,
                                                                          flattening->self->scratch, &part, &error));
    }
  if (error == NULL)
    {
      g_task_return_pointer (task, flat, (GDestroyNotify) g_ptr_array_unref);
      return;
    }
  g_ptr_array_unref (flat);
  if (g_cancellable_is_cancelled (flattening->cancellable))
    {
      g_clear_error (&error);
      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Cancelled."));
    }
  g_task_return_error (task, error);
}

static void
flattened (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveToHost *self = VITRINE_MOVE_TO_HOST (source);
  GError *error = NULL;
  g_autoptr(GPtrArray) flat = g_task_propagate_pointer (G_TASK (result), &error);

  if (flat == NULL)
    fail (self, data, error);
  else
    ship (self, flat, data);
}

static gboolean
needs_flattening (VitrineMoveToHost *self)
{
  for (guint i = 0; i < self->files->len; i++)
    if (((VitrinePackedFile *) self->files->pdata[i])->others > 0)
      return TRUE;
  return FALSE;
}

static void
run (VitrineMove *move, GTask *task)
{
  VitrineMoveToHost *self = VITRINE_MOVE_TO_HOST (move);
  g_autofree char *images = vitrine_paths_images ();
  GError *error = NULL;

  if (!hold (self, &error) || !check_unchanged (self, &error)
      || (self->scratch = vitrine_scratch_new (images, &error)) == NULL)
    {
      fail (self, task, error);
      return;
    }
  self->begin = needs_flattening (self) ? FLATTENED : 0;
  Flattening *flattening = g_new0 (Flattening, 1);
  flattening->self = self;
  flattening->domain = vitrine_domain_copy (domain_of (self));
  flattening->cancellable = g_object_ref (vitrine_move_get_cancellable (move));
  g_autoptr(GTask) work = g_task_new (self, NULL, flattened, task);
  g_task_set_task_data (work, flattening, flattening_free);
  g_task_run_in_thread (work, flatten);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_move_to_host_finalize (GObject *object)
{
  VitrineMoveToHost *self = VITRINE_MOVE_TO_HOST (object);

  release (self);
  g_free (self->looked_at);
  g_clear_object (&self->there);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_pointer (&self->checks, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_move_to_host_parent_class)->finalize (object);
}

static void
vitrine_move_to_host_class_init (VitrineMoveToHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_move_to_host_finalize;
  VITRINE_MOVE_CLASS (klass)->kind = VITRINE_MOVE_KIND_TO_HOST;
  VITRINE_MOVE_CLASS (klass)->check = check;
  VITRINE_MOVE_CLASS (klass)->run = run;
}

static void
vitrine_move_to_host_init (VitrineMoveToHost *self)
{
  self->held = -1;
}

VitrineMove *
vitrine_move_new_to_host (VitrineMachine *machine)
{
  VitrineMove *self = g_object_new (VITRINE_TYPE_MOVE_TO_HOST, NULL);

  vitrine_move_set_machine (self, machine);
  vitrine_move_set_title (self, vitrine_machine_get_title (machine));
  return self;
}
