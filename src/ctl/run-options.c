/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run-options-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include <vitrine/error.h>


typedef gboolean (*Apply) (VitrineRunTarget *target, const char *value, GError **error);

/* --- Events ---------------------------------------------------------------------------------------------------------- */

/* "VALUE@SECONDS"; the last @ counts, and only when a number follows. */
static VitrineRunEvent *
parse_event (const char *text, double without)
{
  VitrineRunEvent *event = g_new0 (VitrineRunEvent, 1);
  const char      *at = strrchr (text, '@');
  char            *end = NULL;
  double           seconds = at != NULL ? g_ascii_strtod (at + 1, &end) : 0;
  bool             timed = at != NULL && end != at + 1 && *end == 0 && seconds >= 0;
  event->what = timed ? g_strndup (text, (gsize) (at - text)) : g_strdup (text);
  event->seconds = timed ? seconds : without;
  return event;
}

static void
event_free (gpointer data)
{
  g_free (((VitrineRunEvent *) data)->what);
  g_free (data);
}

/* --- Options ------------------------------------------------------------------------------------------------------------ */

static gboolean
set_machine (VitrineRunTarget *target, const char *value, GError **error)
{
  g_free (target->config->machine);
  target->config->machine = g_strdup (value);
  return TRUE;
}

static gboolean
set_accel (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord words[] = { { "auto", VT_ACCEL_AUTO }, { "interp", VT_ACCEL_INTERP }, { "jit", VT_ACCEL_JIT },
                                { "kvm", VT_ACCEL_KVM }, { "cosim", VT_ACCEL_COSIM }, { NULL, 0 } };
  int choice;
  if (!vitrine_run_parse_word (_("Accelerator"), words, value, &choice, error))
    return FALSE;
  target->config->accel = (VtAccelChoice) choice;
  return TRUE;
}

static gboolean
set_cpu (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->cpu_model, value);
}

static gboolean
set_cpus (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_parse_number (value, 1024, &target->config->cpus, error);
}

static gboolean
set_memory (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_parse_size (value, VITRINE_MIB, &target->config->memory_bytes, error);
}

static gboolean
set_kernel (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->kernel, value);
}

static gboolean
set_initrd (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->initrd, value);
}

static gboolean
set_append (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->append, value);
}

static gboolean
set_firmware (VitrineRunTarget *target, const char *value, GError **error)
{
  enum { BIOS, UEFI, SECURE };
  static const VitrineRunWord words[] = { { "bios", BIOS }, { "uefi", UEFI }, { "secure-boot", SECURE }, { NULL, 0 } };
  VtConfig *config = target->config;
  int choice;
  if (!vitrine_run_parse_word (_("Firmware"), words, value, &choice, error))
    return FALSE;
  config->firmware = choice == BIOS ? VT_FIRMWARE_BIOS : VT_FIRMWARE_UEFI;
  config->secure_boot = config->enrolled_keys = choice == SECURE;
  config->smm |= choice == SECURE;
  return TRUE;
}

static gboolean
set_bios (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->firmware_code, value);
}

static gboolean
set_nvram (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->nvram, value);
}

static gboolean
set_debugcon (VitrineRunTarget *target, const char *value, GError **error)
{
  if (!g_str_has_prefix (value, "file:"))
    return vitrine_ctl_refuse (error, _("--debugcon takes file:NAME, not “%s”"), value);
  return vitrine_run_set_string (&target->config->debugcon, value + strlen ("file:"));
}

static gboolean
set_debug_exit (VitrineRunTarget *target, const char *value, GError **error)
{
  return target->config->debug_exit = TRUE;
}

static gboolean
set_test_device (VitrineRunTarget *target, const char *value, GError **error)
{
  return target->config->test_device = TRUE;
}

static gboolean
set_no_reboot (VitrineRunTarget *target, const char *value, GError **error)
{
  return target->config->no_reboot = TRUE;
}

static gboolean
add_screenshot (VitrineRunTarget *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->screenshots, parse_event (value, -1));
  return TRUE;
}

static gboolean
add_keys (VitrineRunTarget *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->keys, parse_event (value, 0));
  return TRUE;
}

static gboolean
add_save (VitrineRunTarget *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->saves, parse_event (value, -1));
  return TRUE;
}

static gboolean
add_resize (VitrineRunTarget *target, const char *value, GError **error)
{
  guint width, height;
  VitrineRunEvent *event = parse_event (value, 0);
  g_ptr_array_add (target->options->resizes, event);
  return vitrine_parse_screen_size (event->what, &width, &height, error);
}

static gboolean
set_restore (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->options->restore, value);
}

static gboolean
set_control (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->options->control, value);
}

static gboolean
set_snapshots (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->options->snapshots, value);
}

static gboolean
set_timeout (VitrineRunTarget *target, const char *value, GError **error)
{
  char *end;
  target->options->timeout = g_ascii_strtod (value, &end);
  if (end == value || *end != 0 || target->options->timeout <= 0)
    return vitrine_ctl_refuse (error, _("--timeout takes a number of seconds, not “%s”"), value);
  return TRUE;
}

static gboolean
set_stats (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->options->stats, value);
}

static gboolean
set_count (VitrineRunTarget *target, const char *value, GError **error)
{
  return target->options->count = TRUE;
}

static gboolean
set_jit_without (VitrineRunTarget *target, const char *value, GError **error)
{
  return vitrine_run_set_string (&target->config->jit_without, value);
}

static gboolean
set_perf_map (VitrineRunTarget *target, const char *value, GError **error)
{
  return target->config->perf_map = TRUE;
}

static gboolean
add_trace (VitrineRunTarget *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->traces, g_strdup (value));
  return TRUE;
}

static gboolean
nothing (VitrineRunTarget *target, const char *value, GError **error)
{
  return TRUE;
}

static const struct
{
  const char *name;
  const char *argument;   /* NULL: takes none */
  Apply       apply;
  const char *summary;
} options_table[] = {
  { "--domain", "FILE.xml", nothing, N_("Take the machine from a libvirt domain XML file") },
  { "--machine", "q35|pc", set_machine, N_("Kind of machine") },
  { "--accel", "auto|kvm|jit|interp|cosim", set_accel, N_("How guest instructions are executed") },
  { "--cpu", "MODEL", set_cpu, N_("Processor model") },
  { "--cpus", "N", set_cpus, N_("Number of processors") },
  { "--memory", "SIZE", set_memory, N_("Memory, for example 512M or 2G (1G)") },
  { "--kernel", "FILE", set_kernel, N_("Boot this kernel without firmware (bzImage, multiboot, PVH)") },
  { "--initrd", "FILE", set_initrd, N_("Initial RAM disk, or the multiboot module") },
  { "--append", "TEXT", set_append, N_("Kernel command line") },
  { "--firmware", "bios|uefi|secure-boot", set_firmware, N_("Which firmware") },
  { "--bios", "FILE", set_bios, N_("Firmware image instead of the installed one") },
  { "--nvram", "FILE", set_nvram, N_("Keep UEFI variables in this file") },
  { "--disk", "FILE[,format=raw|qcow2|luks][,bus=virtio|sata|ide|scsi|nvme|usb][,readonly=on][,snapshot=on][,any-backing=on][,key-file=FILE][,port=1..4][,id=NAME][,queues=N][,packed=on]", vitrine_run_add_disk, N_("A disk (repeatable)") },
  { "--cdrom", "FILE[,bus=sata|ide|scsi|usb]", vitrine_run_add_cdrom, N_("A CD image; an empty FILE: a drive without one (repeatable)") },
  { "--floppy", "FILE[,readonly=on]", vitrine_run_add_floppy, N_("A floppy image; an empty FILE: a drive without one (with --machine pc; up to two)") },
  { "--net", "user|local=NAME|bridge=NAME|tap=NAME[,model=virtio|e1000e][,hostfwd=tcp:ADDRESS:PORT-:PORT][,mac=MAC][,restricted=on][,port=1..4][,queues=N][,packed=on]|none", vitrine_run_set_net, N_("A network card (repeatable)") },
  { "--video", "std|bochs|ramfb|virtio|none[,xres=N,yres=N][,edid=on|off][,vram=SIZE][,heads=N][,ramfb=on][,vga=off][,packed=on]", vitrine_run_set_video, N_("Video device") },
  { "--input", "keyboard|mouse|tablet[,bus=usb|virtio][,packed=on]", vitrine_run_add_input, N_("An input device beside PS/2’s (repeatable)") },
  { "--rng", "on|off[,packed=on]", vitrine_run_set_rng, N_("A source of random numbers (on)") },
  { "--sound", "desktop|none|off|wav=FILE[,model=ich6|ich9]", vitrine_run_set_sound, N_("A sound card that plays on this desktop, into a file, or to nobody (off)") },
  { "--crypto", "on|off[,packed=on]", vitrine_run_set_crypto, N_("Ciphers and hashes as a device (off)") },
  { "--balloon", "on|off[,reporting=off][,deflate-on-oom=off][,packed=on]", vitrine_run_set_balloon, N_("A memory balloon (off)") },
  { "--tpm", "DIR|temporary|none[,model=crb|tis]", vitrine_run_set_tpm, N_("A TPM 2.0 with its state in DIR (takes swtpm); “temporary” is a TPM of this run") },
  { "--vsock", "SOCKET[,cid=N][,packed=on]", vitrine_run_set_vsock, N_("Sockets between guest and host: who connects to SOCKET and says “CONNECT PORT”; SOCKET_PORT for the guest") },
  { "--usb-redir", "SOCKET", vitrine_run_add_usb_redir, N_("A USB port for the device of whoever connects to SOCKET, such as usbredirect (repeatable)") },
  { "--share", "FOLDER[,tag=NAME][,readonly=on][,packed=on]", vitrine_run_add_share, N_("A folder that the guest mounts as 9p by its tag (repeatable)") },
  { "--serial", "stdio|null|file:F|pty", vitrine_run_add_serial, N_("A serial port (repeatable)") },
  { "--virtio-console", "stdio|null|file:F|pty|unix:SOCKET[,packed=on]", vitrine_run_add_virtio_console, N_("A virtio console, hvc0 and so on (repeatable)") },
  { "--channel", "unix:SOCKET|pty|file:F|null[,name=NAME][,packed=on]", vitrine_run_add_channel, N_("A named port for programs of the guest (repeatable)") },
  { "--debugcon", "file:F", set_debugcon, N_("Firmware log (ports 0x402 and 0xe9)") },
  { "--debug-exit", NULL, set_debug_exit, N_("isa-debug-exit at port 0xf4") },
  { "--test-device", NULL, set_test_device, N_("pc-testdev for x86 test guests") },
  { "--no-reboot", NULL, set_no_reboot, N_("A guest reset ends the run") },
  { "--screenshot", "F.png[@SECONDS]", add_screenshot, N_("Picture of the screen, at the end or at a guest time (repeatable)") },
  { "--send-keys", "SPEC@SECONDS", add_keys, N_("Press keys at a guest time (repeatable)") },
  { "--resize", "WIDTHxHEIGHT@SECONDS", add_resize, N_("Another size of the monitor at a guest time (repeatable)") },
  { "--save", "FILE[@SECONDS]", add_save, N_("Save the whole machine at a guest time and go on, or at the end") },
  { "--restore", "FILE", set_restore, N_("Start from a saved machine") },
  { "--control", "SOCKET", set_control, N_("Serve the machine’s control interface at this socket") },
  { "--snapshots", "FOLDER", set_snapshots, N_("Where snapshots that the control interface asks for are kept") },
  { "--timeout", "SECONDS", set_timeout, N_("Give up after so many seconds (exit status 124)") },
  { "--stats", "F.json", set_stats, N_("Write counters at the end") },
  { "--count", NULL, set_count, N_("Count instructions in translated code, too (a little slower)") },
  { "--jit-without", "NAME,...", set_jit_without, N_("Leave out techniques of the translator, to see what they give (docs/PERFORMANCE.md)") },
  { "--perf-map", NULL, set_perf_map, N_("Name translated code for perf, in /tmp/perf-PID.map") },
  { "--trace", "GLOB", add_trace, N_("Print trace events (repeatable)") },
  { "--help", NULL, nothing, N_("This list") },
};

static int
find_option (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    if (g_str_equal (options_table[i].name, name))
      return (int) i;
  return -1;
}

typedef gboolean (*Visit) (gpointer data, int option, const char *value, GError **error);

/* Walks the command line; option -1 is a plain word. Both "--x y" and "--x=y" are taken. */
static gboolean
walk (int argc, char **argv, Visit visit, gpointer data, GError **error)
{
  for (int i = 1; i < argc; i++)
    {
      if (!g_str_has_prefix (argv[i], "--"))
        {
          if (!visit (data, -1, argv[i], error))
            return FALSE;
          continue;
        }
      g_autofree char *name = g_strdup (argv[i]);
      const char      *value = vitrine_run_cut_value (name);
      int              option = find_option (name);
      if (option < 0)
        return vitrine_ctl_refuse (error, _("Unknown option “%s”: see “vitrinectl run --help”"), name);
      if (options_table[option].argument == NULL && value != NULL)
        return vitrine_ctl_refuse (error, _("%s takes no value"), name);
      if (options_table[option].argument != NULL && value == NULL && (value = ++i < argc ? argv[i] : NULL) == NULL)
        return vitrine_ctl_refuse (error, _("%s needs a value: %s"), name, options_table[option].argument);
      if (!visit (data, option, value, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
find_definition (gpointer data, int option, const char *value, GError **error)
{
  VitrineRunOptions *options = data;
  if (option >= 0 && g_str_equal (options_table[option].name, "--help"))
    options->help = TRUE;
  bool from_file = option >= 0 && g_str_equal (options_table[option].name, "--domain");
  if (option >= 0 && !from_file)
    return TRUE;
  if (options->definition != NULL)
    return vitrine_ctl_refuse (error, _("Only one machine can be run at a time: “%s” or “%s”"), options->definition, value);
  options->definition = g_strdup (value);
  options->from_file = from_file;
  return TRUE;
}

VitrineRunOptions *
vitrine_run_options_new (int argc, char **argv, GError **error)
{
  g_autoptr (VitrineRunOptions) options = g_new0 (VitrineRunOptions, 1);
  options->screenshots = g_ptr_array_new_with_free_func (event_free);
  options->keys = g_ptr_array_new_with_free_func (event_free);
  options->saves = g_ptr_array_new_with_free_func (event_free);
  options->resizes = g_ptr_array_new_with_free_func (event_free);
  options->traces = g_ptr_array_new_with_free_func (g_free);
  if (!walk (argc, argv, find_definition, options, error))
    return NULL;
  return g_steal_pointer (&options);
}

static gboolean
apply_one (gpointer data, int option, const char *value, GError **error)
{
  return option < 0 || options_table[option].apply (data, value, error);
}

/* On which bus a CD drive usually is depends on the machine, wherever that stands on the command line. */
static gboolean
apply_machine (gpointer data, int option, const char *value, GError **error)
{
  return option < 0 || options_table[option].apply != set_machine || set_machine (data, value, error);
}

gboolean
vitrine_run_options_apply (VitrineRunOptions *options, VtConfig *config, int argc, char **argv, GError **error)
{
  VitrineRunTarget target = { options, config };
  return walk (argc, argv, apply_machine, &target, error) && walk (argc, argv, apply_one, &target, error);
}

void
vitrine_run_options_free (VitrineRunOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->definition);
  g_free (options->control);
  g_free (options->stats);
  g_free (options->restore);
  g_free (options->snapshots);
  g_clear_pointer (&options->screenshots, g_ptr_array_unref);
  g_clear_pointer (&options->keys, g_ptr_array_unref);
  g_clear_pointer (&options->saves, g_ptr_array_unref);
  g_clear_pointer (&options->resizes, g_ptr_array_unref);
  g_clear_pointer (&options->traces, g_ptr_array_unref);
  g_clear_pointer (&options->usb, g_ptr_array_unref);
  g_free (options);
}

void
vitrine_run_options_help (void)
{
  g_print (_("Usage: vitrinectl run [MACHINE | --domain FILE.xml] [OPTIONS]\n\n"));
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    g_print ("  %s%s%s\n        %s\n", options_table[i].name, options_table[i].argument != NULL ? " " : "",
             options_table[i].argument != NULL ? options_table[i].argument : "", _(options_table[i].summary));
}
