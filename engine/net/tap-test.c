/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TAP devices and bridges: frames over a pair of sockets that behaves like one, a real device where root can make it, and helpers that
 * say no. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge.h"
#include "networks.h"
#include "vitrine/error.h"
#include "vitrine/tap.h"

enum { ETHERNET = 14, ARP_FRAME = 42 };

typedef struct
{
  VtLock   lock;
  VtLoop  *loop;
  VtNet   *net;
  unsigned n, replies;    /* frames, and ARP replies among them; machine lock */
  uint8_t  last[64];
  unsigned removed;       /* warnings that the device is gone */
} Fixture;

static void
heard (void *opaque, const uint8_t *frame, size_t len)
{
  Fixture *f = opaque;
  f->n++;
  f->replies += len >= ARP_FRAME && frame[12] == 0x08 && frame[13] == 0x06 && frame[21] == 2;
  memcpy (f->last, frame, MIN (len, sizeof f->last));
}

static const VtNetClientOps client = { heard };

static Fixture *
fixture_new (int fd)
{
  Fixture *f = g_new0 (Fixture, 1);
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  vt_lock (&f->lock);
  f->net = vt_tap_net_new (f->loop, fd);
  f->net->client = &client;
  f->net->client_opaque = f;
  vt_unlock (&f->lock);
  return f;
}

static void
fixture_free (Fixture *f)
{
  vt_lock (&f->lock);
  f->net->ops->close (f->net);
  vt_unlock (&f->lock);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
transmit (Fixture *f, const uint8_t *frame, size_t len)
{
  vt_lock (&f->lock);
  f->net->ops->send (f->net, frame, len);
  vt_unlock (&f->lock);
}

static bool
has_come (Fixture *f, const unsigned *count, unsigned n, gint64 end)
{
  vt_lock (&f->lock);
  bool come = *count >= n;
  vt_unlock (&f->lock);
  g_assert_cmpint (g_get_monotonic_time (), <, end);
  return come;
}

static void
await (Fixture *f, const unsigned *count, unsigned n)
{
  gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  while (!has_come (f, count, n, end))
    g_thread_yield ();
}

static void
make_pair (int ends[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==, 0);
}

static void
frames_go_in_and_out (void)
{
  int     ends[2];
  uint8_t frame[1514] = { 0x52, 0x54, 0, 0, 0, 1 }, got[2000];
  make_pair (ends);
  g_autoptr (Fixture) f = fixture_new (ends[0]);
  transmit (f, frame, sizeof frame);
  g_assert_cmpint (read (ends[1], got, sizeof got), ==, sizeof frame);
  g_assert_cmpmem (got, sizeof frame, frame, sizeof frame);
  g_assert_cmpint (write (ends[1], frame, 3), ==, 3);             /* not even addresses */
  for (uint8_t i = 1; i <= 200; i++)                              /* more than a turn takes */
    {
      frame[20] = i;
      while (write (ends[1], frame, 60) < 0)
        g_assert_cmpint (errno, ==, EAGAIN);
    }
  await (f, &f->n, 200);
  g_assert_cmpuint (f->n, ==, 200);
  g_assert_cmpuint (f->last[20], ==, 200);
  g_assert_true (f->net->from_wire);
  g_clear_pointer (&f, fixture_free);      /* first, as the other end's end is the device's */
  close (ends[1]);
}

/* What is full takes no more, and nobody waits for it. */
static void
frames_that_find_no_room_are_lost (void)
{
  int     ends[2], n = 0;
  uint8_t frame[1514] = { 0 };
  make_pair (ends);
  g_autoptr (Fixture) f = fixture_new (ends[0]);
  for (unsigned i = 0; i < 5000; i++)
    transmit (f, frame, sizeof frame);
  while (read (ends[1], frame, sizeof frame) > 0)
    n++;
  g_assert_cmpint (n, >, 0);
  g_assert_cmpint (n, <, 5000);
  g_clear_pointer (&f, fixture_free);      /* first, as the other end's end is the device's */
  close (ends[1]);
}

/* --- A real device ------------------------------------------------------------------------------------------------- */

static bool
ip (const char *arguments)
{
  g_autofree char *command = g_strconcat ("ip ", arguments, NULL);
  int status = -1;
  return g_spawn_command_line_sync (command, NULL, NULL, &status, NULL) && status == 0;
}

/* In a network of its own, of this process and what it starts. */
static bool
make_device (void)
{
  if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0)
    g_test_skip ("a network namespace takes root");
  else if (!ip ("tuntap add dev vt0 mode tap user 1234") || !ip ("addr add 10.9.9.1/24 dev vt0") || !ip ("link set vt0 up"))
    g_test_skip ("this system makes no TAP devices");
  else
    return true;
  return false;
}

static void
expect_problem (int fd, GError **error, const char *words)
{
  g_assert_cmpint (fd, ==, -1);
  g_assert_nonnull (*error);
  g_test_message ("%s", (*error)->message);
  g_assert_nonnull (strstr ((*error)->message, words));
  g_clear_error (error);
}

/* With udev, all may open the driver; without, it is root's alone. */
static bool
set_driver_mode (mode_t mode)
{
  return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
         && mount ("none", "/dev/net", "tmpfs", 0, NULL) == 0 && mknod ("/dev/net/tun", S_IFCHR, makedev (10, 200)) == 0
         && chmod ("/dev/net/tun", mode) == 0;
}

/* Of `open`, in a process without any rights, where the driver has that mode. */
static void
expect_problem_of_nobody (int (*open) (GError **error), mode_t mode, const char *words)
{
  int   status = 0;
  pid_t child = fork ();
  if (child == 0)
    {
      g_autoptr (GError) error = NULL;
      if (!set_driver_mode (mode) || setresgid (65534, 65534, 65534) != 0 || setresuid (65534, 65534, 65534) != 0)
        _exit (2);
      _exit (open (&error) == -1 && strstr (error->message, words) != NULL ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

static int
open_device (GError **error)
{
  return vt_tap_open ("vt0", error);
}

/* RFC 826: who has 10.9.9.1? Tell 10.9.9.2. */
static void
ask_for_the_address (Fixture *f)
{
  static const uint8_t question[ARP_FRAME] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 2, 0x08, 0x06,                             /* Ethernet */
    0, 1, 0x08, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 10, 9, 9, 2, 0, 0, 0, 0, 0, 0, 10, 9, 9, 1,
  };
  transmit (f, question, sizeof question);
}

/* On the loop, with the lock. */
static void
take_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  Fixture *f = data;
  f->removed++;
  g_assert_nonnull (strstr (message, "removed"));
}

static void
turn (void *count)
{
  ++*(unsigned *) count;
}

/* The loop does not turn about a descriptor that is ready for ever. */
static void
lose_the_device (Fixture *f)
{
  unsigned turns = 0;
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_default_handler (take_warning, f);
  g_assert_true (ip ("link del vt0"));
  await (f, &f->removed, 1);
  for (unsigned i = 1; i <= 3; i++)
    {
      vt_loop_post (f->loop, turn, &turns);
      await (f, &turns, i);
    }
  g_assert_cmpuint (f->removed, ==, 1);
  ask_for_the_address (f);
  g_log_set_default_handler (g_log_default_handler, NULL);
}

/* The kernel loses what it sends until it has noticed, some time after that, that somebody has the device. */
static void
await_answer (Fixture *f)
{
  gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  while (!has_come (f, &f->replies, 1, end))
    {
      ask_for_the_address (f);
      g_usleep (10 * 1000);
    }
}

static void
a_device_of_this_computer_is_a_network (void)
{
  g_autoptr (GError) error = NULL;
  if (!make_device ())
    return;
  expect_problem (vt_tap_open ("vt1", &error), &error, "ip tuntap add dev vt1 mode tap user");
  expect_problem (vt_tap_open ("lo", &error), &error, "no TAP device");
  expect_problem_of_nobody (open_device, 0666, "ip tuntap del dev vt0 mode tap");
  expect_problem_of_nobody (open_device, 0600, "chmod a+rw /dev/net/tun");
  int fd = vt_tap_open ("vt0", &error);
  g_assert_no_error (error);
  expect_problem (vt_tap_open ("vt0", &error), &error, "in use");
  g_assert_true (vt_tap_check (fd, &error));
  g_autoptr (Fixture) f = fixture_new (fd);
  await_answer (f);
  lose_the_device (f);
}

/* --- Bridges ------------------------------------------------------------------------------------------------------- */

static char *helper;      /* says what it is told to, as bridges are called */

static void
write_helper (void)
{
  static const char text[] = "#!/usr/bin/python3\n"
                             "import array, os, socket, sys\n"
                             "assert sys.argv[1:] == ['--br=lo', '--fd=3'], sys.argv\n"
                             "what = os.environ['VITRINE_TEST_HELPER']\n"
                             "if what == 'good':\n"
                             "    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)\n"
                             "    socket.send_fds(end, [b'x'], [os.open('/dev/null', os.O_RDWR)])\n"
                             "elif what == 'flood':\n"
                             "    while True:\n"
                             "        os.write(2, b'x' * 4096)\n"
                             "sys.exit(what)\n";
  helper = g_build_filename (g_get_tmp_dir (), "vitrine-helper-XXXXXX", NULL);
  int fd = g_mkstemp_full (helper, O_WRONLY, 0755);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
  g_chmod (helper, 0755);
}

static int
join (GError **error)
{
  return vt_bridge_open_through (helper, "lo", error);
}

static void
a_bridge_is_joined_by_a_helper (void)
{
  static const struct { const char *says, *sentence; } refusals[] = {
    { "access denied by acl file", "as root: allow lo" },
    { "failed to create tun device: no", "failed to create tun device: no" },
    { "", "gives no reason" },
    { "flood", "xxxx" },
  };
  g_autoptr (GError) error = NULL;
  write_helper ();
  g_setenv ("VITRINE_TEST_HELPER", "good", TRUE);
  int fd = join (&error);
  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, !=, 0);
  close (fd);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_setenv ("VITRINE_TEST_HELPER", refusals[i].says, TRUE);
      if (geteuid () == 0)
        expect_problem (join (&error), &error, refusals[i].sentence);
      else
        expect_problem (join (&error), &error, "chmod u+s");
    }
  if (geteuid () == 0)
    expect_problem_of_nobody (join, 0666, "chmod u+s");
  g_unlink (helper);
  expect_problem (join (&error), &error, "No such file");
  expect_problem (vt_bridge_open_through (helper, "no-such-bridge", &error), &error, "has no bridge");
  expect_problem (vt_bridge_open ("a name with spaces", &error), &error, "“a name with spaces”");
  g_free (helper);
}

static void
what_is_no_device_is_refused (void)
{
  int files[] = { open ("/dev/null", O_RDWR), open ("/dev/net/tun", O_RDWR), open ("/", O_RDONLY), -1 };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (vt_tap_check (files[i], &error));
      g_assert_nonnull (strstr (error->message, "not a TAP device"));
      if (files[i] >= 0)
        close (files[i]);
    }
}

static void
names_of_devices_are_what_the_kernel_takes (void)
{
  static const char *const good[] = { "br0", "enp0s31f6.100", "a23456789012345" };
  static const char *const bad[] = { "", ".", "..", "a b", "a/b", "eth0:1", "a234567890123456" };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (vt_net_device_name_valid (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (vt_net_device_name_valid (bad[i]));
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tap/what is no device is refused", what_is_no_device_is_refused);
  g_test_add_func ("/tap/names", names_of_devices_are_what_the_kernel_takes);
  g_test_add_func ("/tap/bridge", a_bridge_is_joined_by_a_helper);
  g_test_add_func ("/tap/frames", frames_go_in_and_out);
  g_test_add_func ("/tap/full", frames_that_find_no_room_are_lost);
  g_test_add_func ("/tap/device", a_device_of_this_computer_is_a_network);
  return g_test_run ();
}
