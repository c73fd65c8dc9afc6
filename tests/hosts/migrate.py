#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""migrate.py VITRINECTL: a Linux guest that counts on its serial console migrates between two private libvirtds of this computer, with
its disk and without; migrations that are cancelled, or whose target is killed, leave it running where it was. As TAP."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "ui"), str(TESTS / "hosts"), str(TESTS.parent / "tools")]
from desktop import Missing, Skip, wait          # noqa: E402
from private import Libvirtd                     # noqa: E402
from tap import plan, point                      # noqa: E402
from vmconsole import Guest, GuestError          # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())
PROMPT = r"demo:\S*# "
BOOT_SECONDS = 400


def ctl(*arguments, seconds=180):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)


def names(lv):
    return lv.virsh("list", "--all", "--name").split()


def running(lv):
    return lv.virsh("list", "--name").split()


class Counter:
    """A running guest that prints a number twice a second."""

    def __init__(self, folder, one, disk):
        made = subprocess.run([TESTS.parent / "tools" / "guest-builder", "demo"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Skip(made.stderr.strip())
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(Path(made.stdout.strip()) / name, folder / name)
            (folder / name).chmod(0o644)
        one.define("count", f"""<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
          <target dev='vda' bus='virtio'/></disk><serial type='pty'/><console type='pty'/>""", 256,
                   f"<kernel>{folder}/vmlinuz</kernel><initrd>{folder}/initrd.img</initrd><cmdline>console=ttyS0 quiet</cmdline>")
        one.virsh("start", "count", check=True)
        with Guest.console(VITRINECTL, "one/count") as guest:
            deadline = time.monotonic() + BOOT_SECONDS
            while True:
                guest.send("\n")
                try:
                    guest.expect(PROMPT, 5)
                    break
                except GuestError:
                    if time.monotonic() > deadline:
                        raise
            guest.send("dd if=/dev/urandom of=/dev/vda bs=1M count=4 conv=fsync 2>/dev/null; "
                       "i=0; while :; do i=$((i+1)); echo counted $i; sleep 0.5; done\n")
            guest.expect(r"^counted 3$", 60)

    @staticmethod
    def number(host):
        """The number that comes next there."""
        with Guest.console(VITRINECTL, f"{host}/count") as guest:
            return int(guest.expect(r"^counted (\d+)$", 60).group(1))


def refused(what, part, *arguments):
    done = ctl("migrate", *arguments)
    point(done.returncode == 1 and part in done.stderr, f"{what} is refused with a sentence", done)


def check_where(what, here, there, counter, host, before, done):
    after = counter.number(host)
    try:
        wait("it is nowhere else", lambda: names(there) == [], 60)     # a daemon that comes back takes down what came in
    except Missing as missing:
        done = (missing, done)
    point(running(here) == ["count"] and names(there) == [] and names(here) == ["count"] and after > before, what,
          f"{done} here {names(here)} there {names(there)} {before} {after}")
    return after


def refusals(one, two):
    refused("a target that is the source", "the same libvirt", "one/count", "one")
    refused("a disk that the target does not see", "let the disks be copied", "one/count", "two")
    refused("to migrate offline what runs", "shut it down", "one/count", "two", "--offline")
    refused("copying disks through a tunnel", "cannot be copied through a tunnel", "one/count", "two", "--copy-storage", "--tunnelled")
    two.define("count", "")
    refused("a name that is taken at the target", "called “count”", "one/count", "two", "--copy-storage")
    two.virsh("undefine", "count", check=True)
    one.define("netted", "<interface type='network'><source network='rack'/></interface><interface type='bridge'><source bridge='br-nowhere'/></interface>"
               "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0' slot='0x1e' function='0'/></source></hostdev>"
               "<disk type='file' device='cdrom'><source file='/nowhere/cd.iso'/><target dev='hdc'/></disk>")
    done = ctl("migrate", "one/netted", "two", "--dry-run")
    one.virsh("undefine", "netted", check=True)
    lines = done.stdout.splitlines()
    point(done.returncode == 1 and all(any(line.startswith(level) and part in line for line in lines) for level, part in
                                       (("refused", "no network “rack”"), ("refused", "bridge “br-nowhere”"), ("refused", "take it out of the drive"),
                                        ("warned", "must have the device"), ("passed", "Board"), ("passed", "Name"))),
          "a dry run says of each thing whether it is in the way", done.stdout)


def disturbed(one, two, counter):
    """With the disk, slowly, so that there is a middle."""
    before = counter.number("one")

    def begin():
        process = subprocess.Popen([VITRINECTL, "migrate", "one/count", "two", "--copy-storage", "--bandwidth", "2"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def on_its_way():
            if process.poll() is not None:
                raise Missing(f"the migration ended: {process.communicate()}")
            return "Data processed" in one.virsh("domjobinfo", "count") and running(two) == ["count"]
        wait("the migration is on its way", on_its_way, 180)
        return process
    process = begin()
    process.send_signal(signal.SIGINT)
    out, problem = process.communicate(timeout=60)
    before = check_where("cancelled in the middle, it goes on at the source and is nowhere else", one, two, counter, "one", before, (out, problem))
    point(process.returncode == 1 and "Cancelled. It still runs on “one”." in problem, "which is said", problem)
    point(two.virsh("vol-list", "disks") == "", "and the target’s volume is gone", two.virsh("vol-list", "disks"))
    process = begin()
    two.vanish()
    out, problem = process.communicate(timeout=120)
    two.start()
    check_where("the target is killed in the middle: it goes on at the source and is nowhere else", one, two, counter, "one", before, (out, problem))
    point(process.returncode == 1 and "It still runs on “one”." in problem, "which is said", problem)
    for line in two.virsh("vol-list", "disks").splitlines():
        two.virsh("vol-delete", line.split()[0], "--pool", "disks", check=True)


def live(one, two, counter, disk):
    before = counter.number("one")
    done = ctl("migrate", "one/count", "two", "--copy-storage", "--downtime", "300", "--auto-converge")
    point(done.returncode == 0 and "runs on “two” now" in done.stdout, "a running guest migrates with its disk", done)
    before = check_where("it counts on at the target, and is not at the source any more", two, one, counter, "two", before, done)
    copied = re.search(r"<source file='([^']*)'", two.virsh("dumpxml", "count")).group(1)
    after_start = re.search(r"<source file='([^']*)'", two.virsh("dumpxml", "--inactive", "count")).group(1)
    point(copied == after_start and Path(copied).parent.name == "disks", "its definition for the next start names the copy", (copied, after_start))
    same = subprocess.run(["qemu-img", "compare", "-U", "-q", disk, copied], check=False).returncode == 0
    point(same, "the copy is what the disk was")
    one.virsh("pool-destroy", "disks", check=True)
    two.virsh("destroy", "count", check=True)
    shared(one, two, copied)


def shared(one, two, disk):
    """Both have a pool of the same folder; off, and running again."""
    one.virsh("pool-define-as", "shared", "dir", "--target", str(Path(disk).parent), check=True)
    one.virsh("pool-start", "shared", check=True)
    done = ctl("migrate", "two/count", "one", "--offline")
    point(done.returncode == 0 and names(one) == ["count"] and names(two) == [], "one that is off migrates with its definition alone", done)
    one.virsh("start", "count", check=True)
    refused("peer to peer by a URI that means the source itself", "would connect to itself", "one/count", "two", "--peer-to-peer")
    refused("what libvirt cannot tell to be shared storage", "unsafe", "one/count", "net", "--peer-to-peer")
    done = ctl("migrate", "one/count", "net", "--peer-to-peer", "--trust-storage")
    point(done.returncode == 0 and running(two) == ["count"] and names(one) == [], "hosts that see the same disk migrate peer to peer without a copy", done)
    two.virsh("destroy", "count", check=True)
    ctl("migrate", "two/count", "one", "--offline")
    one.virsh("start", "count", check=True)
    done = ctl("migrate", "one/count", "net", "--tunnelled", "--trust-storage")
    point(done.returncode == 0 and running(two) == ["count"] and names(one) == [], "and through a tunnel", done)
    two.virsh("destroy", "count", check=True)


def main():
    if shutil.which("qemu-img") is None:
        print("1..0 # SKIP qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-migrate-") as name:
        folder = Path(name)
        for variable, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run")):
            (folder / sub).mkdir(mode=0o700)
            os.environ[variable] = str(folder / sub)
        os.environ.update(LC_ALL="C.UTF-8", DBUS_SESSION_BUS_ADDRESS="disabled:")
        hosts = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        try:
            for number, host in enumerate(("one", "two"), 1):
                hosts.append(Libvirtd(folder / host, port if host == "two" else 0, uuid=f"{number}{number}111111-1111-4111-8111-111111111111"))
                hosts[-1].pool("disks")
                ctl("connect", hosts[-1].uri, "--name", host)
            one, two = hosts
            ctl("connect", f"qemu+tcp://127.0.0.1:{port}/session", "--name", "net")
            disk = one.folder / "disks" / "count.qcow2"
            subprocess.run([*one.drop, "qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
            one.virsh("pool-refresh", "disks", check=True)
            counter = Counter(folder, one, disk)
            refusals(one, two)
            disturbed(one, two, counter)
            live(one, two, counter, disk)
        except Skip as reason:
            print(f"1..0 # SKIP {reason}")
            return
        except (Missing, GuestError, subprocess.SubprocessError) as problem:
            point(False, "went on to the end", problem)
        finally:
            for lv in hosts:
                lv.end()
    plan()


main()
