#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshots.py PROGRAM VITRINECTL PICTURES NAME: snapshots in a machine’s window and in the library, as TAP."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, wait  # noqa: E402
from ui import ok  # noqa: E402


def to_snapshots(d, name, *options):
    """The page “Snapshots” of a running machine, reached by keyboard."""
    uuid = d.ctl("create", name, *options).strip()
    d.ctl("start", name)
    window = d.window(name)
    d.wait_state(name, "running")
    d.chord("ctrl", "alt")
    tab = d.find(window, "radio button", "Snapshots")
    def tabbed():
        if not tab.focused:
            d.key("Tab")
        return tab.focused
    wait("Tab reaches the view “Snapshots”", tabbed)
    d.key("space")
    return uuid, window


def take_snapshot(d, window, name=None, description=None):
    """With the keyboard; the name that is proposed unless one is given."""
    button = d.find(window, "toggle button", "Take Snapshot…")
    wait("a snapshot can be taken", lambda: button.sensitive)
    button.grabFocus()
    d.key("space")
    entry = d.focused(window, "text")
    wait("a name is proposed", lambda: entry.text)
    if name:
        d.type(name)
    if description:
        d.key("Tab")
        d.type(description)
        d.picture("snapshot-popover")
    d.key("Return")


def snapshot_row(d, window, name, here=False):
    return d.find(window, "list item", lambda text: text.startswith(f"{name}, ") and text.endswith("you are here") == here)


def snapshot_names(d, machine):
    """As the terminal lists them; two spaces for each parent."""
    return re.findall(r"\d\d:\d\d:\d\d  (.*?)(?:  \(running\))?$", d.ctl("snapshot", "list", machine), re.M)


def snapshots(d):
    os.environ["VITRINE_TEST_CARD_SNAPSHOT_MS"] = "1500"
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    uuid, window = to_snapshots(d, "Card", "--kernel", kernel)
    d.says(window, "No Snapshots")
    d.picture("snapshots-empty")
    take_snapshot(d, window)
    d.find(window, "progress bar", "Taking “Snapshot 1”")
    d.picture("snapshot-taking")
    d.press(window, "Cancel")
    wait("nothing is being taken", lambda: d.find(window, "toggle button", "Take Snapshot…").sensitive)
    d.says(window, "No Snapshots")
    if list((d.machines / uuid / "snapshots").glob("*.*")):
        raise Missing("a cancelled snapshot left files")
    ok("one that is being taken shows how far it is, and leaves nothing when it is cancelled")
    take_snapshot(d, window)
    snapshot_row(d, window, "Snapshot 1", True)
    take_snapshot(d, window, "Second", "before the upgrade")
    row = snapshot_row(d, window, "Second", True)
    if "running" not in row.name or "before the upgrade" not in row.description or "Snapshot 1" not in row.description:
        raise Missing(f"the row says “{row.name}”, “{row.description}”")
    ok("Enter takes one, with a name that is proposed or typed; its row says what it is, and what it came of")
    snapshot_row(d, window, "Snapshot 1").grabFocus()
    d.key("Return")
    d.find(window, "push button", "Take Snapshot First")
    d.picture("snapshot-question")
    pid = d.pid(uuid)
    d.press(window, "Go Back")
    wait("it is in the first", lambda: d.ctl("snapshot", "list", "Card").startswith("*"))
    d.wait_state("Card", "running")
    if d.pid(uuid) != pid:
        raise Missing("another process runs the machine now")
    ok("going back asks, and then the machine goes on in the same window")
    d.press(window, "Snapshots", "radio button")
    take_snapshot(d, window, "Branch")
    snapshot_row(d, window, "Branch", True)
    if snapshot_names(d, "Card") != ["Snapshot 1", "  Second", "  Branch"]:
        raise Missing(f"the tree is {snapshot_names(d, 'Card')}")
    d.press(window, "Go back to “Second”")
    d.press(window, "Take Snapshot First")
    wait("a fourth one", lambda: len(snapshot_names(d, "Card")) == 4)
    wait("it is in the second", lambda: re.search(r"^\* .*Second", d.ctl("snapshot", "list", "Card"), re.M))
    d.wait_state("Card", "running")
    d.press(window, "Snapshots", "radio button")
    snapshot_row(d, window, "Second", True)
    d.picture("snapshots")
    ok("what would be lost can be kept first")
    snapshot_row(d, window, "Branch").grabFocus()
    d.key("Delete")
    d.find(window, "push button", "Undo")
    d.picture("snapshot-undo")
    d.press(window, "Undo")
    snapshot_row(d, window, "Branch")
    d.press(window, "Delete “Branch”")
    d.press(window, "Close")
    wait("it is gone", lambda: "Branch" not in d.ctl("snapshot", "list", "Card"))
    if "    Snapshot 2" in snapshot_names(d, "Card") or "  Snapshot 2" not in snapshot_names(d, "Card"):
        raise Missing(f"the tree is {snapshot_names(d, 'Card')}")
    ok("Delete can be undone; then the children are their grandparent's")
    d.press(window, "Delete “Snapshot 2”")
    d.find(window, "push button", "Undo")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")
    wait("it is gone with the machine", lambda: snapshot_names(d, "Card") == ["Snapshot 1", "  Second"])
    ok("one that is deleted just before the machine stops is gone")


def snapshots_engine(d):
    """A guest that only computes, on a raw disk first, and then on one that can have snapshots."""
    raw, qcow2 = d.folder / "disk.raw", d.folder / "disk.qcow2"
    d.ctl("image", "create", "--format", "raw", raw, "4M")
    d.ctl("image", "create", "--format", "qcow2", qcow2, "4M")
    kernel = os.environ["VITRINE_UI_KERNEL"]
    _, window = to_snapshots(d, "Raw", "--kernel", kernel, "--disk", raw)
    take_snapshot(d, window)
    d.says(window, "is not a qcow2 image")
    d.says(window, str(raw))
    d.picture("snapshot-raw")
    ok("a disk that cannot have snapshots is named, with what to do")
    d.ctl("stop", "--force", "Raw")
    uuid, window = to_snapshots(d, "Qcow2", "--kernel", kernel, "--disk", f"{qcow2},format=qcow2")
    take_snapshot(d, window, "Kept")
    snapshot_row(d, window, "Kept", True)
    take_snapshot(d, window, "Later")
    snapshot_row(d, window, "Later", True)
    pid = d.pid(uuid)
    d.press(window, "Go back to “Kept”")
    d.press(window, "Go Back")
    wait("it has gone back", lambda: re.search(r"^\* .*Kept", d.ctl("snapshot", "list", "Qcow2"), re.M))
    d.wait_state("Qcow2", "running", 60)
    if d.pid(uuid) != pid or not (d.machines / uuid / "snapshots" / "Kept.state").exists():
        raise Missing("the machine did not go back in its own process, or the snapshot is used up")
    ok("the engine goes back within the confined process")
    d.press(window, "Snapshots", "radio button")
    d.press(window, "Delete “Kept”")
    d.ctl("stop", "--force", "Qcow2")
    d.no_window("Qcow2")
    wait("the image has no snapshot", lambda: "Kept" not in d.ctl("image", "info", qcow2))
    ok("a deleted snapshot leaves the image too")
    d.start([d.program])
    library = d.window("Vitrine")
    d.press(library, "Actions for Qcow2", "toggle button")
    d.press(library, "Snapshots…")
    window = d.window("Snapshots of Qcow2")
    d.picture("snapshots-off-first")
    d.active(window)
    take_snapshot(d, window, "Cold")
    if "off" not in snapshot_row(d, window, "Cold", True).name:
        raise Missing("the row does not say that the machine is off")
    definition = d.machines / uuid / "domain.xml"
    before = definition.read_text()
    definition.write_text(before.replace("<memory", "<description>later</description><memory", 1))
    d.press(window, "Go back to “Cold”")
    d.picture("snapshots-off")
    d.press(window, "Go Back")
    wait("the definition is that of the snapshot", lambda: "later" not in definition.read_text())
    snapshot_row(d, window, "Cold", True)
    wait("the next can be done", lambda: d.find(window, "push button", "Delete “Cold”").sensitive)
    d.press(window, "Delete “Cold”")
    d.find(window, "push button", "Undo")
    window.grabFocus()
    d.key("Escape")
    d.no_window("Snapshots of Qcow2")
    wait("it is gone", lambda: snapshot_names(d, "Qcow2") == ["Later"])
    ok("a machine that is off has its snapshots in the library")


if __name__ == "__main__":
    ui.run({
        "snapshots": (snapshots, None),
        "snapshots-engine": (snapshots_engine, None),
    })
