/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the qcow2 format share (docs/interop/qcow2.txt of QEMU is the format's description; numbers are from there):
 *
 *   qcow2.c           the disk: reading, writing, zeroing
 *   qcow2-open.c      header, checks of everything that an image claims
 *   qcow2-map.c       L1 and L2 tables: from guest clusters to host clusters
 *   qcow2-packed.c    compressed clusters
 *   qcow2-refcount.c  which host clusters are in use; allocating and freeing
 *   qcow2-marks.c     which entries say that what they refer to is theirs alone
 *   qcow2-flush.c     in which order changes reach the file
 *   qcow2-check.c     counting all references anew, and repair
 *   qcow2-create.c    new images
 *   qcow2-crypt.c     LUKS inside
 *   qcow2-snapshot.c  snapshots inside an image
 *
 * **What a crash can do.** Changed tables stay in memory until a flush (or until there are too many). Then the order is: data and
 * reference counts; safe; the table of their blocks, if there are new ones; safe; L2 tables; safe; L1; safe; only then are clusters
 * freed that nobody refers to any more. So whatever is in the file refers to clusters that are counted and written; a crash may leave
 * clusters that are counted and unused. An error on the way leaves in memory what is not in the file yet, for the next flush. */
#pragma once

#include "image.h"
#include "luks.h"
#include "qcow2.h"

enum
{
  QCOW2_MAGIC = 0x514649fb,
  QCOW2_V2_HEADER = 72, QCOW2_V3_HEADER = 104,
  QCOW2_V3_HEADER_COMPRESSION = 112,      /* with the compression method */

  QCOW2_INCOMPATIBLE_DIRTY = 1u << 0, QCOW2_INCOMPATIBLE_CORRUPT = 1u << 1, QCOW2_INCOMPATIBLE_EXTERNAL = 1u << 2,
  QCOW2_INCOMPATIBLE_COMPRESSION = 1u << 3, QCOW2_INCOMPATIBLE_SUBCLUSTERS = 1u << 4,
  QCOW2_INCOMPATIBLE_KNOWN = QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT | QCOW2_INCOMPATIBLE_COMPRESSION
                             | QCOW2_INCOMPATIBLE_SUBCLUSTERS,

  QCOW2_EXTENSION_BACKING_FORMAT = 0xe2792aca, QCOW2_EXTENSION_ENCRYPTION = 0x0537be77,
  QCOW2_CRYPT_NONE = 0, QCOW2_CRYPT_LUKS = 2,

  QCOW2_L1_BYTES_MAX       = 32 << 20,
  QCOW2_REFTABLE_BYTES_MAX = 8 << 20,
  QCOW2_SNAPSHOTS_MAX      = 65536,
  QCOW2_CACHE_BYTES        = 16 << 20,    /* of each of the two caches */
  QCOW2_CHAIN_MAX          = 32,          /* images in a backing chain */
};
#define QCOW2_OFFSET_MASK UINT64_C (0x00fffffffffffe00)
#define QCOW2_COPIED      (UINT64_C (1) << 63)
#define QCOW2_PACKED      (UINT64_C (1) << 62)
#define QCOW2_ZERO        (UINT64_C (1) << 0)

typedef struct
{
  uint32_t version, cluster_bits, refcount_order, header_bytes;
  uint64_t size, l1_at, reftable_at, snapshots_at;
  uint32_t l1_entries, reftable_clusters, n_snapshots;
  uint64_t incompatible, compatible, autoclear;
  uint8_t  compression;               /* 0 zlib, 1 zstd */
  uint32_t crypt_method;
  uint64_t luks_at, luks_bytes;       /* with LUKS: of its header */
  char    *backing, *backing_format;  /* NULL: none */
} Qcow2Header;

/* An L2 table or a block of reference counts, as it is in the file. */
typedef struct
{
  uint64_t at;
  uint8_t *bytes;
  bool     dirty;
  uint64_t used;      /* tick of the last use */
} Qcow2Table;

typedef struct
{
  GHashTable *tables;    /* by at */
  unsigned    most;
  uint64_t    tick;
} Qcow2Cache;

typedef struct
{
  VtImage     image;
  VtImage    *file;            /* tables */
  VtImage    *data;            /* clusters of data: the same file, or a view of it that decrypts */
  VtImage    *backing;         /* NULL: none */
  Qcow2Header h;
  uint64_t    cluster_bytes;
  bool        subclusters;
  unsigned    l2_bits;         /* entries of an L2 table, as a power of two */
  bool        broken;          /* found corrupt: nothing is written any more */

  /* Shared: reading, and writing into clusters that are there. Exclusive: whatever changes a table. */
  GRWLock     lock;
  GMutex      cache_lock;      /* of the caches and `unpacked`, for those who hold `lock` shared */
  Qcow2Cache  l2, refcounts;
  uint64_t   *l1;              /* host order */
  bool        l1_dirty;
  uint64_t   *reftable;        /* host order */
  uint64_t    reftable_entries;
  uint64_t    reftable_from, reftable_to;   /* entries that the file does not have yet */
  GHashTable *metadata;        /* clusters of L2 tables and blocks of counts: key is the cluster's number */
  uint64_t    end;             /* clusters of the file */
  uint64_t    hint;            /* no free cluster below */
  GArray     *leaving;         /* uint64_t: host clusters whose count falls by one when the tables are safe */
  uint64_t    unpacked_at;     /* host entry of the compressed cluster in `unpacked`; 0: none */
  uint8_t    *unpacked;
  uint64_t    packed_at;       /* behind the compressed cluster that was written last; on a cluster's beginning: no room */
} Qcow2;

/* So many clusters hold so many bytes. */
static inline uint64_t
qcow2_clusters (const Qcow2 *q, uint64_t bytes)
{
  return (bytes + q->cluster_bytes - 1) >> q->h.cluster_bits;
}

/* Of an L2 table: with subclusters, their bitmap is behind each. */
static inline unsigned
qcow2_l2_entry_bytes (const Qcow2 *q)
{
  return q->subclusters ? 16 : 8;
}

/* --- Tables (qcow2-map.c) --- */

/* The table at `at`, read if needed. cache_lock held, or `lock` exclusively. */
int  qcow2_table (Qcow2 *q, Qcow2Cache *cache, uint64_t at, Qcow2Table **table);
/* A new one, all zeros, dirty, not in the file yet. */
Qcow2Table *qcow2_table_new (Qcow2 *q, Qcow2Cache *cache, uint64_t at);
void qcow2_table_drop (Qcow2Cache *cache, uint64_t at);
/* At most that many, if enough of them need no writing. */
void qcow2_cache_trim (Qcow2Cache *cache, unsigned most);

/* Entries of an L1 or of the table of counts: in the file big-endian, in memory the host's way. */
int  qcow2_read_entries (Qcow2 *q, uint64_t at, uint64_t n, uint64_t *to);
int  qcow2_write_entries (Qcow2 *q, uint64_t at, uint64_t n, const uint64_t *from);

/* One L2 entry and what it means for a byte of the disk. */
typedef struct
{
  uint64_t     entry, bitmap;   /* bitmap: of subclusters, else 0 */
  VtExtentKind kind;
  uint64_t     host;            /* DATA: of that byte */
  uint64_t     len;             /* for so many bytes: to the end of the cluster or subcluster */
  bool         in_place;        /* may be written where it is: ours alone, and all of the cluster there */
} Qcow2Mapping;

int qcow2_find (Qcow2 *q, uint64_t off, Qcow2Mapping *mapping);
/* Sets the entry of the cluster at `off`; the table is made, or made our own, as needed. `lock` held exclusively. */
int qcow2_set (Qcow2 *q, uint64_t off, uint64_t entry, uint64_t bitmap);
/* The bytes of the file that an L2 entry refers to: a cluster, or the sectors of a compressed one. *len 0: none. */
void qcow2_place (const Qcow2 *q, uint64_t entry, uint64_t *at, uint64_t *len);
/* Reads a part of a compressed cluster. Without cache_lock. */
int qcow2_unpack (Qcow2 *q, uint64_t entry, uint64_t from, uint8_t *to, uint64_t len);

/* --- Counts (qcow2-refcount.c): `lock` held exclusively --- */

int qcow2_count (Qcow2 *q, uint64_t cluster, uint64_t *count);
/* Whether the file's table names all blocks of counts. */
bool qcow2_blocks_published (const Qcow2 *q);
int qcow2_set_count (Qcow2 *q, uint64_t cluster, uint64_t count);
/* The most that fits. */
uint64_t qcow2_count_most (const Qcow2 *q);
/* One cluster, counted once; *at is its offset. */
int qcow2_allocate (Qcow2 *q, uint64_t *at);
/* No cluster within the file is free. */
bool qcow2_file_is_full (Qcow2 *q);
/* n in a row, at the end of the file: all of them or, after an error, none. */
int qcow2_allocate_run (Qcow2 *q, uint64_t n, uint64_t *at);
/* For an allocation that came to nothing. */
void qcow2_give_back (Qcow2 *q, uint64_t at);
/* What an entry refers to is no longer referred to, as of the next flush. */
void qcow2_leave (Qcow2 *q, uint64_t entry);
/* False (and the image is marked as corrupt) when [at, at + len) is where tables are. */
bool qcow2_may_write_data (Qcow2 *q, uint64_t at, uint64_t len);
void qcow2_found_corrupt (Qcow2 *q, const char *what, uint64_t at);

/* --- Marks (qcow2-marks.c): `lock` held exclusively --- */

typedef struct
{
  bool     may_set, may_clear;
  uint64_t wrong, mended;      /* entries */
} Qcow2Marks;
/* Compares the marks of the disk's entries with the counts, and sets them right as far as it may; in memory. What refers to an impossible
 * place is passed over. */
int qcow2_mark_all (Qcow2 *q, Qcow2Marks *marks);

/* --- Order (qcow2-flush.c): `lock` held exclusively --- */

int qcow2_write_cache (Qcow2 *q, Qcow2Cache *cache);
/* Blocks of counts, and then the table that names them (qcow2-refcount.c). Safe as of the next flush of the file. */
int qcow2_write_counts (Qcow2 *q);
/* Everything that is changed is safe in the file. */
int qcow2_flush_tables (Qcow2 *q);

/* --- Writing (qcow2.c): `lock` held exclusively --- */

/* After a change of a table: when there are many in memory, they go to the file. */
int qcow2_keep_small (Qcow2 *q);

/* --- Snapshots (qcow2-snapshot.c) --- */

typedef struct
{
  uint64_t l1_at, disk_bytes;
  uint32_t l1_entries;
  char    *id, *name;
  uint64_t seconds;
  uint8_t *bytes;         /* the entry as it is in the file */
  uint64_t len;           /* padded to 8 */
} Qcow2Snapshot;

/* All of them, *table_bytes long in the file; never NULL: before an error, those that could be read. EUCLEAN: the table is none. */
GPtrArray *qcow2_read_snapshots (Qcow2 *q, uint64_t *table_bytes, int *error);

/* --- Encryption (qcow2-crypt.c) --- */

bool qcow2_open_data (Qcow2 *q, unsigned flags, VtSecret *secret, GError **error);

extern const VtImageOps qcow2_ops;
int  qcow2_write_header (Qcow2 *q);
void qcow2_free (Qcow2 *q);
