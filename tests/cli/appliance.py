#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""appliance.py VITRINECTL: import and export of machines, with tar, qemu-img and hand-made archives as the others, as TAP."""
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import plan, point, skip  # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())
# Says 16 to the port that ends the run with (16 << 1) | 1.
BOOT = bytes([0xb0, 0x10, 0xba, 0xf4, 0x00, 0xee, 0xeb, 0xfe]).ljust(510, b"\0") + b"\x55\xaa"
RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
OVF = "http://schemas.dmtf.org/ovf/envelope/1"


def ctl(*arguments):
    return subprocess.run([VITRINECTL, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def succeeds(text, *arguments):
    done = ctl(*arguments)
    point(done.returncode == 0, text, done.stderr)
    return done.stdout.strip()


def images():
    folder = Path(os.environ["XDG_DATA_HOME"], "vitrine/images")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def refused(text, mention, path):
    before, around = images(), set(Path("..").rglob("*"))
    done = ctl("import", path)
    point(done.returncode == 1 and mention in done.stderr and len(done.stderr.splitlines()) == 1 and images() == before
          and set(Path("..").rglob("*")) == around, text, f"{done.stderr}\n{images()}")


def disk_of(machine):
    tree = ElementTree.fromstring(ctl("dumpxml", machine).stdout)
    return tree, [node.find("source").get("file") for node in tree.iter("disk") if node.get("device") == "disk"]


def same(text, raw, path):
    done = subprocess.run(["qemu-img", "compare", "-f", "raw", raw, path], capture_output=True, text=True, check=False)
    point(done.returncode == 0, text, done.stdout + done.stderr)


def contents(path, seed, size=24 << 20):
    dice = random.Random(seed)
    data = bytearray(size)
    data[:512] = BOOT
    for _ in range(15):
        at = dice.randrange(1, size // 512 - 400) * 512
        data[at:at + 150_000] = dice.randbytes(150_000)
    Path(path).write_bytes(data)


def item(kind, number, *fields):
    return (f"<Item><rasd:InstanceID>{number}</rasd:InstanceID><rasd:ElementName>item {number}</rasd:ElementName>"
            f"<rasd:ResourceType>{kind}</rasd:ResourceType>{''.join(f'<rasd:{name}>{value}</rasd:{name}>' for name, value in fields)}</Item>")


def ovf(files="", disks="", items="", more="", name="Foreign &amp; odd"):
    return (f"<?xml version='1.0'?><Envelope xmlns='{OVF}' xmlns:ovf='{OVF}' xmlns:rasd='{RASD}' xmlns:vmw='http://www.vmware.com/schema/ovf'>"
            f"<References>{files}</References><DiskSection><Info/>{disks}</DiskSection><VirtualSystem ovf:id='vm'><Info/><Name>{name}</Name>"
            f"<AnnotationSection><Info/><Annotation>Made by hand</Annotation></AnnotationSection>"
            f"<VirtualHardwareSection><Info/>{items}{more}</VirtualHardwareSection></VirtualSystem></Envelope>").encode()


PLAIN_FILE = "<File ovf:href='d.vmdk' ovf:id='f'/>"
PLAIN_DISK = "<Disk ovf:diskId='d' ovf:fileRef='f' ovf:capacity='24' ovf:capacityAllocationUnits='byte * 2^20'/>"
PLAIN_ITEMS = item(6, 3) + item(17, 4, ("HostResource", "ovf:/disk/d"), ("Parent", 3))


def archive(path, *members, kind=None):
    """Members: (name, bytes) or a TarInfo."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))


def there_and_back():
    contents("raw", 1)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", "raw", "disk.qcow2"], check=True)
    contents("second.raw", 2, 5 << 20)
    definition = Path("vm.xml")
    definition.write_text(f"""<domain type='qemu'><name>Büro &amp; Co</name><description>Two
lines</description><memory unit='MiB'>96</memory><vcpu>3</vcpu><os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{Path('disk.qcow2').resolve()}'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{Path('second.raw').resolve()}'/><target dev='sda' bus='sata'/></disk>
<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>
<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface><interface type='user'><model type='virtio'/></interface>
</devices></domain>""")
    succeeds("a machine is defined", "define", definition)
    succeeds("it is exported", "export", "Büro & Co", "out.ova")
    with tarfile.open("out.ova") as tar:
        names = tar.getnames()
        tar.extractall("unpacked", filter="data")
    point(names == ["out.ovf", "out.mf", "out-disk1.vmdk", "out-disk2.vmdk"], "the archive begins with the OVF", names)
    lines = Path("unpacked/out.mf").read_text().splitlines()
    good = all(line == f"SHA256({name})= {hashlib.sha256(Path('unpacked', name).read_bytes()).hexdigest()}"
               for line, name in zip(lines, ("out.ovf", "out-disk1.vmdk", "out-disk2.vmdk"), strict=True))
    point(good, "the manifest's sums are right", lines)
    same("its first disk has every byte", "raw", "unpacked/out-disk1.vmdk")
    same("its second, too", "second.raw", "unpacked/out-disk2.vmdk")
    tree = ElementTree.parse("unpacked/out.ovf").getroot()
    kinds = sorted(node.text for node in tree.iter(f"{{{RASD}}}ResourceType"))
    point(kinds == sorted(["3", "4", "20", "20", "17", "17", "15", "10", "10"]), "the OVF has all the hardware", kinds)
    files = {node.get(f"{{{OVF}}}href"): node.get(f"{{{OVF}}}size") for node in tree.iter(f"{{{OVF}}}File")}
    point(all(Path("unpacked", name).stat().st_size == int(size) for name, size in files.items()) and len(files) == 2, "and the files' sizes", files)
    done = ctl("export", "Büro & Co", "out.ova")
    point(done.returncode == 1 and "there already" in done.stderr, "nothing is overwritten", done.stderr)
    succeeds("it is imported again", "import", "out.ova")
    tree, disks = disk_of("Büro & Co 2")
    point(len(disks) == 2 and tree.findtext("vcpu") == "3" and tree.findtext("description") == "Two\nlines"
          and int(tree.findtext("memory")) * {"KiB": 1024, "MiB": 1 << 20, "b": 1}[tree.find("memory").get("unit", "KiB")] == 96 << 20
          and tree.find("os").get("firmware") == "efi" and len(tree.findall("devices/interface")) == 2
          and [node.find("target").get("bus") for node in tree.iter("disk")] == ["virtio", "sata", "sata"]
          and tree.find("devices/interface/mac").get("address") == "52:54:00:11:22:33", "as the same machine", ElementTree.tostring(tree))
    same("with the same first disk", "raw", disks[0])
    same("and second", "second.raw", disks[1])


def boots():
    contents("boot", 3)
    Path("boot.xml").write_text(f"""<domain type='qemu'><name>boots</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type>
</os><devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{Path('boot').resolve()}'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>""")
    ctl("define", "boot.xml")
    ctl("export", "boots", "boots.ova")
    ctl("import", "boots.ova", "--name", "boots again")
    done = ctl("run", "boots again", "--debug-exit", "--video", "none", "--timeout", 60)
    point(done.returncode == 33, "what was exported and imported starts", f"{done.returncode} {done.stderr}")


def particular():
    """What an export must leave alone, and what it must not lose."""
    Path("scsi.xml").write_text(Path("boot.xml").read_text().replace("boots", "scsi").replace("bus='virtio'", "bus='scsi'"))
    uuid = succeeds("a machine with a SCSI disk is defined", "define", "scsi.xml")
    Path("scsi.ova.part").write_text("mine")
    succeeds("it is exported", "export", "scsi", "scsi.ova")
    point(Path("scsi.ova.part").read_text() == "mine", "and a file of a similar name stays")
    with tarfile.open("scsi.ova") as tar:
        tree = ElementTree.parse(tar.extractfile("scsi.ovf")).getroot()
    items = {node.findtext(f"{{{RASD}}}InstanceID"): node for node in tree.iter(f"{{{OVF}}}Item")}
    parents = [items[node.findtext(f"{{{RASD}}}Parent")].findtext(f"{{{RASD}}}ResourceSubType") for node in items.values()
               if node.findtext(f"{{{RASD}}}ResourceType") == "17"]
    point(parents == ["VirtioSCSI"], "on the controller that it has", parents)
    ctl("attach-folder", "scsi", ".,name=here")
    done = ctl("export", "scsi", "folders.ova")
    point(done.returncode == 0 and "Shared folders are not in the archive" in done.stderr, "that its folders are left out is said", done.stderr)
    Path(os.environ["XDG_DATA_HOME"], "vitrine/machines", uuid, "suspended.state").write_text("not read")
    done = ctl("export", "scsi", "suspended.ova")
    point(done.returncode == 1 and "suspended" in done.stderr and not Path("suspended.ova").exists(), "a suspended one is not exported", done.stderr)


def foreign():
    """As VMware and VirtualBox write them, by qemu-img and Python's tar."""
    contents("raw", 4)
    subprocess.run(["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "raw", "d.vmdk"], check=True)
    disk = Path("d.vmdk").read_bytes()
    items = (item(3, 1, ("VirtualQuantity", 2)) + item(4, 2, ("VirtualQuantity", 256), ("AllocationUnits", "byte * 2^20")) + PLAIN_ITEMS
             + item(10, 5, ("ResourceSubType", "E1000"), ("Address", "00:0c:29:01:02:03")) + item(15, 6) + item(35, 7) + item(23, 8))
    document = ovf(PLAIN_FILE, PLAIN_DISK, items, "<vmw:Config ovf:required='false' vmw:key='firmware' vmw:value='efi'/>")
    for hash_name in ("sha1", "sha256", "sha512"):
        sums = "".join(f"{hash_name.upper()}({name})= {hashlib.new(hash_name, data).hexdigest()}\n" for name, data in
                       (("m.ovf", document), ("d.vmdk", disk)))
        archive(f"{hash_name}.ova", ("m.ovf", document), ("m.mf", sums.encode()), ("d.vmdk", disk))
        done = ctl("import", f"{hash_name}.ova", "--name", hash_name)
        point(done.returncode == 0, f"a foreign OVA with {hash_name}", done.stderr)
    notes = done.stderr
    point(all(word in notes for word in ("E1000", "SCSI", "item 7")) and "item 8" not in notes, "what becomes something else is named", notes)
    tree, disks = disk_of("sha256")
    same("its disk has every byte", "raw", disks[0])
    point(tree.findtext("vcpu") == "2" and tree.find("os").get("firmware") == "efi" and len(list(tree.iter("disk"))) == 2
          and tree.findtext("description") == "Made by hand", "and it has its hardware", ElementTree.tostring(tree))
    Path("plain").mkdir()
    Path("plain/m.ovf").write_bytes(document)
    Path("plain/d.vmdk").write_bytes(disk)
    succeeds("an OVF with its files beside it", "import", "plain/m.ovf")
    for name, driver in (("vmdk", "vmdk"), ("vdi", "vdi"), ("vhdx", "vhdx"), ("vhd", "vpc"), ("qcow2", "qcow2")):
        subprocess.run(["qemu-img", "convert", "-O", driver, *(["-o", "force_size=on"] if name == "vhd" else []), "raw", f"disk.{name}"], check=True)
        succeeds(f"a disk by itself, {name}", "import", f"disk.{name}", "--name", f"from {name}")
        same("with every byte", "raw", disk_of(f"from {name}")[1][0])
    done = subprocess.run([VITRINECTL, "import", "disk.vdi"], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "XDG_DATA_HOME": str(Path("nothing-yet").resolve())})
    point(done.returncode == 0, "the first thing that a person does", done.stderr)
    archive("empty-disk.ova", ("m.ovf", ovf("", "<Disk ovf:diskId='d' ovf:capacity='3' ovf:capacityAllocationUnits='byte * 2^30'/>", PLAIN_ITEMS)))
    succeeds("a disk without a file", "import", "empty-disk.ova", "--name", "empty disk")
    said = ctl("image", "info", disk_of("empty disk")[1][0])
    point("3221225472 bytes" in said.stdout, "is empty and as large", said)


def hostile():
    disk = Path("d.vmdk").read_bytes()
    plain = ovf(PLAIN_FILE, PLAIN_DISK, PLAIN_ITEMS)
    os.makedirs("prison/inner", exist_ok=True)
    os.chdir("prison/inner")
    Path("../secret").write_bytes(b"secret" * 1000)

    def bad(text, mention, *members):
        archive("bad.ova", *members)
        refused(text, mention, "bad.ova")

    def with_file(href, text, mention):
        bad(text, mention, ("m.ovf", ovf(f"<File ovf:href='{href}' ovf:id='f'/>", PLAIN_DISK, PLAIN_ITEMS)), ("d.vmdk", disk))

    for name in ("../escape", "/tmp/vitrine-escape", "a/b", "..", ".hidden", "x" * 90 + "/" + "y"):
        bad(f"a member {name[:20]}", "plain file", ("m.ovf", plain), (name, b"x"))
    link = tarfile.TarInfo("d.vmdk")
    link.type, link.linkname = tarfile.SYMTYPE, "../secret"
    bad("a link", "plain file", ("m.ovf", plain), link)
    hard = tarfile.TarInfo("d.vmdk")
    hard.type, hard.linkname = tarfile.LNKTYPE, "m.ovf"
    bad("a hard link", "plain file", ("m.ovf", plain), hard)
    device = tarfile.TarInfo("d.vmdk")
    device.type = tarfile.CHRTYPE
    bad("a device", "plain file", ("m.ovf", plain), device)
    bad("a file twice", "exists", ("m.ovf", plain), ("d.vmdk", disk), ("d.vmdk", disk))
    bad("no OVF", "no OVF document", ("d.vmdk", disk))
    bad("two of them", "more than one", ("m.ovf", plain), ("n.ovf", plain))
    bad("a missing disk", "d.vmdk", ("m.ovf", plain))
    bad("a disk that is none", "no disk image", ("m.ovf", plain), ("d.vmdk", b"nothing" * 1000))
    bad("a disk cut short", "d.vmdk”: it is damaged", ("m.ovf", plain), ("d.vmdk", disk[:len(disk) // 2]))
    bad("a wrong sum", "not the file", ("m.ovf", plain), ("m.mf", f"SHA256(d.vmdk)= {'0' * 64}\n".encode()), ("d.vmdk", disk))
    bad("a manifest that looks elsewhere", "another place", ("m.ovf", plain), ("m.mf", f"SHA256(../secret)= {'0' * 64}\n".encode()), ("d.vmdk", disk))
    bad("a manifest of nonsense", "understood", ("m.ovf", plain), ("m.mf", b"hello\n"), ("d.vmdk", disk))
    once = f"SHA256(d.vmdk)= {hashlib.sha256(disk).hexdigest()}\n"
    bad("a manifest that wants work without end", "more than once", ("m.ovf", plain), ("m.mf", (once * 1000).encode()), ("d.vmdk", disk))
    with_file("../secret", "a disk outside", "another place")
    with_file("/etc/passwd", "a disk anywhere", "another place")
    with_file("http://example.com/d.vmdk", "a disk in the network", "another place")
    bad("no XML", "no OVF", ("m.ovf", b"<Envelope"))
    bad("another XML", "no OVF", ("m.ovf", b"<domain/>"))
    bombs = "".join(f"<!ENTITY e{n} '{'&e%d;' % (n - 1) * 10 if n else 'x' * 100}'>" for n in range(12))
    bad("entities without end", "no OVF", ("m.ovf", f"<!DOCTYPE Envelope [{bombs}]><Envelope>&e11;</Envelope>".encode()))
    bad("a parent disk", "differences", ("m.ovf", ovf(PLAIN_FILE, PLAIN_DISK.replace("/>", " ovf:parentRef='x'/>"), PLAIN_ITEMS)), ("d.vmdk", disk))
    bad("packed files", "packed", ("m.ovf", ovf(PLAIN_FILE.replace("/>", " ovf:compression='gzip'/>"), PLAIN_DISK, PLAIN_ITEMS)), ("d.vmdk", disk))
    bad("several machines", "several", ("m.ovf", plain.replace(b"<VirtualSystem ", b"<VirtualSystemCollection ").replace(b"</VirtualSystem>", b"</VirtualSystemCollection>")))
    bad("an endless disk", "no size", ("m.ovf", ovf("", f"<Disk ovf:diskId='d' ovf:capacity='{1 << 62}' ovf:capacityAllocationUnits='byte * 2^40'/>", PLAIN_ITEMS)))
    bad("many disks", "more than", ("m.ovf", ovf("", "<Disk ovf:diskId='d' ovf:capacity='1048576'/>", item(17, 4, ("HostResource", "ovf:/disk/d")) * 30)))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(Path("../secret").resolve()), "-F", "raw", "spy.qcow2"], check=True)
    bad("a disk that stands on a file of this computer", "outside", ("m.ovf", plain), ("d.vmdk", Path("spy.qcow2").read_bytes()))
    Path("cut.ova").write_bytes(Path("../../sha256.ova").read_bytes()[:-len(disk) // 2])
    refused("an archive cut short", "cut short", "cut.ova")
    Path("text.ova").write_text("no archive at all\n" * 100)
    refused("a text", "no OVA", "text.ova")
    refused("an archive that is not there", "none.ova", "none.ova")
    os.symlink("../secret", "d.vmdk")
    Path("beside.ovf").write_bytes(plain)
    refused("a link beside an OVF", "link", "beside.ovf")
    os.chdir("../..")


def stopped():
    """Ctrl-C: nothing is left."""
    with open("large.raw", "wb") as large:
        for seed in range(12):
            large.write(random.Random(seed).randbytes(32 << 20))
    ctl("define", "boot.xml")
    Path("large.xml").write_text(Path("boot.xml").read_text().replace(str(Path("boot").resolve()), str(Path("large.raw").resolve()))
                                 .replace("boots", "large"))
    ctl("define", "large.xml")
    before = images()
    for verb in (["export", "large", "large.ova"], ["image", "convert", "-c", "zlib", "large.raw", "large.qcow2"]):
        here = set(os.listdir("."))
        process = subprocess.Popen([VITRINECTL, *verb], stderr=subprocess.PIPE, text=True)
        while set(os.listdir(".")) == here and process.poll() is None:
            time.sleep(.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        point(process.returncode == 1 and "stopped" in said.lower() and set(os.listdir(".")) == here, f"{verb[0]} is stopped by Ctrl-C",
              f"{process.returncode} {said} {set(os.listdir('.')) - here}")
    ctl("export", "large", "large.ova")
    process = subprocess.Popen([VITRINECTL, "import", "large.ova"], stderr=subprocess.PIPE, text=True)
    while images() == before and process.poll() is None:
        time.sleep(.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    point(process.returncode == 1 and "stopped" in said.lower() and images() == before, "import is stopped by Ctrl-C",
          f"{process.returncode} {said} {images()}")


def main():
    if shutil.which("qemu-img") is None:
        skip("qemu-img is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-appliance-") as folder:
        os.environ["XDG_DATA_HOME"] = f"{folder}/data"
        os.mkdir(f"{folder}/work")
        os.chdir(f"{folder}/work")
        there_and_back()
        boots()
        particular()
        foreign()
        hostile()
        stopped()
        os.chdir("/")
    plan()


main()
