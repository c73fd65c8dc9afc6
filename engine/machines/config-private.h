/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VtConfig inside something else. */
#pragma once

#include "vitrine/config.h"

/* to gets copies of all that from owns; it held nothing before. vt_config_clear() frees them. */
void vt_config_copy (VtConfig *to, const VtConfig *from);
void vt_config_clear (VtConfig *config);

VtDiskConfig *vt_disk_config_copy (const VtDiskConfig *disk);
void          vt_disk_config_free (VtDiskConfig *disk);
VtNetConfig  *vt_net_config_copy (const VtNetConfig *net);
void          vt_net_config_free (VtNetConfig *net);

/* Could the machine have this too? */
bool vt_config_check_disk (const VtConfig *config, const VtDiskConfig *disk, GError **error);
bool vt_config_check_net (const VtConfig *config, const VtNetConfig *net, GError **error);
