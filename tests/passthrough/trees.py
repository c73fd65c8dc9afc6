#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a folder that looks like the /sys and /proc of a computer: trees.py KIND FOLDER.

Everything in these trees is of our own making; names of devices are those of pci.ids. A device that its kernel would give to a driver
by itself has that driver's name in "default_driver", which no real one has: src/passthrough/fake-kernel.c reads it.
"""
import pathlib
import sys


class Tree:
    """Files, links and programs under a root."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)

    def file(self, path, text=""):
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(f"{text}\n", encoding="utf-8")

    def folder(self, path):
        (self.root / path).mkdir(parents=True, exist_ok=True)

    def link(self, path, target):
        """A relative link, as sysfs has them; @target is relative to the root."""
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * (len(pathlib.PurePosixPath(path).parts) - 1)
        full.symlink_to(up + target)

    def program(self, path, script):
        self.file(path, script)
        (self.root / path).chmod(0o755)


PCI_IDS = """\
10de  NVIDIA Corporation
\t10f9  TU106 High Definition Audio Controller
\t1ada  TU106 USB 3.1 Host Controller
\t1adb  TU106 USB Type-C UCSI Controller
\t1f02  TU106 [GeForce RTX 2070]
\t\t1043 8673  TURBO RTX 2070
144d  Samsung Electronics Co Ltd
\ta808  NVMe SSD Controller SM981/PM981/PM983
15b3  Mellanox Technologies
\t1016  MT27710 Family [ConnectX-4 Lx Virtual Function]
\t1017  MT27800 Family [ConnectX-5]
1af4  Red Hat, Inc.
\t1000  Virtio network device
\t1001  Virtio block device
8086  Intel Corporation
\t1520  I350 Ethernet Controller Virtual Function
\t1521  I350 Gigabit Network Connection
\t1901  6th-10th Gen Core Processor PCIe Controller (x16)
\t3e92  CoffeeLake-S GT2 [UHD Graphics 630]
\t3ec2  8th Gen Core Processor Host Bridge/DRAM Registers
\ta305  Z390 Chipset LPC/eSPI Controller
\ta348  Cannon Lake PCH cAVS
\ta330  Cannon Lake PCH PCI Express Root Port #9
C 01  Mass storage controller
\t08  Non-Volatile memory controller
\t\t02  NVM Express
C 02  Network controller
\t00  Ethernet controller
C 03  Display controller
\t00  VGA compatible controller
C 04  Multimedia controller
\t03  Audio device
C 06  Bridge
\t00  Host bridge
\t01  ISA bridge
\t04  PCI bridge
C 0c  Serial bus controller
\t03  USB controller
\t80  Serial bus controller"""


class Pci:
    """The PCI devices of a tree."""

    def __init__(self, tree, iommu=True):
        self.tree, self.iommu = tree, iommu
        tree.file("sys/bus/pci/drivers_probe")
        tree.file("usr/share/misc/pci.ids", PCI_IDS)

    def driver(self, name):
        self.tree.file(f"sys/bus/pci/drivers/{name}/bind")
        self.tree.file(f"sys/bus/pci/drivers/{name}/unbind")

    def device(self, address, parent, code, ids, driver=None, group=None, default=None, **attributes):
        """@parent: the folder above, "pci0000:00" or a bridge's; returns this one's own."""
        path = f"sys/devices/{parent}/{address}"
        vendor, product = ids.split(":")
        for name, value in {"class": f"0x{code}", "vendor": f"0x{vendor}", "device": f"0x{product}",
                            "driver_override": "(null)", **attributes}.items():
            self.tree.file(f"{path}/{name}", value)
        self.tree.link(f"sys/bus/pci/devices/{address}", path)
        if default or driver:
            self.tree.file(f"{path}/default_driver", default or driver)
        if driver:
            self.driver(driver)
            self.tree.link(f"{path}/driver", f"sys/bus/pci/drivers/{driver}")
            self.tree.link(f"sys/bus/pci/drivers/{driver}/{address}", path)
        if self.iommu and group is not None:
            self.tree.link(f"{path}/iommu_group", f"sys/kernel/iommu_groups/{group}")
            self.tree.link(f"sys/kernel/iommu_groups/{group}/devices/{address}", path)
        return f"{parent}/{address}"


def interface(tree, name, above, lower=None):
    """A network interface of a device, or one that stands on others."""
    path = f"sys/devices/{above}/net/{name}" if above else f"sys/devices/virtual/net/{name}"
    tree.file(f"{path}/address", "52:54:00:00:00:01")
    tree.link(f"sys/class/net/{name}", path)
    if above:
        tree.link(f"{path}/device", f"sys/devices/{above}")
    for other in lower or []:
        tree.link(f"{path}/lower_{other}", f"sys/class/net/{other}")


def disk(tree, name, above, number, partitions=0):
    """A block device with partitions, by name and number."""
    path = f"sys/devices/{above}/block/{name}" if above else f"sys/devices/virtual/block/{name}"
    major, minor = number.split(":")
    for part in range(partitions + 1):
        own = name if part == 0 else f"{name}p{part}"
        folder = path if part == 0 else f"{path}/{own}"
        tree.file(f"{folder}/dev", f"{major}:{int(minor) + part}")
        tree.link(f"sys/dev/block/{major}:{int(minor) + part}", folder)
        tree.link(f"sys/class/block/{own}", folder)
    return path


def cpu(tree, vendor, command_line, tables):
    tree.file("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu vmx")
    tree.file("proc/cmdline", f"BOOT_IMAGE=/vmlinuz root=/dev/mapper/host-root {command_line}".rstrip())
    tree.file("proc/sys/kernel/osrelease", "6.1.0-test-amd64")
    tree.file("lib/modules/6.1.0-test-amd64/kernel/drivers/vfio/pci/vfio-pci.ko")
    tree.program("usr/sbin/modprobe", "#!/bin/sh\nexit 0")
    for table in tables:
        tree.file(f"sys/firmware/acpi/tables/{table}")


def processes(tree):
    """Routes, mounts and swap space: the network is on br0 over the first port, / on a volume group on the first NVMe disk."""
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask"
    tree.file("proc/net/route", f"{head}\nbr0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\nbr0\t0001A8C0\t00000000\t0001\t0\t0\t0"
                                "\t00FFFFFF")
    tree.file("proc/net/ipv6_route", " ".join(["0" * 32, "00", "0" * 32, "00", "f" * 32, "00000400", "1", "0", "00000003", "br0"]))
    tree.file("proc/self/mountinfo",
              "22 28 0:21 / /sys rw - sysfs sysfs rw\n28 1 253:0 / / rw,relatime - ext4 /dev/mapper/host-root rw\n"
              "30 28 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw")
    tree.file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1                              partition\t999420\t0\t-2")
    for number, name in enumerate(["host-root", "host-swap"]):
        path = f"sys/devices/virtual/block/dm-{number}"
        tree.file(f"{path}/dm/name", name)
        tree.link(f"sys/dev/block/253:{number}", path)
        tree.link(f"sys/class/block/dm-{number}", path)
        tree.link(f"{path}/slaves/nvme0n1p2", "sys/class/block/nvme0n1p2")


def pc_devices(tree, iommu):
    pci = Pci(tree, iommu)
    top = "pci0000:00"
    pci.device("0000:00:00.0", top, "060000", "8086:3ec2", group=0)
    gpu = pci.device("0000:00:01.0", top, "060400", "8086:1901", "pcieport", group=1)
    pci.device("0000:01:00.0", gpu, "030000", "10de:1f02", "nouveau", group=1, boot_vga="0")
    pci.device("0000:01:00.1", gpu, "040300", "10de:10f9", "snd_hda_intel", group=1)
    pci.device("0000:01:00.2", gpu, "0c0330", "10de:1ada", "xhci_hcd", group=1)
    pci.device("0000:01:00.3", gpu, "0c8000", "10de:1adb", group=1)
    pci.device("0000:00:02.0", top, "030000", "8086:3e92", "i915", group=2, boot_vga="1")
    pci.device("0000:00:1f.0", top, "060100", "8086:a305", "lpc_ich", group=8)
    pci.device("0000:00:1f.3", top, "040300", "8086:a348", "snd_hda_intel", group=8)
    port = pci.device("0000:00:1d.0", top, "060400", "8086:a330", "pcieport", group=9)
    root = pci.device("0000:02:00.0", port, "010802", "144d:a808", "nvme", group=10)
    disk(tree, "nvme0n1", f"{root}/nvme/nvme0", "259:0", 2)
    port = pci.device("0000:00:1d.1", top, "060400", "8086:a330", "pcieport", group=11)
    first = pci.device("0000:03:00.0", port, "020000", "8086:1521", "igb", group=12, sriov_totalvfs="7", sriov_numvfs="2")
    second = pci.device("0000:03:00.1", port, "020000", "8086:1521", "igb", group=13, sriov_totalvfs="7", sriov_numvfs="0")
    for number, address in enumerate(["0000:03:10.0", "0000:03:10.4"]):
        virtual = pci.device(address, port, "020000", "8086:1520", "igbvf", group=14 + number)
        tree.link(f"sys/devices/{virtual}/physfn", f"sys/devices/{first}")
        tree.link(f"sys/devices/{first}/virtfn{number}", f"sys/devices/{virtual}")
        interface(tree, f"enp3s0f0v{number}", virtual)
    interface(tree, "enp3s0f0", first)
    interface(tree, "enp3s0f1", second)
    interface(tree, "br0", None, ["enp3s0f0"])
    port = pci.device("0000:00:1d.2", top, "060400", "8086:a330", "pcieport", group=16)
    spare = pci.device("0000:04:00.0", port, "010802", "144d:a808", "nvme", group=17)
    disk(tree, "nvme1n1", f"{spare}/nvme/nvme1", "259:3")
    port = pci.device("0000:00:1d.3", top, "060400", "8086:a330", "pcieport", group=18)
    pci.device("0000:05:00.0", port, "020000", "15b3:1017", "vfio-pci", group=19, default="mlx5_core", driver_override="vfio-pci")
    pci.driver("mlx5_core")
    return pci


def make_pc(tree):
    """A PC with an IOMMU: a graphics card of four functions, two network ports with virtual ones, two NVMe disks."""
    cpu(tree, "GenuineIntel", "intel_iommu=on", ["DMAR"])
    processes(tree)
    pc_devices(tree, True)
    tree.file("sys/module/vfio_pci/refcnt", "0")
    tree.file("dev/vfio/vfio")


def make_pc_no_iommu(tree):
    """The same PC, with its IOMMU left off and vfio-pci not loaded."""
    cpu(tree, "GenuineIntel", "quiet", ["DMAR"])
    processes(tree)
    pc_devices(tree, False)
    for path in ["bind", "unbind", "0000:05:00.0"]:
        (tree.root / "sys/bus/pci/drivers/vfio-pci" / path).unlink()
    (tree.root / "sys/bus/pci/drivers/vfio-pci").rmdir()
    (tree.root / "sys/bus/pci/devices/0000:05:00.0/driver").unlink()
    tree.file("sys/bus/pci/devices/0000:05:00.0/driver_override", "(null)")


KINDS = {"pc": make_pc, "pc-no-iommu": make_pc_no_iommu}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: trees.py {'|'.join(KINDS)} FOLDER")
    KINDS[sys.argv[1]](Tree(sys.argv[2]))


if __name__ == "__main__":
    main()
