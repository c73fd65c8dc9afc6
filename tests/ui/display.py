#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""display.py PROGRAM VITRINECTL PICTURES NAME: walks about the machine's screen (ui.py says how they run)."""
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desktop import Missing, wait   # noqa: E402
import pattern                      # noqa: E402
from ui import ok, run              # noqa: E402
from xcursor import cursor          # noqa: E402


def card(d, append, video="virtio", *more):
    """A test card that runs, or another machine, its window and the canvas in it."""
    if not more:
        kernel = d.folder / "kernel"
        kernel.write_bytes(b"k" * 512)
        more = ("--kernel", kernel)
    uuid = d.ctl("create", "Card", "--append", append, *more)
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


ORANGE, BLUE = 0xffff8000, 0xff00a0ff   # the test card's pointers: crosses of 17 pixels


def pointer_on(d, canvas, scale, x, y):
    """Moves the host's pointer to a place in a widget, in device pixels."""
    d.mouse("mousemove", str(canvas.position[0] * scale + x), str(canvas.position[1] * scale + y))


def shown_pointer(color):
    """The X server shows a cross of that colour, unscaled."""
    width, height, (hot_x, hot_y), pixels = cursor()
    return width >= 17 and (hot_x, hot_y) == (8, 8) and pixels.count(color) == 2 * 17 - 1 and pixels[8 * width] == color \
        and pixels[16 * width + 8] == color and height >= 17


def still(d, window, head=0):
    """How many frames were drawn, once no more come."""
    def settled():
        before = heads(d, window)[head][4]
        time.sleep(0.5)
        return heads(d, window)[head][4] == before and before
    return wait("no more frames", settled)


def guest_pointer(d, scale=1):
    os.environ["GDK_SCALE"] = str(scale)
    window, canvas = card(d, "follows pattern still absolute pointed")
    wait("the guest's picture", lambda: exact(d, window, canvas, scale))
    pointer_on(d, canvas, scale, 301, 200)
    wait("the guest's pointer is the host's", lambda: shown_pointer(ORANGE))
    x, y = map(int, re.search(r"tablet (\d+),(\d+)", d.screen_text(window)).groups())
    size = heads(d, window)[0][:2]
    if (round(x / 65535 * size[0]), round(y / 65535 * size[1])) != (301, 200):
        raise Missing(f"the guest has the pointer at {x},{y} of {size}")
    d.key("a")
    wait("a new shape", lambda: shown_pointer(BLUE))
    ok("where the guest knows the place, its pointer is the host's, of its size and with its hot spot")
    frames = still(d, window)
    for x in range(310, 400, 10):
        pointer_on(d, canvas, scale, x, 200)
    if still(d, window) != frames:
        raise Missing("moving the pointer draws the picture")
    ok("it moves without a frame")


def drawn_pointer(d):
    window, canvas = card(d, "follows pattern still pointed")
    wait("the guest's picture", lambda: pattern.differences(rectangle(canvas), 1, heads(d, window)[0][:2]) in range(1, 70))
    d.click(canvas)
    wait("the host's pointer is hidden", lambda: not any(cursor()[3]))
    d.mouse("mousemove_relative", "--", "150", "90")

    def drawn():
        part = pattern.screen_part(canvas.position[0] + 150 - 8, canvas.position[1] + 90 - 8, 17, 17)
        cross = bytes((0xff, 0x80, 0x00))
        return part[8] == 17 * cross and all(row[24:27] == cross for row in part) and part[0][:3] != cross
    wait("the guest's pointer where the guest has it", drawn)
    wait("and nowhere else", lambda: pattern.differences(rectangle(canvas), 1) in range(20, 34))
    d.picture("pointer-drawn")
    ok("where the guest takes motion, its pointer is drawn over the picture, and the host's is hidden")


# --- with the engine ---

def cpio(files):
    """An archive that an initrd may have after its own: (name, mode, bytes)."""
    def entry(name, mode, data):
        fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return b"".join(entry(*one) for one in files) + entry("TRAILER!!!", 0, b"")


def linux_initrd(d):
    """The demo system with the pattern for a desktop."""
    whole = d.folder / "initrd"
    demo = Path(os.environ["VITRINE_UI_IMAGE"])
    program = Path(os.environ["VITRINE_UI_MONITOR"]).read_bytes()
    inittab = b"::sysinit:/etc/init.d/rcS\nttyS0::respawn:/bin/monitor-guest\n"
    whole.write_bytes((demo / "initrd.img").read_bytes() + bytes(-(demo / "initrd.img").stat().st_size % 4)
                      + cpio([("bin/monitor-guest", 0o100755, program), ("etc/inittab", 0o100644, inittab)]))
    return demo / "vmlinux", whole


def linux_follow(d, scale=1):
    os.environ["GDK_SCALE"] = str(scale)
    kernel, initrd = linux_initrd(d)
    window, canvas = card(d, "console=ttyS0,115200 quiet", "virtio", "--kernel", kernel, "--initrd", initrd, "--memory", "512M")

    def shown():
        return pattern.differences(rectangle(canvas), scale) == 0
    d.chord("ctrl", "alt")
    wait("Linux shows the pattern in the window's size", shown, 600)
    d.picture("linux")
    ok(f"Linux begins with the window's mode, {canvas.size[0] * scale}x{canvas.size[1] * scale}")
    for number in range(20):
        width, height = 560 + number * 173 % 640, 400 + number * 211 % 500
        resize(d, "Card", width * scale, height * scale)
        wait("the window has another size", lambda: abs(canvas.size[0] - width) < 80)
        wait(f"Linux follows to {width}x{height}", shown, 120)
        print(f"# {canvas.size[0] * scale}x{canvas.size[1] * scale}", flush=True)
        if number in (3, 11):
            d.picture(f"linux-{number}")
    ok(f"it follows 20 sizes of the window, each of its pixels is a pixel of the monitor (scale {scale})")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")


WALKS = {
    "follow": (follow, None),
    "follow-hidpi": (lambda d: follow(d, 2), None),
    "guest-pointer": (guest_pointer, None),
    "guest-pointer-hidpi": (lambda d: guest_pointer(d, 2), None),
    "drawn-pointer": (drawn_pointer, None),
    "linux-follow": (linux_follow, "demo"),
    "linux-follow-hidpi": (lambda d: linux_follow(d, 2), "demo"),
}
LARGE = "2600x2000x24"
SCREENS = {"follow-hidpi": LARGE, "guest-pointer-hidpi": LARGE, "linux-follow-hidpi": LARGE}

if __name__ == "__main__":
    run(WALKS, SCREENS)
