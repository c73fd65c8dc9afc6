/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a console is opened and closed. libvirt's test driver has no consoles, so that its calls for them are played
 * here; all others are libvirt's. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "host-guest-ends.h"
#include "host.h"

#define LIMIT_SECONDS 20

/* --- what stands in for libvirt ----------------------------------------------------------------------------------- */

static struct
{
  GMutex   mutex;
  GCond    changed;
  int      refusal;          /* a virErrorNumber; 0: it opens */
  gboolean held;             /* opening waits */
  guint    n_asked, flags;   /* how often; with which flags the last time */
  GThread *ended_by;
} host;

static GPrivate last_error;

#define STREAM ((virStreamPtr) &host)

virErrorPtr
virGetLastError (void)
{
  return g_private_get (&last_error);
}

virStreamPtr
virStreamNew (virConnectPtr connection, unsigned flags)
{
  return STREAM;
}

int
virDomainOpenConsole (virDomainPtr domain, const char *alias, virStreamPtr stream, unsigned flags)
{
  static virError error = { .message = (char *) "It is not to be had." };
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&host.mutex);

  host.n_asked++;
  host.flags = flags;
  while (host.held)
    g_cond_wait (&host.changed, &host.mutex);
  error.code = host.refusal;
  g_private_set (&last_error, host.refusal != 0 ? &error : NULL);
  return host.refusal != 0 ? -1 : 0;
}

int
virStreamAbort (virStreamPtr stream)
{
  g_atomic_pointer_set (&host.ended_by, g_thread_self ());
  return 0;
}

int
virStreamFree (virStreamPtr stream)
{
  return 0;
}

int
virStreamEventAddCallback (virStreamPtr stream, int events, virStreamEventCallback callback, void *data,
                           virFreeCallback free_data)
{
  return 0;
}

int
virStreamEventUpdateCallback (virStreamPtr stream, int events)
{
  return 0;
}

int
virStreamEventRemoveCallback (virStreamPtr stream)
{
  return 0;
}

/* --- rig ---------------------------------------------------------------------------------------------------------- */

static gboolean
too_long (gpointer data)
{
  g_assert_not_reached ();
}

#define AWAIT(condition)                                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    guint limit_ = g_timeout_add_seconds (LIMIT_SECONDS, too_long, NULL);                                              \
    while (!(condition))                                                                                               \
      g_main_context_iteration (NULL, TRUE);                                                                           \
    g_source_remove (limit_);                                                                                          \
  }                                                                                                                    \
  G_STMT_END

typedef struct
{
  VitrineHost        *host;
  VitrineHostConsole *console;
  guint               n_busy;
  char               *reason;   /* why it was closed; NULL: it was not */
} Rig;

static void
count (guint *n)
{
  ++*n;
}

static void
keep_reason (Rig *rig, const char *reason)
{
  rig->reason = g_strdup (reason);
}

static void
rig_begin (Rig *rig, int refusal, gboolean held)
{
  host.refusal = refusal;
  host.held = held;
  host.n_asked = 0;
  host.ended_by = NULL;
  rig->host = vitrine_host_new ("test", "test:///default", NULL);
  vitrine_host_connect (rig->host);
  AWAIT (g_list_model_get_n_items (G_LIST_MODEL (rig->host)) == 1);
  g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (rig->host), 0);
  rig->console = vitrine_host_console_new (guest, "serial0");
  g_signal_connect_swapped (rig->console, "busy", G_CALLBACK (count), &rig->n_busy);
  g_signal_connect_swapped (rig->console, "closed", G_CALLBACK (keep_reason), rig);
}

static void
rig_clear (Rig *rig)
{
  g_clear_object (&rig->console);
  g_clear_object (&rig->host);
  g_free (rig->reason);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

static gboolean
wake (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

static guint
times_asked (void)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&host.mutex);

  return host.n_asked;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void
somebody_else_keeps_it_until_it_is_taken (void)
{
  g_auto(Rig) rig = { 0 };

  rig_begin (&rig, VIR_ERR_OPERATION_FAILED, FALSE);
  AWAIT (rig.n_busy > 0);
  g_assert_cmpuint (host.flags, ==, 0);
  g_assert_null (rig.reason);
  host.refusal = 0;
  vitrine_host_console_take (rig.console);
  AWAIT (times_asked () == 2);
  g_assert_cmpuint (host.flags, ==, VIR_DOMAIN_CONSOLE_FORCE);
  g_assert_cmpuint (rig.n_busy, ==, 1);
}

static void
what_cannot_be_taken_says_why (void)
{
  g_auto(Rig) rig = { 0 };

  rig_begin (&rig, VIR_ERR_OPERATION_FAILED, FALSE);
  AWAIT (rig.n_busy > 0);
  vitrine_host_console_take (rig.console);
  AWAIT (rig.reason != NULL);
  g_assert_cmpstr (rig.reason, ==, "It is not to be had.");
  g_assert_cmpuint (rig.n_busy, ==, 1);
}

static void
another_refusal_is_not_taken_for_somebody (void)
{
  g_auto(Rig) rig = { 0 };

  rig_begin (&rig, VIR_ERR_OPERATION_INVALID, FALSE);
  AWAIT (rig.reason != NULL);
  g_assert_cmpuint (rig.n_busy, ==, 0);
}

/* The host may take its time for both; the main thread waits for neither. */
static void
one_that_is_still_opening_is_closed_elsewhere (void)
{
  g_auto(Rig) rig = { 0 };
  guint ticks = g_timeout_add (10, wake, NULL);

  rig_begin (&rig, 0, TRUE);
  AWAIT (times_asked () == 1);
  vitrine_host_console_close (rig.console);
  g_clear_object (&rig.console);
  g_mutex_lock (&host.mutex);
  host.held = FALSE;
  g_cond_signal (&host.changed);
  g_mutex_unlock (&host.mutex);
  AWAIT (g_atomic_pointer_get (&host.ended_by) != NULL);
  g_assert_true (host.ended_by != g_thread_self ());
  g_assert_null (rig.reason);
  g_source_remove (ticks);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/console/" #name, name)
  ADD (somebody_else_keeps_it_until_it_is_taken);
  ADD (what_cannot_be_taken_says_why);
  ADD (another_refusal_is_not_taken_for_somebody);
  ADD (one_that_is_still_opening_is_closed_elsewhere);
#undef ADD
  return g_test_run ();
}
