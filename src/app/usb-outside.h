/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB devices of this computer for a confined machine's process, which can open none: the helper outside does (model/outside.h), after it
 * has asked the person, or because the definition names them. */
#pragma once

#include "domain.h"
#include "machine-window.h"
#include "usb-plugs.h"

/* Before the helper is started. @domain: NULL when the definition is broken. */
void             vitrine_usb_outside_prepare (VitrineDomain *domain);
/* For that window, which is the dialog's parent; without a helper, this process opens devices itself. */
VitrineUsbPlugs *vitrine_usb_outside_new_plugs (VitrineMachineWindow *window);
