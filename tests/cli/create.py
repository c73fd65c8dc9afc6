#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""create.py VITRINECTL: machines are made for what an installer image holds, as TAP (the protocol)."""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from home import VITRINECTL, Home, ok      # noqa: E402
from tap import plan, point                # noqa: E402

SECTOR = 2048
BOOTABLE = b"\0CD001\1EL TORITO SPECIFICATION"


def medium(home, name, volume, publisher="", bootable=True):
    """ECMA-119, 8.4: a primary volume descriptor; libosinfo looks at nothing else."""
    def put(at, text, room):
        image[16 * SECTOR + at:16 * SECTOR + at + room] = text.encode().ljust(room)
    image = bytearray(20 * SECTOR)
    image[16 * SECTOR:16 * SECTOR + 7] = b"\1CD001\1"
    put(8, "", 32)
    put(40, volume, 32)
    put(318, publisher, 128)
    put(574, "", 128)
    if bootable:
        image[17 * SECTOR:17 * SECTOR + len(BOOTABLE)] = BOOTABLE
    for at in (80, 87):
        image[16 * SECTOR + at] = 20
    for at in (129, 130):
        image[16 * SECTOR + at] = SECTOR >> 8
    (home.folder / name).write_bytes(image)
    return name


def made(home, *words):
    """Its definition, and what was said on the way."""
    done = subprocess.run([VITRINECTL, "create", *words], capture_output=True, text=True, env=home.env, check=False, timeout=120,
                          cwd=home.folder)
    assert done.returncode == 0, done.stderr
    return home.ctl("dumpxml", done.stdout.strip()), done.stderr


def has(text, *words):
    for word in words:
        assert word in text, f"{word} is not in: {text}"


def unknown(home):
    xml, said = made(home, "--installer", medium(home, "house-os.iso", "HOUSE_OS"))
    has(said, "was not recognized")
    assert "bootable" not in said, said
    has(xml, "<name>HOUSE_OS</name>", 'device="cdrom"', "house-os.iso", 'type="qcow2"', ">1048576</memory>", ">1</vcpu>")
    assert xml.index('<boot order="1"/>') < xml.index('<boot order="2"/>'), xml
    disk = next((home.folder / "data").rglob("*.qcow2"))
    has(home.ctl("image", "info", disk), "(21474836480 bytes)")
    ok("an unknown installer: a disk of 20 GiB that starts before it, and the medium's name")
    xml, said = made(home, "--installer", "house-os.iso")
    has(xml, "<name>HOUSE_OS 2</name>")
    ok("a name that is taken is counted on")


def recognized(home):
    iso = medium(home, "win11.iso", "CCCOMA_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION")
    xml, said = made(home, "Eleven", "--installer", iso, "--disk-size", "70G", "--cpus", "1")
    if "note: this is Microsoft Windows 11" not in said:
        point(True, "the database of operating systems does not know the medium # SKIP osinfo-db is too old")
        return
    has(xml, "<name>Eleven</name>", "microsoft.com/win/11", ">1</vcpu>", 'name="secure-boot"')
    assert ("<tpm" in xml) != ("takes the program swtpm" in said), (xml, said)
    has(home.ctl("image", "info", next((home.folder / "data").rglob("*leven*.qcow2"))), "(75161927680 bytes)")
    ok("a recognized one: what it wants, but for what was said")
    xml, said = made(home, "Plain", "--installer", iso, "--firmware", "bios", "--memory", "512M")
    has(xml, ">524288</memory>")
    assert "secure-boot" not in xml and "nvram" not in xml, xml
    ok("memory and firmware are the person's, if they say so")


def odd(home):
    _, said = made(home, "Odd", "--installer", medium(home, "odd.iso", "ODD", bootable=False))
    has(said, "does not look like a bootable CD")
    home.ctl("create", "No", "--installer", "none.iso", fails="none.iso")
    home.ctl("create", "No", "--installer", "odd.iso", "--cdrom", "odd.iso", fails="give one of them")
    home.ctl("create", "No", "--installer", "odd.iso", "--memory", "lots", fails="--memory lots: not a size")
    home.ctl("create", fails="Usage: vitrinectl create NAME")
    assert " No" not in home.ctl("list")
    ok("what does not look bootable is said; what cannot be is refused, and leaves nothing")


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-create-") as folder:
        home = Home(folder)
        for step in (unknown, recognized, odd):
            try:
                step(home)
            except (AssertionError, StopIteration, subprocess.SubprocessError) as problem:
                point(False, step.__name__, problem)
    plan()


if __name__ == "__main__":
    main()
