/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine-devices.h"

#include <vitrine/devices.h>
#include <vitrine/stats.h>

static gboolean
engine_set_memory (VitrineBackend *backend, guint64 bytes, GError **error)
{
  return vt_machine_set_memory (vitrine_engine_backend_get_machine (backend), bytes, error);
}

static GVariant *
engine_get_memory (VitrineBackend *backend)
{
  static const struct { const char *name; gsize offset; } fields[] = {
#define FIELD(name) { #name, G_STRUCT_OFFSET (VtMemoryStats, name##_bytes) }
    FIELD (machine), FIELD (wanted), FIELD (actual), FIELD (reported), FIELD (total), FIELD (free), FIELD (available),
    FIELD (cached), FIELD (swapped_in), FIELD (swapped_out),
    { "updates", G_STRUCT_OFFSET (VtMemoryStats, updates) },
    { "major_faults", G_STRUCT_OFFSET (VtMemoryStats, major_faults) },
    { "minor_faults", G_STRUCT_OFFSET (VtMemoryStats, minor_faults) },
  };
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{st}"));
  VtMemoryStats stats;

  vt_machine_memory_stats (vitrine_engine_backend_get_machine (backend), &stats);
  for (guint i = 0; stats.balloon && i < G_N_ELEMENTS (fields); i++)
    g_variant_builder_add (&builder, "{st}", fields[i].name, G_STRUCT_MEMBER (uint64_t, &stats, fields[i].offset));
  return g_variant_builder_end (&builder);
}

static gboolean
engine_set_link (VitrineBackend *backend, guint card, gboolean up, GError **error)
{
  return vt_machine_set_link (vitrine_engine_backend_get_machine (backend), card, up, error);
}

static gboolean
engine_set_mac (VitrineBackend *backend, guint card, const guint8 mac[6], GError **error)
{
  return vt_machine_set_mac (vitrine_engine_backend_get_machine (backend), card, mac, error);
}

static gboolean
engine_capture (VitrineBackend *backend, guint card, int fd, GError **error)
{
  return vt_machine_capture (vitrine_engine_backend_get_machine (backend), card, fd, error);
}

void
vitrine_engine_devices_init (VitrineBackendInterface *iface)
{
  iface->set_memory = engine_set_memory;
  iface->get_memory = engine_get_memory;
  iface->set_link = engine_set_link;
  iface->set_mac = engine_set_mac;
  iface->capture = engine_capture;
}
