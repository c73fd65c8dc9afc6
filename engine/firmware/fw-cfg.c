/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware configuration device.
 *
 * A paravirtual device that firmware and kernels of the QEMU/KVM world know (specification: "QEMU Firmware
 * Configuration (fw_cfg) Device"; ACPI id QEMU0002).  The guest selects an item by its 16-bit key and reads it byte by
 * byte, or in one go by DMA; keys from 0x20 on are files, listed by name in item 0x19.
 */
#include "fw-cfg.h"

#include "trace-firmware.h"

#define FW_CFG_ID_TRADITIONAL (1u << 0)
#define FW_CFG_ID_DMA         (1u << 1)

/* Selector: bit 14 once meant writing through the data port, which no longer exists. */
#define FW_CFG_SELECTOR_KEY 0xbfffu
#define FW_CFG_FILES_MAX    0x100u

/* Control word of a DMA request. */
#define FW_CFG_DMA_ERROR  (1u << 0)
#define FW_CFG_DMA_READ   (1u << 1)
#define FW_CFG_DMA_SKIP   (1u << 2)
#define FW_CFG_DMA_SELECT (1u << 3)
#define FW_CFG_DMA_WRITE  (1u << 4)
#define FW_CFG_DMA_KEY_SHIFT 16

#define FW_CFG_CHUNK 4096u
/* Reading past the end of an item gives zeros; a guest that asks for more than this is not a driver. */
#define FW_CFG_ZEROS_MAX (16u << 20)

/* A DMA request in guest memory, big-endian. */
typedef struct
{
  uint32_t control;
  uint32_t length;
  uint64_t address;
} FwCfgRequest;
G_STATIC_ASSERT (sizeof (FwCfgRequest) == 16);

/* A directory entry, big-endian. */
typedef struct
{
  uint32_t size;
  uint16_t key;
  uint16_t reserved;
  char     name[VT_FW_CFG_NAME_MAX + 1];
} FwCfgEntry;
G_STATIC_ASSERT (sizeof (FwCfgEntry) == 64);

typedef struct
{
  uint32_t offset;                            /* next byte of the selected item */
  uint32_t dma_high;                          /* upper half of the request address, until the lower one arrives */
  uint16_t key;
  uint8_t  pad_[2];
  uint8_t  writable[VT_FW_CFG_WRITABLE_MAX];  /* contents of the writable files, one after the other */
} FwCfgState;

static const VtField fw_cfg_fields[] = {
  VT_FIELD (FwCfgState, offset), VT_FIELD (FwCfgState, dma_high), VT_FIELD (FwCfgState, key),
  VT_FIELD (FwCfgState, pad_),   VT_FIELD (FwCfgState, writable),
};

typedef struct
{
  char        *name;
  GBytes      *bytes;         /* NULL: in the state ... */
  uint32_t     at, size;      /* ... at this place */
  VtFwCfgWrote wrote;
  VtFwCfgAsked asked;         /* not NULL: not for the guest to write */
  void        *opaque;
} FwCfgFile;

typedef struct
{
  VtDevice    dev;
  FwCfgState  s;
  const VtDma *dma;
  GHashTable *items;          /* key -> GBytes; created by the first add */
  GPtrArray  *files;          /* FwCfgFile, sorted by name: the order that guests expect */
  GBytes     *directory;      /* NULL: to be written anew */
  uint32_t    writable_used;
} FwCfg;

/* A piece of the selected item. */
typedef struct
{
  const uint8_t *data;
  uint32_t       size;
  FwCfgFile     *file;        /* nullable */
} FwCfgItem;

/* --- Contents ----------------------------------------------------------------------------------------------------- */

static void
free_file (gpointer data)
{
  FwCfgFile *file = data;
  g_clear_pointer (&file->bytes, g_bytes_unref);
  g_free (file->name);
  g_free (file);
}

static void
ensure_tables (FwCfg *fw)
{
  if (fw->items != NULL)
    return;
  static const uint32_t id = GUINT32_TO_LE (FW_CFG_ID_TRADITIONAL | FW_CFG_ID_DMA);
  fw->items = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_bytes_unref);
  fw->files = g_ptr_array_new_with_free_func (free_file);
  g_hash_table_insert (fw->items, GUINT_TO_POINTER (VT_FW_CFG_SIGNATURE), g_bytes_new_static ("QEMU", 4));
  g_hash_table_insert (fw->items, GUINT_TO_POINTER (VT_FW_CFG_ID), g_bytes_new_static (&id, sizeof id));
}

static uint32_t
file_size (const FwCfgFile *file)
{
  return file->bytes != NULL ? g_bytes_get_size (file->bytes) : file->size;
}

static GBytes *
write_directory (const FwCfg *fw)
{
  uint32_t    n = fw->files->len;
  GByteArray *out = g_byte_array_new ();
  uint32_t    be_count = GUINT32_TO_BE (n);
  g_byte_array_append (out, (const uint8_t *) &be_count, sizeof be_count);
  for (uint32_t i = 0; i < n; i++)
    {
      const FwCfgFile *file = g_ptr_array_index (fw->files, i);
      FwCfgEntry       entry = { .size = GUINT32_TO_BE (file_size (file)), .key = GUINT16_TO_BE (VT_FW_CFG_FILES + i) };
      g_strlcpy (entry.name, file->name, sizeof entry.name);
      g_byte_array_append (out, (const uint8_t *) &entry, sizeof entry);
    }
  return g_byte_array_free_to_bytes (out);
}

static FwCfgItem
bytes_item (GBytes *bytes)
{
  gsize       size = 0;
  const void *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  return (FwCfgItem) { .data = data, .size = size };
}

static FwCfgItem
selected (FwCfg *fw)
{
  uint16_t key = fw->s.key;
  ensure_tables (fw);
  if (key == VT_FW_CFG_FILE_DIR)
    {
      if (fw->directory == NULL)
        fw->directory = write_directory (fw);
      return bytes_item (fw->directory);
    }
  if (key < VT_FW_CFG_FILES || key - VT_FW_CFG_FILES >= fw->files->len)
    return bytes_item (g_hash_table_lookup (fw->items, GUINT_TO_POINTER ((unsigned) key)));

  FwCfgFile *file = g_ptr_array_index (fw->files, key - VT_FW_CFG_FILES);
  FwCfgItem  item = file->bytes != NULL ? bytes_item (file->bytes)
                                        : (FwCfgItem) { .data = fw->s.writable + file->at, .size = file->size };
  item.file = file;
  return item;
}

void
vt_fw_cfg_add (VtDevice *dev, uint16_t key, GBytes *bytes)
{
  FwCfg *fw = (FwCfg *) dev;
  ensure_tables (fw);
  g_assert (key < VT_FW_CFG_FILES || key >= VT_FW_CFG_FILES + FW_CFG_FILES_MAX);
  g_assert (key != VT_FW_CFG_FILE_DIR);
  g_hash_table_replace (fw->items, GUINT_TO_POINTER ((unsigned) key), g_bytes_ref (bytes));
}

static int
compare_files (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(FwCfgFile *const *) a)->name, (*(FwCfgFile *const *) b)->name);
}

static FwCfgFile *
new_file (FwCfg *fw, const char *name)
{
  ensure_tables (fw);
  g_assert (strlen (name) <= VT_FW_CFG_NAME_MAX);
  g_clear_pointer (&fw->directory, g_bytes_unref);
  for (uint32_t i = 0; i < fw->files->len; i++)
    {
      FwCfgFile *file = g_ptr_array_index (fw->files, i);
      if (g_str_equal (file->name, name))
        return file;
    }
  g_assert (fw->files->len < FW_CFG_FILES_MAX);
  FwCfgFile *file = g_new0 (FwCfgFile, 1);
  file->name = g_strdup (name);
  g_ptr_array_add (fw->files, file);
  g_ptr_array_sort (fw->files, compare_files);
  return file;
}

void
vt_fw_cfg_add_file (VtDevice *dev, const char *name, GBytes *bytes)
{
  FwCfgFile *file = new_file ((FwCfg *) dev, name);
  g_assert (file->size == 0);
  g_bytes_ref (bytes);
  g_clear_pointer (&file->bytes, g_bytes_unref);
  file->bytes = bytes;
}

static FwCfgFile *
new_file_in_state (FwCfg *fw, const char *name, size_t size, void *opaque)
{
  FwCfgFile *file = new_file (fw, name);
  g_assert (file->bytes == NULL && file->size == 0);
  g_assert (vt_fits (fw->writable_used, size, VT_FW_CFG_WRITABLE_MAX));
  file->at = fw->writable_used;
  file->size = size;
  file->opaque = opaque;
  fw->writable_used += size;
  return file;
}

void
vt_fw_cfg_add_writable_file (VtDevice *dev, const char *name, size_t size, VtFwCfgWrote wrote, void *opaque)
{
  new_file_in_state ((FwCfg *) dev, name, size, opaque)->wrote = wrote;
}

void
vt_fw_cfg_add_answer_file (VtDevice *dev, const char *name, size_t size, VtFwCfgAsked asked, void *opaque)
{
  new_file_in_state ((FwCfg *) dev, name, size, opaque)->asked = asked;
}

/* --- Selector and data port --------------------------------------------------------------------------------------- */

static void
fw_cfg_select (FwCfg *fw, uint16_t key)
{
  fw->s.key = key & FW_CFG_SELECTOR_KEY;
  fw->s.offset = 0;
  FwCfgItem item = selected (fw);
  trace_fw_cfg_select (fw->s.key, item.size);
  if (item.file != NULL && item.file->asked != NULL)
    item.file->asked (item.file->opaque, fw->s.writable + item.file->at, item.file->size);
}

static uint64_t
fw_cfg_read (VtDevice *dev, uint64_t off, unsigned size)
{
  FwCfg    *fw = (FwCfg *) dev;
  FwCfgItem item = selected (fw);
  uint64_t  value = 0;
  for (unsigned i = 0; i < size; i++)
    if (fw->s.offset < item.size)
      value |= (uint64_t) item.data[fw->s.offset++] << (8 * i);
  return value;
}

static void
fw_cfg_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  if (off == 0 && size == 2)
    fw_cfg_select ((FwCfg *) dev, value);
  else
    vt_guest_warn (dev, "byte 0x%02x written to port 0x%x: items are written by DMA only", (unsigned) value,
                   (unsigned) (VT_FW_CFG_PORT + off));
}

/* --- DMA ---------------------------------------------------------------------------------------------------------- */

static bool
dma_read_item (FwCfg *fw, const FwCfgRequest *request)
{
  FwCfgItem item = selected (fw);
  uint32_t  left = item.size - MIN (fw->s.offset, item.size);
  uint32_t  from_item = MIN (request->length, left);
  uint32_t  zeros = request->length - from_item;
  uint64_t  at = request->address;
  static const uint8_t zero_chunk[FW_CFG_CHUNK];

  if (from_item > 0 && !vt_dma_write (fw->dma, VT_GPA (at), item.data + fw->s.offset, from_item))
    return false;
  fw->s.offset += from_item;
  if (zeros > FW_CFG_ZEROS_MAX)
    return false;
  for (at += from_item; zeros > 0;)
    {
      uint32_t len = MIN (zeros, FW_CFG_CHUNK);
      if (!vt_dma_write (fw->dma, VT_GPA (at), zero_chunk, len))
        return false;
      at += len;
      zeros -= len;
    }
  return true;
}

static bool
dma_write_item (FwCfg *fw, const FwCfgRequest *request)
{
  FwCfgItem item = selected (fw);
  if (item.file == NULL || item.file->bytes != NULL || item.file->asked != NULL || !vt_fits (fw->s.offset, request->length, item.size))
    return false;
  uint8_t *to = fw->s.writable + item.file->at;
  if (!vt_dma_read (fw->dma, VT_GPA (request->address), to + fw->s.offset, request->length))
    return false;
  fw->s.offset += request->length;
  if (item.file->wrote != NULL)
    item.file->wrote (item.file->opaque, to, item.size);
  return true;
}

static void
dma_skip_item (FwCfg *fw, uint32_t length)
{
  uint32_t size = selected (fw).size;
  uint32_t left = size - MIN (fw->s.offset, size);
  fw->s.offset += MIN (length, left);
}

static bool
dma_run (FwCfg *fw, const FwCfgRequest *request)
{
  if (request->control & FW_CFG_DMA_SELECT)
    fw_cfg_select (fw, request->control >> FW_CFG_DMA_KEY_SHIFT);
  if (request->control & FW_CFG_DMA_READ)
    return dma_read_item (fw, request);
  if (request->control & FW_CFG_DMA_WRITE)
    return dma_write_item (fw, request);
  if (request->control & FW_CFG_DMA_SKIP)
    dma_skip_item (fw, request->length);
  return true;
}

static void
dma_start (FwCfg *fw, uint64_t at)
{
  FwCfgRequest request;
  if (!vt_dma_read (fw->dma, VT_GPA (at), &request, sizeof request))
    {
      vt_guest_warn (&fw->dev, "DMA request at 0x%" G_GINT64_MODIFIER "x is not in memory", at);
      return;
    }
  request.control = GUINT32_FROM_BE (request.control);
  request.length = GUINT32_FROM_BE (request.length);
  request.address = GUINT64_FROM_BE (request.address);

  bool     done = dma_run (fw, &request);
  uint32_t result = 0;
  trace_fw_cfg_dma (request.control, request.length, request.address, done);
  if (!done)
    {
      vt_guest_warn (&fw->dev, "DMA request 0x%x of %u bytes failed", request.control, request.length);
      result = FW_CFG_DMA_ERROR;
    }
  uint32_t be_result = GUINT32_TO_BE (result);
  if (!vt_dma_write (fw->dma, VT_GPA (at), &be_result, sizeof be_result))
    vt_guest_warn (&fw->dev, "DMA request at 0x%" G_GINT64_MODIFIER "x overwrote itself", at);
}

static uint64_t
fw_cfg_dma_read (VtDevice *dev, uint64_t off, unsigned size)
{
  static const uint8_t signature[8] = "QEMU CFG";
  return vt_load_le (signature + off, size);
}

static void
fw_cfg_dma_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  FwCfg *fw = (FwCfg *) dev;
  if (size == 8)
    {
      dma_start (fw, GUINT64_SWAP_LE_BE (value));
      return;
    }
  uint32_t half = GUINT32_SWAP_LE_BE ((uint32_t) value);
  if (off == 0)
    {
      fw->s.dma_high = half;
      return;
    }
  uint64_t at = (uint64_t) fw->s.dma_high << 32 | half;
  fw->s.dma_high = 0;
  dma_start (fw, at);
}

static const VtRegionOps port_ops = { fw_cfg_read, fw_cfg_write, 1, 2 };
static const VtRegionOps dma_ops = { fw_cfg_dma_read, fw_cfg_dma_write, 4, 8 };
const VtRegion vt_fw_cfg_ports = { "fw_cfg", 2, &port_ops };
const VtRegion vt_fw_cfg_dma_ports = { "fw_cfg-dma", 8, &dma_ops };
static const VtRegion *const fw_cfg_regions[] = { &vt_fw_cfg_ports, &vt_fw_cfg_dma_ports, NULL };

/* --- Lifecycle ---------------------------------------------------------------------------------------------------- */

static bool
fw_cfg_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  FwCfg *fw = (FwCfg *) dev;
  ensure_tables (fw);
  fw->dma = env->dma;
  return true;
}

static void
fw_cfg_finalize (VtDevice *dev)
{
  FwCfg *fw = (FwCfg *) dev;
  g_clear_pointer (&fw->items, g_hash_table_unref);
  g_clear_pointer (&fw->files, g_ptr_array_unref);
  g_clear_pointer (&fw->directory, g_bytes_unref);
}

const VtDeviceClass vt_fw_cfg_class = {
  .name = "fw_cfg",
  .summary = "Firmware configuration",
  .instance_size = sizeof (FwCfg),
  .state_off = offsetof (FwCfg, s),
  .state = VT_STATE (1, FwCfgState, fw_cfg_fields, NULL),
  .regions = fw_cfg_regions,
  .realize = fw_cfg_realize,
  .finalize = fw_cfg_finalize,
};
