#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""clone.py VITRINECTL: machines are cloned, full, linked and from a snapshot; qemu-img compares their disks. As TAP."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from home import Home, ok  # noqa: E402
from tap import plan, point  # noqa: E402


class Disks(Home):
    def disk(self, machine):
        return Path(re.search(r'<source file="([^"]*)"', self.ctl("dumpxml", machine)).group(1))

    def same(self, one, other):
        subprocess.run(["qemu-img", "compare", "-q", one, other], check=True)

    def images(self):
        folder = self.folder / "data/vitrine/images"
        return {p.name for p in folder.iterdir()} if folder.exists() else set()


def write(disk, offset, byte):
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -P {byte} {offset} 64k", disk], check=True, capture_output=True)


def full(home):
    home.ctl("create", "Box", "--disk-size", "64M")
    write(home.disk("Box"), "1M", 7)
    home.ctl("attach-net", "Box", "user,mac=52:54:00:00:00:01")
    home.ctl("clone", "-q", "Box", "Twin")
    home.same(home.disk("Box"), home.disk("Twin"))
    one, other = home.ctl("dumpxml", "Box"), home.ctl("dumpxml", "Twin")
    assert home.disk("Box") != home.disk("Twin")
    assert re.search("<uuid>(.*)</uuid>", one).group(1) != re.search("<uuid>(.*)</uuid>", other).group(1)
    assert "52:54:00:00:00:01" in one and "52:54:00:00:00:01" not in other and "52:54:00:" in other
    write(home.disk("Twin"), "2M", 9)
    assert subprocess.run(["qemu-img", "compare", "-q", home.disk("Box"), home.disk("Twin")], check=False).returncode == 1
    ok("a full clone has a copy of the disk, and a UUID and addresses of its own")
    images = home.images()
    home.ctl("clone", "-q", "Box", "Twin", fails="already")
    assert home.images() == images, "a clone without a place left an image"
    ok("a name that is taken is refused, and nothing is left")


def linked(home):
    home.ctl("clone", "-q", "--linked", "Box", "Link")
    home.same(home.disk("Box"), home.disk("Link"))
    info = home.ctl("image", "info", home.disk("Link"))
    assert str(home.disk("Box")) in info, info
    assert home.disk("Link").stat().st_size < 1 << 20
    before = home.disk("Box").read_bytes()
    write(home.disk("Link"), "3M", 5)
    assert home.disk("Box").read_bytes() == before
    ok("a linked clone stands on the other machine's disk, and writes beside it")
    home.ctl("start", "Box", fails="build upon it: “Link”")
    ok("the base is not started, and the sentence names the clone")
    home.ctl("delete", "Box")
    assert home.disk("Link").exists() and subprocess.run(["qemu-img", "check", "-q", home.disk("Link")], check=False).returncode == 0
    home.ctl("clone", "-q", "Link", "Whole")
    home.same(home.disk("Link"), home.disk("Whole"))
    assert "backingStore" not in home.ctl("dumpxml", "Whole")
    ok("its base outlives its machine; a full clone of it stands alone")


def snapshot(home):
    home.ctl("create", "Past", "--disk-size", "64M")
    disk = home.disk("Past")
    write(disk, "1M", 1)
    then = home.folder / "then.qcow2"
    then.write_bytes(disk.read_bytes())
    home.ctl("snapshot", "take", "Past", "then")
    write(disk, "1M", 2)
    now = disk.read_bytes()
    home.ctl("clone", "-q", "--snapshot", "then", "Past", "Then")
    home.same(home.disk("Then"), then)
    assert disk.read_bytes() == now, "cloning changed the disk"
    assert {p.name for p in disk.parent.iterdir() if p.name.startswith(".")} == set()
    ok("a clone of a snapshot has the disk of that day, and leaves the machine as it is")
    home.ctl("clone", "-q", "--snapshot", "never", "Past", "Never", fails="never")
    home.ctl("clone", "-q", "--linked", "--snapshot", "then", "Past", "Never", fails="linked clone is of the machine as it is now")
    ok("what cannot be cloned is said")


def tpm(home):
    """What a TPM keeps is one machine's: a clone begins with an empty one, and goes back with its machine."""
    home.ctl("create", "Sealed", "--disk-size", "64M", "--tpm")
    uuid = re.search("<uuid>(.*)</uuid>", home.ctl("dumpxml", "Sealed")).group(1)
    machines = home.folder / "data/vitrine/machines"
    state = machines / uuid / "tpm" / "tpm2-00.permall"
    home.ctl("snapshot", "take", "Sealed", "never on")
    state.parent.mkdir()
    state.write_bytes(b"one")
    home.ctl("snapshot", "take", "Sealed", "one")
    state.write_bytes(b"two")
    home.ctl("clone", "-q", "Sealed", "Other")
    home.ctl("clone", "-q", "--snapshot", "one", "Sealed", "Third")
    assert len(list(machines.glob("*/tpm"))) == 1 and '<tpm model="tpm-crb">' in home.ctl("dumpxml", "Other")
    ok("a clone has a TPM of its own")
    home.ctl("snapshot", "revert", "Sealed", "one")
    assert state.read_bytes() == b"one"
    home.ctl("snapshot", "revert", "Sealed", "never on")
    assert not state.exists()
    home.ctl("snapshot", "delete", "Sealed", "one")
    assert {p.suffix for p in (machines / uuid / "snapshots").iterdir()} <= {".xml", ".png", ""}
    ok("going back brings back what the TPM kept")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-clone-") as folder:
        home = Disks(folder)
        for part in (full, linked, snapshot, tpm):
            try:
                part(home)
            except (AssertionError, subprocess.SubprocessError) as problem:
                point(False, part.__name__, problem)
    plan()


if __name__ == "__main__":
    main()
