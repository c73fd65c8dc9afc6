/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs `ap` and `mdev`: crypto queues, mediated devices and channel devices of a host, for its machines. */
#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "helper-error.h"
#include "host-verbs.h"
#include "machines.h"
#include "mediated.h"
#include "target.h"

/* --- what every one of them has ---------------------------------------------------------------------------------- */

typedef struct
{
  char    *host, *uuid, *cards, *domains, *control, *reserve;
  gboolean dry_run, confirmed, keep, live, display;
  char   **words;                /* the rest */
} Options;

static void
options_clear (Options *options)
{
  g_free (options->host);
  g_free (options->uuid);
  g_free (options->cards);
  g_free (options->domains);
  g_free (options->control);
  g_free (options->reserve);
  g_strfreev (options->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* With --host the host's, else this computer's. */
typedef struct
{
  VitrineHosts    *hosts;
  VitrineMediated *mediated;
} Source;

static void
source_clear (Source *source)
{
  g_clear_object (&source->mediated);
  g_clear_object (&source->hosts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Source, source_clear)

/* Read, too. FALSE after a message. */
static gboolean
open_source (const Options *options, Source *source)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  VitrineHost *host = options->host != NULL ? vitrine_ctl_host_open (options->host, &source->hosts) : NULL;
  if (options->host != NULL && host == NULL)
    return FALSE;
  source->mediated = vitrine_mediated_new (host);
  vitrine_mediated_read_async (source->mediated, vitrine_ctl_keep_result, &result);
  if (vitrine_mediated_read_finish (source->mediated, vitrine_ctl_await (&result), &error))
    return TRUE;
  vitrine_ctl_fail ("%s", error->message);
  return FALSE;
}

static int
end (gboolean ok, const GError *error)
{
  return ok ? 0 : vitrine_ctl_fail ("%s", error->message);
}

static int
refuse (const GError *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)
      && !g_error_matches (error, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_NEEDS_CONFIRMATION))
    return vitrine_ctl_fail ("%s", error->message);
  g_printerr ("%s\n", error->message);
  return vitrine_ctl_fail (_("The host would lose that. Say --yes if it may."));
}

/* Shows the steps, or takes them. */
static int
carry_out (Source *source, const Options *options, const VitrineMediatedChange *change)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GAsyncResult) result = NULL;

  if (options->dry_run)
    {
      vitrine_mediated_preview_async (source->mediated, change, NULL, vitrine_ctl_keep_result, &result);
      g_autofree char *text
          = vitrine_mediated_preview_finish (source->mediated, vitrine_ctl_await (&result), &error);
      if (text == NULL)
        return refuse (error);
      g_print ("%s", text);
      return 0;
    }
  vitrine_mediated_apply_async (source->mediated, change, vitrine_ctl_keep_result, &result);
  return vitrine_mediated_apply_finish (source->mediated, vitrine_ctl_await (&result), &error) ? 0 : refuse (error);
}

/* --- machines ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHosts  *hosts;
  VitrineTarget *target;
} Machine;

static void
machine_clear (Machine *machine)
{
  g_clear_object (&machine->target);
  g_clear_object (&machine->hosts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Machine, machine_clear)

static VitrineTarget *
make_target (const char *words, VitrineHosts **hosts)
{
  VitrineHost *host;
  VitrineHostGuest *guest;

  if (vitrine_ctl_is_on_host (words))
    return vitrine_ctl_host_find (words, hosts, &host, &guest) ? vitrine_target_new_for_guest (host, guest) : NULL;
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *found = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  return found != NULL ? vitrine_target_new_for_machine (library, found) : NULL;
}

/* With its definition. FALSE after a message. */
static gboolean
open_machine (const char *words, Machine *machine)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  machine->target = make_target (words, &machine->hosts);
  if (machine->target == NULL)
    return FALSE;
  vitrine_target_load_definition_async (machine->target, vitrine_ctl_keep_result, &result);
  if (vitrine_target_load_finish (machine->target, vitrine_ctl_await (&result), &error))
    return TRUE;
  vitrine_ctl_fail ("%s", error->message);
  return FALSE;
}

static int
assign (const Options *options, const char *model)
{
  g_auto(Machine) machine = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  const VitrineHostdev hostdev = { .kind = VITRINE_HOSTDEV_MDEV,
                                   .id = options->words[1],
                                   .model = (char *) model,
                                   .display = options->display,
                                   .ramfb = options->display };

  if (!open_machine (options->words[0], &machine))
    return 1;
  vitrine_target_give_mediated_async (machine.target, &hostdev, options->live, vitrine_ctl_keep_result, &result);
  if (!vitrine_target_mediated_finish (machine.target, vitrine_ctl_await (&result), &error))
    return end (FALSE, error);
  g_autofree char *local = vitrine_target_explain_local (machine.target);
  if (local != NULL)
    g_printerr ("%s\n", local);
  return 0;
}

static int
unassign (const Options *options)
{
  g_auto(Machine) machine = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  if (!open_machine (options->words[0], &machine))
    return 1;
  vitrine_target_take_mediated_async (machine.target, options->words[1], options->live, vitrine_ctl_keep_result,
                                      &result);
  gboolean ok = vitrine_target_mediated_finish (machine.target, vitrine_ctl_await (&result), &error);
  return end (ok, error);
}

/* --- ap ---------------------------------------------------------------------------------------------------------- */

static void
print_cards (const VitrineApMatrix *matrix)
{
  for (guint i = 0; i < matrix->cards->len; i++)
    {
      const VitrineApCard *card = matrix->cards->pdata[i];
      const char *state = card->checkstopped  ? _("broken")
                          : !card->configured ? _("not configured")
                          : !card->online     ? _("offline")
                                              : _("online");
      g_print (_("Card %3u  %-6s %s, %s\n"), card->id, card->type != NULL ? card->type : "-",
               vitrine_ap_mode_to_label (card->mode), state);
    }
}

static void
print_padded (const char *text, int columns)
{
  int n = (int) g_utf8_strlen (text, -1);

  g_print ("%s%*s", text, MAX (columns - n, 1), "");
}

static void
print_row (const VitrineApMatrix *matrix, guint domain)
{
  g_autofree char *head = g_strdup_printf ("%3u (0x%02x)", domain, domain);

  print_padded (head, 12);
  for (guint i = 0; i < matrix->cards->len; i++)
    {
      guint card = ((const VitrineApCard *) matrix->cards->pdata[i])->id;
      const VitrineApQueue *queue = vitrine_ap_matrix_find_queue (matrix, card, domain);
      print_padded (queue != NULL ? vitrine_ap_queue_to_label (queue) : "-", 13);
    }
  g_print ("\n");
}

static void
print_queues (const VitrineApMatrix *matrix)
{
  print_padded (_("Domain"), 12);
  for (guint i = 0; i < matrix->cards->len; i++)
    {
      g_autofree char *head = g_strdup_printf ("%u", ((const VitrineApCard *) matrix->cards->pdata[i])->id);
      print_padded (head, 13);
    }
  g_print ("\n");
  for (guint domain = 0; (domain = vitrine_ap_mask_next (&matrix->domains, domain)) < VITRINE_AP_BITS; domain++)
    print_row (matrix, domain);
}

static void
print_devices (const VitrineApMatrix *matrix)
{
  for (guint i = 0; i < matrix->devices->len; i++)
    {
      const VitrineApDevice *device = matrix->devices->pdata[i];
      g_autofree char *cards = vitrine_ap_mask_to_list (&device->cards);
      g_autofree char *domains = vitrine_ap_mask_to_list (&device->domains);
      g_autofree char *control = vitrine_ap_mask_to_list (&device->control);
      g_print (_("%s  cards %s; domains %s; control domains %s\n"), device->uuid, cards, domains,
               *control != '\0' ? control : "-");
    }
}

static int
ap_matrix (const Options *options)
{
  g_auto(Source) source = { 0 };

  if (!open_source (options, &source))
    return 1;
  const VitrineApMatrix *matrix = vitrine_mediated_get_matrix (source.mediated);
  if (matrix->cards->len == 0)
    return vitrine_ctl_fail ("%s", matrix->why_not);
  print_cards (matrix);
  print_queues (matrix);
  print_devices (matrix);
  if (matrix->why_not != NULL)
    return vitrine_ctl_fail ("%s", matrix->why_not);
  return 0;
}

static gboolean
parse_selection (const Options *options, VitrineApSelection *selection, GError **error)
{
  return vitrine_ap_mask_parse_list (&selection->cards, options->cards != NULL ? options->cards : "", error)
         && vitrine_ap_mask_parse_list (&selection->domains, options->domains != NULL ? options->domains : "", error)
         && vitrine_ap_mask_parse_list (&selection->control, options->control != NULL ? options->control : "", error);
}

static void
print_notes (const VitrineApMatrix *matrix, const VitrineMediatedChange *change)
{
  g_autoptr(VitrineApReview) review = vitrine_ap_review (matrix, &change->selection, change->reserve);

  for (guint i = 0; i < review->notes->len; i++)
    g_printerr ("%s\n", (const char *) review->notes->pdata[i]);
}

static int
ap_create (const Options *options)
{
  g_auto(Source) source = { 0 };
  g_autoptr(GError) error = NULL;
  g_autofree char *made_up = g_uuid_string_random ();
  VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_CREATE_MATRIX,
                                   .uuid = options->uuid != NULL ? options->uuid : made_up,
                                   .confirmed = options->confirmed };

  if (options->reserve != NULL && !g_str_equal (options->reserve, "cards")
      && !g_str_equal (options->reserve, "domains"))
    return vitrine_ctl_usage ("ap create --cards 4,5 --domains 4 [--reserve cards|domains]");
  if (!parse_selection (options, &change.selection, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (!open_source (options, &source))
    return 1;
  const VitrineApMatrix *matrix = vitrine_mediated_get_matrix (source.mediated);
  change.reserve = options->reserve == NULL ? vitrine_ap_cheaper_reserve (matrix, &change.selection)
                   : g_str_equal (options->reserve, "domains") ? VITRINE_AP_RESERVE_DOMAINS
                                                               : VITRINE_AP_RESERVE_CARDS;
  print_notes (matrix, &change);
  int status = carry_out (&source, options, &change);
  if (status == 0 && !options->dry_run)
    g_print ("%s\n", change.uuid);
  return status;
}

static int
ap_assign (const Options *options)
{
  return assign (options, "vfio-ap");
}

static int
ap_remove (const Options *options)
{
  g_auto(Source) source = { 0 };
  const VitrineMediatedChange change
      = { .verb = VITRINE_MEDIATED_REMOVE_MATRIX, .uuid = options->words[0], .give_back = !options->keep };

  return open_source (options, &source) ? carry_out (&source, options, &change) : 1;
}

/* --- mdev -------------------------------------------------------------------------------------------------------- */

static void
print_types (const VitrineMdevs *mdevs)
{
  for (guint i = 0; i < mdevs->types->len; i++)
    {
      const VitrineMdevType *type = mdevs->types->pdata[i];
      g_print (_("type    %s  %s  %s, room for %u\n"), type->parent, type->id, type->name != NULL ? type->name : "-",
               type->available);
    }
}

static void
print_mediated (const VitrineMdevs *mdevs)
{
  for (guint i = 0; i < mdevs->devices->len; i++)
    {
      const VitrineMdevDevice *device = mdevs->devices->pdata[i];
      g_print ("device  %s  %s  %s%s\n", device->uuid, device->parent != NULL ? device->parent : "-",
               device->type != NULL ? device->type : "-", device->active ? "" : _(", not started"));
    }
}

static void
print_channels (const GPtrArray *channels)
{
  for (guint i = 0; i < channels->len; i++)
    {
      const VitrineCcwSubchannel *channel = channels->pdata[i];
      g_print (_("channel %s  subchannel %s, driver %s, paths %s%s\n"), channel->device != NULL ? channel->device : "-",
               channel->name, channel->driver != NULL ? channel->driver : "-", channel->chpids,
               channel->online ? _(", online") : "");
    }
}

static int
mdev_list (const Options *options)
{
  g_auto(Source) source = { 0 };

  if (!open_source (options, &source))
    return 1;
  print_types (vitrine_mediated_get_mdevs (source.mediated));
  print_mediated (vitrine_mediated_get_mdevs (source.mediated));
  print_channels (vitrine_mediated_get_channels (source.mediated));
  return 0;
}

static int
mdev_create (const Options *options)
{
  g_auto(Source) source = { 0 };
  g_autofree char *made_up = g_uuid_string_random ();
  const VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_CREATE,
                                         .parent = options->words[0],
                                         .type = options->words[1],
                                         .uuid = options->uuid != NULL ? options->uuid : made_up };

  int status = open_source (options, &source) ? carry_out (&source, options, &change) : 1;
  if (status == 0 && !options->dry_run)
    g_print ("%s\n", change.uuid);
  return status;
}

/* The model of its element is the host's word. */
static int
mdev_assign (const Options *options)
{
  g_auto(Source) source = { 0 };

  if (!open_source (options, &source))
    return 1;
  const VitrineMdevDevice *device
      = vitrine_mdevs_find_device (vitrine_mediated_get_mdevs (source.mediated), options->words[1]);
  if (device == NULL)
    return vitrine_ctl_fail (_("There is no mediated device %s."), options->words[1]);
  if (device->api == NULL)
    return vitrine_ctl_fail (_("The host does not say of which kind the mediated device %s is."), device->uuid);
  return assign (options, device->api);
}

static int
mdev_remove (const Options *options)
{
  g_auto(Source) source = { 0 };
  const VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_REMOVE, .uuid = options->words[0] };

  return open_source (options, &source) ? carry_out (&source, options, &change) : 1;
}

static int
mdev_take (const Options *options)
{
  g_auto(Source) source = { 0 };
  const VitrineMediatedChange change
      = { .verb = VITRINE_MEDIATED_TAKE_CHANNEL, .channel = options->words[0], .confirmed = options->confirmed };

  return open_source (options, &source) ? carry_out (&source, options, &change) : 1;
}

static int
mdev_give_back (const Options *options)
{
  g_auto(Source) source = { 0 };
  const VitrineMediatedChange change = { .verb = VITRINE_MEDIATED_GIVE_BACK_CHANNEL, .channel = options->words[0] };

  return open_source (options, &source) ? carry_out (&source, options, &change) : 1;
}

/* --- which one --------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  guint       n_words;
  int       (*function) (const Options *options);
  const char *synopsis;
} Verb;

static const Verb ap_verbs[] = {
  { "matrix", 0, ap_matrix, "ap matrix [--host HOST]" },
  { "create", 0, ap_create,
    "ap create --cards 4,5 --domains 4,0x47 [--control-domains 4] [--reserve cards|domains] [--yes] [--uuid UUID] "
    "[--host HOST] "
    "[--dry-run]" },
  { "assign", 2, ap_assign, "ap assign MACHINE UUID [--live]" },
  { "unassign", 2, unassign, "ap unassign MACHINE UUID [--live]" },
  { "remove", 1, ap_remove, "ap remove UUID [--keep-reserved] [--host HOST] [--dry-run]" },
};

static const Verb mdev_verbs[] = {
  { "list", 0, mdev_list, "mdev list [--host HOST]" },
  { "create", 2, mdev_create, "mdev create PARENT TYPE [--uuid UUID] [--host HOST] [--dry-run]" },
  { "assign", 2, mdev_assign, "mdev assign MACHINE UUID [--display] [--live] [--host HOST]" },
  { "unassign", 2, unassign, "mdev unassign MACHINE UUID [--live]" },
  { "remove", 1, mdev_remove, "mdev remove UUID [--host HOST] [--dry-run]" },
  { "take", 1, mdev_take, "mdev take CHANNEL-DEVICE [--yes] [--dry-run]" },
  { "give-back", 1, mdev_give_back, "mdev give-back CHANNEL-DEVICE [--dry-run]" },
};

static gboolean
parse (Options *options, int argc, char **argv, const char *synopsis, GError **error)
{
  const GOptionEntry entries[] = {
    { "host", 0, 0, G_OPTION_ARG_STRING, &options->host, N_("A libvirt host instead of this computer"), "HOST" },
    { "uuid", 0, 0, G_OPTION_ARG_STRING, &options->uuid, N_("What the new device is called"), "UUID" },
    { "cards", 0, 0, G_OPTION_ARG_STRING, &options->cards, N_("Crypto cards: “4, 5” or “4-6”"), "LIST" },
    { "domains", 0, 0, G_OPTION_ARG_STRING, &options->domains, N_("Domains of all of these cards"), "LIST" },
    { "control-domains", 0, 0, G_OPTION_ARG_STRING, &options->control, N_("Domains whose keys the guest may change"),
      "LIST" },
    { "reserve", 0, 0, G_OPTION_ARG_STRING, &options->reserve,
      N_("Take whole cards or whole domains from the host; what costs it less, if not given"), "cards|domains" },
    { "yes", 0, 0, G_OPTION_ARG_NONE, &options->confirmed, N_("The host may lose what it needs itself"), NULL },
    { "keep-reserved", 0, 0, G_OPTION_ARG_NONE, &options->keep, N_("Do not give the queues back to the host"), NULL },
    { "live", 0, 0, G_OPTION_ARG_NONE, &options->live, N_("Also in the running machine"), NULL },
    { "display", 0, 0, G_OPTION_ARG_NONE, &options->display, N_("Its picture is a screen of the machine"), NULL },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &options->dry_run, N_("Print the steps, and take none"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words, NULL, NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, synopsis);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  return g_option_context_parse (context, &argc, &argv, error);
}

static int
dispatch (int argc, char **argv, const Verb *verbs, gsize n_verbs, const char *synopsis)
{
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;

  for (gsize i = 0; argc >= 2 && i < n_verbs; i++)
    if (g_str_equal (verbs[i].name, argv[1]))
      {
        if (!parse (&options, argc - 1, argv + 1, verbs[i].synopsis, &error))
          return vitrine_ctl_fail ("%s", error->message);
        guint n = options.words != NULL ? g_strv_length (options.words) : 0;
        return n == verbs[i].n_words ? verbs[i].function (&options) : vitrine_ctl_usage (verbs[i].synopsis);
      }
  return vitrine_ctl_usage (synopsis);
}

int
vitrine_ctl_ap (int argc, char **argv)
{
  return dispatch (argc, argv, ap_verbs, G_N_ELEMENTS (ap_verbs), "ap matrix|create|assign|unassign|remove");
}

int
vitrine_ctl_mdev (int argc, char **argv)
{
  return dispatch (argc, argv, mdev_verbs, G_N_ELEMENTS (mdev_verbs),
                   "mdev list|create|assign|unassign|remove|take|give-back");
}
