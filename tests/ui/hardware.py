#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hardware.py PROGRAM VITRINECTL PICTURES NAME: a machine’s devices in its settings, as TAP."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, wait  # noqa: E402
from ui import ok, part, settings_of  # noqa: E402


def unfold(d, window, name):
    """As a person with a keyboard: the focus goes there, and the list scrolls to it."""
    button = part(d, window, "toggle button", name)
    button.grabFocus()
    wait(f"“{name}” has the focus, and is in sight", lambda: button.focused and d.find(window, "toggle button", name))
    button.doActionNamed("click")


def hardware(d):
    """A machine's devices, off and on. The guest only computes; what becomes of its devices is in its definition and its images."""
    disk, extra, disc = d.folder / "system.qcow2", d.folder / "extra.qcow2", d.folder / "disc.iso"
    d.ctl("image", "create", "--format", "qcow2", disk, "64M")
    d.ctl("image", "create", "--format", "qcow2", extra, "32M")
    disc.write_bytes(b"not really a disc" * 4096)
    uuid = d.ctl("create", "Box", "--kernel", os.environ["VITRINE_UI_KERNEL"], "--disk", f"{disk},format=qcow2").strip()
    definition = d.machines / uuid / "domain.xml"
    d.start([d.program])
    d.window("Vitrine")
    window = settings_of(d, "Box")
    part(d, window, "list item", "Disk vda")
    d.picture("hardware")
    ok("the settings list the machine's devices")
    part(d, window, "push button", "Add Network Card").doActionNamed("click")
    part(d, window, "list item", "Network card 2")
    part(d, window, "push button", "Remove Network card 2").doActionNamed("click")
    d.press(window, "Undo")
    part(d, window, "list item", "Network card 2")
    ok("a card is added, removed, and had back")
    part(d, window, "push button", "Add CD Drive").doActionNamed("click")
    part(d, window, "list item", "CD drive sda")
    part(d, window, "push button", "Add Disk Image").doActionNamed("click")
    image = part(d, part(d, window, "list item", "Disk vdb"), "text", "Image")
    image.text = str(extra)
    d.picture("hardware-added")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    text = definition.read_text()
    if text.count("<interface") != 2 or 'device="cdrom"' not in text or text.count('type="qcow2"') != 2 or str(extra) not in text:
        raise Missing(f"the definition is {text}")
    ok("Apply writes them, with the format of the image that was chosen")
    window = settings_of(d, "Box")
    row = part(d, window, "list item", "Disk vda")
    part(d, row, "spin button", "Size (GiB)").value = 1.0
    unfold(d, window, "New Disk…")
    d.press(window, "Create")
    part(d, window, "list item", "Disk vdc")
    images = list((d.machines.parent / "images").iterdir())
    d.key("Escape")
    d.no_window("Settings of Box")
    wait("the new image is gone", lambda: len(images) == 1 and not images[0].exists())
    if f"{64 << 20} bytes" not in d.ctl("image", "info", disk):
        raise Missing("the disk has grown, though nobody said yes")
    ok("what nobody says yes to leaves no image, and changes none")
    window = settings_of(d, "Box")
    row = part(d, window, "list item", "Disk vda")
    part(d, row, "spin button", "Size (GiB)").value = 1.0
    part(d, window, "toggle button", "Memory balloon").doActionNamed("toggle")
    part(d, window, "toggle button", "Sound card").doActionNamed("toggle")
    mac = part(d, part(d, window, "list item", "Network card 1"), "text", "Address (MAC)")
    mac.text = "53:54:00:12:34:56"
    d.press(window, "Apply")
    d.says(window, "is an address of many cards")
    mac.text = "52:54:00:12:34:56"
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if f"{1 << 30} bytes" not in d.ctl("image", "info", disk):
        raise Missing(d.ctl("image", "info", disk))
    if "<sound" in definition.read_text():
        raise Missing("the sound card was switched off, and is still there")
    ok("a disk grows, the sound card goes, and a wrong address is told")
    d.ctl("start", "Box")
    d.window("Box")
    d.wait_state("Box", "running")
    d.chord("ctrl", "alt")
    window = settings_of(d, "Box")
    d.says(window, "The machine is on")
    card = part(d, window, "list item", "Network card 1")
    cable = part(d, card, "toggle button", "Cable plugged in")
    fixed = part(d, card, "text", "Address (MAC)")
    if fixed.sensitive or not cable.sensitive:
        raise Missing("what can change while the machine is on is not what can")
    cable.doActionNamed("toggle")
    part(d, part(d, window, "list item", "CD drive sda"), "text", "Image").text = str(disc)
    part(d, window, "spin button", "Memory for the guest (MiB)").value = 512
    d.picture("hardware-running")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if 'state="down"' not in definition.read_text() or str(disc) not in definition.read_text():
        raise Missing(definition.read_text())
    if str(disc) not in " ".join(os.readlink(f) for f in Path(f"/proc/{d.pid(uuid)}/fd").iterdir() if f.is_symlink()):
        raise Missing("the running machine does not have the disc")
    if not re.search(f"Wanted for the guest: .*{512 << 20} bytes", d.ctl("info", "Box")):
        raise Missing(d.ctl("info", "Box"))
    ok("disc, cable and memory of a running machine change at once")


def floppies(d):
    """A PC has a cable for two."""
    kernel = os.environ["VITRINE_UI_KERNEL"]
    uuid = d.ctl("create", "Old", "--kernel", kernel).strip()
    definition = d.machines / uuid / "domain.xml"
    definition.write_text(re.sub(r'machine="[^"]*"', 'machine="pc"', definition.read_text()))
    d.start([d.program])
    d.window("Vitrine")
    window = settings_of(d, "Old")
    add = part(d, window, "push button", "Add Floppy Drive")
    add.doActionNamed("click")
    part(d, window, "list item", "Floppy drive fda")
    if not add.sensitive:
        raise Missing("a second one cannot be added")
    add.doActionNamed("click")
    part(d, window, "list item", "Floppy drive fdb")
    wait("a third cannot be added", lambda: not add.sensitive and add.description == "A machine has two floppy drives at most")
    d.picture("floppies")
    part(d, window, "push button", "Remove Floppy drive fda").doActionNamed("click")
    wait("there is room again", lambda: add.sensitive and add.description == "")
    d.press(window, "Undo")
    wait("there is none again", lambda: not add.sensitive)
    d.press(window, "Apply")
    d.no_window("Settings of Old")
    if definition.read_text().count('device="floppy"') != 2:
        raise Missing(definition.read_text())
    ok("a third floppy drive is not offered, with the reason")


if __name__ == "__main__":
    ui.run({
        "floppies": (floppies, None),
        "hardware": (hardware, None),
    })
