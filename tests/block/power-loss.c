/* SPDX-License-Identifier: GPL-3.0-or-later */
/* power-loss SEED STATES: what a power failure and a disk with errors leave of a qcow2 image, as TAP.
 *
 * A disk is written to at random through a recorder, which knows each write and flush of the file. Then the power fails at random
 * moments: of the writes since the last flush of the file any subset arrived, some of them torn between sectors. In each such state the
 * image must be without corruption, and every sector that the guest has flushed and not touched since must have its contents.
 *
 * In every second story the file also refuses writes and flushes at random, as a full disk does, and the guest tries again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory-file.h"
#include "qcow2.h"

enum { DISK = 6 << 20, SECTORS = DISK / SECTOR, OPERATIONS = 600 };

/* --- What was done --------------------------------------------------------------------------------------------------------- */

typedef struct
{
  guint    begin, end;          /* entries of the log */
  unsigned first, n;            /* sectors that it may have changed */
  uint8_t *disk;                /* of a flush: what the disk was */
} Operation;

typedef struct
{
  GRand  *random, *faults;      /* faults NULL: none */
  unsigned refused;
  GArray *log, *file, *operations;
  uint8_t model[DISK];
} Story;

/* Errors come from the file only, and pass. */
static bool
may_repeat (Story *story, int error)
{
  if (story->faults == NULL || error != ENOSPC)
    g_assert_cmpint (error, ==, 0);
  story->refused += error != 0;
  return error != 0;
}

static void
change (Story *story, VtImage *image, Operation *operation)
{
  static uint8_t bytes[64 * SECTOR];
  unsigned       n = operation->n = 1 + (unsigned) g_rand_int_range (story->random, 0, 64);
  unsigned       first = operation->first = (unsigned) g_rand_int_range (story->random, 0, (gint32) (SECTORS - n));
  uint64_t       off = (uint64_t) first * SECTOR, len = (uint64_t) n * SECTOR;
  int            kind = g_rand_int_range (story->random, 0, 5);
  for (uint64_t i = 0; kind < 3 && i < len; i += 4)
    vt_store_le (bytes + i, g_rand_int (story->random), 4);
  int error;
  do
    error = kind < 3    ? vt_image_write (image, off, bytes, len)
            : kind == 3 ? image->ops->zero (image, off, len)
                        : image->ops->discard (image, off, len);
  while (may_repeat (story, error));
  g_assert_cmpint (vt_image_read (image, off, story->model + off, len), ==, 0);
}

static void
happen (Story *story, VtImage *image)
{
  Operation operation = { .begin = story->log->len };
  if (g_rand_int_range (story->random, 0, 12) == 0)
    {
      while (may_repeat (story, vt_image_flush (image)))
        ;
      operation.disk = g_memdup2 (story->model, DISK);
    }
  else
    change (story, image, &operation);
  operation.end = story->log->len;
  g_array_append_val (story->operations, operation);
}

typedef struct
{
  unsigned cluster_bits;
  bool     wide;           /* counts of 64 bits: the table of their blocks becomes too small */
  bool     faults;
} Shape;

/* A new image's counts: the table of blocks is where the header says, its first block the only one. */
static void
widen_counts (GArray *file)
{
  uint8_t *bytes = (uint8_t *) file->data, old[64];
  uint64_t table = GUINT64_FROM_BE (*(uint64_t *) (bytes + 48)), block = GUINT64_FROM_BE (*(uint64_t *) (bytes + table));
  memcpy (old, bytes + block, sizeof old);
  for (unsigned i = 0; i < sizeof old / 2; i++)
    {
      memset (bytes + block + i * 8, 0, 8);
      memcpy (bytes + block + i * 8 + 6, old + i * 2, 2);
    }
  bytes[99] = 6;
}

static void
tell (Story *story, const Shape *shape)
{
  g_autoptr (GError) error = NULL;
  story->file = g_array_new (FALSE, TRUE, 1);
  story->log = g_array_new (FALSE, FALSE, sizeof (MemoryEntry));
  story->operations = g_array_new (FALSE, FALSE, sizeof (Operation));
  MemoryFile *empty = memory_file_new (story->file, NULL);
  g_assert_true (vt_qcow2_create (&empty->image, &(VtQcow2Options) { .size_bytes = DISK, .cluster_bits = shape->cluster_bits },
                                  &error));
  if (shape->wide)
    widen_counts (story->file);
  vt_image_close (&empty->image);
  g_autoptr (GArray) working = g_array_copy (story->file);
  MemoryFile        *memory = memory_file_new (working, story->log);
  VtImage           *image = vt_qcow2_open (&memory->image, 0, 0, NULL, &error);
  g_assert_no_error (error);
  memory->faults = story->faults;
  for (unsigned i = 0; i < OPERATIONS; i++)
    happen (story, image);
  memory->faults = NULL;
  vt_image_close (image);
  /* Else this is no test of a table that moves. */
  g_assert_true (!shape->wide || GUINT32_FROM_BE (*(uint32_t *) (working->data + 56)) > 1);
}

static void
story_free (Story *story)
{
  for (guint i = 0; i < story->log->len; i++)
    g_free (g_array_index (story->log, MemoryEntry, i).bytes);
  for (guint i = 0; i < story->operations->len; i++)
    g_free (g_array_index (story->operations, Operation, i).disk);
  g_array_unref (story->log);
  g_array_unref (story->operations);
  g_array_unref (story->file);
  g_rand_free (story->random);
  g_free (story);
}

/* --- The power fails ---------------------------------------------------------------------------------------------------------- */

/* Everything up to the last flush of the file, and of the rest what chance lets through. */
static GArray *
what_is_left (Story *story, guint moment)
{
  GArray *file = g_array_copy (story->file);
  guint   safe = 0;
  for (guint i = 0; i < moment; i++)
    if (g_array_index (story->log, MemoryEntry, i).len == 0)
      safe = i;
  for (guint i = 0; i < moment; i++)
    {
      const MemoryEntry *entry = &g_array_index (story->log, MemoryEntry, i);
      if (entry->len == 0)
        continue;
      if (i < safe || g_rand_int_range (story->random, 0, 3) == 0)
        {
          memory_apply (file, entry->off, entry->len, entry->bytes);
          continue;
        }
      bool torn = g_rand_boolean (story->random);
      for (uint64_t at = 0; torn && at < entry->len; at += SECTOR)
        if (g_rand_boolean (story->random))
          memory_apply (file, entry->off + at, MIN (SECTOR, entry->len - at), entry->bytes != NULL ? entry->bytes + at : NULL);
    }
  return file;
}

static bool
flushed_is_there (Story *story, VtImage *image, guint moment)
{
  const uint8_t     *disk = NULL;
  bool               touched[SECTORS] = { false };
  g_autofree uint8_t *now = g_malloc (DISK);
  for (guint i = 0; i < story->operations->len; i++)
    {
      const Operation *operation = &g_array_index (story->operations, Operation, i);
      if (operation->begin >= moment)
        break;
      if (operation->disk != NULL && operation->end <= moment)
        {
          disk = operation->disk;
          memset (touched, 0, sizeof touched);
        }
      for (unsigned n = 0; n < operation->n; n++)
        touched[operation->first + n] = true;
    }
  if (disk == NULL)
    return true;
  if (vt_image_read (image, 0, now, DISK) != 0)
    return false;
  for (unsigned i = 0; i < SECTORS; i++)
    if (!touched[i] && memcmp (now + i * SECTOR, disk + i * SECTOR, SECTOR) != 0)
      return false;
  return true;
}

/* NULL, or what is wrong. */
static const char *
fail_at (Story *story, guint moment, uint64_t *leaks)
{
  g_autoptr (GArray)  file = what_is_left (story, moment);
  g_autoptr (GError)  error = NULL;
  g_autoptr (VtImage) image = vt_qcow2_open (&memory_file_new (file, NULL)->image, 0, 0, NULL, &error);
  VtImageCheck        check;
  if (image == NULL || !vt_qcow2_check (image, false, &check, &error))
    return "it cannot be opened or checked";
  *leaks += check.leaks;
  if (check.corruptions > 0)
    return "corruption";
  return flushed_is_there (story, image, moment) ? NULL : "a flushed sector is lost";
}

int
main (int argc, char **argv)
{
  static const Shape shapes[] = { { 9 }, { 12 }, { 16 }, { 9, .wide = true },
                                  { 9, .faults = true }, { 12, .faults = true }, { 9, .wide = true, .faults = true } };
  unsigned              states = argc > 2 ? (unsigned) atoi (argv[2]) : 300, lost = 0;
  uint64_t              leaks = 0;
  printf ("1..%u\n", (unsigned) G_N_ELEMENTS (shapes));
  for (unsigned i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      Story *story = g_new0 (Story, 1);
      unsigned before = lost;
      story->random = g_rand_new_with_seed ((guint32) (argc > 1 ? atoi (argv[1]) : 1) + i);
      story->faults = shapes[i].faults ? story->random : NULL;
      tell (story, &shapes[i]);
      for (unsigned n = 0; n < states; n++)
        {
          guint       moment = (guint) g_rand_int_range (story->random, 0, (gint32) story->log->len + 1);
          const char *wrong = fail_at (story, moment, &leaks);
          if (wrong != NULL && lost++ < 5)
            printf ("# clusters of %u bytes, entry %u: %s\n", 1u << shapes[i].cluster_bits, moment, wrong);
        }
      printf ("%sok %u - clusters of %u bytes%s%s: the power fails %u times, nothing that was flushed is lost\n",
              lost > before ? "not " : "", i + 1, 1u << shapes[i].cluster_bits, shapes[i].wide ? ", wide counts" : "",
              shapes[i].faults ? ", a disk with errors" : "", states);
      if (shapes[i].faults)
        printf ("# %u requests failed and were repeated\n", story->refused);
      story_free (story);
    }
  printf ("# %u states, %u wrong, %" G_GUINT64_FORMAT " clusters left unused\n", states * (unsigned) G_N_ELEMENTS (shapes), lost,
          leaks);
  return 0;
}
