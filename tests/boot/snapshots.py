#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshots.py VITRINECTL: a guest under load is snapshotted ten times and goes back in random order, as TAP.

The guest numbers what it writes to its disk and keeps the number in memory: after going back both have to agree. The disk of each
snapshot is compared byte by byte, by qemu-img, with what it was when it was taken.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, power_off      # noqa: E402
from vmconsole import GuestError                    # noqa: E402

SNAPSHOTS = 10
RECORDS = 20000
IDLE_PAUSE_SECONDS = 0.3
# Numbered records on the disk, the last number in memory; and memory that changes all the time.
LOAD = ("(while [ ! -e /tmp/stop ]; do dd if=/dev/urandom of=/tmp/noise bs=1M count=4 2> /dev/null; done) & "
        "(i=0; while [ ! -e /tmp/stop ]; do i=$((i + 1)); printf '%08d' $i > /tmp/record; "
        f"dd if=/tmp/record of=/dev/vda bs=512 seek=$((i % {RECORDS})) conv=sync,notrunc,fsync 2> /dev/null; echo $i > /tmp/count; done) &")


def call(boot, *words):
    done = subprocess.run([boot.vitrinectl, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GuestError(f"vitrinectl {' '.join(map(str, words))}: {done.stderr}")


def disk_bytes(boot, disk, snapshot=None):
    """What qemu-img reads from the disk, or from a snapshot in it."""
    raw = boot.folder / "raw"
    subprocess.run(["qemu-img", "convert", *(["-l", snapshot] if snapshot else []), "-O", "raw", disk, raw], check=True)
    return raw.read_bytes()


class Machine:
    def __init__(self, boot, memory):
        target = boot.guest("demo")
        self.boot, self.disk, self.folder = boot, boot.folder / "disk.qcow2", boot.folder / "snapshots"
        self.socket, self.stats = boot.folder / "control", boot.folder / "stats.json"
        self.options = ["--memory", memory, "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                        "console=ttyS0,115200 quiet", "--disk", f"{self.disk},format=qcow2", "--control", self.socket,
                        "--snapshots", self.folder, "--stats", self.stats]
        call(boot, "image", "create", "--format", "qcow2", self.disk, "64M")

    def run(self, *more):
        return self.boot.run(*self.options, *more)

    def take(self, name):
        call(self.boot, "snapshot", "take", self.socket, name)

    def go_back(self, name):
        call(self.boot, "image", "snapshot", "revert", self.disk, name)

    def run_from(self, name):
        return self.run("--restore", self.folder / f"{name}.state")


def idle(boot):
    machine = Machine(boot, "1G")
    with machine.run() as guest:
        guest.expect(PROMPT, 900)
        machine.take("idle")
        guest.command("echo still here", PROMPT, 60)
        power_off(boot, guest)
    pause = json.loads(machine.stats.read_text())["snapshot_pause_seconds"]
    if not 0 < pause < IDLE_PAUSE_SECONDS:
        raise GuestError(f"an idle guest stood still for {pause:.3f} seconds")
    boot.ok(f"an idle guest of 1 GiB stands still for {1000 * pause:.0f} ms")
    machine.disk.unlink()
    shutil.rmtree(machine.folder)


def check_agreement(guest, name):
    """Ends the load. The last record on the disk is the number in memory."""
    guest.send("\n")       # the prompt may have been printed before the snapshot
    guest.expect(PROMPT, 120)
    text = guest.command(f"touch /tmp/stop; wait; i=$(cat /tmp/count); echo \"[$i $(dd if=/dev/vda bs=512 skip=$((i % {RECORDS})) "
                         "count=1 iflag=direct 2> /dev/null | head -c 8)]\"", PROMPT, 120)
    found = re.search(r"\[(\d+) (\d+)\]", text)
    if found is None or int(found.group(1)) != int(found.group(2)):
        raise GuestError(guest.explain(f"{name}: memory and disk do not agree"))
    return int(found.group(1))


def load(boot):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# seed {seed}", flush=True)
    rng, names = random.Random(seed), [f"number {n}" for n in range(SNAPSHOTS)]
    machine, disks = Machine(boot, "256M"), {}
    with machine.run() as guest:
        guest.expect(PROMPT, 900)
        guest.command("stty cols 500", PROMPT, 60)
        guest.command(LOAD, PROMPT, 60)
        for name in names:
            guest.pump_for(rng.uniform(0.2, 1.0))
            machine.take(name)
        count = check_agreement(guest, "the machine that went on")
        power_off(boot, guest)
    subprocess.run(["qemu-img", "check", "-q", machine.disk], check=True)
    disks = {name: disk_bytes(boot, machine.disk, name) for name in names}
    boot.ok(f"{SNAPSHOTS} snapshots of a guest that wrote {count} records meanwhile; qemu-img finds the disk in order")
    counts = {}
    for name in rng.sample(names, len(names)):
        machine.go_back(name)
        if disk_bytes(boot, machine.disk) != disks[name]:
            raise GuestError(f"{name}: gone back to, the disk is not the snapshot’s")
        with machine.run_from(name) as guest:
            counts[name] = check_agreement(guest, name)
            guest.send("poweroff\n")
            if guest.wait(180) != 0:
                raise GuestError(guest.explain(f"{name}: the machine did not power off"))
    if [counts[name] for name in names] != sorted(counts.values()):
        raise GuestError(f"the snapshots are not in the order of time: {counts}")
    subprocess.run(["qemu-img", "check", "-q", machine.disk], check=True)
    boot.ok("gone back to in random order, memory and disk agree")
    if any(disk_bytes(boot, machine.disk, name) != disks[name] for name in names):
        raise GuestError("what the guest wrote later is in a snapshot")
    boot.ok("the disks of all snapshots are, byte by byte, what they were")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-snapshots-", dir="/var/tmp") as folder:
        boot = Boot(sys.argv[1], folder)
        if shutil.which("qemu-img") is None:
            raise SystemExit("1..0 # SKIP qemu-img is not installed")
        for test in (idle, load):
            boot.attempt(test.__name__, test)
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
