/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pci-address.h"

#define MAX_SLOT 31
#define MAX_FUNCTION 7

static gboolean
take_hex (const char **at, guint least, guint most, char end, guint *value)
{
  guint digits = 0;

  *value = 0;
  for (; g_ascii_isxdigit (**at) && !g_ascii_isupper (**at) && digits < most; (*at)++, digits++)
    *value = *value << 4 | (guint) g_ascii_xdigit_value (**at);
  if (digits < least || **at != end)
    return FALSE;
  if (end != '\0')
    (*at)++;
  return TRUE;
}

gboolean
vitrine_pci_address_parse (const char *address, guint *domain, guint *bus, guint *slot, guint *function)
{
  const char *at = address;
  guint parts[4];

  if (!take_hex (&at, 4, 8, ':', &parts[0]) || !take_hex (&at, 2, 2, ':', &parts[1])
      || !take_hex (&at, 2, 2, '.', &parts[2]) || !take_hex (&at, 1, 1, '\0', &parts[3]) || parts[2] > MAX_SLOT
      || parts[3] > MAX_FUNCTION)
    return FALSE;
  guint *out[] = { domain, bus, slot, function };
  for (guint i = 0; i < G_N_ELEMENTS (out); i++)
    if (out[i] != NULL)
      *out[i] = parts[i];
  return TRUE;
}
