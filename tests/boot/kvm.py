#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kvm.py VITRINECTL: firmware on /dev/kvm, saved states that change the accelerator, and what `auto` chooses, as TAP.

Kinds of /dev/kvm that run firmware and little else are enough for all of it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import Boot, Skip                 # noqa: E402  (it sets the path for the next one)
from vmconsole import GuestError            # noqa: E402

END = "No bootable device"
DEVICE = Path("/dev/kvm")
MACHINE = ["--memory", "64M"]
NOBODY = 65534


def need_device():
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        raise Skip(f"{DEVICE} cannot be opened here")


def reach_the_end(boot, log, *arguments, files=()):
    """Runs until the firmware's log says so and the files are there; returns what was said on standard error."""
    log.unlink(missing_ok=True)
    with boot.run(*MACHINE, *arguments, "--debugcon", f"file:{log}") as guest:
        deadline = time.monotonic() + 60
        while not all(f.exists() for f in files) or not log.exists() or END not in log.read_text(errors="replace"):
            if time.monotonic() > deadline or not guest.pump(0.2):
                raise GuestError(guest.explain(f"no “{END}” with {' '.join(str(a) for a in arguments)}: {guest.errors}"))
        return guest.errors.decode(errors="replace")


def expect(condition, text, done=None):
    if not condition:
        raise GuestError(text + (f"\n{done.stderr}" if done else ""))


def firmware_runs_to_its_end(boot):
    need_device()
    picture = boot.folder / "screen.png"
    with boot.run(*MACHINE, "--accel", "kvm", "--screenshot", picture) as guest:
        # The screen is redrawn only where writes are noticed: here by the kernel's log.
        boot.screen(guest, picture, END, 60)
        expect(b"accelerator: kvm" in guest.errors, f"the first line is not about kvm: {guest.errors}")
    boot.ok("SeaBIOS under kvm shows on the screen that there is nothing to boot")


def resumes(boot, state, accel):
    said = reach_the_end(boot, boot.folder / "resumed", "--accel", accel, "--restore", state)
    expect(f"accelerator: {accel}" in said, f"not {accel}: {said}")


def saved_under(boot, accel, moments):
    states = [boot.folder / f"{accel}-{moment}" for moment in moments]
    arguments = ["--accel", accel]
    for state, moment in zip(states, moments):
        arguments += ["--save", f"{state}@{moment}"]
    reach_the_end(boot, boot.folder / "saved", *arguments, files=states)
    return states


def a_saved_state_changes_the_accelerator(boot):
    need_device()
    for saver, restorer, moments in (("kvm", "interp", (0.05, 0.1, 0.2)), ("interp", "kvm", (0.005, 0.01, 0.02))):
        for state in saved_under(boot, saver, moments):
            resumes(boot, state, restorer)
        boot.ok(f"SeaBIOS saved under {saver} goes on under {restorer}")


def has_virtualization():
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    return flags is not None and bool({"vmx", "svm"} & set(flags.group(1).split()))


def auto_says_what_it_chose_and_why(boot):
    said = reach_the_end(boot, boot.folder / "auto")
    line = re.search(r"^vitrinectl: accelerator: (\w+) \((.+)\)$", said, re.M)
    expect(line is not None, f"no line about the accelerator: {said}")
    name, why = line.groups()
    if name != "kvm":
        expect("/dev/kvm" in why, f"“{why}” does not say why not kvm")
    if not has_virtualization():
        expect(name != "kvm", "auto chose kvm on a processor without virtualization")
    if DEVICE.exists() and os.access(DEVICE, os.R_OK | os.W_OK) and not has_virtualization():
        expect("VT-x" in why, f"“{why}” does not name the reason")
    boot.ok(f"auto chooses {name} and says why: {why}")


def a_device_that_may_not_be_used_is_one_sentence(boot):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skip("only root can try it as somebody else")
    for path in Path(boot.vitrinectl).resolve().parents:
        if not path.stat().st_mode & 0o001:
            raise Skip(f"somebody else cannot reach {path}")
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", boot.vitrinectl, "run", *MACHINE, "--accel",
               "kvm"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
                          env={**os.environ, "HOME": "/nonexistent", "XDG_RUNTIME_DIR": ""})
    if DEVICE.exists() and DEVICE.stat().st_mode & 0o006:
        raise Skip(f"anybody may use {DEVICE} here")
    expect(done.returncode == 1, f"the exit status is {done.returncode}", done)
    lines = done.stderr.strip().splitlines()
    expect(len(lines) == 1 and "/dev/kvm" in lines[0], "not one line about /dev/kvm", done)
    boot.ok("asking for kvm without a usable /dev/kvm is one sentence and status 1")


TESTS = (firmware_runs_to_its_end, a_saved_state_changes_the_accelerator, auto_says_what_it_chose_and_why,
         a_device_that_may_not_be_used_is_one_sentence)


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-kvm-", dir="/var/tmp") as folder:
        boot = Boot(sys.argv[1], folder)
        for test in TESTS:
            boot.attempt(test.__name__.replace("_", " "), test)
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
