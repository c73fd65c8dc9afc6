/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of Linux 6.1's PCI bus: drivers/base/bus.c, drivers/pci/pci-driver.c (behaviour, not code). */
#include "fake-kernel.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tree-rig.h"

#define DEVICES "sys/bus/pci/devices/"
#define DRIVERS "sys/bus/pci/drivers/"

/* --- small things ------------------------------------------------------------------------------------------------- */

static gboolean
fail (GError **error, GIOErrorEnum code, const char *words)
{
  g_set_error_literal (error, G_IO_ERROR, code, words);
  return FALSE;
}

static char *
root_of (VitrineHostTree *tree)
{
  g_autofree char *sys = vitrine_host_tree_get_path (tree, "sys");

  return g_path_get_dirname (sys);
}

static void
remove_path (VitrineHostTree *tree, const char *path)
{
  g_autofree char *full = vitrine_host_tree_get_path (tree, path);

  g_remove (full);
}

/* --- drivers ------------------------------------------------------------------------------------------------------ */

static void
unbind (VitrineHostTree *tree, const char *driver, const char *address)
{
  g_autofree char *down = g_strconcat (DRIVERS, driver, "/", address, NULL),
                  *up = g_strconcat (DEVICES, address, "/driver", NULL);

  remove_path (tree, down);
  remove_path (tree, up);
}

/* As deep below the root as the real one. */
static char *
relative (const char *path, const char *target)
{
  GString *up = g_string_new (NULL);

  for (const char *at = path; (at = strchr (at, '/')) != NULL; at++)
    g_string_append (up, "../");
  g_string_append (up, target);
  return g_string_free (up, FALSE);
}

static void
bind (VitrineHostTree *tree, const char *driver, const char *address)
{
  g_autofree char *root = root_of (tree), *place = vitrine_host_tree_resolve (tree, DEVICES "%s", address);
  g_autofree char *down = g_strconcat (DRIVERS, driver, "/", address, NULL), *up = g_strconcat (place, "/driver", NULL);
  g_autofree char *folder = g_strconcat (DRIVERS, driver, NULL);
  g_autofree char *to_device = relative (down, place), *to_driver = relative (up, folder);

  tree_rig_link (root, down, to_device);
  tree_rig_link (root, up, to_driver);
}

/* NULL: none is set. */
static char *
get_override (VitrineHostTree *tree, const char *address)
{
  char *value = vitrine_host_tree_read (tree, DEVICES "%s/driver_override", address);

  if (value != NULL && !g_str_equal (value, "(null)") && *value != '\0')
    return value;
  g_free (value);
  return NULL;
}

static gboolean
write_unbind (VitrineHostTree *tree, const char *driver, const char *address, GError **error)
{
  g_autofree char *bound = vitrine_host_tree_link (tree, DEVICES "%s/driver", address);

  if (g_strcmp0 (bound, driver) != 0)
    return fail (error, G_IO_ERROR_NOT_FOUND, "No such device");
  unbind (tree, driver, address);
  return TRUE;
}

/* A driver takes what it knows, or what it is told to take and nothing else. */
static gboolean
write_bind (VitrineHostTree *tree, const char *driver, const char *address, GError **error)
{
  g_autofree char *wished = get_override (tree, address), *usual
    = vitrine_host_tree_read (tree, DEVICES "%s/default_driver", address);

  if (g_strcmp0 (wished != NULL ? wished : usual, driver) != 0
      || vitrine_host_tree_exists (tree, DEVICES "%s/driver", address))
    return fail (error, G_IO_ERROR_NOT_FOUND, "No such device");
  bind (tree, driver, address);
  return TRUE;
}

/* Succeeds also when nobody wants the device. */
static gboolean
write_probe (VitrineHostTree *tree, const char *address, GError **error)
{
  g_autofree char *driver = get_override (tree, address);

  if (!vitrine_host_tree_exists (tree, DEVICES "%s", address))
    return fail (error, G_IO_ERROR_NOT_FOUND, "No such device");
  if (driver == NULL)
    driver = vitrine_host_tree_read (tree, DEVICES "%s/default_driver", address);
  if (driver != NULL && vitrine_host_tree_exists (tree, DRIVERS "%s", driver)
      && !vitrine_host_tree_exists (tree, DEVICES "%s/driver", address))
    bind (tree, driver, address);
  return TRUE;
}

/* "sys/bus/pci/drivers/NAME/ACTION": the name; NULL: it is not. */
static char *
take_driver (const char *path, const char *action)
{
  g_autofree char *suffix = g_strconcat ("/", action, NULL);

  if (!g_str_has_prefix (path, DRIVERS) || !g_str_has_suffix (path, suffix))
    return NULL;
  return g_strndup (path + strlen (DRIVERS), strlen (path) - strlen (DRIVERS) - strlen (suffix));
}

static gboolean
write_pci (VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  g_autofree char *unbind_from = take_driver (path, "unbind"), *bind_to = take_driver (path, "bind");

  if (g_str_has_prefix (path, DEVICES) && g_str_has_suffix (path, "/driver/unbind"))
    {
      g_autofree char *bound = vitrine_host_tree_link (tree, DEVICES "%s/driver", value);
      return write_unbind (tree, bound, value, error);
    }
  if (unbind_from != NULL)
    return write_unbind (tree, unbind_from, value, error);
  if (bind_to != NULL)
    return write_bind (tree, bind_to, value, error);
  if (g_str_equal (path, "sys/bus/pci/drivers_probe"))
    return write_probe (tree, value, error);
  return vitrine_host_tree_write (
      tree, path, g_str_has_suffix (path, "/driver_override") && *value == '\0' ? "(null)" : value, error);
}

/* --- hands -------------------------------------------------------------------------------------------------------- */

static gboolean
answers (FakeKernel *kernel, GError **error)
{
  return ++kernel->calls != kernel->fail_at || fail (error, G_IO_ERROR_BUSY, "Device or resource busy");
}

static gboolean
kernel_write (gpointer data, VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  if (!answers (data, error))
    return FALSE;
  if (!vitrine_host_tree_exists (tree, "%s", path))
    return fail (error, G_IO_ERROR_NOT_FOUND, "No such file or directory");
  return write_pci (tree, path, value, error);
}

static gboolean
kernel_run (gpointer data, VitrineHostTree *tree, const char *const *argv, GError **error)
{
  g_autofree char *root = root_of (tree);

  if (!answers (data, error))
    return FALSE;
  if (!g_str_equal (argv[0], "modprobe"))
    return vitrine_host_tree_run (tree, argv, error);
  if (g_str_equal (argv[1], "-r"))
    {
      remove_path (tree, DRIVERS "vfio-pci/bind");
      remove_path (tree, DRIVERS "vfio-pci/unbind");
      remove_path (tree, DRIVERS "vfio-pci");
      return TRUE;
    }
  tree_rig_file (root, DRIVERS "vfio-pci/bind", "");
  tree_rig_file (root, DRIVERS "vfio-pci/unbind", "");
  return TRUE;
}

const VitrineHostHands fake_kernel_hands = { .write = kernel_write, .run = kernel_run };

char *
fake_kernel_make_tree (const char *kind)
{
  char *root = tree_rig_make ();
  const char *const argv[] = { PYTHON, "-ES", TREES_SCRIPT, kind, root, NULL };
  g_autoptr(GError) error = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  return root;
}
