/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Back ends on file descriptors: null, file, stdio, pty. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backends.h"
#include "pending.h"
#include "vitrine/error.h"

#define OUTPUT_MAX  (1024u * 1024u)   /* waiting for a slow reader; beyond it output is dropped */
#define INPUT_MAX   (64u * 1024u)     /* waiting for the guest; then no more is read */
#define ESCAPE_BYTE 0x1du             /* Ctrl+] */

typedef struct
{
  VtChardev   chr;
  VtLoop     *loop;
  int         in_fd, out_fd;
  bool        own_fds;
  int         keep_fd;    /* the slave of a pty, so that it never looks closed; -1 otherwise */
  bool        is_terminal;
  GSource    *in_source, *out_source;
  VtPending   pending;    /* input */
  bool        ended;      /* there is no more of it */
  GByteArray *output;
  void      (*escape) (void *opaque);
  void       *escape_opaque;
} Descriptor;

static struct termios saved_terminal;
static bool           terminal_is_raw;

static void
restore_terminal (void)
{
  if (terminal_is_raw)
    tcsetattr (STDIN_FILENO, TCSANOW, &saved_terminal);
  terminal_is_raw = false;
}

static void
make_terminal_raw (void)
{
  if (tcgetattr (STDIN_FILENO, &saved_terminal) != 0)
    return;
  struct termios raw = saved_terminal;
  cfmakeraw (&raw);
  raw.c_oflag |= OPOST | ONLCR;
  if (tcsetattr (STDIN_FILENO, TCSANOW, &raw) == 0)
    {
      terminal_is_raw = true;
      atexit (restore_terminal);
    }
}

/* Writes what the descriptor takes now; true when nothing is left. */
static bool
flush_output (Descriptor *d)
{
  while (d->output->len > 0)
    {
      ssize_t n = write (d->out_fd, d->output->data, d->output->len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return false;
      if (n <= 0)
        {
          /* The reader is gone: what it did not take is lost, the guest goes on. */
          g_byte_array_set_size (d->output, 0);
          return true;
        }
      g_byte_array_remove_range (d->output, 0, (guint) n);
    }
  return true;
}

static bool
out_ready (void *opaque, int fd, GIOCondition condition)
{
  Descriptor *d = opaque;
  if (!flush_output (d))
    return true;
  g_clear_pointer (&d->out_source, g_source_unref);
  return false;
}

static void
descriptor_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  Descriptor *d = (Descriptor *) chr;
  if (d->out_fd < 0)
    return;
  guint room = OUTPUT_MAX - MIN (d->output->len, OUTPUT_MAX);
  g_byte_array_append (d->output, bytes, (guint) MIN (n, room));
  if (!flush_output (d) && d->out_source == NULL && d->loop != NULL)
    d->out_source = vt_loop_watch (d->loop, d->out_fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, out_ready, d);
}

static bool in_ready (void *opaque, int fd, GIOCondition condition);

/* While much waits for the guest, whoever writes waits, too. Not a person, who may want to escape. */
static bool
may_read (const Descriptor *d)
{
  return d->in_fd >= 0 && !d->ended && (d->is_terminal || vt_pending_len (&d->pending) < INPUT_MAX);
}

static void
watch_input (Descriptor *d)
{
  if (d->in_source == NULL && may_read (d))
    d->in_source = vt_loop_watch (d->loop, d->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, in_ready, d);
}

static void
descriptor_accept (VtChardev *chr)
{
  Descriptor *d = (Descriptor *) chr;
  vt_pending_deliver (chr, &d->pending);
  watch_input (d);
}

static bool
in_ready (void *opaque, int fd, GIOCondition condition)
{
  Descriptor *d = opaque;
  uint8_t     buffer[4096];
  ssize_t     n = read (fd, buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0)
    {
      d->ended = true;
      g_clear_pointer (&d->in_source, g_source_unref);
      return false;
    }
  const uint8_t *escape = d->is_terminal && d->escape != NULL ? memchr (buffer, ESCAPE_BYTE, (size_t) n) : NULL;
  if (escape != NULL)
    {
      n = escape - buffer;
      d->escape (d->escape_opaque);
    }
  vt_pending_push (&d->chr, &d->pending, buffer, (size_t) n);
  if (may_read (d))
    return true;
  g_clear_pointer (&d->in_source, g_source_unref);
  return false;
}

static void
descriptor_close (VtChardev *chr)
{
  Descriptor *d = (Descriptor *) chr;
  vt_loop_unwatch (d->in_source);
  vt_loop_unwatch (d->out_source);
  flush_output (d);
  if (d->is_terminal)
    restore_terminal ();
  if (d->own_fds && d->out_fd >= 0)
    close (d->out_fd);
  if (d->own_fds && d->in_fd >= 0 && d->in_fd != d->out_fd)
    close (d->in_fd);
  if (d->keep_fd >= 0)
    close (d->keep_fd);
  vt_pending_clear (&d->pending);
  g_byte_array_unref (d->output);
  g_free (d);
}

static const VtChardevOps descriptor_ops = { descriptor_write, descriptor_accept, descriptor_close };

static Descriptor *
descriptor_new (VtLoop *loop, int in_fd, int out_fd, bool own_fds)
{
  Descriptor *d = g_new0 (Descriptor, 1);
  d->chr.ops = &descriptor_ops;
  d->loop = loop;
  d->in_fd = in_fd;
  d->out_fd = out_fd;
  d->own_fds = own_fds;
  d->keep_fd = -1;
  vt_pending_init (&d->pending);
  d->output = g_byte_array_new ();
  if (in_fd >= 0)
    {
      g_unix_set_fd_nonblocking (in_fd, TRUE, NULL);
      watch_input (d);
    }
  return d;
}

VtChardev *
vt_chardev_null_new (void)
{
  return &descriptor_new (NULL, -1, -1, false)->chr;
}

VtChardev *
vt_chardev_file_new (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Cannot write serial output to “%s”: %s", path, g_strerror (errno));
      return NULL;
    }
  return &descriptor_new (NULL, -1, fd, true)->chr;
}

VtChardev *
vt_chardev_stdio_new (VtLoop *loop, void (*escape) (void *opaque), void *opaque, GError **error)
{
  static bool taken;
  if (taken)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Only one serial port can use the terminal");
      return NULL;
    }
  taken = true;
  /* Output stays blocking: it may be the same open file as the shell's. A pipe that nobody reads would stop the guest,
   * which is what a person expects of a pipe. */
  Descriptor *d = descriptor_new (loop, STDIN_FILENO, STDOUT_FILENO, false);
  d->escape = escape;
  d->escape_opaque = opaque;
  d->is_terminal = isatty (STDIN_FILENO);
  if (d->is_terminal)
    make_terminal_raw ();
  return &d->chr;
}

VtChardev *
vt_chardev_pty_new (VtLoop *loop, char **slave, GError **error)
{
  int         fd = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  char        name[128];
  struct termios raw;
  if (fd < 0 || grantpt (fd) != 0 || unlockpt (fd) != 0 || ptsname_r (fd, name, sizeof name) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot open a pseudo terminal: %s", g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  if (tcgetattr (fd, &raw) == 0)
    {
      cfmakeraw (&raw);
      tcsetattr (fd, TCSANOW, &raw);
    }
  *slave = g_strdup (name);
  /* Keep a descriptor of the slave ourselves: without any, reads fail with EIO until someone opens it. */
  int keep = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  Descriptor *d = descriptor_new (loop, fd, fd, true);
  d->keep_fd = keep;
  g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  return &d->chr;
}
