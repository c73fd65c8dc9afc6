/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl image: disk images without a machine. */
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vitrine/image.h>

#include "ctl.h"

typedef struct
{
  char    *format, *to_format, *backing, *backing_format;
  int      cluster_kib;
  gboolean repair, quiet, any_backing;
  char   **words;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->format);
  g_free (options->to_format);
  g_free (options->backing);
  g_free (options->backing_format);
  g_strfreev (options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "format", 'f', 0, G_OPTION_ARG_STRING, &options->format, N_("Format of the image: raw or qcow2"), "FORMAT" },
    { "to", 't', 0, G_OPTION_ARG_STRING, &options->to_format, N_("Format of the new image (convert)"), "FORMAT" },
    { "backing", 'b', 0, G_OPTION_ARG_FILENAME, &options->backing, N_("What the new image stands on (create)"), "FILE" },
    { "backing-format", 0, 0, G_OPTION_ARG_STRING, &options->backing_format, N_("Format of the backing image"), "FORMAT" },
    { "cluster-size", 0, 0, G_OPTION_ARG_INT, &options->cluster_kib, N_("Clusters of so many KiB (64)"), "KIB" },
    { "repair", 0, 0, G_OPTION_ARG_NONE, &options->repair, N_("Set wrong counts right (check)"), NULL },
    { "any-backing", 0, 0, G_OPTION_ARG_NONE, &options->any_backing, N_("Backing files may be outside of its folder (convert)"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("No progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL, NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new (
    "create FILE SIZE | info FILE | check FILE | convert FILE NEW-FILE | resize FILE SIZE | map FILE | snapshot …");

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, _("Makes, measures, checks and converts disk images that no machine uses."));
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
find_format (const char *name, VtImageFormat otherwise, VtImageFormat *format)
{
  *format = name == NULL ? otherwise : g_str_equal (name, "qcow2") ? VT_IMAGE_QCOW2 : VT_IMAGE_RAW;
  if (name == NULL || g_str_equal (name, "qcow2") || g_str_equal (name, "raw"))
    return TRUE;
  vitrine_ctl_fail (_("“%s” is not a format: choose raw or qcow2"), name);
  return FALSE;
}

/* A raw disk's guest can write what it likes to the first sector: so a format is only guessed where the other guess is harmless, and
 * otherwise the person says it. */
static gboolean
format_of (const Options *options, const char *path, gboolean harmless, VtImageFormat *format)
{
  gboolean looks = options->format == NULL && vt_image_looks_like_qcow2 (path);

  if (looks && !harmless)
    {
      vitrine_ctl_fail (_("“%s” looks like qcow2. Say which it is: --format qcow2, or --format raw if a guest may have written that"),
                        path);
      return FALSE;
    }
  return find_format (options->format, looks ? VT_IMAGE_QCOW2 : VT_IMAGE_RAW, format);
}

static gboolean
parse_size (const char *text, guint64 *bytes)
{
  static const char letters[] = "KMGT";
  char *end;
  guint64 number = g_ascii_strtoull (text, &end, 10);
  const char *letter = *end != '\0' ? strchr (letters, g_ascii_toupper (*end)) : NULL;
  unsigned shift = letter != NULL ? 10 * ((unsigned) (letter - letters) + 1) : 0;

  *bytes = number << shift;
  if (end != text && number > 0 && (*end == '\0' || (letter != NULL && end[1] == '\0')) && *bytes >> shift == number)
    return TRUE;
  vitrine_ctl_fail (_("“%s” is not a size: write for example 512M or 20G"), text);
  return FALSE;
}

/* --- the verbs -------------------------------------------------------------------------------------------------- */

static int
create (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImageFormat format, below;
  guint64 bytes = 0;

  if (!find_format (options->format, VT_IMAGE_QCOW2, &format)
      || !find_format (options->backing_format, VT_IMAGE_RAW, &below)
      || (options->words[2] != NULL && !parse_size (options->words[2], &bytes)))
    return 1;
  if (options->backing != NULL && options->backing_format == NULL)
    return vitrine_ctl_fail (_("Say which format “%s” has: --backing-format raw or qcow2"), options->backing);
  if (!vt_image_create (options->words[1], format, bytes, (unsigned) options->cluster_kib * 1024, options->backing, below, &error))
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

static int
info (const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_auto(VtImageInfo) found = { 0 };
  VtImageFormat format;

  if (!format_of (options, options->words[1], TRUE, &format))
    return 1;
  if (!vt_image_info (options->words[1], format, &found, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autofree char *size = g_format_size_full (found.size_bytes, G_FORMAT_SIZE_IEC_UNITS | G_FORMAT_SIZE_LONG_FORMAT);
  g_autofree char *room = g_format_size_full (found.file_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_print (_("Format: %s\nSize of the disk: %s\nRoom on the host: %s\n"), format == VT_IMAGE_QCOW2 ? "qcow2" : "raw", size, room);
  if (format == VT_IMAGE_QCOW2)
    print_qcow2 (&found);
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

static bool
show_progress (void *opaque, uint64_t done, uint64_t whole)
{
  gint64 *last = opaque, now = g_get_monotonic_time ();

  if (now - *last < G_USEC_PER_SEC / 10 && done < whole)
    return true;
  *last = now;
  g_printerr ("\r%3.0f %%%s", 100.0 * (double) done / (double) whole, done < whole ? "" : "\n");
  return true;
}

static int
convert (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImageFormat from, to;
  gint64 last = 0;
  gboolean shows = !options->quiet && isatty (STDERR_FILENO);

  if (options->words[2] == NULL)
    return vitrine_ctl_usage ("image convert [--format FORMAT] [--to FORMAT] FILE NEW-FILE");
  if (!format_of (options, options->words[1], FALSE, &from) || !find_format (options->to_format, VT_IMAGE_QCOW2, &to))
    return 1;
  if (!vt_image_convert (options->words[1], from, options->any_backing, options->words[2], to, (unsigned) options->cluster_kib * 1024,
                         shows ? show_progress : NULL, &last, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static int
resize (const Options *options)
{
  g_autoptr(GError) error = NULL;
  VtImageFormat format;
  guint64 bytes;

  if (options->words[2] == NULL)
    return vitrine_ctl_usage ("image resize [--format FORMAT] FILE SIZE");
  if (!format_of (options, options->words[1], FALSE, &format) || !parse_size (options->words[2], &bytes))
    return 1;
  if (!vt_image_resize (options->words[1], format, bytes, &error))
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
  VtImageFormat format;

  if (!format_of (options, options->words[1], TRUE, &format))
    return 1;
  if (!vt_image_map (options->words[1], format, print_part, NULL, &error))
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

int
vitrine_ctl_image (int argc, char **argv)
{
  static const struct { const char *name; int (*function) (const Options *options); } verbs[] = {
    { "create", create }, { "info", info }, { "check", check }, { "convert", convert }, { "resize", resize }, { "map", map },
    { "snapshot", snapshot },
  };
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;

  if (!parse (&argc, &argv, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  guint n = options.words != NULL ? g_strv_length (options.words) : 0;
  if (options.cluster_kib < 0 || options.cluster_kib > 2048)
    return vitrine_ctl_fail (_("Clusters have 1 to 2048 KiB"));
  for (guint i = 0; n >= 2 && n <= 4 && i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, options.words[0]))
      return verbs[i].function (&options);
  return vitrine_ctl_usage ("image create|info|check|convert|resize|map|snapshot FILE … (“vitrinectl image --help”)");
}
