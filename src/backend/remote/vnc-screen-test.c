/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VNC screen against servers that are written down here, byte by byte (RFC 6143, section 7). */
#include "vnc-screen.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_SECONDS 20
#define SECURITY_NONE "\1"
#define SECURITY_VNC "\2"
#define SECURITY_TLS "\x12"
#define SECURITY_VENCRYPT "\x13"

typedef struct
{
  VitrineRemoteScreen *screen;   /* NULL: dropped, which happens as soon as anything is heard */
  char                *reason;   /* why it closed; NULL: it opened */
  gboolean             heard;
  int                  server;
} Rig;

static void
drop (Rig *rig)
{
  rig->heard = TRUE;
  g_clear_object (&rig->screen);   /* the last reference */
}

static void
closed (Rig *rig, const char *reason)
{
  rig->reason = g_strdup (reason);
  drop (rig);
}

static void
give_socket (VitrineRemoteScreen *screen, GObject *channel, Rig *rig)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  rig->server = ends[1];
  vitrine_remote_screen_take_socket (screen, channel, ends[0]);
}

static void
begin (Rig *rig, const char *password)
{
  *rig = (Rig) { .screen = vitrine_vnc_screen_new (password), .server = -1 };
  g_signal_connect_swapped (rig->screen, "opened", G_CALLBACK (drop), rig);
  g_signal_connect_swapped (rig->screen, "closed", G_CALLBACK (closed), rig);
  g_signal_connect (rig->screen, "wants-socket", G_CALLBACK (give_socket), rig);
  vitrine_remote_screen_open (rig->screen);
  g_assert_cmpint (rig->server, >=, 0);
}

static gboolean
too_long (gpointer data)
{
  g_error ("nothing was heard of the screen");
  return G_SOURCE_REMOVE;
}

/* Everything that a server says, ahead of being asked; then the screen is waited for, and what it left behind. */
static void
serve (Rig *rig, const void *bytes, gsize n)
{
  guint limit = g_timeout_add_seconds (LIMIT_SECONDS, too_long, NULL);

  g_assert_cmpint (write (rig->server, bytes, n), ==, (gssize) n);
  while (!rig->heard)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_source_remove (limit);
  close (rig->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
end (Rig *rig)
{
  g_assert_null (rig->screen);
  g_free (rig->reason);
}

#define HELLO "RFB 003.008\n"
#define WELCOME "\0\0\0\0"   /* SecurityResult: OK */
#define FORMAT "\x20\x18\0\1\0\xff\0\xff\0\xff\x10\x08\0\0\0\0"
#define SERVER_INIT(width, height) width height FORMAT "\0\0\0\1n"

static void
a_picture_that_is_too_large_closes_a_screen_that_nobody_keeps (void)
{
  static const char said[] = HELLO "\1" SECURITY_NONE WELCOME SERVER_INIT ("\xff\xff", "\xff\xff");
  Rig rig;

  begin (&rig, NULL);
  serve (&rig, said, sizeof said - 1);
  g_assert_nonnull (strstr (rig.reason, "too large"));
  end (&rig);
}

static void
a_picture_opens_a_screen_that_nobody_keeps (void)
{
  static const char said[] = HELLO "\1" SECURITY_NONE WELCOME SERVER_INIT ("\0\1", "\0\1")   /* then one raw pixel */
      "\0\0\0\1\0\0\0\0\0\1\0\1\0\0\0\0\1\2\3\4";
  Rig rig;

  begin (&rig, NULL);
  serve (&rig, said, sizeof said - 1);
  g_assert_null (rig.reason);
  end (&rig);
}

static void
a_password_that_is_not_known_closes_a_screen_that_nobody_keeps (void)
{
  static const char said[] = HELLO "\1" SECURITY_VNC "0123456789abcdef";
  Rig rig;

  begin (&rig, NULL);
  serve (&rig, said, sizeof said - 1);
  g_assert_nonnull (strstr (rig.reason, "password"));
  end (&rig);
}

static void
a_server_that_wants_tls_is_not_waited_for (void)
{
  static const char said[] = HELLO "\2" SECURITY_TLS SECURITY_VENCRYPT;
  Rig rig;

  begin (&rig, NULL);
  serve (&rig, said, sizeof said - 1);
  g_assert_nonnull (strstr (rig.reason, "needs TLS"));
  end (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/vnc-screen/" #name, name)
  ADD (a_picture_that_is_too_large_closes_a_screen_that_nobody_keeps);
  ADD (a_picture_opens_a_screen_that_nobody_keeps);
  ADD (a_password_that_is_not_known_closes_a_screen_that_nobody_keeps);
  ADD (a_server_that_wants_tls_is_not_waited_for);
  return g_test_run ();
}
