/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crypto device (VIRTIO 1.1, 5.9): symmetric ciphers, hashes and MACs by libgcrypt. Sessions with their keys are state, so they
 * live on over a save; each request sets its cipher up anew, which costs little beside the way here. */
#include "virtio-crypto.h"

#include <gcrypt.h>

#include "crypt-init.h"
#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  DATA = 0, CONTROL = 1,
  QUEUE_SIZE = 128,
  CONFIG_BYTES = 56,
  SESSIONS = 128,
  KEY_MAX = 64,
  DATA_MAX = 256 * 1024,       /* of one request */
  RESULT_MAX = 64,

  SERVICE_CIPHER = 0, SERVICE_HASH = 1, SERVICE_MAC = 2,
  OP_FIRST = 0x00, OP_DECRYPT_DATA = 0x01, OP_CREATE = 0x02, OP_DESTROY = 0x03,
  ENCRYPT = 1, DECRYPT = 2,
  SYM_CIPHER = 1,

  CONTROL_BYTES = 72, CONTROL_BODY = 16, CONTROL_SYM_TYPE = 64,
  REQUEST_BYTES = 72, REQUEST_SESSION = 8, REQUEST_BODY = 24, REQUEST_SYM_TYPE = 64,
  SESSION_BYTES = 16,

  STATUS_OK = 0, STATUS_ERR = 1, STATUS_BADMSG = 2, STATUS_NOTSUPP = 3, STATUS_INVSESS = 4,
  HW_READY = 1,
};

typedef struct
{
  uint8_t used;                /* 0 or 1 */
  uint8_t service, algorithm, direction, key_len, result_len;
  uint8_t pad_[2];
  uint8_t key[KEY_MAX];
} Session;

typedef struct
{
  VtVirtioPciState pci;
  uint8_t          sessions[SESSIONS * sizeof (Session)];   /* Session: bytes only */
} VirtioCryptoState;

typedef struct
{
  VtVirtioPci       pci;
  VirtioCryptoState s;
} VirtioCrypto;

static const VtField virtio_crypto_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioCryptoState, pci),
  VT_FIELD (VirtioCryptoState, sessions),
};

static const VirtioCryptoState virtio_crypto_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

/* --- What there is ------------------------------------------------------------------------------------------------ */

/* Numbers of 5.9.7; libgcrypt's cipher comes from the length of the key. */
static const struct
{
  uint8_t algorithm;
  int     mode;
  struct { uint8_t key_len; int cipher; } sizes[3];
} ciphers[] = {
  { 2, GCRY_CIPHER_MODE_ECB, { { 16, GCRY_CIPHER_AES128 }, { 24, GCRY_CIPHER_AES192 }, { 32, GCRY_CIPHER_AES256 } } },
  { 3, GCRY_CIPHER_MODE_CBC, { { 16, GCRY_CIPHER_AES128 }, { 24, GCRY_CIPHER_AES192 }, { 32, GCRY_CIPHER_AES256 } } },
  { 4, GCRY_CIPHER_MODE_CTR, { { 16, GCRY_CIPHER_AES128 }, { 24, GCRY_CIPHER_AES192 }, { 32, GCRY_CIPHER_AES256 } } },
  { 7, GCRY_CIPHER_MODE_ECB, { { 24, GCRY_CIPHER_3DES } } },
  { 8, GCRY_CIPHER_MODE_CBC, { { 24, GCRY_CIPHER_3DES } } },
  { 9, GCRY_CIPHER_MODE_CTR, { { 24, GCRY_CIPHER_3DES } } },
  { 13, GCRY_CIPHER_MODE_XTS, { { 32, GCRY_CIPHER_AES128 }, { 64, GCRY_CIPHER_AES256 } } },
};

/* Indexed by the number of the algorithm: the first six are HMACs too. */
static const struct { int hash, mac; uint8_t bytes; } hashes[] = {
  [1] = { GCRY_MD_MD5, GCRY_MAC_HMAC_MD5, 16 },       [2] = { GCRY_MD_SHA1, GCRY_MAC_HMAC_SHA1, 20 },
  [3] = { GCRY_MD_SHA224, GCRY_MAC_HMAC_SHA224, 28 }, [4] = { GCRY_MD_SHA256, GCRY_MAC_HMAC_SHA256, 32 },
  [5] = { GCRY_MD_SHA384, GCRY_MAC_HMAC_SHA384, 48 }, [6] = { GCRY_MD_SHA512, GCRY_MAC_HMAC_SHA512, 64 },
  [7] = { GCRY_MD_SHA3_224, 0, 28 }, [8] = { GCRY_MD_SHA3_256, 0, 32 },
  [9] = { GCRY_MD_SHA3_384, 0, 48 }, [10] = { GCRY_MD_SHA3_512, 0, 64 },
};

/* -1: there is no such cipher. */
static int
find_cipher (unsigned algorithm, unsigned key_len, int *mode)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ciphers); i++)
    for (size_t n = 0; ciphers[i].algorithm == algorithm && n < G_N_ELEMENTS (ciphers[i].sizes); n++)
      if (ciphers[i].sizes[n].key_len == key_len && key_len > 0)
        {
          *mode = ciphers[i].mode;
          return ciphers[i].sizes[n].cipher;
        }
  return -1;
}

static bool
hash_exists (unsigned algorithm, bool mac)
{
  return algorithm < G_N_ELEMENTS (hashes) && hashes[algorithm].bytes > 0 && (!mac || hashes[algorithm].mac != 0);
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  uint64_t cipher_bits = 0, hash_bits = 0, mac_bits = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (ciphers); i++)
    cipher_bits |= VIRTIO_F (ciphers[i].algorithm);
  for (unsigned i = 0; i < G_N_ELEMENTS (hashes); i++)
    {
      hash_bits |= hash_exists (i, false) ? VIRTIO_F (i) : 0;
      mac_bits |= hash_exists (i, true) ? VIRTIO_F (i) : 0;
    }
  vt_store_le (config, HW_READY, 4);
  vt_store_le (config + 4, 1, 4);                  /* data queues */
  vt_store_le (config + 8, 1u << SERVICE_CIPHER | 1u << SERVICE_HASH | 1u << SERVICE_MAC, 4);
  vt_store_le (config + 12, cipher_bits, 8);
  vt_store_le (config + 20, hash_bits, 4);
  vt_store_le (config + 24, mac_bits, 8);
  vt_store_le (config + 36, KEY_MAX, 4);
  vt_store_le (config + 40, KEY_MAX, 4);
  vt_store_le (config + 48, DATA_MAX, 8);
}

/* --- Sessions ----------------------------------------------------------------------------------------------------- */

static VirtioCrypto *
from_virtio (VtVirtio *virtio)
{
  return (VirtioCrypto *) virtio->dev;
}

/* Numbered from 1; NULL: none of that number. */
static Session *
find_session (VirtioCrypto *crypto, uint64_t id)
{
  Session *sessions = (Session *) (void *) crypto->s.sessions;
  return id >= 1 && id <= SESSIONS && sessions[id - 1].used ? &sessions[id - 1] : NULL;
}

static bool
session_possible (const Session *session)
{
  int mode;
  switch (session->service)
    {
    case SERVICE_CIPHER:
      return find_cipher (session->algorithm, session->key_len, &mode) >= 0
             && (session->direction == ENCRYPT || session->direction == DECRYPT);
    case SERVICE_HASH:
    case SERVICE_MAC:
      return hash_exists (session->algorithm, session->service == SERVICE_MAC) && session->key_len <= KEY_MAX
             && session->result_len > 0 && session->result_len <= hashes[session->algorithm].bytes
             && (session->service == SERVICE_MAC) == (session->key_len > 0);
    default:
      return false;
    }
}

/* Fills a session from the request's body; false: that cannot be one. */
static bool
describe (Session *session, unsigned service, const uint8_t *request)
{
  const uint8_t *body = request + CONTROL_BODY;
  uint32_t       words[4];
  for (unsigned i = 0; i < 4; i++)
    words[i] = (uint32_t) vt_load_le (body + 4 * i, 4);
  bool cipher = service == SERVICE_CIPHER;
  /* cipher: algorithm, key, direction. hash: algorithm, result. mac: algorithm, result, key. */
  uint32_t key_len = cipher ? words[1] : service == SERVICE_MAC ? words[2] : 0;
  if (words[0] > UINT8_MAX || key_len > KEY_MAX || (!cipher && words[1] > RESULT_MAX)
      || (cipher && (words[2] > DECRYPT || vt_load_le (request + CONTROL_SYM_TYPE, 4) != SYM_CIPHER)))
    return false;
  *session = (Session) { .used = 1, .service = (uint8_t) service, .algorithm = (uint8_t) words[0], .key_len = (uint8_t) key_len,
                         .direction = (uint8_t) (cipher ? words[2] : 0), .result_len = (uint8_t) (cipher ? 0 : words[1]) };
  return session_possible (session);
}

static unsigned
create (VirtioCrypto *crypto, VtVirtElement *element, unsigned service, const uint8_t *request, uint64_t *id)
{
  Session *sessions = (Session *) (void *) crypto->s.sessions, fresh;
  if (service > SERVICE_MAC || !describe (&fresh, service, request))
    return STATUS_NOTSUPP;
  if (vt_virt_element_read (element, CONTROL_BYTES, fresh.key, fresh.key_len) != fresh.key_len)
    return STATUS_BADMSG;
  for (*id = 1; *id <= SESSIONS; ++*id)
    if (!sessions[*id - 1].used)
      {
        sessions[*id - 1] = fresh;
        return STATUS_OK;
      }
  return STATUS_ERR;
}

static unsigned
destroy (VirtioCrypto *crypto, unsigned service, const uint8_t *request)
{
  Session *session = find_session (crypto, vt_load_le (request + CONTROL_BODY, 8));
  if (session == NULL || session->service != service)
    return STATUS_INVSESS;
  memset (session, 0, sizeof *session);
  return STATUS_OK;
}

static void
control (VtVirtElement *element)
{
  VirtioCrypto *crypto = from_virtio (element->virtio);
  uint8_t       request[CONTROL_BYTES], answer[SESSION_BYTES] = { 0 };
  if (element->in_len < 1 || vt_virt_element_read (element, 0, request, sizeof request) != sizeof request)
    {
      vt_virtio_broken (element->virtio, "control request without header or status");
      vt_virtqueue_push (element, 0);
      return;
    }
  unsigned opcode = (unsigned) vt_load_le (request, 4), service = opcode >> 8, status = STATUS_NOTSUPP;
  uint64_t id = 0;
  if ((opcode & 0xff) == OP_CREATE)
    {
      status = create (crypto, element, service, request, &id);
      vt_store_le (answer, status == STATUS_OK ? id : 0, 8);
      vt_store_le (answer + 8, status, 4);
    }
  else
    {
      if ((opcode & 0xff) == OP_DESTROY)
        status = destroy (crypto, service, request);
      answer[0] = (uint8_t) status;
    }
  trace_virtio_crypto_control (crypto->pci.pci.dev.path, opcode, status);
  uint64_t n = (opcode & 0xff) == OP_CREATE ? sizeof answer : 1;
  vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, answer, n));
}

/* --- Data --------------------------------------------------------------------------------------------------------- */

static bool
run_cipher (const Session *session, bool encrypt, const uint8_t *iv, size_t iv_len, uint8_t *data, size_t len)
{
  gcry_cipher_hd_t handle;
  int              mode = 0, cipher = find_cipher (session->algorithm, session->key_len, &mode);
  if (gcry_cipher_open (&handle, cipher, mode, 0) != 0)
    return false;
  bool ok = gcry_cipher_setkey (handle, session->key, session->key_len) == 0;
  if (ok && iv_len > 0)
    ok = (mode == GCRY_CIPHER_MODE_CTR ? gcry_cipher_setctr (handle, iv, iv_len) : gcry_cipher_setiv (handle, iv, iv_len)) == 0;
  if (ok)
    ok = (encrypt ? gcry_cipher_encrypt (handle, data, len, NULL, 0) : gcry_cipher_decrypt (handle, data, len, NULL, 0)) == 0;
  gcry_cipher_close (handle);
  return ok;
}

static bool
run_mac (const Session *session, const uint8_t *data, size_t len, uint8_t *result)
{
  gcry_mac_hd_t handle;
  size_t        n = hashes[session->algorithm].bytes;
  if (gcry_mac_open (&handle, hashes[session->algorithm].mac, 0, NULL) != 0)
    return false;
  bool ok = gcry_mac_setkey (handle, session->key, session->key_len) == 0 && gcry_mac_write (handle, data, len) == 0
            && gcry_mac_read (handle, result, &n) == 0;
  gcry_mac_close (handle);
  return ok;
}

static unsigned
do_cipher (const Session *session, VtVirtElement *element, const uint8_t *request, uint64_t *written)
{
  const uint8_t *body = request + REQUEST_BODY;
  uint64_t       iv_len = vt_load_le (body, 4), len = vt_load_le (body + 4, 4), room = vt_load_le (body + 8, 4);
  bool           encrypt = (vt_load_le (request, 4) & 0xff) == OP_FIRST;
  uint8_t        iv[16];
  if (vt_load_le (request + REQUEST_SYM_TYPE, 4) != SYM_CIPHER || encrypt != (session->direction == ENCRYPT))
    return STATUS_NOTSUPP;
  if (iv_len > sizeof iv || len > DATA_MAX || room < len || element->in_len - 1 < len
      || vt_virt_element_read (element, REQUEST_BYTES, iv, iv_len) != iv_len)
    return STATUS_BADMSG;
  g_autofree uint8_t *data = g_malloc (len + 1);
  if (vt_virt_element_read (element, REQUEST_BYTES + iv_len, data, len) != len)
    return STATUS_BADMSG;
  if (!run_cipher (session, encrypt, iv, iv_len, data, len))
    return STATUS_ERR;
  *written = vt_virt_element_write (element, 0, data, len);
  return STATUS_OK;
}

static unsigned
do_hash (const Session *session, VtVirtElement *element, const uint8_t *request, uint64_t *written)
{
  const uint8_t *body = request + REQUEST_BODY;
  uint64_t       len = vt_load_le (body, 4), result_len = vt_load_le (body + 4, 4);
  uint8_t        result[RESULT_MAX];
  if (len > DATA_MAX || result_len > session->result_len || element->in_len - 1 < result_len)
    return STATUS_BADMSG;
  g_autofree uint8_t *data = g_malloc (len + 1);
  if (vt_virt_element_read (element, REQUEST_BYTES, data, len) != len)
    return STATUS_BADMSG;
  if (session->service == SERVICE_HASH)
    gcry_md_hash_buffer (hashes[session->algorithm].hash, result, data, len);
  else if (!run_mac (session, data, len, result))
    return STATUS_ERR;
  *written = vt_virt_element_write (element, 0, result, result_len);
  return STATUS_OK;
}

static void
data_request (VtVirtElement *element)
{
  VirtioCrypto *crypto = from_virtio (element->virtio);
  uint8_t       request[REQUEST_BYTES];
  if (element->in_len < 1 || vt_virt_element_read (element, 0, request, sizeof request) != sizeof request)
    {
      vt_virtio_broken (element->virtio, "request without header or status");
      vt_virtqueue_push (element, 0);
      return;
    }
  unsigned       opcode = (unsigned) vt_load_le (request, 4);
  const Session *session = find_session (crypto, vt_load_le (request + REQUEST_SESSION, 8));
  uint64_t       written = 0;
  uint8_t        status = STATUS_INVSESS;
  if (session != NULL && session->service == opcode >> 8 && (opcode & 0xff) <= (session->service == SERVICE_CIPHER ? OP_DECRYPT_DATA : OP_FIRST))
    status = (uint8_t) (session->service == SERVICE_CIPHER ? do_cipher (session, element, request, &written)
                                                           : do_hash (session, element, request, &written));
  trace_virtio_crypto_data (crypto->pci.pci.dev.path, opcode, status, written);
  vt_virt_element_write (element, element->in_len - 1, &status, 1);
  vt_virtqueue_push (element, (uint32_t) written + 1);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  vt_virtqueue_serve (virtio, queue, queue == CONTROL ? control : data_request);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
driver_reset (VtVirtio *virtio)
{
  memset (from_virtio (virtio)->s.sessions, 0, sizeof from_virtio (virtio)->s.sessions);
}

static const VtVirtioType virtio_crypto_type = {
  .name = "virtio-crypto",
  .id = 20,
  .n_queues = 2,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .get_config = get_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_crypto_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioCrypto               *crypto = (VirtioCrypto *) dev;
  const VtVirtioCryptoConfig *config = env->config;
  VtVirtioOffer               offer = { .features = config->ring_forms };
  vt_crypt_init ();
  return vt_virtio_pci_init (&crypto->pci, env, &config->place, 0x100000, &virtio_crypto_type, &offer, &crypto->s.pci, error);
}

static bool
virtio_crypto_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioCryptoState *s = incoming;
  for (unsigned i = 0; i < SESSIONS; i++)
    {
      Session session;
      memcpy (&session, s->sessions + i * sizeof session, sizeof session);
      if (session.used > 1 || (session.used && !session_possible (&session)))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: a saved session cannot be like this", dev->path);
          return false;
        }
    }
  return vt_virtio_pci_check (dev, incoming, error);
}

static const void *
virtio_crypto_test_config (void)
{
  static const VtVirtioCryptoConfig config = { .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_crypto_pci = {
  .name = "virtio-crypto-pci",
  .summary = "Ciphers and hashes (virtio)",
  .instance_size = sizeof (VirtioCrypto),
  .state_off = offsetof (VirtioCrypto, s),
  .state = VT_STATE (2, VirtioCryptoState, virtio_crypto_fields, &virtio_crypto_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_crypto_realize,
  .settle = vt_virtio_pci_settle,
  .check = virtio_crypto_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_crypto_test_config,
};
