# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks through the application, as a person would take them, as TAP: what the scripts beside this one share.

SCRIPT PROGRAM VITRINECTL PICTURES NAME takes one walk. PROGRAM is vitrine, or vitrine-test-card where the computer does not matter.
PICTURES keeps screenshots."""
import os
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import desktop                                   # noqa: E402
from desktop import Desktop, Missing, Skip, wait  # noqa: E402

TOP = Path(__file__).resolve().parent.parent.parent
LOG_LINES = 20     # of each machine, when a walk fails
points = 0


def ok(text):
    global points
    points += 1
    print(f"ok {points} - {text}", flush=True)


def guest(target):
    """Made before the private folders are entered, so that the cache is the person's."""
    made = subprocess.run([TOP / "tools" / "guest-builder", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if made.returncode != 0:
        raise Skip((made.stderr.strip().splitlines() or [f"{target} cannot be made"])[-1])
    return made.stdout.strip()


def new_machine_by_keyboard(d, image):
    """From the library to a running machine without the mouse; returns its window's title."""
    library = d.window("Vitrine")
    d.find(library, "push button", "New Machine")
    d.key("ctrl+n")
    wizard = d.window("New Machine")
    d.focused(wizard, "text")
    d.type(str(image))
    wait("Next is ready", lambda: d.find(wizard, "push button", "Next").sensitive)
    d.key("Return")
    name = d.find(wizard, "text", "Name", 60)      # what is on the medium is looked at first
    wait("a name is proposed", lambda: name.text)
    title = name.text
    d.picture("wizard-machine")
    d.key("Return")
    d.find(wizard, "push button", "Create")
    d.picture("wizard-summary")
    d.key("Return")
    return title


def choose(d, dialog, path, answer):
    """Types a path into a file dialog, as one may."""
    chooser = d.window(dialog)
    d.active(chooser)
    for _ in range(5):      # a window that just came up may not have the keyboard yet
        d.key("ctrl+l")     # the dialog shows where a path is typed
        try:
            d.focused(chooser, "text", 4)
            break
        except Missing:
            pass
    d.focused(chooser, "text", 1)
    d.key("ctrl+a")
    d.type(str(path))
    wait("the dialog took the path", lambda: d.find(chooser, "push button", answer).sensitive)
    d.picture(dialog.lower().replace(" ", "-"))
    d.key("Return")
    d.no_window(dialog)


def menu(d, window, item):
    """A point of the window's main menu."""
    d.active(window)
    d.chord("ctrl", "alt")
    d.key("F10")
    d.press(window, item)


def steady(node):
    """It stays where it is."""
    before = node.position
    time.sleep(0.3)
    return node.position == before


def settings_of(d, name):
    """From the menu of its card in the library."""
    library = d.window("Vitrine")
    d.press(library, f"Actions for {name}", "toggle button")
    d.press(library, "Settings")
    window = d.window(f"Settings of {name}")
    d.mouse("search", "--sync", "--onlyvisible", "--name", f"^Settings of {name}$", "windowmove", "200", "10", "windowsize", "760", "980",
            "windowactivate")
    d.active(window)
    return window


def part(d, root, role, name):
    """As find(), also what is scrolled or folded away."""
    return wait(f"{role} “{name}”", lambda: next((n for n in d.walk(root) if n.roleName == role and n.name == name), None))


def find_image(target):
    """The disc of a guest; the folder of one that has none."""
    path = Path(guest(target))
    images = sorted(path.glob("*.iso")) if path.is_dir() else []
    return str(images[0] if images else path)


def print_logs(d):
    """What the machines' processes said: their folders go with the test."""
    for log in d.machines.glob("*/log"):
        for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
            print(f"# {log.parent.name}: {line}")


def main(walks, screens=None):
    program, vitrinectl, pictures, name = sys.argv[1:]
    walk, target = walks[name]
    if target is not None and "VITRINE_UI_IMAGE" not in os.environ:
        os.environ["VITRINE_UI_IMAGE"] = find_image(target)
    desktop.enter((screens or {}).get(name, desktop.SCREEN))
    shutil.rmtree(Path(pictures, name), ignore_errors=True)
    d = Desktop(program, vitrinectl, Path(pictures, name))
    failed = 0
    try:
        walk(d)
    except Exception:  # pylint: disable=broad-except
        failed = 1
        d.picture("failed")
        print(f"not ok {points + 1} - {name}", flush=True)
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
        print_logs(d)
    finally:
        d.end()
    print(f"1..{points + failed}", flush=True)


def run(walks, screens=None):
    try:
        main(walks, screens)
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
