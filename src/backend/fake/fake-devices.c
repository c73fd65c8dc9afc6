/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test card's devices. What comes and goes is told in words, among the keys. */
#include <glib-unix.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "fake-backend-private.h"

/* "CD disc.iso 4096 " among the keys: what is in the drive, and that it can be read. */
static void
note_medium (VitrineFakeBackend *self, const char *path, int fd)
{
  g_autofree char *name = path != NULL ? g_path_get_basename (path) : g_strdup ("ejected");
  struct stat info = { 0 };

  if (fd >= 0)
    fstat (fd, &info);
  g_string_append_printf (self->keys, "CD %s %u ", name, (guint) info.st_size);
  vitrine_fake_backend_changed (self);
}

static gboolean
fake_change_medium (VitrineBackend *backend, guint drive, const char *path, int fd, GError **error)
{
  note_medium (VITRINE_FAKE_BACKEND (backend), path, fd);
  if (fd >= 0)
    close (fd);
  return TRUE;
}

/* "disk vdb 2 " among the keys: what came, and with how many files, "key " if with a key; "gone vdb " when it went. */
static gboolean
fake_add_disk (VitrineBackend *backend, guint number, GVariant *disk, const char *const *paths, const int *fds, int key, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  const char *id = "";

  g_variant_lookup (disk, "id", "&s", &id);
  g_string_append_printf (self->keys, "disk %s %u %s", id, g_strv_length ((char **) paths), key >= 0 ? "key " : "");
  vitrine_fake_backend_changed (self);
  return TRUE;
}

/* "card 52:54:... ", and "device " if with one. */
static gboolean
fake_add_network (VitrineBackend *backend, guint number, GVariant *card, int device, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  const char *mac = "";

  g_variant_lookup (card, "mac", "&s", &mac);
  g_string_append_printf (self->keys, "card %s %s", mac, device >= 0 ? "device " : "");
  vitrine_fake_backend_changed (self);
  return TRUE;
}

/* "usb 1:7 " among the keys, and "no usb 1:7 "; when the other end hangs up, the device has left. */
typedef struct
{
  VitrineFakeBackend *owner;
  char               *id;
  int                 fd;
  guint               watch;
} FakeUsb;

void
vitrine_fake_backend_free_usb (gpointer data)
{
  FakeUsb *usb = data;

  if (usb->watch != 0)
    g_source_remove (usb->watch);
  close (usb->fd);
  g_free (usb->id);
  g_free (usb);
}

static gboolean
fake_usb_left (int fd, GIOCondition condition, gpointer data)
{
  FakeUsb *usb = data;
  VitrineFakeBackend *self = usb->owner;
  g_autofree char *id = g_strdup (usb->id);

  usb->watch = 0;
  g_hash_table_remove (self->usb, id);
  vitrine_backend_emit_usb_left (VITRINE_BACKEND (self), id);
  return G_SOURCE_REMOVE;
}

static gboolean
fake_plug_usb (VitrineBackend *backend, const char *id, int fd, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  FakeUsb *usb = g_new (FakeUsb, 1);

  *usb = (FakeUsb) { self, g_strdup (id), fd, g_unix_fd_add (fd, G_IO_HUP, fake_usb_left, usb) };
  g_hash_table_replace (self->usb, g_strdup (id), usb);
  g_string_append_printf (self->keys, "usb %s ", id);
  vitrine_fake_backend_changed (self);
  vitrine_backend_emit_usb_changed (backend);
  return TRUE;
}

static gboolean
fake_unplug_usb (VitrineBackend *backend, const char *id, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (!g_hash_table_remove (self->usb, id))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The guest has no USB device “%s”", id);
      return FALSE;
    }
  g_string_append_printf (self->keys, "no usb %s ", id);
  vitrine_fake_backend_changed (self);
  vitrine_backend_emit_usb_changed (backend);
  return TRUE;
}

static GStrv
fake_list_usb (VitrineBackend *backend)
{
  g_autofree gpointer *ids = g_hash_table_get_keys_as_array (VITRINE_FAKE_BACKEND (backend)->usb, NULL);

  return g_strdupv ((char **) ids);
}

static guint
fake_count_usb_ports (VitrineBackend *backend)
{
  return 4;
}

static gboolean
fake_grow_disk (VitrineBackend *backend, const char *id, guint64 bytes, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append_printf (self->keys, "%s grew to %" G_GUINT64_FORMAT " ", id, bytes);
  vitrine_fake_backend_changed (self);
  return TRUE;
}

static gboolean
fake_get_disk_size (VitrineBackend *backend, const char *id, guint64 *bytes, GError **error)
{
  *bytes = 1 << 30;
  return TRUE;
}

/* A device called "kept" is one that the guest does not let go. */
static void
fake_remove_device (VitrineBackend *backend, VitrineDeviceKind kind, const char *id, GTask *task)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append_printf (self->keys, "gone %s ", id);
  vitrine_fake_backend_changed (self);
  if (g_str_equal (id, "kept"))
    g_task_return_new_error (task, VT_ERROR, VT_ERROR_BUSY, "The guest keeps it");
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static gboolean
fake_set_memory (VitrineBackend *backend, guint64 bytes, GError **error)
{
  VITRINE_FAKE_BACKEND (backend)->memory = bytes;
  return TRUE;
}

static GVariant *
fake_get_memory (VitrineBackend *backend)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{st}"));

  g_variant_builder_add (&builder, "{st}", "wanted", VITRINE_FAKE_BACKEND (backend)->memory);
  return g_variant_builder_end (&builder);
}

static gboolean
no_card (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no card");
  return FALSE;
}

static gboolean
fake_set_link (VitrineBackend *backend, guint card, gboolean up, GError **error)
{
  return no_card (error);
}

static gboolean
fake_set_mac (VitrineBackend *backend, guint card, const guint8 mac[6], GError **error)
{
  return no_card (error);
}

/* An event for each glob. */
static gboolean
fake_trace (VitrineBackend *backend, const char *const *globs, int fd, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (self->trace >= 0)
    close (self->trace);
  self->trace = fd;
  for (; globs != NULL && *globs != NULL; globs++)
    dprintf (fd, "0.000000 %s\n", *globs);
  return TRUE;
}

gboolean
vitrine_fake_backend_is_traced (VitrineFakeBackend *self)
{
  return self->trace >= 0;
}

/* The first card has some; "taken" is a port that it does not get. */
static gboolean
fake_set_forwards (VitrineBackend *backend, guint card, const char *const *rules, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (card != 0)
    return no_card (error);
  if (g_strv_contains (rules, "taken"))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "That port is in use");
      return FALSE;
    }
  g_strfreev (self->forwards);
  self->forwards = g_strdupv ((char **) rules);
  return TRUE;
}

static GStrv
fake_get_forwards (VitrineBackend *backend, guint card, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (card == 0)
    return self->forwards != NULL ? g_strdupv (self->forwards) : g_new0 (char *, 1);
  no_card (error);
  return NULL;
}

static gboolean
fake_capture (VitrineBackend *backend, guint card, int fd, GError **error)
{
  if (fd >= 0)
    close (fd);
  return no_card (error);
}

static gboolean
fake_is_captured (VitrineBackend *backend, guint card)
{
  return FALSE;
}

static GStrv
fake_list_cards (VitrineBackend *backend)
{
  return g_new0 (char *, 1);
}

void
vitrine_fake_backend_devices_init (VitrineBackendInterface *iface)
{
  iface->change_medium = fake_change_medium;
  iface->add_disk = fake_add_disk;
  iface->add_network = fake_add_network;
  iface->plug_usb = fake_plug_usb;
  iface->unplug_usb = fake_unplug_usb;
  iface->list_usb = fake_list_usb;
  iface->count_usb_ports = fake_count_usb_ports;
  iface->grow_disk = fake_grow_disk;
  iface->get_disk_size = fake_get_disk_size;
  iface->remove_device = fake_remove_device;
  iface->set_memory = fake_set_memory;
  iface->get_memory = fake_get_memory;
  iface->set_link = fake_set_link;
  iface->set_mac = fake_set_mac;
  iface->set_forwards = fake_set_forwards;
  iface->get_forwards = fake_get_forwards;
  iface->capture = fake_capture;
  iface->is_captured = fake_is_captured;
  iface->list_cards = fake_list_cards;
  iface->trace = fake_trace;
}
