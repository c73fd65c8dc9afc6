#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""machines.py PROGRAM VITRINECTL PICTURES NAME: machines are made, deleted and had back, paused, crashed, unlocked, imported and cloned;
and what the performance page says, as TAP."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, wait  # noqa: E402
from ui import choose, new_machine_by_keyboard, ok, part  # noqa: E402


def make_delete_undo(d):
    image = d.folder / "disc.iso"
    image.write_bytes(b"not really a disc" * 4096)
    d.start([d.program])
    title = new_machine_by_keyboard(d, image)
    window = d.window(title)
    d.find(window, "canvas", "Screen of the machine")
    d.wait_state(title, "running")
    d.picture("machine")
    ok("a machine is made from an image and started by keyboard alone")
    d.key("a")
    wait("the key arrives", lambda: "+30 -30" in d.screen_text(window))
    ok("keys go to the machine by their position")
    d.key("F10", "alt+f")
    wait("F10 is the guest's", lambda: "+68 -68" in d.screen_text(window))
    d.chord("ctrl", "alt")
    wait("keys are let go", lambda: "released" in d.screen_text(window))
    d.key("F10")
    d.find(window, "push button", "Details")
    ok("Ctrl+Alt gives the keyboard back, and F10 opens the menu then")
    d.key("Escape")
    d.ctl("stop", "--force", title)
    d.no_window(title)
    d.wait_state(title, "off")
    library = d.window("Vitrine")
    card = d.find(library, "list item", lambda text: text.startswith(title + ","))
    card.grabFocus()
    d.key("Delete")
    d.find(library, "push button", "Undo")
    d.picture("undo")
    wait("it is gone", lambda: d.state(title) is None)
    d.press(library, "Undo")
    d.find(library, "list item", lambda text: text.startswith(title + ","))
    d.wait_state(title, "off")
    ok("a deleted machine comes back by Undo")


def made_not_started(d):
    """The program that runs machines is not there: the machine is made all the same, and the wizard does not offer to make it again."""
    image = d.folder / "disc.iso"
    image.write_bytes(b"not really a disc" * 4096)
    d.start([d.program], env={**os.environ, "VITRINE_PROGRAM": "/nowhere/vitrine"})
    title = new_machine_by_keyboard(d, image)
    d.no_window("New Machine")
    library = d.window("Vitrine")
    d.says(library, "was made, but did not start")
    d.find(library, "list item", lambda text: text.startswith(f"{title}, Powered off"))
    d.picture("made-not-started")
    ok("a machine that does not start is made, and why it does not is told in the library")


def pause_close_suspend(d):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    d.start([d.program])
    library = d.window("Vitrine")
    d.click(d.find(library, "list item", lambda text: text.startswith("Card,")))
    window = d.window("Card")
    d.wait_state("Card", "running")
    d.click(d.find(window, "push button", "Pause"))
    d.wait_state("Card", "paused")
    d.picture("paused")
    d.click(d.find(window, "push button", "Resume"))
    d.wait_state("Card", "running")
    ok("the mouse starts, pauses and resumes a machine")
    d.chord("ctrl", "alt")
    d.key("ctrl+w")
    d.find(window, "push button", "Suspend")
    d.picture("close-question")
    ok("closing asks inside the window, and keeps the guest meanwhile")
    d.press(window, "Suspend")
    d.no_window("Card")
    d.wait_state("Card", "off")
    d.find(library, "list item", "Card, Suspended")
    d.ctl("start", "Card")
    window = d.window("Card")
    wait("the card goes on", lambda: "restored" in d.screen_text(window))
    ok("a suspended machine goes on where it was")
    d.ctl("save", "Card")
    if d.state("Card") != "off":
        raise Missing("a machine that was suspended from a terminal is not off")
    d.find(library, "list item", "Card, Suspended")
    if "not running" not in d.ctl("save", "Card", ok=False).stderr:
        raise Missing("a machine that is off is suspended")
    d.ctl("set", "Card", "description=Asleep")
    if "suspended" not in d.ctl("set", "Card", "memory=2G", ok=False).stderr:
        raise Missing("a suspended machine gets other memory")
    d.ctl("start", "Card")
    window = d.window("Card")
    wait("the card goes on again", lambda: "restored" in d.screen_text(window))
    ok("so does one that was suspended from a terminal")
    second = d.ctl("start", "Card", ok=False)
    if second.returncode != 0:
        raise Missing(f"a second start: {second.stderr}")
    windows = [w for a in d.tree.root.children for w in a.children if w.name == "Card"]
    if len(windows) != 1:
        raise Missing(f"{len(windows)} windows after a second start")
    ok("a second start shows the window there is")


def suspend_slowly(d):
    """A machine with much memory: how far it is shows, it can be called off, and the window may go meanwhile."""
    os.environ["VITRINE_TEST_CARD_SAVE_MS"] = "6000"
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    uuid = d.ctl("create", "Card", "--kernel", kernel).split()[-1]
    state = d.machines / uuid / "suspended.state"
    library = d.start([d.program]) and d.window("Vitrine")
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    d.chord("ctrl", "alt")
    d.key("ctrl+w")
    d.press(window, "Suspend")
    bar = d.find(window, "progress bar", "Progress")
    wait("the window shows how far it is, while it is being written", lambda: 0.1 < bar.value < 1)
    d.find(library, "list item", "Card, Suspending")
    d.wait_state("Card", "suspending")
    if "not running" not in d.ctl("pause", "Card", ok=False).stderr:
        raise Missing("a machine that is being suspended is paused")
    if "already" not in d.ctl("save", "Card", ok=False).stderr:
        raise Missing("a machine is suspended twice")
    d.picture("suspending")
    ok("how far it is shows, and the window answers meanwhile")
    d.press(window, "Cancel")
    d.wait_state("Card", "running")
    d.find(window, "canvas", "Screen of the machine")
    if state.exists():
        raise Missing("something is left of what was called off")
    ok("it can be called off, and goes on")
    saving = subprocess.Popen([d.vitrinectl, "save", "Card"], stderr=subprocess.PIPE, text=True)
    d.wait_state("Card", "suspending")
    d.active(window)
    d.key("alt+F4")
    d.no_window("Card")
    d.wait_state("Card", "suspending")
    if saving.wait(30) != 0 or not state.exists():
        raise Missing(f"with its window closed, it was not suspended: {saving.stderr.read()}")
    d.find(library, "list item", "Card, Suspended")
    ok("its window may be closed meanwhile")
    d.ctl("start", "Card")
    window = d.window("Card")
    wait("the card goes on", lambda: "restored" in d.screen_text(window))
    state.mkdir()
    saving = subprocess.Popen([d.vitrinectl, "save", "Card"], stderr=subprocess.PIPE, text=True)
    d.wait_state("Card", "suspending")
    d.active(window)
    d.key("alt+F4")
    d.no_window("Card")
    window = d.window("Card")
    d.says(window, "suspended.state")
    if saving.wait(30) == 0 or "suspended.state" not in saving.stderr.read():
        raise Missing("what cannot be written is not told to the terminal")
    d.wait_state("Card", "running")
    d.picture("could-not-suspend")
    state.rmdir()
    ok("one that cannot be written comes back with its window, which says why, and goes on")


def suspend_engine(d):
    """With the engine: it computes on where it was, with what it had."""
    d.ctl("create", "Card", "--kernel", os.environ["VITRINE_UI_KERNEL"], "--memory", "256M")
    d.start([d.program])
    library = d.window("Vitrine")

    def guest_seconds():
        return float(re.search(r"Guest time: *([\d.]+) s", d.ctl("stat", "Card"))[1])
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    wait("the guest has computed for a while", lambda: guest_seconds() > 3)
    d.chord("ctrl", "alt")
    d.key("ctrl+w")
    d.press(window, "Suspend")
    d.no_window("Card")
    d.find(library, "list item", "Card, Suspended")
    d.ctl("start", "Card")
    d.window("Card")
    d.wait_state("Card", "running")
    first = guest_seconds()
    if first < 3:
        raise Missing(f"the guest began anew: {first} s")
    wait("the guest computes on", lambda: guest_seconds() > first)
    if list(d.machines.glob("*/suspended.state*")):
        raise Missing("a state that was used is still there")
    ok("a machine of the engine is suspended and goes on")
    d.ctl("save", "Card")
    state = next(d.machines.glob("*/suspended.state"))
    whole = state.read_bytes()
    state.write_bytes(whole[:len(whole) // 2])
    if "is damaged" not in d.ctl("start", "Card", ok=False).stderr:
        raise Missing("a state that is cut short is not told to the terminal")
    d.says(d.window("Card"), "The suspended machine cannot go on")
    if not state.exists():
        raise Missing("a state that could not be used is gone")
    ok("a state that is cut short is told, and kept")


def crash(d):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    victim = d.ctl("create", "Victim", "--kernel", kernel)
    d.ctl("create", "Bystander", "--kernel", kernel)
    program = d.start([d.program])
    library = d.window("Vitrine")
    for name in ("Victim", "Bystander"):
        d.ctl("start", name)
    d.find(library, "list item", "Victim, Running")
    d.find(library, "list item", "Bystander, Running")
    os.kill(d.pid(victim), signal.SIGSEGV)
    began = time.monotonic()
    d.find(library, "list item", "Victim, Crashed", 5)
    restart = d.find(library, "push button", "Restart", 5)
    d.picture("crashed")
    ok(f"a machine that died is shown as crashed, with a restart ({time.monotonic() - began:.1f} s)")
    if program.poll() is not None or d.state("Bystander") != "running":
        raise Missing("the library or the other machine did not survive")
    d.find(library, "list item", "Bystander, Running")
    ok("the library and the other machine go on")
    restart.doActionNamed("click")
    d.find(library, "list item", "Victim, Running")
    ok("the restart works")


def windows_11_medium(path):
    """What libosinfo looks at: the volume descriptor, and a boot record behind it (ECMA-119)."""
    def text(value, room):
        return value.encode().ljust(room)
    descriptor = bytearray(2048)
    descriptor[0:7] = b"\1CD001\1"
    descriptor[40:72] = text("CCCOMA_X64FRE_EN-US_DV9", 32)
    descriptor[80], descriptor[87], descriptor[129], descriptor[130] = 20, 20, 8, 8
    descriptor[318:446] = text("MICROSOFT CORPORATION", 128)
    boot = (b"\0CD001\1EL TORITO SPECIFICATION").ljust(2048, b"\0")
    path.write_bytes(bytes(16 * 2048) + bytes(descriptor) + boot + bytes(2 * 2048))


def secure_boot(d):
    image = d.folder / "windows.iso"
    windows_11_medium(image)
    d.start([d.program])
    title = new_machine_by_keyboard(d, image)
    definition = d.ctl("dumpxml", title)
    if not re.search(r"<feature enabled=.yes. name=.secure-boot./>", definition) or "<smm state=" not in definition:
        raise Missing(f"{title}: no Secure Boot in the definition:\n{definition}")
    ok("the wizard proposes UEFI with Secure Boot for Windows 11")
    d.ctl("create", "Other", "--firmware", "secure-boot")
    if "secure-boot" not in d.ctl("dumpxml", "Other"):
        raise Missing("vitrinectl create --firmware secure-boot: not in the definition")
    ok("vitrinectl makes such machines, too")


def bad_input(d):
    disk = d.folder / "missing.raw"
    disk.write_bytes(b"\0" * 4096)
    d.ctl("create", "No disk", "--disk", disk)
    disk.unlink()
    broken = d.machines / "11111111-2222-3333-4444-555555555555"
    broken.mkdir(parents=True)
    (broken / "domain.xml").write_text("<domain><name>half")
    d.start([d.program])
    library = d.window("Vitrine")
    d.find(library, "list item", lambda text: text.endswith("Damaged definition"))
    ok("a damaged definition is shown as such")
    refused = d.ctl("start", "No disk", ok=False)
    if refused.returncode != 1 or "missing.raw" not in refused.stderr:
        raise Missing(f"vitrinectl start: {refused.returncode} {refused.stderr}")
    window = d.window("No disk")
    d.says(window, "missing.raw")
    d.picture("missing-disk")
    ok("a missing disk is named, in the window and on the terminal")
    disk.write_bytes(b"\0" * 4096)
    d.press(window, "Try Again")
    d.wait_state("No disk", "running")
    ok("once it is there, Try Again starts the machine")


def passphrase(d):
    """A real machine on an encrypted disk: its passphrase is asked for until it is right, or nothing is started."""
    key, disk = d.folder / "key", d.folder / "secret.luks"
    key.write_text("correct horse")
    d.ctl("image", "create", "--format", "luks", "--key-file", key, "--iteration-time", "50", disk, "8M")
    uuid = d.ctl("create", "Locked", "--disk", f"{disk},format=luks").strip()
    d.start([d.program, f"--machine={uuid}"])
    dialog = d.window("Unlock Disk")
    d.focused(dialog, "password text")
    d.says(dialog, "secret.luks")
    d.type("wrong horse")
    d.picture("asked")
    d.key("Return")
    d.says(dialog, "This passphrase is wrong")
    d.picture("wrong")
    ok("a wrong passphrase is told, and asked for again")
    d.press(dialog, "Cancel")
    window = d.window("Locked")
    d.says(window, "needs its passphrase")
    ok("without a passphrase nothing starts, and the window says so")
    d.press(window, "Try Again")
    dialog = d.window("Unlock Disk")
    d.focused(dialog, "password text")
    d.type("correct horse")
    d.key("Return")
    d.wait_state("Locked", "running")
    d.no_window("Unlock Disk")
    ok("the right one starts the machine")


def import_machines(d):
    """An OVA becomes a machine while its progress shows; one that is stopped leaves nothing; one that is broken says so."""
    disk, archive, broken, large = (d.folder / name for name in ("disk.raw", "appliance.ova", "broken.ova", "large.ova"))
    images = d.machines.parent / "images"
    disk.write_bytes(os.urandom(1 << 20) + bytes(7 << 20))
    d.ctl("create", "Appliance", "--disk", disk, "--memory", "96M")
    d.ctl("export", "Appliance", archive)
    with open(disk, "wb") as file:
        for _ in range(400):
            file.write(os.urandom(1 << 20))
    d.ctl("export", "Appliance", large)
    d.ctl("delete", "Appliance")
    disk.unlink()
    broken.write_bytes(archive.read_bytes()[:600_000])
    d.start([d.program])
    library = d.window("Vitrine")
    d.press(library, "Import…")
    choose(d, "Import a Machine", archive, "Import")
    d.window("Settings of Appliance")
    d.picture("imported")
    ok("an OVA that the person chooses becomes a machine, whose settings come up")
    d.key("Escape")
    d.no_window("Settings of Appliance")
    before = sorted(images.iterdir())
    for path, what in ((broken, "cut short"), (large, None)):
        d.active(library)
        d.key("F10")
        d.press(library, "Import…")
        choose(d, "Import a Machine", path, "Import")
        if what is not None:
            d.says(library, what)
            ok("a broken one is told")
            continue
        dialog = d.window("Import")
        d.picture("progress")
        d.press(dialog, "Cancel")
        d.no_window("Import")
    if sorted(images.iterdir()) != before or d.ctl("list").count("Appliance") != 1:
        raise Missing(f"left behind: {set(images.iterdir()) - set(before)}")
    ok("one that is stopped leaves nothing")


def clone(d):
    """From the menu of its card in the library."""
    def dialog():
        library = d.window("Vitrine")
        d.press(library, "Actions for Box", "toggle button")
        d.press(library, "Clone…")
        return d.window("Clone Box")

    d.ctl("create", "Box", "--disk-size", "64M")
    images = d.machines.parent / "images"
    d.start([d.program])
    d.window("Vitrine")
    window = dialog()
    name = part(d, window, "text", "Name")
    d.picture("clone")
    name.text = "Box"
    d.press(window, "Clone")
    d.says(window, "already")
    ok("a name that is taken is told before anything is copied")
    name.text = "Twin"
    d.press(window, "Clone")
    d.no_window("Clone Box")
    wait("the clone is in the library", lambda: "Twin" in d.ctl("list"))
    if len(list(images.iterdir())) != 2:
        raise Missing("a full clone has a disk of its own")
    ok("a full clone is made")
    window = dialog()
    part(d, window, "text", "Name").text = "Link"
    part(d, window, "toggle button", "Linked").doActionNamed("toggle")
    d.press(window, "Clone")
    d.no_window("Clone Box")
    wait("the clone is in the library", lambda: "Link" in d.ctl("list"))
    library = d.window("Vitrine")
    d.press(library, "Actions for Box", "toggle button")
    d.press(library, "Start")
    d.says(library, "“Link”")
    d.picture("clone-base")
    ok("the base of a linked clone does not start, and the clone is named")


def performance(d):
    """With a test card, or with the engine and the kernel that VITRINE_UI_KERNEL names."""
    kernel = os.environ.get("VITRINE_UI_KERNEL")
    if kernel is None:
        kernel = d.folder / "kernel"
        kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    d.start([d.program])
    d.window("Vitrine")
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    d.find(window, "canvas", "Screen of the machine")
    d.chord("ctrl", "alt")
    tab = d.find(window, "radio button", "Performance")
    def tabbed():
        if not tab.focused:
            d.key("Tab")
        return tab.focused
    wait("Tab reaches the view “Performance”", tabbed)
    d.key("space")
    def looked_at(chart):
        """A guest that only computes leaves translated code when somebody looks at its screen: seen for one second's figure."""
        d.ctl("screenshot", "Card", d.folder / "look.png")
        end = time.monotonic() + 1.5
        while chart.value <= 0 and time.monotonic() < end:
            time.sleep(0.05)
        return chart.value > 0

    speed = d.find(window, "chart", "Guest Instructions")
    wait("instructions are counted", lambda: speed.value > 0)
    ok("the keyboard opens the page, and it shows how fast the guest is")
    for name in ("In Translated Code", "Host Processors", "Host Memory", "TLB Fills", "Exits from Translated Code"):
        chart = next(node for node in d.walk(window) if node.roleName == "chart" and node.name == name)
        wait(f"“{name}” has a value", lambda chart=chart: chart.value > 0 or looked_at(chart), 60)
    for chart in ("Guest Instructions", "TLB Fills"):
        node = d.find(window, "chart", chart)
        first = node.value
        wait(f"“{chart}” moves", lambda node=node, first=first: node.value != first)
    d.says(window, "MIPS")
    d.says(window, "Accelerator")
    ok("each figure has a name and a value for screen readers, and they move")
    def in_chart():
        focused = [node for node in d.walk(window) if node.roleName == "chart" and node.focused]
        if not focused:
            d.key("Tab")
        return focused
    wait("Tab reaches a graph", in_chart)
    ok("graphs can be reached by keyboard")
    d.picture("performance")
    counting = "not counted from the start"
    if counting not in d.ctl("stat", "Card"):
        raise Missing("instructions are not counted while the page is open")
    d.press(window, "Screen", "radio button")
    wait("counting ends with the page", lambda: counting not in d.ctl("stat", "Card"))
    before = speed.value
    time.sleep(2.5)
    if speed.value != before:
        raise Missing("a hidden page goes on sampling")
    ok("what nobody sees is not measured")


if __name__ == "__main__":
    ui.run({
        "make-delete-undo": (make_delete_undo, None),
        "made-not-started": (made_not_started, None),
        "pause-close-suspend": (pause_close_suspend, None),
        "suspend-slowly": (suspend_slowly, None),
        "suspend-engine": (suspend_engine, None),
        "crash": (crash, None),
        "bad-input": (bad_input, None),
        "secure-boot": (secure_boot, None),
        "passphrase": (passphrase, None),
        "import": (import_machines, None),
        "clone": (clone, None),
        "performance": (performance, None),
    })
