#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tpm.py VITRINECTL NAME: Debian's kernel and its tools with a TPM 2.0, as TAP.

NAME: crb, tis (the register interfaces), pc (on the other board), seabios, ovmf (firmware that measures), snapshot, killed.
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, check_dmesg, power_off, second_entry     # noqa: E402
from display import efi_disk                                                  # noqa: E402
from vmconsole import GuestError, find_process                                # noqa: E402

DIGEST = "5a" * 32
HANDLE = "0x81010001"


def pcr_after(*digests):
    value = bytes(32)
    for digest in digests:
        value = hashlib.sha256(value + bytes.fromhex(digest)).digest()
    return value.hex().upper()


def shell(guest, line, seconds=180):
    return guest.command(line, PROMPT, seconds)


def same(boot, guest, got, wanted, what):
    if got != wanted:
        raise GuestError(guest.explain(f"{what}: “{got}” instead of “{wanted}”"))
    boot.ok(what)


def pcr(guest, number):
    return re.search(r"[0-9A-F]{64}", shell(guest, f"cat /sys/class/tpm/tpm0/pcr-sha256/{number}").upper()).group()


def extend(guest):
    text = shell(guest, f"tpm2_pcrextend 16:sha256={DIGEST} && echo exten''ded")
    if "extended" not in text:
        raise GuestError(guest.explain("the PCR cannot be extended"))


def options(boot, *more, model="crb", state="tpm"):
    target = boot.guest("tpm")
    return ["--memory", "512M", "--kernel", target / "vmlinux", "--initrd", target / "initrd.img", "--append",
            "console=ttyS0,115200", "--tpm", f"{boot.folder / state},model={model}", *more]


def start(guest):
    guest.expect(PROMPT, 900)
    shell(guest, "stty cols 250; dmesg -n 1; export TPM2TOOLS_TCTI=device:/dev/tpmrm0")


def seal(guest):
    """A secret, which the TPM keeps under a handle of its own."""
    text = shell(guest, "cd /tmp; tpm2_createprimary -Q -C o -c p.ctx && echo -n open sesame | tpm2_create -Q -C p.ctx -u s.pub -r s.priv -i - "
                 f"&& tpm2_load -Q -C p.ctx -u s.pub -r s.priv -c s.ctx && tpm2_evictcontrol -Q -C o -c s.ctx {HANDLE} && echo sea''led", 300)
    if "sealed" not in text:
        raise GuestError(guest.explain("nothing can be sealed"))


def interface(boot, model, driver, *more):
    with boot.run(*options(boot, *more, model=model)) as guest:
        start(guest)
        name = shell(guest, "basename $(readlink /sys/class/tpm/tpm0/device/driver); cat /sys/class/tpm/tpm0/tpm_version_major")
        same(boot, guest, name.split()[-2:], [driver, "2"], f"the kernel’s {driver} drives it")
        same(boot, guest, len(re.findall(r"\b[0-9a-f]{64}\b", shell(guest, "for i in 1 2; do tpm2_getrandom --hex 32; echo; done"))), 2,
             "it makes random numbers")
        text = shell(guest, "tpm2_pcrread sha256:16")
        same(boot, guest, "0x" + "0" * 64 in text, True, "a PCR is empty at first")
        extend(guest)
        same(boot, guest, pcr(guest, 16), pcr_after(DIGEST), "a PCR that is extended has the hash of both")
        seal(guest)
        check_dmesg(boot, guest)
        guest.send("reboot\n")
        guest.expect("Linux version", 300)
        start(guest)
        same(boot, guest, pcr(guest, 16), "0" * 64, "a reset of the machine empties it")
        power_off(boot, guest)
    with boot.run(*options(boot, *more, model=model)) as guest:
        start(guest)
        same(boot, guest, "open sesame" in shell(guest, f"tpm2_unseal -c {HANDLE}"), True, "what was sealed is there after the next start")
        same(boot, guest, pcr(guest, 16), "0" * 64, "and the PCR is not")
        power_off(boot, guest)


def measured(boot, guest):
    """By what started the kernel: the log is in memory, the registers are the TPM's."""
    shell(guest, "mount -t securityfs none /sys/kernel/security")
    size = int(shell(guest, "wc -c < /sys/kernel/security/tpm0/binary_bios_measurements").split()[-1])
    if size < 100:
        raise GuestError(guest.explain(f"the log of measurements has {size} bytes"))
    boot.ok(f"the log of the firmware’s measurements has {size} bytes")
    for number in (0, 4, 7):
        if pcr(guest, number) == "0" * 64:
            raise GuestError(guest.explain(f"PCR {number} is empty"))
    boot.ok("PCRs 0, 4 and 7 are measured")


def ovmf(boot):
    disk = efi_disk(boot, boot.guest("tpm"))
    with boot.run("--firmware", "uefi", "--memory", "512M", "--disk", f"{disk},snapshot=on,bus=sata", "--tpm", "temporary") as guest:
        start(guest)
        measured(boot, guest)
        power_off(boot, guest)


def seabios(boot):
    target = boot.guest("iso")
    for model in ("crb", "tis"):
        with boot.run("--memory", "512M", "--cdrom", target / "demo.iso", "--tpm", f"temporary,model={model}") as guest:
            guest.expect(r"Vitrine demo \(serial console\)", 400)
            second_entry(guest, "Vitrine demo (serial console)")
            start(guest)
            measured(boot, guest)
            power_off(boot, guest)


def call(boot, *words):
    done = subprocess.run([boot.vitrinectl, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GuestError(f"vitrinectl {' '.join(map(str, words))}: {done.stderr}")


def snapshot(boot):
    socket, folder = boot.folder / "control", boot.folder / "snapshots"
    with boot.run(*options(boot, "--control", socket, "--snapshots", folder)) as guest:
        start(guest)
        extend(guest)
        call(boot, "snapshot", "take", socket, "then")
        same(boot, guest, pcr(guest, 16), pcr_after(DIGEST), "the guest goes on")
        extend(guest)
        same(boot, guest, pcr(guest, 16), pcr_after(DIGEST, DIGEST), "and extends the PCR once more")
        seal(guest)
        power_off(boot, guest)
    with boot.run(*options(boot, "--restore", folder / "then.state")) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 60)
        same(boot, guest, pcr(guest, 16), pcr_after(DIGEST), "gone back, the PCR is as it was")
        same(boot, guest, "open sesame" in shell(guest, f"tpm2_unseal -c {HANDLE}"), False, "what was sealed later is not there")
        extend(guest)
        same(boot, guest, pcr(guest, 16), pcr_after(DIGEST, DIGEST), "and it can be extended again")
        power_off(boot, guest)
    folder = boot.folder / "without"
    folder.mkdir()
    arguments = options(boot, "--restore", boot.folder / "snapshots" / "then.state")
    arguments[arguments.index("--tpm") + 1] = "none"
    with boot.run(*arguments) as guest:
        if guest.wait(60) != 1 or b"does not fit" not in guest.errors:
            raise GuestError(guest.explain("a machine without a TPM takes the state of one that has one"))
        boot.ok("a machine without a TPM does not take it")


def program_of(folder):
    pid = find_process("swtpm", folder)
    if pid == 0:
        raise GuestError(f"there is no swtpm for {folder}")
    return pid


def killed(boot):
    with boot.run(*options(boot)) as guest:
        start(guest)
        shell(guest, "tpm2_getrandom --hex 8")
        os.kill(program_of(boot.folder / "tpm"), signal.SIGKILL)
        same(boot, guest, "no luck" in shell(guest, "tpm2_getrandom --hex 8 || echo no lu''ck"), True, "the guest’s command fails")
        same(boot, guest, b"TPM has failed (swtpm has ended)" in guest.errors, True, "and the program says why")
        same(boot, guest, shell(guest, "echo al''ive").split()[-1], "alive", "the guest goes on")
        power_off(boot, guest)
    with boot.run(*options(boot)) as guest:
        start(guest)
        same(boot, guest, len(re.findall(r"\b[0-9a-f]{16}\b", shell(guest, "tpm2_getrandom --hex 8; echo"))), 1, "started again, it has its TPM")
        pid = program_of(boot.folder / "tpm")
        guest.process.kill()
        guest.wait(60)
    for _ in range(200):
        if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    else:
        raise GuestError("swtpm outlives a machine that was killed")
    boot.ok("a machine that is killed takes its TPM with it")


TESTS = {
    "crb": lambda boot: interface(boot, "crb", "tpm_crb"),
    "tis": lambda boot: interface(boot, "tis", "tpm_tis"),
    "pc": lambda boot: interface(boot, "tis", "tpm_tis", "--machine", "pc"),
    "ovmf": ovmf, "seabios": seabios, "snapshot": snapshot, "killed": killed,
}


def main():
    if shutil.which("swtpm") is None:
        raise SystemExit("1..0 # SKIP swtpm is not installed")
    with tempfile.TemporaryDirectory(prefix="vitrine-tpm-", dir="/var/tmp") as folder:
        boot = Boot(sys.argv[1], folder)
        boot.attempt(sys.argv[2], TESTS[sys.argv[2]])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
