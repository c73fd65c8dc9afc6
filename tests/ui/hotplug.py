#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hotplug.py PROGRAM VITRINECTL PICTURES NAME: the hardware of a running Linux guest, changed in the settings window, as TAP."""
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linuxbox                   # noqa: E402
import ui                         # noqa: E402
from desktop import Missing      # noqa: E402
from linuxbox import PROMPT       # noqa: E402
from ui import ok, part, settings_of   # noqa: E402


def asked(console, command, pattern, what, seconds=60):
    """Until the guest's answer has it."""
    deadline = time.monotonic() + seconds
    while not re.search(pattern, answer := console.command(command, PROMPT, 30)):
        if time.monotonic() > deadline:
            raise Missing(f"{what}: the guest says {answer}")
        time.sleep(0.2)


def apply(d, window):
    d.press(window, "Apply")
    d.no_window("Settings of Box")


def settings(d):
    d.window("Box")
    d.chord("ctrl", "alt")
    return settings_of(d, "Box")


def hardware_live(d):
    disk, extra, disc, first = (d.folder / name for name in ("system.qcow2", "extra.qcow2", "disc.iso", "first.iso"))
    d.ctl("image", "create", "--format", "qcow2", disk, "64M")
    d.ctl("image", "create", "--format", "qcow2", extra, "32M")
    first.write_bytes(os.urandom(1 << 20))
    disc.write_bytes(os.urandom(3 << 20))
    uuid = linuxbox.create(d, "--cdrom", first)
    definition = d.machines / uuid / "domain.xml"
    d.ctl("attach-disk", "Box", f"{disk},format=qcow2")
    d.start([d.program])
    d.window("Vitrine")
    linuxbox.start(d)
    with linuxbox.console(d) as console:
        console.command("stty cols 200", PROMPT, 30)
        add(d, console, extra, disc)
        d.ctl("snapshot", "take", "Box", "both")
        add_encrypted(d, console, definition)
        from_a_terminal(d, console, definition, disc)
        remove(d, console)
        if str(extra) in {os.readlink(f) for f in Path(f"/proc/{d.pid(uuid)}/fd").iterdir() if f.is_symlink()}:
            raise Missing("the image is still open")
    d.ctl("stop", "--force", "Box")
    d.no_window("Box")
    d.ctl("snapshot", "revert", "Box", "both")
    d.ctl("start", "Box")
    d.wait_state("Box", "running")
    if str(extra) not in definition.read_text():
        raise Missing("the definition of the snapshot has not come back")
    with linuxbox.console(d, 60) as console:
        asked(console, "ls /sys/block /sys/class/net", r"(?s)vdb.*eth1", "after going back")
        asked(console, "head -c 5 /dev/vdb", "hello", "what was written to the disk")
    ok("going back to a snapshot brings the disk and the card back")


def add(d, console, extra, disc):
    window = settings(d)
    part(d, window, "push button", "Add Disk Image").doActionNamed("click")
    part(d, part(d, window, "list item", "Disk vdb"), "text", "Image").text = str(extra)
    part(d, window, "push button", "Add Network Card").doActionNamed("click")
    card = part(d, window, "list item", "Network card 2")
    part(d, card, "combo box", "Model").combovalue = "Intel 82574 (e1000e): for systems without virtio"
    if "at the next start" in card.description:
        raise Missing("an e1000e has no slot")
    part(d, part(d, window, "list item", "CD drive sda"), "text", "Image").text = str(disc)
    d.picture("hardware-live-added")
    apply(d, window)
    asked(console, "ls /sys/block", "vdb", "a disk that was added")
    asked(console, "ls /sys/class/net", "eth1", "a card that was added")
    asked(console, "readlink -f /sys/class/net/eth1/device/driver", "drivers/e1000e", "its driver")
    asked(console, "ip link set eth1 up; udhcpc -i eth1 -n -q -s /bin/true 2>&1", r"lease of 10\.0\.2\.\d+ obtained", "its address")
    asked(console, "head -c 9999999 /dev/sr0 | wc -c", rf"\b{3 << 20}\b", "the disc")
    console.command("echo hello > /dev/vdb; sync", PROMPT, 30)
    ok("a disk, a card and a disc come into the running guest")
    window = settings(d)
    part(d, part(d, window, "list item", "Disk vda"), "spin button", "Size (GiB)").value = 1.0
    apply(d, window)
    asked(console, "cat /sys/block/vda/size", rf"\b{(1 << 30) // 512}\b", "the larger disk")
    ok("a disk grows, and the guest sees it")


def unlock(d, words):
    dialog = d.window("Unlock Disk")
    d.focused(dialog, "password text")
    d.type(words)
    d.key("Return")
    return dialog


def add_encrypted(d, console, definition):
    """Its passphrase is asked for before anything comes."""
    key, secret = d.folder / "key", d.folder / "secret.luks"
    key.write_text("correct horse")
    d.ctl("image", "create", "--format", "luks", "--key-file", key, "--iteration-time", "50", secret, "16M")
    before = definition.read_text()
    window = settings(d)
    part(d, window, "push button", "Add Disk Image").doActionNamed("click")
    row = part(d, window, "list item", "Disk vdc")
    part(d, row, "text", "Image").text = str(secret)
    if "encrypted" not in row.description or "at the next start" in row.description:
        raise Missing(f"the row says {row.description}")
    d.press(window, "Apply")
    dialog = unlock(d, "wrong horse")
    d.says(dialog, "This passphrase is wrong")
    d.picture("hardware-live-locked")
    d.press(dialog, "Cancel")
    d.says(window, "needs its passphrase before it can be added")
    d.picture("hardware-live-kept-locked")
    if definition.read_text() != before or "vdc" in console.command("ls /sys/block", PROMPT, 30):
        raise Missing("a disk came without its passphrase")
    ok("without the passphrase nothing is changed, and the settings say so")
    d.press(window, "Apply")
    unlock(d, "correct horse")
    d.no_window("Settings of Box")
    asked(console, "ls /sys/block", "vdc", "an encrypted disk")
    asked(console, "echo in-the-open > /dev/vdc; sync; echo 3 > /proc/sys/vm/drop_caches; head -c 11 /dev/vdc", "in-the-open", "what was written")
    if "<encryption" not in definition.read_text() or b"in-the-open" in secret.read_bytes():
        raise Missing("the disk is not encrypted")
    ok("with it, an encrypted disk comes into the running guest")


def from_a_terminal(d, console, definition, disc):
    """What vitrinectl changes of a running machine, and what it leaves for the next start."""
    for words, problem in ((("set", "Box", "memory=1G"), "--config"), (("attach-tpm", "Box"), "--config"), (("set-disk", "Box", "vda", "bus=nvme"), "--config"),
                           (("attach-cd", "Box"), "--config"), (("set-net", "Box", "0", "model=e1000e"), "--config")):
        before = definition.read_text()
        if problem not in d.ctl(*words, ok=False).stderr or definition.read_text() != before:
            raise Missing(f"a running machine takes {words}")
    d.ctl("set", "Box", "description=Changed while it runs")
    d.ctl("set", "Box", "cpus=2", "--config")
    if "Changed while" not in definition.read_text() or ">2</vcpu>" not in definition.read_text():
        raise Missing("the definition has not changed")
    d.ctl("set", "Box", "cpus=1", "--config")
    ok("a terminal changes a running machine's words, and the rest for the next start")
    mac = d.ctl("attach-net", "Box", "user,model=e1000e").strip()
    asked(console, "cat /sys/class/net/eth2/address", mac, "a card from a terminal")
    console.command("ip link set eth2 up", PROMPT, 30)
    asked(console, "cat /sys/class/net/eth2/carrier", "1", "its cable")
    d.ctl("set-net", "Box", mac, "cable=off")
    asked(console, "cat /sys/class/net/eth2/carrier", "0", "its cable, pulled")
    d.ctl("detach-net", "Box", mac)
    asked(console, "ls /sys/class/net; echo all", r"eth1\s+lo\s+all", "the card that went")
    other = d.folder / "other.iso"
    other.write_bytes(os.urandom(5 << 20))
    d.ctl("set-disk", "Box", "sda", f"image={other}")
    asked(console, "head -c 9999999 /dev/sr0 | wc -c", rf"\b{5 << 20}\b", "another disc")
    if str(other) not in definition.read_text() or mac in definition.read_text():
        raise Missing("the definition is not what runs")
    d.ctl("set-disk", "Box", "sda", f"image={disc}")
    ok("cards, cables and discs of a running machine change from a terminal, and its definition with them")


def remove(d, console):
    window = settings(d)
    fixed = part(d, window, "push button", "Remove Disk vda")
    if fixed.sensitive:
        raise Missing("a disk that was there at the start can be removed")
    part(d, window, "push button", "Remove Disk vdc").doActionNamed("click")
    part(d, window, "push button", "Remove Disk vdb").doActionNamed("click")
    part(d, window, "push button", "Remove Network card 2").doActionNamed("click")
    d.press(window, "Apply")
    d.says(window, "Waiting for the guest")
    d.picture("hardware-live-waiting")
    deadline = time.monotonic() + 60
    while re.search("vd[bc]", console.command("ls /sys/block", PROMPT, 30)) or "eth1" in console.command("ls /sys/class/net", PROMPT, 30):
        if time.monotonic() > deadline:
            raise Missing("the guest has not let go")
    d.no_window("Settings of Box")
    ok("they go again, after the guest has let go of them")


if __name__ == "__main__":
    ui.run({"hardware-live": (hardware_live, "slots")})
