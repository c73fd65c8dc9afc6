/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks a person what a host wants to know before it lets us in. */
#pragma once

#include <gtk/gtk.h>

#include "credentials.h"

/* Answers @credentials, or cancels them when it is closed. @parent may be NULL. */
void vitrine_credentials_dialog_show (GtkWindow *parent, const char *host, VitrineCredentials *credentials);
