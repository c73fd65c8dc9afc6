/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "add-host-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "notice.h"
#include "page-window.h"
#include "rows.h"

#define WIDTH 520
#define HEIGHT 400

typedef struct
{
  VitrineHosts *hosts;
  GtkWidget    *window, *notice_slot, *kind, *address_row, *address, *user_row, *user, *uri, *name, *add;
} Dialog;

static const struct
{
  const char *id, *label, *uri;
  const char *scheme;      /* of those with an address */
} kinds[] = {
  { "system", N_("This computer, machines of the system"), "qemu:///system", NULL },
  { "session", N_("This computer, your own machines"), "qemu:///session", NULL },
  { "ssh", N_("Another computer, over SSH"), NULL, "qemu+ssh" },
  { "tls", N_("Another computer, over TLS"), NULL, "qemu+tls" },
  { "test", N_("A host for tests, with nothing behind it"), "test:///default", NULL },
  { "other", N_("Something else, by its URI"), NULL, NULL },
};

static guint
kind_of (Dialog *self)
{
  const char *id = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->kind));
  guint i = 0;

  while (i < G_N_ELEMENTS (kinds) - 1 && g_strcmp0 (kinds[i].id, id) != 0)
    i++;
  return i;
}

/* "qemu+ssh://root@rack1/system": NULL while the address is missing. */
static char *
compose (Dialog *self, guint kind)
{
  const char *address = gtk_entry_get_text (GTK_ENTRY (self->address)),
             *user = gtk_entry_get_text (GTK_ENTRY (self->user));

  if (kinds[kind].uri != NULL)
    return g_strdup (kinds[kind].uri);
  if (kinds[kind].scheme == NULL || *address == '\0')
    return NULL;
  g_autofree char *escaped = g_uri_escape_string (user, NULL, FALSE);
  gboolean ssh = g_str_equal (kinds[kind].id, "ssh") && *user != '\0';
  return g_strdup_printf ("%s://%s%s%s/system", kinds[kind].scheme, ssh ? escaped : "", ssh ? "@" : "", address);
}

static void
check (Dialog *self)
{
  const char *uri = gtk_entry_get_text (GTK_ENTRY (self->uri));
  g_autofree char *name = *uri != '\0' ? vitrine_host_name_for_uri (uri) : NULL;

  gtk_entry_set_placeholder_text (GTK_ENTRY (self->name), name);
  gtk_widget_set_sensitive (self->add, *uri != '\0');
}

static void
form_changed (Dialog *self)
{
  guint kind = kind_of (self);
  gboolean other = g_str_equal (kinds[kind].id, "other");
  g_autofree char *uri = compose (self, kind);

  gtk_widget_set_visible (self->address_row, kinds[kind].scheme != NULL);
  gtk_widget_set_visible (self->user_row, g_str_equal (kinds[kind].id, "ssh"));
  gtk_widget_set_sensitive (self->uri, other);
  if (!other)
    gtk_entry_set_text (GTK_ENTRY (self->uri), uri != NULL ? uri : "");
  check (self);
}

static void
add (Dialog *self)
{
  const char *name = gtk_entry_get_text (GTK_ENTRY (self->name));
  g_autoptr(GError) error = NULL;

  if (vitrine_hosts_add (self->hosts, gtk_entry_get_text (GTK_ENTRY (self->uri)), *name != '\0' ? name : NULL, &error)
      != NULL)
    gtk_window_close (GTK_WINDOW (self->window));
  else
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

/* --- widgets ---------------------------------------------------------------------------------------------------- */

static GtkWidget *
add_row (GtkWidget *list, GtkWidget *row)
{
  gtk_container_add (GTK_CONTAINER (list), row);
  return row;
}

static GtkWidget *
new_form (Dialog *self)
{
  GtkWidget *list = gtk_list_box_new ();
  const char *ids[G_N_ELEMENTS (kinds) + 1] = { NULL }, *labels[G_N_ELEMENTS (kinds) + 1] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      ids[i] = kinds[i].id;
      labels[i] = kinds[i].label;
    }
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (list), "content");
  add_row (list, vitrine_row_new_combo (_("_Where"), ids, labels, &self->kind));
  self->address_row = add_row (list, vitrine_row_new_entry (_("_Address"), &self->address));
  self->user_row = add_row (list, vitrine_row_new_entry (_("_User"), &self->user));
  add_row (list, vitrine_row_new_entry (_("U_RI"), &self->uri));
  add_row (list, vitrine_row_new_entry (_("_Name"), &self->name));
  gtk_widget_set_no_show_all (self->address_row, TRUE);
  gtk_widget_set_no_show_all (self->user_row, TRUE);
  g_object_set (list, "margin", 18, "valign", GTK_ALIGN_START, NULL);
  return list;
}

static GtkWidget *
new_page (Dialog *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *scroller = gtk_scrolled_window_new (NULL, NULL);

  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_container_add (GTK_CONTAINER (scroller), new_form (self));
  gtk_box_pack_start (GTK_BOX (page), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), scroller, TRUE, TRUE, 0);
  gtk_widget_show_all (page);
  return page;
}

static void
add_buttons (Dialog *self)
{
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_("_Cancel"));

  self->add = gtk_button_new_with_mnemonic (_("_Add Host"));
  gtk_style_context_add_class (gtk_widget_get_style_context (self->add), "suggested-action");
  gtk_widget_set_can_default (self->add, TRUE);
  gtk_widget_show (cancel);
  gtk_widget_show (self->add);
  vitrine_page_window_add_buttons (self->window, cancel, self->add);
  gtk_widget_grab_default (self->add);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (gtk_window_close), self->window);
  g_signal_connect_swapped (self->add, "clicked", G_CALLBACK (add), self);
}

static void
dialog_free (gpointer data)
{
  Dialog *self = data;

  g_object_unref (self->hosts);
  g_free (self);
}

GtkWidget *
vitrine_add_host_dialog_new (GtkWindow *parent, VitrineHosts *hosts)
{
  Dialog *self = g_new0 (Dialog, 1);

  self->hosts = g_object_ref (hosts);
  self->window = vitrine_page_window_new (parent, _("Add a Host"), new_page (self), WIDTH, HEIGHT);
  g_object_set_data_full (G_OBJECT (self->window), "vitrine-dialog", self, dialog_free);
  add_buttons (self);
  g_signal_connect_swapped (self->kind, "changed", G_CALLBACK (form_changed), self);
  g_signal_connect_swapped (self->address, "changed", G_CALLBACK (form_changed), self);
  g_signal_connect_swapped (self->user, "changed", G_CALLBACK (form_changed), self);
  g_signal_connect_swapped (self->uri, "changed", G_CALLBACK (check), self);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->kind), "system");
  form_changed (self);
  return self->window;
}
