/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: BIOS, UEFI, and UEFI with Secure Boot, as libvirt writes them (formatdomain, "Operating system booting"):
 * <os firmware='efi'> with <firmware><feature name='secure-boot'/>, or <loader secure='yes'>; and <features><smm>. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-private.h"
#include <vitrine/error.h>

const char *const vitrine_firmware_ids[] = {
  [VITRINE_FIRMWARE_BIOS] = "bios", [VITRINE_FIRMWARE_UEFI] = "uefi", [VITRINE_FIRMWARE_SECURE_BOOT] = "secure-boot", NULL
};
const char *const vitrine_firmware_labels[] = {
  [VITRINE_FIRMWARE_BIOS] = N_("BIOS"), [VITRINE_FIRMWARE_UEFI] = N_("UEFI"),
  [VITRINE_FIRMWARE_SECURE_BOOT] = N_("UEFI with Secure Boot"), NULL
};

gboolean
vitrine_firmware_from_id (const char *id, VitrineFirmware *firmware)
{
  for (guint i = 0; vitrine_firmware_ids[i] != NULL; i++)
    if (g_strcmp0 (id, vitrine_firmware_ids[i]) == 0)
      {
        *firmware = i;
        return TRUE;
      }
  return FALSE;
}

const char *
vitrine_firmware_id_get_problem (const char *id)
{
  VitrineFirmware firmware = VITRINE_FIRMWARE_BIOS;
  bool secure = vitrine_firmware_from_id (id, &firmware) && firmware == VITRINE_FIRMWARE_SECURE_BOOT;

  if (firmware == VITRINE_FIRMWARE_BIOS || g_file_test (vt_firmware_uefi_code (secure, secure), G_FILE_TEST_EXISTS))
    return NULL;
  return _("This firmware is not installed: it is in the package “ovmf”.");
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static const xmlNode *
find_feature (const xmlNode *os, const char *name)
{
  VITRINE_XML_FOREACH (feature, vitrine_xml_child (os, "firmware"), "feature")
    if (vitrine_xml_attr_is (feature, "name", name))
      return feature;
  return NULL;
}

static gboolean
is_secure (const xmlNode *os)
{
  return vitrine_xml_attr_is (vitrine_xml_child (os, "loader"), "secure", "yes")
         || vitrine_xml_attr_is (find_feature (os, "secure-boot"), "enabled", "yes");
}

VitrineFirmware
vitrine_domain_get_firmware (VitrineDomain *self)
{
  const xmlNode *os = vitrine_xml_child (vitrine_domain_root (self), "os");

  if (!vitrine_xml_attr_is (os, "firmware", "efi") && !vitrine_xml_attr_is (vitrine_xml_child (os, "loader"), "type", "pflash"))
    return VITRINE_FIRMWARE_BIOS;
  return is_secure (os) ? VITRINE_FIRMWARE_SECURE_BOOT : VITRINE_FIRMWARE_UEFI;
}

static void
add_feature (xmlNode *firmware, const char *name)
{
  xmlNode *feature = xmlNewChild (firmware, NULL, BAD_CAST "feature", NULL);

  vitrine_xml_set_attr (feature, "enabled", "yes");
  vitrine_xml_set_attr (feature, "name", name);
}

/* By its kind: whoever starts the machine chooses the file. The schema wants <firmware> before <loader>, which is gone. */
static void
write_kind (VitrineDomain *self, VitrineFirmware firmware)
{
  xmlNode *root = vitrine_domain_root (self), *os = vitrine_xml_ensure (root, "os");

  vitrine_xml_remove (vitrine_xml_child (os, "loader"));
  vitrine_xml_remove (vitrine_xml_child (os, "firmware"));
  vitrine_xml_set_attr (os, "firmware", firmware != VITRINE_FIRMWARE_BIOS ? "efi" : NULL);
  if (firmware != VITRINE_FIRMWARE_SECURE_BOOT)
    return;
  xmlNode *features = vitrine_xml_ensure (os, "firmware");
  add_feature (features, "secure-boot");
  add_feature (features, "enrolled-keys");
  vitrine_xml_set_attr (vitrine_xml_ensure (root, "features/smm"), "state", "on");
}

void
vitrine_domain_set_firmware (VitrineDomain *self, VitrineFirmware firmware)
{
  xmlNode *root = vitrine_domain_root (self);
  VitrineFirmware before = vitrine_domain_get_firmware (self);

  if (before == firmware)
    return;
  vitrine_xml_remove (vitrine_xml_find (root, "os/nvram"));
  if (before == VITRINE_FIRMWARE_SECURE_BOOT)
    vitrine_xml_remove (vitrine_xml_find (root, "features/smm"));
  write_kind (self, firmware);
}

void
vitrine_domain_forget_loader (VitrineDomain *self)
{
  write_kind (self, vitrine_domain_get_firmware (self));
}

char *
vitrine_domain_get_loader (VitrineDomain *self)
{
  return vitrine_xml_text (vitrine_xml_find (vitrine_domain_root (self), "os/loader"));
}

char *
vitrine_domain_get_nvram (VitrineDomain *self)
{
  return vitrine_xml_text (vitrine_xml_find (vitrine_domain_root (self), "os/nvram"));
}

void
vitrine_domain_set_nvram (VitrineDomain *self, const char *path)
{
  if (path == NULL)
    vitrine_xml_remove (vitrine_xml_find (vitrine_domain_root (self), "os/nvram"));
  else
    vitrine_xml_set_text (vitrine_xml_ensure (vitrine_domain_root (self), "os/nvram"), path);
}

/* --- for the engine ----------------------------------------------------------------------------------------------- */

/* Of Debian's images, those with Microsoft's keys say so in their names. */
static gboolean
has_keys (const xmlNode *os, const char *loader)
{
  if (loader == NULL)
    return !vitrine_xml_attr_is (find_feature (os, "enrolled-keys"), "enabled", "no");
  g_autofree char *name = g_path_get_basename (loader);
  return strstr (name, ".ms.") != NULL;
}

static gboolean
take_tseg (VitrineDomain *self, const xmlNode *smm, VtConfig *config, GError **error)
{
  const xmlNode   *node = vitrine_xml_child (smm, "tseg");
  g_autofree char *text = vitrine_xml_text (node), *unit = vitrine_xml_attr (node, "unit");
  guint64          bytes = 0;

  if (node == NULL)
    return TRUE;
  if (text != NULL && vitrine_domain_parse_size (text, unit != NULL ? unit : "MiB", &bytes) && bytes != 0 && bytes % (1 << 20) == 0
      && bytes >> 20 <= VT_TSEG_MIB_MAX)
    {
      config->tseg_mib = (unsigned) (bytes >> 20);
      return TRUE;
    }
  g_autofree char *document = vitrine_domain_describe (self);
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s”: <tseg>%s: not a size of whole MiB, at most %d."), document, text != NULL ? text : "",
               VT_TSEG_MIB_MAX);
  return FALSE;
}

gboolean
vitrine_domain_take_firmware (VitrineDomain *self, VtConfig *config, GError **error)
{
  const xmlNode  *root = vitrine_domain_root (self), *os = vitrine_xml_child (root, "os");
  const xmlNode  *smm = vitrine_xml_find (root, "features/smm");
  VitrineFirmware firmware = vitrine_domain_get_firmware (self);

  config->firmware = firmware != VITRINE_FIRMWARE_BIOS ? VT_FIRMWARE_UEFI : VT_FIRMWARE_BIOS;
  config->secure_boot = firmware == VITRINE_FIRMWARE_SECURE_BOOT;
  config->firmware_code = vitrine_domain_get_loader (self);
  config->enrolled_keys = config->secure_boot && has_keys (os, config->firmware_code);
  config->nvram = vitrine_domain_get_nvram (self);
  config->nvram_template = vitrine_xml_attr (vitrine_xml_child (os, "nvram"), "template");
  /* The other board has no such mode, and systems there do not miss it. */
  config->smm = config->secure_boot || (vitrine_xml_attr_is (smm, "state", "on") && g_strcmp0 (config->machine, "q35") == 0);
  if (config->secure_boot && vitrine_xml_attr_is (smm, "state", "off"))
    {
      g_autofree char *document = vitrine_domain_describe (self);
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s”: Secure Boot needs <smm state='on'/>, and the definition says off."), document);
      return FALSE;
    }
  return !config->smm || take_tseg (self, smm, config, error);
}
