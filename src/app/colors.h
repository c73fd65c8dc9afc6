/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

/* Light, dark or as the desktop has it: from the settings, now and whenever they change. After hdy_init(). */
void vitrine_colors_follow (GSettings *settings);
