/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine's process gives up once its machine is built: a guest that breaks out of the engine finds no way to start a
 * program, to look into another process, or to reach kernel features that a window never needs. A system call filter
 * (seccomp(2)); calls answer EPERM, so that a library that merely tries is not killed. */
#include "sandbox.h"

#include <errno.h>
#include <seccomp.h>

static const int refused[] = {
  SCMP_SYS (execve),           SCMP_SYS (execveat),          SCMP_SYS (ptrace),          SCMP_SYS (process_vm_readv),
  SCMP_SYS (process_vm_writev), SCMP_SYS (kcmp),             SCMP_SYS (pidfd_getfd),     SCMP_SYS (bpf),
  SCMP_SYS (mount),            SCMP_SYS (umount2),           SCMP_SYS (pivot_root),      SCMP_SYS (chroot),
  SCMP_SYS (setns),            SCMP_SYS (unshare),           SCMP_SYS (open_by_handle_at), SCMP_SYS (name_to_handle_at),
  SCMP_SYS (init_module),      SCMP_SYS (finit_module),      SCMP_SYS (delete_module),   SCMP_SYS (kexec_load),
  SCMP_SYS (kexec_file_load),  SCMP_SYS (reboot),            SCMP_SYS (swapon),          SCMP_SYS (swapoff),
  SCMP_SYS (add_key),          SCMP_SYS (request_key),       SCMP_SYS (keyctl),          SCMP_SYS (userfaultfd),
  SCMP_SYS (perf_event_open),  SCMP_SYS (personality),       SCMP_SYS (acct),            SCMP_SYS (quotactl),
};

static int
add_rules (scmp_filter_ctx filter)
{
  int status = 0;

  for (guint i = 0; i < G_N_ELEMENTS (refused) && status == 0; i++)
    status = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), refused[i], 0);
  return status;
}

gboolean
vitrine_sandbox_enter (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int status = -ENOMEM;

  if (filter != NULL)
    {
      seccomp_attr_set (filter, SCMP_FLTATR_CTL_NNP, 1);
      seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);   /* the engine's threads too */
      status = add_rules (filter);
      if (status == 0)
        status = seccomp_load (filter);
      seccomp_release (filter);
    }
  if (status == 0)
    return TRUE;
  g_printerr ("vitrine: The system call filter could not be set up: %s\n", g_strerror (-status));
  return FALSE;
}
