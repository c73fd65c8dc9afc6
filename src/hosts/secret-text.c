/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret-text.h"

#include <string.h>

void
vitrine_secret_text_free (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

void
vitrine_secret_texts_free (GStrv texts)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    vitrine_secret_text_free (texts[i]);
  g_free (texts);
}
