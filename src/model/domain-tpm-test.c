/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TPM of a definition. */
#include "domain-test.h"

#include <vitrine/error.h>

#define BACKEND "<backend type='emulator' version='2.0'/>"

static void
both_register_interfaces_are_taken (void)
{
  static const struct { const char *devices; VtTpmModel model; } cases[] = {
    { "", VT_TPM_NONE },
    { "<tpm model='tpm-crb'>" BACKEND "</tpm>", VT_TPM_CRB },
    { "<tpm model='tpm-tis'>" BACKEND "</tpm>", VT_TPM_TIS },
    { "<tpm><backend type='emulator' persistent_state='no'/></tpm>", VT_TPM_TIS },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(VitrineDomain) domain = domain_with (cases[i].devices);
      g_autoptr(VtConfig) config = config_of (domain);
      g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
      g_assert_cmpint (config->tpm, ==, cases[i].model);
      g_assert_cmpint (config->tpm_control_fd, ==, -1);
      g_assert_cmpuint (g_strv_length (missing), ==, 0);
    }
}

static void
another_tpm_is_refused_by_its_name (void)
{
  static const struct { const char *devices, *words; } cases[] = {
    { "<tpm model='tpm-spapr'>" BACKEND "</tpm>", "tpm-spapr" },
    { "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", "passthrough" },
    { "<tpm model='tpm-crb'><backend type='external'><source type='unix' mode='connect' path='/x'/></backend></tpm>", "external" },
    { "<tpm model='tpm-tis'><backend type='emulator' version='1.2'/></tpm>", "1.2" },
    { "<tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes'/></tpm>", "persistent_state" },
    { "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><encryption secret='x'/></backend></tpm>", "<encryption>" },
    { "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><active_pcr_banks><sha256/></active_pcr_banks></backend></tpm>",
      "<active_pcr_banks>" },
    { "<tpm model='tpm-crb'/>", "type=''" },
    { "<tpm model='tpm-crb'>" BACKEND "</tpm><tpm model='tpm-tis'>" BACKEND "</tpm>", "one at most" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(VitrineDomain) domain = domain_with (cases[i].devices);
      g_autoptr(GError) error = NULL;
      g_assert_null (vitrine_domain_to_config (domain, &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED);
      if (strstr (error->message, cases[i].words) == NULL)
        g_error ("“%s” does not mention “%s”", error->message, cases[i].words);
    }
}

static void
one_is_added_changed_removed_and_had_back (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<watchdog model='i6300esb'/>");
  g_assert_false (vitrine_domain_get_tpm (domain));
  g_assert_null (vitrine_domain_remove_tpm (domain));
  vitrine_domain_add_tpm (domain);
  vitrine_domain_add_tpm (domain);      /* which changes nothing */
  g_autoptr(VtConfig) crb = config_of (domain);
  g_assert_cmpint (crb->tpm, ==, VT_TPM_CRB);
  vitrine_domain_set_tpm_model (domain, "tpm-tis");
  VitrineRemoved *removed = vitrine_domain_remove_tpm (domain);
  g_assert_false (vitrine_domain_get_tpm (domain));
  vitrine_domain_put_back (domain, removed);
  vitrine_removed_free (removed);
  g_autofree char *model = vitrine_domain_get_tpm_model (domain);
  g_assert_cmpstr (model, ==, "tpm-tis");
  g_autoptr(VtConfig) tis = config_of (domain);
  g_assert_cmpint (tis->tpm, ==, VT_TPM_TIS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-tpm/taken", both_register_interfaces_are_taken);
  g_test_add_func ("/domain-tpm/refused", another_tpm_is_refused_by_its_name);
  g_test_add_func ("/domain-tpm/changed", one_is_added_changed_removed_and_had_back);
  return g_test_run ();
}
