/* SPDX-License-Identifier: GPL-3.0-or-later */
/* May the owner of @sender, a name on @bus, do @action? polkit may ask a person for a password: at a terminal or in a
 * dialog, for as long as that takes. FALSE with an error of VITRINE_HELPER_ERROR. */
#pragma once

#include <gio/gio.h>

void vitrine_polkit_check_async (GDBusConnection *bus, const char *sender, const char *action, GAsyncReadyCallback done,
                                 gpointer data);
gboolean vitrine_polkit_check_finish (GAsyncResult *result, GError **error);
