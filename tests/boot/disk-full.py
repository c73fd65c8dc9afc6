#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""disk-full.py VITRINECTL: a guest writes more than the host's disk can take; the machine waits, and loses nothing once
there is room. As TAP. Needs root, for a small file system of its own."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import Boot, Skip, PROMPT     # noqa: E402
from vmconsole import GuestError        # noqa: E402

SMALL, LARGE, DISK = 4, 64, 32     # MiB


def fill(boot, folder):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "vitrine-test", folder], check=True)
    image = Path(folder) / "disk.img"
    with open(image, "wb") as file:
        file.truncate(DISK << 20)
    kernel, demo = boot.guest("kernel"), boot.guest("demo")
    with boot.run("--memory", "256M", "--kernel", kernel / "vmlinux", "--initrd", demo / "initrd.img", "--append",
                  "console=ttyS0 panic=-1 quiet", "--no-reboot", "--disk", image) as guest:
        guest.expect(PROMPT, 600)
        guest.send("modprobe virtio_blk; dd if=/dev/urandom of=/tmp/d bs=1M count=24 2>/dev/null; sum=$(md5sum < /tmp/d);"
                   " dd if=/tmp/d of=/dev/vda bs=64k conv=fsync && echo writ''ten\r")
        while "There is no room for" not in guest.errors.decode(errors="replace"):
            if not guest.pump(60):
                raise GuestError(guest.explain("the full disk was not noticed"))
        boot.ok("a full disk is told in a sentence, and the guest waits")
        subprocess.run(["mount", "-o", f"remount,size={LARGE}m", folder], check=True)
        guest.expect("written", 300)
        guest.expect(PROMPT, 60)
        boot.ok("the guest goes on when there is room")
        guest.send("echo 3 > /proc/sys/vm/drop_caches; [ \"$(head -c 25165824 /dev/vda | md5sum)\" = \"$sum\" ]"
                   " && echo sa''me; dmesg | grep -c 'I/O err'\r")
        guest.expect("same", 120)
        guest.expect(r"^0$|\n0\n", 30)
        boot.ok("nothing that the guest wrote is lost, and it saw no error")
        guest.expect(PROMPT, 60)
        guest.send("poweroff\r")
        if guest.wait(120) != 0:
            raise GuestError(guest.explain("the machine did not power off"))


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root to mount a small file system")
        return 0
    print("1..3")
    with tempfile.TemporaryDirectory() as folder:
        boot = Boot(sys.argv[1], folder)
        try:
            fill(boot, folder)
            return 0
        except Skip as reason:
            print("\n".join(f"ok {n} # SKIP {reason}" for n in range(1, 4)))
            return 0
        except GuestError as error:
            print(f"not ok {boot.points + 1}\n" + re.sub("^", "# ", str(error), flags=re.M))
            return 1
        finally:
            subprocess.run(["umount", folder], check=False, stderr=subprocess.DEVNULL)


sys.exit(main())
