/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "swtpm.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bits.h"
#include "vitrine/error.h"

enum { PATIENCE_S = 20 };

/* TPM2_GetRandom of 8 bytes. */
static const uint8_t get_random[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };

typedef struct
{
  char   *folder;
  VtLock  lock;
  VtLoop *loop;
  VtTpm  *tpm;
  /* Guarded by the mutex */
  GMutex  mutex;
  GCond   cond;
  uint8_t answer[VT_TPM_ANSWER_MAX];
  size_t  len;
  bool    answered;
  char   *why;
} Fixture;

static void
note_answer (void *opaque, const uint8_t *answer, size_t len)
{
  Fixture *f = opaque;
  g_mutex_lock (&f->mutex);
  if (len > 0)
    memcpy (f->answer, answer, len);
  f->len = len;
  f->answered = true;
  g_cond_signal (&f->cond);
  g_mutex_unlock (&f->mutex);
}

static void
note_failure (void *opaque, const char *why)
{
  Fixture *f = opaque;
  g_mutex_lock (&f->mutex);
  g_assert_null (f->why);
  f->why = g_strdup (why);
  g_cond_signal (&f->cond);
  g_mutex_unlock (&f->mutex);
}

static void
switch_on (Fixture *f)
{
  VtTpmEnds          ends;
  g_autoptr (GError) error = NULL;
  vt_tpm_start (f->folder, &ends, &error);
  g_assert_no_error (error);
  f->tpm = vt_swtpm_new (&(VtSwtpmConfig) { f->loop, ends, 4096, 1, note_failure, f }, &error);
  g_assert_no_error (error);
  f->tpm->answered = note_answer;
  f->tpm->opaque = f;
}

static void
switch_off (Fixture *f)
{
  f->tpm->ops->close (f->tpm);
}

static bool
fixture_init (Fixture *f)
{
  if (!vt_tpm_is_installed ())
    {
      g_test_skip ("swtpm is not installed");
      return false;
    }
  memset (f, 0, sizeof *f);
  f->folder = g_dir_make_tmp ("swtpm-test-XXXXXX", NULL);
  vt_lock_init (&f->lock);
  g_mutex_init (&f->mutex);
  g_cond_init (&f->cond);
  f->loop = vt_loop_new (&f->lock);
  switch_on (f);
  return true;
}

static void
fixture_clear (Fixture *f)
{
  switch_off (f);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  vt_tpm_forget (f->folder);
  g_free (f->folder);
  g_free (f->why);
}

static void
send (Fixture *f, const uint8_t *command, size_t len)
{
  f->answered = false;
  vt_lock (&f->lock);
  f->tpm->ops->send (f->tpm, 0, command, len);
  vt_unlock (&f->lock);
}

static void
await_answer (Fixture *f)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  g_mutex_lock (&f->mutex);
  while (!f->answered && g_cond_wait_until (&f->cond, &f->mutex, deadline))
    ;
  g_mutex_unlock (&f->mutex);
  g_assert_true (f->answered);
}

static void
await_failure (Fixture *f)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  g_mutex_lock (&f->mutex);
  while (f->why == NULL && g_cond_wait_until (&f->cond, &f->mutex, deadline))
    ;
  g_mutex_unlock (&f->mutex);
  g_assert_nonnull (f->why);
}

/* 0: it was done. */
static uint32_t
run (Fixture *f, const uint8_t *command, size_t len)
{
  send (f, command, len);
  await_answer (f);
  g_assert_cmpuint (f->len, >=, VT_TPM_HEADER);
  return (uint32_t) vt_load_be (f->answer + 6, 4);
}

#define RUN(f, ...) run (f, (const uint8_t[]) { __VA_ARGS__ }, sizeof (const uint8_t[]) { __VA_ARGS__ })

static void
start_up (Fixture *f)
{
  g_assert_cmphex (RUN (f, 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0), ==, 0);
}

/* Of SHA-256's PCR 16, which software may also set back. */
static void
read_pcr (Fixture *f, uint8_t digest[32])
{
  g_assert_cmphex (RUN (f, 0x80, 0x01, 0, 0, 0, 20, 0, 0, 0x01, 0x7e, 0, 0, 0, 1, 0, 0x0b, 3, 0, 0, 1), ==, 0);
  memcpy (digest, f->answer + f->len - 32, 32);
}

static void
extend_pcr (Fixture *f)
{
  uint8_t command[65] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 16, 0, 0, 0, 9, 0x40, 0, 0, 9,
                          0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b };
  memset (command + 33, 0x5a, 32);
  g_assert_cmphex (run (f, command, sizeof command), ==, 0);
}

/* What it is when it has started, and a PCR has become `digest`. */
static GByteArray *
save_extended (Fixture *f, uint8_t digest[32])
{
  g_autoptr (GError) error = NULL;
  start_up (f);
  extend_pcr (f);
  read_pcr (f, digest);
  GByteArray *saved = f->tpm->ops->save (f->tpm, &error);
  g_assert_no_error (error);
  return saved;
}

/* Of the swtpm with this folder; 0: it is no more. */
static pid_t
find_program (const char *folder)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  for (const char *name; (name = g_dir_read_name (proc)) != NULL;)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL), *words = NULL;
      gsize            len;
      if (!g_ascii_isdigit (*name) || !g_file_get_contents (path, &words, &len, NULL))
        continue;
      if (len > 5 && g_str_equal (words, "swtpm") && memmem (words, len, folder, strlen (folder)) != NULL)
        return atoi (name);
    }
  return 0;
}

static void
commands_are_answered_and_a_reset_empties_the_registers (void)
{
  static const uint8_t zeros[32];
  uint8_t digest[32];
  Fixture f;
  if (!fixture_init (&f))
    return;
  g_assert_cmphex (run (&f, get_random, sizeof get_random), ==, 0x100);   /* TPM_RC_INITIALIZE */
  start_up (&f);
  g_assert_cmphex (run (&f, get_random, sizeof get_random), ==, 0);
  g_assert_cmpuint (f.len, ==, 20);
  extend_pcr (&f);
  read_pcr (&f, digest);
  g_assert_false (vt_all_zero (digest, sizeof digest));
  f.tpm->ops->init (f.tpm);
  start_up (&f);
  read_pcr (&f, digest);
  g_assert_cmpmem (digest, 32, zeros, 32);
  fixture_clear (&f);
}

static void
a_saved_tpm_goes_on_where_it_was_in_another_process (void)
{
  uint8_t            then[32], now[32];
  g_autoptr (GError) error = NULL;
  Fixture            f;
  if (!fixture_init (&f))
    return;
  g_autoptr (GByteArray) saved = save_extended (&f, then);
  extend_pcr (&f);
  switch_off (&f);
  switch_on (&f);
  g_assert_true (f.tpm->ops->load (f.tpm, saved->data, saved->len, &error));
  g_assert_no_error (error);
  read_pcr (&f, now);            /* no start-up: it is the same life */
  g_assert_cmpmem (now, 32, then, 32);
  /* And after that life, the next one begins empty. */
  f.tpm->ops->init (f.tpm);
  start_up (&f);
  read_pcr (&f, now);
  g_assert_true (vt_all_zero (now, sizeof now));
  fixture_clear (&f);
}

static void
a_damaged_state_is_refused_before_the_tpm_sees_it (void)
{
  uint8_t            then[32], now[32];
  g_autoptr (GError) error = NULL;
  Fixture            f;
  if (!fixture_init (&f))
    return;
  g_autoptr (GByteArray) saved = save_extended (&f, then);
  for (size_t len = 0; len < saved->len; len += 1 + saved->len / 40)
    {
      g_assert_false (f.tpm->ops->load (f.tpm, saved->data, len, &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_STATE);
      g_clear_error (&error);
    }
  static const struct { unsigned at; uint8_t value; } bad[] = { { 0, 2 }, { 0, 9 }, { 6, 0xff }, { 7, 0xff } };
  for (unsigned i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree uint8_t *copy = g_memdup2 (saved->data, saved->len);
      copy[bad[i].at] = bad[i].value;
      g_assert_false (f.tpm->ops->load (f.tpm, copy, saved->len, &error));
      g_clear_error (&error);
    }
  read_pcr (&f, now);
  g_assert_cmpmem (now, 32, then, 32);
  fixture_clear (&f);
}

static void
a_cancelled_command_leaves_the_channels_in_step (void)
{
  Fixture f;
  if (!fixture_init (&f))
    return;
  start_up (&f);
  for (unsigned i = 0; i < 50; i++)
    {
      send (&f, get_random, sizeof get_random);
      f.tpm->ops->cancel (f.tpm);
      f.tpm->ops->cancel (f.tpm);
      await_answer (&f);
      g_assert_cmpuint (f.len, ==, 20);
      if (i % 10 == 0)
        {
          f.tpm->ops->forget_established (f.tpm, 3);
          f.tpm->ops->init (f.tpm);
          start_up (&f);
        }
    }
  g_assert_null (f.why);
  fixture_clear (&f);
}

static void
a_program_that_is_killed_is_a_tpm_that_has_failed (void)
{
  g_autoptr (GError) error = NULL;
  Fixture            f;
  if (!fixture_init (&f))
    return;
  start_up (&f);
  kill (find_program (f.folder), SIGKILL);
  await_failure (&f);            /* told without being asked */
  g_assert_cmpstr (f.why, ==, "swtpm has ended");
  for (unsigned i = 0; i < 3; i++)
    {
      send (&f, get_random, sizeof get_random);
      await_answer (&f);
      g_assert_cmpuint (f.len, ==, 0);
    }
  g_assert_null (f.tpm->ops->save (f.tpm, &error));
  g_assert_nonnull (error);
  fixture_clear (&f);
}

static void
a_program_that_hangs_holds_nobody_up_for_long (void)
{
  Fixture f;
  if (!fixture_init (&f))
    return;
  start_up (&f);
  pid_t pid = find_program (f.folder);
  kill (pid, SIGSTOP);
  send (&f, get_random, sizeof get_random);
  f.tpm->ops->cancel (f.tpm);
  f.tpm->ops->hurry (f.tpm);
  await_answer (&f);
  g_assert_cmpuint (f.len, ==, 0);
  await_failure (&f);
  g_assert_cmpstr (f.why, ==, "swtpm does not answer");
  kill (pid, SIGKILL);
  fixture_clear (&f);
}

static void
the_program_ends_with_its_machine (void)
{
  Fixture f;
  if (!fixture_init (&f))
    return;
  g_assert_cmpint (find_program (f.folder), >, 0);
  g_autofree char *state = g_build_filename (f.folder, VT_TPM_STATE_FILE, NULL);
  g_assert_true (g_file_test (state, G_FILE_TEST_EXISTS));
  g_autofree char *folder = g_strdup (f.folder);
  switch_off (&f);
  vt_loop_free (f.loop);
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  while (find_program (folder) != 0 && g_get_monotonic_time () < deadline)
    g_usleep (10000);
  g_assert_cmpint (find_program (folder), ==, 0);
  vt_tpm_forget (folder);
  g_free (f.folder);
}

static void
one_that_is_not_installed_is_named (void)
{
  VtTpmEnds          ends;
  g_autoptr (GError) error = NULL;
  g_autofree char   *folder = g_dir_make_tmp ("swtpm-test-XXXXXX", NULL), *path = g_strdup (g_getenv ("PATH"));
  g_setenv ("PATH", folder, TRUE);
  g_assert_false (vt_tpm_is_installed ());
  g_assert_false (vt_tpm_start (folder, &ends, &error));
  g_setenv ("PATH", path, TRUE);
  g_assert_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "the package swtpm"));
  g_assert_cmpint (ends.control, ==, -1);
  g_clear_error (&error);
  g_assert_false (vt_tpm_start ("/tmp/a,b", &ends, &error));
  g_assert_nonnull (strstr (error->message, "comma"));
  vt_tpm_forget (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swtpm/commands", commands_are_answered_and_a_reset_empties_the_registers);
  g_test_add_func ("/swtpm/state", a_saved_tpm_goes_on_where_it_was_in_another_process);
  g_test_add_func ("/swtpm/damaged", a_damaged_state_is_refused_before_the_tpm_sees_it);
  g_test_add_func ("/swtpm/cancel", a_cancelled_command_leaves_the_channels_in_step);
  g_test_add_func ("/swtpm/killed", a_program_that_is_killed_is_a_tpm_that_has_failed);
  g_test_add_func ("/swtpm/hangs", a_program_that_hangs_holds_nobody_up_for_long);
  g_test_add_func ("/swtpm/ends", the_program_ends_with_its_machine);
  g_test_add_func ("/swtpm/missing", one_that_is_not_installed_is_named);
  return g_test_run ();
}
