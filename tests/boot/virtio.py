#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""virtio.py VITRINECTL NAME [RINGS]: Debian's kernel drives a virtio device and checks what it moves, as TAP. RINGS are options of
the device's queues, such as packed=on."""
import hashlib
import os
import re
import shutil
import signal
import socket as socket_module
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import network                                          # noqa: E402
from boot import PROMPT, Boot, Skip, check_dmesg, power_off   # noqa: E402
from vmconsole import GuestError                        # noqa: E402

BITS = {"packed": 34, "in-order": 35, "notification-data": 38}


class Machine:
    """What the tests here need of the guest with all the drivers."""

    def __init__(self, boot, rings):
        self.boot, self.rings = boot, rings
        target = boot.guest("virtio")
        self.arguments = ["--memory", "512M", "--kernel", target / "vmlinux", "--initrd", target / "initrd.img",
                          "--append", "console=ttyS0,115200"]

    def option(self, text):
        return ",".join([text, *self.rings])

    def run(self, *arguments):
        return self.boot.run(*self.arguments, *arguments)


def start(guest):
    guest.expect(PROMPT, 900)
    guest.command("stty cols 250; dmesg -n 1", PROMPT, 60)


def shell(guest, line, seconds=120):
    return guest.command(line, PROMPT, seconds)


def check_rings(boot, guest, device_type, rings):
    """Did the driver of that type take the forms that it knows? The kernel of Debian 12 knows packed rings only."""
    text = shell(guest, f"cat $(dirname $(grep -l 0x{device_type:04x} /sys/bus/virtio/devices/*/device | head -n 1))/features")
    features = re.search(r"[01]{64}", text)
    wanted = "1" if "packed=on" in rings else "0"
    if not features or features.group()[BITS["packed"]] != wanted:
        raise GuestError(guest.explain(f"bit 34 of the agreed features is not {wanted}: {text}"))
    boot.ok("the driver uses " + ("packed rings" if wanted == "1" else "split rings"))


def digest_of(guest, command, seconds=300):
    return re.search(r"\b[0-9a-f]{32}\b", shell(guest, f"{command} | md5sum", seconds)).group()


def same(boot, guest, got, wanted, what):
    if got != wanted:
        problem = f"{what}: “{got}” instead of “{wanted}”"
        raise GuestError(guest.explain(problem) if guest else problem)
    boot.ok(what)


def md5(data):
    return hashlib.md5(data).hexdigest()


def ctl(boot, *arguments):
    """vitrinectl's answer."""
    done = subprocess.run([boot.vitrinectl, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != 0:
        raise GuestError(f"vitrinectl {arguments[0]}: {done.stderr}")
    return done.stdout


def wait_for(guest, seconds, what, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or not guest.pump(0.1):
            raise GuestError(guest.explain(f"{what}: not within {seconds} seconds"))


# --- Devices ----------------------------------------------------------------------------------------------------------

def blk(boot, rings):
    machine = Machine(boot, rings)
    image, data = boot.folder / "disk.img", os.urandom(24 << 20)
    image.write_bytes(data + bytes(40 << 20))
    with machine.run("--cpus", 2, "--disk", machine.option(f"{image},format=raw")) as guest:
        start(guest)
        check_rings(boot, guest, 2, rings)
        same(boot, guest, shell(guest, "ls /sys/block/vda/mq | wc -l").split()[-1], "2", "there is a queue for each processor")
        same(boot, guest, digest_of(guest, "dd if=/dev/vda bs=1M count=24 iflag=direct"), md5(data), "what is read is what is there")
        shell(guest, "for i in 0 1 2 3; do dd if=/dev/vda of=/dev/vda bs=64k count=96 skip=$((i * 96)) seek=$((480 + i * 96)) "
              "conv=notrunc oflag=direct & done; wait; sync")
        shell(guest, "blkdiscard -o 0 -l 1048576 /dev/vda; blkzero /dev/vda 1048576 1048576 && echo zeroed")
        shell(guest, "dd if=/dev/urandom of=/dev/vda bs=1M count=8 seek=54 oflag=direct")
        tail = digest_of(guest, "dd if=/dev/vda bs=1M skip=54 iflag=direct")
        check_dmesg(boot, guest)
        power_off(boot, guest)
    written = image.read_bytes()
    if written[30 << 20:54 << 20] != data or any(written[1 << 20:2 << 20]) or md5(written[54 << 20:]) != tail:
        raise GuestError("the image does not hold what the guest wrote")
    boot.ok("what is written is in the image")


def echo(path, data):
    """Sends the data to that socket and takes as much back."""
    answer = b""
    with socket_module.socket(socket_module.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(str(path))
        sender = threading.Thread(target=link.sendall, args=(data,), daemon=True)
        sender.start()
        while len(answer) < len(data) and (piece := link.recv(65536)):
            answer += piece
        sender.join()
    return answer


def console(boot, rings):
    machine = Machine(boot, rings)
    path, log = boot.folder / "port", boot.folder / "hvc"
    with machine.run("--virtio-console", machine.option(f"file:{log}"), "--channel", f"unix:{path},name=org.example.test") as guest:
        start(guest)
        check_rings(boot, guest, 3, rings)
        shell(guest, "echo on the console > /dev/hvc0")
        same(boot, guest, log.read_text().strip(), "on the console", "the console writes")
        same(boot, guest, shell(guest, "cat /sys/class/virtio-ports/*p1/name").split()[-1], "org.example.test", "the port has its name")
        shell(guest, "PORT=$(ls /dev/vport*p1); echo $PORT")
        guest.send("cat <> $PORT >&0\n")
        data = os.urandom(1 << 20)
        same(boot, guest, md5(echo(path, data)), md5(data), "a megabyte comes back from the port")
        guest.expect(PROMPT, 60)
        boot.ok("when the client leaves, the guest's program is at the end of its input")
        guest.send("cat <> $PORT >&0\n")
        same(boot, guest, md5(echo(path, data[:5000])), md5(data[:5000]), "the next client is served")
        guest.expect(PROMPT, 60)
        check_dmesg(boot, guest)
        power_off(boot, guest)
    if path.exists():
        raise GuestError("the socket was left behind")
    boot.ok("the socket is gone")


def receive_all(listener, into):
    link, _ = listener.accept()
    while piece := link.recv(65536):
        into += piece


def net(boot, rings):
    machine = Machine(boot, rings)
    socket, trace, www = boot.folder / "control", boot.folder / "trace.pcap", boot.folder / "www"
    www.mkdir()
    data = os.urandom(8 << 20)
    (www / "data").write_bytes(data)
    web, listener, got = network.serve(www), socket_module.create_server(("127.0.0.1", 0)), bytearray()
    threading.Thread(target=receive_all, args=(listener, got), daemon=True).start()
    with machine.run("--cpus", 2, "--net", machine.option("user,queues=2"), "--control", socket) as guest:
        start(guest)
        check_rings(boot, guest, 1, rings)
        bits = shell(guest, "cat /sys/class/net/eth0/device/features").split()[-1]
        if any(bits[n] != "1" for n in (0, 1, 11, 12, 15, 17, 18, 21, 22, 23)):
            raise GuestError(guest.explain(f"offloads or queues are missing: {bits}"))
        boot.ok("the driver uses checksums, segments, merged buffers, control and several queues")
        same(boot, guest, shell(guest, "ls -d /sys/class/net/eth0/queues/rx-* | wc -l").split()[-1], "2", "there are two pairs of queues")
        shell(guest, "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2")
        ctl(boot, "capture", socket, trace)
        same(boot, guest, digest_of(guest, f"wget -q -O - http://10.0.2.2:{web.server_port}/data"), md5(data), "8 MiB come down")
        sent = digest_of(guest, "dd if=/dev/urandom of=/tmp/up bs=1M count=8 2>/dev/null; cat /tmp/up")
        shell(guest, f"nc 10.0.2.2 {listener.getsockname()[1]} < /tmp/up")
        wait_for(guest, 60, "the upload", lambda: len(got) == 8 << 20)
        same(boot, guest, md5(got), sent, "8 MiB go up")
        ctl(boot, "capture", socket, "stop")
        frames = read_pcap(trace)
        if sum(map(len, frames)) < 16 << 20 or max(map(len, frames)) > 1514:
            raise GuestError(f"{len(frames)} frames captured, with {sum(map(len, frames))} bytes")
        boot.ok(f"{len(frames)} frames are in the capture, none larger than the wire takes")
        ctl(boot, "link", socket, "down")
        wait_for(guest, 20, "the link goes down", lambda: shell(guest, "cat /sys/class/net/eth0/carrier").split()[-1] == "0")
        ctl(boot, "link", socket, "up")
        wait_for(guest, 20, "the link comes up", lambda: shell(guest, "cat /sys/class/net/eth0/carrier").split()[-1] == "1")
        said = shell(guest, "ping -c 1 -w 20 10.0.2.2 > /dev/null && echo answered || echo silent")
        same(boot, guest, said.split()[-1], "answered", "the cable can be pulled and plugged in")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def local(boot, rings):
    """Two machines on an isolated network, and nothing else there."""
    machine = Machine(boot, rings)
    name, runtime = f"test-{os.getpid()}", boot.folder / "run"
    runtime.mkdir(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)      # the person's own machines may have a network of that name
    with machine.run("--net", machine.option(f"local={name}")) as one, machine.run("--net", machine.option(f"local={name}")) as two:
        for number, guest in enumerate((one, two), 1):
            start(guest)
            shell(guest, f"ip link set eth0 address 52:54:00:00:00:0{number} up; ip addr add 10.9.0.{number}/24 dev eth0")
        check_rings(boot, one, 1, rings)
        one.send("nc -l -p 77 | md5sum\n")
        wanted = digest_of(two, "dd if=/dev/urandom of=/tmp/x bs=1M count=4 2>/dev/null; cat /tmp/x")
        shell(two, "until nc 10.9.0.1 77 < /tmp/x; do usleep 100000; done")
        same(boot, one, one.expect(r"\b[0-9a-f]{32}\b", 60).group(), wanted, "4 MiB go from one machine to the other")
        if "bytes from" in shell(two, "ping -c 1 -W 1 10.0.2.2"):
            raise GuestError(two.explain("there is a way out"))
        boot.ok("there is no way out")
        one.expect(PROMPT, 60)
        for guest in (one, two):
            check_dmesg(boot, guest)
            power_off(boot, guest)


def vsock(boot, rings):
    machine = Machine(boot, rings)
    path, data = boot.folder / "vs", os.urandom(2 << 20)
    with machine.run("--vsock", machine.option(str(path)) + ",cid=5") as guest:
        start(guest)
        check_rings(boot, guest, 19, rings)
        guest.send("vsock listen 1234\n")
        guest.expect(r"^listening", 60)
        with socket_module.socket(socket_module.AF_UNIX) as link:
            link.settimeout(30)
            link.connect(str(path))
            link.sendall(b"CONNECT 1234\n")
            same(boot, guest, link.recv(8), b"OK 1234\n", "the host reaches a port of the guest")
            threading.Thread(target=link.sendall, args=(data,), daemon=True).start()
            answer = b""
            while len(answer) < len(data) and (piece := link.recv(65536)):
                answer += piece
        same(boot, guest, md5(answer), md5(data), "2 MiB come back from it")
        guest.expect(PROMPT, 60)
        listener = socket_module.socket(socket_module.AF_UNIX)
        listener.bind(f"{path}_77")
        listener.listen()
        got = bytearray()
        receiver = threading.Thread(target=receive_all, args=(listener, got), daemon=True)
        receiver.start()
        wanted = digest_of(guest, "dd if=/dev/urandom of=/tmp/x bs=1M count=2 2>/dev/null; cat /tmp/x")
        shell(guest, "vsock connect 77 < /tmp/x")
        receiver.join(30)
        same(boot, guest, md5(got), wanted, "2 MiB reach a port of the host")
        if "reset" not in shell(guest, "vsock connect 78 < /dev/null"):
            raise GuestError(guest.explain("a port where nobody listens is not refused"))
        boot.ok("a port where nobody listens is refused")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def ninep(boot, rings):
    machine = Machine(boot, rings)
    folder = boot.folder / "shared"
    folder.mkdir()
    (boot.folder / "secret").write_text("secret")
    data = os.urandom(3 << 20)
    (folder / "data").write_bytes(data)
    (folder / "out").symlink_to("../secret")
    with machine.run("--share", machine.option(f"{folder},tag=data")) as guest:
        start(guest)
        check_rings(boot, guest, 9, rings)
        shell(guest, "mkdir -p /s && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 data /s")
        same(boot, guest, digest_of(guest, "cat /s/data"), md5(data), "a file of the host reads")
        shell(guest, "mkdir /s/d && cp /s/data /s/d/copy && mv /s/d/copy /s/d/moved && ln -s moved /s/d/link && chmod 600 /s/d/moved && sync")
        same(boot, guest, digest_of(guest, "cat /s/d/link"), md5(data), "links inside work")
        if "secret" in shell(guest, "cat /s/out"):
            raise GuestError(guest.explain("a link leads out"))
        boot.ok("links do not lead out")
        shell(guest, "i=0; while [ $i -lt 300 ]; do echo $i > /s/d/f$i; i=$((i + 1)); done")
        same(boot, guest, shell(guest, "ls /s/d | wc -l").split()[-1], "302", "a large folder lists whole")
        shell(guest, "rm /s/d/f*; umount /s")
        check_dmesg(boot, guest)
        power_off(boot, guest)
    same(boot, None, md5((folder / "d" / "moved").read_bytes()), md5(data), "what the guest wrote is there")
    same(boot, None, sorted(p.name for p in (folder / "d").iterdir()), ["link", "moved"], "and nothing else")


def crypto(boot, rings):
    if shutil.which("openssl") is None:
        raise Skip("openssl is not installed")
    machine = Machine(boot, rings)
    key, vector = "00112233445566778899aabbccddeeff", "0f0e0d0c0b0a09080706050403020100"
    data = b"".join(b"%07d\n" % n for n in range(1 << 15))
    wanted = subprocess.run(["openssl", "enc", "-aes-128-cbc", "-nopad", "-K", key, "-iv", vector], input=data, capture_output=True, check=True)
    with machine.run("--crypto", machine.option("on")) as guest:
        start(guest)
        check_rings(boot, guest, 20, rings)
        text = shell(guest, "grep -A 6 'driver *: virtio_crypto_aes_cbc' /proc/crypto")
        if not re.search(r"selftest\s*: passed", text):
            raise GuestError(guest.explain("the kernel's own test of the driver did not pass"))
        boot.ok("the kernel's own test of its driver passes")
        shell(guest, "i=0; while [ $i -lt 32768 ]; do printf '%07d\\n' $i; i=$((i + 1)); done > /tmp/plain", 300)
        same(boot, guest, digest_of(guest, "cat /tmp/plain"), md5(data), "the guest has the plain text")
        got = digest_of(guest, f"afalg virtio_crypto_aes_cbc {key} {vector} < /tmp/plain")
        same(boot, guest, got, md5(wanted.stdout), "256 KiB are encrypted as openssl does it")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def saved(boot, rings):
    """A machine with one of each is saved with files and sessions open, and goes on in another process."""
    machine = Machine(boot, rings)
    folder, image, state = boot.folder / "shared", boot.folder / "disk.img", boot.folder / "state"
    folder.mkdir()
    (folder / "data").write_text("first second\n")
    image.write_bytes(os.urandom(8 << 20))
    options = []
    for option, value in (("--disk", f"{image},format=raw"), ("--disk", f"{image}2,format=raw,bus=scsi"), ("--net", "user"), ("--crypto", "on"),
                          ("--balloon", "on"), ("--share", f"{folder},tag=data"), ("--vsock", str(boot.folder / "vs")),
                          ("--channel", f"unix:{boot.folder / 'port'},name=p")):
        options += [option, machine.option(value)]
    Path(f"{image}2").write_bytes(image.read_bytes())
    with machine.run(*options, "--save", state) as guest:
        start(guest)
        shell(guest, "mkdir -p /s && mount -t 9p -o trans=virtio,version=9p2000.L,cache=none data /s && exec 3< /s/data")
        same(boot, guest, shell(guest, "dd bs=6 count=1 <&3 2>/dev/null").split()[0], "first", "a file is open")
        shell(guest, "dd if=/dev/vda of=/dev/null bs=1M & dd if=/dev/sda of=/dev/null bs=1M & wait")
        guest.process.send_signal(signal.SIGINT)
        guest.wait(60)
    if not state.exists():
        raise GuestError("nothing was saved")
    with machine.run(*options, "--restore", state) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 120)
        same(boot, guest, shell(guest, "dd bs=7 count=1 <&3 2>/dev/null").split()[0], "second", "it goes on where it was")
        wanted = md5(image.read_bytes())
        same(boot, guest, digest_of(guest, "dd if=/dev/vda bs=1M iflag=direct 2>/dev/null"), wanted, "the disk reads")
        same(boot, guest, digest_of(guest, "dd if=/dev/sda bs=1M iflag=direct 2>/dev/null"), wanted, "the SCSI disk reads")
        same(boot, guest, shell(guest, "echo abcdefgh12345678 | head -c 16 | afalg virtio_crypto_aes_cbc 00112233445566778899aabbccddeeff "
                                "00000000000000000000000000000000 | wc -c").split()[-1], "16", "the ciphers work")
        shell(guest, "ls /s/data && exec 3<&-")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def read_pcap(path):
    raw, frames, at = path.read_bytes(), [], 24
    if struct.unpack_from("<IHH", raw) != (0xA1B23C4D, 2, 4):
        raise GuestError("that is no capture file")
    while at < len(raw):
        length = struct.unpack_from("<I", raw, at + 8)[0]
        frames.append(raw[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def scsi(boot, rings):
    machine = Machine(boot, rings)
    socket, image, cds = boot.folder / "control", boot.folder / "disk.img", [boot.folder / f"{n}.iso" for n in (1, 2)]
    data = os.urandom(8 << 20)
    image.write_bytes(data + bytes(24 << 20))
    for n, cd in enumerate(cds):
        cd.write_bytes(bytes([n + 1]) * (2 << 20))
    with machine.run("--cpus", 2, "--disk", machine.option(f"{image},format=raw,bus=scsi"), "--cdrom", f"{cds[0]},bus=scsi",
                     "--control", socket) as guest:
        start(guest)
        check_rings(boot, guest, 8, rings)
        same(boot, guest, digest_of(guest, "dd if=/dev/sda bs=1M count=8 iflag=direct"), md5(data), "the disk reads")
        shell(guest, "dd if=/dev/sda of=/dev/sda bs=64k count=128 seek=256 conv=notrunc oflag=direct; sync")
        limits = shell(guest, "cat /sys/block/sda/queue/discard_max_bytes /sys/block/sda/queue/write_zeroes_max_bytes").split()[-2:]
        if not all(limit.isdigit() and int(limit) > 0 for limit in limits):
            raise GuestError(guest.explain(f"the driver discards and zeroes {limits} bytes at a time"))
        boot.ok("the driver discards and zeroes")
        shell(guest, "blkdiscard -o 0 -l 1048576 /dev/sda; blkzero /dev/sda 1048576 1048576 && echo zeroed")
        same(boot, guest, digest_of(guest, "cat /dev/sr0"), md5(cds[0].read_bytes()), "the CD reads")
        ctl(boot, "change-cd", socket, 1, cds[1])
        same(boot, guest, digest_of(guest, "cat /dev/sr0"), md5(cds[1].read_bytes()), "a changed CD is seen")
        check_dmesg(boot, guest)
        power_off(boot, guest)
    written = image.read_bytes()
    if written[16 << 20:24 << 20] != data or any(written[1 << 20:2 << 20]):
        raise GuestError("the image does not hold what the guest wrote")
    boot.ok("what is written is in the image")


def rng(boot, rings):
    machine = Machine(boot, rings)
    with machine.run("--rng", machine.option("on")) as guest:
        start(guest)
        check_rings(boot, guest, 4, rings)
        first, second = (digest_of(guest, "dd if=/dev/hwrng bs=64k count=4") for _ in range(2))
        if first == second:
            raise GuestError(guest.explain("twice the same random numbers"))
        boot.ok("random numbers come, and others the next time")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def bytes_of(info, label):
    """The figure on that line of `vitrinectl info`."""
    return int(re.sub(r"[^0-9]", "", re.search(re.escape(label) + r":.*\(([^)]*) bytes\)", info).group(1)))


def resident(guest):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{guest.process.pid}/status").read_text()).group(1)) << 10


def meminfo(guest, name):
    return int(re.search(name + r":\s+(\d+)", shell(guest, "head -n 3 /proc/meminfo")).group(1)) << 10


def balloon(boot, rings):
    machine = Machine(boot, rings)
    socket = boot.folder / "control"
    with machine.run("--balloon", machine.option("on"), "--control", socket) as guest:
        start(guest)
        check_rings(boot, guest, 5, rings)
        total = meminfo(guest, "MemTotal")
        info = ctl(boot, "info", socket)
        if not 0.9 * total <= bytes_of(info, "Total, says the guest") <= total:
            raise GuestError(f"the guest has {total} bytes, but it says:\n{info}")
        boot.ok("the guest tells its memory")
        shell(guest, "dd if=/dev/urandom of=/tmp/fill bs=1M count=200")
        full = resident(guest)
        shell(guest, "rm /tmp/fill")
        wait_for(guest, 60, "free pages come back", lambda: resident(guest) < full - (120 << 20))
        boot.ok(f"freed memory goes back to the host: {full >> 20} MiB resident, then {resident(guest) >> 20} MiB")
        free = meminfo(guest, "MemFree")
        ctl(boot, "balloon", socket, "256M")
        wait_for(guest, 60, "the balloon fills", lambda: bytes_of(ctl(boot, "info", socket), "That the guest can use") == 256 << 20)
        less = free - meminfo(guest, "MemFree")
        if not 240 << 20 <= less <= 270 << 20:
            raise GuestError(guest.explain(f"the guest has only {less} bytes less"))
        boot.ok("the guest makes do with half")
        ctl(boot, "balloon", socket, "512M")
        wait_for(guest, 60, "the balloon empties", lambda: bytes_of(ctl(boot, "info", socket), "That the guest can use") == 512 << 20)
        # The root takes half of memory at most.
        shell(guest, "mkdir -p /full && mount -t tmpfs -o size=400m none /full")
        said = shell(guest, "dd if=/dev/urandom of=/full/fill bs=1M count=300 2>&1; wc -c < /full/fill; umount /full", 300)
        same(boot, guest, said.split()[-1], str(300 << 20), "the guest has it all back and uses it")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def main():
    vitrinectl, name, *rings = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="vitrine-virtio-", dir="/var/tmp") as folder:
        boot = Boot(vitrinectl, folder)
        boot.attempt(name, lambda boot: TESTS[name](boot, rings))
        print(f"1..{boot.points}")


TESTS = {f.__name__: f for f in (balloon, blk, console, crypto, local, net, ninep, rng, saved, scsi, vsock)}


if __name__ == "__main__":
    main()
