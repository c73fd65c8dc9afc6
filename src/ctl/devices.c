/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about devices of a running machine: balloon, info, change-cd, change-floppy, link, capture, record. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "machines.h"
#include "sizes.h"

#define FRESH_MS 1000

/* A call that hands a file over; `fd` is closed. */
static int
call_with_file (const char *words, const char *method, GVariant *arguments, int fd)
{
  g_autoptr(GVariant) owned = g_variant_ref_sink (arguments);
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;
  gboolean ok = client != NULL && vitrine_client_call_with_file_sync (client, method, owned, fd, &error);

  close (fd);
  if (client == NULL)
    return 1;
  return ok ? 0 : vitrine_ctl_fail ("%s", error->message);
}

/* A call that has something written into a new file, which goes again when the machine refuses. */
static int
call_with_new_file (const char *words, const char *method, GVariant *arguments, const char *path)
{
  g_autoptr(GVariant) owned = g_variant_ref_sink (arguments);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0)
    return errno == EEXIST ? vitrine_ctl_fail (_("“%s” exists already. Choose another name, or remove it first."), path)
                           : vitrine_ctl_fail (_("Cannot open “%s”: %s"), path, g_strerror (errno));
  int status = call_with_file (words, method, owned, fd);
  if (status != 0)
    g_unlink (path);
  return status;
}

static gboolean
parse_index (const char *text, guint *out)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 0, 255, &number, NULL))
    return FALSE;
  *out = (guint) number;
  return TRUE;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

int
vitrine_ctl_balloon (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  guint64 bytes;

  if (argc != 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("balloon MACHINE SIZE");
  if (!vitrine_parse_size (argv[2], VITRINE_MIB, &bytes, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return vitrine_ctl_call (argv[1], "SetMemory", g_variant_new ("(t)", bytes));
}

static guint64
value_of (GVariant *memory, const char *name)
{
  guint64 value = 0;

  g_variant_lookup (memory, name, "t", &value);
  return value;
}

/* The guest's own figures take a moment: asking makes it tell anew. */
static GVariant *
ask_memory (VitrineClient *client, GError **error)
{
  GVariant *memory = vitrine_client_get_memory (client, error);
  guint64 before = memory != NULL ? value_of (memory, "updates") : 0;
  gint64 deadline = g_get_monotonic_time () + FRESH_MS * 1000;

  while (memory != NULL && before > 0 && value_of (memory, "updates") == before && g_get_monotonic_time () < deadline)
    {
      g_usleep (20000);
      g_variant_unref (memory);
      memory = vitrine_client_get_memory (client, error);
    }
  return memory;
}

static void
print_memory (GVariant *memory)
{
  static const struct { const char *name, *label; } lines[] = {
    { "machine", N_("Memory of the machine") },        { "wanted", N_("Wanted for the guest") },
    { "actual", N_("That the guest can use") },        { "reported", N_("Given back as free, so far") },
    { "total", N_("Total, says the guest") },          { "free", N_("Free, says the guest") },
    { "available", N_("Available, says the guest") },  { "cached", N_("Caches of the guest") },
    { "swapped_in", N_("Swapped in by the guest") },   { "swapped_out", N_("Swapped out by the guest") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      guint64 value;
      if (!g_variant_lookup (memory, lines[i].name, "t", &value) || (i >= 4 && value_of (memory, "updates") == 0))
        continue;
      g_autofree char *size = g_format_size_full (value, G_FORMAT_SIZE_IEC_UNITS | G_FORMAT_SIZE_LONG_FORMAT);
      g_print ("%s:%*s %s\n", _(lines[i].label), MAX (30 - (int) g_utf8_strlen (_(lines[i].label), -1), 1), "", size);
    }
}

int
vitrine_ctl_info (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage ("info MACHINE");
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (argv[1]);
  if (client == NULL)
    return 1;
  g_autoptr(GVariant) memory = ask_memory (client, &error);
  g_autofree char *accelerator = vitrine_client_get_accelerator (client);
  if (memory == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_print (_("State: %s\n"), vitrine_state_to_label (vitrine_client_get_state (client)));
  g_print (_("Accelerator: %s\n"), accelerator);
  if (g_variant_n_children (memory) == 0)
    g_print (_("There is no memory balloon.\n"));
  print_memory (memory);
  return 0;
}

/* --- drives ----------------------------------------------------------------------------------------------------- */

static int
change_medium (int argc, char **argv, gboolean floppy)
{
  guint drive = 0;

  if (argc != 4 || argv[1][0] == '-' || !parse_index (argv[2], &drive))
    return vitrine_ctl_usage (floppy ? "change-floppy MACHINE DRIVE FILE|none" : "change-cd MACHINE DRIVE FILE|none");
  if (g_str_equal (argv[3], "none"))
    return vitrine_ctl_call (argv[1], "EjectMedium", g_variant_new ("(u)", drive));
  g_autofree char *path = g_canonicalize_filename (argv[3], NULL);
  int fd = floppy ? g_open (path, O_RDWR | O_CLOEXEC, 0) : -1;
  if (fd < 0)
    fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);   /* a floppy disk is write protected then */
  if (fd < 0)
    return vitrine_ctl_fail (_("Cannot open “%s”: %s"), path, g_strerror (errno));
  return call_with_file (argv[1], "ChangeMedium", g_variant_new ("(ush)", drive, path, 0), fd);
}

int
vitrine_ctl_change_cd (int argc, char **argv)
{
  return change_medium (argc, argv, FALSE);
}

int
vitrine_ctl_change_floppy (int argc, char **argv)
{
  return change_medium (argc, argv, TRUE);
}

/* --- network cards ---------------------------------------------------------------------------------------------- */

int
vitrine_ctl_link (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  guint8 mac[6];
  guint card = 0;

  if ((argc != 3 && argc != 4) || argv[1][0] == '-' || (argc == 4 && !parse_index (argv[3], &card)))
    return vitrine_ctl_usage ("link MACHINE up|down|MAC-ADDRESS [CARD]");
  if (g_str_equal (argv[2], "up") || g_str_equal (argv[2], "down"))
    return vitrine_ctl_call (argv[1], "SetLink", g_variant_new ("(ub)", card, g_str_equal (argv[2], "up")));
  if (!vitrine_parse_mac (argv[2], mac, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return vitrine_ctl_call (argv[1], "SetMac",
                           g_variant_new ("(u@ay)", card, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, mac, 6, 1)));
}

int
vitrine_ctl_capture (int argc, char **argv)
{
  guint card = 0;

  if ((argc != 3 && argc != 4) || argv[1][0] == '-' || (argc == 4 && !parse_index (argv[3], &card)))
    return vitrine_ctl_usage ("capture MACHINE FILE.pcap|stop [CARD]");
  if (g_str_equal (argv[2], "stop"))
    return vitrine_ctl_call (argv[1], "StopCapture", g_variant_new ("(u)", card));
  return call_with_new_file (argv[1], "StartCapture", g_variant_new ("(uh)", card, 0), argv[2]);
}

/* --- the screen ------------------------------------------------------------------------------------------------- */

int
vitrine_ctl_record (int argc, char **argv)
{
  if (argc != 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("record MACHINE FILE.webm|stop");
  if (g_str_equal (argv[2], "stop"))
    return vitrine_ctl_call (argv[1], "StopRecording", NULL);
  g_autofree char *name = g_filename_display_basename (argv[2]);
  return call_with_new_file (argv[1], "StartRecording", g_variant_new ("(sh)", name, 0), argv[2]);
}
