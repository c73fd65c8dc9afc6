#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.py PROGRAM VITRINECTL PICTURES NAME: walks through what a person does with libvirt hosts, as TAP."""
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui                                   # noqa: E402
from desktop import Missing, wait           # noqa: E402
from private import Libvirtd, node          # noqa: E402
from ui import ok                           # noqa: E402

IDLE_SECONDS = 12


def remember(d, uri, name):
    """As if the person had added it before."""
    path = d.folder / "config" / "vitrine" / "hosts.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[host1]\nuri={uri}\nname={name}\n")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(pid):
    """Pictures of what is seen have come, and AT-SPI's own work is done."""
    before = cpu_seconds(pid)
    time.sleep(1)
    return cpu_seconds(pid) - before < 0.1


def card(d, library, name, state):
    return d.find(library, "list item", f"{name}, {state}")


def choose_action(d, library, name, label, role="menu item"):
    d.press(library, f"Actions for {name}", "toggle button")
    d.press(library, label, role)


# --- libvirt's test driver ---

def five_hundred(d):
    remember(d, node(d.folder, 500), "Many")
    began = time.monotonic()
    process = d.start([d.program])
    library = d.window("Vitrine")
    d.find(library, "label", "500 machines")
    card(d, library, "machine-000", "Running")
    seconds, own = time.monotonic() - began, cpu_seconds(process.pid)
    if own > 2:      # its own time, as others may keep the computer busy
        raise Missing(f"the list was usable after {own:.1f} s of work, {seconds:.1f} s after the start")
    ok(f"a list of 500 machines is usable after {own:.2f} s of work, {seconds:.2f} s after the start of the program")
    grid = d.find(library, "table", "Machines of Many")
    last = grid.getChildAtIndex(499)
    if last.name != "machine-499, Running" or grid.childCount != 500:
        raise Missing(f"the last of {grid.childCount} is {last.name}")
    d.active(library)
    d.key("ctrl+f")
    d.type("machine-499")
    wait("the search shows the last one", lambda: last.showing and not grid.getChildAtIndex(0).showing)
    d.key("Escape")
    wait("and then all again", lambda: grid.getChildAtIndex(0).showing)
    ok("one of them is found by its name")
    d.picture("five-hundred")
    wait("it has settled", lambda: settled(process.pid), 60)
    before = cpu_seconds(process.pid)
    time.sleep(IDLE_SECONDS)
    share = (cpu_seconds(process.pid) - before) / IDLE_SECONDS
    if share > 0.05:
        raise Missing(f"{share:.1%} of a core while nothing happens")
    ok(f"and takes {share:.1%} of a core while nothing happens")


WALKS = {
    "five-hundred": (five_hundred, None),
}

if __name__ == "__main__":
    ui.run(WALKS)
