/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forward-change.h"

#include "card-numbers.h"
#include "forwards.h"

/* A card that is in both definitions and forwards something else. */
typedef struct
{
  guint old_number, new_number;      /* as the machine has it before and after cards came and went */
  GStrv before, both, after;         /* rules */
} Card;

struct _VitrineForwardChange
{
  GArray *cards;
};

static void
card_clear (gpointer data)
{
  Card *card = data;

  g_strfreev (card->before);
  g_strfreev (card->both);
  g_strfreev (card->after);
}

/* --- What there is to do -------------------------------------------------------------------------------------------- */

static GStrv
rules_of (VitrineDomain *domain, guint index)
{
  g_autoptr(GPtrArray) forwards = vitrine_domain_get_forwards (domain, index);

  return vitrine_forwards_to_rules (forwards);
}

static GStrv
in_both (GStrv some, GStrv others)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; some[i] != NULL; i++)
    if (g_strv_contains ((const char *const *) others, some[i]))
      g_strv_builder_add (builder, some[i]);
  return g_strv_builder_end (builder);
}

static gboolean
forwards (const VitrineNetwork *card)
{
  return vitrine_network_is_supported (card) && card->kind == VITRINE_NETWORK_USER;
}

VitrineForwardChange *
vitrine_forward_change_new (VitrineDomain *before, VitrineDomain *after)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_networks (before), new = vitrine_domain_get_networks (after);
  VitrineForwardChange *self = g_new (VitrineForwardChange, 1);

  self->cards = g_array_new (FALSE, FALSE, sizeof (Card));
  g_array_set_clear_func (self->cards, card_clear);
  for (guint i = 0, at; i < old->len; i++)
    {
      if (!vitrine_cards_find (new, old->pdata[i], i, &at) || !forwards (old->pdata[i]) || !forwards (new->pdata[at]))
        continue;
      Card card = { vitrine_cards_number (before, old, new, i), vitrine_cards_number (after, new, old, at), rules_of (before, i), NULL, rules_of (after, at) };
      card.both = in_both (card.before, card.after);
      if (g_strv_equal ((const char *const *) card.before, (const char *const *) card.after))
        card_clear (&card);
      else
        g_array_append_val (self->cards, card);
    }
  return self;
}

void
vitrine_forward_change_free (VitrineForwardChange *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->cards);
  g_free (self);
}

/* --- Doing it ------------------------------------------------------------------------------------------------------- */

static gboolean
set (VitrineClient *client, guint number, GStrv rules, GError **error)
{
  return vitrine_client_call_sync (client, "SetForwards", g_variant_new ("(u^as)", number, rules), error);
}

/* The first @n cards. */
static void
undo (VitrineForwardChange *self, VitrineClient *client, guint n, gboolean opened)
{
  for (guint i = 0; i < n; i++)
    {
      const Card *card = &g_array_index (self->cards, Card, i);
      g_autoptr(GError) error = NULL;
      if (!set (client, opened ? card->new_number : card->old_number, opened ? card->both : card->before, &error))
        g_warning ("Forwarded ports could not be put back: %s", error->message);
    }
}

static gboolean
carry_out (VitrineForwardChange *self, VitrineClient *client, gboolean open, GError **error)
{
  for (guint i = 0; i < self->cards->len; i++)
    {
      const Card *card = &g_array_index (self->cards, Card, i);
      if (set (client, open ? card->new_number : card->old_number, open ? card->after : card->both, error))
        continue;
      undo (self, client, i, open);
      return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_forward_change_close (VitrineForwardChange *self, VitrineClient *client, GError **error)
{
  return carry_out (self, client, FALSE, error);
}

gboolean
vitrine_forward_change_open (VitrineForwardChange *self, VitrineClient *client, GError **error)
{
  return carry_out (self, client, TRUE, error);
}

void
vitrine_forward_change_undo_close (VitrineForwardChange *self, VitrineClient *client)
{
  undo (self, client, self->cards->len, FALSE);
}

void
vitrine_forward_change_undo_open (VitrineForwardChange *self, VitrineClient *client)
{
  undo (self, client, self->cards->len, TRUE);
}
