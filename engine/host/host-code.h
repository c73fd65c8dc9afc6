/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "code-memory.h"

/* Makes vt_code_memory_ops() answer. Once, at start. */
void vt_host_install_code_memory (void);
