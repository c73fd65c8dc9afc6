#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ports.py PROGRAM VITRINECTL PICTURES NAME: ports of this computer that lead into a machine, and what passes its cards, as TAP."""
import os
import re
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linuxbox                   # noqa: E402
import ui                         # noqa: E402
from desktop import Missing, wait      # noqa: E402
from linuxbox import PROMPT       # noqa: E402
from ui import ok, part, settings_of   # noqa: E402


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port, question=b""):
    """What comes back; None: nobody listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as stream:
            stream.sendall(question)
            return stream.recv(100) if question else b""
    except ConnectionRefusedError:
        return None


def open_settings(d):
    """They are there, and the card is open."""
    window = settings_of(d, "Box")
    card = part(d, window, "list item", "Network card 1")
    part(d, card, "list item", "Forwarded ports")
    return window, card


def unfold(d, window, card):
    """A click opens it, and what has the focus is scrolled to."""
    d.click(card)
    d.find(card, "push button", "Forward a Port").grabFocus()


def last(d, card, role, name):
    return wait(f"{role} “{name}”", lambda: [n for n in d.walk(card) if n.roleName == role and n.name == name][-1])


def forward(d, card, near, far):
    """As one does it with the keyboard: the cursor is where the port is typed."""
    part(d, card, "push button", "Forward a Port").doActionNamed("click")
    wait("the cursor is there", lambda: last(d, card, "text", "Port of this computer").focused)
    d.type(str(near))
    last(d, card, "text", "Port in the machine").text = str(far)


def apply(d, window):
    d.press(window, "Apply")
    d.no_window("Settings of Box")


def sentence(d, window, words):
    """Something wrong is said beside it, and Apply says it, too."""
    d.says(window, words)


def ports(d):
    """The guest only computes; who listens here is seen all the same."""
    first, second = free_port(), free_port()
    uuid = d.ctl("create", "Box", "--kernel", os.environ["VITRINE_UI_KERNEL"]).strip()
    definition = d.machines / uuid / "domain.xml"
    d.start([d.program])
    d.window("Vitrine")
    window, card = open_settings(d)
    unfold(d, window, card)
    d.picture("ports-none")
    forward(d, card, first, 22)
    forward(d, card, first, 80)
    sentence(d, window, "This port of this computer is forwarded already.")
    d.picture("ports-twice")
    near = last(d, card, "text", "Port of this computer")
    for words in ("0", "70000", "ssh"):
        near.text = words
        sentence(d, window, "from 1 to 65535")
    d.press(window, "Apply")
    d.window("Settings of Box")
    near.text = "80"
    sentence(d, window, "kept for the administrator")
    last(d, card, "text", "Address of this computer").text = "here"
    sentence(d, window, "is no address of this computer")
    last(d, card, "push button", "Stop forwarding this port").doActionNamed("click")
    apply(d, window)
    if not re.search(rf'<portForward proto="tcp" address="127.0.0.1">\s*<range start="{first}" to="22"/>', definition.read_text()):
        raise Missing(definition.read_text())
    ok("a port is typed and checked, and written as libvirt has it")
    window, card = open_settings(d)
    unfold(d, window, card)
    restricted = part(d, card, "toggle button", "Restricted")
    restricted.doActionNamed("toggle")
    d.picture("ports-restricted")
    apply(d, window)
    if not re.search(r">yes</vitrine:restricted-525400[0-9a-f]{6}>", definition.read_text()):
        raise Missing(definition.read_text())
    ok("a card is restricted to what is forwarded")
    d.ctl("start", "Box")
    d.wait_state("Box", "running")
    wait("the port leads there", lambda: answers(first) is not None)
    window, card = open_settings(d)
    unfold(d, window, card)
    d.says(window, "forwarded ports")
    if part(d, card, "toggle button", "Restricted").sensitive:
        raise Missing("what takes the next start can be changed now")
    with socket.create_server(("127.0.0.1", second)):
        forward(d, card, second, 80)
        d.press(window, "Apply")
        d.says(window, f"TCP port {second} of this computer is in use")
        d.picture("ports-in-use")
        if str(second) in definition.read_text():
            raise Missing("what the machine refused is in its definition")
    apply(d, window)
    if answers(first) is None or answers(second) is None or str(second) not in definition.read_text():
        raise Missing("the running machine does not listen")
    ok("a running machine forwards one more at once, and says which one is in use")
    window, card = open_settings(d)
    part(d, card, "push button", "Stop forwarding this port").doActionNamed("click")
    apply(d, window)
    if answers(first) is not None or answers(second) is None or f'"{first}"' in definition.read_text():
        raise Missing("what was removed still leads there")
    d.ctl("reset", "Box")
    wait("the reset keeps it", lambda: answers(second) is not None)
    window, card = open_settings(d)
    part(d, card, "combo box", "Connected to").combovalue = "Isolated: only machines on it"
    ok("one that is removed ends at once, and a reset changes nothing")


def serve(console, port):
    console.command(f"(while true; do echo from-the-guest | nc -l -p {port}; done) >/dev/null 2>&1 &", PROMPT, 30)


def ports_live(d):
    """A server in a Linux guest, which is there before anybody can reach it."""
    near, other = free_port(), free_port()
    uuid = linuxbox.create(d)
    definition = d.machines / uuid / "domain.xml"
    d.start([d.program])
    d.window("Vitrine")
    linuxbox.start(d)
    with linuxbox.console(d) as console:
        console.command("stty cols 200", PROMPT, 30)
        console.command("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip addr", PROMPT, 60)
        serve(console, 7777)
        window, card = open_settings(d)
        unfold(d, window, card)
        forward(d, card, near, 7777)
        d.picture("ports-live")
        apply(d, window)
        wait("the guest's server answers", lambda: answers(near, b"\n") == b"from-the-guest\n", 30)
        ok("a forward that is added while the guest runs leads to its server")
        d.ctl("snapshot", "take", "Box", "then")
        d.ctl("forward", "Box", "remove", f"tcp:{near}")
        d.ctl("forward", "Box", "add", f"tcp:{other}:7777")
        if answers(near) is not None:
            raise Missing("what was removed is not refused")
        wait("the other port leads there", lambda: answers(other, b"\n") == b"from-the-guest\n", 30)
        ok("after its removal it is refused, and another one leads there")
    linuxbox.go_back_within(d, uuid, "then", lambda terminal: "10.0.2.15" in terminal.command("ip addr", PROMPT, 30))
    wait("the port of now leads into the past", lambda: answers(other, b"\n") == b"from-the-guest\n", 60)
    if answers(near) is not None or f'"{near}"' in definition.read_text() or f'"{other}"' not in definition.read_text():
        raise Missing(f"going back has brought back the old port: {definition.read_text()}")
    ok("going back to a snapshot keeps the ports of now")


def frames(path):
    """As any program reads such a file: pcap with nanoseconds."""
    data = path.read_bytes()
    magic, _, _, _, _, _, kind = struct.unpack_from("<IHHiIII", data)
    if magic != 0xa1b23c4d or kind != 1:
        raise Missing(f"{path} is no capture of Ethernet frames")
    at, found = 24, []
    while at < len(data):
        _, _, length, whole = struct.unpack_from("<IIII", data, at)
        if length != whole or at + 16 + length > len(data):
            raise Missing(f"a frame in {path} is cut off")
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return found


def show_machine(d):
    d.mouse("search", "--sync", "--onlyvisible", "--name", "^Box$", "windowactivate")
    return d.window("Box")


def capture_item(d, window, *items):
    show_machine(d)
    ui.menu(d, window, items[0])
    for item in items[1:]:
        d.press(window, item)


def capture(d):
    """The guest only computes: the network knocks at a card by itself when somebody comes through a forward."""
    port = free_port()
    first, second = d.folder / "first.pcap", d.folder / "second.pcap"
    d.ctl("create", "Box", "--kernel", os.environ["VITRINE_UI_KERNEL"])
    d.ctl("forward", "Box", "add", f"tcp:{port}:22")
    d.start([d.program])
    d.window("Vitrine")
    d.ctl("start", "Box")
    window = d.window("Box")
    d.wait_state("Box", "running")
    capture_item(d, window, "Capture Network Traffic…")
    ui.choose(d, "Capture Network Traffic", first, "Capture")
    stop = d.find(window, "push button", "Stop Capturing Network Traffic")
    d.picture("capture-on")
    for _ in range(3):
        answers(port)
    wait("the time goes on", lambda: stop.description not in ("", "0:00"))
    time.sleep(0.5)
    d.press(window, "Stop Capturing Network Traffic")
    d.says(window, "Saved as “first.pcap”.")
    d.picture("capture-saved")
    wait("the button is gone", lambda: not stop.showing)
    if not any(b"\x0a\x00\x02\x0f" in frame for frame in frames(first)):
        raise Missing(f"nobody asks for 10.0.2.15 in {frames(first)}")
    ok("a capture is begun from the menu, shown, stopped, and can be read")
    d.ctl("attach-net", "Box", "user")
    capture_item(d, window, "Capture Network Traffic")
    item = wait("the second card", lambda: next(n for n in d.walk(window) if n.name.startswith("Network card 2 (") and n.showing))
    d.picture("capture-cards")
    item.doActionNamed("click")
    ui.choose(d, "Capture Network Traffic", second, "Capture")
    d.find(window, "push button", "Stop Capturing Network Traffic")
    capture_item(d, window, "Stop Capturing Network Traffic")
    wait("the file is whole", lambda: second.exists() and frames(second) == [])
    ok("one of several cards is chosen")
    d.ctl("capture", "Box", d.folder / "third.pcap")
    stop = d.find(window, "push button", "Stop Capturing Network Traffic")
    d.ctl("capture", "Box", "stop")
    wait("the button is gone", lambda: not stop.showing)
    ok("what a terminal captures is shown, too")


if __name__ == "__main__":
    ui.run({"ports": (ports, None), "capture": (capture, None), "ports-live": (ports_live, "slots")})
