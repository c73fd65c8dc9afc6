/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-page.h"

#include <glib/gi18n.h>
#include <handy.h>

#include "host-resources.h"
#include "host-text.h"
#include "notice.h"
#include "page-window.h"
#include "volume-dialog.h"

#define WIDTH 720
#define HEIGHT 600

typedef struct
{
  GtkWidget    *window;      /* NULL: closed */
  GtkWidget    *notice_slot, *default_slot;   /* the latter: for what is told until it is mended */
  GtkWidget    *stack, *storage, *networks, *devices;
  GtkWidget    *progress_box, *progress, *progress_label;
  VitrineHost  *host;
  GCancellable *transfer;    /* NULL: none under way */
  char         *doomed;      /* path of the volume to be deleted, when the person says yes */
  gboolean      reading;
  VitrineHostResourceKinds unread;   /* to be read after that */
} Page;

/* Hosts have thousands of devices, and tell of each that comes or goes: only what changed is read again. */
static void read_again (Page *self, VitrineHostResourceKinds kinds);

static Page *
page_ref (Page *self)
{
  return g_rc_box_acquire (self);
}

static void
page_clear (gpointer data)
{
  Page *self = data;

  g_object_unref (self->host);
  g_clear_object (&self->transfer);
  g_free (self->doomed);
}

static void
page_unref (Page *self)
{
  g_rc_box_release_full (self, page_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Page, page_unref)

static void
show_error (Page *self, const GError *error)
{
  if (self->window != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

static void
changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Page) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_host_resource_finish (VITRINE_HOST (source), result, &error))
    show_error (self, error);
  read_again (self, VITRINE_HOST_POOLS | VITRINE_HOST_NETWORKS);
}

static void
change (Page *self, VitrineHostResourceVerb verb, const char *name)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  vitrine_host_change_resource_async (self->host, verb, name, changed, page_ref (self));
}

static const char *
name_of (GtkWidget *button)
{
  return g_object_get_data (G_OBJECT (button), "vitrine-name");
}

static void
start_pool (Page *self, GtkWidget *button)
{
  change (self, VITRINE_HOST_START_POOL, name_of (button));
}

static void
stop_pool (Page *self, GtkWidget *button)
{
  change (self, VITRINE_HOST_STOP_POOL, name_of (button));
}

static void
refresh_pool (Page *self, GtkWidget *button)
{
  change (self, VITRINE_HOST_REFRESH_POOL, name_of (button));
}

static void
start_network (Page *self, GtkWidget *button)
{
  change (self, VITRINE_HOST_START_NETWORK, name_of (button));
}

static void
stop_network (Page *self, GtkWidget *button)
{
  change (self, VITRINE_HOST_STOP_NETWORK, name_of (button));
}

static void
start_default (gpointer data)
{
  change (data, VITRINE_HOST_START_NETWORK, "default");
}

static void
delete_now (gpointer data)
{
  Page *self = data;

  change (self, VITRINE_HOST_DELETE_VOLUME, self->doomed);
}

static void
delete_volume (Page *self, GtkWidget *button)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Delete"), delete_now, "destructive-action" }, { NULL } };
  g_autofree char *shown = vitrine_host_text (name_of (button), VITRINE_HOST_SENTENCE_CHARS);
  g_autofree char *words
      = g_strdup_printf (_("Delete the volume “%s” and all that is on it? This cannot be undone."), shown);

  g_free (self->doomed);
  self->doomed = g_strdup (name_of (button));
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_WARNING, words, buttons, self);
}

static void
volume_wished (const char *pool, const char *name, const char *format, guint64 capacity_bytes, gpointer data)
{
  Page *self = data;

  if (self->window != NULL)
    vitrine_host_create_volume_async (self->host, pool, name, format, capacity_bytes, changed, page_ref (self));
}

static void
create_volume (Page *self, GtkWidget *button)
{
  gtk_window_present (
      GTK_WINDOW (vitrine_volume_dialog_new (GTK_WINDOW (self->window), name_of (button), volume_wished, self)));
}

/* --- transfers -------------------------------------------------------------------------------------------------- */

static void
moved_on (guint64 done_bytes, guint64 total_bytes, gpointer data)
{
  Page *self = data;
  g_autofree char *done = g_format_size (done_bytes), *total = g_format_size (total_bytes);
  g_autofree char *words = g_strdup_printf (_("%s of %s"), done, total);

  if (self->window == NULL)
    return;
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (self->progress), words);
  if (total_bytes > 0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress),
                                   MIN (1, (double) done_bytes / (double) total_bytes));
}

static void
transferred (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Page) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_host_resource_finish (VITRINE_HOST (source), result, &error))
    show_error (self, error);
  g_clear_object (&self->transfer);
  if (self->window == NULL)
    return;
  gtk_widget_hide (self->progress_box);
  read_again (self, VITRINE_HOST_POOLS);
}

static void
begin_transfer (Page *self, const char *path, gboolean up)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *label
      = up ? g_strdup_printf (_("Uploading “%s”"), name) : g_strdup_printf (_("Downloading “%s”"), name);

  self->transfer = g_cancellable_new ();
  gtk_label_set_label (GTK_LABEL (self->progress_label), label);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress), 0);
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (self->progress), NULL);
  gtk_widget_show (self->progress_box);
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
}

/* The path that a person chose; NULL: none. Frees the dialog. */
static char *
take_choice (GtkNativeDialog *dialog, int response)
{
  char *path = response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog)) : NULL;

  g_object_unref (dialog);
  return path;
}

static void
upload_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr(Page) self = data;
  g_autofree char *pool = g_strdup (g_object_get_data (G_OBJECT (dialog), "vitrine-name")),
                  *path = take_choice (dialog, response);

  if (path == NULL || self->window == NULL || self->transfer != NULL)
    return;
  begin_transfer (self, path, TRUE);
  vitrine_host_upload_volume_async (self->host, pool, path, self->transfer, moved_on, self, transferred,
                                    page_ref (self));
}

static void
download_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr(Page) self = data;
  g_autofree char *volume = g_strdup (g_object_get_data (G_OBJECT (dialog), "vitrine-name")),
                  *path = take_choice (dialog, response);

  if (path == NULL || self->window == NULL || self->transfer != NULL)
    return;
  begin_transfer (self, path, FALSE);
  vitrine_host_download_volume_async (self->host, volume, path, self->transfer, moved_on, self, transferred,
                                      page_ref (self));
}

static void
choose (Page *self, GtkWidget *button, const char *title, GtkFileChooserAction action, const char *accept,
        GCallback chosen)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (title, GTK_WINDOW (self->window), action, accept, _("_Cancel"));

  g_object_set_data_full (G_OBJECT (dialog), "vitrine-name", g_strdup (name_of (button)), g_free);
  if (action == GTK_FILE_CHOOSER_ACTION_SAVE)
    {
      g_autofree char *name = g_path_get_basename (name_of (button));
      g_autofree char *shown = vitrine_host_text (name, VITRINE_HOST_TITLE_CHARS);
      gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), shown);
      gtk_file_chooser_set_do_overwrite_confirmation (GTK_FILE_CHOOSER (dialog), TRUE);
    }
  g_signal_connect (dialog, "response", chosen, page_ref (self));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);   /* as the page is */
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
upload (Page *self, GtkWidget *button)
{
  choose (self, button, _("Upload a File"), GTK_FILE_CHOOSER_ACTION_OPEN, _("_Upload"), G_CALLBACK (upload_chosen));
}

static void
download (Page *self, GtkWidget *button)
{
  choose (self, button, _("Download a Volume"), GTK_FILE_CHOOSER_ACTION_SAVE, _("_Download"),
          G_CALLBACK (download_chosen));
}

static void
cancel_transfer (Page *self)
{
  if (self->transfer != NULL)
    g_cancellable_cancel (self->transfer);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_row (GtkWidget *list, const char *name, const char *subtitle)
{
  GtkWidget *row = hdy_action_row_new ();
  g_autofree char *shown = vitrine_host_text (name, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *below = vitrine_host_text (subtitle, VITRINE_HOST_SENTENCE_CHARS);

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), shown);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), below);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_container_add (GTK_CONTAINER (list), row);
  return row;
}

typedef void (*Clicked) (Page *self, GtkWidget *button);

static void
add_button (Page *self, GtkWidget *row, const char *icon, const char *words, const char *name, Clicked clicked)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, words);
  atk_object_set_name (gtk_widget_get_accessible (button), words);
  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  g_object_set_data_full (G_OBJECT (button), "vitrine-name", g_strdup (name), g_free);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (clicked), self);
  gtk_container_add (GTK_CONTAINER (row), button);
}

static void
add_volume (Page *self, GtkWidget *list, const VitrineHostVolume *volume)
{
  g_autofree char *capacity = g_format_size_full (volume->capacity_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *words
      = g_strdup_printf ("%s · %s", capacity, volume->format != NULL ? volume->format : _("unknown format"));
  g_autofree char *shown = vitrine_host_text (volume->name, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *down = g_strdup_printf (_("Download %s"), shown), *delete = g_strdup_printf (_("Delete %s"), shown);
  GtkWidget *row = new_row (list, volume->name, words);

  gtk_widget_set_margin_start (row, 24);
  add_button (self, row, "document-save-symbolic", down, volume->path, download);
  add_button (self, row, "user-trash-symbolic", delete, volume->path, delete_volume);
}

static char *
describe_pool (const VitrineHostPool *pool)
{
  g_autofree char *free_room = g_format_size (pool->available_bytes), *all = g_format_size (pool->capacity_bytes);

  if (!pool->active)
    return g_strdup (_("Not active"));
  return g_strdup_printf (_("%s free of %s · %s"), free_room, all, pool->path != NULL ? pool->path : "");
}

static void
add_pool (Page *self, const VitrineHostPool *pool)
{
  g_autofree char *words = describe_pool (pool), *shown = vitrine_host_text (pool->name, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *make = g_strdup_printf (_("New volume in %s"), shown),
                  *up = g_strdup_printf (_("Upload into %s"), shown);
  g_autofree char *look = g_strdup_printf (_("Look into %s again"), shown),
                  *start = g_strdup_printf (_("Start %s"), shown);
  g_autofree char *stop = g_strdup_printf (_("Stop %s"), shown);
  GtkWidget *row = new_row (self->storage, pool->name, words);

  if (!pool->active)
    add_button (self, row, "media-playback-start-symbolic", start, pool->name, start_pool);
  else
    {
      add_button (self, row, "list-add-symbolic", make, pool->name, create_volume);
      add_button (self, row, "document-send-symbolic", up, pool->name, upload);
      add_button (self, row, "view-refresh-symbolic", look, pool->name, refresh_pool);
      add_button (self, row, "media-playback-stop-symbolic", stop, pool->name, stop_pool);
    }
  for (guint i = 0; i < pool->volumes->len; i++)
    add_volume (self, self->storage, pool->volumes->pdata[i]);
}

static void
add_network (Page *self, const VitrineHostNetwork *network)
{
  g_autofree char *words
      = g_strdup_printf ("%s%s%s", network->active ? _("Active") : _("Not active"),
                         network->bridge != NULL ? " · " : "", network->bridge != NULL ? network->bridge : "");
  g_autofree char *shown = vitrine_host_text (network->name, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *start = g_strdup_printf (_("Start %s"), shown), *stop = g_strdup_printf (_("Stop %s"), shown);
  GtkWidget *row = new_row (self->networks, network->name, words);

  if (network->active)
    add_button (self, row, "media-playback-stop-symbolic", stop, network->name, stop_network);
  else
    add_button (self, row, "media-playback-start-symbolic", start, network->name, start_network);
}

static void
add_device (Page *self, const VitrineHostDevice *device)
{
  g_autofree char *words = g_strdup_printf ("%s · %s", device->kind != NULL ? device->kind : "?", device->name);

  new_row (self->devices, device->description != NULL ? device->description : device->name, words);
}

static void
say_when_empty (GtkWidget *list, guint n, const char *words)
{
  if (n == 0)
    new_row (list, words, NULL);
}

static void
tell_about_default (Page *self, gboolean idle)
{
  static const VitrineNoticeButton buttons[]
      = { { N_("_Start the Network"), start_default, "suggested-action" }, { NULL } };

  g_autoptr(GList) shown = gtk_container_get_children (GTK_CONTAINER (self->default_slot));
  if (idle && shown == NULL)   /* a second one would take the focus again */
    vitrine_notice_show_with (GTK_BOX (self->default_slot), GTK_MESSAGE_WARNING,
                              _("The network “default” is not active: machines that are on it do not start."), buttons,
                              self);
  else if (!idle)
    vitrine_notice_clear (GTK_BOX (self->default_slot));
}

static void
clear (GtkWidget *list)
{
  gtk_container_foreach (GTK_CONTAINER (list), (GtkCallback) (void (*) (void)) gtk_widget_destroy, NULL);
}

static void
show_pools (Page *self, const GPtrArray *pools)
{
  clear (self->storage);
  for (guint i = 0; i < pools->len; i++)
    add_pool (self, pools->pdata[i]);
  say_when_empty (self->storage, pools->len, _("The host has no storage pools."));
}

static void
show_networks (Page *self, const VitrineHostResources *resources)
{
  clear (self->networks);
  for (guint i = 0; i < resources->networks->len; i++)
    add_network (self, resources->networks->pdata[i]);
  say_when_empty (self->networks, resources->networks->len, _("The host has no networks of its own."));
  tell_about_default (self, vitrine_host_resources_find_idle_default (resources) != NULL);
}

static void
show_devices (Page *self, const VitrineHostResources *resources)
{
  clear (self->devices);
  for (guint i = 0; i < resources->devices->len; i++)
    add_device (self, resources->devices->pdata[i]);
  say_when_empty (self->devices, resources->devices->len,
                  resources->no_devices != NULL ? resources->no_devices : _("The host shows no devices."));
}

static void
show (Page *self, const VitrineHostResources *resources)
{
  if ((resources->kinds & VITRINE_HOST_POOLS) != 0)
    show_pools (self, resources->pools);
  if ((resources->kinds & VITRINE_HOST_NETWORKS) != 0)
    show_networks (self, resources);
  if ((resources->kinds & VITRINE_HOST_DEVICES) != 0)
    show_devices (self, resources);
  gtk_widget_show_all (self->stack);
}

static void
resources_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Page) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineHostResources) resources
      = vitrine_host_list_resources_finish (VITRINE_HOST (source), result, &error);

  self->reading = FALSE;
  if (self->window == NULL)
    return;
  if (resources != NULL)
    show (self, resources);
  else
    show_error (self, error);
  read_again (self, 0);
}

static void
read_again (Page *self, VitrineHostResourceKinds kinds)
{
  self->unread |= kinds;
  if (self->reading || self->unread == 0 || self->window == NULL)
    return;
  self->reading = TRUE;
  vitrine_host_list_resources_async (self->host, self->unread, resources_read, page_ref (self));
  self->unread = 0;
}

/* --- widgets ---------------------------------------------------------------------------------------------------- */

static GtkWidget *
add_list (Page *self, const char *id, const char *title)
{
  GtkWidget *scroller = gtk_scrolled_window_new (NULL, NULL), *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  atk_object_set_name (gtk_widget_get_accessible (list), title);
  gtk_container_add (GTK_CONTAINER (scroller), list);
  gtk_stack_add_titled (GTK_STACK (self->stack), scroller, id, title);
  return list;
}

static GtkWidget *
new_progress (Page *self)
{
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_("_Cancel"));

  self->progress_box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  self->progress_label = gtk_label_new (NULL);
  self->progress = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (self->progress), TRUE);
  gtk_widget_set_valign (self->progress, GTK_ALIGN_CENTER);
  atk_object_set_name (gtk_widget_get_accessible (self->progress), _("Progress"));
  gtk_label_set_ellipsize (GTK_LABEL (self->progress_label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_container_add (GTK_CONTAINER (self->progress_box), self->progress_label);
  gtk_box_pack_start (GTK_BOX (self->progress_box), self->progress, TRUE, TRUE, 0);
  gtk_container_add (GTK_CONTAINER (self->progress_box), cancel);
  g_object_set (self->progress_box, "margin", 12, NULL);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (cancel_transfer), self);
  gtk_widget_show_all (self->progress_box);
  gtk_widget_hide (self->progress_box);
  gtk_widget_set_no_show_all (self->progress_box, TRUE);
  return self->progress_box;
}

static GtkWidget *
new_page (Page *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *switcher = gtk_stack_switcher_new ();

  self->stack = gtk_stack_new ();
  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->default_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->storage = add_list (self, "storage", _("Storage"));
  self->networks = add_list (self, "networks", _("Networks"));
  self->devices = add_list (self, "devices", _("Devices"));
  gtk_stack_switcher_set_stack (GTK_STACK_SWITCHER (switcher), GTK_STACK (self->stack));
  g_object_set (switcher, "halign", GTK_ALIGN_CENTER, "margin", 9, NULL);
  gtk_box_pack_start (GTK_BOX (page), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), self->default_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), switcher, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), self->stack, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (page), new_progress (self), FALSE, FALSE, 0);
  gtk_widget_show_all (page);
  return page;
}

/* What is on its way ends with its window: nobody would hear of it. */
static void
destroyed (Page *self)
{
  self->window = NULL;
  cancel_transfer (self);
  g_signal_handlers_disconnect_by_data (self->host, self);
  page_unref (self);
}

GtkWidget *
vitrine_host_page_new (GtkWindow *parent, VitrineHost *host)
{
  Page *self = g_rc_box_new0 (Page);

  self->host = g_object_ref (host);
  self->window = vitrine_page_window_new (parent, vitrine_host_get_name (host), new_page (self), WIDTH, HEIGHT);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (destroyed), self);
  g_signal_connect_swapped (host, "resources-changed", G_CALLBACK (read_again), self);
  read_again (self, VITRINE_HOST_ALL_RESOURCES);
  return self->window;
}
