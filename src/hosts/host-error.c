/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt's errors as GErrors. */
#include "host-error.h"

#include <glib/gi18n-lib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "host-text.h"

G_DEFINE_QUARK (vitrine-host-error, vitrine_host_error)

static VitrineHostError
code_of (int code)
{
  switch (code)
    {
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return VITRINE_HOST_ERROR_DENIED;
    case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_OPERATION_UNSUPPORTED:
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
    case VIR_ERR_CONFIG_UNSUPPORTED:
      return VITRINE_HOST_ERROR_UNSUPPORTED;
    case VIR_ERR_NO_DOMAIN:
      return VITRINE_HOST_ERROR_GONE;
    default:
      return VITRINE_HOST_ERROR_FAILED;
    }
}

gpointer
vitrine_host_set_error (GError **error)
{
  virErrorPtr last = virGetLastError ();
  g_autofree char *said = last != NULL ? vitrine_host_text (last->message, VITRINE_HOST_SENTENCE_CHARS) : NULL;

  g_set_error_literal (error, VITRINE_HOST_ERROR, last != NULL ? code_of (last->code) : VITRINE_HOST_ERROR_FAILED,
                       said != NULL ? said : _("libvirt gave no reason."));
  return NULL;
}

void
vitrine_host_add_sentence (GError *error, const char *sentence)
{
  g_autofree char *before = error->message;

  error->message = g_strdup_printf ("%s%s %s", before, g_str_has_suffix (before, ".") ? "" : ".", sentence);
}

static void
keep_quiet (void *unused, virErrorPtr error)
{
}

void
vitrine_host_errors_begin (void)
{
  virSetErrorFunc (NULL, keep_quiet);
}
