/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statistics.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

static const struct
{
  const char *nick, *label;
} exits[VITRINE_N_EXITS] = {
  { "lookup", N_("Unknown jump") },
  { "link", N_("Jump made direct") },
  { "interpret", N_("Interpreted instruction") },
  { "dead", N_("Overwritten code") },
  { "poll", N_("Waiting request") },
  { "fault", N_("Exception") },
};

const char *
vitrine_exit_to_nick (VitrineExit exit)
{
  return exits[exit].nick;
}

const char *
vitrine_exit_to_label (VitrineExit exit)
{
  return _(exits[exit].label);
}

const char *
vitrine_statistics_why_not_counted (const VitrineStatistics *self)
{
  switch (self->counted)
    {
    case VITRINE_COUNTED_PARTLY:
      return self->counting ? _("not counted from the start") : _("not counted in translated code");
    case VITRINE_COUNTED_NEVER:
      return _("this accelerator cannot count them");
    case VITRINE_COUNTED_ALL:
      break;
    }
  return NULL;
}

/* --- as a dictionary ------------------------------------------------------------------------------------------------ */

static const char *const counted_nicks[] = { "all", "partly", "never" };

#define FIELD(name) { #name, G_STRUCT_OFFSET (VitrineStatistics, name) }
static const struct Field
{
  const char *name;
  gsize       offset;
} counts[] = {
  FIELD (instructions), FIELD (translated_instructions), FIELD (blocks_decoded), FIELD (blocks_translated), FIELD (code_bytes),
  FIELD (helper_calls), FIELD (tlb_fills),               FIELD (tlb_flushes),    FIELD (interrupts),        FIELD (exceptions),
  FIELD (io_accesses),  FIELD (halts),                   FIELD (rss_bytes),      FIELD (peak_rss_bytes),
}, seconds[] = {
  FIELD (translation_seconds), FIELD (guest_seconds), FIELD (host_seconds), FIELD (host_cpu_seconds),
}, switches[] = {
  FIELD (counting), FIELD (translates),
};
#undef FIELD

GVariant *
vitrine_statistics_to_variant (const VitrineStatistics *self)
{
  GVariantDict dict;
  GVariantBuilder causes;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "counted", "s", counted_nicks[self->counted]);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_variant_dict_insert (&dict, counts[i].name, "t", G_STRUCT_MEMBER (guint64, self, counts[i].offset));
  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
    g_variant_dict_insert (&dict, seconds[i].name, "d", G_STRUCT_MEMBER (double, self, seconds[i].offset));
  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    g_variant_dict_insert (&dict, switches[i].name, "b", G_STRUCT_MEMBER (gboolean, self, switches[i].offset));
  g_variant_builder_init (&causes, G_VARIANT_TYPE ("a{st}"));
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    g_variant_builder_add (&causes, "{st}", exits[i].nick, self->exits[i]);
  g_variant_dict_insert_value (&dict, "exits", g_variant_builder_end (&causes));
  return g_variant_dict_end (&dict);
}

static VitrineCounted
counted_from_nick (const char *nick)
{
  for (guint i = 0; i < G_N_ELEMENTS (counted_nicks); i++)
    if (g_strcmp0 (nick, counted_nicks[i]) == 0)
      return (VitrineCounted) i;
  return VITRINE_COUNTED_NEVER;
}

void
vitrine_statistics_from_variant (VitrineStatistics *self, GVariant *variant)
{
  const char *nick = NULL;

  memset (self, 0, sizeof *self);
  g_variant_lookup (variant, "counted", "&s", &nick);
  self->counted = counted_from_nick (nick);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_variant_lookup (variant, counts[i].name, "t", &G_STRUCT_MEMBER (guint64, self, counts[i].offset));
  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
    g_variant_lookup (variant, seconds[i].name, "d", &G_STRUCT_MEMBER (double, self, seconds[i].offset));
  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    g_variant_lookup (variant, switches[i].name, "b", &G_STRUCT_MEMBER (gboolean, self, switches[i].offset));
  g_autoptr(GVariant) causes = g_variant_lookup_value (variant, "exits", G_VARIANT_TYPE ("a{st}"));
  for (guint i = 0; causes != NULL && i < VITRINE_N_EXITS; i++)
    g_variant_lookup (causes, exits[i].nick, "t", &self->exits[i]);
}

/* --- per second ----------------------------------------------------------------------------------------------------- */

/* Counters are read while others write them: a little behind is possible. */
static double
difference (guint64 before, guint64 after)
{
  return after > before ? (double) (after - before) : 0;
}

gboolean
vitrine_statistics_rates (const VitrineStatistics *before, const VitrineStatistics *after, VitrineRates *out)
{
  double time = after->host_seconds - before->host_seconds;
  double ran = difference (before->instructions, after->instructions);
  gboolean counted = before->counting && after->counting && after->counted != VITRINE_COUNTED_NEVER;

  if (time <= 0 || before->host_seconds <= 0)   /* nothing was known then */
    return FALSE;
  out->mips = counted ? ran / time / 1e6 : NAN;
  out->translated = counted && ran > 0 ? difference (before->translated_instructions, after->translated_instructions) / ran : NAN;
  out->tlb_fills = difference (before->tlb_fills, after->tlb_fills) / time;
  out->interrupts = difference (before->interrupts, after->interrupts) / time;
  out->exceptions = difference (before->exceptions, after->exceptions) / time;
  out->io_accesses = difference (before->io_accesses, after->io_accesses) / time;
  out->all_exits = 0;
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    out->all_exits += out->exits[i] = difference (before->exits[i], after->exits[i]) / time;
  out->processors = MAX (after->host_cpu_seconds - before->host_cpu_seconds, 0) / time;
  return TRUE;
}
