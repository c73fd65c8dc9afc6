/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device-words.h"

#include <glib/gi18n-lib.h>

#include <vitrine/error.h>

/* In the order of VtImageFormat: those that a machine runs on. */
static const char *const formats[] = { [VT_IMAGE_RAW] = "raw", [VT_IMAGE_QCOW2] = "qcow2", [VT_IMAGE_LUKS] = "luks" };

static void
put_string (GVariantDict *dict, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_dict_insert (dict, key, "s", value);
}

static char *
get_string (GVariantDict *dict, const char *key)
{
  char *value = NULL;

  g_variant_dict_lookup (dict, key, "s", &value);
  return value;
}

static gboolean
get_flag (GVariantDict *dict, const char *key)
{
  gboolean value = FALSE;

  g_variant_dict_lookup (dict, key, "b", &value);
  return value;
}

static guint
get_number (GVariantDict *dict, const char *key)
{
  guint32 value = 0;

  g_variant_dict_lookup (dict, key, "u", &value);
  return value;
}

static void
put_rings (GVariantDict *dict, const VtRingConfig *rings, guint queues, guint port)
{
  g_variant_dict_insert (dict, "packed", "b", (gboolean) rings->packed);
  g_variant_dict_insert (dict, "in-order", "b", (gboolean) rings->in_order);
  g_variant_dict_insert (dict, "notification-data", "b", (gboolean) rings->notification_data);
  g_variant_dict_insert (dict, "queues", "u", queues);
  g_variant_dict_insert (dict, "port", "u", port);
}

static VtRingConfig
get_rings (GVariantDict *dict)
{
  return (VtRingConfig) { get_flag (dict, "packed"), get_flag (dict, "in-order"), get_flag (dict, "notification-data") };
}

GVariant *
vitrine_disk_to_words (const VtDiskConfig *disk)
{
  g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  put_string (&dict, "id", disk->id);
  put_string (&dict, "path", disk->path);
  put_string (&dict, "format", disk->format < G_N_ELEMENTS (formats) ? formats[disk->format] : NULL);
  g_variant_dict_insert (&dict, "readonly", "b", (gboolean) disk->readonly);
  g_variant_dict_insert (&dict, "snapshot", "b", (gboolean) disk->snapshot);
  g_variant_dict_insert (&dict, "any-backing", "b", (gboolean) disk->any_backing);
  put_rings (&dict, &disk->rings, disk->queues, disk->port);
  return g_variant_dict_end (&dict);
}

static gboolean
parse_format (const char *name, VtImageFormat *format, GError **error)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (formats); i++)
    if (g_str_equal (formats[i], name))
      {
        *format = (VtImageFormat) i;
        return TRUE;
      }
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no image format: use raw or qcow2."), name != NULL ? name : "");
  return FALSE;
}

VtConfig *
vitrine_disk_from_words (GVariant *words, GError **error)
{
  g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT (words);
  g_autofree char *path = get_string (&dict, "path"), *format = get_string (&dict, "format");
  g_autoptr(VtConfig) config = vt_config_new ();
  VtDiskConfig *disk = vt_config_add_disk (config, path);

  disk->id = get_string (&dict, "id");
  disk->readonly = get_flag (&dict, "readonly");
  disk->snapshot = get_flag (&dict, "snapshot");
  disk->any_backing = get_flag (&dict, "any-backing");
  disk->rings = get_rings (&dict);
  disk->queues = get_number (&dict, "queues");
  disk->port = get_number (&dict, "port");
  return parse_format (format, &disk->format, error) ? g_steal_pointer (&config) : NULL;
}

char *
vitrine_mac_to_text (const guint8 mac[6])
{
  return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

GVariant *
vitrine_net_to_words (const VtNetConfig *net)
{
  g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *mac = vitrine_mac_to_text (net->mac);

  put_string (&dict, "mac", mac);
  put_string (&dict, "local", net->local);
  put_string (&dict, "tap", net->tap);
  put_string (&dict, "bridge", net->bridge);
  g_variant_dict_insert (&dict, "e1000e", "b", (gboolean) (net->model == VT_NET_E1000E));
  g_variant_dict_insert (&dict, "restricted", "b", (gboolean) net->restricted);
  g_variant_dict_insert (&dict, "cable-out", "b", (gboolean) net->cable_out);
  g_variant_dict_insert_value (&dict, "forwards",
                               g_variant_new_strv ((const char *const *) net->forwards->pdata, net->forwards->len));
  put_rings (&dict, &net->rings, net->queues, net->port);
  return g_variant_dict_end (&dict);
}

VtConfig *
vitrine_net_from_words (GVariant *words, GError **error)
{
  g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT (words);
  g_autofree char *mac = get_string (&dict, "mac");
  g_autoptr(VtConfig) config = vt_config_new ();
  VtNetConfig *net = vt_config_add_net (config);
  g_auto(GStrv) forwards = NULL;

  if (mac == NULL || !vt_parse_mac (mac, net->mac))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no address of a network card. Write for example 52:54:00:12:34:56."),
                   mac != NULL ? mac : "");
      return NULL;
    }
  net->local = get_string (&dict, "local");
  net->tap = get_string (&dict, "tap");
  net->bridge = get_string (&dict, "bridge");
  net->model = get_flag (&dict, "e1000e") ? VT_NET_E1000E : net->model;
  net->restricted = get_flag (&dict, "restricted");
  net->cable_out = get_flag (&dict, "cable-out");
  g_variant_dict_lookup (&dict, "forwards", "^as", &forwards);
  for (guint i = 0; forwards != NULL && forwards[i] != NULL; i++)
    g_ptr_array_add (net->forwards, g_strdup (forwards[i]));
  net->rings = get_rings (&dict);
  net->queues = get_number (&dict, "queues");
  net->port = get_number (&dict, "port");
  return g_steal_pointer (&config);
}

GVariant *
vitrine_words_add_handle (GVariant *words, const char *key, gint32 handle)
{
  g_autoptr(GVariant) owned = g_variant_ref_sink (words);
  g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT (owned);

  g_variant_dict_insert (&dict, key, "h", handle);
  return g_variant_dict_end (&dict);
}
