#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""input.py VITRINECTL NAME: keys and pointers through the drivers of firmware and of Debian's kernel, as TAP."""
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

try:
    from gi.repository import Gio  # noqa: F401  control.py wants it
except ImportError:         # some other Python than Debian's comes first
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, check_dmesg      # noqa: E402
from control import Remote                      # noqa: E402
from vmconsole import GuestError                # noqa: E402

EV_SYN, EV_KEY, EV_REL, EV_ABS = range(4)
KEY_A, BTN_LEFT, BTN_RIGHT, REL_WHEEL, REL_WHEEL_HI_RES = 30, 0x110, 0x111, 8, 11
EVENT_BYTES = 24
# What the guest sees at the far ends of an axis.
RANGE = {"virtio": 65535, "usb": 32767}


def devices(guest):
    """Name of each input device: the number of its event file."""
    text = guest.command("cat /proc/bus/input/devices", PROMPT, 60)
    return {name: int(number) for name, number in re.findall(r'N: Name="([^"]*)"(?:.*\n)*?H: .*\bevent(\d+)', text)}


def find(guest, names):
    """Their event files' numbers; drivers look at a bus in their own time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = devices(guest)
        numbers = [next((n for full, n in found.items() if name in full), None) for name in names]
        if None not in numbers:
            return numbers
        guest.pump_for(0.5)
    raise GuestError(guest.explain(f"of {names} only {found} were found; {guest.command('dmesg', PROMPT, 60)}"))


def events(guest, number, count, act):
    """What the guest reads of its event file while act() happens, without times: (type, code, value)."""
    guest.send(f"exec 3</dev/input/event{number}; echo ready; head -c {count * EVENT_BYTES} <&3 | od -An -v -td4; echo done\n")
    guest.expect(r"\nready", 60)
    act()
    text = guest.expect(r"((?:\s+-?\d+)+)\s+done", 60).group(1)
    words = [int(word) & 0xffffffff for word in text.split()]
    found = []
    for at in range(0, len(words), EVENT_BYTES // 4):
        kind, value = words[at + 4], words[at + 5]
        found.append((kind & 0xffff, kind >> 16, value - (1 << 32) if value >> 31 else value))
    return found


def want(boot, guest, what, seen, wanted):
    # MSC events carry scan codes, which are the bus's own business.
    seen = [event for event in seen if event[0] in (EV_SYN, EV_KEY, EV_REL, EV_ABS) and event[1] != REL_WHEEL_HI_RES]
    if seen[:len(wanted)] != wanted:
        raise GuestError(guest.explain(f"{what}: {seen}, not {wanted}"))
    boot.ok(what)


def linux(boot, bus):
    target = boot.guest("demo")
    socket = boot.folder / "control"
    options = [f"--input={kind},bus={bus}" for kind in ("keyboard", "mouse", "tablet")]
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--control", socket, "--save", boot.folder / "state", *options) as guest:
        guest.expect(PROMPT, 900)
        numbers = find(guest, [f"Vitrine {'USB' if bus == 'usb' else 'Virtio'} {kind}" for kind in ("Keyboard", "Mouse", "Absolute Pointer")])
        boot.ok(f"Debian's kernel has keyboard, mouse and tablet on {bus}")
        use(boot, guest, Remote(boot.vitrinectl, socket), bus, numbers)
        check_dmesg(boot, guest)
        guest.process.send_signal(signal.SIGTERM)
        guest.wait(60)
    again(boot, target, options, bus, numbers)


def use(boot, guest, remote, bus, numbers):
    keyboard, _mouse, tablet = numbers
    extra = 2 if bus == "usb" else 0        # two more MSC events a press and release
    want(boot, guest, "a key goes down and up",
         events(guest, keyboard, 4 + extra, lambda: remote.call("type", "a")),
         [(EV_KEY, KEY_A, 1), (EV_SYN, 0, 0), (EV_KEY, KEY_A, 0), (EV_SYN, 0, 0)])
    edge = RANGE[bus]
    want(boot, guest, "the tablet points at the corner",
         events(guest, tablet, 3, lambda: remote.call("pointer", "to", "100%", "100%")),
         [(EV_ABS, 0, edge), (EV_ABS, 1, edge), (EV_SYN, 0, 0)])
    want(boot, guest, "a click is the tablet's while it points",
         events(guest, tablet, 4 + extra, lambda: remote.call("pointer", "click", "right")),
         [(EV_KEY, BTN_RIGHT, 1), (EV_SYN, 0, 0), (EV_KEY, BTN_RIGHT, 0), (EV_SYN, 0, 0)])
    want(boot, guest, "the wheel turns",
         events(guest, tablet, 3 if bus == "usb" else 2, lambda: remote.call("pointer", "scroll", "-2")),
         [(EV_REL, REL_WHEEL, -2), (EV_SYN, 0, 0)])


def again(boot, target, options, bus, numbers):
    """A saved machine's drivers and devices still understand each other."""
    socket = boot.folder / "control2"
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--control", socket, "--restore", boot.folder / "state", *options) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 120)
        remote = Remote(boot.vitrinectl, socket)
        extra = 2 if bus == "usb" else 0
        want(boot, guest, "keys arrive after a restore",
             events(guest, numbers[0], 4 + extra, lambda: remote.call("type", "a")),
             [(EV_KEY, KEY_A, 1), (EV_SYN, 0, 0), (EV_KEY, KEY_A, 0), (EV_SYN, 0, 0)])


def virtio(boot):
    linux(boot, "virtio")


def usb(boot):
    linux(boot, "usb")


def ovmf(boot):
    """Firmware's own USB keyboard driver: nothing else would power the machine off."""
    socket = boot.folder / "control"
    with boot.run("--firmware", "uefi", "--memory", "256M", "--input", "keyboard", "--control", socket) as guest:
        guest.expect(r"Shell> ", 500)
        boot.ok("OVMF starts its shell")
        Remote(boot.vitrinectl, socket).call("type", "reset -s\n")
        if guest.wait(60) != 0:
            raise GuestError(guest.explain("“reset -s” by the USB keyboard does not power off"))
        boot.ok("what the USB keyboard types, OVMF does")


TESTS = {test.__name__: test for test in (virtio, usb, ovmf)}


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in TESTS:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="vitrine-input-") as folder:
        boot = Boot(sys.argv[1], folder)
        boot.attempt(sys.argv[2], TESTS[sys.argv[2]])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
