#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""golden.py VITRINECTL DISK [--rebaseline]: every picture of modes.asm is the one in golden/, pixel for pixel; as TAP.

--rebaseline (or: ninja -C build rebaseline-display) makes the pictures of today the ones to compare with: look at them before
you commit them. What differs is left in $VITRINE_GOLDEN_DIFFS, when that is set, as NAME.png.

A name that ends with "~" has a picture that blinks; either phase may be seen first.
"""
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "tools"), str(HERE.parent / "boot")]
from screentext import read_png                 # noqa: E402
from vmconsole import Guest, GuestError         # noqa: E402

GOLDEN = HERE / "golden"
BLINK_SECONDS = 5
LEAST = 40      # pictures; fewer means that the guest got lost


def same(one, other):
    """The bytes of the files, or if another library packed them the pixels."""
    return one.read_bytes() == other.read_bytes() or read_png(one) == read_png(other)


def matches(guest, path, golden, blinks):
    deadline = time.monotonic() + (BLINK_SECONDS if blinks else 0)
    while True:
        guest.picture(path)
        if same(path, golden):
            return True
        if time.monotonic() >= deadline:
            return False


def lit(path):
    return sum(len(row) - row.count(0) for row in read_png(path)[2])


def make(guest, path, golden, blinks):
    """Of a picture that blinks, the phase in which more is to be seen."""
    best = -1
    for _ in range(12 if blinks else 1):
        guest.picture(path)
        if not blinks or lit(path) > best:
            best = lit(path) if blinks else 0
            shutil.copy(path, golden)
    return True


def check(guest, path, name, rebaseline):
    golden = GOLDEN / f"{name.rstrip('~')}.png"
    if rebaseline:
        return make(guest, path, golden, name.endswith("~"))
    if golden.exists() and matches(guest, path, golden, name.endswith("~")):
        return True
    if os.environ.get("VITRINE_GOLDEN_DIFFS"):
        shutil.copy(path, Path(os.environ["VITRINE_GOLDEN_DIFFS"]) / golden.name)
    return False


def run(vitrinectl, disk, rebaseline, folder):
    path, seen = Path(folder) / "screen.png", set()
    failed = False
    with Guest(vitrinectl, "--memory", "64M", "--disk", f"{disk},snapshot=on", "--screenshot", path) as guest:
        while (name := guest.expect(r"^@(\S+)\n", 60)[1]) != "end":
            good = check(guest, path, name, rebaseline)
            failed |= not good
            seen.add(f"{name.rstrip('~')}.png")
            print(f"{'' if good else 'not '}ok {len(seen)} - {name.rstrip('~')}", flush=True)
            guest.send("n")
    left = {golden.name for golden in GOLDEN.glob("*.png")} - seen
    good = len(seen) >= LEAST and not left
    print(f"{'' if good else 'not '}ok {len(seen) + 1} - {len(seen)} pictures, none left over {' '.join(sorted(left))}")
    print(f"1..{len(seen) + 1}")
    return failed or not good


def main():
    vitrinectl, disk = sys.argv[1:3]
    rebaseline = "--rebaseline" in sys.argv
    with tempfile.TemporaryDirectory(prefix="vitrine-golden-") as folder:
        try:
            return int(run(vitrinectl, disk, rebaseline, folder))
        except GuestError as problem:
            print("Bail out! " + re.sub(r"\n", "\n# ", str(problem)))
            return 1


if __name__ == "__main__":
    sys.exit(main())
