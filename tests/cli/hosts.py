#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.py VITRINECTL: libvirt hosts from a terminal, as TAP: libvirt's test driver, and a private libvirtd where one can run."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "ui"), str(TESTS / "hosts")]
from desktop import Skip, wait          # noqa: E402
from private import Libvirtd, node      # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())
points = 0


def point(good, text, detail=""):
    global points
    points += 1
    print(f"{'ok' if good else 'not ok'} {points} - {text}", flush=True)
    if not good:
        print("# " + str(detail).replace("\n", "\n# "))


def ctl(*arguments, stdin=None):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, input=stdin,
                          start_new_session=True)      # no terminal to ask at


def refused(text, part, *arguments):
    done = ctl(*arguments)
    point(done.returncode == 1 and part in done.stderr and len(done.stderr.splitlines()) == 1, text, done)


def test_driver(folder):
    uri = node(folder, 3)
    done = ctl("connect", uri, "--name", "Rack/1")
    point(done.returncode == 0 and "3 machines" in done.stdout, "a host is added, and says what is on it", done)
    refused("a host that is there is not added twice", "there already", "connect", uri)
    refused("one that cannot be reached is refused with libvirt's reason", "/nowhere", "connect", "qemu:///session?socket=/nowhere")
    point("nowhere" not in (folder / "config" / "vitrine" / "hosts.ini").read_text(), "and is not written down")
    refused("a password in the URI is refused", "password", "connect", "qemu+ssh://root:secret@rack/system")
    point(ctl("hosts").stdout == f"connected Rack/1  {uri}\n", "hosts lists the one that could be reached", ctl("hosts"))
    lines = ctl("list", "--all-hosts").stdout.splitlines()
    point([line.split()[1:] for line in lines] == [["running", f"Rack/1/machine-00{i}"] for i in range(3)], "list --all-hosts lists all machines", lines)
    point(ctl("pause", "Rack/1/machine-001").returncode == 0, "a machine is named HOST/NAME, also when HOST has a / in it")
    refused("what libvirt refuses is said", "machine-001", "resume", "Rack/1/machine-007")
    identity = re.search(r"^\[(.+)\]$", (folder / "config" / "vitrine" / "hosts.ini").read_text(), re.M).group(1)
    point("<name>machine-002</name>" in ctl("dumpxml", f"{identity}/machine-002").stdout, "dumpxml prints libvirt's XML; the host goes by its id")
    locked = folder / "locked.xml"
    locked.write_text("<node><auth><user password='x'>y</user></auth></node>")
    refused("without a terminal nobody is asked for a password", "password", "connect", f"test://{locked}")
    point(ctl("hosts", "remove", "Rack/1").returncode == 0 and ctl("hosts").stdout == "", "a host is removed")


def private(lv):
    disk = lv.folder / "disk.qcow2"
    subprocess.run([*lv.drop, "qemu-img", "create", "-q", "-f", "qcow2", disk, "16M"], check=True)
    definition = lv.folder / "made.xml"
    definition.write_text(f"""<domain type='qemu'><name>made</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type><bootmenu enable='yes' timeout='60000'/><bios useserial='yes'/></os>
      <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='hda' bus='ide'/></disk>
      <serial type='pty'/></devices></domain>""")
    ctl("connect", lv.uri, "--name", "lv")
    point(ctl("define", "--host", "lv", definition).returncode == 0 and lv.virsh("domstate", "made") == "shut off", "define --host defines")
    definition.write_text("<domain type='qemu'><name>bad</name><memroy/></domain>")
    point(ctl("define", "--host", "lv", definition).returncode == 1, "and refuses what the schema does not know")
    point(ctl("start", "lv/made").returncode == 0 and lv.virsh("domstate", "made") == "running", "start starts on the host")
    console = subprocess.Popen([VITRINECTL, "console", "lv/made"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.set_blocking(console.stdout.fileno(), False)
    seen = bytearray()
    def menu_is_there():
        """What was printed before somebody listened is gone, but a key brings the menu."""
        console.stdin.write(b"\x1b")
        console.stdin.flush()
        seen.extend(console.stdout.read() or b"")
        return b"Select boot device" in seen
    wait("the boot menu", menu_is_there, 30)
    console.kill()
    point(True, "console shows what the machine prints, and sends what is typed")
    for verb, state in (("pause", "paused"), ("resume", "running")):
        point(ctl(verb, "lv/made").returncode == 0 and lv.virsh("domstate", "made") == state, f"{verb} leaves it {state}")
    point(ctl("snapshot", "take", "lv/made", "first", "said of it").returncode == 0 and lv.virsh("snapshot-list", "made", "--name") == "first",
          "snapshot take takes one")
    listed = ctl("snapshot", "list", "lv/made").stdout
    point(listed.startswith("* ") and "first" in listed and "said of it" in listed, "snapshot list lists it", listed)
    point(ctl("save", "lv/made").returncode == 0 and "yes" in lv.virsh("dominfo", "made").split("Managed save:")[1], "save saves it")
    point(ctl("start", "lv/made").returncode == 0 and ctl("stop", "--force", "lv/made").returncode == 0
          and lv.virsh("domstate", "made") == "shut off", "stop --force turns it off")
    ctl("autostart", "lv/made", "on")
    point("Autostart:      enable" in lv.virsh("dominfo", "made"), "autostart on", lv.virsh("dominfo", "made"))
    point(ctl("snapshot", "delete", "lv/made", "first").returncode == 0 and lv.virsh("snapshot-list", "made", "--name") == "", "snapshot delete")
    lv.virsh("pool-define-as", "p", "dir", "--target", str(lv.folder), check=True)
    lv.virsh("pool-start", "p", check=True)
    base, overlay = lv.folder / "base.qcow2", lv.folder / "overlay.qcow2"
    subprocess.run([*lv.drop, "qemu-img", "create", "-q", "-f", "qcow2", base, "16M"], check=True)
    subprocess.run([*lv.drop, "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", overlay], check=True)
    lv.virsh("pool-refresh", "p", check=True)
    definition.write_text(f"""<domain type='qemu'><name>template</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
      <devices><disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='p' volume='{base.name}'/><target dev='hda'/></disk>
      </devices></domain>""")
    ctl("define", "--host", "lv", definition)
    point(ctl("delete", "--with-volumes", "lv/template").returncode == 0 and base.exists() and "template" not in lv.virsh("list", "--all", "--name"),
          "delete --with-volumes keeps what an overlay is backed by")
    point(ctl("delete", "--with-volumes", "lv/made").returncode == 0 and lv.virsh("list", "--all", "--name") == "" and not disk.exists(),
          "delete --with-volumes deletes machine and disk")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-ctl-hosts-") as name:
        folder = Path(name)
        for variable, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run")):
            (folder / sub).mkdir(mode=0o700)
            os.environ[variable] = str(folder / sub)
        os.environ.update(LC_ALL="C.UTF-8", DBUS_SESSION_BUS_ADDRESS="disabled:")
        test_driver(folder)
        lv = None
        try:
            lv = Libvirtd(folder / "lv")
            private(lv)
        except Skip as reason:
            print(f"ok {points + 1} # SKIP {reason}")
            print(f"1..{points + 1}")
            return
        finally:
            if lv is not None:
                lv.end()
    print(f"1..{points}")


main()
