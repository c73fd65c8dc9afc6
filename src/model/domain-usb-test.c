/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-usb.h"

#include "domain-test.h"

#define BY_PRODUCT "<hostdev mode='subsystem' type='usb' managed='yes'><source startupPolicy='optional'><vendor id='0x0781'/>" \
                   "<product id='0x5581'/></source></hostdev>"
#define BY_PLACE "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='12'/></source></hostdev>"
#define PORT "<redirdev bus='usb' type='spicevmc'/>"

static void
devices_are_read_as_libvirt_writes_them (void)
{
  g_autoptr(VitrineDomain) domain = domain_with (BY_PRODUCT BY_PLACE "<hostdev mode='subsystem' type='usb'><source/></hostdev>"
                                                 "<hostdev mode='subsystem' type='usb'><source><vendor id='x'/><product id='1'/></source></hostdev>");
  g_autoptr(GPtrArray) all = vitrine_domain_get_usb_hostdevs (domain);
  const VitrineUsbHostdev *first = all->pdata[0], *second = all->pdata[1];
  g_autofree char *one = vitrine_usb_wanted_describe (&first->wanted), *two = vitrine_usb_wanted_describe (&second->wanted);

  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpstr (one, ==, "0781:5581");
  g_assert_true (first->optional);
  g_assert_cmpstr (two, ==, "1:12");
  g_assert_false (second->optional);
}

static void
each_has_a_port_and_empty_ones_share_the_rest (void)
{
  g_autoptr(VitrineDomain) few = domain_with (BY_PRODUCT PORT PORT);
  g_autoptr(VitrineDomain) none = domain_with ("");
  g_autoptr(VitrineDomain) many = domain_with (BY_PLACE PORT PORT PORT PORT PORT PORT PORT PORT "<input type='tablet' bus='usb'/>");
  g_autoptr(VtConfig) few_config = config_of (few);
  g_autoptr(VtConfig) many_config = config_of (many);
  g_autoptr(VtConfig) none_config = config_of (none);

  g_assert_cmpuint (few_config->usb_ports, ==, 3);
  g_assert_cmpuint (many_config->usb_ports, ==, 7);
  g_assert_cmpuint (none_config->usb_ports, ==, 0);
}

static void
only_what_is_left_out_is_said_to_be (void)
{
  g_autoptr(VitrineDomain) good = domain_with (BY_PRODUCT BY_PLACE PORT);
  g_autoptr(VitrineDomain) bad = domain_with ("<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/>"
                                              "</source></hostdev><redirdev bus='usb' type='tcp'><source mode='connect' host='x' service='1'/>"
                                              "</redirdev>");
  g_auto(GStrv) nothing = vitrine_domain_list_missing (good), both = vitrine_domain_list_missing (bad);

  g_assert_cmpuint (g_strv_length (nothing), ==, 0);
  g_assert_cmpuint (g_strv_length (both), ==, 2);
  g_assert_nonnull (strstr (both[0], "other than USB"));
  g_assert_nonnull (strstr (both[1], "another computer"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-usb/read", devices_are_read_as_libvirt_writes_them);
  g_test_add_func ("/domain-usb/ports", each_has_a_port_and_empty_ones_share_the_rest);
  g_test_add_func ("/domain-usb/missing", only_what_is_left_out_is_said_to_be);
  return g_test_run ();
}
