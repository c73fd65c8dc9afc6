#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""qcow2.py EXERCISE ROUNDS VITRINECTL: images of many shapes, made by qemu-img, filled by it, changed by our driver, and checked and compared
by it again, as TAP."""
import itertools
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import Failed, attempt, plan, skip  # noqa: E402

SHAPES = [
    "cluster_size=64k", "cluster_size=512", "cluster_size=4k,refcount_bits=1", "cluster_size=2M", "compat=0.10",
    "compat=0.10,cluster_size=4k", "refcount_bits=64", "refcount_bits=8,cluster_size=1k", "compression_type=zstd",
    "extended_l2=on,cluster_size=128k", "extended_l2=on,cluster_size=16k", "preallocation=metadata", "lazy_refcounts=on",
]
SIZE = 8 << 20
OURS = 1 << 63          # the mark of an entry


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=600)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def contents(path, seed, size=SIZE):
    """A disk with holes, repetitions and noise."""
    dice = random.Random(seed)
    with open(path, "wb") as image:
        image.truncate(size)
        for _ in range(40):
            image.seek(dice.randrange(size // 512 - 1000) * 512)
            image.write(dice.randbytes(512) * dice.randrange(1, 900) if dice.random() < .7 else dice.randbytes(300_000 // 512 * 512))
    return path


class Tests:
    def __init__(self, exercise, folder, vitrinectl):
        self.exercise, self.folder, self.vitrinectl = exercise, folder, vitrinectl
        self.images = 0

    def point(self, name, test, *arguments):
        attempt(name, test, *arguments)
        for left in self.folder.iterdir():
            left.unlink()

    def agree(self, image, raw, extra=()):
        """qemu-img finds no error and no leak, and the same disk."""
        self.images += 1
        run("qemu-img", "check", "-f", "qcow2", image)
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image, raw)
        for other in extra:
            run("qemu-img", "check", "-f", "qcow2", other)

    def changed_by_us(self, shape, seed, size=SIZE):
        image, model = self.folder / "image", self.folder / "model"
        run("qemu-img", "create", "-f", "qcow2", "-o", shape, image, size)
        for more in range(3):
            old = [model] if more else []
            run(self.exercise, image, seed + more, 200, model, *old)
            self.agree(image, model)

    def read_by_us(self, shape, seed, packed):
        """Filled by qemu-img, perhaps compressed; then changed by us."""
        image, raw, model = (self.folder / name for name in ("image", "raw", "model"))
        contents(raw, seed)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *(["-c"] if packed else []), "-o", shape, raw, image)
        run(self.exercise, image, seed, 200, model, raw)
        self.agree(image, model)

    def packed_by_us(self, method, cluster_kib, seed, size=SIZE):
        """Compressed by us, read by qemu-img, then changed by us."""
        image, raw, model = (self.folder / name for name in ("image", "raw", "model"))
        contents(raw, seed, size)
        run(self.vitrinectl, "image", "convert", "-q", "--to", "qcow2", "--compress", method, "--cluster-size", cluster_kib, raw, image)
        self.agree(image, raw)
        if " 0.00% compressed" in run("qemu-img", "check", image):
            raise Failed("nothing is compressed")
        run(self.exercise, image, seed, 200, model, raw)
        self.agree(image, model)

    def chain(self, shape, seed):
        """Three images on a raw one that is shorter; the lower ones must not change."""
        raw = contents(self.folder / "base.raw", seed, SIZE - (3 << 20))
        below, below_format, model = raw, "raw", raw
        for number in range(3):
            image, new = self.folder / f"layer{number}", self.folder / f"model{number}"
            run("qemu-img", "create", "-f", "qcow2", "-o", shape, "-b", below.name, "-F", below_format, image, SIZE)
            before = below.read_bytes()
            run(self.exercise, image, seed + number, 250, new, model)
            self.agree(image, new)
            if below.read_bytes() != before:
                raise Failed("the backing file was written to")
            below, below_format, model = image, "qcow2", new

    def snapshot(self, shape, seed):
        """An internal snapshot keeps what it has while the disk changes."""
        image, raw, model = (self.folder / name for name in ("image", "raw", "model"))
        contents(raw, seed)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", shape, raw, image)
        run("qemu-img", "snapshot", "-c", "before", image)
        run(self.exercise, image, seed, 200, model, raw)
        self.agree(image, model)
        run("qemu-img", "snapshot", "-a", "before", image)
        self.agree(image, raw)
        run(self.exercise, image, seed + 1, 200, model, raw)
        run("qemu-img", "snapshot", "-d", "before", image)
        self.agree(image, model)

    def damaged_snapshot(self):
        """What a snapshot refers to that cannot be read is not freed, neither by a repair nor by opening an image that is dirty."""
        image, raw, model = (self.folder / name for name in ("image", "raw", "model"))
        contents(raw, 1)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)
        run("qemu-img", "snapshot", "-c", "before", image)
        run(self.exercise, image, 1, 100, model, raw)
        with open(image, "r+b") as file:
            file.seek(64)
            table = int.from_bytes(file.read(8), "big")
            file.seek(table)
            good = file.read(8)
            file.seek(table)
            file.write((int.from_bytes(good, "big") + 512).to_bytes(8, "big"))
            file.seek(79)
            file.write(b"\1")
        for expected, *command in ((2, self.vitrinectl, "image", "check", "--repair", image),
                                   (1, self.exercise, image, "2", "10", model, model)):
            status = subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
            if status != expected:
                raise Failed(f"{command[0]} of a damaged image: status {status}, not {expected}")
        with open(image, "r+b") as file:
            file.seek(table)
            file.write(good)
            file.seek(79)
            file.write(b"\0")
        self.agree(image, model)
        run("qemu-img", "snapshot", "-a", "before", image)
        self.agree(image, raw)

    def wrong_marks(self):
        """An entry that says "ours alone" of what is shared, and one that does not say so: wrong for both of us, and mended."""
        image, raw = self.folder / "image", self.folder / "raw"
        contents(raw, 1)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)
        with open(image, "r+b") as file:
            file.seek(40)
            file.seek(int.from_bytes(file.read(8), "big"))
            file.seek(int.from_bytes(file.read(8), "big") & 0x00fffffffffffe00)
            table = file.tell()
            for number, entry in enumerate(struct.unpack(">192Q", file.read(1536))):
                if entry & OURS and number % 3 == 0:
                    file.seek(table + 8 * number)
                    file.write((entry ^ OURS).to_bytes(8, "big"))
        for command in (["qemu-img", "check", image], [self.vitrinectl, "image", "check", image]):
            status = subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
            if status != 2:
                raise Failed(f"{command[0]}: status {status}, not 2")
        run(self.vitrinectl, "image", "check", "--repair", image)
        self.agree(image, raw)

    def our_snapshots(self, shape, seed):
        """Three of ours, with changes between; gone back to in any order by us and by qemu-img, deleted by both."""
        image = self.folder / "image"
        models = [contents(self.folder / "raw", seed)]
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", shape, models[0], image)
        ctl = [self.vitrinectl, "image", "snapshot"]
        for number in range(3):
            run(*ctl, "take", image, f"s{number}")
            self.agree(image, models[-1])
            models.append(self.folder / f"model{number}")
            run(self.exercise, image, seed + number, 150, models[-1], models[-2])
            self.agree(image, models[-1])
        order = [0, 1, 2]
        random.Random(seed).shuffle(order)
        for number in order:
            back = [*ctl, "revert", image, f"s{number}"] if number != 1 else ["qemu-img", "snapshot", "-a", f"s{number}", image]
            run(*back)
            self.agree(image, models[number])
        run(*ctl, "delete", image, "s1")
        self.agree(image, models[order[-1]])
        run("qemu-img", "snapshot", "-d", "s0", image)
        self.agree(image, models[order[-1]])
        run(*ctl, "revert", image, "s2")
        self.agree(image, models[2])
        run(*ctl, "delete", image, "s2")
        self.agree(image, models[2])


def main():
    exercise, rounds = sys.argv[1], int(sys.argv[2])
    if shutil.which("qemu-img") is None:
        skip("qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-qcow2-") as folder:
        tests = Tests(exercise, Path(folder), Path(sys.argv[3]).resolve())
        for number, (place, shape) in itertools.product(range(rounds), enumerate(SHAPES)):
            seed = number * 1000
            tests.point(f"{shape}: changed by us, seed {seed}", tests.changed_by_us, shape, seed)
            plain = "preallocation" not in shape
            turn = (place + number) % 2      # each shape has one of two in a round, and both in the long run
            if plain:
                tests.point(f"{shape}: read by us{', compressed' if turn else ''}, seed {seed}", tests.read_by_us, shape, seed, bool(turn))
            if plain and not turn:
                tests.point(f"{shape}: a chain, seed {seed}", tests.chain, shape, seed)
            if plain and "refcount_bits=1" not in shape:
                tests.point(f"{shape}: snapshots of ours, seed {seed}", tests.our_snapshots, shape, seed)
            if plain and turn and "refcount_bits=1" not in shape:
                tests.point(f"{shape}: a snapshot, seed {seed}", tests.snapshot, shape, seed)
            # The last cluster goes beyond the disk, and so may the copy of it.
            tests.point(f"{shape}: a disk that ends in a cluster, seed {seed}", tests.changed_by_us, shape, seed, (2 << 20) + 2560)
        for method, cluster_kib, seed in itertools.product(("zlib", "zstd"), (1, 4, 64, 2048), range(rounds)):
            tests.point(f"{method}, clusters of {cluster_kib} KiB: compressed by us, seed {seed}", tests.packed_by_us, method, cluster_kib,
                        seed)
            tests.point(f"{method}, clusters of {cluster_kib} KiB: the same, ending in one, seed {seed}", tests.packed_by_us, method,
                        cluster_kib, seed, SIZE + 2560)
        tests.point("a snapshot that cannot be followed", tests.damaged_snapshot)
        tests.point("marks that are wrong", tests.wrong_marks)
        print(f"# {tests.images} images checked and compared by qemu-img")
        plan()


if __name__ == "__main__":
    main()
