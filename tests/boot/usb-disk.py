#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""usb-disk.py VITRINECTL NAME: Debian's usb-storage driver and SeaBIOS use disks and CD drives on USB, as TAP."""
import os
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import Boot                                                    # noqa: E402
from virtio import Machine, ctl, digest_of, md5, same, shell, start          # noqa: E402
from vmconsole import GuestError                                        # noqa: E402

MIB = 1 << 20


def image(boot, name, data):
    path = Path(boot.folder) / name
    path.write_bytes(data)
    return path


def moves(boot, machine):
    """Blocks, both ways; a CD that is put in while the machine runs."""
    before, disc = os.urandom(16 * MIB), os.urandom(3 * MIB)
    disk, cd, other = image(boot, "disk", before), image(boot, "cd", disc), image(boot, "other", disc[::-1])
    socket = Path(boot.folder) / "socket"
    with machine.run("--disk", f"{disk},bus=usb", "--cdrom", f"{cd},bus=usb", "--control", socket) as guest:
        start(guest)
        shell(guest, "for i in $(seq 100); do [ -b /dev/sda ] && [ -b /dev/sr0 ] && break; sleep 0.1; done")
        same(boot, guest, digest_of(guest, "cat /dev/sda"), md5(before), "16 MiB are read from the disk")
        same(boot, guest, digest_of(guest, "cat /dev/sr0"), md5(disc), "so is a CD")
        written = digest_of(guest, "dd if=/dev/urandom of=/tmp/w bs=1M count=8 2>/dev/null; dd if=/tmp/w of=/dev/sda bs=1M seek=4 conv=fsync 2>/dev/null; cat /tmp/w")
        same(boot, guest, md5(disk.read_bytes()[4 * MIB:12 * MIB]), written, "what the guest wrote and synced is in the image")
        ctl(boot, "change-cd", socket, 1, other)
        same(boot, guest, digest_of(guest, "cat /dev/sr0"), md5(disc[::-1]), "another CD is read where the first one was")
        errors = shell(guest, "dmesg | grep -ciE 'reset (high|super)-speed USB|I/O error' || true").split()[-1]
        same(boot, guest, errors, "0", "no transfer had to be repeated")


def boots(boot, machine):
    """The demo CD's image is a disk's, too."""
    with boot.run("--memory", "512M", "--disk", f"{boot.guest('iso') / 'demo.iso'},bus=usb,readonly=on") as guest:
        guest.expect("Vitrine demo", 300)
        boot.ok("SeaBIOS starts GRUB from a USB disk")


def saved(boot, machine):
    """Saved while data moves: the driver goes on in another process."""
    data = os.urandom(16 * MIB)
    disk, state = image(boot, "disk", data), Path(boot.folder) / "state"
    arguments = ["--disk", f"{disk},bus=usb"]
    with machine.run(*arguments, "--save", state) as guest:
        start(guest)
        shell(guest, "for i in $(seq 100); do [ -b /dev/sda ] && break; sleep 0.1; done")
        guest.send("while true; do dd if=/dev/sda iflag=direct bs=64k 2>/dev/null | md5sum; done\n")
        for _ in range(2):
            guest.expect(md5(data), 120)
        guest.process.send_signal(signal.SIGINT)
        guest.wait(60)
    with machine.run(*arguments, "--restore", state) as guest:
        for _ in range(3):
            guest.expect(md5(data), 240)
        boot.ok("what is read before and after is the same")


def main():
    name = sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="vitrine-usb-") as folder:
        boot = Boot(sys.argv[1], folder, "jit")
        machine = Machine(boot, [])
        boot.attempt(name, lambda _: {"moves": moves, "boots": boots, "saved": saved}[name](boot, machine))
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
