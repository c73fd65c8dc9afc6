#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""vhdx_log.py FILE...: gives VHDX files logs that nobody has replayed ([MS-VHDX], 2.3), as a writer leaves them that lost its power; and cuts
them off behind their tables, so that a fuzzer takes them."""
import sys
from pathlib import Path

SECTOR, MIB = 4096, 1 << 20
HEADERS, REGIONS = (64 << 10, 128 << 10), 192 << 10
BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
GUID = bytes(range(1, 17))
STEPS = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    STEPS.append(value)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ STEPS[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def le(number, length):
    return number.to_bytes(length, "little")


def number_at(data, at, length=8):
    return int.from_bytes(data[at:at + length], "little")


def summed(data):
    """With its sum at 4."""
    data = bytearray(data)
    data[4:8] = bytes(4)
    data[4:8] = le(crc32c(data), 4)
    return bytes(data)


def zero(off, length):
    return ("zero", off, length)


def data(off, sector):
    assert len(sector) == SECTOR
    return ("data", off, sector)


def entry(number, tail, changes, flushed, last, guid=GUID):
    """tail: where in the log."""
    descriptors, sectors = b"", b""
    for kind, off, what in changes:
        if kind == "zero":
            descriptors += b"zero" + bytes(4) + le(what, 8) + le(off, 8) + le(number, 8)
        else:
            descriptors += b"desc" + what[-4:] + what[:8] + le(off, 8) + le(number, 8)
            sectors += b"data" + le(number >> 32, 4) + what[8:-4] + le(number & 0xffffffff, 4)
    describing = (64 + len(descriptors) + SECTOR - 1) // SECTOR * SECTOR
    header = b"loge" + bytes(4) + le(describing + len(sectors), 4) + le(tail, 4) + le(number, 8) + le(len(changes), 4) + bytes(4) \
        + guid + le(flushed, 8) + le(last, 8)
    return summed((header + descriptors).ljust(describing, b"\0") + sectors)


class Vhdx:
    """A file's bytes, and where its parts are."""

    def __init__(self, path):
        self.path, self.bytes = Path(path), bytearray(Path(path).read_bytes())
        newest = max(HEADERS, key=lambda at: number_at(self.bytes, at + 8))
        self.log_at, self.log_bytes = number_at(self.bytes, newest + 72), number_at(self.bytes, newest + 68, 4)
        self.size = len(self.bytes)
        entries = [REGIONS + 16 + 32 * i for i in range(number_at(self.bytes, REGIONS + 8, 4))]
        self.bat_at = next(number_at(self.bytes, at + 16) for at in entries if self.bytes[at:at + 16] == BAT)

    def sector(self, off):
        return bytes(self.bytes[off:off + SECTOR]).ljust(SECTOR, b"\0")

    def set_headers(self, guid=GUID, **numbers):
        """numbers: log_bytes, log_offset, log_version"""
        places = {"log_version": (64, 2), "log_bytes": (68, 4), "log_offset": (72, 8)}
        for at in HEADERS:
            header = bytearray(self.bytes[at:at + SECTOR])
            header[48:64] = guid
            for name, number in numbers.items():
                where, length = places[name]
                header[where:where + length] = le(number, length)
            self.bytes[at:at + SECTOR] = summed(header)

    def put(self, at, what):
        """In the ring; returns where the next entry begins."""
        for i, byte_at in enumerate(range(at, at + len(what), SECTOR)):
            place = self.log_at + byte_at % self.log_bytes
            self.bytes[place:place + SECTOR] = what[i * SECTOR:(i + 1) * SECTOR]
        return (at + len(what)) % self.log_bytes

    def write(self, path=None):
        Path(path or self.path).write_bytes(self.bytes)


def main():
    for path in sys.argv[1:]:
        vhdx, size = Vhdx(path), 4 * MIB
        vhdx.set_headers()
        at = vhdx.put(0, entry(7, 0, [zero(size - 4 * SECTOR, 2 * SECTOR), data(vhdx.bat_at, vhdx.sector(vhdx.bat_at))], size, size))
        at = vhdx.put(at, entry(8, 0, [data(size, b"new " * 1024)], size, size + 16 * MIB))
        vhdx.put(at, entry(9, 0, [zero(0, SECTOR)], size, size)[:-1] + b"?")
        del vhdx.bytes[size:]
        vhdx.write()


if __name__ == "__main__":
    main()
