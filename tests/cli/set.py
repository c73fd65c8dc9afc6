#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""set.py VITRINECTL: machines that are off are changed in all that their settings change, as TAP."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from home import Home, VITRINECTL, ok  # noqa: E402
from tap import plan, point  # noqa: E402


class Box(Home):
    def image(self, name, *options):
        self.ctl("image", "create", *options, self.folder / name, "8M")
        return self.folder / name

    def has(self, *parts, machine="Box"):
        xml = self.ctl("dumpxml", machine)
        for part in parts:
            assert re.search(part, xml), f"no {part} in {xml}"
        return xml

    def lacks(self, *parts):
        xml = self.ctl("dumpxml", "Box")
        for part in parts:
            assert not re.search(part, xml), f"{part} in {xml}"

    def unchanged(self, *words, fails):
        before = self.ctl("dumpxml", "Box")
        self.ctl(*words, fails=fails)
        assert self.ctl("dumpxml", "Box") == before, f"{words} changed something"

    def valid(self):
        """As libvirt has it."""
        if shutil.which("virt-xml-validate") is None:
            return
        path = self.folder / "box.xml"
        path.write_text(self.ctl("dumpxml", "Box"))
        done = subprocess.run(["virt-xml-validate", path, "domain"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def machine(home):
    home.ctl("create", "Box")
    home.ctl("set", "Box", "memory=2G", "cpus=3", "firmware=uefi", "description=A box", "video=virtio", "resolution=1280x800")
    home.has("2097152</memory>", ">3</vcpu>", 'firmware="efi"', "A box", '<model type="virtio"', 'x="1280" y="800"')
    home.ctl("set", "Box", "memory=512", "firmware=bios", "resolution=auto", "sound=off", "balloon=on", "clipboard=off")
    home.has(">524288</memory>", 'memballoon model="virtio"', 'copypaste="no"')
    home.lacks("<sound", 'firmware="efi"', "<resolution")
    home.valid()
    ok("memory, processors, firmware, screen and single devices are set")
    for words, fails in (("memory=lots", "not a size"), ("cpus=0", "1 to 64"), ("cpus=65", "1 to 64"), ("firmware=dos", "bios, uefi"),
                         ("video=cga", "vga, virtio"), ("resolution=wide", "screen size"), ("sound=loud", "“on” or “off”"), ("colour=red", "does not know"),
                         ("memory", "does not know"), ("initrd=x", "kernel=FILE"), ("boot=vdz", "no drive “vdz”"), ("tpm=crb", "no TPM"),
                         ("name=a/b", "."), ("memory=2T", "memory")):
        home.unchanged("set", "Box", "cpus=2", words, fails=fails)
    ok("what cannot be is refused, and nothing is changed then")


def names(home):
    home.ctl("create", "Other")
    home.ctl("set", "Box", "name=Case", "cpus=4")
    home.has(">4</vcpu>", machine="Case")
    home.ctl("set", "Case", "name=Other", fails="Other")
    home.ctl("set", "Case", "name=Box")
    home.ctl("dumpxml", "Case", fails="Case")
    ok("a machine is renamed, but not to a name that another one has")


def kernel(home):
    (home.folder / "vmlinuz").write_text("kernel")
    home.ctl("set", "Box", "append=quiet", "initrd=vmlinuz", "kernel=vmlinuz")
    home.has(f"<kernel>{home.folder}/vmlinuz<", f"<initrd>{home.folder}/vmlinuz<", "<cmdline>quiet<")
    home.ctl("set", "Box", "kernel=none")
    home.lacks("<kernel>", "<initrd>", "<cmdline>")
    ok("a kernel with what goes with it, and without again")


def drives(home):
    data = home.image("data.qcow2", "--format", "qcow2")
    (home.folder / "cd.iso").write_bytes(bytes(2048))
    assert home.ctl("attach-disk", "Box", "data.qcow2,format=qcow2,bus=sata") == "sda"
    assert home.ctl("attach-disk", "Box", "new=64M,bus=nvme") == "vda"
    assert home.ctl("attach-cd", "Box", "cd.iso") == "sdb"
    assert home.ctl("attach-cd", "Box") == "sdc"
    new = re.search(r'<source file="([^"]*/images/[^"]*)"', home.has()).group(1)
    assert "64.0 MiB" in home.ctl("image", "info", new) or "67108864" in home.ctl("image", "info", new)
    home.unchanged("attach-disk", "Box", "new=64M,bus=fast", fails="bus")
    home.unchanged("attach-disk", "Box", "new=64M,id=vda", fails="already")
    assert len(list(Path(new).parent.iterdir())) == 1, "an image was left"
    home.unchanged("attach-floppy", "Box", fails="type pc")
    home.unchanged("attach-cd", "Box", "no-such.iso", fails="no-such.iso")
    ok("disks, old and new, and CD drives are added")
    home.ctl("set", "Box", "boot=sdb,vda")
    assert re.findall(r'target dev="(\w+)"[^/]*/>(?:\s*<(?!boot|/disk)[^>]*>)*\s*<boot order="(\d)"', home.has()) == [("sda", "3"), ("vda", "2"), ("sdb", "1"), ("sdc", "4")]
    assert home.ctl("set-disk", "Box", "sda", "readonly=on,bus=virtio") == "vdb"
    home.has(f'{data}"/>' r'\s*<target dev="vdb" bus="virtio"/>\s*<boot order="3"/>\s*<readonly/>')
    home.ctl("set-disk", "Box", "sdb", "image=none")
    home.lacks("cd.iso")
    home.ctl("set-disk", "Box", "sdb", "image=cd.iso")
    home.has("cd.iso")
    for words, fails in ((("vdz", "readonly=on"), "no disk “vdz”"), (("vdb", "bus=ide"), "virtio, nvme, scsi, usb, sata"), (("sdb", "bus=virtio"), "scsi, usb, sata"),
                         (("vdb", "image=none"), "no image"), (("vdb", "image=nothing.img"), "nothing.img"), (("sdb", "readonly=off"), "always"),
                         (("vdb", "colour=red"), "does not know"), (("vdb", "format=vmdk"), "raw, qcow2 or luks")):
        home.unchanged("set-disk", "Box", *words, fails=fails)
    home.valid()
    home.ctl("detach-disk", "Box", "sdc")
    ok("their images, buses, order and protection change")


def locked(home):
    (home.folder / "key").write_text("correct horse")
    home.image("secret.luks", "--format", "luks", "--key-file", home.folder / "key", "--iteration-time", "20")
    home.unchanged("attach-disk", "Box", "secret.luks", fails="format=luks")
    target = home.ctl("attach-disk", "Box", "secret.luks,format=luks")
    home.has('secret.luks"/>[^!]*<encryption format="luks"/>')
    home.valid()
    home.ctl("detach-disk", "Box", target)
    home.ctl("create", "Locked", "--disk", "secret.luks,format=luks")
    home.has('<encryption format="luks"/>', machine="Locked")
    home.ctl("create", "Raw", "--disk", "secret.luks", fails="format=luks")
    ok("an encrypted disk is added, and one that looks so is not taken for a raw one")


def cards(home):
    mac = home.ctl("attach-net", "Box", "user,model=e1000e,cable=off")
    home.has(f'<mac address="{mac}"/>', '<model type="e1000e"/>', '<link state="down"/>')
    home.ctl("set-net", "Box", mac, "isolated=Lab,cable=on,model=virtio")
    home.has('type="mcast"', "Lab")
    home.lacks("<link", "e1000e")
    home.ctl("set-net", "Box", mac.upper(), "bridge=br0,mac=52:54:00:00:00:09")
    home.has('<source bridge="br0"/>', "52:54:00:00:00:09")
    home.ctl("set-net", "Box", "0", "model=e1000e")
    home.ctl("set-net", "Box", "52:54:00:00:00:09", "user,restricted=on")
    home.has(">yes</vitrine:restricted-525400000009>")
    home.valid()
    home.ctl("set-net", "Box", "52:54:00:00:00:09", "mac=52:54:00:00:00:0c")
    home.has("restricted-52540000000c")
    home.lacks("restricted-525400000009")
    home.unchanged("set-net", "Box", "52:54:00:00:00:0c", "bridge=br0,restricted=on", fails="Only a card on user networking")
    home.unchanged("set-net", "Box", "52:54:00:00:00:0c", "restricted=maybe", fails="“on” or “off”")
    home.ctl("set-net", "Box", "52:54:00:00:00:0c", "bridge=br0,mac=52:54:00:00:00:09")
    home.lacks("restricted-")
    for words, fails in ((("0", "model=ne2000"), "virtio, e1000e"), (("0", "bridge=a b"), "network device"), (("0", "isolated="), "needs a name"),
                         (("0", "mac=1"), "."), (("0", "cable=loose"), "“on” or “off”"), (("7", "user"), "no network card"), (("0", "user=x"), "does not know")):
        home.unchanged("set-net", "Box", *words, fails=fails)
    home.valid()
    home.ctl("attach-net", "Box", "user")
    home.ctl("attach-net", "Box", "user")
    home.unchanged("attach-net", "Box", "user", fails="at most 4")
    home.ctl("detach-net", "Box", "52:54:00:00:00:09")
    home.ctl("detach-net", "Box", "0")
    home.lacks("e1000e", "br0")
    ok("network cards change their network, address, model and cable")


def forwards(home):
    for _ in range(2):
        home.ctl("detach-net", "Box", "0")
    home.ctl("attach-net", "Box", "user")
    home.ctl("attach-net", "Box", "bridge=br0,mac=52:54:00:00:00:0a")
    home.ctl("attach-net", "Box", "user,mac=52:54:00:00:00:0b")
    assert [home.ctl("forward", "Box", "list", card) for card in "02"] == ["", ""]
    home.ctl("forward", "Box", "add", "tcp:8022:22", "52:54:00:00:00:0b")
    home.has('<portForward proto="tcp" address="127.0.0.1">\\s*<range start="8022" to="22"/>')
    home.ctl("forward", "Box", "add", "udp:0.0.0.0:5353:53", "2")
    home.ctl("forward", "Box", "add", "tcp:9000-9002:80", "2", "--config")
    home.valid()
    assert home.ctl("forward", "Box", "list", "2").split() == ["tcp:127.0.0.1:8022:22", "udp:0.0.0.0:5353:53", "tcp:127.0.0.1:9000-9002:80"]
    for words, fails in ((("add", "tcp:8022:80"), "8022 of this computer is forwarded twice"), (("add", "tcp:127.0.0.1:9001:1"), "9001"),
                         (("add", "udp:5353:1", "2"), "twice"), (("add", "tcp:0:22"), "1 to 65535"), (("add", "tcp:70000:22"), "1 to 65535"),
                         (("add", "tcp:8023"), "Write for example"), (("add", "icmp:1:1"), "Write for example"), (("add", "tcp:::1:80:80"), "Write"),
                         (("add", "tcp:localhost:80:80"), "no address"), (("add", "tcp:1-65535:1"), "At most 256"), (("add", "tcp:8023:22", "1"), "not on user"),
                         (("add", "tcp:8023:22", "7"), "no network card"), (("remove", "tcp:8023", "2"), "not forwarded"), (("remove", "udp:8022", "2"), "not forwarded"),
                         (("remove", "tcp", "2"), "no port"), (("add",), "Usage"), (("change", "tcp:1:1"), "Usage"), (("add", "--all"), "Usage")):
        home.unchanged("forward", "Box", *words, fails=fails)
    home.ctl("forward", "Box", "remove", "tcp:8022", "2")
    home.ctl("forward", "Box", "remove", "udp:0.0.0.0:5353", "2")
    home.ctl("forward", "Box", "remove", "tcp:9000-9002", "2")
    home.lacks("portForward")
    home.ctl("set-net", "Box", "0", "isolated=Lab")
    home.ctl("forward", "Box", "add", "tcp:8022:22")      # the first that can
    assert home.ctl("forward", "Box", "list", "2") == home.ctl("forward", "Box") == "tcp:127.0.0.1:8022:22"
    home.ctl("detach-net", "Box", "52:54:00:00:00:0b")
    home.unchanged("forward", "Box", "list", fails="no network card on user")
    home.ctl("set-net", "Box", "0", "user")
    home.ctl("detach-net", "Box", "52:54:00:00:00:0a")
    ok("ports are forwarded to a card, each once, and not any more")


def forward_while_it_runs(home):
    """A machine behind a socket, which needs no guest for that."""
    control, ports = home.folder / "run.sock", [free_port() for _ in range(3)]
    run = subprocess.Popen([VITRINECTL, "run", "--memory", "32", "--net", f"user,hostfwd=tcp::{ports[0]}-10.0.2.16:22", "--control", control],
                           env=home.env, cwd=home.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not control.exists():
            assert time.monotonic() < deadline and run.poll() is None, run.stderr.read()
            time.sleep(0.05)
        assert answers(ports[0])
        assert home.ctl("forward", control) == f"tcp::{ports[0]}-10.0.2.16:22"
        home.ctl("forward", control, "add", f"tcp:{ports[1]}:80")
        assert answers(ports[0]) and answers(ports[1])
        assert home.ctl("forward", control, "list", "0").split()[1] == f"tcp:127.0.0.1:{ports[1]}:80"
        with socket.create_server(("127.0.0.1", ports[2])):
            home.ctl("forward", control, "add", f"tcp:{ports[2]}:80", fails=f"TCP port {ports[2]} .*in use")
        home.ctl("forward", control, "add", f"tcp:{ports[1]}:81", fails="twice")
        home.ctl("forward", control, "add", f"tcp:{ports[2]}:81", "3", fails="no network card 3")
        home.ctl("reset", control)
        home.ctl("forward", control, "add", f"tcp:{ports[2]}:80")
        assert all(map(answers, ports))
        home.ctl("forward", control, "remove", f"tcp:{ports[1]}")
        assert answers(ports[0]) and not answers(ports[1]) and answers(ports[2])
    finally:
        run.terminate()
        run.wait(30)
        run.stderr.close()
    ok("a running machine forwards other ports from then on")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def tpm(home):
    home.ctl("attach-tpm", "Box", "tis")
    home.has('tpm model="tpm-tis"', 'version="2.0"')
    home.unchanged("attach-tpm", "Box", fails="already")
    home.ctl("set", "Box", "tpm=crb")
    home.has('tpm model="tpm-crb"')
    home.unchanged("set", "Box", "tpm=lpc", fails="crb or tis")
    home.unchanged("detach-tpm", "Box", fails="will be lost")
    home.valid()
    home.ctl("detach-tpm", "Box", "--force")
    home.lacks("<tpm")
    home.unchanged("detach-tpm", "Box", "--force", fails="no TPM")
    ok("a TPM is added, changed, and removed by who says that this is meant")


def folders(home):
    pictures, closed = home.folder / "My Pictures", home.folder / "closed"
    for folder in (pictures, pictures / "in,side", closed):
        folder.mkdir()
    assert home.ctl("attach-folder", "Box", "My Pictures") == "My-Pictures"
    assert home.ctl("attach-folder", "Box", pictures) == "My-Pictures-2"
    assert home.ctl("attach-folder", "Box", f"{pictures}/in,,side,name=data,readonly=on", "--config") == "data"
    home.has('<filesystem type="mount" accessmode="squash">' rf'\s*<source dir="{pictures}"/>\s*<target dir="My-Pictures"/>\s*</filesystem>',
             rf'<source dir="{pictures}/in,side"/>\s*<target dir="data"/>\s*<readonly/>')
    home.valid()
    (home.folder / "file").write_text("no folder")
    for words, fails in (((pictures, "more"), "Usage"), (("nowhere",), "is not there"), (("file",), "is a file"), (("closed,name=data",), "Two shared"),
                         (("closed,name=a b",), "is no name"), (("closed,name=" + 32 * "x",), "too long"), (("closed,name=",), "needs a name"),
                         (("closed,readonly=perhaps",), "“on” or “off”"), (("closed,tag=x",), "does not know “tag”")):
        home.unchanged("attach-folder", "Box", *words, fails=fails)
    odd = os.fsencode(home.folder) + b"/\xff"
    os.mkdir(odd)
    home.unchanged("attach-folder", "Box", os.fsdecode(odd), fails="not UTF-8")
    home.unchanged("detach-folder", "Box", "music", fails="no shared folder “music”")
    for number in range(5):
        home.ctl("attach-folder", "Box", f"closed,name=folder{number}")
    home.unchanged("attach-folder", "Box", "closed", fails="8 folders at most")
    home.ctl("set", "Box", "description=With folders")
    for name in ("My-Pictures", *(f"folder{number}" for number in range(5))):
        home.ctl("detach-folder", "Box", name)
    home.lacks("closed", '"My-Pictures"')
    home.has('"My-Pictures-2"', '"data"')
    ok("folders are shared by names that a guest can type, and no longer")


def broad_folders(home):
    done = subprocess.run([VITRINECTL, "attach-folder", "Box", "/,name=all"], capture_output=True, text=True, env=home.env, check=False)
    assert done.returncode == 0 and "note: " in done.stderr and "home folder" in done.stderr, done.stderr
    home.ctl("detach-folder", "Box", "all")
    done = subprocess.run([VITRINECTL, "attach-folder", "Box", "/,name=all,readonly=on"], capture_output=True, text=True, env=home.env, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    home.ctl("detach-folder", "Box", "all")
    ok("whoever shares their home for writing is told so")


def kept_folder(home):
    """What we do not know of a folder stays when others come and go."""
    path = home.folder / "kept.xml"
    xml = home.ctl("dumpxml", "Box").replace(">Box<", ">Kept<").replace("</devices>", '<filesystem type="mount" accessmode="mapped" fmode="0640">'
                                             '<source dir="/srv"/><target dir="old"/><address type="pci" bus="0x00" slot="0x17"/></filesystem></devices>')
    path.write_text(re.sub("<uuid>.*</uuid>", "", xml))
    home.ctl("define", path)
    home.ctl("attach-folder", "Kept", "closed")
    home.ctl("detach-folder", "Kept", "data")
    home.has('accessmode="mapped" fmode="0640"', 'slot="0x17"', machine="Kept")
    home.ctl("clone", "Kept", "Twin")
    home.has('<target dir="closed"/>', '<source dir="/srv"/>', machine="Twin")
    ok("what a definition says of its folders stays, and a clone shares them too")


def old_machine(home):
    home.ctl("create", "Old", "--machine", "pc")
    assert home.ctl("attach-cd", "Old") == "hda"
    assert home.ctl("attach-floppy", "Old") == "fda"
    home.ctl("attach-floppy", "Old")
    home.ctl("attach-floppy", "Old", fails="two at most")
    home.ctl("set-disk", "Old", "hda", "bus=sata", fails="scsi, usb, ide")
    home.ctl("set", "Old", "firmware=secure-boot", fails="pc")
    ok("a machine of type pc has its own buses and floppy drives")


def usage(home):
    for verb in ("set", "set-disk", "set-net", "forward", "attach-cd", "attach-floppy", "attach-tpm", "detach-tpm", "attach-folder", "detach-folder"):
        home.ctl(verb, "--help", fails=f"Usage: vitrinectl {verb} MACHINE")
    home.ctl("set", "--help", fails="firmware=bios.uefi.secure-boot +Firmware")
    ok("each verb explains itself")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-set-") as folder:
        home = Box(folder)
        for step in (machine, names, kernel, drives, locked, cards, forwards, forward_while_it_runs, tpm, folders, broad_folders, kept_folder, old_machine, usage):
            try:
                step(home)
            except (AssertionError, subprocess.SubprocessError) as problem:
                point(False, step.__name__, problem)
    plan()


if __name__ == "__main__":
    main()
