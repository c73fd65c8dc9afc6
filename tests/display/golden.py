#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""golden.py VITRINECTL DISK [--rebaseline]: every picture of modes.asm is the one in golden/, pixel for pixel, and every
mode of the video BIOS has its size; as TAP.

--rebaseline (or: ninja -C build rebaseline-display) makes the pictures of today the ones to compare with: look at them before
you commit them. What differs is left in $VITRINE_GOLDEN_DIFFS, when that is set, as NAME.png.

A name that ends with "~" has a picture that blinks; either phase may be seen first.
"""
import os
import random
import re
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "tools"), str(HERE.parent / "boot")]
from screentext import read_png                 # noqa: E402
from vmconsole import Guest, GuestError         # noqa: E402

GOLDEN = HERE / "golden"
BLINK_SECONDS = 60      # a busy computer may show few pictures in a second
LEAST, LEAST_VESA = 40, 20      # pictures and modes; fewer means that the guest got lost


def matches(guest, path, golden, blinks):
    """By the bytes of the files while it may blink; at last by pixels, for another library may have packed them otherwise."""
    deadline = time.monotonic() + (BLINK_SECONDS if blinks else 0)
    wanted = golden.read_bytes()
    while True:
        guest.picture(path)
        if path.read_bytes() == wanted:
            return True
        if time.monotonic() >= deadline:
            return read_png(path) == read_png(golden)
        guest.pump_for(random.uniform(0.01, 0.2))      # or we might see the same phase each time


def lit(path):
    return sum(len(row) - row.count(0) for row in read_png(path)[2])


def make(guest, path, golden, blinks):
    """Of a picture that blinks, the phase in which more is to be seen."""
    best = -1
    for _ in range(12 if blinks else 1):
        guest.pump_for(random.uniform(0.01, 0.2) if blinks else 0)
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


def has_size(guest, path, name):
    """A mode that the video BIOS set: "vesa:NUMBER:WIDTHxHEIGHTxBPP", in text modes in characters."""
    width, height, bpp = map(int, name.split(":")[2].split("x"))
    guest.picture(path)
    seen = struct.unpack_from(">II", path.read_bytes(), 16)
    cells = {0x0: (9, 16), 0x1: (9, 16), 0x2: (9, 16), 0x3: (9, 16), 0x7: (9, 16)}
    across, down = cells.get(int(name.split(":")[1]), (1, 1))
    if seen == (width * across, height * down):
        return True
    print(f"# {name} is {seen[0]}x{seen[1]}")
    return False


def run(vitrinectl, disk, rebaseline, folder):
    path, seen, vesa = Path(folder) / "screen.png", set(), 0
    failed, sized = False, True
    with Guest(vitrinectl, "--memory", "64M", "--disk", f"{disk},snapshot=on", "--screenshot", path) as guest:
        while (name := guest.expect(r"^@(\S+)\n", 60)[1]) != "end":
            if name.startswith("vesa:"):
                vesa += 1
                if not has_size(guest, path, name):
                    sized = False
                    print(f"# the mode {name} is not on the screen")
                guest.send("n")
                continue
            good = check(guest, path, name, rebaseline)
            failed |= not good
            seen.add(f"{name.rstrip('~')}.png")
            print(f"{'' if good else 'not '}ok {len(seen)} - {name.rstrip('~')}", flush=True)
            guest.send("n")
    left = {golden.name for golden in GOLDEN.glob("*.png")} - seen
    sized &= vesa >= LEAST_VESA
    complete = len(seen) >= LEAST and not left
    print(f"{'' if complete else 'not '}ok {len(seen) + 1} - {len(seen)} pictures, none left over {' '.join(sorted(left))}")
    print(f"{'' if sized else 'not '}ok {len(seen) + 2} - {vesa} modes of the video BIOS have their sizes")
    print(f"1..{len(seen) + 2}")
    return failed or not (complete and sized)


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
