#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""boot-often.py VITRINECTL ROUNDS [ACCELERATOR]: every guest of boot.py with 1, 2 and 4 processors, ROUNDS times each, as TAP."""
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import TESTS, Boot      # noqa: E402
from vmconsole import GuestError        # noqa: E402

GUESTS = [name for name in TESTS if name != "linux2"]


class QuietBoot(Boot):
    """Its points are steps of one boot here, and no news."""

    def ok(self, text):
        pass


def boot_often(boot, name, cpus, rounds):
    """A line about all rounds; raises what the first bad one raised."""
    seconds = []
    for at in range(1, rounds + 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="vitrine-boot-") as folder:
            one = QuietBoot(boot.vitrinectl, folder, boot.accel, cpus)
            try:
                TESTS[name](one)
            except GuestError as problem:
                raise GuestError(f"round {at} of {rounds} with {cpus} processors: {problem}") from problem
        seconds.append(time.monotonic() - began)
    boot.ok(f"{name} with {cpus} processors: {rounds} of {rounds}, {min(seconds):.1f} to {max(seconds):.1f} s")


def main():
    vitrinectl, rounds = sys.argv[1], int(sys.argv[2])
    accel = sys.argv[3] if len(sys.argv) > 3 else "jit"
    boot = Boot(vitrinectl, tempfile.gettempdir(), accel)
    for cpus in (1, 2, 4):
        for name in GUESTS:
            boot.attempt(f"{name} with {cpus} processors", lambda _, n=name, c=cpus: boot_often(boot, n, c, rounds))
    print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
