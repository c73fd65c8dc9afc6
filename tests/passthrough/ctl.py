#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ctl.py VITRINECTL TEST-HELPER: host-devices, attach-pci, detach-pci and zpci, as TAP.

The computer is a tree of trees.py that the test's own helper changes; the machines are local, and a private libvirtd's."""
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "ui"), str(HERE.parent / "hosts")]
import tap                                                # noqa: E402
from bus import Bus, describe, make_tree, temporary       # noqa: E402
from desktop import Skip                                  # noqa: E402
from private import Libvirtd                              # noqa: E402

VITRINECTL, TEST_HELPER = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
GPU = [f"0000:01:00.{function}" for function in range(4)]
NIC, SPARE, ROOT_DISK, GIVEN = "0000:03:00.1", "0000:04:00.0", "0000:02:00.0", "0000:05:00.0"


def ctl(*arguments):
    return subprocess.run([VITRINECTL, *arguments], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def refused(text, part, *arguments):
    done = ctl(*arguments)
    tap.point(done.returncode == 1 and part in done.stderr, text, done)


def good(text, *arguments, says=""):
    done = ctl(*arguments)
    tap.point(done.returncode == 0 and says in done.stdout, text, done)
    return done.stdout


def drivers(root, addresses):
    def driver(address):
        path = Path(root) / "sys/bus/pci/devices" / address / "driver"
        return os.readlink(path).rsplit("/", 1)[-1] if path.is_symlink() else None
    return [driver(address) for address in addresses]


def validates(folder, xml):
    path = Path(folder) / "validate.xml"
    path.write_text(xml)
    return subprocess.run(["virt-xml-validate", path, "domain"], capture_output=True, text=True, check=False).returncode == 0


def local(folder):
    """Machines of our own engine: definitions only."""
    listed = good("host-devices lists devices by address, group, driver, class and name", "host-devices",
                  says="0000:01:00.0     1  nouveau        VGA compatible controller: NVIDIA Corporation TU106 [GeForce RTX 2070]\n")
    tap.point("0000:00:01.0" not in listed and "The host’s own network goes over it (br0)" in listed, "without bridges, with losses", listed)
    ctl("create", "mine")
    done = ctl("attach-pci", "mine", GPU[0], "--no-rom")
    tap.point(done.returncode == 0 and done.stdout.split() == GPU and "Vitrine’s own processor cannot give a device away" in done.stderr,
              "attach-pci takes the whole card, and says what our own processor cannot", done)
    xml = ctl("dumpxml", "mine").stdout
    tap.point(xml.count("<rom bar=\"off\"/>") == 4 and validates(folder, xml), "the definition is libvirt's", xml)
    refused("a device is not added twice", "The machine has the device 0000:01:00.0 already.", "attach-pci", "mine", GPU[0])
    refused("nor is one that is not there", "The host has no device 0000:09:00.0", "attach-pci", "mine", "0000:09:00.0")
    refused("nor one into a machine that is not there", "nobody", "attach-pci", "nobody", SPARE)
    refused("--live needs a running machine", "is not running", "attach-pci", "mine", SPARE, "--live")
    good("another machine's definition has it, too", "create", "other")
    good("which host-devices tells", "host-devices", says="    “mine” is to have it.\n")
    good("detach-pci takes the card out again", "detach-pci", "mine", GPU[1], says="\n".join(GPU))
    refused("what is not in the machine is not taken out", "The machine has no host device 0000:01:00.0.", "detach-pci", "mine", GPU[0])
    refused("zpci is for s390x", "Only machines of the architecture s390x", "zpci", "mine")
    for words in (["attach-pci", "mine"], ["attach-pci", "mine", SPARE, "--managed", "perhaps"], ["detach-pci", "mine", SPARE, "--yes"],
                  ["host-devices", "x"], ["zpci"], ["zpci", "mine", "x", "--uid", "1"], ["zpci", "mine", "x", "--auto", "--uid", "1"]):
        refused(f"{' '.join(words)} is no use", "Usage: vitrinectl", *words)


def managed(lv, root):
    before = describe(root)
    text = good("a dry run shows the commands", "attach-pci", "lv/pc", SPARE, "--managed", "yes", "--dry-run", says="virsh -c ")
    tap.point("attach-device" in text and "nvme" not in text and "<hostdev" not in lv.virsh("dumpxml", "pc"), "and does nothing", text)
    for verb, options, n in (("attach-pci", ["--yes"], 1), ("detach-pci", [], 0)):
        text = ctl(verb, "lv/pc", SPARE, *options, "--dry-run").stdout
        done = subprocess.run(["sh", "-e"], input=text, capture_output=True, text=True, check=False)
        tap.point(done.returncode == 0 and lv.virsh("dumpxml", "pc").count("<hostdev") == n, f"the commands of {verb} do what they say", done)
    good("managed: libvirt has it in its definition", "attach-pci", "lv/pc", SPARE, says=SPARE)
    tap.point("managed='yes'" in lv.virsh("dumpxml", "pc") and describe(root) == before, "and the computer has not been changed")
    good("and it goes again", "detach-pci", "lv/pc", SPARE)
    tap.point("<hostdev" not in lv.virsh("dumpxml", "pc"), "from libvirt's definition")
    lv.define("pc", "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='1' slot='0' function='1'/></source>"
              "</hostdev>", uuid=lv.virsh("domuuid", "pc"))
    done = ctl("attach-pci", "lv/pc", GPU[0], "--dry-run")
    tap.point(done.returncode == 0 and done.stdout.count("attach-device") == 3, "the rest of a group that the machine has in part", done)
    lv.define("pc", "", uuid=lv.virsh("domuuid", "pc"))
    refused("what the host would lose is said", "The host would lose that. Say --yes", "attach-pci", "lv/pc", ROOT_DISK)
    refused("a group that cannot be given is refused", "a part of the board", "attach-pci", "lv/pc", "0000:00:1f.3")
    good("--yes: the host may lose it", "attach-pci", "lv/pc", ROOT_DISK, "--yes")
    good("and has it back in the definition's next life", "detach-pci", "lv/pc", ROOT_DISK)


def unmanaged(lv, root, bus):
    before = describe(root)
    bus.start_helper(TEST_HELPER, root)
    judge = subprocess.Popen(["/usr/bin/python3", HERE / "polkit.py", "no"])
    bus.spin(lambda: bus.has_owner("org.freedesktop.PolicyKit1"))
    refused("who is not allowed changes nothing", "You are not allowed to do that.", "attach-pci", "lv/pc", GPU[0], "--managed", "no")
    tap.point("<hostdev" not in lv.virsh("dumpxml", "pc") and describe(root) == before, "neither the computer nor the machine")
    judge.kill()
    judge.wait()
    judge = subprocess.Popen(["/usr/bin/python3", HERE / "polkit.py"])
    bus.spin(lambda: bus.has_owner("org.freedesktop.PolicyKit1"))
    try:
        good("not managed: the helper takes the card from its drivers", "attach-pci", "lv/pc", GPU[0], "--managed", "no")
        tap.point(drivers(root, GPU) == ["vfio-pci"] * 4 and lv.virsh("dumpxml", "pc").count("managed='no'") == 4, "all functions of it")
        occupied = Path(root) / "proc/4711/fd/20"
        occupied.parent.mkdir(parents=True)
        occupied.symlink_to("/dev/vfio/1")
        refused("what a process has open is not taken out", "in use by ? (process 4711): shut the machine down first", "detach-pci", "lv/pc", GPU[0])
        tap.point(lv.virsh("dumpxml", "pc").count("<hostdev") == 4, "of the machine neither")
        shutil.rmtree(occupied.parent.parent)
        good("and gives it back", "detach-pci", "lv/pc", GPU[0])
        tap.point(describe(root) == before, "so that the computer is as it was")
        bus.start_helper(TEST_HELPER, root, "--fail", "5")
        refused("a step that fails is told, and undone", "Step 6 of 15 failed", "attach-pci", "lv/pc", GPU[0], "--managed", "no")
        tap.point(describe(root) == before and "<hostdev" not in lv.virsh("dumpxml", "pc"), "and nothing has changed")
        bus.start_helper(TEST_HELPER, root)
        lv.virsh("start", "pc", check=True)
        done = ctl("attach-pci", "lv/pc", NIC, "--managed", "no", "--live")     # which this computer does not really have
        tap.point(done.returncode == 1 and describe(root) == before and "<hostdev" not in lv.virsh("dumpxml", "--inactive", "pc"),
                  "when the running machine refuses it, the device goes back", done)
        lv.virsh("destroy", "pc")
    finally:
        judge.kill()
        judge.wait()
    bus.stop_helper()
    refused("without a helper it says what to do instead", "vitrine-host-helper) is not installed", "attach-pci", "lv/pc", NIC, "--managed", "no")


def busy(lv, root):
    """A machine that runs has what it runs with; libvirt's own test for the device is not of this computer, so it starts without."""
    lv.define("other", "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' bus='4' slot='0' function='0'/>"
              "</source></hostdev>")
    good("another machine that has it is named", "host-devices", "--host", "lv", says="    “other” is to have it.\n")
    good("and does not keep it from being chosen", "attach-pci", "lv/pc", SPARE)
    good("nor from being taken out", "detach-pci", "lv/pc", SPARE)


def define_z(lv):
    path = lv.folder / "z.xml"
    path.write_text("""<domain type='qemu'><name>z</name><memory unit='MiB'>128</memory><os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type>
      </os><devices><interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><address type='pci'/></interface></devices>
      </domain>""")
    lv.virsh("define", str(path), check=True)


def zpci(lv, folder):
    define_z(lv)
    good("an s390x machine gets a device", "attach-pci", "lv/z", GIVEN, "--managed", "no", says=GIVEN)
    tap.point("uid='0x0002' fid='0x00000001'" in lv.virsh("dumpxml", "z"), "libvirt gives it an address", lv.virsh("dumpxml", "z"))
    listed = good("zpci lists addresses with what lspci prints", "zpci", "lv/z",
                  says="uid 0x0002 fid 0x00000001 0002:00:00.0 Ethernet controller: Mellanox Technologies MT27800 Family [ConnectX-5]\n")
    tap.point(listed.splitlines()[0].startswith("52:54:00:00:00:01  uid 0x0001 fid 0x00000000 0001:00:00.0 Ethernet controller: Red Hat"),
              "in the order of the definition", listed)
    xml = good("a dry run prints the definition", "zpci", "lv/z", GIVEN, "--uid", "0xffff", "--fid", "0xffffffff", "--dry-run",
               says="<zpci uid=\"0xffff\" fid=\"0xffffffff\"/>")
    tap.point(validates(folder, xml), "which is libvirt's", xml)
    good("an address is set", "zpci", "lv/z", GIVEN, "--uid", "0x1267", "--fid", "0x10")
    tap.point("uid='0x1267' fid='0x00000010'" in lv.virsh("dumpxml", "z"), "and libvirt took it", lv.virsh("dumpxml", "z"))
    for text, part, numbers in (("a uid of 0", "“0” is no uid", ["--uid", "0", "--fid", "1"]),
                                ("a uid of 17 bits", "“0x10000” is no uid", ["--uid", "0x10000", "--fid", "1"]),
                                ("a fid of 33 bits", "“0x100000000” is no fid", ["--uid", "5", "--fid", "0x100000000"]),
                                ("another's uid", "The uid 0x0001 is that of “52:54:00:00:00:01”. 0x0002 is free.", ["--uid", "1", "--fid", "7"]),
                                ("another's fid", "The fid 0x00000000 is that of “52:54:00:00:00:01”", ["--uid", "7", "--fid", "0"])):
        refused(f"{text} is refused", part, "zpci", "lv/z", GIVEN, *numbers)
    refused("a device that is not there is refused", "The machine has no PCI device “vda”.", "zpci", "lv/z", "vda", "--auto")
    good("--auto leaves it to libvirt", "zpci", "lv/z", GIVEN, "--auto")
    tap.point("uid='0x0002' fid='0x00000001'" in lv.virsh("dumpxml", "z"), "which chooses again", lv.virsh("dumpxml", "z"))


def elsewhere(lv, port):
    """The same libvirtd over TCP: a host that only libvirt tells of. Its devices are this computer's real ones."""
    ctl("connect", f"qemu+tcp://127.0.0.1:{port}/session", "--name", "far")
    listed = ctl("host-devices", "--host", "far")
    real = {path.name for path in Path("/sys/bus/pci/devices").glob("*") if not (path / "class").read_text().startswith("0x06")}
    found = {line.split()[0] for line in listed.stdout.splitlines() if line and not line.startswith(" ")}
    tap.point(listed.returncode == 0 and found == real, "a host elsewhere tells of its devices by libvirt", (listed, real))
    if not real or not list(Path("/sys/kernel/iommu_groups").glob("*")):
        tap.point("The host has no IOMMU groups" in listed.stderr, "and that it has no IOMMU groups", listed)
    lv.define("far", "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' bus='9' slot='0' function='0'/></source>"
              "</hostdev>")
    good("a device that the host does not have can be taken out", "detach-pci", "far/far", "0000:09:00.0")
    tap.point("<hostdev" not in lv.virsh("dumpxml", "far"), "of libvirt's definition")


def private(folder, bus):
    root = make_tree("pc", folder / "again")
    os.environ["VITRINE_HOST_TREE"] = root
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lv = Libvirtd(folder / "lv", port)
    try:
        lv.define("pc", "")
        ctl("connect", lv.uri, "--name", "lv")
        managed(lv, root)
        unmanaged(lv, root, bus)
        busy(lv, root)
        zpci(lv, folder)
        elsewhere(lv, port)
        os.environ["VITRINE_HOST_TREE"] = make_tree("pc-no-iommu", folder)
        refused("a computer without an IOMMU says what to do", "add intel_iommu=on", "attach-pci", "lv/pc", SPARE)
    finally:
        lv.end()


def main():
    with temporary() as name:
        folder = Path(name)
        for variable, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run")):
            (folder / sub).mkdir(mode=0o700)
            os.environ[variable] = str(folder / sub)
        os.environ.update(LC_ALL="C.UTF-8")
        bus = Bus()
        try:
            os.environ["VITRINE_HOST_TREE"] = make_tree("pc", folder)
            local(folder)
            private(folder, bus)
        except Skip as reason:
            print(f"ok {tap.points + 1} # SKIP {reason}")
            tap.points += 1
        finally:
            bus.close()
    tap.plan()


main()
