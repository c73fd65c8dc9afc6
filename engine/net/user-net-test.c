/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network on a real loop, with a card that asks for addresses. slirp_pollfds_poll() is ours here, and counts. */
#include <dlfcn.h>
#include <slirp/libslirp.h>
#include <string.h>

#include "user-rig.h"

#define PATIENCE (10 * G_USEC_PER_SEC)

static int  polls;    /* atomic */
static bool filled;   /* the loop's thread: it was asked what to wait for since it was told the last time */

void
slirp_pollfds_fill (Slirp *slirp, uint32_t *timeout, SlirpAddPollCb add_poll, void *opaque)
{
  void (*real) (Slirp *, uint32_t *, SlirpAddPollCb, void *) = NULL;
  *(void **) &real = dlsym (RTLD_NEXT, "slirp_pollfds_fill");
  filled = true;
  real (slirp, timeout, add_poll, opaque);
}

void
slirp_pollfds_poll (Slirp *slirp, int select_error, SlirpGetREventsCb get_revents, void *opaque)
{
  g_assert_true (filled);     /* else it may be told to read what it has no room for, and ends the program */
  filled = false;
  void (*real) (Slirp *, int, SlirpGetREventsCb, void *) = NULL;
  *(void **) &real = dlsym (RTLD_NEXT, "slirp_pollfds_poll");
  g_atomic_int_inc (&polls);
  real (slirp, select_error, get_revents, opaque);
}

typedef struct
{
  UserRig  rig;
  int      answers;   /* atomic: ARP replies */
  int      turns;     /* atomic */
} Fixture;

static void
receive (void *opaque, const uint8_t *frame, size_t len)
{
  static const uint8_t arp_reply[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2 };
  if (len >= 42 && memcmp (frame + 12, arp_reply, sizeof arp_reply) == 0)
    g_atomic_int_inc (&((Fixture *) opaque)->answers);
}

static const VtNetClientOps client_ops = { receive };

static void
set_up (Fixture *f, gconstpointer unused)
{
  user_rig_set_up (&f->rig, &client_ops, f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  user_rig_tear_down (&f->rig);
}

static void
wait_for (int *counter, int value)
{
  gint64 limit = g_get_monotonic_time () + PATIENCE;
  while (g_atomic_int_get (counter) < value && g_get_monotonic_time () < limit)
    g_usleep (200);
  g_assert_cmpint (g_atomic_int_get (counter), >=, value);
}

/* Who has 10.0.2.2? */
static void
send_arp (Fixture *f)
{
  uint8_t frame[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 1, 2, 3, 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1,
                        0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2 };
  vt_lock (&f->rig.lock);
  f->rig.net->ops->send (f->rig.net, frame, sizeof frame);
  vt_unlock (&f->rig.lock);
}

static void
a_frame_of_the_guest_has_the_network_looked_at (Fixture *f, gconstpointer unused)
{
  for (int i = 1; i <= 20; i++)
    {
      int before = g_atomic_int_get (&polls);
      send_arp (f);
      wait_for (&f->answers, i);
      wait_for (&polls, before + 1);
    }
}

/* Frames that come while the loop turns: slirp_pollfds_poll() above sees whether it is told twice. */
static void
it_is_told_once_for_each_time_that_it_was_asked (Fixture *f, gconstpointer unused)
{
  for (int i = 1; i <= 20000; i++)
    send_arp (f);
  wait_for (&f->answers, 1);
}

static void
turn (void *opaque)
{
  g_atomic_int_inc (&((Fixture *) opaque)->turns);
}

static void
other_work_of_the_loop_does_not_poll_the_network (Fixture *f, gconstpointer unused)
{
  int before = g_atomic_int_get (&polls);
  gint64 began = g_get_monotonic_time ();
  for (int i = 1; i <= 200; i++)
    {
      vt_loop_post (f->rig.loop, turn, f);
      wait_for (&f->turns, i);
    }
  int seconds = (int) ((g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  g_assert_cmpint (g_atomic_int_get (&polls) - before, <=, 2 * (1 + seconds));   /* its own timers come once or twice a second */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/user-net/frame", Fixture, NULL, set_up, a_frame_of_the_guest_has_the_network_looked_at, tear_down);
  g_test_add ("/user-net/told", Fixture, NULL, set_up, it_is_told_once_for_each_time_that_it_was_asked, tear_down);
  g_test_add ("/user-net/quiet", Fixture, NULL, set_up, other_work_of_the_loop_does_not_poll_the_network, tear_down);
  return g_test_run ();
}
