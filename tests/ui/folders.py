#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""folders.py PROGRAM VITRINECTL PICTURES NAME: folders are shared in a machine's settings, and a Linux guest mounts them, as TAP."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linuxbox                                # noqa: E402
import ui                                      # noqa: E402
from desktop import Missing, wait              # noqa: E402
from linuxbox import PROMPT                    # noqa: E402
from ui import choose, ok, part, settings_of   # noqa: E402

COMMAND = "mount -t 9p -o trans=virtio {} /mnt"


def shared(d, window, name):
    return part(d, window, "list item", f"Shared folder {name}")


def share(d, window, path, name):
    """By the button and the file dialog; returns its row, which is open."""
    part(d, window, "push button", "Add Shared Folder…").doActionNamed("click")
    choose(d, "Share a Folder", path, "Share")
    return shared(d, window, name)


def lacks(d, window, words):
    wait(f"no “{words}”", lambda: not any(words in node.name and node.showing for node in d.walk(window)))


def added(d, pictures, papers, definition):
    window = settings_of(d, "Box")
    row = share(d, window, pictures, "My-Pictures")
    d.says(row, COMMAND.format("My-Pictures"))
    part(d, row, "push button", "Copy the command").doActionNamed("click")
    d.picture("folder-added")
    pasted = subprocess.run(["xclip", "-o", "-selection", "clipboard"], capture_output=True, text=True, check=False) if shutil.which("xclip") else None
    if pasted is not None and pasted.stdout != COMMAND.format("My-Pictures"):
        raise Missing(f"copied was {pasted.stdout}")
    part(d, window, "push button", "Remove Shared folder My-Pictures").doActionNamed("click")
    d.says(window, "Shared folder My-Pictures removed")
    d.press(window, "Undo")
    shared(d, window, "My-Pictures")
    ok("a folder is chosen, gets a name, is removed and had back")
    row = share(d, window, papers, "papers")
    part(d, row, "toggle button", "Read-only").doActionNamed("toggle")
    wait("it says read-only", lambda: "read-only" in shared(d, window, "papers").description)
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    text = definition.read_text()
    if not re.search(rf'<source dir="{pictures}"/>\s*<target dir="My-Pictures"/>\s*</filesystem>', text) or \
            not re.search(rf'<source dir="{papers}"/>\s*<target dir="papers"/>\s*<readonly/>', text):
        raise Missing(text)
    if shutil.which("virt-xml-validate") and subprocess.run(["virt-xml-validate", definition, "domain"], capture_output=True, check=False).returncode != 0:
        raise Missing(f"libvirt does not take {text}")
    ok("Apply writes them, as libvirt has them")


def warned(d, pictures, definition):
    """What a person should know is said in the row, and nothing is in the way but what cannot be."""
    before = definition.read_text()
    window = settings_of(d, "Box")
    row = share(d, window, pictures, "My-Pictures-2")
    path, name = part(d, row, "text", "Folder"), part(d, row, "text", "Name in the guest")
    path.text = "/"
    d.says(window, "everything in your home folder")
    d.picture("folder-broad")
    part(d, row, "toggle button", "Read-only").doActionNamed("toggle")
    lacks(d, window, "everything in your home folder")
    path.text = str(pictures / "not here")
    d.says(window, "is not there. Choose another one")
    wait("the row says so, too", lambda: "Not there" in shared(d, window, "My-Pictures-2").description)
    d.picture("folder-missing")
    path.text = str(pictures)
    lacks(d, window, "is not there")
    for wrong, problem in (("papers", "Two shared folders are called “papers”"), ("two words", "is no name for a shared folder"), ("", "needs a name")):
        name.text = wrong
        d.press(window, "Apply")
        d.says(window, problem)
    name.text = "other"
    part(d, window, "push button", "Remove Shared folder other")
    path.text = ""
    d.press(window, "Apply")
    d.says(window, "choose a folder")
    d.picture("folder-refused")
    d.active(window)
    d.key("Escape")
    d.no_window("Settings of Box")
    if definition.read_text() != before:
        raise Missing("what nobody said yes to was written")
    ok("the home folder, a folder that is gone and a wrong name are told in the window")


def mounted(console, pictures, papers):
    console.command("stty cols 200", PROMPT, 30)
    answer = console.command(COMMAND.format("My-Pictures") + " && cat /mnt/hello.txt", PROMPT, 60)
    if "from the host" not in answer:
        raise Missing(answer)
    console.command("echo from the guest > /mnt/new.txt; sync", PROMPT, 30)
    if (pictures / "new.txt").read_text() != "from the guest\n":
        raise Missing("the host does not see what the guest has written")
    ok("the guest mounts it by that command, reads it, and writes into it")
    answer = console.command("ln -s ../secret.txt /mnt/mine; cat /mnt/out/secret.txt /mnt/mine /mnt/out.txt /mnt/../secret.txt; ls /mnt/out/", PROMPT, 30)
    if "keep out" in answer or papers.name in answer or "proc" not in answer or not (pictures / "mine").is_symlink():
        raise Missing(answer)
    ok("no symbolic link leads out of it, whoever made it")
    console.command("umount /mnt", PROMPT, 30)
    answer = console.command(COMMAND.format("papers") + " && cat /mnt/paper; echo x > /mnt/paper; echo x > /mnt/other; rm /mnt/paper; mkdir /mnt/sub", PROMPT, 60)
    if "a paper" not in answer or answer.count("Read-only file system") != 4:
        raise Missing(answer)
    if (papers / "paper").read_text() != "a paper\n" or len(list(papers.iterdir())) != 1:
        raise Missing("a guest has written into a folder that is read-only")
    console.command("umount /mnt", PROMPT, 30)
    ok("a folder that is read-only is not written, changed or deleted")


def while_it_runs(d, definition, folder):
    d.window("Box")
    d.chord("ctrl", "alt")
    window = settings_of(d, "Box")
    row = shared(d, window, "My-Pictures")
    remove = part(d, window, "push button", "Remove Shared folder My-Pictures")
    if remove.sensitive or part(d, row, "text", "Folder").sensitive or not part(d, row, "push button", "Copy the command").sensitive:
        raise Missing("what the machine has can be changed while it runs")
    share(d, window, folder, folder.name)
    wait("it waits for the next start", lambda: "at the next start" in shared(d, window, folder.name).description)
    d.picture("folder-running")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if str(folder) not in definition.read_text():
        raise Missing("it is not in the definition")
    ok("while the machine runs, a folder is for its next start, and the window says so")
    before = definition.read_text()
    for words in (("attach-folder", "Box", "/srv"), ("detach-folder", "Box", "papers")):
        if "--config" not in d.ctl(*words, ok=False).stderr or definition.read_text() != before:
            raise Missing(f"a running machine takes {words}")
    d.ctl("detach-folder", "Box", folder.name, "--config")
    if str(folder) in definition.read_text():
        raise Missing("the folder is still in the definition")
    ok("a terminal refuses that, or does it for the next start")


def gone(d, papers):
    """It says which one, and starts again once there is another."""
    papers.rename(papers.parent / "moved")
    if "Shared folder “papers”: The folder" not in d.ctl("start", "Box", ok=False).stderr:
        raise Missing("a terminal does not say what is wrong")
    window = d.window("Box")
    d.says(window, "Shared folder “papers”: The folder")
    d.picture("folder-gone")
    d.active(window)
    subprocess.run(["xdotool", "search", "--name", "^Box$", "windowclose"], check=False)
    d.no_window("Box")
    window = settings_of(d, "Box")
    row = shared(d, window, "papers")
    wait("the row says so", lambda: "Not there" in shared(d, window, "papers").description)
    part(d, row, "text", "Folder").text = str(papers.parent / "moved")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    linuxbox.start(d)
    ok("a machine whose folder is gone says which one, and starts with another")


def folders(d):
    pictures, papers, extra = (d.folder / name for name in ("My Pictures", "papers", "extra"))
    for path in (pictures, papers, extra):
        path.mkdir()
    (d.folder / "secret.txt").write_text("keep out\n")
    (pictures / "hello.txt").write_text("from the host\n")
    (papers / "paper").write_text("a paper\n")
    uuid = linuxbox.create(d)
    definition = d.machines / uuid / "domain.xml"
    d.start([d.program])
    d.window("Vitrine")
    added(d, pictures, papers, definition)
    warned(d, pictures, definition)
    (pictures / "out").symlink_to("..")       # not before: the file dialog would offer it as a folder
    (pictures / "out.txt").symlink_to(d.folder / "secret.txt")
    linuxbox.start(d)
    with linuxbox.console(d) as console:
        mounted(console, pictures, papers)
        while_it_runs(d, definition, extra)
    d.ctl("stop", "--force", "Box")
    d.no_window("Box")
    gone(d, papers)


if __name__ == "__main__":
    ui.run({"folders": (folders, "virtio")})
