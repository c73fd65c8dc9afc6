# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the text of a VGA text mode from a screenshot: the glyphs are those of the video BIOS, so comparing is exact."""
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

VIDEO_BIOS = Path("/usr/share/seabios/vgabios-stdvga.bin")
GLYPH_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")     # 8 x 16 capital A of the IBM VGA font
CELL_HEIGHT = 16


def read_png(path):
    """Width, height, rows of (r, g, b) as bytes; 8-bit RGB or RGBA, not interlaced."""
    data = Path(path).read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG file")
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    if depth != 8 or colour not in (2, 6):
        raise ValueError(f"PNG of depth {depth}, type {colour}")
    pixel = 3 if colour == 2 else 4
    return width, height, [strip_alpha(row, pixel) for row in unfilter(zlib.decompress(packed), width * pixel, pixel)]


def strip_alpha(row, pixel):
    if pixel == 3:
        return bytes(row)
    out = bytearray(len(row) // 4 * 3)
    for channel in range(3):
        out[channel::3] = row[channel::4]
    return bytes(out)


def paeth(left, up, corner):
    estimate = left + up - corner
    distances = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    return (left, up, corner)[distances.index(min(distances))]


def unfilter(data, stride, pixel):
    previous, rows = bytearray(stride), []
    for start in range(0, len(data), stride + 1):
        kind, row = data[start], bytearray(data[start + 1:start + 1 + stride])
        if kind:
            for i in range(stride):
                left = row[i - pixel] if i >= pixel else 0
                up, corner = previous[i], previous[i - pixel] if i >= pixel else 0
                row[i] = (row[i] + (left, up, (left + up) // 2, paeth(left, up, corner))[kind - 1]) & 0xFF
        rows.append(row)
        previous = row
    return rows


def load_font():
    rom = VIDEO_BIOS.read_bytes()
    start = rom.index(GLYPH_A) - ord("A") * CELL_HEIGHT
    glyphs = {}
    for code in range(255, -1, -1):
        glyph = rom[start + code * CELL_HEIGHT:start + (code + 1) * CELL_HEIGHT]
        glyphs[glyph] = bytes([code]).decode("cp437") if code >= 32 else " "
    glyphs[bytes(CELL_HEIGHT)] = " "
    return glyphs


def cell_bits(rows, x, y):
    """The 8 x 16 pixels of a cell as bits: set where the colour is not the most common one."""
    pixels = [rows[y + line][3 * (x + column):3 * (x + column) + 3] for line in range(CELL_HEIGHT) for column in range(8)]
    background = Counter(pixels).most_common(1)[0][0]
    return bytes(sum((pixels[8 * line + column] != background) << (7 - column) for column in range(8))
                 for line in range(CELL_HEIGHT))


def screen_text(path):
    """The text of a screenshot, line by line; cells that are no glyph of the font become '?'."""
    width, height, rows = read_png(path)
    cell_width = 9 if width % 9 == 0 and width % 80 == 0 else 8
    glyphs, lines = load_font(), []
    for y in range(0, height - CELL_HEIGHT + 1, CELL_HEIGHT):
        line = ""
        for x in range(0, width - cell_width + 1, cell_width):
            bits = cell_bits(rows, x, y)
            line += glyphs.get(bits) or glyphs.get(bytes(b ^ 0xFF for b in bits), "?")
        lines.append(line.rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    print(screen_text(sys.argv[1]))
