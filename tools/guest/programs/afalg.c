/* SPDX-License-Identifier: GPL-3.0-or-later */
/* afalg DRIVER KEY IV: encrypts standard input with that driver of the kernel; key and IV in hexadecimal. */
#include <linux/if_alg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 32768 };

static int
fail (const char *what)
{
  perror (what);
  return 1;
}

static unsigned
from_hex (const char *text, unsigned char *bytes, unsigned room)
{
  unsigned n = 0;
  for (; text[0] != 0 && n < room; text += 2)
    {
      char pair[3] = { text[0], text[1], 0 };
      bytes[n++] = (unsigned char) strtoul (pair, NULL, 16);
    }
  return n;
}

static int
encrypt (int fd, unsigned char *iv, unsigned char *data, size_t len)
{
  char           control[CMSG_SPACE (4) + CMSG_SPACE (sizeof (struct af_alg_iv) + 16)] = { 0 };
  struct iovec   vec = { data, len };
  struct msghdr  message = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  struct cmsghdr *head = CMSG_FIRSTHDR (&message);
  head->cmsg_level = SOL_ALG;
  head->cmsg_type = ALG_SET_OP;
  head->cmsg_len = CMSG_LEN (4);
  *(unsigned *) CMSG_DATA (head) = ALG_OP_ENCRYPT;
  head = CMSG_NXTHDR (&message, head);
  head->cmsg_level = SOL_ALG;
  head->cmsg_type = ALG_SET_IV;
  head->cmsg_len = CMSG_LEN (sizeof (struct af_alg_iv) + 16);
  struct af_alg_iv *alg_iv = (struct af_alg_iv *) CMSG_DATA (head);
  alg_iv->ivlen = 16;
  memcpy (alg_iv->iv, iv, 16);
  if (sendmsg (fd, &message, 0) != (ssize_t) len || read (fd, data, len) != (ssize_t) len)
    return fail ("encrypt");
  memcpy (iv, data + len - 16, 16);      /* CBC: the next piece goes on from here */
  return 0;
}

int
main (int argc, char **argv)
{
  static unsigned char data[PIECE];
  unsigned char        key[64], iv[16];
  struct sockaddr_alg  address = { .salg_family = AF_ALG, .salg_type = "skcipher" };
  if (argc != 4)
    return 2;
  strncpy ((char *) address.salg_name, argv[1], sizeof address.salg_name - 1);
  unsigned key_len = from_hex (argv[2], key, sizeof key);
  from_hex (argv[3], iv, sizeof iv);
  int listener = socket (AF_ALG, SOCK_SEQPACKET, 0);
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, sizeof address) != 0)
    return fail (argv[1]);
  if (setsockopt (listener, SOL_ALG, ALG_SET_KEY, key, key_len) != 0)
    return fail ("key");
  int fd = accept (listener, NULL, 0);
  for (size_t n; (n = fread (data, 1, sizeof data, stdin)) > 0;)
    if (encrypt (fd, iv, data, n) != 0 || fwrite (data, 1, n, stdout) != n)
      return 1;
  return 0;
}
