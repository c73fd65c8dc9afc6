#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse includes that the compiler cannot refuse.

Folders see each other through meson's include directories only; this checks the rest: no "../", no device that includes
another device, no operating-system headers or GTK where they do not belong.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
SYSTEM = re.compile(r"^(unistd|fcntl|pthread|time|signal|poll|termios|sys/.*|linux/.*|glib-unix)\.h$")
# Folders (under engine/) that may talk to the operating system.
HOST_SIDE = ("host", "block", "chardev", "net", "share", "sound", "swtpm", "migration", "accel/kvm")
ALLOWED_SYSTEM = {"linux/input-event-codes.h"}
# Headers under devices/ that are frameworks, not devices.
FRAMEWORK = {"pci-function.h", "pci-bus.h", "pci-regs.h", "pci-private.h", "q35-intx.h", "host-bridge.h", "pirq.h", "virtio-device.h", "virtio-pci.h",
             "virtqueue.h", "virtqueue-private.h", "net-offload.h", "input-queue.h", "usb-device.h", "testbench.h", "pci-rig.h", "driver-rig.h", "nvme-rig.h", "virtio-blk-rig.h", "screen-rig.h", "scsi.h", "ata.h", "ata-slot.h",
             "ata-command.h", "floppy.h", "virtio-transport.h", "screen.h", "dispi.h", "vga.h", "vga-bus.h", "tpm-device.h"}


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


# A device that is split into several files: those may include each other.
FAMILIES = [{"scsi", "scsi-private"}, {"stdvga", "vga"}, {"ata", "atapi"}, {"i8042", "ps2"}]


def device_headers():
    return {h.name for h in (ROOT / "engine/devices").rglob("*.h")} - FRAMEWORK


def family(path):
    """All files of one device share the first word of their names, or stand in FAMILIES."""
    word = re.split(r"[-.]", path.name)[0]
    return next((sorted(f) for f in FAMILIES if word in f), [word])


def check_engine(path, headers, problems):
    folder = path.relative_to(ROOT / "engine").as_posix()
    test = path.name.endswith("-test.c")
    for kind, name in includes(path):
        if name.startswith("gtk/") or name.startswith("gdk/"):
            problems.append(f"{path}: no GTK in the engine: {name}")
        if SYSTEM.match(name) and name not in ALLOWED_SYSTEM and not test and not folder.startswith(HOST_SIDE):
            problems.append(f"{path}: operating-system header: {name}")
        if folder.startswith("devices/") and kind == '"' and not test and name in headers:
            own = {p.name for p in path.parent.glob("*.h") if family(p) == family(path)}
            if name not in own:
                problems.append(f"{path}: a device includes another device: {name}")


def check_src(path, problems):
    folder = path.relative_to(ROOT / "src").parts[0]
    for _, name in includes(path):
        below_ui = folder in ("model", "host-helper") or (folder in ("hosts", "move", "passthrough") and "ui" not in path.parts)
        if below_ui and re.match(r"(gtk/|gdk/|handy|vte)", name):
            problems.append(f"{path}: no widgets in the model: {name}")
        if name.startswith("libvirt") and (folder != "hosts" or "ui" in path.parts):
            problems.append(f"{path}: libvirt outside src/hosts: {name}")
        if name.startswith("vitrine/") and folder not in ("backend", "model", "ctl"):
            problems.append(f"{path}: engine header outside backend and model: {name}")


def main():
    problems = []
    headers = device_headers()
    for path in sorted(list((ROOT / "engine").rglob("*.[ch]")) + list((ROOT / "src").rglob("*.[ch]"))):
        for _, name in includes(path):
            if name.startswith("../"):
                problems.append(f"{path}: relative include: {name}")
        if path.is_relative_to(ROOT / "engine"):
            check_engine(path, headers, problems)
        else:
            check_src(path, problems)
    for problem in problems:
        print(problem.replace(str(ROOT) + "/", ""))
    print(f"{len(problems)} forbidden includes")
    return 1 if problems else 0


sys.exit(main())
