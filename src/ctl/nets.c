/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about a machine's network cards: attach-net, set-net, detach-net. */
#include <glib/gi18n.h>
#include <string.h>

#include "change.h"
#include "ctl.h"
#include "device-words.h"
#include "hotplug.h"
#include "machines.h"
#include "run-options-private.h"

static void
make_mac (guint8 mac[6])
{
  static const guint8 none[6];
  guint32 random = g_random_int ();

  if (memcmp (mac, none, sizeof none) == 0)
    memcpy (mac, (const guint8[]) { 0x52, 0x54, 0x00, random >> 16 & 0xff, random >> 8 & 0xff, random & 0xff }, 6);
}

/* --- Words ----------------------------------------------------------------------------------------------------------- */

static gboolean
set_string (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
  return TRUE;
}

/* "isolated=NAME" is for definitions, which know networks by their names; "local=NAME" for others. FALSE without an error: it says
 * no network. */
static gboolean
set_network (VitrineNetwork *card, const char *key, const char *value, GError **error)
{
  static const struct { const char *word; VitrineNetworkKind kind; } kinds[]
    = { { "user", VITRINE_NETWORK_USER }, { "isolated", VITRINE_NETWORK_ISOLATED }, { "bridge", VITRINE_NETWORK_BRIDGE },
        { "tap", VITRINE_NETWORK_TAP } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (key, kinds[i].word) && (value != NULL) == (kinds[i].kind != VITRINE_NETWORK_USER))
      {
        card->kind = kinds[i].kind;
        set_string (&card->name, value);
        return vitrine_network_check_name (card, error);
      }
  return FALSE;
}

static gboolean
set_mac (VitrineNetwork *card, const char *value, GError **error)
{
  guint8 mac[6];

  if (!vitrine_parse_mac (value, mac, error))
    return FALSE;
  g_free (card->mac);
  card->mac = vitrine_mac_to_text (mac);
  return TRUE;
}

static gboolean
set_model (VitrineNetwork *card, const char *value, GError **error)
{
  const VitrineNetwork wanted = { .model = (char *) value };

  if (!vitrine_network_is_supported (&wanted))
    return vitrine_ctl_refuse (error, _("%s “%s” is not known: choose one of %s"), _("Network card"), value, "virtio, e1000e");
  return set_string (&card->model, value);
}

static gboolean
set_cable (VitrineNetwork *card, const char *value, GError **error)
{
  bool in;

  if (!vitrine_run_parse_switch ("cable", value, &in, error))
    return FALSE;
  card->cable_out = !in;
  return TRUE;
}

static gboolean
set_restricted (VitrineNetwork *card, const char *value, GError **error)
{
  bool on;

  if (!vitrine_run_parse_switch ("restricted", value, &on, error))
    return FALSE;
  card->restricted = on;
  return TRUE;
}

static gboolean
set_word (VitrineNetwork *card, char *word, VitrineCtlOutcome *outcome, GError **error)
{
  const char *value = vitrine_run_cut_value (word);
  GError *problem = NULL;

  if (g_str_equal (word, "cable"))
    return set_cable (card, value != NULL ? value : "", error);   /* a running machine's, too */
  outcome->reach = VITRINE_CTL_COLD;
  if (g_str_equal (word, "mac"))
    return set_mac (card, value != NULL ? value : "", error);
  if (g_str_equal (word, "model"))
    return set_model (card, value != NULL ? value : "", error);
  if (g_str_equal (word, "restricted"))
    return set_restricted (card, value != NULL ? value : "", error);
  if (set_network (card, word, value, &problem))
    return TRUE;
  if (problem == NULL)
    return vitrine_ctl_refuse (error, _("A network card does not know “%s”: use user, isolated=NAME, bridge=NAME or tap=NAME, and mac, model, cable and restricted"), word);
  g_propagate_error (error, problem);
  return FALSE;
}

static gboolean
set_words (VitrineDomain *domain, guint index, const char *text, VitrineCtlOutcome *outcome, GError **error)
{
  g_autoptr(GPtrArray) parts = vitrine_run_split_commas (text), networks = vitrine_domain_get_networks (domain);
  VitrineNetwork *card = networks->pdata[index];
  gboolean said = FALSE;

  for (guint i = 0; i < parts->len; i++)
    {
      if (!set_word (card, parts->pdata[i], outcome, error))
        return FALSE;
      said = said || g_str_equal (parts->pdata[i], "restricted");
    }
  if (said && card->restricted && card->kind != VITRINE_NETWORK_USER)
    return vitrine_ctl_refuse (error, _("Only a card on user networking can be restricted: the network behind another one is what it is."));
  vitrine_domain_set_network (domain, index, card);
  return TRUE;
}

/* --- Adding ---------------------------------------------------------------------------------------------------------- */

static void
give_mac (VitrineDomain *domain, guint index)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);
  VitrineNetwork *card = networks->pdata[index];
  guint8 mac[6] = { 0 };

  if (card->mac != NULL)
    return;
  make_mac (mac);
  card->mac = vitrine_mac_to_text (mac);
  vitrine_domain_set_network (domain, index, card);
}

static gboolean
add_net (VitrineDomain *domain, gpointer text, VitrineCtlOutcome *outcome, GError **error)
{
  g_auto(GStrv) before = vitrine_domain_get_macs (domain);
  guint index = g_strv_length (before);

  vitrine_domain_add_network (domain);
  if (!set_words (domain, index, text, outcome, error))
    return FALSE;
  outcome->reach = VITRINE_CTL_DEVICES;
  give_mac (domain, index);
  g_auto(GStrv) macs = vitrine_domain_get_macs (domain);
  outcome->note = g_strdup (macs[index]);
  return TRUE;
}

static int
attach_net_to_socket (const char *words, const char *value)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  g_autoptr(GError) error = NULL;
  VitrineRunTarget target = { NULL, config };

  if (!vitrine_run_set_net (&target, value, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (config->nets->len == 0)
    return vitrine_ctl_usage ("attach-net MACHINE user|local=NAME|bridge=NAME|tap=NAME[,mac=ADDRESS]");
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  VtNetConfig *net = config->nets->pdata[0];
  if (client == NULL)
    return 1;
  make_mac (net->mac);
  if (!vitrine_hotplug_add_net (client, G_MAXUINT32, net, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autofree char *mac = vitrine_mac_to_text (net->mac);
  g_print ("%s\n", mac);
  return 0;
}

#define CARD "user|isolated=NAME|bridge=NAME|tap=NAME[,mac=ADDRESS][,model=virtio|e1000e][,cable=on|off][,restricted=on|off]"

int
vitrine_ctl_attach_net (int argc, char **argv)
{
  gboolean config_only;
  const char *value = vitrine_ctl_parse_change (argc, argv, &config_only, "attach-net MACHINE " CARD " [--config]");

  if (value == NULL)
    return 1;
  return vitrine_ctl_is_socket (argv[1]) ? attach_net_to_socket (argv[1], value)
                                         : vitrine_ctl_change (argv[1], config_only, add_net, argv[2], NULL);
}

/* --- What a card has, and going -------------------------------------------------------------------------------------- */

gboolean
vitrine_ctl_find_card (VitrineDomain *domain, const char *words, guint *index, GError **error)
{
  g_auto(GStrv) macs = vitrine_domain_get_macs (domain);
  guint64 number;

  for (*index = 0; macs[*index] != NULL; ++*index)
    if (g_ascii_strcasecmp (macs[*index], words) == 0)
      return TRUE;
  if (g_ascii_string_to_unsigned (words, 10, 0, 255, &number, NULL) && number < g_strv_length (macs))
    {
      *index = (guint) number;
      return TRUE;
    }
  return vitrine_ctl_refuse (error, _("The machine has no network card “%s”. “vitrinectl dumpxml” shows those that it has."), words);
}

typedef struct
{
  const char *card, *text;
} CardChange;

static gboolean
set_net (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  const CardChange *change = data;
  guint index;

  return vitrine_ctl_find_card (domain, change->card, &index, error) && set_words (domain, index, change->text, outcome, error);
}

int
vitrine_ctl_set_net (int argc, char **argv)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 3, &config_only, NULL) || argc != 4)
    return vitrine_ctl_usage ("set-net MACHINE MAC-ADDRESS|CARD " CARD " [--config]");
  CardChange change = { argv[2], argv[3] };
  return vitrine_ctl_change (argv[1], config_only, set_net, &change, NULL);
}

static gboolean
remove_net (VitrineDomain *domain, gpointer words, VitrineCtlOutcome *outcome, GError **error)
{
  guint index;

  if (!vitrine_ctl_find_card (domain, words, &index, error))
    return FALSE;
  vitrine_removed_free (vitrine_domain_take_network (domain, index));
  return TRUE;
}

int
vitrine_ctl_detach_net (int argc, char **argv)
{
  gboolean config_only;
  const char *mac = vitrine_ctl_parse_change (argc, argv, &config_only, "detach-net MACHINE MAC-ADDRESS|CARD [--config]");

  if (mac == NULL)
    return 1;
  return vitrine_ctl_is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "DetachNetwork", g_variant_new ("(s)", mac))
                                         : vitrine_ctl_change (argv[1], config_only, remove_net, argv[2], NULL);
}
