/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "move-form.h"

#include <glib/gi18n.h>

#include "host-text.h"
#include "rows.h"

#define MOST_MIB 100000
#define MOST_MS 60000
#define USER_NETWORKING ""   /* id: no network of the host */

struct _VitrineMoveForm
{
  GtkListBox parent_instance;

  VitrineMove *move;
  GtkWidget   *pool, *pool_row, *network, *start;                               /* NULL: this kind has none */
  GtkWidget   *copy, *trust, *bandwidth, *downtime, *auto_converge, *post_copy, *way;
};

G_DEFINE_FINAL_TYPE (VitrineMoveForm, vitrine_move_form, GTK_TYPE_LIST_BOX)

static void
add (VitrineMoveForm *self, GtkWidget *row)
{
  gtk_container_add (GTK_CONTAINER (self), row);
}

static GtkWidget *
new_empty_combo (const char *title, GtkWidget **combo)
{
  static const char *const none[] = { NULL };

  return vitrine_row_new_combo (title, none, none, combo);
}

static void
add_switch (VitrineMoveForm *self, const char *title, const char *subtitle, gboolean on, GtkWidget **button)
{
  GtkWidget *row = vitrine_row_new_switch (title, subtitle, button);

  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (row), 0);   /* what may be lost is not cut off */
  add (self, row);
  gtk_switch_set_active (GTK_SWITCH (*button), on);
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

static void
fill_to_host (VitrineMoveForm *self)
{
  add (self, new_empty_combo (_("Storage _pool"), &self->pool));
  add (self, new_empty_combo (_("_Network"), &self->network));
  add_switch (self, _("_Start it there"),
              _("When all of it has arrived. The copy on this computer is kept until you remove it."), TRUE,
              &self->start);
}

static void
fill_to_here (VitrineMoveForm *self)
{
  add_switch (self, _("_Start it here"), _("When all of it has arrived. The host keeps its own."), FALSE, &self->start);
}

static void
copy_changed (VitrineMoveForm *self)
{
  gboolean copied = gtk_switch_get_active (GTK_SWITCH (self->copy));

  gtk_widget_set_sensitive (self->pool_row, copied);
  gtk_widget_set_sensitive (gtk_widget_get_ancestor (self->trust, GTK_TYPE_LIST_BOX_ROW), !copied);
}

static void
fill_live (VitrineMoveForm *self)
{
  static const char *const ids[] = { "0", "1", "2", NULL };
  static const char *const ways[]
      = { N_("Direct: this computer talks to both hosts"), N_("Peer to peer: the hosts talk to each other"),
          N_("Tunnelled: inside of the hosts’ own connection"), NULL };

  add_switch (self, _("_Copy the disks"), _("Not needed when both hosts have the same storage in a pool."), FALSE,
              &self->copy);
  self->pool_row = new_empty_combo (_("Storage _pool for the copies"), &self->pool);
  add (self, self->pool_row);
  add_switch (self, _("_Trust that storage is shared"),
              _("When libvirt cannot tell, and you know that both hosts have the same disks. Otherwise they would be "
                "damaged."),
              FALSE, &self->trust);
  add (self, vitrine_row_new_spin (_("_Bandwidth in MiB each second"), _("0: whatever there is."), 0, MOST_MIB, 10,
                                   &self->bandwidth));
  add (self, vitrine_row_new_spin (_("Longest _downtime in milliseconds"),
                                   _("For how long the guest may stand still at the end. 0: the host decides."), 0,
                                   MOST_MS, 50, &self->downtime));
  add_switch (self, _("_Slow the guest down if need be"),
              _("Auto-converge: when it changes memory faster than it can be sent."), TRUE, &self->auto_converge);
  add_switch (
      self, _("Fi_nish at the target if nothing else helps"),
      _("Post-copy: it runs there before all memory has come. Should the connection break then, the guest is lost."),
      FALSE, &self->post_copy);
  add (self, vitrine_row_new_combo (_("_Way"), ids, ways, &self->way));
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->way), "0");
  g_signal_connect_swapped (self->copy, "notify::active", G_CALLBACK (copy_changed), self);
  copy_changed (self);
}

static void
fill (VitrineMoveForm *self)
{
  GtkWidget *label;

  switch (vitrine_move_get_kind (self->move))
    {
    case VITRINE_MOVE_KIND_TO_HOST:
      fill_to_host (self);
      break;
    case VITRINE_MOVE_KIND_TO_HERE:
      fill_to_here (self);
      break;
    case VITRINE_MOVE_KIND_BETWEEN:
      if (!vitrine_move_get_options (self->move)->offline)
        {
          fill_live (self);
          break;
        }
      add (self, vitrine_row_new_text (_("The machine is off: only its definition goes."), &label));
      break;
    }
}

/* --- the target's ------------------------------------------------------------------------------------------------- */

static void
append (GtkWidget *combo, const char *raw, gboolean active)
{
  g_autofree char *name = vitrine_host_text (raw, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *label = active ? g_strdup (name) : g_strdup_printf (_("%s (not active)"), name);

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), raw, label);
}

static void
choose (GtkWidget *combo, const char *id)
{
  if (id == NULL || !gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), id))
    gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
}

static void
show_pools (VitrineMoveForm *self, const VitrineHostResources *resources)
{
  g_autofree char *chosen = g_strdup (gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->pool)));

  gtk_combo_box_text_remove_all (GTK_COMBO_BOX_TEXT (self->pool));
  for (guint i = 0; i < resources->pools->len; i++)
    append (self->pool, ((VitrineHostPool *) resources->pools->pdata[i])->name,
            ((VitrineHostPool *) resources->pools->pdata[i])->active);
  choose (self->pool, chosen != NULL ? chosen : vitrine_move_get_options (self->move)->pool);
}

static void
show_networks (VitrineMoveForm *self, const VitrineHostResources *resources)
{
  g_autofree char *chosen = g_strdup (gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->network)));

  gtk_combo_box_text_remove_all (GTK_COMBO_BOX_TEXT (self->network));
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->network), USER_NETWORKING, _("Its own (user networking)"));
  for (guint i = 0; i < resources->networks->len; i++)
    append (self->network, ((VitrineHostNetwork *) resources->networks->pdata[i])->name,
            ((VitrineHostNetwork *) resources->networks->pdata[i])->active);
  choose (self->network, chosen);
}

void
vitrine_move_form_update (VitrineMoveForm *self)
{
  const VitrineHostResources *resources = vitrine_move_get_resources (self->move);

  if (resources == NULL)
    return;
  if (self->pool != NULL)
    show_pools (self, resources);
  if (self->network != NULL)
    show_networks (self, resources);
}

/* --- taken -------------------------------------------------------------------------------------------------------- */

static void
take_text (GtkWidget *combo, char **out)
{
  const char *id = gtk_combo_box_get_active_id (GTK_COMBO_BOX (combo));

  if (id == NULL)
    return;
  g_free (*out);
  *out = *id != '\0' ? g_strdup (id) : NULL;
}

static gboolean
is_on (GtkWidget *button)
{
  return gtk_switch_get_active (GTK_SWITCH (button));
}

void
vitrine_move_form_take (VitrineMoveForm *self)
{
  VitrineMoveOptions *options = vitrine_move_get_options (self->move);

  if (self->pool != NULL)
    take_text (self->pool, &options->pool);
  if (self->network != NULL)
    take_text (self->network, &options->network);
  if (self->start != NULL)
    options->start = is_on (self->start);
  if (self->copy == NULL)
    return;
  options->copy_storage = is_on (self->copy);
  options->trust_storage = !options->copy_storage && is_on (self->trust);
  options->bandwidth_mib = (guint64) gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->bandwidth));
  options->downtime_ms = (guint64) gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->downtime));
  options->auto_converge = is_on (self->auto_converge);
  options->post_copy = is_on (self->post_copy);
  options->way
      = (VitrineMigrateWay)g_ascii_strtoull (gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->way)), NULL, 10);
}

/* --- object ------------------------------------------------------------------------------------------------------- */

static void
vitrine_move_form_dispose (GObject *object)
{
  g_clear_object (&VITRINE_MOVE_FORM (object)->move);
  G_OBJECT_CLASS (vitrine_move_form_parent_class)->dispose (object);
}

static void
vitrine_move_form_class_init (VitrineMoveFormClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_move_form_dispose;
}

static void
vitrine_move_form_init (VitrineMoveForm *self)
{
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (GTK_WIDGET (self)), "content");
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self)), _("Options"));
}

GtkWidget *
vitrine_move_form_new (VitrineMove *move)
{
  VitrineMoveForm *self = g_object_new (VITRINE_TYPE_MOVE_FORM, NULL);

  self->move = g_object_ref (move);
  fill (self);
  return GTK_WIDGET (self);
}
