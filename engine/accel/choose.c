/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choose.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

/* In the order in which `auto` tries them. */
static const VtAccelRow rows_built_in[] = {
  { VT_ACCEL_KVM, &vt_accel_kvm },
  { VT_ACCEL_JIT, &vt_accel_jit },
  { VT_ACCEL_INTERP, &vt_accel_interp },
  { VT_ACCEL_COSIM, &vt_accel_cosim, .on_request = true },
};

static const VtAccel *
find (const VtAccelRow *rows, size_t n_rows, VtAccelChoice choice)
{
  for (size_t i = 0; i < n_rows; i++)
    if (rows[i].choice == choice)
      return rows[i].accel;
  return NULL;
}

bool
vt_accel_exists (VtAccelChoice choice)
{
  return choice == VT_ACCEL_AUTO || find (rows_built_in, G_N_ELEMENTS (rows_built_in), choice) != NULL;
}

static bool
recommended (const VtAccel *accel, GError **error)
{
  bool (*ask) (GError * *error) = accel->recommend != NULL ? accel->recommend : accel->probe;
  return ask == NULL || ask (error);
}

/* Why the better ones were passed over, or else what this one is. */
static char *
describe (const VtAccel *accel, const GString *passed_over)
{
  g_autofree char *why = g_strdup (passed_over->len > 0 ? passed_over->str : _(accel->summary));
  if (g_str_has_suffix (why, "."))
    why[strlen (why) - 1] = '\0';
  return g_strdup_printf ("%s (%s)", accel->name, why);
}

static const VtAccel *
choose_best (const VtAccelRow *rows, size_t n_rows, char **sentence, GError **error)
{
  g_autoptr (GString) passed_over = g_string_new (NULL);
  for (size_t i = 0; i < n_rows; i++)
    {
      g_autoptr (GError) why = NULL;
      if (rows[i].on_request)
        continue;
      if (recommended (rows[i].accel, &why))
        {
          *sentence = describe (rows[i].accel, passed_over);
          return rows[i].accel;
        }
      g_string_append_printf (passed_over, "%s%s", passed_over->len > 0 ? "; " : "", why->message);
    }
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("No accelerator can be used here: %s"), passed_over->str);
  return NULL;
}

const VtAccel *
vt_accel_choose_from (const VtAccelRow *rows, size_t n_rows, VtAccelChoice choice, char **sentence, GError **error)
{
  if (choice == VT_ACCEL_AUTO)
    return choose_best (rows, n_rows, sentence, error);
  const VtAccel *accel = find (rows, n_rows, choice);
  g_autoptr (GError) why = NULL;
  if (accel == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("This accelerator is not built in: use auto"));
      return NULL;
    }
  if (accel->probe != NULL && !accel->probe (&why))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("The accelerator “%s” cannot be used: %s"), accel->name,
                   why->message);
      return NULL;
    }
  *sentence = g_strdup_printf (_("%s (as asked for)"), accel->name);
  return accel;
}

const VtAccel *
vt_accel_choose (VtAccelChoice choice, char **sentence, GError **error)
{
  return vt_accel_choose_from (rows_built_in, G_N_ELEMENTS (rows_built_in), choice, sentence, error);
}
