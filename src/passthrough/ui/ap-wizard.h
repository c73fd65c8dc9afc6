/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gives crypto queues of an IBM Z host to a machine: choosing in the matrix, what it means, done. */
#pragma once

#include <handy.h>

#include "mediated.h"
#include "target.h"

#define VITRINE_TYPE_AP_WIZARD (vitrine_ap_wizard_get_type ())
G_DECLARE_FINAL_TYPE (VitrineApWizard, vitrine_ap_wizard, VITRINE, AP_WIZARD, HdyWindow)

/* @target: the machine that is to have them; its definition is read here. */
GtkWidget *vitrine_ap_wizard_new (GtkWindow *parent, VitrineMediated *mediated, VitrineTarget *target);
