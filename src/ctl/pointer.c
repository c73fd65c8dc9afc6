/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl pointer MACHINE STEP…: a mouse without a hand. */
#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "machines.h"

typedef struct
{
  VitrineClient *client;
  char         **words;      /* what is left */
  int            n;
} Steps;

static const char synopsis[] = "pointer MACHINE [to X% Y%] [by DX DY] [press|release|click [left|right|middle]] [scroll CLICKS]…";

static const char *
next_word (Steps *steps)
{
  if (steps->n == 0)
    return NULL;
  steps->n--;
  return *steps->words++;
}

static gboolean
next_number (Steps *steps, int *number)
{
  const char *word = next_word (steps);
  gint64 value;

  if (word == NULL || !g_ascii_string_to_signed (word, 10, -100000, 100000, &value, NULL))
    return FALSE;
  *number = (int) value;
  return TRUE;
}

/* "37.5%" of the screen, as 0..65535. */
static gboolean
next_share (Steps *steps, guint *share)
{
  const char *word = next_word (steps);
  char *end = NULL;
  double percent = word != NULL ? g_ascii_strtod (word, &end) : -1;

  if (word == NULL || end == word || (*end != '\0' && !g_str_equal (end, "%")) || !(percent >= 0 && percent <= 100))
    return FALSE;
  *share = (guint) (percent * 65535 / 100 + 0.5);
  return TRUE;
}

/* A button's name may follow; without one it is the left. */
static guint
button (Steps *steps)
{
  static const char *const names[] = { "left", "right", "middle" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (steps->n > 0 && g_str_equal (*steps->words, names[i]))
      {
        next_word (steps);
        return 1u << i;
      }
  return 1;
}

static int
press (Steps *steps, gboolean down, gboolean up)
{
  guint mask = button (steps);
  int status = down ? vitrine_ctl_call_client (steps->client, "PressButtons", g_variant_new ("(u)", mask)) : 0;

  if (status == 0 && up)
    status = vitrine_ctl_call_client (steps->client, "PressButtons", g_variant_new ("(u)", 0));
  return status;
}

static int
run_step (Steps *steps, const char *word)
{
  guint x, y;
  int dx, dy;

  if (g_str_equal (word, "to") && next_share (steps, &x) && next_share (steps, &y))
    return vitrine_ctl_call_client (steps->client, "PlacePointer", g_variant_new ("(uu)", x, y));
  if (g_str_equal (word, "by") && next_number (steps, &dx) && next_number (steps, &dy))
    return vitrine_ctl_call_client (steps->client, "MovePointer", g_variant_new ("(ii)", dx, dy));
  if (g_str_equal (word, "scroll") && next_number (steps, &dy))
    return vitrine_ctl_call_client (steps->client, "TurnWheel", g_variant_new ("(ii)", 0, dy));
  if (g_str_equal (word, "press") || g_str_equal (word, "release") || g_str_equal (word, "click"))
    return press (steps, word[0] != 'r', word[0] != 'p');
  return vitrine_ctl_usage (synopsis);
}

int
vitrine_ctl_pointer (int argc, char **argv)
{
  if (argc < 3 || argv[1][0] == '-')
    return vitrine_ctl_usage (synopsis);
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (argv[1]);
  Steps steps = { client, argv + 2, argc - 2 };
  int status = client != NULL ? 0 : 1;
  const char *word;

  while (status == 0 && (word = next_word (&steps)) != NULL)
    status = run_step (&steps, word);
  return status;
}
