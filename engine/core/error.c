/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vitrine/error.h"

G_DEFINE_QUARK (vt-error-quark, vt_error)
