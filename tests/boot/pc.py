#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc.py VITRINECTL NAME [ACCELERATOR]: what is older than PCI Express boots on machine type pc and drives its devices, as TAP.

Floppy disks and IDE disks are started by SeaBIOS: a boot sector of our own, GRUB on a FAT floppy, and GRUB on an IDE disk that
loads a 32-bit Linux. That Linux then works with its own drivers, ata_piix and floppy; and with what is younger but no virtio device either, nvme and e1000e.
"""
import hashlib
import os
import re
import shutil
import signal
import socket as socket_module
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, Skip, check_dmesg, power_off     # noqa: E402
import network                                                  # noqa: E402
from virtio import ctl, digest_of, md5, read_pcap, receive_all, shell, start, wait_for   # noqa: E402
from vmconsole import GuestError                                # noqa: E402

SECTOR = 512
GRUB = Path("/usr/lib/grub/i386-pc")
# Writes its text through the BIOS, then stops.
BOOT_SECTOR = """
bits 16
org 0x7c00
  jmp start
  times 0x3e-($-$$) db 0        ; where a FAT floppy has its parameters
start:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  mov si, 3                     ; three tries, as drives need
.again:
  mov ax, 0x0201                ; one sector, from the last cylinder
  mov bx, 0x8000
  mov cx, {cylinder} << 8 | {sector}
  mov dh, {head}
  int 0x13
  jnc .loaded
  xor ah, ah
  int 0x13
  dec si
  jnz .again
  mov bx, failed
  jmp .print
.loaded:
  mov bx, 0x8000
.print:
  mov al, [bx]
  inc bx
  test al, al
  jz .stop
  push bx
  mov ah, 0x0e
  mov bx, 7
  int 0x10
  pop bx
  jmp .print
.stop:
  hlt
  jmp .stop
failed: db "CANNOT READ", 0
times 510-($-$$) db 0
dw 0xaa55
"""
GRUB_CONFIG = """serial --unit=0 --speed=115200
terminal_output console serial
echo "GRUB reads the disk in $root"
"""
LINUX_CONFIG = """linux /vmlinuz console=ttyS0,115200
initrd /initrd.img
boot
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def needs(*programs):
    missing = [p for p in programs if not shutil.which(p, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    if missing:
        raise Skip(f"{missing[0]} is not installed")


# --- Disks that boot --------------------------------------------------------------------------------------------------

def boot_floppy(boot, name, bytes_, geometry, text):
    """A floppy whose boot sector prints what is in the very last sector."""
    cylinders, heads, sectors = geometry
    source, image = boot.folder / "boot.asm", boot.folder / name
    source.write_text(BOOT_SECTOR.format(cylinder=cylinders - 1, head=heads - 1, sector=sectors))
    subprocess.run(["nasm", "-f", "bin", "-o", image, source], check=True)
    data = image.read_bytes().ljust(bytes_ - SECTOR, b"\0") + text.encode().ljust(SECTOR, b"\0")
    image.write_bytes(data)
    return image


def grub_core(boot, prefix, *modules):
    core = boot.folder / "core.img"
    subprocess.run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-p", prefix, "-o", core, "biosdisk", "fat", "part_msdos", "normal",
                    "echo", "serial", "terminal", *modules], check=True)
    return bytearray(core.read_bytes())


def place_core(image, first, core, boot_drive=0xFF):
    """boot.img finds GRUB's core at that sector, and the core's first sector the rest of it behind."""
    sectors = -(-len(core) // SECTOR)
    struct.pack_into("<QHH", core, SECTOR - 12, first + 1, sectors - 1, 0x820)
    boot = bytearray((GRUB / "boot.img").read_bytes())
    struct.pack_into("<Q", boot, 0x5C, first)
    boot[0x64] = boot_drive
    data = bytearray(image.read_bytes())
    boot[3:0x3E] = data[3:0x3E]                     # the file system's parameters
    boot[0x1BE:0x200] = data[0x1BE:0x1FE] + b"\x55\xaa" if any(data[0x1BE:0x1FE]) else boot[0x1BE:0x200]
    data[:SECTOR] = boot
    data[first * SECTOR:first * SECTOR + len(core)] = core
    image.write_bytes(data)


def data_start(image, at=0):
    """First data sector of a FAT12 or FAT16 file system, from its boot sector."""
    head = image.read_bytes()[at:at + SECTOR]
    reserved, fats, entries, fat_sectors = (*struct.unpack_from("<H", head, 14), head[16], *struct.unpack_from("<H", head, 17),
                                            *struct.unpack_from("<H", head, 22))
    return reserved + fats * fat_sectors + entries * 32 // SECTOR


def grub_floppy(boot, config):
    """The core is the first file of a fresh FAT: its clusters begin where the data does, one behind the other."""
    needs("mformat", "grub-mkimage")
    image, core = boot.folder / "grub.img", grub_core(boot, "(fd0)/")
    (boot.folder / "grub.cfg").write_text(config)
    (boot.folder / "core").write_bytes(core)
    subprocess.run(["mformat", "-C", "-f", "1440", "-v", "VITRINE", "-i", image, "::"], check=True)
    for name in ("core", "grub.cfg"):
        subprocess.run(["mcopy", "-i", image, boot.folder / name, f"::{name}"], check=True)
    place_core(image, data_start(image), core)
    return image


def grub_disk(boot, files):
    """An IDE disk of one FAT16 partition, with GRUB in front of it."""
    needs("mformat", "grub-mkimage")
    image, start_sector, sectors = boot.folder / "disk.img", 2048, 64 << 11
    with open(image, "wb") as disk:
        disk.truncate((start_sector + sectors) * SECTOR)
        disk.seek(0x1BE)
        disk.write(struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x0E, b"\xfe\xff\xff", start_sector, sectors))
        disk.write(bytes(48) + b"\x55\xaa")
    partition = f"{image}@@{start_sector * SECTOR}"
    subprocess.run(["mformat", "-i", partition, "-T", str(sectors), "-h", "16", "-s", "63", "-H", str(start_sector), "-v", "VITRINE",
                    "::"], check=True)
    (boot.folder / "grub.cfg").write_text(GRUB_CONFIG + LINUX_CONFIG)
    for name, source in {"grub.cfg": boot.folder / "grub.cfg", **files}.items():
        subprocess.run(["mcopy", "-i", partition, source, f"::{name}"], check=True)
    place_core(image, 1, grub_core(boot, "(hd0,msdos1)/", "linux"))
    return image


def run_pc(boot, *arguments):
    return boot.run("--machine", "pc", *arguments)


# --- SeaBIOS ----------------------------------------------------------------------------------------------------------

def floppy(boot):
    """Each size, read to its end."""
    needs("nasm")
    picture = boot.folder / "screen.png"
    geometry = {"360K": (40, 2, 9), "720K": (80, 2, 9), "1200K": (80, 2, 15), "1440K": (80, 2, 18), "2880K": (80, 2, 36)}
    for size, (cylinders, heads, sectors) in geometry.items():
        text = f"The last sector of {size} is here"
        image = boot_floppy(boot, f"{size}.img", cylinders * heads * sectors * SECTOR, (cylinders, heads, sectors), text)
        with run_pc(boot, "--memory", "64M", "--floppy", image, "--screenshot", picture) as guest:
            boot.screen(guest, picture, text, 120)
        boot.ok(f"SeaBIOS starts a floppy of {size}, which reads its last sector")


def grub(boot):
    image = grub_floppy(boot, GRUB_CONFIG + "echo done\n")
    with run_pc(boot, "--memory", "64M", "--floppy", image) as guest:
        guest.expect(r"GRUB reads the disk in fd0", 120)
    boot.ok("GRUB starts from a FAT floppy and reads its configuration there")


def disk(boot):
    target = boot.guest("pc32")
    image = grub_disk(boot, {"vmlinuz": target / "vmlinuz", "initrd.img": target / "initrd.img"})
    with run_pc(boot, "--memory", "256M", "--disk", f"{image},format=raw,bus=ide") as guest:
        guest.expect(r"GRUB reads the disk in hd0,msdos1", 300)
        boot.ok("SeaBIOS starts GRUB from an IDE disk")
        start(guest)
        boot.ok("GRUB loads a 32-bit Linux from there, and it boots to a shell")
        shell(guest, "mount -t vfat -o ro /dev/sda1 /mnt")
        got = shell(guest, "sha256sum /mnt/initrd.img", 300).split()[-2]
        if got != sha256((target / "initrd.img").read_bytes()):
            raise GuestError(guest.explain("the kernel reads another file than GRUB did"))
        boot.ok("its driver reads the same file as the BIOS did")
        guest.send("reboot\n")
        guest.expect(r"GRUB reads the disk in hd0,msdos1", 300)
        start(guest)
        boot.ok("it starts itself anew")
        check_dmesg(boot, guest)
        power_off(boot, guest)


# --- Linux ------------------------------------------------------------------------------------------------------------

def digest(guest, what, seconds=600):
    return re.search(r"\b[0-9a-f]{64}\b", shell(guest, f"sha256sum {what}", seconds)).group()


def same(boot, guest, got, wanted, what):
    if got != wanted:
        raise GuestError(guest.explain(f"{what}: “{got}” instead of “{wanted}”"))
    boot.ok(what)


def write_and_compare(boot, guest, device, image, block, seek, count):
    """What the guest writes, it reads back from the medium, and the host has it in the image."""
    shell(guest, f"dd if=/dev/urandom of={device} bs={block} seek={seek} count={count} conv=notrunc,fsync 2>/dev/null; "
          "echo 3 > /proc/sys/vm/drop_caches", 600)
    same(boot, guest, digest(guest, device), sha256(image.read_bytes()), f"what is written to {device} is in the image, and read again")


def random_image(boot, name, size):
    image = boot.folder / name
    image.write_bytes(os.urandom(size))
    return image


def kernel(boot):
    target = boot.guest("pc32")
    return ["--memory", "256M", "--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append", "console=ttyS0,115200"]


def look_again(guest, device):
    """In its first minutes Linux looks at a floppy drive's change line only when it reads: that read fails, the next one is right."""
    return digest(guest, f"{device} 2> /dev/null || sha256sum {device}")


def change_media(boot, guest, socket, cds, floppies):
    ctl(boot, "change-cd", socket, 1, cds[1])
    same(boot, guest, digest(guest, "/dev/sr0"), sha256(cds[1].read_bytes()), "a changed CD is seen")
    ctl(boot, "change-floppy", socket, 2, floppies[1])
    same(boot, guest, look_again(guest, "/dev/fd0"), sha256(floppies[1].read_bytes()), "a changed floppy disk is seen")
    ctl(boot, "change-floppy", socket, 2, "none")
    if re.search(r"\b[0-9a-f]{64}\b", shell(guest, "sha256sum /dev/fd0; sha256sum /dev/fd0")):
        raise GuestError(guest.explain("a floppy disk that was taken out can be read"))
    boot.ok("no disk can be read when there is none")
    ctl(boot, "change-floppy", socket, 2, floppies[0])
    same(boot, guest, look_again(guest, "/dev/fd0"), sha256(floppies[0].read_bytes()), "the first disk is back")


def linux(boot):
    socket, image = boot.folder / "control", random_image(boot, "disk.img", 24 << 20)
    cds = [random_image(boot, f"{n}.iso", 2 << 20) for n in (1, 2)]
    floppies = [random_image(boot, f"{n}.img", 1440 << 10) for n in (1, 2)]
    with run_pc(boot, *kernel(boot), "--disk", f"{image},format=raw,bus=ide", "--cdrom", cds[0], "--floppy", floppies[0],
                "--control", socket) as guest:
        start(guest)
        boot.ok("a 32-bit Debian kernel boots to a shell")
        log = shell(guest, "dmesg")
        for driver in (r"scsi host0: ata_piix", r"MWDMA2|UDMA", r"FDC 0 is a post-1991 82077", r"Floppy drive\(s\): fd0 is 1\.44M"):
            if not re.search(driver, log):
                raise GuestError(guest.explain(f"no “{driver}” in the kernel's log"))
        boot.ok("its drivers ata_piix and floppy find their devices")
        for device, path in (("/dev/sda", image), ("/dev/sr0", cds[0]), ("/dev/fd0", floppies[0])):
            same(boot, guest, digest(guest, device), sha256(path.read_bytes()), f"{device} reads as it is")
        write_and_compare(boot, guest, "/dev/sda", image, "64k", 100, 90)
        write_and_compare(boot, guest, "/dev/fd0", floppies[0], "18k", 30, 12)
        change_media(boot, guest, socket, cds, floppies)
        check_dmesg_of_media(boot, guest)
        power_off(boot, guest)


def check_dmesg_of_media(boot, guest):
    """A drive without a disk is a reason to complain, once for each try; nothing else is."""
    guest.command("dmesg -n 1; dmesg | grep -vE 'fd0|floppy|sr0' > /tmp/log; dmesg -c > /dev/null; cat /tmp/log > /dev/kmsg", PROMPT, 60)
    check_dmesg(boot, guest)


def protect(boot):
    """A write protected disk, in the second drive. Then somebody presses the power button."""
    image, socket = random_image(boot, "b.img", 720 << 10), boot.folder / "control"
    with run_pc(boot, *kernel(boot), "--floppy", "", "--floppy", f"{image},readonly=on", "--control", socket) as guest:
        start(guest)
        before = sha256(image.read_bytes())
        # The kernel makes a drive known by its number; a 720 KiB disk is read as what it is.
        shell(guest, "[ -b /dev/fd1 ] || mknod /dev/fd1 b 2 1")
        same(boot, guest, digest(guest, "/dev/fd1"), before, "a disk of 720 KiB reads in the second drive")
        shell(guest, "dd if=/dev/zero of=/dev/fd1 bs=512 count=1 conv=notrunc,fsync")
        if sha256(image.read_bytes()) != before:
            raise GuestError(guest.explain("a write protected disk was written to"))
        boot.ok("a write protected disk is not written to")
        shell(guest, "mkdir -p /var/run /var/log; acpid")
        ctl(boot, "stop", socket)
        if guest.wait(60) != 0:
            raise GuestError(guest.explain("the power button does not switch the machine off"))
        boot.ok("the power button switches the machine off")


def saved(boot):
    """Saved while reading, and on in another process, with the floppy's motor running and the disk's driver in the middle."""
    state, image, disk_image = boot.folder / "state", random_image(boot, "f.img", 1440 << 10), random_image(boot, "d.img", 24 << 20)
    drives = ["--disk", f"{disk_image},format=raw,bus=ide", "--floppy", image]
    with run_pc(boot, *kernel(boot), *drives, "--save", state) as guest:
        start(guest)
        shell(guest, "mkdir -p /tmp/r; (sha256sum /dev/fd0 > /tmp/r/fd0; sha256sum /dev/sda > /tmp/r/sda) & "
              "until grep -q . /sys/block/fd0/stat && [ $(awk '{print $3}' /sys/block/fd0/stat) -gt 400 ]; do usleep 10000; done")
        guest.process.send_signal(signal.SIGINT)
        guest.wait(60)
    if not state.exists():
        raise GuestError("nothing was saved")
    with run_pc(boot, *kernel(boot), *drives, "--restore", state) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 120)
        shell(guest, "wait", 600)
        for name, path in (("fd0", image), ("sda", disk_image)):
            got = shell(guest, f"cat /tmp/r/{name}")
            if sha256(path.read_bytes()) not in got:
                raise GuestError(guest.explain(f"{name} was read wrong over the save: {got}"))
        boot.ok("a floppy and a disk are read on after a restore, as they are")
        write_and_compare(boot, guest, "/dev/sda", disk_image, "64k", 10, 20)
        check_dmesg(boot, guest)
        power_off(boot, guest)


def nvme(boot):
    """SeaBIOS starts it; the kernel reads, writes, discards, and goes on after a save, with a queue for each processor."""
    target, state = boot.guest("pc32"), boot.folder / "state"
    boot.cpus = 2
    image = grub_disk(boot, {"vmlinuz": target / "vmlinuz", "initrd.img": target / "initrd.img"})
    second = random_image(boot, "second.img", 32 << 20)
    disks = ["--memory", "256M", "--disk", f"{image},format=raw,bus=nvme", "--disk", f"{second},format=raw,bus=nvme"]
    with run_pc(boot, *disks, "--save", state) as guest:
        start(guest)
        boot.ok("SeaBIOS starts GRUB from an NVMe disk, and that a 32-bit Linux")
        if not re.search(r"nvme nvme1: 2/0/0 default", shell(guest, "dmesg | grep nvme")):
            raise GuestError(guest.explain("there is no queue for each processor"))
        boot.ok("its driver has a queue for each processor")
        same(boot, guest, digest(guest, "/dev/nvme1n1"), sha256(second.read_bytes()), "the disk reads as it is")
        write_and_compare(boot, guest, "/dev/nvme1n1", second, "256k", 20, 40)
        shell(guest, "for i in 0 1 2 3; do dd if=/dev/nvme1n1 of=/dev/nvme1n1 bs=64k count=32 skip=$((i * 32)) seek=$((256 + i * 32)) "
              "conv=notrunc oflag=direct & done; wait; sync")
        shell(guest, "blkdiscard -o 0 -l 1048576 /dev/nvme1n1; echo 3 > /proc/sys/vm/drop_caches")
        data = second.read_bytes()
        if data[17 << 20:24 << 20] != data[1 << 20:8 << 20] or any(data[:1 << 20]):
            raise GuestError(guest.explain("copies or discarded blocks are not as they should be"))
        boot.ok("parallel copies and discarded blocks are in the image")
        shell(guest, "(sha256sum /dev/nvme1n1 > /tmp/sum) & until [ $(awk '{print $3}' /sys/block/nvme1n1/stat) -gt 20000 ]; do usleep 1000; done")
        guest.process.send_signal(signal.SIGINT)
        guest.wait(60)
    with run_pc(boot, *disks, "--restore", state) as guest:
        guest.send("\n")
        guest.expect(PROMPT, 120)
        shell(guest, "wait", 300)
        if sha256(second.read_bytes()) not in shell(guest, "cat /tmp/sum"):
            raise GuestError(guest.explain("read wrong over the save"))
        boot.ok("a read goes on after a restore")
        write_and_compare(boot, guest, "/dev/nvme1n1", second, "64k", 10, 20)
        check_dmesg(boot, guest)
        power_off(boot, guest)


def carry(boot, guest, web, data, mode):
    """8 MiB down and 4 MiB up by TCP, which its checksums and digests verify."""
    listener, got = socket_module.create_server(("127.0.0.1", 0)), bytearray()
    threading.Thread(target=receive_all, args=(listener, got), daemon=True).start()
    down = digest_of(guest, f"wget -q -O - http://10.0.2.2:{web.server_port}/data")
    same(boot, guest, down, md5(data), f"8 MiB come down ({mode})")
    sent = digest_of(guest, "dd if=/dev/urandom of=/tmp/up bs=1M count=4 2>/dev/null; cat /tmp/up")
    shell(guest, f"nc 10.0.2.2 {listener.getsockname()[1]} < /tmp/up")
    wait_for(guest, 60, "the upload", lambda: len(got) == 4 << 20)
    same(boot, guest, md5(got), sent, f"4 MiB go up ({mode})")


def set_up_network(guest):
    shell(guest, "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2; "
          "until [ $(cat /sys/class/net/eth0/carrier) = 1 ]; do usleep 50000; done")


def e1000e(boot):
    socket, trace, www, data = boot.folder / "control", boot.folder / "trace.pcap", boot.folder / "www", os.urandom(8 << 20)
    www.mkdir()
    (www / "data").write_bytes(data)
    web = network.serve(www)
    with run_pc(boot, *kernel(boot), "--net", "user,model=e1000e,mac=52:54:00:12:34:56", "--control", socket) as guest:
        start(guest)
        if "52:54:00:12:34:56" not in shell(guest, "dmesg | grep 'e1000e.*eth0'"):
            raise GuestError(guest.explain("the driver e1000e has not found its card"))
        boot.ok("the driver e1000e finds its card, with its address")
        set_up_network(guest)
        ctl(boot, "capture", socket, trace)
        carry(boot, guest, web, data, "MSI-X")
        ctl(boot, "capture", socket, "stop")
        if max(map(len, read_pcap(trace))) > 1514 or "eth0-rx-0" not in shell(guest, "cat /proc/interrupts"):
            raise GuestError(guest.explain("frames larger than the wire takes, or no messages"))
        boot.ok("its segments are no larger than the wire takes")
        for mode, words in ((1, "MSI"), (0, "IO-APIC")):
            shell(guest, f"rmmod e1000e && insmod /lib/modules/*/kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko IntMode={mode}")
            set_up_network(guest)
            if words not in shell(guest, "grep eth0 /proc/interrupts"):
                raise GuestError(guest.explain(f"the driver has another kind of interrupt than {words}"))
            carry(boot, guest, web, data, words)
        ctl(boot, "link", socket, "down")
        wait_for(guest, 20, "the link goes down", lambda: shell(guest, "cat /sys/class/net/eth0/carrier").split()[-1] == "0")
        ctl(boot, "link", socket, "up")
        wait_for(guest, 20, "the link comes up", lambda: shell(guest, "cat /sys/class/net/eth0/carrier").split()[-1] == "1")
        boot.ok("the cable can be pulled and plugged in")
        check_dmesg(boot, guest)
        power_off(boot, guest)


TESTS = {f.__name__: f for f in (floppy, grub, disk, e1000e, linux, nvme, protect, saved)}


def main():
    vitrinectl, name = sys.argv[1:3]
    accel = sys.argv[3] if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory(prefix="vitrine-pc-", dir="/var/tmp") as folder:
        boot = Boot(vitrinectl, folder, accel)
        boot.attempt(name, TESTS[name])
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
