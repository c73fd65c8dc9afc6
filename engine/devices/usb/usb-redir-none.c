/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The port for redirected devices in a program that was built without libusbredirparser: always empty. */
#include "usb-redir.h"

#include "vitrine/error.h"

typedef struct
{
  uint8_t address;
  uint8_t pad_[7];
} NoRedirState;

typedef struct
{
  VtDevice     dev;
  NoRedirState s;
} NoRedir;

static const VtField no_redir_fields[] = { VT_FIELD (NoRedirState, address), VT_FIELD (NoRedirState, pad_) };

static bool
refuse (VtChardev *chr, GError **error)
{
  if (chr == NULL)
    return true;
  chr->ops->close (chr);
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "USB devices cannot be redirected: this program was built without usbredir");
  return false;
}

bool
vt_usb_redir_is_built (void)
{
  return false;
}

bool
vt_usb_redir_is_free (VtDevice *dev)
{
  return true;
}

bool
vt_usb_redir_plug (VtDevice *dev, VtChardev *chr, GError **error)
{
  return refuse (chr, error);
}

void
vt_usb_redir_unplug (VtDevice *dev)
{
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  return refuse (((const VtUsbRedirConfig *) env->config)->chr, error);
}

static const void *
test_config (void)
{
  static const VtUsbRedirConfig config = { .chr = NULL };
  return &config;
}

const VtDeviceClass vt_usb_redir = {
  .name = "usb-redir",
  .summary = "port for a USB device of another computer, or of this one",
  .late = true,
  .instance_size = sizeof (NoRedir),
  .state_off = offsetof (NoRedir, s),
  .state = VT_STATE (1, NoRedirState, no_redir_fields, NULL),
  .realize = realize,
  .test_config = test_config,
};
