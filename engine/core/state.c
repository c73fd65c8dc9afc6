/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state.h"

#include <string.h>

#include "bits.h"
#include "vitrine/error.h"

unsigned
vt_field_element_size (const VtField *field)
{
  static const unsigned sizes[] = { [VT_U8] = 1, [VT_U16] = 2, [VT_U32] = 4, [VT_U64] = 8, [VT_BOOL] = 1 };
  return sizes[field->kind];
}

bool
vt_state_complete (const VtState *state, char **message)
{
  g_autofree uint8_t *covered = g_malloc0 (state->size + 1);
  for (size_t i = 0; i < state->n_fields; i++)
    {
      const VtField *field = &state->fields[i];
      for (uint32_t byte = field->off; byte < field->off + field->len; byte++)
        if (byte >= state->size || covered[byte]++ != 0)
          {
            *message = g_strdup_printf ("field %s: byte %u is outside the block or belongs to two fields", field->name, byte);
            return false;
          }
    }
  for (size_t byte = 0; byte < state->size; byte++)
    if (!covered[byte])
      {
        *message = g_strdup_printf ("byte %zu of the state block belongs to no field", byte);
        return false;
      }
  return true;
}

static void
append_field (const VtField *field, const uint8_t *block, GByteArray *out)
{
  unsigned size = vt_field_element_size (field);
  for (uint32_t at = 0; at < field->len; at += size)
    {
      uint8_t  le[8];
      uint64_t value = 0;
      switch (size)
        {
        case 1: value = block[field->off + at]; break;
        case 2: { uint16_t v; memcpy (&v, block + field->off + at, 2); value = v; break; }
        case 4: { uint32_t v; memcpy (&v, block + field->off + at, 4); value = v; break; }
        case 8: memcpy (&value, block + field->off + at, 8); break;
        }
      vt_store_le (le, value, size);
      g_byte_array_append (out, le, size);
    }
}

void
vt_state_save (const VtState *state, const void *block, GByteArray *out)
{
  for (size_t i = 0; i < state->n_fields; i++)
    append_field (&state->fields[i], block, out);
}

static void
store_element (uint8_t *to, uint64_t value, unsigned size)
{
  uint8_t  v8 = (uint8_t) value;
  uint16_t v16 = (uint16_t) value;
  uint32_t v32 = (uint32_t) value;
  switch (size)
    {
    case 1: memcpy (to, &v8, 1); break;
    case 2: memcpy (to, &v16, 2); break;
    case 4: memcpy (to, &v32, 4); break;
    case 8: memcpy (to, &value, 8); break;
    }
}

static bool
load_field (const VtField *field, uint8_t *block, const uint8_t *data, GError **error)
{
  unsigned size = vt_field_element_size (field);
  for (uint32_t at = 0; at < field->len; at += size)
    {
      uint64_t value = vt_load_le (data + at, size);
      if (field->kind == VT_BOOL && value > 1)
        {
          g_set_error (error, VT_ERROR, VT_ERROR_STATE, "field %s is neither true nor false", field->name);
          return false;
        }
      store_element (block + field->off + at, value, size);
    }
  return true;
}

bool
vt_state_load (const VtState *state, void *block, unsigned version, const uint8_t *data, size_t len, GError **error)
{
  if (version == 0 || version > state->version)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "state version %u is not known here (newest: %u)", version,
                   state->version);
      return false;
    }
  vt_state_reset (state, block, true);
  size_t at = 0;
  for (size_t i = 0; i < state->n_fields; i++)
    {
      const VtField *field = &state->fields[i];
      if (field->since > version)
        continue;
      if (!vt_fits (at, field->len, len))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_STATE, "state ends before field %s", field->name);
          return false;
        }
      if (!load_field (field, block, data + at, error))
        return false;
      at += field->len;
    }
  if (at != len)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "state is %zu bytes longer than its fields", len - at);
      return false;
    }
  return true;
}

void
vt_state_reset (const VtState *state, void *block, bool power_on)
{
  for (size_t i = 0; i < state->n_fields; i++)
    {
      const VtField *field = &state->fields[i];
      if (field->kept && !power_on)
        continue;
      uint8_t *to = (uint8_t *) block + field->off;
      if (state->at_reset != NULL)
        memcpy (to, (const uint8_t *) state->at_reset + field->off, field->len);
      else
        memset (to, 0, field->len);
    }
}
