#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""usb-redir.py VITRINECTL EXPORT NAME: Debian's kernel uses USB devices that are given away by another process, over the usbredir
protocol, as TAP. EXPORT gives our own devices away: real ones are not at hand where tests run."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, check_dmesg                                  # noqa: E402
from input import EV_KEY, EV_SYN, KEY_A, events, find, want                        # noqa: E402
from vmconsole import Guest                                                       # noqa: E402
from virtio import Machine, ctl, digest_of, md5, same, shell, start                    # noqa: E402

MIB = 1 << 20


class Export:
    """A device that is given away."""

    def __init__(self, program, socket, *what):
        deadline = time.monotonic() + 60
        while not Path(socket).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.process = subprocess.Popen([program, socket, *what], stdin=subprocess.PIPE, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def wait_for(guest, condition, seconds=60):
    """In the guest's shell."""
    shell(guest, f"for i in $(seq {seconds * 10}); do {condition} && break; sleep 0.1; done", seconds * 4)


def disk(boot, machine, program):
    """A stick that is somewhere else is mounted, written and read; its cable is pulled while it is read, and put in again."""
    data = os.urandom(16 * MIB)
    image, socket = Path(boot.folder) / "stick", Path(boot.folder) / "usb"
    image.write_bytes(data)
    with machine.run("--usb-redir", socket) as guest:
        start(guest)
        with Export(program, socket, "disk", image) as stick:
            wait_for(guest, "[ -b /dev/sda ]")
            same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(data), "16 MiB are read from a redirected stick")
            speed = shell(guest, "cat /sys/block/sda/device/../../../../speed").split()[-2:]
            same(boot, guest, "480" in speed, True, "it has the speed that it has at home")
            written = digest_of(guest, "dd if=/dev/urandom of=/tmp/w bs=1M count=8 2>/dev/null; "
                                "dd if=/tmp/w of=/dev/sda bs=1M seek=4 conv=fsync 2>/dev/null; cat /tmp/w")
            same(boot, guest, md5(image.read_bytes()[4 * MIB:12 * MIB]), written, "what the guest wrote and synced is on it")
            errors = shell(guest, "dmesg | grep -ciE 'reset (high|super)-speed USB|I/O error' || true").split()[-1]
            same(boot, guest, errors, "0", "no transfer had to be repeated")
            shell(guest, "(while dd if=/dev/sda of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done; touch /tmp/stopped) &")
            time.sleep(1)
            stick.say("pull")
            wait_for(guest, "[ -e /tmp/stopped ] && [ ! -b /dev/sda ]")
            gone = shell(guest, "[ -b /dev/sda ] || echo gone").split()
            same(boot, guest, "gone" in gone, True, "pulled out while it is read, it is gone, and the reader hears of it")
        with Export(program, socket, "disk", image):
            wait_for(guest, "ls /sys/block | grep -q ^sd")
            same(boot, guest, digest_of(guest, "cat /dev/sd[a-z]"), md5(image.read_bytes()), "put in again, it is read again")


def filesystem(boot, machine, program):
    """A file system of the host's making is mounted."""
    folder, image, socket = (Path(boot.folder) / name for name in ("tree", "stick", "usb"))
    data = os.urandom(5 * MIB)
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").write_bytes(data)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", image, folder], check=True, stderr=subprocess.DEVNULL)
    with machine.run("--usb-redir", socket) as guest:
        start(guest)
        with Export(program, socket, "disk", image):
            wait_for(guest, "[ -b /dev/sda ]")
            shell(guest, "modprobe isofs; mkdir -p /mnt; mount -t iso9660 -o ro /dev/sda /mnt")
            same(boot, guest, digest_of(guest, "cat /mnt/below/file"), md5(data), "a stick is mounted, and its file is read")
            shell(guest, "umount /mnt")


def keyboard(boot, machine, program):
    """Reports of an interrupt endpoint come by themselves."""
    target, socket = boot.guest("demo"), Path(boot.folder) / "usb"
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--usb-redir", socket) as guest:
        guest.expect(PROMPT, 900)
        with Export(program, socket, "keyboard") as keys:
            number, = find(guest, ["Vitrine USB Keyboard"])
            boot.ok("Debian's kernel has a redirected keyboard")
            for _ in range(2):
                want(boot, guest, "a key goes down and up", events(guest, number, 6, lambda: keys.say("key")),
                     [(EV_KEY, KEY_A, 1), (EV_SYN, 0, 0), (EV_KEY, KEY_A, 0), (EV_SYN, 0, 0)])
            check_dmesg(boot, guest)


def saved(boot, machine, program):
    """A machine is saved while it has a redirected device: restored, the guest finds it pulled out, and gets it again."""
    data = os.urandom(4 * MIB)
    image, socket, state = (Path(boot.folder) / name for name in ("stick", "usb", "state"))
    image.write_bytes(data)
    with machine.run("--usb-redir", socket, "--save", state) as guest:
        start(guest)
        with Export(program, socket, "disk", image):
            wait_for(guest, "[ -b /dev/sda ]")
            same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(data), "a redirected stick is read")
            guest.process.send_signal(signal.SIGINT)
            guest.wait(60)
    with machine.run("--usb-redir", socket, "--restore", state) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 240)
        wait_for(guest, "[ ! -b /dev/sda ]")
        text = shell(guest, "[ -b /dev/sda ] || echo gone; dmesg | grep -c 'USB disconnect'")
        same(boot, guest, bool(re.search(r"\bgone\b", text)), True, "where the machine goes on, the stick was pulled out")
        with Export(program, socket, "disk", image):
            wait_for(guest, "ls /sys/block | grep -q ^sd")
            same(boot, guest, digest_of(guest, "cat /dev/sd[a-z]"), md5(data), "given again, it is read again")


def sysfs(root, address, port="1-4"):
    """A computer with one stick, as /sys tells of it."""
    for name, text in (("busnum", 1), ("devnum", address), ("idVendor", "46f4"), ("idProduct", "0005"), ("bDeviceClass", "00"),
                       ("manufacturer", "Vitrine"), ("product", "Test Stick")):
        path = root / "sys/bus/usb/devices" / port / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


DEFINITION = """<domain type='qemu'><name>usb</name><memory unit='MiB'>512</memory><os><type machine='q35'>hvm</type>
<kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0,115200 quiet</cmdline></os><devices>
<redirdev bus='usb' type='spicevmc'/>
<hostdev mode='subsystem' type='usb'><source startupPolicy='mandatory'><vendor id='0x46f4'/><product id='0x0005'/></source></hostdev>
</devices></domain>"""


def given(boot, machine, program):
    """By the definition when the machine starts, then by vitrinectl usb. The process that gives a real device away has ours instead."""
    folder, target = Path(boot.folder), boot.guest("virtio")
    data = os.urandom(4 * MIB)
    (folder / "stick").write_bytes(data)
    giver, definition, socket = folder / "giver", folder / "domain.xml", folder / "control"
    giver.write_text(f"#!/bin/sh\necho $1:$2 >> {folder}/given\nexec {program} - disk {folder}/stick\n")
    giver.chmod(0o755)
    os.environ.update({"VITRINE_USB_GIVER": str(giver), "VITRINE_HOST_TREE": str(folder / "tree")})
    definition.write_text(DEFINITION.format(kernel=target / "vmlinux", initrd=target / "initrd.img"))
    done = subprocess.run([boot.vitrinectl, "run", "--domain", definition], capture_output=True, text=True, check=False, timeout=60)
    same(boot, None, (done.returncode, "There is no USB device 46f4:0005 at this computer." in done.stderr), (1, True),
         "without a device that must be there, the machine does not start, and that is said")
    sysfs(folder / "tree", 9)
    with boot.run("--domain", definition, "--control", socket) as guest:
        start(guest)
        wait_for(guest, "[ -b /dev/sda ]")
        same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(data), "a device of the definition is there from the start")
        same(boot, guest, "(the guest has it)" in ctl(boot, "usb", "list", socket), True, "it is listed as the guest's")
        ctl(boot, "usb", "detach", socket, "46f4:0005")
        wait_for(guest, "[ ! -b /dev/sda ]")
        same(boot, guest, "the guest has it" in ctl(boot, "usb", "list", socket), False, "taken back, it is this computer's")
        ctl(boot, "usb", "attach", socket, "1-4")
        wait_for(guest, "ls /sys/block | grep -q ^sd")
        same(boot, guest, digest_of(guest, "cat /dev/sd[a-z]"), md5(data), "given again from a terminal, it is read")
        same(boot, guest, (folder / "given").read_text().split(), ["1:9", "1:9"], "the right device was asked for, each time")


def libusb(boot, machine, program):
    """The process that gives real devices away, with libusbredirhost, and a libusb that has one device: ours."""
    folder = Path(boot.folder)
    data = os.urandom(8 * MIB)
    (folder / "stick").write_bytes(data)
    sysfs(folder / "tree", 9)
    giver, socket = folder / "giver", folder / "control"
    real = Path(boot.vitrinectl).parent / "vitrine-usb-giver"
    giver.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\nLD_PRELOAD={program} exec {real} \"$@\"\n")
    giver.chmod(0o755)
    os.environ.update({"VITRINE_USB_GIVER": str(giver), "VITRINE_HOST_TREE": str(folder / "tree"),
                       "VITRINE_FAKE_USB_DISK": str(folder / "stick")})
    with machine.run("--input", "tablet,bus=usb", "--control", socket) as guest:
        start(guest)
        ctl(boot, "usb", "attach", socket, "1:9")
        wait_for(guest, "[ -b /dev/sda ]")
        same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(data), "a stick is read through libusb and libusbredirhost")
        written = digest_of(guest, "dd if=/dev/urandom of=/tmp/w bs=1M count=4 2>/dev/null; "
                            "dd if=/tmp/w of=/dev/sda bs=1M seek=2 conv=fsync 2>/dev/null; cat /tmp/w")
        same(boot, guest, md5((folder / "stick").read_bytes()[2 * MIB:6 * MIB]), written, "what is written is on it")
        errors = shell(guest, "dmesg | grep -ciE 'reset (high|super)-speed USB|I/O error' || true").split()[-1]
        same(boot, guest, errors, "0", "no transfer had to be repeated")
        pid = int((folder / "pid").read_text())
        shell(guest, "(while dd if=/dev/sda of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done; touch /tmp/stopped) &")
        time.sleep(1)
        os.kill(pid, signal.SIGUSR1)
        wait_for(guest, "[ -e /tmp/stopped ] && [ ! -b /dev/sda ]")
        same(boot, guest, "gone" in shell(guest, "[ -b /dev/sda ] || echo gone").split(), True, "pulled out while it is read, it is gone")
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            guest.pump(0.1)
        same(boot, guest, Path(f"/proc/{pid}").exists(), False, "the process that gave it away has ended")
        ctl(boot, "usb", "attach", socket, "1:9")
        wait_for(guest, "ls /sys/block | grep -q ^sd")
        ctl(boot, "usb", "detach", socket, "1:9")
        pid = int((folder / "pid").read_text())
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            guest.pump(0.1)
        same(boot, guest, Path(f"/proc/{pid}").exists(), False, "taken back, it is given up")


def qemu(boot, machine, program):
    """What gives our devices away here does so to QEMU as well: it keeps to the protocol, and is no mirror of our own mistakes."""
    if shutil.which("qemu-system-x86_64") is None:
        raise Skip("qemu-system-x86_64 is not installed")
    target, image, socket = boot.guest("virtio"), Path(boot.folder) / "stick", Path(boot.folder) / "usb"
    data = os.urandom(4 * MIB)
    image.write_bytes(data)
    command = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "512", "-nodefaults", "-display", "none", "-serial", "stdio",
               "-kernel", target / "vmlinux", "-initrd", target / "initrd.img", "-append", "console=ttyS0,115200", "-device", "qemu-xhci",
               "-chardev", f"socket,id=usb,path={socket},server=on,wait=off", "-device", "usb-redir,chardev=usb"]
    with Guest.of([str(word) for word in command]) as guest:
        start(guest)
        with Export(program, socket, "disk", image):
            wait_for(guest, "[ -b /dev/sda ]")
            same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(data), "QEMU’s guest reads the stick")
            written = digest_of(guest, "dd if=/dev/urandom of=/tmp/w bs=1M count=2 2>/dev/null; "
                                "dd if=/tmp/w of=/dev/sda bs=1M seek=1 conv=fsync 2>/dev/null; cat /tmp/w")
            same(boot, guest, md5(image.read_bytes()[MIB:3 * MIB]), written, "and writes it")


TESTS = {test.__name__: test for test in (disk, filesystem, keyboard, saved, given, libusb, qemu)}


def main():
    program, name = sys.argv[2:4]
    with tempfile.TemporaryDirectory(prefix="vitrine-usb-") as folder:
        boot = Boot(sys.argv[1], folder, "jit")
        machine = Machine(boot, [])
        boot.attempt(name, lambda _: TESTS[name](boot, machine, program))
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
