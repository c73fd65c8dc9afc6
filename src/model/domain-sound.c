/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sound card in a definition, and where it plays. */
#include <glib/gi18n-lib.h>

#include "domain-private.h"

/* Where libvirt's other kinds would play, the person's desktop does. */
static void
take_audio (const xmlNode *devices, VtConfig *config)
{
  const xmlNode *audio = vitrine_xml_child (devices, "audio");

  if (vitrine_xml_attr_is (audio, "type", "none"))
    config->sound_output = VT_SOUND_TO_NOBODY;
  else if (vitrine_xml_attr_is (audio, "type", "file"))
    {
      config->sound_output = VT_SOUND_TO_FILE;
      config->sound_path = vitrine_xml_attr (audio, "path");
    }
}

static VtSoundCard
card_of (const xmlNode *sound)
{
  if (vitrine_xml_attr_is (sound, "model", "ich6"))
    return VT_SOUND_ICH6;
  return vitrine_xml_attr_is (sound, "model", "ich9") ? VT_SOUND_ICH9 : VT_SOUND_NONE;
}

/* The first that is ours. */
void
vitrine_domain_take_sound (const xmlNode *devices, VtConfig *config)
{
  VITRINE_XML_FOREACH (sound, devices, "sound")
    config->sound = config->sound != VT_SOUND_NONE ? config->sound : card_of (sound);
  if (config->sound != VT_SOUND_NONE)
    take_audio (devices, config);
}

void
vitrine_domain_list_missing_sound (const xmlNode *devices, GStrvBuilder *builder)
{
  VITRINE_XML_FOREACH (sound, devices, "sound")
    if (card_of (sound) == VT_SOUND_NONE)
      {
        g_autofree char *model = vitrine_xml_attr (sound, "model");
        g_autofree char *sentence
          = g_strdup_printf (_("Sound cards of the model “%s” are not supported: that card is left out. Use ich9."), model != NULL ? model : "");
        g_strv_builder_add (builder, sentence);
      }
}

gboolean
vitrine_domain_get_sound (VitrineDomain *self)
{
  return vitrine_xml_child (vitrine_domain_devices (self), "sound") != NULL;
}

void
vitrine_domain_set_sound (VitrineDomain *self, gboolean on)
{
  if (on == vitrine_domain_get_sound (self))
    return;
  if (on)
    vitrine_xml_set_attr (vitrine_xml_ensure (vitrine_domain_devices (self), "sound"), "model", "ich9");
  else
    while (vitrine_domain_get_sound (self))
      vitrine_xml_remove (vitrine_xml_child (vitrine_domain_devices (self), "sound"));
}
