#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""control.py VITRINECTL: a machine without a window is led through its --control socket, as TAP."""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    from gi.repository import Gio
except ImportError:         # some other Python than Debian's comes first
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import Boot, Skip, PROMPT      # noqa: E402
from screentext import screen_text       # noqa: E402
from vmconsole import GuestError         # noqa: E402

POINTS = 6


class Remote:
    """The machine at the other end of a socket."""

    def __init__(self, vitrinectl, socket):
        self.vitrinectl, self.socket = vitrinectl, str(socket)

    def call(self, verb, *arguments):
        done = subprocess.run([self.vitrinectl, *verb.split(), self.socket, *arguments], capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise GuestError(f"{verb}: {done.stderr}")

    def state(self):
        """As a program of its own would ask, without vitrinectl."""
        connection = Gio.DBusConnection.new_for_address_sync(
            f"unix:path={self.socket}", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None)
        reply = connection.call_sync(None, "/org/vitrine/Machine1", "org.vitrine.Machine1", "GetState", None, None,
                                     Gio.DBusCallFlags.NONE, 60000, None)
        return reply.unpack()[0]

    def wait_for_state(self, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while self.state() != wanted:
            if time.monotonic() > deadline:
                raise GuestError(f"the machine is “{self.state()}”, not “{wanted}”, after {seconds} seconds")


def typed(guest, remote, command, seconds=60):
    """Types a command on the graphical console; what it prints on the serial one."""
    remote.call("type", command + "\n")
    return guest.expect(r"<(\w+)>", seconds).group(1)


def lead(boot):
    demo = boot.guest("demo")
    socket, picture = boot.folder / "control", boot.folder / "screen.png"
    with boot.run("--memory", "512M", "--kernel", demo / "vmlinuz", "--initrd", demo / "initrd.img", "--append",
                  "console=tty0 console=ttyS0 quiet", "--control", socket) as guest:
        guest.expect(PROMPT, 900)
        remote = Remote(boot.vitrinectl, socket)
        remote.wait_for_state("running")
        boot.ok("the socket answers, and tells that the machine runs")
        remote.call("pause")
        remote.wait_for_state("paused")
        guest.send("echo \"<a\"\"wake>\"\r")
        guest.pump_for(2.0)
        if "<awake>" in guest.text:
            raise GuestError("a paused machine went on")
        boot.ok("the machine pauses")
        remote.call("resume")
        guest.expect("<awake>", 60)
        boot.ok("the machine goes on where it stood")
        if typed(guest, remote, "echo '<keys>' > /dev/ttyS0") != "keys":
            raise GuestError(guest.explain("the keys did not arrive"))
        boot.ok("keys arrive at the graphical console")
        remote.call("screenshot", str(picture))
        if "echo '<keys>'" not in screen_text(picture):     # the kernel's font lacks some of the letters
            raise GuestError(f"the picture does not show what was typed:\n{screen_text(picture)}")
        boot.ok("the picture shows what was typed")
        remote.call("stop --force")
        if guest.wait(60) != 0 or socket.exists():
            raise GuestError(guest.explain("the run did not end in order"))
        boot.ok("forced off, the run ends with status 0 and takes its socket along")


def main():
    print(f"1..{POINTS}")
    with tempfile.TemporaryDirectory(prefix="vitrine-control-") as folder:
        boot = Boot(sys.argv[1], folder)
        try:
            lead(boot)
            return 0
        except Skip as reason:
            print("\n".join(f"ok {n} # SKIP {reason}" for n in range(boot.points + 1, POINTS + 1)))
            return 0
        except (GuestError, subprocess.SubprocessError) as error:
            print(f"not ok {boot.points + 1}\n" + re.sub("^", "# ", str(error), flags=re.M))
            return 1


if __name__ == "__main__":
    sys.exit(main())
