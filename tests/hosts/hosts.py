#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.py PROGRAM VITRINECTL PICTURES NAME: walks through what a person does with libvirt hosts, as TAP."""
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "boot"))
import screentext                           # noqa: E402
import ui                                   # noqa: E402
from desktop import Missing, wait           # noqa: E402
from private import Libvirtd, node          # noqa: E402
from ui import ok                           # noqa: E402

IDLE_SECONDS = 12


def remember(d, uri, name):
    """As if the person had added it before."""
    path = d.folder / "config" / "vitrine" / "hosts.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[host1]\nuri={uri}\nname={name}\n")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(pid):
    """Pictures of what is seen have come, and AT-SPI's own work is done."""
    before = cpu_seconds(pid)
    time.sleep(1)
    return cpu_seconds(pid) - before < 0.1


def card(d, library, name, state):
    return d.find(library, "list item", f"{name}, {state}")


def choose_action(d, library, name, label, role="push button"):
    """From the menu of a card or a host."""
    d.press(library, f"Actions for {name}", "toggle button")
    d.press(library, label, role)


def text_of(d, window, name):
    return d.find(window, "text", name)


# --- libvirt's test driver ---

def five_hundred(d):
    remember(d, node(d.folder, 500), "Many")
    began = time.monotonic()
    process = d.start([d.program])
    library = d.window("Vitrine")
    d.find(library, "label", "500 machines")
    card(d, library, "machine-000", "Running")
    seconds, own = time.monotonic() - began, cpu_seconds(process.pid)
    if own > 2:      # its own time, as others may keep the computer busy
        raise Missing(f"the list was usable after {own:.1f} s of work, {seconds:.1f} s after the start")
    ok(f"a list of 500 machines is usable after {own:.2f} s of work, {seconds:.2f} s after the start of the program")
    grid = d.find(library, "table", "Machines of Many")
    last = grid.getChildAtIndex(499)
    if last.name != "machine-499, Running" or grid.childCount != 500:
        raise Missing(f"the last of {grid.childCount} is {last.name}")
    d.active(library)
    d.key("ctrl+f")
    d.type("machine-499")
    wait("the search shows the last one", lambda: last.showing and not grid.getChildAtIndex(0).showing)
    d.key("Escape")
    wait("and then all again", lambda: grid.getChildAtIndex(0).showing)
    ok("one of them is found by its name")
    d.picture("five-hundred")
    wait("it has settled", lambda: settled(process.pid), 60)
    before = cpu_seconds(process.pid)
    time.sleep(IDLE_SECONDS)
    share = (cpu_seconds(process.pid) - before) / IDLE_SECONDS
    if share > 0.05:
        raise Missing(f"{share:.1%} of a core while nothing happens")
    ok(f"and takes {share:.1%} of a core while nothing happens")


def test_host(d):
    d.start([d.program])
    library = d.window("Vitrine")
    d.press(library, "Add a Host…")
    dialog = d.window("Add a Host")
    where = d.find(dialog, "combo box", "Where")
    d.picture("add-host")
    where.doActionNamed("press")
    d.find(dialog, "menu item", "Something else, by its URI").doActionNamed("click")
    uri = text_of(d, dialog, "URI")
    wait("the URI can be written", lambda: uri.sensitive)
    uri.text = "qemu+ssh://root:secret@rack1/system"
    d.press(dialog, "Add Host")
    d.says(dialog, "Leave the password out")
    uri.text = "test:///default"
    d.press(dialog, "Add Host")
    d.no_window("Add a Host")
    d.find(library, "label", "1 machine")
    card(d, library, "test", "Running")
    d.picture("test-host")
    ok("a host is added by its URI, but not with a password in it, and its machine is a card")
    choose_action(d, library, "test", "Pause")
    card(d, library, "test", "Paused")
    choose_action(d, library, "test", "Resume")
    card(d, library, "test", "Running")
    choose_action(d, library, "test", "Save and Turn Off")
    card(d, library, "test", "Suspended")
    choose_action(d, library, "test", "Discard Saved State")
    card(d, library, "test", "Powered off")
    ok("it is paused, resumed, saved and its saved state discarded from the card's menu")
    snapshots_of_test(d, library)
    definition_of_test(d, library)
    new_and_deleted(d, library)
    resources_of_test(d, library)
    choose_action(d, library, "Test host", "Remove Host")
    d.press(library, "Undo")
    d.find(library, "label", "1 machine")
    ok("a host that was removed comes back by Undo")


def credentials(d):
    path = d.folder / "node.xml"
    path.write_text("<node><auth><user password='open sesame'>alice</user></auth><domain type='test'><name>inner</name>"
                    "<memory>1024</memory><os><type>hvm</type></os></domain></node>")
    remember(d, f"test://{path}", "Locked")
    d.start([d.program])
    library = d.window("Vitrine")
    answer(d, "alice", None)
    answer(d, None, "wrong")
    answer(d, "alice", None, again=True)
    d.picture("asked-again")
    answer(d, None, "open sesame")
    card(d, library, "inner", "Running")
    if b"sesame" in (d.folder / "config" / "vitrine" / "hosts.ini").read_bytes():
        raise Missing("the password was written down")
    ok("who answers wrong is asked again, and the right answer lets in; nothing of it is written down")


def answer(d, name, password, again=False):
    """libvirt's test driver asks one after the other."""
    dialog = d.window("Log In")
    if again:
        d.says(dialog, "The answers were wrong")
    field = d.find(dialog, "text" if name else "password text", "User name" if name else "Password")
    field.text = name or password
    d.press(dialog, "Log In")
    wait("the dialog is gone", lambda: not dialog.showing)


def snapshots_of_test(d, library):
    choose_action(d, library, "test", "Snapshots…")
    dialog = d.window("Snapshots of test")
    d.find(dialog, "text", "Name")
    d.press(dialog, "Take Snapshot")
    d.find(dialog, "list item", lambda text: text.startswith("Snapshot 1,") and text.endswith("you are here"))
    d.picture("snapshots")
    d.press(dialog, "Go back to “Snapshot 1”")
    d.press(dialog, "Go Back")
    d.press(dialog, "Delete “Snapshot 1”")
    d.press(dialog, "Delete")
    d.says(dialog, "There are no snapshots yet")
    d.key("Escape")
    d.no_window("Snapshots of test")
    ok("a snapshot is taken, gone back to and deleted")


def definition_of_test(d, library):
    choose_action(d, library, "test", "Edit Definition (XML)")
    dialog = d.window("Definition of test")
    view = text_of(d, dialog, "Definition")
    xml = wait("the definition is there", lambda: view.text if "<domain" in view.text else None)
    view.text = xml.replace("<memory", "<memroy", 1)
    d.press(dialog, "Save")
    d.find(dialog, "info bar", lambda text: text != "")
    d.picture("definition-refused")
    view.text = xml.replace("<memory", "<title>Büro</title><memory", 1)
    d.press(dialog, "Save")
    d.no_window("Definition of test")
    card(d, library, "Büro", "Powered off")
    ok("a definition that is none is refused in the dialog; a good one is taken, and the card follows")


def new_and_deleted(d, library):
    choose_action(d, library, "Test host", "New Machine from XML…")
    dialog = d.window("New Machine on Test host")
    text_of(d, dialog, "Definition").text = ("<domain type='test'><name>fresh</name><memory>4096</memory>"
                                             "<os><type>hvm</type></os></domain>")
    d.press(dialog, "Define")
    d.no_window("New Machine on Test host")
    card(d, library, "fresh", "Powered off").grabFocus()
    d.key("Delete")
    question = d.find(d.tree.root, "alert", lambda text: True)
    d.picture("delete")
    d.press(question, "Delete")
    wait("it is gone", lambda: not any(n.name == "fresh, Powered off" for n in d.walk(library)))
    ok("a machine is defined from XML, and deleted by keyboard after a question")


def resources_of_test(d, library):
    choose_action(d, library, "Test host", "Storage, Networks, Devices…")
    page = d.window("Test host")
    d.press(page, "New volume in default-pool")
    dialog = d.window("New Volume")
    text_of(d, dialog, "Name").text = "fresh.img"
    d.press(dialog, "Create")
    d.press(page, "Delete fresh.img")
    d.picture("storage")
    d.press(page, "Delete")
    wait("the volume is gone", lambda: not any(n.name == "Delete fresh.img" for n in d.walk(page)))
    ok("a volume is made and deleted")
    d.press(page, "Networks", "radio button")
    d.press(page, "Stop default")
    d.says(page, "The network “default” is not active")
    d.picture("default-network")
    d.press(page, "Start the Network")
    d.find(page, "push button", "Stop default")
    ok("a network “default” that is not active is told, and one click starts it")
    d.active(page)
    d.key("Escape")
    d.no_window("Test host")


# --- a private libvirtd with QEMU ---

SERIAL = "<serial type='pty'/>"
BOOT_MENU = "<bootmenu enable='yes' timeout='60000'/><bios useserial='yes'/>"


def firmware_machine(lv, name, graphics):
    """A machine that waits in SeaBIOS, on the screen and on the serial port."""
    disk = lv.folder / f"{name}.qcow2"
    subprocess.run([*lv.drop, "qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
    return lv.define(name, f"""<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
      <target dev='hda' bus='ide'/></disk>{graphics}{SERIAL}""", os=BOOT_MENU)


def guest_text(d, window, name):
    """What a person reads on the guest's screen, in our window."""
    canvas = d.find(window, "canvas", "Screen of the machine")
    (x, y), (width, height) = canvas.position, canvas.size
    path = d.pictures / f"{name}.png"
    subprocess.run(["import", "-window", "root", "-crop", f"{width}x{height}+{x}+{y}", "+repage", "-type", "TrueColor", f"PNG24:{path}"],
                   check=True)
    return screentext.screen_text(path)


def await_guest_text(d, window, words, name):
    wait(f"the guest shows “{words}”", lambda: words in guest_text(d, window, name), 60)


def screen_walk(d, lv, name, extra, uri=None):
    remember(d, uri or lv.uri, "Private")
    d.start([d.program])
    library = d.window("Vitrine")
    d.click(card(d, library, name, "Powered off"))
    window = d.window(name)
    await_guest_text(d, window, "Press ESC for boot menu", "seabios")
    d.click(card(d, library, name, "Running"))
    d.active(window)
    windows = [w for a in d.tree.root.children for w in a.children if w.name == name]
    if len(windows) != 1:
        raise Missing(f"{len(windows)} windows after a second click")
    ok("a click on its card starts the machine, and SeaBIOS's text is in our window")
    d.active(window)
    d.key("Escape")
    await_guest_text(d, window, "Select boot device", "boot-menu")
    ok("keys go to the machine: Escape brings its boot menu")
    d.chord("ctrl", "alt")
    d.picture("window")
    extra(d, lv, window, name)
    d.press(window, "Pause")
    wait("the host says paused", lambda: lv.virsh("domstate", name) == "paused")
    card(d, library, name, "Paused")
    d.press(window, "Resume")
    wait("the host says running", lambda: lv.virsh("domstate", name) == "running")
    ok("it is paused and resumed in its window, and the host agrees")
    return library, window


def serial_console(d, lv, window, name):
    d.press(window, "Serial Console", "radio button")
    terminal = d.find(window, "terminal", "Serial Console")
    wait("the boot menu is on the serial console", lambda: "Select boot device" in terminal.text, 30)
    d.picture("serial")
    terminal.grabFocus()
    d.active(window)
    d.key("1")
    wait("a key on the console goes to the machine", lambda: "Booting from Hard Disk" in terminal.text, 30)
    ok("the serial console shows what the machine prints, and a key typed there goes to it")
    d.press(window, "Screen", "radio button")
    await_guest_text(d, window, "Booting from Hard Disk", "booting")


def spice(d):
    lv = Libvirtd(d.folder / "lv")
    try:
        firmware_machine(lv, "bios", "<graphics type='spice' autoport='yes' listen='127.0.0.1'/><video><model type='qxl'/></video>")
        library, window = screen_walk(d, lv, "bios", serial_console)
        performance_of(d, window)
        usb_devices(d, window)
        snapshot_of(d, lv, window)
        restarted(d, lv, library, window)
    finally:
        lv.end()


def performance_of(d, window):
    d.press(window, "Performance", "radio button")
    d.find(window, "label", "Host Processors")
    d.says(window, "64 MiB")
    d.picture("performance")
    d.press(window, "Screen", "radio button")
    ok("the performance page shows what the host knows of it")


def usb_devices(d, window):
    d.press(window, "Menu", "toggle button")
    d.press(window, "USB Devices…")
    dialog = d.window("USB Devices for the Machine")
    d.picture("usb")
    d.active(dialog)
    d.key("Escape")
    d.no_window("USB Devices for the Machine")
    ok("the dialog for USB devices opens and closes")


def snapshot_of(d, lv, window):
    d.press(window, "Menu", "toggle button")
    d.press(window, "Snapshots…")
    dialog = d.window("Snapshots of bios")
    d.press(dialog, "Take Snapshot")
    d.find(dialog, "list item", lambda text: text.startswith("Snapshot 1,"), 60)
    if "Snapshot 1" not in lv.virsh("snapshot-list", "bios", "--name"):
        raise Missing("the host has no such snapshot")
    d.picture("snapshot")
    d.active(dialog)
    d.key("Escape")
    d.no_window("Snapshots of bios")
    ok("a snapshot is taken from the window's menu, and the host has it")


def restarted(d, lv, library, window):
    d.press(window, "Power", "toggle button")
    d.press(window, "Force Off")
    d.says(window, "The Machine Is Off")
    card(d, library, "bios", "Powered off")
    d.picture("off")
    ok("it is turned off; the window says so and stays")
    d.press(window, "Start")
    await_guest_text(d, window, "Press ESC for boot menu", "again")
    ok("and starts it again")
    lv.vanish()
    d.says(window, "No Connection to the Machine")
    wait("no hint is over the page", lambda: not any(n.showing and "Keys are yours" in n.name for n in d.walk(window)), 2)
    d.find(library, "label", lambda text: text.startswith("Away:"))
    d.picture("away")
    lv.start()
    d.find(library, "label", "1 machine", 60)
    await_guest_text(d, window, "Press ESC for boot menu", "back")
    ok("a host that goes away is told with its reason, and comes back by itself")


def two_people(d, lv, library):
    choose_action(d, library, "bios", "Edit Definition (XML)")
    dialog = d.window("Definition of bios")
    view = text_of(d, dialog, "Definition")
    xml = wait("the definition is there", lambda: view.text if "<domain" in view.text else None)
    lv.virsh("desc", "bios", "--config", "Written by somebody else", check=True)
    view.text = xml.replace("<vcpu", "<description>Written by me</description>\n<vcpu", 1)
    d.press(dialog, "Save")
    d.says(dialog, "+  <description>Written by somebody else</description>")
    d.picture("conflict")
    if "Written by me" in lv.virsh("dumpxml", "bios", "--inactive"):
        raise Missing("it was overwritten")
    d.press(dialog, "Cancel")
    d.no_window("Definition of bios")
    ok("of two people who edit one definition the second is refused, and sees the difference")


def vnc(d):
    lv = Libvirtd(d.folder / "lv")
    try:
        firmware_machine(lv, "bios", "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/><video><model type='vga'/></video>")
        library, window = screen_walk(d, lv, "bios", lambda *_: None)
        two_people(d, lv, library)
        lv.freeze(True)
        d.find(library, "label", lambda text: text.startswith("Away: The host does not answer"), 60)
        d.says(window, "does not answer")
        lv.freeze(False)
        d.find(library, "label", "1 machine", 60)
        ok("a host that stands still is told as one that does not answer")
        await_guest_text(d, window, "Select boot device", "thawed")
        d.mouse("search", "--name", "^bios$", "windowactivate", "--sync")
        d.active(window)
        d.chord("ctrl", "alt")
        d.key("ctrl+w")
        d.no_window("bios")
        if lv.virsh("domstate", "bios") != "running":
            raise Missing("the machine ended with its window")
        ok("closing the window asks nothing, and the machine goes on")
    finally:
        lv.freeze(False)
        lv.end()


def consoles(d):
    """A console that somebody else has open is his until a person takes it."""
    lv = Libvirtd(d.folder / "lv")
    try:
        firmware_machine(lv, "bios", "")
        lv.virsh("start", "bios", check=True)
        other = subprocess.Popen(["script", "-qfc", f"virsh -c '{lv.uri}' console bios", "/dev/null"],    # virsh wants a terminal
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        d.processes.append(other)
        said = b""
        while b"Escape character" not in said:
            said += os.read(other.stdout.fileno(), 4096) or b"Escape character"
        remember(d, lv.uri, "Private")
        d.start([d.program])
        d.click(card(d, d.window("Vitrine"), "bios", "Running"))
        window = d.window("bios")
        d.says(window, "Somebody else has this console open")
        button = d.find(window, "push button", "Take It Over")
        d.active(window)
        wait("the window is drawn", lambda: button.size[0] > 0 and button.position[1] > window.position[1] + 40)
        d.picture("console-busy")
        if other.poll() is not None:
            raise Missing("it was taken without a question")
        ok("a console that somebody else has open is left to him, and that is said")
        wait("the notice has the focus", lambda: button.grabFocus() and button.focused)
        d.key("Escape")
        wait("the notice is gone", lambda: not any(n.name == "Take It Over" and n.showing for n in d.walk(window)))
        terminal = d.find(window, "terminal", "Serial Console")
        terminal.grabFocus()
        d.key("x")
        d.press(window, "Take It Over")
        other.wait(20)
        wait("the notice is gone", lambda: not any(n.name == "Take It Over" and n.showing for n in d.walk(window)))
        wait("the keys go to the console", lambda: terminal.focused)
        lv.virsh("reset", "bios", check=True)
        wait("it prints", lambda: "SeaBIOS" in terminal.text, 30)
        ok("one click takes it over")
    finally:
        lv.end()


def choose_file(d, dialog, path, answer):
    d.active(d.window(dialog))
    ui.choose(d, dialog, path, answer)


SPICE = "<graphics type='spice' autoport='yes' listen='127.0.0.1' passwd='geheim'/><video><model type='qxl'/></video>"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tcp(d):
    """No descriptors come over TCP: the screen's server is connected to by its address, with its password."""
    port = free_port()
    lv = Libvirtd(d.folder / "lv", port)
    try:
        firmware_machine(lv, "bios", SPICE)
        screen_walk(d, lv, "bios", lambda *_: None, f"qemu+tcp://127.0.0.1:{port}/session")
    finally:
        lv.end()


FAKE_SSH = """#!/usr/bin/python3
# What sshd would do on the other side: a connection for -W, else the command.
import os, socket, sys, threading
words, target = sys.argv[1:], None
while words and words[0].startswith("-"):
    option = words.pop(0)
    if option == "--":
        break
    if option in ("-W", "-p", "-e", "-l", "-i", "-o"):
        value = words.pop(0)
        target = value if option == "-W" else target
open("@LOG@", "a").write(" ".join(sys.argv[1:]) + "\\n")
if target and os.path.exists("@LOG@.refuse"):
    sys.exit("root@rack1: Permission denied (publickey).")
if target is None:
    os.environ.update(XDG_RUNTIME_DIR="@RUN@", HOME="@RUN@")
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    os.execvp("sh", ["sh", "-c", " ".join(words[1:])])
peer = socket.create_connection(target.rsplit(":", 1))
def copy(read, write, end):
    while data := read(65536):
        write(data)
    end()
threading.Thread(target=copy, args=(lambda n: os.read(0, n), peer.sendall, lambda: peer.shutdown(socket.SHUT_WR)), daemon=True).start()
copy(peer.recv, lambda data: os.write(1, data), lambda: None)
"""


def ssh(d):
    """Over SSH, the screen goes the same way; ssh itself is a stand-in that stays on this computer."""
    lv = Libvirtd(d.folder / "lv")
    log = d.folder / "ssh.log"
    fake = d.folder / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(FAKE_SSH.replace("@LOG@", str(log)).replace("@RUN@", f"{lv.folder}/run"))    # libvirt hands on little of the environment
    fake.chmod(0o755)
    os.environ["PATH"] = f"{fake.parent}:{os.environ['PATH']}"
    try:
        firmware_machine(lv, "bios", SPICE)
        library, window = screen_walk(d, lv, "bios", lambda *_: None, "qemu+ssh://root@rack1/session?proxy=native")
        if "-W 127.0.0.1:" not in log.read_text() or "root@rack1" not in log.read_text():
            raise Missing(f"ssh was started as {log.read_text()}")
        if "-o BatchMode=yes" not in log.read_text():
            raise Missing(f"ssh may ask: {log.read_text()}")
        ok("the screen went through ssh -W, which asks nobody")
        (log.parent / (log.name + ".refuse")).touch()
        d.active(window)
        d.key("ctrl+w")
        d.no_window("bios")
        d.click(card(d, library, "bios", "Running"))
        d.says(d.window("bios"), "Permission denied (publickey)")
        d.picture("ssh-refused")
        ok("what ssh says is what people read")
    finally:
        lv.end()


def volumes(d):
    """Upload with progress, download with the same bytes, and a cancelled upload that leaves nothing."""
    lv = Libvirtd(d.folder / "lv")
    try:
        pool = lv.folder / "pool"
        subprocess.run([*lv.drop, "mkdir", pool], check=True)
        lv.virsh("pool-define-as", "images", "dir", "--target", str(pool), check=True)
        lv.virsh("pool-start", "images", check=True)
        remember(d, lv.uri, "Private")
        small, large, back = d.folder / "small.img", d.folder / "large.img", d.folder / "back.img"
        small.write_bytes(os.urandom(5 << 20) + b"end")
        large.write_bytes(os.urandom(1 << 20) * 300)
        d.start([d.program])
        library = d.window("Vitrine")
        d.find(library, "label", "0 machines")
        choose_action(d, library, "Private", "Storage, Networks, Devices…")
        page = d.window("Private")
        d.press(page, "Upload into images")
        choose_file(d, "Upload a File", small, "Upload")
        d.find(page, "push button", "Download small.img")
        if (pool / "small.img").read_bytes() != small.read_bytes():
            raise Missing("the volume has other bytes than the file")
        d.picture("uploaded")
        ok("a file that is uploaded is a volume with the same bytes")
        d.press(page, "Download small.img")
        choose_file(d, "Download a Volume", back, "Download")
        wait("it is complete", back.exists)
        if back.read_bytes() != small.read_bytes() or back.with_suffix(".img.part").exists():
            raise Missing("what was downloaded is something else")
        ok("and comes back as it was")
        d.press(page, "Upload into images")
        choose_file(d, "Upload a File", large, "Upload")
        bar = d.find(page, "progress bar", "Progress")
        wait("it moves", lambda: (pool / "large.img").exists() and (pool / "large.img").stat().st_blocks > 0, 60)
        lv.freeze(True)      # there is time to cancel
        d.picture("uploading")
        d.press(page, "Cancel")
        lv.freeze(False)
        wait("the half volume is gone", lambda: not (pool / "large.img").exists())
        wait("the bar is gone", lambda: not bar.showing)
        ok("an upload that is cancelled leaves no volume")
    finally:
        lv.end()


WALKS = {
    "ssh": (ssh, None),
    "tcp": (tcp, None),
    "volumes": (volumes, None),
    "consoles": (consoles, None),
    "spice": (spice, None),
    "vnc": (vnc, None),
    "credentials": (credentials, None),
    "test-host": (test_host, None),
    "five-hundred": (five_hundred, None),
}

if __name__ == "__main__":
    ui.run(WALKS)
