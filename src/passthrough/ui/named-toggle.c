/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One renderer draws all rows. A tree view sets it up for a row before the row's accessible takes what it keeps of it. */
#include "named-toggle.h"

#include <gtk/gtk-a11y.h>

struct _VitrineNamedToggle
{
  GtkCellRendererToggle parent_instance;

  char *label;
};

enum
{
  PROP_0,
  PROP_LABEL,
};

G_DEFINE_FINAL_TYPE (VitrineNamedToggle, vitrine_named_toggle, GTK_TYPE_CELL_RENDERER_TOGGLE)

/* --- of one row -------------------------------------------------------------------------------------------------- */

typedef struct
{
  GtkBooleanCellAccessible parent_instance;
} VitrineNamedToggleAccessible;

typedef struct
{
  GtkBooleanCellAccessibleClass parent_class;
} VitrineNamedToggleAccessibleClass;

static GType vitrine_named_toggle_accessible_get_type (void);

G_DEFINE_TYPE (VitrineNamedToggleAccessible, vitrine_named_toggle_accessible, GTK_TYPE_BOOLEAN_CELL_ACCESSIBLE)

static void
vitrine_named_toggle_accessible_update_cache (GtkCellAccessible *cell, gboolean emit_signal)
{
  g_autoptr(VitrineNamedToggle) toggle = NULL;

  GTK_CELL_ACCESSIBLE_CLASS (vitrine_named_toggle_accessible_parent_class)->update_cache (cell, emit_signal);
  g_object_get (cell, "renderer", &toggle, NULL);
  if (toggle->label != NULL)
    atk_object_set_name (ATK_OBJECT (cell), toggle->label);
}

static void
vitrine_named_toggle_accessible_class_init (VitrineNamedToggleAccessibleClass *klass)
{
  GTK_CELL_ACCESSIBLE_CLASS (klass)->update_cache = vitrine_named_toggle_accessible_update_cache;
}

static void
vitrine_named_toggle_accessible_init (VitrineNamedToggleAccessible *self)
{
}

/* --- object ------------------------------------------------------------------------------------------------------ */

static void
vitrine_named_toggle_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VitrineNamedToggle *self = VITRINE_NAMED_TOGGLE (object);

  g_free (self->label);
  self->label = g_value_dup_string (value);
}

static void
vitrine_named_toggle_finalize (GObject *object)
{
  g_free (VITRINE_NAMED_TOGGLE (object)->label);
  G_OBJECT_CLASS (vitrine_named_toggle_parent_class)->finalize (object);
}

static void
vitrine_named_toggle_class_init (VitrineNamedToggleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = vitrine_named_toggle_set_property;
  object_class->finalize = vitrine_named_toggle_finalize;
  g_object_class_install_property (object_class, PROP_LABEL,
                                   g_param_spec_string ("label", NULL, NULL, NULL,
                                                        G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gtk_cell_renderer_class_set_accessible_type (GTK_CELL_RENDERER_CLASS (klass), vitrine_named_toggle_accessible_get_type ());
}

static void
vitrine_named_toggle_init (VitrineNamedToggle *self)
{
}

GtkCellRenderer *
vitrine_named_toggle_new (void)
{
  return g_object_new (VITRINE_TYPE_NAMED_TOGGLE, NULL);
}
