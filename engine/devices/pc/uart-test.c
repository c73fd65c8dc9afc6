/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uart.h"
#include "testbench.h"

#define U &vt_uart_region

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

typedef struct
{
  VtChardev chr;
  GString  *sent;
  unsigned  accepts;
} Line;

static void
line_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  g_string_append_len (((Line *) chr)->sent, (const char *) bytes, (gssize) n);
}

static void
line_accept (VtChardev *chr)
{
  ((Line *) chr)->accepts++;
}

static const VtChardevOps line_ops = { line_write, line_accept, NULL };

static void
plug (Bench *b, Line *line)
{
  *line = (Line) { .chr.ops = &line_ops, .sent = g_string_new (NULL) };
  bench_init (b, &vt_uart_class, &(VtUartConfig) { .chr = &line->chr });
  bench_out (b, U, MCR, 0x0b);
  bench_in (b, U, MSR);
}

static void
unplug (Line *line)
{
  g_string_free (line->sent, TRUE);
}

static size_t
room (Line *line)
{
  return line->chr.client->can_receive (line->chr.client_opaque);
}

static void
arrive (Line *line, const char *text)
{
  g_assert_cmpuint (strlen (text), <=, room (line));
  line->chr.client->receive (line->chr.client_opaque, (const uint8_t *) text, strlen (text));
}

static void
written_bytes_leave_at_once (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  for (const char *c = "hello"; *c != 0; c++)
    {
      g_assert_cmphex (bench_in (&b, U, LSR), ==, 0x60);
      bench_out (&b, U, DATA, *c);
    }
  g_assert_cmpstr (line.sent->str, ==, "hello");
  unplug (&line);
}

static void
thre_interrupts_when_enabled_and_after_each_byte (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  bench_out (&b, U, IER, 0x02);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0x02);
  g_assert_false (b.level[0]);
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0x01);
  bench_out (&b, U, DATA, 'x');
  g_assert_true (b.level[0]);
  bench_out (&b, U, IER, 0x00);
  g_assert_false (b.level[0]);
  unplug (&line);
}

static void
the_trigger_level_and_the_timeout_raise_receive_interrupts (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  bench_out (&b, U, LCR, 0x83);
  bench_out (&b, U, DATA, 1);
  bench_out (&b, U, IER, 0);
  bench_out (&b, U, LCR, 0x03);
  bench_out (&b, U, IIR, 0x41);   /* FIFO on, trigger at 4 */
  bench_out (&b, U, IER, 0x01);
  arrive (&line, "abc");
  g_assert_false (b.level[0]);
  vt_clock_advance (b.clock, 340000);
  g_assert_false (b.level[0]);
  vt_clock_advance (b.clock, 10000);   /* four characters of 10 bits at 115200 baud: 347 us */
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0xcc);
  g_assert_cmphex (bench_in (&b, U, DATA), ==, 'a');
  g_assert_false (b.level[0]);
  arrive (&line, "de");
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0xc4);
  for (const char *c = "bcde"; *c != 0; c++)
    {
      g_assert_cmphex (bench_in (&b, U, LSR), ==, 0x61);
      g_assert_cmphex (bench_in (&b, U, DATA), ==, *c);
    }
  g_assert_cmphex (bench_in (&b, U, LSR), ==, 0x60);
  g_assert_false (b.level[0]);
  unplug (&line);
}

static void
the_back_end_is_told_about_room (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  g_assert_cmpuint (room (&line), ==, 1);
  arrive (&line, "x");
  g_assert_cmpuint (room (&line), ==, 0);
  unsigned before = line.accepts;
  bench_in (&b, U, DATA);
  g_assert_cmpuint (line.accepts, ==, before + 1);
  bench_out (&b, U, IIR, 0x01);
  g_assert_cmpuint (room (&line), ==, 16);
  arrive (&line, "0123456789abcdef");
  bench_out (&b, U, IIR, 0x03);   /* clear */
  g_assert_cmpuint (room (&line), ==, 16);
  unplug (&line);
}

static void
loopback_connects_data_and_modem_lines (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  bench_out (&b, U, MCR, 0x1a);   /* loop, OUT2, RTS: what probes for the chip use */
  g_assert_cmphex (bench_in (&b, U, MSR) & 0xf0, ==, 0x90);
  bench_out (&b, U, DATA, 0x5a);
  g_assert_cmpuint (line.sent->len, ==, 0);
  g_assert_cmphex (bench_in (&b, U, DATA), ==, 0x5a);
  g_assert_cmpuint (room (&line), ==, 0);
  bench_out (&b, U, LCR, 0x43);
  g_assert_cmphex (bench_in (&b, U, LSR), ==, 0x71);
  bench_out (&b, U, DATA, 1);   /* no FIFO: the break is still unread */
  g_assert_cmphex (bench_in (&b, U, LSR), ==, 0x63);
  unplug (&line);
}

static void
modem_changes_interrupt_and_out2_gates_the_line (void)
{
  g_auto(Bench) b;
  Line line;
  plug (&b, &line);
  bench_out (&b, U, IER, 0x08);
  bench_out (&b, U, MCR, 0x10);   /* looped: all lines fall */
  bench_out (&b, U, MCR, 0x03);
  g_assert_false (b.level[0]);
  bench_out (&b, U, MCR, 0x0b);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0x00);
  g_assert_cmphex (bench_in (&b, U, MSR), ==, 0xbb);
  g_assert_cmphex (bench_in (&b, U, IIR), ==, 0x01);
  g_assert_false (b.level[0]);
  unplug (&line);
}

static void
the_divisor_hides_behind_dlab_and_scratch_remembers (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_uart_class, NULL);
  bench_out (&b, U, LCR, 0x80);
  bench_out (&b, U, DATA, 0x34);
  bench_out (&b, U, IER, 0x12);
  g_assert_cmphex (bench_in (&b, U, DATA), ==, 0x34);
  g_assert_cmphex (bench_in (&b, U, IER), ==, 0x12);
  bench_out (&b, U, LCR, 0x03);
  g_assert_cmphex (bench_in (&b, U, IER), ==, 0);
  bench_out (&b, U, SCR, 0xa5);
  g_assert_cmphex (bench_in (&b, U, SCR), ==, 0xa5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uart/transmit", written_bytes_leave_at_once);
  g_test_add_func ("/uart/thre", thre_interrupts_when_enabled_and_after_each_byte);
  g_test_add_func ("/uart/receive", the_trigger_level_and_the_timeout_raise_receive_interrupts);
  g_test_add_func ("/uart/room", the_back_end_is_told_about_room);
  g_test_add_func ("/uart/loopback", loopback_connects_data_and_modem_lines);
  g_test_add_func ("/uart/modem", modem_changes_interrupt_and_out2_gates_the_line);
  g_test_add_func ("/uart/divisor", the_divisor_hides_behind_dlab_and_scratch_remembers);
  return g_test_run ();
}
