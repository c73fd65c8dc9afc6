/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console and a named port as a driver sets them up, and as nobody should. */
#include "virtio-console.h"

#include "driver-rig.h"

enum
{
  RX0, TX0, CONTROL_IN, CONTROL_OUT, RX1, TX1,
  MESSAGE = 0x80000,
  READY = 0, ADD = 1, PORT_READY = 3, CONSOLE = 4, OPEN = 6, NAME = 7,
};

typedef struct
{
  VtChardev chr;
  GString  *written;
} End;

typedef struct
{
  DriverRig rig;
  End       end[2];
} Fixture;

static void
end_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  g_string_append_len (((End *) chr)->written, (const char *) bytes, (gssize) n);
}

static void
end_accept (VtChardev *chr)
{
}

static const VtChardevOps end_ops = { end_write, end_accept, NULL };

static Fixture *
fixture_new (gconstpointer forms, bool multiport)
{
  Fixture *f = g_new0 (Fixture, 1);
  driver_rig_init (&f->rig);
  f->rig.features = *(const uint64_t *) forms | (multiport ? VIRTIO_F (1) : 0);
  for (unsigned i = 0; i < 2; i++)
    f->end[i] = (End) { .chr = { .ops = &end_ops }, .written = g_string_new (NULL) };
  driver_rig_plug (&f->rig, &vt_virtio_console_pci,
                   &(VtVirtioConsoleConfig) { .place = { f->rig.pci->bus, DRIVER_DEVFN }, .n_ports = 2,
                                              .port = { { &f->end[0].chr, NULL, true }, { &f->end[1].chr, "org.x", false } },
                                              .ring_forms = f->rig.features & VIRTIO_F_RING_FORMS });
  driver_start (&f->rig, multiport ? 6 : 2);
  return f;
}

static void
fixture_free (Fixture *f)
{
  driver_rig_clear (&f->rig);
  for (unsigned i = 0; i < 2; i++)
    g_string_free (f->end[i].written, TRUE);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
say (Fixture *f, unsigned id, unsigned event, unsigned value)
{
  driver_put (&f->rig, MESSAGE, id, 4);
  driver_put (&f->rig, MESSAGE + 4, event | value << 16, 4);
  driver_offer (&f->rig, CONTROL_OUT, &(DriverPart) { MESSAGE, 8, false }, 1);
  driver_kick (&f->rig, CONTROL_OUT);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL_OUT), ==, 1);
}

static void
offer_control (Fixture *f, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    driver_add_buffer (&f->rig, CONTROL_IN, 64, true);
  driver_kick (&f->rig, CONTROL_IN);
}

static void
assert_said (Fixture *f, unsigned id, unsigned event, unsigned value)
{
  uint32_t len = 0;
  uint64_t at = driver_used (&f->rig, CONTROL_IN, &len);
  g_assert_cmphex (at, !=, 0);
  g_assert_cmpuint (driver_get (&f->rig, at, 4), ==, id);
  g_assert_cmpuint (driver_get (&f->rig, at + 4, 2), ==, event);
  g_assert_cmpuint (driver_get (&f->rig, at + 6, 2), ==, value);
  if (event == NAME)
    g_assert_cmpmem (driver_memory (&f->rig, at + 8), len - 8, "org.x", 5);
}

static void
set_up (Fixture *f)
{
  say (f, 0, READY, 1);
  offer_control (f, 8);
  assert_said (f, 0, ADD, 1);
  assert_said (f, 1, ADD, 1);
  say (f, 0, PORT_READY, 1);
  assert_said (f, 0, CONSOLE, 1);
  assert_said (f, 0, OPEN, 1);
  say (f, 1, PORT_READY, 1);
  assert_said (f, 1, NAME, 1);
  assert_said (f, 1, OPEN, 1);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL_IN), ==, 0);
}

static void
ports_are_told_of_and_opened (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms, true);
  VtChardev *chr = &f->end[1].chr;
  g_assert_cmpuint (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 4, 4), ==, 2);
  set_up (f);
  driver_add_buffer (&f->rig, RX1, 100, true);
  driver_kick (&f->rig, RX1);
  g_assert_cmpuint (chr->client->can_receive (chr->client_opaque), ==, 0);    /* nobody has it open in the guest */
  say (f, 1, OPEN, 1);
  g_assert_cmpuint (chr->client->can_receive (chr->client_opaque), ==, 100);
  g_assert_cmpuint (chr->client->can_receive (chr->client_opaque), ==, 100);
  chr->client->receive (chr->client_opaque, (const uint8_t *) "abc", 3);
  uint32_t len = 0;
  uint64_t at = driver_used (&f->rig, RX1, &len);
  g_assert_cmpuint (len, ==, 3);
  g_assert_cmpmem (driver_memory (&f->rig, at), 3, "abc", 3);
  at = driver_add_buffer (&f->rig, TX1, 5, false);
  memcpy (driver_memory (&f->rig, at), "hello", 5);
  driver_kick (&f->rig, TX1);
  g_assert_cmpstr (f->end[1].written->str, ==, "hello");
  /* Who leaves our end is told of, once. */
  chr->away = true;
  chr->client->opened (chr->client_opaque, false);
  assert_said (f, 1, OPEN, 0);
  chr->client->opened (chr->client_opaque, false);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL_IN), ==, 0);
}

static void
an_old_driver_has_one_console (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms, false);
  VtChardev *chr = &f->end[0].chr;
  driver_add_buffer (&f->rig, RX0, 10, true);
  g_assert_cmpuint (chr->client->can_receive (chr->client_opaque), ==, 10);
  g_assert_cmpuint (f->end[1].chr.client->can_receive (f->end[1].chr.client_opaque), ==, 0);
  uint64_t at = driver_add_buffer (&f->rig, TX0, 2, false);
  memcpy (driver_memory (&f->rig, at), "ok", 2);
  driver_kick (&f->rig, TX0);
  driver_put (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 8, '!', 4);              /* last words */
  g_assert_cmpstr (f->end[0].written->str, ==, "ok!");
}

static void
messages_wait_for_buffers_over_a_save (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms, true);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtDevice *dev = f->rig.dev;
  say (f, 0, READY, 1);
  vt_device_save (dev, saved);
  vt_device_reset (dev, VT_RESET_POWER);
  g_assert_true (vt_device_load (dev, dev->cls->state.version, saved->data, saved->len, NULL));
  offer_control (f, 2);
  assert_said (f, 0, ADD, 1);
  assert_said (f, 1, ADD, 1);
}

static void
nonsense_is_ignored (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms, true);
  set_up (f);
  say (f, 2, PORT_READY, 1);
  say (f, 0xffffffff, OPEN, 1);
  say (f, 0, 0x7777, 1);
  driver_offer (&f->rig, CONTROL_OUT, &(DriverPart) { MESSAGE, 3, false }, 1);
  driver_offer (&f->rig, CONTROL_OUT, &(DriverPart) { MESSAGE, 8, true }, 1);
  driver_kick (&f->rig, CONTROL_OUT);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL_OUT), ==, 2);
  g_assert_cmpuint (driver_count_used (&f->rig, CONTROL_IN), ==, 0);
  g_assert_cmpuint (f->rig.dev->guest_warnings, ==, 4);
  g_assert_false (driver_needs_reset (&f->rig));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) driver_rig_add_tests ("virtio-console", #fn, fn)
  TEST (ports_are_told_of_and_opened);
  TEST (an_old_driver_has_one_console);
  TEST (messages_wait_for_buffers_over_a_save);
  TEST (nonsense_is_ignored);
  return g_test_run ();
}
