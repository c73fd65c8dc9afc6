/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-xml.h"

#include <stdlib.h>
#include <string.h>

xmlDoc *
vitrine_host_parse_xml (const char *xml)
{
  const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

  return xml != NULL ? xmlReadMemory (xml, (int) strlen (xml), NULL, NULL, options) : NULL;
}

xmlDoc *
vitrine_host_take_xml (char *xml)
{
  xmlDoc *document = vitrine_host_parse_xml (xml);

  free (xml);
  return document;
}
