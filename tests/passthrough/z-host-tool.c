/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine-z-host make KIND FOLDER: an IBM Z host's tree, whose programs are this one again.
 * vitrine-z-host act ROOT PROGRAM [ARGUMENTS]: what mdevctl or modprobe would do there. */
#include "z-host.h"

static int
make (const char *program, const char *kind, const char *folder)
{
  static const char *const kinds[]
      = { [Z_HOST_PLAIN] = "plain", [Z_HOST_CONFLICTS] = "conflicts", [Z_HOST_LARGE] = "large" };
  g_autofree char *actor = g_canonicalize_filename (program, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i], kind))
      {
        z_host_fill (folder, (ZHostKind) i, actor);
        return 0;
      }
  return 1;
}

int
main (int argc, char **argv)
{
  ZKernel kernel = { .root = argc > 2 ? argv[2] : NULL };
  g_autoptr(GError) error = NULL;

  if (argc == 4 && g_str_equal (argv[1], "make"))
    return make (argv[0], argv[2], argv[3]);
  if (argc < 3 || !g_str_equal (argv[1], "act"))
    return 1;
  if (z_kernel_act (&kernel, (const char *const *) argv + 3, &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}
