/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which USB devices of this computer one machine's guest has, and how it gets them. No widgets. Main thread.
 *
 * Signals: "changed" () when a device, its state or its problem may be another; "left" (const char *sentence) when a device that the guest
 * had was pulled out, or its process has ended; "failed" (const char *sentence) when one cannot be had, and nobody watches
 * who would see its problem. */
#pragma once

#include "backend.h"
#include "usb-devices.h"

typedef enum
{
  VITRINE_USB_FREE,
  VITRINE_USB_ASKED,      /* it is being opened, or the person is asked */
  VITRINE_USB_PLUGGED,    /* the guest has it */
} VitrineUsbState;

/* Who opens devices. @data is given to each. */
typedef struct
{
  void (*give_async) (gpointer data, const char *id, GAsyncReadyCallback done, gpointer done_data);
  /* A stream; -1 without an error: the person changed their mind. */
  int  (*give_finish) (gpointer data, GAsyncResult *result, GError **error);
} VitrineUsbGiver;

/* For processes that may start others: a thread calls vitrine_usb_give(). */
extern const VitrineUsbGiver vitrine_usb_giver_direct;

#define VITRINE_TYPE_USB_PLUGS (vitrine_usb_plugs_get_type ())
G_DECLARE_FINAL_TYPE (VitrineUsbPlugs, vitrine_usb_plugs, VITRINE, USB_PLUGS, GObject)

VitrineUsbPlugs *vitrine_usb_plugs_new (VitrineHostTree *tree, const VitrineUsbGiver *giver, gpointer giver_data);
/* NULL: the machine is off. */
void             vitrine_usb_plugs_set_backend (VitrineUsbPlugs *self, VitrineBackend *backend);
VitrineBackend  *vitrine_usb_plugs_get_backend (VitrineUsbPlugs *self);

/* VitrineUsbDevice, as they were when "changed" was last emitted, or read now if nobody watches. Borrowed until the next call. */
GPtrArray       *vitrine_usb_plugs_get_devices (VitrineUsbPlugs *self);
VitrineUsbState  vitrine_usb_plugs_get_state (VitrineUsbPlugs *self, const char *id);
/* Why the last attempt failed; NULL: it did not. */
const char      *vitrine_usb_plugs_get_problem (VitrineUsbPlugs *self, const char *id);

void             vitrine_usb_plugs_plug (VitrineUsbPlugs *self, const char *id);
void             vitrine_usb_plugs_unplug (VitrineUsbPlugs *self, const char *id);
/* What a definition names (VitrineUsbHostdev), one after the other. */
void             vitrine_usb_plugs_plug_all (VitrineUsbPlugs *self, GPtrArray *hostdevs);
/* Are those there without which the machine must not start? */
gboolean         vitrine_usb_plugs_check (VitrineUsbPlugs *self, GPtrArray *hostdevs, GError **error);
/* Devices are looked for each second while somebody watches: each TRUE is followed by a FALSE. */
void             vitrine_usb_plugs_watch (VitrineUsbPlugs *self, gboolean on);
