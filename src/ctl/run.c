/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrinectl run`: the engine in this process, without a window. */
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <vitrine/display.h>
#include <vitrine/input.h>
#include <vitrine/machine.h>
#include <vitrine/snapshot.h>
#include <vitrine/stats.h>
#include <vitrine/trace.h>

#include "ctl.h"
#include "domain.h"
#include "engine-backend.h"
#include "machines.h"
#include "passphrase.h"
#include "run-options.h"
#include "service.h"
#include "snapshots.h"
#include "sizes.h"
#include "tpm-process.h"
#include "unlock.h"
#include "usb-plugs.h"

#define EXIT_GUEST_DIED 2
#define EXIT_TIMEOUT    124

#define SHORTEST_WAIT_MS 10
#define LONGEST_WAIT_MS  60000

typedef struct
{
  VitrineRunOptions *options;
  VtMachine         *machine;     /* the backend's */
  VitrineBackend    *backend;
  VitrineSnapshots  *snapshots;   /* NULL: nobody may ask for some */
  GMainLoop         *loop;
  int                status;
  bool               failed;      /* something asked for on the command line could not be done */
} Run;

static VitrineDomain *
stored_domain (const char *words, GError **error)
{
  g_autoptr (VitrineLibrary) library = vitrine_library_new ();
  VitrineMachine *machine = vitrine_library_load (library, error) ? vitrine_library_find (library, words, error) : NULL;
  return machine != NULL ? g_object_ref (vitrine_machine_get_domain (machine)) : NULL;
}

static VtConfig *
base_config (VitrineRunOptions *options, GError **error)
{
  if (options->definition == NULL)
    return vt_config_new ();
  g_autoptr (VitrineDomain) domain = options->from_file ? vitrine_domain_new_from_file (options->definition, error)
                                                        : stored_domain (options->definition, error);
  if (domain == NULL)
    return NULL;
  options->usb = vitrine_domain_get_usb_hostdevs (domain);
  VtConfig *config = vitrine_domain_to_config (domain, error);
  if (config != NULL && !options->from_file)
    config->tpm_folder = vitrine_tpm_folder (config->uuid);
  return config;
}

static void
complain (Run *run, GError *error)
{
  g_printerr ("vitrinectl: %s\n", error->message);
  run->failed = true;
}

static void
take_screenshot (Run *run, const char *path)
{
  g_autoptr (GError) error = NULL;
  if (!vt_display_screenshot (run->machine, 0, path, &error))
    complain (run, error);
}

static void
save_state (Run *run, const char *path)
{
  g_autoptr (GError) error = NULL;
  if (!vt_machine_save (run->machine, path, NULL, NULL, &error))
    complain (run, error);
}

static void
press_keys (Run *run, const char *spec)
{
  g_autoptr (GError) error = NULL;
  if (!vt_input_send_spec (run->machine, spec, &error))
    complain (run, error);
}

static void
resize (Run *run, const char *size)
{
  VtMonitor monitor = { 0 };
  g_autoptr (GError) error = NULL;
  if (vitrine_parse_screen_size (size, &monitor.width, &monitor.height, &error))
    vt_display_set_monitor (run->machine, 0, &monitor);
  else
    complain (run, error);
}

/* --- Things to do at a guest time, by the guest's own clock ------------------------------------------------------------- */

static double
guest_seconds (Run *run)
{
  VtStats stats;
  vt_machine_stats (run->machine, &stats);
  return stats.guest_seconds;
}

/* What is due is done; returns when the next one is. */
static double
run_due (Run *run, GPtrArray *events, double now, void (*act) (Run *run, const char *what))
{
  double next = INFINITY;
  for (guint i = 0; i < events->len;)
    {
      VitrineRunEvent *event = g_ptr_array_index (events, i);
      if (event->seconds < 0 || event->seconds > now)
        {
          next = event->seconds < 0 ? next : MIN (next, event->seconds);
          i++;
          continue;
        }
      act (run, event->what);
      g_ptr_array_remove_index (events, i);
    }
  return next;
}

/* The guest's clock may stand, but never runs faster than ours: none is due before the timer. */
static gboolean
run_timed (gpointer data)
{
  Run   *run = data;
  double now = guest_seconds (run), next = INFINITY;
  next = MIN (next, run_due (run, run->options->screenshots, now, take_screenshot));
  next = MIN (next, run_due (run, run->options->keys, now, press_keys));
  next = MIN (next, run_due (run, run->options->saves, now, save_state));
  next = MIN (next, run_due (run, run->options->resizes, now, resize));
  if (next < INFINITY)
    g_timeout_add ((guint) CLAMP ((next - now) * 1000, SHORTEST_WAIT_MS, LONGEST_WAIT_MS), run_timed, run);
  return G_SOURCE_REMOVE;
}

static void
at_the_end (Run *run, GPtrArray *events, void (*act) (Run *run, const char *what))
{
  for (guint i = 0; i < events->len; i++)
    act (run, ((VitrineRunEvent *) g_ptr_array_index (events, i))->what);
}

static void
finish (Run *run, int status)
{
  if (!g_main_loop_is_running (run->loop))
    return;
  run->status = status;
  vt_machine_pause (run->machine);
  at_the_end (run, run->options->screenshots, take_screenshot);
  if (vt_machine_state (run->machine) == VT_MACHINE_PAUSED)
    at_the_end (run, run->options->saves, save_state);
  g_main_loop_quit (run->loop);
}

static gboolean
try_again (gpointer data)
{
  vt_machine_resume (((Run *) data)->machine);
  return G_SOURCE_REMOVE;
}

static void
state_changed (Run *run)
{
  VtMachineState state = vt_machine_state (run->machine);
  const char    *message = vitrine_backend_get_message (run->backend);
  /* Nobody sits at a button here: a full disk is tried again until there is room, or the time is up. */
  if (state == VT_MACHINE_BLOCKED)
    g_timeout_add_seconds (1, try_again, run);
  if (message != NULL)
    g_printerr ("vitrinectl: %s\n", message);
  if (state == VT_MACHINE_OFF || state == VT_MACHINE_DIED)
    finish (run, vt_machine_exit_status (run->machine));
}

static void
had_trouble (VitrineBackend *backend, const char *message, gpointer unused)
{
  g_printerr ("vitrinectl: %s\n", message);
}

static gboolean
timed_out (gpointer data)
{
  Run *run = data;
  g_printerr (_("vitrinectl: the guest was still running after %g seconds\n"), run->options->timeout);
  finish (run, EXIT_TIMEOUT);
  return G_SOURCE_REMOVE;
}

static gboolean
interrupted (gpointer data)
{
  finish (data, 1);
  return G_SOURCE_REMOVE;
}

/* SIGUSR1: take the --screenshot pictures now, too. Scripts that wait for something on the screen do that. */
static gboolean
pictures_wanted (gpointer data)
{
  Run *run = data;
  at_the_end (run, run->options->screenshots, take_screenshot);
  return G_SOURCE_CONTINUE;
}

static void
write_stats (Run *run)
{
  g_autoptr (GError) error = NULL;
  VtStats stats;
  vt_machine_stats (run->machine, &stats);
  g_autofree char *json = vt_stats_to_json (&stats);
  if (!g_file_set_contents (run->options->stats, json, -1, &error))
    complain (run, error);
}

static int
run_machine (Run *run)
{
  run->loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect_swapped (run->backend, "changed", G_CALLBACK (state_changed), run);
  g_signal_connect (run->backend, "trouble", G_CALLBACK (had_trouble), NULL);
  g_timeout_add (SHORTEST_WAIT_MS, run_timed, run);
  if (run->options->timeout > 0)
    g_timeout_add ((guint) (run->options->timeout * 1000), timed_out, run);
  g_unix_signal_add (SIGINT, interrupted, run);
  g_unix_signal_add (SIGTERM, interrupted, run);
  vt_machine_resume (run->machine);
  g_main_loop_run (run->loop);
  if (run->options->stats != NULL)
    write_stats (run);
  g_main_loop_unref (run->loop);
  return run->status == 0 && run->failed ? 1 : run->status;
}

/* --control: the machine answers there as org.vitrine.Machine1 for as long as it runs. */
static VitrineService *
serve (Run *run, const VtConfig *config, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (run->options->control, NULL);
  VitrineService  *service = vitrine_service_new (path, config->uuid != NULL ? config->uuid : "",
                                                  config->name != NULL ? config->name : "vitrinectl run", error);
  if (service == NULL)
    return NULL;
  vitrine_service_set_backend (service, run->backend);
  if (run->options->snapshots != NULL)
    {
      run->snapshots = vitrine_snapshots_new (run->options->snapshots, NULL);
      vitrine_snapshots_set_backend (run->snapshots, run->backend);
      vitrine_service_set_keeper (service, &vitrine_snapshots_keeper, run->snapshots);
    }
  return service;
}

static void
usb_failed (VitrineUsbPlugs *plugs, const char *sentence, gpointer data)
{
  g_printerr ("vitrinectl: %s\n", sentence);
  ((Run *) data)->failed = true;
}

static void
usb_left (VitrineUsbPlugs *plugs, const char *sentence, gpointer data)
{
  g_printerr ("vitrinectl: %s\n", sentence);
}

/* USB devices that the definition names. NULL: one without which the machine must not start is not there. */
static VitrineUsbPlugs *
plug_in_usb (Run *run, GError **error)
{
  g_autoptr (VitrineHostTree) tree = vitrine_host_tree_open ();
  g_autoptr (VitrineUsbPlugs) plugs = vitrine_usb_plugs_new (tree, &vitrine_usb_giver_direct, NULL);
  if (!vitrine_usb_plugs_check (plugs, run->options->usb, error))
    return NULL;
  g_signal_connect (plugs, "failed", G_CALLBACK (usb_failed), run);
  g_signal_connect (plugs, "left", G_CALLBACK (usb_left), run);
  vitrine_usb_plugs_set_backend (plugs, run->backend);
  vitrine_usb_plugs_plug_all (plugs, run->options->usb);
  return g_steal_pointer (&plugs);
}

/* Asks at the terminal for what no option has said. */
static gboolean
unlock (VtConfig *config, GError **error)
{
  const VitrineKeySource terminal = { NULL, -1 };
  for (VtDiskConfig *disk; (disk = vitrine_unlock_next (config)) != NULL;)
    if ((disk->secret = vitrine_ctl_read_key (&terminal, disk->path, FALSE, error)) == NULL)
      return FALSE;
  return TRUE;
}

static int
start (VitrineRunOptions *options, VtConfig *config)
{
  g_autoptr (GError) error = NULL;
  Run run = { .options = options };
  for (guint i = 0; i < options->traces->len; i++)
    if (vt_machine_trace (g_ptr_array_index (options->traces, i), true) == 0)
      return vitrine_ctl_fail (_("No trace event matches “%s”"), (char *) g_ptr_array_index (options->traces, i));
  VtMachine *machine = unlock (config, &error) ? vt_machine_new (config, &error) : NULL;
  if (machine == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr (VitrineBackend) backend = vitrine_engine_backend_new (machine);
  if (options->restore != NULL && !vt_machine_restore (machine, options->restore, &error))
    return vitrine_ctl_fail ("%s", error->message);
  run.machine = machine;
  run.backend = backend;
  if (options->count)
    vitrine_backend_count_instructions (backend, TRUE);
  g_autoptr (VitrineUsbPlugs) usb = options->usb != NULL ? plug_in_usb (&run, &error) : NULL;
  if (error != NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr (VitrineService) service = options->control != NULL ? serve (&run, config, &error) : NULL;
  if (error != NULL)
    return vitrine_ctl_fail ("%s", error->message);
  /* Before the first line of output: who waits for that may send the signal. */
  g_unix_signal_add (SIGUSR1, pictures_wanted, &run);
  g_printerr (_("vitrinectl: accelerator: %s\n"), vt_machine_accel_sentence (machine));
  int status = run_machine (&run);
  if (run.snapshots != NULL)
    vitrine_snapshots_stop (run.snapshots);
  g_clear_object (&run.snapshots);
  if (usb != NULL)
    vitrine_usb_plugs_set_backend (usb, NULL);
  return status;
}

int
vitrine_ctl_run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VitrineRunOptions) options = vitrine_run_options_new (argc, argv, &error);
  if (options != NULL && options->help)
    {
      vitrine_run_options_help ();
      return 0;
    }
  g_autoptr (VtConfig) config = options != NULL ? base_config (options, &error) : NULL;
  if (config == NULL || !vitrine_run_options_apply (options, config, argc, argv, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return start (options, config);
}
