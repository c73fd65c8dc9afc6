#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ui.py PROGRAM VITRINECTL PICTURES NAME: passes devices of a made-up computer through to machines, by keyboard alone, as TAP.

The computer is a tree of trees.py, changed by the test's own helper (VITRINE_TEST_HELPER); the machines are a private libvirtd's."""
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "ui"), str(HERE.parent / "hosts"), str(HERE.parent / "boot"), str(HERE)]
import ui                                   # noqa: E402
from desktop import Missing, wait           # noqa: E402
from private import Libvirtd, node          # noqa: E402
from ui import ok                           # noqa: E402

LARGE = "2600x2000x24"
GPU, NIC, SPARE, ROOT_DISK = "0000:01:00.0", "0000:03:00.0", "0000:04:00.0", "0000:02:00.0"


def make_tree(d, kind):
    root = d.folder / "trees" / kind
    subprocess.run(["/usr/bin/python3", HERE / "trees.py", kind, root], check=True)
    os.environ["VITRINE_HOST_TREE"] = str(root)
    without_animations(d)
    return root


def start_helper(d, root):
    os.environ["VITRINE_HOST_HELPER_BUS"] = "session"
    d.start(["/usr/bin/python3", HERE / "polkit.py"])
    d.start([os.environ["VITRINE_TEST_HELPER"], "--root", root, "--idle", "600"])


def driver(root, address):
    path = root / "sys/bus/pci/devices" / address / "driver"
    return os.readlink(path).rsplit("/", 1)[-1] if path.is_symlink() else None


def without_animations(d):
    """Pictures are of pages, not of the way between two of them."""
    path = d.folder / "config" / "gtk-3.0" / "settings.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[Settings]\ngtk-enable-animations=0\n")


def remember(d, lv):
    path = d.folder / "config" / "vitrine" / "hosts.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[host1]\nuri={lv.uri}\nname=Private\n")


def open_dialog(d, library, card, title):
    """From the card's menu, by keys: the menu key, then the item's mnemonic."""
    item = d.find(library, "list item", card)
    wait("the card has the focus", lambda: item.queryComponent().grabFocus() and item.focused)
    d.key("shift+F10")
    d.find(library, "push button", "Pass a Device Through…")
    d.key("alt+u")
    dialog = d.window(title)
    d.active(dialog)
    return dialog


def rows(d, dialog):
    return [node.name for node in d.walk(dialog) if node.roleName == "list item" and node.showing]


def go_to_row(d, dialog, part):
    """By Tab and the arrow keys; Enter is the caller's."""
    def focused():
        return next((n for n in d.walk(dialog) if n.focused and n.roleName == "list item" and part in f"{n.name} {n.description}"), None)
    for _ in range(60):
        if focused():
            return
        d.key("Down" if any(n.focused and n.roleName == "list item" for n in d.walk(dialog)) else "Tab")
    raise Missing(f"no way by keys to a row with “{part}”: {rows(d, dialog)}")


def press_key(d, dialog, button, key):
    """A mnemonic, once its button can be pressed."""
    wait(f"“{button}” can be pressed", lambda: d.find(dialog, "push button", button).sensitive)
    d.key(key)


def text(d, dialog, name):
    return d.find(dialog, "text", name).text


def pass_gpu_through(d, lv, root, library, picture):
    dialog = open_dialog(d, library, "pc, Powered off", "Host Devices of pc")
    d.says(dialog, "From /sys of this computer, which vitrine-host-helper would change.")
    picture("devices")
    go_to_row(d, dialog, GPU)
    d.key("Return")
    d.find(dialog, "list item", "NVIDIA Corporation TU106 USB Type-C UCSI Controller")
    d.says(dialog, "They share an IOMMU group or a card, and go together.")
    d.says(dialog, "Nothing that it needs itself.")
    picture("together")
    ok("a card's row opens what goes along with it, and that the host loses nothing")
    press_key(d, dialog, "Next", "alt+n")
    managed = d.find(dialog, "radio button", "Move it once (not managed)")
    d.key("alt+m")
    wait("it is chosen", lambda: managed.checked)
    picture("how")
    press_key(d, dialog, "Next", "alt+n")
    xml = text(d, dialog, "In the definition")
    steps = text(d, dialog, "What is done, as commands")
    if xml.count("managed=\"no\"") != 4 or "echo 0000:01:00.0 > /sys/bus/pci/drivers/nouveau/unbind" not in steps:
        raise Missing(f"{xml}\n{steps}")
    picture("review")
    ok("the review shows four elements and the commands that take them from their drivers")
    press_key(d, dialog, "Pass Through", "alt+p")
    d.says(dialog, "The machine has it from its next start on.")
    if [driver(root, f"0000:01:00.{n}") for n in range(4)] != ["vfio-pci"] * 4 or lv.virsh("dumpxml", "pc").count("<hostdev") != 4:
        raise Missing(lv.virsh("dumpxml", "pc"))
    picture("done")
    press_key(d, dialog, "Close", "alt+c")
    d.no_window("Host Devices of pc")
    ok("then the drivers have changed by the helper, and libvirt has the devices")


def take_gpu_back(d, lv, root, library, picture):
    dialog = open_dialog(d, library, "pc, Powered off", "Host Devices of pc")
    d.says(dialog, "The PCI device 0000:01:00.0 is this host’s: take it out of the machine before it moves.")
    picture("present")
    button = d.find(dialog, "push button", "Remove NVIDIA Corporation TU106 [GeForce RTX 2070]")
    for _ in range(40):
        if button.focused:
            break
        d.key("Tab")
    d.key("space")
    press_key(d, dialog, "Remove", "alt+r")
    d.says(dialog, "The machine is without it from its next start on.")
    if [driver(root, f"0000:01:00.{n}") for n in range(3)] != ["nouveau", "snd_hda_intel", "xhci_hcd"] or "<hostdev" in lv.virsh("dumpxml", "pc"):
        raise Missing(lv.virsh("dumpxml", "pc"))
    d.key("Escape")
    d.no_window("Host Devices of pc")
    ok("a device is removed from the same place, and its drivers have it back")


def losses(d, library, picture):
    dialog = open_dialog(d, library, "pc, Powered off", "Host Devices of pc")
    go_to_row(d, dialog, f"{NIC}, ")
    d.key("Return")
    d.says(dialog, "The host’s own network goes over it (br0)")
    following = d.find(dialog, "push button", "Next")
    if following.sensitive:
        raise Missing("who has not said yes can go on")
    picture("losses")
    d.key("alt+l")
    wait("who has said yes can go on", lambda: following.sensitive)
    ok("what the host would lose is said, and has to be agreed to")
    press_key(d, dialog, "Back", "alt+b")
    go_to_row(d, dialog, "0000:00:1f.3")
    d.key("Return")
    d.says(dialog, "a part of the board that the host cannot do without")
    if d.find(dialog, "push button", "Next").sensitive:
        raise Missing("a group that cannot be given can be gone on with")
    picture("refused")
    d.key("Escape")
    d.no_window("Host Devices of pc")
    ok("a group that cannot be given is refused with the reason")


def conflict(d, lv, library, picture):
    dialog = open_dialog(d, library, "pc, Powered off", "Host Devices of pc")
    go_to_row(d, dialog, f"{SPARE}, ")
    d.key("Return")
    d.find(dialog, "list item", "Nothing that it needs itself.")
    press_key(d, dialog, "Next", "alt+n")
    managed = d.find(dialog, "radio button", "libvirt moves the device (managed)")
    d.key("alt+l")
    wait("it is chosen", lambda: managed.checked)
    press_key(d, dialog, "Next", "alt+n")
    d.find(dialog, "push button", "Pass Through")
    lv.virsh("desc", "pc", "--config", "meanwhile", check=True)
    press_key(d, dialog, "Pass Through", "alt+p")
    d.says(dialog, "Somebody else has changed this definition")
    d.says(dialog, "+  <description>meanwhile</description>")
    picture("conflict")
    if "<hostdev" in lv.virsh("dumpxml", "pc"):
        raise Missing("it was written all the same")
    d.key("Escape")
    d.no_window("Host Devices of pc")
    ok("what somebody else has changed meanwhile is shown, and nothing is written")


def wizard(d, scale=1):
    lv = Libvirtd(d.folder / "lv")
    def picture(name):
        d.picture(f"pci-{name}{'-hidpi' if scale > 1 else ''}")
    try:
        root = make_tree(d, "pc")
        start_helper(d, root)
        lv.define("pc", "")
        remember(d, lv)
        os.environ["GDK_SCALE"] = str(scale)
        d.start([d.program])
        library = d.window("Vitrine")
        pass_gpu_through(d, lv, root, library, picture)
        take_gpu_back(d, lv, root, library, picture)
        losses(d, library, picture)
        conflict(d, lv, library, picture)
    finally:
        lv.end()


def window(d):
    """The menu of a running machine's window. Here libvirt cannot give the device, so it has to go back."""
    lv = Libvirtd(d.folder / "lv")
    try:
        root = make_tree(d, "pc")
        start_helper(d, root)
        lv.define("running", "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/><video><model type='vga'/></video>")
        remember(d, lv)
        lv.virsh("start", "running", check=True)
        d.start([d.program, "--host=host1", f"--machine={lv.virsh('domuuid', 'running')}"])
        machine = d.window("running")
        d.find(machine, "canvas", "Screen of the machine")
        d.press(machine, "Menu", "toggle button")
        d.press(machine, "Pass a Device Through…")
        dialog = d.window("Host Devices of running")
        d.active(dialog)
        go_to_row(d, dialog, SPARE)
        d.key("Return")
        d.find(dialog, "list item", "Nothing that it needs itself.")
        press_key(d, dialog, "Next", "alt+n")
        live = d.find(dialog, "toggle button", "Also now, while the machine runs")
        if not live.checked or not d.find(dialog, "radio button", "Move it once (not managed)").checked:
            raise Missing("a libvirt of the person's own cannot manage devices, and the machine runs")
        d.picture("pci-live")
        press_key(d, dialog, "Next", "alt+n")
        if "--live --config" not in text(d, dialog, "What is done, as commands"):
            raise Missing(text(d, dialog, "What is done, as commands"))
        press_key(d, dialog, "Pass Through", "alt+p")
        d.says(dialog, "passthrough of host PCI devices")
        d.says(dialog, "The devices are back with the host’s drivers.")
        if driver(root, SPARE) != "nvme" or "<hostdev" in lv.virsh("dumpxml", "--inactive", "running"):
            raise Missing(f"driver {driver(root, SPARE)}")
        d.picture("pci-live-refused")
        ok("from the window of a running machine: what libvirt refuses is said, and the device is back with its driver")
    finally:
        lv.end()


NODE_DEVICE = """<device><name>pci_0000_0{bus}_00_{function}</name><parent>computer</parent><driver><name>{driver}</name></driver>
  <capability type='pci'><class>{code}</class><domain>0</domain><bus>{bus}</bus><slot>0</slot><function>{function}</function>
  <product id='0x1521'>{product}</product><vendor id='0x8086'>Intel &lt;b&gt;Corporation</vendor><iommuGroup number='{bus}'>
  <address domain='0x0000' bus='0x0{bus}' slot='0x00' function='0x{function}'/></iommuGroup></capability></device>"""


def remote(d):
    """A host that only libvirt tells of: its test driver, which cannot take devices into a running machine."""
    without_animations(d)
    devices = [(3, 0, "igb", "0x020000", "First"), (3, 1, "igb", "0x020000", "Second \u202eeno"), (4, 0, "i915", "0x030000", "Screen")]
    extra = "".join(NODE_DEVICE.format(bus=b, function=f, driver=n, code=c, product=p) for b, f, n, c, p in devices)
    extra += """<device><name>net_eth0_x</name><parent>pci_0000_03_00_1</parent><capability type='net'><interface>eth0</interface>
      <address>52:54:00:00:00:01</address><link speed='1000' state='up'/></capability></device>"""
    path = d.folder / "config" / "vitrine" / "hosts.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[host1]\nuri={node(d.folder, 1, extra)}\nname=Rack\n")
    d.start([d.program])
    library = d.window("Vitrine")
    dialog = open_dialog(d, library, "machine-000, Running", "Host Devices of machine-000")
    d.says(dialog, "From the host’s libvirt, which would also make the changes")
    go_to_row(d, dialog, "0000:03:00.0")
    d.picture("pci-remote")
    d.key("Return")
    d.find(dialog, "list item", "Intel <b>Corporation Second  eno")
    d.says(dialog, "The host’s network card eth0 is connected")
    d.key("alt+l")
    press_key(d, dialog, "Next", "alt+n")
    d.find(dialog, "toggle button", "Also now, while the machine runs")
    press_key(d, dialog, "Next", "alt+n")
    d.find(dialog, "push button", "Pass Through")
    d.picture("pci-remote-review")
    press_key(d, dialog, "Pass Through", "alt+p")
    d.says(dialog, "this function is not supported by the connection driver")
    ok("a host elsewhere: what its libvirt says is shown harmlessly, and what it cannot is told")
    d.key("alt+b")
    live = d.find(dialog, "toggle button", "Also now, while the machine runs")
    d.key("alt+w")
    wait("it is off", lambda: not live.checked)
    press_key(d, dialog, "Next", "alt+n")
    d.find(dialog, "push button", "Pass Through")
    press_key(d, dialog, "Pass Through", "alt+p")
    d.says(dialog, "The machine has it from its next start on.")
    d.key("Escape")
    d.no_window("Host Devices of machine-000")
    ok("the machine has the devices from its next start on")
    dialog = open_dialog(d, library, "machine-000, Running", "Host Devices of machine-000")
    button = d.find(dialog, "push button", "Remove Intel <b>Corporation First")
    wait("the button has the focus", lambda: button.queryComponent().grabFocus() and button.focused)
    d.key("Return")
    live = d.find(dialog, "toggle button", "Also now, while the machine runs")
    d.key("alt+w")
    wait("it is off", lambda: not live.checked)
    press_key(d, dialog, "Next", "alt+n")
    press_key(d, dialog, "Remove", "alt+r")
    d.says(dialog, "The machine is without it from its next start on.")
    d.key("Escape")
    d.no_window("Host Devices of machine-000")
    ok("and is without them from the one after")


def define_z(lv):
    path = lv.folder / "z.xml"
    path.write_text("""<domain type='qemu'><name>z</name><memory unit='MiB'>128</memory><os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type>
      </os><devices><hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='3' slot='0x10' function='0'/></source></hostdev>
      <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><address type='pci'/></interface></devices></domain>""")
    lv.virsh("define", str(path), check=True)


def zpci(d, scale=1):
    lv = Libvirtd(d.folder / "lv")
    try:
        make_tree(d, "pc")
        define_z(lv)
        remember(d, lv)
        os.environ["GDK_SCALE"] = str(scale)
        d.start([d.program])
        library = d.window("Vitrine")
        dialog = open_dialog(d, library, "z, Powered off", "Host Devices of z")
        d.key("alt+a")
        addresses = d.window("PCI Addresses of z")
        d.active(addresses)
        d.says(addresses, "The guest’s address of a device is fixed by its uid alone")
        d.says(addresses, "0002:00:00.0 Ethernet controller: Intel Corporation I350 Ethernet Controller Virtual Function")
        d.says(addresses, "0001:00:00.0 Ethernet controller: Red Hat, Inc. Virtio network device")
        d.says(addresses, "Cannot move to another host while the machine runs.")
        uid = d.find(addresses, "text", "0000:03:10.0: uid")
        d.picture("zpci-addresses" + ("-hidpi" if scale > 1 else ""))
        ok("the addresses that libvirt chose are shown, with what lspci prints")
        wait("the uid has the focus", lambda: uid.queryComponent().grabFocus() and uid.focused)
        for words, sentence in (("0", "“0” is no uid"), ("0x10000", "“0x10000” is no uid"), ("1", "The uid 0x0001 is that of")):
            d.key("ctrl+a")
            d.type(words)
            d.says(addresses, sentence)
            if d.find(addresses, "push button", "Save").sensitive:
                raise Missing(f"{words} could be saved")
        d.picture("zpci-refused" + ("-hidpi" if scale > 1 else ""))
        ok("what is out of range or another device's is refused while it is typed")
        d.key("ctrl+a")
        d.type("0x1267")
        d.says(addresses, "1267:00:00.0 Ethernet controller: Intel")
        press_key(d, addresses, "Save", "alt+s")
        d.no_window("PCI Addresses of z")
        if "<zpci uid='0x1267'" not in lv.virsh("dumpxml", "z"):
            raise Missing(lv.virsh("dumpxml", "z"))
        ok("a uid is written into the host's definition")
        d.active(dialog)
        d.key("alt+a")
        addresses = d.window("PCI Addresses of z")
        automatic = d.find(addresses, "toggle button", "0000:03:10.0: Automatic")
        wait("the switch has the focus", lambda: automatic.queryComponent().grabFocus() and automatic.focused)
        d.key("space")
        wait("automatic", lambda: not uid.showing)
        press_key(d, addresses, "Save", "alt+s")
        d.no_window("PCI Addresses of z")
        if "0x1267" in lv.virsh("dumpxml", "z") or lv.virsh("dumpxml", "z").count("<zpci") != 2:
            raise Missing(lv.virsh("dumpxml", "z"))
        ok("and left to libvirt again")
    finally:
        lv.end()


def local(d):
    """A machine of our own engine, on a computer without an IOMMU."""
    make_tree(d, "pc-no-iommu")
    d.ctl("create", "mine")
    d.start([d.program])
    library = d.window("Vitrine")
    d.press(library, "Actions for mine", "toggle button")
    d.press(library, "Settings")
    settings = d.window("Settings of mine")
    button = d.find(settings, "push button", "Pass a Device Through…")
    wait("the button has the focus", lambda: button.queryComponent().grabFocus() and button.focused)
    d.key("Return")
    dialog = d.window("Host Devices of mine")
    d.active(dialog)
    d.says(dialog, "Vitrine’s own processor cannot give a device away: the machine keeps it in its definition")
    d.says(dialog, "The IOMMU is off: add intel_iommu=on")
    d.picture("pci-local")
    go_to_row(d, dialog, GPU)
    d.key("Return")
    d.find(dialog, "list item", "Nothing that it needs itself.")
    press_key(d, dialog, "Next", "alt+n")
    d.find(dialog, "radio button", "Move it once (not managed)")
    press_key(d, dialog, "Next", "alt+n")
    d.says(dialog, "vitrinectl attach-pci")
    press_key(d, dialog, "Pass Through", "alt+p")
    d.says(dialog, "for the day when the machine is on a libvirt host")
    d.key("Escape")
    d.no_window("Host Devices of mine")
    d.active(settings)
    d.says(settings, "4 devices of this computer")
    d.picture("pci-local-settings")
    if "hostdev" in d.ctl("dumpxml", "mine"):
        raise Missing("it was written before Apply")
    press_key(d, settings, "Apply", "alt+a")
    d.no_window("Settings of mine")
    if d.ctl("dumpxml", "mine").count("<hostdev") != 4:
        raise Missing(d.ctl("dumpxml", "mine"))
    ok("a local machine says what it cannot, and keeps the devices for a host")


WALKS = {
    "pci": (wizard, None),
    "pci-hidpi": (lambda d: wizard(d, 2), None),
    "pci-window": (window, None),
    "pci-remote": (remote, None),
    "zpci": (zpci, None),
    "zpci-hidpi": (lambda d: zpci(d, 2), None),
    "pci-local": (local, None),
}
SCREENS = {"pci-hidpi": LARGE, "zpci-hidpi": LARGE}

if __name__ == "__main__":
    ui.run(WALKS, SCREENS)
