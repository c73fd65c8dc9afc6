#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""xorg.py PROGRAM VITRINECTL PICTURES NAME: a Debian system with Xorg and a GTK text editor, used with mouse and keyboard through
the machine's window (ui.py says how walks run)."""
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import pattern                      # noqa: E402
from desktop import Missing, wait   # noqa: E402
from ui import ok, run               # noqa: E402
from vmconsole import Guest         # noqa: E402

PROMPT = r"root@debian:\S*# "
MENU_BAR, LINE = 27, 18     # heights in the editor, in the guest's pixels
TEXT = 5                    # where its text begins: the first half of a letter


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

    def line_shown(self, n):
        """There is something dark in that line of the text."""
        left, top = self.canvas.position
        rows = pattern.screen_part(left + TEXT, top + MENU_BAR + n * LINE, 100, LINE)
        return any(level < 100 for row in rows for level in row)

    def caret_shown(self, n):
        """The caret, which blinks, stands at the beginning of that line: nobody types faster than the guest sees a click."""
        left, top = self.canvas.position
        rows = pattern.screen_part(left, top + MENU_BAR + n * LINE + 2, TEXT, LINE - 4)
        return any(all(row[3 * x] < 100 for row in rows) for x in range(1, TEXT))

    def selected(self, n):
        """Its background is the theme's blue."""
        left, top = self.canvas.position
        row = pattern.screen_part(left + TEXT, top + MENU_BAR + n * LINE + 2, 40, 1)[0]
        return row[2] > row[0] + 50

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
    wait("the text is seen", lambda: editor.line_shown(0) and editor.line_shown(1))
    d.picture("xorg-typed")
    ok("what is typed into the window is in the guest's file")
    editor.point(TEXT, MENU_BAR + LINE // 2, "click", "1")
    wait("the caret follows the click", lambda: editor.caret_shown(0))
    d.type("the ")
    editor.saved(["the first line$", "second line"])
    ok("a click puts the cursor where the pointer is, without a grab")
    editor.point(TEXT, MENU_BAR + LINE + LINE // 2, "click", "1")
    wait("the caret follows the click", lambda: editor.caret_shown(1))
    d.key("shift+End")
    wait("the line is selected", lambda: editor.selected(1))
    d.picture("xorg-selected")
    d.type("last line")
    editor.saved(["the first line$", "last line"])
    ok("what is selected from there with Shift and End is replaced by typing")
    editor.point(15, MENU_BAR // 2, "click", "1")
    editor.point(40, 5 * MENU_BAR // 2)
    wait("the menu is seen", lambda: editor.line_shown(6))
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


def clip(*arguments, text=None):
    """The host's clipboard."""
    done = subprocess.run(["xclip", "-selection", "clipboard", *arguments], input=text, stdout=subprocess.PIPE if text is None else None,
                          stderr=subprocess.DEVNULL, text=True, check=False, timeout=20)
    return done.stdout


def clipboard(d):
    """Both clipboards are one while the machine's window is the active one."""
    definition(d, Path(os.environ["VITRINE_UI_IMAGE"]) / "disk.img")
    clip("-i", text="copied before")
    d.ctl("start", "Debian")
    d.window("Debian")
    with Guest.console(d.vitrinectl, "Debian") as console:
        console.expect("the desktop is ready", 600)
        log_in(console)
        console.command("export DISPLAY=:0; dmesg -n 1", PROMPT, 30)

        def guest_has(text):
            return console.command("timeout 5 xclip -selection clipboard -o", PROMPT, 30).strip() == text
        wait("the guest has what was copied before it started", lambda: guest_has("copied before"), 60)
        ok("what the person had copied can be pasted in the guest")
        clip("-i", text="Grüße vom Rechner")
        wait("the guest has the new text", lambda: guest_has("Grüße vom Rechner"), 60)
        ok("so can what is copied while the machine runs")
        console.command("printf 'from the guest' | xclip -selection clipboard -i", PROMPT, 30)
        wait("the host has it", lambda: clip("-o") == "from the guest", 60)
        ok("what the guest copies can be pasted here")
        picture = console.command("head -c 100 /dev/urandom > /root/p.png; xclip -selection clipboard -t image/png -i /root/p.png;"
                                  " md5sum < /root/p.png", PROMPT, 30).split()[0]
        wait("the host has the picture", lambda: md5(picture_here()) == picture, 60)
        ok("so can pictures, byte for byte")
    d.ctl("stop", "--force", "Debian")
    d.no_window("Debian")


def send_too_much(d, console):
    """More than the guest has room for."""
    console.command("mount -t tmpfs -o size=1m none /root/files", PROMPT, 30)
    much = d.folder / "much.bin"
    much.write_bytes(os.urandom(3 << 20))
    done = d.ctl("send-files", "Debian", much, ok=False)
    if done.returncode != 1 or not re.search(r"no room for “much.bin”: it takes .*, and .* are free", done.stderr):
        raise Missing(f"send-files: {done.returncode} {done.stderr}")
    ok("a guest that has no room says how much it has")


def files(d):
    """What is sent is where the guest's agent puts it, with the same bytes."""
    large, small, empty = (d.folder / name for name in ("large.bin", "a name = with [odd] letters: ß.txt", "empty"))
    large.write_bytes(os.urandom((5 << 20) + 3))
    small.write_bytes(b"small\n")
    empty.write_bytes(b"")
    definition(d, Path(os.environ["VITRINE_UI_IMAGE"]) / "disk.img")
    d.ctl("start", "Debian")
    d.window("Debian")
    with Guest.console(d.vitrinectl, "Debian") as console:
        console.expect("the desktop is ready", 600)
        log_in(console)
        console.command("export DISPLAY=:0; dmesg -n 1", PROMPT, 30)
        refused = d.ctl("send-files", "Debian", small, ok=False)
        if refused.returncode != 1 or "no folder for them" not in refused.stderr:
            raise Missing(f"send-files: {refused.returncode} {refused.stderr}")
        ok("an agent that has no folder for files refuses, and that is told")
        console.command("mkdir -p /root/files; pkill -x spice-vdagent; spice-vdagent -f /root/files", PROMPT, 30)
        wait("the agent is there again", lambda: d.ctl("send-files", "Debian", empty, ok=False).returncode == 0, 60)
        d.ctl("send-files", "Debian", large, small)
        for path in (large, small, empty):
            got = console.command(f"md5sum < '/root/files/{path.name}'", PROMPT, 30).split()[0]
            if got != md5(path.read_bytes()):
                raise Missing(f"{path.name}: {got}")
        ok("files large, small and empty arrive with the same bytes and names")
        send_too_much(d, console)
    d.ctl("stop", "--force", "Debian")
    d.no_window("Debian")


def picture_here():
    done = subprocess.run(["xclip", "-selection", "clipboard", "-t", "image/png", "-o"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False, timeout=20)
    return done.stdout


def md5(data):
    return hashlib.md5(data).hexdigest()


if __name__ == "__main__":
    run({"xorg": (xorg, "desktop"), "clipboard": (clipboard, "desktop"), "files": (files, "desktop")}, {})
