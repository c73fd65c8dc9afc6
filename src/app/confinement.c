/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Landlock rules of a machine's process. Access rights by version of the kernel's interface: landlock(7), "Features". */
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "paths.h"

/* Headers of Debian 12 know version 2. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

/* struct landlock_ruleset_attr, as of version 6. Kernels take a longer one if what they do not know is 0. */
typedef struct
{
  guint64 access_fs, access_net, scoped;
} Ruleset;

#define FIRST_ACCESS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_FILE    LANDLOCK_ACCESS_FS_READ_FILE
#define READ         (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE        (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define OF_FILES     (LANDLOCK_ACCESS_FS_EXECUTE | READ_FILE | WRITE | LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define MAKE                                                                                                             \
  (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR    \
   | LANDLOCK_ACCESS_FS_REFER)

static const guint64 rights[] = {
  [VITRINE_REACH_READ] = READ,
  [VITRINE_REACH_CHANGE] = READ | WRITE | MAKE,
  [VITRINE_REACH_SHARE] = READ | WRITE | MAKE | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK,
  [VITRINE_REACH_USE] = READ | WRITE | LANDLOCK_ACCESS_FS_IOCTL_DEV,
  [VITRINE_REACH_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
  [VITRINE_REACH_NEW] = LANDLOCK_ACCESS_FS_MAKE_SOCK,
};

struct VitrineConfinement
{
  int     ruleset;    /* -1: the kernel cannot */
  guint64 handled;
};

/* The newest that both sides know: each version adds to the one before. */
static Ruleset
choose_ruleset (int version)
{
  Ruleset set = { .access_fs = FIRST_ACCESS };

  if (version >= 2)
    set.access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3)
    set.access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (version >= 5)
    set.access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  if (version >= 6)
    set.scoped = LANDLOCK_SCOPE_SIGNAL;   /* no other process can be killed */
  return set;
}

VitrineConfinement *
vitrine_confinement_new (void)
{
  VitrineConfinement *self = g_new0 (VitrineConfinement, 1);
  int version = (int) syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  Ruleset set = choose_ruleset (version);

  self->handled = set.access_fs;
  self->ruleset = version > 0 ? (int) syscall (SYS_landlock_create_ruleset, &set, sizeof set, 0) : -1;
  return self;
}

void
vitrine_confinement_free (VitrineConfinement *self)
{
  if (self->ruleset >= 0)
    close (self->ruleset);
  g_free (self);
}

void
vitrine_confinement_allow (VitrineConfinement *self, const char *path, VitrineReach reach)
{
  int fd = self->ruleset >= 0 ? open (path, O_PATH | O_CLOEXEC) : -1;
  struct landlock_path_beneath_attr rule = { .allowed_access = rights[reach] & self->handled, .parent_fd = fd };
  struct stat info;

  if (fd < 0)
    return;
  if (fstat (fd, &info) == 0 && !S_ISDIR (info.st_mode))
    rule.allowed_access &= OF_FILES;
  if (syscall (SYS_landlock_add_rule, self->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
    g_printerr ("vitrine: %s: %s\n", path, g_strerror (errno));
  close (fd);
}

gboolean
vitrine_confinement_enter (VitrineConfinement *self)
{
  if (self->ruleset >= 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
      && syscall (SYS_landlock_restrict_self, self->ruleset, 0) == 0)
    return TRUE;
  g_printerr (_("vitrine: This kernel has no Landlock, so the machine’s process may open every file that you may.\n"));
  return FALSE;
}

/* --- what a window needs ---------------------------------------------------------------------------------------- */

static const struct
{
  const char  *path;
  VitrineReach reach;
} system_places[] = {
  { "/usr", VITRINE_REACH_READ },
  { "/lib", VITRINE_REACH_READ },
  { "/lib64", VITRINE_REACH_READ },
  { "/etc", VITRINE_REACH_READ },
  { "/opt", VITRINE_REACH_READ },
  { "/run/systemd/resolve", VITRINE_REACH_READ },   /* where resolv.conf may lead: the guest's names are asked for here */
  { "/run/NetworkManager", VITRINE_REACH_READ },
  { "/run/resolvconf", VITRINE_REACH_READ },
  { "/var/cache/fontconfig", VITRINE_REACH_READ },
  { "/var/lib/dbus/machine-id", VITRINE_REACH_READ },
  { "/sys", VITRINE_REACH_READ },
  { "/proc/self", VITRINE_REACH_USE },
  { "/proc/sys", VITRINE_REACH_READ },
  { "/proc/cpuinfo", VITRINE_REACH_READ },
  { "/proc/meminfo", VITRINE_REACH_READ },
  { "/proc/stat", VITRINE_REACH_READ },
  { "/proc/filesystems", VITRINE_REACH_READ },
  { "/dev/null", VITRINE_REACH_USE },
  { "/dev/zero", VITRINE_REACH_USE },
  { "/dev/full", VITRINE_REACH_USE },
  { "/dev/random", VITRINE_REACH_READ },
  { "/dev/urandom", VITRINE_REACH_READ },
  { "/dev/ptmx", VITRINE_REACH_USE },
  { "/dev/pts", VITRINE_REACH_USE },
  { "/dev/dri", VITRINE_REACH_USE },
  { "/dev/kvm", VITRINE_REACH_USE },
};

/* Below the person's folders. */
static const char *const in_home[] = { ".icons", ".themes", ".fonts", ".Xauthority", ".ICEauthority", ".XCompose", ".drirc" };
static const char *const in_config[] = { "gtk-3.0", "fontconfig", "dconf", "glib-2.0", "pulse", "user-dirs.dirs", "user-dirs.locale" };
static const char *const in_data[] = { "icons", "themes", "fonts", "mime", "glib-2.0", "locale" };
static const char *const in_cache[] = { "fontconfig", "mesa_shader_cache", "mesa_shader_cache_db" };
static const char *const in_runtime[] = { "dconf", "pulse" };

static void
allow_in (VitrineConfinement *self, const char *folder, const char *const *names, gsize n, VitrineReach reach)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      vitrine_confinement_allow (self, path, reach);
    }
}

static void
allow_all (VitrineConfinement *self, const char *const *folders)
{
  for (; *folders != NULL; folders++)
    vitrine_confinement_allow (self, *folders, VITRINE_REACH_READ);
}

/* Colon-separated, or a single path. */
static void
allow_from_environment (VitrineConfinement *self, const char *variable)
{
  const char *value = g_getenv (variable);
  g_auto(GStrv) paths = value != NULL ? g_strsplit (value, ":", -1) : NULL;

  if (paths != NULL)
    allow_all (self, (const char *const *) paths);
}

/* Our own files, where the program was not installed: settings and translations lie beside it. */
static void
allow_build (VitrineConfinement *self)
{
  static const char *const places[] = { ".", "../data", "../../data", "../po", "../../po" };
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;

  if (folder != NULL && !g_str_has_prefix (folder, "/usr/"))
    allow_in (self, folder, places, G_N_ELEMENTS (places), VITRINE_REACH_READ);
}

void
vitrine_confinement_allow_desktop (VitrineConfinement *self)
{
  static const char *const variables[] = { "XAUTHORITY", "GSETTINGS_SCHEMA_DIR", "GTK_PATH", "GDK_PIXBUF_MODULE_FILE", "LOCPATH",
                                           "VITRINE_HOST_TREE" };

  for (gsize i = 0; i < G_N_ELEMENTS (system_places); i++)
    vitrine_confinement_allow (self, system_places[i].path, system_places[i].reach);
  allow_all (self, g_get_system_data_dirs ());
  allow_all (self, g_get_system_config_dirs ());
  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    allow_from_environment (self, variables[i]);
  allow_in (self, g_get_home_dir (), in_home, G_N_ELEMENTS (in_home), VITRINE_REACH_READ);
  allow_in (self, g_get_user_config_dir (), in_config, G_N_ELEMENTS (in_config), VITRINE_REACH_READ);
  allow_in (self, g_get_user_data_dir (), in_data, G_N_ELEMENTS (in_data), VITRINE_REACH_READ);
  allow_in (self, g_get_user_cache_dir (), in_cache, G_N_ELEMENTS (in_cache), VITRINE_REACH_CHANGE);
  vitrine_confinement_allow (self, g_get_user_runtime_dir (), VITRINE_REACH_NEW);   /* assistive technology's */
  allow_in (self, g_get_user_runtime_dir (), in_runtime, G_N_ELEMENTS (in_runtime), VITRINE_REACH_CHANGE);
  allow_build (self);
}

/* --- what this machine needs ------------------------------------------------------------------------------------ */

/* An output is made now if it is not there: a rule needs a file, and its whole folder would be too much. */
static void
make_output (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);

  if (fd >= 0)
    close (fd);
}

static void
allow_file (const char *path, VitrineFileUse use, gpointer confinement)
{
  if (use == VITRINE_FILE_MAKE)
    make_output (path);
  static const VitrineReach reach[] = {
    [VITRINE_FILE_READ] = VITRINE_REACH_READ,       [VITRINE_FILE_CHANGE] = VITRINE_REACH_USE,
    [VITRINE_FILE_MAKE] = VITRINE_REACH_USE,        [VITRINE_FILE_SOCKETS] = VITRINE_REACH_SOCKETS,
    [VITRINE_FILE_SHARE] = VITRINE_REACH_SHARE,
  };
  vitrine_confinement_allow (confinement, path, reach[use]);
  if (use == VITRINE_FILE_SOCKETS)
    vitrine_confinement_allow (confinement, path, VITRINE_REACH_READ);
}

void
vitrine_confinement_allow_machine (VitrineConfinement *self, const char *uuid, VitrineDomain *domain)
{
  g_autofree char *folder = vitrine_paths_machine (uuid);
  g_autofree char *sockets = vitrine_paths_sockets ();

  g_mkdir_with_parents (sockets, 0700);
  vitrine_confinement_allow (self, folder, VITRINE_REACH_CHANGE);
  vitrine_confinement_allow (self, sockets, VITRINE_REACH_SOCKETS);
  if (domain != NULL)
    vitrine_domain_visit_files (domain, allow_file, self);
}
