/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small definitions for tests. */
#pragma once

#include <string.h>

#include <vitrine/config.h>

#include "domain.h"

static inline VitrineDomain *
domain_with (const char *devices)
{
  g_autofree char *xml = g_strdup_printf ("<domain type='qemu'><name>x</name><memory>65536</memory><vcpu>2</vcpu><os><type>hvm"
                                          "</type></os><devices>%s</devices></domain>", devices);
  g_autoptr(GError) error = NULL;
  VitrineDomain *domain = vitrine_domain_new_from_data (xml, strlen (xml), "x", &error);
  g_assert_no_error (error);
  return domain;
}

static inline VtConfig *
config_of (VitrineDomain *domain)
{
  g_autoptr(GError) error = NULL;
  VtConfig *config = vitrine_domain_to_config (domain, &error);
  g_assert_no_error (error);
  return config;
}
