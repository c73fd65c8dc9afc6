#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""helper.py TEST-HELPER HELPER: vitrine-host-helper over a bus, against trees of trees.py, as TAP."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent)]
import tap  # noqa: E402
from bus import Bus, Gio, GLib, describe, make_tree, temporary  # noqa: E402

TEST_HELPER, HELPER = sys.argv[1:3]
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
GPU = [f"0000:01:00.{function}" for function in range(4)]
ROOT_DISK, SPARE, GIVEN = "0000:02:00.0", "0000:04:00.0", "0000:05:00.0"
GIVE_STEPS = 2 * 4 + 3     # unbind, override, probe of three devices with drivers and one without


def driver(root, address):
    path = pathlib.Path(root) / "sys/bus/pci/devices" / address / "driver"
    return os.readlink(path).rsplit("/", 1)[-1] if path.is_symlink() else None


class Rig:
    """One tree, made anew for each point."""

    def __init__(self, bus, folder):
        self.bus, self.folder, self.root = bus, folder, None

    def start(self, *options, kind="pc"):
        if self.root:
            shutil.rmtree(self.root)
        self.root = make_tree(kind, self.folder)
        self.before = describe(self.root)
        self.bus.asked.clear()
        self.bus.start_helper(TEST_HELPER, self.root, *options)

    def refused(self, text, words, method, signature, *arguments):
        answer = self.bus.call(method, signature, *arguments)
        same = describe(self.root) == self.before
        tap.point(answer and answer.startswith(words) and same, text, f"{answer}; the tree is {'the same' if same else 'another'}")


def permission(rig):
    bus = rig.bus
    rig.start()
    rig.refused("without polkit nothing is done", "Denied: polkit cannot be asked", "GivePciDevices", "(asb)", GPU, False)
    bus.add_polkit()
    bus.allow = False
    rig.refused("who is not allowed is denied", "Denied: You are not allowed", "GivePciDevices", "(asb)", GPU, False)
    subject, action, flags = bus.asked[-1]
    tap.point(subject == ("system-bus-name", {"name": bus.connection.get_unique_name()}) and flags == 1
              and action == "org.vitrine.host-helper.pci", "polkit is asked about the caller, and may ask a person", bus.asked)
    bus.allow = True


def changes(rig):
    bus = rig.bus
    rig.start()
    answer = bus.call("GivePciDevices", "(asb)", GPU, False)
    tap.point(answer is None and [driver(rig.root, a) for a in GPU] == ["vfio-pci"] * 4, "a card with all its functions is given", answer)
    answer = bus.call("TakeBackPciDevices", "(as)", GPU)
    tap.point(answer is None and [driver(rig.root, a) for a in GPU] == ["nouveau", "snd_hda_intel", "xhci_hcd", None],
              "and taken back by the drivers that it had", answer)
    answer = bus.call("TakeBackPciDevices", "(as)", [GIVEN])
    tap.point(answer is None and driver(rig.root, GIVEN) == "mlx5_core", "what was given before is taken back", answer)
    rig.start()
    rig.refused("what the host needs is refused, and why", "NeedsConfirmation: The host’s own system is on it", "GivePciDevices", "(asb)",
                [ROOT_DISK], False)
    answer = bus.call("GivePciDevices", "(asb)", [ROOT_DISK], True)
    tap.point(answer is None and driver(rig.root, ROOT_DISK) == "vfio-pci", "unless a person knows what the host loses", answer)


def mistakes(rig):
    bus = rig.bus
    rig.start()
    for text, addresses in (("no device", []), ("too many devices", [GPU[0]] * 65)):
        rig.refused(text, "Failed: From 1 to 64 devices", "GivePciDevices", "(asb)", addresses, True)
    rig.refused("half a group", "Failed: 0000:01:00.0 is in one IOMMU group with 0000:01:00.1", "GivePciDevices", "(asb)", GPU[:1], True)
    rig.refused("a bridge", "Failed: 0000:00:01.0 is a bridge", "GivePciDevices", "(asb)", ["0000:00:01.0"], True)
    rig.refused("a device that is gone", "Failed: The host has no device 0000:09:00.0", "GivePciDevices", "(asb)", ["0000:09:00.0"], True)
    rig.refused("a path is no address", "Failed: The host has no device ../../x", "GivePciDevices", "(asb)", ["../../x"], True)
    rig.refused("nor is one to be taken back", "Failed: “../x” is no PCI address", "TakeBackPciDevices", "(as)", ["../x"])
    rig.refused("arguments of another type", "InvalidArgs", "GivePciDevices", "(s)", "0000:01:00.0")
    rig.refused("a method that there is not", "UnknownMethod", "Write", "(ss)", "/etc/passwd", "x")
    asked = len(bus.asked)
    rig.start(kind="pc-no-iommu")
    rig.refused("a host without IOMMU", "Failed: The IOMMU is off: add intel_iommu=on", "GivePciDevices", "(asb)", GPU, True)
    tap.point(asked == 7, "polkit was asked each time that something could have been done", asked)


def faults(rig):
    for step in range(1, GIVE_STEPS + 1):
        rig.start("--fail", str(step))
        rig.refused(f"change {step} of {GIVE_STEPS} fails: all is as it was", "Failed: Step ", "GivePciDevices", "(asb)", GPU, False)
    rig.start("--fail", str(GIVE_STEPS + 1))
    tap.point(rig.bus.call("GivePciDevices", "(asb)", GPU, False) is None, "there are no more changes than that")
    for step in range(1, 4):
        rig.start("--fail", str(step))
        rig.refused(f"change {step} of 3 of taking back fails: all is as it was", "Failed: Step ", "TakeBackPciDevices", "(as)", [GIVEN])


def rest(rig):
    rig.start("--idle", "1")
    gone = rig.bus.spin(lambda: rig.bus.helper.poll() is not None)
    tap.point(gone and rig.bus.helper.returncode == 0, "it goes away when nobody calls", rig.bus.helper.returncode)
    rig.bus.helper = None
    needed = subprocess.run(["readelf", "-d", HELPER], capture_output=True, text=True, check=True).stdout
    libraries = {word.split("[")[1].split("]")[0] for word in needed.splitlines() if "NEEDED" in word}
    few = {"libglib-2.0.so.0", "libgobject-2.0.so.0", "libgio-2.0.so.0", "libc.so.6"}
    tap.point(libraries <= few or any("asan" in name for name in libraries), "what runs as root links GLib and nothing else", libraries)


def installed(bus, folder):
    """What is installed beside it: the bus's own rules let root be the helper, and polkit knows what it asks about."""
    asked = set(re.findall(r'ACTION \("(.+?)"\)', "".join(path.read_text() for path in (TOP / "src/host-helper").glob("*.c"))))
    policy = ElementTree.parse(TOP / "data/org.vitrine.host-helper.policy.in")
    known = {action.get("id").rsplit(".", 1)[-1] for action in policy.iter("action")}
    tap.point(asked == known and asked, "polkit knows each action that is asked about, and no other", (asked, known))
    for action in policy.iter("action"):
        tap.point(action.findtext("defaults/allow_any") == "auth_admin" and action.findtext("defaults/allow_active") == "auth_admin_keep",
                  f"{action.get('id')} is an administrator's")
    config = pathlib.Path(folder) / "system.conf"
    config.write_text(f"""<busconfig><type>system</type><listen>unix:tmpdir={folder}</listen><policy context='default'><allow user='*'/>
      <deny own='*'/><deny send_type='method_call'/><allow send_destination='org.freedesktop.DBus'/><allow receive_type='method_return'/>
      <allow receive_type='error'/></policy><include>{TOP / "data/org.vitrine.HostHelper1.conf"}</include></busconfig>""")
    daemon = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True)
    address = daemon.stdout.readline().strip()
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    try:
        reply = connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                     GLib.Variant("(su)", ("org.vitrine.HostHelper1", 4)), None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
    except GLib.Error:
        reply = 0
    tap.point((reply == 1) == (os.getuid() == 0), "on the system bus root is the helper, and nobody else", reply)
    daemon.terminate()
    daemon.wait()


def activated(folder):
    """The program that is installed, started by a bus of the test's own with the file that is installed. It looks at this computer, where
    there is no such device, and so changes nothing."""
    services = pathlib.Path(folder) / "services"
    services.mkdir()
    program = pathlib.Path(HELPER).resolve()
    template = (TOP / "data/org.vitrine.HostHelper1.service.in").read_text(encoding="utf-8")
    (services / "org.vitrine.HostHelper1.service").write_text(template.replace("@libexecdir@", str(program.parent)), encoding="utf-8")
    config = pathlib.Path(folder) / "session.conf"
    config.write_text(f"""<busconfig><type>session</type><listen>unix:tmpdir={folder}</listen><servicedir>{services}</servicedir>
      <policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/><allow receive_sender='*'/></policy></busconfig>""")
    bus = Bus("--config-file", str(config))
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = os.environ["DBUS_SESSION_BUS_ADDRESS"]
    try:
        bus.update_activation(DBUS_SYSTEM_BUS_ADDRESS=os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
        bus.add_polkit()
        answer = bus.call("GivePciDevices", "(asb)", ["ffff:ff:1f.7"], True)
        tap.point(answer.startswith("Failed: ") and len(bus.asked) == 1, "the bus starts the installed program, which answers", answer)
        bus.call("TakeBackPciDevices", "(as)", ["ffff:ff:1f.7"])
        tap.point(len(bus.asked) == 2, "to the next call, too")
    finally:
        bus.close()


def main():
    if not shutil.which("dbus-daemon"):
        tap.skip("there is no dbus-daemon")
        return
    bus = Bus()
    try:
        with temporary() as folder:
            rig = Rig(bus, folder)
            for part in (permission, changes, mistakes, faults, rest):
                part(rig)
            installed(bus, folder)
            activated(folder)
    finally:
        bus.close()
    tap.plan()


main()
