# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of which every pixel tells where it is, and how large the picture is: what is blurred, scaled, shifted or of another
size is found. The test card (src/backend/fake) and a guest (monitor-guest.c) draw the same."""
import subprocess

from desktop import Missing


def expected(width, height):
    """Rows of RGB bytes."""
    red = bytes((x * 7 + width) & 0xff for x in range(width))
    blue = [bytes((x ^ y) & 0xff for x in range(width)) for y in range(256)]
    rows = []
    for y in range(height):
        row = bytearray(3 * width)
        row[0::3] = red
        row[1::3] = bytes([(y * 5 + height) & 0xff]) * width
        # x ^ y, of which only eight bits count.
        row[2::3] = blue[y & 0xff]
        rows.append(bytes(row))
    return rows


def screen_part(x, y, width, height):
    """What is seen on the X screen there, as rows of RGB bytes."""
    raw = subprocess.run(["import", "-window", "root", "-crop", f"{width}x{height}+{x}+{y}", "+repage", "-depth", "8", "rgb:-"],
                         stdout=subprocess.PIPE, check=True).stdout
    if len(raw) != 3 * width * height:
        raise Missing(f"only a part of {width}x{height}+{x}+{y} is on the screen")
    return [raw[i * 3 * width:(i + 1) * 3 * width] for i in range(height)]


def differences(canvas, scale, size=None):
    """Pixels of a widget, given as rectangle in its own pixels, that are not the pattern's of that many device pixels."""
    x, y, width, height = (scale * value for value in canvas)
    if size is not None and size != (width, height):
        return width * height
    seen = screen_part(x, y, width, height)
    return sum(one[3 * i:3 * i + 3] != other[3 * i:3 * i + 3] for one, other in zip(seen, expected(width, height)) if one != other
               for i in range(width))


def same(canvas, scale):
    """Is what is seen of a widget the pattern, in as many pixels as the widget has on the monitor?"""
    x, y, width, height = (scale * value for value in canvas)
    return screen_part(x, y, width, height) == expected(width, height)
