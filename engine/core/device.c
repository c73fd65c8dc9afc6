/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device.h"

#include <stdarg.h>

#include "vitrine/error.h"

#define GUEST_WARNINGS_LOGGED 16u   /* per device; the rest is only counted */

/* The legal steps; everything else is a bug of ours. */
static const bool transitions[VT_DEVICE_GONE + 1][VT_DEVICE_GONE + 1] = {
  [VT_DEVICE_NEW] = { [VT_DEVICE_PAUSED] = true, [VT_DEVICE_GONE] = true },
  [VT_DEVICE_PAUSED] = { [VT_DEVICE_RUNNING] = true, [VT_DEVICE_GONE] = true },
  [VT_DEVICE_RUNNING] = { [VT_DEVICE_PAUSED] = true, [VT_DEVICE_GONE] = true },
};

static void
enter (VtDevice *dev, VtDevicePhase phase)
{
  g_assert (transitions[dev->phase][phase]);
  dev->phase = phase;
}

VtDevice *
vt_device_new (const VtDeviceClass *cls, const char *path)
{
  g_assert (cls->instance_size >= sizeof (VtDevice));
  g_assert (vt_fits (cls->state_off, cls->state.size, cls->instance_size));
  VtDevice *dev = g_malloc0 (cls->instance_size);
  dev->cls = cls;
  dev->path = g_strdup (path);
  vt_state_reset (&cls->state, vt_device_state (dev), true);
  return dev;
}

bool
vt_device_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  if (dev->cls->realize != NULL && !dev->cls->realize (dev, env, error))
    {
      g_prefix_error (error, "%s: ", dev->path);
      return false;
    }
  enter (dev, VT_DEVICE_PAUSED);
  if (dev->cls->settle != NULL)
    dev->cls->settle (dev);
  return true;
}

void
vt_device_reset (VtDevice *dev, VtResetKind kind)
{
  g_assert (dev->phase == VT_DEVICE_PAUSED || dev->phase == VT_DEVICE_RUNNING);
  vt_state_reset (&dev->cls->state, vt_device_state (dev), kind == VT_RESET_POWER);
  if (dev->cls->settle != NULL)
    dev->cls->settle (dev);
}

void
vt_device_set_running (VtDevice *dev, bool running)
{
  if ((dev->phase == VT_DEVICE_RUNNING) == running)
    return;
  enter (dev, running ? VT_DEVICE_RUNNING : VT_DEVICE_PAUSED);
  if (running && dev->cls->resume != NULL)
    dev->cls->resume (dev);
}

void
vt_device_free (VtDevice *dev)
{
  if (dev == NULL)
    return;
  enter (dev, VT_DEVICE_GONE);
  if (dev->cls->finalize != NULL)
    dev->cls->finalize (dev);
  g_free (dev->path);
  g_free (dev);
}

void *
vt_device_state (VtDevice *dev)
{
  return (uint8_t *) dev + dev->cls->state_off;
}

void
vt_device_save (VtDevice *dev, GByteArray *out)
{
  vt_state_save (&dev->cls->state, vt_device_state (dev), out);
}

bool
vt_device_load (VtDevice *dev, unsigned version, const uint8_t *data, size_t len, GError **error)
{
  const VtState   *state = &dev->cls->state;
  g_autofree void *incoming = g_malloc0 (state->size + 1);
  if (!vt_state_load (state, incoming, version, data, len, error)
      || (dev->cls->check != NULL && !dev->cls->check (dev, incoming, error)))
    {
      g_prefix_error (error, "%s: ", dev->path);
      return false;
    }
  memcpy (vt_device_state (dev), incoming, state->size);
  if (dev->cls->settle != NULL)
    dev->cls->settle (dev);
  return true;
}

void
vt_guest_warn (VtDevice *dev, const char *format, ...)
{
  dev->guest_warnings++;
  if (dev->guest_warnings > GUEST_WARNINGS_LOGGED)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_debug ("guest: %s: %s%s", dev->path, text,
           dev->guest_warnings == GUEST_WARNINGS_LOGGED ? " (further warnings of this device are only counted)" : "");
}
