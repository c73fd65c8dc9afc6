#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""xorg.py PROGRAM VITRINECTL PICTURES NAME: a Debian system with Xorg and a GTK text editor, used with mouse and keyboard through
the machine's window (ui.py says how walks run)."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
from desktop import Missing, wait   # noqa: E402
from ui import ok, run               # noqa: E402
from vmconsole import Guest         # noqa: E402

PROMPT = r"root@debian:\S*# "
MENU_BAR, LINE = 27, 17     # heights in the editor, in the guest's pixels


class Editor:
    """The guest's text editor, which fills its screen, and a shell beside it."""

    def __init__(self, d, window, canvas, console):
        self.d, self.window, self.canvas, self.console = d, window, canvas, console

    def point(self, x, y, *then):
        """The host's pointer to a place of the guest's screen, and what it does there."""
        left, top = self.canvas.position
        self.d.mouse("mousemove", str(left + x), str(top + y), *then)

    def saved(self, text):
        """Ctrl+S, until the file says so."""
        def is_saved():
            self.d.key("ctrl+s")
            return self.console.command("cat -A /root/note.txt", PROMPT, 30).split("\n") == text
        wait(f"the file is {text}", is_saved, 60)

    def mode(self):
        shown = self.console.command("DISPLAY=:0 xrandr", PROMPT, 30)
        return re.search(r"current (\d+) x (\d+)", shown).groups()


def definition(d, disk):
    """A machine whose disk forgets, with a monitor that follows."""
    uuid = d.ctl("create", "Debian", "--disk", disk, "--memory", "1G")
    path = d.machines / uuid / "domain.xml"
    text = path.read_text()
    text = re.sub(r"(<video>\s*<model type=)(['\"])vga", r"\1\2virtio", text)
    text = re.sub(r"(<disk [^>]*>)", r"\1<transient/>", text)
    path.write_text(text)


def log_in(console):
    console.send("\n")
    console.expect(r"login: ", 120)
    console.send("root\n")
    console.expect(PROMPT, 60)
    console.command("stty cols 200", PROMPT, 30)


def xorg(d):
    definition(d, Path(os.environ["VITRINE_UI_IMAGE"]) / "disk.img")
    d.ctl("start", "Debian")
    window = d.window("Debian")
    canvas = d.find(window, "canvas", "Screen of the machine")
    with Guest.console(d.vitrinectl, "Debian") as console:
        console.expect("the desktop is ready", 600)
        d.picture("xorg-ready")
        ok("Xorg starts, and an editor in it")
        log_in(console)
        use(d, Editor(d, window, canvas, console))
    d.ctl("stop", "--force", "Debian")
    d.no_window("Debian")


def use(d, editor):
    editor.point(200, 200, "click", "1")
    d.type("first line")
    d.key("Return")
    d.type("second line")
    editor.saved(["first line$", "second line"])
    d.picture("xorg-typed")
    ok("what is typed into the window is in the guest's file")
    editor.point(2, MENU_BAR + LINE // 2, "click", "1")
    d.type("the ")
    editor.saved(["the first line$", "second line"])
    ok("a click puts the cursor where the pointer is, without a grab")
    editor.point(2, MENU_BAR + LINE + LINE // 2, "mousedown", "1")
    editor.point(300, MENU_BAR + LINE + LINE // 2, "mouseup", "1")
    d.picture("xorg-selected")
    d.type("last line")
    editor.saved(["the first line$", "last line"])
    ok("what is selected by dragging is replaced by typing")
    editor.point(15, MENU_BAR // 2, "click", "1")
    editor.point(40, 5 * MENU_BAR // 2)
    d.picture("xorg-menu")
    d.key("Escape")
    before = editor.mode()
    d.mouse("search", "--onlyvisible", "--name", "^Debian$", "windowsize", "900", "640")
    wait("Xorg follows the window", lambda: editor.mode() != before and
         editor.mode() == tuple(map(str, editor.canvas.size)), 60)
    d.picture("xorg-resized")
    ok(f"Xorg takes the window's new size, {'x'.join(editor.mode())}, as its mode")
    if editor.console.command("cat /root/note.txt", PROMPT, 30) != "the first line\nlast line":
        raise Missing("the file changed meanwhile")


if __name__ == "__main__":
    run({"xorg": (xorg, "desktop")}, {})
