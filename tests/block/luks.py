#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""luks.py EXERCISE VITRINECTL: encrypted images, by themselves and in qcow2, in both directions against qemu-img and cryptsetup, as TAP."""
import os
import pty
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import Failed, attempt, plan, skip  # noqa: E402

EXERCISE, VITRINECTL = (str(Path(name).resolve()) for name in sys.argv[1:3])
SIZE = 6 << 20
FAST = ("--iteration-time", 5)
# cipher, mode, where vectors come from, hash of that, hash of passphrases: what cryptsetup and qemu-img have made by default over the years.
THEIRS = [
    ("aes-256", "xts", "plain64", "sha256", "sha256"), ("aes-128", "xts", "plain64", "sha256", "sha1"),
    ("aes-256", "xts", "plain", "sha256", "sha512"), ("aes-256", "cbc", "essiv", "sha256", "sha1"),
    ("aes-128", "cbc", "essiv", "sha256", "sha256"), ("aes-256", "cbc", "plain64", "sha256", "sha256"),
    ("serpent-256", "xts", "plain64", "sha256", "sha256"), ("twofish-256", "cbc", "essiv", "sha256", "sha512"),
]


def run(*command, expect=0, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=120, **more)
    # cryptsetup has a status of its own for a wrong passphrase.
    if done.returncode != expect:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-1500:]}")
    return done.stdout


def image(*arguments, **more):
    return run(VITRINECTL, "image", *arguments, **more)


def qemu(verb, *arguments, key="key"):
    """qemu-img asks the processor's clock how fast it is, and fails when the answer is nothing: then once more."""
    command = ["qemu-img", verb, "--object", f"secret,id=s,file={key}", *map(str, arguments)]
    for _ in range(20):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if "CPU usage" not in done.stderr:
            break
        Path(command[-1]).unlink(missing_ok=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def opens(path, key):
    run("cryptsetup", "open", "--test-passphrase", "--key-file", key, path)


def same_disk(path, driver, raw, key="key"):
    theirs = f"driver=luks,key-secret=s,file.filename={path}" if driver == "luks" else f"driver=qcow2,encrypt.key-secret=s,file.filename={path}"
    qemu("compare", "--image-opts", f"driver=raw,file.filename={raw}", theirs, key=key)


def contents(seed):
    dice = random.Random(seed)
    data = bytearray(SIZE)
    for _ in range(12):
        at = dice.randrange(SIZE // 512 - 400) * 512
        data[at:at + 512 * 300] = dice.randbytes(512 * 300)
    Path("raw").write_bytes(data)


def ours(driver):
    """Made by us, read by cryptsetup and qemu-img, changed by us, read again."""
    contents(1)
    more = ("--encrypt",) if driver == "qcow2" else ()
    image("convert", "raw", "new", "--to", driver, "--new-key-file", "key", *more, *FAST)
    same_disk("new", driver, "raw")
    if driver == "luks":
        opens("new", "key")
        run("cryptsetup", "luksDump", "new")
    else:
        qemu("check", "--image-opts", "driver=qcow2,encrypt.key-secret=s,file.filename=new")
    for seed in range(3):
        run(EXERCISE, "--format", driver, "--key-file", "key", "new", seed, 150, "model", "model" if seed else "raw")
        same_disk("new", driver, "model")
    image("convert", "new", "back", "--format", driver, "--to", "raw", "--key-file", "key")
    if Path("back").read_bytes() != Path("model").read_bytes():
        raise Failed("another disk came back")


def theirs(driver, cipher, mode, vector, vector_hash, passphrase_hash):
    contents(2)
    prefix = "encrypt." if driver == "qcow2" else ""
    options = {"key-secret": "s", "cipher-alg": cipher, "cipher-mode": mode, "ivgen-alg": vector, "hash-alg": passphrase_hash, "iter-time": 10}
    if vector == "essiv":
        options["ivgen-hash-alg"] = vector_hash
    words = ",".join(f"{prefix}{name}={value}" for name, value in options.items())
    qemu("convert", "-O", driver, "-o", words + (",encrypt.format=luks" if prefix else ""), "raw", "theirs")
    run(EXERCISE, "--format", driver, "--key-file", "key", "theirs", 3, 150, "model", "raw")
    same_disk("theirs", driver, "model")
    said = image("info", "theirs")
    if f"{mode}-{vector}" not in said:
        raise Failed(said)


def by_cryptsetup(cipher, bits, hash_name):
    """Formatted by cryptsetup, with two passphrases of its own."""
    with open("disk", "wb") as disk:
        disk.truncate(8 << 20)
    run("cryptsetup", "-q", "luksFormat", "--type", "luks1", "-c", cipher, "-s", bits, "-h", hash_name, "--pbkdf-force-iterations", 1000,
        "--key-file", "key", "disk")
    run("cryptsetup", "-q", "luksAddKey", "--pbkdf-force-iterations", 1000, "--key-file", "key", "disk", "other")
    for key in ("key", "other"):
        image("convert", "--format", "luks", "--to", "raw", "--key-file", key, "disk", f"{key}.raw")
    if Path("key.raw").read_bytes() != Path("other.raw").read_bytes():
        raise Failed("two passphrases show two disks")
    image("passphrase", "remove", "--key-file", "key", "disk")
    run("cryptsetup", "open", "--test-passphrase", "--key-file", "key", "disk", expect=2)
    opens("disk", "other")


def slots(driver):
    """Eight passphrases of ours, each of which opens it; no ninth; all but one go again."""
    more = ("--encrypt",) if driver == "qcow2" else ()
    image("create", "--format", driver, "--key-file", "key", *more, *FAST, "eight", "4M")
    for number in range(7):
        Path(f"k{number}").write_text(f"passphrase {number}")
        image("passphrase", "add", "--key-file", "key", "--new-key-file", f"k{number}", *FAST, "eight")
    if "has no room" not in image("passphrase", "add", "--key-file", "key", "--new-key-file", "other", *FAST, "eight", expect=1):
        raise Failed("a ninth passphrase")
    for number in range(7):
        if driver == "luks":
            opens("eight", f"k{number}")
        else:
            qemu("check", "--image-opts", "driver=qcow2,encrypt.key-secret=s,file.filename=eight", key=f"k{number}")
    image("passphrase", "remove", "--key-file", "key", "eight")
    if "does not open" not in image("passphrase", "remove", "--key-file", "key", "eight", expect=1):
        raise Failed("removed, and it still opens")
    for number in range(6):
        image("passphrase", "remove", "--key-file", f"k{number}", "eight")
    if "last passphrase" not in image("passphrase", "remove", "--key-file", "k6", "eight", expect=1):
        raise Failed("the last passphrase went")
    if image("info", "eight").count("a passphrase") != 1:
        raise Failed("slots are not told")


def grows(driver):
    """Larger without a passphrase; what was there stays, and the rest can be used."""
    contents(4)
    more = ("--encrypt",) if driver == "qcow2" else ()
    image("convert", "raw", "disk", "--to", driver, "--new-key-file", "key", *more, *FAST)
    image("resize", "--format", driver, "disk", SIZE + (3 << 20))
    image("convert", "--format", driver, "--key-file", "key", "disk", "back.raw")
    back = Path("back.raw").read_bytes()
    if len(back) != SIZE + (3 << 20) or back[:SIZE] != Path("raw").read_bytes():
        raise Failed("another disk")
    run(EXERCISE, "--format", driver, "--key-file", "key", "disk", 5, 100, "model", "back.raw")
    same_disk("disk", driver, "model")


def snapshots():
    """Inside an encrypted qcow2, ours and qemu-img's, which need no passphrase; and what a person is told of it."""
    contents(6)
    image("convert", "raw", "disk", "--to", "qcow2", "--new-key-file", "key", "--encrypt", *FAST)
    image("snapshot", "take", "disk", "one")
    run(EXERCISE, "--key-file", "key", "disk", 5, 150, "model", "raw")
    same_disk("disk", "qcow2", "model")
    image("snapshot", "revert", "disk", "one")
    same_disk("disk", "qcow2", "raw")
    run(EXERCISE, "--key-file", "key", "disk", 6, 150, "model", "raw")
    image("snapshot", "delete", "disk", "one")
    qemu("check", "--image-opts", "driver=qcow2,encrypt.key-secret=s,file.filename=disk")
    same_disk("disk", "qcow2", "model")
    image("check", "disk")
    if "cannot be compressed" not in image("convert", "raw", "x", "--encrypt", "-c", "zlib", "--new-key-file", "key", expect=1):
        raise Failed("compressed and encrypted")


def hostile():
    """No header makes us compute for long, read elsewhere, or fall over; each is one sentence."""
    image("create", "--format", "luks", "--key-file", "key", *FAST, "good", "1M")
    good = Path("good").read_bytes()
    changes = [(4, b"XX", "not a LUKS"), (6, b"\0\2", "version 1"), (8, b"\xff" * 32, "cipher"), (40, b"ecb" + bytes(29), "cipher"),
               (40, b"xts-essiv:sha1" + bytes(18), "cipher"), (40, b"x" * 32, "cipher"), (72, b"nonsense" + bytes(24), "hash"),
               (72, b"\xff" * 32, "hash"), (104, bytes(4), "slot"), (104, b"\xff" * 4, "nothing behind"), (108, bytes(4), "length"),
               (108, b"\xff" * 4, "length"), (108, struct.pack(">I", 63), "cipher"), (164, bytes(4), "computing"),
               (164, b"\xff" * 4, "computing"), (212, bytes(4), "slot"), (212, b"\xff" * 4, "slot"), (248, bytes(4), "slot"),
               (248, b"\xff" * 4, "slot"), (252, struct.pack(">I", 3999), "slot"), (252, b"\xff" * 4, "slot")]
    for at, value, mention in changes:
        bad = bytearray(good)
        bad[at:at + len(value)] = value
        Path("bad").write_bytes(bad)
        start = time.monotonic()
        said = image("convert", "--format", "luks", "--key-file", "key", "bad", "x", expect=1)
        if mention not in said or said.count("\n") != 1 or time.monotonic() - start > 5:
            raise Failed(f"byte {at}: {said} ({time.monotonic() - start:.1f} s)")
    for length in (0, 5, 591, 592, 4096, 300000, 2 << 20):
        Path("bad").write_bytes(good[:length])
        said = image("convert", "--format", "luks", "--key-file", "key", "bad", "x", expect=1)
        if said.count("\n") != 1:
            raise Failed(f"cut at {length}: {said}")


def descriptor():
    with open("key", "rb") as key:
        image("convert", "--format", "luks", "--to", "raw", "--key-fd", key.fileno(), "good", "fd.raw", pass_fds=[key.fileno()])
    said = image("convert", "--format", "luks", "good", "x", expect=1, stdin=subprocess.DEVNULL, start_new_session=True)
    if "terminal" not in said:
        raise Failed(said)


def asked():
    """At a terminal, without showing what is typed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(VITRINECTL, [VITRINECTL, "image", "convert", "-q", "--format", "luks", "--to", "raw", "good", "tty.raw"])
    shown = b""
    while b"good" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, Path("key").read_bytes() + b"\n")
    try:
        while piece := os.read(terminal, 1000):
            shown += piece
    except OSError:
        pass
    status = os.waitpid(child, 0)[1]
    if status != 0 or Path("key").read_bytes() in shown or not Path("tty.raw").exists():
        raise Failed(f"status {status}: {shown}")


def boots(driver):
    """A machine starts from it: its boot sector says 16 to the port that ends the run with (16 << 1) | 1."""
    sector = bytes([0xb0, 0x10, 0xba, 0xf4, 0x00, 0xee, 0xeb, 0xfe]).ljust(510, b"\0") + b"\x55\xaa"
    Path("boot").write_bytes(sector.ljust(1 << 20, b"\0"))
    more = ("--encrypt",) if driver == "qcow2" else ()
    image("convert", "boot", "disk", "--to", driver, "--new-key-file", "key", *more, *FAST)
    machine = (VITRINECTL, "run", "--debug-exit", "--video", "none", "--net", "none", "--timeout", 60, "--disk")
    run(*machine, f"disk,format={driver},key-file=key", expect=33)
    if "does not open" not in run(*machine, f"disk,format={driver},key-file=other", expect=1):
        raise Failed("not the wrong passphrase's fault")
    if "needs a passphrase" not in run(*machine, f"disk,format={driver}", expect=1, stdin=subprocess.DEVNULL, start_new_session=True):
        raise Failed("no passphrase asked for")
    tag = "<driver name='qemu' type='qcow2'/>" if driver == "qcow2" else "<driver name='qemu' type='raw'/>"
    Path("vm.xml").write_text(
        f"<domain type='qemu'><name>vm</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
        f"<disk type='file' device='disk'>{tag}<source file='{Path('disk').resolve()}'/><target dev='vda' bus='virtio'/>"
        f"<encryption format='luks'><secret type='passphrase' uuid='6ab26421-e31c-4b04-a4c2-9429734167d2'/></encryption></disk>"
        f"</devices></domain>")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(VITRINECTL, [VITRINECTL, "run", "--domain", "vm.xml", "--debug-exit", "--video", "none", "--timeout", "60"])
    shown = b""
    while b"Passphrase" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, Path("key").read_bytes() + b"\n")
    try:
        while piece := os.read(terminal, 1000):
            shown += piece
    except OSError:
        pass
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 33:
        raise Failed(shown.decode(errors="replace"))


def main():
    if shutil.which("qemu-img") is None or shutil.which("cryptsetup") is None:
        skip("qemu-img or cryptsetup is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-luks-") as folder:
        os.chdir(folder)
        Path("key").write_text("correct horse")
        Path("other").write_text("battery staple")

        def each(text, test, *arguments):
            attempt(text, test, *arguments)
            for left in Path(".").iterdir():
                if left.name not in ("key", "other", "good"):
                    left.unlink()

        for driver in ("luks", "qcow2"):
            each(f"{driver}: ours is theirs", ours, driver)
            for kind in THEIRS:
                each(f"{driver}: theirs is ours: {' '.join(kind)}", theirs, driver, *kind)
            each(f"{driver}: eight passphrases", slots, driver)
            each(f"{driver}: a machine starts from it", boots, driver)
            each(f"{driver}: grows", grows, driver)
        for kind in (("aes-xts-plain64", 512, "sha256"), ("aes-xts-plain64", 256, "sha512"), ("aes-cbc-essiv:sha256", 256, "sha1"), ("aes-cbc-plain64", 192, "sha256")):
            each(f"cryptsetup's {kind}", by_cryptsetup, *kind)
        each("snapshots of an encrypted disk", snapshots)
        each("hostile headers", hostile)
        each("a passphrase from a descriptor", descriptor)
        each("a passphrase from a terminal", asked)
        os.chdir("/")
    plan()


main()
