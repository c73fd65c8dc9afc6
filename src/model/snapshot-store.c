/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot-store.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <string.h>

#include "tpm-process.h"
#include "xml-tree.h"

#define NAME_MOST    128u      /* bytes; of the file, up to three times as many */
#define DESCRIPTION_MOST 4096u
#define DESCRIPTION  "xml"
#define CURRENT      "current"

void
vitrine_snapshot_free (VitrineSnapshot *snapshot)
{
  if (snapshot == NULL)
    return;
  g_free (snapshot->name);
  g_free (snapshot->description);
  g_free (snapshot->parent);
  g_clear_object (&snapshot->domain);
  g_free (snapshot);
}

char *
vitrine_snapshot_store_path (const char *folder, const char *name, const char *part)
{
  g_autofree char *escaped = g_uri_escape_string (name, " ", TRUE);
  g_autofree char *file = g_strdup_printf ("%s.%s", escaped, part);

  return g_build_filename (folder, file, NULL);
}

gboolean
vitrine_snapshot_copy_part (const char *from, const char *to, GError **error)
{
  g_autofree char *bytes = NULL;
  gsize            length;

  return !g_file_test (from, G_FILE_TEST_EXISTS)
         || (g_file_get_contents (from, &bytes, &length, error) && g_file_set_contents (to, bytes, (gssize) length, error));
}

gboolean
vitrine_snapshot_revert_tpm (const char *uuid, const char *from, GError **error)
{
  g_autofree char *to = vitrine_tpm_state_file (uuid), *folder = vitrine_tpm_folder (uuid);

  if (!g_file_test (from, G_FILE_TEST_EXISTS))
    {
      g_unlink (to);
      return TRUE;
    }
  g_mkdir_with_parents (folder, 0700);
  return vitrine_snapshot_copy_part (from, to, error);
}

/* --- Reading -------------------------------------------------------------------------------------------------------- */

static VitrineDomain *
read_domain (const xmlNode *root, const char *name)
{
  xmlNode *node = vitrine_xml_child (root, "domain");
  if (node == NULL)
    return NULL;
  xmlBuffer *buffer = xmlBufferCreate ();
  xmlNodeDump (buffer, node->doc, node, 0, 0);
  VitrineDomain *domain
    = vitrine_domain_new_from_data ((const char *) xmlBufferContent (buffer), (gsize) xmlBufferLength (buffer), name, NULL);
  xmlBufferFree (buffer);
  return domain;
}

static VitrineSnapshot *
read_tree (const xmlNode *root)
{
  g_autofree char *created = vitrine_xml_text (vitrine_xml_child (root, "creationTime"));
  g_autofree char *name = vitrine_xml_text (vitrine_xml_child (root, "name"));

  if (name == NULL)
    return NULL;
  VitrineSnapshot *snapshot = g_new0 (VitrineSnapshot, 1);
  snapshot->name = g_steal_pointer (&name);
  snapshot->description = vitrine_xml_text (vitrine_xml_child (root, "description"));
  snapshot->parent = vitrine_xml_text (vitrine_xml_find (root, "parent/name"));
  snapshot->created = created != NULL ? g_ascii_strtoll (created, NULL, 10) : 0;
  snapshot->has_state = vitrine_xml_attr_is (vitrine_xml_child (root, "memory"), "snapshot", "external");
  snapshot->domain = read_domain (root, snapshot->name);
  return snapshot;
}

static void
no_snapshot (const char *path, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("“%s” does not describe a snapshot."), path);
}

static xmlDoc *
read_document (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize            length;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  xmlDoc  *doc = length <= VITRINE_DOMAIN_MAX_BYTES ? xmlReadMemory (text, (int) length, path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR
                                                                    | XML_PARSE_NOWARNING) : NULL;
  xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  if (root != NULL && strcmp ((const char *) root->name, "domainsnapshot") == 0)
    return doc;
  xmlFreeDoc (doc);
  no_snapshot (path, error);
  return NULL;
}

static VitrineSnapshot *
read_file (const char *path, GError **error)
{
  xmlDoc *doc = read_document (path, error);
  if (doc == NULL)
    return NULL;
  VitrineSnapshot *snapshot = read_tree (xmlDocGetRootElement (doc));
  xmlFreeDoc (doc);
  if (snapshot == NULL)
    no_snapshot (path, error);
  return snapshot;
}

VitrineSnapshot *
vitrine_snapshot_store_get (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = vitrine_snapshot_store_path (folder, name, DESCRIPTION);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return read_file (path, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no snapshot “%s”."), name);
  return NULL;
}

static gint
by_age (gconstpointer a, gconstpointer b)
{
  const VitrineSnapshot *first = *(VitrineSnapshot *const *) a, *second = *(VitrineSnapshot *const *) b;

  if (first->created != second->created)
    return first->created < second->created ? -1 : 1;
  /* Within a second: parents before children. */
  return g_strcmp0 (second->parent, first->name) == 0 ? -1 : g_strcmp0 (first->parent, second->name) == 0 ? 1 : 0;
}

/* Moves those that came of @parent from @all, where NULL stays, to @tree. */
static void
move_children (GPtrArray *all, const char *parent, guint depth, GPtrArray *tree)
{
  for (guint i = 0; i < all->len; i++)
    {
      VitrineSnapshot *snapshot = all->pdata[i];
      if (snapshot == NULL || g_strcmp0 (snapshot->parent, parent) != 0)
        continue;
      all->pdata[i] = NULL;
      snapshot->depth = depth;
      g_ptr_array_add (tree, snapshot);
      move_children (all, snapshot->name, depth + 1, tree);
    }
}

static GPtrArray *
make_tree (GPtrArray *all)
{
  GPtrArray *tree = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_snapshot_free);

  move_children (all, NULL, 0, tree);
  /* Damaged descriptions: a parent that is not there, or two that are each other's. */
  for (guint i = 0; i < all->len; i++)
    if (all->pdata[i] != NULL)
      {
        VitrineSnapshot *snapshot = g_steal_pointer (&all->pdata[i]);
        g_ptr_array_add (tree, snapshot);
        move_children (all, snapshot->name, 1, tree);
      }
  return tree;
}

GPtrArray *
vitrine_snapshot_store_list (const char *folder)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_snapshot_free);
  g_autoptr(GDir) dir = g_dir_open (folder, 0, NULL);
  const char     *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, file, NULL);
      VitrineSnapshot *snapshot = g_str_has_suffix (file, "." DESCRIPTION) ? read_file (path, NULL) : NULL;
      if (snapshot != NULL)
        g_ptr_array_add (all, snapshot);
    }
  g_ptr_array_sort (all, by_age);
  return make_tree (all);
}

/* --- Writing -------------------------------------------------------------------------------------------------------- */

static void
add_domain (xmlNode *root, VitrineDomain *domain)
{
  g_autofree char *text = domain != NULL ? vitrine_domain_to_xml (domain) : NULL;
  xmlDoc          *doc = text != NULL ? xmlReadMemory (text, (int) strlen (text), "domain", NULL, XML_PARSE_NONET) : NULL;

  if (doc != NULL)
    xmlAddChild (root, xmlDocCopyNode (xmlDocGetRootElement (doc), root->doc, 1));
  xmlFreeDoc (doc);
}

/* Takes the document. */
static gboolean
write_document (const char *folder, const char *name, xmlDoc *doc, GError **error)
{
  g_autofree char *path = vitrine_snapshot_store_path (folder, name, DESCRIPTION);
  xmlChar         *text;
  int              length;

  xmlDocDumpFormatMemoryEnc (doc, &text, &length, "UTF-8", 1);
  gboolean ok = g_file_set_contents_full (path, (const char *) text, length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                          0600, error);
  xmlFree (text);
  xmlFreeDoc (doc);
  return ok;
}

static gboolean
write_snapshot (const char *folder, const VitrineSnapshot *snapshot, GError **error)
{
  g_autofree char *created = g_strdup_printf ("%" G_GINT64_FORMAT, snapshot->created);
  xmlDoc          *doc = xmlNewDoc (BAD_CAST "1.0");
  xmlNode         *root = xmlNewNode (NULL, BAD_CAST "domainsnapshot");

  xmlDocSetRootElement (doc, root);
  vitrine_xml_set_text (vitrine_xml_ensure (root, "name"), snapshot->name);
  if (snapshot->description != NULL)
    vitrine_xml_set_text (vitrine_xml_ensure (root, "description"), snapshot->description);
  if (snapshot->parent != NULL)
    vitrine_xml_set_text (vitrine_xml_ensure (root, "parent/name"), snapshot->parent);
  vitrine_xml_set_text (vitrine_xml_ensure (root, "creationTime"), created);
  vitrine_xml_set_text (vitrine_xml_ensure (root, "state"), snapshot->has_state ? "running" : "shutoff");
  vitrine_xml_set_attr (vitrine_xml_ensure (root, "memory"), "snapshot", snapshot->has_state ? "external" : "no");
  add_domain (root, snapshot->domain);
  return write_document (folder, snapshot->name, doc, error);
}

/* The rest of its description stays, also what we could not read. */
static gboolean
set_parent (const char *folder, const char *name, const char *parent, GError **error)
{
  g_autofree char *path = vitrine_snapshot_store_path (folder, name, DESCRIPTION);
  xmlDoc          *doc = read_document (path, error);

  if (doc == NULL)
    return FALSE;
  xmlNode *root = xmlDocGetRootElement (doc);
  if (parent != NULL)
    vitrine_xml_set_text (vitrine_xml_ensure (root, "parent/name"), parent);
  else
    vitrine_xml_remove (vitrine_xml_child (root, "parent"));
  return write_document (folder, name, doc, error);
}

char *
vitrine_snapshot_store_propose_name (const char *folder)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf (_("Snapshot %u"), i);
      g_autofree char *path = vitrine_snapshot_store_path (folder, name, DESCRIPTION);
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&name);
    }
}

/* What comes back from the file as it was: the document takes no control characters, and no space around text. */
static gboolean
is_plain (const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  gboolean plain = g_utf8_validate (text, -1, NULL) && g_str_equal (stripped, text);

  for (const char *c = text; plain && *c != '\0'; c = g_utf8_next_char (c))
    plain = g_unichar_isprint (g_utf8_get_char (c));
  return plain;
}

gboolean
vitrine_snapshot_store_prepare (const char *folder, const char *name, const char *description, GError **error)
{
  g_autofree char *path = vitrine_snapshot_store_path (folder, name, DESCRIPTION);

  if (*name == '\0' || strlen (name) > NAME_MOST || !is_plain (name))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _("A snapshot needs a name of up to %u bytes, without control characters and spaces around it."), NAME_MOST);
  else if (description != NULL && (strlen (description) > DESCRIPTION_MOST || !is_plain (description)))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _("A snapshot’s description is one line of up to %u bytes, without spaces around it."), DESCRIPTION_MOST);
  else if (g_file_test (path, G_FILE_TEST_EXISTS))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, _("There is a snapshot “%s” already: choose another name."), name);
  else if (g_mkdir_with_parents (folder, 0700) != 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _("Cannot create “%s”: %s"), folder, g_strerror (errno));
  else
    return TRUE;
  return FALSE;
}

gboolean
vitrine_snapshot_store_add (const char *folder, VitrineSnapshot *snapshot, GError **error)
{
  g_free (snapshot->parent);
  snapshot->parent = vitrine_snapshot_store_current (folder);
  return write_snapshot (folder, snapshot, error) && vitrine_snapshot_store_set_current (folder, snapshot->name, error);
}

void
vitrine_snapshot_store_clean_up (const char *folder, const char *name)
{
  static const char *const parts[] = { DESCRIPTION, VITRINE_SNAPSHOT_STATE, VITRINE_SNAPSHOT_NVRAM, VITRINE_SNAPSHOT_TPM, VITRINE_SNAPSHOT_SCREEN };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *path = vitrine_snapshot_store_path (folder, name, parts[i]);
      g_unlink (path);
    }
}

gboolean
vitrine_snapshot_store_remove (const char *folder, const char *name, GError **error)
{
  g_autoptr(VitrineSnapshot) gone = vitrine_snapshot_store_get (folder, name, error);
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);
  g_autofree char *current = vitrine_snapshot_store_current (folder);

  if (gone == NULL)
    return FALSE;
  for (guint i = 0; i < all->len; i++)
    {
      const VitrineSnapshot *child = all->pdata[i];
      if (g_strcmp0 (child->parent, name) == 0 && !set_parent (folder, child->name, gone->parent, error))
        return FALSE;
    }
  if (g_strcmp0 (current, name) == 0 && !vitrine_snapshot_store_set_current (folder, gone->parent, error))
    return FALSE;
  vitrine_snapshot_store_clean_up (folder, name);
  return TRUE;
}

/* --- The current one ------------------------------------------------------------------------------------------------ */

char *
vitrine_snapshot_store_current (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, CURRENT, NULL);
  g_autofree char *name = NULL;

  if (!g_file_get_contents (path, &name, NULL, NULL) || !g_utf8_validate (name, -1, NULL))
    return NULL;
  g_autofree char *description = vitrine_snapshot_store_path (folder, g_strchomp (name), DESCRIPTION);
  return g_file_test (description, G_FILE_TEST_EXISTS) ? g_steal_pointer (&name) : NULL;
}

gboolean
vitrine_snapshot_store_set_current (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, CURRENT, NULL);

  if (name != NULL)
    return g_file_set_contents (path, name, -1, error);
  g_unlink (path);
  return TRUE;
}
