# SPDX-License-Identifier: GPL-3.0-or-later
"""The pointer as the X server shows it now: XFixesGetCursorImage, for which there is no program."""
import ctypes


class Image(ctypes.Structure):
    _fields_ = [("x", ctypes.c_short), ("y", ctypes.c_short), ("width", ctypes.c_ushort), ("height", ctypes.c_ushort),
                ("hot_x", ctypes.c_ushort), ("hot_y", ctypes.c_ushort), ("serial", ctypes.c_ulong),
                ("pixels", ctypes.POINTER(ctypes.c_ulong)), ("atom", ctypes.c_ulong), ("name", ctypes.c_char_p)]


def cursor():
    """Width, height, hot spot, and ARGB pixels."""
    x11, fixes = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXfixes.so.3")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    fixes.XFixesGetCursorImage.restype = ctypes.POINTER(Image)
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    try:
        image = fixes.XFixesGetCursorImage(display).contents
        pixels = [image.pixels[i] & 0xffffffff for i in range(image.width * image.height)]
        return image.width, image.height, (image.hot_x, image.hot_y), pixels
    finally:
        x11.XCloseDisplay(display)
