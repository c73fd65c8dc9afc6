/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine process's end of the helper, and the helper's start. */
#include "outside.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outside-private.h"

static int    outside = -1;   /* our end */
static GTask *pending;

static const char *const nicks[] = { [VITRINE_OUTSIDE_CD] = "cd", [VITRINE_OUTSIDE_FLOPPY] = "floppy", [VITRINE_OUTSIDE_PICTURE] = "picture",
                                      [VITRINE_OUTSIDE_VIDEO] = "video", [VITRINE_OUTSIDE_CAPTURE] = "capture",
                                      [VITRINE_OUTSIDE_FILES] = "files",
                                      [VITRINE_OUTSIDE_DROPPED] = "dropped", [VITRINE_OUTSIDE_USB] = "usb" };

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
      vitrine_outside_serve (ends[1], uuid);
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

/* --- Replies ------------------------------------------------------------------------------------------------------ */

void
vitrine_outside_files_free (VitrineOutsideFiles *files)
{
  for (guint i = 0; i < files->fds->len; i++)
    if (g_array_index (files->fds, int, i) >= 0)
      close (g_array_index (files->fds, int, i));
  g_array_unref (files->fds);
  g_ptr_array_unref (files->paths);
  g_string_free (files->problems, TRUE);
  g_free (files);
}

static void
files_free (gpointer files)
{
  vitrine_outside_files_free (files);
}

static VitrineOutsideFiles *
files_new (void)
{
  const VitrineOutsideFiles files = { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (int)),
                                      g_string_new (NULL) };

  return g_memdup2 (&files, sizeof files);
}

/* FALSE: it was the last of the helper's messages. */
static gboolean
take_reply (VitrineOutsideFiles *files, gboolean many, const char *message, gsize n, int fd)
{
  if (message[0] == 'F' && fd >= 0)
    {
      g_ptr_array_add (files->paths, g_strndup (message + 1, n - 1));
      g_array_append_val (files->fds, fd);
    }
  else if (message[0] == 'E')
    {
      g_string_append (files->problems, files->problems->len > 0 ? "\n" : "");
      g_string_append_len (files->problems, message + 1, (gssize) n - 1);
    }
  return many && message[0] != 'N';
}

static gssize
receive (int socket, char *bytes, gsize size, int *fd)
{
  Control control;
  struct iovec piece = { bytes, size };
  struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes };
  gssize n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;

  *fd = -1;
  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    memcpy (fd, CMSG_DATA (header), sizeof *fd);
  return n;
}

static void
fail_closed (GTask *task)
{
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The helper for choosing files has ended."));
}

static gboolean
is_many (VitrineOutsideKind kind)
{
  return kind == VITRINE_OUTSIDE_FILES || kind == VITRINE_OUTSIDE_DROPPED;
}

static gboolean
replied (int socket, GIOCondition condition, gpointer files)
{
  gboolean many = is_many (GPOINTER_TO_UINT (g_task_get_task_data (pending)));
  char bytes[MESSAGE_MAX];
  int fd;
  gssize n = receive (socket, bytes, sizeof bytes, &fd);

  if (n > 0 && take_reply (files, many, bytes, (gsize) n, fd))
    return G_SOURCE_CONTINUE;
  g_autoptr(GTask) task = g_steal_pointer (&pending);
  if (n > 0)
    g_task_return_pointer (task, files, files_free);
  else
    {
      files_free (files);
      fail_closed (task);
    }
  return G_SOURCE_REMOVE;
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void
send_request (const DropRequest *asked, gsize length, gpointer tag, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, done, data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, GUINT_TO_POINTER (asked->request.what), NULL);
  if (pending != NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_BUSY, _("There is a file dialog already."));
  else if (send (outside, asked, length, MSG_NOSIGNAL) < 0)
    fail_closed (task);
  else
    {
      pending = g_object_ref (task);
      g_unix_fd_add (outside, G_IO_IN | G_IO_HUP, replied, files_new ());
    }
}

void
vitrine_outside_choose_async (VitrineOutsideKind kind, const char *name, gulong parent, GAsyncReadyCallback done,
                              gpointer data)
{
  DropRequest asked = { .request = { .kind = 'C', .what = kind, .parent = parent } };

  g_strlcpy (asked.request.name, name, sizeof asked.request.name);
  send_request (&asked, sizeof asked.request, vitrine_outside_choose_async, done, data);
}

char *
vitrine_outside_choose_finish (GAsyncResult *result, int *fd, GError **error)
{
  VitrineOutsideFiles *files = g_task_propagate_pointer (G_TASK (result), error);
  char *path = NULL;

  *fd = -1;
  if (files == NULL)
    return NULL;
  if (files->fds->len > 0)
    {
      path = g_strdup (files->paths->pdata[0]);
      *fd = g_array_index (files->fds, int, 0);
      g_array_index (files->fds, int, 0) = -1;
    }
  else if (files->problems->len > 0 && GPOINTER_TO_UINT (g_task_get_task_data (G_TASK (result))) == VITRINE_OUTSIDE_USB)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, files->problems->str);
  else if (files->problems->len > 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("The file cannot be opened: %s"), files->problems->str);
  vitrine_outside_files_free (files);
  return path;
}

void
vitrine_outside_confirm_async (const char *const *paths, gulong parent, GAsyncReadyCallback done, gpointer data)
{
  DropRequest asked = { .request = { .kind = 'D', .what = VITRINE_OUTSIDE_DROPPED, .parent = parent } };
  gsize at = 0;

  for (; *paths != NULL; paths++)
    {
      gsize n = strlen (*paths) + 1;
      if (n > sizeof asked.paths - at)
        {
          g_task_report_new_error (NULL, done, data, vitrine_outside_confirm_async, G_IO_ERROR, G_IO_ERROR_FAILED,
                                   _("These are too many files at once."));
          return;
        }
      memcpy (asked.paths + at, *paths, n);
      at += n;
    }
  send_request (&asked, sizeof asked.request + at, vitrine_outside_confirm_async, done, data);
}

VitrineOutsideFiles *
vitrine_outside_files_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
