/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogs about files that a confined machine's process asks for (model/outside.h): a short-lived program of its own. */
#pragma once

#include <glib.h>

/* "--choose-file=cd" or "--choose-file=picture" as the first argument, then --name=NAME, --parent=WINDOW and, after a "--", paths. */
gboolean vitrine_chooser_is_meant (int argc, char **argv);
/* Prints the path that the person chose, and no end of line; several, each ended by a NUL; "y" when dropped files may be sent. Returns
 * the exit status. */
int      vitrine_chooser_main (int argc, char **argv);
