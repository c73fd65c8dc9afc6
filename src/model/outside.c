/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ends of the helper. Requests and replies are single messages on a socket pair:
 *
 *   'C' kind, parent, name    ->  'F' path, with a descriptor | 'E' sentence | 'N' for no choice
 *   'A'                       ->  nothing; at the end of the other side the machine is started again
 */
#include "outside.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX 8192

static int    outside = -1;   /* our end */
static GTask *pending;

static const char *const nicks[] = { [VITRINE_OUTSIDE_CD] = "cd", [VITRINE_OUTSIDE_FLOPPY] = "floppy", [VITRINE_OUTSIDE_PICTURE] = "picture",
                                      [VITRINE_OUTSIDE_VIDEO] = "video" };

const char *
vitrine_outside_kind_to_nick (VitrineOutsideKind kind)
{
  return nicks[kind];
}

gboolean
vitrine_outside_kind_from_nick (const char *nick, VitrineOutsideKind *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (nicks); i++)
    if (g_str_equal (nick, nicks[i]))
      {
        *kind = (VitrineOutsideKind) i;
        return TRUE;
      }
  return FALSE;
}

typedef union
{
  struct cmsghdr align;
  char           bytes[CMSG_SPACE (sizeof (int))];
} Control;

/* --- the helper's side: between fork and exec of a process that has no other thread ------------------------------- */

typedef struct
{
  char               kind;
  VitrineOutsideKind what;
  unsigned long      parent;
  char               name[256];
} Request;

static void
reply (int socket, char kind, const char *text, int fd)
{
  Control control = { 0 };
  struct iovec pieces[] = { { &kind, 1 }, { (char *) text, strlen (text) } };
  struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };

  if (fd >= 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
      struct cmsghdr *header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof fd);
      memcpy (CMSG_DATA (header), &fd, sizeof fd);
    }
  sendmsg (socket, &message, MSG_NOSIGNAL);
}

static void
exec_chooser (const Request *request, int out)
{
  g_autofree char *kind = g_strdup_printf ("--choose-file=%s", nicks[request->what]);
  g_autofree char *name = g_strdup_printf ("--name=%s", request->name);
  g_autofree char *parent = g_strdup_printf ("--parent=%lu", request->parent);

  dup2 (out, STDOUT_FILENO);
  execl ("/proc/self/exe", "vitrine", kind, name, parent, NULL);
  _exit (127);
}

/* What the dialog prints. Ends it when the machine's process ends. */
static gboolean
read_choice (int socket, int from, pid_t chooser, char *path, gsize size)
{
  gsize n = 0;

  for (;;)
    {
      struct pollfd fds[] = { { from, POLLIN, 0 }, { socket, POLLRDHUP, 0 } };
      if (poll (fds, 2, -1) < 0 && errno != EINTR)
        return FALSE;
      if (fds[1].revents != 0)
        {
          kill (chooser, SIGTERM);
          return FALSE;
        }
      gssize got = fds[0].revents != 0 ? read (from, path + n, size - 1 - n) : 0;
      if (fds[0].revents != 0 && got <= 0)
        break;
      n += (gsize) got;
    }
  path[n] = '\0';
  return n > 0;
}

static void
open_choice (int socket, const Request *request, const char *path)
{
  static const int flags[] = { [VITRINE_OUTSIDE_CD] = O_RDONLY | O_NONBLOCK, [VITRINE_OUTSIDE_FLOPPY] = O_RDWR | O_NONBLOCK,
                               [VITRINE_OUTSIDE_PICTURE] = O_WRONLY | O_CREAT | O_TRUNC,
                               [VITRINE_OUTSIDE_VIDEO] = O_WRONLY | O_CREAT | O_TRUNC };
  int fd = open (path, flags[request->what] | O_CLOEXEC, 0666);

  if (fd < 0 && request->what == VITRINE_OUTSIDE_FLOPPY)
    fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);   /* write protected */

  if (fd < 0)
    {
      reply (socket, 'E', g_strerror (errno), -1);
      return;
    }
  reply (socket, 'F', path, fd);
  close (fd);
}

static void
choose (int socket, const Request *request)
{
  char path[MESSAGE_MAX - 1];
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    {
      reply (socket, 'E', g_strerror (errno), -1);
      return;
    }
  pid_t chooser = fork ();
  if (chooser == 0)
    exec_chooser (request, ends[1]);
  close (ends[1]);
  gboolean chosen = chooser > 0 && read_choice (socket, ends[0], chooser, path, sizeof path);
  close (ends[0]);
  if (chooser > 0)
    waitpid (chooser, NULL, 0);
  if (chosen)
    open_choice (socket, request, path);
  else
    reply (socket, 'N', "", -1);
}

static gboolean
valid (const Request *request, gssize n)
{
  return n == sizeof *request && request->kind == 'C' && request->what < G_N_ELEMENTS (nicks)
         && memchr (request->name, '\0', sizeof request->name) != NULL;
}

/* The other side is not trusted once it runs a guest. */
static void
serve (int socket, const char *uuid)
{
  gboolean again = FALSE;
  Request request;
  gssize n;

  while ((n = recv (socket, &request, sizeof request, 0)) > 0 || (n < 0 && errno == EINTR))
    {
      again = again || (n > 0 && request.kind == 'A');
      if (valid (&request, n))
        choose (socket, &request);
    }
  if (again)
    {
      g_autofree char *option = g_strdup_printf ("--machine=%s", uuid);
      execl ("/proc/self/exe", "vitrine", option, NULL);
    }
  _exit (0);
}

/* --- the machine process's side ----------------------------------------------------------------------------------- */

void
vitrine_outside_start (const char *uuid)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    {
      g_printerr ("vitrine: %s\n", g_strerror (errno));
      return;
    }
  pid_t helper = fork ();
  if (helper == 0)
    {
      close (ends[0]);
      serve (ends[1], uuid);
    }
  close (ends[1]);
  if (helper > 0)
    outside = ends[0];
  else
    close (ends[0]);
}

gboolean
vitrine_outside_is_there (void)
{
  return outside >= 0;
}

void
vitrine_outside_again (void)
{
  const Request request = { .kind = 'A' };

  if (outside >= 0)
    send (outside, &request, sizeof request, MSG_NOSIGNAL);
}

typedef struct
{
  char *path;
  int   fd;
} Choice;

static void
choice_free (gpointer data)
{
  Choice *choice = data;

  if (choice->fd >= 0)
    close (choice->fd);
  g_free (choice->path);
  g_free (choice);
}

static void
finish (GTask *task, const char *message, gssize n, int fd)
{
  const Choice found = { n > 1 && message[0] == 'F' ? g_strndup (message + 1, (gsize) n - 1) : NULL, fd };

  if (n <= 0)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The helper for choosing files has ended."));
  else if (message[0] == 'E')
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, _("The file cannot be opened: %.*s"), (int) n - 1, message + 1);
  else
    g_task_return_pointer (task, g_memdup2 (&found, sizeof found), choice_free);
}

static gboolean
replied (int socket, GIOCondition condition, gpointer unused)
{
  g_autoptr(GTask) task = g_steal_pointer (&pending);
  char bytes[MESSAGE_MAX];
  Control control;
  struct iovec piece = { bytes, sizeof bytes };
  struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes };
  gssize n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;
  int fd = -1;

  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    memcpy (&fd, CMSG_DATA (header), sizeof fd);
  finish (task, bytes, n, fd);
  return G_SOURCE_REMOVE;
}

void
vitrine_outside_choose_async (VitrineOutsideKind kind, const char *name, gulong parent, GAsyncReadyCallback done,
                              gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, done, data);
  Request request = { .kind = 'C', .what = kind, .parent = parent };

  g_task_set_source_tag (task, vitrine_outside_choose_async);
  g_strlcpy (request.name, name, sizeof request.name);
  if (pending != NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_BUSY, _("There is a file dialog already."));
  else if (send (outside, &request, sizeof request, MSG_NOSIGNAL) < 0)
    finish (task, NULL, 0, -1);
  else
    {
      pending = g_object_ref (task);
      g_unix_fd_add (outside, G_IO_IN | G_IO_HUP, replied, NULL);
    }
  g_object_unref (task);
}

char *
vitrine_outside_choose_finish (GAsyncResult *result, int *fd, GError **error)
{
  Choice *choice = g_task_propagate_pointer (G_TASK (result), error);

  *fd = -1;
  if (choice == NULL)
    return NULL;
  char *path = g_steal_pointer (&choice->path);
  if (path != NULL)
    {
      *fd = choice->fd;
      choice->fd = -1;
    }
  choice_free (choice);
  return path;
}
