#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""files.py PROGRAM VITRINECTL PICTURES NAME: files that the person chooses, sends and drops, as TAP."""
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import ui  # noqa: E402
from desktop import Missing, wait  # noqa: E402
from ui import choose, menu, ok  # noqa: E402


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


if __name__ == "__main__":
    ui.run({
        "chosen-files": (chosen_files, None),
        "sent-files": (sent_files, None),
        "dropped-files": (dropped_files, None),
    })
