/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Standard requests (USB 2.0, chapter 9). */
#include "usb-device.h"

enum
{
  GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR = 6, GET_CONFIGURATION = 8,
  SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11,

  TYPE_MASK = 0x60, TYPE_STANDARD = 0,
  RECIPIENT_MASK = 0x1f, DEVICE = 0, INTERFACE = 1, ENDPOINT = 2,

  DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIGURATION = 2, DESCRIPTOR_STRING = 3,
  FEATURE_HALT = 0, FEATURE_REMOTE_WAKEUP = 1,
  LANGUAGE_EN_US = 0x0409,
  OUT_SHIFT = 8,
};

VtUsbResult
vt_usb_answer (const void *bytes, size_t n, uint8_t *data, uint32_t *len)
{
  *len = (uint32_t) MIN (*len, n);
  memcpy (data, bytes, *len);
  return VT_USB_DONE;
}

static unsigned
halt_bit (unsigned address)
{
  return (address & 7) + ((address & VT_USB_TO_HOST) != 0 ? 0 : OUT_SHIFT);
}

bool
vt_usb_halted (const VtUsbState *state, unsigned address)
{
  return state->halted >> halt_bit (address) & 1;
}

static VtUsbResult
string_descriptor (const char *const *strings, unsigned index, uint8_t *data, uint32_t *len)
{
  uint8_t descriptor[254] = { 4, DESCRIPTOR_STRING, LANGUAGE_EN_US & 0xff, LANGUAGE_EN_US >> 8 };
  if (index == 0)
    return vt_usb_answer (descriptor, 4, data, len);
  for (unsigned i = 1; i < index; i++)
    if (*strings++ == NULL)
      return VT_USB_STALL;
  if (*strings == NULL)
    return VT_USB_STALL;
  unsigned n = 2;
  for (const char *c = *strings; *c != 0 && n < sizeof descriptor; c++, n += 2)
    {
      descriptor[n] = (uint8_t) *c;
      descriptor[n + 1] = 0;
    }
  descriptor[0] = (uint8_t) n;
  return vt_usb_answer (descriptor, n, data, len);
}

static VtUsbResult
get_descriptor (const VtUsbDescriptors *descriptors, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  unsigned index = setup->value & 0xff;
  switch (setup->value >> 8)
    {
    case DESCRIPTOR_DEVICE:
      return vt_usb_answer (descriptors->device.bytes, descriptors->device.len, data, len);
    case DESCRIPTOR_CONFIGURATION:
      return index > 0 ? VT_USB_STALL
                       : vt_usb_answer (descriptors->configuration.bytes, descriptors->configuration.len, data, len);
    case DESCRIPTOR_STRING:
      return string_descriptor (descriptors->strings, index, data, len);
    default:
      return VT_USB_STALL;
    }
}

static VtUsbResult
get_status (const VtUsbState *state, const VtUsbDescriptors *descriptors, const VtUsbSetup *setup, uint8_t *data,
            uint32_t *len)
{
  uint8_t  status[2] = { 0 };
  unsigned self_powered = descriptors->configuration.bytes[7] >> 6 & 1;
  switch (setup->type & RECIPIENT_MASK)
    {
    case DEVICE: status[0] = (uint8_t) (self_powered | (state->remote_wakeup ? 2 : 0)); break;
    case ENDPOINT: status[0] = vt_usb_halted (state, setup->index); break;
    }
  return vt_usb_answer (status, sizeof status, data, len);
}

static VtUsbResult
set_feature (VtUsbState *state, const VtUsbSetup *setup, bool on)
{
  unsigned recipient = setup->type & RECIPIENT_MASK;
  if (recipient == DEVICE && setup->value == FEATURE_REMOTE_WAKEUP)
    state->remote_wakeup = on;
  else if (recipient == ENDPOINT && setup->value == FEATURE_HALT)
    {
      uint16_t bit = (uint16_t) (1u << halt_bit (setup->index));
      state->halted = on ? state->halted | bit : state->halted & (uint16_t) ~bit;
    }
  else
    return VT_USB_STALL;
  return VT_USB_DONE;
}

static VtUsbResult
set_configuration (VtUsbState *state, const VtUsbDescriptors *descriptors, unsigned value)
{
  if (value != 0 && value != descriptors->configuration.bytes[5])
    return VT_USB_STALL;
  state->configuration = (uint8_t) value;
  state->halted = 0;
  return VT_USB_DONE;
}

bool
vt_usb_standard_request (VtUsbState *state, const VtUsbDescriptors *descriptors, const VtUsbSetup *setup,
                         uint8_t *data, uint32_t *len, VtUsbResult *result)
{
  unsigned recipient = setup->type & RECIPIENT_MASK;
  if ((setup->type & TYPE_MASK) != TYPE_STANDARD
      || (setup->request == GET_DESCRIPTOR && recipient != DEVICE))
    return false;
  *result = VT_USB_DONE;
  switch (setup->request)
    {
    case GET_STATUS: *result = get_status (state, descriptors, setup, data, len); return true;
    case CLEAR_FEATURE: *result = set_feature (state, setup, false); break;
    case SET_FEATURE: *result = set_feature (state, setup, true); break;
    case SET_ADDRESS: state->address = setup->value & 0x7f; break;
    case GET_DESCRIPTOR: *result = get_descriptor (descriptors, setup, data, len); return true;
    case GET_CONFIGURATION: *result = vt_usb_answer (&state->configuration, 1, data, len); return true;
    case SET_CONFIGURATION: *result = set_configuration (state, descriptors, setup->value); break;
    case GET_INTERFACE: *result = vt_usb_answer (&(uint8_t) { 0 }, 1, data, len); return true;
    case SET_INTERFACE: *result = setup->value == 0 ? VT_USB_DONE : VT_USB_STALL; break;
    default: *result = VT_USB_STALL; break;
    }
  *len = 0;
  return true;
}
