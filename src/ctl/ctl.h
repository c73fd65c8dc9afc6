/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl's verbs. Each gets argv[0] = its own name, does its work, and returns the process's exit status; errors are
 * one line on standard error. */
#pragma once

#include <glib.h>

int vitrine_ctl_run (int argc, char **argv);

int vitrine_ctl_list (int argc, char **argv);
int vitrine_ctl_create (int argc, char **argv);
int vitrine_ctl_define (int argc, char **argv);
int vitrine_ctl_dumpxml (int argc, char **argv);
int vitrine_ctl_delete (int argc, char **argv);

int vitrine_ctl_start (int argc, char **argv);
int vitrine_ctl_stop (int argc, char **argv);
int vitrine_ctl_pause (int argc, char **argv);
int vitrine_ctl_resume (int argc, char **argv);
int vitrine_ctl_reset (int argc, char **argv);
int vitrine_ctl_screenshot (int argc, char **argv);
int vitrine_ctl_send_keys (int argc, char **argv);
int vitrine_ctl_pointer (int argc, char **argv);
int vitrine_ctl_type (int argc, char **argv);
int vitrine_ctl_console (int argc, char **argv);
int vitrine_ctl_snapshot (int argc, char **argv);
int vitrine_ctl_stat (int argc, char **argv);
int vitrine_ctl_trace (int argc, char **argv);

int vitrine_ctl_connect_host (int argc, char **argv);
int vitrine_ctl_hosts (int argc, char **argv);
int vitrine_ctl_save (int argc, char **argv);
int vitrine_ctl_autostart (int argc, char **argv);

int vitrine_ctl_ap (int argc, char **argv);
int vitrine_ctl_mdev (int argc, char **argv);
int vitrine_ctl_move (int argc, char **argv);
int vitrine_ctl_migrate (int argc, char **argv);

int vitrine_ctl_clone (int argc, char **argv);
int vitrine_ctl_import (int argc, char **argv);
int vitrine_ctl_export (int argc, char **argv);
int vitrine_ctl_balloon (int argc, char **argv);
int vitrine_ctl_info (int argc, char **argv);
int vitrine_ctl_change_cd (int argc, char **argv);
int vitrine_ctl_change_floppy (int argc, char **argv);
int vitrine_ctl_attach_disk (int argc, char **argv);
int vitrine_ctl_detach_disk (int argc, char **argv);
int vitrine_ctl_resize_disk (int argc, char **argv);
int vitrine_ctl_attach_net (int argc, char **argv);
int vitrine_ctl_detach_net (int argc, char **argv);
int vitrine_ctl_attach_cd (int argc, char **argv);
int vitrine_ctl_attach_floppy (int argc, char **argv);
int vitrine_ctl_set (int argc, char **argv);
int vitrine_ctl_set_disk (int argc, char **argv);
int vitrine_ctl_set_net (int argc, char **argv);
int vitrine_ctl_attach_tpm (int argc, char **argv);
int vitrine_ctl_detach_tpm (int argc, char **argv);
int vitrine_ctl_attach_folder (int argc, char **argv);
int vitrine_ctl_detach_folder (int argc, char **argv);
int vitrine_ctl_forward (int argc, char **argv);
int vitrine_ctl_link (int argc, char **argv);
int vitrine_ctl_capture (int argc, char **argv);
int vitrine_ctl_record (int argc, char **argv);
int vitrine_ctl_send_files (int argc, char **argv);
int vitrine_ctl_usb (int argc, char **argv);

int vitrine_ctl_host_devices (int argc, char **argv);
int vitrine_ctl_attach_pci (int argc, char **argv);
int vitrine_ctl_detach_pci (int argc, char **argv);
int vitrine_ctl_zpci (int argc, char **argv);

int vitrine_ctl_edid (int argc, char **argv);
int vitrine_ctl_image (int argc, char **argv);

/* "vitrinectl: MESSAGE" on standard error; returns 1. */
int vitrine_ctl_fail (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* A usage error: the same, with the verb's synopsis. */
int vitrine_ctl_usage (const char *synopsis);
