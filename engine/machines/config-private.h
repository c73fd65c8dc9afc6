/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VtConfig inside something else. */
#pragma once

#include "vitrine/config.h"

/* to gets copies of all that from owns; it held nothing before. vt_config_clear() frees them. */
void vt_config_copy (VtConfig *to, const VtConfig *from);
void vt_config_clear (VtConfig *config);
