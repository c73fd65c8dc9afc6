/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are on the disk: docs/ARCHITECTURE.md, "On disk". New strings, to be freed. */
#pragma once

#include <glib.h>

char *vitrine_paths_machines (void);                     /* $XDG_DATA_HOME/vitrine/machines */
char *vitrine_paths_images (void);                       /* $XDG_DATA_HOME/vitrine/images */
char *vitrine_paths_trash (void);                        /* $XDG_DATA_HOME/vitrine/trash */
char *vitrine_paths_machine (const char *uuid);
char *vitrine_paths_in_machine (const char *uuid, const char *file);
char *vitrine_paths_sockets (void);                      /* $XDG_RUNTIME_DIR/vitrine */
char *vitrine_paths_socket (const char *uuid);
/* The folder of an isolated network, made if need be; words that are no name of a file become one. */
char *vitrine_paths_network (const char *name);
/* The list of libvirt hosts, $XDG_CONFIG_HOME/vitrine/hosts.ini; and how a window of one of their machines was left. */
char *vitrine_paths_hosts (void);
char *vitrine_paths_host_view (const char *host, const char *uuid);

/* Where translations are: @installed, or beside a program that runs from its build folder. */
char *vitrine_paths_locale (const char *installed);

/* A file name that is free in @folder, made from a person's words: "Debian 12" gives "debian-12.raw", then "debian-12-2.raw". */
char *vitrine_paths_free_name (const char *folder, const char *words, const char *suffix);
