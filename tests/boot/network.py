#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""network.py VITRINECTL [tap]: Debian's kernel on a network, as TAP (the protocol).

On user networking: an address, downloads, a forwarded port; restricted to that port. With "tap": on a TAP device, and on a bridge by QEMU's helper, in a
network namespace that this test makes: it takes root.
"""
import ctypes
import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, check_dmesg, power_off   # noqa: E402
from hotplug import ctl, must, wait_names               # noqa: E402
from vmconsole import GuestError                        # noqa: E402

MIB = 12


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def serve(folder, address="127.0.0.1"):
    server = http.server.ThreadingHTTPServer((address, 0), lambda *a: Quiet(*a, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(link, data):
    try:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
    except OSError:         # reset, or gone already before the shutdown (ENOTCONN)
        pass


def talk(port, data, seconds=60, address="127.0.0.1"):
    """Sends to the forwarded port and reads until the guest closes; what came until then when it resets the link.

    Both at once: who echoes stops listening when nobody takes what it says, and neither end has room for all of it.
    """
    answer = b""
    with socket.create_connection((address, port), timeout=seconds) as link:
        sender = threading.Thread(target=say, args=(link, data))
        sender.start()
        try:
            while piece := link.recv(65536):
                answer += piece
        except OSError:
            pass
        sender.join()
    return answer


def echo_through(guest, port, data, address="127.0.0.1"):
    """The guest's port 7 says what it hears, once."""
    guest.send("nc -l -p 7 -e /bin/cat; echo closed\n")
    deadline = time.monotonic() + 60
    answer = None
    while answer != data:
        if time.monotonic() > deadline:
            raise GuestError(guest.explain("the guest does not say what was said to it"))
        try:
            answer = talk(port, data, address=address)
        except OSError:         # nobody listens yet
            time.sleep(0.1)
    guest.expect(r"^closed", 60)


def user(boot):
    target = boot.guest("demo")
    data = os.urandom(MIB << 20)
    folder = boot.folder / "www"
    folder.mkdir()
    (folder / "data").write_bytes(data)
    server, port = serve(folder), free_port()
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:7") as guest:
        guest.expect(PROMPT, 900)
        guest.command("stty cols 250", PROMPT, 60)
        guest.command("ip link set eth0 up; udhcpc -i eth0 -n -q -s /bin/true", PROMPT, 120)
        text = guest.command("udhcpc -i eth0 -n -q 2>&1; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2", PROMPT, 120)
        if "10.0.2.15" not in text:
            raise GuestError(guest.explain("no address by DHCP"))
        boot.ok("the guest gets its address")
        text = guest.command(f"wget -q -O - http://10.0.2.2:{server.server_port}/data | md5sum", PROMPT, 300)
        if re.search(r"[0-9a-f]{32}", text).group() != hashlib.md5(data).hexdigest():
            raise GuestError(guest.explain("the download is not what was sent"))
        boot.ok(f"{MIB} MiB come in whole")
        echo_through(guest, port, data[:3 << 20])
        boot.ok("a forwarded port goes both ways")
        guest.command("ping -c 3 10.0.2.2", PROMPT, 60)
        check_dmesg(boot, guest)
        power_off(boot, guest)


def restricted(boot):
    """Nothing gets out, not even to this computer; what is forwarded gets in."""
    target = boot.guest("demo")
    (boot.folder / "page").mkdir()
    (boot.folder / "page" / "data").write_bytes(b"outside\n")
    server, port = serve(boot.folder / "page"), free_port()
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet", "--net", f"user,restricted=on,hostfwd=tcp:127.0.0.1:{port}-:7") as guest:
        guest.expect(PROMPT, 900)
        guest.command("stty cols 250; ip link set eth0 up", PROMPT, 120)
        if "10.0.2.15" not in guest.command("udhcpc -i eth0 -n -q -s /bin/true 2>&1", PROMPT, 120):
            raise GuestError(guest.explain("no address by DHCP"))
        guest.command("ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2", PROMPT, 60)
        text = guest.command(f"wget -T 10 -O - http://10.0.2.2:{server.server_port}/data; echo sta''tus $?", PROMPT, 120)
        if "outside" in text or "status 0" in text:
            raise GuestError(guest.explain("the guest reaches this computer"))
        boot.ok("a restricted guest has its address, and does not get out")
        echo_through(guest, port, os.urandom(1 << 20))
        boot.ok("what is forwarded to it gets in")
        check_dmesg(boot, guest)
        power_off(boot, guest)


# --- TAP devices and bridges ----------------------------------------------------------------------------------------------

NEW_MOUNTS, NEW_NETWORK = 0x20000, 0x40000000       # CLONE_NEWNS, CLONE_NEWNET: sched.h
HELPERS = ("/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper")
CONFIG = Path("/etc/qemu/bridge.conf")


def sh(command):
    """All of it as root, in a namespace."""
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def enter_namespace():
    """A network of our own for the rest of this process, and mounts that nobody else sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(NEW_MOUNTS | NEW_NETWORK) != 0:
        raise Skip("a network namespace takes root")
    try:
        sh("mount --make-rprivate / && ip link set lo up")
        # As udev has it; without udev the driver is root's alone.
        sh("mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200")
        sh("ip tuntap add dev vt0 mode tap && ip addr add 10.77.0.1/24 dev vt0 && ip link set vt0 up")
        sh("ip link add vtbr0 type bridge && ip addr add 10.78.0.1/24 dev vtbr0 && ip link set vtbr0 up")
    except subprocess.CalledProcessError as problem:
        raise Skip(f"this system makes no TAP devices or bridges: {problem.stderr.strip()}") from None


def own_etc(folder):
    """bridge.conf can be written without touching the person's."""
    top = Path(folder) / "etc"
    top.mkdir()
    try:
        sh(f"mount -t tmpfs none {top} && mkdir {top}/upper {top}/work && "
           f"mount -t overlay none -o lowerdir=/etc,upperdir={top}/upper,workdir={top}/work /etc && "
           f"umount -l {top} && mkdir -p {CONFIG.parent}")
    except subprocess.CalledProcessError as problem:
        raise Skip(f"this system has no overlay mounts: {problem.stderr.strip()}") from None


def find_helper():
    return next((helper for helper in HELPERS if Path(helper).exists()), None)


def refusal(boot, *nets):
    """What `vitrinectl run` says instead of starting."""
    run = subprocess.run([boot.vitrinectl, "run", *(word for net in nets for word in ("--net", net))], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    if run.returncode != 1 or run.stderr.count("\n") != 1:
        raise GuestError(f"--net {nets}: status {run.returncode}, and it says: {run.stderr}")
    return run.stderr


def must_refuse(boot, net, words, text):
    said = refusal(boot, net)
    if words not in said:
        raise GuestError(f"--net {net} is refused with: {said}")
    boot.ok(text)


def refusals(boot, has_helper):
    must_refuse(boot, "tap=vt9", "ip tuntap add dev vt9 mode tap", "a TAP device that is not there: how to make it is said")
    must_refuse(boot, "tap=vtbr0", "no TAP device", "a device of another kind is none")
    must_refuse(boot, "bridge=vtbr9", "has no bridge “vtbr9”", "a bridge that is not there is missed")
    if "in use by another program" not in refusal(boot, "tap=vt0", "tap=vt0"):
        raise GuestError("two cards have one TAP device")
    boot.ok("a TAP device takes one card")
    if has_helper:
        CONFIG.write_text("deny all\n")
        must_refuse(boot, "bridge=vtbr0", "allow vtbr0", "a bridge that is not allowed: which line allows it is said")
        CONFIG.write_text("allow vtbr0\n")
        must_refuse(boot, "bridge=vtbr0,hostfwd=tcp::8022-:22", "Only user networking", "nothing is forwarded to a bridge")
    else:
        must_refuse(boot, "bridge=vtbr0", "not installed", "a bridge without the helper: what to install is said")


def network(boot, guest, device, net, server, data):
    """Both ways, by ICMP and TCP; the guest is .2, this computer .1."""
    guest.command(f"ip addr add {net}.2/24 dev {device}; ip link set {device} up", PROMPT, 60)
    if ", 0% packet loss" not in guest.command(f"ping -c 3 {net}.1 | grep loss", PROMPT, 60):
        raise GuestError(guest.explain("this computer does not answer"))
    text = guest.command(f"wget -q -O - http://{net}.1:{server.server_port}/data | md5sum", PROMPT, 300)
    if re.search(r"[0-9a-f]{32}", text).group() != hashlib.md5(data).hexdigest():
        raise GuestError(guest.explain("the download is not what was sent"))
    boot.ok(f"{net}.0: the guest pings this computer, and {MIB} MiB come in whole")
    echo_through(guest, 7, data[:3 << 20], f"{net}.2")
    boot.ok(f"{net}.0: this computer reaches the guest, and 3 MiB go both ways")
    guest.expect(PROMPT, 60)


def tap(boot):
    target = boot.guest("demo")         # may want to download: before there is no way out
    enter_namespace()
    own_etc(boot.folder)
    has_helper = find_helper() is not None
    refusals(boot, has_helper)
    data = os.urandom(MIB << 20)
    folder = boot.folder / "www"
    folder.mkdir()
    (folder / "data").write_bytes(data)
    server = serve(folder, "0.0.0.0")
    control = boot.folder / "control"
    with boot.run("--memory", "512M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                  "console=ttyS0,115200 quiet net.ifnames=0", "--net", "tap=vt0", "--control", control) as guest:
        guest.expect(PROMPT, 900)
        guest.command("stty cols 250", PROMPT, 60)
        network(boot, guest, "eth0", "10.77.0", server, data)
        if has_helper:
            must(guest, ctl(boot, "attach-net", control, "bridge=vtbr0"))
            wait_names(guest, "/sys/class/net", r"eth\d", {"eth0", "eth1"}, "the card on the bridge does not come")
            network(boot, guest, "eth1", "10.78.0", server, data)
        check_dmesg(boot, guest)
        power_off(boot, guest)
    if not has_helper:
        raise Skip("a bridge is joined by qemu-bridge-helper, which is not installed")
    left = subprocess.run(["ip", "-o", "link", "show", "master", "vtbr0"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if left:
        raise GuestError(f"on the bridge there is still: {left}")
    boot.ok("nothing stays on the bridge")


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp", "XDG_RUNTIME_DIR=/tmp"]


def as_nobody(boot, *arguments):
    return subprocess.run([*NOBODY, boot.vitrinectl, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=60)


def person(boot):
    """Somebody without rights, and the helper with them: in the namespace of tap()."""
    helper = find_helper()
    there = subprocess.run(["ip", "link", "show", "vtbr0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if there.returncode != 0 or helper is None or as_nobody(boot, "--help").returncode != 0:
        raise Skip("it takes a namespace, the bridge helper, and a program that everybody may run")
    run = ["run", "--net", "bridge=vtbr0", "--timeout", "1"]
    folder = boot.folder / "helper"
    folder.mkdir()
    sh(f"mount -t tmpfs none {folder} && cp {helper} {folder}/x && chmod 755 {folder}/x && mount --bind {folder}/x {helper}")
    refused = as_nobody(boot, *run)
    sh(f"chmod u+s {folder}/x")
    joined = as_nobody(boot, *run)
    sh(f"umount -l {helper} {folder}")
    if f"chmod u+s {helper}" not in refused.stderr:
        raise GuestError(f"a helper without rights: {refused.stderr}")
    boot.ok("a person without rights hears that the helper has none either")
    if joined.returncode != 124:        # it ran until its time was up
        raise GuestError(f"the helper has rights: {joined.stderr}")
    boot.ok("with a helper that has them, the machine starts")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-network-") as folder:
        boot = Boot(sys.argv[1], folder)
        for test in (tap, person) if sys.argv[2:] == ["tap"] else (user, restricted):
            boot.attempt(test.__name__, test)
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
