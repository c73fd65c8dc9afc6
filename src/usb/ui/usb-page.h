/* SPDX-License-Identifier: GPL-3.0-or-later */
/* “USB Devices…” of a machine's window: a switch for each device of this computer. */
#pragma once

#include "machine-window.h"
#include "usb-plugs.h"

/* A list that follows @plugs, of which it keeps a reference, while it is shown. */
GtkWidget *vitrine_usb_page_new (VitrineUsbPlugs *plugs);

/* The window's menu has the page from then on, and what happens to devices is said in the window. */
void       vitrine_usb_page_add_to_window (VitrineMachineWindow *window, VitrineUsbPlugs *plugs);
