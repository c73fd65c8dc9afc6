/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine-devices.h"

#include "device-words.h"
#include <vitrine/devices.h>
#include <vitrine/error.h>
#include <vitrine/secret-pipe.h>
#include <vitrine/stats.h>
#include <vitrine/tap.h>
#include <vitrine/trace.h>

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
engine_set_forwards (VitrineBackend *backend, guint card, const char *const *rules, GError **error)
{
  return vt_machine_set_forwards (vitrine_engine_backend_get_machine (backend), card, rules, error);
}

static GStrv
engine_get_forwards (VitrineBackend *backend, guint card, GError **error)
{
  return vt_machine_forwards (vitrine_engine_backend_get_machine (backend), card, error);
}

static gboolean
engine_capture (VitrineBackend *backend, guint card, int fd, GError **error)
{
  return vt_machine_capture (vitrine_engine_backend_get_machine (backend), card, fd, error);
}

static gboolean
engine_is_captured (VitrineBackend *backend, guint card)
{
  return vt_machine_is_captured (vitrine_engine_backend_get_machine (backend), card);
}

static GStrv
engine_list_cards (VitrineBackend *backend)
{
  return vt_machine_macs (vitrine_engine_backend_get_machine (backend));
}

/* --- Hot plug ------------------------------------------------------------------------------------------------------- */

static gboolean
engine_add_disk (VitrineBackend *backend, guint number, GVariant *words, const char *const *paths, const int *fds, int key,
                 GError **error)
{
  g_autoptr(VtConfig) config = vitrine_disk_from_words (words, error);

  if (config == NULL)
    return FALSE;
  VtDiskConfig *disk = config->disks->pdata[0];
  if (key >= 0 && (disk->secret = vt_secret_key_from_pipe (key, error)) == NULL)
    return FALSE;
  return vt_machine_add_disk (vitrine_engine_backend_get_machine (backend), number, disk, paths, fds, g_strv_length ((char **) paths),
                              error);
}

static gboolean
take_device (VtNetConfig *net, int device, GError **error)
{
  if (net->tap == NULL && net->bridge == NULL)
    return vt_refuse (error, VT_ERROR_CONFIG, "A device was handed in for a card that is on none");
  net->fd = device;
  return vt_tap_check (device, error);
}

static gboolean
engine_add_network (VitrineBackend *backend, guint number, GVariant *card, int device, GError **error)
{
  g_autoptr(VtConfig) config = vitrine_net_from_words (card, error);

  if (config == NULL || (device >= 0 && !take_device (config->nets->pdata[0], device, error)))
    return FALSE;
  return vt_machine_add_net (vitrine_engine_backend_get_machine (backend), number, config->nets->pdata[0], error);
}

static gboolean
engine_grow_disk (VitrineBackend *backend, const char *id, guint64 bytes, GError **error)
{
  return vt_machine_grow_disk (vitrine_engine_backend_get_machine (backend), id, bytes, error);
}

static gboolean
engine_get_disk_size (VitrineBackend *backend, const char *id, guint64 *bytes, GError **error)
{
  return vt_machine_disk_size (vitrine_engine_backend_get_machine (backend), id, bytes, error);
}

static void
removed (void *opaque, const GError *error)
{
  g_autoptr(GTask) task = opaque;

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
engine_remove_device (VitrineBackend *backend, VitrineDeviceKind kind, const char *id, GTask *task)
{
  VtMachine *machine = vitrine_engine_backend_get_machine (backend);
  GError *error = NULL;
  guint8 mac[6];
  gboolean asked = FALSE;

  if (kind == VITRINE_DEVICE_DISK)
    asked = vt_machine_remove_disk (machine, id, removed, task, &error);
  else if (vt_parse_mac (id, mac))
    asked = vt_machine_remove_net (machine, mac, removed, task, &error);
  else
    error = g_error_new (VT_ERROR, VT_ERROR_CONFIG, "“%s” is no address of a network card", id);
  if (!asked)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
    }
}

static gboolean
engine_trace (VitrineBackend *backend, const char *const *globs, int fd, GError **error)
{
  if (globs != NULL)
    return vt_machine_trace_begin (globs, fd, error);
  vt_machine_trace_end ();
  return TRUE;
}

/* --- USB ------------------------------------------------------------------------------------------------------------- */

static gboolean
engine_plug_usb (VitrineBackend *backend, const char *id, int fd, GError **error)
{
  gboolean ok = vt_machine_plug_usb (vitrine_engine_backend_get_machine (backend), id, fd, error);

  vitrine_backend_emit_usb_changed (backend);
  return ok;
}

static gboolean
engine_unplug_usb (VitrineBackend *backend, const char *id, GError **error)
{
  gboolean ok = vt_machine_unplug_usb (vitrine_engine_backend_get_machine (backend), id, error);

  vitrine_backend_emit_usb_changed (backend);
  return ok;
}

static GStrv
engine_list_usb (VitrineBackend *backend)
{
  GPtrArray *ids = vt_machine_usb_devices (vitrine_engine_backend_get_machine (backend));

  g_ptr_array_add (ids, NULL);
  g_ptr_array_set_free_func (ids, NULL);
  return (GStrv) g_ptr_array_free (ids, FALSE);
}

static guint
engine_count_usb_ports (VitrineBackend *backend)
{
  return vt_machine_usb_ports (vitrine_engine_backend_get_machine (backend));
}

void
vitrine_engine_devices_init (VitrineBackendInterface *iface)
{
  iface->set_memory = engine_set_memory;
  iface->get_memory = engine_get_memory;
  iface->set_link = engine_set_link;
  iface->set_mac = engine_set_mac;
  iface->set_forwards = engine_set_forwards;
  iface->get_forwards = engine_get_forwards;
  iface->capture = engine_capture;
  iface->is_captured = engine_is_captured;
  iface->list_cards = engine_list_cards;
  iface->trace = engine_trace;
  iface->add_disk = engine_add_disk;
  iface->add_network = engine_add_network;
  iface->grow_disk = engine_grow_disk;
  iface->get_disk_size = engine_get_disk_size;
  iface->remove_device = engine_remove_device;
  iface->plug_usb = engine_plug_usb;
  iface->unplug_usb = engine_unplug_usb;
  iface->list_usb = engine_list_usb;
  iface->count_usb_ports = engine_count_usb_ports;
}
