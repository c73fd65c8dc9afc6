/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a VHDX file ([MS-VHDX], 2.3): a ring of sectors with entries, each of which says what to write where. Those of the newest sequence
 * of entries that is whole are what the file misses. They are made over the file, in memory: images are only read here, and the user's file is
 * nobody's to repair. */
#include <errno.h>

#include "vhdx.h"

enum
{
  SECTOR_BYTES = 4096, LOG_BYTES_MOST = 64 << 20, LOG_BYTES_UNIT = 1 << 20, GUID_BYTES = 16,
  ENTRY_HEADER_BYTES = 64, ENTRY_SUM_AT = 4, ENTRY_BYTES_AT = 8, ENTRY_TAIL_AT = 12, ENTRY_NUMBER_AT = 16, ENTRY_COUNT_AT = 24,
  ENTRY_GUID_AT = 32, ENTRY_FLUSHED_AT = 48, ENTRY_LAST_AT = 56,
  DESCRIPTOR_BYTES = 32, TRAILING_AT = 4, TRAILING_BYTES = 4, LEADING_AT = 8, LEADING_BYTES = 8, ZERO_LENGTH_AT = 8, FILE_OFFSET_AT = 16,
  NUMBER_AT = 24,
  DATA_HIGH_AT = 4, DATA_LOW_AT = SECTOR_BYTES - 4,
};

typedef struct
{
  uint8_t       *bytes;
  const uint8_t *guid;
  uint32_t       sectors;
} Log;

typedef struct
{
  uint64_t number, flushed, last;
  uint32_t at, sectors, tail;      /* in sectors of the log */
  uint32_t count, describing;      /* descriptors, and sectors that have them */
} Entry;

/* What reads differently from the file. */
typedef struct
{
  uint64_t       off, end;
  const uint8_t *data;             /* NULL: zeros */
} Patch;

/* --- Entries ------------------------------------------------------------------------------------------------------------ */

static uint8_t *
sector_of (const Log *log, const Entry *entry, uint32_t n)
{
  return log->bytes + (size_t) ((entry->at + n) % log->sectors) * SECTOR_BYTES;
}

/* The entry's header takes the place of two descriptors, and none is in two sectors. */
static const uint8_t *
descriptor_of (const Log *log, const Entry *entry, uint32_t n)
{
  size_t at = ENTRY_HEADER_BYTES + (size_t) n * DESCRIPTOR_BYTES;
  return sector_of (log, entry, (uint32_t) (at / SECTOR_BYTES)) + at % SECTOR_BYTES;
}

static bool
is_zero_descriptor (const uint8_t *descriptor)
{
  return memcmp (descriptor, "zero", 4) == 0;
}

static bool
descriptor_is_right (const Entry *entry, const uint8_t *descriptor)
{
  bool     zero = is_zero_descriptor (descriptor);
  uint64_t off = vt_load_le (descriptor + FILE_OFFSET_AT, 8), len = zero ? vt_load_le (descriptor + ZERO_LENGTH_AT, 8) : SECTOR_BYTES;
  return (zero || memcmp (descriptor, "desc", 4) == 0) && vt_load_le (descriptor + NUMBER_AT, 8) == entry->number
         && off % SECTOR_BYTES == 0 && len % SECTOR_BYTES == 0 && vt_fits (off, len, INT64_MAX);
}

static bool
data_is_right (const Entry *entry, const uint8_t *sector)
{
  return memcmp (sector, "data", 4) == 0
         && (vt_load_le (sector + DATA_HIGH_AT, 4) << 32 | vt_load_le (sector + DATA_LOW_AT, 4)) == entry->number;
}

/* Each sector tells by its first bytes what it is, so that no entry is inside another, and all of the log is looked at but once or twice
 * whatever it claims. */
static bool
parts_are_right (const Log *log, const Entry *entry)
{
  uint32_t data = 0;
  for (uint32_t i = 0; i < entry->count; i++)
    {
      const uint8_t *descriptor = descriptor_of (log, entry, i);
      if (!descriptor_is_right (entry, descriptor))
        return false;
      data += !is_zero_descriptor (descriptor);
    }
  if (data != entry->sectors - entry->describing)
    return false;
  for (uint32_t i = 0; i < data; i++)
    if (!data_is_right (entry, sector_of (log, entry, entry->describing + i)))
      return false;
  return true;
}

static bool
sum_is_right (const Log *log, const Entry *entry)
{
  const uint8_t *first = sector_of (log, entry, 0);
  uint32_t       sum = vt_vhdx_sum_of (first, SECTOR_BYTES);
  for (uint32_t i = 1; i < entry->sectors; i++)
    sum = vt_vhdx_sum (sum, sector_of (log, entry, i), SECTOR_BYTES);
  return sum == vt_load_le (first + ENTRY_SUM_AT, 4);
}

static bool
is_entry (const Log *log, uint32_t at)
{
  const uint8_t *bytes = log->bytes + (size_t) at * SECTOR_BYTES;
  return memcmp (bytes, "loge", 4) == 0 && memcmp (bytes + ENTRY_GUID_AT, log->guid, GUID_BYTES) == 0;
}

/* False: there is none, or it was not written to its end. */
static bool
read_entry (const Log *log, uint32_t at, Entry *entry)
{
  const uint8_t *bytes = log->bytes + (size_t) at * SECTOR_BYTES;
  uint64_t       len = vt_load_le (bytes + ENTRY_BYTES_AT, 4), tail = vt_load_le (bytes + ENTRY_TAIL_AT, 4);
  uint64_t       count = vt_load_le (bytes + ENTRY_COUNT_AT, 4);
  uint64_t       describing = (ENTRY_HEADER_BYTES + count * DESCRIPTOR_BYTES + SECTOR_BYTES - 1) / SECTOR_BYTES;
  if (!is_entry (log, at) || len % SECTOR_BYTES != 0 || tail % SECTOR_BYTES != 0 || len / SECTOR_BYTES > log->sectors
      || tail / SECTOR_BYTES >= log->sectors || describing > len / SECTOR_BYTES)
    return false;
  *entry = (Entry) {
    .number = vt_load_le (bytes + ENTRY_NUMBER_AT, 8), .flushed = vt_load_le (bytes + ENTRY_FLUSHED_AT, 8),
    .last = vt_load_le (bytes + ENTRY_LAST_AT, 8), .at = at, .sectors = (uint32_t) (len / SECTOR_BYTES),
    .tail = (uint32_t) (tail / SECTOR_BYTES), .count = (uint32_t) count, .describing = (uint32_t) describing,
  };
  return entry->number > 0 && parts_are_right (log, entry) && sum_is_right (log, entry);
}

/* --- Sequences ---------------------------------------------------------------------------------------------------------- */

#define ENTRY(entries, i) g_array_index (entries, Entry, i)
#define HEAD(entries)     ENTRY (entries, (entries)->len - 1)

/* Entries that were written one after the other, from `at` on. Returns how many sectors they have. */
static uint32_t
follow (const Log *log, uint32_t at, GArray *entries)
{
  uint32_t sectors = 0;
  Entry    entry;
  g_array_set_size (entries, 0);
  while (read_entry (log, (at + sectors) % log->sectors, &entry) && (entries->len == 0 || entry.number == HEAD (entries).number + 1))
    {
      g_array_append_val (entries, entry);
      sectors += entry.sectors;
    }
  return sectors;
}

/* Which of them is the oldest that is not in the file yet, as the newest says; -1: it is not among them. */
static int
find_tail (const GArray *entries)
{
  for (guint i = 0; i < entries->len; i++)
    if (ENTRY (entries, i).at == HEAD (entries).tail)
      return (int) i;
  return -1;
}

/* The newest sequence that is whole; empty: there is none. What begins inside a sequence ends like it, and is whole only if that is. */
static GArray *
find_active (const Log *log)
{
  GArray *active = g_array_new (FALSE, FALSE, sizeof (Entry)), *entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  for (uint32_t at = 0, sectors; at < log->sectors; at += MAX (sectors, 1))
    {
      sectors = follow (log, at, entries);
      if (find_tail (entries) >= 0 && (active->len == 0 || HEAD (entries).number > HEAD (active).number))
        {
          GArray *older = active;
          active = entries;
          entries = older;
        }
    }
  g_array_unref (entries);
  return active;
}

/* --- Patches ------------------------------------------------------------------------------------------------------------ */

/* An update's first and last bytes are in its descriptor: the sector has marks there. */
static void
mend_data (uint8_t *sector, const uint8_t *descriptor)
{
  memcpy (sector, descriptor + LEADING_AT, LEADING_BYTES);
  memcpy (sector + SECTOR_BYTES - TRAILING_BYTES, descriptor + TRAILING_AT, TRAILING_BYTES);
}

static void
add_patches (const Log *log, const Entry *entry, GArray *patches)
{
  uint32_t data = entry->describing;
  for (uint32_t i = 0; i < entry->count; i++)
    {
      const uint8_t *descriptor = descriptor_of (log, entry, i);
      uint64_t       off = vt_load_le (descriptor + FILE_OFFSET_AT, 8);
      Patch          patch = { .off = off, .end = off + SECTOR_BYTES };
      if (is_zero_descriptor (descriptor))
        patch.end = off + vt_load_le (descriptor + ZERO_LENGTH_AT, 8);
      else
        {
          uint8_t *sector = sector_of (log, entry, data++);
          mend_data (sector, descriptor);
          patch.data = sector;
        }
      if (patch.end > patch.off)
        g_array_append_val (patches, patch);
    }
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  uint64_t one = *(const uint64_t *) a, other = *(const uint64_t *) b;
  return one < other ? -1 : one > other;
}

/* Where patches begin and end, in order, each once. */
static GArray *
find_bounds (const GArray *patches)
{
  GArray *bounds = g_array_sized_new (FALSE, FALSE, sizeof (uint64_t), 2 * patches->len);
  guint   n = 0;
  for (guint i = 0; i < patches->len; i++)
    {
      const Patch *patch = &g_array_index (patches, Patch, i);
      g_array_append_val (bounds, patch->off);
      g_array_append_val (bounds, patch->end);
    }
  g_array_sort (bounds, compare_numbers);
  for (guint i = 0; i < bounds->len; i++)
    if (n == 0 || g_array_index (bounds, uint64_t, i) != g_array_index (bounds, uint64_t, n - 1))
      g_array_index (bounds, uint64_t, n++) = g_array_index (bounds, uint64_t, i);
  g_array_set_size (bounds, n);
  return bounds;
}

/* The first piece at or after `i` that nobody has; what was passed is passed at once the next time. */
static guint
next_free (guint *next, guint i)
{
  guint found = i;
  while (next[found] != found)
    found = next[found];
  while (next[i] != found)
    {
      guint after = next[i];
      next[i] = found;
      i = after;
    }
  return found;
}

/* Patches in the order of the file, none over another: the newest takes the pieces that it covers, older ones what is left. */
static GArray *
flatten (const GArray *patches)
{
  g_autoptr (GArray)   bounds = find_bounds (patches);
  guint                n = bounds->len;
  const uint64_t      *bound = (const uint64_t *) (const void *) bounds->data;
  g_autofree guint    *next = g_new (guint, n + 1);
  g_autofree Patch    *pieces = g_new0 (Patch, n + 1);
  GArray              *flat = g_array_new (FALSE, FALSE, sizeof (Patch));
  for (guint i = 0; i <= n; i++)
    next[i] = i;
  for (guint p = patches->len; p-- > 0;)
    {
      const Patch *patch = &g_array_index (patches, Patch, p);
      guint        i;
      g_array_binary_search ((GArray *) bounds, &patch->off, compare_numbers, &i);
      for (i = next_free (next, i); i + 1 < n && bound[i] < patch->end; i = next_free (next, i))
        {
          pieces[i] = (Patch) { bound[i], bound[i + 1], patch->data };
          next[i] = i + 1;
        }
    }
  for (guint i = 0; i < n; i++)
    if (pieces[i].end != 0)
      g_array_append_val (flat, pieces[i]);
  return flat;
}

/* --- The file with its patches ------------------------------------------------------------------------------------------ */

typedef struct
{
  VtImage  image;
  VtImage *file;
  uint8_t *log;          /* patches point into it */
  GArray  *patches;      /* in the file's order, none over another */
} Patched;

/* The first that ends after `off`; NULL: none does. */
static const Patch *
find_patch (const Patched *self, uint64_t off)
{
  guint low = 0, high = self->patches->len;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      if (g_array_index (self->patches, Patch, middle).end <= off)
        low = middle + 1;
      else
        high = middle;
    }
  return low < self->patches->len ? &g_array_index (self->patches, Patch, low) : NULL;
}

/* How far the file shows from `off` on, at most len. */
static uint64_t
unpatched (const Patch *patch, uint64_t off, uint64_t len)
{
  return patch == NULL ? len : off >= patch->off ? 0 : MIN (len, patch->off - off);
}

static void
read_patch (const Patch *patch, uint64_t off, uint8_t *to, uint64_t len)
{
  if (patch->data != NULL)
    memcpy (to, patch->data + (off - patch->off), len);
  else
    memset (to, 0, len);
}

static int
patched_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  Patched *self = (Patched *) image;
  int      error = 0;
  for (uint64_t n; len > 0 && error == 0; off += n, to += n, len -= n)
    {
      const Patch *patch = find_patch (self, off);
      n = unpatched (patch, off, len);
      if (n > 0)
        error = vt_image_read (self->file, off, to, n);
      else
        {
          n = MIN (len, patch->end - off);
          read_patch (patch, off, to, n);
        }
    }
  return error;
}

static int
patched_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  *extent = (VtExtent) { VT_EXTENT_DATA, len, off };
  return 0;
}

static void
patched_close (VtImage *image)
{
  Patched *self = (Patched *) image;
  vt_image_close (self->file);
  g_array_unref (self->patches);
  g_free (self->log);
  g_free (self);
}

static const VtImageOps patched_ops = {
  patched_read,   vt_image_refuse_write, vt_image_refuse_zero, vt_image_refuse_zero, vt_image_nothing_to_flush,
  patched_extent, patched_close,         NULL,
};

/* Takes the file and the log's bytes. The file is as long as the newest entry says, and as what is written needs, even if it was not yet. */
static VtImage *
patched_new (VtImage *file, const Log *log, const GArray *entries)
{
  Patched           *self = g_new0 (Patched, 1);
  g_autoptr (GArray) patches = g_array_new (FALSE, FALSE, sizeof (Patch));
  uint64_t           end = MAX (file->file_bytes, MIN (HEAD (entries).last, INT64_MAX));
  for (guint i = (guint) find_tail (entries); i < entries->len; i++)
    add_patches (log, &ENTRY (entries, i), patches);
  self->file = file;
  self->log = log->bytes;
  self->patches = flatten (patches);
  for (guint i = 0; i < self->patches->len; i++)
    end = MAX (end, g_array_index (self->patches, Patch, i).end);
  self->image = (VtImage) { .ops = &patched_ops, .size_bytes = UINT64_MAX, .file_bytes = end, .readonly = true,
                            .label = g_strdup (file->label) };
  return &self->image;
}

/* --- Replaying ---------------------------------------------------------------------------------------------------------- */

static const char *
explain_place (const VtImage *file, const uint8_t *header)
{
  uint64_t at = vt_load_le (header + VT_VHDX_LOG_OFFSET_AT, 8), len = vt_load_le (header + VT_VHDX_LOG_BYTES_AT, 4);
  if (vt_load_le (header + VT_VHDX_LOG_VERSION_AT, 2) != 0)
    return "it was not closed in order, and its log is of a version that is not known";
  if (len == 0 || len % LOG_BYTES_UNIT != 0 || at % LOG_BYTES_UNIT != 0 || at == 0 || len > LOG_BYTES_MOST)
    return "its log has an impossible size or place";
  return vt_fits (at, len, file->file_bytes) ? NULL : "a part of it is outside of the file, which may have been cut short";
}

static bool
has_entries (const Log *log)
{
  for (uint32_t at = 0; at < log->sectors; at++)
    if (is_entry (log, at))
      return true;
  return false;
}

/* Makes `over` if there is something to make; then the log's bytes are its. */
static const char *
replay (VtImage *file, Log *log, VtImage **over)
{
  g_autoptr (GArray) active = find_active (log);
  if (active->len == 0)
    return has_entries (log) ? "it was not closed in order, and the log with its last changes is damaged" : NULL;
  if (HEAD (active).flushed > file->file_bytes)
    return "it is shorter than its log says, and may have been cut short";
  *over = patched_new (file, log, active);
  log->bytes = NULL;
  return NULL;
}

const char *
vt_vhdx_replay (VtImage *file, const uint8_t *header, VtImage **over)
{
  static const uint8_t none[GUID_BYTES];
  *over = NULL;
  if (memcmp (header + VT_VHDX_LOG_GUID_AT, none, sizeof none) == 0)
    return NULL;
  const char *problem = explain_place (file, header);
  if (problem != NULL)
    return problem;
  size_t len = vt_load_le (header + VT_VHDX_LOG_BYTES_AT, 4);
  Log    log = { g_malloc (len), header + VT_VHDX_LOG_GUID_AT, (uint32_t) (len / SECTOR_BYTES) };
  problem = vt_image_read (file, vt_load_le (header + VT_VHDX_LOG_OFFSET_AT, 8), log.bytes, len) == 0 ? replay (file, &log, over)
                                                                                                      : "its log cannot be read";
  g_free (log.bytes);
  return problem;
}
