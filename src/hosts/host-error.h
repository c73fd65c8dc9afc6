/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong with a host, as a GError. */
#pragma once

#include <glib.h>

#define VITRINE_HOST_ERROR (vitrine_host_error_quark ())

typedef enum
{
  VITRINE_HOST_ERROR_FAILED,
  VITRINE_HOST_ERROR_AWAY,          /* not connected; the message says why */
  VITRINE_HOST_ERROR_DENIED,        /* wrong name or password, or none given */
  VITRINE_HOST_ERROR_CONFLICT,      /* somebody else changed it meanwhile; the message is a diff */
  VITRINE_HOST_ERROR_UNSUPPORTED,   /* the host cannot do that */
  VITRINE_HOST_ERROR_BUSY,          /* somebody else has it */
  VITRINE_HOST_ERROR_GONE,          /* the machine is not there any more */
  VITRINE_HOST_ERROR_INVALID,       /* what a person wrote */
} VitrineHostError;

GQuark vitrine_host_error_quark (void);

/* From what libvirt said last in this thread, made harmless. Returns NULL, so that a function can end with it. */
gpointer vitrine_host_set_error (GError **error);
/* The error says that, too. What libvirt says often ends without a full stop. */
void     vitrine_host_add_sentence (GError *error, const char *sentence);
/* Nothing of libvirt's goes to standard error from here on. Once, before anything else. */
void     vitrine_host_errors_begin (void);
