#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bad-input.py VITRINECTL: what a person may get wrong ends `vitrinectl run` with status 1 and one clear line, as TAP."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 30
BZIMAGE = bytearray(0x1400)
BZIMAGE[0x1F1] = 1
BZIMAGE[0x1FE:0x200] = b"\x55\xaa"
BZIMAGE[0x201:0x208] = b"\x6aHdrS\x0f\x02"
BZIMAGE[0x211] = 1
BZIMAGE[0x22C:0x230] = b"\xff\xff\xff\x7f"
BZIMAGE[0x238:0x23A] = b"\xff\x07"


def make_files(folder):
    files = {
        "empty": b"", "text": b"this is not what you think it is\n", "kernel": bytes(BZIMAGE), "cut": bytes(BZIMAGE[:0x300]),
        "odd.bin": b"\xf4" * 70000, "broken.xml": b"<domain type='qemu'><name>x</name>",
        "other.xml": b"<network><name>x</name></network>",
        "foreign.xml": b"<domain type='qemu'><name>x</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
                       b"<os><type arch='sparc' machine='sun4'>hvm</type></os></domain>",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with open(folder / "big", "wb") as big:
        big.truncate(200 << 20)
    (folder / "folder").mkdir()


# Arguments, and what the line has to mention.
CASES = [
    ("a missing kernel", ["--kernel", "none"], "none"),
    ("an empty kernel", ["--kernel", "empty"], "empty"),
    ("a kernel that is none", ["--kernel", "text"], "text"),
    ("a truncated kernel", ["--kernel", "cut"], "truncated"),
    ("a folder as kernel", ["--kernel", "folder"], "folder"),
    ("a missing initrd", ["--kernel", "kernel", "--initrd", "none"], "none"),
    ("an initrd larger than memory", ["--kernel", "kernel", "--initrd", "big", "--memory", "64M"], "big"),
    ("a command line that is too long", ["--kernel", "kernel", "--append", "x" * 5000], "command line"),
    ("a missing firmware", ["--bios", "none"], "none"),
    ("an empty firmware", ["--bios", "empty"], "empty"),
    ("a firmware of an odd size", ["--bios", "odd.bin"], "odd.bin"),
    ("a missing disk", ["--disk", "none"], "none"),
    ("a folder as disk", ["--disk", "folder"], "folder"),
    ("an empty disk", ["--disk", "empty"], "empty"),
    ("a missing CD", ["--cdrom", "none"], "none"),
    ("no memory", ["--memory", "0"], "size"),
    ("memory that is no number", ["--memory", "lots"], "lots"),
    ("more memory than any host has", ["--memory", "900T"], "memory"),
    ("no processor", ["--cpus", "0"], "processor"),
    ("too many processors", ["--cpus", "100000"], "100000"),
    ("an unknown machine type", ["--machine", "abacus"], "abacus"),
    ("an unknown processor model", ["--cpu", "abacus"], "abacus"),
    ("an unknown accelerator", ["--accel", "abacus"], "abacus"),
    ("an unknown option", ["--abacus"], "abacus"),
    ("an unknown technique of the translator", ["--jit-without", "groups,abacus"], "abacus"),
    ("an unknown video device", ["--video", "abacus"], "abacus"),
    ("an unknown video option", ["--video", "std,abacus=1"], "abacus"),
    ("video memory of an odd size", ["--video", "std,vram=12M"], "video memory"),
    ("more heads than there can be", ["--video", "virtio,heads=9"], "monitors"),
    ("two heads where there is one", ["--video", "std,heads=2"], "virtio"),
    ("a picture that is too wide", ["--video", "virtio,xres=99999"], "99999"),
    ("a size that is none", ["--resize", "large@3"], "large"),
    ("an option without its value", ["--kernel"], "kernel"),
    ("an unknown disk option", ["--disk", "big,colour=red"], "colour"),
    ("an XML file that is missing", ["--domain", "none"], "none"),
    ("an XML file that is broken", ["--domain", "broken.xml"], "broken.xml"),
    ("an XML file that is no domain", ["--domain", "other.xml"], "domain"),
    ("an XML file that asks for another architecture", ["--domain", "foreign.xml"], "sparc"),
    ("a machine that nobody has", ["abacus"], "abacus"),
    ("a control socket where a file is", ["--memory", "16M", "--control", "text"], "text"),
    ("a control socket in a missing folder", ["--memory", "16M", "--control", "none/control"], "none/control"),
    ("a control socket with a path that is too long", ["--memory", "16M", "--control", "s" * 120], "too long"),
    ("a saved machine that is none", ["--restore", "text"], "text"),
]


def problem_of(vitrinectl, folder, arguments, word):
    """None when all is as it should be, else a description."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "XDG_DATA_HOME": str(folder / "data"), "HOME": str(folder)}
    try:
        done = subprocess.run([vitrinectl, "run", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it still ran after {SECONDS} seconds"
    said = f"status {done.returncode}, stdout “{done.stdout.strip()}”, stderr “{done.stderr.strip()}”"
    lines = done.stderr.strip().splitlines()
    if done.returncode != 1:
        return f"the status is not 1: {said}"
    if len(lines) != 1 or not lines[0].startswith("vitrinectl: ") or done.stdout:
        return f"not exactly one line: {said}"
    if word.lower() not in lines[0].lower():
        return f"“{word}” is not mentioned: {said}"
    return None


def main():
    vitrinectl = str(Path(sys.argv[1]).resolve())
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory(prefix="vitrine-bad-input-") as name:
        folder = Path(name)
        make_files(folder)
        for number, (text, arguments, word) in enumerate(CASES, 1):
            problem = problem_of(vitrinectl, folder, arguments, word)
            print(f"{'not ok' if problem else 'ok'} {number} - {text} is refused with one line", flush=True)
            if problem:
                print("# " + problem.replace("\n", "\n# "))


if __name__ == "__main__":
    main()
