#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""vhdx.py VITRINECTL ROUNDS: VHDX files whose log was not replayed, against what qemu-img reads of a copy that it has repaired, as TAP."""
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import Failed, attempt, plan, skip  # noqa: E402
from vhdx_log import GUID, MIB, SECTOR, Vhdx, data, entry, le, summed, zero  # noqa: E402

VITRINECTL, ROUNDS = str(Path(sys.argv[1]).resolve()), int(sys.argv[2])
DISK = 9 * MIB


def run(*command, expect=(0,)):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          errors="replace", timeout=60)
    if done.returncode not in expect:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-1500:]}")
    return done


def point(text, test, *arguments):
    attempt(text, test, *arguments)
    for left in Path(".").iterdir():
        left.unlink()


def make(seed=1):
    """Some blocks are there, some are not."""
    dice = random.Random(seed)
    with open("raw", "wb") as raw:
        raw.truncate(DISK)
        for block in (0, 1, 3, 4, 7):
            raw.seek(block * MIB + 3 * SECTOR)
            raw.write(dice.randbytes(MIB // 2))
    run("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", "subformat=dynamic,block_size=1M", "raw", "disk.vhdx")
    return Vhdx("disk.vhdx")


def same_as_repaired(vhdx, like=None):
    """The disk; and the file stays as it is. like: another file with the same disk, where qemu-img does not do what the specification says."""
    vhdx.write("dirty.vhdx")
    (like or vhdx).write("copy.vhdx")
    run("qemu-img", "check", "-f", "vhdx", "-r", "all", "copy.vhdx")
    run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", "copy.vhdx", "expected")
    run(VITRINECTL, "image", "convert", "-q", "dirty.vhdx", "ours.raw")
    ours, expected = Path("ours.raw").read_bytes(), Path("expected").read_bytes()
    if ours != expected:
        at = next(i for i, (a, b) in enumerate(zip(ours, expected)) if a != b) if len(ours) == len(expected) else -1
        raise Failed(f"another disk: {len(ours)} and {len(expected)} bytes, first at {at}")
    if Path("dirty.vhdx").read_bytes() != bytes(vhdx.bytes):
        raise Failed("the image was written to")
    if Path("raw").read_bytes() == ours:
        raise Failed("the log changed nothing")
    Path("ours.raw").unlink()


def refused(vhdx, mention):
    vhdx.write("dirty.vhdx")
    said = run(VITRINECTL, "image", "convert", "dirty.vhdx", "ours.raw", expect=(1,)).stdout
    if mention not in said or len(said.splitlines()) != 1:
        raise Failed(said)


def block_at(vhdx, number):
    """Where in the file; a block that is there."""
    return int.from_bytes(vhdx.bytes[vhdx.bat_at + 8 * number:vhdx.bat_at + 8 * number + 8], "little") & ~0xfffff


def noise(dice):
    return dice.randbytes(SECTOR)


def log_of(vhdx, start, changes, first=5, tail=None, **options):
    """One entry for each list of changes, the last of which is the head. Returns the ring's end of it."""
    vhdx.set_headers()
    at = start
    for i, of_entry in enumerate(changes):
        at = vhdx.put(at, entry(first + i, start if tail is None else tail, of_entry, vhdx.size, options.get("last", vhdx.size)))
    return at


# --- What a log may have -------------------------------------------------------------------------------------------------------

def one_entry():
    vhdx, dice = make(), random.Random(2)
    log_of(vhdx, 0, [[data(block_at(vhdx, 0) + 8 * SECTOR, noise(dice)), data(block_at(vhdx, 4), noise(dice))]])
    same_as_repaired(vhdx)


def tables():
    """Two blocks change places, and what is in the file of the table is nonsense."""
    vhdx = make()
    bat = bytearray(vhdx.sector(vhdx.bat_at))
    bat[0:8], bat[24:32] = bat[24:32], bat[0:8]
    vhdx.bytes[vhdx.bat_at:vhdx.bat_at + SECTOR] = bytes([0xff]) * SECTOR
    log_of(vhdx, 0, [[data(vhdx.bat_at, bytes(bat))]])
    same_as_repaired(vhdx)


def regions():
    """The table of regions is read through the log, too: the file has none."""
    vhdx = make()
    changes = []
    for at in (192 << 10, 256 << 10):
        changes += [data(at + i * SECTOR, vhdx.sector(at + i * SECTOR)) for i in range(16)]
        vhdx.bytes[at:at + (64 << 10)] = bytes(64 << 10)
    log_of(vhdx, 0, [changes, [zero(block_at(vhdx, 1), MIB)]])
    same_as_repaired(vhdx)


def the_newest_wins():
    vhdx, dice = make(), random.Random(3)
    at = block_at(vhdx, 1)
    log_of(vhdx, 0, [[zero(at, 16 * SECTOR), data(at + SECTOR, noise(dice)), data(at + 2 * SECTOR, noise(dice))],
                     [zero(at + 2 * SECTOR, SECTOR), data(at + 3 * SECTOR, noise(dice)), data(at + 3 * SECTOR, noise(dice))],
                     [data(at + 2 * SECTOR, noise(dice)), zero(at + 12 * SECTOR, 100 * SECTOR), data(at + 50 * SECTOR, noise(dice))]])
    same_as_repaired(vhdx)


def around_the_ring():
    """qemu-img 7.2 reads other sectors of data there: it gets the same log from the ring's beginning on."""
    for before in (1, 2, 3, 4, 5):
        vhdx, dice = make(), random.Random(4)
        at, straight = block_at(vhdx, 3), copy.deepcopy(vhdx)
        changes = [[data(at + i * SECTOR, noise(dice)) for i in range(3)], [data(at + 2 * SECTOR, noise(dice))]]
        log_of(vhdx, vhdx.log_bytes - before * SECTOR, changes)
        log_of(straight, 0, changes)
        same_as_repaired(vhdx, straight)


def many_descriptors():
    """qemu-img 7.2 refuses an entry with more than a sector of them: it gets them in entries of a hundred."""
    for count in (125, 126, 127, 128, 250, 254, 255):
        vhdx, dice = make(), random.Random(5)
        at, parted = block_at(vhdx, 4), copy.deepcopy(vhdx)
        changes = [data(at + i * SECTOR, noise(dice)) if i % 3 else zero(at + i * SECTOR, SECTOR) for i in range(count)]
        log_of(vhdx, vhdx.log_bytes - (count % 7 + 1) * SECTOR, [changes])
        log_of(parted, 0, [changes[i:i + 100] for i in range(0, count, 100)])
        same_as_repaired(vhdx, parted)


def a_file_that_grew():
    """A block that is behind the file's end, which had not come to the disk; of its sectors all but two are zeros. The file is as long as the
    entry says, for which qemu-img gets a sector at its end."""
    vhdx, dice = make(), random.Random(6)
    bat, end = bytearray(vhdx.sector(vhdx.bat_at)), (vhdx.size + MIB - 1) // MIB * MIB
    bat[16:24] = le(end | 6, 8)
    longer = copy.deepcopy(vhdx)
    changes = [data(vhdx.bat_at, bytes(bat)), data(end + 5 * SECTOR, noise(dice)), data(end + 9 * SECTOR, noise(dice))]
    log_of(vhdx, 0, [changes], last=end + MIB)
    log_of(longer, 0, [changes + [data(end + MIB - SECTOR, bytes(SECTOR))]], last=end + MIB)
    same_as_repaired(vhdx, longer)


def torn(how):
    """The last entry was not written to its end: what was before it counts."""
    vhdx, dice = make(), random.Random(7)
    at = block_at(vhdx, 0)
    end = log_of(vhdx, vhdx.log_bytes - 3 * SECTOR, [[data(at + 4 * SECTOR, noise(dice))], [data(at + 5 * SECTOR, noise(dice))]])
    last = bytearray(entry(7, vhdx.log_bytes - 3 * SECTOR, [data(at + i * SECTOR, noise(dice)) for i in range(4)], vhdx.size, vhdx.size))
    how(last)
    without = copy.deepcopy(vhdx)
    vhdx.put(end, bytes(last))
    same_as_repaired(vhdx, without)


def stale(kind):
    """What is left of older times, on both sides."""
    vhdx, dice = make(), random.Random(8)
    at = block_at(vhdx, 0)
    if kind == "garbage":
        vhdx.bytes[vhdx.log_at:vhdx.log_at + vhdx.log_bytes] = dice.randbytes(vhdx.log_bytes)
    for place, first in ((0, 20), (40 * SECTOR, 60), (100 * SECTOR, 40)):
        log_of(vhdx, place, [[data(at + (first + i) * SECTOR, noise(dice))] for i in range(3)], first=first)
    if kind == "another":
        vhdx.put(200 * SECTOR, entry(99, 200 * SECTOR, [data(at, noise(dice))], vhdx.size, vhdx.size, guid=GUID[::-1]))
    same_as_repaired(vhdx)


def unfinished():
    """A newer sequence whose tail is gone is none."""
    vhdx, dice = make(), random.Random(9)
    at = block_at(vhdx, 0)
    log_of(vhdx, 0, [[data(at, noise(dice))]], first=3)
    without = copy.deepcopy(vhdx)
    log_of(vhdx, 40 * SECTOR, [[data(at, noise(dice))], [data(at, noise(dice))]], first=30, tail=39 * SECTOR)
    same_as_repaired(vhdx, without)


def chance(seed):
    dice = random.Random(seed)
    vhdx = make(seed)
    blocks = [block_at(vhdx, n) for n in (0, 1, 3, 4, 7)]
    number, start = dice.randrange(1, 1 << 40), dice.randrange(vhdx.log_bytes // SECTOR) * SECTOR
    changes = []
    for _ in range(dice.randrange(1, 6)):
        of_entry = []
        for _ in range(dice.randrange(1, 12)):
            off = dice.choice(blocks) + dice.randrange(200) * SECTOR
            of_entry.append(zero(off, dice.randrange(1, 50) * SECTOR) if dice.random() < .4 else data(off, noise(dice)))
        changes.append(of_entry)
    changes[-1].append(data(blocks[0], noise(dice)))
    end = log_of(vhdx, start, changes, first=number)
    if dice.random() < .5:
        last = bytearray(entry(number + len(changes), start, changes[0], vhdx.size, vhdx.size))
        last[dice.randrange(len(last))] ^= 1 << dice.randrange(8)
        vhdx.put(end, bytes(last))
    same_as_repaired(vhdx)


# --- What is refused ------------------------------------------------------------------------------------------------------------

def moved_tail():
    """What is older than the tail is in the file already, and was changed there since."""
    vhdx, dice = make(), random.Random(10)
    at = block_at(vhdx, 0)
    first = entry(5, 0, [zero(at, 20 * SECTOR)], vhdx.size, vhdx.size)
    vhdx.set_headers()
    vhdx.put(vhdx.put(0, first), entry(6, len(first), [data(at + SECTOR, noise(dice))], vhdx.size, vhdx.size))
    vhdx.write("dirty.vhdx")
    run(VITRINECTL, "image", "convert", "-q", "dirty.vhdx", "ours.raw")
    ours, raw = Path("ours.raw").read_bytes(), bytearray(Path("raw").read_bytes())
    raw[SECTOR:2 * SECTOR] = ours[SECTOR:2 * SECTOR]
    if bytes(raw) != ours or ours[SECTOR:2 * SECTOR] == bytes(SECTOR):
        raise Failed("what was done already is done again")


def damaged_log():
    vhdx = make()
    log_of(vhdx, 0, [[zero(block_at(vhdx, 0), SECTOR)]])
    vhdx.bytes[vhdx.log_at + 100] ^= 1
    refused(vhdx, "damaged")
    for header in ({"log_bytes": 0}, {"log_bytes": 4096}, {"log_bytes": 65 * MIB}, {"log_bytes": 0xfff00000}, {"log_offset": 0},
                   {"log_offset": 5}, {"log_offset": (1 << 64) - MIB}):
        vhdx = make()
        log_of(vhdx, 0, [[zero(block_at(vhdx, 0), SECTOR)]])
        vhdx.set_headers(**header)
        refused(vhdx, "cut short" if header == {"log_offset": (1 << 64) - MIB} else "log")
    vhdx = make()
    log_of(vhdx, 0, [[zero(block_at(vhdx, 0), SECTOR)]])
    vhdx.set_headers(log_version=1)
    refused(vhdx, "version")


def cut_short():
    vhdx = make()
    log_of(vhdx, 0, [[zero(block_at(vhdx, 0), SECTOR)]])
    del vhdx.bytes[-MIB:]
    refused(vhdx, "cut short")


def survives(seed):
    """Each byte of a log may be anything; with a sum that is right, so that the rest is looked at."""
    dice = random.Random(seed)
    vhdx = make(seed)
    at = block_at(vhdx, 0)
    for _ in range(15):
        vhdx.set_headers()
        entries = [bytearray(entry(5 + i, 0, [data(at + i * SECTOR, noise(dice)), zero(at, 7 * SECTOR)], vhdx.size, vhdx.size))
                   for i in range(3)]
        for _ in range(dice.randrange(1, 5)):
            victim = dice.choice(entries)
            victim[dice.randrange(8, 128)] = dice.choice([0, 1, 0x7f, 0x80, 0xff, dice.randrange(256)])
        place = 0
        for one in entries:
            place = vhdx.put(place, summed(one))
        vhdx.write("dirty.vhdx")
        done = run(VITRINECTL, "image", "convert", "-q", "dirty.vhdx", "ours.raw", expect=(0, 1))
        if done.returncode == 1 and len(done.stdout.splitlines()) != 1:
            raise Failed(done.stdout)
        Path("ours.raw").unlink(missing_ok=True)


def flip(at, bits=1):
    def how(last):
        last[at] ^= bits
    return how


def main():
    if shutil.which("qemu-img") is None:
        skip("qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-vhdx-") as folder:
        os.chdir(folder)
        point("one entry", one_entry)
        point("a table of blocks that only the log has", tables)
        point("a table of regions that only the log has", regions)
        point("what was written last is what is read", the_newest_wins)
        point("entries around the ring's end", around_the_ring)
        point("more descriptors than a sector has", many_descriptors)
        point("a file that has to be longer than it is", a_file_that_grew)
        for text, how in (("its sum is wrong", flip(300)), ("a sector of data is old", flip(3 * SECTOR + 4)), ("data end early", flip(-1)),
                          ("a descriptor is old", flip(64 + 24)), ("its length is wrong", flip(9, 0x10)), ("not an entry", flip(0)),
                          ("of another log", flip(32))):
            point(f"a torn entry: {text}", torn, how)
        for kind in ("nothing", "garbage", "another"):
            point(f"old entries, and {kind}", stale, kind)
        point("a newer sequence without its beginning", unfinished)
        point("entries before the tail", moved_tail)
        for seed in range(8 * ROUNDS):
            point(f"by chance, {seed}", chance, seed)
        point("damaged logs are refused", damaged_log)
        point("a file that was cut short is refused", cut_short)
        for seed in range(2 * ROUNDS):
            point(f"any entry, {seed}", survives, seed)
        os.chdir("/")
    plan()


main()
