/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-test-card: the whole application, with a test card for a computer. */
#include "application.h"
#include "fake-backend.h"

int
main (int argc, char **argv)
{
  return vitrine_application_main (argc, argv, vitrine_fake_backend_open);
}
