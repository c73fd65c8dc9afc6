#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""usb.py PROGRAM VITRINECTL PICTURES NAME: “USB Devices…” of a machine's window, with a test card for a machine, a folder for this computer's
/sys, and a script for the process that gives devices away, as TAP."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui                                         # noqa: E402
from desktop import Missing, wait                 # noqa: E402
from ui import menu, ok                           # noqa: E402

STICK, KEYS = "Vitrine Test Stick", "Vitrine Test Keyboard"
GIVER = """#!/bin/sh
[ -e "{folder}/refuse" ] && {{ echo "The stick is busy with something."; exit 1; }}
echo OK
exec >&-
while [ -e "{folder}/tree/sys/bus/usb/devices/$(cat "{folder}/port-$2")" ]; do sleep 0.05; done
"""


class Computer:
    def __init__(self, d):
        self.folder = d.folder / "computer"
        self.devices = self.folder / "tree" / "sys" / "bus" / "usb" / "devices"
        self.devices.mkdir(parents=True)
        giver = self.folder / "giver"
        giver.write_text(GIVER.format(folder=self.folder))
        giver.chmod(0o755)
        os.environ.update({"VITRINE_HOST_TREE": str(self.folder / "tree"), "VITRINE_USB_GIVER": str(giver)})

    def plug_in(self, port, address, product, interface="08 50"):
        folder = self.devices / port
        folder.mkdir()
        (self.folder / f"port-{address}").write_text(port)
        for name, text in (("busnum", 1), ("idVendor", "46f4"), ("idProduct", f"{address:04x}"), ("bDeviceClass", "00"),
                           ("manufacturer", "Vitrine"), ("product", product), ("devnum", address)):
            (folder / name).write_text(f"{text}\n")
        code, protocol = interface.split()
        part = self.devices / f"{port}:1.0"
        part.mkdir()
        (part / "bInterfaceClass").write_text(code)
        (part / "bInterfaceProtocol").write_text(protocol)

    def pull_out(self, port):
        shutil.rmtree(self.devices / port)
        shutil.rmtree(self.devices / f"{port}:1.0")


def switch(d, window, name):
    return d.find(window, "toggle button", name)


def begin(d):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    menu(d, window, "USB Devices…")
    return window, d.window("USB Devices for the Machine")


def usb_devices(d):
    computer = Computer(d)
    window, page = begin(d)
    d.says(page, "There are no USB devices on this computer")
    d.picture("none")
    ok("without USB devices the page says so")
    computer.plug_in("1-4", 5, "Test Stick")
    stick = switch(d, page, STICK)
    ok("one that is plugged in appears, by its name")
    d.click(stick)
    dialog = d.window("USB Device")
    d.says(dialog, f"Give “{STICK}” to the guest?")
    d.picture("asked")
    d.press(dialog, "Cancel")
    wait("the switch is off", lambda: stick.sensitive and not stick.checked)
    if "usb 1:5" in d.screen_text(window):
        raise Missing("the guest has it all the same")
    ok("the person is asked by the helper outside, and may change their mind")
    d.click(stick)
    d.press(d.window("USB Device"), "Give")
    wait("the guest has it", lambda: "usb 1:5 " in d.screen_text(window))
    wait("the switch says so", lambda: stick.checked and "The guest has it" in stick.description)
    d.picture("given")
    ok("the guest gets it")
    d.click(stick)
    wait("it is taken back", lambda: "no usb 1:5 " in d.screen_text(window) and not stick.checked)
    ok("it is taken back")
    refused(d, computer, page, stick)
    warned(d, computer, page)
    pulled(d, computer, window, page)
    by_terminal(d, computer, window)


def refused(d, computer, page, stick):
    (computer.folder / "refuse").touch()
    d.click(stick)
    d.press(d.window("USB Device"), "Give")
    wait("the row says why", lambda: "The stick is busy with something." in stick.description and not stick.checked)
    d.picture("refused")
    (computer.folder / "refuse").unlink()
    ok("what cannot be given says why, in its row")


def warned(d, computer, page):
    computer.plug_in("1-2", 7, "Test Keyboard", "03 01")
    keys = switch(d, page, KEYS)
    wait("the row warns", lambda: "It is a keyboard" in keys.description)
    d.click(keys)
    dialog = d.window("USB Device")
    d.says(dialog, "you cannot type with it here")
    d.picture("keyboard")
    d.key("Escape")
    d.no_window("USB Device")
    wait("the switch is off", lambda: keys.sensitive and not keys.checked)
    ok("the computer's own keyboard is not given without a warning")


def pulled(d, computer, window, page):
    stick = switch(d, page, STICK)
    d.click(stick)
    d.press(d.window("USB Device"), "Give")
    wait("the guest has it", lambda: stick.checked and "The guest has it" in stick.description)
    computer.pull_out("1-4")
    d.says(window, f"“{STICK}” is no longer plugged into this computer")
    wait("its row goes", lambda: STICK not in [node.name for node in page.findChildren(lambda node: node.roleName == "toggle button")])
    d.picture("pulled")
    ok("pulled out while the guest has it, the window says so and the row goes")


def by_terminal(d, computer, window):
    computer.plug_in("1-4", 8, "Test Stick")
    d.ctl("usb", "attach", "Card", "46f4:0008")
    wait("the guest has it", lambda: "usb 1:8 " in d.screen_text(window))
    if "the guest has it" not in d.ctl("usb", "list", "Card"):
        raise Missing(d.ctl("usb", "list", "Card"))
    done = d.ctl("usb", "attach", "Card", "46f4:4711", ok=False)
    if done.returncode != 1 or "There is no USB device 46f4:4711" not in done.stderr:
        raise Missing(f"{done.returncode} {done.stderr}")
    d.ctl("usb", "detach", "Card", "1-4")
    wait("it is taken back", lambda: "no usb 1:8 " in d.screen_text(window))
    ok("a terminal lists, gives and takes devices")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")


def usb_definition(d):
    computer = Computer(d)
    computer.plug_in("1-4", 5, "Test Stick")
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    definition = next(d.machines.glob("*/domain.xml"))
    definition.write_text(definition.read_text().replace("</devices>", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x46f4'/>"
                                                         "<product id='0x0005'/></source></hostdev></devices>"))
    valid = subprocess.run(["virt-xml-validate", definition, "domain"], capture_output=True, text=True, check=False)
    if valid.returncode != 0:
        raise Missing(valid.stderr)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    wait("the guest has it", lambda: "usb 1:5 " in d.screen_text(window))
    ok("what the definition names is given when the machine starts, and nobody is asked")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")
    computer.pull_out("1-4")
    d.ctl("start", "Card", ok=False)
    window = d.window("Card")
    d.says(window, "There is no USB device 46f4:0005 at this computer.")
    d.picture("missing")
    ok("when it is not there, the machine does not start, and the window says why")


if __name__ == "__main__":
    ui.run({"usb": (usb_devices, None), "usb-definition": (usb_definition, None)})
