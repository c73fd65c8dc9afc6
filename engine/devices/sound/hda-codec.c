/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codec: a root, a function group, and two ways of two widgets each (chapter 7).
 *
 *   1 audio function group
 *   2 converter to sound  ->  3 pin: line out, green jack
 *   4 converter from sound <- 5 pin: line in, blue jack
 */
#include "hda-private.h"

enum
{
  ROOT = 0, GROUP = 1, DAC = 2, PIN_OUT = 3, ADC = 4, PIN_IN = 5, NODES = 6,

  VENDOR_ID = 0x56560001, REVISION = 0x00100100,

  /* 7.3.4: parameters */
  PARAM_VENDOR = 0x00, PARAM_REVISION = 0x02, PARAM_NODES = 0x04, PARAM_GROUP_TYPE = 0x05, PARAM_WIDGET = 0x09, PARAM_PCM = 0x0a,
  PARAM_FORMATS = 0x0b, PARAM_PIN = 0x0c, PARAM_AMP_IN = 0x0d, PARAM_CONNECTIONS = 0x0e, PARAM_POWER = 0x0f, PARAM_AMP_OUT = 0x12,

  WIDGET_STEREO = 1u << 0, WIDGET_AMP_IN = 1u << 1, WIDGET_AMP_OUT = 1u << 2, WIDGET_OWN_AMP = 1u << 3, WIDGET_OWN_FORMAT = 1u << 4,
  WIDGET_LIST = 1u << 8, WIDGET_POWER = 1u << 10,
  WIDGET_TYPE_OUT = 0u << 20, WIDGET_TYPE_IN = 1u << 20, WIDGET_TYPE_PIN = 4u << 20,
  PCM_RATES = 0x7f0, PCM_16 = 1u << 17,      /* 32 to 192 kHz */
  FORMATS_PCM = 1,
  PIN_IS_OUT = 1u << 4, PIN_IS_IN = 1u << 5,
  POWER_D0_D3 = 1u << 0 | 1u << 3,
  AMP_CAPS = 1u << 31 | 3u << 16 | HDA_GAIN_0DB << 8 | HDA_GAIN_0DB,    /* can mute; steps of 1 dB */

  /* 7.3.3: verbs, of 4 and 12 bits */
  SET_FORMAT = 0x2, SET_AMP = 0x3, GET_FORMAT = 0xa, GET_AMP = 0xb,
  GET_PARAMETER = 0xf00, GET_CONNECTIONS = 0xf02, GET_POWER = 0xf05, SET_POWER = 0x705, GET_STREAM = 0xf06,
  SET_STREAM = 0x706, GET_PIN = 0xf07, SET_PIN = 0x707, GET_DEFAULT = 0xf1c, GET_SUBSYSTEM = 0xf20, RESET_GROUP = 0x7ff,

  AMP_SET_OUT = 1u << 15, AMP_SET_IN = 1u << 14, AMP_SET_LEFT = 1u << 13, AMP_SET_RIGHT = 1u << 12, AMP_GET_LEFT = 1u << 13,
  AMP_MUTE = 0x80,

  /* 7.3.3.31: jacks at the back */
  DEFAULT_OUT = 0x01014110, DEFAULT_IN = 0x01813120,
};

/* --- What it says of itself ----------------------------------------------------------------------------------------- */

static uint32_t
widget_parameter (unsigned node)
{
  const uint32_t converter = WIDGET_STEREO | WIDGET_OWN_AMP | WIDGET_OWN_FORMAT | WIDGET_POWER;
  switch (node)
    {
    case DAC: return converter | WIDGET_AMP_OUT | WIDGET_TYPE_OUT;
    case ADC: return converter | WIDGET_AMP_IN | WIDGET_LIST | WIDGET_TYPE_IN;
    case PIN_OUT: return WIDGET_STEREO | WIDGET_LIST | WIDGET_TYPE_PIN;
    case PIN_IN: return WIDGET_STEREO | WIDGET_TYPE_PIN;
    default: return 0;
    }
}

static uint32_t
node_parameter (unsigned node)
{
  switch (node)
    {
    case ROOT: return GROUP << 16 | 1;
    case GROUP: return DAC << 16 | (NODES - DAC);
    default: return 0;
    }
}

static uint32_t
parameter (unsigned node, unsigned id)
{
  bool converts = node == DAC || node == ADC, linked = node == PIN_OUT || node == ADC;
  switch (id)
    {
    case PARAM_VENDOR: return node == ROOT ? VENDOR_ID : 0;
    case PARAM_REVISION: return node == ROOT ? REVISION : 0;
    case PARAM_NODES: return node_parameter (node);
    case PARAM_GROUP_TYPE: return node == GROUP ? 1 : 0;
    case PARAM_WIDGET: return widget_parameter (node);
    case PARAM_PCM: return converts || node == GROUP ? PCM_RATES | PCM_16 : 0;
    case PARAM_FORMATS: return converts || node == GROUP ? FORMATS_PCM : 0;
    case PARAM_PIN: return node == PIN_OUT ? PIN_IS_OUT : node == PIN_IN ? PIN_IS_IN : 0;
    case PARAM_AMP_IN: return node == ADC ? AMP_CAPS : 0;
    case PARAM_AMP_OUT: return node == DAC ? AMP_CAPS : 0;
    case PARAM_CONNECTIONS: return linked ? 1 : 0;
    case PARAM_POWER: return converts || node == GROUP ? POWER_D0_D3 : 0;
    default: return 0;
    }
}

/* --- Verbs ---------------------------------------------------------------------------------------------------------- */

static VtSoundWay
way_of (unsigned node)
{
  return node == ADC || node == PIN_IN ? VT_SOUND_RECORD : VT_SOUND_PLAY;
}

static void
set_amp (HdaCodecState *codec, VtSoundWay way, uint32_t payload)
{
  uint32_t wanted = way == VT_SOUND_PLAY ? AMP_SET_OUT : AMP_SET_IN;
  uint8_t  value = (uint8_t) ((payload & AMP_MUTE) | MIN (payload & 0x7f, HDA_GAIN_0DB));
  if (!(payload & wanted))
    return;
  if (payload & AMP_SET_LEFT)
    codec->gain[way * VT_SOUND_CHANNELS] = value;
  if (payload & AMP_SET_RIGHT)
    codec->gain[way * VT_SOUND_CHANNELS + 1] = value;
}

static uint32_t
converter_verb (HdaCodecState *codec, VtSoundWay way, unsigned verb, uint32_t payload)
{
  switch (verb)
    {
    case SET_FORMAT << 8: codec->format[way] = (uint16_t) payload; return 0;
    case GET_FORMAT << 8: return codec->format[way];
    case SET_AMP << 8: set_amp (codec, way, payload); return 0;
    case GET_AMP << 8: return codec->gain[way * VT_SOUND_CHANNELS + (payload & AMP_GET_LEFT ? 0 : 1)];
    case SET_STREAM: codec->stream[way] = (uint8_t) payload; return 0;
    case GET_STREAM: return codec->stream[way];
    default: return 0;
    }
}

static uint32_t
pin_verb (HdaCodecState *codec, VtSoundWay way, unsigned verb, uint32_t payload)
{
  switch (verb)
    {
    case SET_PIN: codec->pin[way] = (uint8_t) payload; return 0;
    case GET_PIN: return codec->pin[way];
    case GET_DEFAULT: return way == VT_SOUND_PLAY ? DEFAULT_OUT : DEFAULT_IN;
    default: return 0;
    }
}

/* The state that was asked for is reached at once: in bits 3-0 and 7-4. */
static uint32_t
power_verb (uint8_t *power, unsigned verb, uint32_t payload)
{
  if (verb == SET_POWER)
    *power = payload & 7;
  return verb == GET_POWER ? *power * 0x11u : 0;
}

static uint32_t
run_verb (HdaCodecState *codec, unsigned node, unsigned verb, uint32_t payload)
{
  bool converts = node == DAC || node == ADC;
  if (verb == GET_PARAMETER)
    return parameter (node, payload & 0xff);
  if (verb == GET_CONNECTIONS && payload < 4)
    return node == PIN_OUT ? DAC : node == ADC ? PIN_IN : 0;
  if ((verb == SET_POWER || verb == GET_POWER) && (converts || node == GROUP))
    return power_verb (&codec->power[converts ? way_of (node) : VT_SOUND_WAYS], verb, payload);
  if (node == GROUP && verb == RESET_GROUP)
    *codec = (HdaCodecState) HDA_CODEC_AT_RESET;
  else if (node == GROUP && verb == GET_SUBSYSTEM)
    return VENDOR_ID;
  else if (converts)
    return converter_verb (codec, way_of (node), verb, payload);
  else if (node == PIN_OUT || node == PIN_IN)
    return pin_verb (codec, way_of (node), verb, payload);
  return 0;
}

uint32_t
vt_hda_verb (Hda *hda, uint32_t command)
{
  unsigned node = command >> 20 & 0x7f, verb = command >> 8 & 0xfff;
  /* Verbs of 4 bits have 16 of payload; those of 12 bits begin with 7 or F. */
  bool     wide = verb >> 8 != 0x7 && verb >> 8 != 0xf;
  uint32_t answer = run_verb (&hda->s.codec, node, wide ? verb & 0xf00 : verb, command & (wide ? 0xffff : 0xff));
  vt_hda_streams_tell (hda);
  return answer;
}

/* --- Gain ----------------------------------------------------------------------------------------------------------- */

uint32_t
vt_hda_gain (const HdaCodecState *codec, VtSoundWay way, unsigned channel)
{
  /* 65536 divided by 10 to the power of (dB / 20), for the last six steps; each 6 dB further is half of it. */
  static const uint16_t steps[6] = { 65535, 58409, 52057, 46396, 41350, 36854 };
  uint8_t  gain = codec->gain[way * VT_SOUND_CHANNELS + channel];
  bool     enabled = codec->pin[way] & (way == VT_SOUND_PLAY ? HDA_PIN_OUT : HDA_PIN_IN);
  unsigned below = HDA_GAIN_0DB - MIN (gain & 0x7f, HDA_GAIN_0DB);
  if ((gain & AMP_MUTE) || !enabled || codec->power[way] != 0 || codec->power[VT_SOUND_WAYS] != 0)
    return 0;
  return below == 0 ? 65536 : (uint32_t) steps[below % 6] >> below / 6;
}
