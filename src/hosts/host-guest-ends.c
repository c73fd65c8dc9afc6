/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running guest's screen and consoles: which there are, and how a screen is reached. */
#include "host-guest-ends.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-private.h"
#include "host-text.h"
#include "host-xml.h"
#include "secret-text.h"

#define MAX_CONSOLES 8
#define CONNECT_SECONDS 15
#define WORDS_BYTES 4096   /* the last ones */

void
vitrine_host_ends_free (VitrineHostEnds *ends)
{
  if (ends == NULL)
    return;
  vitrine_secret_text_free (ends->password);
  g_strfreev (ends->consoles);
  g_free (ends);
}

/* --- which there are -------------------------------------------------------------------------------------------- */

/* The first one that we speak, SPICE before VNC; @index: its place among all. NULL: none. */
static xmlNode *
find_graphics (xmlNode *devices, VitrineHostScreen *kind, guint *index)
{
  xmlNode *found = NULL;
  guint i = 0;

  *kind = VITRINE_HOST_SCREEN_NONE;
  VITRINE_XML_FOREACH (graphics, devices, "graphics")
  {
    gboolean spice = vitrine_xml_attr_is (graphics, "type", "spice"),
             vnc = vitrine_xml_attr_is (graphics, "type", "vnc");
    VitrineHostScreen is = spice ? VITRINE_HOST_SCREEN_SPICE
                           : vnc ? VITRINE_HOST_SCREEN_VNC
                                 : VITRINE_HOST_SCREEN_OTHER;
    if (*kind == VITRINE_HOST_SCREEN_NONE || is < *kind)
      {
        found = graphics;
        *kind = is;
        *index = i;
      }
    i++;
  }
  return found;
}

static void
add_consoles (xmlNode *devices, const char *element, GStrvBuilder *builder, guint *n)
{
  VITRINE_XML_FOREACH (device, devices, element)
  {
    xmlNode *target = vitrine_xml_child (device, "target");
    gboolean twin = vitrine_xml_attr_is (target, "type", "serial");   /* of the first serial port */
    g_autofree char *alias = vitrine_xml_attr (vitrine_xml_child (device, "alias"), "name");
    if (alias == NULL || *n == MAX_CONSOLES || (twin && g_str_equal (element, "console")))
      continue;
    g_strv_builder_add (builder, alias);
    (*n)++;
  }
}

static xmlDoc *
read_running (virDomainPtr domain, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, 0);

  if (xml == NULL)
    return vitrine_host_set_error (error);
  xmlDoc *document = vitrine_host_take_xml (xml);
  if (document == NULL)
    g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                         _("The host’s definition of this machine cannot be read; it may be too large."));
  return document;
}

/* Only a connection that may change things hears of it. */
static char *
read_password (virDomainPtr domain)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_SECURE));
  VitrineHostScreen kind;
  guint index;

  if (document == NULL)
    return NULL;
  return vitrine_xml_attr (
      find_graphics (vitrine_xml_child (xmlDocGetRootElement (document), "devices"), &kind, &index), "passwd");
}

static gpointer
read_ends (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  g_autoptr(VitrineHostEnds) ends = g_new0 (VitrineHostEnds, 1);
  g_autoptr(xmlDoc) document = read_running (domain, error);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0, index;

  if (document == NULL)
    return NULL;
  xmlNode *devices = vitrine_xml_child (xmlDocGetRootElement (document), "devices");
  find_graphics (devices, &ends->screen, &index);
  ends->password = read_password (domain);
  add_consoles (devices, "serial", builder, &n);
  add_consoles (devices, "console", builder, &n);
  ends->consoles = g_strv_builder_end (builder);
  return g_steal_pointer (&ends);
}

void
vitrine_host_guest_read_ends_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, read_ends, NULL, NULL, (GDestroyNotify) vitrine_host_ends_free, NULL, done, data);
}

VitrineHostEnds *
vitrine_host_guest_read_ends_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error);
}

/* --- how a screen is reached ------------------------------------------------------------------------------------ */

typedef struct
{
  char *address;   /* that the server listens on */
  guint port;      /* 0: none without TLS */
} Server;

typedef struct
{
  int fd, words;   /* -1: none */
} Socket;

static void
socket_free (gpointer data)
{
  Socket *connected = data;

  if (connected->fd >= 0)
    close (connected->fd);
  if (connected->words >= 0)
    close (connected->words);
  g_free (connected);
}

static void
find_server (xmlNode *graphics, Server *server)
{
  g_autofree char *port = vitrine_xml_attr (graphics, "port");
  guint64 number = 0;

  server->address = vitrine_xml_attr (vitrine_xml_child (graphics, "listen"), "address");
  if (server->address == NULL)
    server->address = vitrine_xml_attr (graphics, "listen");
  if (port != NULL && g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL))
    server->port = (guint) number;
}

static gboolean
listens_everywhere (const char *address)
{
  return address == NULL || g_str_equal (address, "0.0.0.0") || g_str_equal (address, "::");
}

/* As ssh_config(5) has it for forwardings: an IPv6 address in brackets. */
static char *
forward_target (const Server *server)
{
  const char *address = listens_everywhere (server->address) ? "127.0.0.1" : server->address;

  return g_strdup_printf (strchr (address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, server->port);
}

/* What the other end of `ssh -W` is. It asks nobody, as there is nobody at its terminal: who got as far as libvirt
 * needs no password any more, or has an agent. It may fail long after this returns, so its words go into a file, which
 * never makes it wait. */
static int
open_through_ssh (GUri *uri, const Server *server, int *words, GError **error)
{
  const char *user = g_uri_get_user (uri);
  g_autofree char *to
      = user != NULL ? g_strdup_printf ("%s@%s", user, g_uri_get_host (uri)) : g_strdup (g_uri_get_host (uri));
  g_autofree char *target = forward_target (server);
  g_autofree char *port = g_strdup_printf ("%d", g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : 22);
  g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, g_strerror (errno));
      return -1;
    }
  g_subprocess_launcher_take_stdin_fd (launcher, dup (ends[1]));
  g_subprocess_launcher_take_stdout_fd (launcher, ends[1]);
  *words = memfd_create ("vitrine-ssh", MFD_CLOEXEC);
  if (*words >= 0)
    g_subprocess_launcher_take_stderr_fd (launcher, dup (*words));
  g_autoptr(GSubprocess) process
      = g_subprocess_launcher_spawn (launcher, error, "ssh", "-T", "-e", "none", "-o", "BatchMode=yes", "-o",
                                     "LogLevel=ERROR", "-p", port, "-W", target, "--", to, NULL);
  if (process != NULL)
    return ends[0];
  close (ends[0]);
  return -1;
}

static int
open_directly (GUri *uri, const Server *server, GCancellable *cancellable, GError **error)
{
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *to = !listens_everywhere (server->address) ? server->address
                   : host != NULL && *host != '\0'       ? host
                                                         : "127.0.0.1";
  g_autoptr(GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_timeout (client, CONNECT_SECONDS);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_autoptr(GSocketConnection) connection =
    g_socket_client_connect_to_host (client, to, (guint16) server->port, cancellable, error);
  return connection != NULL ? fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 3)
                            : -1;
}

static gboolean
is_remote (GUri *uri)
{
  return uri != NULL && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0';
}

static int
open_server (GUri *uri, const Server *server, int *words, GCancellable *cancellable, GError **error)
{
  if (server->port == 0)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED,
                           _("The screen can be reached with TLS only, or not at all from here."));
      return -1;
    }
  if (is_remote (uri) && g_str_has_suffix (g_uri_get_scheme (uri), "+ssh"))
    return open_through_ssh (uri, server, words, error);
  return open_directly (uri, server, cancellable, error);
}

/* libvirt of this computer hands it over; one elsewhere cannot, and the mere question ends a connection over TCP
 * (libvirt 9.0). */
static int
open_graphics (virDomainPtr domain, xmlNode *graphics, guint index, int *words, GCancellable *cancellable,
               GError **error)
{
  char *text = virConnectGetURI (virDomainGetConnect (domain));
  g_autoptr(GUri) uri = text != NULL ? g_uri_parse (text, G_URI_FLAGS_NON_DNS, NULL) : NULL;
  int fd = is_remote (uri) ? -1 : virDomainOpenGraphicsFD (domain, index, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
  Server server = { 0 };

  free (text);
  if (fd >= 0)
    return fd;
  find_server (graphics, &server);
  fd = open_server (uri, &server, words, cancellable, error);
  g_free (server.address);
  return fd;
}

static gpointer
open_screen (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  g_autoptr(xmlDoc) document = read_running (domain, error);
  VitrineHostScreen kind;
  guint index = 0;

  if (document == NULL)
    return NULL;
  xmlNode *graphics = find_graphics (vitrine_xml_child (xmlDocGetRootElement (document), "devices"), &kind, &index);
  if (graphics == NULL || kind == VITRINE_HOST_SCREEN_OTHER)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED,
                           _("The machine has no screen to connect to."));
      return NULL;
    }
  Socket *connected = g_new0 (Socket, 1);
  connected->words = -1;
  connected->fd = open_graphics (domain, graphics, index, &connected->words, cancellable, error);
  if (connected->fd >= 0)
    return connected;
  socket_free (connected);
  return NULL;
}

void
vitrine_host_guest_open_screen_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, open_screen, NULL, NULL, socket_free, NULL, done, data);
}

int
vitrine_host_guest_open_screen_finish (VitrineHostGuest *self, GAsyncResult *result, int *words, GError **error)
{
  g_autofree Socket *connected = vitrine_host_guest_run_finish (self, result, error);

  *words = connected != NULL ? connected->words : -1;
  return connected != NULL ? connected->fd : -1;
}

char *
vitrine_host_read_words (int words)
{
  char bytes[WORDS_BYTES + 1] = "";
  off_t size = words >= 0 ? lseek (words, 0, SEEK_END) : 0;
  gssize n = size > 0 ? pread (words, bytes, WORDS_BYTES, MAX (size - WORDS_BYTES, 0)) : 0;

  bytes[MAX (n, 0)] = '\0';
  g_strchomp (bytes);
  const char *line = strrchr (bytes, '\n');
  return *bytes != '\0' ? vitrine_host_text (line != NULL ? line + 1 : bytes, VITRINE_HOST_SENTENCE_CHARS) : NULL;
}
