/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: load, save, and the scalar parts of libvirt's domain XML (https://libvirt.org/formatdomain.html). */
#include "domain.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <libxml/parser.h>
#include <string.h>

#include "domain-private.h"
#include <vitrine/error.h>

struct _VitrineDomain
{
  GObject parent_instance;

  xmlDoc *document;
  char   *source;
};

G_DEFINE_FINAL_TYPE (VitrineDomain, vitrine_domain, G_TYPE_OBJECT)

static void
vitrine_domain_finalize (GObject *object)
{
  VitrineDomain *self = VITRINE_DOMAIN (object);

  g_clear_pointer (&self->document, xmlFreeDoc);
  g_free (self->source);
  G_OBJECT_CLASS (vitrine_domain_parent_class)->finalize (object);
}

static void
vitrine_domain_class_init (VitrineDomainClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_domain_finalize;
}

static void
vitrine_domain_init (VitrineDomain *self)
{
}

xmlNode *
vitrine_domain_root (VitrineDomain *self)
{
  return xmlDocGetRootElement (self->document);
}

char *
vitrine_domain_describe (VitrineDomain *self)
{
  return self->source != NULL ? g_strdup (self->source) : vitrine_domain_get_name (self);
}

/* --- load ------------------------------------------------------------------------------------------------------- */

static xmlDoc *
parse (const char *data, gsize length, const char *source, GError **error)
{
  if (length > VITRINE_DOMAIN_MAX_BYTES)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is too large to be a machine definition."), source);
      return NULL;
    }
  if (length == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is empty. Choose a libvirt domain XML file."), source);
      return NULL;
    }

  xmlParserCtxt *parser = xmlNewParserCtxt ();
  xmlDoc *document = xmlCtxtReadMemory (parser, data, (int) length, NULL, NULL,
                                        XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (document == NULL)
    {
      const xmlError *cause = xmlCtxtGetLastError (parser);
      g_autofree char *message = g_strdup (cause != NULL && cause->message != NULL ? cause->message : "");
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is not well-formed XML: line %d: %s"), source,
                   cause != NULL ? cause->line : 0, g_strstrip (message));
    }
  xmlFreeParserCtxt (parser);
  return document;
}

/* What every document must have for the rest of the program to rely on. */
static gboolean
check_document (xmlDoc *document, const char *source, GError **error)
{
  const xmlNode *root = xmlDocGetRootElement (document);

  if (document->intSubset != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   _("“%s” carries a document type declaration. Machine definitions have none; remove it."), source);
      return FALSE;
    }
  if (root == NULL || root->ns != NULL || strcmp ((const char *) root->name, "domain") != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   _("“%s” is XML, but not a machine definition: its root element is <%s>, not <domain>."), source,
                   root != NULL ? (const char *) root->name : "");
      return FALSE;
    }

  g_autofree char *name = vitrine_xml_text (vitrine_xml_child (root, "name"));
  if (name == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” has no <name>. Add one inside <domain>."), source);
      return FALSE;
    }
  g_autofree char *uuid = vitrine_xml_text (vitrine_xml_child (root, "uuid"));
  if (uuid != NULL && !g_uuid_string_is_valid (uuid))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   _("“%s”: “%s” in <uuid> is not a UUID. Correct or remove the element."), source, uuid);
      return FALSE;
    }
  return TRUE;
}

VitrineDomain *
vitrine_domain_new_from_data (const char *data, gsize length, const char *source, GError **error)
{
  xmlDoc *document = parse (data, length, source, error);
  if (document == NULL)
    return NULL;
  if (!check_document (document, source, error))
    {
      xmlFreeDoc (document);
      return NULL;
    }

  VitrineDomain *self = g_object_new (VITRINE_TYPE_DOMAIN, NULL);
  self->document = document;
  self->source = g_strdup (source);

  g_autofree char *uuid = vitrine_domain_get_uuid (self);
  g_autofree char *canonical = uuid != NULL ? g_ascii_strdown (uuid, -1) : g_uuid_string_random ();
  vitrine_domain_set_uuid (self, canonical);
  return self;
}

VitrineDomain *
vitrine_domain_new_from_file (const char *path, GError **error)
{
  g_autofree char *data = NULL;
  g_autofree char *display = g_filename_display_basename (path);
  g_autoptr(GError) local = NULL;
  gsize length = 0;

  if (!g_file_get_contents (path, &data, &length, &local))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&local), _("Cannot read the definition “%s”: "), display);
      return NULL;
    }
  return vitrine_domain_new_from_data (data, length, display, error);
}

VitrineDomain *
vitrine_domain_copy (VitrineDomain *self)
{
  VitrineDomain *copy = g_object_new (VITRINE_TYPE_DOMAIN, NULL);

  copy->document = xmlCopyDoc (self->document, 1);
  copy->source = g_strdup (self->source);
  return copy;
}

/* --- save ------------------------------------------------------------------------------------------------------- */

char *
vitrine_domain_to_xml (VitrineDomain *self)
{
  xmlChar *text = NULL;
  int length = 0;

  xmlDocDumpFormatMemoryEnc (self->document, &text, &length, "UTF-8", 1);
  char *copy = g_strndup ((const char *) text, length);
  xmlFree (text);
  return copy;
}

gboolean
vitrine_domain_save (VitrineDomain *self, const char *path, GError **error)
{
  g_autofree char *xml = vitrine_domain_to_xml (self);
  g_autoptr(GError) local = NULL;

  if (g_file_set_contents_full (path, xml, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local))
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local), _("Cannot save the definition: "));
  return FALSE;
}

/* --- scalars ---------------------------------------------------------------------------------------------------- */

static char *
get_text (VitrineDomain *self, const char *path)
{
  return vitrine_xml_text (vitrine_xml_find (vitrine_domain_root (self), path));
}

static void
set_text (VitrineDomain *self, const char *path, const char *text)
{
  if (text != NULL && *text != '\0')
    vitrine_xml_set_text (vitrine_xml_ensure (vitrine_domain_root (self), path), text);
  else
    vitrine_xml_remove (vitrine_xml_find (vitrine_domain_root (self), path));
}

char *
vitrine_domain_get_name (VitrineDomain *self)
{
  return get_text (self, "name");
}

void
vitrine_domain_set_name (VitrineDomain *self, const char *name)
{
  g_return_if_fail (name != NULL && *name != '\0');
  set_text (self, "name", name);
  vitrine_xml_remove (vitrine_xml_child (vitrine_domain_root (self), "title"));
}

void
vitrine_domain_take_names (VitrineDomain *self, VitrineDomain *other)
{
  g_autofree char *name = vitrine_domain_get_name (other), *title = get_text (other, "title");

  vitrine_domain_set_name (self, name);
  set_text (self, "title", title);
}

gboolean
vitrine_domain_check_name (const char *name, GError **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (name));
  const char *problem = NULL;

  if (*stripped == '\0')
    problem = _("The machine needs a name.");
  else if (!g_utf8_validate (name, -1, NULL) || strpbrk (name, "\n\r\t/") != NULL)
    problem = _("A machine’s name is one line without “/”.");
  else if (g_utf8_strlen (stripped, -1) > 100)
    problem = _("The name is too long: at most 100 characters.");
  if (problem == NULL)
    return TRUE;
  g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, problem);
  return FALSE;
}

char *
vitrine_domain_get_uuid (VitrineDomain *self)
{
  return get_text (self, "uuid");
}

void
vitrine_domain_set_uuid (VitrineDomain *self, const char *uuid)
{
  g_return_if_fail (g_uuid_string_is_valid (uuid));
  set_text (self, "uuid", uuid);
}

char *
vitrine_domain_get_title (VitrineDomain *self)
{
  char *title = get_text (self, "title");
  return title != NULL ? title : vitrine_domain_get_name (self);
}

char *
vitrine_domain_get_description (VitrineDomain *self)
{
  return get_text (self, "description");
}

void
vitrine_domain_set_description (VitrineDomain *self, const char *description)
{
  set_text (self, "description", description);
}

static const struct
{
  const char *unit;
  guint64     bytes;
} size_units[] = {
  { "b", 1 }, { "bytes", 1 }, { "KB", 1000 }, { "k", 1024 }, { "KiB", 1024 },
  { "MB", 1000 * 1000 }, { "M", 1 << 20 }, { "MiB", 1 << 20 },
  { "GB", 1000 * 1000 * 1000 }, { "G", 1 << 30 }, { "GiB", 1 << 30 },
  { "TB", G_GUINT64_CONSTANT (1000000000000) }, { "T", G_GUINT64_CONSTANT (1) << 40 },
  { "TiB", G_GUINT64_CONSTANT (1) << 40 },
};

gboolean
vitrine_domain_parse_size (const char *text, const char *unit, guint64 *bytes)
{
  guint64 number = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (size_units); i++)
    if (g_ascii_strcasecmp (size_units[i].unit, unit != NULL ? unit : "KiB") == 0)
      return g_uint64_checked_mul (bytes, number, size_units[i].bytes);
  return FALSE;
}

guint64
vitrine_domain_get_memory_bytes (VitrineDomain *self)
{
  const xmlNode *node = vitrine_xml_child (vitrine_domain_root (self), "memory");
  g_autofree char *text = vitrine_xml_text (node);
  g_autofree char *unit = vitrine_xml_attr (node, "unit");
  guint64 bytes = 0;

  return vitrine_domain_parse_size (text, unit, &bytes) ? bytes : 0;
}

void
vitrine_domain_set_memory_bytes (VitrineDomain *self, guint64 bytes)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes / 1024);
  xmlNode *node = vitrine_xml_ensure (vitrine_domain_root (self), "memory");

  vitrine_xml_set_text (node, text);
  vitrine_xml_set_attr (node, "unit", "KiB");
  vitrine_xml_remove (vitrine_xml_child (vitrine_domain_root (self), "currentMemory"));
}

guint
vitrine_domain_get_cpus (VitrineDomain *self)
{
  const xmlNode *node = vitrine_xml_child (vitrine_domain_root (self), "vcpu");
  g_autofree char *maximum = vitrine_xml_text (node);
  g_autofree char *current = vitrine_xml_attr (node, "current");
  const char *text = current != NULL ? current : maximum;
  guint64 cpus = 0;

  if (node == NULL)
    return 1;
  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, 4096, &cpus, NULL))
    return 0;
  return (guint) cpus;
}

void
vitrine_domain_set_cpus (VitrineDomain *self, guint cpus)
{
  if (vitrine_domain_get_cpus (self) == cpus && vitrine_xml_child (vitrine_domain_root (self), "vcpu") != NULL)
    return;
  g_autofree char *text = g_strdup_printf ("%u", cpus);
  xmlNode *node = vitrine_xml_ensure (vitrine_domain_root (self), "vcpu");
  vitrine_xml_set_text (node, text);
  vitrine_xml_set_attr (node, "current", NULL);
  /* Neither a per-processor list nor a topology can be right for another count. */
  vitrine_xml_remove (vitrine_xml_child (vitrine_domain_root (self), "vcpus"));
  vitrine_xml_remove (vitrine_xml_find (vitrine_domain_root (self), "cpu/topology"));
}

/* --- boot ------------------------------------------------------------------------------------------------------- */

/* Names with a version, and older ones that were 440FX boards before there was another: "pc-q35-7.2", "pc-i440fx-7.2", "pc-1.2". */
const char *
vitrine_domain_get_board (VitrineDomain *self)
{
  g_autofree char *name = vitrine_xml_attr (vitrine_xml_find (vitrine_domain_root (self), "os/type"), "machine");

  if (name == NULL || g_str_equal (name, "q35") || g_str_has_prefix (name, "pc-q35"))
    return "q35";
  if (g_str_equal (name, "pc") || g_str_has_prefix (name, "pc-i440fx") || (g_str_has_prefix (name, "pc-") && g_ascii_isdigit (name[3])))
    return "pc";
  return NULL;
}

void
vitrine_domain_set_board (VitrineDomain *self, const char *board)
{
  vitrine_xml_set_attr (vitrine_xml_ensure (vitrine_domain_root (self), "os/type"), "machine", board);
}

char *
vitrine_domain_get_kernel (VitrineDomain *self)
{
  return get_text (self, "os/kernel");
}

char *
vitrine_domain_get_initrd (VitrineDomain *self)
{
  return get_text (self, "os/initrd");
}

char *
vitrine_domain_get_cmdline (VitrineDomain *self)
{
  return get_text (self, "os/cmdline");
}

void
vitrine_domain_set_direct_boot (VitrineDomain *self, const char *kernel, const char *initrd, const char *cmdline)
{
  set_text (self, "os/kernel", kernel);
  set_text (self, "os/initrd", kernel != NULL ? initrd : NULL);
  set_text (self, "os/cmdline", kernel != NULL ? cmdline : NULL);
}

/* --- our defaults ----------------------------------------------------------------------------------------------- */

static const char template_xml[] =
  "<domain type='qemu'>"
  "<name>machine</name>"
  "<memory unit='KiB'>1048576</memory>"
  "<vcpu>1</vcpu>"
  "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
  "<features><acpi/><apic/></features>"
  "<clock offset='utc'/>"
  "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>"
  "<devices>"
  "<serial type='pty'><target type='isa-serial' port='0'/></serial>"
  "<console type='pty'><target type='serial' port='0'/></console>"
  "<interface type='user'><model type='virtio'/></interface>"
  "<input type='tablet' bus='usb'/>"
  "<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/></source><target type='virtio' name='com.redhat.spice.0'/></channel>"
  "<sound model='ich9'/>"
  "<video><model type='vga' vram='16384' heads='1' primary='yes'/></video>"
  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
  "</devices>"
  "</domain>";

VitrineDomain *
vitrine_domain_new (const char *name)
{
  VitrineDomain *self = vitrine_domain_new_from_data (template_xml, sizeof template_xml - 1, "template", NULL);

  g_assert (self != NULL);
  g_clear_pointer (&self->source, g_free);
  vitrine_domain_set_name (self, name);
  return self;
}
