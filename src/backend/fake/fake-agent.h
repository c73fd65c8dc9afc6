/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test card's SPICE agent, which takes files: what it has got is told in words. A file whose name begins with "refused" it could
 * not write; one that begins with "stuck" it never answers. */
#pragma once

#include <gio/gio.h>

typedef struct VitrineFakeAgent VitrineFakeAgent;

/* @fd: the guest's end of the port, which stays the caller's. @news: words are appended, each followed by a space. */
VitrineFakeAgent *vitrine_fake_agent_new (int fd, GString *news);
void              vitrine_fake_agent_free (VitrineFakeAgent *self);
