#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""save-restore.py VITRINECTL COUNT [SAVED-UNDER RESTORED-UNDER]: saves the demo machine at COUNT random moments of one boot,
restores each in a process of its own, and lets each boot go on to the shell and power off, as TAP. The two are accelerators.
The seed is printed; SEED in the environment sets it."""
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip       # noqa: E402  (it sets the path for the next one)
from vmconsole import GuestError          # noqa: E402


def boot_and_save(boot, target, accel, moments):
    """One boot, saved on its way. The machine goes on after each save."""
    arguments = machine(target, accel)
    for number, seconds in enumerate(moments):
        arguments += ["--save", f"{boot.folder / str(number)}@{seconds:.3f}"]
    with boot.run(*arguments) as guest:
        guest.expect(PROMPT, 900)
        while not all((boot.folder / str(n)).exists() for n in range(len(moments))):
            if not guest.pump(0.5):
                raise GuestError(guest.explain("the run ended before the last save"))
        guest.send("poweroff\n")
        if guest.wait(180) != 0:
            raise GuestError(guest.explain("the boot that was saved did not end well"))


def machine(target, accel):
    return ["--accel", accel, "--memory", "256M", "--kernel", target / "vmlinux", "--initrd", target / "initrd.img", "--append",
            "console=ttyS0,115200"]


def measure(boot, target, accel):
    """Host seconds from the start to the shell: saves are spread over about this much guest time."""
    start = time.monotonic()
    with boot.run(*machine(target, accel)) as guest:
        guest.expect(PROMPT, 900)
        return time.monotonic() - start


def restore(boot, target, accel, number):
    with boot.run(*machine(target, accel), "--restore", boot.folder / str(number)) as guest:
        guest.send("\n")            # the prompt may have been printed before the save
        guest.expect(PROMPT, 600)
        answer = guest.command("echo $((6 * 7)) $(nproc)", PROMPT, 120)
        if "42 2" not in answer:
            raise GuestError(guest.explain(f"the shell answered “{answer}”"))
        guest.send("poweroff\n")
        if guest.wait(180) != 0:
            raise GuestError(guest.explain("the restored machine did not power off"))


def main():
    vitrinectl, count = sys.argv[1], int(sys.argv[2])
    before, after = sys.argv[3:5] if len(sys.argv) > 4 else ("auto", "auto")
    how = f" ({before}, then {after})" if len(sys.argv) > 4 else ""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# seed {seed}", flush=True)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="vitrine-save-", dir="/var/tmp") as folder:
        boot = Boot(vitrinectl, folder, cpus=2)
        try:
            target = boot.guest("demo")
            seconds = measure(boot, target, before)
            moments = sorted(rng.uniform(0.05, seconds) for _ in range(count))
            boot_and_save(boot, target, before, moments)
            boot.ok(f"a boot that is saved {count} times goes on to the end{how}")
            for number, moment in enumerate(moments):
                restore(boot, target, after, number)
                boot.ok(f"what was saved at {moment:.2f} s boots on to the end{how}")
        except Skip as reason:
            boot.points += 1
            print(f"ok {boot.points} - save and restore # SKIP {reason}")
        except GuestError as problem:
            boot.points += 1
            print(f"not ok {boot.points} - save and restore")
            print("# " + str(problem).replace("\n", "\n# "))
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
