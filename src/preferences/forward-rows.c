/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forward-rows.h"

#include <glib/gi18n.h>

#include "forwards.h"

#define MARGIN  12
#define SPACING 9
#define LOWEST_FREE 1024u
#define COLUMNS 4

typedef struct
{
  VitrineDomain *domain;
  guint          card;
  GtkWidget     *table, *problem;
  GtkSizeGroup  *columns[COLUMNS];
  GPtrArray     *lines;      /* Line* */
} Rows;

typedef struct
{
  Rows      *rows;
  GtkWidget *box, *protocol, *address, *near, *far;
} Line;

static void
rows_free (gpointer data)
{
  Rows *self = data;

  g_object_unref (self->domain);
  g_ptr_array_unref (self->lines);
  for (guint i = 0; i < COLUMNS; i++)
    g_object_unref (self->columns[i]);
  g_free (self);
}

/* --- What is typed -------------------------------------------------------------------------------------------------- */

static char *
text_of (GtkWidget *entry)
{
  return g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (entry))));
}

/* NULL: nothing has been typed there yet. */
static VitrineForward *
forward_of (const Line *line)
{
  g_autofree char *address = text_of (line->address), *near = text_of (line->near), *far = text_of (line->far);
  guint first = 0, last = 0;

  if (*near == '\0' && *far == '\0')
    return NULL;
  vitrine_forward_parse_ports (near, &first, &last);
  return vitrine_forward_new (gtk_combo_box_get_active (GTK_COMBO_BOX (line->protocol)) == 1, address, first, last,
                              vitrine_forward_parse_port (far));
}

static void
mark (GtkWidget *entry, gboolean wrong)
{
  GtkStyleContext *style = gtk_widget_get_style_context (entry);

  if (wrong)
    gtk_style_context_add_class (style, GTK_STYLE_CLASS_ERROR);
  else
    gtk_style_context_remove_class (style, GTK_STYLE_CLASS_ERROR);
  atk_object_notify_state_change (gtk_widget_get_accessible (entry), ATK_STATE_INVALID_ENTRY, wrong);
}

/* Something that is still to be typed is no mistake. */
static void
mark_line (const Line *line, const VitrineForward *forward, gboolean clashes)
{
  g_autofree char *near = text_of (line->near), *far = text_of (line->far);
  VitrineForward elsewhere = { .first = 1, .last = 1, .to = 1 };

  elsewhere.address = forward != NULL ? forward->address : NULL;
  mark (line->near, *near != '\0' && (forward->first == 0 || forward->last == 0 || clashes));
  mark (line->far, *far != '\0' && forward->to == 0);
  mark (line->address, forward != NULL && !vitrine_forward_check (&elsewhere, NULL));
}

static gboolean
meets_another (const VitrineForward *forward, GPtrArray *before)
{
  for (guint i = 0; i < before->len; i++)
    if (vitrine_forward_meets (forward, before->pdata[i]))
      return TRUE;
  return FALSE;
}

static gboolean
is_unfinished (const Line *line)
{
  g_autofree char *near = text_of (line->near), *far = text_of (line->far);

  return *near == '\0' || *far == '\0';
}

/* All lines; the sentence is about the first one that is wrong. */
static GPtrArray *
read_lines (Rows *self, char **sentence)
{
  GPtrArray *forwards = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_forward_free);

  for (guint i = 0; i < self->lines->len; i++)
    {
      const Line *line = self->lines->pdata[i];
      VitrineForward *forward = forward_of (line);
      gboolean clashes = forward != NULL && forward->first != 0 && meets_another (forward, forwards);
      g_autoptr(GError) error = NULL;
      mark_line (line, forward, clashes);
      if (forward == NULL)
        continue;
      if (*sentence == NULL && clashes)
        *sentence = g_strdup (_("This port of this computer is forwarded already."));
      else if (*sentence == NULL && !is_unfinished (line) && !vitrine_forward_check (forward, &error))
        *sentence = g_strdup (error->message);
      g_ptr_array_add (forwards, forward);
    }
  return forwards;
}

/* It may be allowed here. */
static const char *
warn_of (GPtrArray *forwards)
{
  for (guint i = 0; i < forwards->len; i++)
    {
      const VitrineForward *forward = forwards->pdata[i];
      if (forward->first != 0 && forward->first < LOWEST_FREE)
        return _("Ports below 1024 are kept for the administrator of this computer as a rule.");
    }
  return NULL;
}

static void
show_problem (Rows *self, const char *sentence, gboolean wrong)
{
  GtkStyleContext *style = gtk_widget_get_style_context (self->problem);

  gtk_style_context_remove_class (style, GTK_STYLE_CLASS_ERROR);
  gtk_style_context_remove_class (style, GTK_STYLE_CLASS_WARNING);
  gtk_style_context_add_class (style, wrong ? GTK_STYLE_CLASS_ERROR : GTK_STYLE_CLASS_WARNING);
  gtk_label_set_label (GTK_LABEL (self->problem), sentence != NULL ? sentence : "");
  gtk_widget_set_visible (self->problem, sentence != NULL);
}

static void
changed (Rows *self)
{
  g_autofree char *sentence = NULL;
  g_autoptr(GPtrArray) forwards = read_lines (self, &sentence);

  show_problem (self, sentence != NULL ? sentence : warn_of (forwards), sentence != NULL);
  vitrine_domain_set_forwards (self->domain, self->card, forwards);
}

/* --- Lines ---------------------------------------------------------------------------------------------------------- */

static void
show_table (Rows *self)
{
  gtk_widget_set_visible (self->table, self->lines->len > 0);
}

static void
remove_line (Line *line)
{
  Rows *self = line->rows;
  guint i;

  gtk_widget_destroy (line->box);
  if (g_ptr_array_find (self->lines, line, &i))
    g_ptr_array_remove_index (self->lines, i);
  show_table (self);
  changed (self);
  if (self->lines->len > 0)
    gtk_widget_grab_focus (((Line *) self->lines->pdata[MIN (i, self->lines->len - 1)])->near);
}

static void
add_to_column (Rows *self, GtkWidget *box, guint column, GtkWidget *widget)
{
  gtk_size_group_add_widget (self->columns[column], widget);
  gtk_container_add (GTK_CONTAINER (box), widget);
}

static GtkWidget *
add_entry (Line *line, guint column, int width, const char *name, const char *text)
{
  GtkWidget *entry = gtk_entry_new ();

  gtk_entry_set_width_chars (GTK_ENTRY (entry), width);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_text (GTK_ENTRY (entry), text);
  atk_object_set_name (gtk_widget_get_accessible (entry), name);
  add_to_column (line->rows, line->box, column, entry);
  g_signal_connect_swapped (entry, "changed", G_CALLBACK (changed), line->rows);
  return entry;
}

static GtkWidget *
add_protocol (Line *line, gboolean udp)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo), "TCP");
  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo), "UDP");
  gtk_combo_box_set_active (GTK_COMBO_BOX (combo), udp ? 1 : 0);
  atk_object_set_name (gtk_widget_get_accessible (combo), _("Protocol"));
  add_to_column (line->rows, line->box, 0, combo);
  g_signal_connect_swapped (combo, "changed", G_CALLBACK (changed), line->rows);
  return combo;
}

static void
add_remove_button (Line *line)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("list-remove-symbolic", GTK_ICON_SIZE_BUTTON);

  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  gtk_widget_set_tooltip_text (button, _("Stop forwarding this port"));
  atk_object_set_name (gtk_widget_get_accessible (button), _("Stop forwarding this port"));
  gtk_box_pack_end (GTK_BOX (line->box), button, FALSE, FALSE, 0);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_line), line);
}

static char *
port_text (guint first, guint last)
{
  if (first == 0)
    return g_strdup ("");
  return last > first ? g_strdup_printf ("%u-%u", first, last) : g_strdup_printf ("%u", first);
}

static Line *
add_line (Rows *self, const VitrineForward *forward)
{
  Line *line = g_new (Line, 1);
  g_autofree char *near = port_text (forward->first, forward->last), *far = port_text (forward->to, forward->to);
  gboolean usual = g_str_equal (forward->address, VITRINE_FORWARD_ADDRESS);

  line->rows = self;
  line->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACING);
  line->protocol = add_protocol (line, forward->udp);
  line->address = add_entry (line, 1, 13, _("Address of this computer"), usual ? "" : forward->address);
  line->near = add_entry (line, 2, 9, _("Port of this computer"), near);
  line->far = add_entry (line, 3, 9, _("Port in the machine"), far);
  add_remove_button (line);
  gtk_entry_set_placeholder_text (GTK_ENTRY (line->address), VITRINE_FORWARD_ADDRESS);
  gtk_widget_set_tooltip_text (line->address, _("127.0.0.1: only programs of this computer can connect. 0.0.0.0: others on its network can, too."));
  g_ptr_array_add (self->lines, line);
  gtk_container_add (GTK_CONTAINER (self->table), line->box);
  gtk_widget_show_all (line->box);
  show_table (self);
  return line;
}

static gboolean
focus (gpointer entry)
{
  gtk_widget_grab_focus (entry);
  return G_SOURCE_REMOVE;
}

static void
placed (GtkWidget *entry, GdkRectangle *place, gpointer unused)
{
  g_signal_handlers_disconnect_by_func (entry, placed, unused);
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, focus, g_object_ref (entry), g_object_unref);
}

/* The page scrolls to what gets the focus, once that and the page around it have their places. */
static void
add_clicked (Rows *self)
{
  g_autoptr(VitrineForward) blank = vitrine_forward_new (FALSE, NULL, 0, 0, 0);
  const Line *line = add_line (self, blank);

  g_signal_connect_after (line->near, "size-allocate", G_CALLBACK (placed), NULL);
}

/* --- The row -------------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_table (Rows *self)
{
  const char *const headings[COLUMNS] = { _("Protocol"), _("Address here"), _("Port here"), _("Port in the machine") };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACING);

  self->table = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING);
  for (guint i = 0; i < COLUMNS; i++)
    {
      GtkWidget *label = gtk_label_new (headings[i]);
      self->columns[i] = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_style_context_add_class (gtk_widget_get_style_context (label), GTK_STYLE_CLASS_DIM_LABEL);
      add_to_column (self, box, i, label);
    }
  gtk_container_add (GTK_CONTAINER (self->table), box);
  gtk_widget_show_all (box);
  gtk_widget_set_no_show_all (self->table, TRUE);
  return self->table;
}

static GtkWidget *
new_title (Rows *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9), *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = gtk_label_new (_("Forwarded ports")), *subtitle = gtk_label_new (_("Programs on this computer reach the machine there."));
  GtkWidget *button = gtk_button_new_with_mnemonic (_("_Forward a Port"));

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_xalign (GTK_LABEL (subtitle), 0);
  gtk_label_set_line_wrap (GTK_LABEL (subtitle), TRUE);
  gtk_style_context_add_class (gtk_widget_get_style_context (subtitle), GTK_STYLE_CLASS_DIM_LABEL);
  gtk_style_context_add_class (gtk_widget_get_style_context (subtitle), "subtitle");
  gtk_container_add (GTK_CONTAINER (words), title);
  gtk_container_add (GTK_CONTAINER (words), subtitle);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_box_pack_start (GTK_BOX (box), words, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), button, FALSE, FALSE, 0);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (add_clicked), self);
  return box;
}

static GtkWidget *
new_problem (Rows *self)
{
  self->problem = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->problem), 0);
  gtk_label_set_line_wrap (GTK_LABEL (self->problem), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (self->problem), 50);
  gtk_widget_set_no_show_all (self->problem, TRUE);
  return self->problem;
}

GtkWidget *
vitrine_forward_rows_new (VitrineDomain *domain, guint card)
{
  Rows *self = g_new0 (Rows, 1);
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  g_autoptr(GPtrArray) forwards = vitrine_domain_get_forwards (domain, card);

  self->domain = g_object_ref (domain);
  self->card = card;
  self->lines = g_ptr_array_new_with_free_func (g_free);
  g_object_set_data_full (G_OBJECT (row), "vitrine-forwards", self, rows_free);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_can_focus (row, FALSE);
  atk_object_set_name (gtk_widget_get_accessible (row), _("Forwarded ports"));
  g_object_set (box, "margin", MARGIN, NULL);
  gtk_container_add (GTK_CONTAINER (row), box);
  gtk_container_add (GTK_CONTAINER (box), new_title (self));
  gtk_container_add (GTK_CONTAINER (box), new_problem (self));      /* above the lines: seen while the last one is typed */
  gtk_container_add (GTK_CONTAINER (box), new_table (self));
  for (guint i = 0; i < forwards->len && i < VT_FORWARDS_MAX; i++)
    add_line (self, forwards->pdata[i]);
  gtk_widget_show_all (row);
  show_table (self);
  return row;
}
