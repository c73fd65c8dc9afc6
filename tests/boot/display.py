#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""display.py VITRINECTL NAME: what guests see of each video device, and what is seen of them, as TAP.

Debian's kernel finds in /sys/class/drm the EDID that `vitrinectl edid` writes for the same wishes, its first mode is the one
asked for, and its console is drawn in that mode. OVMF draws on ramfb and bochs-display, and Linux goes on there.
"""
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip             # noqa: E402
from screentext import read_png                 # noqa: E402
from vmconsole import GuestError                # noqa: E402

# Name: the option, the size, and the DRM driver.
LINUX = {
    "std": ("std", (1440, 900), "bochs-drm"),
    "bochs": ("bochs", (1366, 768), "bochs-drm"),
    "virtio": ("virtio", (1283, 717), "virtio_gpu"),
    "virtio-wide": ("virtio,vga=off", (5120, 1440), "virtio_gpu"),
}


def wanted_edid(vitrinectl, size):
    command = [vitrinectl, "edid", "--xres", str(size[0]), "--yres", str(size[1]), "--name", "Vitrine"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def guest_edid(guest):
    text = guest.command("od -An -v -tx1 /sys/class/drm/card*-*/edid; echo; echo end", PROMPT, 60)
    return bytes.fromhex("".join(re.findall(r"^((?: [0-9a-f]{2})+)\s*$", text, re.M)).replace(" ", ""))


def look(path):
    """Width and height of a picture, and whether there is something in it: a black one is zeros but for a byte a line."""
    data = Path(path).read_bytes()
    width, height = struct.unpack_from(">II", data, 16)
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    pixels = zlib.decompress(packed)
    return width, height, len(pixels) - pixels.count(0) > height + 1000


def wait_for_picture(guest, path, size=None, seconds=60):
    """Something in that size."""
    deadline = time.monotonic() + seconds
    width = height = 0
    while time.monotonic() < deadline and guest.pump(1.0):
        guest.picture(path)
        width, height, drawn = look(path)
        if drawn and size in (None, (width, height)):
            return width, height
    raise GuestError(guest.explain(f"no picture; the screen is {width}x{height}"))


def uses_blobs(guest):
    """Of a run with --trace virtio_gpu_command: Linux leaves its frames in blobs, and nothing that it asks for is refused."""
    guest.pump_for(0.5)
    answers = set(re.findall(r"virtio_gpu_command.* type=0x(\w+) response=0x(\w+)", guest.errors.decode(errors="replace")))
    if ("010d", "1100") not in answers or ("0101", "1100") in answers:   # SET_SCANOUT_BLOB, RESOURCE_CREATE_2D
        raise GuestError(guest.explain("the driver does not use blobs"))
    if any(answer.startswith("12") for _, answer in answers):
        raise GuestError(guest.explain("a command was refused"))


def linux(boot, name):
    option, size, driver = LINUX[name]
    trace = ["--trace", "virtio_gpu_command"] if driver == "virtio_gpu" else []
    target = boot.guest("demo")
    path = boot.folder / "screen.png"
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=tty0 console=ttyS0,115200", "--video", f"{option},xres={size[0]},yres={size[1]}",
                  "--screenshot", path, *trace) as guest:
        guest.expect(PROMPT, 900)
        boot.ok(f"Debian's kernel boots with {option}")
        log = guest.command("dmesg", PROMPT, 120)
        if driver not in log:
            raise GuestError(guest.explain(f"{driver} did not start"))
        boot.ok(f"{driver} drives it")
        if guest_edid(guest) != wanted_edid(boot.vitrinectl, size):
            raise GuestError(guest.explain("the EDID is another one"))
        boot.ok("the guest's EDID is the one that was sent")
        modes = guest.command("cat /sys/class/drm/card*-*/modes", PROMPT, 60)
        if re.findall(r"^\d+x\d+", modes, re.M)[0] != f"{size[0]}x{size[1]}":
            raise GuestError(guest.explain("the preferred mode is not the first"))
        boot.ok(f"its preferred mode is {size[0]}x{size[1]}")
        guest.command("dmesg >/dev/tty0", PROMPT, 60)
        wait_for_picture(guest, path, size)
        boot.ok("the console is drawn in that mode")
        if trace:
            uses_blobs(guest)
            boot.ok("its frames are blobs, and all that it asks for is done")


def modes_of(guest):
    return re.findall(r"^\d+x\d+", guest.command("cat /sys/class/drm/card*-*/modes", PROMPT, 60), re.M)


def resize(boot):
    """The monitor changes while the guest runs: its driver notices without any agent, and reads the new EDID."""
    target = boot.guest("demo")
    sizes = [(1501, 903), (777, 555), (5120, 2880)]
    changes = [f"--resize={size[0]}x{size[1]}@{30 + 15 * n}" for n, size in enumerate(sizes)]
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=tty0 console=ttyS0,115200", "--video", "virtio,xres=1000,yres=700", *changes) as guest:
        guest.expect(PROMPT, 900)
        edids = [wanted_edid(boot.vitrinectl, size) for size in sizes]
        for n, size in enumerate(sizes):
            deadline = time.monotonic() + 120
            while (edid := guest_edid(guest)) not in edids[n:]:
                if time.monotonic() > deadline or not guest.pump(1.0):
                    raise GuestError(guest.explain(f"no EDID of {size[0]}x{size[1]} came"))
            # The console's framebuffer keeps its size, and modes beyond it away; whoever draws next asks like this.
            guest.command("echo detect >/sys/class/drm/card0-Virtual-1/status", PROMPT, 60)
            mode = modes_of(guest)[0]
            if edid == edids[n] == guest_edid(guest):
                if mode != f"{size[0]}x{size[1]}":
                    raise GuestError(guest.explain(f"{size[0]}x{size[1]} did not become the preferred mode"))
                boot.ok(f"the guest notices that its monitor has {size[0]}x{size[1]} now")
            elif n == len(sizes) - 1:
                raise GuestError(guest.explain("the last EDID did not stay"))
            else:
                print(f"# {size[0]}x{size[1]} came and went while a busy computer did something else")


def saved(boot):
    """A picture of SeaBIOS comes back with the machine, whoever shows it; but for a cursor, which blinks."""
    for number, device in enumerate(("std", "bochs", "ramfb", "virtio", "virtio,ramfb=on")):
        state, before, after = (boot.folder / f"{name}{number}" for name in ("state", "before.png", "after.png"))
        run = [boot.vitrinectl, "run", "--memory", "64M", "--video", device]
        for more in (["--save", f"{state}@6", "--screenshot", before, "--timeout", "9"],
                     ["--restore", state, "--screenshot", after, "--timeout", "2"]):
            ended = subprocess.run(run + more, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if ended.returncode != 124:
                raise GuestError(ended.stderr)
        old, new = read_png(before), read_png(after)
        different = sum(a != b for one, other in zip(old[2], new[2]) for a, b in zip(one, other))
        if old[:2] != new[:2] or different > 3 * 9 * 16 or sum(any(row) for row in new[2]) < 16:
            raise GuestError(f"{device}: {old[:2]} became {new[:2]}, {different} bytes differ")
        boot.ok(f"{device}: a saved picture of {new[0]}x{new[1]} comes back")


def saved_linux(boot):
    """And one of a driver, which goes on drawing."""
    target = boot.guest("demo")
    path, state = boot.folder / "screen.png", boot.folder / "state"
    machine = ["--memory", "256M", "--kernel", target / "vmlinux", "--initrd", target / "initrd.img", "--append",
               "console=tty0 console=ttyS0,115200", "--video", "virtio,xres=1000,yres=700", "--screenshot", path,
               "--trace", "virtio_gpu_command"]
    with boot.run(*machine, "--save", state) as guest:
        guest.expect(PROMPT, 900)
        guest.command("dmesg >/dev/tty0", PROMPT, 60)
        wait_for_picture(guest, path, (1000, 700))
        uses_blobs(guest)
        guest.process.send_signal(signal.SIGTERM)
        guest.wait(60)
    old = read_png(path)
    path.unlink()
    with boot.run(*machine, "--restore", state) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 600)
        guest.picture(path)
        new = read_png(path)
        different = sum(a != b for one, other in zip(old[2], new[2]) for a, b in zip(one, other))
        if old[:2] != new[:2] or different > 3 * 8 * 16:
            raise GuestError(guest.explain(f"{old[:2]} became {new[:2]}, {different} bytes differ"))
        boot.ok("a saved picture of Linux on virtio-gpu comes back")
        guest.command("clear >/dev/tty0; echo hello >/dev/tty0", PROMPT, 60)
        guest.pump(2.0)
        guest.picture(path)
        if read_png(path)[2] == new[2]:
            raise GuestError(guest.explain("nothing is drawn any more"))
        boot.ok("and Linux goes on drawing")


def heads(boot):
    """Four monitors, all connected, each with its EDID."""
    target = boot.guest("demo")
    size = (800, 600)
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200", "--video", f"virtio,heads=4,xres={size[0]},yres={size[1]}") as guest:
        guest.expect(PROMPT, 900)
        states = guest.command("cat /sys/class/drm/card*-*/status", PROMPT, 60).split()
        if states != ["connected"] * 4:
            raise GuestError(guest.explain("not all are connected"))
        boot.ok("four monitors are connected")
        if guest_edid(guest) != 4 * wanted_edid(boot.vitrinectl, size):
            raise GuestError(guest.explain("an EDID is another one"))
        boot.ok("each has its EDID")


def efi_disk(boot, target):
    """A FAT disk from which the shell of OVMF starts the kernel."""
    disk, script = boot.folder / "efi.img", boot.folder / "startup.nsh"
    if not shutil.which("mformat"):
        raise Skip("mtools are not installed")
    script.write_text("fs0:\r\nvmlinuz initrd=\\initrd.img console=tty0 console=ttyS0,115200\r\n")
    with open(disk, "wb") as image:
        image.truncate(64 << 20)
    subprocess.run(["mformat", "-i", disk, "-F", "::"], check=True)
    for name in (target / "vmlinuz", target / "initrd.img", script):
        subprocess.run(["mcopy", "-i", disk, name, f"::{name.name}"], check=True)
    return disk


def efifb(boot, device):
    """Without a driver of its own, the kernel's console goes on in the framebuffer that firmware left."""
    path = boot.folder / "screen.png"
    disk = efi_disk(boot, boot.guest("demo"))
    with boot.run("--firmware", "uefi", "--memory", "512M", "--video", device, "--disk", f"{disk},snapshot=on",
                  "--screenshot", path) as guest:
        guest.expect(PROMPT, 900)
        log = guest.command("dmesg", PROMPT, 120)
        mode = re.search(r"efifb: mode is (\d+)x(\d+)x32", log)
        if mode is None:
            raise GuestError(guest.explain("the kernel has no EFI framebuffer"))
        boot.ok(f"the kernel finds the framebuffer of OVMF on {device}: {mode[1]}x{mode[2]}")
        guest.command("dmesg >/dev/tty0", PROMPT, 60)
        width, height = wait_for_picture(guest, path, (int(mode[1]), int(mode[2])) if device == "ramfb" else None)
        boot.ok(f"its console is drawn there: {width}x{height}")


def uefi(boot, device):
    """The logo, or the menu: with nothing to boot, OVMF ends in its shell, which prints on the screen too."""
    path = boot.folder / "screen.png"
    with boot.run("--firmware", "uefi", "--memory", "256M", "--video", device, "--screenshot", path) as guest:
        guest.expect(r"UEFI Interactive Shell|Boot Manager", 400)
        width, height = wait_for_picture(guest, path)
        boot.ok(f"OVMF draws on {device}: {width}x{height}")


TESTS = {**{name: lambda boot, name=name: linux(boot, name) for name in LINUX},
         "uefi-ramfb": lambda boot: uefi(boot, "ramfb"), "uefi-bochs": lambda boot: uefi(boot, "bochs"),
         "efifb-ramfb": lambda boot: efifb(boot, "ramfb"), "efifb-bochs": lambda boot: efifb(boot, "bochs"),
         "resize": resize, "heads": heads, "saved": saved, "saved-linux": saved_linux}


def main():
    vitrinectl, name = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="vitrine-display-") as folder:
        boot = Boot(vitrinectl, folder)
        boot.attempt(name, TESTS[name])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
