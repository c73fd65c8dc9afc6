/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a host's link share. */
#pragma once

#include "host-link.h"

/* host-link-credentials.c */
/* Asks the keyring, and then a person, for what the host wants to know. NULL and an error. */
virConnectPtr vitrine_host_link_connect (const char *uri, const VitrineHostLinkEvents *events, GWeakRef *owner,
                                         GCancellable *cancellable, GError **error);
