#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mediated-ui.py PROGRAM VITRINECTL PICTURES NAME: crypto adapters and mediated devices in the application, by keyboard, as TAP. The machine
is one of a private libvirtd; the host is vitrine-z-host's tree, whose tool VITRINE_Z_HOST names."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "ui"), str(TESTS / "hosts")]
import ui                                    # noqa: E402
from desktop import Missing, Skip, wait      # noqa: E402
from private import Libvirtd                 # noqa: E402
from ui import ok                            # noqa: E402

OTHER = "11111111-2222-4333-8444-555555555555"
MACHINE = """<domain type='qemu'><name>z</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='{arch}' machine='{machine}'>hvm</type></os>{devices}</domain>"""


class Host:
    """The private libvirtd with one machine, and the tree."""

    def __init__(self, d, kind, arch="s390x"):
        if shutil.which("qemu-system-s390x") is None:
            raise Skip("qemu-system-s390x is not installed")
        self.root = d.folder / "z"
        self.root.mkdir()
        self.make(kind)
        self.lv = Libvirtd(d.folder / "lv")
        path = d.folder / "z.xml"
        if arch == "s390x":
            machine, devices = "s390-ccw-virtio", ""
        else:
            machine, devices = "q35", "<devices><graphics type='vnc'/></devices>"
        path.write_text(MACHINE.format(arch=arch, machine=machine, devices=devices))
        self.lv.virsh("define", str(path), check=True)
        hosts = d.folder / "config" / "vitrine" / "hosts.ini"
        hosts.parent.mkdir(parents=True, exist_ok=True)
        hosts.write_text(f"[host1]\nuri={self.lv.uri}\nname=Private\n")
        os.environ["VITRINE_HOST_TREE"] = str(self.root)

    def make(self, kind):
        subprocess.run([os.environ["VITRINE_Z_HOST"], "make", kind, self.root], check=True)

    def xml(self):
        return self.lv.virsh("dumpxml", "z", check=True)

    def describe_channels(self):
        """Who has which, and what is left of trying: files of commands keep what was written last."""
        folder = self.root / "sys/bus/css/devices"
        return sorted((path.name, os.readlink(path / "driver") if (path / "driver").exists() or (path / "driver").is_symlink() else None)
                      for path in folder.iterdir())

    def describe(self):
        """The masks and what is in which device; after a step that a kernel would have taken."""
        subprocess.run([os.environ["VITRINE_Z_HOST"], "act", self.root], check=True)
        return subprocess.run(["sh", "-c", "cat sys/bus/ap/a?mask sys/devices/vfio_ap/matrix/*/matrix; ls etc/mdevctl.d/matrix"], cwd=self.root,
                              capture_output=True, text=True, check=False).stdout


def open_devices(d, library):
    """From the machine's card to the dialog, by keys."""
    card = d.find(library, "list item", "z, Powered off")
    wait("the card has the focus", lambda: card.queryComponent().grabFocus() and card.focused)
    d.key("shift+F10")
    d.find(library, "push button", "Pass a Device Through…")
    d.key("alt+u")
    dialog = d.window("Host Devices of z")
    d.active(dialog)
    return dialog


def start(d):
    d.start([d.program])
    library = d.window("Vitrine")
    devices = open_devices(d, library)
    d.find(devices, "push button", "Crypto Adapters…")
    return devices


def press_key(d, window, button, key):
    """A mnemonic, once its button can be pressed."""
    wait(f"“{button}” can be pressed", lambda: d.find(window, "push button", button).sensitive)
    d.active(window)
    d.key(key)


def open_wizard(d, window, button="Crypto Adapters…", key="alt+y"):
    press_key(d, window, button, key)
    wizard = d.window("Crypto Adapters")
    d.active(wizard)
    return wizard


def picture(d, node, name):
    """Once nothing slides any more."""
    places = []
    def still():
        places.append(tuple(node.position))
        return len(places) > 5 and len(set(places[-5:])) == 1
    wait("the page stands still", still)
    d.picture(name)


def cells(d, wizard):
    """The grid's texts, without its heads and boxes."""
    table = d.find(wizard, "table", "Crypto queues")
    return [node.name for node in d.walk(table)
            if node.roleName == "table cell" and node.name and not node.name.startswith(("Use ", "Control "))]


def step(d, window, key, role, name):
    """A key, and where the focus is then."""
    d.key(key)
    wait(f"{key} goes to {role} “{name}”", lambda: any(node.focused and node.roleName == role and node.name == name for node in d.walk(window)))


def choose_by_keys(d, wizard):
    """Card 4 and domain 71, with 71 for control: each in another way."""
    table = d.find(wizard, "table", "Crypto queues")
    wait("the grid has the focus", lambda: table.focused)
    step(d, wizard, "Down", "table cell", "71 (0x47)")
    d.key("Right")
    step(d, wizard, "Right", "table cell", "Control domain 71 (0x47)")
    d.key("space")
    step(d, wizard, "Left", "table cell", "Use domain 71 (0x47)")
    d.key("space")
    wait("both boxes of the domain are checked",
         lambda: {node.name for node in d.walk(table) if node.checked} == {"Use domain 71 (0x47)", "Control domain 71 (0x47)"})
    step(d, wizard, "shift+Tab", "table column header", "Card 4, not chosen")
    step(d, wizard, "space", "table column header", "Card 4, chosen")
    wait("the queue is marked", lambda: "✓ Host" in cells(d, wizard))


def walk_queues(d, suffix=""):
    host = Host(d, "conflicts")
    try:
        before = host.describe()
        devices = start(d)
        picture(d, d.find(devices, "push button", "Crypto Adapters…"), f"devices{suffix}")
        wizard = open_wizard(d, devices)
        texts = cells(d, wizard)
        if sorted(set(texts[i] for i in range(len(texts)) if i % 4)) != ["Free", "Host", "Offline", "Other guest", "—"]:
            raise Missing(f"the cells say {texts}")
        ok("the matrix says of each queue whose it is")
        d.says(wizard, "Choose at least one card.")
        choose_by_keys(d, wizard)
        d.says(wizard, "The guest gets 1 queue. The host keeps 3.")
        d.find(wizard, "radio button", lambda text: text.endswith("the host loses 2 queues") and "domains on all" in text)
        d.find(wizard, "radio button", lambda text: text.endswith("the host loses 3 queues") and "cards with all" in text)
        picture(d, d.find(wizard, "table", "Crypto queues"), f"chosen{suffix}")
        ok("cards, domains and control domains are chosen by keys, and what that costs the host is said at once")
        press_key(d, wizard, "Next", "alt+n")
        steps = d.find(wizard, "text", "The steps, as commands")
        for words in ("# As root:\n", "echo -71 > /sys/bus/ap/aqmask", "mdevctl define --uuid",
                      "--addattr assign_control_domain --value 71", "attach-device", "--config", 'model="vfio-ap"'):
            wait(f"“{words}” is among the steps", lambda part=words: part in steps.text)
        element = d.find(wizard, "text", "In the definition")
        wait("the element is shown as it will be written",
             lambda: element.text.startswith('<hostdev mode="subsystem" type="mdev"') and element.text.strip() in steps.text)
        for words in ("lose 2 queues: 04.0047, 06.0047", "until the host restarts", "memory balloon goes on working", "cannot move to another host"):
            d.says(wizard, words)
        picture(d, steps, f"review{suffix}")
        ok("what it means is said, and the steps are there as commands")
        program = host.root / "usr/sbin/mdevctl"
        good = program.read_text()
        program.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
        press_key(d, wizard, "Give to the Machine", "alt+g")
        d.find(wizard, "info bar", lambda text: "Step 2 of" in text and "no room" in text and "has been undone" in text)
        picture(d, steps, f"failed-half-way{suffix}")
        program.write_text(good)
        if host.describe() != before or "vfio-ap" in host.xml():
            raise Missing(f"{host.describe()} is not {before}")
        ok("a step that fails is said, and all is as it was")
        press_key(d, wizard, "Give to the Machine", "alt+g")
        d.says(wizard, "“z” has the mediated device")
        picture(d, d.find(wizard, "push button", "Close"), f"done{suffix}")
        if "model='vfio-ap'" not in host.xml() or "04.0047" not in host.describe():
            raise Missing(host.xml() + host.describe())
        ok("the device is made on the host, and in the machine's definition")
        press_key(d, wizard, "Close", "alt+c")
        d.no_window("Crypto Adapters")
        refuse_second(d, devices, host)
    finally:
        host.lv.end()


def refuse_second(d, devices, host):
    """A machine has one at most: nothing is made for a second."""
    made = host.describe()
    wizard = open_wizard(d, devices)
    table = d.find(wizard, "table", "Crypto queues")
    wait("the grid has the focus", lambda: table.focused)
    d.key("Down", "Down", "Right", "space")
    d.find(wizard, "table column header", "Card 5, not chosen").doActionNamed("click")
    d.says(wizard, "The guest gets 1 queue. The host keeps 3.")
    press_key(d, wizard, "Next", "alt+n")
    press_key(d, wizard, "Give to the Machine", "alt+g")
    d.find(wizard, "info bar", lambda text: "can have one only" in text)
    d.picture("second")
    if host.describe() != made:
        raise Missing(f"{host.describe()} is not {made}")
    ok("a second one is refused before anything is made")


def walk_vanished(d):
    host = Host(d, "conflicts")
    try:
        before = host.describe()
        wizard = open_wizard(d, start(d))
        choose_by_keys(d, wizard)
        press_key(d, wizard, "Next", "alt+n")
        d.find(wizard, "text", "The steps, as commands")
        host.lv.vanish()
        press_key(d, wizard, "Give to the Machine", "alt+g")
        d.find(wizard, "info bar", lambda text: text != "")
        d.picture("vanished")
        if host.describe() != before:
            raise Missing(f"{host.describe()} is not {before}")
        ok("when the machine cannot be told, what was made for it is removed again")
    finally:
        host.lv.vanish()


def walk_mediated(d, suffix=""):
    host = Host(d, "conflicts")
    try:
        before = host.describe()
        devices = start(d)
        press_key(d, devices, "Mediated Devices…", "alt+m")
        dialog = d.window("Mediated Devices for z")
        row = d.find(dialog, "list item", "Crypto queues: cards 5; domains 4")
        picture(d, row, f"mediated{suffix}")
        go_to_button(d, dialog, "Give Crypto queues: cards 5; domains 4")
        d.key("space")
        d.find(dialog, "push button", "Take Out Crypto queues: cards 5; domains 4")
        if OTHER not in host.xml():
            raise Missing(host.xml())
        ok("a device that is there is given to the machine")
        go_to_button(d, dialog, "Take Out Crypto queues: cards 5; domains 4")
        d.key("space")
        d.find(dialog, "push button", "Give Crypto queues: cards 5; domains 4")
        if OTHER in host.xml() or host.describe() != before:
            raise Missing(host.xml())
        ok("and taken out again")
        go_to_button(d, dialog, "Remove… Crypto queues: cards 5; domains 4")
        d.key("space")
        steps = d.find(dialog, "text", "The steps, as commands")
        wait("the steps are shown", lambda: "echo +5 > /sys/bus/ap/apmask" in steps.text)
        picture(d, steps, f"remove{suffix}")
        press_key(d, dialog, "Remove", "alt+r")
        d.says(dialog, "There is none on the host.")
        if "05.0004" in host.describe() or "0x" + "f" * 64 not in host.describe():
            raise Missing(host.describe())
        ok("removing it shows the commands first, and gives the host its queues back")
        go_to_button(d, dialog, "Choose Queues… VFIO AP Passthrough Device")
        d.key("space")
        d.active(d.window("Crypto Adapters"))
        d.key("Escape")
        d.no_window("Crypto Adapters")
        ok("a crypto type leads to the matrix")
        d.active(dialog)
        d.key("Escape")
        d.no_window("Mediated Devices for z")
    finally:
        host.lv.end()


GPU = "sys/devices/pci0000:00/0000:00:02.0"
GPU_TYPE = "i915-GVTg_V5_4"
# Of mdevctl and the kernel what the application sees.
MDEVCTL = """#!/bin/sh
set -e
cd "$VITRINE_HOST_TREE"
while [ $# -gt 0 ]; do
  case $1 in define|start|stop|undefine) verb=$1;; --uuid) uuid=$2;; esac
  shift
done
device=sys/devices/pci0000:00/0000:00:02.0/$uuid
case $verb in
  define) mkdir -p etc/mdevctl.d/0000:00:02.0; echo '{"mdev_type":"i915-GVTg_V5_4","start":"auto"}' > etc/mdevctl.d/0000:00:02.0/$uuid;;
  start) mkdir -p $device sys/bus/mdev/devices; ln -s ../mdev_supported_types/i915-GVTg_V5_4 $device/mdev_type
         ln -s ../../../devices/pci0000:00/0000:00:02.0/$uuid sys/bus/mdev/devices/$uuid;;
  stop) rm -r sys/bus/mdev/devices/$uuid $device;;
  undefine) rm etc/mdevctl.d/0000:00:02.0/$uuid;;
esac
"""


def put(root, path, text):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def add_gpu(root):
    """One that offers parts of itself."""
    for name, text in (("create", ""), ("available_instances", "1"), ("device_api", "vfio-pci"), ("name", "GVTg_V5_4"),
                       ("description", "low_gm_size: 128MB\nresolution: 1920x1200")):
        put(root, f"{GPU}/mdev_supported_types/{GPU_TYPE}/{name}", text)
    (root / "sys/class/mdev_bus").mkdir(parents=True, exist_ok=True)
    (root / "sys/class/mdev_bus/0000:00:02.0").symlink_to("../../devices/pci0000:00/0000:00:02.0")
    put(root, "usr/sbin/mdevctl", MDEVCTL).chmod(0o755)


def add_channels(root):
    """A disk that the host needs, and one that it does not."""
    for name, device in (("0.0.0313", "0.0.1234"), ("0.0.0314", "0.0.0a00")):
        for entry, text in (("type", "0"), ("chpids", "40 41 00 00 00 00 00 00"), ("pimpampom", "c0 c0 ff"), ("dev_busid", device),
                            ("driver_override", "")):
            put(root, f"sys/bus/css/devices/{name}/{entry}", text)
        (root / f"sys/bus/css/devices/{name}/driver").symlink_to("../../drivers/io_subchannel")
        put(root, f"sys/bus/ccw/devices/{device}/online", "1")
    put(root, "sys/bus/ccw/devices/0.0.0a00/block/dasda/size", "1")
    for entry in ("bind", "unbind"):
        put(root, f"sys/bus/css/drivers/io_subchannel/{entry}", "")
    put(root, "sys/bus/css/drivers_probe", "")
    put(root, "proc/mounts", "/dev/dasda1 / ext4 rw 0 0")
    put(root, "usr/sbin/modprobe", "#!/bin/sh\nexit 0\n").chmod(0o755)


def mediated_dialog(d):
    devices = start(d)
    press_key(d, devices, "Mediated Devices…", "alt+m")
    dialog = d.window("Mediated Devices for z")
    d.active(dialog)
    return dialog


def walk_gpu(d, suffix=""):
    host = Host(d, "plain", arch="x86_64")
    try:
        add_gpu(host.root)
        dialog = mediated_dialog(d)
        picture(d, d.find(dialog, "list item", "GVTg_V5_4"), f"gpu{suffix}")
        go_to_button(d, dialog, "Make One… GVTg_V5_4")
        d.key("space")
        steps = d.find(dialog, "text", "The steps, as commands")
        wait("the steps are shown", lambda: f"--parent 0000:00:02.0 --type {GPU_TYPE}" in steps.text)
        picture(d, steps, f"gpu-make{suffix}")
        press_key(d, dialog, "Make", "alt+m")
        d.find(dialog, "push button", "Give GVTg_V5_4")
        made = [path.name for path in (host.root / "sys/bus/mdev/devices").iterdir()]
        ok("a part of a GPU is made, with the commands shown first")
        display = d.find(dialog, "toggle button", lambda name: name.startswith("Boot display"))
        go_to(d, dialog, display)
        d.key("space")
        go_to_button(d, dialog, "Give GVTg_V5_4")
        d.key("space")
        d.find(dialog, "push button", "Take Out GVTg_V5_4")
        picture(d, d.find(dialog, "push button", "Take Out GVTg_V5_4"), f"gpu-given{suffix}")
        if len(made) != 1 or made[0] not in host.xml() or "ramfb='on'" not in host.xml() or "model='vfio-pci'" not in host.xml():
            raise Missing(f"{made}: {host.xml()}")
        ok("and given to the machine as its boot display")
        go_to_button(d, dialog, "Take Out GVTg_V5_4")
        d.key("space")
        go_to_button(d, dialog, "Remove… GVTg_V5_4")
        d.key("space")
        d.find(dialog, "text", "The steps, as commands")
        press_key(d, dialog, "Remove", "alt+r")
        d.says(dialog, "There is none on the host.")
        if made[0] in host.xml() or list((host.root / "sys/bus/mdev/devices").iterdir()):
            raise Missing(host.xml())
        ok("taken out and removed, it is gone")
    finally:
        host.lv.end()


def walk_channels(d, suffix=""):
    host = Host(d, "plain")
    try:
        add_channels(host.root)
        before = host.describe_channels()
        dialog = mediated_dialog(d)
        picture(d, d.find(dialog, "list item", "0.0.0a00"), f"channels{suffix}")
        go_to_button(d, dialog, "Take… 0.0.0a00")
        d.key("space")
        steps = d.find(dialog, "text", "The steps, as commands")
        wait("the steps are shown", lambda: "driver_override" in steps.text)
        d.says(dialog, "mounted")
        take = d.find(dialog, "push button", "Take")
        if take.sensitive:
            raise Missing("what the host needs is taken without a question")
        picture(d, steps, f"channels-needed{suffix}")
        consent = d.find(dialog, "toggle button", lambda name: name.startswith("The host may lose that"))
        go_to(d, dialog, consent)
        d.key("space")
        wait("it may be taken", lambda: d.find(dialog, "push button", "Take").sensitive)
        ok("a disk that the host needs is taken only when one says so")
        press_key(d, dialog, "Back", "alt+b")
        go_to_button(d, dialog, "Take… 0.0.1234")
        d.key("space")
        press_key(d, dialog, "Take", "alt+t")
        d.find(dialog, "info bar", lambda text: text != "")
        picture(d, steps, f"channels-refused{suffix}")
        if host.describe_channels() != before:
            raise Missing(f"{host.describe_channels()} is not {before}")
        ok("where vfio_ccw does not take it, the host is as it was, and says why")
    finally:
        host.lv.end()


def at_two(walk):
    def scaled(d):
        os.environ["GDK_SCALE"] = "2"
        walk(d, "-2")
    return scaled


def go_to(d, window, node):
    """By Tab."""
    for _ in range(60):
        if node.focused:
            return
        d.key("Tab")
    raise Missing(f"no way by Tab to “{node.name}”")


def go_to_button(d, window, name):
    """By Tab and the arrow keys."""
    button = d.find(window, "push button", name)
    for _ in range(60):
        if button.focused:
            return
        inside = any(n.focused and n.roleName == "list item" for n in d.walk(window))
        d.key("Tab" if not inside else "Right")
        if inside and not button.focused:
            d.key("Tab")
    raise Missing(f"no way by keys to “{name}”")


def walk_refused(d):
    host = Host(d, "plain", arch="x86_64")
    try:
        devices = start(d)
        wizard = open_wizard(d, devices)
        d.says(wizard, "Only machines of the architecture s390x can use crypto queues.")
        picture(d, d.find(wizard, "push button", "Cancel"), "refused")
        d.key("Escape")
        d.no_window("Crypto Adapters")
        ok("a machine that has no use for crypto queues is told so")
    finally:
        host.lv.end()


def walk_missing(d):
    host = Host(d, "plain")
    try:
        shutil.rmtree(host.root / "lib")
        devices = start(d)
        wizard = open_wizard(d, devices)
        d.says(wizard, "no vfio_ap driver")
        picture(d, d.find(wizard, "push button", "Cancel"), "no-driver")
        d.key("Escape")
        d.no_window("Crypto Adapters")
        shutil.rmtree(host.root / "sys/bus/ap")
        wizard = open_wizard(d, devices)
        d.says(wizard, "only IBM Z has the AP bus")
        d.key("Escape")
        d.no_window("Crypto Adapters")
        ok("what the host lacks is said")
    finally:
        host.lv.end()


def walk_large(d):
    host = Host(d, "large")
    try:
        devices = start(d)
        wizard = open_wizard(d, devices)
        table = d.find(wizard, "table", "Crypto queues")
        wait("the grid has the focus", lambda: table.focused)
        step(d, wizard, "End", "table cell", "84 (0x54)")
        d.key("Right", "space")
        d.find(wizard, "table column header", "Card 0, not chosen").doActionNamed("click")
        d.says(wizard, "The guest gets 1 queue.")
        picture(d, table, "large")
        ok("a matrix of 24 cards by 85 domains is walked through")
        press_key(d, wizard, "Next", "alt+n")
        d.says(wizard, "lose 24 queues: 00.0054, 01.0054, 02.0054, 03.0054, 04.0054, 05.0054 and 18 more.")
        d.key("Escape")
        d.no_window("Crypto Adapters")
    finally:
        host.lv.end()


WALKS = {
    "queues": (walk_queues, None),
    "queues-hidpi": (at_two(walk_queues), None),
    "mediated": (walk_mediated, None),
    "mediated-hidpi": (at_two(walk_mediated), None),
    "gpu": (walk_gpu, None),
    "gpu-hidpi": (at_two(walk_gpu), None),
    "channels": (walk_channels, None),
    "channels-hidpi": (at_two(walk_channels), None),
    "refused": (walk_refused, None),
    "missing": (walk_missing, None),
    "large": (walk_large, None),
    "vanished": (walk_vanished, None),
}

if __name__ == "__main__":
    ui.run(WALKS, {name: "2600x2000x24" for name in WALKS if name.endswith("-hidpi")})
