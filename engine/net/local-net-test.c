/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks without a guest: cards that hear each other, and a capture in between. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "networks.h"
#include "vitrine/error.h"

typedef struct
{
  VtNet   *net;
  unsigned n;             /* frames heard; machine lock */
  uint8_t  last[64];
} Card;

typedef struct
{
  VtLock  lock;
  VtLoop *loop;
  char   *folder;
  Card    card[3];
} Fixture;

static void
heard (void *opaque, const uint8_t *frame, size_t len)
{
  Card *card = opaque;
  card->n++;
  memcpy (card->last, frame, MIN (len, sizeof card->last));
}

static const VtNetClientOps client = { heard };

static void
plug (Fixture *f, unsigned i)
{
  GError *error = NULL;
  f->card[i] = (Card) { .net = vt_local_net_new (f->loop, f->folder, &error) };
  g_assert_no_error (error);
  f->card[i].net = vt_capture_net_new (f->card[i].net);
  f->card[i].net->client = &client;
  f->card[i].net->client_opaque = &f->card[i];
}

static void
unplug (Fixture *f, unsigned i)
{
  vt_lock (&f->lock);
  VtNet *net = g_steal_pointer (&f->card[i].net);
  net->ops->close (net);
  vt_unlock (&f->lock);
}

static Fixture *
fixture_new (void)
{
  Fixture *f = g_new0 (Fixture, 1);
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  f->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  for (unsigned i = 0; i < 3; i++)
    plug (f, i);
  return f;
}

static void
fixture_free (Fixture *f)
{
  for (unsigned i = 0; i < 3; i++)
    if (f->card[i].net != NULL)
      unplug (f, i);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);       /* every socket is gone */
  g_free (f->folder);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

/* From card `from` (0, 1 ...) to card `to`, or to all when that is 0xff. */
static void
transmit (Fixture *f, unsigned from, uint8_t to)
{
  uint8_t frame[60] = { 0x52, 0x54, 0, 0, 0, to, 0x52, 0x54, 0, 0, 0, (uint8_t) from };
  if (to == 0xff)
    memset (frame, 0xff, 6);
  vt_lock (&f->lock);
  f->card[from].net->ops->send (f->card[from].net, frame, sizeof frame);
  vt_unlock (&f->lock);
}

static void
await (Fixture *f, unsigned i, unsigned n)
{
  for (gint64 end = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;; g_thread_yield ())
    {
      vt_lock (&f->lock);
      unsigned heard_now = f->card[i].n;
      vt_unlock (&f->lock);
      if (heard_now == n)
        return;
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
}

static void
frames_go_to_all_until_an_address_is_known (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  transmit (f, 0, 1);                  /* nobody has heard of 1: both get it */
  await (f, 1, 1);
  await (f, 2, 1);
  transmit (f, 1, 0);                  /* 1 has heard of 0 */
  await (f, 0, 1);
  transmit (f, 0, 1);
  await (f, 1, 2);
  transmit (f, 0, 0xff);
  await (f, 1, 3);
  await (f, 2, 2);
  g_assert_cmpuint (f->card[2].n, ==, 2);
  g_assert_cmpuint (f->card[2].last[11], ==, 0);
}

static void
cards_come_and_go (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  unplug (f, 2);
  transmit (f, 0, 0xff);
  await (f, 1, 1);
  plug (f, 2);
  transmit (f, 1, 0xff);
  await (f, 2, 1);
  await (f, 0, 1);
  /* What a killed machine leaves behind is tidied away by the next frame. */
  g_autofree char   *left = g_build_filename (f->folder, "1-0", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int                fd = socket (AF_UNIX, SOCK_DGRAM, 0);
  g_strlcpy (address.sun_path, left, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  close (fd);
  g_assert_true (g_file_test (left, G_FILE_TEST_EXISTS));
  transmit (f, 0, 0xff);
  await (f, 1, 2);
  g_assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
}

static void
a_card_that_moved_is_found_again (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  transmit (f, 1, 0xff);               /* 0 has heard where 1 is */
  await (f, 0, 1);
  unplug (f, 1);
  plug (f, 1);
  transmit (f, 0, 1);
  await (f, 1, 1);
}

static void
who_cannot_join_leaves_the_others_alone (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError)  error = NULL;
  for (unsigned i = 1; i < 3; i++)
    unplug (f, i);
  g_random_set_seed (7);
  plug (f, 1);
  g_random_set_seed (7);               /* the same name again */
  g_assert_null (vt_local_net_new (f->loop, f->folder, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_FAILED);
  transmit (f, 0, 0xff);
  await (f, 1, 1);
}

static void
what_passes_is_captured (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "vitrine-capture-XXXXXX", NULL);
  g_autofree char *raw = NULL;
  gsize  len;
  int    fd = g_mkstemp_full (path, O_RDWR, 0600), pipes[2];
  GError *error = NULL;
  vt_lock (&f->lock);
  g_assert_true (vt_net_capture (f->card[0].net, fd, NULL));
  vt_unlock (&f->lock);
  transmit (f, 0, 0xff);
  await (f, 1, 1);
  transmit (f, 1, 0);
  await (f, 0, 1);
  vt_lock (&f->lock);
  g_assert_true (vt_net_capture (f->card[0].net, -1, NULL));
  g_assert_true (pipe (pipes) == 0);
  g_assert_false (vt_net_capture (f->card[0].net, pipes[1], &error));      /* could block */
  vt_unlock (&f->lock);
  g_assert_nonnull (error);
  g_clear_error (&error);
  close (pipes[0]);
  transmit (f, 0, 0xff);
  g_assert_true (g_file_get_contents (path, &raw, &len, NULL));
  g_assert_cmpuint (len, ==, 24 + 2 * (16 + 60));
  g_assert_cmphex (*(uint32_t *) (void *) raw, ==, 0xa1b23c4d);
  g_assert_cmphex ((uint8_t) raw[24 + 16], ==, 0xff);
  g_assert_cmpuint ((uint8_t) raw[24 + 16 + 60 + 16 + 11], ==, 1);
  g_unlink (path);
}

static void
a_file_that_takes_no_more_is_told_of (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError)  error = NULL;
  g_autofree char    *path = g_build_filename (g_get_tmp_dir (), "vitrine-capture-XXXXXX", NULL);
  struct rlimit       usual, tight;
  int                 fd = g_mkstemp_full (path, O_RDWR, 0600);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &usual), ==, 0);
  tight = (struct rlimit) { 24 + 16 + 10, usual.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  vt_lock (&f->lock);
  g_assert_true (vt_net_capture (f->card[0].net, fd, NULL));
  vt_unlock (&f->lock);
  transmit (f, 0, 0xff);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tight), ==, 0);
  vt_lock (&f->lock);
  bool whole = vt_net_capture (f->card[0].net, -1, &error);
  vt_unlock (&f->lock);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &usual), ==, 0);
  g_assert_false (whole);
  g_assert_error (error, VT_ERROR, VT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, g_strerror (EFBIG)));
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/local/learning", frames_go_to_all_until_an_address_is_known);
  g_test_add_func ("/net/local/coming and going", cards_come_and_go);
  g_test_add_func ("/net/local/moving", a_card_that_moved_is_found_again);
  g_test_add_func ("/net/local/not joining", who_cannot_join_leaves_the_others_alone);
  g_test_add_func ("/net/capture", what_passes_is_captured);
  g_test_add_func ("/net/capture/full", a_file_that_takes_no_more_is_told_of);
  return g_test_run ();
}
