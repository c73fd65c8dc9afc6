/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb "forward": ports of this computer that lead into a machine. */
#include <glib/gi18n.h>

#include "change.h"
#include "ctl.h"
#include "forwards.h"
#include "machines.h"
#include "sizes.h"

#define SYNOPSIS "forward MACHINE [list [CARD] | add tcp|udp:[ADDRESS:]PORT:PORT [CARD] | remove tcp|udp:[ADDRESS:]PORT [CARD]] [--config]"

typedef struct
{
  gboolean    add;       /* else remove */
  const char *text;
  const char *card;      /* NULL: the first one that can */
} Forwarding;

/* --- Lists ---------------------------------------------------------------------------------------------------------- */

static gboolean
remove_from (GPtrArray *forwards, const char *text, GError **error)
{
  g_autoptr(VitrineForward) wanted = vitrine_forward_parse (text, FALSE, error);
  guint before = forwards->len;

  if (wanted == NULL)
    return FALSE;
  for (guint i = forwards->len; i-- > 0;)
    if (vitrine_forward_meets (forwards->pdata[i], wanted) && ((VitrineForward *) forwards->pdata[i])->first == wanted->first)
      g_ptr_array_remove_index (forwards, i);
  return forwards->len < before || vitrine_ctl_refuse (error, _("“%s” is not forwarded. “vitrinectl forward” lists what is."), text);
}

static gboolean
change_list (GPtrArray *forwards, const Forwarding *what, GError **error)
{
  if (!what->add)
    return remove_from (forwards, what->text, error);
  VitrineForward *forward = vitrine_forward_parse (what->text, TRUE, error);
  if (forward == NULL)
    return FALSE;
  g_ptr_array_add (forwards, forward);
  return TRUE;
}

static int
print_list (GPtrArray *forwards)
{
  for (guint i = 0; i < forwards->len; i++)
    {
      g_autofree char *text = vitrine_forward_to_text (forwards->pdata[i]);
      g_print ("%s\n", text);
    }
  return 0;
}

/* --- A machine of the library --------------------------------------------------------------------------------------- */

static gboolean
is_user (GPtrArray *networks, guint i)
{
  const VitrineNetwork *card = networks->pdata[i];

  return card->kind == VITRINE_NETWORK_USER && vitrine_network_is_supported (card);
}

static gboolean
choose_card (VitrineDomain *domain, const char *words, guint *index, GError **error)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);

  if (words != NULL)
    return vitrine_ctl_find_card (domain, words, index, error)
           && (is_user (networks, *index)
               || vitrine_ctl_refuse (error, _("Network card “%s” is not on user networking: ports are forwarded only through that."), words));
  for (*index = 0; *index < networks->len; ++*index)
    if (is_user (networks, *index))
      return TRUE;
  return vitrine_ctl_refuse (error, _("The machine has no network card on user networking: ports are forwarded only through that."));
}

static gboolean
edit (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  const Forwarding *what = data;
  guint card;

  if (!choose_card (domain, what->card, &card, error))
    return FALSE;
  g_autoptr(GPtrArray) forwards = vitrine_domain_get_forwards (domain, card);
  if (!change_list (forwards, what, error))
    return FALSE;
  vitrine_domain_set_forwards (domain, card, forwards);
  return !what->add || vitrine_domain_check_forwards (domain, error);
}

static int
list_in_library (const char *words, const char *card_words)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  VitrineDomain *domain = machine != NULL ? vitrine_machine_get_domain (machine) : NULL;
  g_autoptr(GError) error = NULL;
  guint card;

  if (machine == NULL)
    return 1;
  if (domain == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (machine));
  if (!choose_card (domain, card_words, &card, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr(GPtrArray) forwards = vitrine_domain_get_forwards (domain, card);
  return print_list (forwards);
}

/* --- A machine behind a socket -------------------------------------------------------------------------------------- */

static gboolean
parse_number (const char *text, guint *card, GError **error)
{
  guint64 number;

  *card = 0;
  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 0, 255, &number, NULL))
    return vitrine_ctl_refuse (error, _("“%s” is no number of a network card: the first one is 0."), text);
  if (text != NULL)
    *card = (guint) number;
  return TRUE;
}

/* Rules that name an address in the guest have no text of ours, and are shown as they are; @odd: those. */
static GPtrArray *
read_rules (GStrv rules, GPtrArray *odd)
{
  GPtrArray *forwards = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);

  for (guint i = 0; rules[i] != NULL; i++)
    {
      VitrineForward *forward = vitrine_forward_from_rule (rules[i]);
      g_ptr_array_add (forward != NULL ? forwards : odd, forward != NULL ? (gpointer) forward : rules[i]);
    }
  return forwards;
}

static gboolean
send_rules (VitrineClient *client, guint card, GPtrArray *forwards, GPtrArray *odd, GError **error)
{
  g_autoptr(GStrvBuilder) all = g_strv_builder_new ();
  g_auto(GStrv) rules = vitrine_forwards_to_rules (forwards);

  g_strv_builder_addv (all, (const char **) rules);
  for (guint i = 0; i < odd->len; i++)
    g_strv_builder_add (all, odd->pdata[i]);
  g_auto(GStrv) both = g_strv_builder_end (all);
  return vitrine_client_call_sync (client, "SetForwards", g_variant_new ("(u^as)", card, both), error);
}

/* @what NULL: shows them. */
static int
at_socket (const char *words, const char *card_words, const Forwarding *what)
{
  g_autoptr(GError) error = NULL;
  guint card;

  if (!parse_number (card_words, &card, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_auto(GStrv) rules = client != NULL ? vitrine_client_get_forwards (client, card, &error) : NULL;
  if (client == NULL)
    return 1;
  if (rules == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr(GPtrArray) odd = g_ptr_array_new (), forwards = read_rules (rules, odd);
  if (what != NULL)
    return change_list (forwards, what, &error) && send_rules (client, card, forwards, odd, &error) ? 0
                                                                                                    : vitrine_ctl_fail ("%s", error->message);
  for (guint i = 0; i < odd->len; i++)
    g_print ("%s\n", (char *) odd->pdata[i]);
  return print_list (forwards);
}

/* --- The verb ------------------------------------------------------------------------------------------------------- */

static int
list (const char *words, const char *card)
{
  return vitrine_ctl_is_socket (words) ? at_socket (words, card, NULL) : list_in_library (words, card);
}

int
vitrine_ctl_forward (int argc, char **argv)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 1, &config_only, NULL) || argc > 5)
    return vitrine_ctl_usage (SYNOPSIS);
  if (argc == 2 || (argc <= 4 && g_str_equal (argv[2], "list")))
    return list (argv[1], argc == 4 ? argv[3] : NULL);
  Forwarding what = { g_str_equal (argv[2], "add"), argc > 3 ? argv[3] : NULL, argc == 5 ? argv[4] : NULL };
  if (argc < 4 || (!what.add && !g_str_equal (argv[2], "remove")))
    return vitrine_ctl_usage (SYNOPSIS);
  return vitrine_ctl_is_socket (argv[1]) ? at_socket (argv[1], what.card, &what) : vitrine_ctl_change (argv[1], config_only, edit, &what, NULL);
}
