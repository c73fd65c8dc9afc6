#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""display.py PROGRAM VITRINECTL PICTURES NAME: walks about the machine's screen (ui.py says how they run)."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desktop import Missing, wait   # noqa: E402
import pattern                      # noqa: E402
from ui import choose, menu, ok, run, steady   # noqa: E402
from xcursor import cursor          # noqa: E402


def card(d, append, video="virtio", *more, view=None, tablet=True):
    """A test card that runs, or another machine, its window and the canvas in it. Without a tablet there is no absolute pointer, so that
    the window draws the guest's."""
    if not more:
        kernel = d.folder / "kernel"
        kernel.write_bytes(b"k" * 512)
        more = ("--kernel", kernel)
    uuid = d.ctl("create", "Card", "--append", append, *more)
    definition = d.machines / uuid / "domain.xml"
    text = definition.read_text()
    text = re.sub(r"(<video>\s*)<model [^>]*/>", rf'\1<model type="{video}"/>', text)
    definition.write_text(text if tablet else re.sub(r'\s*<input type="tablet"[^>]*/>', "", text))
    if view:
        (d.machines / uuid / "view.ini").write_text(view)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.active(window)
    return window, d.find(window, "canvas", "Screen of the machine")


def heads(d, window):
    """Of a window, or of a canvas that may be hidden: what the guest takes for its monitors: width, height, millimetres of both; and how often they were drawn."""
    text = window.text if window.roleName == "canvas" else d.screen_text(window)
    found = re.findall(r"head \d: (\d+)x(\d+) (\d+)x(\d+) mm, (\d+) frames", text)
    return [tuple(map(int, one)) for one in found]


def rectangle(canvas):
    return (*canvas.position, *canvas.size)


def resize(d, name, width, height):
    d.mouse("search", "--sync", "--onlyvisible", "--name", f"^{name}$", "windowsize", str(width), str(height))


def exact(d, window, canvas, scale, index=0):
    """The guest's monitor is the widget, and what is on the screen is the guest's picture, pixel for pixel."""
    size = heads(d, window)[index][:2]
    return size == tuple(scale * edge for edge in canvas.size) and pattern.same(rectangle(canvas), scale)


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


def opengl(d):
    """As slow as a software renderer is: the pixels are what matters."""
    os.environ["VITRINE_RENDERER"] = "gl"
    os.environ["G_MESSAGES_DEBUG"] = "Vitrine"
    window, canvas = card(d, "follows pattern still pointed")
    log = next(d.machines.glob("*/log"))
    d.chord("ctrl", "alt")
    wait("the screen is painted with OpenGL", lambda: "painted with OpenGL" in log.read_text())
    left = 2 * (2 * 17 - 1)   # of the pointer that lies over the picture, in its corner
    for width, height in ((901, 701), (1180, 820), (640, 480)):
        resize(d, "Card", width, height)
        wait("the guest's picture, pixel for pixel", lambda: heads(d, window)[0][:2] == canvas.size
             and pattern.differences(rectangle(canvas), 1) < left)
    ok("OpenGL puts the same pixels there, and a pointer over them")


def hidden(d):
    window, canvas = card(d, "follows")
    d.chord("ctrl", "alt")
    wait("the card moves", lambda: heads(d, canvas)[0][4] > 30)
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card$", "windowminimize", "--sync")
    time.sleep(0.5)
    before = heads(d, canvas)[0][4]
    time.sleep(4)
    drawn = heads(d, canvas)[0][4] - before
    if drawn > 4:
        raise Missing(f"{drawn} frames were drawn in 4 s that nobody saw")
    ok("a minimised window draws no frames; a picture for the library comes at most once a second")
    d.mouse("search", "--name", "^Card$", "windowmap", "windowactivate")
    before = heads(d, canvas)[0][4]
    wait("the card moves again", lambda: heads(d, canvas)[0][4] > before + 30)
    d.press(window, "Performance", "radio button")
    time.sleep(0.5)
    before = heads(d, canvas)[0][4]
    time.sleep(2)
    if heads(d, canvas)[0][4] - before > 2:
        raise Missing("another page draws frames")
    ok("nor does one that shows something else")


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
    take(d, canvas)
    d.mouse("mousemove_relative", "--", "150", "90")

    def drawn():
        part = pattern.screen_part(canvas.position[0] + 150 - 8, canvas.position[1] + 90 - 8, 17, 17)
        cross = bytes((0xff, 0x80, 0x00))
        return part[8] == 17 * cross and all(row[24:27] == cross for row in part) and part[0][:3] != cross
    wait("the guest's pointer where the guest has it", drawn)
    wait("and nowhere else", lambda: pattern.differences(rectangle(canvas), 1) in range(20, 34))
    d.picture("pointer-drawn")
    ok("where the guest takes motion, its pointer is drawn over the picture, and the host's is hidden")


def open_display(d, window, number):
    """By the menu."""
    menu(d, window, "Displays")
    item = wait(f"“Display {number}” in the menu", lambda: next(node for node in d.walk(window) if node.name == f"Display {number}"
                                                               and node.showing and node.roleName != "label"))
    item.doActionNamed("click")


def displays(d):
    window, canvas = card(d, "follows pattern still absolute heads=3")
    wait("the guest's picture", lambda: exact(d, window, canvas, 1))
    if [head[:2] for head in heads(d, window)[1:]] != [(0, 0), (0, 0)]:
        raise Missing("monitors are connected that nobody sees")
    d.active(window)
    open_display(d, window, 2)
    second = d.window("Card – Display 2")
    other = d.find(second, "canvas", "Screen of the machine, display 2")
    wait("the second monitor is that window", lambda: exact_head(d, canvas, other, 1))
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card – Display 2$", "windowsize", "600", "450", "windowmove", "--sync", "640", "500")
    wait("the second monitor is the window's size", lambda: other.size[0] <= 600 and exact_head(d, canvas, other, 1))
    d.picture("displays")
    ok("a further display is a window, and the guest's monitor is that window")
    pointer_on(d, other, 1, other.size[0] // 2, other.size[1] // 2)
    wait("the pointer is on the second display", lambda: re.search(r"tablet 32\d\d\d,32\d\d\d  0x0 on 1", canvas.text))
    ok("positions are those of the display that the pointer is on")
    size, place = heads(d, canvas)[1][:2], second.position
    d.active(second)
    d.key("ctrl+w")
    d.no_window("Card – Display 2")
    wait("the second monitor is unplugged", lambda: heads(d, canvas)[1][:2] == (0, 0))
    ok("closing the window unplugs the monitor")
    d.active(window)
    open_display(d, window, 2)
    second = d.window("Card – Display 2")
    wait("its size is remembered", lambda: heads(d, canvas)[1][:2] == size)
    wait("its place is remembered", lambda: second.position == place)
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card – Display 2$", "windowmove", "--sync", "300", "420")
    wait("it was moved", lambda: second.position != place)
    place = second.position
    d.ctl("stop", "--force", "Card")
    d.no_window("Card – Display 2")
    d.ctl("start", "Card")
    window = d.window("Card")
    second = d.window("Card – Display 2")
    wait("its size is remembered", lambda: heads(d, window)[1][:2] == size)
    wait("its place is remembered", lambda: second.position == place)
    ok("what was open opens again, in its size and place")


def exact_head(d, canvas, other, index):
    return heads(d, canvas)[index][:2] == other.size and pattern.same(rectangle(other), 1)


def decoded(path, folder):
    """Sizes of the first pictures of a recording, and what GStreamer says of it."""
    if shutil.which("gst-launch-1.0") is None:
        return None
    for old in folder.glob("frame-*.png"):
        old.unlink()
    subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "matroskademux", "!", "vp8dec", "!", "videoconvert",
                    "!", "pngenc", "!", "multifilesink", f"location={folder}/frame-%05d.png"], check=True)
    return sorted(folder.glob("frame-*.png"))


def recording(d):
    window, canvas = card(d, "follows")
    video = d.folder / "talk.webm"
    menu(d, window, "Record Screen…")
    choose(d, "Record Screen", video, "Record")
    stop = d.find(window, "push button", "Stop Recording")
    wait("the time goes on", lambda: re.fullmatch(r"0:0[2-9]", stop.description))
    d.picture("recording")
    ok("while the screen is recorded, the header says so, and for how long")
    resize(d, "Card", 700, 500)
    wait("another mode", lambda: heads(d, canvas)[0][:2] == canvas.size and canvas.size[0] < 1024)
    time.sleep(1)
    stop.doActionNamed("click")
    d.says(window, "talk.webm")
    frames = decoded(video, d.folder)
    if frames is None:
        return
    sizes = {subprocess.run(["identify", "-format", "%wx%h", frame], stdout=subprocess.PIPE, text=True, check=True).stdout
             for frame in (frames[0], frames[-1])}
    if sizes != {"1024x768"} or len(frames) < 20:
        raise Missing(f"{len(frames)} pictures of {sizes}")
    shutil.copy(frames[-1], d.pictures / "recorded-last.png")
    ok(f"the file holds {len(frames)} pictures, all of the first one's size")
    menu(d, window, "Record Screen…")
    choose(d, "Record Screen", d.folder / "end.webm", "Record")
    d.find(window, "push button", "Stop Recording")
    time.sleep(1.5)
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")
    if not decoded(d.folder / "end.webm", d.folder):
        raise Missing("a machine that ends leaves no recording")
    ok("the file is complete when the machine ends meanwhile")


def refused(d, words, *arguments):
    done = d.ctl(*arguments, ok=False)
    if done.returncode != 1 or words not in done.stderr:
        raise Missing(f"vitrinectl {arguments}: {done.returncode}, {done.stderr}")


def told_to_record(d):
    """By vitrinectl, while the window says so."""
    window, _ = card(d, "follows")
    video = d.folder / "told.webm"
    d.ctl("record", "Card", video)
    stop = d.find(window, "push button", "Stop Recording")
    wait("the time goes on", lambda: re.fullmatch(r"0:0[1-9]", stop.description))
    for words, file in (("recorded already", "second.webm"), ("exists already", "told.webm")):
        refused(d, words, "record", "Card", d.folder / file)
    if (d.folder / "second.webm").exists():
        raise Missing("a refused recording leaves a file")
    d.ctl("record", "Card", "stop")
    d.says(window, "told.webm")
    frames = decoded(video, d.folder)
    if frames is not None and len(frames) < 10:
        raise Missing(f"{len(frames)} pictures")
    refused(d, "not being recorded", "record", "Card", "stop")
    ok("vitrinectl begins and ends a recording, which the window shows; a second one is refused")


def no_recording(d):
    """Without GStreamer's plug-ins."""
    os.environ["VITRINE_GSTREAMER_PLUGINS"] = str(d.folder)
    window, _ = card(d, "follows")
    menu(d, window, "Record Screen…")
    choose(d, "Record Screen", d.folder / "talk.webm", "Record")
    d.says(window, "libgstreamer1.0-0")
    d.picture("no-recording")
    ok("the package that lacks is named")


def take(d, canvas):
    """The machine has keyboard and pointer, and the desktop its shortcuts no more."""
    wait("the window stands", lambda: steady(canvas))
    d.click(canvas)
    wait("the host's pointer is hidden", lambda: not any(cursor()[3]))


def wheel(d):
    window, canvas = card(d, "follows still absolute")
    wait("the window stands", lambda: steady(canvas))
    d.click(canvas)
    wait("the click arrives", lambda: "0x0 on 0" in canvas.text)
    for number, clicks in ((4, "1 "), (5, "-1 ")):   # X11's buttons: away from the person, towards
        d.mouse("click", "--repeat", "3", "--delay", "50", str(number))
        wait(f"button {number} turns the wheel by {clicks}", lambda clicks=clicks: canvas.text.count(f"wheel {clicks}") == 3)
    ok("the wheel turns away from the person when it is turned so, and back")


def keys(d):
    """By position, also those that letters are not on."""
    window, canvas = card(d, "follows still")
    take(d, canvas)   # or the desktop would have some
    for name, code in (("Pause", 119), ("XF86AudioMute", 113), ("Print", 99), ("XF86AudioMute", 113), ("Henkan_Mode", 92), ("Hangul", 122), ("Menu", 127)):
        d.key(name)
        wait(f"{name} arrives", lambda code=code: f"+{code} -{code}" in canvas.text)
    ok("special keys arrive by their position")
    d.chord("ctrl", "alt")
    d.key("Caps_Lock")
    time.sleep(0.3)
    if "leds 0" not in canvas.text:
        raise Missing("a key that is the host's reached the guest")
    d.key("Return")
    wait("the guest's light follows the host's", lambda: "leds 4" in canvas.text)
    d.key("Caps_Lock")
    wait("it goes on following", lambda: "leds 0" in canvas.text)
    d.chord("ctrl", "alt")
    d.key("Return")
    time.sleep(0.3)
    if "leds 0" not in canvas.text:
        raise Missing("lock keys that agree were changed")
    ok("lock keys are brought in line when the guest gets the keyboard")
    d.chord("ctrl", "alt")
    d.press(window, "Send keys", "toggle button")
    d.press(window, "Keep on This Computer")
    wait("F11 in the menu", lambda: next(node for node in d.walk(window) if node.name.startswith("F11") and node.showing
                                         and node.roleName != "label")).doActionNamed("click")
    d.key("Escape", "Escape")
    d.click(canvas)
    d.key("F11")
    wait("fullscreen", lambda: canvas.position == (0, 0))
    d.key("F11", "F12")
    wait("F12 is the guest's", lambda: "+88 -88" in canvas.text and canvas.position != (0, 0))
    if "+87" in canvas.text:
        raise Missing("a shortcut of the host reached the guest")
    ok("a shortcut that the person keeps stays on the host")
    d.chord("ctrl", "alt")
    d.press(window, "Send keys", "toggle button")
    d.press(window, "Type Text…")
    dialog = d.window("Type Text")
    d.focused(dialog, "password text")
    layout = d.find(dialog, "combo box", lambda name: True)
    layout.combovalue = "German"
    d.find(dialog, "password text", lambda name: True).grabFocus()
    d.type("y1")
    d.picture("type-text")
    d.key("Return")
    d.no_window("Type Text")
    wait("the text, as a German keyboard types it", lambda: "[#44 #2 ]" in canvas.text)
    ok("a text is typed by the layout of the machine's keyboard")


def host_shortcut(d):
    """openbox closes a window by Alt+F4, and then ours asks."""
    window, canvas = card(d, "follows still", view="[View]\nhost-shortcuts=<Alt>F4;\n")
    take(d, canvas)
    d.key("alt+F5")
    wait("another key is the guest's", lambda: "+56 +63" in canvas.text)
    d.key("alt+F4")
    d.find(window, "push button", "Force Off")
    if "+62" in canvas.text:
        raise Missing("a shortcut of the host reached the guest")
    ok("a shortcut that is kept reaches the desktop, although we hold the keyboard")


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


@contextlib.contextmanager
def blobs_expected(d):
    """The guest's driver shows blobs meanwhile, and nothing that it asks of virtio-gpu is refused."""
    log = d.folder / "gpu-commands"
    with open(log, "wb") as file:
        tracing = subprocess.Popen([d.vitrinectl, "trace", "Card", "virtio_gpu_command"], stdout=file)
    try:
        yield
    finally:
        tracing.terminate()
        tracing.wait()
    answers = set(re.findall(r"type=0x(\w+) response=0x(\w+)", log.read_text()))
    if ("010d", "1100") not in answers or ("0101", "1100") in answers:   # SET_SCANOUT_BLOB, RESOURCE_CREATE_2D
        raise Missing(f"the driver does not show blobs: {sorted(answers)}")
    if any(answer.startswith("12") for _, answer in answers):
        raise Missing(f"a command was refused: {sorted(answers)}")
    ok("its frames are blobs, and all that it asks for is done")


def linux_follow(d, scale=1):
    os.environ["GDK_SCALE"] = str(scale)
    kernel, initrd = linux_initrd(d)
    window, canvas = card(d, "console=ttyS0,115200 quiet", "virtio", "--kernel", kernel, "--initrd", initrd, "--memory", "512M")

    def shown():
        return pattern.same(rectangle(canvas), scale)
    d.chord("ctrl", "alt")
    wait("Linux shows the pattern in the window's size", shown, 600)
    d.picture("linux")
    ok(f"Linux begins with the window's mode, {canvas.size[0] * scale}x{canvas.size[1] * scale}")
    with blobs_expected(d):
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


def linux_displays(d):
    kernel, initrd = linux_initrd(d)
    window, canvas = card(d, "console=ttyS0,115200 quiet", "virtio", "--kernel", kernel, "--initrd", initrd, "--memory", "512M")
    d.chord("ctrl", "alt")
    wait("Linux shows the pattern", lambda: pattern.same(rectangle(canvas), 1), 600)
    with blobs_expected(d):
        resize(d, "Card", 560, 420)
        d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card$", "windowmove", "--sync", "10", "10")
        open_display(d, window, 3)
        third = d.window("Card – Display 3")
        other = d.find(third, "canvas", "Screen of the machine, display 3")
        d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card – Display 3$", "windowsize", "601", "443",
                "windowmove", "--sync", "600", "480")
        wait("Linux shows the pattern on another display", lambda: pattern.same(rectangle(other), 1), 120)
        wait("and on the first", lambda: pattern.same(rectangle(canvas), 1), 120)
    d.picture("linux-displays")
    ok("Linux uses a display whose window is opened while it runs")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")


def linux_pointer(d):
    """A cross of 33 pixels, a few of which the pattern has too."""
    kernel, initrd = linux_initrd(d)
    window, canvas = card(d, "console=ttyS0,115200 quiet cursor", "virtio", "--kernel", kernel, "--initrd", initrd, "--memory", "512M",
                          tablet=False)
    wait("Linux's pointer on the pattern", lambda: pattern.differences(rectangle(canvas), 1) in range(20, 34), 600)
    d.picture("linux-pointer")
    ok("Linux's pointer, which is a blob, is drawn over the picture")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")


WALKS = {
    "follow": (follow, None),
    "follow-hidpi": (lambda d: follow(d, 2), None),
    "opengl": (opengl, None),
    "hidden": (hidden, None),
    "displays": (displays, None),
    "wheel": (wheel, None),
    "keys": (keys, None),
    "host-shortcut": (host_shortcut, None),
    "recording": (recording, None),
    "told-to-record": (told_to_record, None),
    "no-recording": (no_recording, None),
    "linux-displays": (linux_displays, "demo"),
    "linux-pointer": (linux_pointer, "demo"),
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
