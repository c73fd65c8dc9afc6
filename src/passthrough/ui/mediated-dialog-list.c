/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first page: devices, types, channel devices. Each row has the buttons for what can be done with it. */
#include <glib/gi18n.h>

#include "choice-rows.h"
#include "domain-hostdev.h"
#include "host-text.h"
#include "mediated-dialog-private.h"
#include "rows.h"

/* --- rows and their buttons -------------------------------------------------------------------------------------- */

static void
add_row (VitrineMediatedDialog *self, GtkWidget *group, GtkWidget *row)
{
  gtk_container_add (GTK_CONTAINER (group), row);
  g_ptr_array_add (self->rows, row);
}

/* What a row's button is for. */
typedef enum
{
  WISH_GIVE,
  WISH_TAKE_OUT,
  WISH_REMOVE,
  WISH_MAKE,
  WISH_QUEUES,
  WISH_TAKE_CHANNEL,
  WISH_GIVE_BACK_CHANNEL,
} Wish;

static const char *const wish_labels[] = {
  [WISH_GIVE] = N_("Give"),
  [WISH_TAKE_OUT] = N_("Take Out"),
  [WISH_REMOVE] = N_("Remove…"),
  [WISH_MAKE] = N_("Make One…"),
  [WISH_QUEUES] = N_("Choose Queues…"),
  [WISH_TAKE_CHANNEL] = N_("Take…"),
  [WISH_GIVE_BACK_CHANNEL] = N_("Give Back…"),
};

/* A button may go with its row while it is clicked: what it says is copied. */
static void
wish_clicked (VitrineMediatedDialog *self, GtkWidget *button)
{
  Wish wish = (Wish) GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "vitrine-wish"));
  g_autofree char *id = g_strdup (g_object_get_data (G_OBJECT (button), "vitrine-id"));
  g_autofree char *type = g_strdup (g_object_get_data (G_OBJECT (button), "vitrine-type"));

  switch (wish)
    {
    case WISH_GIVE:
      vitrine_mediated_dialog_give (self, id);
      break;
    case WISH_TAKE_OUT:
      vitrine_mediated_dialog_take (self, id);
      break;
    case WISH_REMOVE:
      vitrine_mediated_dialog_review (self, VITRINE_MEDIATED_REMOVE, id, type);
      break;
    case WISH_MAKE:
      vitrine_mediated_dialog_review (self, VITRINE_MEDIATED_CREATE, id, type);
      break;
    case WISH_QUEUES:
      vitrine_mediated_dialog_choose_queues (self);
      break;
    case WISH_TAKE_CHANNEL:
      vitrine_mediated_dialog_review (self, VITRINE_MEDIATED_TAKE_CHANNEL, id, NULL);
      break;
    case WISH_GIVE_BACK_CHANNEL:
      vitrine_mediated_dialog_review (self, VITRINE_MEDIATED_GIVE_BACK_CHANNEL, id, NULL);
      break;
    }
}

/* Its name says of what (@of), its label only what is done. @type may be NULL. */
static void
add_button (VitrineMediatedDialog *self, GtkWidget *row, Wish wish, const char *of, const char *id, const char *type)
{
  GtkWidget *button = gtk_button_new_with_label (_(wish_labels[wish]));
  g_autofree char *name = g_strdup_printf ("%s %s", _(wish_labels[wish]), of);

  g_object_set_data (G_OBJECT (button), "vitrine-wish", GUINT_TO_POINTER (wish));
  g_object_set_data_full (G_OBJECT (button), "vitrine-id", g_strdup (id), g_free);
  g_object_set_data_full (G_OBJECT (button), "vitrine-type", g_strdup (type), g_free);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  atk_object_set_name (gtk_widget_get_accessible (button), name);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (wish_clicked), self);
  gtk_widget_show (button);
  gtk_container_add (GTK_CONTAINER (row), button);
}

/* --- devices ----------------------------------------------------------------------------------------------------- */

/* "Crypto queues: cards 5; domains 4, 71", or the type's name. */
static char *
describe (VitrineMediatedDialog *self, const VitrineMdevDevice *device)
{
  const VitrineApDevice *matrix
      = vitrine_ap_matrix_find_device (vitrine_mediated_get_matrix (self->mediated), device->uuid);
  const VitrineMdevType *type
      = device->parent != NULL && device->type != NULL
            ? vitrine_mdevs_find_type (vitrine_mediated_get_mdevs (self->mediated), device->parent, device->type)
            : NULL;

  if (matrix == NULL)
    return vitrine_host_text (type != NULL && type->name != NULL ? type->name
                              : device->type != NULL             ? device->type
                                                                 : device->uuid,
                              VITRINE_HOST_TITLE_CHARS);
  g_autofree char *cards = vitrine_ap_mask_to_list (&matrix->cards),
                  *domains = vitrine_ap_mask_to_list (&matrix->domains);
  return g_strdup_printf (_("Crypto queues: cards %s; domains %s"), cards, domains);
}

static void
add_device (VitrineMediatedDialog *self, const VitrineMdevDevice *device)
{
  gboolean has
      = vitrine_domain_has_hostdev (vitrine_target_get_domain (self->target), VITRINE_HOSTDEV_MDEV, device->uuid);
  g_autofree char *title = describe (self, device),
                  *parent = vitrine_host_text (device->parent, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *state = has ? g_strdup_printf (_("“%s” has it"), vitrine_target_get_title (self->target))
                           : device->active ? g_strdup (_("made"))
                                            : g_strdup (_("defined, not made"));
  g_autofree char *subtitle = g_strdup_printf ("%s, %s, %s", device->uuid, parent != NULL ? parent : "-", state);
  GtkWidget *row = vitrine_fact_row_new (NULL, title, subtitle);

  if (has)
    add_button (self, row, WISH_TAKE_OUT, title, device->uuid, NULL);
  else
    {
      add_button (self, row, WISH_GIVE, title, device->uuid, NULL);
      add_button (self, row, WISH_REMOVE, title, device->uuid, device->type);
    }
  add_row (self, self->device_group, row);
}

static void
fill_devices (VitrineMediatedDialog *self)
{
  const VitrineMdevs *mdevs = vitrine_mediated_get_mdevs (self->mediated);

  for (guint i = 0; i < mdevs->devices->len; i++)
    add_device (self, mdevs->devices->pdata[i]);
  if (mdevs->devices->len == 0)
    add_row (self, self->device_group, vitrine_sentence_row_new (NULL, _("There is none on the host.")));
}

/* --- types and channel devices ----------------------------------------------------------------------------------- */

static void
add_type (VitrineMediatedDialog *self, const VitrineMdevType *type)
{
  g_autofree char *name = vitrine_host_text (type->name != NULL ? type->name : type->id, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *details = vitrine_host_text (type->description, VITRINE_HOST_SENTENCE_CHARS);
  g_autofree char *parent = vitrine_host_text (type->parent, VITRINE_HOST_TITLE_CHARS);
  g_autofree char *room
      = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "room for %u", "room for %u", type->available), type->available);
  g_autofree char *subtitle = details != NULL ? g_strdup_printf ("%s, %s, %s", parent, room, details)
                                              : g_strdup_printf ("%s, %s", parent, room);
  GtkWidget *row = vitrine_fact_row_new (NULL, name, subtitle);

  if (g_strcmp0 (type->api, "vfio-ap") == 0)
    add_button (self, row, WISH_QUEUES, name, type->parent, type->id);
  else if (type->available > 0)
    add_button (self, row, WISH_MAKE, name, type->parent, type->id);
  add_row (self, self->type_group, row);
}

static void
fill_types (VitrineMediatedDialog *self)
{
  const VitrineMdevs *mdevs = vitrine_mediated_get_mdevs (self->mediated);

  for (guint i = 0; i < mdevs->types->len; i++)
    add_type (self, mdevs->types->pdata[i]);
  if (mdevs->types->len == 0)
    add_row (self, self->type_group,
             vitrine_sentence_row_new (NULL,
                                       _("It offers none: no device of it has a driver that shares it with guests.")));
}

static void
add_channel (VitrineMediatedDialog *self, const VitrineCcwSubchannel *channel)
{
  const char *name = channel->device != NULL ? channel->device : channel->name;
  gboolean ours = g_strcmp0 (channel->driver, "vfio_ccw") == 0;
  g_autofree char *subtitle
      = g_strdup_printf (_("Subchannel %s, paths %s, driver %s%s%s"), channel->name, channel->chpids,
                         channel->driver != NULL ? channel->driver : "-", channel->disk != NULL ? ", " : "",
                         channel->disk != NULL ? channel->disk : "");
  GtkWidget *row = vitrine_fact_row_new (channel->needed != NULL ? "dialog-warning-symbolic" : NULL, name, subtitle);

  if (ours)
    add_button (self, row, WISH_GIVE_BACK_CHANNEL, name, channel->name, NULL);
  else
    add_button (self, row, WISH_TAKE_CHANNEL, name, channel->name, NULL);
  add_row (self, self->channel_group, row);
}

static void
fill_channels (VitrineMediatedDialog *self)
{
  const GPtrArray *channels = vitrine_mediated_get_channels (self->mediated);

  for (guint i = 0; i < channels->len; i++)
    add_channel (self, channels->pdata[i]);
  gtk_widget_set_visible (self->channel_group, channels->len > 0);
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* Only a GPU's part has a picture. */
static gboolean
has_pictures (VitrineMediatedDialog *self)
{
  const VitrineMdevs *mdevs = vitrine_mediated_get_mdevs (self->mediated);

  for (guint i = 0; i < mdevs->types->len; i++)
    if (g_strcmp0 (((const VitrineMdevType *) mdevs->types->pdata[i])->api, "vfio-pci") == 0)
      return TRUE;
  return FALSE;
}

void
vitrine_mediated_dialog_fill_list (VitrineMediatedDialog *self)
{
  gboolean live = !vitrine_target_is_local (self->target) && vitrine_target_is_running (self->target),
           pictures = has_pictures (self);

  for (guint i = 0; i < self->rows->len; i++)
    gtk_widget_destroy (self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  hdy_preferences_group_set_description (HDY_PREFERENCES_GROUP (self->device_group),
                                         vitrine_target_get_source (self->target));
  fill_devices (self);
  fill_types (self);
  fill_channels (self);
  gtk_widget_set_visible (self->display_row, pictures);
  gtk_widget_set_visible (self->live_row, live);
  gtk_widget_set_visible (self->how_group, pictures || live);
}

void
vitrine_mediated_dialog_build_list (VitrineMediatedDialog *self)
{
  self->display_row = vitrine_row_new_switch (
      _("_Boot display"), _("A GPU’s picture is a screen of the machine, from the firmware on (ramfb)"),
      &self->display);
  self->live_row = vitrine_row_new_switch (_("Also _now, in the running machine"),
                                           _("Otherwise from its next start on"), &self->live);
  gtk_switch_set_active (GTK_SWITCH (self->live), TRUE);
  gtk_container_add (GTK_CONTAINER (self->how_group), self->display_row);
  gtk_container_add (GTK_CONTAINER (self->how_group), self->live_row);
}
