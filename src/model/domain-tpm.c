/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TPM in a definition: <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>. Our machine has a TPM 2.0 that is a
 * swtpm, as libvirt's emulator is, and refuses what would be another one. */
#include <glib/gi18n-lib.h>

#include "domain-private.h"
#include <vitrine/error.h>

/* libvirt: without a model, it is TIS. */
#define DEFAULT_MODEL "tpm-tis"

static char *
model_of (const xmlNode *tpm)
{
  char *model = vitrine_xml_attr (tpm, "model");

  return model != NULL ? model : g_strdup (DEFAULT_MODEL);
}

static gboolean
take_model (const xmlNode *tpm, VtConfig *config, GError **error)
{
  g_autofree char *model = model_of (tpm);

  if (g_str_equal (model, "tpm-tis"))
    config->tpm = VT_TPM_TIS;
  else if (g_str_equal (model, "tpm-crb"))
    config->tpm = VT_TPM_CRB;
  else
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("<tpm model='%s'> is not supported. Change it to tpm-crb or tpm-tis."), model);
  return TRUE;
}

static gboolean
check_backend (const xmlNode *backend, GError **error)
{
  g_autofree char *type = vitrine_xml_attr (backend, "type"), *version = vitrine_xml_attr (backend, "version");
  const xmlNode *child = xmlFirstElementChild ((xmlNode *) backend);

  if (type == NULL || !g_str_equal (type, "emulator"))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                      _("<tpm><backend type='%s'>: only type='emulator' is supported, a TPM of the machine’s own."),
                      type != NULL ? type : "");
  if (version != NULL && !g_str_equal (version, "2.0"))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("<tpm><backend version='%s'>: only version='2.0' is supported."), version);
  if (vitrine_xml_attr_is (backend, "persistent_state", "yes"))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                      _("<tpm><backend persistent_state='yes'> is not supported: a machine’s TPM always stays with it. "
                        "Remove persistent_state."));
  if (child != NULL)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("<tpm><backend><%s> is not supported. Remove it."), (const char *) child->name);
  return TRUE;
}

gboolean
vitrine_domain_take_tpm (const xmlNode *devices, VtConfig *config, GError **error)
{
  const xmlNode *tpm = vitrine_xml_child (devices, "tpm");
  guint n = 0;

  VITRINE_XML_FOREACH (other, devices, "tpm")
    n++;
  if (n > 1)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("There are %u <tpm>: a machine has one at most."), n);
  return tpm == NULL || (check_backend (vitrine_xml_child (tpm, "backend"), error) && take_model (tpm, config, error));
}

gboolean
vitrine_domain_get_tpm (VitrineDomain *self)
{
  return vitrine_xml_child (vitrine_domain_devices (self), "tpm") != NULL;
}

void
vitrine_domain_add_tpm (VitrineDomain *self)
{
  if (vitrine_domain_get_tpm (self))
    return;
  xmlNode *tpm = vitrine_xml_ensure (vitrine_domain_devices (self), "tpm");
  xmlNode *backend = vitrine_xml_ensure (tpm, "backend");
  vitrine_xml_set_attr (tpm, "model", "tpm-crb");
  vitrine_xml_set_attr (backend, "type", "emulator");
  vitrine_xml_set_attr (backend, "version", "2.0");
}

char *
vitrine_domain_get_tpm_model (VitrineDomain *self)
{
  return model_of (vitrine_xml_child (vitrine_domain_devices (self), "tpm"));
}

void
vitrine_domain_set_tpm_model (VitrineDomain *self, const char *model)
{
  vitrine_xml_set_attr (vitrine_xml_child (vitrine_domain_devices (self), "tpm"), "model", model);
}

gboolean
vitrine_domain_choose_tpm (VitrineDomain *self, const char *name, GError **error)
{
  g_autofree char *model = g_strconcat ("tpm-", name, NULL);

  if (!g_str_equal (name, "crb") && !g_str_equal (name, "tis"))
    return vt_refuse (error, VT_ERROR_CONFIG, _("“%s” is no interface of a TPM: use crb or tis."), name);
  vitrine_domain_set_tpm_model (self, model);
  return TRUE;
}
