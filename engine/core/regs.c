/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain registers: reads and writes straight from a device's register table. */
#include "device.h"

static const VtReg *
find (const VtDeviceClass *cls, uint64_t off)
{
  for (size_t i = 0; i < cls->n_regs; i++)
    if (off >= cls->regs[i].off && off - cls->regs[i].off < cls->regs[i].size)
      return &cls->regs[i];
  return NULL;
}

static uint64_t
get (VtDevice *dev, const VtReg *reg)
{
  const uint8_t *at = (const uint8_t *) vt_device_state (dev) + reg->field;
  switch (reg->size)
    {
    case 1: return *at;
    case 2: { uint16_t v; memcpy (&v, at, 2); return v; }
    case 4: { uint32_t v; memcpy (&v, at, 4); return v; }
    default: { uint64_t v; memcpy (&v, at, 8); return v; }
    }
}

static void
set (VtDevice *dev, const VtReg *reg, uint64_t value)
{
  uint8_t *at = (uint8_t *) vt_device_state (dev) + reg->field;
  switch (reg->size)
    {
    case 1: *at = (uint8_t) value; break;
    case 2: { uint16_t v = (uint16_t) value; memcpy (at, &v, 2); break; }
    case 4: { uint32_t v = (uint32_t) value; memcpy (at, &v, 4); break; }
    default: memcpy (at, &value, 8); break;
    }
}

bool
vt_regs_read (VtDevice *dev, uint64_t off, unsigned size, uint64_t *value)
{
  const VtReg *reg = find (dev->cls, off);
  if (reg == NULL)
    return false;
  unsigned shift = (unsigned) (off - reg->off) * 8;
  *value = (get (dev, reg) >> shift) & vt_mask_bytes (size);
  if (reg->kind == VT_REG_RC)
    {
      uint64_t old = get (dev, reg);
      set (dev, reg, old & ~(vt_mask_bytes (size) << shift));
      if (reg->after_write != NULL)
        reg->after_write (dev, old);
    }
  return true;
}

bool
vt_regs_write (VtDevice *dev, uint64_t off, unsigned size, uint64_t value)
{
  const VtReg *reg = find (dev->cls, off);
  if (reg == NULL)
    return false;
  unsigned shift = (unsigned) (off - reg->off) * 8;
  uint64_t lanes = vt_mask_bytes (size) << shift;
  uint64_t bits = (value << shift) & lanes;
  uint64_t old = get (dev, reg);
  if ((bits & ~reg->writable & ~old) != 0 && reg->kind == VT_REG_RW)
    vt_guest_warn (dev, "%s: unsupported bits 0x%" G_GINT64_MODIFIER "x written", reg->name, bits & ~reg->writable);
  switch ((VtRegKind) reg->kind)
    {
    case VT_REG_RW:
      set (dev, reg, (old & ~(reg->writable & lanes)) | (bits & reg->writable));
      break;
    case VT_REG_W1C:
      set (dev, reg, old & ~(bits & reg->writable));
      break;
    case VT_REG_RO:
    case VT_REG_RC:
      return true;
    }
  if (reg->after_write != NULL)
    reg->after_write (dev, old);
  return true;
}
