/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of the helper that stays outside. Between fork and exec of a process that has no other thread. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file-keeper.h"
#include "outside-private.h"

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

/* @paths: of files that the dialog names; NULL: none. */
static void
exec_chooser (const Request *request, const GPtrArray *paths, int out)
{
  g_autoptr(GPtrArray) arguments = g_ptr_array_new ();

  g_ptr_array_add (arguments, (char *) "vitrine");
  g_ptr_array_add (arguments, g_strdup_printf ("--choose-file=%s", vitrine_outside_kind_to_nick (request->what)));
  g_ptr_array_add (arguments, g_strdup_printf ("--name=%s", request->name));
  g_ptr_array_add (arguments, g_strdup_printf ("--parent=%lu", request->parent));
  g_ptr_array_add (arguments, (char *) "--");
  for (guint i = 0; paths != NULL && i < paths->len; i++)
    g_ptr_array_add (arguments, paths->pdata[i]);
  g_ptr_array_add (arguments, NULL);
  dup2 (out, STDOUT_FILENO);
  execv ("/proc/self/exe", (char **) arguments->pdata);
  _exit (127);
}

/* What the dialog prints. Ends it when the machine's process ends. */
static gboolean
read_choice (int socket, int from, pid_t chooser, GString *choice)
{
  char bytes[4096];

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
      if (fds[0].revents == 0)
        continue;
      gssize got = read (from, bytes, sizeof bytes);
      if (got <= 0)
        break;
      g_string_append_len (choice, bytes, got);
    }
  return choice->len > 0;
}

static void
open_choice (int socket, const Request *request, const char *path)
{
  static const int flags[] = { [VITRINE_OUTSIDE_CD] = O_RDONLY | O_NONBLOCK, [VITRINE_OUTSIDE_FLOPPY] = O_RDWR | O_NONBLOCK,
                               [VITRINE_OUTSIDE_PICTURE] = O_WRONLY | O_CREAT | O_TRUNC,
                               [VITRINE_OUTSIDE_VIDEO] = O_WRONLY | O_CREAT | O_TRUNC,
                               [VITRINE_OUTSIDE_CAPTURE] = O_WRONLY | O_CREAT | O_TRUNC };
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

/* Runs the dialog; FALSE: the person has chosen nothing. */
static gboolean
show_dialog (int socket, const Request *request, const GPtrArray *paths, GString *choice)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return FALSE;
  pid_t chooser = fork ();
  if (chooser == 0)
    exec_chooser (request, paths, ends[1]);
  close (ends[1]);
  gboolean chosen = chooser > 0 && read_choice (socket, ends[0], chooser, choice);
  close (ends[0]);
  if (chooser > 0)
    waitpid (chooser, NULL, 0);
  return chosen;
}

/* --- Files to read, several at once ------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *paths;     /* where the files really are: no link is left in them */
  GArray    *fds;
} Opened;

/* NULL: it can be read, as far as that goes. */
static char *
find_problem (const char *path, int place, int error)
{
  g_autofree char *name = g_filename_display_basename (path);
  struct stat status = { 0 };

  if (place < 0 || fstat (place, &status) != 0)
    return g_strdup_printf (_("“%s” cannot be read: %s"), name, g_strerror (error));
  if (S_ISDIR (status.st_mode))
    return g_strdup_printf (_("“%s” is a folder. Only files can be sent: put it into an archive first."), name);
  return S_ISREG (status.st_mode) ? NULL : g_strdup_printf (_("“%s” is not an ordinary file."), name);
}

/* -1 after a sentence. That it is an ordinary file is known before it is opened: to open some others has effects. */
static int
open_ordinary (int socket, const char *path)
{
  int place = open (path, O_PATH | O_CLOEXEC);
  g_autofree char *problem = find_problem (path, place, errno);
  g_autofree char *again = g_strdup_printf ("/proc/self/fd/%d", place);
  int fd = problem == NULL ? open (again, O_RDONLY | O_CLOEXEC) : -1;

  if (fd < 0 && problem == NULL)
    problem = find_problem (path, -1, errno);
  if (problem != NULL)
    reply (socket, 'E', problem, -1);
  if (place >= 0)
    close (place);
  return fd;
}

static void
open_path (int socket, const char *path, Opened *opened)
{
  int fd = open_ordinary (socket, path);
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  char *where = fd >= 0 ? g_file_read_link (link, NULL) : NULL;

  if (fd < 0)
    return;
  g_array_append_val (opened->fds, fd);
  g_ptr_array_add (opened->paths, where != NULL ? where : g_strdup (path));
}

/* Each path is ended by a NUL. */
static void
open_paths (int socket, const char *bytes, gsize n, Opened *opened)
{
  const char *end;
  guint count = 0;

  for (; (end = memchr (bytes, '\0', n)) != NULL && count < VITRINE_FILES_MAX; count++)
    {
      if (end > bytes)
        open_path (socket, bytes, opened);
      n -= (gsize) (end + 1 - bytes);
      bytes = end + 1;
    }
  if (end != NULL)
    {
      g_autofree char *sentence = g_strdup_printf (_("Only the first %u files are sent."), VITRINE_FILES_MAX);
      reply (socket, 'E', sentence, -1);
    }
}

/* The paths are the chosen ones, or where dropped files are. */
static void
hand_in (int socket, const Opened *opened)
{
  for (guint i = 0; i < opened->fds->len; i++)
    reply (socket, 'F', opened->paths->pdata[i], g_array_index (opened->fds, int, i));
}

static void
opened_clear (Opened *opened)
{
  for (guint i = 0; i < opened->fds->len; i++)
    close (g_array_index (opened->fds, int, i));
  g_array_unref (opened->fds);
  g_ptr_array_unref (opened->paths);
}

static void
choose_many (int socket, const Request *request)
{
  Opened opened = { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (int)) };
  g_autoptr(GString) choice = g_string_new (NULL);

  if (show_dialog (socket, request, NULL, choice))
    open_paths (socket, choice->str, choice->len, &opened);
  hand_in (socket, &opened);
  reply (socket, 'N', "", -1);
  opened_clear (&opened);
}

/* What the person is shown and what is handed in is the same opened file, wherever the asked paths lead meanwhile. */
static void
confirm (int socket, const DropRequest *drop, gsize length)
{
  Opened opened = { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (int)) };
  g_autoptr(GString) choice = g_string_new (NULL);

  open_paths (socket, drop->paths, length, &opened);
  if (opened.fds->len > 0 && show_dialog (socket, &drop->request, opened.paths, choice))
    hand_in (socket, &opened);
  reply (socket, 'N', "", -1);
  opened_clear (&opened);
}

/* --- A USB device ------------------------------------------------------------------------------------------------- */

static const VitrineOutsideUsb *usb_functions;

void
vitrine_outside_set_usb (const VitrineOutsideUsb *usb)
{
  usb_functions = usb;
}

/* The person is asked, with the device's name, unless the definition has it. */
static void
give_usb (int socket, const Request *request)
{
  g_autoptr(GString) choice = g_string_new (NULL);
  g_autoptr(GError) error = NULL;

  if (usb_functions == NULL || (!usb_functions->permitted (request->name) && !show_dialog (socket, request, NULL, choice)))
    {
      reply (socket, 'N', "", -1);
      return;
    }
  int fd = usb_functions->give (request->name, &error);
  if (fd < 0)
    {
      reply (socket, 'E', error->message, -1);
      return;
    }
  reply (socket, 'F', request->name, fd);
  close (fd);
}

/* --- One file ----------------------------------------------------------------------------------------------------- */

static void
choose (int socket, const Request *request)
{
  g_autoptr(GString) choice = g_string_new (NULL);

  if (show_dialog (socket, request, NULL, choice))
    open_choice (socket, request, choice->str);
  else
    reply (socket, 'N', "", -1);
}

/* --- Serving ------------------------------------------------------------------------------------------------------ */

/* The other side is not trusted once it runs a guest. */
static gboolean
valid (const Request *request, gsize n)
{
  return n >= sizeof *request && request->what <= VITRINE_OUTSIDE_USB
         && memchr (request->name, '\0', sizeof request->name) != NULL;
}

static void
answer (int socket, const DropRequest *asked, gsize n)
{
  const Request *request = &asked->request;
  gboolean dropped = request->what == VITRINE_OUTSIDE_DROPPED;

  if (request->kind == 'D' && dropped)
    confirm (socket, asked, n - sizeof *request);
  else if (request->kind == 'C' && request->what == VITRINE_OUTSIDE_FILES)
    choose_many (socket, request);
  else if (request->kind == 'C' && request->what == VITRINE_OUTSIDE_USB)
    give_usb (socket, request);
  else if (request->kind == 'C' && !dropped)
    choose (socket, request);
}

void
vitrine_outside_serve (int socket, const char *uuid)
{
  g_autofree DropRequest *asked = g_new0 (DropRequest, 1);
  gboolean again = FALSE;
  gssize n;

  while ((n = recv (socket, asked, sizeof *asked, 0)) > 0 || (n < 0 && errno == EINTR))
    {
      again = again || (n > 0 && asked->request.kind == 'A');
      if (n > 0 && valid (&asked->request, (gsize) n))
        answer (socket, asked, (gsize) n);
    }
  if (again)
    {
      g_autofree char *option = g_strdup_printf ("--machine=%s", uuid);
      execl ("/proc/self/exe", "vitrine", option, NULL);
    }
  _exit (0);
}
