/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree view, as it draws what is seen only, goes by keyboard, and tells assistive technology of every cell. */
#include "ap-grid.h"

#include <glib/gi18n.h>

#include "named-toggle.h"

#define CARD_COLUMN_WIDTH 104

struct _VitrineApGrid
{
  GtkTreeView parent_instance;

  GtkListStore          *store;
  const VitrineApMatrix *matrix;      /* borrowed; NULL */
  VitrineApSelection     selection;
};

enum
{
  COLUMN_DOMAIN,   /* guint */
  COLUMN_LABEL,
  N_COLUMNS
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineApGrid, vitrine_ap_grid, GTK_TYPE_TREE_VIEW)

/* --- a cell that can be activated -------------------------------------------------------------------------------- */

#define VITRINE_TYPE_AP_CELL (vitrine_ap_cell_get_type ())
G_DECLARE_FINAL_TYPE (VitrineApCell, vitrine_ap_cell, VITRINE, AP_CELL, GtkCellRendererText)

struct _VitrineApCell
{
  GtkCellRendererText parent_instance;
};

static guint activated_signal;

G_DEFINE_FINAL_TYPE (VitrineApCell, vitrine_ap_cell, GTK_TYPE_CELL_RENDERER_TEXT)

static gboolean
vitrine_ap_cell_activate (GtkCellRenderer *cell, GdkEvent *event, GtkWidget *widget, const char *path,
                          const GdkRectangle *background, const GdkRectangle *area, GtkCellRendererState flags)
{
  g_signal_emit (cell, activated_signal, 0, path);
  return TRUE;
}

static void
vitrine_ap_cell_class_init (VitrineApCellClass *klass)
{
  GTK_CELL_RENDERER_CLASS (klass)->activate = vitrine_ap_cell_activate;
  activated_signal = g_signal_new ("activated", VITRINE_TYPE_AP_CELL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
vitrine_ap_cell_init (VitrineApCell *self)
{
  g_object_set (self, "mode", GTK_CELL_RENDERER_MODE_ACTIVATABLE, "xalign", 0.5f, NULL);
}

/* --- what is chosen ---------------------------------------------------------------------------------------------- */

static guint
card_of (GtkTreeViewColumn *column)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (column), "vitrine-card"));
}

static guint
domain_of (GtkTreeModel *model, GtkTreeIter *iter)
{
  guint domain;

  gtk_tree_model_get (model, iter, COLUMN_DOMAIN, &domain, -1);
  return domain;
}

static char *
describe_card (const VitrineApCard *card)
{
  const char *state = card->checkstopped  ? _("broken")
                      : !card->configured ? _("not configured")
                      : !card->online     ? _("offline")
                                          : _("online");

  return g_strdup_printf ("%s, %s", vitrine_ap_mode_to_label (card->mode), state);
}

static void
update_header (VitrineApGrid *self, GtkTreeViewColumn *column)
{
  guint id = card_of (column);
  const VitrineApCard *card = vitrine_ap_matrix_find_card (self->matrix, id);
  gboolean chosen = vitrine_ap_mask_test (&self->selection.cards, id);
  GtkWidget *check = g_object_get_data (G_OBJECT (column), "vitrine-check");
  g_autofree char *words = describe_card (card);
  g_autofree char *name = g_strdup_printf (chosen ? _("Card %u, chosen") : _("Card %u, not chosen"), id);

  gtk_image_set_from_icon_name (GTK_IMAGE (check), chosen ? "checkbox-checked-symbolic" : "checkbox-symbolic",
                                GTK_ICON_SIZE_BUTTON);
  AtkObject *accessible = gtk_widget_get_accessible (gtk_tree_view_column_get_button (column));
  atk_object_set_name (accessible, name);
  atk_object_set_description (accessible, words);
  gtk_widget_set_tooltip_text (gtk_tree_view_column_get_button (column), words);
}

static gboolean
tell_if_chosen (GtkTreeModel *model, GtkTreePath *path, GtkTreeIter *iter, gpointer data)
{
  VitrineApGrid *self = data;

  if (vitrine_ap_mask_test (&self->selection.domains, domain_of (model, iter)))
    gtk_tree_model_row_changed (model, path, iter);
  return FALSE;
}

static void
card_flipped (VitrineApGrid *self, GtkTreeViewColumn *column)
{
  guint card = card_of (column);

  vitrine_ap_mask_set (&self->selection.cards, card, !vitrine_ap_mask_test (&self->selection.cards, card));
  update_header (self, column);
  gtk_tree_model_foreach (GTK_TREE_MODEL (self->store), tell_if_chosen, self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
card_clicked (GtkTreeViewColumn *column, VitrineApGrid *self)
{
  card_flipped (self, column);
}

static gboolean
row_at (VitrineApGrid *self, const char *path, GtkTreeIter *iter, guint *domain)
{
  if (!gtk_tree_model_get_iter_from_string (GTK_TREE_MODEL (self->store), iter, path))
    return FALSE;
  *domain = domain_of (GTK_TREE_MODEL (self->store), iter);
  return TRUE;
}

static void
tell_row (VitrineApGrid *self, const char *text, GtkTreeIter *iter)
{
  g_autoptr(GtkTreePath) path = gtk_tree_path_new_from_string (text);

  gtk_tree_model_row_changed (GTK_TREE_MODEL (self->store), path, iter);
  gtk_tree_view_scroll_to_cell (GTK_TREE_VIEW (self), path, NULL, FALSE, 0,
                                0); /* the change ends a scrolling under way */
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
flip (VitrineApGrid *self, VitrineApMask *mask, const char *path)
{
  GtkTreeIter iter;
  guint domain;

  if (!row_at (self, path, &iter, &domain))
    return;
  vitrine_ap_mask_set (mask, domain, !vitrine_ap_mask_test (mask, domain));
  tell_row (self, path, &iter);
}

static void
domain_toggled (VitrineApGrid *self, const char *path)
{
  flip (self, &self->selection.domains, path);
}

static void
control_toggled (VitrineApGrid *self, const char *path)
{
  flip (self, &self->selection.control, path);
}

static gboolean
is_chosen (VitrineApGrid *self, guint card, guint domain)
{
  return vitrine_ap_mask_test (&self->selection.cards, card) && vitrine_ap_mask_test (&self->selection.domains, domain);
}

static void
cell_activated (VitrineApCell *cell, const char *path, gpointer data)
{
  VitrineApGrid *self = data;
  GtkTreeViewColumn *column = g_object_get_data (G_OBJECT (cell), "vitrine-column");
  GtkTreeIter iter;
  guint domain;

  if (!row_at (self, path, &iter, &domain))
    return;
  vitrine_ap_mask_set (&self->selection.domains, domain, !is_chosen (self, card_of (column), domain));
  if (vitrine_ap_mask_test (&self->selection.cards, card_of (column)))
    tell_row (self, path, &iter);
  else
    card_flipped (self, column);
}

/* --- cells ------------------------------------------------------------------------------------------------------- */

static char *
label_of (GtkTreeModel *model, GtkTreeIter *iter)
{
  char *label;

  gtk_tree_model_get (model, iter, COLUMN_LABEL, &label, -1);
  return label;
}

static void
show_use (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model, GtkTreeIter *iter, gpointer data)
{
  VitrineApGrid *self = data;

  g_autofree char *domain = label_of (model, iter), *label = g_strdup_printf (_("Use domain %s"), domain);
  gboolean active = vitrine_ap_mask_test (&self->selection.domains, domain_of (model, iter));

  g_object_set (cell, "active", active, "label", label, NULL);
}

static void
show_control (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model, GtkTreeIter *iter, gpointer data)
{
  VitrineApGrid *self = data;

  g_autofree char *domain = label_of (model, iter), *label = g_strdup_printf (_("Control domain %s"), domain);
  gboolean active = vitrine_ap_mask_test (&self->selection.control, domain_of (model, iter));

  g_object_set (cell, "active", active, "label", label, NULL);
}

/* A chosen queue is bold with a mark, so that colour is not all there is. */
static void
show_queue (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model, GtkTreeIter *iter, gpointer data)
{
  VitrineApGrid *self = data;
  guint card = card_of (column), domain = domain_of (model, iter);
  const VitrineApQueue *queue = vitrine_ap_matrix_find_queue (self->matrix, card, domain);
  gboolean chosen = is_chosen (self, card, domain);
  const char *words = queue != NULL ? vitrine_ap_queue_to_label (queue) : "—";
  g_autofree char *marked = chosen ? g_strdup_printf ("✓ %s", words) : NULL;

  g_object_set (cell, "text", chosen ? marked : words, "weight", chosen ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL,
                "sensitive", queue != NULL && queue->usable, NULL);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static void
add_check_column (VitrineApGrid *self, const char *title, GtkTreeCellDataFunc show, GCallback toggled)
{
  GtkTreeViewColumn *column = gtk_tree_view_column_new ();
  GtkCellRenderer *cell = vitrine_named_toggle_new ();

  gtk_tree_view_column_set_title (column, title);
  gtk_tree_view_column_pack_start (column, cell, TRUE);
  gtk_tree_view_column_set_cell_data_func (column, cell, show, self, NULL);
  g_signal_connect_swapped (cell, "toggled", toggled, self);
  gtk_tree_view_append_column (GTK_TREE_VIEW (self), column);
}

static GtkWidget *
new_header (GtkTreeViewColumn *column, const VitrineApCard *card)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *check = gtk_image_new ();
  g_autofree char *words = g_strdup_printf ("%02x %s", card->id, card->type != NULL ? card->type : "");

  gtk_box_pack_start (GTK_BOX (box), check, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), gtk_label_new (g_strstrip (words)), FALSE, FALSE, 0);
  gtk_widget_show_all (box);
  g_object_set_data (G_OBJECT (column), "vitrine-check", check);
  return box;
}

static void
add_card_column (VitrineApGrid *self, const VitrineApCard *card)
{
  GtkTreeViewColumn *column = gtk_tree_view_column_new ();
  GtkCellRenderer *cell = g_object_new (VITRINE_TYPE_AP_CELL, NULL);

  g_object_set_data (G_OBJECT (column), "vitrine-card", GUINT_TO_POINTER (card->id));
  g_object_set_data (G_OBJECT (cell), "vitrine-column", column);
  gtk_tree_view_column_set_widget (column, new_header (column, card));
  gtk_tree_view_column_set_clickable (column, TRUE);
  gtk_tree_view_column_set_sizing (column, GTK_TREE_VIEW_COLUMN_FIXED);
  gtk_tree_view_column_set_fixed_width (column, CARD_COLUMN_WIDTH);
  gtk_tree_view_column_set_expand (column, TRUE);   /* where there is room */
  gtk_tree_view_column_pack_start (column, cell, TRUE);
  gtk_tree_view_column_set_cell_data_func (column, cell, show_queue, self, NULL);
  g_signal_connect (column, "clicked", G_CALLBACK (card_clicked), self);
  g_signal_connect (cell, "activated", G_CALLBACK (cell_activated), self);
  gtk_tree_view_append_column (GTK_TREE_VIEW (self), column);
  update_header (self, column);
}

static void
clear_columns (VitrineApGrid *self)
{
  g_autoptr(GList) columns = gtk_tree_view_get_columns (GTK_TREE_VIEW (self));

  for (GList *at = columns; at != NULL; at = at->next)
    gtk_tree_view_remove_column (GTK_TREE_VIEW (self), at->data);
}

static void
fill_columns (VitrineApGrid *self)
{
  GtkTreeViewColumn *column;

  column = gtk_tree_view_column_new_with_attributes (_("Domain"), gtk_cell_renderer_text_new (), "text", COLUMN_LABEL,
                                                     NULL);
  gtk_tree_view_append_column (GTK_TREE_VIEW (self), column);
  add_check_column (self, _("Use"), show_use, G_CALLBACK (domain_toggled));
  add_check_column (self, _("Control"), show_control, G_CALLBACK (control_toggled));
  for (guint i = 0; i < self->matrix->cards->len; i++)
    add_card_column (self, self->matrix->cards->pdata[i]);
}

static void
fill_rows (VitrineApGrid *self)
{
  for (guint domain = 0; (domain = vitrine_ap_mask_next (&self->matrix->domains, domain)) < VITRINE_AP_BITS; domain++)
    {
      g_autofree char *label = g_strdup_printf ("%u (0x%02x)", domain, domain);
      gtk_list_store_insert_with_values (self->store, NULL, -1, COLUMN_DOMAIN, domain, COLUMN_LABEL, label, -1);
    }
}

/* --- object ------------------------------------------------------------------------------------------------------ */

void
vitrine_ap_grid_show (VitrineApGrid *self, const VitrineApMatrix *matrix)
{
  gtk_list_store_clear (self->store);
  clear_columns (self);
  self->matrix = matrix;
  if (matrix == NULL)
    return;
  fill_columns (self);
  fill_rows (self);
}

void
vitrine_ap_grid_get_selection (VitrineApGrid *self, VitrineApSelection *selection)
{
  *selection = self->selection;
}

static void
vitrine_ap_grid_dispose (GObject *object)
{
  g_clear_object (&VITRINE_AP_GRID (object)->store);
  G_OBJECT_CLASS (vitrine_ap_grid_parent_class)->dispose (object);
}

static void
vitrine_ap_grid_class_init (VitrineApGridClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_ap_grid_dispose;
  signals[CHANGED]
      = g_signal_new ("changed", VITRINE_TYPE_AP_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_ap_grid_init (VitrineApGrid *self)
{
  self->store = gtk_list_store_new (N_COLUMNS, G_TYPE_UINT, G_TYPE_STRING);
  gtk_tree_view_set_model (GTK_TREE_VIEW (self), GTK_TREE_MODEL (self->store));
  gtk_tree_view_set_enable_search (GTK_TREE_VIEW (self), FALSE);
  gtk_tree_view_set_grid_lines (GTK_TREE_VIEW (self), GTK_TREE_VIEW_GRID_LINES_BOTH);
}

GtkWidget *
vitrine_ap_grid_new (void)
{
  GtkWidget *self = g_object_new (VITRINE_TYPE_AP_GRID, "visible", TRUE, NULL);

  atk_object_set_name (gtk_widget_get_accessible (self), _("Crypto queues"));
  return self;
}
