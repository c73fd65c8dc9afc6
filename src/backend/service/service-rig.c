/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-rig.h"

#include <glib/gstdio.h>

static void
store_client (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  Fixture *fixture = data;

  fixture->client = vitrine_client_connect_finish (result, &error);
  g_assert_no_error (error);
}

void
rig_set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  g_autoptr(GError) error = NULL;

  config->name = g_strdup ("card");
  fixture->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "m.sock", NULL);
  fixture->service = vitrine_service_new (fixture->path, "11111111-2222-3333-4444-555555555555", "card", &error);
  g_assert_no_error (error);
  fixture->backend = vitrine_fake_backend_open (config, &error);
  g_assert_no_error (error);
  vitrine_client_connect_async (fixture->path, NULL, store_client, fixture);
  while (fixture->client == NULL)
    g_main_context_iteration (NULL, TRUE);
}

void
rig_tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_object (&fixture->client);
  g_clear_object (&fixture->service);
  g_clear_object (&fixture->backend);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

void
rig_wait_for_state (Fixture *fixture, VitrineState state)
{
  while (vitrine_client_get_state (fixture->client) != state)
    g_main_context_iteration (NULL, TRUE);
}

static void
store_call (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->ok = vitrine_client_call_finish (VITRINE_CLIENT (source), result, &call->error);
  call->done = TRUE;
}

Call
rig_call (Fixture *fixture, const char *method, GVariant *arguments)
{
  Call result = { 0 };

  vitrine_client_call_async (fixture->client, method, arguments, NULL, store_call, &result);
  while (!result.done)
    g_main_context_iteration (NULL, TRUE);
  return result;
}
