#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""secure-boot.py VITRINECTL NAME [CPUS] [ACCELERATOR]: Debian's UEFI with Secure Boot, which runs in system management mode, as TAP.

firmware: it comes up, and does not start its own shell, which nobody signed. linux: Debian's signed shim, GRUB and kernel start from
it, and the kernel uses its variables. unsigned: a loader whose signature is gone does not start. keyless: without keys it
starts anything; and writes to the variables' flash work in system management mode only. bios: SeaBIOS uses the mode, too. saved:
saved at random moments, many of them inside the mode, the boot goes on in another process. The seed is printed; SEED in the
environment sets it.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, power_off     # noqa: E402
from vmconsole import GuestError                                # noqa: E402

VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
SECURE = ("--firmware", "secure-boot")
EFIVARS = "/sys/firmware/efi/efivars"
GRUB_MENU = "set timeout=0\nlinux /vmlinuz console=ttyS0,115200\ninitrd /initrd.img\nboot\n"
FLASH = 0xffc00000      # where the variables are
MIB = 1 << 20


def unsigned(image):
    """A PE image without its certificate table."""
    data = bytearray(image.read_bytes())
    entry = int.from_bytes(data[0x3c:0x40], "little") + 24 + 112 + 4 * 8
    at = int.from_bytes(data[entry:entry + 4], "little")
    data[entry:entry + 8] = bytes(8)
    return bytes(data[:at])


def disk(boot, target, loader=None):
    """An EFI system partition that is a whole disk; the loader that firmware starts, shim if none is given."""
    path = boot.folder / "esp.img"
    if not shutil.which("mformat"):
        raise Skip("mtools are not installed")
    with open(path, "wb") as image:
        image.truncate(96 * MIB)
    first, menu = boot.folder / "first.efi", boot.folder / "grub.cfg"
    first.write_bytes(loader or (target / "shimx64.efi").read_bytes())
    menu.write_text(GRUB_MENU)
    subprocess.run(["mformat", "-i", path, "-F", "::"], check=True)
    subprocess.run(["mmd", "-i", path, "::EFI", "::EFI/BOOT", "::EFI/debian"], check=True)
    files = {first: "EFI/BOOT/BOOTX64.EFI", target / "grubx64.efi": "EFI/BOOT/grubx64.efi", menu: "EFI/debian/grub.cfg",
             target / "vmlinuz": "vmlinuz", target / "initrd.img": "initrd.img"}
    for source, name in files.items():
        subprocess.run(["mcopy", "-i", path, source, f"::{name}"], check=True)
    return path


def run(boot, *arguments, firmware=SECURE):
    if not Path("/usr/share/OVMF/OVMF_CODE_4M.ms.fd").exists():
        raise Skip("the package ovmf is not installed")
    return boot.run(*firmware, "--memory", "512M", *arguments)


def firmware_alone(boot):
    with run(boot) as guest:
        guest.expect(r"failed to start Boot\d+ \"EFI Internal Shell\".*Security Violation", 400)
        boot.ok("the firmware comes up, and refuses its own shell")
        guest.expect(r"Press any key to enter the Boot Manager Menu", 60)
        guest.send(" ")
        guest.expect(r"Device Manager|Boot Manager|Select Entry", 120)
        boot.ok("its menu is shown")


def variable(guest, name):
    """Its bytes, without the attributes."""
    text = guest.command(f"get {name}", PROMPT, 60)
    found = re.search(r"^([0-9a-f]*)\.", text, re.M)
    if found is None:
        raise GuestError(guest.explain(f"there is no variable {name}"))
    return bytes.fromhex(found[1])


def expect_linux(guest):
    guest.expect(PROMPT, 900)
    # Lines that fit the terminal: a longer one is not echoed as it was typed.
    for line in (f"E={EFIVARS}", "mount -t efivarfs none $E",
                 "get() { tail -c +5 $E/$1-* | hexdump -ve '1/1 \"%02x\"'; echo .; }",
                 "put() { printf \"\\\\$3\\\\0\\\\0\\\\0$2\" >$E/$1; }"):
        guest.command(line, PROMPT, 60)


MINE = "Mine-11111111-2222-3333-4444-555555555555"
SIGNED = "A-11111111-2222-3333-4444-555555555555"


def write_mine(boot, guest, text):
    guest.command(f"put {MINE} first 7", PROMPT, 60)
    if variable(guest, "Mine") != b"first":
        raise GuestError(guest.explain("a new variable does not keep its value"))
    boot.ok(text)


def linux(boot):
    target = boot.guest("secureboot")
    nvram = boot.folder / "vars.fd"
    with run(boot, "--disk", f"{disk(boot, target)},snapshot=on", "--nvram", nvram) as guest:
        expect_linux(guest)
        boot.ok("signed shim, GRUB and kernel start")
        log = guest.command("dmesg", PROMPT, 120)
        if "secureboot: Secure boot enabled" not in log or "locked down from EFI Secure Boot" not in log:
            raise GuestError(guest.explain("the kernel does not see Secure Boot"))
        boot.ok("the kernel says that Secure Boot is enabled, and locks itself down")
        if variable(guest, "SecureBoot") != b"\1" or variable(guest, "SetupMode") != b"\0" or len(variable(guest, "PK")) < 100:
            raise GuestError(guest.explain("the variables do not say so"))
        boot.ok("so do its variables SecureBoot, SetupMode and PK")
        if guest.command("nproc", PROMPT, 60).split()[-1] != str(boot.cpus):
            raise GuestError(guest.explain(f"not {boot.cpus} processors"))
        boot.ok("all processors run")
        # Each read and write is an SMI for all processors, which have other things to do.
        guest.command("for i in $(seq $(nproc)); do yes >/dev/null & done", PROMPT, 60)
        write_mine(boot, guest, "a variable is written while all processors are busy")
        guest.command("for i in $(seq 10); do cat $E/*-8be4* >/dev/null; done", PROMPT, 300)
        boot.ok("variables are read again and again meanwhile")
        guest.command("killall yes", PROMPT, 60)
        # With TIME_BASED_AUTHENTICATED_WRITE_ACCESS, and no signature.
        if "refused\n" not in guest.command(f"put {SIGNED} x 47 || echo refused", PROMPT, 60).replace("\r", "") + "\n":
            raise GuestError(guest.explain("a variable was written that needs a signature"))
        boot.ok("what needs a signature is not written without one")
        guest.send("reboot -f\r")
        expect_linux(guest)
        if variable(guest, "Mine") != b"first" or variable(guest, "SecureBoot") != b"\1":
            raise GuestError(guest.explain("variables did not outlive a reset"))
        boot.ok("after a reset they are there, and all is verified again")
        power_off(boot, guest)
    if b"f\0i\0r\0s\0t" not in nvram.read_bytes() and b"first" not in nvram.read_bytes():
        raise GuestError("the variable is not in the file")
    boot.ok("they are in the machine's file")


def unsigned_loader(boot):
    target = boot.guest("secureboot")
    image = disk(boot, target, unsigned(target / "shimx64.efi"))
    with run(boot, "--disk", f"{image},snapshot=on") as guest:
        guest.expect(r"BdsDxe: failed to (load|start) Boot\d+ \"UEFI.*(Security Violation|Access Denied)", 400)
        boot.ok("a loader without its signature is refused")
    image = disk(boot, target, unsigned(target / "grubx64.efi"))
    with run(boot, "--disk", f"{image},snapshot=on") as guest:
        guest.expect(r"BdsDxe: failed to (load|start) Boot\d+ \"UEFI.*(Security Violation|Access Denied)", 400)
        boot.ok("so is another")
    with run(boot, "--disk", f"{image},snapshot=on", firmware=("--firmware", "uefi")) as guest:
        guest.expect(PROMPT, 900)
        boot.ok("which UEFI without Secure Boot starts")


def poke(guest, command):
    """What is in the flash after a command was written there."""
    answer = guest.command(f"devmem {FLASH:#x} 8 {command:#x}; echo IS $(devmem {FLASH:#x} 8)", PROMPT, 60)
    return int(re.search(r"IS 0x([0-9A-Fa-f]+)", answer)[1], 16)


def keyless(boot):
    target = boot.guest("secureboot")
    image, nvram = disk(boot, target, unsigned(target / "grubx64.efi")), boot.folder / "vars.fd"
    shutil.copy(VARS, nvram)
    with run(boot, "--disk", f"{image},snapshot=on", "--nvram", nvram) as guest:
        expect_linux(guest)
        if variable(guest, "SetupMode") != b"\1" or variable(guest, "SecureBoot") != b"\0":
            raise GuestError(guest.explain("the firmware has keys"))
        boot.ok("without keys it is in setup mode, and starts an unsigned loader")
        first = VARS.read_bytes()[0]
        if poke(guest, 0x70) != first or poke(guest, 0x98) != first or poke(guest, 0x20) != first or poke(guest, 0xd0) != first:
            raise GuestError(guest.explain("the flash took a command"))
        boot.ok("commands from outside of system management mode do not reach the flash")
        write_mine(boot, guest, "those from inside do")
        power_off(boot, guest)
    with run(boot, "--disk", f"{image},snapshot=on", firmware=("--firmware", "uefi")) as guest:
        guest.expect(PROMPT, 900)
        if poke(guest, 0x70) == first or poke(guest, 0xff) != first:
            raise GuestError(guest.explain("the flash took no command"))
        boot.ok("without Secure Boot the flash takes commands from everybody")


BIOS_WITH_SMM = """<domain type='qemu'><name>x</name><memory unit='MiB'>256</memory><vcpu>{cpus}</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/><apic/><smm state='on'/></features>
<devices><disk type='file' device='cdrom'><source file='{iso}'/><target dev='sda' bus='sata'/></disk></devices></domain>
"""


def bios(boot):
    definition = boot.folder / "bios.xml"
    definition.write_text(BIOS_WITH_SMM.format(cpus=boot.cpus, iso=boot.guest("iso") / "demo.iso"))
    with boot.run("--domain", definition, "--trace", "acpi_pm_write") as guest:
        guest.expect(PROMPT, 900)
        boot.ok("SeaBIOS starts a system from its CD")
        # SMI_EN: then it calls its drivers through the mode, thousands of times.
        if not re.search(rb"acpi_pm_write off=0x30 size=4 value=0x21\b", bytes(guest.errors)):
            raise GuestError(guest.explain("SeaBIOS did not set up system management mode"))
        boot.ok("with its drivers called through system management mode")
        power_off(boot, guest)


MOMENTS = 6


def saved(boot):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# seed {seed}", flush=True)
    rng = random.Random(seed)
    esp = ("--disk", f"{disk(boot, boot.guest('secureboot'))},snapshot=on")
    files = [boot.folder / f"saved{n}" for n in range(MOMENTS)]
    # While the firmware is at work there are hundreds of SMIs in each second.
    start = time.monotonic()
    with run(boot, *esp) as guest:
        guest.expect(r"BdsDxe: starting Boot", 400)
        seconds = time.monotonic() - start
    arguments = [a for file in files for a in ("--save", f"{file}@{rng.uniform(0.3, 1.0) * seconds:.3f}")]
    with run(boot, *esp, *arguments) as guest:
        expect_linux(guest)
        if not all(file.exists() for file in files):
            raise GuestError(guest.explain("not all was saved"))
        power_off(boot, guest)
    inside = 0
    for file in files:
        with run(boot, *esp, "--restore", file, "--trace", "x86_smm*") as guest:
            expect_linux(guest)
            if variable(guest, "SecureBoot") != b"\1":
                raise GuestError(guest.explain("Secure Boot is off"))
            first = re.search(rb"x86_smm_(enter|leave)", bytes(guest.errors))
            inside += first is not None and first[1] == b"leave"
    boot.ok(f"the boot goes on from {MOMENTS} moments")
    print(f"# {inside} of them inside system management mode")


TESTS = {"bios": bios, "saved": saved, "firmware": firmware_alone, "linux": linux, "unsigned": unsigned_loader, "keyless": keyless}


def main():
    vitrinectl, name = sys.argv[1], sys.argv[2]
    cpus = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    accel = sys.argv[4] if len(sys.argv) > 4 else None
    with tempfile.TemporaryDirectory(prefix="vitrine-secure-boot-") as folder:
        boot = Boot(vitrinectl, folder, accel, cpus)
        boot.attempt(name, TESTS[name])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
