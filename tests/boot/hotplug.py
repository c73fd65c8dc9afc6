#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hotplug.py VITRINECTL NAME: disks and network cards come and go while Debian's kernel runs (pciehp), as TAP.

NAME says who started the kernel, and so who gave the empty slots their windows: kernel (nobody before it), seabios, ovmf; or
saved: what came while running is there after a restore, and can go, with a virtio card or (saved-e1000e) with an e1000e.
"""
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import PROMPT, Boot, check_dmesg, power_off, second_entry   # noqa: E402
from display import efi_disk                                          # noqa: E402
from vmconsole import GuestError                                      # noqa: E402

ROUNDS = {"kernel": 4, "seabios": 3, "ovmf": 3, "saved": 1}
MODELS = {"seabios": ("virtio",)}        # its CD has no other driver
MIB = 4


def ctl(boot, *arguments):
    """vitrinectl's process, so that the guest's console is read while it waits for the guest. Nobody is at a terminal."""
    return subprocess.Popen([boot.vitrinectl, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True, env={**os.environ, "LC_ALL": "C.UTF-8"})


def finish(guest, process, seconds=90):
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline or not guest.pump(0.1):
            process.kill()
            raise GuestError(guest.explain(f"{process.args[1]}: not done within {seconds} seconds"))
    answer, problem = process.communicate()
    return answer.strip(), problem.strip(), process.returncode


def must(guest, process):
    answer, problem, status = finish(guest, process)
    if status != 0:
        raise GuestError(guest.explain(f"{process.args[1]}: {problem}"))
    return answer


def names(guest, folder, pattern):
    return set(re.findall(pattern, guest.command(f"ls {folder}", PROMPT, 60)))


def wait_names(guest, folder, pattern, wanted, what, seconds=60):
    deadline = time.monotonic() + seconds
    while names(guest, folder, pattern) != wanted:
        if time.monotonic() > deadline:
            guest.command("dmesg | tail -n 40", PROMPT, 60)
            raise GuestError(guest.explain(f"{what}: {folder} has {names(guest, folder, pattern)}, not {wanted}"))


DISKS, CARDS = ("/sys/block", r"\bvd[a-z]\b"), ("/sys/class/net", r"\beth\d\b")


def write_disk(guest):
    """Random bytes from the guest; their digest as the guest reads them back from the disk itself."""
    guest.command(f"dd if=/dev/urandom of=/dev/vda bs=1M count={MIB} 2>/dev/null; sync; echo 3 > /proc/sys/vm/drop_caches", PROMPT, 120)
    return re.search(r"\b[0-9a-f]{32}\b", guest.command(f"dd if=/dev/vda bs=1M count={MIB} 2>/dev/null | md5sum", PROMPT, 120)).group()


def get_address(guest, card):
    text = guest.command(f"ip link set {card} up; udhcpc -i {card} -n -q -t 10 -s /bin/true 2>&1", PROMPT, 120)
    if not re.search(r"lease of 10\.0\.2\.\d+ obtained", text):
        raise GuestError(guest.explain("no address by DHCP"))


DRIVERS = {"virtio": "virtio_net", "e1000e": "e1000e"}


def driver(guest, card):
    return re.search(r"drivers/(\w+)", guest.command(f"readlink -f /sys/class/net/{card}/device/driver", PROMPT, 60)).group(1)


def one_round(boot, guest, socket, number, models=("virtio", "e1000e")):
    image = boot.folder / f"disk{number}.img"
    image.write_bytes(bytes(8 << 20))
    target = must(guest, ctl(boot, "attach-disk", socket, f"{image},format=raw,id=hot{number}"))
    wait_names(guest, *DISKS, {"vda"}, "a disk that was added")
    digest = write_disk(guest)
    model = models[number % len(models)]
    mac = must(guest, ctl(boot, "attach-net", socket, f"user,model={model}"))
    wait_names(guest, *CARDS, {"eth0"}, f"a card that was added ({model})")
    if driver(guest, "eth0") != DRIVERS[model]:
        raise GuestError(guest.explain(f"a card of model {model} has the driver {driver(guest, 'eth0')}"))
    if mac not in guest.command("cat /sys/class/net/eth0/address", PROMPT, 60):
        raise GuestError(guest.explain(f"the card's address is not {mac}"))
    get_address(guest, "eth0")
    going = [ctl(boot, "detach-disk", socket, target), ctl(boot, "detach-net", socket, mac)]
    for process in going:
        must(guest, process)
    wait_names(guest, *DISKS, set(), "a disk that was removed")
    wait_names(guest, *CARDS, set(), "a card that was removed")
    # Nobody has the image any more: the file is whole, and may go.
    if hashlib.md5(image.read_bytes()[:MIB << 20]).hexdigest() != digest:
        raise GuestError("the image has not what the guest wrote")
    image.unlink()


def refusals(boot, guest, socket):
    full = [boot.folder / f"full{i}.img" for i in range(5)]
    for path in full:
        path.write_bytes(bytes(1 << 20))
    for i, path in enumerate(full[:4]):
        must(guest, ctl(boot, "attach-disk", socket, f"{path},id=full{i}"))
    _, problem, status = finish(guest, ctl(boot, "attach-disk", socket, full[4]))
    if status == 0 or "All 4 slots" not in problem:
        raise GuestError(f"a fifth device: {problem}")
    wait_names(guest, *DISKS, {"vda", "vdb", "vdc", "vdd"}, "four disks")
    for process in [ctl(boot, "detach-disk", socket, f"full{i}") for i in range(4)]:
        must(guest, process)
    wait_names(guest, *DISKS, set(), "no disks")
    _, problem, status = finish(guest, ctl(boot, "detach-disk", socket, "full0"))
    if status == 0 or "has no disk" not in problem:
        raise GuestError(f"removing what is not there: {problem}")
    boot.ok("four devices find room; a fifth is refused, as is removing what is not there")


def growing(boot, guest, socket):
    """Each format that a machine runs on; the guest's own driver tells the new size, and the new room holds data."""
    for kind in ("raw", "qcow2"):
        image = boot.folder / f"grow.{kind}"
        subprocess.run([boot.vitrinectl, "image", "create", "--format", kind, image, "8M"], check=True, capture_output=True)
        must(guest, ctl(boot, "attach-disk", socket, f"{image},format={kind},id=grow"))
        wait_names(guest, *DISKS, {"vda"}, "a disk")
        must(guest, ctl(boot, "resize-disk", socket, "grow", "48M"))
        deadline = time.monotonic() + 60
        while str(48 << 11) not in guest.command("cat /sys/block/vda/size", PROMPT, 60).split():
            if time.monotonic() > deadline:
                raise GuestError(guest.explain("the guest does not see the new size"))
        guest.command("(head -c 500000 /bin/busybox) > /tmp/part; dd if=/tmp/part of=/dev/vda bs=1M seek=40 conv=fsync 2>/dev/null", PROMPT, 60)
        text = guest.command("echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/vda bs=1M skip=40 2>/dev/null | head -c 500000 | cmp - /tmp/part && echo s''ame",
                             PROMPT, 60)
        if "same" not in text:
            raise GuestError(guest.explain("the new room does not hold what is written there"))
        _, problem, status = finish(guest, ctl(boot, "resize-disk", socket, "grow", "1M"))
        if status == 0 or "not smaller" not in problem:
            raise GuestError(f"a disk that should shrink: {problem}")
        must(guest, ctl(boot, "detach-disk", socket, "grow"))
        wait_names(guest, *DISKS, set(), "no disk")
        if kind == "qcow2":
            subprocess.run(["qemu-img", "check", "-q", image], check=True)
    boot.ok("a raw and a qcow2 disk grow while the guest runs, which sees it")


PASSPHRASE = "correct horse battery staple"


def encrypted(boot, guest, socket):
    """LUKS, by itself and in qcow2: the passphrase is vitrinectl's, and the machine gets the disk's key."""
    key, wrong = boot.folder / "key", boot.folder / "wrong"
    key.write_text(PASSPHRASE)
    wrong.write_text("wrong")
    for name, options in (("luks", ["--format", "luks"]), ("qcow2", ["--format", "qcow2", "--encrypt"])):
        image = boot.folder / f"secret.{name}"
        subprocess.run([boot.vitrinectl, "image", "create", *options, "--key-file", key, "--iteration-time", "50", image, "16M"],
                       check=True, capture_output=True)
        for problem, more in (("does not open", f",key-file={wrong}"), ("no terminal to ask at", "")):
            _, said, status = finish(guest, ctl(boot, "attach-disk", socket, f"{image},format={name},id=secret{more}"))
            if status == 0 or not re.search(problem, said):
                raise GuestError(f"{name}{more}: {said}")
        must(guest, ctl(boot, "attach-disk", socket, f"{image},format={name},id=secret,key-file={key}"))
        wait_names(guest, *DISKS, {"vda"}, "an encrypted disk")
        guest.command("yes vitrine-in-the-open | dd of=/dev/vda bs=64k count=16 iflag=fullblock conv=fsync 2>/dev/null; "
                      "echo 3 > /proc/sys/vm/drop_caches", PROMPT, 60)
        if "vitrine-in-the-open" not in guest.command("head -c 20 /dev/vda", PROMPT, 60):
            raise GuestError(guest.explain("an encrypted disk does not read what was written"))
        process = Path(f"/proc/{guest.process.pid}")
        if PASSPHRASE.encode() in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
            raise GuestError("the passphrase is among the arguments")
        must(guest, ctl(boot, "detach-disk", socket, "secret"))
        wait_names(guest, *DISKS, set(), "no disk")
        if b"in-the-open" in image.read_bytes():
            raise GuestError("what the guest wrote is in the open")
    boot.ok("encrypted disks come with their key, and go; without the passphrase nothing comes")


def keep_attention(guest):
    """A guest that does not let go: the driver for the first port is taken away."""
    guest.command("echo 0000:00:1c.0:pcie004 > /sys/bus/pci_express/drivers/pciehp/unbind", PROMPT, 60)


def unheard(boot, guest, socket):
    image = boot.folder / "unheard.img"
    image.write_bytes(bytes(1 << 20))
    must(guest, ctl(boot, "attach-disk", socket, f"{image},id=unheard"))
    wait_names(guest, *DISKS, {"vda"}, "a disk")
    keep_attention(guest)
    _, problem, status = finish(guest, ctl(boot, "detach-disk", socket, "unheard"))
    if status == 0 or "listens" not in problem:
        raise GuestError(guest.explain(f"a guest without a driver: {problem}"))
    boot.ok("a guest without a driver for hot plug is not asked, and the sentence says so")
    # It listens, as far as the slot's control register (at 0x60) says, and does nothing.
    control = "dd of=/sys/bus/pci/devices/0000:00:1c.0/config bs=1 seek=96 conv=notrunc 2> /dev/null"
    guest.command(f"printf '\\x21\\x00' | {control}", PROMPT, 60)
    _, problem, status = finish(guest, ctl(boot, "detach-disk", socket, "unheard"))
    if status == 0 or "within 30 seconds" not in problem:
        raise GuestError(guest.explain(f"a guest that does nothing: {problem}"))
    guest.command(f"printf '\\x21\\x07' | {control}", PROMPT, 60)      # power and indicator off
    must(guest, ctl(boot, "detach-disk", socket, "unheard"))
    boot.ok("a guest that does not let go in time keeps the disk, which goes when the slot is off")


def start(boot, name, *more):
    socket = boot.folder / "control"
    options = ["--memory", "512M", "--control", socket, *more]
    target = boot.guest("slots")
    if name == "ovmf":
        return socket, boot.run("--firmware", "uefi", "--disk", f"{efi_disk(boot, target)},snapshot=on,bus=sata", *options)
    if name == "kernel" or name.startswith("saved"):
        return socket, boot.run("--kernel", target / "vmlinuz", "--initrd", target / "initrd.img", "--append",
                                "console=ttyS0,115200 quiet", *options)
    target = boot.guest("iso")
    return socket, boot.run("--cdrom", target / "demo.iso", *options)


def to_shell(guest, name):
    if name == "seabios":
        guest.expect(r"Vitrine demo \(serial console\)", 400)
        second_entry(guest, "Vitrine demo (serial console)")
    guest.expect(PROMPT, 900)
    guest.command("stty cols 250; dmesg -n 1", PROMPT, 60)


def turns(boot, name):
    socket, machine = start(boot, name)
    with machine as guest:
        to_shell(guest, name)
        for number in range(ROUNDS[name]):
            one_round(boot, guest, socket, number, MODELS.get(name, ("virtio", "e1000e")))
        boot.ok(f"{name}: a disk and a card came and went {ROUNDS[name]} times, and nothing written was lost")
        if name == "kernel":
            refusals(boot, guest, socket)
            growing(boot, guest, socket)
            encrypted(boot, guest, socket)
        if name != "ovmf":      # where the kernel misses the DMI tables, with or without slots
            check_dmesg(boot, guest)
        if name == "kernel":
            # Its disk is torn away from under the driver, which may wait for it when it shuts down.
            unheard(boot, guest, socket)
            guest.process.terminate()
            guest.wait(60)
        else:
            power_off(boot, guest)


def saved(boot, name):
    model = "e1000e" if name == "saved-e1000e" else "virtio"
    image, state = boot.folder / "disk.img", boot.folder / "state"
    image.write_bytes(bytes(8 << 20))
    socket, machine = start(boot, "saved", "--save", state)
    with machine as guest:
        to_shell(guest, "saved")
        must(guest, ctl(boot, "attach-disk", socket, f"{image},id=hot,port=2"))
        mac = must(guest, ctl(boot, "attach-net", socket, f"user,model={model},port=4"))
        wait_names(guest, *DISKS, {"vda"}, "a disk")
        wait_names(guest, *CARDS, {"eth0"}, "a card")
        get_address(guest, "eth0")
        digest = write_disk(guest)
        guest.process.send_signal(signal.SIGINT)
        guest.wait(60)
    if not state.exists():
        raise GuestError("nothing was saved")
    socket, machine = start(boot, "saved", "--disk", f"{image},id=hot,port=2", "--net", f"user,model={model},mac={mac},port=4",
                            "--restore", state)
    with machine as guest:
        guest.send("\n")
        guest.expect(PROMPT, 120)
        again = guest.command(f"echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/vda bs=1M count={MIB} 2>/dev/null | md5sum", PROMPT, 120)
        if digest not in again:
            raise GuestError(guest.explain("the restored disk reads something else"))
        get_address(guest, "eth0")
        boot.ok(f"a machine with devices in its slots goes on after a restore ({model})")
        for process in [ctl(boot, "detach-disk", socket, "hot"), ctl(boot, "detach-net", socket, mac)]:
            must(guest, process)
        wait_names(guest, *DISKS, set(), "a disk that was removed")
        wait_names(guest, *CARDS, set(), "a card that was removed")
        one_round(boot, guest, socket, 0)
        boot.ok("they can go then, and others come")
        check_dmesg(boot, guest)
        power_off(boot, guest)


def main():
    name = sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="vitrine-hotplug-") as folder:
        boot = Boot(sys.argv[1], folder)
        boot.attempt(name, lambda b: (saved if name.startswith("saved") else turns)(b, name))
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()
