/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The GtkApplication of both kinds of process: the library (unique in the session) and one per running machine. */
#pragma once

#include <handy.h>

#include "open.h"

#define VITRINE_APPLICATION_ID "org.vitrine.Vitrine"

#define VITRINE_TYPE_APPLICATION (vitrine_application_get_type ())
G_DECLARE_FINAL_TYPE (VitrineApplication, vitrine_application, VITRINE, APPLICATION, GtkApplication)

/* The whole program: options, translations, main loop. Returns the exit status. */
int        vitrine_application_main (int argc, char **argv, VitrineOpenBackend open);
GSettings *vitrine_application_get_settings (VitrineApplication *self);
