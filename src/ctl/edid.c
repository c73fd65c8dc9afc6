/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl edid: writes the EDID of a monitor, or shows what one says. */
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vitrine/edid.h>

#include "ctl.h"

#define FILE_MAX (256 * VT_EDID_BLOCK_BYTES)

typedef struct
{
  int     width, height, width_mm, height_mm, refresh;
  double  dpi;
  char   *name, *serial, *output, *decode;
} EdidOptions;

static void
edid_options_clear (EdidOptions *options)
{
  g_free (options->name);
  g_free (options->serial);
  g_free (options->output);
  g_free (options->decode);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EdidOptions, edid_options_clear)

static gboolean
parse (int *argc, char ***argv, EdidOptions *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "xres", 0, 0, G_OPTION_ARG_INT, &options->width, N_ ("Width of the preferred mode in pixels"), "N" },
    { "yres", 0, 0, G_OPTION_ARG_INT, &options->height, N_ ("Height of the preferred mode in pixels"), "N" },
    { "dpi", 0, 0, G_OPTION_ARG_DOUBLE, &options->dpi, N_ ("Pixels per inch (96)"), "N" },
    { "width-mm", 0, 0, G_OPTION_ARG_INT, &options->width_mm, N_ ("Width of the picture in millimetres"), "N" },
    { "height-mm", 0, 0, G_OPTION_ARG_INT, &options->height_mm, N_ ("Height of the picture in millimetres"), "N" },
    { "refresh", 0, 0, G_OPTION_ARG_INT, &options->refresh, N_ ("Pictures per second (60)"), "N" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &options->name, N_ ("Name of the monitor, up to 13 characters"), N_ ("TEXT") },
    { "serial", 0, 0, G_OPTION_ARG_STRING, &options->serial, N_ ("Serial number of the monitor"), N_ ("TEXT") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, N_ ("Write to this file instead of standard output"),
      N_ ("FILE") },
    { "decode", 0, 0, G_OPTION_ARG_FILENAME, &options->decode, N_ ("Show what this EDID says"), N_ ("FILE") },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, _("Writes the description of a monitor as guests get it (EDID)."));
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("“%s” is one word too many"), (*argv)[1]);
  return *argc == 1;
}

static gboolean
in_range (int value, int least, int most, const char *option, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s must be a number from %d to %d"), option, least,
               most);
  return FALSE;
}

static gboolean
check (const EdidOptions *options, GError **error)
{
  if (!in_range (options->width, 1, VT_EDID_PIXELS_MAX, "--xres", error)
      || !in_range (options->height, 1, VT_EDID_PIXELS_MAX, "--yres", error)
      || !in_range (options->width_mm, 0, VT_EDID_MM_MAX, "--width-mm", error)
      || !in_range (options->height_mm, 0, VT_EDID_MM_MAX, "--height-mm", error)
      || !in_range (options->refresh, 0, 240, "--refresh", error))
    return FALSE;
  if (options->dpi != 0 && !(options->dpi >= 1 && options->dpi <= 2000))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s must be a number from %d to %d"), "--dpi", 1,
                   2000);
      return FALSE;
    }
  const char *texts[] = { options->name, options->serial };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i] != NULL && strlen (texts[i]) > VT_EDID_TEXT_MAX)
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     _ ("“%s” is too long: an EDID has room for %d characters"), texts[i], VT_EDID_TEXT_MAX);
        return FALSE;
      }
  return TRUE;
}

static void
print_info (const VtEdidInfo *info)
{
  g_print (_("Monitor: %s (%s %04x)\n"), info->name, info->vendor, info->product);
  if (*info->serial != 0)
    g_print (_("Serial number: %s\n"), info->serial);
  g_print (_("Size: %u × %u mm\n"), info->width_mm, info->height_mm);
  g_print (_ ("Blocks: %u%s%s\n"), info->n_blocks, info->has_cta ? ", CTA-861" : "",
           info->has_displayid ? ", DisplayID" : "");
  g_print (_("Modes:\n"));
  for (unsigned i = 0; i < info->n_modes; i++)
    {
      const VtEdidMode *mode = &info->modes[i];
      g_print (_("  %u × %u, %.2f Hz"), mode->width, mode->height, mode->refresh_mhz / 1000.0);
      if (mode->clock_khz != 0)
        g_print (_(", %.2f MHz"), mode->clock_khz / 1000.0);
      g_print ("%s\n", mode->preferred ? _(" (preferred)") : "");
    }
}

static int
show (const uint8_t *bytes, gsize len, const char *name)
{
  VtEdidInfo          info;
  g_autoptr (GError)  error = NULL;
  if (!vt_edid_parse (bytes, len, &info, &error))
    return vitrine_ctl_fail ("%s: %s", name, error->message);
  print_info (&info);
  return 0;
}

/* No more of the file than an EDID can have. */
static int
decode (const char *path)
{
  g_autofree char *bytes = g_malloc (FILE_MAX + 1);
  FILE            *file = g_str_equal (path, "-") ? stdin : fopen (path, "rb");
  if (file == NULL)
    return vitrine_ctl_fail (_("Cannot open “%s”: %s"), path, g_strerror (errno));
  gsize len = fread (bytes, 1, FILE_MAX + 1, file);
  if (file != stdin)
    fclose (file);
  return show ((const uint8_t *) bytes, len, path);
}

static int
write_out (const EdidOptions *options, const uint8_t *bytes, gsize len)
{
  g_autoptr (GError) error = NULL;
  if (options->output == NULL)
    return fwrite (bytes, 1, len, stdout) == len && fflush (stdout) == 0 ? 0
                                                                         : vitrine_ctl_fail ("%s", g_strerror (errno));
  if (!g_file_set_contents (options->output, (const char *) bytes, (gssize) len, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

int
vitrine_ctl_edid (int argc, char **argv)
{
  g_auto (EdidOptions) options = { .width = 1280, .height = 800 };
  g_autoptr (GError)   error = NULL;
  uint8_t              bytes[VT_EDID_MAX_BYTES];
  if (!parse (&argc, &argv, &options, &error) || !check (&options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.decode != NULL)
    return decode (options.decode);
  VtMonitor monitor = { .width = (uint32_t) options.width, .height = (uint32_t) options.height,
                        .width_mm = (uint32_t) options.width_mm, .height_mm = (uint32_t) options.height_mm,
                        .refresh_hz = (uint32_t) options.refresh, .name = options.name, .serial = options.serial };
  if (options.dpi != 0 && monitor.width_mm == 0)
    monitor.width_mm = vt_edid_mm (monitor.width, options.dpi);
  if (options.dpi != 0 && monitor.height_mm == 0)
    monitor.height_mm = vt_edid_mm (monitor.height, options.dpi);
  gsize len = vt_edid_build (&monitor, bytes);
  /* A terminal would only be confused by the bytes. */
  if (options.output == NULL && isatty (STDOUT_FILENO))
    return show (bytes, len, "edid");
  return write_out (&options, bytes, len);
}
