# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of a test written in Python, as TAP (https://testanything.org)."""
import subprocess

points = 0


class Failed(Exception):
    """Something is not as the point says."""


def point(good, text, detail=""):
    global points
    points += 1
    print(f"{'ok' if good else 'not ok'} {points} - {text}", flush=True)
    if not good:
        print("# " + str(detail).replace("\n", "\n# "), flush=True)


def attempt(text, test, *arguments):
    """Good when the test comes to its end."""
    try:
        test(*arguments)
    except (Failed, subprocess.SubprocessError, OSError) as problem:
        point(False, text, problem)
    else:
        point(True, text)


def plan():
    print(f"1..{points}")


def skip(reason):
    print(f"1..0 # SKIP {reason}")
