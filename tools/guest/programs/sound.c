/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sound play FRAMES: numbers 1, 2, 3 ... on the left channel, their opposites on the right, at 48 kHz, all controls turned up.
 * sound record FRAMES: prints how many of them count up so at the most, one after the other.
 * The kernel's interface itself (Linux, include/uapi/sound/asound.h). */
#include <fcntl.h>
#include <limits.h>
#include <sound/asound.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { RATE = 48000, PERIOD = 1024, BUFFER = 32 * PERIOD };   /* all of a short sound: it cannot run dry on a busy host */

static void
die (const char *what)
{
  perror (what);
  exit (1);
}

/* --- Controls: everything loud ------------------------------------------------------------------------------------------ */

static void
turn_up (int fd, unsigned number)
{
  struct snd_ctl_elem_info  info = { .id.numid = number };
  struct snd_ctl_elem_value value = { .id.numid = number };
  if (ioctl (fd, SNDRV_CTL_IOCTL_ELEM_INFO, &info) != 0 || !(info.access & SNDRV_CTL_ELEM_ACCESS_WRITE)
      || (info.type != SNDRV_CTL_ELEM_TYPE_BOOLEAN && info.type != SNDRV_CTL_ELEM_TYPE_INTEGER))
    return;
  for (unsigned i = 0; i < info.count; i++)
    value.value.integer.value[i] = info.type == SNDRV_CTL_ELEM_TYPE_BOOLEAN ? 1 : info.value.integer.max;
  ioctl (fd, SNDRV_CTL_IOCTL_ELEM_WRITE, &value);
}

static void
turn_all_up (void)
{
  int fd = open ("/dev/snd/controlC0", O_RDWR);
  struct snd_ctl_elem_id   ids[64];
  struct snd_ctl_elem_list list = { .space = 64, .pids = ids };
  if (fd < 0 || ioctl (fd, SNDRV_CTL_IOCTL_ELEM_LIST, &list) != 0)
    die ("/dev/snd/controlC0");
  for (unsigned i = 0; i < list.used; i++)
    turn_up (fd, ids[i].numid);
  printf ("%u controls\n", list.used);
  close (fd);
}

/* --- Streams ------------------------------------------------------------------------------------------------------------ */

static void
set_interval (struct snd_pcm_hw_params *params, int which, unsigned value)
{
  struct snd_interval *interval = &params->intervals[which - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
  interval->min = interval->max = value;
  interval->integer = 1;
}

static void
set_mask (struct snd_pcm_hw_params *params, int which, unsigned bit)
{
  struct snd_mask *mask = &params->masks[which - SNDRV_PCM_HW_PARAM_FIRST_MASK];
  memset (mask, 0, sizeof *mask);
  mask->bits[bit / 32] = 1u << bit % 32;
}

static int
open_stream (const char *path)
{
  struct snd_pcm_hw_params params;
  int fd = open (path, O_RDWR);
  if (fd < 0)
    die (path);
  memset (&params, 0, sizeof params);
  for (unsigned i = 0; i < sizeof params.masks / sizeof *params.masks; i++)
    memset (&params.masks[i], 0xff, sizeof params.masks[i]);
  for (unsigned i = 0; i < sizeof params.intervals / sizeof *params.intervals; i++)
    params.intervals[i].max = UINT_MAX;
  params.rmask = UINT_MAX;
  params.info = UINT_MAX;
  set_mask (&params, SNDRV_PCM_HW_PARAM_ACCESS, SNDRV_PCM_ACCESS_RW_INTERLEAVED);
  set_mask (&params, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
  set_interval (&params, SNDRV_PCM_HW_PARAM_CHANNELS, 2);
  set_interval (&params, SNDRV_PCM_HW_PARAM_RATE, RATE);
  set_interval (&params, SNDRV_PCM_HW_PARAM_PERIOD_SIZE, PERIOD);
  set_interval (&params, SNDRV_PCM_HW_PARAM_BUFFER_SIZE, BUFFER);
  if (ioctl (fd, SNDRV_PCM_IOCTL_HW_PARAMS, &params) != 0)
    die ("HW_PARAMS");
  /* Playing begins when the buffer is full, or at the end of what is played. */
  struct snd_pcm_sw_params software = { .period_step = 1, .avail_min = PERIOD, .start_threshold = BUFFER, .stop_threshold = BUFFER };
  if (path[strlen (path) - 1] == 'p' && ioctl (fd, SNDRV_PCM_IOCTL_SW_PARAMS, &software) != 0)
    die ("SW_PARAMS");
  if (ioctl (fd, SNDRV_PCM_IOCTL_PREPARE) != 0)
    die ("PREPARE");
  return fd;
}

static void
move (int fd, unsigned long request, const char *what, short *frames, unsigned n)
{
  struct snd_xferi transfer = { .buf = frames, .frames = n };
  if (ioctl (fd, request, &transfer) != 0 || transfer.result != (snd_pcm_sframes_t) n)
    die (what);
}

static void
play (unsigned n)
{
  int   fd = open_stream ("/dev/snd/pcmC0D0p");
  short frames[2 * PERIOD];
  for (unsigned at = 0; at < n; at += PERIOD)
    {
      for (unsigned i = 0; i < PERIOD; i++)
        {
          frames[2 * i] = at + i < n ? (short) (at + i + 1) : 0;
          frames[2 * i + 1] = (short) -frames[2 * i];
        }
      move (fd, SNDRV_PCM_IOCTL_WRITEI_FRAMES, "WRITEI_FRAMES", frames, PERIOD);
    }
  if (ioctl (fd, SNDRV_PCM_IOCTL_DRAIN) != 0)
    die ("DRAIN");
  printf ("played %u frames\n", n);
}

static void
record (unsigned n)
{
  int      fd = open_stream ("/dev/snd/pcmC0D0c");
  short   *frames = calloc (n + PERIOD, 2 * sizeof *frames);
  unsigned run = 0, longest = 0;
  for (unsigned at = 0; at < n; at += PERIOD)
    move (fd, SNDRV_PCM_IOCTL_READI_FRAMES, "READI_FRAMES", frames + 2 * at, PERIOD);
  for (unsigned i = 1; i < n; i++)
    {
      run = frames[2 * i] == (short) (frames[2 * i - 2] + 1) && frames[2 * i + 1] == (short) -frames[2 * i] ? run + 1 : 0;
      longest = run > longest ? run : longest;
    }
  printf ("recorded %u frames, %u in a row\n", n, longest);
}

int
main (int argc, char **argv)
{
  unsigned n = argc == 3 ? (unsigned) atoi (argv[2]) : 0;
  if (n == 0)
    return 2;
  setvbuf (stdout, NULL, _IONBF, 0);
  turn_all_up ();
  if (strcmp (argv[1], "play") == 0)
    play (n);
  else
    record (n);
  return 0;
}
