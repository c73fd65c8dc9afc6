/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-list-box.h"

#include <glib/gi18n.h>
#include <handy.h>

struct _VitrineHostListBox
{
  GtkListBox parent_instance;

  VitrineHosts *hosts;
  VitrineHost  *without;
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (VitrineHostListBox, vitrine_host_list_box, GTK_TYPE_LIST_BOX)

static VitrineHost *
host_of (GtkListBoxRow *row)
{
  return g_object_get_data (G_OBJECT (row), "vitrine-host");
}

VitrineHost *
vitrine_host_list_box_get (VitrineHostListBox *self)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (GTK_LIST_BOX (self));

  return row != NULL && vitrine_host_get_state (host_of (row)) == VITRINE_HOST_CONNECTED ? host_of (row) : NULL;
}

static void
update_row (GtkListBoxRow *row)
{
  VitrineHost *host = host_of (row);
  VitrineHostState state = vitrine_host_get_state (host);
  const char *reason = vitrine_host_get_reason (host);
  const char *words = state == VITRINE_HOST_CONNECTED    ? vitrine_host_get_uri (host)
                      : state == VITRINE_HOST_CONNECTING ? _("Connecting…")
                      : reason != NULL                   ? reason
                                                         : _("Not connected");
  g_autofree char *spoken = g_strdup_printf (_("%s, %s"), vitrine_host_get_name (host), words);

  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), words);
  gtk_widget_set_sensitive (GTK_WIDGET (row), state == VITRINE_HOST_CONNECTED);
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (row)), spoken);
}

static void
choose_one (VitrineHostListBox *self)
{
  GtkListBoxRow *row;

  for (int i = 0; vitrine_host_list_box_get (self) == NULL
                  && (row = gtk_list_box_get_row_at_index (GTK_LIST_BOX (self), i)) != NULL;
       i++)
    if (vitrine_host_get_state (host_of (row)) == VITRINE_HOST_CONNECTED)
      gtk_list_box_select_row (GTK_LIST_BOX (self), row);
  g_signal_emit (self, changed_signal, 0);
}

static void
host_changed (VitrineHostListBox *self, GParamSpec *pspec, VitrineHost *host)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (GTK_LIST_BOX (self), i)) != NULL; i++)
    if (host_of (row) == host)
      update_row (row);
  choose_one (self);
}

static void
add_row (VitrineHostListBox *self, VitrineHost *host)
{
  GtkWidget *row = hdy_action_row_new ();

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), vitrine_host_get_name (host));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  g_object_set_data_full (G_OBJECT (row), "vitrine-host", g_object_ref (host), g_object_unref);
  g_signal_connect_object (host, "notify", G_CALLBACK (host_changed), self, G_CONNECT_SWAPPED);
  vitrine_host_connect (host);   /* nothing where it is, or tries to be */
  update_row (GTK_LIST_BOX_ROW (row));
  gtk_widget_show (row);
  gtk_container_add (GTK_CONTAINER (self), row);
}

static void
selected (VitrineHostListBox *self)
{
  g_signal_emit (self, changed_signal, 0);
}

static void
vitrine_host_list_box_dispose (GObject *object)
{
  VitrineHostListBox *self = VITRINE_HOST_LIST_BOX (object);

  g_clear_object (&self->hosts);
  g_clear_object (&self->without);
  G_OBJECT_CLASS (vitrine_host_list_box_parent_class)->dispose (object);
}

static void
vitrine_host_list_box_class_init (VitrineHostListBoxClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_host_list_box_dispose;
  changed_signal
      = g_signal_new ("changed", VITRINE_TYPE_HOST_LIST_BOX, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_host_list_box_init (VitrineHostListBox *self)
{
  gtk_style_context_add_class (gtk_widget_get_style_context (GTK_WIDGET (self)), "content");
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self)), _("Hosts"));
  g_signal_connect (self, "selected-rows-changed", G_CALLBACK (selected), NULL);
}

GtkWidget *
vitrine_host_list_box_new (VitrineHosts *hosts, VitrineHost *without)
{
  VitrineHostListBox *self = g_object_new (VITRINE_TYPE_HOST_LIST_BOX, NULL);

  self->hosts = g_object_ref (hosts);
  self->without = without != NULL ? g_object_ref (without) : NULL;
  for (guint i = 0; i < vitrine_hosts_get_size (hosts); i++)
    if (vitrine_hosts_get (hosts, i) != without)
      add_row (self, vitrine_hosts_get (hosts, i));
  choose_one (self);
  return GTK_WIDGET (self);
}
