# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux in a machine called “Box”: its window, and its serial console."""
import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "ui"))
sys.path.insert(0, str(TOP / "tools"))
from desktop import Missing, wait       # noqa: E402
from vmconsole import Guest             # noqa: E402

PROMPT = r"demo:\S*# "


def create(d, *options, append=""):
    """Returns its UUID. Of the image that the walk asked for."""
    folder = Path(os.environ["VITRINE_UI_IMAGE"])
    return d.ctl("create", "Box", "--memory", "512M", "--kernel", folder / "vmlinuz", "--initrd", folder / "initrd.img", "--append",
                 f"console=ttyS0,115200 quiet{append}", *options).strip()


def start(d):
    d.ctl("start", "Box")
    window = d.window("Box")
    d.wait_state("Box", "running")
    return window


def console(d, seconds=300):
    """At its prompt; to be used with `with`, or ended with close()."""
    terminal = Guest.console(d.vitrinectl, "Box")
    try:
        terminal.send("\n")
        terminal.expect(PROMPT, seconds)
    except BaseException:
        terminal.close()
        raise
    return terminal


def go_back_within(d, uuid, snapshot, gone_back):
    """Another machine is made in the same process. gone_back(console): is the guest where it was?"""
    pid = d.pid(uuid)
    window = d.window("Box")
    d.chord("ctrl", "alt")
    d.press(window, "Snapshots", "radio button")
    d.press(window, f"Go back to “{snapshot}”")
    d.press(window, "Go Back")
    def there():
        with console(d, 10) as terminal:      # of the old machine, or of the new one
            return gone_back(terminal)
    wait("the guest has gone back", there, 60)
    if d.pid(uuid) != pid:
        raise Missing("it did not go back within its process")
