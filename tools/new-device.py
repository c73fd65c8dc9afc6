#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a device: tools/new-device.py pc/NAME "what it is, in one line"

Writes engine/devices/pc/NAME.c, NAME.h and NAME-test.c, a device with one register that builds and passes its tests, and adds
NAME to the list in engine/devices/pc/meson.build.  docs/ADDING-A-DEVICE.md goes on from there.
"""
import pathlib
import re
import sys

HEADER = """\
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* @SUMMARY@: which chip, which datasheet. */
#pragma once

#include "device.h"

/* Outgoing wires (VtEnv.wires). */
enum
{
  VT_@UPPER@_WIRE_IRQ,
  VT_@UPPER@_WIRES,
};

/* Needs nothing else from VtEnv. */
extern const VtDeviceClass vt_@LOWER@_class;
extern const VtRegion vt_@LOWER@_region;   /* I/O 0x..., 4 bytes */
"""

SOURCE = """\
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* @SUMMARY@: datasheet and section; what it knowingly does not do. */
#include "@NAME@.h"

#include "vitrine/error.h"

#define @UPPER@_CONTROL_IRQ      0x01u
#define @UPPER@_CONTROL_WRITABLE 0x01u

typedef struct
{
  uint32_t control;
} @CAMEL@State;

static const VtField @LOWER@_fields[] = { VT_FIELD (@CAMEL@State, control) };

typedef struct
{
  VtDevice   dev;
  @CAMEL@State s;
  VtIrq      irq;
} @CAMEL@;

static void
update (@CAMEL@ *@LOWER@)
{
  vt_irq_set (&@LOWER@->irq, @LOWER@->s.control & @UPPER@_CONTROL_IRQ);
}

static void
control_written (VtDevice *dev, uint64_t old)
{
  update ((@CAMEL@ *) dev);
}

static const VtReg @LOWER@_regs[] = {
  VT_REG (@CAMEL@State, control, 0x00, VT_REG_RW, 0, @UPPER@_CONTROL_WRITABLE, control_written),
};

static uint64_t
@LOWER@_read (VtDevice *dev, uint64_t off, unsigned size)
{
  uint64_t value;
  return vt_regs_read (dev, off, size, &value) ? value : 0;
}

static void
@LOWER@_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vt_regs_write (dev, off, size, value);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const @CAMEL@State *s = incoming;
  if (!(s->control & ~@UPPER@_CONTROL_WRITABLE))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  update ((@CAMEL@ *) dev);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  @CAMEL@ *@LOWER@ = (@CAMEL@ *) dev;
  @LOWER@->irq = env->n_wires > VT_@UPPER@_WIRE_IRQ ? env->wires[VT_@UPPER@_WIRE_IRQ] : vt_irq_detached ("@NAME@");
  return true;
}

static const VtRegionOps @LOWER@_ops = { @LOWER@_read, @LOWER@_write, 1, 4 };
const VtRegion vt_@LOWER@_region = { "@NAME@", 4, &@LOWER@_ops };
static const VtRegion *const @LOWER@_regions[] = { &vt_@LOWER@_region, NULL };

const VtDeviceClass vt_@LOWER@_class = {
  .name = "@NAME@",
  .summary = "@SUMMARY@",
  .instance_size = sizeof (@CAMEL@),
  .state_off = offsetof (@CAMEL@, s),
  .state = VT_STATE (1, @CAMEL@State, @LOWER@_fields, NULL),
  .regs = @LOWER@_regs,
  .n_regs = G_N_ELEMENTS (@LOWER@_regs),
  .regions = @LOWER@_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
};
"""

TEST = """\
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "@NAME@.h"
#include "testbench.h"

static void
the_control_bit_drives_the_wire (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_@LOWER@_class, NULL);
  bench_write (&b, &vt_@LOWER@_region, 0, 1, 4);
  g_assert_true (b.level[VT_@UPPER@_WIRE_IRQ]);
  vt_device_reset (b.dev, VT_RESET_GUEST);
  g_assert_false (b.level[VT_@UPPER@_WIRE_IRQ]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/@NAME@/wire", the_control_bit_drives_the_wire);
  return g_test_run ();
}
"""


def fill(template, name, summary):
    lower = name.replace("-", "_")
    camel = "".join(part.capitalize() for part in name.split("-"))
    values = {"NAME": name, "LOWER": lower, "UPPER": lower.upper(), "CAMEL": camel, "SUMMARY": summary}
    return re.sub(r"@(\w+)@", lambda m: values[m.group(1)], template)


def add_to_list(build, name):
    text = build.read_text(encoding="utf-8")
    match = re.search(r"(pc_devices = \[\n)(.*?)(\]\n)", text, re.S)
    names = sorted(set(re.findall(r"'([^']+)'", match.group(2))) | {name})
    entries = "".join(f"  '{n}',\n" for n in names)
    build.write_text(text[:match.start(2)] + entries + text[match.end(2):], encoding="utf-8")


def main():
    if len(sys.argv) != 3 or not re.fullmatch(r"pc/[a-z][a-z0-9]*(-[a-z0-9]+)*", sys.argv[1]):
        sys.exit(__doc__)
    name, summary = sys.argv[1].removeprefix("pc/"), sys.argv[2]
    folder = pathlib.Path(__file__).resolve().parent.parent / "engine" / "devices" / "pc"
    files = {folder / f"{name}.h": HEADER, folder / f"{name}.c": SOURCE, folder / f"{name}-test.c": TEST}
    for path in files:
        if path.exists():
            sys.exit(f"{path} exists: choose another name")
    for path, template in files.items():
        path.write_text(fill(template, name, summary), encoding="utf-8")
    add_to_list(folder / "meson.build", name)
    print(f"wrote {', '.join(path.name for path in files)}; now: meson test -C build pc-{name} devices-generic")


main()
