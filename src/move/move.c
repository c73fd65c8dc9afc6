/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "move-private.h"

#include <glib/gi18n-lib.h>

#include "host-text.h"

typedef struct
{
  char              *title;
  VitrineHost       *source, *target;
  VitrineMachine    *machine;
  VitrineMoveOptions options;
  VitrineHostOffer  *offer;
  GCancellable      *cancellable;   /* NULL: it does not run */
  gboolean           started;
} VitrineMovePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (VitrineMove, vitrine_move, G_TYPE_OBJECT)

static guint progress_signal;

#define PRIVATE(self) ((VitrineMovePrivate *) vitrine_move_get_instance_private (self))

/* --- what it is -------------------------------------------------------------------------------------------------- */

VitrineMoveKind
vitrine_move_get_kind (VitrineMove *self)
{
  return VITRINE_MOVE_GET_CLASS (self)->kind;
}

const char *
vitrine_move_get_title (VitrineMove *self)
{
  return PRIVATE (self)->title;
}

VitrineHost *
vitrine_move_get_source (VitrineMove *self)
{
  return PRIVATE (self)->source;
}

VitrineHost *
vitrine_move_get_target (VitrineMove *self)
{
  return PRIVATE (self)->target;
}

void
vitrine_move_set_target (VitrineMove *self, VitrineHost *target)
{
  if (g_set_object (&PRIVATE (self)->target, target))
    g_clear_pointer (&PRIVATE (self)->offer, vitrine_host_offer_free);
}

VitrineMoveOptions *
vitrine_move_get_options (VitrineMove *self)
{
  return &PRIVATE (self)->options;
}

const VitrineHostResources *
vitrine_move_get_resources (VitrineMove *self)
{
  const VitrineHostOffer *offer = PRIVATE (self)->offer;

  return offer != NULL ? offer->resources : NULL;
}

VitrineMachine *
vitrine_move_get_machine (VitrineMove *self)
{
  return PRIVATE (self)->machine;
}

gboolean
vitrine_move_has_started (VitrineMove *self)
{
  return PRIVATE (self)->started;
}

/* --- for the kinds ------------------------------------------------------------------------------------------------ */

void
vitrine_move_set_title (VitrineMove *self, const char *title)
{
  g_free (PRIVATE (self)->title);
  PRIVATE (self)->title = g_strdup (title);
}

void
vitrine_move_set_source (VitrineMove *self, VitrineHost *source)
{
  g_set_object (&PRIVATE (self)->source, source);
}

void
vitrine_move_set_machine (VitrineMove *self, VitrineMachine *machine)
{
  g_set_object (&PRIVATE (self)->machine, machine);
}

GCancellable *
vitrine_move_get_cancellable (VitrineMove *self)
{
  return PRIVATE (self)->cancellable;
}

void
vitrine_move_take_offer (VitrineMove *self, VitrineHostOffer *offer)
{
  vitrine_host_offer_free (PRIVATE (self)->offer);
  PRIVATE (self)->offer = offer;
}

const VitrineHostOffer *
vitrine_move_get_offer (VitrineMove *self)
{
  return PRIVATE (self)->offer;
}

void
vitrine_move_set_started (VitrineMove *self)
{
  PRIVATE (self)->started = TRUE;
}

void
vitrine_move_tell (VitrineMove *self, double fraction, const char *words, const VitrineMigrateNews *news)
{
  g_signal_emit (self, progress_signal, 0, CLAMP (fraction, 0, 1), words, news);
}

char *
vitrine_move_bytes_of (guint64 done_bytes, guint64 total_bytes)
{
  g_autofree char *done = g_format_size (done_bytes), *total = g_format_size (total_bytes);

  return g_strdup_printf (_("%s of %s"), done, total);
}

static const VitrineHostPool *
choose_pool (VitrineMove *self)
{
  const VitrineHostOffer *offer = vitrine_move_get_offer (self);
  VitrineMoveOptions *options = vitrine_move_get_options (self);

  if (options->pool != NULL)
    return vitrine_host_offer_find_pool (offer, options->pool);
  for (guint i = 0; i < offer->resources->pools->len; i++)
    {
      const VitrineHostPool *pool = offer->resources->pools->pdata[i];
      if (!pool->active)
        continue;
      options->pool = g_strdup (pool->name);
      return pool;
    }
  return NULL;
}

const VitrineHostPool *
vitrine_move_check_pool (VitrineMove *self, guint64 bytes, GPtrArray *checks)
{
  const VitrineHostPool *pool = choose_pool (self);
  const char *wanted = vitrine_move_get_options (self)->pool;
  g_autofree char *name = vitrine_host_text (wanted, VITRINE_HOST_TITLE_CHARS), *needed = g_format_size (bytes);
  g_autofree char *available = pool != NULL ? g_format_size (pool->available_bytes) : NULL;

  if (pool == NULL && wanted != NULL)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Storage"), _("The host has no pool “%s”."), name);
  else if (pool == NULL)
    vitrine_checks_add (
        checks, VITRINE_CHECK_REFUSED, _("Storage"),
        _("The host has no active storage pool: make or start one under “Storage, Networks, Devices…”."));
  else if (!pool->active)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Storage"),
                        _("The pool “%s” is not active: start it first."), name);
  else if (pool->available_bytes < bytes)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Storage"),
                        _("The disks need %s, and the pool “%s” has %s left. Choose another pool, or make room."),
                        needed, name, available);
  else
    {
      vitrine_checks_add (checks, VITRINE_CHECK_PASSED, _("Storage"),
                          _("The disks (%s) go into the pool “%s”, which has %s left."), needed, name, available);
      return pool;
    }
  return NULL;
}

void
vitrine_move_check_identity (const VitrineHostOffer *offer, const char *host, const char *name, const char *uuid,
                             GPtrArray *checks)
{
  const char *same_uuid = g_hash_table_lookup (offer->machines, uuid);
  g_autofree char *shown = vitrine_host_text (same_uuid, VITRINE_HOST_TITLE_CHARS);

  if (same_uuid != NULL)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Name"),
                        _("“%s” has a machine with the same UUID: “%s”. It may be this machine from an earlier move. "
                          "Delete it there first."),
                        host, shown);
  else if (vitrine_host_offer_find_machine (offer, name) != NULL)
    vitrine_checks_add (checks, VITRINE_CHECK_REFUSED, _("Name"),
                        _("“%s” has a machine called “%s” already. Rename one of them first."), host, name);
  vitrine_checks_pass (checks, _("Name"), _("Its name and UUID are free there."));
}

/* --- checking and running ----------------------------------------------------------------------------------------- */

void
vitrine_move_check_async (VitrineMove *self, GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);

  VITRINE_MOVE_GET_CLASS (self)->check (self, task);
}

GPtrArray *
vitrine_move_check_finish (VitrineMove *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vitrine_move_run_async (VitrineMove *self, GAsyncReadyCallback done, gpointer data)
{
  g_return_if_fail (PRIVATE (self)->cancellable == NULL);
  GTask *task = g_task_new (self, NULL, done, data);

  PRIVATE (self)->cancellable = g_cancellable_new ();
  VITRINE_MOVE_GET_CLASS (self)->run (self, task);
}

char *
vitrine_move_run_finish (VitrineMove *self, GAsyncResult *result, GError **error)
{
  g_clear_object (&PRIVATE (self)->cancellable);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
vitrine_move_is_running (VitrineMove *self)
{
  return PRIVATE (self)->cancellable != NULL;
}

void
vitrine_move_cancel (VitrineMove *self)
{
  g_cancellable_cancel (PRIVATE (self)->cancellable);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_move_finalize (GObject *object)
{
  VitrineMovePrivate *self = PRIVATE (VITRINE_MOVE (object));

  g_free (self->title);
  g_free (self->options.pool);
  g_free (self->options.network);
  g_clear_object (&self->source);
  g_clear_object (&self->target);
  g_clear_object (&self->machine);
  g_clear_object (&self->cancellable);
  vitrine_host_offer_free (self->offer);
  G_OBJECT_CLASS (vitrine_move_parent_class)->finalize (object);
}

static void
vitrine_move_class_init (VitrineMoveClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_move_finalize;
  progress_signal = g_signal_new ("progress", VITRINE_TYPE_MOVE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                                  G_TYPE_DOUBLE, G_TYPE_STRING, G_TYPE_POINTER);
}

static void
vitrine_move_init (VitrineMove *self)
{
}
