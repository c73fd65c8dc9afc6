/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts of libvirt's own test driver for tests. It needs no daemon: what it says and does is libvirt's, not ours. */
#pragma once

#include <glib/gstdio.h>
#include <string.h>

#include "guest.h"
#include "host-private.h"
#include "host-resources.h"

#define LIMIT_SECONDS 20

static char *folder;

static inline gboolean
too_long (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until @condition holds. */
#define AWAIT(condition)                                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gboolean late_ = FALSE;                                                                                            \
    guint limit_ = g_timeout_add_seconds (LIMIT_SECONDS, too_long, &late_);                                            \
    while (!(condition) && !late_)                                                                                     \
      g_main_context_iteration (NULL, TRUE);                                                                           \
    g_assert_false (late_);                                                                                            \
    g_source_remove (limit_);                                                                                          \
  }                                                                                                                    \
  G_STMT_END

static inline void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static inline VitrineHost *
connect_to (const char *uri)
{
  VitrineHost *host = vitrine_host_new ("test", uri, NULL);

  vitrine_host_connect (host);
  AWAIT (vitrine_host_get_state (host) != VITRINE_HOST_CONNECTING);
  return host;
}

#define DOMAIN(name, more)                                                                                             \
  "<domain type='test'><name>" name "</name><memory>1024</memory><os><type>hvm</type></os><devices>" more              \
  "</devices></domain>"
#define DISK(path, target, more)                                                                                       \
  "<disk type='file' device='disk'><source file='" path "'/><target dev='" target "'/>" more "</disk>"

#define VOLUME(name, more) "<volume><name>" name "</name><capacity>1000</capacity>" more "</volume>"
#define POOL                                                                                                           \
  "<pool type='dir'><name>p</name><target><path>/p</path></target>" VOLUME ("own.img", "") VOLUME ("shared.img", "")   \
    VOLUME ("named.img", "") VOLUME ("base.img", "")                                                                   \
    VOLUME ("overlay.img", "<backingStore><path>/p/base.img</path><format type='raw'/></backingStore>") "</pool>"

/* A host that the test driver makes of a file. */
static inline VitrineHost *
connect_to_node (const char *contents)
{
  g_autofree char *path = g_build_filename (folder, "node.xml", NULL), *uri = g_strconcat ("test://", path, NULL);
  g_autofree char *xml = g_strdup_printf ("<node>%s</node>", contents);

  g_assert_true (g_file_set_contents (path, xml, -1, NULL));
  return connect_to (uri);
}

/* One machine, "test", which runs. Not test:///default: that is one and the same for all connections of a process. */
static inline VitrineHost *
connect_to_one (void)
{
  return connect_to_node (DOMAIN ("test", ""));
}

static inline void
command (VitrineHostGuest *guest, const char *name)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_guest_command_async (VITRINE_GUEST (guest), name, keep_result, &result);
  AWAIT (result != NULL);
  vitrine_guest_command_finish (VITRINE_GUEST (guest), result, &error);
  g_assert_no_error (error);
}

static inline void
await_state (VitrineHostGuest *guest, VitrineState state)
{
  AWAIT (vitrine_guest_get_state (VITRINE_GUEST (guest)) == state);
}

static inline VitrineHostGuest *
first_guest (VitrineHost *host)
{
  g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), 0);

  g_assert_nonnull (guest);
  return guest;   /* the host has it */
}

static inline gboolean
change_resource (VitrineHost *host, VitrineHostResourceVerb verb, const char *name, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_change_resource_async (host, verb, name, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_resource_finish (host, result, error);
}

/* --- main ------------------------------------------------------------------------------------------------------- */

static inline void
begin_tests (int *argc, char ***argv)
{
  folder = g_dir_make_tmp ("vitrine-hosts-XXXXXX", NULL);
  g_autofree char *config = g_build_filename (folder, "config", NULL);
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);   /* no person's keyring */
  g_test_init (argc, argv, NULL);
}

#define ADD(name) g_test_add_func ("/hosts/" #name, name)

static inline int
run_tests (void)
{
  int status = g_test_run ();
  g_autofree char *remove = g_strdup_printf ("rm -rf '%s'", folder);
  g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL);
  return status;
}
