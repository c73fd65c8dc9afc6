/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl image: disk images without a machine. */
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include <vitrine/image.h>

#include "ctl.h"
#include "passphrase.h"
#include "progress.h"
#include "sizes.h"

typedef struct
{
  char    *format, *to_format, *backing, *backing_format, *compress;
  VitrineKeySource key, new_key;
  int      cluster_kib, iteration_ms;
  gboolean repair, quiet, any_backing, encrypt, no_sync;
  char   **words;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->format);
  g_free (options->to_format);
  g_free (options->backing);
  g_free (options->backing_format);
  g_free (options->compress);
  g_free (options->key.file);
  g_free (options->new_key.file);
  g_strfreev (options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "format", 'f', 0, G_OPTION_ARG_STRING, &options->format, N_("Format of the image: raw, qcow2, luks, vmdk, vdi, vhd or vhdx"), "FORMAT" },
    { "to", 't', 0, G_OPTION_ARG_STRING, &options->to_format, N_("Format of the new image (convert): raw, qcow2, luks or vmdk"), "FORMAT" },
    { "backing", 'b', 0, G_OPTION_ARG_FILENAME, &options->backing, N_("What the new image stands on (create)"), "FILE" },
    { "backing-format", 0, 0, G_OPTION_ARG_STRING, &options->backing_format, N_("Format of the backing image"), "FORMAT" },
    { "cluster-size", 0, 0, G_OPTION_ARG_INT, &options->cluster_kib, N_("Clusters of so many KiB (64)"), "KIB" },
    { "compress", 'c', 0, G_OPTION_ARG_STRING, &options->compress, N_("Compress what is converted to qcow2: zlib or zstd"), "METHOD" },
    { "encrypt", 'e', 0, G_OPTION_ARG_NONE, &options->encrypt, N_("Encrypt the new qcow2 image (create, convert)"), NULL },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &options->key.file, N_("A file whose bytes are the image’s passphrase"), "FILE" },
    { "key-fd", 0, 0, G_OPTION_ARG_INT, &options->key.fd, N_("A descriptor to read it from"), "FD" },
    { "new-key-file", 0, 0, G_OPTION_ARG_FILENAME, &options->new_key.file, N_("The same for a new image or passphrase (convert, passphrase add)"), "FILE" },
    { "new-key-fd", 0, 0, G_OPTION_ARG_INT, &options->new_key.fd, N_("A descriptor to read it from"), "FD" },
    { "iteration-time", 0, 0, G_OPTION_ARG_INT, &options->iteration_ms, N_("Computing that a try of a new passphrase costs (1000)"), "MS" },
    { "repair", 0, 0, G_OPTION_ARG_NONE, &options->repair, N_("Set wrong counts right (check)"), NULL },
    { "any-backing", 0, 0, G_OPTION_ARG_NONE, &options->any_backing, N_("Backing files may be outside of its folder (convert)"), NULL },
    { "no-sync", 0, 0, G_OPTION_ARG_NONE, &options->no_sync, N_("Do not wait until the new image is on the disk (convert)"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("No progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL, NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new (
    "create FILE SIZE | info FILE | check FILE | convert FILE NEW-FILE | resize FILE SIZE | map FILE | snapshot … | passphrase …");

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, _("Makes, measures, checks, converts and encrypts disk images that no machine uses."));
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
find_format (const char *name, VtImageFormat otherwise, VtImageFormat *format)
{
  *format = otherwise;
  if (name == NULL || vt_image_format_from_name (name, format))
    return TRUE;
  vitrine_ctl_fail (_("“%s” is not a format: choose raw, qcow2, luks, vmdk, vdi, vhd or vhdx"), name);
  return FALSE;
}

/* What the name says: "disk.qcow2". */
static gboolean
format_from_suffix (const char *path, VtImageFormat *format)
{
  const char *dot = strrchr (path, '.');
  g_autofree char *suffix = dot != NULL ? g_ascii_strdown (dot + 1, -1) : g_strdup ("");

  if (g_str_equal (suffix, "img"))
    *format = VT_IMAGE_RAW;
  return g_str_equal (suffix, "img") || vt_image_format_from_name (suffix, format);
}

/* A raw disk's guest can write what it likes to the first sector: so a format is only guessed where the other guess is harmless, or
 * where the file's name says the same; otherwise the person says it. */
static gboolean
format_of (const Options *options, const char *path, gboolean harmless, VtImageFormat *format)
{
  VtImageFormat looks = options->format == NULL ? vt_image_looks_like (path) : VT_IMAGE_RAW, named;

  if (looks == VT_IMAGE_RAW || harmless || (format_from_suffix (path, &named) && named == looks))
    return find_format (options->format, looks, format);
  vitrine_ctl_fail (_("“%s” looks like %s. Say which it is: --format %s, or --format raw if a guest may have written that"), path,
                    vt_image_format_name (looks), vt_image_format_name (looks));
  return FALSE;
}

/* The image that a verb is about: its second word. `secret` is for the caller to free, and only asked for when needed. */
static gboolean
take_place (const Options *options, gboolean harmless, gboolean needs_data, VtImagePlace *place, VtSecret **secret)
{
  g_autoptr(GError) error = NULL;
  g_auto(VtImageInfo) info = { 0 };

  *place = (VtImagePlace) { .path = options->words[1], .any_backing = options->any_backing };
  if (!format_of (options, place->path, harmless, &place->format))
    return FALSE;
  if (!needs_data)
    return TRUE;
  if (vt_image_info (place, &info, &error) && info.encrypted)
    place->secret = *secret = vitrine_ctl_read_key (&options->key, place->path, FALSE, &error);
  if (error != NULL)
    vitrine_ctl_fail ("%s", error->message);
  return error == NULL;
}

/* What a new image shall be, from the options. */
static gboolean
take_shape (const Options *options, const char *path, const char *format, const VitrineKeySource *key, VtImagePlace *place,
            VtImageShape *shape, VtSecret **secret)
{
  g_autoptr(GError) error = NULL;
  VtImageFormat named = VT_IMAGE_QCOW2;

  *shape = (VtImageShape) { .cluster_bytes = (unsigned) options->cluster_kib * 1024, .encrypted = options->encrypt,
                            .iteration_ms = (unsigned) options->iteration_ms, .unsynced = options->no_sync };
  *place = (VtImagePlace) { .path = path };
  format_from_suffix (path, &named);
  if (!find_format (format, named, &place->format))
    return FALSE;
  if (g_strcmp0 (options->compress, "zlib") == 0)
    shape->packing = VT_IMAGE_ZLIB;
  else if (g_strcmp0 (options->compress, "zstd") == 0)
    shape->packing = VT_IMAGE_ZSTD;
  else if (options->compress != NULL)
    {
      vitrine_ctl_fail (_("“%s” is no way to compress: choose zlib or zstd"), options->compress);
      return FALSE;
    }
  if (place->format != VT_IMAGE_LUKS && !options->encrypt)
    return TRUE;
  *secret = place->secret = vitrine_ctl_read_key (key, path, TRUE, &error);
  if (error != NULL)
    vitrine_ctl_fail ("%s", error->message);
  return error == NULL;
}

static gboolean
parse_size (const char *text, guint64 *bytes)
{
  g_autoptr(GError) error = NULL;

  if (vitrine_parse_size (text, 1, bytes, &error))
    return TRUE;
  vitrine_ctl_fail ("%s", error->message);
  return FALSE;
}

/* --- the verbs -------------------------------------------------------------------------------------------------- */

static int
create (const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtSecret) secret = NULL;
  VtImagePlace place;
  VtImageShape shape;

  if (!take_shape (options, options->words[1], options->format, &options->key, &place, &shape, &secret)
      || !find_format (options->backing_format, VT_IMAGE_RAW, &shape.backing_format)
      || (options->words[2] != NULL && !parse_size (options->words[2], &shape.size_bytes)))
    return 1;
  if (options->backing != NULL && options->backing_format == NULL)
    return vitrine_ctl_fail (_("Say which format “%s” has: --backing-format raw or qcow2"), options->backing);
  shape.backing = options->backing;
  if (!vt_image_create (&place, &shape, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static void
print_qcow2 (const VtImageInfo *info)
{
  g_print (_("Version: %u\nClusters: %u KiB\nCompression: %s\nSnapshots: %u\n"), info->version, info->cluster_bytes / 1024,
           info->zstd ? "zstd" : "zlib", info->snapshots);
  if (info->backing != NULL)
    g_print (_("Stands on: %s (%s)\n"), info->backing, info->backing_format != NULL ? info->backing_format : "?");
  if (info->corrupt)
    g_print (_("It is marked as corrupt.\n"));
  if (info->dirty)
    g_print (_("It was not closed in order; the next use mends its counts.\n"));
}

static void
print_encryption (const VtImageInfo *info)
{
  g_print (_("Encryption: LUKS, %s with %u bits, %s\nUUID: %s\n"), info->cipher, info->key_bits, info->hash, info->uuid);
  for (guint i = 0; i < VT_IMAGE_SLOTS; i++)
    if (info->iterations[i] > 0)
      g_print (_("Slot %u: a passphrase, %u iterations\n"), i, info->iterations[i]);
    else
      g_print (_("Slot %u: free\n"), i);
}

static int
info (const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_auto(VtImageInfo) found = { 0 };
  VtImagePlace place;

  if (!take_place (options, TRUE, FALSE, &place, NULL))
    return 1;
  if (!vt_image_info (&place, &found, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autofree char *size = g_format_size_full (found.size_bytes, G_FORMAT_SIZE_IEC_UNITS | G_FORMAT_SIZE_LONG_FORMAT);
  g_autofree char *room = g_format_size_full (found.file_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_print (_("Format: %s\nSize of the disk: %s\nRoom on the host: %s\n"), vt_image_format_name (place.format), size, room);
  if (found.variant != NULL)
    g_print (_("Variant: %s\n"), found.variant);
  if (place.format == VT_IMAGE_QCOW2)
    print_qcow2 (&found);
  if (found.encrypted)
    print_encryption (&found);
  return 0;
}

/* 0 clean, 2 corrupt, 3 only room lost: as qemu-img has it. */
static int
check (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImageCheck found;

  if (options->format != NULL && !g_str_equal (options->format, "qcow2"))
    return vitrine_ctl_fail (_("Only qcow2 images have something to check"));
  if (!vt_image_check (options->words[1], options->repair, &found, &error))
    return vitrine_ctl_fail ("%s", error->message);
  /* long long: what a translation can say on every computer. */
  g_print (_("%llu of %llu clusters have data.\n"), (long long unsigned) found.allocated, (long long unsigned) found.clusters);
  g_print (_("Corrupt: %llu (mended: %llu). Room lost: %llu clusters (mended: %llu).\n"), (long long unsigned) found.corruptions,
           (long long unsigned) found.corruptions_mended, (long long unsigned) found.leaks,
           (long long unsigned) found.leaks_mended);
  if (found.corruptions > found.corruptions_mended)
    return 2;
  return found.leaks > found.leaks_mended ? 3 : 0;
}

static int
convert (const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtSecret) secret = NULL;
  g_autoptr(VtSecret) new_secret = NULL;
  VtImagePlace from, to;
  VtImageShape shape;

  if (options->words[2] == NULL)
    return vitrine_ctl_usage ("image convert [--format FORMAT] [--to FORMAT] FILE NEW-FILE");
  if (!take_place (options, FALSE, TRUE, &from, &secret)
      || !take_shape (options, options->words[2], options->to_format, &options->new_key, &to, &shape, &new_secret))
    return 1;
  vitrine_ctl_progress_begin (options->quiet);
  if (!vt_image_convert (&from, &to, &shape, vitrine_ctl_image_progress, NULL, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static int
resize (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImagePlace place;
  guint64 bytes;

  if (options->words[2] == NULL)
    return vitrine_ctl_usage ("image resize [--format FORMAT] FILE SIZE");
  if (!take_place (options, FALSE, FALSE, &place, NULL) || !parse_size (options->words[2], &bytes))
    return 1;
  if (!vt_image_resize (&place, bytes, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static bool
print_part (void *opaque, uint64_t off, uint64_t len, VtImagePart kind)
{
  static const char *const names[] = { N_("hole"), N_("zeros"), N_("data") };

  g_print ("%16" G_GUINT64_FORMAT " %16" G_GUINT64_FORMAT "  %s\n", off, len, _(names[kind]));
  return true;
}

static int
map (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImagePlace place;

  if (!take_place (options, TRUE, FALSE, &place, NULL))
    return 1;
  if (!vt_image_map (&place, print_part, NULL, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static void
print_snapshot (void *opaque, const char *id, const char *name, int64_t seconds)
{
  g_autoptr(GDateTime) when = g_date_time_new_from_unix_local (seconds);
  g_autofree char *text = when != NULL ? g_date_time_format (when, "%F %T") : NULL;

  g_print ("%4s  %s  %s\n", id, text != NULL ? text : "?", name);
}

/* snapshot list FILE | take FILE NAME | revert FILE NAME | delete FILE NAME */
static int
snapshot (const Options *options)
{
  static const struct { const char *name; VtImageSnapshotVerb verb; } verbs[] = {
    { "take", VT_IMAGE_TAKE_SNAPSHOT }, { "revert", VT_IMAGE_GO_BACK }, { "delete", VT_IMAGE_DELETE_SNAPSHOT },
  };
  const char *verb = options->words[1], *path = options->words[2], *name = path != NULL ? options->words[3] : NULL;
  g_autoptr(GError) error = NULL;

  if (path != NULL && name == NULL && g_str_equal (verb, "list"))
    return vt_image_list_snapshots (path, print_snapshot, NULL, &error) ? 0 : vitrine_ctl_fail ("%s", error->message);
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, verb))
      return vt_image_snapshot (path, verbs[i].verb, name, &error) ? 0 : vitrine_ctl_fail ("%s", error->message);
  return vitrine_ctl_usage ("image snapshot list FILE | take|revert|delete FILE NAME");
}

/* passphrase add FILE | passphrase remove FILE */
static int
passphrase (const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtSecret) secret = NULL;
  g_autoptr(VtSecret) another = NULL;
  gboolean add = g_str_equal (options->words[1], "add");
  const Options of_file = { .format = options->format, .key = options->key, .words = options->words + 1 };
  VtImagePlace place;

  if (options->words[2] == NULL || (!add && !g_str_equal (options->words[1], "remove")))
    return vitrine_ctl_usage ("image passphrase add|remove FILE [--key-file FILE] [--new-key-file FILE]");
  /* Only a LUKS header is changed: a wrong guess is harmless. */
  if (!take_place (&of_file, TRUE, TRUE, &place, &secret))
    return 1;
  if (secret == NULL)
    return vitrine_ctl_fail (_("“%s” is not encrypted"), place.path);
  if (!add)
    return vt_image_remove_passphrase (&place, &error) ? 0 : vitrine_ctl_fail ("%s", error->message);
  another = vitrine_ctl_read_key (&options->new_key, place.path, TRUE, &error);
  if (another == NULL || !vt_image_add_passphrase (&place, another, (unsigned) options->iteration_ms, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

int
vitrine_ctl_image (int argc, char **argv)
{
  static const struct { const char *name; int (*function) (const Options *options); } verbs[] = {
    { "create", create }, { "info", info }, { "check", check }, { "convert", convert }, { "resize", resize }, { "map", map },
    { "snapshot", snapshot }, { "passphrase", passphrase },
  };
  g_auto(Options) options = { .key.fd = -1, .new_key.fd = -1 };
  g_autoptr(GError) error = NULL;

  if (!parse (&argc, &argv, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  guint n = options.words != NULL ? g_strv_length (options.words) : 0;
  if (options.cluster_kib < 0 || options.cluster_kib > 2048)
    return vitrine_ctl_fail (_("Clusters have 1 to 2048 KiB"));
  if (options.iteration_ms < 0 || options.iteration_ms > 60000)
    return vitrine_ctl_fail (_("A try of a passphrase costs 1 to 60000 ms"));
  for (guint i = 0; n >= 2 && n <= 4 && i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, options.words[0]))
      return verbs[i].function (&options);
  return vitrine_ctl_usage ("image create|info|check|convert|resize|map|snapshot|passphrase FILE … (“vitrinectl image --help”)");
}
