/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file behind a machine's UEFI variables. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* Opens `path` for reading and writing, made from `template_path` when it does not exist; `path` NULL: the template's
 * contents with no file behind them (*fd is -1). Returns the contents. */
GBytes *vt_nvram_open (const char *path, const char *template_path, uint64_t max_bytes, int *fd, GError **error);
/* Writes through; a failure is logged once. fd -1: does nothing. */
void    vt_nvram_write (int fd, const uint8_t *bytes, uint64_t off, uint64_t len);
void    vt_nvram_close (int fd);
