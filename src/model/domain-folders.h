/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders of this computer that a machine shares: <filesystem type='mount'>, which our machine offers as 9p. What the document says
 * beside these things stays. */
#pragma once

#include "domain.h"

#define VITRINE_MAX_FOLDERS      8
#define VITRINE_FOLDER_NAME_BYTES 31      /* that a new name has at most: more than Linux, QEMU and libvirt all take is of no use */

/* One of them. A copy, as with disks; known by its place among them. */
typedef struct
{
  char    *folder;      /* whole path; NULL: the document does not say */
  char    *name;        /* that the guest mounts it by; NULL: the document does not say */
  gboolean readonly;
  gboolean supported;   /* of a kind that our machine has */
} VitrineFolder;

void vitrine_folder_free (VitrineFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineFolder, vitrine_folder_free)

GPtrArray      *vitrine_domain_get_folders (VitrineDomain *domain);     /* of VitrineFolder, in document order */
/* Without a name it gets one. */
void            vitrine_domain_add_folder (VitrineDomain *domain, const VitrineFolder *folder);
void            vitrine_domain_set_folder (VitrineDomain *domain, guint index, const VitrineFolder *folder);
VitrineRemoved *vitrine_domain_take_folder (VitrineDomain *domain, guint index);   /* NULL: there is no such folder */
/* The number of the one with that name; FALSE: none has it. */
gboolean        vitrine_domain_find_folder (VitrineDomain *domain, const char *name, guint *index);
/* Of the folder's own name, in letters that every keyboard has; no other folder of the machine has it. A new string. */
char           *vitrine_domain_make_folder_name (VitrineDomain *domain, const char *path);

/* Can they be written? That they are there is another question: a folder may be on a disk that is not plugged in now. Those that are in
 * @before, too, are not looked at; it may be NULL. */
gboolean        vitrine_domain_check_folders (VitrineDomain *domain, VitrineDomain *before, GError **error);
gboolean        vitrine_folder_check_name (const char *name, GError **error);
/* Can a definition name it? To be asked before it does. */
gboolean        vitrine_folder_check_path (const char *path, GError **error);

/* How a folder is now. */
typedef enum
{
  VITRINE_FOLDER_THERE,
  VITRINE_FOLDER_BROAD,      /* there, and the person's home is in it, or is it */
  VITRINE_FOLDER_MISSING,
  VITRINE_FOLDER_NO_FOLDER,  /* a file */
  VITRINE_FOLDER_CLOSED,     /* the person may not open it */
} VitrineFolderSight;

/* May block: the folder may be on a network. Any thread. */
VitrineFolderSight vitrine_folder_look (const char *path);
/* The same in a thread of its own. */
void               vitrine_folder_look_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
/* FALSE: it was cancelled. */
gboolean           vitrine_folder_look_finish (GAsyncResult *result, VitrineFolderSight *sight);
/* A sentence that says what is wrong with it, or what a person should know; NULL: nothing. A new string. */
char              *vitrine_folder_describe (const VitrineFolder *folder, VitrineFolderSight sight);
/* Can a machine start with its folders? Blocks as look does. */
gboolean           vitrine_domain_look_for_folders (VitrineDomain *domain, GError **error);

/* What a person types in a Linux guest to have it. A new string. */
char              *vitrine_folder_get_command (const VitrineFolder *folder);
