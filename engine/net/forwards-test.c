/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports that are forwarded while the network is in use, with a guest that knows just enough of IPv4, UDP and TCP. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user-rig.h"
#include "vitrine/config.h"
#include "vitrine/error.h"

#define PATIENCE_US (10 * G_USEC_PER_SEC)

enum { ETH = 14, IP = 20, TCP = 20 };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

typedef struct
{
  UserRig  rig;
  /* What came to the guest; atomic */
  int      udp_port, syn_port, tcp_bytes;
  GQueue   answers;   /* GBytes: frames that the guest sends next; machine lock */
} Fixture;

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

/* --- The guest ---------------------------------------------------------------------------------------------------------- */

static uint32_t
add_words (const uint8_t *bytes, size_t n, uint32_t sum)
{
  for (size_t i = 0; i < n; i++)
    sum += (uint32_t) bytes[i] << (i % 2 == 0 ? 8 : 0);
  return sum;
}

static void
put_checksum (uint8_t *at, uint32_t sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  at[0] = (uint8_t) (~sum >> 8);
  at[1] = (uint8_t) ~sum;
}

/* Turns an ARP question for 10.0.2.15 into its answer. */
static void
answer_arp (Fixture *f, const uint8_t *frame)
{
  static const uint8_t mine[4] = { 10, 0, 2, 15 };
  uint8_t answer[42];
  if (frame[21] != 1 || memcmp (frame + 38, mine, 4) != 0)
    return;
  memcpy (answer, frame, sizeof answer);
  memcpy (answer, frame + 6, 6);
  memcpy (answer + 6, guest_mac, 6);
  answer[21] = 2;
  memcpy (answer + 22, guest_mac, 6);
  memcpy (answer + 28, mine, 4);
  memcpy (answer + 32, frame + 22, 10);
  g_queue_push_tail (&f->answers, g_bytes_new (answer, sizeof answer));
}

/* SYN and ACK for a SYN, else an ACK for all that came. */
static void
answer_tcp (Fixture *f, const uint8_t *frame, bool syn, uint32_t bytes)
{
  uint8_t  answer[ETH + IP + TCP] = { 0 }, *ip = answer + ETH, *tcp = ip + IP;
  uint32_t seq, theirs, ack;
  memcpy (&seq, frame + ETH + IP + 4, 4);
  memcpy (&theirs, frame + ETH + IP + 8, 4);
  ack = htonl (ntohl (seq) + bytes + syn);
  memcpy (answer, frame + 6, 6);
  memcpy (answer + 6, guest_mac, 6);
  answer[12] = 0x08;
  ip[0] = 0x45;
  ip[3] = IP + TCP;
  ip[8] = 64;
  ip[9] = IPPROTO_TCP;
  memcpy (ip + 12, frame + ETH + 16, 4);
  memcpy (ip + 16, frame + ETH + 12, 4);
  put_checksum (ip + 10, add_words (ip, IP, 0));
  memcpy (tcp, frame + ETH + IP + 2, 2);
  memcpy (tcp + 2, frame + ETH + IP, 2);
  if (!syn)
    memcpy (tcp + 4, &theirs, 4);
  memcpy (tcp + 8, &ack, 4);
  tcp[12] = TCP / 4 << 4;
  tcp[13] = syn ? TCP_SYN | TCP_ACK : TCP_ACK;
  tcp[14] = 0x40;
  put_checksum (tcp + 16, add_words (tcp, TCP, add_words (ip + 12, 8, IPPROTO_TCP + TCP)));
  g_queue_push_tail (&f->answers, g_bytes_new (answer, sizeof answer));
}

static void
take_tcp (Fixture *f, const uint8_t *frame)
{
  const uint8_t *ip = frame + ETH, *tcp = ip + IP;
  uint32_t bytes = (uint32_t) (ip[2] << 8 | ip[3]) - IP - (uint32_t) (tcp[12] >> 4) * 4;
  bool     syn = (tcp[13] & TCP_SYN) != 0;
  if (syn)
    g_atomic_int_set (&f->syn_port, tcp[2] << 8 | tcp[3]);
  else
    g_atomic_int_add (&f->tcp_bytes, (int) bytes);
  if (syn || bytes > 0)
    answer_tcp (f, frame, syn, bytes);
}

static void
speak (void *opaque)
{
  Fixture *f = opaque;
  for (GBytes *answer; (answer = g_queue_pop_head (&f->answers)) != NULL; g_bytes_unref (answer))
    f->rig.net->ops->send (f->rig.net, g_bytes_get_data (answer, NULL), g_bytes_get_size (answer));
}

static void
receive (void *opaque, const uint8_t *frame, size_t len)
{
  Fixture *f = opaque;
  if (len >= 42 && frame[12] == 0x08 && frame[13] == 0x06)
    answer_arp (f, frame);
  else if (len >= 42 && frame[12] == 0x08 && frame[13] == 0 && frame[ETH + 9] == IPPROTO_UDP)
    g_atomic_int_set (&f->udp_port, frame[ETH + IP + 2] << 8 | frame[ETH + IP + 3]);
  else if (len >= ETH + IP + TCP && frame[12] == 0x08 && frame[13] == 0 && frame[ETH + 9] == IPPROTO_TCP)
    take_tcp (f, frame);
  vt_loop_post (f->rig.loop, speak, f);   /* the network does not expect to hear from us within its own call */
}

static const VtNetClientOps client_ops = { receive };

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_queue_init (&f->answers);
  user_rig_set_up (&f->rig, &client_ops, f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  user_rig_tear_down (&f->rig);
}

/* --- This computer ------------------------------------------------------------------------------------------------------ */

static struct sockaddr_in
place (int port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

/* Has it, or -1: somebody else does. */
static int
take_port (int type, int port)
{
  struct sockaddr_in at = place (port);
  int fd = socket (AF_INET, type, 0);
  g_assert_cmpint (fd, >=, 0);
  if (bind (fd, (struct sockaddr *) &at, sizeof at) == 0 && (type != SOCK_STREAM || listen (fd, 1) == 0))
    return fd;
  close (fd);
  return -1;
}

static int
free_port (int type)
{
  struct sockaddr_in at;
  socklen_t length = sizeof at;
  int fd = take_port (type, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &at, &length), ==, 0);
  close (fd);
  return ntohs (at.sin_port);
}

static bool
is_free (int type, int port)
{
  int fd = take_port (type, port);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
wait_for (int *counter, int value)
{
  gint64 limit = g_get_monotonic_time () + PATIENCE_US;
  while (g_atomic_int_get (counter) != value && g_get_monotonic_time () < limit)
    g_usleep (200);
  g_assert_cmpint (g_atomic_int_get (counter), ==, value);
}

static void
knock (int port)
{
  struct sockaddr_in at = place (port);
  int fd = socket (AF_INET, SOCK_DGRAM, 0);
  g_assert_cmpint (sendto (fd, "x", 1, 0, (struct sockaddr *) &at, sizeof at), ==, 1);
  close (fd);
}

static int
connect_to (int port)
{
  struct sockaddr_in at = place (port);
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  if (connect (fd, (struct sockaddr *) &at, sizeof at) == 0)
    return fd;
  close (fd);
  return -1;
}

static char *
rule (const char *protocol, int host_port, int guest_port)
{
  return g_strdup_printf ("%s:127.0.0.1:%d-:%d", protocol, host_port, guest_port);
}

typedef struct
{
  Fixture           *fixture;
  const char *const *rules;
  GError            *error;
  int                done;    /* atomic */
} Setting;

static void
set_on_loop (void *opaque)
{
  Setting *setting = opaque;
  bool ok = vt_user_net_set_forwards (setting->fixture->rig.net, setting->rules, &setting->error);
  g_assert_true (ok == (setting->error == NULL));
  g_atomic_int_set (&setting->done, 1);
}

static GError *
set (Fixture *f, const char *const *rules)
{
  Setting setting = { f, rules, NULL, 0 };
  vt_loop_post (f->rig.loop, set_on_loop, &setting);
  wait_for (&setting.done, 1);
  return setting.error;
}

static void
set_one (Fixture *f, const char *one)
{
  g_assert_no_error (set (f, (const char *const[]) { one, NULL }));
}

static void
assert_refused (Fixture *f, const char *const *rules, const char *words)
{
  g_autoptr (GError) error = set (f, rules);
  g_assert_nonnull (error);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

/* --- Tests -------------------------------------------------------------------------------------------------------------- */

static void
a_port_that_is_added_leads_to_the_guest (Fixture *f, gconstpointer unused)
{
  int port = free_port (SOCK_DGRAM);
  g_autofree char *first = rule ("udp", port, 53), *second = rule ("udp", port, 54);
  set_one (f, first);
  knock (port);
  wait_for (&f->udp_port, 53);
  set_one (f, second);           /* the same port leads somewhere else */
  knock (port);
  wait_for (&f->udp_port, 54);
  set_one (f, NULL);
  g_assert_true (is_free (SOCK_DGRAM, port));
}

static void
a_connection_outlives_its_forward (Fixture *f, gconstpointer unused)
{
  int port = free_port (SOCK_STREAM);
  g_autofree char *one = rule ("tcp", port, 22);
  set_one (f, one);
  int fd = connect_to (port);
  g_assert_cmpint (fd, >=, 0);
  wait_for (&f->syn_port, 22);
  g_assert_cmpint (write (fd, "hello", 5), ==, 5);
  wait_for (&f->tcp_bytes, 5);
  set_one (f, NULL);
  g_assert_cmpint (connect_to (port), ==, -1);
  g_assert_cmpint (write (fd, "again", 5), ==, 5);
  wait_for (&f->tcp_bytes, 10);
  close (fd);
}

static void
what_stays_is_not_touched (Fixture *f, gconstpointer unused)
{
  int kept = free_port (SOCK_STREAM), other = free_port (SOCK_DGRAM);
  g_autofree char *one = rule ("tcp", kept, 22), *two = rule ("udp", other, 53);
  set_one (f, one);
  int fd = connect_to (kept);     /* accepted or not, it is not lost */
  g_assert_no_error (set (f, (const char *const[]) { two, one, NULL }));
  wait_for (&f->syn_port, 22);
  g_assert_cmpint (write (fd, "hello", 5), ==, 5);
  wait_for (&f->tcp_bytes, 5);
  close (fd);
}

static void
a_port_in_use_is_named_and_nothing_changes (Fixture *f, gconstpointer unused)
{
  int kept = free_port (SOCK_STREAM), fresh, taken = free_port (SOCK_STREAM);
  int owner = take_port (SOCK_STREAM, taken);
  g_autofree char *one = rule ("tcp", kept, 22), *bad = rule ("tcp", taken, 80), *number = g_strdup_printf ("TCP port %d of", taken);
  set_one (f, one);
  fresh = free_port (SOCK_STREAM);
  g_autofree char *two = rule ("tcp", fresh, 23);
  assert_refused (f, (const char *const[]) { two, bad, NULL }, number);
  assert_refused (f, (const char *const[]) { two, bad, NULL }, "in use");
  g_assert_true (is_free (SOCK_STREAM, fresh));
  int fd = connect_to (kept);
  g_assert_cmpint (fd, >=, 0);
  wait_for (&f->syn_port, 22);
  close (fd);
  close (owner);
}

static void
what_cannot_be_is_refused (Fixture *f, gconstpointer unused)
{
  static const char *const bad[] = { "tcp", "tcp:", "tcp::0-:22", "tcp::65536-:22", "tcp::80-:0", "tcp::80-:65536", "icmp::80-:80",
                                     "tcp:localhost:80-:80", "tcp:::1:80-:80", "tcp::80", "tcp::80-80", "udp::-1-:1", "tcp::8022-:22x" };
  for (unsigned i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (f, (const char *const[]) { bad[i], NULL }, "is no forward");
  int port = free_port (SOCK_STREAM);
  g_autofree char *one = rule ("tcp", port, 22), *again = rule ("tcp", port, 23);
  assert_refused (f, (const char *const[]) { one, again, NULL }, "forwarded twice");
  g_assert_true (is_free (SOCK_STREAM, port));
  assert_refused (f, (const char *const[]) { "tcp:192.0.2.1:8022-:22", NULL }, "does not have the address");
}

static void
a_low_port_is_the_administrators (Fixture *f, gconstpointer unused)
{
  int fd = take_port (SOCK_STREAM, 1);
  if (fd >= 0 || errno != EACCES)
    {
      if (fd >= 0)
        close (fd);
      g_test_skip ("this process may open low ports");
      return;
    }
  assert_refused (f, (const char *const[]) { "tcp::1-:80", NULL }, "below 1024");
}

static void
there_can_be_many_but_not_any_number (Fixture *f, gconstpointer unused)
{
  g_autoptr (GPtrArray) rules = g_ptr_array_new_with_free_func (g_free);
  for (int i = 0; i < VT_FORWARDS_MAX; i++)
    {
      g_autofree char *one = rule ("udp", free_port (SOCK_DGRAM), 53);
      if (!g_ptr_array_find_with_equal_func (rules, one, g_str_equal, NULL))
        g_ptr_array_add (rules, g_steal_pointer (&one));
    }
  g_ptr_array_add (rules, NULL);
  GError *error = set (f, (const char *const *) rules->pdata);
  /* What is free now may be another program's by then. */
  if (error == NULL || !g_error_matches (error, VT_ERROR, VT_ERROR_BUSY))
    g_assert_no_error (error);
  g_clear_error (&error);
  g_ptr_array_set_size (rules, 0);
  for (int i = 0; i <= VT_FORWARDS_MAX; i++)
    g_ptr_array_add (rules, rule ("udp", 20000 + i, 53));
  g_ptr_array_add (rules, NULL);
  assert_refused (f, (const char *const *) rules->pdata, "at most 256");
  set_one (f, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add ("/forwards/" path, Fixture, NULL, set_up, function, tear_down)
  TEST ("added", a_port_that_is_added_leads_to_the_guest);
  TEST ("connection", a_connection_outlives_its_forward);
  TEST ("others", what_stays_is_not_touched);
  TEST ("in-use", a_port_in_use_is_named_and_nothing_changes);
  TEST ("wrong", what_cannot_be_is_refused);
  TEST ("low", a_low_port_is_the_administrators);
  TEST ("many", there_can_be_many_but_not_any_number);
#undef TEST
  return g_test_run ();
}
