/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host has besides machines, and what is brought to it. */
#include "host-offer.h"
#include "host-shipment.h"
#include "hosts-rig.h"

/* --- resources -------------------------------------------------------------------------------------------------- */

static void
a_resource_that_cannot_be_changed_says_why (void)
{
  static const struct
  {
    VitrineHostResourceVerb verb;
    const char             *name, *part;
  } refused[] = {
    { VITRINE_HOST_START_NETWORK, "n", "already" }, { VITRINE_HOST_START_NETWORK, "none", "none" },
    { VITRINE_HOST_START_POOL, "p", "active" },     { VITRINE_HOST_STOP_POOL, "none", "none" },
    { VITRINE_HOST_DELETE_VOLUME, "/p/none", "/p/none" },
  };
  g_autoptr(VitrineHost) host = connect_to_node (
      POOL "<network><name>n</name><bridge name='virbr9'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (change_resource (host, refused[i].verb, refused[i].name, &error));
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, refused[i].part));
    }
}

static void
a_network_that_is_started_starts_with_its_host_only_if_it_did (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (
      "<network><name>n</name><bridge name='virbr9'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  change_resource (host, VITRINE_HOST_STOP_NETWORK, "n", &error);
  g_assert_no_error (error);
  change_resource (host, VITRINE_HOST_START_NETWORK, "n", &error);
  g_assert_no_error (error);
  vitrine_host_list_resources_async (host, VITRINE_HOST_ALL_RESOURCES, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, result, NULL);
  const VitrineHostNetwork *network = all->networks->pdata[0];
  g_assert_true (network->active);
  g_assert_false (network->autostart);
}

/* LVM's, and a folder. */
#define TWO_POOLS                                                                                                      \
  "<pool type='dir'><name>folder</name><target><path>/p</path></target></pool>"                                        \
  "<pool type='logical'><name>group</name><source><device path='/dev/sdb'/><name>group</name></source>"                \
  "<target><path>/dev/group</path></target></pool>"

static guint64
allocation_of_new_volume (VitrineHost *host, const char *pool)
{
  g_autoptr(GAsyncResult) made = NULL;
  g_autoptr(GAsyncResult) listed = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_create_volume_async (host, pool, "a<b", "raw", 1 << 20, keep_result, &made);
  AWAIT (made != NULL);
  vitrine_host_resource_finish (host, made, &error);
  g_assert_no_error (error);
  vitrine_host_list_resources_async (host, VITRINE_HOST_POOLS, keep_result, &listed);
  AWAIT (listed != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, listed, &error);
  for (guint i = 0; i < all->pools->len; i++)
    {
      const VitrineHostPool *one = all->pools->pdata[i];
      const VitrineHostVolume *volume = g_str_equal (one->name, pool) ? one->volumes->pdata[0] : NULL;
      if (volume == NULL)
        continue;
      g_assert_cmpstr (volume->name, ==, "a<b");
      g_assert_cmpuint (volume->capacity_bytes, ==, 1 << 20);
      return volume->allocation_bytes;
    }
  g_assert_not_reached ();
}

static void
a_volume_takes_room_when_it_is_written_but_all_at_once_from_lvm (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (TWO_POOLS);

  g_assert_cmpuint (allocation_of_new_volume (host, "folder"), ==, 0);
  g_assert_cmpuint (allocation_of_new_volume (host, "group"), ==, 1 << 20);
}

static void
gather (guint *kinds, VitrineHostResourceKinds more)
{
  *kinds |= more;
}

static void
plug_in_device (VitrineHost *host)
{
  static const char xml[] = "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
                            "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>";
  virNodeDevicePtr device = virNodeDeviceCreateXML (vitrine_host_link_get_connection (host->link), xml, 0);

  g_assert_nonnull (device);
  virNodeDeviceFree (device);
}

static void
only_what_changed_is_to_be_read_again (void)
{
  g_autoptr(VitrineHost) host = connect_to ("test:///default");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  guint kinds = 0;

  g_signal_connect_swapped (host, "resources-changed", G_CALLBACK (gather), &kinds);
  plug_in_device (host);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_DEVICES);
  vitrine_host_list_resources_async (host, kinds, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) some = vitrine_host_list_resources_finish (host, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (some->kinds, ==, VITRINE_HOST_DEVICES);
  g_assert_cmpuint (some->devices->len, >, 0);
  g_assert_cmpuint (some->pools->len + some->networks->len, ==, 0);
  kinds = 0;
  change_resource (host, VITRINE_HOST_STOP_NETWORK, "default", &error);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_NETWORKS);
  kinds = 0;
  change_resource (host, VITRINE_HOST_STOP_POOL, "default-pool", &error);
  AWAIT (kinds != 0);
  g_assert_cmpuint (kinds, ==, VITRINE_HOST_POOLS);
}

/* --- offers and shipments --------------------------------------------------------------------------------------- */

static void
an_offer_says_what_is_on_a_host (void)
{
  g_autoptr(VitrineHost) host = connect_to_node (
      DOMAIN ("test", "") "<pool type='dir'><name>p</name><uuid>33a5c045-645a-2c00-e56b-927cdf34e17a</uuid>"
                          "<target><path>/p</path></target></pool>"
                          "<network><name>n</name><bridge name='br-n'/><ip address='10.9.8.1' netmask='255.255.255.0'/></network>");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_read_offer_async (host, "x86_64", "no such board", keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostOffer) offer = vitrine_host_read_offer_finish (host, result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (vitrine_host_offer_find_machine (offer, "test"));
  g_assert_null (vitrine_host_offer_find_machine (offer, "other"));
  g_assert_nonnull (vitrine_host_offer_find_pool (offer, "p"));
  g_assert_null (vitrine_host_offer_find_pool (offer, "other"));
  g_assert_cmpstr (vitrine_host_offer_find_network (offer, "n")->bridge, ==, "br-n");
  g_assert_null (vitrine_host_offer_find_volume (offer, "/p/nothing"));
}

/* The test driver's volumes have no bytes: what can fail before any are sent does. */
static void
a_shipment_to_no_pool_leaves_nothing (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autofree char *file = g_build_filename (folder, "parcel", NULL), *not_started = NULL;
  VitrineHostShipment *shipment = g_new0 (VitrineHostShipment, 1);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "bytes", -1, NULL));
  shipment->pool = g_strdup ("nowhere");
  shipment->parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_parcel_free);
  g_ptr_array_add (shipment->parcels, vitrine_host_parcel_new (file, "parcel"));
  vitrine_host_ship_async (host, shipment, NULL, NULL, NULL, keep_result, &result);
  AWAIT (result != NULL);
  g_assert_false (vitrine_host_ship_finish (host, result, &not_started, &error));
  g_assert_nonnull (strstr (error->message, "nowhere"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 1);
}

int
main (int argc, char **argv)
{
  begin_tests (&argc, &argv);
  ADD (a_resource_that_cannot_be_changed_says_why);
  ADD (a_volume_takes_room_when_it_is_written_but_all_at_once_from_lvm);
  ADD (only_what_changed_is_to_be_read_again);
  ADD (a_network_that_is_started_starts_with_its_host_only_if_it_did);
  ADD (an_offer_says_what_is_on_a_host);
  ADD (a_shipment_to_no_pool_leaves_nothing);
  return run_tests ();
}
