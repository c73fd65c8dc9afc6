#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""foreign.py VITRINECTL ROUNDS: images of other programs, made by qemu-img and read by us byte for byte; and damaged ones, as TAP."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import Failed, attempt, plan, skip  # noqa: E402

VITRINECTL, ROUNDS = str(Path(sys.argv[1]).resolve()), int(sys.argv[2])
# Format, qemu-img's name of it and options, and a disk's size: whole sectors; VHD has sizes of its own unless told otherwise.
FORMATS = [
    ("vmdk", "vmdk", "subformat=monolithicSparse"), ("vmdk", "vmdk", "subformat=monolithicSparse,zeroed_grain=on"),
    ("vmdk", "vmdk", "subformat=streamOptimized"), ("vdi", "vdi", "static=off"), ("vdi", "vdi", "static=on"),
    ("vhd", "vpc", "subformat=dynamic"), ("vhd", "vpc", "subformat=dynamic,force_size=on"),
    ("vhd", "vpc", "subformat=fixed,force_size=on"), ("vhdx", "vhdx", "subformat=dynamic"),
    ("vhdx", "vhdx", "subformat=dynamic,block_size=2M"), ("vhdx", "vhdx", "subformat=fixed,block_size=1M"),
]
SIZES = (5 << 20, (33 << 20) + 512 * 7, 512 * 8)
MENTIONS = {"vmdk": ("monolithicSparse", "streamOptimized"), "vdi": ("dynamic", "fixed"), "vhd": ("dynamic", "fixed"), "vhdx": ("dynamic", "fixed")}


def point(text, test, *arguments):
    attempt(text, test, *arguments)
    for left in Path(".").iterdir():
        left.unlink()


def run(*command, expect=(0,)):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          errors="replace", timeout=60)
    if done.returncode not in expect:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-1500:]}")
    return done


def image(*arguments, expect=(0,)):
    return run(VITRINECTL, "image", *arguments, expect=expect)


def contents(seed, size):
    dice = random.Random(seed)
    with open("raw", "wb") as raw:
        raw.truncate(size)
        for _ in range(10):
            raw.seek(dice.randrange(max(size // 512 - 600, 1)) * 512)
            raw.write((dice.randbytes(512) * 300 if dice.random() < .5 else dice.randbytes(300 * 512))[:size - raw.tell()])


def theirs(driver, options, name):
    run("qemu-img", "convert", "-f", "raw", "-O", driver, "-o", options, "raw", name)


def read_by_us(name, driver, options, seed, size):
    contents(seed, size)
    theirs(driver, options, f"disk.{name}")
    run("qemu-img", "convert", "-f", driver, "-O", "raw", f"disk.{name}", "expected")
    image("convert", f"disk.{name}", "back.raw")
    if Path("back.raw").read_bytes() != Path("expected").read_bytes():
        raise Failed("another disk came back")
    image("convert", "--format", name, f"disk.{name}", "back.qcow2")
    run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", "raw" if driver != "vpc" else "expected", "back.qcow2")
    run("qemu-img", "check", "back.qcow2")
    said = image("info", f"disk.{name}").stdout
    if f"Format: {name}" not in said or not any(word in said for word in MENTIONS[name]):
        raise Failed(said)
    total = sum(int(line.split()[1]) for line in image("map", f"disk.{name}").stdout.splitlines())
    if total != Path("expected").stat().st_size:
        raise Failed(f"the map has {total} bytes")


def written_by_us(seed, size):
    """A stream optimized VMDK of ours, read by qemu-img and by us; what compresses badly, too."""
    contents(seed, size)
    image("convert", "--format", "raw", "raw", "ours.vmdk")
    run("qemu-img", "check", "-f", "vmdk", "ours.vmdk")
    run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", "raw", "ours.vmdk")
    if "streamOptimized" not in run("qemu-img", "info", "ours.vmdk").stdout:
        raise Failed("of another type")
    image("convert", "ours.vmdk", "back.raw")
    if Path("back.raw").read_bytes() != Path("raw").read_bytes():
        raise Failed("another disk came back")
    data, at = Path("ours.vmdk").read_bytes(), 128 * 512
    # A reader without seeking: grains and tables follow each other up to the end's marker.
    while True:
        value, length, kind = (int.from_bytes(data[at + a:at + b], "little") for a, b in ((0, 8), (8, 12), (12, 16)))
        at += (12 + length + 511) // 512 * 512 if length else 512 + value * 512
        if length == 0 and kind == 0:
            break
    if at != len(data):
        raise Failed(f"the stream ends at {at} of {len(data)}")


def survives(path, name):
    """Read, or refused in one sentence; and never anything else."""
    for verb, *more in (("info", path), ("map", path), ("convert", path, "out.raw", "--to", "raw")):
        done = image(verb, "--format", name, *more, expect=(0, 1))
        if done.returncode == 1 and len(done.stdout.splitlines()) != 1 and verb != "map":
            raise Failed(f"{verb}: {done.stdout}")
    Path("out.raw").unlink(missing_ok=True)


def damaged(name, driver, options, seed):
    dice = random.Random(seed)
    contents(seed, 5 << 20)
    theirs(driver, options, "good")
    good = Path("good").read_bytes()
    # Tables are near one of the ends, or behind the headers of VHDX.
    for _ in range(8 * ROUNDS):
        bad = bytearray(good)
        for _ in range(dice.randrange(1, 8)):
            at = dice.choice([dice.randrange(2048), len(bad) - 1 - dice.randrange(2048), dice.randrange(min(len(bad), 3 << 20))])
            bad[at] = dice.choice([0, 1, 0x7f, 0x80, 0xff, dice.randrange(256)])
        Path("bad").write_bytes(bad)
        survives("bad", name)
    for _ in range(2 * ROUNDS):
        Path("bad").write_bytes(good[:dice.randrange(len(good))])
        survives("bad", name)


def differences():
    """What is only a part is said to be one, not read as if it were all."""
    contents(1, 5 << 20)
    theirs("vmdk", "subformat=twoGbMaxExtentSparse", "parts.vmdk")
    theirs("vmdk", "subformat=monolithicSparse", "base.vmdk")
    run("qemu-img", "create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "child.vmdk")
    for path, mention in (("parts.vmdk", "other files"), ("parts-s001.vmdk", "several files"), ("child.vmdk", "differences")):
        said = image("convert", "--format", "vmdk", path, "x.raw", expect=(1,)).stdout
        if mention not in said:
            raise Failed(f"{path}: {said}")


def unasked():
    """A raw disk whose guest has written another format's header stays raw: for a machine, and for convert unless its name agrees."""
    contents(1, 5 << 20)
    for name, driver, options in FORMATS:
        theirs(driver, options, "guest.img")
        said = image("convert", "guest.img", "x.raw", expect=(1,)).stdout
        if "--format" not in said:
            raise Failed(f"{name}: {said}")
        image("convert", "--format", "raw", "guest.img", "x.raw")
        if Path("x.raw").read_bytes()[:Path("guest.img").stat().st_size] != Path("guest.img").read_bytes():
            raise Failed(f"{name} was taken for more than raw")
        Path("x.raw").unlink()
        refused = run(VITRINECTL, "run", "--disk", f"guest.img,format={name}", "--timeout", 5, expect=(1,)).stdout
        if name not in refused and "convert" not in refused:
            raise Failed(refused)


def main():
    if shutil.which("qemu-img") is None:
        skip("qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-foreign-") as folder:
        os.chdir(folder)
        for name, driver, options in FORMATS:
            for seed, size in enumerate(SIZES):
                point(f"{name} {options}, {size} bytes", read_by_us, name, driver, options, seed, size)
            point(f"{name} {options}, damaged", damaged, name, driver, options, 5)
        for seed, size in enumerate((*SIZES, (70 << 20) + 512)):
            point(f"a VMDK of ours, {size} bytes", written_by_us, seed, size)
        point("parts and differences", differences)
        point("nothing is guessed", unasked)
        os.chdir("/")
    plan()


main()
