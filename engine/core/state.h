/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest-visible state as a table: save, restore, reset and the inspector all come from it.
 *
 * Fields are fixed-width unsigned integers, bools, and arrays of those.  A pointer or an `int` in a table does not compile.
 * Fields never leave a table: a dead one is renamed retired_<name>.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum
{
  VT_U8,
  VT_U16,
  VT_U32,
  VT_U64,
  VT_BOOL,
} VtFieldKind;

typedef struct
{
  const char *name;
  uint8_t     kind;    /* VtFieldKind of one element */
  bool        kept;    /* survives a guest reset (battery RAM, fuses) */
  uint16_t    since;   /* first state version that has it; older streams keep the at_reset value */
  uint32_t    off;     /* in the state block */
  uint32_t    len;     /* bytes, all elements */
} VtField;

typedef struct
{
  uint16_t       version;
  const VtField *fields;
  size_t         n_fields;
  size_t         size;       /* of the state block */
  const void    *at_reset;   /* NULL: all zero */
} VtState;

/* Kind of an element: a scalar, or an array that decays to a pointer to its element. */
#define VT_KIND_(T, m)                                                                                                   \
  _Generic ((((T *) 0)->m), uint8_t: VT_U8, uint16_t: VT_U16, uint32_t: VT_U32, uint64_t: VT_U64, bool: VT_BOOL,         \
            uint8_t *: VT_U8, uint16_t *: VT_U16, uint32_t *: VT_U32, uint64_t *: VT_U64, bool *: VT_BOOL)
/* An array of negative size, hence a compile error, when the member itself is a pointer. */
#define VT_NOT_PTR_(T, m)                                                                                                \
  sizeof (char[_Generic (&((T *) 0)->m, uint8_t **: -1, uint16_t **: -1, uint32_t **: -1, uint64_t **: -1, bool **: -1,  \
                         default: 1)])
#define VT_FIELD_(T, m, since_, kept_)                                                                                   \
  { #m, VT_KIND_ (T, m), kept_, since_, offsetof (T, m), VT_NOT_PTR_ (T, m) * sizeof (((T *) 0)->m) }
#define VT_FIELD(T, m)          VT_FIELD_ (T, m, 1, false)
#define VT_FIELD_KEPT(T, m)     VT_FIELD_ (T, m, 1, true)
#define VT_FIELD_SINCE(v, T, m) VT_FIELD_ (T, m, v, false)

#define VT_STATE(version_, T, fields_, at_reset_) { version_, fields_, G_N_ELEMENTS (fields_), sizeof (T), at_reset_ }

unsigned vt_field_element_size (const VtField *field);

/* Every byte of the block belongs to exactly one field (padding must be explicit, named pad_). On failure *message says
 * which byte; free with g_free(). */
bool vt_state_complete (const VtState *state, char **message);

/* Appends the fields, little-endian, in table order. */
void vt_state_save (const VtState *state, const void *block, GByteArray *out);

/* Decodes a chunk written by state version `version` into `block`, which first gets the reset values. The stream is
 * hostile: wrong length, an unknown version, or a bool other than 0/1 is an error, and the caller throws `block` away. */
bool vt_state_load (const VtState *state, void *block, unsigned version, const uint8_t *data, size_t len,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Copies the reset values over the block; with power_on also over kept fields. */
void vt_state_reset (const VtState *state, void *block, bool power_on);
