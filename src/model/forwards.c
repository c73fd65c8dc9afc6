/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One forwarded port, or several: as text, as the engine's rules, and whether it can be. */
#include "forwards.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <vitrine/error.h>

VitrineForward *
vitrine_forward_new (gboolean udp, const char *address, guint first, guint last, guint to)
{
  VitrineForward *forward = g_new (VitrineForward, 1);

  *forward = (VitrineForward) { udp, g_strdup (address != NULL && *address != '\0' ? address : VITRINE_FORWARD_ADDRESS), first, last, to };
  return forward;
}

void
vitrine_forward_free (VitrineForward *forward)
{
  if (forward == NULL)
    return;
  g_free (forward->address);
  g_free (forward);
}

/* --- Text ----------------------------------------------------------------------------------------------------------- */

guint
vitrine_forward_parse_port (const char *text)
{
  guint64 port;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL) ? (guint) port : 0;
}

gboolean
vitrine_forward_parse_ports (const char *text, guint *first, guint *last)
{
  g_auto(GStrv) ends = g_strsplit (text, "-", 2);

  *first = *last = 0;
  if (ends[0] == NULL)
    return FALSE;
  *first = vitrine_forward_parse_port (ends[0]);
  *last = ends[1] != NULL ? vitrine_forward_parse_port (ends[1]) : *first;
  return *first != 0 && *last >= *first;
}

static VitrineForward *
parse_parts (char **parts, gboolean whole)
{
  guint n = g_strv_length (parts), least = whole ? 3 : 2, first, last;
  gboolean udp = n > 0 && g_str_equal (parts[0], "udp"), far = n == least + 1;

  if ((n != least && !far) || (!udp && !g_str_equal (parts[0], "tcp")) || !vitrine_forward_parse_ports (parts[far ? 2 : 1], &first, &last))
    return NULL;
  guint to = whole ? vitrine_forward_parse_port (parts[n - 1]) : 0;
  return whole && to == 0 ? NULL : vitrine_forward_new (udp, far ? parts[1] : whole ? NULL : "0.0.0.0", first, last, to);
}

VitrineForward *
vitrine_forward_parse (const char *text, gboolean whole, GError **error)
{
  g_auto(GStrv) parts = g_strsplit (text, ":", 5);
  g_autoptr(VitrineForward) forward = parse_parts (parts, whole);

  if (forward != NULL)
    return !whole || vitrine_forward_check (forward, error) ? g_steal_pointer (&forward) : NULL;
  if (whole)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 _("“%s” is no forwarded port. Write for example tcp:8022:22, which leads from port 8022 of this computer to port 22 of the machine. Ports are numbers from 1 to 65535."),
                 text);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no port of this computer. Write for example tcp:8022."), text);
  return NULL;
}

VitrineForward *
vitrine_forward_from_rule (const char *rule)
{
  const char *arrow = strstr (rule, "-:");
  g_autofree char *near = arrow != NULL ? g_strndup (rule, (gsize) (arrow - rule)) : NULL;
  g_autofree char *text = near != NULL ? g_strdup_printf ("%s:%s", near, arrow + 2) : NULL;
  g_auto(GStrv) parts = text != NULL ? g_strsplit (text, ":", 5) : NULL;

  return parts != NULL ? parse_parts (parts, TRUE) : NULL;
}

char *
vitrine_forward_to_text (const VitrineForward *forward)
{
  const char *protocol = forward->udp ? "udp" : "tcp";

  if (forward->last > forward->first)
    return g_strdup_printf ("%s:%s:%u-%u:%u", protocol, forward->address, forward->first, forward->last, forward->to);
  return g_strdup_printf ("%s:%s:%u:%u", protocol, forward->address, forward->first, forward->to);
}

/* --- For the engine ------------------------------------------------------------------------------------------------- */

GStrv
vitrine_forwards_to_rules (GPtrArray *forwards)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;

  for (guint i = 0; i < forwards->len; i++)
    {
      const VitrineForward *forward = forwards->pdata[i];
      for (guint port = forward->first; port <= MAX (forward->first, forward->last) && n <= VT_FORWARDS_MAX; port++, n++)
        {
          g_autofree char *rule = g_strdup_printf ("%s:%s:%u-:%u", forward->udp ? "udp" : "tcp", forward->address, port,
                                                   forward->to + (port - forward->first));
          g_strv_builder_add (builder, rule);
        }
    }
  return g_strv_builder_end (builder);
}

/* --- Whether it can be ---------------------------------------------------------------------------------------------- */

static gboolean
is_ipv4 (const char *text)
{
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string (text);

  return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4;
}

gboolean
vitrine_forward_check (const VitrineForward *forward, GError **error)
{
  guint more = forward->last - forward->first;

  if (forward->first == 0 || forward->last < forward->first || forward->to == 0 || forward->last > 65535 || forward->to + more > 65535)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, _("A forwarded port has a number from 1 to 65535, here and in the machine."));
  else if (!is_ipv4 (forward->address))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 _("“%s” is no address of this computer. Write for example 127.0.0.1 for its own programs, or 0.0.0.0 for others, too."),
                 forward->address);
  else if (more >= VT_FORWARDS_MAX)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("At most %d ports can be forwarded to a network card."), VT_FORWARDS_MAX);
  else
    return TRUE;
  return FALSE;
}

gboolean
vitrine_forward_meets (const VitrineForward *forward, const VitrineForward *other)
{
  gboolean same_place = g_str_equal (forward->address, other->address) || g_str_equal (forward->address, "0.0.0.0")
                        || g_str_equal (other->address, "0.0.0.0");

  return forward->udp == other->udp && same_place && forward->first <= other->last && other->first <= forward->last;
}
