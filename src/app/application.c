/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The GtkApplication of both kinds of process. */
#include "application.h"

#include <glib/gi18n.h>
#include <locale.h>

#include "chooser.h"
#include "colors.h"
#include "confinement.h"
#include "library-window.h"
#include "machine-process.h"
#include "net-devices.h"
#include "tpm-process.h"
#include "outside.h"
#include "paths.h"
#include "remote-process.h"
#include "settings.h"
#include "usb-outside.h"

struct _VitrineApplication
{
  GtkApplication parent_instance;

  char                  *machine;      /* UUID; NULL: the library */
  char                  *host;         /* that runs it; NULL: this process */
  VitrineOpenBackend     open;
  GSettings             *settings;
  VitrineMachineProcess *process;
  VitrineRemoteProcess  *remote;
  VitrineLibrary        *library;
  VitrineHosts          *hosts;
  int                    status;
};

G_DEFINE_FINAL_TYPE (VitrineApplication, vitrine_application, GTK_TYPE_APPLICATION)

GSettings *
vitrine_application_get_settings (VitrineApplication *self)
{
  return self->settings;
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
action_about (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  static const char *const authors[] = { "The Vitrine developers", NULL };

  gtk_show_about_dialog (gtk_application_get_active_window (data), "program-name", "Vitrine", "logo-icon-name",
                         VITRINE_APPLICATION_ID, "version", VITRINE_VERSION, "license-type", GTK_LICENSE_GPL_3_0, "comments",
                         _("Virtual machines, each in a window"), "authors", authors, "translator-credits",
                         _("translator-credits"), "modal", TRUE, NULL);
}

/* A machine's process may not start programs (sandbox.c), so it asks the library's. */
static void
ask_library_for_help (VitrineApplication *self)
{
  GDBusConnection *bus = g_application_get_dbus_connection (G_APPLICATION (self));

  if (bus != NULL)
    g_dbus_connection_call (bus, VITRINE_APPLICATION_ID, "/org/vitrine/Vitrine", "org.freedesktop.Application",
                            "ActivateAction", g_variant_new ("(s@av@a{sv})", "help", g_variant_new ("av", NULL),
                                                             g_variant_new ("a{sv}", NULL)),
                            NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

static void
action_help (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  GtkWindow *window = gtk_application_get_active_window (data);
  g_autoptr(GError) error = NULL;

  if (VITRINE_APPLICATION (data)->machine != NULL)
    ask_library_for_help (data);
  else if (!gtk_show_uri_on_window (window, "help:vitrine", gtk_get_current_event_time (), &error))
    g_message ("The help cannot be shown: %s", error->message);
}

static void
action_quit (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  GtkWindow *window = gtk_application_get_active_window (data);

  if (window != NULL)
    gtk_window_close (window);   /* a machine's window asks what should happen to the guest */
}

static void
action_new_machine (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  GtkWindow *window;

  g_application_activate (G_APPLICATION (data));
  window = gtk_application_get_active_window (data);
  if (VITRINE_IS_LIBRARY_WINDOW (window))
    vitrine_library_window_new_machine (VITRINE_LIBRARY_WINDOW (window));
}

static const GActionEntry actions[] = {
  { "about", action_about },
  { "help", action_help },
  { "quit", action_quit },
  { "new-machine", action_new_machine },
};

static const struct
{
  const char *action;
  const char *keys[3];
} accelerators[] = {
  { "app.quit", { "<Primary>q", NULL } },
  { "app.help", { "F1", NULL } },
  { "app.new-machine", { "<Primary>n", NULL } },
  { "win.menu", { "F10", NULL } },
  { "win.fullscreen", { "F11", NULL } },
  { "win.close", { "<Primary>w", NULL } },
  { "win.search", { "<Primary>f", NULL } },
  { "win.show-help-overlay", { "<Primary>question", "<Primary>F1", NULL } },
  { "win.screenshot", { "<Primary><Shift>s", NULL } },
  { "win.resize-to-screen", { "<Primary>0", NULL } },
  { "win.pause", { "<Primary>p", NULL } },
};

static void
load_style (void)
{
  g_autoptr(GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/org/vitrine/Vitrine/ui/style.css");
  gtk_style_context_add_provider_for_screen (gdk_screen_get_default (), GTK_STYLE_PROVIDER (provider),
                                             GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

/* --- GApplication ----------------------------------------------------------------------------------------------- */

static void
vitrine_application_startup (GApplication *application)
{
  VitrineApplication *self = VITRINE_APPLICATION (application);

  G_APPLICATION_CLASS (vitrine_application_parent_class)->startup (application);
  hdy_init ();
  load_style ();
  gtk_window_set_default_icon_name (VITRINE_APPLICATION_ID);
  vitrine_colors_follow (self->settings);
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action, accelerators[i].keys);
}

static void
activate_machine (VitrineApplication *self)
{
  if (self->process == NULL)
    self->process = vitrine_machine_process_new (GTK_APPLICATION (self), self->settings, self->open);
  self->status = vitrine_machine_process_start (self->process, self->machine);
}

static void
activate_remote (VitrineApplication *self)
{
  if (self->remote != NULL)
    vitrine_remote_process_present (self->remote);
  else
    self->remote = vitrine_remote_process_new (GTK_APPLICATION (self), self->settings, self->host, self->machine);
  self->status = self->remote != NULL ? 0 : 1;
}

static void
activate_library (VitrineApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL)
    {
      if (self->library == NULL)
        self->library = vitrine_library_new ();
      if (self->hosts == NULL)
        self->hosts = vitrine_hosts_new ();
      window = GTK_WINDOW (vitrine_library_window_new (GTK_APPLICATION (self), self->library, self->hosts, self->settings));
    }
  gtk_window_present (window);
}

static void
vitrine_application_activate (GApplication *application)
{
  VitrineApplication *self = VITRINE_APPLICATION (application);

  if (self->host != NULL)
    activate_remote (self);
  else if (self->machine != NULL)
    activate_machine (self);
  else
    activate_library (self);
}

static void
vitrine_application_open (GApplication *application, GFile **files, int n, const char *hint)
{
  VitrineApplication *self = VITRINE_APPLICATION (application);

  activate_library (self);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));
  if (n > 0 && VITRINE_IS_LIBRARY_WINDOW (window))
    vitrine_library_window_new_machine_from (VITRINE_LIBRARY_WINDOW (window), files[0]);
}

static void
vitrine_application_shutdown (GApplication *application)
{
  VitrineApplication *self = VITRINE_APPLICATION (application);

  if (self->process != NULL)
    vitrine_machine_process_end (self->process);
  g_clear_object (&self->process);
  if (self->remote != NULL)
    vitrine_remote_process_end (self->remote);
  g_clear_object (&self->remote);
  g_clear_object (&self->library);
  g_clear_object (&self->hosts);
  G_APPLICATION_CLASS (vitrine_application_parent_class)->shutdown (application);
}

static void
vitrine_application_finalize (GObject *object)
{
  VitrineApplication *self = VITRINE_APPLICATION (object);

  g_clear_object (&self->settings);
  g_free (self->machine);
  g_free (self->host);
  G_OBJECT_CLASS (vitrine_application_parent_class)->finalize (object);
}

static void
vitrine_application_class_init (VitrineApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = vitrine_application_finalize;
  application_class->startup = vitrine_application_startup;
  application_class->activate = vitrine_application_activate;
  application_class->open = vitrine_application_open;
  application_class->shutdown = vitrine_application_shutdown;
}

static void
vitrine_application_init (VitrineApplication *self)
{
}

/* --- main ------------------------------------------------------------------------------------------------------- */

/* A machine process is told apart before there is a GApplication: it must not be the unique one. */
static char *
take_option (int *argc, char **argv, const char *option)
{
  for (int i = 1; i < *argc; i++)
    if (g_str_has_prefix (argv[i], option))
      {
        char *value = g_strdup (argv[i] + strlen (option));
        memmove (argv + i, argv + i + 1, (size_t) (*argc - i) * sizeof *argv);
        --*argc;
        return value;
      }
  return NULL;
}

/* One window for each machine of a host: a second process presents the first one's. */
static char *
remote_application_id (const char *host, const char *uuid)
{
  g_autofree char *name = g_strcanon (g_strdup (host), G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');

  return g_strdup_printf ("%s.h_%s.m_%s", VITRINE_APPLICATION_ID, name, uuid);
}

/* Before there is a second thread, which would stay unconfined. What is wrong with the definition is told later, in the window. */
static void
confine (const char *uuid)
{
  g_autofree char *folder = vitrine_paths_machine (uuid);
  g_autofree char *path = vitrine_paths_in_machine (uuid, "domain.xml");
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, NULL);
  g_autoptr(VitrineConfinement) confinement = vitrine_confinement_new ();

  vitrine_usb_outside_prepare (domain);
  vitrine_outside_start (uuid);
  vitrine_net_devices_open (domain);     /* the helper outside does not have them: they end with this process */
  vitrine_tpm_process_start (domain, uuid);
  vitrine_confinement_allow_desktop (confinement);
  vitrine_confinement_allow_machine (confinement, uuid, domain);
  if (vitrine_confinement_enter (confinement))
    g_setenv ("TMPDIR", folder, TRUE);   /* for disks whose writes vanish; /tmp is out of reach */
}

static void
add_options (GApplication *application)
{
  static const GOptionEntry entries[] = {
    { "machine", 0, 0, G_OPTION_ARG_STRING, NULL, N_("Run this machine in a window"), "UUID" },
    { "host", 0, 0, G_OPTION_ARG_STRING, NULL, N_("With --machine: this libvirt host runs it"), "HOST" },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version"), NULL },
    { NULL },
  };

  g_application_add_main_option_entries (application, entries);
}

static int
handle_local_options (GApplication *application, GVariantDict *options, gpointer unused)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("vitrine %s\n", VITRINE_VERSION);
      return 0;
    }
  if (gtk_init_check (NULL, NULL))
    return -1;
  g_printerr (_("vitrine: There is no display to show windows on. “vitrinectl run” runs a machine in a terminal.\n"));
  return 1;
}

int
vitrine_application_main (int argc, char **argv, VitrineOpenBackend open)
{
  g_autofree char *locale = vitrine_paths_locale (VITRINE_LOCALEDIR);

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, locale);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name ("Vitrine");
  g_set_prgname (VITRINE_APPLICATION_ID);   /* what window managers match the desktop file by */

  if (vitrine_chooser_is_meant (argc, argv))
    return vitrine_chooser_main (argc, argv);
  g_autofree char *host = take_option (&argc, argv, "--host="), *given = take_option (&argc, argv, "--machine=");
  g_autofree char *machine = given != NULL ? g_ascii_strdown (given, -1) : NULL;
  if (machine != NULL && !g_uuid_string_is_valid (machine))
    {
      g_printerr (_("vitrine: “%s” is not the UUID of a machine.\n"), machine);
      return 1;
    }
  if (host != NULL && machine == NULL)
    {
      g_printerr (_("vitrine: --host needs --machine.\n"));
      return 1;
    }
  if (host != NULL)
    vitrine_outside_start (machine);   /* file dialogs; this process itself has a network to talk to, and programs such as ssh to run */
  else if (machine != NULL)
    confine (machine);
  GApplicationFlags flags = host != NULL      ? G_APPLICATION_DEFAULT_FLAGS
                            : machine != NULL ? G_APPLICATION_NON_UNIQUE
                                              : G_APPLICATION_HANDLES_OPEN;
  g_autofree char *id = host != NULL ? remote_application_id (host, machine) : g_strdup (VITRINE_APPLICATION_ID);
  g_autoptr(VitrineApplication) self = g_object_new (VITRINE_TYPE_APPLICATION, "application-id", id, "flags", flags,
                                                      "resource-base-path", "/org/vitrine/Vitrine", NULL);
  self->settings = vitrine_settings_new ();
  if (self->settings == NULL)
    return 1;
  self->machine = g_steal_pointer (&machine);
  self->host = g_steal_pointer (&host);
  self->open = open;
  add_options (G_APPLICATION (self));
  g_signal_connect (self, "handle-local-options", G_CALLBACK (handle_local_options), NULL);
  int status = g_application_run (G_APPLICATION (self), argc, argv);
  return status != 0 ? status : self->status;
}
