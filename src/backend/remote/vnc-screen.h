/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A screen over VNC, by gvnc: the second choice after SPICE, without sound, USB devices and further monitors. Keys need
 * a server that takes key positions, as QEMU's does. */
#pragma once

#include "remote-screen.h"

/* @password NULL: none is needed. */
VitrineRemoteScreen *vitrine_vnc_screen_new (const char *password);
