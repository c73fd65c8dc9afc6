# SPDX-License-Identifier: GPL-3.0-or-later
"""A private bus with a polkit that says what a test wants, and the helper of a tree on it."""
import os
import pathlib
import subprocess
import sys
import tempfile

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NAME, PATH = "org.vitrine.HostHelper1", "/org/vitrine/HostHelper1"
POLKIT = """<node><interface name='org.freedesktop.PolicyKit1.Authority'><method name='CheckAuthorization'>
<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/><arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>
<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/></method></interface></node>"""


def describe(root):
    """All files with what is in them, all links and folders: to be compared."""
    lines = []
    for folder, names, files in os.walk(root):
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            what = os.readlink(path) if os.path.islink(path) else "/" if os.path.isdir(path) else open(path, encoding="utf-8").read()
            lines.append(f"{os.path.relpath(path, root)}: {what}")
    return "\n".join(sorted(lines))


def make_tree(kind, folder):
    root = os.path.join(folder, kind)
    subprocess.run([sys.executable, HERE / "trees.py", kind, root], check=True)
    return root


class Bus:
    """dbus-daemon(1) for this test alone; DBUS_SESSION_BUS_ADDRESS is its address."""

    def __init__(self, *options):
        self.daemon = subprocess.Popen(["dbus-daemon", *(options or ["--session"]), "--nofork", "--print-address"], stdout=subprocess.PIPE,
                                       text=True)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = self.daemon.stdout.readline().strip()
        os.environ["VITRINE_HOST_HELPER_BUS"] = "session"
        self.connection = self.connect()
        self.helper = None
        self.asked = []
        self.allow = True

    @staticmethod
    def connect():
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        return Gio.DBusConnection.new_for_address_sync(os.environ["DBUS_SESSION_BUS_ADDRESS"], flags, None, None)

    def add_polkit(self):
        interface = Gio.DBusNodeInfo.new_for_xml(POLKIT).interfaces[0]
        self.polkit = self.connect()
        self.polkit.register_object("/org/freedesktop/PolicyKit1/Authority", interface, self.check_authorization, None, None)
        Gio.bus_own_name_on_connection(self.polkit, "org.freedesktop.PolicyKit1", Gio.BusNameOwnerFlags.NONE, None, None)

    def check_authorization(self, _connection, _sender, _path, _interface, _method, parameters, invocation):
        subject, action, _details, flags, _cancel = parameters.unpack()
        self.asked.append((subject, action, flags))
        invocation.return_value(GLib.Variant("((bba{ss}))", ((self.allow, False, {}),)))

    def start_helper(self, program, root, *options):
        """Awaits its name on the bus."""
        self.stop_helper()
        self.helper = subprocess.Popen([program, "--root", root, *options])
        self.spin(lambda: self.has_owner(NAME) or self.helper.poll() is not None)

    def stop_helper(self):
        if self.helper:
            self.helper.terminate()
            self.helper.wait()
            self.spin(lambda: not self.has_owner(NAME))
        self.helper = None

    def update_activation(self, **variables):
        """What programs that the bus starts find in their environment."""
        self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "UpdateActivationEnvironment",
                                  GLib.Variant("(a{ss})", (variables,)), None, Gio.DBusCallFlags.NONE, -1, None)

    def has_owner(self, name):
        answer = self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                                           GLib.Variant("(s)", (name,)), None, Gio.DBusCallFlags.NONE, -1, None)
        return answer.unpack()[0]

    @staticmethod
    def spin(condition, seconds=20):
        """Runs the main loop, as polkit is in this process, until @condition holds."""
        end = GLib.get_monotonic_time() + seconds * 1000000
        GLib.timeout_add(20, lambda: True)
        while not condition() and GLib.get_monotonic_time() < end:
            GLib.MainContext.default().iteration(True)
        return condition()

    def call(self, method, signature, *arguments):
        """None, or the error as "Denied: words"."""
        result = []

        def called(connection, answer):
            try:
                connection.call_finish(answer)
                result.append(None)
            except GLib.Error as error:
                name = Gio.DBusError.get_remote_error(error) or ""
                result.append(f"{name.rsplit('.', 1)[-1]}: {error.message.removeprefix(f'GDBus.Error:{name}: ')}")
        self.connection.call(NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, 20000, None,
                             called)
        self.spin(lambda: result)
        return result[0] if result else "no answer"

    def close(self):
        self.stop_helper()
        self.daemon.terminate()
        self.daemon.wait()


def temporary():
    return tempfile.TemporaryDirectory(prefix="vitrine-passthrough-")
