/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "performance-page.h"

#include <glib/gi18n.h>
#include <handy.h>
#include <math.h>

#include "graph.h"

#define COLUMN_WIDTH 220
#define MIB          (1024.0 * 1024.0)

/* In the order of the page; those of translators come last, so that the others leave no holes. */
typedef enum
{
  SPEED,
  PROCESSORS,
  MEMORY,
  TLB_FILLS,
  EXCEPTIONS,
  INTERRUPTS,
  IO_ACCESSES,
  TRANSLATED,
  EXITS,
  N_FIGURES,
} Figure;

typedef struct
{
  GtkWidget *tile, *graph, *value;
} Tile;

typedef struct
{
  VitrineBackend   *backend;
  GtkWidget        *page, *window;    /* window: while mapped */
  GtkWidget        *accelerator;
  Tile              tiles[N_FIGURES];
  GtkWidget        *causes[VITRINE_N_EXITS];
  GtkWidget        *note;
  VitrineStatistics last;
  gboolean          known;            /* `last` is of a second ago */
  guint             source;           /* samples; 0 while nobody looks */
  gulong            state_handler;
} Page;

/* --- words ---------------------------------------------------------------------------------------------------------- */

static char *
say_speed (double mips)
{
  /* Translators: million instructions per second */
  return g_strdup_printf (_("%'.0f MIPS"), mips);
}

static char *
say_share (double share)
{
  return g_strdup_printf (_("%.1f %%"), 100 * share);
}

static char *
say_processors (double processors)
{
  return g_strdup_printf (_("%.0f %%"), 100 * processors);
}

static char *
say_memory (double mib)
{
  return g_strdup_printf (_("%'.0f MiB"), mib);
}

static char *
say_rate (double rate)
{
  return g_strdup_printf (_("%'.0f/s"), rate);
}

static const struct
{
  const char *title;
  char     *(*say) (double value);
  char     *(*say_top) (double value);   /* NULL: the same */
  double      ceiling;
  gboolean    translator;   /* means something only then */
  gboolean    outside;      /* also known of machines that other programs run */
} figures[N_FIGURES] = {
  [SPEED] = { N_("Guest Instructions"), say_speed },
  [PROCESSORS] = { N_("Host Processors"), say_processors, .outside = TRUE },
  [MEMORY] = { N_("Host Memory"), say_memory, .outside = TRUE },
  [TLB_FILLS] = { N_("TLB Fills"), say_rate },
  [EXCEPTIONS] = { N_("Exceptions"), say_rate },
  [INTERRUPTS] = { N_("Interrupts"), say_rate },
  [IO_ACCESSES] = { N_("Device Accesses"), say_rate },
  [TRANSLATED] = { N_("In Translated Code"), say_share, say_processors, .ceiling = 1, .translator = TRUE },
  [EXITS] = { N_("Exits from Translated Code"), say_rate, .translator = TRUE },
};

/* --- samples -------------------------------------------------------------------------------------------------------- */

static void
show (Page *page, Figure figure, gint64 time, const double *values, double value)
{
  Tile *tile = &page->tiles[figure];
  g_autofree char *words = isnan (value) ? g_strdup (_("unknown")) : figures[figure].say (value);

  gtk_label_set_label (GTK_LABEL (tile->value), words);
  vitrine_graph_add (VITRINE_GRAPH (tile->graph), time, values, words);
}

static void
show_one (Page *page, Figure figure, gint64 time, double value)
{
  show (page, figure, time, &value, value);
}

static void
show_rates (Page *page, const VitrineRates *rates, gint64 time)
{
  show_one (page, SPEED, time, rates->mips);
  show_one (page, TRANSLATED, time, rates->translated);
  show_one (page, PROCESSORS, time, rates->processors);
  show_one (page, TLB_FILLS, time, rates->tlb_fills);
  show_one (page, EXCEPTIONS, time, rates->exceptions);
  show_one (page, INTERRUPTS, time, rates->interrupts);
  show_one (page, IO_ACCESSES, time, rates->io_accesses);
  show (page, EXITS, time, rates->exits, rates->all_exits);
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    {
      g_autofree char *words = say_rate (rates->exits[i]);
      gtk_label_set_label (GTK_LABEL (page->causes[i]), words);
    }
}

static gboolean
is_known (const Page *page, Figure figure)
{
  return figures[figure].outside || (vitrine_backend_get_abilities (page->backend) & VITRINE_BACKEND_LOOKS_INSIDE) != 0;
}

static void
show_kind (Page *page, const VitrineStatistics *now)
{
  const char *accelerator = vitrine_backend_get_accelerator (page->backend);

  gtk_label_set_label (GTK_LABEL (page->accelerator), accelerator != NULL ? accelerator : "");
  for (guint i = 0; i < N_FIGURES; i++)
    gtk_widget_set_visible (page->tiles[i].tile, is_known (page, i) && (now->translates || !figures[i].translator));
  gtk_label_set_label (GTK_LABEL (page->note),
                       !is_known (page, SPEED)                 ? ""
                       : now->counted == VITRINE_COUNTED_NEVER ? _("This accelerator cannot count instructions.")
                       : now->translates ? _("Instructions are counted while this page is open; that costs a little speed.")
                                         : "");
  gtk_widget_set_visible (page->note, *gtk_label_get_label (GTK_LABEL (page->note)) != '\0');
}

static gboolean
take_sample (gpointer data)
{
  Page *page = data;
  VitrineStatistics now;
  VitrineRates rates;
  gint64 time = g_get_monotonic_time ();

  vitrine_backend_get_statistics (page->backend, &now);
  show_kind (page, &now);
  show_one (page, MEMORY, time, (double) now.rss_bytes / MIB);
  if (page->known && vitrine_statistics_rates (&page->last, &now, &rates))
    show_rates (page, &rates, time);
  page->last = now;
  page->known = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
begin (Page *page)
{
  if (page->source != 0)
    return;
  vitrine_backend_count_instructions (page->backend, TRUE);
  page->known = FALSE;
  take_sample (page);
  page->source = g_timeout_add_seconds (1, take_sample, page);
}

static void
end (Page *page)
{
  if (page->source == 0)
    return;
  g_clear_handle_id (&page->source, g_source_remove);
  vitrine_backend_count_instructions (page->backend, FALSE);
}

/* --- who looks ------------------------------------------------------------------------------------------------------ */

static void
look (Page *page)
{
  GdkWindow *window = gtk_widget_get_window (page->window);
  GdkWindowState state = window != NULL ? gdk_window_get_state (window) : GDK_WINDOW_STATE_WITHDRAWN;

  if (state & (GDK_WINDOW_STATE_ICONIFIED | GDK_WINDOW_STATE_WITHDRAWN))
    end (page);
  else
    begin (page);
}

static gboolean
window_state_changed (Page *page)
{
  look (page);
  return GDK_EVENT_PROPAGATE;
}

static void
mapped (Page *page)
{
  page->window = gtk_widget_get_toplevel (page->page);
  page->state_handler = g_signal_connect_data (page->window, "window-state-event", G_CALLBACK (window_state_changed), page, NULL,
                                               G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  look (page);
}

static void
unmapped (Page *page)
{
  end (page);
  if (page->window != NULL)
    g_signal_handler_disconnect (page->window, page->state_handler);
  page->window = NULL;
}

static void
page_free (Page *page)
{
  end (page);
  g_object_unref (page->backend);
  g_free (page);
}

/* --- widgets -------------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_label (const char *text, float align)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), align);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  return label;
}

static void
add_class (GtkWidget *widget, const char *name)
{
  gtk_style_context_add_class (gtk_widget_get_style_context (widget), name);
}

static void
relate (GtkWidget *value, GtkWidget *title)
{
  atk_object_add_relationship (gtk_widget_get_accessible (value), ATK_RELATION_LABELLED_BY, gtk_widget_get_accessible (title));
}

static GtkWidget *
new_value (GtkWidget *title)
{
  GtkWidget *value = gtk_label_new ("…");

  gtk_label_set_xalign (GTK_LABEL (value), 1);
  add_class (value, "numeric");
  relate (value, title);
  return value;
}

/* Title and value above a graph. */
static void
fill_tile (Tile *tile, Figure figure, guint n_series)
{
  GtkWidget *heading = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *title = new_label (_(figures[figure].title), 0);

  tile->tile = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  tile->value = new_value (title);
  tile->graph = vitrine_graph_new (_(figures[figure].title), n_series, figures[figure].ceiling);
  vitrine_graph_set_format (VITRINE_GRAPH (tile->graph),
                            figures[figure].say_top != NULL ? figures[figure].say_top : figures[figure].say);
  gtk_widget_set_size_request (tile->tile, COLUMN_WIDTH, -1);
  add_class (title, "heading");
  gtk_box_pack_start (GTK_BOX (heading), title, TRUE, TRUE, 0);
  gtk_box_pack_end (GTK_BOX (heading), tile->value, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (tile->tile), heading, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (tile->tile), tile->graph, FALSE, FALSE, 0);
  gtk_widget_show_all (tile->tile);
  gtk_widget_set_no_show_all (tile->tile, TRUE);
}

static GtkWidget *
new_legend (Page *page)
{
  GtkWidget *legend = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (legend), 3);
  gtk_grid_set_column_spacing (GTK_GRID (legend), 9);
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    {
      int left = i % 2 != 0 ? 3 : 0, top = (int) i / 2;
      GtkWidget *name = new_label (vitrine_exit_to_label (i), 0);
      page->causes[i] = new_value (name);
      gtk_widget_set_hexpand (name, TRUE);
      gtk_widget_set_margin_end (page->causes[i], left == 0 ? 18 : 0);
      gtk_grid_attach (GTK_GRID (legend), vitrine_graph_swatch_new (i), left, top, 1, 1);
      gtk_grid_attach (GTK_GRID (legend), name, left + 1, top, 1, 1);
      gtk_grid_attach (GTK_GRID (legend), page->causes[i], left + 2, top, 1, 1);
    }
  gtk_widget_show_all (legend);
  return legend;
}

static GtkWidget *
new_accelerator (Page *page)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = new_label (_("Accelerator"), 0);

  page->accelerator = new_label (NULL, 0);
  relate (page->accelerator, title);
  add_class (title, "heading");
  gtk_container_add (GTK_CONTAINER (box), title);
  gtk_container_add (GTK_CONTAINER (box), page->accelerator);
  return box;
}

static GtkWidget *
new_contents (Page *page)
{
  GtkWidget *contents = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 18);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 18);
  gtk_grid_set_column_homogeneous (GTK_GRID (grid), TRUE);
  for (guint i = 0; i < N_FIGURES; i++)
    {
      fill_tile (&page->tiles[i], i, i == EXITS ? VITRINE_N_EXITS : 1);
    }
  for (guint known = 0, at = 0; known < 2; known++)   /* those that stay hidden come last, as they would leave holes */
    for (guint i = 0; i < N_FIGURES; i++)
      if (i != EXITS && is_known (page, i) != (gboolean) known)
        {
          gtk_grid_attach (GTK_GRID (grid), page->tiles[i].tile, (int) at % 2, (int) at / 2, 1, 1);
          at++;
        }
  gtk_grid_attach (GTK_GRID (grid), page->tiles[EXITS].tile, 0, EXITS, 2, 1);
  gtk_container_add (GTK_CONTAINER (page->tiles[EXITS].tile), new_legend (page));
  page->note = new_label (NULL, 0);
  add_class (page->note, GTK_STYLE_CLASS_DIM_LABEL);
  gtk_container_add (GTK_CONTAINER (contents), new_accelerator (page));
  gtk_container_add (GTK_CONTAINER (contents), grid);
  gtk_container_add (GTK_CONTAINER (contents), page->note);
  g_object_set (contents, "margin", 18, NULL);
  return contents;
}

GtkWidget *
vitrine_performance_page_add_to (GtkStack *stack, VitrineBackend *backend)
{
  Page *page = g_new0 (Page, 1);
  GtkWidget *clamp = hdy_clamp_new ();

  page->page = gtk_scrolled_window_new (NULL, NULL);
  page->backend = g_object_ref (backend);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (page->page), GTK_POLICY_AUTOMATIC, GTK_POLICY_AUTOMATIC);
  hdy_clamp_set_maximum_size (HDY_CLAMP (clamp), 900);
  hdy_clamp_set_tightening_threshold (HDY_CLAMP (clamp), 800);
  gtk_container_add (GTK_CONTAINER (clamp), new_contents (page));
  gtk_container_add (GTK_CONTAINER (page->page), clamp);
  g_signal_connect_swapped (page->page, "map", G_CALLBACK (mapped), page);
  g_signal_connect_swapped (page->page, "unmap", G_CALLBACK (unmapped), page);
  g_object_set_data_full (G_OBJECT (page->page), "vitrine-page", page, (GDestroyNotify) page_free);
  gtk_widget_show_all (page->page);
  gtk_stack_add_titled (stack, page->page, "performance", _("Performance"));
  gtk_container_child_set (GTK_CONTAINER (stack), page->page, "icon-name", "power-profile-performance-symbolic", NULL);
  return page->page;
}
