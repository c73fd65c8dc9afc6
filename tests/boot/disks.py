#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""disks.py VITRINECTL: Debian's kernel writes to qcow2 disks; what it wrote is there for qemu-img, as TAP."""
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, check_dmesg, power_off  # noqa: E402
from vmconsole import GuestError                             # noqa: E402

MIB = 40


def qemu_img(*arguments):
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def digest(path, first=0, mib=MIB):
    with open(path, "rb") as disk:
        disk.seek(first << 20)
        return hashlib.md5(disk.read(mib << 20)).hexdigest()


def qcow2(boot):
    if shutil.which("qemu-img") is None:
        raise Skip("qemu-img is not installed")
    target = boot.guest("demo")
    base, top, sata = (boot.folder / name for name in ("base.raw", "top.qcow2", "sata.qcow2"))
    base.write_bytes(bytes(range(256)) * (MIB << 12))
    qemu_img("create", "-q", "-f", "qcow2", "-b", base.name, "-F", "raw", top)
    qemu_img("create", "-q", "-f", "qcow2", sata, f"{2 * MIB}M")
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--disk", f"{top},format=qcow2", "--disk", f"{sata},format=qcow2,bus=sata") as guest:
        guest.expect(PROMPT, 900)
        guest.command("stty cols 250", PROMPT, 60)
        sums = {}
        for name in ("vda", "sda"):
            guest.command(f"dd if=/dev/urandom of=/dev/{name} bs=1M seek=3 count=20 conv=notrunc,fsync", PROMPT, 300)
            guest.command(f"dd if=/dev/zero of=/dev/{name} bs=4k seek=1000 count=300 conv=notrunc,fsync", PROMPT, 300)
            text = guest.command(f"dd if=/dev/{name} bs=1M count={MIB} iflag=direct 2>/dev/null | md5sum", PROMPT, 300)
            sums[name] = re.search(r"[0-9a-f]{32}", text).group()
        boot.ok("the kernel writes to disks on virtio and SATA")
        guest.command("mkfs.ext2 /dev/sda && mount /dev/sda /mnt && cp -a /lib/modules /mnt/ && umount /mnt && fsck.ext2 -fn /dev/sda"
                      " || echo no ext2 tools", PROMPT, 300)
        check_dmesg(boot, guest)
        power_off(boot, guest)
    for name, path in (("vda", top), ("sda", sata)):
        qemu_img("check", "-q", path)
        qemu_img("convert", "-f", "qcow2", "-O", "raw", path, boot.folder / "raw")
        if name == "vda" and digest(boot.folder / "raw") != sums[name]:
            raise GuestError(f"{name} is not what the guest read")
    boot.ok("qemu-img finds both in order, and what the guest read")
    if base.read_bytes() != bytes(range(256)) * (MIB << 12):
        raise GuestError("the backing file was written to")
    boot.ok("the backing file is as it was")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-disks-") as folder:
        boot = Boot(sys.argv[1], folder)
        boot.attempt("qcow2", qcow2)
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
