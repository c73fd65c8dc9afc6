#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""move.py VITRINECTL: a Linux machine of this computer goes to a private libvirtd, runs there, and comes back; and moves that fail
at every stage, as TAP. qemu-img and the guest itself compare the disks."""
import hashlib
import os
import re
import shutil
import signal
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
LARGE_MIB = 300
UUID = "5ee1f6a4-0000-4000-8000-00000000000{}"


def start(*arguments):
    return subprocess.Popen([VITRINECTL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ctl(*arguments, seconds=300):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)


def must(*arguments):
    done = ctl(*arguments)
    if done.returncode != 0:
        raise Missing(f"vitrinectl {arguments}: {done.stderr}")
    return done.stdout


def sha(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


def define(folder, name, number, devices, os_part="", memory=384, more=""):
    path = folder / f"{name}.xml"
    path.write_text(f"""<domain type='qemu'><name>{name}</name><uuid>{UUID.format(number)}</uuid><memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='q35'>hvm</type>{os_part}</os><features><acpi/><apic/></features>{more}
      <devices><serial type='pty'><target type='isa-serial' port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>
      <video><model type='vga'/></video>{devices}</devices></domain>""")
    must("define", path)


def disk(path, form, target="vda"):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='{form}'/><source file='{path}'/><target dev='{target}' bus='virtio'/></disk>")


def same(one, other):
    return subprocess.run(["qemu-img", "compare", "-q", one, other], check=False).returncode == 0


# --- there and back ---

def linux(folder, lv, pool):
    made = subprocess.run([TESTS.parent / "tools" / "guest-builder", "demo"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Skip(made.stderr.strip())
    demo = Path(made.stdout.strip())
    base, top = folder / "base.raw", folder / "top.qcow2"
    base.write_bytes(os.urandom(1 << 20) * 8 + bytes(56 << 20))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base.name, "-F", "raw", top], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 7 12M 3M", top], check=True, capture_output=True)
    define(folder, "Linux", 1, disk(top, "qcow2") + "<interface type='user'><mac address='52:54:00:00:11:22'/><model type='virtio'/></interface>",
           f"<kernel>{demo / 'vmlinuz'}</kernel><initrd>{demo / 'initrd.img'}</initrd><cmdline>console=ttyS0 quiet</cmdline>",
           more="<metadata><vitrine:machine xmlns:vitrine='https://vitrine.org/xmlns/domain/1'><vitrine:scaling>fit</vitrine:scaling></vitrine:machine></metadata>")
    before = sha(base), sha(top)
    done = ctl("move", "Linux", "lv", "--dry-run")
    point(done.returncode == 0 and "warned   Disks" in done.stdout and "refused" not in done.stdout and not list(pool.iterdir())
          and "Linux" not in lv.virsh("list", "--all", "--name"), "a dry run says what would change, and does nothing", done)
    done = ctl("move", "Linux", "lv", "--start")
    point(done.returncode == 0 and lv.virsh("domstate", "Linux") == "running", "a Linux machine moves to a host, and is started there", done)
    xml = lv.virsh("dumpxml", "Linux")
    point("52:54:00:00:11:22" in xml and ">fit<" in xml and UUID.format(1) in xml, "with its addresses, its UUID and our own metadata", xml)
    point((sha(base), sha(top)) == before, "the images here are as they were")
    flat = Path(re.search(rf"<source file='({pool}/linux-vda[^']*)'", xml).group(1))
    info = subprocess.run(["qemu-img", "info", "-U", flat], capture_output=True, text=True, check=True).stdout
    point("backing file" not in info and "qcow2" in info, "its disk there is one image without a backing file", info)
    with Guest.console(VITRINECTL, "lv/Linux") as guest:
        boot_prompt(guest)
        expected = md5_of(folder, top)
        seen = re.search(r"[0-9a-f]{32}", guest.command("dd if=/dev/vda bs=1M 2>/dev/null | md5sum", PROMPT, 120)).group()
        point(seen == expected, "QEMU boots it there, and the guest reads the disk that it had here", (seen, expected))
        guest.command("stty cols 200", PROMPT, 60)
        guest.command("dd if=/dev/urandom of=/dev/vda bs=1M seek=20 count=5 conv=notrunc,fsync", PROMPT, 120)
        guest.send("poweroff -f\n")
        wait("it is off", lambda: lv.virsh("domstate", "Linux") == "shut off", 120)
    back(folder, lv, flat)


def boot_prompt(guest):
    """What it printed before somebody listened is gone: Enter brings the prompt."""
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        guest.send("\n")
        try:
            guest.expect(PROMPT, 5)
            guest.pump_for(1)
            guest.seen = len(guest.text)
            return
        except GuestError:
            if time.monotonic() > deadline or guest.process.poll() is not None:
                raise


def md5_of(folder, image):
    raw = folder / "compare.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    digest = hashlib.md5(raw.read_bytes()).hexdigest()
    raw.unlink()
    return digest


def back(folder, lv, flat):
    done = ctl("move", "lv/Linux")
    point(done.returncode == 1 and "same UUID" in done.stderr, "while the copy is here it does not come back over it", done)
    must("delete", "Linux")
    overlaid(lv, flat)
    done = ctl("move", "lv/Linux")
    xml = must("dumpxml", "Linux")
    point(done.returncode == 0 and UUID.format(1) in xml and ">fit<" in xml, "it comes back from the host", done)
    here = Path(re.search(r'<source file="([^"]*qcow2)"', xml).group(1))
    point(same(flat, here) and lv.virsh("domstate", "Linux") == "shut off", "its disk is what the guest has left on the host, which keeps it", here)
    expected = md5_of(folder, here)
    control = folder / "control"
    process = start("run", "Linux", "--control", control)
    wait("it runs here", control.exists, 20)
    with Guest.console(VITRINECTL, control) as guest:
        boot_prompt(guest)
        seen = re.search(r"[0-9a-f]{32}", guest.command("dd if=/dev/vda bs=1M 2>/dev/null | md5sum", PROMPT, 120)).group()
        guest.send("poweroff -f\n")
        process.wait(60)
    point(seen == expected, "and our engine boots it with that disk", (seen, expected))


def overlaid(lv, flat):
    """As a host has it after an external snapshot: an image that stands on the one that was there."""
    overlay = flat.with_name("overlay.qcow2")
    subprocess.run([*lv.drop, "qemu-img", "create", "-q", "-f", "qcow2", "-b", flat, "-F", "qcow2", overlay], check=True)
    subprocess.run([*lv.drop, "qemu-io", "-f", "qcow2", "-c", "write -P 9 30M 2M", overlay], check=True, capture_output=True)
    lv.virsh("pool-refresh", "images", check=True)
    path = lv.folder / "overlaid.xml"
    path.write_text(re.sub("<uuid>[^<]*</uuid>", "", lv.virsh("dumpxml", "--inactive", "Linux")).replace(str(flat), str(overlay))
                    .replace("<name>Linux<", "<name>Overlaid<").replace("52:54:00:00:11:22", "52:54:00:00:11:23"))
    lv.virsh("define", str(path), check=True)
    done = ctl("move", "lv/Overlaid")
    here = Path(re.search(r'<source file="([^"]*qcow2)"', must("dumpxml", "Overlaid")).group(1))
    info = subprocess.run(["qemu-img", "info", here], capture_output=True, text=True, check=True).stdout
    point(done.returncode == 0 and "all of them are fetched" in done.stderr and same(overlay, here) and "backing file" not in info
          and not list(here.parent.glob(".vitrine*")), "images of a host that stand on each other become one here", f"{done} {info}")
    must("delete", "Overlaid")
    lv.virsh("undefine", "Overlaid", check=True)
    overlay.unlink()
    lv.virsh("pool-refresh", "images", check=True)


# --- firmware ---

def uefi(folder, lv, pool):
    """The variables go along and come back; nothing is booted."""
    code, variables = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
    if not code.exists():
        raise Skip("ovmf is not installed")
    define(folder, "Firm", 2, "", "<bios useserial='yes'/>")
    xml = must("dumpxml", "Firm").replace("<os>", '<os firmware="efi">')
    must("delete", "Firm")
    (folder / "Firm.xml").write_text(xml)
    must("define", folder / "Firm.xml")
    nvram = Path(os.environ["XDG_DATA_HOME"], "vitrine", "machines", UUID.format(2), "nvram.fd")
    data = bytearray(variables.read_bytes())
    data[-8:] = b"marked!!"
    nvram.write_bytes(data)
    done = ctl("move", "Firm", "lv")
    there = lv.virsh("dumpxml", "Firm")
    point(done.returncode == 0 and f"{code}</loader>" in there and f"{pool}/firm-nvram.fd</nvram>" in there
          and (pool / "firm-nvram.fd").read_bytes() == data, "UEFI variables go along to the same firmware", f"{done} {there}")
    must("delete", "Firm")
    done = ctl("move", "lv/Firm")
    point(done.returncode == 0 and nvram.read_bytes() == data, "and come back", done)


# --- what is refused ---

def refusals(folder, lv):
    image = folder / "small.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "16M"], check=True)
    define(folder, "Plain", 3, disk(image, "qcow2"))
    lv.define("Plain", "")
    refused("a name that is taken on the host", "called “Plain”", "move", "Plain", "lv")
    lv.virsh("undefine", "Plain", check=True)
    refused("a pool that is not there", "no pool “nowhere”", "move", "Plain", "lv", "--pool", "nowhere")
    refused("a network that is not there", "no network “nowhere”", "move", "Plain", "lv", "--network", "nowhere")
    encrypted, passphrase = folder / "secret.qcow2", folder / "passphrase"
    passphrase.write_text("open sesame")
    must("image", "create", "--encrypt", "--key-file", passphrase, "--iteration-time", "10", encrypted, "16M")
    define(folder, "Secret", 4, disk(encrypted, "qcow2"))
    refused("an encrypted disk", "encrypted", "move", "Secret", "lv")
    lv.define("Away", f"<disk type='file' device='disk'><source file='{lv.folder}/nowhere.img'/><target dev='hda'/></disk>")
    refused("a disk that is in no pool", "in no active storage pool", "move", "lv/Away")
    lv.virsh("undefine", "Away", check=True)
    point(lv.virsh("list", "--all", "--name").split() == ["Firm", "Linux"], "nothing of that came to the host", lv.virsh("list", "--all", "--name"))


def refused(what, part, *arguments):
    done = ctl(*arguments)
    point(done.returncode == 1 and part in done.stderr, f"{what} is refused with a sentence", done)


# --- what fails on the way ---

class Fault:
    """A move of a large raw disk into a pool, and something that happens once a part of it is there."""

    def __init__(self, folder, lv):
        self.lv, self.image = lv, folder / "large.img"
        self.image.write_bytes(os.urandom(1 << 20) * LARGE_MIB)
        define(folder, "Large", 5, disk(self.image, "raw"))
        self.sum = sha(self.image)

    def volumes(self, pool):
        return sorted(path.name for path in pool.glob("large*"))

    def during(self, pool, part, strike, *arguments):
        """The result of the move that strike() hit when @part of it was there."""
        process = start("move", "Large", "lv", "--pool", pool.name, *arguments)
        volume, deadline = pool / "large-vda.img", time.monotonic() + 60

        def blocks():
            return volume.stat().st_blocks * 512 if volume.exists() else 0

        while blocks() < part * (LARGE_MIB << 20):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise Missing(f"the move was too fast, or never came so far: {process.communicate()}")
        strike(process)
        out, problem = process.communicate(timeout=120)
        return subprocess.CompletedProcess("move", process.returncode, out, problem)

    def intact(self):
        return sha(self.image) == self.sum and re.search(r"\soff\s+Large", must("list")) is not None


def faults(folder, lv, pool):
    fault = Fault(folder, lv)
    done = fault.during(pool, 0.1, lambda process: process.send_signal(signal.SIGINT))
    point(done.returncode == 1 and not fault.volumes(pool) and "Large" not in lv.virsh("list", "--all", "--name") and fault.intact(),
          "Ctrl-C in the middle leaves nothing on the host, and the machine here as it was", f"{done} {fault.volumes(pool)}")

    def touch(_):
        with open(fault.image, "r+b") as file:
            file.write(b"changed!")
    done = fault.during(pool, 0.1, touch)
    point(done.returncode == 1 and "has changed while it was sent" in done.stderr and not fault.volumes(pool),
          "an image that another program changes meanwhile is an error, and leaves nothing", done)
    fault.sum = sha(fault.image)

    answers = []

    def run_it(process):
        lv.freeze(True)
        answers.append(ctl("run", "Large", "--timeout", "1"))
        process.send_signal(signal.SIGINT)
        lv.freeze(False)
    fault.during(pool, 0.1, run_it)
    point(answers[0].returncode == 1 and "in use" in answers[0].stderr, "the machine cannot run while it is being moved", answers[0])
    for part in (0.01, 0.3, 0.8):
        vanishing(fault, lv, pool, part)
    full_pool(fault, lv)
    done = ctl("move", "Large", "lv", "--pool", pool.name)
    moved = pool / fault.volumes(pool)[-1] if fault.volumes(pool) else folder
    point(done.returncode == 0 and sha(moved) == fault.sum, "after all that it moves, byte for byte", done)
    faults_of_fetching(fault, lv)


def fetching(lv, strike):
    """The result of a fetch of Large that strike() hit when something was there, and what is here then."""
    images = Path(os.environ["XDG_DATA_HOME"], "vitrine", "images")
    process = start("move", "lv/Large")
    deadline = time.monotonic() + 60
    while not any(path.stat().st_blocks > 100 for path in images.glob("large*.part")):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise Missing(f"the fetch was too fast, or never came so far: {process.communicate()}")
    strike(process)
    out, problem = process.communicate(timeout=120)
    return subprocess.CompletedProcess("move", process.returncode, out, problem), sorted(path.name for path in images.glob("*large*"))


def faults_of_fetching(fault, lv):
    """The machine is on the host only."""
    must("delete", "Large")
    xml = lv.virsh("dumpxml", "--inactive", "Large")
    done, left = fetching(lv, lambda process: process.send_signal(signal.SIGINT))
    point(done.returncode == 1 and not left and "Large" not in must("list"), "a fetch that is cancelled leaves nothing here", f"{done} {left}")
    done, left = fetching(lv, lambda process: lv.vanish())
    lv.start()
    point(done.returncode == 1 and not left and "Large" not in must("list"), "so does one whose host vanishes", f"{done} {left}")

    def run_there(process):
        process.send_signal(signal.SIGSTOP)
        lv.virsh("start", "Large", check=True)
        process.send_signal(signal.SIGCONT)
    done, left = fetching(lv, run_there)
    point(done.returncode == 1 and "was started on the host" in done.stderr and not left and "Large" not in must("list"),
          "and one whose machine runs there meanwhile", f"{done} {left}")
    lv.virsh("destroy", "Large", check=True)

    def write_there(_):
        with open(re.search("<source file='([^']*)'", xml).group(1), "r+b") as file:
            file.write(b"written!")
    done, left = fetching(lv, write_there)
    point(done.returncode == 1 and "has changed on the host" in done.stderr and not left, "and one whose volume is written to meanwhile", f"{done} {left}")
    done = ctl("move", "lv/Large")
    here = Path(re.search(r'<source file="([^"]*raw)"', must("dumpxml", "Large")).group(1))
    point(done.returncode == 0 and sha(here) == sha(re.search("<source file='([^']*)'", xml).group(1)) and lv.virsh("dumpxml", "--inactive", "Large") == xml,
          "after all that it comes, byte for byte, and the host’s is as it was", done)


def vanishing(fault, lv, pool, part):
    done = fault.during(pool, part, lambda process: lv.vanish())
    point(done.returncode == 1 and fault.intact(), f"the host vanishes at {part:.0%}: the machine here is as it was", done)
    left = fault.volumes(pool)
    point(bool(left) and all(f"“{name}”" in done.stderr for name in left), "what it could not delete there is named", f"{done} {left}")
    lv.start()
    point("Large" not in lv.virsh("list", "--all", "--name"), "and the host has no half of a machine when it is back")
    for name in left:
        lv.virsh("vol-delete", name, "--pool", pool.name, check=True)


def full_pool(fault, lv):
    if os.getuid() != 0:
        point(True, "a pool that becomes full # SKIP only root can make a small file system")
        return
    small = lv.folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LARGE_MIB + 40}M,mode=777", "tmpfs", small], capture_output=True, check=False)
    if mounted.returncode != 0:
        point(True, "a pool that becomes full # SKIP no file system can be mounted here")
        return
    try:
        lv.pool("small")

        def fill(_):
            lv.freeze(True)
            with open(small / "filler", "wb", buffering=0) as filler:
                try:
                    while True:
                        filler.write(bytes(1 << 16))
                except OSError:
                    pass
            lv.freeze(False)
        done = fault.during(small, 0.05, fill)
        point(done.returncode == 1 and "No space left" in done.stderr and not fault.volumes(small) and fault.intact(),
              "a pool that becomes full says so, and keeps no part of it", f"{done} {fault.volumes(small)}")
        refused("a pool that is full already", "Choose another pool, or make room", "move", "Large", "lv", "--pool", "small")
        lv.virsh("pool-destroy", "small", check=True)
    finally:
        subprocess.run(["umount", "-l", small], check=False)


# --- all ---

def main():
    for tool in ("qemu-img", "qemu-io"):
        if shutil.which(tool) is None:
            print(f"1..0 # SKIP {tool} is not installed")
            return
    with tempfile.TemporaryDirectory(prefix="vitrine-move-") as name:
        folder = Path(name)
        for variable, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run")):
            (folder / sub).mkdir(mode=0o700)
            os.environ[variable] = str(folder / sub)
        os.environ.update(LC_ALL="C.UTF-8", DBUS_SESSION_BUS_ADDRESS="disabled:")
        try:
            lv = Libvirtd(folder / "lv")
        except Skip as reason:
            print(f"1..0 # SKIP {reason}")
            return
        try:
            pool = lv.pool("images")
            must("connect", lv.uri, "--name", "lv")
            for test in (lambda: linux(folder, lv, pool), lambda: uefi(folder, lv, pool), lambda: refusals(folder, lv), lambda: faults(folder, lv, pool)):
                try:
                    test()
                except Skip as reason:
                    point(True, f"a part # SKIP {reason}")
                except (Missing, GuestError, subprocess.SubprocessError) as problem:
                    point(False, "went on to the end", problem)
        finally:
            lv.end()
    plan()


main()
