#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""installer.py PROGRAM VITRINECTL PICTURES NAME: installers boot in a window and answer the keyboard, as TAP."""
import os
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, wait  # noqa: E402
from ui import new_machine_by_keyboard, ok  # noqa: E402


def boot_installer(d, image, menu):
    d.start([d.program])
    title = new_machine_by_keyboard(d, image)
    window = d.window(title, 60)
    wait("the installer's menu", lambda: menu in d.screen_text(window), 180)
    return title, window


def installer_grub(d):
    title, window = boot_installer(d, os.environ["VITRINE_UI_IMAGE"], "GNU GRUB")
    d.picture("grub")
    ok("a disc made with grub-mkrescue shows its menu in the window")
    d.key("c")
    wait("GRUB's command line", lambda: "grub>" in d.screen_text(window), 60)
    d.type("echo $grub_cpu")
    d.key("Return")
    wait("GRUB's answer", lambda: "i386" in d.screen_text(window), 60)
    d.picture("grub-typed")
    ok("it answers the keyboard")
    d.ctl("stop", "--force", title)
    d.no_window(title)
    ok("forced off, its window closes")


# The installer's background, dialogue and bar; with an opaque alpha, which no shifted run of another colour can look like.
BLUE, GREY, RED = b"\0\0\xaa\xff", b"\xaa\xaa\xaa\xff", b"\xaa\0\0\xff"


def look(d, title):
    """The guest's picture as rows of pixels."""
    picture = d.folder / "guest.png"
    d.ctl("screenshot", title, picture)
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    pixels = subprocess.run(["convert", picture, "-depth", "8", "rgba:-"], stdout=subprocess.PIPE, check=True).stdout
    return [pixels[y * width * 4:(y + 1) * width * 4] for y in range(height)]


def dialogue(d, title):
    """Where the text installer's dialogue has its upper edge in the guest's picture, and the bar in it; None while there is no
    dialogue, or it is being drawn."""
    rows = look(d, title)
    top = next((y for y, row in enumerate(rows) if GREY * (len(row) // 5) in row), None)
    bar = next((y for y, row in enumerate(rows) if RED * 64 in row), None)
    if not rows[4].startswith(BLUE) or top is None or bar is None or look(d, title) != rows:
        return None
    return top, bar


def move_bar(d, title, key, at):
    """Moves the bar of a dialogue away from line `at`; returns where it is then. What is typed before the dialogue listens is
    lost: so the key is pressed again when nothing comes of it for a while, as a person would."""
    for _ in range(10):
        d.key(key)
        try:
            wait("the bar moves", lambda: dialogue(d, title)[1] != at, 6)
            return wait("the bar stands", lambda: dialogue(d, title)[1])
        except Missing:
            pass
    raise Missing(f"the bar does not move by {key}")


def installer_debian(d):
    title, window = boot_installer(d, os.environ["VITRINE_UI_IMAGE"], "Install")
    d.picture("installer-menu")
    ok("the Debian installer shows its menu")
    d.key("Down", "Up", "Return")
    wait("the menu is left", lambda: "GNU GRUB" not in d.screen_text(window), 120)
    top, bar = wait("the installer's first dialogue", lambda: dialogue(d, title), 600)
    d.picture("installer-language")
    print(f"# the dialogue begins in line {top}, its bar in line {bar}")
    ok("Enter boots the installer to its first dialogue")
    low = move_bar(d, title, "Down", bar)
    while low > bar:
        low = move_bar(d, title, "Up", low)
    d.key("Return")
    wait("another dialogue", lambda: dialogue(d, title)[0] != top, 120)
    d.picture("installer-location")
    ok("arrow keys and Enter walk into it")
    d.ctl("stop", "--force", title)


if __name__ == "__main__":
    ui.run({
        "installer-grub": (installer_grub, "iso"),
        "installer-debian": (installer_debian, "installer"),
    })
