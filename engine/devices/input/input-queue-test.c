/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input-queue.h"

#define KEY_A 30u

typedef struct
{
  VtInputQueue queue;
  VtInputHeld  held;
} Fixture;

static VtInputEvent
next (Fixture *f)
{
  VtInputEvent event;
  g_assert_true (vt_input_queue_peek (&f->queue, &f->held, &event));
  vt_input_queue_take (&f->queue);
  return event;
}

static void
assert_empty (Fixture *f)
{
  VtInputEvent event;
  g_assert_false (vt_input_queue_peek (&f->queue, &f->held, &event));
}

static void
keys_come_in_order_and_repeats_do_not (void)
{
  Fixture f = { 0 };
  vt_input_queue_key (&f.queue, &f.held, KEY_A, true);
  vt_input_queue_key (&f.queue, &f.held, KEY_A, true);
  vt_input_queue_key (&f.queue, &f.held, KEY_A, false);
  vt_input_queue_key (&f.queue, &f.held, VT_INPUT_KEYS, true);
  VtInputEvent first = next (&f), second = next (&f);
  g_assert_cmpuint (first.kind, ==, VT_INPUT_KEY);
  g_assert_cmpuint (first.code, ==, KEY_A);
  g_assert_true (first.down);
  g_assert_false (second.down);
  assert_empty (&f);
}

static void
movement_adds_up_until_it_is_begun (void)
{
  Fixture f = { 0 };
  vt_input_queue_motion (&f.queue, 5, -3);
  vt_input_queue_motion (&f.queue, INT32_MAX, -4);
  f.queue.position = 1;
  vt_input_queue_motion (&f.queue, 1, 1);
  VtInputEvent first = next (&f), second = next (&f);
  g_assert_cmpint (first.x, ==, 32767);
  g_assert_cmpint (first.y, ==, -7);
  g_assert_cmpint (second.x, ==, 1);
  vt_input_queue_place (&f.queue, 10, 20);
  vt_input_queue_place (&f.queue, 70000, 65535);
  VtInputEvent place = next (&f);
  g_assert_cmpint (place.x, ==, 65535);
  g_assert_cmpint (place.y, ==, 65535);
  assert_empty (&f);
}

static void
a_click_between_movements_stays_between (void)
{
  Fixture f = { 0 };
  vt_input_queue_place (&f.queue, 1, 1);
  vt_input_queue_buttons (&f.queue, &f.held, VT_BUTTON_LEFT | VT_BUTTON_MIDDLE);
  vt_input_queue_place (&f.queue, 2, 2);
  vt_input_queue_buttons (&f.queue, &f.held, VT_BUTTON_MIDDLE);
  g_assert_cmpint (next (&f).x, ==, 1);
  VtInputEvent press = next (&f);
  g_assert_cmpint (press.x, ==, VT_BUTTON_LEFT | VT_BUTTON_MIDDLE);
  g_assert_cmpint (press.y, ==, VT_BUTTON_LEFT | VT_BUTTON_MIDDLE);
  g_assert_cmpint (next (&f).x, ==, 2);
  VtInputEvent release = next (&f);
  g_assert_cmpint (release.x, ==, VT_BUTTON_MIDDLE);
  g_assert_cmpint (release.y, ==, VT_BUTTON_LEFT);
}

/* More than fits, with the guest asleep: what it knows in the end is what is held. */
static void
nothing_sticks_after_an_overrun (void)
{
  Fixture f = { 0 };
  bool    down[VT_INPUT_KEYS] = { false };
  for (unsigned i = 0; i < VT_INPUT_EVENTS + 20; i++)
    vt_input_queue_key (&f.queue, &f.held, 1 + i, true);
  vt_input_queue_buttons (&f.queue, &f.held, VT_BUTTON_RIGHT);
  for (unsigned i = 0; i < VT_INPUT_EVENTS; i++)
    vt_input_queue_key (&f.queue, &f.held, 1 + i, false);
  g_assert_true (vt_input_queue_valid (&f.queue));
  VtInputEvent event;
  int32_t      buttons = 0;
  for (unsigned n = 0; vt_input_queue_peek (&f.queue, &f.held, &event); n++)
    {
      g_assert_cmpuint (n, <, 1000);
      if (event.kind == VT_INPUT_KEY)
        down[event.code] = event.down;
      else
        buttons = event.x;
      vt_input_queue_take (&f.queue);
    }
  for (unsigned i = 0; i < VT_INPUT_KEYS; i++)
    g_assert_true (down[i] == (i > VT_INPUT_EVENTS && i <= VT_INPUT_EVENTS + 20));
  g_assert_cmpint (buttons, ==, VT_BUTTON_RIGHT);
}

static void
what_was_let_go_while_nobody_looked_is_told (void)
{
  Fixture f = { 0 };
  vt_input_queue_key (&f.queue, &f.held, KEY_A, true);
  next (&f);
  f.held = (VtInputHeld) { 0 };
  vt_input_queue_compare (&f.queue, &f.held);
  VtInputEvent event = next (&f);
  g_assert_cmpuint (event.code, ==, KEY_A);
  g_assert_false (event.down);
  assert_empty (&f);
}

static void
impossible_queues_are_refused (void)
{
  Fixture f = { 0 };
  vt_input_queue_motion (&f.queue, 1, 1);
  g_assert_true (vt_input_queue_valid (&f.queue));
  f.queue.events[0] |= UINT64_C (1) << 63;
  g_assert_false (vt_input_queue_valid (&f.queue));
  VtInputQueue head = { .head = VT_INPUT_EVENTS }, count = { .count = VT_INPUT_EVENTS + 1 }, begun = { .position = 1 };
  g_assert_false (vt_input_queue_valid (&head));
  g_assert_false (vt_input_queue_valid (&count));
  g_assert_false (vt_input_queue_valid (&begun));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/input-queue/order", keys_come_in_order_and_repeats_do_not);
  g_test_add_func ("/input-queue/movement", movement_adds_up_until_it_is_begun);
  g_test_add_func ("/input-queue/clicks", a_click_between_movements_stays_between);
  g_test_add_func ("/input-queue/overrun", nothing_sticks_after_an_overrun);
  g_test_add_func ("/input-queue/compare", what_was_let_go_while_nobody_looked_is_told);
  g_test_add_func ("/input-queue/valid", impossible_queues_are_refused);
  return g_test_run ();
}
