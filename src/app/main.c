/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine: the application, on our engine. */
#include "application.h"
#include "engine-backend.h"

int
main (int argc, char **argv)
{
  return vitrine_application_main (argc, argv, vitrine_engine_backend_open);
}
