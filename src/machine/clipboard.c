/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clipboard.h"

struct VitrineClipboard
{
  GtkWindow    *window;
  VitrineAgent *agent;
  GtkClipboard *clipboard;
  GObject      *token;             /* the clipboard's owner, when that is the guest */
  GCancellable *alive;             /* cancelled when we are gone: GTK's requests cannot be */
  GBytes       *bytes;             /* what the guest has copied, while it owns the clipboard */
  gboolean      news;              /* the person has copied something since the guest was last told */
  guint         grabbed;           /* VitrineClip: the guest has copied something that was not fetched yet */
  guint         awaited;           /* VitrineClip: asked for, and nothing has come in between */
};

typedef struct
{
  VitrineClipboard *self;
  GCancellable     *alive;
} Request;

static Request *
request_new (VitrineClipboard *self)
{
  Request *request = g_new (Request, 1);

  *request = (Request) { self, g_object_ref (self->alive) };
  return request;
}

/* NULL: nobody waits for it any more. */
static VitrineClipboard *
request_end (Request *request)
{
  VitrineClipboard *self = g_cancellable_is_cancelled (request->alive) ? NULL : request->self;

  g_object_unref (request->alive);
  g_free (request);
  return self;
}

/* --- to the guest ------------------------------------------------------------------------------------------------- */

static void
offer (GtkClipboard *clipboard, GdkAtom *targets, int n, gpointer data)
{
  VitrineClipboard *self = request_end (data);
  guint kinds = 0;

  if (self == NULL || gtk_clipboard_get_owner (clipboard) == self->token)
    return;
  if (targets != NULL && gtk_targets_include_text (targets, n))
    kinds |= VITRINE_CLIP_TEXT;
  for (int i = 0; targets != NULL && i < n; i++)
    if (targets[i] == gdk_atom_intern_static_string ("image/png"))
      kinds |= VITRINE_CLIP_PNG;
  vitrine_agent_offer (self->agent, kinds);
}

static void
text_came (GtkClipboard *clipboard, const char *text, gpointer data)
{
  VitrineClipboard *self = request_end (data);

  if (self == NULL)
    return;
  g_autoptr(GBytes) bytes = text != NULL ? g_bytes_new (text, strlen (text)) : NULL;
  vitrine_agent_give (self->agent, VITRINE_CLIP_TEXT, bytes);
}

static void
picture_came (GtkClipboard *clipboard, GtkSelectionData *selection, gpointer data)
{
  VitrineClipboard *self = request_end (data);
  int length = gtk_selection_data_get_length (selection);

  if (self == NULL)
    return;
  g_autoptr(GBytes) bytes = length > 0 ? g_bytes_new (gtk_selection_data_get_data (selection), (gsize) length) : NULL;
  vitrine_agent_give (self->agent, VITRINE_CLIP_PNG, bytes);
}

static void
wanted (VitrineClipboard *self, guint kind)
{
  if (!gtk_window_is_active (self->window))
    vitrine_agent_give (self->agent, kind, NULL);
  else if (kind == VITRINE_CLIP_TEXT)
    gtk_clipboard_request_text (self->clipboard, text_came, request_new (self));
  else
    gtk_clipboard_request_contents (self->clipboard, gdk_atom_intern_static_string ("image/png"), picture_came, request_new (self));
}

/* --- from the guest ----------------------------------------------------------------------------------------------- */

static void
paste (GtkClipboard *clipboard, GtkSelectionData *selection, guint info, gpointer data)
{
  GBytes *bytes = g_object_get_data (data, "bytes");
  gsize length;
  const guint8 *at = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;

  if (bytes != NULL && info == VITRINE_CLIP_TEXT)
    gtk_selection_data_set_text (selection, (const char *) at, (int) length);
  else if (bytes != NULL)
    gtk_selection_data_set (selection, gtk_selection_data_get_target (selection), 8, at, (int) length);
}

static void
lost (GtkClipboard *clipboard, gpointer data)
{
  g_object_set_data (data, "bytes", NULL);
}

static void
received (VitrineClipboard *self, guint kind, GBytes *bytes)
{
  GtkTargetList *list;
  int n;

  if ((self->awaited & kind) == 0)
    return;
  self->awaited = 0;
  list = gtk_target_list_new (NULL, 0);
  if (kind == VITRINE_CLIP_TEXT)
    gtk_target_list_add_text_targets (list, VITRINE_CLIP_TEXT);
  else
    gtk_target_list_add (list, gdk_atom_intern_static_string ("image/png"), 0, VITRINE_CLIP_PNG);
  GtkTargetEntry *targets = gtk_target_table_new_from_list (list, &n);
  /* The same owner again would not lose what it had before. */
  g_object_set_data_full (self->token, "bytes", g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  if (gtk_clipboard_set_with_owner (self->clipboard, targets, (guint) n, paste, lost, self->token))
    gtk_clipboard_set_can_store (self->clipboard, NULL, 0);   /* so that it survives the window */
  gtk_target_table_free (targets, n);
  gtk_target_list_unref (list);
}

static void
fetch (VitrineClipboard *self)
{
  guint kinds = self->grabbed;

  self->grabbed = 0;
  if (kinds == 0)
    return;
  self->awaited = (kinds & VITRINE_CLIP_TEXT) != 0 ? VITRINE_CLIP_TEXT : VITRINE_CLIP_PNG;
  vitrine_agent_ask (self->agent, self->awaited);
}

static void
grabbed (VitrineClipboard *self, guint kinds)
{
  self->grabbed = kinds;
  self->news = FALSE;
  if (gtk_window_is_active (self->window))
    fetch (self);
}

static void
released (VitrineClipboard *self)
{
  self->grabbed = 0;
  if (gtk_clipboard_get_owner (self->clipboard) == self->token)
    gtk_clipboard_clear (self->clipboard);
}

/* --- when --------------------------------------------------------------------------------------------------------- */

static void
tell (VitrineClipboard *self)
{
  if (!gtk_window_is_active (self->window) || !vitrine_agent_is_there (self->agent))
    return;
  fetch (self);
  if (!self->news)
    return;
  self->news = FALSE;
  gtk_clipboard_request_targets (self->clipboard, offer, request_new (self));
}

static void
owner_changed (VitrineClipboard *self)
{
  if (gtk_clipboard_get_owner (self->clipboard) == self->token)
    return;
  self->news = TRUE;
  self->grabbed = self->awaited = 0;   /* the person was later */
  tell (self);
}

VitrineClipboard *
vitrine_clipboard_new (GtkWindow *window, VitrineAgent *agent)
{
  VitrineClipboard *self = g_new0 (VitrineClipboard, 1);

  self->window = window;
  self->agent = g_object_ref (agent);
  self->clipboard = gtk_clipboard_get_for_display (gtk_widget_get_display (GTK_WIDGET (window)), GDK_SELECTION_CLIPBOARD);
  self->token = g_object_new (G_TYPE_OBJECT, NULL);
  self->alive = g_cancellable_new ();
  self->news = TRUE;
  g_signal_connect_swapped (self->clipboard, "owner-change", G_CALLBACK (owner_changed), self);
  g_signal_connect_swapped (window, "notify::is-active", G_CALLBACK (tell), self);
  g_signal_connect_swapped (agent, "there", G_CALLBACK (tell), self);
  g_signal_connect_swapped (agent, "grabbed", G_CALLBACK (grabbed), self);
  g_signal_connect_swapped (agent, "released", G_CALLBACK (released), self);
  g_signal_connect_swapped (agent, "wanted", G_CALLBACK (wanted), self);
  g_signal_connect_swapped (agent, "received", G_CALLBACK (received), self);
  return self;
}

/* What the guest had copied stays with the person. */
void
vitrine_clipboard_free (VitrineClipboard *self)
{
  g_cancellable_cancel (self->alive);
  g_signal_handlers_disconnect_by_data (self->clipboard, self);
  g_signal_handlers_disconnect_by_data (self->window, self);
  g_signal_handlers_disconnect_by_data (self->agent, self);
  if (gtk_clipboard_get_owner (self->clipboard) == self->token)
    gtk_clipboard_store (self->clipboard);
  g_object_unref (self->token);
  g_object_unref (self->alive);
  g_object_unref (self->agent);
  g_free (self);
}
