#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""polkit.py [no]: a polkit on the session bus that says yes, or no, until it is killed."""
import sys

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from bus import POLKIT  # noqa: E402


def check(_connection, _sender, _path, _interface, _method, _parameters, invocation):
    invocation.return_value(GLib.Variant("((bba{ss}))", ((sys.argv[1:] != ["no"], False, {}),)))


bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
bus.register_object("/org/freedesktop/PolicyKit1/Authority", Gio.DBusNodeInfo.new_for_xml(POLKIT).interfaces[0], check, None, None)
Gio.bus_own_name_on_connection(bus, "org.freedesktop.PolicyKit1", Gio.BusNameOwnerFlags.NONE, None, None)
GLib.MainLoop().run()
