/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-plan.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What one step does, or what undoes it. */
typedef enum
{
  ACT_NOTHING,
  ACT_WRITE,
  ACT_PROGRAM,
  ACT_EXPECT_LINK,
} ActKind;

typedef struct
{
  ActKind kind;
  char   *path, *value;   /* of a write; of a link and where it ends (NULL: not there) */
  GStrv   argv;           /* of a program */
} Act;

typedef struct
{
  Act     act, undo;
  GArray *more_undo;   /* of Act; NULL: none */
  char   *why;
} Step;

struct _VitrineHostPlan
{
  GPtrArray *steps;
};

G_DEFINE_QUARK (vitrine-host-plan-error-quark, vitrine_host_plan_error)

/* --- life ------------------------------------------------------------------------------------------------------- */

static void
act_clear (gpointer data)
{
  Act *act = data;

  g_free (act->path);
  g_free (act->value);
  g_strfreev (act->argv);
}

static void
step_free (gpointer data)
{
  Step *step = data;

  act_clear (&step->act);
  act_clear (&step->undo);
  g_clear_pointer (&step->more_undo, g_array_unref);
  g_free (step->why);
  g_free (step);
}

VitrineHostPlan *
vitrine_host_plan_new (void)
{
  VitrineHostPlan *plan = g_new0 (VitrineHostPlan, 1);

  plan->steps = g_ptr_array_new_with_free_func (step_free);
  return plan;
}

void
vitrine_host_plan_free (VitrineHostPlan *plan)
{
  if (plan == NULL)
    return;
  g_ptr_array_unref (plan->steps);
  g_free (plan);
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

static Act
act_on_path (ActKind kind, const char *path, const char *value)
{
  Act act = { .kind = path != NULL ? kind : ACT_NOTHING, .path = g_strdup (path), .value = g_strdup (value) };

  return act;
}

static Act
act_of_program (const char *const *argv)
{
  Act act = { .kind = argv != NULL ? ACT_PROGRAM : ACT_NOTHING, .argv = g_strdupv ((char **) argv) };

  return act;
}

static void
add (VitrineHostPlan *plan, Act act, Act undo, const char *why)
{
  Step *step = g_new0 (Step, 1);

  step->act = act;
  step->undo = undo;
  step->why = g_strdup (why);
  g_ptr_array_add (plan->steps, step);
}

void
vitrine_host_plan_write (VitrineHostPlan *plan, const char *path, const char *value, const char *undo_path,
                         const char *undo_value, const char *why)
{
  add (plan, act_on_path (ACT_WRITE, path, value), act_on_path (ACT_WRITE, undo_path, undo_value), why);
}

void
vitrine_host_plan_undo_also (VitrineHostPlan *plan, const char *path, const char *value)
{
  Step *step = plan->steps->pdata[plan->steps->len - 1];
  Act act = act_on_path (ACT_WRITE, path, value);

  if (step->more_undo == NULL)
    {
      step->more_undo = g_array_new (FALSE, FALSE, sizeof (Act));
      g_array_set_clear_func (step->more_undo, act_clear);
    }
  g_array_append_val (step->more_undo, act);
}

void
vitrine_host_plan_run_program (VitrineHostPlan *plan, const char *const *argv, const char *const *undo_argv,
                               const char *why)
{
  add (plan, act_of_program (argv), act_of_program (undo_argv), why);
}

void
vitrine_host_plan_load_module (VitrineHostPlan *plan, const char *module, const char *why)
{
  const char *const load[] = { "modprobe", module, NULL }, *const unload[] = { "modprobe", "-r", module, NULL };

  vitrine_host_plan_run_program (plan, load, unload, why);
}

void
vitrine_host_plan_expect_link (VitrineHostPlan *plan, const char *path, const char *target, const char *why)
{
  add (plan, act_on_path (ACT_EXPECT_LINK, path, target), (Act){ ACT_NOTHING }, why);
}

/* --- as commands ------------------------------------------------------------------------------------------------ */

/* Only what needs it: people read this. */
static char *
quote (const char *word)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";

  return *word != '\0' && strspn (word, plain) == strlen (word) ? g_strdup (word) : g_shell_quote (word);
}

static char *
path_to_shell (const char *path)
{
  g_autofree char *absolute = g_strconcat ("/", path, NULL);

  return quote (absolute);
}

static char *
write_to_shell (const Act *act)
{
  g_autofree char *path = path_to_shell (act->path);

  if (*act->value == '\0')
    return g_strdup_printf ("echo > %s", path);
  g_autofree char *value = quote (act->value);
  return g_strdup_printf ("echo %s > %s", value, path);
}

static char *
program_to_shell (const Act *act)
{
  GString *line = g_string_new (NULL);

  for (guint i = 0; act->argv[i] != NULL; i++)
    {
      g_autofree char *word = quote (act->argv[i]);
      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", word);
    }
  return g_string_free (line, FALSE);
}

static char *
expectation_to_shell (const Act *act)
{
  g_autofree char *path = path_to_shell (act->path);

  if (act->value == NULL)
    return g_strdup_printf ("test ! -e %s", path);
  g_autofree char *target = quote (act->value);
  return g_strdup_printf ("test \"$(basename \"$(readlink %s)\")\" = %s", path, target);
}

static char *
act_to_shell (const Act *act)
{
  switch (act->kind)
    {
    case ACT_WRITE:
      return write_to_shell (act);
    case ACT_PROGRAM:
      return program_to_shell (act);
    case ACT_EXPECT_LINK:
      return expectation_to_shell (act);
    case ACT_NOTHING:
      break;
    }
  return g_strdup (":");
}

guint
vitrine_host_plan_get_n_steps (const VitrineHostPlan *plan)
{
  return plan->steps->len;
}

const char *
vitrine_host_plan_get_why (const VitrineHostPlan *plan, guint step)
{
  return ((const Step *) plan->steps->pdata[step])->why;
}

char *
vitrine_host_plan_get_command (const VitrineHostPlan *plan, guint step)
{
  return act_to_shell (&((const Step *) plan->steps->pdata[step])->act);
}

/* A device's name may be in a reason: no line of it may become a command. */
static void
append_comment (GString *text, const char *why)
{
  g_autofree char *line = g_strdelimit (g_strdup (why), "\r\n", ' ');

  g_string_append_printf (text, "# %s\n", line);
}

char *
vitrine_host_plan_to_shell (const VitrineHostPlan *plan)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < plan->steps->len; i++)
    {
      g_autofree char *command = vitrine_host_plan_get_command (plan, i);
      append_comment (text, vitrine_host_plan_get_why (plan, i));
      g_string_append_printf (text, "%s\n", command);
    }
  return g_string_free (text, FALSE);
}

/* --- running ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHostTree        *tree;
  const VitrineHostHands *hands;
  gpointer                data;
} Run;

static gboolean
expect_link (const Act *act, VitrineHostTree *tree, GError **error)
{
  g_autofree char *target = vitrine_host_tree_link (tree, "%s", act->path);

  if (g_strcmp0 (target, act->value) == 0)
    return TRUE;
  if (target == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("There is no /%s."), act->path);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("/%s is “%s”."), act->path, target);
  return FALSE;
}

static gboolean
perform (const Run *run, const Act *act, GError **error)
{
  switch (act->kind)
    {
    case ACT_WRITE:
      return run->hands->write (run->data, run->tree, act->path, act->value, error);
    case ACT_PROGRAM:
      return run->hands->run (run->data, run->tree, (const char *const *) act->argv, error);
    case ACT_EXPECT_LINK:
      return expect_link (act, run->tree, error);
    case ACT_NOTHING:
      break;
    }
  return TRUE;
}

static void
undo_act (const Run *run, const Act *act, GString *left)
{
  g_autoptr(GError) error = NULL;

  if (perform (run, act, &error))
    return;
  g_autofree char *command = act_to_shell (act);
  g_string_append_printf (left, "\n%s (%s)", command, error->message);
}

/* Those before @failed, latest first. What could not be undone: its commands and the answers, a line each; NULL. */
static char *
undo (VitrineHostPlan *plan, const Run *run, guint failed)
{
  GString *left = g_string_new (NULL);

  for (guint i = failed; i-- > 0;)
    {
      const Step *step = plan->steps->pdata[i];
      undo_act (run, &step->undo, left);
      for (guint j = 0; step->more_undo != NULL && j < step->more_undo->len; j++)
        undo_act (run, &g_array_index (step->more_undo, Act, j), left);
    }
  gboolean all = left->len == 0;
  char *lines = g_string_free (left, all);
  return all ? NULL : lines;
}

static void
explain (VitrineHostPlan *plan, guint failed, const GError *reason, const char *left, GError **error)
{
  g_autofree char *step = g_strdup_printf (_("Step %u of %u failed: %s (%s)"), failed + 1, plan->steps->len,
                                           reason->message, vitrine_host_plan_get_why (plan, failed));

  if (left == NULL)
    g_set_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_UNDONE,
                 _("%s\nWhat was done before has been undone."), step);
  else
    g_set_error (error, VITRINE_HOST_PLAN_ERROR, VITRINE_HOST_PLAN_ERROR_LEFT,
                 _("%s\nThis could not be undone; do it by hand:%s"), step, left);
}

gboolean
vitrine_host_plan_run_by (VitrineHostPlan *plan, VitrineHostTree *tree, const VitrineHostHands *hands, gpointer data,
                          GError **error)
{
  const Run run = { .tree = tree, .hands = hands, .data = data };

  for (guint i = 0; i < plan->steps->len; i++)
    {
      const Step *step = plan->steps->pdata[i];
      g_autoptr(GError) reason = NULL;
      if (perform (&run, &step->act, &reason))
        continue;
      g_autofree char *left = undo (plan, &run, i);
      explain (plan, i, reason, left, error);
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_to_tree (gpointer unused, VitrineHostTree *tree, const char *path, const char *value, GError **error)
{
  return vitrine_host_tree_write (tree, path, value, error);
}

static gboolean
run_in_tree (gpointer unused, VitrineHostTree *tree, const char *const *argv, GError **error)
{
  return vitrine_host_tree_run (tree, argv, error);
}

gboolean
vitrine_host_plan_run (VitrineHostPlan *plan, VitrineHostTree *tree, GError **error)
{
  static const VitrineHostHands hands = { .write = write_to_tree, .run = run_in_tree };

  return vitrine_host_plan_run_by (plan, tree, &hands, NULL, error);
}
