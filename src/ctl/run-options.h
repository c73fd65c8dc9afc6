/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command line of `vitrinectl run`. */
#pragma once

#include <glib.h>
#include <vitrine/config.h>

/* Something to do at a moment of guest time. */
typedef struct
{
  char   *what;      /* key sequence, file name, or size */
  double  seconds;   /* guest time; < 0: at the end */
} VitrineRunEvent;

typedef struct
{
  char      *definition;   /* --domain FILE.xml or MACHINE: where the configuration started from */
  gboolean   from_file;    /* definition is a file */
  char      *control;      /* socket path */
  char      *snapshots;    /* folder for those that are asked for there */
  char      *stats;        /* JSON file */
  gboolean   count;        /* instructions, also those of translated code */
  char      *restore;      /* saved state to start from */
  double     timeout;      /* host seconds; 0: none */
  GPtrArray *screenshots;  /* VitrineRunEvent* */
  GPtrArray *keys;         /* VitrineRunEvent* */
  GPtrArray *saves;        /* VitrineRunEvent* */
  GPtrArray *resizes;      /* VitrineRunEvent*: WIDTHxHEIGHT */
  GPtrArray *traces;       /* globs, char* */
  GPtrArray *usb;          /* VitrineUsbHostdev* of the definition; NULL: none */
  gboolean   help;
} VitrineRunOptions;

/* Finds MACHINE or --domain, so that the configuration can be made before options change it. */
VitrineRunOptions *vitrine_run_options_new (int argc, char **argv, GError **error);
/* Applies all other options to the configuration and to @options. */
gboolean vitrine_run_options_apply (VitrineRunOptions *options, VtConfig *config, int argc, char **argv, GError **error);
void     vitrine_run_options_free (VitrineRunOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineRunOptions, vitrine_run_options_free)

void vitrine_run_options_help (void);
