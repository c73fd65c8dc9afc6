/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: <portForward proto='tcp' address='127.0.0.1'><range start='8022' to='22'/></portForward>, which are libvirt's words for
 * passt. */
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#include "domain-private.h"
#include "forwards.h"

typedef struct { guint first, last; } Span;

/* --- Reading -------------------------------------------------------------------------------------------------------- */

static guint
read_port (const xmlNode *range, const char *attr, guint otherwise)
{
  g_autofree char *text = vitrine_xml_attr (range, attr);

  return text != NULL ? vitrine_forward_parse_port (text) : otherwise;
}

static Span
read_span (const xmlNode *range)
{
  guint first = read_port (range, "start", 0);
  const Span span = { first, read_port (range, "end", first) };

  return span;
}

static gboolean
is_exception (const xmlNode *range)
{
  return vitrine_xml_attr_is (range, "exclude", "yes");
}

/* What an exception leaves of spans. */
static void
cut (GArray *spans, Span out)
{
  for (guint i = spans->len; i-- > 0;)
    {
      const Span span = g_array_index (spans, Span, i);
      const Span before = { span.first, out.first - 1 }, behind = { out.last + 1, span.last };
      if (out.first == 0 || out.last < span.first || out.first > span.last)
        continue;
      g_array_remove_index (spans, i);
      if (span.first < out.first)
        g_array_append_val (spans, before);
      if (out.last < span.last)
        g_array_append_val (spans, behind);
    }
}

/* The forwards of one <range>, to the end of the list, which is not longer than it may be by more than these. */
static void
read_range (const xmlNode *forward, const xmlNode *range, GPtrArray *forwards)
{
  g_autofree char *address = vitrine_xml_attr (forward, "address");
  g_autoptr(GArray) spans = g_array_new (FALSE, FALSE, sizeof (Span));
  const Span whole = read_span (range);
  guint to = read_port (range, "to", whole.first), exceptions = 0;

  g_array_append_val (spans, whole);
  VITRINE_XML_FOREACH (other, forward, "range")
    if (is_exception (other) && exceptions++ < VT_FORWARDS_MAX)
      cut (spans, read_span (other));
  for (guint i = 0; i < spans->len; i++)
    {
      const Span span = g_array_index (spans, Span, i);
      g_ptr_array_add (forwards, vitrine_forward_new (vitrine_xml_attr_is (forward, "proto", "udp"), address, span.first, span.last,
                                                      to != 0 ? to + (span.first - whole.first) : 0));
    }
}

GPtrArray *
vitrine_domain_read_forwards (const xmlNode *interface)
{
  GPtrArray *forwards = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);

  VITRINE_XML_FOREACH (forward, interface, "portForward")
    VITRINE_XML_FOREACH (range, forward, "range")
      if (!is_exception (range) && forwards->len <= VT_FORWARDS_MAX)
        read_range (forward, range, forwards);
  return forwards;
}

GPtrArray *
vitrine_domain_get_forwards (VitrineDomain *self, guint card)
{
  return vitrine_domain_read_forwards (vitrine_domain_find_interface (self, card));
}

/* --- Writing -------------------------------------------------------------------------------------------------------- */

static gboolean
same (gconstpointer a, gconstpointer b)
{
  const VitrineForward *one = a, *other = b;

  return one->udp == other->udp && one->first == other->first && one->last == other->last && one->to == other->to
         && g_str_equal (one->address, other->address);
}

/* Are all that this <range> is in the list? They are taken out of it then. */
static gboolean
take_range (const xmlNode *forward, const xmlNode *range, GPtrArray *wanted)
{
  g_autoptr(GPtrArray) has = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);
  guint at;

  read_range (forward, range, has);
  for (guint i = 0; i < has->len; i++)
    if (!g_ptr_array_find_with_equal_func (wanted, has->pdata[i], same, NULL))
      return FALSE;
  for (guint i = 0; i < has->len; i++)
    if (g_ptr_array_find_with_equal_func (wanted, has->pdata[i], same, &at))
      g_ptr_array_remove_index (wanted, at);
  return TRUE;
}

static void
set_port (xmlNode *range, const char *attr, guint port)
{
  g_autofree char *text = g_strdup_printf ("%u", port);

  vitrine_xml_set_attr (range, attr, text);
}

static void
write_range (xmlNode *range, const VitrineForward *wanted)
{
  set_port (range, "start", wanted->first);
  if (wanted->last != wanted->first)
    set_port (range, "end", wanted->last);
  else
    vitrine_xml_set_attr (range, "end", NULL);
  set_port (range, "to", wanted->to);
}

/* The address always: for libvirt, a forward without one is open to everybody. */
static void
write_forward (xmlNode *forward, const VitrineForward *wanted)
{
  vitrine_xml_set_attr (forward, "proto", wanted->udp ? "udp" : "tcp");
  vitrine_xml_set_attr (forward, "address", wanted->address);
  write_range (vitrine_xml_ensure (forward, "range"), wanted);
}

static gboolean
leads_anywhere (const xmlNode *forward)
{
  VITRINE_XML_FOREACH (range, forward, "range")
    if (!is_exception (range))
      return TRUE;
  return FALSE;
}

/* A line that a person has changed: with it, what else is said there stays. */
static gboolean
becomes (xmlNode *range, GPtrArray *wanted)
{
  xmlNode *forward = range->parent;

  if (wanted->len == 0 || vitrine_xml_child (forward, "range") != range || vitrine_xml_next (range, "range") != NULL)
    return FALSE;
  write_forward (forward, wanted->pdata[0]);
  g_ptr_array_remove_index (wanted, 0);
  return TRUE;
}

static void
remove_range (xmlNode *range)
{
  xmlNode *forward = range->parent;

  vitrine_xml_remove (range);
  if (!leads_anywhere (forward))
    vitrine_xml_remove (forward);
}

/* <range> that lead where nobody wants; the others are not in the list any more. */
static GPtrArray *
find_unwanted (xmlNode *interface, GPtrArray *wanted)
{
  GPtrArray *unwanted = g_ptr_array_new ();

  VITRINE_XML_FOREACH (forward, interface, "portForward")
    VITRINE_XML_FOREACH (range, forward, "range")
      if (!is_exception (range) && !take_range (forward, range, wanted))
        g_ptr_array_add (unwanted, range);
  return unwanted;
}

void
vitrine_domain_set_forwards (VitrineDomain *self, guint card, GPtrArray *forwards)
{
  xmlNode *interface = vitrine_domain_find_interface (self, card);
  g_autoptr(GPtrArray) wanted = g_ptr_array_copy (forwards, NULL, NULL);

  g_ptr_array_set_free_func (wanted, NULL);
  if (interface == NULL)
    return;
  g_autoptr(GPtrArray) unwanted = find_unwanted (interface, wanted);
  for (guint i = 0; i < unwanted->len; i++)
    if (!becomes (unwanted->pdata[i], wanted))
      remove_range (unwanted->pdata[i]);
  for (guint i = 0; i < wanted->len; i++)
    write_forward (xmlNewChild (interface, NULL, (const xmlChar *) "portForward", NULL), wanted->pdata[i]);
}

/* --- Checking ------------------------------------------------------------------------------------------------------- */

static gboolean
is_alone (const VitrineForward *forward, GPtrArray *before, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (vitrine_forward_meets (forward, before->pdata[i]))
      return vt_refuse (error, VT_ERROR_CONFIG, _("%s port %u of this computer is forwarded twice."), forward->udp ? "UDP" : "TCP",
                        MAX (forward->first, ((VitrineForward *) before->pdata[i])->first));
  return TRUE;
}

gboolean
vitrine_domain_check_forwards (VitrineDomain *self, GError **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);

  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "interface")
    if (vitrine_domain_get_network_kind (node) == VITRINE_NETWORK_USER)
      g_ptr_array_extend_and_steal (all, vitrine_domain_read_forwards (node));
  for (guint i = 0; i < all->len; i++)
    if (!vitrine_forward_check (all->pdata[i], error) || !is_alone (all->pdata[i], all, i, error))
      return FALSE;
  return TRUE;
}

/* --- Going back ----------------------------------------------------------------------------------------------------- */

static xmlNode *
same_card (VitrineDomain *in, const xmlNode *card, guint place)
{
  g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (card, "mac"), "address");

  if (mac == NULL)
    return vitrine_domain_find_interface (in, place);
  VITRINE_XML_FOREACH (other, vitrine_domain_devices (in), "interface")
    {
      g_autofree char *address = vitrine_xml_attr (vitrine_xml_child (other, "mac"), "address");
      if (address != NULL && g_ascii_strcasecmp (address, mac) == 0)
        return other;
    }
  return NULL;
}

void
vitrine_domain_keep_forwards (VitrineDomain *self, VitrineDomain *now)
{
  guint place = 0;

  VITRINE_XML_FOREACH (card, vitrine_domain_devices (self), "interface")
    {
      const xmlNode *current = same_card (now, card, place++);
      xmlNode *forward;
      while ((forward = vitrine_xml_child (card, "portForward")) != NULL)
        vitrine_xml_remove (forward);
      VITRINE_XML_FOREACH (kept, current, "portForward")
        xmlAddChild (card, xmlDocCopyNode (kept, card->doc, 1));
    }
}
