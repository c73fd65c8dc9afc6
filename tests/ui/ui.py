#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ui.py PROGRAM VITRINECTL PICTURES NAME: one walk through the application, as a person would take it, as TAP.

PROGRAM is vitrine, or vitrine-test-card where the computer does not matter. PICTURES keeps screenshots."""
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import desktop                                   # noqa: E402
from desktop import Desktop, Missing, Skip, wait  # noqa: E402
from xcursor import cursor                       # noqa: E402

TOP = Path(__file__).resolve().parent.parent.parent
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
    name = d.find(wizard, "text", "Name")
    wait("a name is proposed", lambda: name.text)
    title = name.text
    d.picture("wizard-machine")
    d.key("Return")
    d.find(wizard, "push button", "Create")
    d.picture("wizard-summary")
    d.key("Return")
    return title


# --- with a test card ---

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
    second = d.ctl("start", "Card", ok=False)
    if second.returncode != 0:
        raise Missing(f"a second start: {second.stderr}")
    windows = [w for a in d.tree.root.children for w in a.children if w.name == "Card"]
    if len(windows) != 1:
        raise Missing(f"{len(windows)} windows after a second start")
    ok("a second start shows the window there is")


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
    uuid = d.ctl("create", "Locked", "--disk", disk).strip()
    definition = d.machines / uuid / "domain.xml"
    text = definition.read_text()
    text, n = re.subn(r"(<source file=[^>]*secret.luks[^>]*/>)", r"\1<encryption format='luks'/>", text)
    if n != 1:
        raise Missing(f"no disk in {text}")
    definition.write_text(text)
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


def menu(d, window, item):
    """A point of the window's main menu."""
    d.active(window)
    d.chord("ctrl", "alt")
    d.key("F10")
    d.press(window, item)


def chosen_files(d):
    first, second, picture = d.folder / "first.iso", d.folder / "second.iso", d.folder / "picture.png"
    first.write_bytes(b"1" * 4096)
    second.write_bytes(b"2" * 8192)
    d.ctl("create", "Card", "--cdrom", first)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    menu(d, window, "Insert CD…")
    choose(d, "Insert CD", second, "Insert")
    wait("the new CD", lambda: "CD second.iso 8192" in d.screen_text(window))
    d.picture("cd-inserted")
    ok("a CD that the person chooses is inserted, from any folder")
    menu(d, window, "Eject CD")
    wait("no CD", lambda: "CD ejected" in d.screen_text(window))
    ok("it is ejected")
    menu(d, window, "Insert CD…")
    d.window("Insert CD")
    d.key("Escape")
    d.no_window("Insert CD")
    ok("the person may change their mind")
    menu(d, window, "Save Screenshot…")
    choose(d, "Save Screenshot", picture, "Save")
    wait("the picture", lambda: picture.read_bytes().startswith(b"\x89PNG"))
    d.says(window, "picture.png")
    d.picture("screenshot-saved")
    ok("a screenshot is saved where the person wants it")
    menu(d, window, "Insert CD…")
    d.window("Insert CD")
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")
    d.no_window("Insert CD")
    ok("the dialog goes with its machine")


def sent_words(path):
    """How the test card's agent tells of a file that it has got."""
    data = path.read_bytes()
    return f"file {path.name} {len(data)} {hashlib.md5(data).hexdigest()}"


def card_with_agent(d, append="agent"):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--append", append, "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.wait_state("Card", "running")
    return window


def entry(d, window, part):
    """A point of the open menu, sensitive or not."""
    return d.find(window, "push button", lambda text: text.startswith(part))


def send_by_terminal(d, window, letter, refused):
    second = d.folder / "second.txt"
    second.write_bytes(os.urandom(200_000))
    d.ctl("send-files", "Card", second, letter)
    wait("both files", lambda: sent_words(second) in d.screen_text(window) and d.screen_text(window).count(sent_words(letter)) == 2)
    done = d.ctl("send-files", "Card", refused, d.folder, ok=False)
    if done.returncode != 1 or f"“{d.folder.name}” is a folder" not in done.stderr or "“refused.txt”" not in done.stderr:
        raise Missing(f"send-files: {done.returncode} {done.stderr}")
    ok("files are sent from a terminal, and each that is not is named")
    stuck = d.folder / "stuck.too"
    stuck.write_bytes(b"never")
    before = d.screen_text(window).count("file cancelled")
    with subprocess.Popen([d.vitrinectl, "send-files", "Card", stuck], stderr=subprocess.PIPE, text=True) as sender:
        button = d.find(window, "push button", "Cancel Sending Files")
        sender.send_signal(signal.SIGINT)
        said = sender.communicate(timeout=20)[1]
    wait("the guest hears of it", lambda: d.screen_text(window).count("file cancelled") == before + 1)
    wait("the progress goes", lambda: not button.showing)
    if sender.returncode != 1 or "cancelled" not in said:
        raise Missing(f"send-files: {sender.returncode} {said}")
    ok("the window shows what a terminal sends, and Ctrl+C there ends it")


def sent_files(d):
    letter, refused, stuck = d.folder / "letter.txt", d.folder / "refused.txt", d.folder / "stuck.bin"
    letter.write_bytes(os.urandom(300_000))
    refused.write_bytes(b"no")
    stuck.write_bytes(b"never")
    window = card_with_agent(d)
    menu(d, window, "Send Files…")
    choose(d, "Send Files", letter, "Send")
    wait("the file, byte for byte", lambda: sent_words(letter) in d.screen_text(window))
    d.says(window, "1 file is on the guest’s desktop")
    d.picture("sent")
    ok("a file that the person chooses is sent, from any folder, and its arrival is told")
    menu(d, window, "Send Files…")
    choose(d, "Send Files", refused, "Send")
    d.says(window, "could not write “refused.txt”")
    d.picture("refused")
    ok("one that the guest could not write is named")
    menu(d, window, "Send Files…")
    choose(d, "Send Files", stuck, "Send")
    button = d.find(window, "push button", "Cancel Sending Files")
    wait("the progress", lambda: button.description == "0 %")
    d.picture("sending")
    d.click(button)
    wait("the guest hears of it", lambda: "file cancelled" in d.screen_text(window))
    wait("the progress goes", lambda: not button.showing)
    ok("what takes long shows its progress, and can be cancelled")
    send_by_terminal(d, window, letter, refused)
    d.ctl("stop", "--force", "Card")
    d.no_window("Card")
    d.ctl("delete", "Card")
    window = card_with_agent(d, "plain")
    d.active(window)
    d.chord("ctrl", "alt")
    d.key("F10")
    point = entry(d, window, "Send Files…")
    if point.sensitive or "spice-vdagent" not in point.name:
        raise Missing(f"{point.name}, sensitive: {point.sensitive}")
    d.picture("no-agent")
    ok("without an agent the menu says why there is nothing to send to")


def drag(d, window):
    """From the window of files onto the machine's screen, as a hand does."""
    source, canvas = d.window("Files to Drag"), d.find(window, "canvas", "Screen of the machine")
    (x, y), (width, height) = source.position, source.size
    left, top = canvas.position
    d.mouse("mousemove", str(x + width // 2), str(y + height // 2), "mousedown", "1")
    for step in range(1, 11):
        d.mouse("mousemove_relative", "--", "3", "3", "sleep", "0.03")
    d.mouse("mousemove", str(left + 300), str(top + 200), "sleep", "0.2", "mousemove_relative", "--", "5", "5", "sleep", "0.2", "mouseup", "1")


def dropped_files(d):
    letter, other, folder = d.folder / "letter.txt", d.folder / "odd\nname.bin", d.folder / "a folder"
    letter.write_bytes(os.urandom(70_000))
    other.write_bytes(b"other")
    folder.mkdir()
    link = d.folder / "harmless.txt"
    link.symlink_to(letter)
    window = card_with_agent(d)
    with subprocess.Popen([os.environ["VITRINE_UI_DRAG_SOURCE"], link.as_uri(), other.as_uri(), folder.as_uri()]) as source:
        try:
            drag(d, window)
            dialog = d.window("Send Files")
            d.says(dialog, "Send 2 files to the guest?")
            d.says(dialog, str(letter))
            d.says(dialog, "odd\ufffdname.bin")      # not a second one
            d.picture("asked")
            ok("files that are dropped on the screen are asked for, by where they really are")
            d.press(dialog, "Cancel")
            d.no_window("Send Files")
            d.says(window, "“a folder” is a folder")
            if "file " in d.screen_text(window):
                raise Missing("something was sent")
            ok("nothing is sent without the person's word, and a folder is refused")
            drag(d, window)
            d.press(d.window("Send Files"), "Send")
            wait("both files", lambda: all(sent_words(path) in d.screen_text(window) for path in (letter, other)))
            d.picture("dropped")
            ok("with it they arrive, byte for byte")
        finally:
            source.terminate()


def pointer(d, window):
    """Where the guest's mouse has got to, and its buttons."""
    x, y, buttons = re.search(r"mouse (-?\d+),(-?\d+)  0x(\d+)", d.screen_text(window)).groups()
    return int(x), int(y), int(buttons, 16)


def host_pointer(d):
    said = subprocess.run(["xdotool", "getmouselocation", "--shell"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return tuple(int(re.search(rf"{axis}=(\d+)", said).group(1)) for axis in "XY")


def steady(node):
    """It stays where it is."""
    before = node.position
    time.sleep(0.3)
    return node.position == before


def pointer_grab(d):
    kernel = d.folder / "kernel"
    kernel.write_bytes(b"k" * 512)
    d.ctl("create", "Card", "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    d.active(window)
    canvas = d.find(window, "canvas", "Screen of the machine")
    wait("the window has the guest's size, and its place", lambda: canvas.size == (800, 600) and steady(canvas))
    d.click(canvas)
    wait("the host's pointer is hidden", lambda: not any(cursor()[3]))
    if pointer(d, window)[2] != 0:
        raise Missing("the click that takes the pointer reached the guest")
    ok("the first click takes the pointer, and only that")
    for step in range(1, 13):
        for _ in range(5):      # several at once, which come in merged; but not so many that the host's pointer meets an edge
            d.mouse("mousemove_relative", "--", "40", "-15")
        wait("the motion arrives, and nothing else", lambda: pointer(d, window)[:2] == (200 * step, -75 * step))
    before = pointer(d, window)
    for place in (("260", "90"), ("150", "200"), ("210", "140")):
        d.mouse("search", "--sync", "--onlyvisible", "--name", "^Card$", "windowmove", "--sync", *place)
    d.mouse("mousemove_relative", "--", "8", "6")
    wait("the motion arrives, and not the window's", lambda: pointer(d, window)[:2] == (before[0] + 8, before[1] + 6))
    ok("a window that moves meanwhile does not move the guest's pointer")
    (x, y), (width, height) = canvas.position, canvas.size
    at = host_pointer(d)
    if not (x <= at[0] < x + width and y <= at[1] < y + height):
        raise Missing(f"the host's pointer left the window: {at}")
    d.picture("pointer-grabbed")
    ok("it moves on without end, and the host's stays in the window")
    d.mouse("mousedown", "1")
    wait("a button", lambda: pointer(d, window)[2] == 1)
    d.mouse("mousedown", "3")
    wait("two buttons", lambda: pointer(d, window)[2] == 3)
    d.chord("ctrl", "alt")
    wait("no button", lambda: pointer(d, window)[2] == 0)
    d.mouse("mouseup", "1", "mouseup", "3")
    ok("Ctrl+Alt lets go of the buttons too")
    before = pointer(d, window)
    d.mouse("mousemove", "1270", "1000")
    if host_pointer(d) != (1270, 1000) or pointer(d, window) != before:
        raise Missing("the pointer is not the person's again")
    ok("the pointer is the person's again")
    d.click(canvas)
    d.mouse("mousemove_relative", "--", "7", "5")
    wait("the pointer is taken again", lambda: pointer(d, window)[:2] != before[:2])
    d.start([d.program])
    d.window("Vitrine")
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Vitrine$", "windowactivate")
    wait("another window is in front", lambda: not d.is_active(window))
    before = pointer(d, window)
    d.mouse("mousemove", "1270", "1000")
    if host_pointer(d) != (1270, 1000) or pointer(d, window) != before:
        raise Missing("a window in front does not get the pointer")
    ok("a window that comes to the front frees the pointer")


def escape_drill(d):
    home, kernel = d.folder / "home", d.folder / "kernel"
    home.mkdir()
    (home / "secret").write_text("secret")
    os.environ["HOME"] = str(home)
    other = d.machines / "other"
    other.mkdir(parents=True)
    (other / "domain.xml").write_text("<domain/>")
    kernel.write_bytes(b"k" * 512)
    uuid = d.ctl("create", "Card", "--kernel", kernel)
    d.ctl("start", "Card")
    window = d.window("Card")
    log = d.machines / uuid / "log"
    wait("the drill is over", lambda: "drill: over" in log.read_text())
    tried = [line for line in log.read_text().splitlines() if line.startswith("drill: ")][:-1]
    allowed = [line for line in tried if not line.endswith(": denied")]
    if allowed and "no Landlock" in log.read_text():
        raise Skip("this kernel has no Landlock")
    if len(tried) != 9 or allowed:
        raise Missing(f"not denied: {allowed} of {tried}")
    if any(part in log.read_text() for part in ("Permission denied", "CRITICAL", "WARNING")):
        raise Missing(f"the window lacks something:\n{log.read_text()}")
    ok("what a guest that broke out would try is denied in the machine's process")
    d.ctl("screenshot", "Card", d.folder / "picture.png")
    d.active(window)
    d.chord("ctrl", "alt")
    d.key("ctrl+w")
    d.press(window, "Suspend")
    d.no_window("Card")
    d.ctl("start", "Card")
    window = d.window("Card")
    wait("the card goes on", lambda: "restored" in d.screen_text(window))
    ok("pictures, saving and restoring go on working")


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
    speed = d.find(window, "chart", "Guest Instructions")
    wait("instructions are counted", lambda: speed.value > 0)
    ok("the keyboard opens the page, and it shows how fast the guest is")
    for name in ("In Translated Code", "Host Processors", "Host Memory", "TLB Fills", "Exits from Translated Code"):
        def moved(name=name):
            # A guest that only computes leaves translated code when somebody looks at its screen.
            d.ctl("screenshot", "Card", d.folder / "look.png")
            return next(node for node in d.walk(window) if node.roleName == "chart" and node.name == name).value > 0
        wait(f"“{name}” has a value", moved)
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


def to_snapshots(d, name, *options, disk_format="raw"):
    """The page “Snapshots” of a running machine, reached by keyboard."""
    uuid = d.ctl("create", name, *options).strip()
    definition = d.machines / uuid / "domain.xml"
    definition.write_text(definition.read_text().replace('type="raw"', f'type="{disk_format}"'))
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


# --- with the engine ---

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


def unfold(d, window, name):
    """As a person with a keyboard: the focus goes there, and the list scrolls to it."""
    button = part(d, window, "toggle button", name)
    button.grabFocus()
    wait(f"“{name}” has the focus, and is in sight", lambda: button.focused and d.find(window, "toggle button", name))
    button.doActionNamed("click")


def hardware(d):
    """A machine's devices, off and on. The guest only computes; what becomes of its devices is in its definition and its images."""
    disk, extra, disc = d.folder / "system.qcow2", d.folder / "extra.qcow2", d.folder / "disc.iso"
    d.ctl("image", "create", "--format", "qcow2", disk, "64M")
    d.ctl("image", "create", "--format", "qcow2", extra, "32M")
    disc.write_bytes(b"not really a disc" * 4096)
    uuid = d.ctl("create", "Box", "--kernel", os.environ["VITRINE_UI_KERNEL"], "--disk", disk).strip()
    definition = d.machines / uuid / "domain.xml"
    definition.write_text(definition.read_text().replace('type="raw"', 'type="qcow2"'))
    d.start([d.program])
    d.window("Vitrine")
    window = settings_of(d, "Box")
    part(d, window, "list item", "Disk vda")
    d.picture("hardware")
    ok("the settings list the machine's devices")
    part(d, window, "push button", "Add Network Card").doActionNamed("click")
    part(d, window, "list item", "Network card 2")
    part(d, window, "push button", "Remove Network card 2").doActionNamed("click")
    d.press(window, "Undo")
    part(d, window, "list item", "Network card 2")
    ok("a card is added, removed, and had back")
    part(d, window, "push button", "Add CD Drive").doActionNamed("click")
    part(d, window, "list item", "CD drive sda")
    part(d, window, "push button", "Add Disk Image").doActionNamed("click")
    image = part(d, part(d, window, "list item", "Disk vdb"), "text", "Image")
    image.text = str(extra)
    d.picture("hardware-added")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    text = definition.read_text()
    if text.count("<interface") != 2 or 'device="cdrom"' not in text or text.count('type="qcow2"') != 2 or str(extra) not in text:
        raise Missing(f"the definition is {text}")
    ok("Apply writes them, with the format of the image that was chosen")
    window = settings_of(d, "Box")
    row = part(d, window, "list item", "Disk vda")
    part(d, row, "spin button", "Size (GiB)").value = 1.0
    unfold(d, window, "New Disk…")
    d.press(window, "Create")
    part(d, window, "list item", "Disk vdc")
    images = list((d.machines.parent / "images").iterdir())
    d.key("Escape")
    d.no_window("Settings of Box")
    wait("the new image is gone", lambda: len(images) == 1 and not images[0].exists())
    if f"{64 << 20} bytes" not in d.ctl("image", "info", disk):
        raise Missing("the disk has grown, though nobody said yes")
    ok("what nobody says yes to leaves no image, and changes none")
    window = settings_of(d, "Box")
    row = part(d, window, "list item", "Disk vda")
    part(d, row, "spin button", "Size (GiB)").value = 1.0
    part(d, window, "toggle button", "Memory balloon").doActionNamed("toggle")
    part(d, window, "toggle button", "Sound card").doActionNamed("toggle")
    mac = part(d, part(d, window, "list item", "Network card 1"), "text", "Address (MAC)")
    mac.text = "53:54:00:12:34:56"
    d.press(window, "Apply")
    d.says(window, "is an address of many cards")
    mac.text = "52:54:00:12:34:56"
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if f"{1 << 30} bytes" not in d.ctl("image", "info", disk):
        raise Missing(d.ctl("image", "info", disk))
    if "<sound" in definition.read_text():
        raise Missing("the sound card was switched off, and is still there")
    ok("a disk grows, the sound card goes, and a wrong address is told")
    d.ctl("start", "Box")
    d.window("Box")
    d.wait_state("Box", "running")
    d.chord("ctrl", "alt")
    window = settings_of(d, "Box")
    d.says(window, "The machine is on")
    card = part(d, window, "list item", "Network card 1")
    cable = part(d, card, "toggle button", "Cable plugged in")
    fixed = part(d, card, "text", "Address (MAC)")
    if fixed.sensitive or not cable.sensitive:
        raise Missing("what can change while the machine is on is not what can")
    cable.doActionNamed("toggle")
    part(d, part(d, window, "list item", "CD drive sda"), "text", "Image").text = str(disc)
    part(d, window, "spin button", "Memory for the guest (MiB)").value = 512
    d.picture("hardware-running")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if 'state="down"' not in definition.read_text() or str(disc) not in definition.read_text():
        raise Missing(definition.read_text())
    if str(disc) not in " ".join(os.readlink(f) for f in Path(f"/proc/{d.pid(uuid)}/fd").iterdir() if f.is_symlink()):
        raise Missing("the running machine does not have the disc")
    if not re.search(f"Wanted for the guest: .*{512 << 20} bytes", d.ctl("info", "Box")):
        raise Missing(d.ctl("info", "Box"))
    ok("disc, cable and memory of a running machine change at once")


def floppies(d):
    """A PC has a cable for two."""
    kernel = os.environ["VITRINE_UI_KERNEL"]
    uuid = d.ctl("create", "Old", "--kernel", kernel).strip()
    definition = d.machines / uuid / "domain.xml"
    definition.write_text(re.sub(r'machine="[^"]*"', 'machine="pc"', definition.read_text()))
    d.start([d.program])
    d.window("Vitrine")
    window = settings_of(d, "Old")
    add = part(d, window, "push button", "Add Floppy Drive")
    add.doActionNamed("click")
    part(d, window, "list item", "Floppy drive fda")
    if not add.sensitive:
        raise Missing("a second one cannot be added")
    add.doActionNamed("click")
    part(d, window, "list item", "Floppy drive fdb")
    wait("a third cannot be added", lambda: not add.sensitive and add.description == "A machine has two floppy drives at most")
    d.picture("floppies")
    part(d, window, "push button", "Remove Floppy drive fda").doActionNamed("click")
    wait("there is room again", lambda: add.sensitive and add.description == "")
    d.press(window, "Undo")
    wait("there is none again", lambda: not add.sensitive)
    d.press(window, "Apply")
    d.no_window("Settings of Old")
    if definition.read_text().count('device="floppy"') != 2:
        raise Missing(definition.read_text())
    ok("a third floppy drive is not offered, with the reason")


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
    uuid, window = to_snapshots(d, "Qcow2", "--kernel", kernel, "--disk", qcow2, disk_format="qcow2")
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


WALKS = {
    "make-delete-undo": (make_delete_undo, None),
    "pause-close-suspend": (pause_close_suspend, None),
    "crash": (crash, None),
    "bad-input": (bad_input, None),
    "secure-boot": (secure_boot, None),
    "chosen-files": (chosen_files, None),
    "pointer-grab": (pointer_grab, None),
    "escape-drill": (escape_drill, None),
    "sent-files": (sent_files, None),
    "dropped-files": (dropped_files, None),
    "passphrase": (passphrase, None),
    "import": (import_machines, None),
    "performance": (performance, None),
    "snapshots": (snapshots, None),
    "snapshots-engine": (snapshots_engine, None),
    "floppies": (floppies, None),
    "hardware": (hardware, None),
    "clone": (clone, None),
    "installer-grub": (installer_grub, "iso"),
    "installer-debian": (installer_debian, "installer"),
}


def find_image(target):
    """The disc of a guest; the folder of one that has none."""
    path = Path(guest(target))
    images = sorted(path.glob("*.iso")) if path.is_dir() else []
    return str(images[0] if images else path)


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
    finally:
        d.end()
    print(f"1..{points + failed}", flush=True)


def run(walks, screens=None):
    try:
        main(walks, screens)
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")


if __name__ == "__main__":
    run(WALKS)
