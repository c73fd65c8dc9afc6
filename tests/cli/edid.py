#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""edid.py VITRINECTL: what `vitrinectl edid` writes is right, says edid-decode; as TAP.

Sizes from 640x400 to 8192x4320, 72 to 400 dpi: edid-decode --check finds no failure, and the preferred mode and the size
that it reads are the ones that were asked for.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SIZES = [(640, 400), (640, 480), (800, 600), (1024, 768), (1280, 720), (1366, 768), (1283, 717), (1440, 900), (1600, 1200),
         (1920, 1080), (1920, 1200), (1080, 1920), (2048, 1152), (2256, 1504), (2560, 1440), (2560, 1600), (2880, 1800),
         (3440, 1440), (3840, 2160), (3841, 2161), (4096, 2160), (4480, 2520), (5120, 1440), (5120, 2880), (6016, 3384),
         (7680, 4320), (8192, 4320)]
DPIS = [72, 96, 109, 120, 144, 192, 264, 400]
# "DTD 1:  1920x1080 ..." or, in DisplayID, "DTD:  8192x4320 ... (..., preferred)"
TIMING = re.compile(r"^\s+DTD(?: (\d+))?:\s+(\d+)x(\d+)\s.*?\((?:(\d+) mm x (\d+) mm)?(.*)\)", re.M)
PARAMETERS = re.compile(r"Image size: ([\d.]+) mm x ([\d.]+) mm")


def millimetres(pixels, dpi):
    return int(pixels * 25.4 / dpi + 0.5)


def preferred(text):
    """Width, height, width and height in mm of what a driver takes: DisplayID's preferred mode before the base block's."""
    wide = [m for m in TIMING.finditer(text) if "preferred" in m[6]]
    size = PARAMETERS.search(text)
    if wide and size:
        return int(wide[0][2]), int(wide[0][3]), round(float(size[1])), round(float(size[2]))
    first = next(m for m in TIMING.finditer(text) if m[1] == "1")
    return tuple(int(first[n]) for n in (2, 3, 4, 5))


def problem(vitrinectl, path, size, dpi):
    command = [vitrinectl, "edid", "--xres", str(size[0]), "--yres", str(size[1]), "--dpi", str(dpi), "--name", "Test",
               "--serial", f"A{dpi}", "-o", path]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return made.stderr
    decoded = subprocess.run(["edid-decode", "--check", path], capture_output=True, text=True, check=False)
    if decoded.returncode != 0 or "EDID conformity: PASS" not in decoded.stdout or "Failures:" in decoded.stdout:
        return decoded.stdout[decoded.stdout.find("Warnings:"):]
    expected = size + (millimetres(size[0], dpi), millimetres(size[1], dpi))
    seen = preferred(decoded.stdout)
    if seen != expected:
        return f"{seen} instead of {expected}"
    return None if "'Test'" in decoded.stdout and f"'A{dpi}'" in decoded.stdout else "name or serial number is missing"


def decoded_by_us(vitrinectl, path):
    shown = subprocess.run([vitrinectl, "edid", "--decode", path], capture_output=True, text=True, check=False,
                           env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="en"))
    return shown.returncode == 0 and "8192 × 4320" in shown.stdout and "(preferred)" in shown.stdout


def main():
    vitrinectl = sys.argv[1]
    if shutil.which("edid-decode") is None:
        print("1..0 # SKIP edid-decode is not installed")
        return 0
    number = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "edid")
        for size in SIZES:
            for dpi in DPIS:
                number += 1
                wrong = problem(vitrinectl, path, size, dpi)
                failures += wrong is not None
                print(f"{'not ' if wrong else ''}ok {number} - {size[0]}x{size[1]} at {dpi} dpi", flush=True)
                for line in (wrong or "").splitlines():
                    print("# " + line)
        number += 1
        print(f"{'' if decoded_by_us(vitrinectl, path) else 'not '}ok {number} - vitrinectl edid --decode shows the same")
    print(f"1..{number}")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
