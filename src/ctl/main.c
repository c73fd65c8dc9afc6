/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl: Vitrine from a terminal. The table of verbs; each verb is in a file by topic. */
#include <glib/gi18n.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "paths.h"
#include "progress.h"

typedef struct
{
  const char *name;
  int       (*function) (int argc, char **argv);   /* NULL: known, but not built yet */
  const char *summary;
} Verb;

static const Verb verbs[] = {
  { "run", vitrine_ctl_run, N_("Run a machine in this terminal, without a window") },
  { "list", vitrine_ctl_list, N_("List the machines and their states") },
  { "create", vitrine_ctl_create, N_("Create a machine") },
  { "define", vitrine_ctl_define, N_("Add a machine from a libvirt domain XML file") },
  { "dumpxml", vitrine_ctl_dumpxml, N_("Print a machine’s definition") },
  { "set", vitrine_ctl_set, N_("Change a machine: its name, memory, processors, firmware and more") },
  { "delete", vitrine_ctl_delete, N_("Delete a machine") },
  { "connect", vitrine_ctl_connect_host, N_("Add a libvirt host; its machines are called HOST/MACHINE") },
  { "hosts", vitrine_ctl_hosts, N_("List the libvirt hosts, or remove one") },
  { "save", vitrine_ctl_save, N_("Save a machine’s memory and turn it off: its next start goes on from there") },
  { "autostart", vitrine_ctl_autostart, N_("Let a host start a machine whenever it starts itself, or not") },
  { "move", vitrine_ctl_move, N_("Move a machine to a libvirt host, or from one to this computer") },
  { "migrate", vitrine_ctl_migrate, N_("Migrate a host’s machine to another host, also while it runs") },
  { "clone", vitrine_ctl_clone, N_("Make a second machine like another one") },
  { "import", vitrine_ctl_import, N_("Add a machine from an OVA, or from a disk image of another program") },
  { "export", vitrine_ctl_export, N_("Write a machine into an OVA, for other programs") },
  { "start", vitrine_ctl_start, N_("Start a machine in a window of its own") },
  { "stop", vitrine_ctl_stop, N_("Press the power button, or force off") },
  { "pause", vitrine_ctl_pause, N_("Pause a running machine") },
  { "resume", vitrine_ctl_resume, N_("Let a paused machine go on") },
  { "reset", vitrine_ctl_reset, N_("Reset a running machine") },
  { "screenshot", vitrine_ctl_screenshot, N_("Save a running machine’s screen as PNG") },
  { "record", vitrine_ctl_record, N_("Record a running machine’s screen as WebM") },
  { "send-keys", vitrine_ctl_send_keys, N_("Press keys in a running machine") },
  { "type", vitrine_ctl_type, N_("Type text into a running machine") },
  { "pointer", vitrine_ctl_pointer, N_("Move and click in a running machine") },
  { "usb", vitrine_ctl_usb, N_("USB devices of this computer for a running machine: list, attach, detach") },
  { "send-files", vitrine_ctl_send_files, N_("Send files to a running machine’s desktop") },
  { "console", vitrine_ctl_console, N_("Connect this terminal to a serial console") },
  { "snapshot", vitrine_ctl_snapshot, N_("Take, list and delete snapshots, and go back to them") },
  { "info", vitrine_ctl_info, N_("Show a running machine’s state and its guest’s memory") },
  { "balloon", vitrine_ctl_balloon, N_("Change how much memory a running guest uses") },
  { "change-cd", vitrine_ctl_change_cd, N_("Put another CD into a running machine’s drive") },
  { "change-floppy", vitrine_ctl_change_floppy, N_("Put another floppy disk into a running machine’s drive") },
  { "attach-disk", vitrine_ctl_attach_disk, N_("Add a disk to a machine, also while it runs") },
  { "attach-cd", vitrine_ctl_attach_cd, N_("Add a CD drive to a machine that is off") },
  { "attach-floppy", vitrine_ctl_attach_floppy, N_("Add a floppy drive to a machine that is off") },
  { "set-disk", vitrine_ctl_set_disk, N_("Change a machine’s drive: its image, bus and more") },
  { "detach-disk", vitrine_ctl_detach_disk, N_("Remove a disk from a machine, also while it runs") },
  { "resize-disk", vitrine_ctl_resize_disk, N_("Enlarge a machine’s disk, also while it runs") },
  { "attach-net", vitrine_ctl_attach_net, N_("Add a network card to a machine, also while it runs") },
  { "set-net", vitrine_ctl_set_net, N_("Change a machine’s network card: network, address, model, cable") },
  { "detach-net", vitrine_ctl_detach_net, N_("Remove a network card from a machine, also while it runs") },
  { "forward", vitrine_ctl_forward, N_("Ports of this computer that lead into a machine: list, add, remove, also while it runs") },
  { "attach-tpm", vitrine_ctl_attach_tpm, N_("Add a TPM to a machine that is off") },
  { "detach-tpm", vitrine_ctl_detach_tpm, N_("Remove a machine’s TPM, with what is sealed in it") },
  { "attach-folder", vitrine_ctl_attach_folder, N_("Share a folder of this computer with a machine") },
  { "detach-folder", vitrine_ctl_detach_folder, N_("Stop sharing a folder with a machine") },
  { "host-devices", vitrine_ctl_host_devices, N_("List a host’s PCI devices, and what it would lose by each") },
  { "attach-pci", vitrine_ctl_attach_pci, N_("Give a machine a PCI device of its host") },
  { "detach-pci", vitrine_ctl_detach_pci, N_("Take a PCI device of the host out of a machine") },
  { "zpci", vitrine_ctl_zpci, N_("Show and set PCI addresses of an s390x machine") },
  { "link", vitrine_ctl_link, N_("Pull or plug a network card’s cable, or change its address") },
  { "ap", vitrine_ctl_ap, N_("Show an IBM Z host’s crypto queues, and give them to machines") },
  { "mdev", vitrine_ctl_mdev, N_("List, make and remove mediated devices, and give them to machines") },
  { "capture", vitrine_ctl_capture, N_("Write a network card’s frames into a file") },
  { "image", vitrine_ctl_image, N_("Create and convert disk images") },
  { "edid", vitrine_ctl_edid, N_("Write a monitor’s description (EDID), or show what one says") },
  { "trace", vitrine_ctl_trace, N_("Show what a running machine’s devices do") },
  { "stat", vitrine_ctl_stat, N_("Show a machine’s performance") },
};

int
vitrine_ctl_fail (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  vitrine_ctl_progress_end ();
  g_printerr ("vitrinectl: %s\n", message);
  return 1;
}

int
vitrine_ctl_usage (const char *synopsis)
{
  g_printerr (_("Usage: vitrinectl %s\n"), synopsis);
  return 1;
}

static void
print_help (void)
{
  g_print (_("Usage: vitrinectl VERB [ARGUMENTS]\n\nVerbs:\n"));
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    g_print ("  %-13s %s\n", verbs[i].name, _(verbs[i].summary));
  g_print (_("\n“vitrinectl VERB --help” explains one of them.\n"));
}

static int
dispatch (int argc, char **argv)
{
  if (argc < 2)
    {
      print_help ();
      return 1;
    }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") || g_str_equal (argv[1], "help"))
    {
      print_help ();
      return 0;
    }
  if (g_str_equal (argv[1], "--version"))
    {
      g_print ("vitrinectl %s\n", VITRINE_VERSION);
      return 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, argv[1]))
      return verbs[i].function (argc - 1, argv + 1);
  return vitrine_ctl_fail (_("There is no verb “%s”. “vitrinectl --help” lists them."), argv[1]);
}

int
main (int argc, char **argv)
{
  g_autofree char *locale = vitrine_paths_locale (VITRINE_LOCALEDIR);

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, locale);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  return dispatch (argc, argv);
}
