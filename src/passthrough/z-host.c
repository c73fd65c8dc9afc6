/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "z-host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ap-matrix.h"
#include "tree-rig.h"

#define RELEASE "6.1.0-z"
#define MATRIX VITRINE_AP_PARENT_PATH
#define STATE "var/kernel"                /* what the kernel knows beside what it shows */
#define NOTES "etc/mdevctl.d/matrix"

static gboolean
fail (GError **error, int code)
{
  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code), g_strerror (code));
  return FALSE;
}

/* --- state, in files --------------------------------------------------------------------------------------------- */

G_GNUC_PRINTF (2, 3)
static char *
get (ZKernel *kernel, const char *format, ...)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (kernel->root);
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *path = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  char *text = vitrine_host_tree_read (tree, "%s", path);
  return text != NULL ? text : g_strdup ("");
}

static gboolean
exists (ZKernel *kernel, const char *path)
{
  g_autofree char *full = g_build_filename (kernel->root, path, NULL);

  return g_file_test (full, G_FILE_TEST_EXISTS);
}

static VitrineApMask
get_list (ZKernel *kernel, const char *uuid, const char *name)
{
  VitrineApMask mask = { { 0 } };
  g_autofree char *text = get (kernel, STATE "/%s/%s", uuid, name);

  vitrine_ap_mask_parse_list (&mask, text, NULL);
  return mask;
}

static VitrineApMask
get_mask (ZKernel *kernel, const char *name)
{
  VitrineApMask mask = { { 0 } };
  g_autofree char *text = get (kernel, STATE "/%s", name);

  vitrine_ap_mask_apply (&mask, text);
  return mask;
}

static void
show_mask (ZKernel *kernel, const char *name, const VitrineApMask *mask)
{
  g_autofree char *text = vitrine_ap_mask_to_text (mask), *path = g_strconcat ("sys/bus/ap/", name, NULL);
  g_autofree char *state = g_strconcat (STATE "/", name, NULL);

  tree_rig_file (kernel->root, path, text);
  tree_rig_file (kernel->root, state, text);
}

static GStrv
list_devices (ZKernel *kernel)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (kernel->root);
  g_auto(GStrv) names = vitrine_host_tree_list (tree, MATRIX);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; names[i] != NULL; i++)
    if (g_uuid_string_is_valid (names[i]))
      g_strv_builder_add (builder, names[i]);
  return g_strv_builder_end (builder);
}

/* --- the AP bus -------------------------------------------------------------------------------------------------- */

static gboolean
any_pair (const VitrineApMask *cards, const VitrineApMask *domains, const VitrineApMask *apmask,
          const VitrineApMask *aqmask)
{
  return vitrine_ap_mask_overlap (cards, apmask) && vitrine_ap_mask_overlap (domains, aqmask);
}

/* Which driver has each queue. */
static void
bind (ZKernel *kernel)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (kernel->root);
  g_auto(GStrv) names = vitrine_host_tree_list (tree, "sys/bus/ap/devices");
  VitrineApMask apmask = get_mask (kernel, "apmask"), aqmask = get_mask (kernel, "aqmask");

  for (guint i = 0; names[i] != NULL; i++)
    {
      guint card, domain;
      if (sscanf (names[i], "%2x.%4x", &card, &domain) != 2)
        continue;
      gboolean hosts = vitrine_ap_mask_test (&apmask, card) && vitrine_ap_mask_test (&aqmask, domain);
      g_autofree char *path = g_strdup_printf ("sys/bus/ap/devices/%s/driver", names[i]);
      tree_rig_remove (kernel->root, path);
      if (hosts)
        tree_rig_link (kernel->root, path, "../../../../bus/ap/drivers/cex4queue");
      else if (exists (kernel, "sys/bus/ap/drivers/vfio_ap"))
        tree_rig_link (kernel->root, path, "../../../../bus/ap/drivers/vfio_ap");
    }
}

static gboolean
store_mask (ZKernel *kernel, const char *name, const char *value, GError **error)
{
  VitrineApMask apmask = get_mask (kernel, "apmask"), aqmask = get_mask (kernel, "aqmask");
  VitrineApMask *changed = g_str_equal (name, "apmask") ? &apmask : &aqmask;
  g_auto(GStrv) devices = list_devices (kernel);

  if (!vitrine_ap_mask_apply (changed, value))
    return fail (error, EINVAL);
  for (guint i = 0; devices[i] != NULL; i++)
    {
      VitrineApMask cards = get_list (kernel, devices[i], "cards"), domains = get_list (kernel, devices[i], "domains");
      if (any_pair (&cards, &domains, &apmask, &aqmask))
        return fail (error, EBUSY);
    }
  show_mask (kernel, name, changed);
  bind (kernel);
  return TRUE;
}

/* --- vfio_ap ----------------------------------------------------------------------------------------------------- */

static void
show_matrix (ZKernel *kernel, const char *uuid, const VitrineApMask *cards, const VitrineApMask *domains)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autofree char *path = g_strdup_printf (MATRIX "/%s/matrix", uuid);
  gboolean no_cards = vitrine_ap_mask_is_empty (cards), no_domains = vitrine_ap_mask_is_empty (domains);

  for (guint card = 0; (card = vitrine_ap_mask_next (cards, card)) < VITRINE_AP_BITS; card++)
    {
      if (no_domains)
        g_string_append_printf (text, "%02x.\n", card);
      for (guint domain = 0; (domain = vitrine_ap_mask_next (domains, domain)) < VITRINE_AP_BITS; domain++)
        g_string_append_printf (text, "%02x.%04x\n", card, domain);
    }
  for (guint domain = 0; no_cards && (domain = vitrine_ap_mask_next (domains, domain)) < VITRINE_AP_BITS; domain++)
    g_string_append_printf (text, ".%04x\n", domain);
  g_string_truncate (text, text->len > 0 ? text->len - 1 : 0);
  tree_rig_file (kernel->root, path, text->str);
}

static void
show_device (ZKernel *kernel, const char *uuid, const VitrineApMask *cards, const VitrineApMask *domains,
             const VitrineApMask *control)
{
  const VitrineApMask *masks[] = { cards, domains, control };
  static const char *const names[] = { "cards", "domains", "control" };
  g_autoptr(GString) controls = g_string_new (NULL);
  g_autofree char *path = g_strdup_printf (MATRIX "/%s/control_domains", uuid);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *list = vitrine_ap_mask_to_list (masks[i]),
                      *at = g_strdup_printf (STATE "/%s/%s", uuid, names[i]);
      tree_rig_file (kernel->root, at, list);
    }
  show_matrix (kernel, uuid, cards, domains);
  for (guint domain = 0; (domain = vitrine_ap_mask_next (control, domain)) < VITRINE_AP_BITS; domain++)
    g_string_append_printf (controls, "%s%04x", controls->len > 0 ? "\n" : "", domain);
  tree_rig_file (kernel->root, path, controls->str);
}

static gboolean
create (ZKernel *kernel, const char *uuid, GError **error)
{
  static const char *const files[] = { "assign_adapter", "assign_domain", "assign_control_domain", "remove" };
  const VitrineApMask none = { { 0 } };
  g_autofree char *folder = g_strdup_printf (MATRIX "/%s", uuid);
  g_autofree char *type = g_strconcat (folder, "/mdev_type", NULL);
  g_autofree char *bus = g_strdup_printf ("sys/bus/mdev/devices/%s", uuid);
  g_autofree char *target = g_strdup_printf ("../../../devices/vfio_ap/matrix/%s", uuid);

  if (!g_uuid_string_is_valid (uuid))
    return fail (error, EINVAL);
  if (exists (kernel, folder))
    return fail (error, EEXIST);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (folder, files[i], NULL);
      tree_rig_file (kernel->root, path, "");
    }
  show_device (kernel, uuid, &none, &none, &none);
  tree_rig_link (kernel->root, type, "../mdev_supported_types/" VITRINE_AP_TYPE);
  tree_rig_link (kernel->root, bus, target);
  return TRUE;
}

static gboolean
remove_device (ZKernel *kernel, const char *uuid, GError **error)
{
  g_autofree char *folder = g_strdup_printf (MATRIX "/%s", uuid), *state = g_strdup_printf (STATE "/%s", uuid);
  g_autofree char *bus = g_strdup_printf ("sys/bus/mdev/devices/%s", uuid);

  if (kernel->in_use)
    return fail (error, EBUSY);
  tree_rig_remove (kernel->root, bus);
  tree_rig_remove (kernel->root, folder);
  tree_rig_remove (kernel->root, state);
  return TRUE;
}

static gboolean
is_free (ZKernel *kernel, const char *uuid, const VitrineApMask *cards, const VitrineApMask *domains, GError **error)
{
  VitrineApMask apmask = get_mask (kernel, "apmask"), aqmask = get_mask (kernel, "aqmask");
  g_auto(GStrv) devices = list_devices (kernel);

  if (any_pair (cards, domains, &apmask, &aqmask))
    return fail (error, EADDRNOTAVAIL);
  for (guint i = 0; devices[i] != NULL; i++)
    {
      VitrineApMask others = get_list (kernel, devices[i], "cards"), queues = get_list (kernel, devices[i], "domains");
      if (!g_str_equal (devices[i], uuid) && any_pair (cards, domains, &others, &queues))
        return fail (error, EBUSY);
    }
  return TRUE;
}

static gboolean
assign (ZKernel *kernel, const char *uuid, const char *name, const char *value, GError **error)
{
  VitrineApMask cards = get_list (kernel, uuid, "cards"), domains = get_list (kernel, uuid, "domains");
  VitrineApMask control = get_list (kernel, uuid, "control");
  gboolean adapter = g_str_equal (name, "assign_adapter");
  guint64 number, maximum;
  g_autofree char *most = get (kernel, "sys/bus/ap/%s", adapter ? "ap_max_adapter_id" : "ap_max_domain_id");

  if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT, &number, NULL))
    return fail (error, EINVAL);
  g_assert_true (g_ascii_string_to_unsigned (most, 10, 0, VITRINE_AP_BITS - 1, &maximum, NULL));
  if (number > maximum)
    return fail (error, ENODEV);
  if (g_str_equal (name, "assign_control_domain"))
    vitrine_ap_mask_set (&control, (guint) number, TRUE);
  else
    vitrine_ap_mask_set (adapter ? &cards : &domains, (guint) number, TRUE);
  if (!is_free (kernel, uuid, &cards, &domains, error))
    return FALSE;
  show_device (kernel, uuid, &cards, &domains, &control);
  return TRUE;
}

static gboolean
write_to_kernel (ZKernel *kernel, const char *path, const char *value, GError **error)
{
  g_autofree char *name = g_path_get_basename (path), *folder = g_path_get_dirname (path);
  g_autofree char *above = g_path_get_basename (folder);

  if (!exists (kernel, path))
    return fail (error, ENOENT);
  if (g_str_equal (name, "apmask") || g_str_equal (name, "aqmask"))
    return store_mask (kernel, name, value, error);
  if (g_str_equal (name, "create"))
    return create (kernel, value, error);
  if (g_str_equal (name, "remove"))
    return remove_device (kernel, above, error);
  if (g_str_has_prefix (name, "assign_"))
    return assign (kernel, above, name, value, error);
  return fail (error, EACCES);
}

/* --- programs ---------------------------------------------------------------------------------------------------- */

static void
load (ZKernel *kernel)
{
  static const char type[] = MATRIX "/mdev_supported_types/" VITRINE_AP_TYPE;
  static const char *const files[][2] = { { "create", "" },
                                          { "name", "VFIO AP Passthrough Device" },
                                          { "device_api", "vfio-ap" },
                                          { "available_instances", "65536" } };

  tree_rig_file (kernel->root, "sys/bus/ap/drivers/vfio_ap/bind", "");
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (type, files[i][0], NULL);
      tree_rig_file (kernel->root, path, files[i][1]);
    }
  tree_rig_link (kernel->root, "sys/class/mdev_bus/matrix", "../../devices/vfio_ap/matrix");
  bind (kernel);
}

static void
unload (ZKernel *kernel)
{
  tree_rig_remove (kernel->root, "sys/bus/ap/drivers/vfio_ap");
  tree_rig_remove (kernel->root, "sys/devices/vfio_ap");
  tree_rig_remove (kernel->root, "sys/class/mdev_bus/matrix");
  bind (kernel);
}

/* Attributes one a line: "assign_adapter 5". */
static gboolean
start (ZKernel *kernel, const char *uuid, GError **error)
{
  g_autofree char *text = get (kernel, NOTES "/%s", uuid);
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);

  if (!create (kernel, uuid, error))
    return FALSE;
  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_auto(GStrv) words = g_strsplit (lines[i], " ", 2);
      if (assign (kernel, uuid, words[0], words[1], error))
        continue;
      remove_device (kernel, uuid, NULL);
      return FALSE;
    }
  return TRUE;
}

static const char *
option (const char *const *argv, const char *name)
{
  for (guint i = 0; argv[i] != NULL && argv[i + 1] != NULL; i++)
    if (g_str_equal (argv[i], name))
      return argv[i + 1];
  return NULL;
}

static gboolean
mdevctl (ZKernel *kernel, const char *const *argv, GError **error)
{
  const char *uuid = option (argv, "--uuid");
  g_autofree char *path = g_strdup_printf (NOTES "/%s", uuid);

  if (g_str_equal (argv[1], "define") && !exists (kernel, path))
    tree_rig_file (kernel->root, path, "");
  else if (!exists (kernel, path))
    return fail (error, ENOENT);
  else if (g_str_equal (argv[1], "undefine"))
    tree_rig_remove (kernel->root, path);
  else if (g_str_equal (argv[1], "modify"))
    {
      g_autofree char *was = get (kernel, "%s", path);
      g_autofree char *text = g_strdup_printf ("%s%s%s %s", was, *was != '\0' ? "\n" : "", option (argv, "--addattr"),
                                               option (argv, "--value"));
      tree_rig_file (kernel->root, path, text);
    }
  else if (g_str_equal (argv[1], "start"))
    return start (kernel, uuid, error);
  else if (g_str_equal (argv[1], "stop"))
    return remove_device (kernel, uuid, error);
  return TRUE;
}

static gboolean
run_program (ZKernel *kernel, const char *const *argv, GError **error)
{
  if (g_str_equal (argv[0], "mdevctl"))
    return mdevctl (kernel, argv, error);
  if (g_str_equal (argv[0], "modprobe") && g_str_equal (argv[1], "vfio_ap"))
    load (kernel);
  else if (g_str_equal (argv[0], "modprobe") && g_strv_contains (argv, "vfio_ap"))
    unload (kernel);
  else
    return fail (error, ENOENT);
  return TRUE;
}

/* What somebody wrote into a mask without a kernel behind it. */
static gboolean
make_good (ZKernel *kernel, const char *name, GError **error)
{
  g_autofree char *written = get (kernel, "sys/bus/ap/%s", name);

  if (*written == '0' || *written == '\0')
    return TRUE;
  return store_mask (kernel, name, written, error);
}

gboolean
z_kernel_act (ZKernel *kernel, const char *const *argv, GError **error)
{
  return make_good (kernel, "apmask", error) && make_good (kernel, "aqmask", error)
         && (argv[0] == NULL || run_program (kernel, argv, error));
}

static gboolean
fails_now (ZKernel *kernel, GError **error)
{
  kernel->calls++;
  return kernel->calls == kernel->fail_at && !fail (error, EIO);
}

static gboolean
hands_write (gpointer data, VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  return !fails_now (data, error) && write_to_kernel (data, path, value, error);
}

static gboolean
hands_run (gpointer data, VitrineHostTree *tree, const char *const *argv, GError **error)
{
  return !fails_now (data, error) && run_program (data, argv, error);
}

const VitrineHostHands z_kernel_hands = { .write = hands_write, .run = hands_run };

/* --- hosts ------------------------------------------------------------------------------------------------------- */

static void
add_attribute (const char *root, const char *device, const char *name, const char *value)
{
  g_autofree char *path = g_strdup_printf ("sys/bus/ap/devices/%s/%s", device, name);

  tree_rig_file (root, path, value);
}

static void
add_card (const char *root, guint id, const char *type, const char *online)
{
  g_autofree char *name = g_strdup_printf ("card%02x", id);

  add_attribute (root, name, "type", type);
  add_attribute (root, name, "online", online);
  add_attribute (root, name, "config", "1");
  add_attribute (root, name, "chkstop", "0");
}

static void
add_queue (const char *root, guint card, guint domain)
{
  g_autofree char *name = vitrine_ap_queue_name (card, domain);

  add_attribute (root, name, "config", "1");
  add_attribute (root, name, "chkstop", "0");
}

static void
fill_small (const char *root, ZHostKind kind)
{
  static const guint cards[] = { 4, 5, 6 }, domains[] = { 4, 71, 171 };
  static const char *const types[] = { "CEX8A", "CEX7C", "CEX7P" };

  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    {
      add_card (root, cards[i], types[i], kind == Z_HOST_CONFLICTS && cards[i] == 6 ? "0" : "1");
      for (guint j = 0; j < G_N_ELEMENTS (domains); j++)
        if (kind != Z_HOST_CONFLICTS || cards[i] != 6 || domains[j] != 171)
          add_queue (root, cards[i], domains[j]);
    }
}

static void
fill_large (const char *root)
{
  static const char *const types[] = { "CEX8A", "CEX8C", "CEX8P" };

  for (guint card = 0; card < 24; card++)
    {
      add_card (root, card, types[card % 3], "1");
      for (guint domain = 0; domain < 85; domain++)
        add_queue (root, card, domain);
    }
}

static void
make_conflicts (ZKernel *kernel)
{
  load (kernel);
  g_assert_true (store_mask (kernel, "apmask", "-5", NULL));
  g_assert_true (create (kernel, Z_HOST_DEVICE, NULL));
  g_assert_true (assign (kernel, Z_HOST_DEVICE, "assign_adapter", "5", NULL));
  g_assert_true (assign (kernel, Z_HOST_DEVICE, "assign_domain", "4", NULL));
  g_assert_true (assign (kernel, Z_HOST_DEVICE, "assign_control_domain", "4", NULL));
}

void
z_host_fill (const char *root, ZHostKind kind, const char *actor)
{
  static const char *const folders[] = { "sys/bus/ap/drivers/cex4queue", "sys/bus/mdev/devices", "sys/class/mdev_bus",
                                         "sys/devices", NOTES };
  ZKernel kernel = { .root = root };
  VitrineApMask all;

  memset (&all, 0xff, sizeof all);
  tree_rig_file (root, "proc/sys/kernel/osrelease", RELEASE);
  tree_rig_file (root, "lib/modules/" RELEASE "/kernel/drivers/s390/crypto/vfio_ap.ko.xz", "");
  tree_rig_file (root, "sys/bus/ap/ap_max_adapter_id", "63");
  tree_rig_file (root, "sys/bus/ap/ap_max_domain_id", kind == Z_HOST_LARGE ? "84" : "255");
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (folders[i], "file", NULL);
      tree_rig_file (root, path, "");
      tree_rig_remove (root, path);
    }
  show_mask (&kernel, "apmask", &all);
  show_mask (&kernel, "aqmask", &all);
  if (kind == Z_HOST_LARGE)
    fill_large (root);
  else
    fill_small (root, kind);
  bind (&kernel);
  if (kind == Z_HOST_CONFLICTS)
    make_conflicts (&kernel);
  if (kind == Z_HOST_CONFLICTS && actor != NULL)
    tree_rig_file (root, NOTES "/" Z_HOST_DEVICE, "assign_adapter 5\nassign_domain 4\nassign_control_domain 4");
  for (guint i = 0; actor != NULL && i < 2; i++)
    {
      const char *name = i == 0 ? "mdevctl" : "modprobe";
      g_autofree char *path = g_strconcat ("usr/sbin/", name, NULL);
      g_autofree char *script
          = g_strdup_printf ("#!/bin/sh\nexec '%s' act \"$VITRINE_HOST_TREE\" %s \"$@\"", actor, name);
      tree_rig_program (root, path, script);
    }
}
