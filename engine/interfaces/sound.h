/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loudspeakers and a microphone, as a sound card sees them: signed samples of 16 bits in host byte order, two channels in turns.
 * A card's time is the guest's; what plays has its own, so each side takes or gives what fits now. All under the machine lock,
 * and nothing waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VT_SOUND_CHANNELS = 2 };

typedef enum
{
  VT_SOUND_PLAY,
  VT_SOUND_RECORD,
  VT_SOUND_WAYS,
} VtSoundWay;

typedef struct VtSound VtSound;

typedef struct
{
  /* A stream begins, at rate_hz frames a second; one each way. */
  void   (*start) (VtSound *sound, VtSoundWay way, unsigned rate_hz);
  void   (*stop)  (VtSound *sound, VtSoundWay way);
  /* Frames that find no room are lost, as in a room that nobody is in. */
  void   (*play)  (VtSound *sound, const int16_t *frames, size_t n);
  /* How many of n frames there were. */
  size_t (*record) (VtSound *sound, int16_t *frames, size_t n);
  void   (*close) (VtSound *sound);
} VtSoundOps;

/* Embedded first in each back end's instance. */
struct VtSound
{
  const VtSoundOps *ops;
};
