#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""image.py VITRINECTL: disk images from a terminal, with qemu-img as the judge, as TAP."""
import fcntl
import os
import pty
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import plan, point, skip  # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())


def image(*arguments):
    return subprocess.run([VITRINECTL, "image", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def succeeds(text, *arguments):
    done = image(*arguments)
    point(done.returncode == 0, text, done.stderr)
    return done.stdout


def refused(text, mention, *arguments):
    done = image(*arguments)
    lines = done.stderr.strip().splitlines()
    point(done.returncode == 1 and len(lines) == 1 and mention in lines[0], text, done.stderr or done.stdout)


def judge(text, *arguments):
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True, check=False)
    point(done.returncode == 0, text, done.stdout + done.stderr)


def work():
    Path("raw").write_bytes(os.urandom(3 << 20) + bytes(9 << 20) + os.urandom(100 << 10) + bytes(1 << 20))
    succeeds("an image is made", "create", "new.qcow2", "10G")
    judge("qemu-img finds it in order", "check", "new.qcow2")
    refused("what is there is not overwritten", "new.qcow2", "create", "new.qcow2", "1G")
    for name, more in (("c.qcow2", []), ("c4.qcow2", ["--cluster-size", 4]), ("c2m.qcow2", ["--cluster-size", 2048])):
        succeeds(f"raw becomes qcow2 {more}", "convert", "raw", name, *more)
        judge("in order", "check", name)
        judge("with the same disk", "compare", "-f", "raw", "-F", "qcow2", "raw", name)
    point(Path("c.qcow2").stat().st_size < 5 << 20, "its holes take no room")
    succeeds("and raw again", "convert", "-f", "qcow2", "-t", "raw", "c.qcow2", "back")
    point(Path("back").read_bytes() == Path("raw").read_bytes(), "with every byte")
    succeeds("qcow2 becomes larger", "resize", "-f", "qcow2", "c4.qcow2", "300G")
    judge("in order", "check", "c4.qcow2")
    succeeds("its own check finds nothing", "check", "c4.qcow2")
    refused("but not smaller", "smaller", "resize", "-f", "qcow2", "c4.qcow2", "1G")
    succeeds("an image stands on another", "create", "-b", "c.qcow2", "--backing-format", "qcow2", "top.qcow2")
    judge("in order", "check", "top.qcow2")
    judge("and shows its disk", "compare", "-f", "raw", "-F", "qcow2", "raw", "top.qcow2")
    said = succeeds("which is told", "info", "top.qcow2")
    point("c.qcow2 (qcow2)" in said, "with its name", said)
    point("data" in succeeds("the map", "map", "raw"), "shows data")


def trouble():
    shutil.copy("c.qcow2", "guest.img")
    refused("what only looks like qcow2 is not taken for it unasked", "--format", "convert", "guest.img", "x")
    succeeds("unless its name says so, too", "convert", "c.qcow2", "named.raw")
    point(Path("named.raw").read_bytes() == Path("raw").read_bytes(), "and the new name says what to make")
    refused("a missing image", "none", "info", "none")
    Path("text").write_text("no image at all")
    refused("a file that is none", "not a qcow2", "info", "-f", "qcow2", "text")
    broken = bytearray(Path("c.qcow2").read_bytes())
    for at, value, width, what in ((20, 40, 4, "clusters"), (36, 1 << 30, 4, "first table"), (4, 9, 4, "version"),
                                   (40, 12345, 8, "first table"), (48, 0, 8, "reference counts"), (72, 1 << 40, 8, "features")):
        bad = bytearray(broken)
        bad[at:at + width] = value.to_bytes(width, "big")
        Path("bad").write_bytes(bad)
        refused(f"a bad header: {what}", what, "info", "-f", "qcow2", "bad")
    Path("outside").mkdir()
    Path("secret").write_bytes(bytes(1 << 20))
    for name in ("../secret", str(Path("secret").resolve())):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", name, "-F", "raw", "outside/spy.qcow2"], check=True)
        refused(f"a backing file outside, {name}", "outside", "convert", "-f", "qcow2", "outside/spy.qcow2", "x")
        done = subprocess.run([VITRINECTL, "run", "--disk", "outside/spy.qcow2,format=qcow2", "--timeout", "5"],
                              capture_output=True, text=True, check=False)
        point(done.returncode == 1 and "outside" in done.stderr, "no machine starts with it", done.stderr)
    os.symlink("../secret", "outside/link")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "link", "-F", "raw", "outside/spy.qcow2"], check=True)
    refused("nor through a link", "outside", "convert", "-f", "qcow2", "outside/spy.qcow2", "x")
    succeeds("unless it is meant", "convert", "-f", "qcow2", "--any-backing", "outside/spy.qcow2", "x")
    loop = bytearray(Path("top.qcow2").read_bytes())
    at, length = struct.unpack_from(">QI", loop, 8)
    loop[at:at + length] = b"l.qcow2"[:length]
    Path("l.qcow2").write_bytes(loop)
    refused("an image that stands on itself", "itself", "convert", "-f", "qcow2", "l.qcow2", "y")
    leak()


def leak():
    """A count of what nobody has is room lost; one that is too low is corrupt, and so is one that is too high where an entry says that its
    cluster is its alone; all can be mended."""
    good = Path("c.qcow2").read_bytes() + bytes(65536)
    block = struct.unpack_from(">Q", good, struct.unpack_from(">Q", good, 48)[0])[0]
    behind = len(good) // 65536 - 1
    for cluster, count, status, what in ((behind, 1, 3, "lost"), (behind - 1, 2, 2, "corrupt"), (behind - 1, 0, 2, "corrupt")):
        data = bytearray(good)
        struct.pack_into(">H", data, block + 2 * cluster, count)
        Path("wrong.qcow2").write_bytes(data)
        judged = subprocess.run(["qemu-img", "check", "wrong.qcow2"], capture_output=True, check=False).returncode
        done = image("check", "wrong.qcow2")
        point(done.returncode == judged == status, f"a wrong count is {what}", f"{judged} {done.returncode} {done.stdout}")
        done = image("check", "--repair", "wrong.qcow2")
        point(done.returncode == 0, "it is mended", done.stdout + done.stderr)
        judge("in order", "check", "wrong.qcow2")


def read_until(master, word):
    said = b""
    while word not in said and select.select([master], [], [], 30)[0]:
        said += os.read(master, 4096)
    return said


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def terminal():
    master, slave = pty.openpty()
    asking = subprocess.Popen([VITRINECTL, "image", "create", "--encrypt", "secret.qcow2", "1G"], stdin=slave, stdout=slave, stderr=slave,
                              start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    said = read_until(master, b"secret.qcow2")
    point(not echoes(slave), "a passphrase does not show", said)
    os.write(master, b"half of it\x03")
    point(asking.wait(30) == -signal.SIGINT and echoes(slave), "Ctrl-C ends that, and the terminal shows again what is typed", asking.returncode)
    # A file that may not become as large; Python has told to ignore the signal for that.
    done = subprocess.run([VITRINECTL, "image", "convert", "-f", "raw", "raw", "large.qcow2"], stderr=slave, timeout=60, check=False,
                          restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20)))
    said = read_until(master, b"vitrinectl: ")
    point(done.returncode == 1 and b" %" in said and b"\nvitrinectl: " in said, "an error has a line of its own behind the progress", said)
    os.close(master)
    os.close(slave)


def main():
    if shutil.which("qemu-img") is None:
        skip("qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-image-") as folder:
        os.chdir(folder)
        work()
        trouble()
        terminal()
        os.chdir("/")
    plan()


main()
