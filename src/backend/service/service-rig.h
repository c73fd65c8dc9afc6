/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: a service, its client and a test card for a machine. */
#pragma once

#include "client.h"
#include "fake-backend.h"
#include "service.h"

typedef struct
{
  char           *folder, *path;
  VitrineService *service;
  VitrineBackend *backend;
  VitrineClient  *client;
} Fixture;

typedef struct
{
  gboolean done, ok;
  GError  *error;
} Call;

/* For g_test_add(). The service has no backend yet. */
void rig_set_up (Fixture *fixture, gconstpointer unused);
void rig_tear_down (Fixture *fixture, gconstpointer unused);
void rig_wait_for_state (Fixture *fixture, VitrineState state);
/* Until it is answered; the error is the caller's. */
Call rig_call (Fixture *fixture, const char *method, GVariant *arguments);
