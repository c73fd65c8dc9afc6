#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""grab.py PROGRAM VITRINECTL PICTURES NAME: the pointer of a machine without a tablet, and the ways out, as TAP."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, Skip, wait  # noqa: E402
from ui import ok, steady  # noqa: E402
from xcursor import cursor  # noqa: E402


def pointer(d, window):
    """Where the guest's mouse has got to, and its buttons."""
    x, y, buttons = re.search(r"mouse (-?\d+),(-?\d+)  0x(\d+)", d.screen_text(window)).groups()
    return int(x), int(y), int(buttons, 16)


def host_pointer(d):
    said = subprocess.run(["xdotool", "getmouselocation", "--shell"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return tuple(int(re.search(rf"{axis}=(\d+)", said).group(1)) for axis in "XY")


def pointer_grab(d):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.active(window)
    canvas = d.find(window, "canvas", "Screen of the machine")
    wait("the window has the guest's size, and its place", lambda: canvas.size == (800, 600) and steady(canvas))
    d.click(canvas)
    wait("the host's pointer is hidden", lambda: not any(cursor()[3]))
    if pointer(d, window)[2] != 0:
        raise Missing("the click that takes the pointer reached the guest")
    ok("the first click takes the pointer, and only that")
    for step in range(1, 13):
        for _ in range(5):      # several at once, which come in merged; but not so many that the host's pointer meets an edge
            d.mouse("mousemove_relative", "--", "40", "-15")
        wait("the motion arrives, and nothing else", lambda: pointer(d, window)[:2] == (200 * step, -75 * step))
    before = pointer(d, window)
    for place in (("260", "90"), ("150", "200"), ("210", "140")):
        d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card$", "windowmove", "--sync", *place)
    d.mouse("mousemove_relative", "--", "8", "6")
    wait("the motion arrives, and not the window's", lambda: pointer(d, window)[:2] == (before[0] + 8, before[1] + 6))
    ok("a window that moves meanwhile does not move the guest's pointer")
    (x, y), (width, height) = canvas.position, canvas.size
    at = host_pointer(d)
    if not (x <= at[0] < x + width and y <= at[1] < y + height):
        raise Missing(f"the host's pointer left the window: {at}")
    d.picture("pointer-grabbed")
    ok("it moves on without end, and the host's stays in the window")
    d.mouse("mousedown", "1")
    wait("a button", lambda: pointer(d, window)[2] == 1)
    d.mouse("mousedown", "3")
    wait("two buttons", lambda: pointer(d, window)[2] == 3)
    d.chord("ctrl", "alt")
    wait("no button", lambda: pointer(d, window)[2] == 0)
    d.mouse("mouseup", "1", "mouseup", "3")
    ok("Ctrl+Alt lets go of the buttons too")
    before = pointer(d, window)
    d.mouse("mousemove", "1270", "1000")
    if host_pointer(d) != (1270, 1000) or pointer(d, window) != before:
        raise Missing("the pointer is not the person's again")
    ok("the pointer is the person's again")
    d.click(canvas)
    d.mouse("mousemove_relative", "--", "7", "5")
    wait("the pointer is taken again", lambda: pointer(d, window)[:2] != before[:2])
    d.start([d.program])
    d.window("Vitrine")
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Vitrine$", "windowactivate")
    wait("another window is in front", lambda: not d.is_active(window))
    before = pointer(d, window)
    d.mouse("mousemove", "1270", "1000")
    if host_pointer(d) != (1270, 1000) or pointer(d, window) != before:
        raise Missing("a window in front does not get the pointer")
    ok("a window that comes to the front frees the pointer")


def escape_drill(d):
    home, kernel = d.folder / "home", d.folder / "kernel"
    home.mkdir()
    (home / "secret").write_text("secret")
    os.environ["HOME"] = str(home)
    other = d.machines / "other"
    other.mkdir(parents=True)
    (other / "domain.xml").write_text("<domain/>")
    kernel.write_bytes(b"k" * 512)
    uuid = d.ctl("create", "Card", "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    log = d.machines / uuid / "log"
    wait("the drill is over", lambda: "drill: over" in log.read_text())
    tried = [line for line in log.read_text().splitlines() if line.startswith("drill: ")][:-1]
    allowed = [line for line in tried if not line.endswith(": denied")]
    if allowed and "no Landlock" in log.read_text():
        raise Skip("this kernel has no Landlock")
    if len(tried) != 9 or allowed:
        raise Missing(f"not denied: {allowed} of {tried}")
    if any(part in log.read_text() for part in ("Permission denied", "CRITICAL", "WARNING")):
        raise Missing(f"the window lacks something:\n{log.read_text()}")
    ok("what a guest that broke out would try is denied in the machine's process")
    d.ctl("screenshot", "Card", d.folder / "picture.png")
    d.active(window)
    d.chord("ctrl", "alt")
    d.key("ctrl+w")
    d.press(window, "Suspend")
    d.no_window("Card")
    d.ctl("start", "Card")
    window = d.window("Card")
    wait("the card goes on", lambda: "restored" in d.screen_text(window))
    ok("pictures, saving and restoring go on working")


if __name__ == "__main__":
    ui.run({
        "pointer-grab": (pointer_grab, None),
        "escape-drill": (escape_drill, None),
    })
