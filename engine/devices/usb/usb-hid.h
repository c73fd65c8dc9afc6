/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keyboard, mouse and tablet on USB (Device Class Definition for Human Interface Devices 1.11). */
#pragma once

#include "input-sink.h"
#include "usb-device.h"

extern const VtDeviceClass vt_usb_keyboard, vt_usb_mouse, vt_usb_tablet;

typedef struct
{
  VtUsbPlace      place;
  VtLedSink       leds;         /* keyboards; may be empty */
  VtListeningSink listening;    /* may be empty */
} VtUsbHidConfig;

/* Where the person's input goes in. It listens while a driver has configured the device. */
VtInputSink vt_usb_hid_sink (VtDevice *dev);
