/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kill SEED CYCLES FOLDER: what a process that is killed in the middle leaves of a qcow2 image, as TAP.
 *
 * A child writes, discards, flushes, takes snapshots, goes back to them and deletes them, as fast as it can, and is killed at random moments.
 * What it was about to do and what it was told is done stands in memory that outlives it. After each kill the image is opened, as a machine
 * would: each sector must have what was flushed, or something that was written since; each snapshot that was there must be there, byte
 * for byte; and then qemu-img must find no corruption (clusters that nobody uses are allowed).
 *
 * Bytes that were written are in the kernel's page cache when a process dies: losing power is power-loss.c's. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory-file.h"
#include "qcow2.h"

enum
{
  DISK        = 2 << 20,
  SECTORS     = DISK / SECTOR,
  MOST        = 64,            /* sectors of a request */
  SNAPSHOTS   = 32,
  LONGEST_US  = 30000,         /* until a kill */
  ANYTHING    = 0xffffffffu,   /* a version: was discarded */
};

/* A sector's contents are its number and a version, which counts up with each write; of version 0 they are zeros. */
typedef struct
{
  uint32_t now;                /* what the child has done, or is doing */
  uint32_t flushed;            /* what was safe at the last flush */
  uint32_t first, last;        /* versions that were written since; 0: none */
  bool     zeroed, discarded;  /* since */
} Sector;

typedef enum
{
  FREE,
  CREATING,
  THERE,
  DELETING,
} SnapshotState;

typedef struct
{
  Sector        sector[SECTORS];
  SnapshotState snapshot[SNAPSHOTS];
  uint32_t      taken[SNAPSHOTS][SECTORS];
  int           going_back;    /* to this snapshot, perhaps; -1: no */
  uint32_t      version, actions;
} Shared;

typedef struct
{
  Shared  *shared;
  char    *path, *copy;
  unsigned cluster_bits;
  bool     snapshots;
  GRand   *random;
} Story;

/* --- The child --------------------------------------------------------------------------------------------------------------- */

static void
fill (uint8_t *bytes, unsigned sector, uint32_t version)
{
  for (unsigned at = 0; at < SECTOR; at += 8)
    vt_store_le (bytes + at, version == 0 ? 0 : (uint64_t) sector << 32 | version, 8);
}

/* What may be there from now on. */
static void
announce (Sector *sector, uint32_t version)
{
  if (version == ANYTHING)
    sector->discarded = true;
  else if (version == 0)
    sector->zeroed = true;
  else
    {
      sector->last = version;
      if (sector->first == 0)
        sector->first = version;
    }
  sector->now = version;
}

static void
change (Story *story, VtImage *image)
{
  static uint8_t bytes[MOST * SECTOR];
  Shared        *shared = story->shared;
  unsigned       n = 1 + (unsigned) g_rand_int_range (story->random, 0, MOST);
  unsigned       first = (unsigned) g_rand_int_range (story->random, 0, (gint32) (SECTORS - n));
  uint64_t       off = (uint64_t) first * SECTOR, len = (uint64_t) n * SECTOR;
  int            kind = g_rand_int_range (story->random, 0, 6);
  uint32_t       version = kind < 4 ? ++shared->version : kind == 4 ? 0 : ANYTHING;
  for (unsigned i = 0; i < n; i++)
    {
      fill (bytes + i * SECTOR, first + i, version);
      announce (&shared->sector[first + i], version);
    }
  int error = kind < 4 ? vt_image_write (image, off, bytes, len) : kind == 4 ? image->ops->zero (image, off, len) : image->ops->discard (image, off, len);
  g_assert_cmpint (error, ==, 0);
}

static void
settle (Shared *shared)
{
  for (unsigned i = 0; i < SECTORS; i++)
    {
      Sector *sector = &shared->sector[i];
      sector->flushed = sector->now;
      sector->first = sector->last = 0;
      sector->zeroed = sector->discarded = false;
    }
}

static void
flush (Story *story, VtImage *image)
{
  g_assert_cmpint (vt_image_flush (image), ==, 0);
  settle (story->shared);
}

static void
snapshot (VtImage *image, VtImageSnapshotVerb verb, unsigned number)
{
  g_autoptr (GError) error = NULL;
  g_autofree char   *name = g_strdup_printf ("s%u", number);
  vt_qcow2_snapshot (image, verb, name, &error);
  g_assert_no_error (error);
}

static void
change_snapshots (Story *story, VtImage *image)
{
  Shared  *shared = story->shared;
  unsigned number = (unsigned) g_rand_int_range (story->random, 0, SNAPSHOTS);
  if (shared->snapshot[number] == FREE)
    {
      for (unsigned i = 0; i < SECTORS; i++)
        shared->taken[number][i] = shared->sector[i].now;
      shared->snapshot[number] = CREATING;
      snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, number);
      shared->snapshot[number] = THERE;
    }
  else if (g_rand_boolean (story->random))
    {
      shared->snapshot[number] = DELETING;
      snapshot (image, VT_IMAGE_DELETE_SNAPSHOT, number);
      shared->snapshot[number] = FREE;
    }
  else
    {
      shared->going_back = (int) number;
      snapshot (image, VT_IMAGE_GO_BACK, number);
      for (unsigned i = 0; i < SECTORS; i++)
        shared->sector[i].now = shared->taken[number][i];
      flush (story, image);
      shared->going_back = -1;
    }
}

static VtImage *
open_image (const Story *story, const char *path)
{
  g_autoptr (GError) error = NULL;
  VtImage *image = vt_image_open (path, VT_IMAGE_QCOW2, 0, NULL, &error);
  g_assert_no_error (error);
  return image;
}

static void
work_until_killed (Story *story)
{
  VtImage *image = open_image (story, story->path);
  for (;;)
    {
      int action = g_rand_int_range (story->random, 0, 24);
      if (action == 0 && story->snapshots)
        change_snapshots (story, image);
      else if (action < 3)
        flush (story, image);
      else
        change (story, image);
      story->shared->actions++;
    }
}

/* --- After it ----------------------------------------------------------------------------------------------------------------- */

static bool
has_version (const uint8_t *bytes, unsigned number, uint32_t version)
{
  uint8_t whole[SECTOR];
  fill (whole, number, version);
  return version == ANYTHING || memcmp (bytes, whole, SECTOR) == 0;
}

static bool
is_right (const Shared *shared, unsigned number, const uint8_t *bytes)
{
  const Sector *sector = &shared->sector[number];
  uint32_t found = (uint32_t) vt_load_le (bytes, 4);
  bool back = shared->going_back >= 0 && has_version (bytes, number, shared->taken[shared->going_back][number]);
  bool since = found >= sector->first && found <= sector->last && found != 0 && has_version (bytes, number, found);
  return back || since || sector->discarded || (sector->zeroed && has_version (bytes, number, 0)) || has_version (bytes, number, sector->flushed);
}

/* From here on what was found is what is there. */
static void
believe (Shared *shared, unsigned number, const uint8_t *bytes)
{
  Sector  *sector = &shared->sector[number];
  uint32_t found = (uint32_t) vt_load_le (bytes, 4);
  *sector = (Sector) { .now = has_version (bytes, number, found) ? found : ANYTHING };
  sector->flushed = sector->now;
}

static unsigned
wrong_sectors (Story *story, const uint8_t *disk)
{
  unsigned wrong = 0;
  for (unsigned i = 0; i < SECTORS; i++)
    {
      wrong += !is_right (story->shared, i, disk + i * SECTOR);
      believe (story->shared, i, disk + i * SECTOR);
    }
  story->shared->going_back = -1;
  return wrong;
}

/* On a copy, as going back is for ever. */
static unsigned
wrong_in_snapshot (Story *story, unsigned number)
{
  static uint8_t     disk[DISK];
  g_autoptr (GError) error = NULL;
  g_autofree char   *bytes = NULL;
  gsize              len;
  unsigned           wrong = 0;
  g_assert_true (g_file_get_contents (story->path, &bytes, &len, NULL) && g_file_set_contents (story->copy, bytes, (gssize) len, NULL));
  g_autoptr (VtImage) image = open_image (story, story->copy);
  snapshot (image, VT_IMAGE_GO_BACK, number);
  g_assert_cmpint (vt_image_read (image, 0, disk, DISK), ==, 0);
  for (unsigned i = 0; i < SECTORS; i++)
    wrong += !has_version (disk + i * SECTOR, i, story->shared->taken[number][i]);
  return wrong;
}

static unsigned
check_snapshots (Story *story, VtImage *image)
{
  Shared  *shared = story->shared;
  unsigned wrong = 0;
  for (unsigned i = 0; story->snapshots && i < SNAPSHOTS; i++)
    {
      g_autofree char *name = g_strdup_printf ("s%u", i);
      bool has;
      g_assert_true (vt_qcow2_has_snapshot (image, name, &has, NULL));
      if ((shared->snapshot[i] == THERE && !has) || (shared->snapshot[i] == FREE && has))
        wrong++;
      shared->snapshot[i] = has ? THERE : FREE;
    }
  return wrong;
}

/* How much is lost or wrong. A child of its own: its threads must not be there when the next one is made. */
static int
look (Story *story)
{
  static uint8_t disk[DISK];
  VtImage *image = open_image (story, story->path);
  g_assert_cmpint (vt_image_read (image, 0, disk, DISK), ==, 0);
  unsigned wrong = wrong_sectors (story, disk) + check_snapshots (story, image);
  vt_image_close (image);
  unsigned one = (unsigned) g_rand_int_range (story->random, 0, SNAPSHOTS);
  if (story->shared->snapshot[one] == THERE)
    wrong += wrong_in_snapshot (story, one);
  if (wrong > 0)
    fprintf (stderr, "# %u sectors or snapshots are lost\n", wrong);
  return wrong > 0;
}

/* 0: clean, 3: clusters that nobody uses. */
static bool
is_sound (const Story *story)
{
  const char *argv[] = { "qemu-img", "check", "-f", "qcow2", story->path, NULL };
  int status = 0;
  g_autofree char *said = NULL, *complained = NULL;
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &said, &complained, &status, NULL))
    return false;
  bool sound = WIFEXITED (status) && (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == 3);
  if (!sound)
    fprintf (stderr, "# qemu-img check: %s%.2000s\n", said, g_strstr_len (complained, -1, "ERROR") ? g_strstr_len (complained, -1, "ERROR") : complained);
  return sound;
}

/* --- Cycles ------------------------------------------------------------------------------------------------------------------ */

static int
in_child (Story *story, void (*forever) (Story *), int (*once) (Story *))
{
  int   status;
  guint32 seed = g_rand_int (story->random);
  pid_t child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      g_rand_set_seed (story->random, seed);
      if (forever != NULL)
        forever (story);
      _exit (once (story));
    }
  if (forever != NULL)
    {
      g_usleep ((gulong) g_rand_int_range (story->random, 0, LONGEST_US));
      kill (child, SIGKILL);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  /* Who ended by itself has met an error. */
  return forever != NULL ? !WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL : !WIFEXITED (status) || WEXITSTATUS (status) != 0;
}

static void
new_image (Story *story)
{
  g_autoptr (GError) error = NULL;
  memset (story->shared, 0, sizeof *story->shared);
  story->shared->going_back = -1;
  unlink (story->path);
  VtImage *file = vt_image_new_file (story->path, &error);
  g_assert_no_error (error);
  g_assert_true (vt_qcow2_create (file, &(VtQcow2Options) { .size_bytes = DISK, .cluster_bits = story->cluster_bits }, &error));
  vt_image_close (file);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    unsigned cluster_bits;
    bool     snapshots;
  } shapes[] = { { 12, false }, { 16, false }, { 9, true }, { 16, true } };
  unsigned cycles = argc > 2 ? (unsigned) atoi (argv[2]) : 25;
  const char *folder = argc > 3 ? argv[3] : g_get_tmp_dir ();
  g_autofree char *qemu_img = g_find_program_in_path ("qemu-img");
  if (qemu_img == NULL)
    {
      printf ("1..0 # SKIP qemu-img is not installed\n");
      return 0;
    }
  Story story = { .random = g_rand_new_with_seed ((guint32) (argc > 1 ? atoi (argv[1]) : 1)) };
  story.shared = mmap (NULL, sizeof *story.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (story.shared != MAP_FAILED);
  story.path = g_strdup_printf ("%s/vitrine-kill-%d.qcow2", folder, (int) getpid ());
  story.copy = g_strdup_printf ("%s/vitrine-kill-%d-copy.qcow2", folder, (int) getpid ());
  printf ("1..%u\n", (unsigned) G_N_ELEMENTS (shapes));
  for (unsigned i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      unsigned lost = 0, unsound = 0, ended = 0;
      uint64_t actions = 0;
      story.cluster_bits = shapes[i].cluster_bits;
      story.snapshots = shapes[i].snapshots;
      new_image (&story);
      for (unsigned n = 0; n < cycles; n++)
        {
          ended += (unsigned) in_child (&story, work_until_killed, NULL);
          lost += (unsigned) in_child (&story, NULL, look);
          unsound += !is_sound (&story);
        }
      actions = story.shared->actions;
      printf ("%sok %u - clusters of %u bytes%s: killed %u times, nothing lost, nothing corrupt\n",
              lost + unsound + ended > 0 ? "not " : "", i + 1, 1u << shapes[i].cluster_bits, shapes[i].snapshots ? ", snapshots" : "", cycles);
      printf ("# %" G_GUINT64_FORMAT " requests and snapshots; %u times something lost, %u times corrupt, %u times it ended by itself\n",
              actions, lost, unsound, ended);
      fflush (stdout);
    }
  unlink (story.path);
  unlink (story.copy);
  return 0;
}
