/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 16550A UART (National Semiconductor PC16550D datasheet), as a PC wires it: OUT2 gates the interrupt line.
 *
 * Bytes to transmit leave at once: the far end is a pipe, a file or a terminal emulator, which has no baud rate, and a kernel
 * that logs to its console should not wait for one.  So THRE and TEMT always read as set, and the THRE interrupt is pending
 * again as soon as a byte was written.  Only the receive time-out is timed, by the divisor, because drivers rely on it.
 */
#include "uart.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define UART_CLOCK_HZ 1843200u
#define UART_FIFO     16u

#define UART_IER_RDA   0x01u
#define UART_IER_THRE  0x02u
#define UART_IER_RLS   0x04u
#define UART_IER_MODEM 0x08u
#define UART_IER_WRITABLE 0x0fu

#define UART_IIR_MODEM   0x00u
#define UART_IIR_NONE    0x01u
#define UART_IIR_THRE    0x02u
#define UART_IIR_RDA     0x04u
#define UART_IIR_RLS     0x06u
#define UART_IIR_TIMEOUT 0x0cu
#define UART_IIR_FIFO    0xc0u

#define UART_FCR_ENABLE   0x01u
#define UART_FCR_CLEAR_RX 0x02u
#define UART_FCR_WRITABLE 0xc9u   /* enable, DMA mode, trigger */

#define UART_LCR_WORD  0x03u
#define UART_LCR_STOP2 0x04u
#define UART_LCR_PARITY 0x08u
#define UART_LCR_BREAK 0x40u
#define UART_LCR_DLAB  0x80u

#define UART_MCR_DTR  0x01u
#define UART_MCR_RTS  0x02u
#define UART_MCR_OUT1 0x04u
#define UART_MCR_OUT2 0x08u
#define UART_MCR_LOOP 0x10u
#define UART_MCR_WRITABLE 0x1fu

#define UART_LSR_DR     0x01u
#define UART_LSR_OE     0x02u
#define UART_LSR_BI     0x10u
#define UART_LSR_ERRORS 0x1eu
#define UART_LSR_THRE   0x20u
#define UART_LSR_TEMT   0x40u
#define UART_LSR_FIFO_ERROR 0x80u

#define UART_MSR_DELTA_CTS 0x01u
#define UART_MSR_DELTA_DSR 0x02u
#define UART_MSR_TERI      0x04u
#define UART_MSR_DELTA_DCD 0x08u
#define UART_MSR_DELTAS    0x0fu
#define UART_MSR_CTS 0x10u
#define UART_MSR_DSR 0x20u
#define UART_MSR_RI  0x40u
#define UART_MSR_DCD 0x80u

enum
{
  UART_DATA,      /* RBR, THR; DLL */
  UART_IER,       /* DLM */
  UART_IIR_FCR,
  UART_LCR,
  UART_MCR,
  UART_LSR,
  UART_MSR,
  UART_SCR,
  UART_REGISTERS,
};

typedef struct
{
  uint64_t timeout_ns;          /* guest time at which the receive time-out strikes; 0: not waiting */
  uint8_t  fifo[UART_FIFO];
  uint8_t  fifo_errors[UART_FIFO];   /* UART_LSR_ERRORS that came with each byte */
  uint8_t  fifo_count;
  uint8_t  ier, fcr, lcr, mcr, scr, dll, dlm;
  uint8_t  lsr_errors;          /* shown until LSR is read */
  uint8_t  msr_deltas;          /* until MSR is read */
  uint8_t  msr_lines;           /* the deltas are relative to this */
  bool     thre_pending;
  bool     timeout_pending;
  uint8_t  pad_[3];
} UartState;

static const VtField uart_fields[] = {
  VT_FIELD (UartState, timeout_ns), VT_FIELD (UartState, fifo), VT_FIELD (UartState, fifo_errors),
  VT_FIELD (UartState, fifo_count), VT_FIELD (UartState, ier), VT_FIELD (UartState, fcr), VT_FIELD (UartState, lcr),
  VT_FIELD (UartState, mcr), VT_FIELD (UartState, scr), VT_FIELD (UartState, dll), VT_FIELD (UartState, dlm),
  VT_FIELD (UartState, lsr_errors), VT_FIELD (UartState, msr_deltas), VT_FIELD (UartState, msr_lines),
  VT_FIELD (UartState, thre_pending), VT_FIELD (UartState, timeout_pending), VT_FIELD (UartState, pad_),
};

static const UartState uart_at_reset = { .dll = 12 };   /* 9600 baud, what most firmware would set */

typedef struct
{
  VtDevice   dev;
  UartState  s;
  VtIrq      irq;
  VtClock   *clock;
  VtTimer   *timeout;
  VtChardev *chr;
} Uart;

/* --- Interrupts ----------------------------------------------------------------------------------------------------- */

static unsigned
trigger_level (const UartState *s)
{
  static const uint8_t levels[4] = { 1, 4, 8, 14 };
  return s->fcr & UART_FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

/* The pending interrupt of highest priority, as IIR shows it (table 5 of the datasheet). */
static uint8_t
interrupt_id (const UartState *s)
{
  if ((s->ier & UART_IER_RLS) && s->lsr_errors != 0)
    return UART_IIR_RLS;
  if ((s->ier & UART_IER_RDA) && s->fifo_count >= trigger_level (s))
    return UART_IIR_RDA;
  if ((s->ier & UART_IER_RDA) && s->timeout_pending)
    return UART_IIR_TIMEOUT;
  if ((s->ier & UART_IER_THRE) && s->thre_pending)
    return UART_IIR_THRE;
  if ((s->ier & UART_IER_MODEM) && s->msr_deltas != 0)
    return UART_IIR_MODEM;
  return UART_IIR_NONE;
}

static void
update (Uart *uart)
{
  const UartState *s = &uart->s;
  bool connected = (s->mcr & (UART_MCR_OUT2 | UART_MCR_LOOP)) == UART_MCR_OUT2;
  vt_irq_set (&uart->irq, connected && interrupt_id (s) != UART_IIR_NONE);
}

/* --- Receiving ------------------------------------------------------------------------------------------------------ */

static unsigned
capacity (const UartState *s)
{
  return s->fcr & UART_FCR_ENABLE ? UART_FIFO : 1;
}

/* Start, data, parity and stop bits at the programmed speed. */
static int64_t
character_ns (const UartState *s)
{
  unsigned bits = 1 + 5 + (s->lcr & UART_LCR_WORD) + (s->lcr & UART_LCR_PARITY ? 1 : 0) + (s->lcr & UART_LCR_STOP2 ? 2 : 1);
  unsigned divisor = s->dll | s->dlm << 8;
  return vt_ticks_to_ns ((uint64_t) bits * 16 * MAX (divisor, 1), UART_CLOCK_HZ);
}

/* The FIFO was touched: the time-out of four characters starts over ("FIFO interrupt mode operation" in the datasheet). */
static void
restart_timeout (Uart *uart)
{
  UartState *s = &uart->s;
  s->timeout_pending = false;
  s->timeout_ns = 0;
  if ((s->fcr & UART_FCR_ENABLE) && s->fifo_count > 0)
    {
      s->timeout_ns = vt_clock_now (uart->clock) + 4 * character_ns (s);
      vt_timer_arm (uart->timeout, s->timeout_ns);
    }
  else
    vt_timer_cancel (uart->timeout);
}

static void
timeout_expired (void *opaque, int64_t late_ns)
{
  Uart *uart = opaque;
  uart->s.timeout_ns = 0;
  uart->s.timeout_pending = true;
  update (uart);
}

static void
push (Uart *uart, uint8_t byte, uint8_t errors)
{
  UartState *s = &uart->s;
  if (s->fifo_count == capacity (s))
    {
      s->lsr_errors |= UART_LSR_OE;
      return;
    }
  if (s->fifo_count == 0)
    s->lsr_errors |= errors;   /* shown when the byte reaches the top */
  s->fifo[s->fifo_count] = byte;
  s->fifo_errors[s->fifo_count] = errors;
  s->fifo_count++;
  restart_timeout (uart);
}

static uint8_t
pop (Uart *uart)
{
  UartState *s = &uart->s;
  if (s->fifo_count == 0)
    return 0;
  uint8_t byte = s->fifo[0];
  s->fifo_count--;
  memmove (s->fifo, s->fifo + 1, s->fifo_count);
  memmove (s->fifo_errors, s->fifo_errors + 1, s->fifo_count);
  if (s->fifo_count > 0)
    s->lsr_errors |= s->fifo_errors[0];
  restart_timeout (uart);
  return byte;
}

static void
clear_receiver (Uart *uart)
{
  uart->s.fifo_count = 0;
  restart_timeout (uart);
}

/* While looped back the line is not listened to: what arrives then waits in the back end. */
static size_t
can_receive (void *opaque)
{
  const Uart *uart = opaque;
  const UartState *s = &uart->s;
  return s->mcr & UART_MCR_LOOP ? 0 : capacity (s) - MIN (s->fifo_count, capacity (s));
}

static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  Uart *uart = opaque;
  for (size_t i = 0; i < n; i++)
    push (uart, bytes[i], 0);
  update (uart);
}

static const VtChardevClient client = { can_receive, receive };

/* The back end may call receive() from inside. */
static void
tell_room (Uart *uart)
{
  if (can_receive (uart) > 0)
    vt_chardev_accept (uart->chr);
}

/* --- Modem lines ---------------------------------------------------------------------------------------------------- */

static uint8_t
modem_lines (const Uart *uart)
{
  const UartState *s = &uart->s;
  if (!(s->mcr & UART_MCR_LOOP))
    return uart->chr != NULL ? UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD : 0;
  return (s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) | (s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0)
         | (s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) | (s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void
watch_modem_lines (Uart *uart)
{
  UartState *s = &uart->s;
  uint8_t lines = modem_lines (uart), changed = lines ^ s->msr_lines;
  s->msr_lines = lines;
  s->msr_deltas |= (changed & UART_MSR_CTS ? UART_MSR_DELTA_CTS : 0) | (changed & UART_MSR_DSR ? UART_MSR_DELTA_DSR : 0)
                   | (changed & ~lines & UART_MSR_RI ? UART_MSR_TERI : 0)
                   | (changed & UART_MSR_DCD ? UART_MSR_DELTA_DCD : 0);
}

/* --- Registers ------------------------------------------------------------------------------------------------------ */

static uint8_t
read_iir (Uart *uart)
{
  UartState *s = &uart->s;
  uint8_t id = interrupt_id (s);
  if (id == UART_IIR_THRE)
    s->thre_pending = false;   /* reading IIR answers this one */
  return id | (s->fcr & UART_FCR_ENABLE ? UART_IIR_FIFO : 0);
}

static uint8_t
read_lsr (Uart *uart)
{
  UartState *s = &uart->s;
  uint8_t value = UART_LSR_THRE | UART_LSR_TEMT | s->lsr_errors | (s->fifo_count > 0 ? UART_LSR_DR : 0);
  if (s->fcr & UART_FCR_ENABLE)
    for (unsigned i = 0; i < s->fifo_count; i++)
      value |= s->fifo_errors[i] != 0 ? UART_LSR_FIFO_ERROR : 0;
  s->lsr_errors = 0;
  if (s->fifo_count > 0)
    s->fifo_errors[0] = 0;
  return value;
}

static uint8_t
read_msr (Uart *uart)
{
  UartState *s = &uart->s;
  watch_modem_lines (uart);
  uint8_t value = s->msr_lines | s->msr_deltas;
  s->msr_deltas = 0;
  return value;
}

static uint8_t
read_register (Uart *uart, uint64_t off)
{
  UartState *s = &uart->s;
  bool dlab = s->lcr & UART_LCR_DLAB;
  switch (off)
    {
    case UART_DATA: return dlab ? s->dll : pop (uart);
    case UART_IER: return dlab ? s->dlm : s->ier;
    case UART_IIR_FCR: return read_iir (uart);
    case UART_LCR: return s->lcr;
    case UART_MCR: return s->mcr;
    case UART_LSR: return read_lsr (uart);
    case UART_MSR: return read_msr (uart);
    case UART_SCR: return s->scr;
    }
  g_assert_not_reached ();
}

static uint64_t
uart_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Uart *uart = (Uart *) dev;
  uint8_t value = read_register (uart, off);
  trace_uart_read (off, value);
  update (uart);
  if (off == UART_DATA)
    tell_room (uart);
  return value;
}

static void
transmit (Uart *uart, uint8_t byte)
{
  UartState *s = &uart->s;
  if (s->mcr & UART_MCR_LOOP)
    push (uart, byte, 0);
  else
    vt_chardev_write (uart->chr, &byte, 1);
  s->thre_pending = true;
}

static void
write_ier (Uart *uart, uint8_t value)
{
  UartState *s = &uart->s;
  /* Switching it on with an empty transmitter raises it: drivers start their output this way. */
  if ((value & ~s->ier) & UART_IER_THRE)
    s->thre_pending = true;
  s->ier = value & UART_IER_WRITABLE;
}

static void
write_fcr (Uart *uart, uint8_t value)
{
  UartState *s = &uart->s;
  bool toggled = (value ^ s->fcr) & UART_FCR_ENABLE;
  s->fcr = value & UART_FCR_ENABLE ? value & UART_FCR_WRITABLE : 0;   /* the other bits need bit 0 set */
  if (toggled || (value & UART_FCR_CLEAR_RX))
    clear_receiver (uart);
}

static void
write_lcr (Uart *uart, uint8_t value)
{
  UartState *s = &uart->s;
  bool breaks = (value & ~s->lcr) & UART_LCR_BREAK;
  s->lcr = value;
  if (breaks && (s->mcr & UART_MCR_LOOP))
    push (uart, 0, UART_LSR_BI);
}

static void
write_register (Uart *uart, uint64_t off, uint8_t value)
{
  UartState *s = &uart->s;
  bool dlab = s->lcr & UART_LCR_DLAB;
  switch (off)
    {
    case UART_DATA:
      if (dlab)
        s->dll = value;
      else
        transmit (uart, value);
      break;
    case UART_IER:
      if (dlab)
        s->dlm = value;
      else
        write_ier (uart, value);
      break;
    case UART_IIR_FCR:
      write_fcr (uart, value);
      break;
    case UART_LCR:
      write_lcr (uart, value);
      break;
    case UART_MCR:
      watch_modem_lines (uart);
      s->mcr = value & UART_MCR_WRITABLE;
      watch_modem_lines (uart);
      break;
    case UART_SCR:
      s->scr = value;
      break;
    default:
      break;   /* LSR and MSR: factory test only */
    }
}

static void
uart_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Uart *uart = (Uart *) dev;
  trace_uart_write (off, (uint8_t) value);
  write_register (uart, off, (uint8_t) value);
  update (uart);
  if (off == UART_IIR_FCR || off == UART_MCR)
    tell_room (uart);
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const UartState *s = incoming;
  bool lengths = s->fifo_count <= capacity (s) && s->timeout_ns <= INT64_MAX;
  bool bits = !(s->ier & ~UART_IER_WRITABLE) && !(s->fcr & ~UART_FCR_WRITABLE) && !(s->mcr & ~UART_MCR_WRITABLE)
              && !(s->lsr_errors & ~UART_LSR_ERRORS) && !(s->msr_deltas & ~UART_MSR_DELTAS)
              && !(s->msr_lines & UART_MSR_DELTAS);
  if (lengths && bits)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved serial port state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  Uart *uart = (Uart *) dev;
  if (uart->s.timeout_ns != 0)
    vt_timer_arm (uart->timeout, (int64_t) uart->s.timeout_ns);
  else
    vt_timer_cancel (uart->timeout);
  update (uart);
}

static void
resume (VtDevice *dev)
{
  tell_room ((Uart *) dev);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Uart *uart = (Uart *) dev;
  const VtUartConfig *config = env->config;
  uart->clock = env->clock;
  uart->irq = env->n_wires > VT_UART_WIRE_IRQ ? env->wires[VT_UART_WIRE_IRQ] : vt_irq_detached ("uart");
  uart->timeout = vt_timer_new (env->clock, "uart timeout", 0, timeout_expired, uart);
  uart->chr = config != NULL ? config->chr : NULL;
  vt_chardev_connect (uart->chr, &client, uart);
  return true;
}

static void
finalize (VtDevice *dev)
{
  Uart *uart = (Uart *) dev;
  vt_chardev_connect (uart->chr, NULL, NULL);
  vt_timer_free (uart->timeout);
}

static const VtRegionOps uart_ops = { uart_read, uart_write, 1, 1 };
const VtRegion vt_uart_region = { "uart", UART_REGISTERS, &uart_ops };
static const VtRegion *const uart_regions[] = { &vt_uart_region, NULL };

const VtDeviceClass vt_uart_class = {
  .name = "uart",
  .summary = "16550A serial port",
  .instance_size = sizeof (Uart),
  .state_off = offsetof (Uart, s),
  .state = VT_STATE (1, UartState, uart_fields, &uart_at_reset),
  .regions = uart_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .resume = resume,
  .finalize = finalize,
};
