/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host stands on: the network that its default route goes over, the disks that are mounted or swapped to, its
 * screen. Each is followed down to a place in /sys/devices, and whichever PCI device is above that place would take it
 * along. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "host-text.h"
#include "pci-private.h"

#define MAX_DEPTH 8        /* a bridge on a bond on a VLAN on a card; a volume on a mirror on a crypt on a disk */
#define RTF_UP 0x0001u     /* linux/route.h */

typedef struct
{
  VitrinePciHost  *host;
  VitrineHostTree *tree;
  GPtrArray       *places;   /* of each of the host's devices, with a "/" at the end; "" where there is none */
} Search;

/* Formats @sentence with @what, a name for people. */
typedef char *(*Sentence) (const char *what);

static void
blame (Search *search, const char *place, Sentence sentence, const char *what)
{
  g_autofree char *harmless = vitrine_host_text (what, VITRINE_HOST_TITLE_CHARS);

  for (guint i = 0; i < search->places->len; i++)
    {
      const char *own = search->places->pdata[i];
      VitrinePciDevice *device = search->host->devices->pdata[i];
      if (*own != '\0' && g_str_has_prefix (place, own) && vitrine_pci_device_is_giveable (device))
        vitrine_pci_device_add_loss (device, sentence (harmless));
    }
}

/* --- network ------------------------------------------------------------------------------------------------------ */

static char *
network_sentence (const char *interface)
{
  return g_strdup_printf (
      _("The host’s own network goes over it (%s): the host, and whoever is connected to it from elsewhere, "
        "would lose it."),
      interface);
}

static void
follow_interface (Search *search, const char *interface, const char *named, guint depth)
{
  g_autofree char *device = vitrine_host_tree_resolve (search->tree, "sys/class/net/%s/device", interface);
  g_auto(GStrv) names = vitrine_host_tree_list (search->tree, "sys/class/net/%s", interface);

  if (device != NULL)
    {
      g_autofree char *place = g_strconcat (device, "/", NULL);
      blame (search, place, network_sentence, named);
    }
  for (guint i = 0; depth < MAX_DEPTH && names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], "lower_"))
      follow_interface (search, names[i] + strlen ("lower_"), named, depth + 1);
}

static gboolean
is_zero (const char *hex)
{
  return *hex != '\0' && strspn (hex, "0") == strlen (hex);
}

/* Interface, destination, gateway, flags, three counts, mask. */
static void
look_at_route4 (Search *search, char **fields)
{
  if (g_strv_length (fields) >= 8 && is_zero (fields[1]) && is_zero (fields[7])
      && (g_ascii_strtoull (fields[3], NULL, 16) & RTF_UP) != 0)
    follow_interface (search, fields[0], fields[0], 0);
}

/* Destination, its length, source, its length, gateway, three counts, flags, interface. */
static void
look_at_route6 (Search *search, char **fields)
{
  guint n = g_strv_length (fields);

  if (n >= 10 && is_zero (fields[0]) && is_zero (fields[1]) && (g_ascii_strtoull (fields[8], NULL, 16) & RTF_UP) != 0
      && !g_str_equal (fields[9], "lo"))
    follow_interface (search, fields[9], fields[9], 0);
}

/* Fields are parted by white space, of however many characters. */
static void
each_line (Search *search, const char *path, void (*look) (Search *search, char **fields))
{
  g_autofree char *text = vitrine_host_tree_read (search->tree, "%s", path);
  g_auto(GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto(GStrv) words = g_strsplit_set (lines[i], " \t", -1);
      g_autoptr(GPtrArray) fields = g_ptr_array_new ();
      for (guint at = 0; words[at] != NULL; at++)
        if (*words[at] != '\0')
          g_ptr_array_add (fields, words[at]);
      g_ptr_array_add (fields, NULL);
      look (search, (char **) fields->pdata);
    }
}

/* --- disks -------------------------------------------------------------------------------------------------------- */

static char *
mount_sentence (const char *mount)
{
  if (g_strcmp0 (mount, "/") == 0)
    return g_strdup (_("The host’s own system is on it (/): the host would stop working."));
  return g_strdup_printf (_("The host’s files in %s are on it: they would be gone, and what uses them would fail."),
                          mount);
}

static char *
swap_sentence (const char *device)
{
  return g_strdup_printf (_("The host swaps to it (%s): its programs would crash."), device);
}

static void follow_block (Search *search, const char *place, Sentence sentence, const char *named, guint depth);

/* NVMe disks that may have several paths stand apart from their controllers, which are links beside them. */
static void
follow_nvme (Search *search, const char *place, Sentence sentence, const char *named)
{
  g_auto(GStrv) parts = g_strsplit (place, "/", -1);

  if (g_strv_length (parts) < 5 || !g_str_has_prefix (place, "sys/devices/virtual/nvme-subsystem/"))
    return;
  g_auto(GStrv) names = vitrine_host_tree_list (search->tree, "sys/devices/virtual/nvme-subsystem/%s", parts[4]);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *controller
        = vitrine_host_tree_resolve (search->tree, "sys/devices/virtual/nvme-subsystem/%s/%s", parts[4], names[i]);
      g_autofree char *below = controller != NULL ? g_strconcat (controller, "/", NULL) : NULL;
      if (below != NULL && g_str_has_prefix (names[i], "nvme"))
        blame (search, below, sentence, named);
    }
}

static void
follow_block (Search *search, const char *place, Sentence sentence, const char *named, guint depth)
{
  g_autofree char *below = g_strconcat (place, "/", NULL);
  g_auto(GStrv) slaves = vitrine_host_tree_list (search->tree, "%s/slaves", place);

  blame (search, below, sentence, named);
  follow_nvme (search, place, sentence, named);
  for (guint i = 0; depth < MAX_DEPTH && slaves[i] != NULL; i++)
    {
      g_autofree char *slave = vitrine_host_tree_resolve (search->tree, "%s/slaves/%s", place, slaves[i]);
      if (slave != NULL)
        follow_block (search, slave, sentence, named, depth + 1);
    }
}

/* "/dev/sda1", "/dev/mapper/host-root". NULL: no block device, or one that we cannot find. */
static char *
find_by_name (Search *search, const char *device)
{
  g_autofree char *base = g_path_get_basename (device);
  char *place = vitrine_host_tree_resolve (search->tree, "sys/class/block/%s", base);
  g_auto(GStrv) names = vitrine_host_tree_list (search->tree, "sys/class/block");

  for (guint i = 0; place == NULL && g_str_has_prefix (device, "/dev/mapper/") && names[i] != NULL; i++)
    {
      g_autofree char *mapped = vitrine_host_tree_read (search->tree, "sys/class/block/%s/dm/name", names[i]);
      if (g_strcmp0 (mapped, base) == 0)
        place = vitrine_host_tree_resolve (search->tree, "sys/class/block/%s", names[i]);
    }
  return place;
}

/* Id, parent, major:minor, root, mount point, options, fields until "-", type, source: proc(5). Some file systems have
 * numbers of their own, but a device as their source. */
static void
look_at_mount (Search *search, char **fields)
{
  guint dash = 0, n = g_strv_length (fields);

  while (dash < n && !g_str_equal (fields[dash], "-"))
    dash++;
  if (n < 6 || dash + 2 >= n)
    return;
  g_autofree char *place = vitrine_host_tree_resolve (search->tree, "sys/dev/block/%s", fields[2]);
  if (place == NULL && g_str_has_prefix (fields[dash + 2], "/dev/"))
    place = find_by_name (search, fields[dash + 2]);
  if (place != NULL)
    follow_block (search, place, mount_sentence, fields[4], 0);
}

static void
look_at_swap (Search *search, char **fields)
{
  g_autofree char *place
      = fields[0] != NULL && g_str_has_prefix (fields[0], "/dev/") ? find_by_name (search, fields[0]) : NULL;

  if (place != NULL)
    follow_block (search, place, swap_sentence, fields[0], 0);
}

/* --- screens and functions ---------------------------------------------------------------------------------------- */

static void
look_at_screens (Search *search)
{
  guint n = vitrine_pci_host_count_displays (search->host);

  for (guint i = 0; i < search->host->devices->len; i++)
    {
      VitrinePciDevice *device = search->host->devices->pdata[i];
      guint64 first;
      if (device->class_code >> 16 != VITRINE_PCI_CLASS_DISPLAY || device->physical != NULL)
        continue;
      vitrine_host_tree_read_number (search->tree, &first, "sys/bus/pci/devices/%s/boot_vga", device->address);
      if (n == 1)
        vitrine_pci_device_add_loss (
            device, g_strdup (_("It is the host’s only graphics adapter: its screen would go dark.")));
      else if (first == 1)
        vitrine_pci_device_add_loss (device, g_strdup (_("The host starts on its screen, which would go dark.")));
    }
}

static void
look_at_virtual_functions (Search *search)
{
  for (guint i = 0; i < search->host->devices->len; i++)
    {
      VitrinePciDevice *device = search->host->devices->pdata[i];
      if (device->n_virtual > 0)
        vitrine_pci_device_add_loss (
            device,
            g_strdup_printf (g_dngettext (GETTEXT_PACKAGE,
                                          "Its %u virtual function would be gone, also for a machine that has it.",
                                          "Its %u virtual functions would be gone, also for machines that have them.",
                                          device->n_virtual),
                             device->n_virtual));
    }
}

void
vitrine_pci_host_find_losses (VitrinePciHost *host, VitrineHostTree *tree)
{
  g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func (g_free);
  Search search = { .host = host, .tree = tree, .places = places };

  for (guint i = 0; i < host->devices->len; i++)
    {
      const VitrinePciDevice *device = host->devices->pdata[i];
      g_autofree char *place = vitrine_host_tree_resolve (tree, "sys/bus/pci/devices/%s", device->address);
      g_ptr_array_add (places, place != NULL ? g_strconcat (place, "/", NULL) : g_strdup (""));
    }
  each_line (&search, "proc/net/route", look_at_route4);
  each_line (&search, "proc/net/ipv6_route", look_at_route6);
  each_line (&search, "proc/self/mountinfo", look_at_mount);
  each_line (&search, "proc/swaps", look_at_swap);
  look_at_screens (&search);
  look_at_virtual_functions (&search);
}
