#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""boot.py VITRINECTL NAME [ACCELERATOR]: boots one guest and checks that it comes up, as TAP.

The guests are made by tools/guest-builder; a guest that cannot be made here (no network, no root) is a skipped test.
"""
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from screentext import screen_text      # noqa: E402
from vmconsole import Guest, GuestError  # noqa: E402

PROMPT = r"demo:\S*# "
# Text that a healthy kernel does not print, and what may contain it all the same.
BAD_KERNEL_TEXT = re.compile(
    r"\bBUG\b|WARNING|(?i:firmware bug|lost interrupt|nobody cared|marking .* unstable|call trace|soft lockup|hung task"
    r"|machine check|acpi.*(error|exception|warning)|timed out|failed|unable to|\binvalid\b)")
# What remains on real and other virtual machines as well, each for a reason that is not ours.
HARMLESS = re.compile(
    r"failed to load regulatory\.db|platform regulatory"     # no wireless database in the demo system
    r"|invalid parameter:? .*ttyS0"
    r"|PM-Timer running at invalid rate: [1-9]\d\d%"         # 32-bit kernels measure it over 30 ms; a busy host stretches these
)


class Skip(Exception):
    """The reason."""


class Boot:
    """What every boot test needs: the program, a folder for its files, the guests."""

    def __init__(self, vitrinectl, folder, accel=None, cpus=1):
        self.vitrinectl = vitrinectl
        self.folder = Path(folder)
        self.points = 0
        self.cpus = cpus
        self.accel = accel

    def ok(self, text):
        self.points += 1
        print(f"ok {self.points} - {text}", flush=True)

    def attempt(self, name, test):
        """test(self); a point of its own when it cannot be made here, or fails."""
        try:
            test(self)
        except Skip as reason:
            self.points += 1
            print(f"ok {self.points} - {name} # SKIP {reason}", flush=True)
        except GuestError as problem:
            self.points += 1
            print(f"not ok {self.points} - {name}")
            print("# " + str(problem).replace("\n", "\n# "), flush=True)

    def guest(self, target):
        made = subprocess.run([TOP / "tools" / "guest-builder", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        if made.returncode != 0:
            raise Skip(made.stderr.strip().splitlines()[-1] if made.stderr.strip() else f"{target} cannot be made")
        return Path(made.stdout.strip())

    def run(self, *arguments):
        accel = ["--accel", self.accel] if self.accel else []
        return Guest(self.vitrinectl, *accel, "--cpus", self.cpus, *arguments)

    def screen(self, guest, picture, pattern, seconds):
        """Waits for text on the VGA screen: SIGUSR1 makes `vitrinectl run` take its --screenshot now."""
        deadline, text = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            if not guest.pump(1.0):
                raise GuestError(guest.explain(f"the run ended before “{pattern}” was on the screen"))
            if not guest.errors:        # not yet ready for signals
                continue
            guest.picture(picture)
            try:
                text = screen_text(picture)
            except (OSError, ValueError):
                continue
            if re.search(pattern, text):
                return text
        raise GuestError(guest.explain(f"no “{pattern}” on the screen within {seconds} seconds; it shows:\n{text}"))


# --- The guests -------------------------------------------------------------------------------------------------------

def seabios(boot):
    log = boot.folder / "debugcon"
    with boot.run("--memory", "64M", "--debugcon", f"file:{log}") as guest:
        deadline = time.monotonic() + 120
        while "No bootable device" not in (log.read_text(errors="replace") if log.exists() else ""):
            if time.monotonic() > deadline or not guest.pump(0.5):
                raise GuestError(guest.explain(f"SeaBIOS did not get to its end; it logged:\n{log.read_text()[-2000:]}"))
    boot.ok("SeaBIOS finds no bootable device")
    if f"Found {boot.cpus} cpu(s)" not in log.read_text():
        raise GuestError(f"SeaBIOS did not count {boot.cpus} processors")
    boot.ok("SeaBIOS counts the processors")


def ovmf(boot):
    with boot.run("--firmware", "uefi", "--memory", "256M") as guest:
        guest.expect(r"UEFI Interactive Shell|Boot Manager", 400)
        boot.ok("OVMF starts its shell")
        guest.expect(r"Shell> ", 120)
        boot.ok("the shell has a prompt")
        guest.send("reset -s\r")
        if guest.wait(60) != 0:
            raise GuestError(guest.explain("the machine did not power off"))
        boot.ok("“reset -s” powers the machine off")


def memtest(boot):
    target = boot.guest("memtest")
    with boot.run("--memory", "64M", "--kernel", target / "memtest.bin", "--append", "console=ttyS0,115200") as guest:
        guest.expect(r"Memtest86\+", 120)
        boot.ok("memtest86+ shows its screen on the serial console")
        guest.expect(r"Test:?\s*#?\d|\bTesting", 120)
        guest.expect(r"[2-9]%|\d\d%", 300)
        boot.ok("memtest86+ tests memory")
        if re.search(r"Errors:\s+[1-9]", guest.text):
            raise GuestError(guest.explain("memtest86+ found errors"))
        boot.ok("memtest86+ finds no errors")


def ipxe(boot):
    picture = boot.folder / "screen.png"
    target = boot.guest("ipxe")
    with boot.run("--memory", "128M", "--cdrom", target / "ipxe.iso", "--screenshot", picture) as guest:
        boot.screen(guest, picture, r"iPXE \d|iPXE initialising", 300)
        boot.ok("iPXE starts from its CD")


def second_entry(guest, title):
    """Chooses the second entry of GRUB's menu. GRUB tells an arrow key from Escape by what follows soon after, so Enter waits for
    the star of the selected entry."""
    guest.send("\x1b[B")
    guest.expect(r"\*" + re.escape(title), 60)
    guest.send("\r")


def grub(boot):
    picture = boot.folder / "screen.png"
    target = boot.guest("iso")
    with boot.run("--memory", "512M", "--cdrom", target / "demo.iso", "--screenshot", picture) as guest:
        guest.expect(r"Vitrine demo \(serial console\)", 300)
        boot.ok("GRUB shows its menu")
        second_entry(guest, "Vitrine demo (serial console)")
        guest.expect(PROMPT, 900)
        boot.ok("the menu's second entry boots to a shell")


def installer(boot):
    target = boot.guest("installer")
    with boot.run("--memory", "1G", "--cdrom", target / "mini.iso") as guest:
        guest.expect(r"Install \(serial console\)", 300)
        boot.ok("the installer's CD shows its menu")
        second_entry(guest, "Install (serial console)")
        guest.expect(r"Select a language|Choose the language", 900)
        boot.ok("the installer asks for the language")


def check_dmesg(boot, guest):
    guest.command("dmesg -n 1", PROMPT, 60)
    log = guest.command("dmesg", PROMPT, 120)
    bad = [line for line in log.splitlines() if BAD_KERNEL_TEXT.search(line) and not HARMLESS.search(line)]
    if bad:
        raise GuestError("the kernel complained:\n" + "\n".join(bad))
    boot.ok("the kernel does not complain")
    return log


def power_off(boot, guest):
    guest.send("poweroff\n")
    status = guest.wait(180)
    if status != 0:
        raise GuestError(guest.explain(f"the run ended with status {status}"))
    boot.ok("“poweroff” ends the run with status 0")


def linux(boot, kernel="vmlinuz"):
    target = boot.guest("demo")
    with boot.run("--memory", "512M", "--kernel", target / kernel, "--initrd", target / "initrd.img",
                  "--append", "console=tty0 console=ttyS0,115200") as guest:
        guest.expect(PROMPT, 900)
        boot.ok(f"Debian's kernel boots to a shell with {boot.cpus} processors")
        if guest.command("nproc", PROMPT, 60).split()[-1] != str(boot.cpus):
            raise GuestError(guest.explain("nproc disagrees"))
        boot.ok("all processors are online")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def linux2(boot):
    boot.cpus = 2
    linux(boot)


def pvh(boot):
    linux(boot, "vmlinux")


def debian(boot):
    target = boot.guest("disk")
    with boot.run("--memory", "1G", "--disk", f"{target / 'disk.img'},format=raw,bus=virtio,snapshot=on") as guest:
        guest.expect(r"login: ", 1800)
        boot.ok("a Debian disk boots to a login prompt")
        guest.send("root\n")
        prompt = r"root@debian:\S*# "
        guest.expect(prompt, 180)
        boot.ok("root logs in")
        state = guest.command("systemctl is-system-running --wait", prompt, 600).split()[-1]
        failed = guest.command("systemctl --failed --no-legend --plain", prompt, 60)
        units = re.findall(r"^\S+\.\w+", failed, re.M)
        network = [u for u in units if re.search(r"network|resolv|timesync|ifup|dhc", u)]
        if state != "running" and units != network:
            raise GuestError(guest.explain(f"the system is {state}; failed: {units}"))
        boot.ok("systemd says that the system is running")
        guest.send("systemctl poweroff\n")
        if guest.wait(300) != 0:
            raise GuestError(guest.explain("the machine did not power off"))
        boot.ok("the system powers itself off")


TESTS = {f.__name__: f for f in (seabios, ovmf, memtest, ipxe, grub, installer, linux, linux2, pvh, debian)}


def main():
    vitrinectl, name = sys.argv[1:3]
    accel = sys.argv[3] if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory(prefix="vitrine-boot-") as folder:
        boot = Boot(vitrinectl, folder, accel)
        boot.attempt(name, TESTS[name])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
