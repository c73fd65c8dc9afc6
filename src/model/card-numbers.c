/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "card-numbers.h"

gboolean
vitrine_cards_find (GPtrArray *networks, const VitrineNetwork *card, guint place, guint *at)
{
  for (*at = 0; card->mac != NULL && *at < networks->len; ++*at)
    if (g_strcmp0 (((VitrineNetwork *) networks->pdata[*at])->mac, card->mac) == 0)
      return TRUE;
  *at = place;
  return card->mac == NULL && place < networks->len;
}

guint
vitrine_cards_number (VitrineDomain *domain, GPtrArray *networks, GPtrArray *others, guint index)
{
  guint number = 0, at;

  for (guint i = 0; i < index; i++)
    if (vitrine_network_is_supported (networks->pdata[i])
        && (vitrine_cards_find (others, networks->pdata[i], i, &at) || vitrine_domain_get_network_slot (domain, i) != 0))
      number++;
  return number;
}
