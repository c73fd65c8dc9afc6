/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial console in a terminal: VTE shows what the guest prints and sends what is typed. Copy and paste as in every terminal:
 * Ctrl+Shift+C and Ctrl+Shift+V. */
#include "console-page.h"

#include <glib/gi18n.h>
#include <vte/vte.h>

#include "notice.h"

#define SCROLLBACK_LINES 10000

typedef struct
{
  VitrineBackend *backend;
  guint           console;
  VteTerminal    *terminal;
  GtkBox         *notice_slot;
} Link;

static void
link_free (gpointer data, GClosure *unused)
{
  Link *link = data;

  g_object_unref (link->backend);
  g_free (link);
}

static void
feed (Link *link, GBytes *bytes)
{
  gsize n;
  const char *data = g_bytes_get_data (bytes, &n);

  vte_terminal_feed (link->terminal, data, (gssize) n);
}

static void
guest_printed (VitrineBackend *backend, guint console, GBytes *bytes, gpointer data)
{
  Link *link = data;

  if (console == link->console)
    feed (link, bytes);
}

static gboolean
key_pressed (GtkWidget *widget, GdkEventKey *event)
{
  const GdkModifierType both = GDK_CONTROL_MASK | GDK_SHIFT_MASK;
  guint key = gdk_keyval_to_lower (event->keyval);

  if ((event->state & gtk_accelerator_get_default_mod_mask ()) != both || (key != GDK_KEY_c && key != GDK_KEY_v))
    return GDK_EVENT_PROPAGATE;
  if (key == GDK_KEY_c)
    vte_terminal_copy_clipboard_format (VTE_TERMINAL (widget), VTE_FORMAT_TEXT);
  else
    vte_terminal_paste_clipboard (VTE_TERMINAL (widget));
  return GDK_EVENT_STOP;
}

static void
take (gpointer data)
{
  Link *link = data;

  vitrine_backend_take_console (link->backend, link->console);
  gtk_widget_grab_focus (GTK_WIDGET (link->terminal));
}

static void
show_whose (Link *link)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Take It Over"), take, NULL }, { NULL } };

  if (vitrine_backend_is_console_busy (link->backend, link->console))
    vitrine_notice_show_with (link->notice_slot, GTK_MESSAGE_INFO,
                              _("Somebody else has this console open, and loses it if you take it."), buttons, link);
  else
    vitrine_notice_clear (link->notice_slot);
}

/* What is typed into somebody else's console goes nowhere, not even into it later. */
static void
typed (VteTerminal *terminal, const char *text, guint n, gpointer data)
{
  Link *link = data;

  if (vitrine_backend_is_console_busy (link->backend, link->console))
    show_whose (link);
  else
    vitrine_backend_console_send (link->backend, link->console, (const guint8 *) text, n);
}

static void
console_changed (VitrineBackend *backend, guint console, gpointer data)
{
  Link *link = data;

  if (console == link->console)
    show_whose (link);
}

static void
destroyed (GtkWidget *widget, gpointer data)
{
  Link *link = data;

  g_signal_handlers_disconnect_by_data (link->backend, link);
}

GtkWidget *
vitrine_console_page_new (VitrineBackend *backend, guint console, const char *title)
{
  GtkWidget *terminal = vte_terminal_new (), *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *scroller = gtk_scrolled_window_new (NULL, gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (terminal)));
  Link *link = g_new0 (Link, 1);
  g_autoptr(GBytes) history = vitrine_backend_get_console_history (backend, console);

  link->backend = g_object_ref (backend);
  link->console = console;
  link->terminal = VTE_TERMINAL (terminal);
  vte_terminal_set_scrollback_lines (link->terminal, SCROLLBACK_LINES);
  vte_terminal_set_audible_bell (link->terminal, FALSE);
  atk_object_set_name (gtk_widget_get_accessible (terminal), title);
  if (history != NULL)
    feed (link, history);
  g_signal_connect_data (terminal, "commit", G_CALLBACK (typed), link, link_free, 0);
  g_signal_connect (terminal, "key-press-event", G_CALLBACK (key_pressed), NULL);
  g_signal_connect (terminal, "destroy", G_CALLBACK (destroyed), link);
  g_signal_connect (backend, "console-output", G_CALLBACK (guest_printed), link);
  g_signal_connect (backend, "console-changed", G_CALLBACK (console_changed), link);
  gtk_container_add (GTK_CONTAINER (scroller), terminal);
  link->notice_slot = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 0));
  gtk_box_pack_start (GTK_BOX (page), GTK_WIDGET (link->notice_slot), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), scroller, TRUE, TRUE, 0);
  gtk_widget_show_all (page);
  show_whose (link);
  return page;
}
