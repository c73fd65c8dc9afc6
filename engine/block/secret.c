/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <string.h>
#include <unistd.h>

#include "crypt-init.h"
#include "vitrine/error.h"

struct VtSecret
{
  gint    refs;
  bool    key;
  size_t  len;
  uint8_t bytes[];
};

void *
vt_locked_alloc (size_t len)
{
  vt_crypt_init ();
  return gcry_malloc_secure (MAX (len, 1));
}

void
vt_locked_free (void *bytes)
{
  gcry_free (bytes);
}

static VtSecret *
secret_alloc (size_t len)
{
  VtSecret *secret = vt_locked_alloc (sizeof *secret + len);
  if (secret == NULL)
    g_error ("There is no more locked memory for passphrases");
  secret->refs = 1;
  secret->key = false;
  secret->len = len;
  return secret;
}

VtSecret *
vt_secret_new (const void *bytes, size_t len)
{
  VtSecret *secret = secret_alloc (len);
  memcpy (secret->bytes, bytes, len);
  return secret;
}

VtSecret *
vt_secret_new_key (const void *bytes, size_t len)
{
  VtSecret *secret = vt_secret_new (bytes, len);
  secret->key = true;
  return secret;
}

VtSecret *
vt_secret_ref (VtSecret *secret)
{
  if (secret != NULL)
    g_atomic_int_inc (&secret->refs);
  return secret;
}

void
vt_secret_unref (VtSecret *secret)
{
  if (secret != NULL && g_atomic_int_dec_and_test (&secret->refs))
    vt_locked_free (secret);
}

const uint8_t *
vt_secret_bytes (const VtSecret *secret)
{
  return secret->bytes;
}

size_t
vt_secret_len (const VtSecret *secret)
{
  return secret->len;
}

bool
vt_secret_is_key (const VtSecret *secret)
{
  return secret->key;
}

static bool
fail (GError **error, const char *name, const char *problem)
{
  g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "The passphrase cannot be read from “%s”: %s", name, problem);
  return false;
}

static bool
read_all (int fd, VtSecret *secret, const char *name, GError **error)
{
  for (secret->len = 0; secret->len < VT_SECRET_MOST;)
    {
      ssize_t n = read (fd, secret->bytes + secret->len, VT_SECRET_MOST - secret->len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail (error, name, g_strerror (errno));
      if (n == 0)
        return secret->len > 0 || fail (error, name, "it is empty");
      secret->len += (size_t) n;
    }
  return fail (error, name, "it is too long");
}

VtSecret *
vt_secret_read_fd (int fd, const char *name, GError **error)
{
  g_autoptr (VtSecret) room = secret_alloc (VT_SECRET_MOST);
  return read_all (fd, room, name, error) ? vt_secret_new (room->bytes, room->len) : NULL;
}

VtSecret *
vt_secret_read_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    {
      fail (error, path, g_strerror (errno));
      return NULL;
    }
  VtSecret *secret = vt_secret_read_fd (fd, path, error);
  close (fd);
  return secret;
}
