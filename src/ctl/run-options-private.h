/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files about the command line of `vitrinectl run` share: values (run-values.c) and devices (run-devices.c). */
#pragma once

#include <stdbool.h>

#include "run-options.h"
#include "sizes.h"

/* What options are applied to. */
typedef struct
{
  VitrineRunOptions *options;
  VtConfig          *config;
} VitrineRunTarget;

gboolean vitrine_run_parse_number (const char *text, guint max, guint *out, GError **error);
/* "on" or "off"; @key is for the error. */
gboolean vitrine_run_parse_switch (const char *key, const char *value, bool *out, GError **error);

typedef struct
{
  const char *word;      /* NULL: the end */
  int         value;
} VitrineRunWord;

/* One of @words; the error says which there are. */
gboolean vitrine_run_parse_word (const char *what, const VitrineRunWord *words, const char *text, int *out, GError **error);
/* Splits "F,key=value,key=value"; a doubled comma is a comma. Free it. */
GPtrArray *vitrine_run_split_commas (const char *text);
/* Cuts "key=value" in place; NULL without "=". */
char    *vitrine_run_cut_value (char *part);
gboolean vitrine_run_set_string (char **where, const char *value);   /* always TRUE */

/* Each applies an option's value: see the table in run-options.c. */
gboolean vitrine_run_add_disk (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_cdrom (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_floppy (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_net (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_video (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_input (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_rng (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_sound (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_crypto (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_share (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_tpm (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_usb_redir (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_vsock (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_set_balloon (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_serial (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_virtio_console (VitrineRunTarget *target, const char *value, GError **error);
gboolean vitrine_run_add_channel (VitrineRunTarget *target, const char *value, GError **error);
