/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio input devices as a driver sees them. */
#include "virtio-input.h"

#include <linux/input-event-codes.h>

#include "driver-rig.h"

enum { EVENTS, STATUS };

typedef struct
{
  DriverRig   rig;
  VtInputSink sink;
  unsigned    leds;
  unsigned    changes;
} Fixture;

static void
leds (void *opaque, unsigned mask)
{
  ((Fixture *) opaque)->leds = mask;
}

static void
changed (void *opaque)
{
  ((Fixture *) opaque)->changes++;
}

static Fixture *
fixture_new (const VtDeviceClass *cls)
{
  Fixture *f = g_new0 (Fixture, 1);
  driver_rig_init (&f->rig);
  driver_rig_plug (&f->rig, cls,
                   &(VtVirtioInputConfig) { { f->rig.pci->bus, DRIVER_DEVFN }, { leds, f }, { changed, f } });
  f->sink = vt_virtio_input_sink (f->rig.dev);
  return f;
}

static void
fixture_free (Fixture *f)
{
  driver_rig_clear (&f->rig);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
give_buffers (Fixture *f, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    driver_add_buffer (&f->rig, EVENTS, 8, true);
  driver_kick (&f->rig, EVENTS);
}

static Fixture *
fixture_started (const VtDeviceClass *cls)
{
  Fixture *f = fixture_new (cls);
  driver_start (&f->rig, 2);
  give_buffers (f, DRIVER_SIZE);
  return f;
}

static void
assert_event (Fixture *f, unsigned type, unsigned code, int32_t value)
{
  uint32_t len = 0;
  uint64_t at = driver_used (&f->rig, EVENTS, &len);
  g_assert_cmphex (at, !=, 0);
  g_assert_cmpuint (len, ==, 8);
  g_assert_cmpuint (driver_get (&f->rig, at, 2), ==, type);
  g_assert_cmpuint (driver_get (&f->rig, at + 2, 2), ==, code);
  g_assert_cmpint ((int32_t) driver_get (&f->rig, at + 4, 4), ==, value);
}

static void
assert_no_event (Fixture *f)
{
  uint32_t len;
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, 0);
}

static unsigned
ask (Fixture *f, unsigned select, unsigned subsel)
{
  driver_put (&f->rig, DRIVER_REGS + DRIVER_CONFIG, select, 1);
  driver_put (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 1, subsel, 1);
  return (unsigned) driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 2, 1);
}

static bool
has_bit (Fixture *f, unsigned type, unsigned code)
{
  return code / 8 < ask (f, 0x11, type)
         && (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 8 + code / 8, 1) >> (code % 8) & 1);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
each_says_what_it_is (void)
{
  g_autoptr (Fixture) keyboard = fixture_new (&vt_virtio_keyboard_pci), mouse = fixture_new (&vt_virtio_mouse_pci),
                      tablet = fixture_new (&vt_virtio_tablet_pci);
  g_assert_cmpuint (ask (keyboard, 1, 0), ==, strlen ("Vitrine Virtio Keyboard"));
  g_assert_cmpuint (driver_get (&keyboard->rig, DRIVER_REGS + DRIVER_CONFIG + 8, 1), ==, 'V');
  g_assert_cmpuint (ask (keyboard, 1, 1), ==, 0);
  g_assert_cmpuint (ask (keyboard, 3, 0), ==, 8);
  g_assert_true (has_bit (keyboard, EV_KEY, KEY_A) && has_bit (keyboard, EV_KEY, KEY_HANJA)
                 && has_bit (keyboard, EV_KEY, KEY_VOLUMEUP) && has_bit (keyboard, EV_LED, LED_CAPSL));
  g_assert_false (has_bit (keyboard, EV_KEY, BTN_LEFT) || has_bit (keyboard, EV_ABS, ABS_X));
  g_assert_true (has_bit (mouse, EV_KEY, BTN_EXTRA) && has_bit (mouse, EV_REL, REL_HWHEEL));
  g_assert_false (has_bit (mouse, EV_ABS, ABS_X) || has_bit (mouse, EV_KEY, KEY_A));
  g_assert_true (has_bit (tablet, EV_ABS, ABS_Y) && has_bit (tablet, EV_REL, REL_WHEEL));
  g_assert_false (has_bit (tablet, EV_REL, REL_X));
  g_assert_cmpuint (ask (tablet, 0x12, ABS_X), ==, 20);
  g_assert_cmpuint (driver_get (&tablet->rig, DRIVER_REGS + DRIVER_CONFIG + 12, 4), ==, 65535);
  g_assert_cmpuint (ask (tablet, 0x12, ABS_Z), ==, 0);
  g_assert_cmpuint (ask (mouse, 0x12, ABS_X), ==, 0);
}

static void
a_key_is_a_packet (void)
{
  g_autoptr (Fixture) f = fixture_started (&vt_virtio_keyboard_pci);
  f->sink.ops->key (f->sink.opaque, KEY_A, true);
  f->sink.ops->key (f->sink.opaque, KEY_A, false);
  assert_event (f, EV_KEY, KEY_A, 1);
  assert_event (f, EV_SYN, SYN_REPORT, 0);
  assert_event (f, EV_KEY, KEY_A, 0);
  assert_event (f, EV_SYN, SYN_REPORT, 0);
  assert_no_event (f);
}

static void
pointers_move_click_and_turn (void)
{
  g_autoptr (Fixture) mouse = fixture_started (&vt_virtio_mouse_pci), tablet = fixture_started (&vt_virtio_tablet_pci);
  mouse->sink.ops->motion (mouse->sink.opaque, 3, -4);
  mouse->sink.ops->buttons (mouse->sink.opaque, VT_BUTTON_RIGHT | VT_BUTTON_SIDE);
  mouse->sink.ops->wheel (mouse->sink.opaque, 0, -1);
  assert_event (mouse, EV_REL, REL_X, 3);
  assert_event (mouse, EV_REL, REL_Y, -4);
  assert_event (mouse, EV_SYN, SYN_REPORT, 0);
  assert_event (mouse, EV_KEY, BTN_RIGHT, 1);
  assert_event (mouse, EV_KEY, BTN_SIDE, 1);
  assert_event (mouse, EV_SYN, SYN_REPORT, 0);
  assert_event (mouse, EV_REL, REL_WHEEL, -1);
  assert_event (mouse, EV_SYN, SYN_REPORT, 0);
  tablet->sink.ops->place (tablet->sink.opaque, 65535, 1);
  assert_event (tablet, EV_ABS, ABS_X, 65535);
  assert_event (tablet, EV_ABS, ABS_Y, 1);
  assert_event (tablet, EV_SYN, SYN_REPORT, 0);
}

/* A packet is not lost or mixed up when the driver is slow with its buffers. */
static void
a_packet_waits_for_buffers (void)
{
  g_autoptr (Fixture) f = fixture_new (&vt_virtio_mouse_pci);
  driver_start (&f->rig, 2);
  give_buffers (f, 1);
  f->sink.ops->motion (f->sink.opaque, 1, 1);
  f->sink.ops->motion (f->sink.opaque, 10, 10);
  f->sink.ops->motion (f->sink.opaque, 10, 10);
  assert_event (f, EV_REL, REL_X, 1);
  assert_no_event (f);
  give_buffers (f, DRIVER_SIZE - 1);
  assert_event (f, EV_REL, REL_Y, 1);
  assert_event (f, EV_SYN, SYN_REPORT, 0);
  assert_event (f, EV_REL, REL_X, 20);
  assert_event (f, EV_REL, REL_Y, 20);
  assert_event (f, EV_SYN, SYN_REPORT, 0);
  assert_no_event (f);
}

static void
lights_arrive (void)
{
  g_autoptr (Fixture) f = fixture_started (&vt_virtio_keyboard_pci);
  static const struct { unsigned type, code, value, leds; } steps[] = {
    { EV_LED, LED_CAPSL, 1, VT_LED_CAPS },  { EV_LED, LED_NUML, 1, VT_LED_CAPS | VT_LED_NUM },
    { EV_LED, LED_CAPSL, 0, VT_LED_NUM },   { EV_LED, LED_MISC, 1, VT_LED_NUM },
    { EV_REP, REP_DELAY, 250, VT_LED_NUM }, { EV_LED, LED_SCROLLL, 1, VT_LED_NUM | VT_LED_SCROLL },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      uint32_t len;
      uint64_t at = driver_add_buffer (&f->rig, STATUS, 8, false);
      driver_put (&f->rig, at, steps[i].type, 2);
      driver_put (&f->rig, at + 2, steps[i].code, 2);
      driver_put (&f->rig, at + 4, steps[i].value, 4);
      driver_kick (&f->rig, STATUS);
      g_assert_cmphex (driver_used (&f->rig, STATUS, &len), ==, at);
      g_assert_cmpuint (f->leds, ==, steps[i].leds);
    }
}

static void
it_listens_while_a_driver_has_it (void)
{
  g_autoptr (Fixture) f = fixture_new (&vt_virtio_tablet_pci);
  g_assert_false (f->sink.ops->listening (f->sink.opaque));
  driver_start (&f->rig, 2);
  g_assert_true (f->sink.ops->listening (f->sink.opaque));
  g_assert_cmpuint (f->changes, ==, 1);
  f->sink.ops->buttons (f->sink.opaque, VT_BUTTON_LEFT);
  driver_reset (&f->rig);
  g_assert_false (f->sink.ops->listening (f->sink.opaque));
  g_assert_cmpuint (f->changes, ==, 2);
}

/* Nothing that a driver leaves behind reaches the next one. */
static void
a_reset_forgets_what_waits (void)
{
  g_autoptr (Fixture) f = fixture_new (&vt_virtio_keyboard_pci);
  driver_start (&f->rig, 2);
  f->sink.ops->key (f->sink.opaque, KEY_A, true);
  driver_start (&f->rig, 2);
  give_buffers (f, DRIVER_SIZE);
  assert_no_event (f);
  f->sink.ops->key (f->sink.opaque, KEY_B, true);
  assert_event (f, EV_KEY, KEY_B, 1);
}

static void
a_buffer_too_small_breaks_the_device (void)
{
  g_autoptr (Fixture) f = fixture_new (&vt_virtio_keyboard_pci);
  driver_start (&f->rig, 2);
  driver_add_buffer (&f->rig, EVENTS, 4, true);
  driver_kick (&f->rig, EVENTS);
  f->sink.ops->key (f->sink.opaque, KEY_A, true);
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET, !=, 0);
  g_assert_false (f->sink.ops->listening (f->sink.opaque));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-input/identity", each_says_what_it_is);
  g_test_add_func ("/virtio-input/key", a_key_is_a_packet);
  g_test_add_func ("/virtio-input/pointers", pointers_move_click_and_turn);
  g_test_add_func ("/virtio-input/slow-driver", a_packet_waits_for_buffers);
  g_test_add_func ("/virtio-input/lights", lights_arrive);
  g_test_add_func ("/virtio-input/listening", it_listens_while_a_driver_has_it);
  g_test_add_func ("/virtio-input/reset", a_reset_forgets_what_waits);
  g_test_add_func ("/virtio-input/small-buffer", a_buffer_too_small_breaks_the_device);
  return g_test_run ();
}
