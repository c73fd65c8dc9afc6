#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""wizards.py PROGRAM VITRINECTL PICTURES NAME: the wizards that move machines, by keyboard alone, as TAP. What they do is held against
in move.py and migrate.py; here it is the pages. Names that end with -2x are the same on a screen of twice the pixels."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui                                   # noqa: E402
from desktop import Missing, Skip, wait     # noqa: E402
from private import Libvirtd                # noqa: E402
from ui import ok                           # noqa: E402

UUID = "6ee1f6a4-0000-4000-8000-00000000000{}"
LARGE_MIB = 200
BANDWIDTH = "4"


def remember(d, *hosts):
    path = d.folder / "config" / "vitrine" / "hosts.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"[host{i}]\nuri={lv.uri}\nname={name}\n" for i, (name, lv) in enumerate(hosts)))


def focused(d, window, name, seconds=20):
    """Waits until the keyboard is on something of that name."""
    return wait(f"focus on “{name}”", lambda: next((n for n in d.walk(window) if n.focused and n.name == name), None), seconds)


def to_front(d, window):
    d.mouse("search", "--sync", "--onlyvisible", "--name", f"^{window.name}$", "windowactivate", "--sync")
    d.active(window)


def tab_to(d, window, name, key="Tab", role=None, most=40):
    """Presses a key until the keyboard is there."""
    for _ in range(most):
        if any(n.focused and n.name == name and role in (None, n.roleName) for n in d.walk(window)):
            return
        d.key(key)
        d.tree.doDelay(0.15)
    raise Missing(f"“{name}” is not reached by {most} times {key}; the keyboard is on "
                  f"{[(n.roleName, n.name) for n in d.walk(window) if n.focused]}")


def choose_action(d, library, card, label):
    """From the menu of a card, by keyboard."""
    d.active(library)
    d.find(library, "list item", card).grabFocus()
    d.key("shift+F10")
    d.find(library, "push button", label)
    tab_to(d, library, label, "Down")
    d.key("Return")


def on_page(d, window, button):
    """The page whose button for going on has that name."""
    wait(f"“{button}” can be pressed", lambda: d.find(window, "push button", button).sensitive, 60)


def go_on(d, window, button):
    on_page(d, window, button)
    tab_to(d, window, button)
    d.key("Return")


def check_accessible(d, window, page):
    """Whatever can have the keyboard has a name."""
    for node in d.walk(window):
        if node.focusable and node.showing and not node.name and node.roleName not in ("scroll pane", "viewport", "filler", "panel", "list box", "frame"):
            raise Missing(f"{page}: a {node.roleName} without a name")


# --- to a host, and back ---

def move(d):
    lv = Libvirtd(d.folder / "lv")
    try:
        pool = lv.pool("images")
        image = d.folder / "large.img"
        image.write_bytes(os.urandom(1 << 20) * LARGE_MIB)
        definition = d.folder / "box.xml"
        definition.write_text(f"""<domain type='qemu'><name>Box</name><uuid>{UUID.format(1)}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
          <os><type arch='x86_64' machine='q35'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>
          <source file='{image}'/><target dev='vda' bus='virtio'/></disk><interface type='user'><model type='virtio'/></interface>
          <video><model type='vga'/></video></devices></domain>""")
        d.ctl("define", definition)
        remember(d, ("Rack", lv))
        d.start([d.program])
        library = d.window("Vitrine")
        d.find(library, "label", "0 machines")
        to_host(d, lv, library, pool)
        local_copy_removed(d, lv, library)
        to_here(d, lv, library)
    finally:
        lv.freeze(False)
        lv.end()


def to_host(d, lv, library, pool):
    choose_action(d, library, "Box, Powered off", "Move to a Host…")
    window = d.window("Move Box to a Host")
    d.active(window)
    on_page(d, window, "Next")
    check_accessible(d, window, "target")
    d.picture("move-1-target")
    go_on(d, window, "Next")
    d.find(window, "list item", lambda text: text.startswith("Passed: State"), 60)
    on_page(d, window, "Next")
    check_accessible(d, window, "checks")
    d.picture("move-2-checks")
    go_on(d, window, "Next")
    d.find(window, "combo box", "Storage pool")
    check_accessible(d, window, "options")
    d.picture("move-3-options")
    go_on(d, window, "Move")
    volume = pool / "box-vda.img"
    wait("it is on its way", lambda: volume.exists() and volume.stat().st_blocks > 0, 60)
    lv.freeze(True)
    ok("from the card's menu to the work the keyboard is enough")
    focused(d, window, "Stop")
    d.key("Escape")
    d.find(window, "push button", "Go On in the Background")
    d.picture("move-4-progress")
    ok("Escape does not end the work, but asks")
    tab_to(d, window, "Go On in the Background")
    d.key("Return")
    d.find(d.window("Vitrine"), "list item", "Box, Being worked on")
    wait("the window is hidden", lambda: not any(n.name == "Move Box to a Host" and n.showing for a in d.tree.root.children for n in a.children))
    lv.freeze(False)
    window = d.window("Move Box to a Host", 60)
    d.says(window, "runs on “Rack” now", 60)
    d.active(window)
    check_accessible(d, window, "done")
    d.picture("move-5-done")
    ok("in the background it goes on, and the window comes back with the result")


def local_copy_removed(d, lv, library):
    window = d.window("Move Box to a Host")
    tab_to(d, window, "Remove the Copy on This Computer")
    d.key("Return")
    d.no_window("Move Box to a Host")
    d.find(library, "push button", "Undo")
    d.picture("move-6-removed")
    if (d.machines / UUID.format(1)).exists():
        raise Missing("the copy is still in the library")
    d.press(library, "Undo")
    wait("it is back", lambda: (d.machines / UUID.format(1)).exists())
    ok("the copy here is removed when the person says so, and comes back by Undo")
    d.ctl("delete", "Box")
    lv.virsh("destroy", "Box", check=True)


def to_here(d, lv, library):
    choose_action(d, library, "Box, Powered off", "Bring to This Computer…")
    window = d.window("Bring Box to This Computer")
    d.active(window)
    on_page(d, window, "Next")
    d.picture("bring-1-checks")
    go_on(d, window, "Next")
    d.find(window, "toggle button", "Start it here")
    d.picture("bring-2-options")
    lv.freeze(True)
    go_on(d, window, "Bring")
    lv.freeze(False)
    d.says(window, "is on this computer now", 120)
    check_accessible(d, window, "bring")
    d.picture("bring-3-done")
    focused(d, window, "Close")
    d.key("Return")
    d.no_window("Bring Box to This Computer")
    if not (d.machines / UUID.format(1)).exists() or lv.virsh("domstate", "Box") != "shut off":
        raise Missing("it is not in both places")
    ok("and it is brought back, by keyboard as well")


# --- between hosts ---

def full_machine(d, lv):
    """Its memory is full of what cannot be packed: a kernel that finds a heap of random bytes for an initrd, and stops."""
    made = subprocess.run([Path(__file__).resolve().parent.parent.parent / "tools" / "guest-builder", "demo"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Skip(made.stderr.strip())
    kernel, initrd, disk = d.folder / "vmlinuz", d.folder / "initrd", lv.folder / "disks" / "full.img"
    kernel.write_bytes((Path(made.stdout.strip()) / "vmlinuz").read_bytes())
    initrd.write_bytes(os.urandom(1 << 20) * 64)
    subprocess.run([*lv.drop, "dd", "if=/dev/urandom", f"of={disk}", "bs=1M", "count=24", "status=none"], check=True)
    lv.virsh("pool-refresh", "disks", check=True)
    lv.define("full", f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>"
              "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/><video><model type='vga'/></video>",
              256, f"<kernel>{kernel}</kernel><initrd>{initrd}</initrd>")
    lv.virsh("start", "full", check=True)


def migrate(d):
    hosts = []
    try:
        for number, name in enumerate(("one", "two"), 1):
            hosts.append(Libvirtd(d.folder / name, uuid=f"{number}{number}111111-1111-4111-8111-111111111111"))
            hosts[-1].pool("disks")
        one, two = hosts
        full_machine(d, one)
        remember(d, ("One", one), ("Two", two))
        d.start([d.program])
        library = d.window("Vitrine")
        d.find(library, "label", "1 machine")
        d.find(library, "label", "0 machines")
        window = migrate_pages(d, library)
        migrate_work(d, window, one, two)
    finally:
        for lv in hosts:
            lv.end()


def migrate_pages(d, library):
    choose_action(d, library, "full, Running", "Migrate…")
    window = d.window("Migrate full")
    d.active(window)
    on_page(d, window, "Next")
    d.picture("migrate-1-target")
    go_on(d, window, "Next")
    d.find(window, "list item", lambda text: text.startswith("In the way: Disks"), 60)
    check_accessible(d, window, "checks")
    d.picture("migrate-2-refused")
    go_on(d, window, "Next")
    d.find(window, "toggle button", "Copy the disks")
    on_page(d, window, "Migrate")
    go_on(d, window, "Migrate")
    d.says(window, "Something is in the way", 60)
    d.picture("migrate-3-in-the-way")
    ok("what is in the way is said before anything starts, and again when it was not changed")
    go_on(d, window, "Next")
    tab_to(d, window, "Copy the disks")
    d.key("space")
    tab_to(d, window, "Bandwidth in MiB each second", role="spin button")
    d.key("ctrl+a")
    d.type(BANDWIDTH)
    tab_to(d, window, "Longest downtime in milliseconds")
    check_accessible(d, window, "options")
    d.picture("migrate-4-options")
    go_on(d, window, "Migrate")
    return window


def migrate_work(d, window, one, two):
    focused(d, window, "Stop", 60)
    graph = wait("the graph is drawn", lambda: next((n for n in d.walk(window) if n.name == "Remaining memory" and n.roleName == "chart" and n.showing), None), 60)
    wait("disks go first", lambda: "disks remaining" in graph.description, 60)
    wait("then memory", lambda: "0 bytes of memory" not in graph.description and two.virsh("list", "--name"), 120)
    d.tree.doDelay(6)      # for a line to be seen in the picture; nothing depends on it
    d.picture("migrate-5-progress")
    ok("the remaining memory is drawn, and told to assistive technology")
    d.key("Return")
    d.says(window, "It still runs on “One”.", 60)
    d.picture("migrate-6-stopped")
    if one.virsh("domstate", "full") != "running" or two.virsh("list", "--all", "--name"):
        raise Missing("it is not where it was")
    ok("Stop leaves it running where it was, and says so on the page where it can be tried again")
    d.start([d.program, "--host=One", f"--machine={one.virsh('domuuid', 'full')}"])
    machine = d.window("full")
    d.find(machine, "canvas", "Screen of the machine")
    to_front(d, window)
    tab_to(d, window, "Bandwidth in MiB each second", role="spin button")
    d.key("ctrl+a")
    d.type("0")
    go_on(d, window, "Migrate")
    d.says(window, "runs on “Two” now", 120)
    d.picture("migrate-7-done")
    if two.virsh("domstate", "full") != "running" or one.virsh("list", "--all", "--name"):
        raise Missing("it is not at the target alone")
    ok("without a limit it migrates, and is nowhere else")
    to_front(d, window)      # the machine's window may have come up meanwhile
    go_on(d, window, "Close")
    d.no_window("Migrate full")
    d.press(machine, "Pause")
    wait("the target says paused", lambda: two.virsh("domstate", "full") == "paused")
    d.press(machine, "Resume")
    wait("the target says running", lambda: two.virsh("domstate", "full") == "running")
    ok("its window has gone along")
    card = d.find(d.window("Vitrine"), "list item", "full, Running")
    grid = card.parent
    if "Two" not in grid.name:
        raise Missing(f"its card is under {grid.name}")
    ok("its card is where it is")


def twice(walk):
    def scaled(d):
        os.environ["GDK_SCALE"] = "2"
        walk(d)
    return scaled


LARGE_SCREEN = "2560x2048x24"
WALKS = {
    "move": (move, None),
    "migrate": (migrate, None),
    "move-2x": (twice(move), None),
    "migrate-2x": (twice(migrate), None),
}

if __name__ == "__main__":
    ui.run(WALKS, {name: LARGE_SCREEN for name in WALKS if name.endswith("-2x")})
