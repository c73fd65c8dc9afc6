/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI Addresses: where an s390x guest sees its PCI devices. Automatic for each, or a uid and a fid; with what lspci
 * will print. */
#pragma once

#include "target.h"

#include <handy.h>

/* @target has been loaded; it is loaded again after a change. */
GtkWidget *vitrine_zpci_dialog_new (GtkWindow *parent, VitrineTarget *target);
