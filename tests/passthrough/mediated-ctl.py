#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mediated-ctl.py VITRINECTL Z-HOST: `ap` and `mdev` from a terminal, against an IBM Z host's tree, and a private libvirtd for the machines, as
TAP."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "ui"), str(TESTS / "hosts")]
import tap                       # noqa: E402
from desktop import Skip         # noqa: E402
from private import Libvirtd     # noqa: E402

VITRINECTL, Z_HOST = (str(Path(program).resolve()) for program in sys.argv[1:3])
UUID, OTHER, THIRD = ("5a4f6d1c-0c37-4c2b-9d58-3a3b8f0c7e11", "11111111-2222-4333-8444-555555555555",
                      "c2177883-f1bb-47f0-914d-32a22e3a8804")
MACHINE = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='{arch}' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"""


def ctl(*arguments):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, start_new_session=True)


def refused(text, part, *arguments):
    done = ctl(*arguments)
    tap.point(done.returncode == 1 and part in done.stderr.splitlines()[-1], text, done)


def make_tree(folder, kind):
    root = folder / "z"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    subprocess.run([Z_HOST, "make", kind, root], check=True)
    os.environ["VITRINE_HOST_TREE"] = str(root)
    return root


def matrix(folder):
    make_tree(folder, "conflicts")
    lines = ctl("ap", "matrix").stdout.splitlines()
    tap.point(lines[0].split() == ["Card", "4", "CEX8A", "Accelerator,", "online"] and lines[2].endswith("offline"), "cards are listed", lines)
    tap.point([line.split()[2:] for line in lines[4:7]] == [["Host", "Other", "guest", "Offline"], ["Host", "Free", "Offline"],
                                                            ["Host", "Free", "-"]], "and whose each queue is", lines)
    tap.point(lines[7] == f"{OTHER}  cards 5; domains 4; control domains 4", "and what is in which device", lines)
    refused("a queue of another guest is refused", "leave out card 5 or domain 4", "ap", "create", "--cards", "5", "--domains", "4")
    refused("as are numbers that are none", "no number from 0 to 255", "ap", "create", "--cards", "5", "--domains", "4000")
    refused("as is what the host needs", "Say --yes if it may", "ap", "create", "--cards", "4,6", "--domains", "71", "--reserve", "cards")
    refused("a verb that there is not", "Usage: vitrinectl ap matrix|create", "ap", "matrices")


def changes(folder):
    root = make_tree(folder, "plain")
    steps = ctl("ap", "create", "--cards", "4-5", "--domains", "4,0x47", "--control-domains", "71", "--uuid", UUID, "--reserve", "cards", "--dry-run")
    commands = [line for line in steps.stdout.splitlines() if not line.startswith("#")]
    tap.point(commands[:3] == ["modprobe vfio_ap", "echo -4,-5 > /sys/bus/ap/apmask",
                               f"mdevctl define --uuid {UUID} --parent matrix --type vfio_ap-passthrough --auto"]
              and commands[-1] == f"mdevctl start --uuid {UUID}" and not (root / "sys/devices/vfio_ap").exists(),
              "a dry run prints the commands, and changes nothing", steps)
    tap.point("lose 6 queues" in steps.stderr, "and what the host loses", steps)
    done = ctl("ap", "create", "--cards", "4-5", "--domains", "4,0x47", "--uuid", UUID)
    tap.point(done.stdout == f"{UUID}\n" and "04.0047" in (root / f"sys/devices/vfio_ap/matrix/{UUID}/matrix").read_text(), "it is made", done)
    tap.point("echo -4,-71" not in done.stdout and "lose 6 queues" in done.stderr, "by what costs the host less", done)
    refused("and not twice", "already", "ap", "create", "--cards", "6", "--domains", "171", "--uuid", UUID)
    tap.point(f"device  {UUID}  matrix  vfio_ap-passthrough\n" in ctl("mdev", "list").stdout, "mdev lists it, too")
    tap.point(ctl("ap", "remove", UUID).returncode == 0 and UUID not in ctl("ap", "matrix").stdout, "it is removed")
    subprocess.run([Z_HOST, "act", root], check=True)
    tap.point((root / "sys/bus/ap/apmask").read_text() == "0x" + "f" * 64 + "\n", "and the host has its queues again")
    done = ctl("mdev", "create", "matrix", "vfio_ap-passthrough", "--uuid", THIRD)
    tap.point(done.stdout == f"{THIRD}\n" and ctl("mdev", "remove", THIRD).returncode == 0, "a mediated device is made and removed by its type", done)
    refused("a type that nobody offers is refused", "offers no mediated devices", "mdev", "create", "matrix", "x")
    refused("a channel device that is not there, too", "no channel device", "mdev", "take", "0.0.1234")


def without():
    del os.environ["VITRINE_HOST_TREE"]
    if not Path("/sys/bus/ap").exists():
        refused("this computer is no IBM Z, and says so", "only IBM Z has", "ap", "matrix")


def local(folder):
    definition = folder / "x.xml"
    definition.write_text(MACHINE.format(name="x", uuid=THIRD, arch="x86_64", machine="q35", devices=""))
    ctl("define", definition)
    refused("an x86 machine has no use for crypto queues", "architecture s390x", "ap", "assign", "x", UUID)


def on_host(lv, folder):
    make_tree(folder, "conflicts")
    ctl("connect", lv.uri, "--name", "lv")
    definition = folder / "z.xml"
    definition.write_text(MACHINE.format(name="z", uuid=THIRD, arch="s390x", machine="s390-ccw-virtio", devices=""))
    ctl("define", "--host", "lv", definition)
    done = ctl("ap", "assign", "lv/z", OTHER)
    xml = lv.virsh("dumpxml", "z")
    tap.point(done.returncode == 0 and "model='vfio-ap'" in xml and OTHER in xml, "a machine of a libvirt host gets a matrix", f"{done}\n{xml}")
    refused("but only one", "can have one only", "ap", "assign", "lv/z", UUID)
    (folder / "dumped.xml").write_text(xml)
    valid = subprocess.run(["virt-xml-validate", folder / "dumped.xml", "domain"], capture_output=True, text=True, check=False)
    tap.point(valid.returncode == 0, "virt-xml-validate takes it", valid)
    tap.point(ctl("mdev", "unassign", "lv/z", OTHER).returncode == 0 and OTHER not in lv.virsh("dumpxml", "z"), "and it is taken out again")
    done = ctl("mdev", "assign", "lv/z", OTHER)
    tap.point(done.returncode == 0 and "model='vfio-ap'" in lv.virsh("dumpxml", "z"), "mdev knows the model by itself", done)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def elsewhere(port):
    """Through libvirt, as for a host that is not this computer."""
    ctl("connect", f"qemu+tcp://127.0.0.1:{port}/session", "--name", "far")
    refused("a host elsewhere says by libvirt what it has", "no crypto adapters", "ap", "matrix", "--host", "far")
    refused("and what cannot be made there", "offers no mediated devices", "mdev", "create", "ap_matrix", "vfio_ap-passthrough", "--host", "far")
    refused("or removed", "no mediated device", "mdev", "remove", UUID, "--host", "far")
    done = ctl("mdev", "remove", UUID, "--host", "far", "--dry-run")
    tap.point(f"nodedev-destroy mdev_{UUID.replace('-', '_')}" in done.stdout, "a dry run is virsh's commands", done)


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-ctl-mediated-") as name:
        folder = Path(name)
        for variable, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run")):
            (folder / sub).mkdir(mode=0o700)
            os.environ[variable] = str(folder / sub)
        os.environ.update(LC_ALL="C.UTF-8", DBUS_SESSION_BUS_ADDRESS="disabled:")
        matrix(folder)
        changes(folder)
        without()
        local(folder)
        lv = None
        try:
            if shutil.which("qemu-system-s390x") is None:
                raise Skip("qemu-system-s390x is not installed")
            port = free_port()
            lv = Libvirtd(folder / "lv", port)
            on_host(lv, folder)
            elsewhere(port)
        except Skip as reason:
            tap.point(True, f"# SKIP {reason}")
        finally:
            if lv is not None:
                lv.end()
        tap.plan()


main()
