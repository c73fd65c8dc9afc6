/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers and passwords on their way between a person, libvirt and a screen: they leave nothing behind in memory that
 * is used again. */
#pragma once

#include <glib.h>

/* Overwrites and frees; NULL is fine. */
void vitrine_secret_text_free (char *text);
void vitrine_secret_texts_free (GStrv texts);
