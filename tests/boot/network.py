#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""network.py VITRINECTL: Debian's kernel on user networking: an address, downloads, a forwarded port, as TAP."""
import hashlib
import http.server
import os
import re
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, check_dmesg, power_off   # noqa: E402
from vmconsole import GuestError                        # noqa: E402

MIB = 12


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def serve(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def talk(port, data, seconds=60):
    """Sends to the forwarded port and reads until the guest closes; what came until then when it resets the link."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as link:
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            while piece := link.recv(65536):
                answer += piece
        except OSError:         # reset, or gone already before the shutdown (ENOTCONN)
            pass
    return answer


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
        guest.send("nc -l -p 7 -e /bin/cat; echo closed\n")
        deadline = time.monotonic() + 60
        while talk(port, data[:3 << 20]) != data[:3 << 20]:      # until the guest listens
            if time.monotonic() > deadline:
                raise GuestError(guest.explain("the forwarded port does not say what was said to it"))
        guest.expect(r"^closed", 60)
        boot.ok("a forwarded port goes both ways")
        guest.command("ping -c 3 10.0.2.2", PROMPT, 60)
        check_dmesg(boot, guest)
        power_off(boot, guest)


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-network-") as folder:
        boot = Boot(sys.argv[1], folder)
        boot.attempt("user", user)
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
