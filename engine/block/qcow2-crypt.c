/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LUKS in qcow2: a LUKS header in clusters of its own, which a header extension points to; clusters of data are encrypted, sectors being
 * counted from the beginning of the file. Tables are not, nor are compressed clusters. */
#include "luks.h"
#include "qcow2-private.h"
#include "vitrine/error.h"

static bool
refuse (GError **error, const Qcow2 *q, VtErrorCode code, const char *what)
{
  g_set_error (error, VT_ERROR, code, "“%s” %s", q->image.label, what);
  return false;
}

bool
qcow2_open_data (Qcow2 *q, unsigned flags, VtSecret *secret, GError **error)
{
  VtLuksHeader    header;
  VtSectorCipher *cipher;
  if (q->h.crypt_method == QCOW2_CRYPT_NONE)
    return true;
  if (!vt_luks_read_header (q->file, q->h.luks_at, &header, error))
    return false;
  if (header.payload_sector * UINT64_C (512) > q->h.luks_bytes)
    return refuse (error, q, VT_ERROR_IMAGE, "has an encryption header that does not fit its place");
  if (secret == NULL && (flags & VT_IMAGE_NO_DATA) == 0)
    return refuse (error, q, VT_ERROR_PASSPHRASE, "is encrypted: it needs a passphrase");
  if (!vt_luks_open_cipher (q->file, q->h.luks_at, &header, secret, &cipher, error))
    return false;
  q->data = vt_cipher_image_new (q->file, false, 0, cipher);
  return true;
}

VtImage *
vt_qcow2_luks (VtImage *image, uint64_t *at)
{
  Qcow2 *q = (Qcow2 *) image;
  *at = q->h.luks_at;
  return q->h.crypt_method != QCOW2_CRYPT_NONE ? q->file : NULL;
}
