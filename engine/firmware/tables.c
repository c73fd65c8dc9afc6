/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware tables that point at each other.
 *
 * The script is "etc/table-loader": entries of 128 bytes, little-endian, that the firmware runs in order (the interface
 * of SeaBIOS and OVMF): allocate a file, add a file's address to a pointer, compute a checksum.
 */
#include "tables.h"

#include "fw-cfg.h"
#include "vitrine/error.h"

#define LOADER_FILE       "etc/table-loader"
#define LOADER_ENTRY_SIZE 128u
#define LOADER_NAME_SIZE  56u

typedef enum
{
  LOADER_ALLOCATE = 1,
  LOADER_POINTER  = 2,
  LOADER_CHECKSUM = 3,
} LoaderCommand;

typedef struct
{
  const char  *name;
  GByteArray  *bytes;
  unsigned     align;
  VtTablesZone zone;      /* 0: plain, no address */
  uint64_t     address;   /* after placing */
} Blob;

typedef struct
{
  LoaderCommand command;
  const char   *in, *to;
  uint32_t      at, size, start;
} Relation;

struct VtTables
{
  GPtrArray *blobs;       /* Blob */
  GArray    *relations;   /* Relation */
};

static void
free_blob (gpointer data)
{
  Blob *blob = data;
  g_byte_array_unref (blob->bytes);
  g_free (blob);
}

VtTables *
vt_tables_new (void)
{
  VtTables *tables = g_new0 (VtTables, 1);
  tables->blobs = g_ptr_array_new_with_free_func (free_blob);
  tables->relations = g_array_new (FALSE, FALSE, sizeof (Relation));
  return tables;
}

void
vt_tables_free (VtTables *tables)
{
  if (tables == NULL)
    return;
  g_ptr_array_unref (tables->blobs);
  g_array_unref (tables->relations);
  g_free (tables);
}

static Blob *
find_blob (const VtTables *tables, const char *name)
{
  for (unsigned i = 0; i < tables->blobs->len; i++)
    {
      Blob *blob = g_ptr_array_index (tables->blobs, i);
      if (g_str_equal (blob->name, name))
        return blob;
    }
  return NULL;
}

static Blob *
add_blob (VtTables *tables, const char *name, GByteArray *bytes, unsigned align, VtTablesZone zone)
{
  g_assert (strlen (name) < LOADER_NAME_SIZE);
  g_assert (find_blob (tables, name) == NULL);
  Blob *blob = g_new0 (Blob, 1);
  *blob = (Blob) { .name = name, .bytes = bytes, .align = align, .zone = zone };
  g_ptr_array_add (tables->blobs, blob);
  return blob;
}

GByteArray *
vt_tables_add (VtTables *tables, const char *name, unsigned align, VtTablesZone zone)
{
  return add_blob (tables, name, g_byte_array_new (), align, zone)->bytes;
}

void
vt_tables_add_plain (VtTables *tables, const char *name, GBytes *bytes)
{
  add_blob (tables, name, g_bytes_unref_to_array (g_bytes_ref (bytes)), 1, 0);
}

void
vt_tables_pointer (VtTables *tables, const char *in, uint32_t at, unsigned size, const char *to)
{
  Relation relation = { .command = LOADER_POINTER, .in = in, .to = to, .at = at, .size = size };
  g_array_append_val (tables->relations, relation);
}

void
vt_tables_checksum (VtTables *tables, const char *in, uint32_t at, uint32_t start, uint32_t len)
{
  Relation relation = { .command = LOADER_CHECKSUM, .in = in, .at = at, .size = len, .start = start };
  g_array_append_val (tables->relations, relation);
}

uint64_t
vt_tables_address (const VtTables *tables, const char *name)
{
  const Blob *blob = find_blob (tables, name);
  return blob != NULL ? blob->address : 0;
}

/* --- Through firmware --------------------------------------------------------------------------------------------- */

static uint8_t *
append_command (GByteArray *script, LoaderCommand command, const char *file)
{
  uint32_t at = script->len;
  g_byte_array_set_size (script, at + LOADER_ENTRY_SIZE);
  uint8_t *entry = script->data + at;
  memset (entry, 0, LOADER_ENTRY_SIZE);
  vt_store_le (entry, command, 4);
  g_strlcpy ((char *) entry + 4, file, LOADER_NAME_SIZE);
  return entry + 4 + LOADER_NAME_SIZE;
}

static void
append_relation (GByteArray *script, const Relation *relation)
{
  uint8_t *operands = append_command (script, relation->command, relation->in);
  if (relation->command == LOADER_POINTER)
    {
      g_strlcpy ((char *) operands, relation->to, LOADER_NAME_SIZE);
      vt_store_le (operands + LOADER_NAME_SIZE, relation->at, 4);
      operands[LOADER_NAME_SIZE + 4] = relation->size;
      return;
    }
  vt_store_le (operands, relation->at, 4);
  vt_store_le (operands + 4, relation->start, 4);
  vt_store_le (operands + 8, relation->size, 4);
}

void
vt_tables_publish (const VtTables *tables, VtDevice *fw_cfg)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();
  for (unsigned i = 0; i < tables->blobs->len; i++)
    {
      const Blob *blob = g_ptr_array_index (tables->blobs, i);
      g_autoptr (GBytes) bytes = g_bytes_new (blob->bytes->data, blob->bytes->len);
      vt_fw_cfg_add_file (fw_cfg, blob->name, bytes);
      if (blob->zone == 0)
        continue;
      uint8_t *operands = append_command (script, LOADER_ALLOCATE, blob->name);
      vt_store_le (operands, blob->align, 4);
      operands[4] = blob->zone;
    }
  for (unsigned i = 0; i < tables->relations->len; i++)
    append_relation (script, &g_array_index (tables->relations, Relation, i));
  g_autoptr (GBytes) bytes = g_bytes_new (script->data, script->len);
  vt_fw_cfg_add_file (fw_cfg, LOADER_FILE, bytes);
}

/* --- Straight into memory ----------------------------------------------------------------------------------------- */

static bool
choose_addresses (const VtTables *tables, uint64_t high_end, uint64_t fseg, uint64_t *high_start)
{
  for (unsigned i = 0; i < tables->blobs->len; i++)
    {
      Blob    *blob = g_ptr_array_index (tables->blobs, i);
      uint64_t mask = ~((uint64_t) MAX (blob->align, 1u) - 1);
      if (blob->zone == VT_TABLES_HIGH)
        {
          if (blob->bytes->len > high_end)
            return false;
          high_end = (high_end - blob->bytes->len) & mask;
          blob->address = high_end;
        }
      else if (blob->zone == VT_TABLES_FSEG)
        {
          blob->address = (fseg + ~mask) & mask;
          fseg = blob->address + blob->bytes->len;
        }
    }
  *high_start = high_end & ~VT_PAGE_MASK;
  return fseg <= VT_MIB;
}

/* The relations, done on copies of the blobs (addresses are already chosen). */
static void
resolve (const VtTables *tables, const Relation *relation, GPtrArray *copies)
{
  GByteArray *in = NULL;
  for (unsigned i = 0; i < tables->blobs->len; i++)
    if (g_str_equal (((Blob *) g_ptr_array_index (tables->blobs, i))->name, relation->in))
      in = g_ptr_array_index (copies, i);
  g_assert (in != NULL);
  if (relation->command == LOADER_POINTER)
    {
      g_assert (vt_fits (relation->at, relation->size, in->len));
      uint8_t *field = in->data + relation->at;
      vt_store_le (field, vt_load_le (field, relation->size) + vt_tables_address (tables, relation->to),
                   relation->size);
      return;
    }
  g_assert (vt_fits (relation->start, relation->size, in->len) && relation->at < in->len);
  uint8_t sum = 0;
  in->data[relation->at] = 0;
  for (uint32_t i = 0; i < relation->size; i++)
    sum += in->data[relation->start + i];
  in->data[relation->at] = -sum;
}

bool
vt_tables_place (const VtTables *tables, VtMem *mem, uint64_t high_end, uint64_t fseg, uint64_t *high_start,
                 GError **error)
{
  bool fits = choose_addresses (tables, high_end, fseg, high_start);
  g_autoptr (GPtrArray) copies = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  for (unsigned i = 0; i < tables->blobs->len; i++)
    {
      const Blob *blob = g_ptr_array_index (tables->blobs, i);
      GByteArray *copy = g_byte_array_new ();
      g_byte_array_append (copy, blob->bytes->data, blob->bytes->len);
      g_ptr_array_add (copies, copy);
    }
  for (unsigned i = 0; i < tables->relations->len; i++)
    resolve (tables, &g_array_index (tables->relations, Relation, i), copies);
  for (unsigned i = 0; fits && i < tables->blobs->len; i++)
    {
      const Blob       *blob = g_ptr_array_index (tables->blobs, i);
      const GByteArray *copy = g_ptr_array_index (copies, i);
      fits = blob->zone == 0 || copy->len == 0 || vt_mem_load (mem, VT_GPA (blob->address), copy->data, copy->len);
    }
  if (!fits)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has too little memory for its ACPI tables");
  return fits;
}
