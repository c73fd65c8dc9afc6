#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""display.py PROGRAM VITRINECTL PICTURES NAME: walks about the machine's screen (ui.py says how they run)."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desktop import Missing, wait   # noqa: E402
import pattern                      # noqa: E402
from ui import menu, ok, run        # noqa: E402


def card(d, append, video="virtio"):
    """A test card that runs, its window and the canvas in it."""
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    uuid = d.ctl("create", "Card", "--kernel", kernel, "--append", append)
    definition = d.machines / uuid / "domain.xml"
    text = definition.read_text()
    definition.write_text(re.sub(r"(<video>\s*<model type=)(['\"])vga", rf"\1\2{video}", text))
    d.ctl("start", "Card")
    window = d.window("Card")
    d.active(window)
    return window, d.find(window, "canvas", "Screen of the machine")


def heads(d, window):
    """What the guest takes for its monitors: width, height, millimetres of both; and how often they were drawn."""
    found = re.findall(r"head \d: (\d+)x(\d+) (\d+)x(\d+) mm, (\d+) frames", d.screen_text(window))
    return [tuple(map(int, one)) for one in found]


def rectangle(canvas):
    return (*canvas.position, *canvas.size)


def resize(d, name, width, height):
    d.mouse("search", "--onlyvisible", "--name", f"^{name}$", "windowsize", str(width), str(height))


def exact(d, window, canvas, scale, index=0):
    """The guest's monitor is the widget, and what is on the screen is the guest's picture, pixel for pixel."""
    size = heads(d, window)[index][:2]
    return size == tuple(scale * edge for edge in canvas.size) and pattern.differences(rectangle(canvas), scale, size) == 0


def follow(d, scale=1):
    os.environ["GDK_SCALE"] = str(scale)
    window, canvas = card(d, "follows pattern still")
    d.chord("ctrl", "alt")
    wait("the guest's picture, pixel for pixel", lambda: exact(d, window, canvas, scale))
    first = heads(d, window)[0]
    if first[:2] != (1024 * scale, 768 * scale):
        raise Missing(f"the first monitor is {first}")
    dots = first[0] * 25.4 / first[2]
    if not 50 <= dots <= 400:
        raise Missing(f"{dots} dots per inch")
    ok(f"the guest begins with a monitor that is the window: {first[0]}x{first[1]}, {first[2]}x{first[3]} mm")
    for number, (width, height) in enumerate(((900, 700), (1201, 850), (777, 555), (1018, 640), (640, 480))):
        before = heads(d, window)[0]
        resize(d, "Card", width * scale, height * scale)
        wait("another monitor", lambda before=before: heads(d, window)[0][:2] != before[:2])
        wait("the guest's picture, pixel for pixel", lambda: exact(d, window, canvas, scale))
        if number == 1:
            d.picture("resized")
    ok("after each change of the window's size the guest has the window's, and its pixels are the monitor's")
    d.key("F11")
    wait("the whole screen is the guest's", lambda: canvas.position == (0, 0))
    wait("the guest's picture, pixel for pixel", lambda: exact(d, window, canvas, scale), 30)
    d.picture("fullscreen")
    ok("in fullscreen too")
    d.key("F11")
    wait("the guest's picture, pixel for pixel", lambda: canvas.position != (0, 0) and exact(d, window, canvas, scale))
    size = heads(d, window)[0]
    d.key("ctrl+w")
    d.find(window, "push button", "Force Off")
    time.sleep(0.6)
    if heads(d, window)[0] != size:
        raise Missing("a notice resizes the guest")
    d.picture("notice")
    ok("a notice does not resize the guest")
    d.press(window, "Force Off")
    d.no_window("Card")
    d.ctl("start", "Card")
    window = d.window("Card")
    canvas = d.find(window, "canvas", "Screen of the machine")
    wait("the window's size is remembered", lambda: heads(d, window)[0][:2] == size[:2] and exact(d, window, canvas, scale))
    ok("the next start begins with the size of the last one")




WALKS = {
    "follow": (follow, None),
    "follow-hidpi": (lambda d: follow(d, 2), None),
}
SCREENS = {"follow-hidpi": "2600x2000x24"}

if __name__ == "__main__":
    run(WALKS, SCREENS)
