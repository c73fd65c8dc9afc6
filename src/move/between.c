/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From host to host. What both say is gathered call by call, then judged at once (between-checks.c). */
#include "move-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "between-checks.h"
#include "domain.h"
#include "host-shipment.h"

#define VITRINE_TYPE_MOVE_BETWEEN (vitrine_move_between_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMoveBetween, vitrine_move_between, VITRINE, MOVE_BETWEEN, VitrineMove)

struct _VitrineMoveBetween
{
  VitrineMove parent_instance;

  VitrineHostGuest *guest;
  char             *xml;         /* facts, as VitrineBetweenFacts has them */
  char             *arch, *board;
  GPtrArray        *cargo;
  VitrineHostOffer *at_source;
  guint             snapshots;
  gboolean          cpu_fits;
  char             *cpu_why, *cpu_baseline;
};

G_DEFINE_FINAL_TYPE (VitrineMoveBetween, vitrine_move_between, VITRINE_TYPE_MOVE)

static VitrineHost *
source_of (VitrineMoveBetween *self)
{
  return vitrine_move_get_source (VITRINE_MOVE (self));
}

static VitrineHost *
target_of (VitrineMoveBetween *self)
{
  return vitrine_move_get_target (VITRINE_MOVE (self));
}

static gboolean
is_running (VitrineMoveBetween *self)
{
  return vitrine_state_is_alive (vitrine_guest_get_state (VITRINE_GUEST (self->guest)));
}

static VitrineBetweenFacts
facts_of (VitrineMoveBetween *self)
{
  return (VitrineBetweenFacts) { .xml = self->xml,
                                 .running = is_running (self),
                                 .snapshots = self->snapshots,
                                 .cargo = self->cargo,
                                 .source = self->at_source,
                                 .target = vitrine_move_get_offer (VITRINE_MOVE (self)),
                                 .source_name = vitrine_host_get_name (source_of (self)),
                                 .target_name = vitrine_host_get_name (target_of (self)),
                                 .target_uri = vitrine_host_get_uri (target_of (self)),
                                 .cpu_fits = self->cpu_fits,
                                 .cpu_why = self->cpu_why,
                                 .cpu_baseline = self->cpu_baseline,
                                 .options = vitrine_move_get_options (VITRINE_MOVE (self)) };
}

static void
forget_facts (VitrineMoveBetween *self)
{
  g_clear_pointer (&self->xml, g_free);
  g_clear_pointer (&self->arch, g_free);
  g_clear_pointer (&self->board, g_free);
  g_clear_pointer (&self->cargo, g_ptr_array_unref);
  g_clear_pointer (&self->at_source, vitrine_host_offer_free);
  g_clear_pointer (&self->cpu_why, g_free);
  g_clear_pointer (&self->cpu_baseline, g_free);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static void
end (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

static guint64
sum_of (const GPtrArray *copies)
{
  guint64 bytes = 0;

  for (guint i = 0; i < copies->len; i++)
    bytes += ((VitrineMigrateDisk *) copies->pdata[i])->capacity_bytes;
  return bytes;
}

static void
judge (VitrineMoveBetween *self, GTask *task)
{
  const VitrineBetweenFacts facts = facts_of (self);
  GPtrArray *checks = vitrine_checks_new ();

  vitrine_between_check (&facts, checks);
  if (facts.options->copy_storage && facts.running)
    {
      g_autoptr(GPtrArray) copies = vitrine_between_list_copies (&facts, "");
      vitrine_move_check_pool (VITRINE_MOVE (self), sum_of (copies), checks);
    }
  g_task_return_pointer (task, checks, (GDestroyNotify) g_ptr_array_unref);
  g_object_unref (task);
}

static void
snapshots_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  g_autofree char *current = NULL;
  g_autoptr(GPtrArray) snapshots = vitrine_host_guest_list_snapshots_finish (self->guest, result, &current, NULL);

  self->snapshots = snapshots != NULL ? snapshots->len : 0;
  judge (self, data);
}

static void
baseline_found (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);

  self->cpu_baseline = vitrine_host_baseline_cpu_finish (VITRINE_HOST (source), result, NULL);   /* only a hint */
  vitrine_host_guest_list_snapshots_async (self->guest, snapshots_listed, data);
}

static void
cpu_compared (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  g_autoptr(GError) error = NULL;

  self->cpu_fits = vitrine_host_compare_cpu_finish (VITRINE_HOST (source), result, &self->cpu_why, &error);
  if (error != NULL)
    end (data, g_steal_pointer (&error));
  else if (!self->cpu_fits)
    vitrine_host_baseline_cpu_async (target_of (self), source_of (self), baseline_found, data);
  else
    vitrine_host_guest_list_snapshots_async (self->guest, snapshots_listed, data);
}

static void
target_read (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  GError *error = NULL;
  VitrineHostOffer *offer = vitrine_host_read_offer_finish (VITRINE_HOST (source), result, &error);

  if (offer == NULL)
    {
      end (data, error);
      return;
    }
  vitrine_move_take_offer (VITRINE_MOVE (self), offer);
  vitrine_host_compare_cpu_async (target_of (self), self->xml, cpu_compared, data);
}

static void
source_read (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  GError *error = NULL;

  self->at_source = vitrine_host_read_offer_finish (VITRINE_HOST (source), result, &error);
  if (self->at_source == NULL)
    end (data, error);
  else
    vitrine_host_read_offer_async (target_of (self), self->arch, self->board, target_read, data);
}

static void
cargo_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  GError *error = NULL;

  self->cargo = vitrine_host_guest_list_cargo_finish (self->guest, result, &error);
  if (self->cargo == NULL)
    end (data, error);
  else
    vitrine_host_read_offer_async (source_of (self), self->arch, self->board, source_read, data);
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineMoveBetween *self = g_task_get_source_object (data);
  GError *error = NULL;

  self->xml = vitrine_host_guest_read_definition_finish (self->guest, result, &error);
  if (self->xml == NULL)
    {
      end (data, error);
      return;
    }
  vitrine_between_read_board (self->xml, &self->arch, &self->board);
  vitrine_host_guest_list_cargo_async (self->guest, cargo_listed, data);
}

static void
check (VitrineMove *move, GTask *task)
{
  VitrineMoveBetween *self = VITRINE_MOVE_BETWEEN (move);

  if (vitrine_move_get_target (move) == NULL)
    {
      end (task, g_error_new_literal (VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID, _("Choose a host first.")));
      return;
    }
  forget_facts (self);
  vitrine_host_guest_read_definition_async (
      self->guest, is_running (self) ? VITRINE_HOST_DEFINITION_RUNNING : VITRINE_HOST_DEFINITION_NEXT, definition_read,
      task);
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

static void
migrated (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  VitrineMoveBetween *self = g_task_get_source_object (task);
  GError *error = NULL;
  gboolean live = GPOINTER_TO_INT (g_task_get_task_data (task));

  if (!vitrine_host_guest_migrate_finish (VITRINE_HOST_GUEST (source), result, &error))
    {
      end (task, error);
      return;
    }
  if (live)
    vitrine_move_set_started (VITRINE_MOVE (self));
  g_task_return_pointer (task,
                         g_strdup_printf (live ? _("“%s” runs on “%s” now, and nowhere else.")
                                               : _("“%s” is on “%s” now, and nowhere else."),
                                          vitrine_move_get_title (VITRINE_MOVE (self)),
                                          vitrine_host_get_name (target_of (self))),
                         g_free);
  g_object_unref (task);
}

/* Disks first, in bytes that are far more; memory may get more again while the guest writes. */
static void
told (const VitrineMigrateNews *news, gpointer data)
{
  guint64 total = news->memory_total_bytes + news->disk_total_bytes,
          remaining = news->memory_remaining_bytes + news->disk_remaining_bytes;
  g_autofree char *left = g_format_size (remaining), *speed = g_format_size (news->bytes_per_second);
  g_autofree char *words = news->post_copy ? g_strdup_printf (_("It runs at the target; %s still to come"), left)
                                           : g_strdup_printf (_("%s remaining, %s each second"), left, speed);

  vitrine_move_tell (data, total > 0 ? 1 - MIN (1, (double) remaining / (double) total) : 0, words, news);
}

static void
run (VitrineMove *move, GTask *task)
{
  VitrineMoveBetween *self = VITRINE_MOVE_BETWEEN (move);
  const VitrineMoveOptions *options = vitrine_move_get_options (move);
  const VitrineBetweenFacts facts = facts_of (self);
  VitrineMigration *migration = g_new0 (VitrineMigration, 1);

  migration->live = !options->offline;
  migration->copies
      = options->copy_storage && migration->live ? vitrine_between_list_copies (&facts, options->pool) : NULL;
  migration->trust_storage = options->trust_storage;
  migration->bandwidth_mib = options->bandwidth_mib;
  migration->downtime_ms = options->downtime_ms;
  migration->auto_converge = options->auto_converge;
  migration->post_copy = options->post_copy;
  migration->way = options->way;
  g_task_set_task_data (task, GINT_TO_POINTER (migration->live), NULL);
  vitrine_host_guest_migrate_async (self->guest, target_of (self), migration, vitrine_move_get_cancellable (move), told,
                                    self, migrated, task);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_move_between_finalize (GObject *object)
{
  VitrineMoveBetween *self = VITRINE_MOVE_BETWEEN (object);

  forget_facts (self);
  g_clear_object (&self->guest);
  G_OBJECT_CLASS (vitrine_move_between_parent_class)->finalize (object);
}

static void
vitrine_move_between_class_init (VitrineMoveBetweenClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_move_between_finalize;
  VITRINE_MOVE_CLASS (klass)->kind = VITRINE_MOVE_KIND_BETWEEN;
  VITRINE_MOVE_CLASS (klass)->check = check;
  VITRINE_MOVE_CLASS (klass)->run = run;
}

static void
vitrine_move_between_init (VitrineMoveBetween *self)
{
}

VitrineMove *
vitrine_move_new_between (VitrineHostGuest *guest)
{
  VitrineMoveBetween *self = g_object_new (VITRINE_TYPE_MOVE_BETWEEN, NULL);

  self->guest = g_object_ref (guest);
  vitrine_move_set_source (VITRINE_MOVE (self), vitrine_host_guest_get_host (guest));
  vitrine_move_set_title (VITRINE_MOVE (self), vitrine_guest_get_title (VITRINE_GUEST (guest)));
  vitrine_move_get_options (VITRINE_MOVE (self))->offline = !is_running (self);
  return VITRINE_MOVE (self);
}
