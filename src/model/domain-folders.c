/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared folders in a definition: <filesystem type='mount' accessmode='squash'><source dir='/srv'/><target dir='srv'/><readonly/>. Files
 * that a guest makes belong to the person, whatever owner the guest wants: "squash" is libvirt's word for that. */
#include "domain-folders.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain-private.h"
#include <vitrine/error.h>

void
vitrine_folder_free (VitrineFolder *folder)
{
  if (folder == NULL)
    return;
  g_free (folder->folder);
  g_free (folder->name);
  g_free (folder);
}

/* --- The document --------------------------------------------------------------------------------------------------- */

static gboolean
is_supported (const xmlNode *node)
{
  g_autofree char *type = vitrine_xml_attr (node, "type");

  return (type == NULL || g_str_equal (type, "mount")) && !vitrine_xml_attr_is (vitrine_xml_child (node, "driver"), "type", "virtiofs");
}

static VitrineFolder *
folder_from_node (const xmlNode *node)
{
  VitrineFolder *folder = g_new0 (VitrineFolder, 1);

  folder->folder = vitrine_xml_attr (vitrine_xml_child (node, "source"), "dir");
  if (folder->folder != NULL && *folder->folder == '\0')
    g_clear_pointer (&folder->folder, g_free);
  folder->name = vitrine_xml_attr (vitrine_xml_child (node, "target"), "dir");
  folder->readonly = vitrine_xml_child (node, "readonly") != NULL;
  folder->supported = is_supported (node);
  return folder;
}

static gboolean
take_share (const xmlNode *node, VtConfig *config, GError **error)
{
  g_autoptr(VitrineFolder) folder = folder_from_node (node);

  if (!folder->supported)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                      _("<filesystem>: folders are shared with 9p only. Remove <driver type='virtiofs'/>, and write type='mount'."));
  if (folder->folder == NULL || !g_path_is_absolute (folder->folder) || folder->name == NULL)
    return vt_refuse (error, VT_ERROR_CONFIG,
                      _("<filesystem> needs the whole path of a folder in <source dir='…'/> and a name in <target dir='…'/>."));
  VtShareConfig *share = vt_config_add_share (config, folder->folder, folder->name);
  share->readonly = folder->readonly;
  vitrine_domain_take_rings (node, &share->rings);
  return TRUE;
}

gboolean
vitrine_domain_take_shares (const xmlNode *devices, VtConfig *config, GError **error)
{
  VITRINE_XML_FOREACH (filesystem, devices, "filesystem")
    if (!take_share (filesystem, config, error))
      return FALSE;
  return TRUE;
}

GPtrArray *
vitrine_domain_get_folders (VitrineDomain *self)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_folder_free);

  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "filesystem")
    g_ptr_array_add (folders, folder_from_node (node));
  return folders;
}

static xmlNode *
find_node (VitrineDomain *self, guint index)
{
  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "filesystem")
    if (index-- == 0)
      return node;
  return NULL;
}

static void
write_folder (xmlNode *node, const VitrineFolder *folder)
{
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "source"), "dir", folder->folder != NULL ? folder->folder : "");
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "target"), "dir", folder->name != NULL ? folder->name : "");
  if (folder->readonly)
    vitrine_xml_ensure (node, "readonly");
  else
    vitrine_xml_remove (vitrine_xml_child (node, "readonly"));
}

void
vitrine_domain_add_folder (VitrineDomain *self, const VitrineFolder *folder)
{
  g_autofree char *name = folder->name != NULL ? g_strdup (folder->name) : vitrine_domain_make_folder_name (self, folder->folder);
  const VitrineFolder named = { .folder = folder->folder, .name = name, .readonly = folder->readonly };
  xmlNode *node = xmlNewChild (vitrine_domain_devices (self), NULL, (const xmlChar *) "filesystem", NULL);

  vitrine_xml_set_attr (node, "type", "mount");
  vitrine_xml_set_attr (node, "accessmode", "squash");
  write_folder (node, &named);
}

void
vitrine_domain_set_folder (VitrineDomain *self, guint index, const VitrineFolder *folder)
{
  xmlNode *node = find_node (self, index);

  if (node != NULL)
    write_folder (node, folder);
}

VitrineRemoved *
vitrine_domain_take_folder (VitrineDomain *self, guint index)
{
  return vitrine_domain_take_out (find_node (self, index));
}

/* --- Names ---------------------------------------------------------------------------------------------------------- */

gboolean
vitrine_domain_find_folder (VitrineDomain *self, const char *name, guint *index)
{
  *index = 0;
  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "filesystem")
    {
      if (vitrine_xml_attr_is (vitrine_xml_child (node, "target"), "dir", name))
        return TRUE;
      ++*index;
    }
  return FALSE;
}

/* Every run of other characters is one dash, and none is at an end. */
static char *
plain_name (const char *path)
{
  g_autofree char *base = path != NULL ? g_path_get_basename (path) : g_strdup (""), *display = g_filename_display_name (base);
  g_autofree char *ascii = g_str_to_ascii (display, NULL);
  GString *name = g_string_new (NULL);

  for (const char *at = ascii; *at != '\0' && name->len < VITRINE_FOLDER_NAME_BYTES; at++)
    if (g_ascii_isalnum (*at) || ((*at == '.' || *at == '_') && name->len > 0))
      g_string_append_c (name, *at);
    else if (name->len > 0 && name->str[name->len - 1] != '-')
      g_string_append_c (name, '-');
  while (name->len > 0 && !g_ascii_isalnum (name->str[name->len - 1]))
    g_string_truncate (name, name->len - 1);
  return g_string_free (name->len > 0 ? name : g_string_append (name, "share"), FALSE);
}

char *
vitrine_domain_make_folder_name (VitrineDomain *self, const char *path)
{
  g_autofree char *plain = plain_name (path);
  char *name = g_strdup (plain);
  guint index;

  for (guint n = 2; vitrine_domain_find_folder (self, name, &index); n++)
    {
      g_autofree char *number = g_strdup_printf ("-%u", n);
      g_free (name);
      name = g_strdup_printf ("%.*s%s", (int) (VITRINE_FOLDER_NAME_BYTES - strlen (number)), plain, number);
    }
  return name;
}

void
vitrine_domain_keep_folder_name_unique (VitrineDomain *self, xmlNode *node)
{
  xmlNode *target = vitrine_xml_child (node, "target");
  g_autofree char *name = vitrine_xml_attr (target, "dir");
  guint index;

  if (name == NULL || !vitrine_domain_find_folder (self, name, &index))
    return;
  g_autofree char *fresh = vitrine_domain_make_folder_name (self, name);
  vitrine_xml_set_attr (target, "dir", fresh);
}

/* --- Checks --------------------------------------------------------------------------------------------------------- */

gboolean
vitrine_folder_check_name (const char *name, GError **error)
{
  if (name == NULL || *name == '\0')
    return vt_refuse (error, VT_ERROR_CONFIG, _("A shared folder needs a name, by which the guest mounts it."));
  if (strlen (name) > VITRINE_FOLDER_NAME_BYTES)
    return vt_refuse (error, VT_ERROR_CONFIG, _("“%s” is too long for the name of a shared folder: it may have %d letters and digits."), name,
                      VITRINE_FOLDER_NAME_BYTES);
  gboolean ok = *name != '-' && g_utf8_validate (name, -1, NULL);
  for (const char *at = name; ok && *at != '\0'; at = g_utf8_next_char (at))
    ok = g_unichar_isgraph (g_utf8_get_char (at)) && strchr ("\"'\\,", *at) == NULL;
  return ok || vt_refuse (error, VT_ERROR_CONFIG,
                          _("“%s” is no name for a shared folder: it is typed in the guest, so use letters, digits, “.”, “_” and “-”."), name);
}

gboolean
vitrine_folder_check_path (const char *path, GError **error)
{
  g_autofree char *display = g_filename_display_name (path);

  return g_utf8_validate (path, -1, NULL)
         || vt_refuse (error, VT_ERROR_CONFIG, _("The path of “%s” has characters that are not UTF-8. Rename the folder, or share another one."), display);
}

static gboolean
folder_is_in (const VitrineFolder *folder, GPtrArray *others)
{
  for (guint i = 0; others != NULL && i < others->len; i++)
    {
      const VitrineFolder *other = others->pdata[i];
      if (g_strcmp0 (other->folder, folder->folder) == 0 && g_strcmp0 (other->name, folder->name) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_folder (const VitrineFolder *folder, GError **error)
{
  if (folder->folder == NULL || !g_path_is_absolute (folder->folder))
    return vt_refuse (error, VT_ERROR_CONFIG, _("Shared folder “%s”: choose a folder, or remove it."), folder->name != NULL ? folder->name : "");
  return vitrine_folder_check_name (folder->name, error);
}

static gboolean
check_twins (GPtrArray *folders, GError **error)
{
  for (guint i = 0; i < folders->len; i++)
    for (guint j = 0; j < i; j++)
      {
        const char *name = ((const VitrineFolder *) folders->pdata[i])->name;
        if (name != NULL && g_strcmp0 (name, ((const VitrineFolder *) folders->pdata[j])->name) == 0)
          return vt_refuse (error, VT_ERROR_CONFIG, _("Two shared folders are called “%s”: the guest would find one of them only."), name);
      }
  return TRUE;
}

gboolean
vitrine_domain_check_folders (VitrineDomain *self, VitrineDomain *before, GError **error)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (self), others = before != NULL ? vitrine_domain_get_folders (before) : NULL;
  gboolean changed = others == NULL || others->len < folders->len;

  for (guint i = 0; i < folders->len; i++)
    {
      if (folder_is_in (folders->pdata[i], others))
        continue;
      changed = TRUE;
      if (!check_folder (folders->pdata[i], error))
        return FALSE;
    }
  if (changed && folders->len > VITRINE_MAX_FOLDERS)
    return vt_refuse (error, VT_ERROR_CONFIG, _("A machine shares %d folders at most."), VITRINE_MAX_FOLDERS);
  return !changed || check_twins (folders, error);
}

/* --- Folders as they are -------------------------------------------------------------------------------------------- */

static gboolean
is_in (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return g_str_has_prefix (path, folder) && (path[length] == '\0' || path[length] == '/' || g_str_equal (folder, "/"));
}

/* Not only by its permissions: a machine's process may be confined to other folders. */
static gboolean
can_open (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

VitrineFolderSight
vitrine_folder_look (const char *path)
{
  g_autofree char *real = path != NULL ? realpath (path, NULL) : NULL, *home = realpath (g_get_home_dir (), NULL);
  struct stat about;

  if (real == NULL || stat (real, &about) != 0)
    return VITRINE_FOLDER_MISSING;
  if (!S_ISDIR (about.st_mode))
    return VITRINE_FOLDER_NO_FOLDER;
  if (!can_open (real))
    return VITRINE_FOLDER_CLOSED;
  return home != NULL && is_in (home, real) ? VITRINE_FOLDER_BROAD : VITRINE_FOLDER_THERE;
}

static void
look (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  g_task_return_int (task, vitrine_folder_look (path));
}

void
vitrine_folder_look_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, done, data);

  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, look);
}

gboolean
vitrine_folder_look_finish (GAsyncResult *result, VitrineFolderSight *sight)
{
  g_autoptr(GError) error = NULL;
  gssize value = g_task_propagate_int (G_TASK (result), &error);

  *sight = error == NULL ? (VitrineFolderSight) value : VITRINE_FOLDER_MISSING;
  return error == NULL;
}

char *
vitrine_folder_describe (const VitrineFolder *folder, VitrineFolderSight sight)
{
  g_autofree char *path = folder->folder != NULL ? g_filename_display_name (folder->folder) : NULL;

  if (path == NULL)
    return g_strdup (_("No folder has been chosen."));
  switch (sight)
    {
    case VITRINE_FOLDER_THERE:
      break;
    case VITRINE_FOLDER_BROAD:
      return folder->readonly ? NULL : g_strdup (_("Programs in the guest can read and change everything in your home folder."));
    case VITRINE_FOLDER_MISSING:
      return g_strdup_printf (_("The folder “%s” is not there. Choose another one, or bring it back before the machine starts."), path);
    case VITRINE_FOLDER_NO_FOLDER:
      return g_strdup_printf (_("“%s” is a file. Choose a folder."), path);
    case VITRINE_FOLDER_CLOSED:
      return g_strdup_printf (_("You may not open the folder “%s”. Choose another one."), path);
    }
  return NULL;
}

gboolean
vitrine_domain_look_for_folders (VitrineDomain *self, GError **error)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (self);

  for (guint i = 0; i < folders->len; i++)
    {
      const VitrineFolder *folder = folders->pdata[i];
      VitrineFolderSight sight = vitrine_folder_look (folder->folder);
      if (sight == VITRINE_FOLDER_THERE || sight == VITRINE_FOLDER_BROAD)
        continue;
      g_autofree char *sentence = vitrine_folder_describe (folder, sight);
      return vt_refuse (error, VT_ERROR_CONFIG, _("Shared folder “%s”: %s"), folder->name != NULL ? folder->name : "", sentence);
    }
  return TRUE;
}

char *
vitrine_folder_get_command (const VitrineFolder *folder)
{
  g_autofree char *quoted = folder->name != NULL && strpbrk (folder->name, " $&;()<>|*?'\"\\`!#~") != NULL ? g_shell_quote (folder->name) : NULL;

  return g_strdup_printf ("mount -t 9p -o trans=virtio %s /mnt", quoted != NULL ? quoted : folder->name);
}
