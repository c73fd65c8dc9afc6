/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found out before a machine goes anywhere: sentences for people, each with how bad it is. */
#pragma once

#include <glib.h>

typedef enum
{
  VITRINE_CHECK_PASSED,
  VITRINE_CHECK_WARNED,    /* something will be another way */
  VITRINE_CHECK_REFUSED,   /* it cannot go before that is changed */
} VitrineCheckLevel;

typedef struct
{
  VitrineCheckLevel level;
  char             *what;       /* "Processor" */
  char             *sentence;
} VitrineCheck;

/* Of VitrineCheck. */
GPtrArray        *vitrine_checks_new (void);
void vitrine_checks_add (GPtrArray *checks, VitrineCheckLevel level, const char *what, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
/* Passed, unless something of that kind is among them already. */
void              vitrine_checks_pass (GPtrArray *checks, const char *what, const char *sentence);
VitrineCheckLevel vitrine_checks_get_worst (const GPtrArray *checks);
/* "passed", "warned", "refused": for scripts. */
const char       *vitrine_check_level_to_nick (VitrineCheckLevel level);
