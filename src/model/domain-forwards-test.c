/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forwarded ports of a definition. */
#include "domain-test.h"
#include "forwards.h"

#define USER(inside) "<interface type='user'><model type='virtio'/>" inside "</interface>"

static GPtrArray *
list (const char *first, ...)
{
  GPtrArray *forwards = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);
  va_list more;

  va_start (more, first);
  for (const char *text = first; text != NULL; text = va_arg (more, const char *))
    {
      VitrineForward *forward = vitrine_forward_parse (text, TRUE, NULL);
      g_assert_nonnull (forward);
      g_ptr_array_add (forwards, forward);
    }
  va_end (more);
  return forwards;
}

static char *
rules (VitrineDomain *domain, guint card)
{
  g_autoptr(VtConfig) config = config_of (domain);
  const VtNetConfig *net = config->nets->pdata[card];
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < net->forwards->len; i++)
    g_string_append_printf (all, "%s ", (char *) net->forwards->pdata[i]);
  return g_string_free (all, FALSE);
}

static void
assert_rules (VitrineDomain *domain, guint card, const char *wanted)
{
  g_autofree char *has = rules (domain, card);

  g_assert_cmpstr (has, ==, wanted);
}

static void
text_says_a_forward (void)
{
  static const struct { const char *text, *same; } good[] = {
    { "tcp:8022:22", "tcp:127.0.0.1:8022:22" }, { "udp:0.0.0.0:53:5353", "udp:0.0.0.0:53:5353" },
    { "tcp:8000-8010:80", "tcp:127.0.0.1:8000-8010:80" }, { "tcp:65535:1", "tcp:127.0.0.1:65535:1" },
    { "tcp::8022:22", "tcp:127.0.0.1:8022:22" },
  };
  static const char *const bad[] = { "", "tcp", "tcp:", "tcp:8022", "tcp:0:22", "tcp:65536:22", "tcp:8022:0", "tcp:8022:65536", "sctp:1:2",
                                     "tcp:-1:22", "tcp:8022:22:33", "tcp:localhost:8022:22", "tcp:8010-8000:80", "tcp:1-65535:1",
                                     "tcp:60000-60010:65530", "tcp:80 :80", "tcp:a:80", "8022:22", "tcp:1:2:3:4:5" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(VitrineForward) forward = vitrine_forward_parse (good[i].text, TRUE, &error);
      g_assert_no_error (error);
      g_autofree char *again = vitrine_forward_to_text (forward);
      g_assert_cmpstr (again, ==, good[i].same);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_null (vitrine_forward_parse (bad[i], TRUE, &error));
      g_assert_nonnull (error);
    }
  g_autoptr(VitrineForward) port = vitrine_forward_parse ("tcp:8022", FALSE, NULL);
  g_autoptr(VitrineForward) rule = vitrine_forward_from_rule ("tcp:127.0.0.1:8022-:22"), elsewhere = vitrine_forward_from_rule ("tcp::8022-10.0.2.16:22");
  g_assert_true (vitrine_forward_meets (port, rule));
  g_assert_null (elsewhere);
}

static void
forwards_are_written_and_what_else_is_said_stays (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with (USER ("<portForward proto='tcp' dev='eth0'><range start='8022' to='22'/><note xmlns='urn:x'/></portForward>"
                         "<portForward proto='udp' address='0.0.0.0'><range start='53'/><range start='54'/></portForward>"));
  g_autoptr(GPtrArray) wanted = list ("tcp:8022:22", "udp:0.0.0.0:54:54", "tcp:8080:80", NULL);

  vitrine_domain_set_forwards (domain, 0, wanted);
  assert_rules (domain, 0, "tcp:127.0.0.1:8022-:22 udp:0.0.0.0:54-:54 tcp:127.0.0.1:8080-:80 ");
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "dev=\"eth0\""));
  g_assert_nonnull (strstr (xml, "urn:x"));
  g_assert_null (strstr (xml, "\"53\""));
  g_assert_nonnull (strstr (xml, "address=\"127.0.0.1\""));     /* for libvirt, none would be all */
  g_autoptr(GPtrArray) none = list (NULL);
  vitrine_domain_set_forwards (domain, 0, none);
  g_autofree char *empty = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (empty, "portForward"));
}

/* As when it is typed, digit by digit. */
static void
a_forward_that_changes_keeps_what_else_is_said (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with (USER ("<portForward proto='tcp' dev='eth0'><range start='8022' to='22'/></portForward>"
                         "<portForward proto='udp'><range start='53'/></portForward>"));
  g_autoptr(GPtrArray) typed = list ("tcp:802:22", "udp:53:53", NULL), other = list ("udp:9000:22", "udp:53:53", NULL);

  vitrine_domain_set_forwards (domain, 0, typed);
  vitrine_domain_set_forwards (domain, 0, other);
  assert_rules (domain, 0, "udp:127.0.0.1:9000-:22 udp:127.0.0.1:53-:53 ");
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_nonnull (strstr (xml, "dev=\"eth0\""));
}

static void
ranges_lead_to_ranges_without_their_exceptions (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with (USER ("<portForward proto='tcp'><range start='8000' end='8004' to='80'/><range start='8002' exclude='yes'/></portForward>"));

  assert_rules (domain, 0, "tcp:127.0.0.1:8000-:80 tcp:127.0.0.1:8001-:81 tcp:127.0.0.1:8003-:83 tcp:127.0.0.1:8004-:84 ");
  g_autoptr(GPtrArray) same = vitrine_domain_get_forwards (domain, 0);
  g_autofree char *before = vitrine_domain_to_xml (domain);
  vitrine_domain_set_forwards (domain, 0, same);
  g_autofree char *after = vitrine_domain_to_xml (domain);
  g_assert_cmpstr (before, ==, after);
}

static void
a_file_cannot_ask_for_any_number_of_ports (void)
{
  g_autoptr(VitrineDomain) domain
    = domain_with (USER ("<portForward proto='tcp'><range start='1024' end='65535'/></portForward>"
                         "<portForward proto='udp'><range start='1' end='65535'/></portForward>"));
  g_autoptr(VtConfig) config = config_of (domain);
  g_autoptr(GError) error = NULL;

  g_assert_cmpuint (((VtNetConfig *) config->nets->pdata[0])->forwards->len, <=, VT_FORWARDS_MAX + 1);
  g_assert_false (vitrine_domain_check_forwards (domain, &error));
  g_assert_nonnull (strstr (error->message, "256"));
}

static void
assert_wrong (const char *interfaces, const char *words)
{
  g_autoptr(VitrineDomain) domain = domain_with (interfaces);
  g_autoptr(GError) error = NULL;

  g_assert_false (vitrine_domain_check_forwards (domain, &error));
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static void
ports_that_cannot_be_are_told (void)
{
#define FORWARD(attrs, range) "<portForward proto='tcp'" attrs "><range " range "/></portForward>"
  assert_wrong (USER (FORWARD ("", "start='0' to='22'")), "1 to 65535");
  assert_wrong (USER (FORWARD ("", "start='x' to='22'")), "1 to 65535");
  assert_wrong (USER (FORWARD ("", "start='8022' to='-1'")), "1 to 65535");
  assert_wrong (USER (FORWARD ("", "start='8022' end='8020'")), "1 to 65535");
  assert_wrong (USER (FORWARD (" address='::1'", "start='8022' to='22'")), "“::1” is no address");
  assert_wrong (USER (FORWARD ("", "start='8022' to='22'") FORWARD ("", "start='8022' to='80'")), "8022 of this computer is forwarded twice");
  assert_wrong (USER (FORWARD ("", "start='8022' to='22'")) USER (FORWARD (" address='0.0.0.0'", "start='8022' to='22'")), "twice");
  assert_wrong (USER (FORWARD ("", "start='8000' end='8010'") FORWARD ("", "start='8005' to='1'")), "8005");
  g_autoptr(VitrineDomain) fine
    = domain_with (USER (FORWARD ("", "start='53' to='53'") "<portForward proto='udp'><range start='53'/></portForward>"
                         FORWARD (" address='127.0.0.2'", "start='53' to='53'")));
  g_autoptr(GError) error = NULL;
  vitrine_domain_check_forwards (fine, &error);
  g_assert_no_error (error);
}

/* The past has an old list, and a card that is no more. */
static void
going_back_keeps_the_ports_of_now (void)
{
  g_autoptr(VitrineDomain) past
    = domain_with ("<interface type='user'><mac address='52:54:00:00:00:01'/>" FORWARD ("", "start='8022' to='22'") "</interface>"
                   "<interface type='user'><mac address='52:54:00:00:00:02'/>" FORWARD ("", "start='8080' to='80'") "</interface>");
  g_autoptr(VitrineDomain) now
    = domain_with ("<interface type='user'><mac address='52:54:00:00:00:01'/>" FORWARD (" dev='lo'", "start='9022' to='22'") "</interface>");

  vitrine_domain_keep_forwards (past, now);
  assert_rules (past, 0, "tcp:127.0.0.1:9022-:22 ");
  assert_rules (past, 1, "");
  g_autofree char *xml = vitrine_domain_to_xml (past);
  g_assert_nonnull (strstr (xml, "dev=\"lo\""));
}

static void
restrict_card (VitrineDomain *domain, guint index, const char *mac, gboolean on)
{
  const VitrineNetwork network = { .mac = (char *) mac, .kind = VITRINE_NETWORK_USER, .restricted = on };

  vitrine_domain_set_network (domain, index, &network);
}

static gboolean
is_restricted (VitrineDomain *domain, guint index)
{
  g_autoptr(VtConfig) config = config_of (domain);

  return ((VtNetConfig *) config->nets->pdata[index])->restricted;
}

/* Also without an address: it gets the one that the machine would give it. */
static void
a_card_is_restricted_with_its_address (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (USER ("") USER (""));
  guint8 usual[6];

  restrict_card (domain, 1, NULL, TRUE);
  g_assert_true (!is_restricted (domain, 0) && is_restricted (domain, 1));
  g_autoptr(VtConfig) config = config_of (domain);
  vt_default_mac (config->uuid != NULL ? config->uuid : config->name, 1, usual);
  g_assert_cmpmem (((VtNetConfig *) config->nets->pdata[1])->mac, 6, usual, 6);
  restrict_card (domain, 1, "52:54:00:AB:00:01", TRUE);
  g_assert_true (is_restricted (domain, 1));
  restrict_card (domain, 1, "52:54:00:ab:00:01", FALSE);
  g_assert_false (is_restricted (domain, 1));
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (xml, "restricted"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/forwards/text", text_says_a_forward);
  g_test_add_func ("/forwards/written", forwards_are_written_and_what_else_is_said_stays);
  g_test_add_func ("/forwards/changed", a_forward_that_changes_keeps_what_else_is_said);
  g_test_add_func ("/forwards/ranges", ranges_lead_to_ranges_without_their_exceptions);
  g_test_add_func ("/forwards/many", a_file_cannot_ask_for_any_number_of_ports);
  g_test_add_func ("/forwards/wrong", ports_that_cannot_be_are_told);
  g_test_add_func ("/forwards/back", going_back_keeps_the_ports_of_now);
  g_test_add_func ("/forwards/restricted", a_card_is_restricted_with_its_address);
  return g_test_run ();
}
