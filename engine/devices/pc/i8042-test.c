/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "i8042.h"
#include "testbench.h"

#define DATA &vt_i8042_data_region
#define CMD &vt_i8042_command_region

/* Keys by evdev code */
enum { ESC = 1, CTRL = 29, A = 30, SHIFT = 42, X = 45, ALT = 56, SYSRQ = 99, UP = 103, PAUSE = 119, HANGUL = 122 };

static void
send (Bench *b, uint8_t byte)
{
  bench_out (b, DATA, 0, byte);
}

/* What arrives within so many milliseconds, in hex; mouse bytes in brackets. */
static char *
collect (Bench *b, unsigned ms)
{
  GString *text = g_string_new (NULL);
  for (unsigned i = 0; i < ms * 10; i++)
    {
      uint8_t status = bench_in (b, CMD, 0);
      if (status & 0x01)
        {
          bool mouse = status & 0x20;
          g_string_append_printf (text, "%s%02x%s ", mouse ? "[" : "", bench_in (b, DATA, 0), mouse ? "]" : "");
        }
      vt_clock_advance (b->clock, 100000);
    }
  if (text->len > 0)
    g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}

static void
expect (Bench *b, const char *bytes)
{
  g_autofree char *got = collect (b, 50);
  g_assert_cmpstr (got, ==, bytes);
}

static void
set_ctr (Bench *b, uint8_t value)
{
  bench_out (b, CMD, 0, 0x60);
  send (b, value);
}

static void
to_mouse (Bench *b, uint8_t byte)
{
  bench_out (b, CMD, 0, 0xd4);
  send (b, byte);
}

static void
tap (Bench *b, unsigned code, bool down)
{
  VtInputSink sink = vt_i8042_keyboard (b->dev);
  sink.ops->key (sink.opaque, code, down);
}

static void
press (Bench *b, unsigned code)
{
  tap (b, code, true);
  tap (b, code, false);
}

/* As an operating system leaves it: interrupts and translation on. */
static void
ready (Bench *b)
{
  bench_init (b, &vt_i8042_class, NULL);
  set_ctr (b, 0x47);
}

static void
the_controller_answers_its_tests (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_i8042_class, NULL);
  g_assert_cmphex (bench_in (&b, CMD, 0), ==, 0x10);
  bench_out (&b, CMD, 0, 0xaa);
  g_assert_cmphex (bench_in (&b, CMD, 0), ==, 0x1d);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x55);
  bench_out (&b, CMD, 0, 0xab);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x00);
  bench_out (&b, CMD, 0, 0xa9);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x00);
  bench_out (&b, CMD, 0, 0x20);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x74);
  bench_out (&b, CMD, 0, 0x7f);
  send (&b, 0x99);
  bench_out (&b, CMD, 0, 0x3f);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x99);
}

static void
keys_arrive_translated_to_set_1 (void)
{
  g_auto(Bench) b;
  ready (&b);
  press (&b, A);
  press (&b, UP);
  press (&b, ESC);
  expect (&b, "1e 9e e0 48 e0 c8 01 81");
  press (&b, SYSRQ);
  expect (&b, "e0 2a e0 37 e0 b7 e0 aa");
  press (&b, PAUSE);
  expect (&b, "e1 1d 45 e1 9d c5");
  press (&b, HANGUL);
  expect (&b, "f2");
}

static void
modifiers_change_print_screen_and_pause (void)
{
  g_auto(Bench) b;
  ready (&b);
  tap (&b, ALT, true);
  tap (&b, SYSRQ, true);
  tap (&b, ALT, false);
  tap (&b, SYSRQ, false);
  expect (&b, "38 54 b8 d4");
  tap (&b, CTRL, true);
  press (&b, PAUSE);
  press (&b, SYSRQ);
  tap (&b, CTRL, false);
  expect (&b, "1d e0 46 e0 c6 e0 37 e0 b7 9d");
}

static void
untranslated_keys_follow_the_chosen_set (void)
{
  g_auto(Bench) b;
  ready (&b);
  set_ctr (&b, 0x07);
  press (&b, A);
  press (&b, UP);
  expect (&b, "1c f0 1c e0 75 e0 f0 75");
  press (&b, PAUSE);
  expect (&b, "e1 14 77 e1 f0 14 f0 77");
  send (&b, 0xf0);
  send (&b, 0x03);
  expect (&b, "fa fa");
  press (&b, UP);
  press (&b, 113);   /* no code in this set */
  expect (&b, "63 f0 63");
  send (&b, 0xf0);
  send (&b, 0x00);
  expect (&b, "fa fa 03");
  send (&b, 0xf0);
  send (&b, 0x01);
  expect (&b, "fa fa");
  press (&b, UP);
  expect (&b, "e0 48 e0 c8");
}

static void
the_keyboard_identifies_itself_and_resets (void)
{
  g_auto(Bench) b;
  ready (&b);
  send (&b, 0xf2);
  expect (&b, "fa ab 41");
  send (&b, 0xff);
  expect (&b, "fa aa");
  send (&b, 0xee);
  expect (&b, "ee");
  send (&b, 0x12);
  expect (&b, "fe");
  set_ctr (&b, 0x07);
  send (&b, 0xf2);
  expect (&b, "fa ab 83");
  send (&b, 0xf3);
  send (&b, 0x20);
  expect (&b, "fa fa");
  send (&b, 0xfe);
  expect (&b, "fa");
}

static void
note_leds (void *opaque, unsigned mask)
{
  *(unsigned *) opaque = mask;
}

static void
lights_are_told_and_go_out_at_reset (void)
{
  g_auto(Bench) b;
  unsigned leds = 99;
  bench_init (&b, &vt_i8042_class, &(VtI8042Config) { .leds = { note_leds, &leds } });
  set_ctr (&b, 0x47);
  send (&b, 0xed);
  send (&b, VT_LED_NUM | VT_LED_CAPS);
  g_assert_cmpuint (leds, ==, VT_LED_NUM | VT_LED_CAPS);
  vt_device_reset (b.dev, VT_RESET_GUEST);
  g_assert_cmpuint (leds, ==, 0);
}

static void
each_byte_is_one_interrupt_edge_and_stays_readable (void)
{
  g_auto(Bench) b;
  ready (&b);
  bench_forget (&b);
  press (&b, A);
  g_assert_true (b.level[VT_I8042_WIRE_IRQ1]);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x1e);
  g_assert_false (b.level[VT_I8042_WIRE_IRQ1]);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x1e);
  vt_clock_advance (b.clock, 1000000);
  g_assert_cmpuint (b.rises[VT_I8042_WIRE_IRQ1], ==, 2);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x9e);
}

static void
an_answer_overtakes_an_unread_key (void)
{
  g_auto(Bench) b;
  ready (&b);
  press (&b, A);
  bench_out (&b, CMD, 0, 0x20);
  g_assert_cmphex (bench_in (&b, DATA, 0), ==, 0x47);
  expect (&b, "1e 9e");
}

static void
a_disabled_keyboard_keeps_its_keys (void)
{
  g_auto(Bench) b;
  ready (&b);
  bench_out (&b, CMD, 0, 0xad);
  press (&b, A);
  expect (&b, "");
  bench_out (&b, CMD, 0, 0xae);
  expect (&b, "1e 9e");
  send (&b, 0xf5);
  press (&b, A);
  expect (&b, "fa");
  send (&b, 0xf4);
  press (&b, A);
  expect (&b, "fa 1e 9e");
}

static void
a_held_key_repeats_at_the_programmed_rate (void)
{
  g_auto(Bench) b;
  ready (&b);
  send (&b, 0xf3);
  send (&b, 0x00);   /* 250 ms, 30 a second */
  expect (&b, "fa fa");
  tap (&b, X, true);
  tap (&b, X, true);   /* the host's repeat says nothing new */
  g_autofree char *got = collect (&b, 355);
  g_assert_cmpstr (got, ==, "2d 2d 2d 2d 2d");
  tap (&b, X, false);
  g_autofree char *rest = collect (&b, 1000);
  g_assert_cmpstr (rest, ==, "ad");
}

static void
no_key_sticks_when_the_queue_overflows (void)
{
  g_auto(Bench) b;
  ready (&b);
  tap (&b, SHIFT, true);
  for (unsigned i = 0; i < 100; i++)
    press (&b, A);
  tap (&b, SHIFT, false);
  g_autofree char *got = collect (&b, 200);
  g_assert_cmpuint (strlen (got), <, 3 * 70);
  g_assert_true (g_str_has_suffix (got, "aa"));   /* Shift is up after all */
}

static void
a_state_with_keys_down_lets_go_of_them (void)
{
  g_auto(Bench) b;
  ready (&b);
  tap (&b, A, true);
  expect (&b, "1e");
  g_autoptr(GByteArray) saved = g_byte_array_new ();
  vt_device_save (b.dev, saved);
  g_auto(Bench) c;
  bench_init (&c, &vt_i8042_class, NULL);
  vt_device_set_running (c.dev, false);
  vt_clock_set_now (c.clock, vt_clock_now (b.clock));
  g_autoptr(GError) error = NULL;
  g_assert_true (vt_device_load (c.dev, 1, saved->data, saved->len, &error));
  g_assert_no_error (error);
  vt_device_set_running (c.dev, true);
  expect (&c, "9e");
}

/* What a guest believes after reading set 1: one bit per code, E0 codes in the upper half. */
typedef struct
{
  bool down[256];
  bool extended;
} Believer;

static void
believe (Believer *guest, uint8_t byte)
{
  if (byte == 0xe0)
    {
      guest->extended = true;
      return;
    }
  guest->down[(byte & 0x7f) | (guest->extended ? 0x80 : 0)] = !(byte & 0x80);
  guest->extended = false;
}

static void
read_some (Bench *b, Believer *guest, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i++)
    {
      vt_clock_advance (b->clock, 400000);
      if (bench_in (b, CMD, 0) & 0x01)
        believe (guest, bench_in (b, DATA, 0));
    }
}

static void
a_guest_that_reads_now_and_then_ends_up_with_no_key_down (void)
{
  /* Pause speaks a language of its own, Hangul and Hanja have no release. */
  static const unsigned keys[] = { ESC, CTRL, A, SHIFT, X, ALT, SYSRQ, UP, 28, 57, 96, 97, 100, 125 };
  for (unsigned round = 0; round < 50; round++)
    {
      g_auto(Bench) b;
      Believer guest = { 0 };
      bool held[256] = { false };
      ready (&b);
      for (unsigned i = 0; i < 500; i++)
        {
          unsigned code = keys[g_test_rand_int_range (0, G_N_ELEMENTS (keys))];
          held[code] = !held[code];
          tap (&b, code, held[code]);
          if (g_test_rand_int_range (0, 8) == 0)
            read_some (&b, &guest, (unsigned) g_test_rand_int_range (1, 40));
        }
      for (unsigned code = 0; code < 256; code++)
        if (held[code])
          tap (&b, code, false);
      read_some (&b, &guest, 1000);
      for (unsigned code = 0; code < 256; code++)
        g_assert_false (guest.down[code]);
    }
}

static void
reset_lines_reach_the_machine (void)
{
  g_auto(Bench) b;
  ready (&b);
  bench_out (&b, CMD, 0, 0xfe);
  g_assert_cmpuint (b.requests, ==, 1);
  g_assert_cmpint (b.request, ==, VT_REQUEST_RESET);
  bench_out (&b, CMD, 0, 0xd1);
  send (&b, 0xdd);
  g_assert_cmpuint (b.requests, ==, 1);
  bench_out (&b, CMD, 0, 0xd0);
  g_assert_cmphex (bench_in (&b, DATA, 0) & 0x03, ==, 0x01);
  bench_out (&b, CMD, 0, 0xdf);
  bench_out (&b, CMD, 0, 0xd0);
  g_assert_cmphex (bench_in (&b, DATA, 0) & 0x03, ==, 0x03);
  bench_out (&b, CMD, 0, 0xd1);
  send (&b, 0x02);
  g_assert_cmpuint (b.requests, ==, 2);
}

/* --- Mouse ---------------------------------------------------------------------------------------------------------- */

static void
move (Bench *b, int32_t dx, int32_t dy)
{
  VtInputSink sink = vt_i8042_mouse (b->dev);
  sink.ops->motion (sink.opaque, dx, dy);
}

static void
hold (Bench *b, uint32_t mask)
{
  VtInputSink sink = vt_i8042_mouse (b->dev);
  sink.ops->buttons (sink.opaque, mask);
}

static void
scroll (Bench *b, int32_t clicks)
{
  VtInputSink sink = vt_i8042_mouse (b->dev);
  sink.ops->wheel (sink.opaque, 0, clicks);
}

static void
mouse_ready (Bench *b, const uint8_t knock[3])
{
  ready (b);
  for (unsigned i = 0; knock != NULL && i < 3; i++)
    {
      to_mouse (b, 0xf3);
      to_mouse (b, knock[i]);
    }
  to_mouse (b, 0xf4);
  g_autofree char *acks = collect (b, 50);
  bench_forget (b);
}

static void
the_mouse_resets_and_reports_itself (void)
{
  g_auto(Bench) b;
  ready (&b);
  to_mouse (&b, 0xff);
  expect (&b, "[fa] [aa] [00]");
  to_mouse (&b, 0xe9);
  expect (&b, "[fa] [00] [02] [64]");
  to_mouse (&b, 0xf4);
  to_mouse (&b, 0xe7);
  to_mouse (&b, 0xe8);
  to_mouse (&b, 0x03);
  expect (&b, "[fa] [fa] [fa] [fa]");
  g_assert_true (vt_i8042_mouse_enabled (b.dev));
  to_mouse (&b, 0xe9);
  expect (&b, "[fa] [30] [03] [64]");
  to_mouse (&b, 0x77);
  expect (&b, "[fe]");
}

static void
movement_becomes_packets_on_irq_12 (void)
{
  g_auto(Bench) b;
  mouse_ready (&b, NULL);
  move (&b, 5, 3);
  g_assert_true (b.level[VT_I8042_WIRE_IRQ12]);
  g_assert_false (b.level[VT_I8042_WIRE_IRQ1]);
  expect (&b, "[28] [05] [fd]");
  g_assert_cmpuint (b.rises[VT_I8042_WIRE_IRQ12], ==, 3);
  move (&b, -300, 0);
  expect (&b, "[18] [01] [00] [18] [d3] [00]");
}

static void
clicks_are_not_lost_in_a_slow_guest (void)
{
  g_auto(Bench) b;
  mouse_ready (&b, NULL);
  hold (&b, VT_BUTTON_LEFT);
  hold (&b, 0);
  hold (&b, VT_BUTTON_RIGHT | VT_BUTTON_MIDDLE);
  expect (&b, "[09] [00] [00] [08] [00] [00] [0e] [00] [00]");
}

static void
the_knock_turns_on_the_wheel_and_more_buttons (void)
{
  g_auto(Bench) b;
  mouse_ready (&b, (const uint8_t[]) { 200, 100, 80 });
  to_mouse (&b, 0xf2);
  expect (&b, "[fa] [03]");
  scroll (&b, 1);   /* away from the person is negative on the wire */
  expect (&b, "[08] [00] [00] [ff]");
  g_auto(Bench) c;
  mouse_ready (&c, (const uint8_t[]) { 200, 200, 80 });
  to_mouse (&c, 0xf2);
  expect (&c, "[fa] [04]");
  hold (&c, VT_BUTTON_SIDE);
  scroll (&c, -2);
  expect (&c, "[08] [00] [00] [10] [08] [00] [00] [12]");
}

static void
remote_and_wrap_mode_work (void)
{
  g_auto(Bench) b;
  mouse_ready (&b, NULL);
  to_mouse (&b, 0xf0);
  expect (&b, "[fa]");
  move (&b, 7, 0);
  expect (&b, "");
  to_mouse (&b, 0xeb);
  expect (&b, "[fa] [08] [07] [00]");
  to_mouse (&b, 0xeb);
  expect (&b, "[fa] [08] [00] [00]");
  to_mouse (&b, 0xee);
  to_mouse (&b, 0x55);
  to_mouse (&b, 0xec);
  to_mouse (&b, 0xea);
  expect (&b, "[fa] [55] [fa] [fa]");
  move (&b, 1, 0);
  expect (&b, "[08] [01] [00]");
}

static void
the_aux_loop_command_raises_irq_12 (void)
{
  g_auto(Bench) b;
  ready (&b);
  bench_forget (&b);
  bench_out (&b, CMD, 0, 0xd3);
  send (&b, 0xa5);
  g_assert_true (b.level[VT_I8042_WIRE_IRQ12]);
  expect (&b, "[a5]");
}

static void
unread_input_stays_bounded (void)
{
  g_auto(Bench) b;
  mouse_ready (&b, NULL);
  for (unsigned i = 0; i < 100000; i++)
    {
      move (&b, INT32_MAX, INT32_MIN);
      hold (&b, i);
      press (&b, i % 300);
      to_mouse (&b, (uint8_t) i);
      send (&b, (uint8_t) (i * 7));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/i8042/tests", the_controller_answers_its_tests);
  g_test_add_func ("/i8042/translated", keys_arrive_translated_to_set_1);
  g_test_add_func ("/i8042/modifiers", modifiers_change_print_screen_and_pause);
  g_test_add_func ("/i8042/sets", untranslated_keys_follow_the_chosen_set);
  g_test_add_func ("/i8042/keyboard-commands", the_keyboard_identifies_itself_and_resets);
  g_test_add_func ("/i8042/leds", lights_are_told_and_go_out_at_reset);
  g_test_add_func ("/i8042/edges", each_byte_is_one_interrupt_edge_and_stays_readable);
  g_test_add_func ("/i8042/overtake", an_answer_overtakes_an_unread_key);
  g_test_add_func ("/i8042/disabled", a_disabled_keyboard_keeps_its_keys);
  g_test_add_func ("/i8042/typematic", a_held_key_repeats_at_the_programmed_rate);
  g_test_add_func ("/i8042/overflow", no_key_sticks_when_the_queue_overflows);
  g_test_add_func ("/i8042/no-key-sticks", a_guest_that_reads_now_and_then_ends_up_with_no_key_down);
  g_test_add_func ("/i8042/restored-keys", a_state_with_keys_down_lets_go_of_them);
  g_test_add_func ("/i8042/reset-lines", reset_lines_reach_the_machine);
  g_test_add_func ("/i8042/mouse/identity", the_mouse_resets_and_reports_itself);
  g_test_add_func ("/i8042/mouse/movement", movement_becomes_packets_on_irq_12);
  g_test_add_func ("/i8042/mouse/clicks", clicks_are_not_lost_in_a_slow_guest);
  g_test_add_func ("/i8042/mouse/knock", the_knock_turns_on_the_wheel_and_more_buttons);
  g_test_add_func ("/i8042/mouse/modes", remote_and_wrap_mode_work);
  g_test_add_func ("/i8042/mouse/loop", the_aux_loop_command_raises_irq_12);
  g_test_add_func ("/i8042/bounds", unread_input_stays_bounded);
  return g_test_run ();
}
