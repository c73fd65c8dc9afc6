/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pci-ids.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "host-text.h"

#define MAX_BYTES (16 << 20)   /* Debian's has less than 2 MiB */

static const char *const pci_places[] = { "usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids", NULL };
static const char *const usb_places[] = { "usr/share/misc/usb.ids", "usr/share/hwdata/usb.ids", "usr/share/usb.ids", NULL };

/* What a line's number is, to have all in one table. */
typedef enum
{
  KIND_VENDOR = 1,
  KIND_DEVICE,
  KIND_CLASS,
  KIND_SUBCLASS,
} Kind;

struct _VitrinePciIds
{
  GBytes     *text;
  GHashTable *names;   /* kind << 32 | number -> where the name starts in text */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static gint64 *
new_key (Kind kind, guint32 number)
{
  gint64 key = (gint64) kind << 32 | number;

  return g_memdup2 (&key, sizeof key);
}

/* "8086  Intel Corporation" of @digits digits; NULL: it is none. The name's start. */
static const char *
parse_entry (const char *line, const char *end, guint digits, guint32 *number)
{
  *number = 0;
  for (guint i = 0; i < digits; i++, line++)
    {
      if (line >= end || !g_ascii_isxdigit (*line))
        return NULL;
      *number = *number << 4 | (guint32) g_ascii_xdigit_value (*line);
    }
  return end - line > 2 && line[0] == ' ' && line[1] == ' ' ? line + 2 : NULL;
}

typedef struct
{
  gboolean in_classes;
  guint32  above;      /* the vendor or class that the indented lines belong to */
  gboolean known;      /* ... of which there was one */
} Place;

static void
read_line (VitrinePciIds *ids, Place *place, const char *line, const char *end)
{
  gboolean indented = line < end && *line == '\t', is_class = end - line > 2 && strncmp (line, "C ", 2) == 0;
  guint32 number;

  if (line == end || *line == '#' || (indented && (!place->known || line[1] == '\t')))
    return;   /* subsystems and programming interfaces are more than a list has room for */
  if (!indented)
    place->in_classes = is_class;
  guint digits = place->in_classes ? 2 : 4;
  const char *name = parse_entry (line + (indented ? 1 : is_class ? 2 : 0), end, digits, &number);
  if (!indented)
    {
      place->known = name != NULL;
      place->above = number;
    }
  if (name == NULL)
    return;
  Kind kind = place->in_classes ? (indented ? KIND_SUBCLASS : KIND_CLASS) : (indented ? KIND_DEVICE : KIND_VENDOR);
  guint32 whole = indented ? place->above << (4 * digits) | number : number;
  g_hash_table_insert (ids->names, new_key (kind, whole), (gpointer) name);
}

static void
read_all (VitrinePciIds *ids)
{
  gsize n;
  const char *text = g_bytes_get_data (ids->text, &n), *end = text + n;
  Place place = { 0 };

  for (const char *line = text; line < end;)
    {
      const char *stop = memchr (line, '\n', (gsize) (end - line));
      read_line (ids, &place, line, stop != NULL ? stop : end);
      line = stop != NULL ? stop + 1 : end;
    }
}

static VitrinePciIds *
ids_new (VitrineHostTree *tree, const char *const *places)
{
  VitrinePciIds *ids = g_new0 (VitrinePciIds, 1);

  ids->names = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  for (; *places != NULL && ids->text == NULL; places++)
    ids->text = vitrine_host_tree_map (tree, MAX_BYTES, "%s", *places);
  if (ids->text != NULL)
    read_all (ids);
  return ids;
}

VitrinePciIds *
vitrine_pci_ids_new (VitrineHostTree *tree)
{
  return ids_new (tree, pci_places);
}

VitrinePciIds *
vitrine_pci_ids_new_for_usb (VitrineHostTree *tree)
{
  return ids_new (tree, usb_places);
}

void
vitrine_pci_ids_free (VitrinePciIds *ids)
{
  if (ids == NULL)
    return;
  g_hash_table_unref (ids->names);
  g_clear_pointer (&ids->text, g_bytes_unref);
  g_free (ids);
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

/* NULL: it has no name. */
static char *
look_up (const VitrinePciIds *ids, Kind kind, guint32 number)
{
  gint64 key = (gint64) kind << 32 | number;
  const char *name = g_hash_table_lookup (ids->names, &key);

  if (name == NULL)
    return NULL;
  const char *text = g_bytes_get_data (ids->text, NULL), *end = text + g_bytes_get_size (ids->text);
  const char *stop = memchr (name, '\n', (gsize) (end - name));
  g_autofree char *line = g_strndup (name, (gsize) ((stop != NULL ? stop : end) - name));
  return vitrine_host_text (line, VITRINE_HOST_TITLE_CHARS);
}

char *
vitrine_pci_ids_vendor (const VitrinePciIds *ids, guint16 vendor)
{
  char *name = look_up (ids, KIND_VENDOR, vendor);

  return name != NULL ? name : g_strdup_printf (_("Vendor %04x"), vendor);
}

char *
vitrine_pci_ids_device (const VitrinePciIds *ids, guint16 vendor, guint16 device)
{
  char *name = look_up (ids, KIND_DEVICE, (guint32) vendor << 16 | device);

  return name != NULL ? name : g_strdup_printf (_("Device %04x"), device);
}

char *
vitrine_pci_ids_class (const VitrinePciIds *ids, guint32 class_code)
{
  char *name = look_up (ids, KIND_SUBCLASS, class_code >> 8);

  if (name == NULL)
    name = look_up (ids, KIND_CLASS, class_code >> 16);
  return name != NULL ? name : g_strdup_printf (_("Class %04x"), class_code >> 8);
}
