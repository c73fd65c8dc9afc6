/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* vt_bridge_open() with another program as its helper. */
int vt_bridge_open_through (const char *helper, const char *bridge, GError **error);
