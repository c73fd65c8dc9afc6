#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bridge.py PROGRAM VITRINECTL PICTURES NAME: a machine in a window, and so in a confined process, on a bridge and a TAP device, as TAP.

In a network namespace of this test, which takes root.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "boot"))
sys.path.insert(0, str(TOP / "tests" / "ui"))
sys.path.insert(0, str(TOP / "tools"))
import boot                       # noqa: E402
import desktop                    # noqa: E402
import linuxbox                   # noqa: E402
import network                    # noqa: E402
import ui                         # noqa: E402
from desktop import Missing       # noqa: E402
from linuxbox import PROMPT       # noqa: E402
from ui import ok, part, settings_of   # noqa: E402


def choose(d, window, number, kind, name):
    card = part(d, window, "list item", f"Network card {number}")
    part(d, card, "combo box", "Connected to").combovalue = kind
    part(d, card, "text", "Name of the network or device").text = name
    return card


def put_on_bridge(d, definition):
    window = settings_of(d, "Box")
    choose(d, window, 1, "Bridge of this computer", "a name that is too long")
    d.press(window, "Apply")
    d.says(window, "is no name of a network device")
    choose(d, window, 1, "Bridge of this computer", "vtbr0")
    d.says(window, "Bridge “vtbr0” of this computer")
    d.picture("bridge-settings")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if '<source bridge="vtbr0"/>' not in definition.read_text():
        raise Missing(definition.read_text())
    ok("the settings put a card on a bridge")


def start_refused(d):
    """Then allowed: the window tries again, in a new process that joins before it is confined."""
    network.CONFIG.write_text("deny all\n")
    d.ctl("start", "Box", ok=False)
    window = d.window("Box")
    d.says(window, "Add this line to it as root: allow vtbr0")
    d.picture("bridge-refused")
    ok("a bridge that is not allowed: the window says which line allows it")
    network.CONFIG.write_text("allow vtbr0\n")
    d.press(window, "Try Again")
    d.wait_state("Box", "running")


def reach(console, device, net):
    console.command(f"ip addr add {net}.2/24 dev {device}; ip link set {device} up", PROMPT, 60)
    if ", 0% packet loss" not in console.command(f"ping -c 2 {net}.1 | grep loss", PROMPT, 60):
        raise Missing(f"{device} does not reach this computer")


def go_back(d, uuid):
    """Another machine is made, within this process."""
    linuxbox.go_back_within(d, uuid, "Here", lambda console: "No such file" in console.command("ls /tmp/later", PROMPT, 10))
    with linuxbox.console(d, 60) as console:
        reach(console, "eth0", "10.78.0")
        reach(console, "eth1", "10.77.0")


def add_on_bridge(d, disk=None):
    window = settings_of(d, "Box")
    if disk is not None:
        part(d, window, "push button", "Add Disk Image").doActionNamed("click")
        part(d, part(d, window, "list item", "Disk vda"), "text", "Image").text = str(disk)
    part(d, window, "push button", "Add Network Card").doActionNamed("click")
    card = choose(d, window, 3, "Bridge of this computer", "vtbr0")
    if "at the next start" in card.description:
        raise Missing("a card on a bridge has no slot")
    d.press(window, "Apply")
    return window


def in_slots(d, uuid):
    """How many of a definition's cards there are, and the last one's address."""
    macs = re.findall(r'<mac address="([^"]*)"/>', (d.machines / uuid / "domain.xml").read_text())
    return len(macs), macs[-1]


def comes(d, uuid, console):
    before = in_slots(d, uuid)
    console.command("stty cols 200", PROMPT, 60)
    disk = d.folder / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    network.CONFIG.write_text("deny all\n")
    window = add_on_bridge(d, disk)
    d.says(window, "Add this line to it as root: allow vtbr0", 60)
    d.picture("bridge-running-refused")
    d.key("Escape")
    d.no_window("Settings of Box")
    if in_slots(d, uuid) != before or "eth2" in console.command("ls /sys/class/net", PROMPT, 60):
        raise Missing("a card came although the bridge is not allowed")
    if "vda" not in console.command("dmesg | grep vda", PROMPT, 60) or "vda" in console.command("ls /sys/block", PROMPT, 60):
        raise Missing("the disk that came before the card has not come, or has not gone again")
    ok("a bridge that is not allowed: the running machine is again what it was")
    network.CONFIG.write_text("allow vtbr0\n")
    add_on_bridge(d)
    d.no_window("Settings of Box")
    console.command("ip addr flush dev eth0; until [ -e /sys/class/net/eth2 ]; do usleep 100000; done", PROMPT, 60)
    reach(console, "eth2", "10.78.0")
    ok("a card on a bridge comes into the running machine")
    mac = d.ctl("attach-net", "Box", "tap=vt1").strip()
    console.command("until [ -e /sys/class/net/eth3 ]; do usleep 100000; done", PROMPT, 60)
    reach(console, "eth3", "10.79.0")
    ok("so does one on a TAP device, from a terminal")
    return mac


def stays(d, uuid, mac):
    """The devices are the process's, for the next machine that it builds, and go with their cards."""
    with linuxbox.console(d, 60) as console:
        d.ctl("snapshot", "take", "Box", "Four")
        console.command("touch /tmp/still-later", PROMPT, 30)
    linuxbox.go_back_within(d, uuid, "Four", lambda console: "No such file" in console.command("ls /tmp/still-later", PROMPT, 10))
    with linuxbox.console(d, 60) as console:
        reach(console, "eth2", "10.78.0")
        reach(console, "eth3", "10.79.0")
        ok("the next machine of the same process has them, too")
        console.command("stty cols 200", PROMPT, 60)
        d.ctl("detach-net", "Box", mac)
        again = d.ctl("attach-net", "Box", "tap=vt1").strip()
        console.command("until [ -e /sys/class/net/eth3 ]; do usleep 100000; done", PROMPT, 60)
        reach(console, "eth3", "10.79.0")
        d.ctl("detach-net", "Box", again)
        d.ctl("detach-net", "Box", in_slots(d, uuid)[1])
    on_bridge = subprocess.run(["ip", "-o", "link", "show", "master", "vtbr0"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if on_bridge.count("\n") != 1:
        raise Missing(f"a card has gone, and on the bridge there is {on_bridge}")
    ok("a device goes with its card, and can come again")


def bridge(d):
    uuid = linuxbox.create(d, append=" net.ifnames=0")
    d.ctl("attach-net", "Box", "tap=vt0")
    d.start([d.program])
    d.window("Vitrine")
    put_on_bridge(d, d.machines / uuid / "domain.xml")
    start_refused(d)
    with linuxbox.console(d) as console:
        reach(console, "eth0", "10.78.0")
        reach(console, "eth1", "10.77.0")
        ok("a confined machine is on the bridge and on the TAP device")
        d.ctl("snapshot", "take", "Box", "Here")
        console.command("touch /tmp/later", PROMPT, 30)
    go_back(d, uuid)
    ok("the next machine of the same process is there again")
    with linuxbox.console(d, 60) as console:
        mac = comes(d, uuid, console)
    stays(d, uuid, mac)


def enter():
    """Before there is an X server, which is to be in there as well."""
    if desktop.INSIDE in os.environ:
        return None
    os.environ["VITRINE_UI_IMAGE"] = ui.find_image("demo")
    network.enter_namespace()
    network.sh("ip tuntap add dev vt1 mode tap && ip addr add 10.79.0.1/24 dev vt1 && ip link set vt1 up")
    if network.find_helper() is None:
        raise boot.Skip("a bridge is joined by qemu-bridge-helper, which is not installed")
    folder = tempfile.TemporaryDirectory(prefix="vitrine-bridge-")     # pylint: disable=consider-using-with
    network.own_etc(folder.name)
    return folder


if __name__ == "__main__":
    try:
        kept = enter()
    except (boot.Skip, desktop.Skip) as reason:
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    ui.run({"bridge": (bridge, "demo")})
