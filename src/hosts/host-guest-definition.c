/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host guest's XML: read, and changed by a person. */
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "host-guest.h"
#include "host-private.h"
#include "host-text.h"
#include "host-xml.h"
#include "secret-text.h"

#define MAX_DIFF_CHARS 4000

static char *
get_xml (virDomainPtr domain, unsigned flags, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);

  if (xml == NULL)
    return vitrine_host_set_error (error);
  char *copy = g_strdup (xml);
  free (xml);
  return copy;
}

/* --- read ------------------------------------------------------------------------------------------------------- */

static gpointer
read_definition (virDomainPtr domain, gpointer which, GCancellable *cancellable, GError **error)
{
  static const unsigned flags[] = {
    [VITRINE_HOST_DEFINITION_RUNNING] = 0,
    [VITRINE_HOST_DEFINITION_NEXT] = VIR_DOMAIN_XML_INACTIVE,
    [VITRINE_HOST_DEFINITION_WITH_SECRETS] = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE,
  };

  return get_xml (domain, flags[GPOINTER_TO_UINT (which)], error);
}

void
vitrine_host_guest_read_definition_async (VitrineHostGuest *self, VitrineHostDefinition which,
                                          GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, read_definition, GUINT_TO_POINTER (which), NULL,
                                (GDestroyNotify) vitrine_secret_text_free, NULL, done, data);
}

char *
vitrine_host_guest_read_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error);
}

/* --- change ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  char *was, *xml;
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  vitrine_secret_text_free (change->was);
  vitrine_secret_text_free (change->xml);
  g_free (change);
}

static char *
write_temporary (const char *text)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("vitrine-XXXXXX.xml", &path, NULL);

  if (fd < 0)
    return NULL;
  g_close (fd, NULL);
  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
  return path;
}

static void
drop_passwords (xmlNode *parent)
{
  for (xmlNode *child = parent->children; child != NULL; child = child->next)
    {
      if (child->type != XML_ELEMENT_NODE)
        continue;
      xmlUnsetProp (child, BAD_CAST "passwd");
      drop_passwords (child);
    }
}

/* As libvirt shows it to those who do not ask for secrets: only <graphics> has any. NULL: it is no XML. */
static char *
without_passwords (const char *xml)
{
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  xmlChar *text = NULL;
  int n = 0;

  if (document == NULL || xmlDocGetRootElement (document) == NULL)
    return NULL;
  drop_passwords (xmlDocGetRootElement (document));
  xmlDocDumpMemory (document, &text, &n);
  char *copy = g_strndup ((const char *) text, (gsize) n);
  xmlFree (text);
  return copy;
}

/* What diff(1) says; NULL when it is not there. */
static char *
diff (const char *was, const char *is)
{
  g_autofree char *first = write_temporary (was), *second = write_temporary (is), *out = NULL;
  const char *const argv[]
      = { "diff", "--unified=2", "--label", _("as you opened it"), "--label", _("as the host has it now"),
          first,  second,        NULL };

  if (first != NULL && second != NULL)
    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
                  NULL, NULL);
  if (first != NULL)
    g_unlink (first);
  if (second != NULL)
    g_unlink (second);
  if (out == NULL || *out == '\0')
    return NULL;
  g_autofree char *valid = g_utf8_make_valid (out, -1);
  return g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), MAX_DIFF_CHARS));
}

static gboolean
check_unchanged (virDomainPtr domain, const char *was, GError **error)
{
  g_autofree char *is = get_xml (domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE, error);

  if (is == NULL)
    return FALSE;
  if (g_str_equal (is, was))
    return TRUE;
  g_autofree char *shown_was = without_passwords (was), *shown_is = without_passwords (is);
  g_autofree char *lines = shown_was != NULL && shown_is != NULL ? diff (shown_was, shown_is) : NULL;
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT,
               _("Somebody else has changed this definition since you opened it. Nothing was written.\n%s"),
               lines != NULL ? lines : "");
  return FALSE;
}

/* Else libvirt would take it for another machine. */
static gboolean
check_identity (virDomainPtr domain, const char *xml, GError **error)
{
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  if (root == NULL)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                           _("This is not XML: a tag may be open."));
      return FALSE;
    }
  g_autofree char *given = vitrine_xml_text (vitrine_xml_child (root, "uuid"));
  virDomainGetUUIDString (domain, uuid);
  if (given != NULL && g_ascii_strcasecmp (given, uuid) == 0)
    return TRUE;
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
               _("The UUID must stay %s: another one is another machine."), uuid);
  return FALSE;
}

static gpointer
write_definition (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  const Change *change = data;

  if (!check_identity (domain, change->xml, error) || !check_unchanged (domain, change->was, error))
    return NULL;
  virDomainPtr defined
      = virDomainDefineXMLFlags (virDomainGetConnect (domain), change->xml, VIR_DOMAIN_DEFINE_VALIDATE);
  if (defined == NULL)
    return vitrine_host_set_error (error);
  virDomainFree (defined);
  return VITRINE_HOST_DONE;
}

void
vitrine_host_guest_write_definition_async (VitrineHostGuest *self, const char *was, const char *xml,
                                           GAsyncReadyCallback done, gpointer data)
{
  Change *change = g_new0 (Change, 1);

  change->was = g_strdup (was);
  change->xml = g_strdup (xml);
  vitrine_host_guest_run_async (self, write_definition, change, change_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_guest_write_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}
