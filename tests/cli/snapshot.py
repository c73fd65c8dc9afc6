#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshot.py VITRINECTL: snapshots of machines that are off, and what a person may get wrong, as TAP."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import plan, point  # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())


def ctl(*arguments):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def works(text, *arguments, says=""):
    done = ctl(*arguments)
    point(done.returncode == 0 and says in done.stdout, text, done)


def refused(text, says, *arguments):
    """Status 1, and one line that says what is wrong."""
    done = ctl(*arguments)
    point(done.returncode == 1 and done.stderr.count("\n") == 1 and says in done.stderr, text, done)


def walk(folder):
    raw = folder / "disk.raw"
    raw.write_bytes(bytes(1 << 20))
    works("a machine is made", "create", "Box", "--disk-size", "16M")
    disk, = (folder / "data/vitrine/images").iterdir()
    works("one is taken", "snapshot", "take", "Box", "first", "before the upgrade")
    works("a child", "snapshot", "take", "Box", "second")
    works("the list has what it was told", "snapshot", "list", "Box", says="before the upgrade")
    works("the machine is at the last one", "snapshot", "list", "Box", says="second")
    refused("a name that is taken", "first", "snapshot", "take", "Box", "first")
    refused("a name with a control character", "name", "snapshot", "take", "Box", "a\x01b")
    refused("a name that ends in a space", "name", "snapshot", "take", "Box", "trail ")
    refused("going back to none", "nope", "snapshot", "revert", "Box", "nope")
    refused("deleting none", "nope", "snapshot", "delete", "Box", "nope")
    refused("a machine that is not there", "Nobody", "snapshot", "list", "Nobody")
    works("going back", "snapshot", "revert", "Box", "first")
    works("deleting", "snapshot", "delete", "Box", "first")
    works("the child is there", "snapshot", "list", "Box", says="second")
    done = ctl("image", "snapshot", "list", disk)
    point("second" in done.stdout and "first" not in done.stdout, "the disk has what the list has", done)
    works("a machine with a raw disk", "create", "Raw", "--disk", raw)
    refused("it has no snapshots, and the disk is named", str(raw), "snapshot", "take", "Raw", "first")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-snapshot-") as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        os.environ.update(XDG_DATA_HOME=str(folder / "data"), XDG_RUNTIME_DIR=str(folder / "run"), LC_ALL="C.UTF-8")
        walk(folder)
    plan()


if __name__ == "__main__":
    main()
